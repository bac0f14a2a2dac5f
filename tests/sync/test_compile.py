"""From rules to rows, and the reasons why there is none."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from sync.made_rules import BERLIN, MON_TO_FRI, OFF, ON, a_rule, at, rules, sites
from tapo_automate.device import Setting
from tapo_automate.rows import AntitheftRow, AutoOff, CountdownRow, Moment, PowerProtection, Row, ScheduleRow
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    Away,
    Condition,
    Every,
    PowerPast,
    Rule,
    Site,
    StateTurns,
    Step,
    SunEdge,
)
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.model import InDaemon

NONE: frozenset[int] = frozenset()
HALF_PAST_EIGHT = dt.time(20, 30)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def wall(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _once(minute: int) -> ScheduleRow:
    return ScheduleRow(Moment("midnight", minute), ON, NONE, repeats=False)


@pytest.mark.parametrize(
    ("rule", "row", "instant"),
    [
        (a_rule(at(23, 30, days=MON_TO_FRI), OFF), ScheduleRow(Moment("midnight", 1410), OFF, MON_TO_FRI), None),
        (a_rule(AtSun("sunset", -900)), ScheduleRow(Moment("sunset", -15), ON), None),
        (a_rule(AtSun("sunrise", 21_600)), ScheduleRow(Moment("sunrise", 360), ON), None),
        (a_rule(AtDate(wall("2026-12-24 16:00"))), _once(960), utc("2026-12-24 15:00")),
        (a_rule(AtDate(utc("2026-12-24 15:00"))), _once(960), utc("2026-12-24 15:00")),
        (a_rule(AfterDelay(90, "apply"), OFF), CountdownRow(90, OFF), None),
        (a_rule(AfterDelay(86_400, "apply"), Setting(brightness_pct=5)), CountdownRow(86_400, Setting(True, 5)), None),
        (a_rule(AfterDelay(2700, "on"), OFF), AutoOff(45), None),
        (a_rule(AfterDelay(86_400, "on"), OFF), AutoOff(1440), None),
        (a_rule(PowerPast("above", 2300.0, 0, 2300.0), OFF), PowerProtection(2300), None),
        (
            a_rule(Away(SunEdge("sunset", -60), dt.time(23, 30), MON_TO_FRI), Setting()),
            AntitheftRow(Moment("sunset", -1), Moment("midnight", 1410), MON_TO_FRI),
            None,
        ),
        (
            a_rule(Away(HALF_PAST_EIGHT, dt.time(6)), Setting()),
            AntitheftRow(Moment("midnight", 1230), Moment("midnight", 360)),
            None,
        ),
    ],
)
def test_a_rule_that_a_row_can_say(rule: Rule, row: Row, instant: dt.datetime | None) -> None:
    assert row_of(rule, BERLIN) == (row, instant)


@pytest.mark.parametrize(
    ("setting", "row_setting"),
    [
        (Setting(brightness_pct=40), Setting(True, 40)),  # setting its light turns a lamp on
        (Setting(color_temp_k=2700), Setting(True, color_temp_k=2700)),
        (Setting(hue_deg=0, saturation_pct=100), Setting(True, hue_deg=0, saturation_pct=100)),
        (Setting(True, transition_ms=2000), Setting(True, transition_ms=2000)),
        (Setting(False, transition_ms=0), Setting(False)),
    ],
)
def test_what_a_row_sets(setting: Setting, row_setting: Setting) -> None:
    assert row_of(a_rule(at(8), setting), BERLIN) == (ScheduleRow(Moment("midnight", 480), row_setting), None)


def test_what_concerns_lateness_and_people_s_wishes_keeps_no_rule_from_the_device() -> None:
    rule = a_rule(at(8), missed="skip", within_s=60, enabled=False, executor="daemon", on_gap="skip", on_overlap="both")
    assert row_of(rule, BERLIN) == row_of(a_rule(at(8)), BERLIN)


TEN_STEPS = (Step(60, ON),) * 10
CASES: list[tuple[Any, Setting, dict[str, Any], str, str]] = [
    (at(8), Setting(), {"steps": TEN_STEPS}, "steps", "a row sets one thing at one time, and this rule has 10 steps"),
    (at(8), Setting(), {"steps": TEN_STEPS[:1]}, "steps", "a row sets one thing at one time, and this rule has 1 step"),
    (at(8), ON, {"notify": "done"}, "notify", "a device tells nobody: `notify` needs the daemon"),
    (
        at(8),
        ON,
        {"only_if": Condition(days=frozenset({5, 6}))},
        "condition",
        "a device asks for no conditions: only at weekends (Sat, Sun)",
    ),
    (at(8), ON, {"jitter_s": 90}, "jitter", "a device is on time: `jitter` of 1 minute 30 seconds needs the daemon"),
    (
        at(8),
        ON,
        {"override_s": 60},
        "override",
        "a device does not notice that a person changed it: `override` needs the daemon",
    ),
    (at(8), ON, {"failsafe_s": 60}, "failsafe", "`failsafe` is a countdown that the daemon starts and renews"),
    (Every(60), ON, {}, "every", "a device knows times of the day, and no `when.every`"),
    (
        StateTurns("tv", "on"),
        ON,
        {},
        "state",
        "a device knows only itself, and not when tv turns on or off",
    ),
    (
        at(8),
        Setting(toggle=True),
        {},
        "toggle",
        "a row cannot ask how the device is just then: write on = true or on = false",
    ),
    (at(8), Setting(), {}, "nothing", "it sets nothing that a row could say"),
    (at(8), Setting(transition_ms=500), {}, "nothing", "it sets nothing that a row could say"),
    (at(8), Setting(False, 40), {}, "setting", "a row that turns off sets nothing else: leave brightness 40 out"),
    (
        at(8),
        Setting(hue_deg=120),
        {},
        "colour",
        "a row sets a whole colour: hue is there, add saturation",
    ),
    (
        at(8),
        Setting(saturation_pct=0),
        {},
        "colour",
        "a row sets a whole colour: saturation is there, add hue",
    ),
    (
        at(8),
        Setting(True, None, 2700, 120, 100),
        {},
        "colour",
        "a row sets white or a colour, and this rule sets both",
    ),
    (at(23, 30, 15), ON, {}, "seconds", "a device knows whole minutes: 23:30:15 is none"),
    (AtSun("sunset", -90), ON, {}, "seconds", "a device knows whole minutes: -1m30s from sunset is none"),
    (AtSun("sunrise", 21_660), ON, {}, "offset", "a device reaches 6h from sunrise, not +6h1m"),
    (AtSun("sunrise", -21_660), ON, {}, "offset", "a device reaches 6h from sunrise, not -6h1m"),
    (AtDate(wall("2026-12-24 16:00:30")), ON, {}, "seconds", "a device knows whole minutes: 16:00:30 is none"),
    (
        AtDate(wall("2027-03-28 02:30")),
        ON,
        {},
        "clock-change",
        "02:30 does not exist on 2027-03-28, when the clocks change",
    ),
    (
        AtDate(utc("2026-10-25 01:30")),
        ON,
        {},
        "clock-change",
        "02:30 happens twice on 2026-10-25, when the clocks change",
    ),
    (AtDate(wall("9999-12-31 23:59").replace(tzinfo=dt.UTC)), ON, {}, "date", "9999-12-31 is where the calendar ends"),
    (
        AfterDelay(60, "apply"),
        Setting(True, transition_ms=500),
        {},
        "transition",
        "a countdown sets at once: leave `transition` out",
    ),
    (AfterDelay(60, "apply"), Setting(), {}, "nothing", "it sets nothing that a row could say"),
    (
        AfterDelay(86_401, "apply"),
        OFF,
        {},
        "countdown",
        "a countdown runs for 1 second to 24 hours, not for 1 day 1 second",
    ),
    (
        AfterDelay(60, "on"),
        ON,
        {},
        "setting",
        "a device's auto-off only turns off: set = { on = false } alone would fit it",
    ),
    (AfterDelay(90, "on"), OFF, {}, "seconds", "auto-off counts whole minutes: 1m30s is none"),
    (
        AfterDelay(86_460, "on"),
        OFF,
        {},
        "countdown",
        "auto-off waits for 1 minute to 24 hours, not for 1 day 1 minute",
    ),
    (
        PowerPast("below", 5, 0, 5),
        OFF,
        {},
        "power",
        "a device watches for too high a load, and not for one below a threshold",
    ),
    (PowerPast("above", 5, 90, 5), OFF, {}, "power", "power protection acts at once: for = 1m30s needs the daemon"),
    (PowerPast("above", 9, 0, 5), OFF, {}, "power", "power protection knows no rearm: 5 W needs the daemon"),
    (
        PowerPast("above", 9, 0, 9),
        ON,
        {},
        "setting",
        "power protection only turns off: set = { on = false } alone would fit it",
    ),
    (PowerPast("above", 9.5, 0, 9.5), OFF, {}, "power", "power protection counts whole watts from 1 up, not 9.5 W"),
    (PowerPast("above", 0, 0, 0), OFF, {}, "power", "power protection counts whole watts from 1 up, not 0 W"),
    (
        Away(HALF_PAST_EIGHT, HALF_PAST_EIGHT),
        Setting(),
        {},
        "window",
        "a device knows no window that ends when it starts",
    ),
    (
        Away(SunEdge("sunset"), SunEdge("sunset", 3600)),
        Setting(),
        {},
        "window",
        "a device knows no window with the sunset at both ends",
    ),
    (
        Away(HALF_PAST_EIGHT, SunEdge("sunrise", 1)),
        Setting(),
        {},
        "seconds",
        "a device knows whole minutes: +1s from sunrise is none",
    ),
    (
        Away(SunEdge("sunset", -25_200), HALF_PAST_EIGHT),
        Setting(),
        {},
        "offset",
        "a device reaches 6h from sunset, not -7h",
    ),
    (
        Away(dt.time(20, 30, 5), HALF_PAST_EIGHT),
        Setting(),
        {},
        "seconds",
        "a device knows whole minutes: 20:30:05 is none",
    ),
]


@pytest.mark.parametrize(("trigger", "setting", "more", "code", "reason"), CASES)
def test_a_rule_that_no_row_can_say(
    trigger: Any, setting: Setting, more: dict[str, Any], code: str, reason: str
) -> None:
    assert row_of(a_rule(trigger, setting, **more), BERLIN) == InDaemon(code, reason)


@given(rules(), sites)
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_rule_has_a_row_or_a_reason_which_depend_on_its_words_alone(rule: Rule, site: Site) -> None:
    compiled = row_of(rule, site)
    assert compiled == row_of(replace(rule, id="other", executor="device", enabled=True), site)
    match compiled:
        case InDaemon(code, reason):
            assert code
            assert reason[0] not in "AEIOU"
            assert not reason.endswith(".")
        case (ScheduleRow() as row, instant):
            assert row.setting.on is not None
            assert row.repeats is (instant is None) is bool(row.days)
        case (CountdownRow() as row, None):
            assert row.setting.on is not None
        case (row, instant):
            assert instant is None
