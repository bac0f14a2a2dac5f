"""What came due while nobody was there: what is made up for, per device, and what counts as missed."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.device import Setting
from tapo_automate.rules.catchup import MOST, Missed, between, catch_up, merged
from tapo_automate.rules.engine import Engine, Reading, Sighting
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Every,
    Firing,
    PowerPast,
    Role,
    Rule,
    Site,
    StateTurns,
    Step,
)

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
NOW = dt.datetime(2026, 1, 10, 12, tzinfo=dt.UTC)
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)

ON, OFF = Setting(on=True), Setting(on=False)
WARM = Setting(on=True, brightness_pct=40, color_temp_k=2700)
BRIGHT = Setting(brightness_pct=100)
CLOCK = AtTime(dt.time(12))


def a_rule(name: str, setting: Setting = ON, trigger: Any = CLOCK, **more: Any) -> Rule:
    return Rule(name, ("lamp",), trigger, setting, **more)


def ago(minutes: float, rule: Rule, device_id: str = "lamp", role: Role = "", **more: Any) -> Firing:
    return Firing(rule, device_id, NOW - minutes * MINUTE, NOW - minutes * MINUTE, role=role, **more)


def told(late: list[Firing], now: dt.datetime = NOW) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Return (rule, what is set) of what is carried out, and the reasons of what is missed by rule."""
    found = catch_up(late, now)
    return (
        [(each.rule.id, ", then ".join(str(setting) for _, setting in each.settings)) for each in found.carry],
        {each.firing.rule.id: each.reason for each in found.missed},
    )


# --- For each device the last one --------------------------------------------------------------------------------


def test_the_last_one_is_carried_out_and_the_older_ones_are_missed_because_of_it() -> None:
    first, second, third = (
        ago(n, a_rule(name, what)) for n, name, what in ((9, "a", ON), (5, "b", OFF), (2, "c", WARM))
    )
    found = catch_up([first, second, third], NOW)
    assert found.carry == [third]
    assert found.missed == [
        Missed(first, "a newer command came first: c", "c"),
        Missed(second, "a newer command came first: c", "c"),
    ]


def test_every_device_is_looked_at_alone() -> None:
    porch, lounge = ago(9, a_rule("a", ON), "porch"), ago(5, a_rule("b", OFF), "lounge")
    assert catch_up([lounge, porch], NOW).carry == [porch, lounge]


def test_of_those_due_together_the_later_in_the_list_is_the_last() -> None:
    assert told([ago(5, a_rule("a", ON)), ago(5, a_rule("b", OFF))])[0] == [("b", "off")]
    assert told([ago(5, a_rule("b", OFF)), ago(5, a_rule("a", ON))])[0] == [("a", "on")]


def test_the_order_of_the_list_does_not_matter_otherwise() -> None:
    late = [ago(2, a_rule("c", OFF)), ago(9, a_rule("a", ON))]
    assert catch_up(late, NOW).carry == catch_up(late[::-1], NOW).carry == [late[0]]


def test_nothing_late_is_nothing_to_do() -> None:
    assert told([]) == ([], {})


def test_what_is_beyond_its_time_decides_nothing() -> None:
    late = [ago(16, a_rule("early", WARM)), ago(10, a_rule("long", OFF)), ago(6, a_rule("short", ON, within_s=300))]
    assert told(late) == (
        [("long", "off")],
        {
            "early": "came due 960 s ago, more than the 900 s within which it may still be done",
            "short": "came due 360 s ago, more than the 300 s within which it may still be done",
        },
    )


def test_just_in_time_is_in_time() -> None:
    assert told([ago(15, a_rule("a"))]) == ([("a", "on")], {})
    assert told([ago(15, a_rule("a"))], NOW + dt.timedelta(milliseconds=1))[0] == []


def test_missed_skip_keeps_the_device_as_it_is() -> None:
    late = [ago(9, a_rule("a", ON)), ago(5, a_rule("b", OFF, missed="skip"))]
    assert told(late) == (
        [],
        {
            "a": "a newer command came first: b",
            "b": 'it came due while nobody was there, and its rule says missed = "skip"',
        },
    )
    assert told([*late[::-1], ago(1, a_rule("c", ON))])[0] == [("c", "on")]


NEVER: list[tuple[Firing, str]] = [
    (ago(1, a_rule("r", Setting(toggle=True))), "a toggle is not made up for"),
    (
        ago(1, a_rule("r", Setting(), steps=(Step(0, ON), Step(60, Setting(toggle=True))))),
        "a toggle is not made up for",
    ),
    (ago(1, a_rule("r", OFF, AfterDelay(600, "on"))), "a countdown is not made up for"),
    (
        ago(1, a_rule("r", Setting(), Away(dt.time(10), dt.time(14))), role="begin", seed=1),
        "switching at random is not made up for",
    ),
    (
        ago(1, a_rule("r", Setting(), Away(dt.time(10), dt.time(14))), role="switch", setting=ON, seed=1),
        "switching at random is not made up for",
    ),
    (ago(1, a_rule("r", Setting(), notify="tea")), "it only tells people, and not afterwards"),
]


@pytest.mark.parametrize(("firing", "reason"), NEVER)
def test_what_is_never_made_up_for_and_stands_in_nobodys_way(firing: Firing, reason: str) -> None:
    assert told([ago(9, a_rule("before", WARM)), firing]) == (
        [("before", "on, brightness 40, color_temp 2700")],
        {"r": reason},
    )


def test_a_rule_that_tells_people_and_sets_something_is_made_up_for() -> None:
    assert told([ago(1, a_rule("r", ON, notify="tea"))]) == ([("r", "on")], {})


def test_power_and_state_firings_are_made_up_for() -> None:
    late = [ago(2, a_rule("p", OFF, PowerPast("below", 5)), "washer"), ago(1, a_rule("s", ON, StateTurns("tv", "on")))]
    assert told(late) == ([("p", "off"), ("s", "on")], {})


# --- What the last one leaves open -------------------------------------------------------------------------------


def test_what_the_last_one_leaves_open_comes_from_the_older_ones() -> None:
    late = [ago(9, a_rule("a", WARM)), ago(5, a_rule("b", Setting(hue_deg=120))), ago(2, a_rule("c", BRIGHT))]
    found = catch_up(late, NOW)
    assert [(each.rule.id, each.setting) for each in found.carry] == [
        ("c", Setting(on=True, brightness_pct=100, hue_deg=120))
    ]
    assert found.carry[0] == replace(late[2], setting=found.carry[0].setting)
    assert [each.by for each in found.missed] == ["c", "c"]


def test_what_is_too_late_or_not_to_be_made_up_for_fills_nothing() -> None:
    late = [ago(20, a_rule("a", WARM)), ago(5, a_rule("b", ON, missed="skip")), ago(2, a_rule("c", BRIGHT))]
    assert told(late)[0] == [("c", "brightness 100")]


def test_steps_count_as_far_as_they_would_have_been() -> None:
    steps = (Step(0, Setting(on=True, brightness_pct=10)), Step(120, Setting(color_temp_k=2700)), Step(600, OFF))
    older = a_rule("steps", Setting(), steps=steps)
    assert told([ago(9, older), ago(2, a_rule("c", Setting(brightness_pct=50)))])[0] == [
        ("c", "on, brightness 50, color_temp 2700")
    ]
    assert told([ago(3, older), ago(2, a_rule("c", Setting(brightness_pct=50)))])[0] == [("c", "on, brightness 50")]


def test_steps_are_carried_out_whole() -> None:
    steps = (Step(0, Setting(brightness_pct=10)), Step(120, BRIGHT))
    last = ago(2, a_rule("steps", Setting(), steps=steps))
    found = catch_up([ago(5, a_rule("a", WARM)), last], NOW)
    assert found.carry == [last]
    assert found.carry[0].settings == last.rule.settings


def test_the_end_of_a_window_is_made_up_for_by_whoever_knows_what_was_before() -> None:
    back = ago(5, a_rule("away", Setting(), Away(dt.time(10), dt.time(14))), role="return", seed=1)
    assert catch_up([ago(9, a_rule("a", WARM)), back], NOW).carry == [back]
    off = ago(2, a_rule("off", OFF))
    assert catch_up([back, off], NOW).carry == [off]
    bright = ago(2, a_rule("bright", BRIGHT))
    found = catch_up([ago(9, a_rule("a", WARM)), back, bright], NOW)
    assert found.carry == [back, bright]  # whether it is on is for the window's end to say
    assert [each.firing.rule.id for each in found.missed] == ["a"]


# --- Two settings as one -----------------------------------------------------------------------------------------

MERGED: list[tuple[Setting, Setting, Setting]] = [
    (ON, OFF, OFF),
    (WARM, OFF, OFF),
    (WARM, Setting(on=False, transition_ms=500), Setting(on=False, transition_ms=500)),
    (OFF, ON, ON),
    (OFF, BRIGHT, Setting(on=True, brightness_pct=100)),  # it lights the lamp
    (
        OFF,
        Setting(brightness_pct=50, transition_ms=500),
        Setting(on=True, brightness_pct=50, transition_ms=500),
    ),
    (OFF, Setting(), OFF),
    (WARM, ON, WARM),
    (WARM, BRIGHT, Setting(on=True, brightness_pct=100, color_temp_k=2700)),
    (WARM, Setting(hue_deg=120), Setting(on=True, brightness_pct=40, hue_deg=120)),
    (WARM, Setting(saturation_pct=50), Setting(on=True, brightness_pct=40, saturation_pct=50)),
    (
        Setting(hue_deg=10, saturation_pct=20),
        Setting(saturation_pct=50),
        Setting(hue_deg=10, saturation_pct=50),
    ),
    (Setting(hue_deg=10, saturation_pct=20), Setting(color_temp_k=4000), Setting(color_temp_k=4000)),
    (Setting(hue_deg=0), Setting(brightness_pct=1), Setting(hue_deg=0, brightness_pct=1)),
    (Setting(on=True, transition_ms=5000), BRIGHT, Setting(on=True, brightness_pct=100)),
    (ON, Setting(brightness_pct=9, transition_ms=50), Setting(on=True, brightness_pct=9, transition_ms=50)),
    (WARM, Setting(toggle=True), Setting(toggle=True)),
    (Setting(toggle=True), BRIGHT, BRIGHT),
    (Setting(), WARM, WARM),
    (WARM, Setting(), WARM),
]


@pytest.mark.parametrize(("earlier", "later", "expected"), MERGED)
def test_two_settings_as_one(earlier: Setting, later: Setting, expected: Setting) -> None:
    assert merged(earlier, later) == expected


levels = st.none() | st.integers(1, 100)
white_or_colour = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"color_temp_k": st.integers(2500, 6500)}),
    st.fixed_dictionaries({"hue_deg": st.integers(0, 360)}, optional={"saturation_pct": st.integers(0, 100)}),
)
a_setting = st.one_of(
    st.just(OFF),
    st.builds(lambda on, pct, light: Setting(on, pct, **light), st.sampled_from([True, None]), levels, white_or_colour),
)


def lamp_after(lamp: Setting, setting: Setting) -> Setting:
    """Return how a lamp is after a setting, told one value after the other; while it is off it keeps the others."""
    lit = lamp.on is False and setting.on is None and setting != Setting()
    now = replace(lamp, on=True if lit else setting.on if setting.on is not None else lamp.on)
    if setting.brightness_pct is not None:
        now = replace(now, brightness_pct=setting.brightness_pct)
    if setting.color_temp_k is not None:
        now = replace(now, color_temp_k=setting.color_temp_k, hue_deg=None, saturation_pct=None)
    if setting.hue_deg is not None:
        now = replace(now, hue_deg=setting.hue_deg, color_temp_k=None)
    if setting.saturation_pct is not None:
        now = replace(now, saturation_pct=setting.saturation_pct, color_temp_k=None)
    return now


@settings(max_examples=300, deadline=None)
@given(day=st.lists(a_setting, min_size=1, max_size=6))
def test_what_is_made_up_for_shows_what_the_day_would_have_shown(day: list[Setting]) -> None:
    lamp = Setting()
    for setting in day:
        lamp = lamp_after(lamp, setting)
    late = [ago(len(day) - n, a_rule(f"r{n}", setting)) for n, setting in enumerate(day)]
    late = [each for each in late if each.settings]
    if late:
        (firing,) = catch_up(late, NOW).carry
        made_up = lamp_after(Setting(), firing.settings[0][1])
        assert made_up.on == lamp.on
        assert made_up == lamp or lamp.on is False


def some_rule(number: int) -> Rule:
    kinds: list[dict[str, Any]] = [
        {"setting": ON},
        {"setting": BRIGHT, "within_s": 300},
        {"setting": OFF, "missed": "skip"},
        {"setting": Setting(toggle=True)},
        {"setting": Setting(), "notify": "tea"},
        {"setting": Setting(), "steps": (Step(0, ON), Step(60, BRIGHT))},
        {"setting": OFF, "trigger": AfterDelay(600, "on")},
    ]
    return a_rule(f"r{number}", **kinds[number])


@settings(max_examples=200, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["a", "b"]), st.integers(0, 20)), max_size=12, unique=True
    )
)
def test_every_late_firing_is_carried_out_or_missed_once(drawn: list[tuple[int, str, int]]) -> None:
    late = [ago(minutes, some_rule(number), device_id) for number, device_id, minutes in drawn]
    found = catch_up(late, NOW)
    names = [(f.rule.id, f.device_id, f.nominal) for f in (*found.carry, *(each.firing for each in found.missed))]
    assert sorted(names) == sorted((f.rule.id, f.device_id, f.nominal) for f in late)
    assert len({each.device_id for each in found.carry}) == len(found.carry)
    assert all(each.late_s(NOW) <= each.rule.within_s for each in found.carry)
    assert all(each.reason for each in found.missed)
    for each in found.missed:
        if each.by:
            assert any(f.rule.id == each.by and f.device_id == each.firing.device_id for f in late)


# --- What was due meanwhile --------------------------------------------------------------------------------------

HOUSE = [
    a_rule("noon", ON, AtTime(dt.time(12))),
    Rule("dusk", ("a", "b", "c"), AtSun("sunset"), WARM, jitter_s=600),
    Rule("often", ("a", "b"), Every(1800), OFF, jitter_s=900),
    Rule("window", ("d",), Every(600, (dt.time(22), dt.time(3))), OFF),
    a_rule("once", ON, AtDate(dt.datetime(2026, 1, 10, 11))),  # noqa: DTZ001
    Rule("holiday", ("a", "d"), Away(dt.time(18), dt.time(23)), Setting()),
    a_rule("washer", OFF, PowerPast("below", 5)),
    a_rule("tv", ON, StateTurns("tv", "on")),
]


@settings(max_examples=40, deadline=None)
@given(end_min=st.integers(0, 60 * 48), length_s=st.integers(0, 86_400))
def test_what_was_due_is_what_an_engine_would_have_given(end_min: int, length_s: int) -> None:
    now = NOW + end_min * MINUTE
    since = now - dt.timedelta(seconds=length_s)
    engine = Engine(HOUSE, BERLIN, since + dt.timedelta.resolution, away_salt=b"salt")
    assert between(HOUSE, BERLIN, since, now, salt=b"salt") == engine.advance(now)


def test_it_begins_after_the_first_instant_and_includes_the_last() -> None:
    noon = NOW - 60 * MINUTE
    rule = a_rule("noon", ON, AtTime(dt.time(12)))
    assert between([rule], BERLIN, noon, noon + DAY, salt=b"") == Engine([rule], BERLIN, NOW).advance(noon + DAY)
    assert [each.nominal for each in between([rule], BERLIN, noon - MINUTE, noon, salt=b"")] == [noon]
    assert between([rule], BERLIN, NOW, NOW, salt=b"") == []
    assert between([rule], BERLIN, NOW + DAY, NOW, salt=b"") == []


def test_what_was_due_together_comes_in_the_order_of_the_rules() -> None:
    rules = [a_rule("b", ON, Every(3600)), a_rule("a", ON, AtTime(dt.time(12))), a_rule("c", ON, Every(1800))]
    rules += [a_rule("d", ON, AtTime(dt.time(12)), within_s=2 * 86_400), a_rule("e", ON, Every(3600))]
    found = between(rules, BERLIN, NOW - 61 * MINUTE, NOW - 59 * MINUTE, salt=b"")
    assert [each.rule.id for each in found] == ["b", "a", "c", "d", "e"]


def test_it_is_looked_back_a_day_and_further_only_for_rules_that_wait_longer() -> None:
    rules = [a_rule("day", ON, AtTime(dt.time(12))), a_rule("week", ON, AtTime(dt.time(12)), within_s=7 * 86_400)]
    found = between(rules, BERLIN, NOW - 300 * DAY, NOW, salt=b"")
    assert [each.rule.id for each in found].count("day") == 1
    assert [each.rule.id for each in found].count("week") == 7


@pytest.mark.parametrize("trigger", [Every(1), Every(1, (dt.time(3), dt.time(4))), Every(60), Every(7 * 86_400)])
@pytest.mark.parametrize("jitter_s", [0, 50])
def test_of_what_comes_all_the_time_the_newest_are_enough(trigger: Every, jitter_s: int) -> None:
    rule = Rule(
        "often", ("a", "b"), trigger, ON, within_s=7 * 86_400, jitter_s=jitter_s if trigger.interval_s > 50 else 0
    )
    since = NOW - 2 * DAY
    whole = Engine([rule], BERLIN, since + dt.timedelta.resolution).advance(NOW)
    began = time.process_time()
    found = between([rule], BERLIN, since, NOW, salt=b"")
    assert time.process_time() - began < 1  # measured: 0.03 on an idle core
    for device_id in rule.device_ids:
        assert [each for each in found if each.device_id == device_id] == [
            each for each in whole if each.device_id == device_id
        ][-MOST:]


def test_ten_thousand_rules_over_some_minutes_cost_little() -> None:
    rules = [a_rule(f"r{n}", ON, AtTime(dt.time(n % 24, n % 60))) for n in range(10_000)]
    began = time.process_time()
    found = between(rules, BERLIN, NOW - 5 * MINUTE, NOW, salt=b"")
    assert time.process_time() - began < 3  # measured: 0.2 on an idle core
    assert {each.nominal for each in found} <= {NOW - n * MINUTE for n in range(5)}


def test_what_was_due_and_what_was_seen_make_one_list() -> None:
    """The way of a restart: what the engine gave before, what was due meanwhile, and the last of it decides."""
    engine = Engine(HOUSE, BERLIN, NOW - 10 * MINUTE)
    (low,) = engine.observe(Reading("lamp", NOW - 6 * MINUTE, 1.0))
    engine.see(Sighting("tv", NOW - 6 * MINUTE, False))
    (lit,) = engine.see(Sighting("tv", NOW - 5 * MINUTE, True))
    late = [low, lit, *between(HOUSE, BERLIN, NOW - 10 * MINUTE, NOW, salt=b"")]
    found = catch_up([each for each in late if each.device_id == "lamp"], NOW)
    assert [(each.rule.id, str(each.settings[0][1])) for each in found.carry] == [("tv", "on")]
    assert [(each.firing.rule.id, each.by) for each in found.missed] == [("washer", "tv")]
