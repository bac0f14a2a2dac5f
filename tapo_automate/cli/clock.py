"""`clock`: what time it is to a device, and setting it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.facts import in_json, print_facts
from tapo_automate.cli.one_device import dry_run_option, one_device, opened, print_json
from tapo_automate.cli.options import load_book
from tapo_automate.errors import BadSetting
from tapo_automate.rules.durations import spell

if TYPE_CHECKING:
    from tapo_automate.wire.commands.clock import DeviceTime

WRONG_S = 60  # rows of a schedule have whole minutes


@click.command()
@one_device
@click.option("--set", "set_it", is_flag=True, help="Set it by this computer's clock.")
@click.option("--zone", metavar="NAME", help="With --set: its zone, such as Europe/Berlin.  [default: the site's]")
@dry_run_option
def clock(
    device: str,
    rules: tuple[str, ...],
    credentials: Path | None,
    as_json: bool,
    set_it: bool,
    zone: str | None,
    dry_run: bool,
) -> None:
    """Show what time it is to a device, and by how much that is off; or set it.

    Its rules and its meter go by it.  Of the socket of a strip it is the strip's.
    """
    from tapo_automate.wire.commands.clock import get_device_time, set_device_time

    if not set_it and (zone is not None or dry_run):
        raise click.UsageError("--zone and --dry-run go with --set")
    name = zone or load_book(rules).site.timezone.key
    if set_it:
        check_zone(name)
    with opened(device, rules, credentials) as asked:
        told = get_device_time(asked)
        row = {"device": device, **_row(told, _now())}
        if set_it and not dry_run:
            set_device_time(asked, _now(), name)
            told = get_device_time(asked)
            row |= _row(told, _now())
    if set_it:
        row |= {"zone": name, "done": not dry_run}
    if as_json:
        print_json(row)
    elif set_it and dry_run:
        click.echo(f"would set {device} by this computer's clock, in {name}; now it is {_off(told, row['off_s'])}")
    else:
        print_facts(_facts(told, row["off_s"]))
        if told.lost or abs(row["off_s"]) >= WRONG_S:
            click.echo(f"its rules and its meter go by that clock: `clock {device} --set` sets it", err=True)


def check_zone(name: str) -> None:
    """Refuse a name that is none before any device is asked.  Raises click.UsageError."""
    from tapo_automate.wire.commands.clock import standard_offset_min

    try:
        standard_offset_min("", _now(), name)
    except BadSetting as error:
        raise click.UsageError(error.problem) from None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _row(told: DeviceTime, now: dt.datetime) -> dict[str, Any]:
    return {**in_json(told), "off_s": round((told.at - now).total_seconds(), 1) + 0.0}  # no -0.0


def _facts(told: DeviceTime, off_s: float) -> list[tuple[str, str | None]]:
    zone = told.zone
    local = told.at.astimezone(zone) if zone else told.at
    return [
        ("its clock", f"{local:%Y-%m-%d %H:%M:%S}{'' if zone else ' UTC'}"),
        ("its zone", told.region or "none, and so no summer time"),
        ("winter", None if told.standard_offset_min is None else f"{told.standard_offset_min:+} min from UTC"),
        ("it is", _off(told, off_s)),
    ]


def _off(told: DeviceTime, off_s: float) -> str:
    """Say how far a clock is off; devices tell whole seconds, and an answer takes a while."""
    if told.lost:
        return "lost: it has not been set since the device was without power"
    if abs(off_s) < 2:
        return "right"
    return f"{spell(round(abs(off_s)))} {'ahead' if off_s > 0 else 'behind'}"
