"""From the tables of checked files to the book: groups resolved, defaults filled in.

This file checks nothing: it is called for files without an error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from tapo_automate.device import DeviceSpec, Setting
from tapo_automate.rules import durations
from tapo_automate.rules.model import (
    EVERY_DAY,
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Condition,
    Days,
    DeviceIs,
    Every,
    PowerPast,
    Rule,
    Site,
    Source,
    StateTurns,
    Step,
    SunEdge,
    Trigger,
)
from tapo_automate.rules.shapes import ConditionTable, DeviceTable, RuleTable, SiteTable
from tapo_automate.rules.shapes_set import SetTable
from tapo_automate.rules.shapes_when import (
    AwayTable,
    CountdownTable,
    DateTable,
    EveryTable,
    PowerTable,
    StateTable,
    SunTable,
    TimeTable,
    WhenTable,
)
from tapo_automate.rules.sockets import socket_of
from tapo_automate.rules.trials import ExpectedNotice, RuleTest
from tapo_automate.rules.values import WEEKDAYS


def site(table: SiteTable) -> Site:
    """Return the site of a checked `[site]` table."""
    return Site(ZoneInfo(table.timezone), table.latitude, table.longitude)


def device(name: str, table: DeviceTable) -> DeviceSpec:
    """Return what a driver opens."""
    return DeviceSpec(name, table.driver, table.host or "", table.mac or "", dict(table.options))


def with_sockets(
    devices: Mapping[str, DeviceSpec],
    groups: Iterable[Iterable[str]],
    rules: Iterable[Rule],
    tests: Iterable[RuleTest],
) -> dict[str, DeviceSpec]:
    """Return the devices of a book, and after them the sockets that are named anywhere in it, each as a device."""
    named: dict[str, None] = {}
    for names in (*groups, *map(_named_by, rules), *map(_named_in, tests)):
        named.update(dict.fromkeys(names))
    sockets = (socket_of(name, devices) for name in named if name not in devices)
    return {**devices, **{spec.id: spec for spec in sockets if spec}}


def _named_by(rule: Rule) -> Iterator[str]:
    yield from rule.device_ids
    yield from rule.only_if.devices if rule.only_if else ()
    if isinstance(rule.trigger, StateTurns):
        yield rule.trigger.device_id


def _named_in(test: RuleTest) -> Iterator[str]:
    yield from (*test.states, *test.power, *test.final, *(test.device_ids or ()))
    yield from (event.device_id for event in test.events)
    yield from (expected.device_id for expected in test.expected or () if not isinstance(expected, ExpectedNotice))


def members(name: str, groups: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the devices of a group or of a device's own name, each once, in the order written.

    A group that contains itself is followed once.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in groups:
            found[current] = None
        elif current not in seen:
            seen.add(current)
            waiting += reversed(groups[current])
    return tuple(found)


def rule(name: str, table: RuleTable, groups: Mapping[str, tuple[str, ...]], source: Source) -> Rule:
    """Return a rule; `groups` holds the devices of each group."""
    device_ids: dict[str, None] = {}
    for written in table.devices:
        device_ids.update(dict.fromkeys(groups.get(written, (written,))))
    return Rule(
        id=name,
        device_ids=tuple(device_ids),
        trigger=_trigger(table.when),
        setting=setting(table.setting) if table.setting else Setting(),
        enabled=table.enabled,
        only_if=_condition(table.only_if) if table.only_if else None,
        jitter_s=table.jitter,
        on_gap=table.on_gap,
        on_overlap=table.on_overlap,
        missed=table.missed,
        within_s=table.within,
        executor=table.executor,
        source=source,
        steps=tuple(Step(step.wait, setting(step.setting) if step.setting else None) for step in table.steps or ()),
        mode=table.mode,
        override_s=table.override,
        notify=table.notify or "",
        failsafe_s=table.failsafe or 0,
    )


def _trigger(when: WhenTable) -> Trigger:
    kind = next(iter(when.model_fields_set))
    table = getattr(when, kind)
    match table:
        case TimeTable():
            return AtTime(table.at, _days(table.days))
        case SunTable():
            return AtSun("sunrise" if kind == "sunrise" else "sunset", table.offset, _days(table.days))
        case DateTable():
            return AtDate(table.at)
        case EveryTable():
            between = (table.between[0], table.between[1]) if table.between else None
            return Every(table.interval, between, _days(table.days))
        case PowerTable():
            return _power(table)
        case StateTable():
            return StateTurns(table.device, table.turns, table.hold)
        case CountdownTable():
            return AfterDelay(table.after, table.start)
        case AwayTable():
            return Away(_edge(table.start), _edge(table.until), _days(table.days))
    raise AssertionError(kind)


def _power(table: PowerTable) -> PowerPast:
    if table.below is not None:
        return PowerPast("below", table.below, table.hold, table.below if table.rearm is None else table.rearm)
    assert table.above is not None
    return PowerPast("above", table.above, table.hold, table.above if table.rearm is None else table.rearm)


def _edge(value: dt.time | str) -> dt.time | SunEdge:
    match value:
        case dt.time():
            return value
        case str():
            event = "sunrise" if value.startswith("sunrise") else "sunset"
            offset = value.removeprefix(event)
            return SunEdge("sunrise" if event == "sunrise" else "sunset", durations.seconds(offset or "0s") or 0)
    assert_never(value)


def setting(table: SetTable) -> Setting:
    """Return what a checked `set` means."""
    return Setting(
        on=table.on,
        brightness_pct=table.brightness,
        color_temp_k=table.color_temp,
        hue_deg=table.hue,
        saturation_pct=table.saturation,
        transition_ms=table.transition,
        toggle=table.toggle is True,
    )


def _condition(table: ConditionTable) -> Condition:
    return Condition(
        between=(table.between[0], table.between[1]) if table.between else None,
        dates=(table.dates[0], table.dates[1]) if table.dates else None,
        days=_days(table.days) if table.days else None,
        devices={
            name: DeviceIs(state.on, state.power_below, state.power_above)
            for name, state in (table.device or {}).items()
        },
    )


def _days(words: list[Any] | None) -> Days:
    return EVERY_DAY if words is None else frozenset(WEEKDAYS.index(word) for word in words)
