"""The status light of plugs, switches and strips.

Source: docs/protocol.md, "Neighbours".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature

LedRule: TypeAlias = Literal["always", "never", "night_mode"]
MOST_OFFSET_MIN = 360  # as of a schedule's rows
_DAY_MIN = 1440

_LED = Feature("led", "status light", "that of a socket is its strip's: name the strip without the socket")


@dataclass(frozen=True, slots=True)
class NightMode:
    """When the light is dark under "night_mode".

    kind: "sunrise_sunset", from sunset to sunrise; "custom", from start_min to end_min; "unknown", never set.
    start_min, end_min: minutes of the device's day; of "sunrise_sunset" as the device computed them last.
    sunset_offset_min, sunrise_offset_min: minutes about the sun, negative before it.  None: the device does not say;
    when setting, as it is.
    """

    kind: str
    start_min: int | None = None
    end_min: int | None = None
    sunset_offset_min: int | None = None
    sunrise_offset_min: int | None = None


@dataclass(frozen=True, slots=True)
class Led:
    """rule: a `LedRule`, or a newer firmware's.  lit: whether it shines now.  night: None where it has no night mode.
    brightness_pct: None where it has none of its own.
    """

    rule: str
    lit: bool
    night: NightMode | None = None
    brightness_pct: int | None = None


def get_led_info(asked: Asked) -> Led:
    """Return when the status light shines.  Ask seldom: a P100 was upset by being asked often."""
    return _read(_LED.ask(asked, "get_led_info"))


def set_led_info(asked: Asked, rule: LedRule, night: NightMode | None = None) -> None:
    """Set when the status light shines.  night: with "night_mode", when; None for the hours that it has.

    All else that the device says of its light is sent back as it came.  Raises BadSetting for hours that cannot be,
    Unsupported without a status light or without night mode.
    """
    reply = _LED.ask(asked, "get_led_info")
    now = _read(reply)
    words = {**reply.result, "led_rule": rule}
    if rule == "night_mode":
        if now.night is None:
            raise Unsupported(asked.host, "its status light has no night mode: it is on or off")
        if night is None and now.night.kind == "unknown":
            raise BadSetting(asked.host, "the hours of its night mode were never set: say from when to when")
        if night is not None:
            words["night_mode"] = {**reply.table("night_mode").result, **_words(asked.host, night)}
    _LED.call(asked, "set_led_info", words)


def _read(reply: Reply) -> Led:
    night = _night(reply.table("night_mode")) if reply.has("night_mode") else None
    brightness_pct = None
    if reply.has("bri_config") and reply.table("bri_config").has("overall_bri"):
        brightness_pct = reply.table("bri_config").integer("overall_bri")
    return Led(reply.text("led_rule"), reply.truth("led_status"), night, brightness_pct)


def _night(reply: Reply) -> NightMode:
    def told(key: str) -> int | None:
        return reply.integer(key) if reply.has(key) else None

    return NightMode(
        reply.text("night_mode_type"),
        told("start_time"),
        told("end_time"),
        told("sunset_offset"),
        told("sunrise_offset"),
    )


def _words(host: str, night: NightMode) -> dict[str, Any]:
    """Return the hours as the device takes them."""
    match night:
        case NightMode("custom", int(start_min), int(end_min)):
            if start_min == end_min or not (0 <= start_min < _DAY_MIN and 0 <= end_min < _DAY_MIN):
                problem = f"a night from minute {start_min} to {end_min} of the day cannot be"
                raise BadSetting(host, f"{problem}: it takes two different ones of 0 to {_DAY_MIN - 1}")
            return {"night_mode_type": "custom", "start_time": start_min, "end_time": end_min}
        case NightMode("sunrise_sunset"):
            offsets = {"sunset": night.sunset_offset_min, "sunrise": night.sunrise_offset_min}
            given = {name: offset_min for name, offset_min in offsets.items() if offset_min is not None}
            for name, offset_min in given.items():
                if abs(offset_min) > MOST_OFFSET_MIN:
                    problem = f"a night that begins or ends {abs(offset_min)} min from {name} cannot be"
                    raise BadSetting(host, f"{problem}: it takes {MOST_OFFSET_MIN} min at most")
            return {"night_mode_type": "sunrise_sunset"} | {f"{name}_offset": given[name] for name in given}
        case _:
            raise BadSetting(host, 'a night is "sunrise_sunset", or "custom" with a start and an end')
