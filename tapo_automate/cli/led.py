"""`led`: when the status light of a plug, switch or strip shines."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import show, tell
from tapo_automate.rules.durations import seconds, spell
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.led import Led, LedRule, NightMode, get_led_info, set_led_info

_RULES: dict[str, LedRule] = {"on": "always", "off": "never", "night": "night_mode"}
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@click.command()
@one_device
@click.argument("rule", required=False, type=click.Choice([*_RULES]), metavar="[on|off|night]")
@click.option(
    "--from", "start", metavar="TIME", help='With night: when it goes dark, "22:00" or "sunset", "sunset-30m".'
)
@click.option("--to", "end", metavar="TIME", help='With night: when it is back, "06:30" or "sunrise", "sunrise+1h".')
@dry_run_option
def led(device: str, rule: str | None, start: str | None, end: str | None, **options: Any) -> None:
    """Show or set when the status light of a device shines.

    \b
    led plug                             show it
    led plug off                         never
    led plug night                       dark at night, by the hours that it has
    led plug night --from 22:00 --to 06:30
    led plug night --from sunset --to sunrise+30m
    """
    if (start or end) and rule != "night":
        raise click.UsageError("--from and --to go with night")
    if (start is None) != (end is None):
        raise click.UsageError("a night has both --from and --to")
    night = _night(start, end) if start and end else None
    if rule is None:
        show(device, lambda asked: _told(get_led_info(asked)), **options)
        return
    wanted = _RULES[rule]

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_led_info(asked, wanted, night)
        words = _in_words(wanted, night)
        return words, {"rule": wanted, "night": asdict(night) if night else None}

    tell(device, do, **options)


def _told(led: Led) -> tuple[str, dict[str, Any]]:
    now = "it shines now" if led.lit else "it is dark now"
    return f"{_in_words(led.rule, led.night)}; {now}", asdict(led)


def _in_words(rule: str, night: NightMode | None) -> str:
    match rule:
        case "always":
            return "status light on"
        case "never":
            return "status light off"
        case "night_mode":
            return "status light off at night" + (f", {_hours(night)}" if night else "")
        case _:
            return f"status light {rule}"


def _hours(night: NightMode) -> str:
    match night:
        case NightMode("sunrise_sunset"):
            start, end = night.sunset_offset_min or 0, night.sunrise_offset_min or 0
            return f"from sunset{_moved(start)} to sunrise{_moved(end)}"
        case NightMode("custom", int(start_min), int(end_min)):
            return f"from {_clock(start_min)} to {_clock(end_min)}"
        case _:
            return "at hours that were never set"


def _moved(offset_min: int) -> str:
    return f"{'+' if offset_min > 0 else ''}{spell(offset_min * 60)}" if offset_min else ""


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _night(start: str, end: str) -> NightMode:
    """Return the hours that a user wrote.  Raises click.BadParameter."""
    sunset_min, sunrise_min = _offset_min(start, "sunset", "--from"), _offset_min(end, "sunrise", "--to")
    if sunset_min is not None and sunrise_min is not None:
        return NightMode("sunrise_sunset", sunset_offset_min=sunset_min, sunrise_offset_min=sunrise_min)
    if sunset_min is not None or sunrise_min is not None:
        raise click.UsageError("a night goes from sunset to sunrise, or from one time of the day to another")
    start_min, end_min = _minute(start, "sunset", "--from"), _minute(end, "sunrise", "--to")
    if start_min == end_min:
        raise click.UsageError(f"a night from {start} to {end} has no length: say two times")
    return NightMode("custom", start_min, end_min)


def _offset_min(text: str, event: str, hint: str) -> int | None:
    """Return the minutes from the sun event that a text says, None where it says a time of the day."""
    if not text.startswith(event):
        return None
    offset_s = seconds(text.removeprefix(event) or "0s")
    if offset_s is None or offset_s % 60 or text.removeprefix(event)[:1].isdigit():
        raise click.BadParameter(f'{text!r} is not such as "{event}" or "{event}-30m"', param_hint=hint)
    return offset_s // 60


def _minute(text: str, event: str, hint: str) -> int:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise click.BadParameter(
            f'{text!r} is neither a time such as "22:00" nor such as "{event}-30m"', param_hint=hint
        )
    return int(match[1]) * 60 + int(match[2])
