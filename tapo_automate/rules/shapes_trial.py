"""What the tables under `[[tests]]` may hold.  See `shapes.py`.

Instants in them are wall times, dates with a time, or durations after the beginning; `trial_times.py` knows what they
mean, and `trial_relations.py` checks what only makes sense in time.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from tapo_automate.rules import durations
from tapo_automate.rules.shapes_set import SetTable
from tapo_automate.rules.trials import MOST_DAYS
from tapo_automate.rules.values import (
    DATE_PATTERN,
    DAY_S,
    TIME_PATTERN,
    Duration,
    Moment,
    Name,
    Names,
    NoticeText,
    SomeDuration,
    Table,
    fault,
    to_the_second,
)

MOST_WATTS = 100_000

_WHEN = rf"^{TIME_PATTERN}$|^{DATE_PATTERN}[Tt ]{TIME_PATTERN}([Zz]|[+-][0-2][0-9]:[0-5][0-9])?$"
_INSTANT = rf"{durations.PATTERN}|{_WHEN}"


def _end(value: object) -> object:
    if not isinstance(value, dt.time | dt.datetime):
        raise fault("E108", "end")
    return to_the_second(value)


def _instant(value: object) -> object:
    if isinstance(value, str) and not is_offset(value):
        raise fault("E108", "instant")
    if isinstance(value, str):
        return value
    if not isinstance(value, dt.time | dt.datetime):
        raise fault("E108", "instant")
    return to_the_second(value)


def is_offset(text: str) -> bool:
    """Whether a text is a duration that may stand for an instant after the beginning."""
    return durations.seconds(text) is not None and text[0] not in "+-"


_POINT = {
    "type": "array",
    "minItems": 2,
    "maxItems": 2,
    "items": {"type": ["string", "number"], "pattern": _INSTANT, "minimum": 0, "maximum": MOST_WATTS},
}
_LOAD = {"type": ["number", "array"], "minimum": 0, "maximum": MOST_WATTS, "minItems": 1, "items": _POINT}

End = Annotated[Any, BeforeValidator(_end), WithJsonSchema({"type": "string", "pattern": _WHEN})]
Instant = Annotated[Any, BeforeValidator(_instant), WithJsonSchema({"type": "string", "pattern": _INSTANT})]
# Checked in `trial_relations.py`, which can point at the point of a trace that is wrong.
Load = Annotated[Any, WithJsonSchema(_LOAD)]
Within = Annotated[Duration, Field(ge=0, le=DAY_S)]
_WITHIN = 'How much earlier or later it may be: "30s". Without it: to the second.'


class ShownTable(Table):
    """What a device shows: at the beginning of a test, or at its end."""

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 1,
            "if": {"required": ["color_temp"]},
            "then": {"properties": {"hue": False, "saturation": False}},
        }
    )
    on: bool | None = Field(default=None, description="Whether it is on (true) or off (false).")
    brightness: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="Percent, 1 to 100.")
    color_temp: Annotated[int, Field(ge=1000, le=12000)] | None = Field(default=None, description="White in kelvin.")
    hue: Annotated[int, Field(ge=0, le=360)] | None = Field(default=None, description="Degrees, 0 to 360.")
    saturation: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="Percent, 0 to 100.")


class EventTable(Table):
    """A person, or the app, changes a device."""

    at: Instant = Field(description='When: 22:15:00, 2026-11-02T22:15:00, or "15m" after the beginning.')
    device: Name = Field(description="The device; or a group, for each of its devices.")
    setting: SetTable = Field(alias="set", description="What it is set to.")


class ExpectTable(Table):
    """What is expected at one instant: that a device is set, that people are told, or that a rule is withheld."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["set"]},
            "then": {
                "properties": {"notify": False, "withheld": False, "set": {"properties": {"toggle": False}}},
                "required": ["device"],
            },
            "else": {
                "if": {"required": ["notify"]},
                "then": {"properties": {"withheld": False, "device": False}},
                "else": {"properties": {"rule": False}, "required": ["withheld"]},
            },
        }
    )
    at: Instant = Field(description='When: 22:15:00, 2026-11-02T22:15:00, or "15m" after the beginning.')
    device: Name | None = Field(default=None, description="The device; or a group, for each of its devices.")
    setting: SetTable | None = Field(
        default=None, alias="set", description="All that the device is set to then; a toggle as what it comes to."
    )
    notify: NoticeText | None = Field(default=None, description="The text that people are told.")
    withheld: Name | None = Field(default=None, description="The rule that comes due and is withheld.")
    rule: Name | None = Field(default=None, description="The rule that does it. Without it: any.")
    within: Within = Field(default=0, description=_WITHIN)


class RuleTestTable(Table):
    """One test: a span of time, what happens in it, and what the rules are expected to make of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"required": ["for"]},
                    "then": {"properties": {"until": False}},
                    "else": {"required": ["until"]},
                },
                {"if": {"not": {"required": ["end"]}}, "then": {"required": ["expect"]}},
            ]
        }
    )
    name: Name = Field(description="What is claimed: The porch light goes on at dusk.")
    begin: Moment = Field(alias="from", description="When it begins, at the site: 2026-11-02T16:00:00.")
    duration: Annotated[SomeDuration, Field(ge=1, le=MOST_DAYS * DAY_S)] | None = Field(
        default=None, alias="for", description='How long it runs: "2h"; 31 days at most.'
    )
    until: End | None = Field(default=None, description="Instead of `for`: 18:00:00, or 2026-11-03T18:00:00.")
    start: dict[Name, ShownTable] = Field(
        default_factory=dict, description="How devices are at the beginning, by name. All others are off."
    )
    power: dict[Name, Load] = Field(
        default_factory=dict,
        description='What is plugged in draws while its device is on: watts, or [["0s", 400], ["40m", 3]].',
    )
    events: list[EventTable] = Field(default_factory=list, description="What people do.")
    expect: list[ExpectTable] | None = Field(
        default=None, description="What the rules do, all of it. Without it: only the end is looked at."
    )
    end: dict[Name, ShownTable] = Field(default_factory=dict, description="How devices are at the end, by name.")
    rules: Names | None = Field(default=None, description="Look only at what these rules do.")
    devices: Names | None = Field(
        default=None, description="Look only at these devices. Without it: at those that the test names."
    )
