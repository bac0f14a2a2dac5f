"""`energy`: what a device draws and has used, now and in hours, days and months past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.facts import in_json, print_facts
from tapo_automate.cli.info import if_it_can, minutes, watt_hours
from tapo_automate.cli.one_device import one_device, opened, print_json
from tapo_automate.cli.options import load_book
from tapo_automate.cli.when import YEARS, instant_of, utc_now, with_offset

if TYPE_CHECKING:
    from tapo_automate.rules.model import Site
    from tapo_automate.wire.commands.asking import Asked
    from tapo_automate.wire.commands.energy_data import EnergyInterval, EnergySlot, PowerData

MOST_QUESTIONS = 8  # of a quarter or a year each: two years by the day
_INTERVALS: dict[str, EnergyInterval] = {"hours": 60, "days": 1440, "months": 43_200}
_STARTS = {"hours": "%Y-%m-%d %H:%M", "days": "%Y-%m-%d", "months": "%Y-%m"}


@click.command()
@one_device
@click.option("--hours", is_flag=True, help="By the hour; today, or up to 8 days.")
@click.option("--days", is_flag=True, help="By the day; the last 30, or as long as you say.")
@click.option("--months", is_flag=True, help="By the month; this year, or as long as you say.")
@click.option("--power", is_flag=True, help="Watts, every 5 minutes of 12 hours or every hour of 6 days.")
@click.option("--from", "first", metavar="DATE", help="The first day; with --power a time, too.")
@click.option("--to", "last", metavar="DATE", help="The last day, included; with --power a time, which is not.")
def energy(
    device: str,
    rules: tuple[str, ...],
    credentials: Path | None,
    as_json: bool,
    first: str | None,
    last: str | None,
    **spans: bool,
) -> None:
    """Show what a device, or the socket of a strip, draws now and has used.

    \b
    energy heater                          now, today and this month
    energy heater --hours                  hour by hour, today
    energy heater --days --from 2026-10-01 day by day, up to today
    energy heater --power                  watts, every five minutes of the last twelve hours

    Days and months are those of the device's own time zone.
    """
    asked_for = [name for name, given in spans.items() if given]
    if len(asked_for) > 1:
        raise click.UsageError("--hours, --days, --months and --power go one at a time")
    span = asked_for[0] if asked_for else None
    if span is None and (first or last):
        raise click.UsageError("--from and --to go with --hours, --days, --months or --power")
    if span is None:
        with opened(device, rules, credentials) as asked:
            row = _summary(asked)
        if as_json:
            print_json({"device": device, **in_json(row)})
        else:
            print_facts(_facts(row))
    elif span == "power":
        start, end = _instants(first, last, load_book(rules).site)
        with opened(device, rules, credentials) as asked:
            _print_power(device, _power(asked, start, end), as_json=as_json)
    else:
        days = _day(first, "--from"), _day(last, "--to")
        with opened(device, rules, credentials) as asked:
            slots = list(_slots(asked, span, *days))
        _print_slots(device, span, slots, as_json=as_json)


def _summary(asked: Asked) -> dict[str, Any]:
    """Return what the device says of now, today and this month, as far as it has it, by the names of the JSON."""
    from tapo_automate.wire.commands.energy import (
        get_current_power,
        get_emeter_data,
        get_energy_usage,
        get_max_power,
    )

    used = get_energy_usage(asked)
    measured, built_for = if_it_can(get_emeter_data, asked), if_it_can(get_max_power, asked)
    power_w = measured.power_w if measured else used.power_w
    if power_w is None and (whole := if_it_can(get_current_power, asked)):
        power_w = whole.power_w
    row = {
        "power_w": power_w,
        "voltage_v": measured.voltage_v if measured else None,
        "current_a": measured.current_a if measured else None,
        "max_power_w": built_for.power_w if built_for else None,
    }
    return {**in_json(used), **row}


def _facts(row: dict[str, Any]) -> list[tuple[str, str | None]]:
    def amount(name: str, unit: str) -> str | None:
        return None if row[name] is None else f"{row[name]:g} {unit}"

    return [
        ("now", amount("power_w", "W")),
        ("voltage", amount("voltage_v", "V")),
        ("current", amount("current_a", "A")),
        ("built for", amount("max_power_w", "W")),
        ("today", f"{watt_hours(row['today_wh'])}, on for {minutes(row['today_on_min'])}"),
        ("this month", f"{watt_hours(row['month_wh'])}, on for {minutes(row['month_on_min'])}"),
        ("its clock", row["local_time"].replace("T", " ")),
    ]


def _day(text: str | None, option: str) -> dt.date | None:
    if text is None:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} {text!r} is not a date such as 2026-11-22") from None
    if day.year not in YEARS:
        raise click.UsageError(f"{option} {text!r}: the year must be from {YEARS[0]} to {YEARS[-1]}")
    return day


def _slots(asked: Asked, span: str, first: dt.date | None, last: dt.date | None) -> Iterator[EnergySlot]:
    """Give what was used in a span of the device's days, both ends included; without them, the usual one to today."""
    from tapo_automate.wire.commands.clock import zone_of
    from tapo_automate.wire.commands.energy_data import energy_fault, get_energy_data

    end = f"--to {last}"
    if last is None:
        clock, zone = zone_of(asked)
        last = clock.at.astimezone(zone).date()
        end = f"its today, {last},"
    if first is None:
        first = {"hours": last, "days": last - dt.timedelta(days=29), "months": last.replace(month=1, day=1)}[span]
    if last < first:
        raise click.UsageError(f"{end} is before --from {first}")
    if span == "months":
        first = first.replace(day=1)
    interval = _INTERVALS[span]
    if span == "hours":
        if problem := energy_fault(interval, first, last):
            raise click.UsageError(problem)
        yield from get_energy_data(asked, interval, first, last).slots
        return
    for begins in _periods(span, first, last):
        for slot in get_energy_data(asked, interval, begins).slots:
            if first <= slot.start.date() <= last:
                yield slot


def _periods(span: str, first: dt.date, last: dt.date) -> list[dt.date]:
    """Return where the quarters, or years, begin of which a device has to be asked.  Raises click.UsageError."""
    from tapo_automate.wire.commands.energy_data import quarter_of

    if span == "months":
        begins = [dt.date(year, 1, 1) for year in range(first.year, last.year + 1)]
    else:
        quarters = (dt.date(year, month, 1) for year in range(first.year, last.year + 1) for month in (1, 4, 7, 10))
        begins = [each for each in quarters if quarter_of(first) <= each <= last]
    if len(begins) > MOST_QUESTIONS:
        most = f"{MOST_QUESTIONS} {'years' if span == 'months' else 'quarters'}"
        raise click.UsageError(f"{first} to {last} by {span} is too long: {most} at a time")
    return begins


def _instants(first: str | None, last: str | None, site: Site) -> tuple[dt.datetime, dt.datetime]:
    end = instant_of(last, site, "--to") if last else utc_now()
    start = instant_of(first, site, "--from") if first else end - dt.timedelta(hours=12)
    return start, end


def _power(asked: Asked, start: dt.datetime, end: dt.datetime) -> PowerData:
    from tapo_automate.wire.commands.energy_data import get_power_data, power_fault

    if not power_fault(5, start, end):
        return get_power_data(asked, 5, start, end)
    if problem := power_fault(60, start, end):
        raise click.UsageError(problem)
    return get_power_data(asked, 60, start, end)


def _print_slots(device: str, span: str, slots: list[EnergySlot], *, as_json: bool) -> None:
    total_wh = sum(slot.energy_wh or 0 for slot in slots)
    if as_json:
        rows = [{"start": with_offset(slot.start), "energy_wh": slot.energy_wh} for slot in slots]
        print_json({"device": device, "interval_min": _INTERVALS[span], "slots": rows, "total_wh": total_wh})
        return
    known = [slot for slot in slots if slot.energy_wh is not None]
    print_facts((f"{slot.start:{_STARTS[span]}}", watt_hours(slot.energy_wh or 0)) for slot in known)
    click.echo(f"total: {watt_hours(total_wh)}")


def _print_power(device: str, told: PowerData, *, as_json: bool) -> None:
    if as_json:
        rows = [{"start": with_offset(each.start), "power_w": each.power_w} for each in told.readings]
        print_json({"device": device, "interval_min": told.interval_min, "readings": rows})
        return
    for each in told.readings:
        said = "no data" if each.power_w is None else f"{each.power_w:g} W"
        click.echo(f"{each.start:%Y-%m-%d %H:%M}  {said}")
