"""`info` and `usage`: what a device is, how it is, and how it has been used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from tapo_automate.cli.facts import in_json, print_facts, show_private_option
from tapo_automate.cli.one_device import one_device, opened, print_json
from tapo_automate.errors import Busy, Refused, Unsupported

if TYPE_CHECKING:
    from tapo_automate.wire.commands.asking import Asked
    from tapo_automate.wire.commands.info import DeviceInfo
    from tapo_automate.wire.commands.usage import Spans

PRIVATE = ("ssid", "latitude_deg", "longitude_deg")
_SPANS = ("TODAY", "7 DAYS", "30 DAYS")

Answer = TypeVar("Answer")


@click.command()
@one_device
@show_private_option("where it is, its Wi-Fi, and what pairs it as a Matter device,")
def info(device: str, rules: tuple[str, ...], credentials: Path | None, as_json: bool, show_private: bool) -> None:
    """Show what a device, or the socket of a strip, is and how it is.

    Its place, its Wi-Fi and its pairing code are shown with --show-private alone: think of who reads what you paste.
    """
    from tapo_automate.wire.commands.components import component_nego
    from tapo_automate.wire.commands.info import get_device_info
    from tapo_automate.wire.commands.system import get_connect_cloud_state, get_matter_setup_info

    with opened(device, rules, credentials) as asked:
        told = get_device_info(asked)
        can = component_nego(asked).versions
        cloud = if_it_can(get_connect_cloud_state, asked)
        pairing = if_it_can(get_matter_setup_info, asked) if show_private and "matter" in can else None
    if as_json:
        row = {"device": device, **in_json(told, () if show_private else PRIVATE)}
        row |= {"cloud": cloud.text if cloud else None, "components": dict(sorted(can.items()))}
        if show_private:
            row["matter"] = in_json(pairing)
        print_json(row)
        return
    facts = _facts(told)
    facts.append(("cloud", cloud.text if cloud else None))
    if show_private:
        facts += _private_facts(told)
        facts += [("pairing code", pairing.code), ("pairing payload", pairing.payload)] if pairing else []
    facts.append(("components", ", ".join(f"{name} {version}" for name, version in sorted(can.items()))))
    print_facts(facts)


@click.command()
@one_device
def usage(device: str, rules: tuple[str, ...], credentials: Path | None, as_json: bool) -> None:
    """Show for how long a device was on today, in 7 and in 30 days, and what that took.

    What some devices say there cannot be; it is left out.
    """
    from rich.table import Table

    from tapo_automate.cli.console import print_table
    from tapo_automate.wire.commands.usage import get_device_usage

    with opened(device, rules, credentials) as asked:
        told = get_device_usage(asked)
    if as_json:
        print_json({"device": device, **in_json(told)})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", *_SPANS):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("on", *_cells(told.on_min, minutes))
    if told.energy_wh:
        table.add_row("used", *_cells(told.energy_wh, watt_hours))
    if told.saved_wh:
        table.add_row("saved", *_cells(told.saved_wh, watt_hours))
    print_table(table)


def if_it_can(question: Callable[[Asked], Answer], asked: Asked) -> Answer | None:
    """Return the answer, or None where the device does not know the question or refuses it."""
    try:
        return question(asked)
    except Busy:
        raise
    except (Refused, Unsupported):
        return None


def minutes(value: float) -> str:
    """Return minutes as people say them.

    >>> minutes(54), minutes(1387)
    ('54 min', '23 h 7 min')
    """
    hours, left = divmod(round(value), 60)
    return f"{hours} h {left} min" if hours else f"{left} min"


def watt_hours(value: float) -> str:
    """Return Wh as people say them.

    >>> watt_hours(6.169), watt_hours(17), watt_hours(20345)
    ('6.169 Wh', '17 Wh', '20.345 kWh')
    """
    return f"{value / 1000:.3f} kWh" if value >= 1000 else f"{value:g} Wh"


def _cells(spans: Spans, spell: Callable[[float], str]) -> list[str]:
    return ["" if value is None else spell(value) for value in (spans.today, spans.past_7_days, spans.past_30_days)]


def _facts(told: DeviceInfo) -> list[tuple[str, str | None]]:
    return [
        ("model", " ".join(filter(None, (told.model, told.specs and f"({told.specs})")))),
        ("kind", told.kind),
        ("hardware", told.hardware),
        ("firmware", told.firmware),
        ("name", told.nickname),
        ("MAC", told.mac),
        ("address", told.ip),
        ("device id", told.device_id),
        ("state", _doing(told)),
        ("signal", _signal(told)),
        ("time zone", _zone(told)),
        ("heat", told.heat),
        ("overcurrent", told.current),
        ("power limit", told.power),
        ("charging", told.charging),
    ]


def _private_facts(told: DeviceInfo) -> list[tuple[str, str | None]]:
    place = None
    if told.latitude_deg is not None and told.longitude_deg is not None:
        north, east = told.latitude_deg, told.longitude_deg
        sides = "south" if north < 0 else "north", "west" if east < 0 else "east"
        place = f"{abs(north):.4f} {sides[0]}, {abs(east):.4f} {sides[1]}"
    return [("Wi-Fi", told.ssid), ("place", place or "not known to it")]


def _doing(told: DeviceInfo) -> str | None:
    if told.on is None:
        return None
    if not told.on:
        return "off"
    words = "on" if not told.on_for_s else f"on for {minutes(told.on_for_s / 60)}"
    return words if told.auto_off_left_s is None else f"{words}, turns itself off in {told.auto_off_left_s} s"


def _signal(told: DeviceInfo) -> str | None:
    level = None if told.signal is None else f"{told.signal} of 3"
    if told.signal_dbm is None:
        return level
    return f"{told.signal_dbm} dBm" if level is None else f"{level} ({told.signal_dbm} dBm)"


def _zone(told: DeviceInfo) -> str | None:
    if told.standard_offset_min is None:
        return told.region
    hours, left = divmod(abs(told.standard_offset_min), 60)
    offset = f"UTC{'-' if told.standard_offset_min < 0 else '+'}{hours:02}:{left:02}"
    return f"{told.region} ({offset} in winter)" if told.region else f"{offset}, without summer time"
