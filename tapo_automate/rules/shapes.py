"""What each table of a rule file may hold: its keys, their kinds, their limits, and a sentence for the editor.

These models validate, and the JSON Schema is made of them: there is no second copy of the language.  What relates
two values is told twice, side by side: to editors by `json_schema_extra` here, to `check` by `relations.py`, which
can point at both.  Python names differ from the language's words only where Python keeps a word to itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from tapo_automate.rules.shapes_set import MOST_STEPS, SetTable, StepTable
from tapo_automate.rules.shapes_trial import RuleTestTable
from tapo_automate.rules.shapes_when import WhenTable
from tapo_automate.rules.values import (
    DAY_S,
    HOUR_S,
    Day,
    Duration,
    HomeName,
    Host,
    Mac,
    Name,
    Names,
    NoticeText,
    One,
    Table,
    TimeZone,
    Watts,
    Weekdays,
    Window,
)


class SiteTable(Table):
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


class DeviceTable(Table):
    """One plug, bulb or strip: who speaks to it, and where it is found."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"not": {"required": ["host"]}},
            "then": {"required": ["mac"]},
        }
    )
    driver: Annotated[str, Field(min_length=1)] = Field(
        description='The driver that speaks to it: "tapo-plug", "tapo-bulb" or one from a plugin.'
    )
    host: Host | None = Field(
        default=None, description='An address or a name, with a port if it needs one: "192.168.1.31".'
    )
    mac: Mac | None = Field(
        default=None,
        description='Whose it is: the MAC address, such as "48-22-54-AA-BB-CC".  With it, or instead of a host, the '
        "device is found at whatever address it has.",
    )
    options: dict[str, str] = Field(default_factory=dict, description="Options for the driver: text for each.")


class DeviceIsTable(Table):
    """What must hold of another device."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    on: bool | None = Field(default=None, description="It must be on (true) or off (false).")
    power_below: Annotated[Watts, Field(gt=0)] | None = Field(default=None, description="Watts: its load is less.")
    power_above: Watts | None = Field(default=None, description="Watts: its load is more.")


class ConditionTable(Table):
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
LEAST_FAILSAFE_S = 60
OVERRIDABLE = (*SPREADABLE, "away")  # a countdown is itself the answer to somebody who turned the device on

_IS_AWAY: dict[str, Any] = {"required": ["when"], "properties": {"when": {"required": ["away"]}}}


def _sets(setting: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what holds of a rule whose `set`, and whose `steps`, set such a thing."""
    sets = {"properties": {"set": setting}, "required": ["set"]}
    return [sets, {"properties": {"steps": {"contains": sets}}, "required": ["steps"]}]


def _has(*path: str, value: object) -> dict[str, Any]:
    key, *rest = path
    return {"properties": {key: _has(*rest, value=value) if rest else {"const": value}}, "required": [key]}


_MAY_FAIL_SAFE: dict[str, Any] = {
    "anyOf": _sets(_has("on", value=True)),
    "not": {
        "anyOf": [
            *_sets(_has("toggle", value=True)),
            _has("executor", value="device"),
            _has("when", "countdown", "from", value="apply"),
        ]
    },
}
_DOES: list[Any] = [{"required": [key]} for key in ("set", "steps", "notify")]


class RuleTable(Table):
    """One rule: which devices, when, and what is done."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"if": _IS_AWAY, "then": {"properties": dict.fromkeys(("set", "steps", "notify"), False)}},
                {"if": {"not": {"anyOf": [_IS_AWAY, *_DOES]}}, "then": {"required": ["set"]}},
                {
                    "if": {"required": ["steps"]},
                    "then": {"properties": {"set": False}},
                    "else": {"properties": {"mode": False}},
                },
                {
                    "if": {"not": {"anyOf": [_IS_AWAY, *_DOES[:2]]}},
                    "then": {"properties": {"override": False}},
                },
                _only_with(PLANNED_BY_CLOCK, "on_gap", "on_overlap"),
                _only_with(SPREADABLE, "jitter"),
                _only_with(OVERRIDABLE, "override"),
                {"if": _MAY_FAIL_SAFE, "else": {"properties": {"failsafe": False}}},
            ]
        }
    )
    devices: Names = Field(description='The devices, sockets of strips ("strip/1") and groups that it is about.')
    when: WhenTable = Field(description="When it fires: exactly one of when.time, when.sunset, ...")
    setting: SetTable | None = Field(default=None, alias="set", description="What the devices are set to.")
    steps: (
        Annotated[
            list[StepTable],
            Field(min_length=1, max_length=MOST_STEPS, json_schema_extra={"contains": {"required": ["set"]}}),
        ]
        | None
    ) = Field(default=None, description="Instead of `set`: several settings, one after the other.")
    mode: Literal["restart", "queue", "ignore"] = Field(
        default="restart",
        description="The rule fires again while its steps are under way: begin anew, afterwards, or not at all.",
    )
    notify: NoticeText | None = Field(
        default=None, description="A text for people, told once each time the rule fires. With or without `set`."
    )
    enabled: bool = Field(default=True, description="false: keeps the rule in the file, and does nothing.")
    only_if: ConditionTable | None = Field(default=None, description="What must hold when it fires.")
    override: Annotated[Duration, Field(ge=0, le=7 * DAY_S)] = Field(
        default=0, description='How long a change that a person made to the device is respected: "2h".'
    )
    failsafe: Annotated[Duration, Field(ge=LEAST_FAILSAFE_S, le=DAY_S)] | None = Field(
        default=None,
        description='What it turns on turns itself off after so long without the daemon: "30m", from 1m to 24h.',
    )
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


class FileTable(Table):
    """Rules for plugs and bulbs, carried out at home by tapo-automate."""

    version: One = Field(default=1, alias="schema", description="The version of the language: 1.")
    site: SiteTable | None = Field(default=None, description="Where the devices are.")
    devices: dict[HomeName, DeviceTable] = Field(default_factory=dict, description="The plugs and bulbs, by name.")
    groups: dict[HomeName, Names] = Field(
        default_factory=dict, description="Names for several devices: lists of devices and other groups."
    )
    rules: dict[Name, RuleTable] = Field(default_factory=dict, description="The rules, by name.")
    tests: list[RuleTestTable] = Field(default_factory=list, description="What the rules are claimed to do.")
