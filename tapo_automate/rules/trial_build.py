"""From a checked `[[tests]]` table to the test that it says.  Like `build.py`, this file checks nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate.device import Setting, State
from tapo_automate.rules.build import setting
from tapo_automate.rules.shapes_trial import ExpectTable, RuleTestTable, ShownTable
from tapo_automate.rules.source import Source
from tapo_automate.rules.trial_times import beginning, ending, instant
from tapo_automate.rules.trials import Expected, ExpectedNotice, ExpectedSetting, ExpectedWithheld, Happening, RuleTest


def rule_test(table: RuleTestTable, groups: Mapping[str, tuple[str, ...]], zone: ZoneInfo, source: Source) -> RuleTest:
    """Return a test; `groups` holds the devices of each group."""
    begin = beginning(table.begin, zone)
    if table.duration is not None:
        end = begin + dt.timedelta(seconds=table.duration)
    else:
        assert table.until is not None
        end = ending(table.until, begin, zone)

    def at(value: Any) -> dt.datetime:
        return instant(value, begin, zone)

    def each(names: Mapping[str, ShownTable]) -> Iterator[tuple[str, ShownTable]]:
        for name, shown in names.items():
            for device_id in groups.get(name, (name,)):
                yield device_id, shown

    loads = {name: load if isinstance(load, list) else [["0s", load]] for name, load in table.power.items()}
    states = {name: State(on=True) for name in loads}  # what draws power is on, or there would be nothing to draw
    states |= {device_id: _state(shown, device_id in loads) for device_id, shown in each(table.start)}
    power = {name: tuple((at(when), float(power_w)) for when, power_w in load) for name, load in loads.items()}
    events = tuple(
        Happening(at(event.at), device_id, setting(event.setting))
        for event in table.events
        for device_id in groups.get(event.device, (event.device,))
    )
    expected = None
    if table.expect is not None:
        expected = tuple(one for written in table.expect for one in _expected(written, groups, at(written.at)))
    final = {device_id: _as_setting(shown) for device_id, shown in each(table.end)}
    if table.devices is not None:
        looked_at = {device_id for name in table.devices for device_id in groups.get(name, (name,))}
    elif table.rules is not None:
        looked_at = set()
    else:
        looked_at = {*states, *final, *(event.device_id for event in events)}
        looked_at |= {one.device_id for one in expected or () if not isinstance(one, ExpectedNotice)} - {""}
    return RuleTest(
        name=table.name,
        begin=begin,
        end=end,
        states=states,
        power=power,
        events=events,
        expected=expected,
        final=final,
        rule_ids=None if table.rules is None else frozenset(table.rules),
        device_ids=frozenset(looked_at) or None,
        source=source,
    )


def _expected(table: ExpectTable, groups: Mapping[str, tuple[str, ...]], at: dt.datetime) -> Iterator[Expected]:
    device_ids = groups.get(table.device or "", (table.device or "",))
    if table.notify is not None:
        yield ExpectedNotice(at, table.within, table.notify, table.rule or "")
    elif table.withheld is not None:
        yield from (ExpectedWithheld(at, table.within, table.withheld, device_id) for device_id in device_ids)
    elif table.setting is not None:
        wanted = setting(table.setting)
        yield from (ExpectedSetting(at, table.within, each, wanted, table.rule or "") for each in device_ids)


def _state(shown: ShownTable, on: bool) -> State:
    return State(
        on=on if shown.on is None else shown.on,
        brightness_pct=shown.brightness,
        color_temp_k=shown.color_temp,
        hue_deg=shown.hue,
        saturation_pct=shown.saturation,
    )


def _as_setting(shown: ShownTable) -> Setting:
    return Setting(shown.on, shown.brightness, shown.color_temp, shown.hue, shown.saturation)
