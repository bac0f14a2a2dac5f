"""What an engine hands on: over restarts, reloads and clocks that are set, nothing fires twice and nothing is lost."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.device import Setting
from tapo_automate.rules.engine import Engine, Memory, Reading, Sighting
from tapo_automate.rules.model import AfterDelay, AtSun, AtTime, Away, Every, Firing, PowerPast, Rule, Site, StateTurns
from tapo_automate.rules.power import Latch
from tapo_automate.rules.turns import Turn

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
START = dt.datetime(2026, 3, 28, 12, tzinfo=dt.UTC)
SECOND, MINUTE, HOUR, DAY = (dt.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))

WASHER = PowerPast("below", threshold_w=5, hold_s=180, rearm_w=20)
LIT = StateTurns("tv", "on", 100)


def second(seconds: float) -> dt.datetime:
    return START + seconds * SECOND


def a_rule(name: str, trigger: Any, *devices: str, **more: Any) -> Rule:
    return Rule(name, devices or ("lamp",), trigger, Setting(on=True), **more)


def an_engine(*rules: Rule, now: dt.datetime = START, memory: Memory | None = None) -> Engine:
    return Engine(rules, BERLIN, now, memory=memory, away_salt=b"salt")


def watts(at: float, power_w: float) -> Reading:
    return Reading("washer", second(at), power_w)


def looked(at: float, on: bool, since: float | None = None) -> Sighting:
    return Sighting("tv", second(at), on, None if since is None else second(since))


def keys(firings: list[Firing]) -> list[tuple[str, str, dt.datetime]]:
    return [(each.rule.id, each.device_id, each.nominal) for each in firings]


# --- Handed to the next engine -----------------------------------------------------------------------------------


def lit_for_a_while() -> Engine:
    """Return an engine whose rule waits, until second 110, for the set to have been on."""
    engine = an_engine(a_rule("lit", LIT))
    engine.see(looked(0, False))
    engine.see(looked(10, True))
    engine.see(looked(50, True))
    return engine


def test_a_hold_by_state_goes_on_over_a_restart() -> None:
    engine = an_engine(a_rule("lit", LIT), now=second(60), memory=lit_for_a_while().memory)
    assert engine.wake_at == second(110)
    assert keys(engine.advance(second(110))) == [("lit", "lamp", second(110))]


def test_what_fired_does_not_fire_again_after_a_restart() -> None:
    old = lit_for_a_while()
    assert keys(old.advance(second(110)))
    engine = an_engine(a_rule("lit", LIT), now=second(115), memory=old.memory)
    assert engine.wake_at is None
    assert engine.see(looked(120, True)) == []


def test_a_hold_that_was_over_while_nobody_was_there_waits_for_a_look() -> None:
    memory = lit_for_a_while().memory
    for look, expected in ((looked(700, True), [("lit", "lamp", second(110))]), (looked(700, False), [])):
        engine = an_engine(a_rule("lit", LIT), now=second(600), memory=memory)
        assert engine.wake_at is None
        assert engine.advance(second(650)) == []
        assert keys(engine.see(look)) == expected


def test_a_hold_that_was_over_a_moment_ago_is_believed() -> None:
    engine = an_engine(a_rule("lit", LIT), now=second(120), memory=lit_for_a_while().memory)
    assert keys(engine.advance(second(120))) == [("lit", "lamp", second(110))]


def test_a_device_that_turned_while_nobody_was_there_has_turned() -> None:
    old = an_engine(a_rule("lit", StateTurns("tv", "on")))
    old.see(looked(0, False))
    engine = an_engine(a_rule("lit", StateTurns("tv", "on")), now=second(600), memory=old.memory)
    assert keys(engine.see(looked(610, True, 300))) == [("lit", "lamp", second(300))]


def test_keys_that_fit_no_rule_are_dropped() -> None:
    memory = Memory(
        {("gone", "washer"): Latch(False), ("done", "dryer"): Latch(False), ("lit", "tv"): Latch(False)},
        {("gone", "tv"): Turn(True, START, START, False), ("done", "washer"): Turn(True, START, START, False)},
    )
    engine = an_engine(a_rule("done", WASHER, "washer"), a_rule("lit", LIT), memory=memory)
    assert engine.memory == Memory({("done", "washer"): Latch()}, {})
    assert engine.wake_at is None


def test_another_hold_counts_from_the_same_turn() -> None:
    memory = lit_for_a_while().memory
    shorter = an_engine(a_rule("lit", StateTurns("tv", "on", 55)), now=second(60), memory=memory)
    assert keys(shorter.advance(second(65))) == [("lit", "lamp", second(65))]
    longer = an_engine(a_rule("lit", StateTurns("tv", "on", 130)), now=second(60), memory=memory)
    assert keys(longer.advance(second(140))) == [("lit", "lamp", second(140))]


def test_a_rule_that_waits_for_the_other_way_round_now_waits_for_the_next_turn() -> None:
    old = an_engine(a_rule("lit", LIT))
    old.see(looked(0, True))
    old.see(looked(10, False))
    engine = an_engine(a_rule("lit", StateTurns("tv", "off", 5)), now=second(600), memory=old.memory)
    assert engine.see(looked(610, False)) == []
    engine.see(looked(620, True))
    engine.see(looked(630, False))
    assert keys(engine.advance(second(635))) == [("lit", "lamp", second(635))]


def test_a_run_that_nobody_waited_for_has_nothing_left_to_fire() -> None:
    """Off and on between two looks began it, under a rule that waits for off; now the rule waits for on."""
    old = an_engine(a_rule("lit", StateTurns("tv", "off")))
    old.see(looked(0, True, -50))
    old.see(looked(10, True, 5))
    engine = an_engine(a_rule("lit", StateTurns("tv", "on")), now=second(600), memory=old.memory)
    assert engine.see(looked(610, True, 5)) == []


def test_a_latch_is_handed_on_and_its_hold_with_it() -> None:
    old = an_engine(a_rule("done", WASHER, "washer"))
    assert [old.observe(watts(n * 60, 1)) for n in range(3)] == [[], [], []]
    engine = an_engine(a_rule("done", WASHER, "washer"), now=second(170), memory=old.memory)
    assert keys(engine.observe(watts(181, 1))) == [("done", "washer", second(180))]
    again = an_engine(a_rule("done", WASHER, "washer"), now=second(190), memory=engine.memory)
    assert [again.observe(watts(200 + n * 60, 1)) for n in range(10)] == [[]] * 10


@pytest.mark.parametrize("changed", [PowerPast("below", 6, 180, 20), PowerPast("above", 0.5, 180, 0.2)])
def test_a_hold_for_another_threshold_is_no_hold_for_this_one(changed: PowerPast) -> None:
    old = an_engine(a_rule("done", WASHER, "washer"))
    for n in range(3):
        old.observe(watts(n * 60, 1))
    engine = an_engine(a_rule("done", changed, "washer"), now=second(170), memory=old.memory)
    assert [engine.observe(watts(each, 1)) for each in (181, 250, 310)] == [[], [], []]
    assert keys(engine.observe(watts(361, 1))) == [("done", "washer", second(361))]


def test_a_latch_that_waits_to_be_armed_waits_with_another_threshold_too() -> None:
    old = an_engine(a_rule("done", PowerPast("below", 5, 0, 20), "washer"))
    assert old.observe(watts(0, 1))
    engine = an_engine(a_rule("done", PowerPast("below", 6, 0, 20), "washer"), now=second(1), memory=old.memory)
    assert engine.observe(watts(10, 1)) == []
    assert engine.observe(watts(20, 21)) == []
    assert len(engine.observe(watts(30, 1))) == 1


def test_a_longer_hold_of_a_latch_goes_on() -> None:
    old = an_engine(a_rule("done", WASHER, "washer"))
    for n in range(3):
        old.observe(watts(n * 60, 1))
    longer = PowerPast("below", 5, 240, 30)
    engine = an_engine(a_rule("done", longer, "washer"), now=second(130), memory=old.memory)
    assert engine.observe(watts(181, 1)) == []
    assert keys(engine.observe(watts(240, 1))) == [("done", "washer", second(240))]


def test_a_reload_builds_first_and_remembers_afterwards() -> None:
    old = lit_for_a_while()
    engine = an_engine(a_rule("lit", LIT), a_rule("noon", AtTime(dt.time(12))), now=second(60))
    engine.remember(old.memory)
    assert engine.wake_at == second(110)
    engine.remember(old.memory)
    assert keys(engine.advance(second(120))) == [("lit", "lamp", second(110))]


# --- What is worth writing down ----------------------------------------------------------------------------------


def test_what_was_touched_is_told_once() -> None:
    engine = an_engine(a_rule("lit", LIT), a_rule("done", WASHER, "washer"))
    assert engine.touched() == Memory()
    engine.see(looked(0, False))
    assert engine.touched() == Memory({}, {("lit", "tv"): Turn(False, None, second(0), True)})
    assert engine.touched() == Memory()
    engine.see(looked(10, True))
    engine.observe(watts(10, 50))
    told = engine.touched()
    assert told.turns == {("lit", "tv"): Turn(True, second(10), second(10), False)}
    assert set(told.latches) == {("done", "washer")}
    engine.advance(second(110))
    assert engine.touched().turns == {("lit", "tv"): Turn(True, second(10), second(10), True)}


def test_a_sign_of_life_is_told_every_half_minute() -> None:
    engine = an_engine(a_rule("lit", LIT), a_rule("done", WASHER, "washer"))
    told = []
    for at in range(0, 200, 10):
        engine.see(looked(at, False))
        engine.observe(watts(at, 50))
        memory = engine.touched()
        told.append((at, len(memory.turns), len(memory.latches)))
    assert [(at, *rest) for at, *rest in told if rest != [0, 0]] == [(at, 1, 1) for at in (0, 40, 80, 120, 160)]


def test_what_was_only_handed_on_is_not_told_and_what_was_changed_by_it_is() -> None:
    old = an_engine(a_rule("done", WASHER, "washer"), a_rule("lit", LIT))
    old.observe(watts(0, 1))
    old.see(looked(0, False))
    rules = a_rule("done", WASHER, "washer"), a_rule("lit", LIT)
    assert an_engine(*rules, memory=old.memory).touched() == Memory()
    changed = an_engine(a_rule("done", PowerPast("below", 6), "washer"), memory=old.memory)
    assert changed.touched().latches["done", "washer"].since is None


def test_what_was_told_is_all_that_a_restart_needs() -> None:
    engine = an_engine(a_rule("lit", LIT), a_rule("done", WASHER, "washer"))
    kept: Memory = Memory({}, {})
    for at in range(0, 125, 5):
        engine.see(looked(at, at >= 30))
        engine.observe(watts(at, 50 if at < 20 else 1))
        told = engine.touched()
        kept = Memory({**kept.latches, **told.latches}, {**kept.turns, **told.turns})
    again = an_engine(a_rule("lit", LIT), a_rule("done", WASHER, "washer"), now=second(128), memory=kept)
    assert keys(again.advance(second(130))) == [("lit", "lamp", second(130))]
    assert keys(again.observe(watts(200, 1))) == [("done", "washer", second(200))]


# --- Clocks that are set -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [-7200, -3, 3, 7200, 9_000_000])
def test_a_clock_that_is_set_takes_running_holds_along(by: float) -> None:
    engine = an_engine(a_rule("lit", LIT), a_rule("done", WASHER, "washer"))
    engine.see(looked(0, False))
    engine.see(looked(10, True))
    for n in range(3):
        engine.observe(watts(n * 50, 1))
    engine.shift(by * SECOND)
    assert engine.wake_at == second(110 + by)
    assert engine.see(looked(105 + by, True, 10 + by)) == []
    assert keys(engine.advance(second(110 + by))) == [("lit", "lamp", second(110 + by))]
    assert engine.observe(watts(150 + by, 1)) == []
    assert keys(engine.observe(watts(190 + by, 1))) == [("done", "washer", second(180 + by))]
    assert engine.see(looked(200 + by, True)) == []


@pytest.mark.parametrize("by", [-7200, 7200])
def test_a_clock_that_is_set_does_not_make_sightings_seem_old_or_out_of_order(by: float) -> None:
    engine = an_engine(a_rule("lit", StateTurns("tv", "on")))
    engine.see(looked(0, False))
    engine.shift(by * SECOND)
    assert keys(engine.see(looked(5 + by, True, 3 + by))) == [("lit", "lamp", second(3 + by))]


def test_a_clock_that_is_set_back_has_its_firings_given_out_again() -> None:
    rules = [
        a_rule("hourly", Every(3600)),
        a_rule("late", Every(3600), "a", "b", jitter_s=1800),
        a_rule("holiday", Away(dt.time(13), dt.time(18)), "a", "b"),
        a_rule("dusk", AtSun("sunset")),
    ]
    engine = an_engine(*rules)
    first = engine.advance(START + 10 * HOUR)
    engine.go_back(START + 4 * HOUR + 7 * MINUTE)
    again = engine.advance(START + 10 * HOUR)
    assert again == [each for each in first if each.due > START + 4 * HOUR + 7 * MINUTE]
    assert len(again) < len(first)
    assert engine.advance(START + 10 * HOUR) == []


def test_going_back_to_the_future_skips_nothing() -> None:
    engine = an_engine(a_rule("hourly", Every(3600)))
    engine.advance(START)
    engine.go_back(START + 5 * HOUR)
    assert [each.nominal for each in engine.advance(START + 2 * HOUR)] == [START + HOUR, START + 2 * HOUR]


def test_what_is_due_at_the_instant_gone_back_to_is_past() -> None:
    engine = an_engine(a_rule("hourly", Every(3600)))
    engine.advance(START + HOUR)
    engine.go_back(START + HOUR)
    assert [each.nominal for each in engine.advance(START + 2 * HOUR)] == [START + 2 * HOUR]


# --- Any way through time ----------------------------------------------------------------------------------------

HOUSE = [
    a_rule("morning", AtTime(dt.time(6, 30)), "a", "b", jitter_s=900),
    a_rule("gap", AtTime(dt.time(2, 30)), "a"),
    a_rule("dusk", AtSun("sunset", -900), "a", "b", jitter_s=600),
    a_rule("often", Every(1700), "c", "d", jitter_s=1500),
    a_rule("window", Every(1800, (dt.time(22), dt.time(3))), "d"),
    a_rule("holiday", Away(dt.time(19), dt.time(1)), "a", "c"),
    a_rule("nights", Away(dt.time(22), dt.time(22)), "e"),
]
a_step = st.one_of(
    st.tuples(st.just("on"), st.integers(1, 7 * 3600)),
    st.tuples(st.just("on"), st.integers(1, 90)),
    st.tuples(st.just("wake"), st.just(0)),
    st.tuples(st.just("back"), st.integers(1, 5 * 3600)),
    st.tuples(st.just("ask earlier"), st.integers(1, 5 * 3600)),
    st.tuples(st.just("restart"), st.just(0)),
)


@settings(max_examples=80, deadline=None)
@given(steps=st.lists(a_step, max_size=40))
def test_any_way_through_time_gives_what_the_straight_way_gives(steps: list[tuple[str, int]]) -> None:
    engine, now = an_engine(*HOUSE), START
    furthest, given_out = START, set()
    for what, amount in steps:
        match what:
            case "on":
                now += amount * SECOND
            case "wake":
                assert engine.wake_at is not None
                now = max(now, engine.wake_at)
            case "back":  # what came after is carried out again, unless the journal has it
                now -= amount * SECOND
                engine.go_back(now)
                assert engine.wake_at is not None
                assert engine.wake_at > now
            case "ask earlier":
                assert engine.advance(now - amount * SECOND) == []
            case "restart":
                engine.advance(now)
                engine = an_engine(*HOUSE, now=now + dt.timedelta.resolution, memory=engine.memory)
                furthest = max(furthest, now)
                continue
        found = engine.advance(now)
        assert all(each.due <= now for each in found)
        given_out.update(keys(found))
        furthest = max(furthest, now)
    # Before the start lies what a clock that was set back further than that brings.
    straight = set(keys(an_engine(*HOUSE, now=START - 10 * DAY).advance(furthest)))
    since_start = set(keys(an_engine(*HOUSE).advance(furthest)))
    assert since_start <= given_out <= straight


a_look = st.tuples(st.sampled_from([20, 50, 70, 500, 2000]), st.sampled_from([True, True, False]), st.booleans())
WAITING = [
    a_rule("lit", StateTurns("tv", "on", 100), "a", "b"),
    a_rule("dark", StateTurns("tv", "off", 60)),
    a_rule("at-once", StateTurns("tv", "on"), jitter_s=300),
    a_rule("auto-off", AfterDelay(240, "on"), "tv"),
    a_rule("done", PowerPast("below", 5, 90, 20), "washer"),
]


@settings(max_examples=150, deadline=None)
@given(
    looks=st.lists(a_look, max_size=25), ways=st.lists(st.sampled_from(["", "restart", "wait", "tick"]), min_size=25)
)
def test_restarts_and_idle_ticks_change_nothing_about_what_waits(
    looks: list[tuple[int, bool, bool]], ways: list[str]
) -> None:
    straight, bumpy = an_engine(*WAITING), an_engine(*WAITING)
    one: list[Firing] = []
    other: list[Firing] = []
    at = 0
    for (pause_s, on, says), way in zip(looks, ways, strict=False):
        at += pause_s
        for engine, found in ((straight, one), (bumpy, other)):
            while (wake_at := engine.wake_at) is not None and wake_at <= second(at):
                found += engine.advance(wake_at)
        if way == "restart":
            bumpy = an_engine(*WAITING, now=second(at), memory=bumpy.memory)
        elif way == "tick":
            other += bumpy.advance(second(at - 0.5)) + bumpy.advance(second(at))
        elif way == "wait":
            bumpy.skip_to(second(at))
        for engine, found in ((straight, one), (bumpy, other)):
            found += engine.see(looked(at, on, at - 15 if says else None))
            found += engine.observe(watts(at, 1 if on else 50))
    assert keys(other) == keys(one)
    assert len(set(keys(one))) == len(one)
    assert bumpy.memory == straight.memory
