"""`fan`: how fast the fan of a switch turns."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import show, tell
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.fan import HIGHEST, LOWEST, Fan, get_fan, set_fan

_SPEEDS = [str(speed) for speed in range(LOWEST, HIGHEST + 1)]


@click.command()
@one_device
@click.argument("speed", required=False, type=click.Choice(["on", "off", *_SPEEDS]), metavar="[on|off|1|2|3|4]")
@click.option("--sleep/--no-sleep", default=None, help="Whether it slows down by itself for the night.")
@dry_run_option
def fan(device: str, speed: str | None, sleep: bool | None, **options: Any) -> None:
    """Show or set how fast a fan turns.

    \b
    fan switch/fan       show it
    fan switch/fan 3     turn it on at this speed, of 1 to 4
    fan switch/fan off   turn it off; "on" brings it back as it was
    """
    if speed is None and sleep is None:
        show(device, lambda asked: _told(get_fan(asked)), **options)
        return
    level = int(speed) if speed in _SPEEDS else None
    on = None if speed is None else speed != "off"

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_fan(asked, level, on=on, sleep=sleep)
        words = [] if speed is None else [f"fan {speed}" if level is None else f"fan on at speed {level}"]
        words += [] if sleep is None else [_sleep(sleep)]
        return ", ".join(words), {"on": on, "speed": level, "sleep": sleep}

    tell(device, do, **options)


def _told(found: Fan) -> tuple[str, dict[str, Any]]:
    words = f"fan on at speed {found.speed}" if found.on else f"fan off, its speed is {found.speed}"
    return words + ("" if found.sleep is None else f", {_sleep(found.sleep)}"), asdict(found)


def _sleep(on: bool) -> str:
    return f"sleep mode {'on' if on else 'off'}"
