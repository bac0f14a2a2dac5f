"""`auto-off` and `power-limit`: when a plug turns itself off."""

from __future__ import annotations

import re
from typing import Any

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import duration_s, show, tell
from tapo_automate.rules.durations import spell
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.auto_off import (
    get_auto_off_config,
    get_protection_power,
    set_auto_off_config,
    set_protection_power,
)


@click.command(name="auto-off")
@one_device
@click.argument("after", required=False, metavar="[DURATION|on|off]")
@dry_run_option
def auto_off(device: str, after: str | None, **options: Any) -> None:
    """Show or set after what time a device turns itself off, whenever it was turned on.

    \b
    auto-off heater       show it
    auto-off heater 30m   half an hour after it was turned on
    auto-off heater off   no longer; "on" brings it back with the time that it had
    """
    if after is None:
        show(device, _auto_off_told, **options)
        return
    delay_min = None
    if after not in ("on", "off"):
        delay_s = duration_s(after, "DURATION", "30m")
        if not delay_s or delay_s % 60:
            raise click.BadParameter(f"{after} is not a whole number of minutes, 1m and up", param_hint="DURATION")
        delay_min = delay_s // 60

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_auto_off_config(asked, after != "off", delay_min)
        words = f"off {after} after it was turned on" if delay_min else f"auto-off {after}"
        return words, {"enabled": after != "off", "delay_min": delay_min}

    tell(device, do, **options)


@click.command(name="power-limit")
@one_device
@click.argument("limit", required=False, metavar="[WATTS|on|off]")
@dry_run_option
def power_limit(device: str, limit: str | None, **options: Any) -> None:
    """Show or set above which load a device turns itself off.

    \b
    power-limit heater        show it
    power-limit heater 2000   off above 2000 W, until somebody turns it on again
    power-limit heater off    no longer; "on" brings it back with the watts that it had
    """
    if limit is None:
        show(device, _limit_told, **options)
        return
    limit_w = None
    if limit not in ("on", "off"):
        match = re.fullmatch(r"([0-9]{1,6}) ?[wW]?", limit, re.ASCII)
        if match is None:
            raise click.BadParameter(f'{limit!r} is not a number of watts such as "2000"', param_hint="WATTS")
        limit_w = int(match[1])

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_protection_power(asked, limit != "off", limit_w)
        words = f"off above {limit_w} W" if limit_w else f"power limit {limit}"
        return words, {"enabled": limit != "off", "limit_w": limit_w}

    tell(device, do, **options)


def _auto_off_told(asked: Asked) -> tuple[str, dict[str, Any]]:
    found = get_auto_off_config(asked)
    after = spell(found.delay_min * 60)
    words = f"off {after} after it was turned on" if found.enabled else f"auto-off off (it has {after})"
    return words, {"enabled": found.enabled, "delay_min": found.delay_min}


def _limit_told(asked: Asked) -> tuple[str, dict[str, Any]]:
    found = get_protection_power(asked)
    kept = f" (it has {found.limit_w} W)" if found.limit_w else ""
    words = f"off above {found.limit_w} W" if found.enabled else f"power limit off{kept}"
    return words, {"enabled": found.enabled, "limit_w": found.limit_w}
