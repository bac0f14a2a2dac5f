"""What each table of a rule file may hold: its keys, their kinds, their limits, and a sentence for the editor.

These models validate, and the JSON Schema is made of them: there is no second copy of the language.  What relates
two values is told twice, side by side: to editors by `json_schema_extra` here, to `check` by `relations.py`, which
can point at both.  Python names differ from the language's words only where Python keeps a word to itself.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from tapo_automate.rules import durations
from tapo_automate.rules.hosts import HOST_PATTERN, MAC_PATTERN, host_fault, mac_pairs
from tapo_automate.rules.zones import zone_named

HOUR_S = 3600
DAY_S = 24 * HOUR_S

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAME_PATTERN = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?$"
EDGE_PATTERN = r"^(sunrise|sunset)([+-](?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?)?$"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DATE = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"


def _fault(code: str, kind: str) -> PydanticCustomError:
    """Return an error that `explain.py` finds words for: `kind` says which rule was broken."""
    return PydanticCustomError(kind, "{code}", {"code": code})


def _name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        raise _fault("E122", "name")
    return text


def _duration(value: object) -> int:
    total_s = durations.seconds(value) if isinstance(value, str) else None
    if total_s is None or (isinstance(value, str) and value[0] in "+-"):
        raise _fault("E107", "duration")
    return total_s


def _signed_duration(value: object) -> int:
    total_s = durations.seconds(value) if isinstance(value, str) else None
    if total_s is None:
        raise _fault("E107", "signed_duration")
    return total_s


def _fine_duration(value: object) -> int:
    total_ms = durations.milliseconds(value) if isinstance(value, str) else None
    if total_ms is None:
        raise _fault("E107", "fine_duration")
    return total_ms


def _to_the_second(value: dt.time | dt.datetime) -> Any:
    if value.microsecond:
        raise _fault("E108", "fraction")
    return value


def _edge(value: object) -> object:
    if isinstance(value, str):
        if not re.fullmatch(EDGE_PATTERN, value):
            raise _fault("E108", "edge")
        if abs(durations.seconds(value[7:].removeprefix("e") or "0s") or 0) > 12 * HOUR_S:
            raise _fault("E106", "edge_offset")
    elif not isinstance(value, dt.time):
        raise _fault("E108", "edge")
    else:
        _to_the_second(value)
    return value


def _host(text: str) -> str:
    if host_fault(text):
        raise _fault("E120", "host")
    return text


def _mac(text: str) -> str:
    pairs = mac_pairs(text)
    if pairs is None:
        raise _fault("E121", "mac")
    return pairs


def _zone(text: str) -> str:
    if zone_named(text) is None:
        raise _fault("E117", "zone")
    return text


def _exactly(value: object) -> object:
    # To Python, and so to pydantic, True is 1.
    if value is not True:
        raise PydanticCustomError("literal_error", "not true")
    return value


def _not_a_truth(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("literal_error", "not a number")
    return value


def _schema_of(kind: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


Name = Annotated[str, AfterValidator(_name), _schema_of("string", pattern=NAME_PATTERN)]
Duration = Annotated[int, BeforeValidator(_duration), _schema_of("string", pattern=durations.PATTERN)]
SomeDuration = Annotated[int, BeforeValidator(_duration), _schema_of("string", pattern=durations.NONZERO_PATTERN)]
SignedDuration = Annotated[
    int, BeforeValidator(_signed_duration), _schema_of("string", pattern=durations.SIGNED_PATTERN)
]
FineDuration = Annotated[int, BeforeValidator(_fine_duration), _schema_of("string", pattern=durations.FINE_PATTERN)]
WallTime = Annotated[dt.time, AfterValidator(_to_the_second), _schema_of("string", pattern=f"^{_TIME}$")]
# The bare TOML date is not enough: it would leave the hour open.
Moment = Annotated[
    dt.datetime,
    AfterValidator(_to_the_second),
    _schema_of("string", pattern=rf"^{_DATE}[Tt ]{_TIME}([Zz]|[+-][0-2][0-9]:[0-5][0-9])?$"),
]
Day = Annotated[dt.date, _schema_of("string", pattern=f"^{_DATE}$")]
Edge = Annotated[Any, BeforeValidator(_edge), _schema_of("string", pattern=f"^{_TIME}$|{EDGE_PATTERN}")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DISTINCT = {"uniqueItems": True}
Weekdays = Annotated[list[Weekday], Field(min_length=1, json_schema_extra=_DISTINCT)]
Names = Annotated[list[Name], Field(min_length=1, json_schema_extra=_DISTINCT)]
Window = Annotated[list[WallTime], Field(min_length=2, max_length=2)]
Watts = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]

_DAYS = "The weekdays on which it happens. Without it: every day."


class _Table(BaseModel):
    # The errors of pydantic are never printed, so its own text about hidden input does not matter.
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False, hide_input_in_errors=True)


class SiteTable(_Table):
    """Where the devices are. One table for the whole rule book."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"if": {"required": ["latitude"]}, "then": {"required": ["longitude"]}},
                {"if": {"required": ["longitude"]}, "then": {"required": ["latitude"]}},
            ]
        }
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(
        description='The IANA time zone of all wall times, such as "Europe/Berlin".'
    )
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = Field(
        default=None, repr=False, description="Degrees, north positive. Needed for sunrise and sunset."
    )
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = Field(
        default=None, repr=False, description="Degrees, east positive. Needed for sunrise and sunset."
    )


class DeviceTable(_Table):
    """One plug or bulb: who speaks to it, and where it is found."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["host"]},
            "then": {"properties": {"mac": False}},
            "else": {"required": ["mac"]},
        }
    )
    driver: Annotated[str, Field(min_length=1)] = Field(
        description='The driver that speaks to it: "tapo-plug", "tapo-bulb" or one from a plugin.'
    )
    host: Annotated[str, AfterValidator(_host), _schema_of("string", pattern=HOST_PATTERN)] | None = Field(
        default=None, description='An address or a name, with a port if it needs one: "192.168.1.31".'
    )
    mac: Annotated[str, AfterValidator(_mac), _schema_of("string", pattern=MAC_PATTERN)] | None = Field(
        default=None, description='Instead of a host: the MAC address, such as "48-22-54-AA-BB-CC".'
    )
    options: dict[str, str] = Field(default_factory=dict, description="Options for the driver: text for each.")


class TimeTable(_Table):
    """At a wall time."""

    at: WallTime = Field(description="The wall time at the site: 23:30:00, without quotes.")
    days: Weekdays | None = Field(default=None, description=_DAYS)


class SunTable(_Table):
    """At sunrise or sunset, or some time before or after."""

    offset: Annotated[SignedDuration, Field(ge=-12 * HOUR_S, le=12 * HOUR_S)] = Field(
        default=0, description='Before ("-15m") or after ("30m") the event; at most 12 hours.'
    )
    days: Weekdays | None = Field(default=None, description=_DAYS)


class DateTable(_Table):
    """Once, at a date and time."""

    at: Moment = Field(description="The date and wall time at the site: 2026-12-24T16:00:00, without quotes.")


class EveryTable(_Table):
    """Again and again."""

    interval: Annotated[SomeDuration, Field(ge=1, le=366 * DAY_S)] = Field(
        description='Elapsed time between two firings: "30m".'
    )
    between: Window | None = Field(
        default=None, description="Only inside this window of each day: [08:00:00, 20:00:00]; it may cross midnight."
    )
    days: Weekdays | None = Field(default=None, description=_DAYS)


class PowerTable(_Table):
    """When the load of the rule's device passes a threshold and stays there."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["below"]},
            "then": {"properties": {"above": False}},
            "else": {"required": ["above"]},
        }
    )
    below: Annotated[Watts, Field(gt=0)] | None = Field(default=None, description="Watts: fires under this load.")
    above: Watts | None = Field(default=None, description="Watts: fires over this load.")
    hold: Annotated[Duration, Field(ge=0, le=DAY_S)] = Field(
        default=0, alias="for", description='How long the load must stay there: "3m". Without it: no time.'
    )
    rearm: Watts | None = Field(
        default=None, description="Watts that must be passed again before it can fire again. Default: the threshold."
    )


class StateTable(_Table):
    """When a device is seen to turn on or off."""

    device: Name = Field(description="The device that is watched.")
    turns: Literal["on", "off"] = Field(description="What it must turn.")
    hold: Annotated[Duration, Field(ge=0, le=DAY_S)] = Field(
        default=0, alias="for", description='How long it must stay so: "10s".'
    )


class CountdownTable(_Table):
    """Some time after the device turned on, or once after it was applied."""

    after: Annotated[SomeDuration, Field(ge=1, le=DAY_S)] = Field(description='The delay: "45m"; at most 24 hours.')
    start: Literal["on", "apply"] = Field(
        alias="from", description='"on": each time the device turns on. "apply": once, when it is applied.'
    )


class AwayTable(_Table):
    """Random switching inside a window, as if somebody were at home."""

    start: Edge = Field(alias="from", description='A wall time (19:00:00) or "sunset", "sunset-15m".')
    until: Edge = Field(description='A wall time (23:30:00) or "sunrise", "sunrise+30m".')
    days: Weekdays | None = Field(default=None, description=_DAYS)


class WhenTable(_Table):
    """When the rule fires: exactly one kind of trigger."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    time: TimeTable | None = Field(default=None, description="At a wall time.")
    sunrise: SunTable | None = Field(default=None, description="At sunrise, with an offset if wanted.")
    sunset: SunTable | None = Field(default=None, description="At sunset, with an offset if wanted.")
    date: DateTable | None = Field(default=None, description="Once, at a date and time.")
    every: EveryTable | None = Field(default=None, description="Again and again.")
    power: PowerTable | None = Field(default=None, description="When the load passes a threshold.")
    state: StateTable | None = Field(default=None, description="When a device turns on or off.")
    countdown: CountdownTable | None = Field(default=None, description="Some time after the device turned on.")
    away: AwayTable | None = Field(default=None, description="Random switching inside a window.")


class SetTable(_Table):
    """What the devices are set to; what is not named stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 1,
            "allOf": [
                {"if": {"required": ["toggle"]}, "then": {"maxProperties": 1}},
                {"if": {"required": ["transition"]}, "then": {"minProperties": 2}},
                {
                    "if": {"required": ["color_temp"]},
                    "then": {"properties": {"hue": False, "saturation": False}},
                },
                {
                    "if": {"required": ["on"], "properties": {"on": {"const": False}}},
                    "then": {
                        "properties": {"brightness": False, "color_temp": False, "hue": False, "saturation": False}
                    },
                },
            ],
        }
    )
    on: bool | None = Field(default=None, description="true switches on, false switches off.")
    brightness: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="Percent, 1 to 100.")
    color_temp: Annotated[int, Field(ge=1000, le=12000)] | None = Field(
        default=None, description="White in kelvin: 2700 is warm, 6500 is cold."
    )
    hue: Annotated[int, Field(ge=0, le=360)] | None = Field(
        default=None, description="Degrees, 0 to 360: 0 is red, 120 green, 240 blue."
    )
    saturation: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="Percent, 0 to 100.")
    transition: Annotated[FineDuration, Field(ge=0, le=HOUR_S * 1000)] | None = Field(
        default=None, description='How long the change takes: "2s", "500ms"; at most an hour.'
    )
    toggle: Annotated[Literal[True], BeforeValidator(_exactly)] | None = Field(
        default=None, description="The opposite of what it is now; stands alone. Carried out by the daemon only."
    )


class DeviceIsTable(_Table):
    """What must hold of another device."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    on: bool | None = Field(default=None, description="It must be on (true) or off (false).")
    power_below: Annotated[Watts, Field(gt=0)] | None = Field(default=None, description="Watts: its load is less.")
    power_above: Watts | None = Field(default=None, description="Watts: its load is more.")


class ConditionTable(_Table):
    """What must hold when the rule fires; all of it."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    between: Window | None = Field(
        default=None, description="Two wall times; the window may cross midnight: [22:00:00, 06:00:00]."
    )
    dates: Annotated[list[Day], Field(min_length=2, max_length=2)] | None = Field(
        default=None, description="First and last day: [2026-12-01, 2027-01-06]."
    )
    days: Weekdays | None = Field(default=None, description="Only on these weekdays.")
    device: Annotated[dict[Name, DeviceIsTable], Field(min_length=1)] | None = Field(
        default=None, description="What must hold of other devices, by their names."
    )


def _only_with(kinds: tuple[str, ...], *keys: str) -> dict[str, Any]:
    trigger = {"anyOf": [{"required": [kind]} for kind in kinds]}
    return {"if": {"properties": {"when": trigger}}, "else": {"properties": dict.fromkeys(keys, False)}}


PLANNED_BY_CLOCK = ("time", "date", "every")
SPREADABLE = ("time", "sunrise", "sunset", "date", "every", "power", "state")


class RuleTable(_Table):
    """One rule: which devices, when, and what they are set to."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"required": ["when"], "properties": {"when": {"required": ["away"]}}},
                    "then": {"properties": {"set": False}},
                    "else": {"required": ["set"]},
                },
                _only_with(PLANNED_BY_CLOCK, "on_gap", "on_overlap"),
                _only_with(SPREADABLE, "jitter"),
            ]
        }
    )
    devices: Names = Field(description="The devices and groups that it is about.")
    when: WhenTable = Field(description="When it fires: exactly one of when.time, when.sunset, ...")
    setting: SetTable | None = Field(default=None, alias="set", description="What the devices are set to.")
    enabled: bool = Field(default=True, description="false: keeps the rule in the file, and does nothing.")
    only_if: ConditionTable | None = Field(default=None, description="What must hold when it fires.")
    missed: Literal["latest", "skip"] = Field(
        default="latest", description='After a time off: carry out the last one missed ("latest"), or none ("skip").'
    )
    within: Annotated[Duration, Field(ge=0, le=7 * DAY_S)] = Field(
        default=900, description='How late it may still be carried out: "15m".'
    )
    executor: Literal["auto", "daemon", "device"] = Field(
        default="auto", description="Who carries it out: the daemon, the device's own tables, or whoever suits."
    )
    on_gap: Literal["shift", "skip"] = Field(
        default="shift", description="The wall time does not exist on that day: move it forward, or leave it out."
    )
    on_overlap: Literal["first", "second", "both"] = Field(
        default="first", description="The wall time happens twice on that day: which one is meant."
    )
    jitter: Annotated[Duration, Field(ge=0, le=6 * HOUR_S)] = Field(
        default=0, description='Delay by up to this much, fixed for each rule and device: "30s".'
    )


class FileTable(_Table):
    """Rules for plugs and bulbs, carried out at home by tapo-automate."""

    version: Annotated[Literal[1], BeforeValidator(_not_a_truth)] = Field(
        default=1, alias="schema", description="The version of the language: 1."
    )
    site: SiteTable | None = Field(default=None, description="Where the devices are.")
    devices: dict[Name, DeviceTable] = Field(default_factory=dict, description="The plugs and bulbs, by name.")
    groups: dict[Name, Names] = Field(
        default_factory=dict, description="Names for several devices: lists of devices and other groups."
    )
    rules: dict[Name, RuleTable] = Field(default_factory=dict, description="The rules, by name.")
