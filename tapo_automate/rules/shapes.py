"""What each table of a rule file may hold: its keys, their kinds, their limits, and a sentence for the editor.

These models validate, and the JSON Schema is made of them: there is no second copy of the language.  What relates
two values is told twice, side by side: to editors by `json_schema_extra` here, to `check` by `relations.py`, which
can point at both.  Python names differ from the language's words only where Python keeps a word to itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tapo_automate.rules.values import (
    DAY_S,
    HOUR_S,
    Day,
    Duration,
    Edge,
    FineDuration,
    Host,
    Mac,
    Moment,
    Name,
    Names,
    One,
    SignedDuration,
    SomeDuration,
    TimeZone,
    WallTime,
    Watts,
    Weekdays,
    Window,
    Yes,
)

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
    timezone: TimeZone = Field(description='The IANA time zone of all wall times, such as "Europe/Berlin".')
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
    host: Host | None = Field(
        default=None, description='An address or a name, with a port if it needs one: "192.168.1.31".'
    )
    mac: Mac | None = Field(
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
    toggle: Yes | None = Field(
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

    version: One = Field(default=1, alias="schema", description="The version of the language: 1.")
    site: SiteTable | None = Field(default=None, description="Where the devices are.")
    devices: dict[Name, DeviceTable] = Field(default_factory=dict, description="The plugs and bulbs, by name.")
    groups: dict[Name, Names] = Field(
        default_factory=dict, description="Names for several devices: lists of devices and other groups."
    )
    rules: dict[Name, RuleTable] = Field(default_factory=dict, description="The rules, by name.")
