"""The engine: told instants and readings, it gives each firing once and in order."""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.device import Setting
from tapo_automate.rules.engine import Engine, Memory, Reading, jitter_s, runnable
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Every,
    Firing,
    PowerPast,
    Rule,
    RuleBook,
    Site,
)
from tapo_automate.rules.power import Latch

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
LONGYEARBYEN = Site(ZoneInfo("Arctic/Longyearbyen"), 78.22, 15.65)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECOND, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def a_rule(name: str, trigger: Any, *devices: str, **more: Any) -> Rule:
    return Rule(name, devices or ("lamp",), trigger, Setting(on=True), **more)


def names(firings: list[Firing]) -> list[tuple[str, str]]:
    return [(firing.rule.id, firing.device_id) for firing in firings]


def house() -> list[Rule]:
    """Return rules of every kind that goes by the clock, with and without jitter."""
    return [
        a_rule("morning", AtTime(dt.time(6, 30), frozenset(range(5))), "a", "b"),
        a_rule("gap", AtTime(dt.time(2, 30)), "a", jitter_s=600),
        a_rule("both", AtTime(dt.time(2, 15)), "c", on_overlap="both"),
        a_rule("dusk", AtSun("sunset", -900), "a", "b", "c", jitter_s=30),
        a_rule("dawn", AtSun("sunrise", 3600), "b"),
        a_rule("often", Every(5400), "d", jitter_s=7000),
        a_rule("window", Every(1800, (dt.time(22), dt.time(3))), "d", "e"),
        a_rule("once", AtDate(dt.datetime(2026, 12, 24, 16)), "a"),  # noqa: DTZ001
    ]


def test_advance_gives_what_is_due_in_order_and_each_once() -> None:
    engine = Engine([a_rule("noon", AtTime(dt.time(12))), a_rule("ten", AtTime(dt.time(10)))], BERLIN, START)
    assert engine.wake_at == START + 9 * HOUR
    assert engine.advance(START + 9 * HOUR - SECOND) == []
    assert names(engine.advance(START + 12 * HOUR)) == [("ten", "lamp"), ("noon", "lamp")]
    assert engine.advance(START + 12 * HOUR) == []
    assert engine.wake_at == START + 33 * HOUR


def test_what_is_due_exactly_at_the_start_counts() -> None:
    engine = Engine([a_rule("nine", AtTime(dt.time(10)))], BERLIN, START + 9 * HOUR)
    assert [firing.due for firing in engine.advance(START + 9 * HOUR)] == [START + 9 * HOUR]


def test_a_clock_that_goes_back_repeats_nothing() -> None:
    engine = Engine(house(), BERLIN, START)
    first = engine.advance(START + 3 * DAY)
    assert engine.advance(START + DAY) == []
    assert engine.advance(START + 3 * DAY) == []
    engine.skip_to(START)
    again = engine.advance(START + 6 * DAY)
    assert first + again == Engine(house(), BERLIN, START).advance(START + 6 * DAY)


def test_firings_due_together_come_in_the_order_of_rules_and_devices() -> None:
    rules = [a_rule("second", AtTime(dt.time(10)), "z", "a"), a_rule("first", AtTime(dt.time(10)), "m")]
    due = Engine(rules, BERLIN, START).advance(START + 10 * HOUR)
    assert names(due) == [("second", "z"), ("second", "a"), ("first", "m")]


@pytest.mark.parametrize("seed", range(4))
def test_a_year_walked_in_random_steps_equals_the_forecast(seed: int) -> None:
    dice = random.Random(seed)
    end = START + 366 * DAY
    book = RuleBook(BERLIN, {}, {}, {rule.id: rule for rule in house()})
    forecast = list(firings_between(book, START, end))
    engine, walked, now = Engine(house(), BERLIN, START), [], START
    while now < end - SECOND:
        now = min(now + dice.choice([SECOND, 700 * SECOND, 5 * HOUR, 9 * DAY]) * dice.random() * 2, end - SECOND)
        walked += engine.advance(now)
        if dice.random() < 0.1:
            walked += engine.advance(now - dice.random() * DAY)
    assert walked == [firing for firing in forecast if firing.due <= now]
    assert len(walked) > 10_000
    assert len({(f.rule.id, f.device_id, f.nominal) for f in walked}) == len(walked)
    assert [f.due for f in walked] == sorted(f.due for f in walked)


@pytest.mark.parametrize("hours", [0, 7, 7.1, 100, 2500, 8000])
def test_an_engine_started_later_gives_the_same_firings_from_there_on(hours: float) -> None:
    since = START + hours * HOUR
    whole = Engine(house(), BERLIN, START).advance(START + 365 * DAY)
    assert Engine(house(), BERLIN, since).advance(START + 365 * DAY) == [f for f in whole if f.due >= since]


def test_wake_at_is_never_a_false_alarm() -> None:
    engine = Engine(house(), BERLIN, START + 5 * HOUR)
    for _ in range(500):
        wake_at = engine.wake_at
        assert wake_at is not None
        assert engine.advance(wake_at - dt.timedelta.resolution) == []
        assert {firing.due for firing in engine.advance(wake_at)} == {wake_at}


def test_skipping_drops_the_past_without_going_through_it() -> None:
    engine = Engine([a_rule("tick", Every(1)), *house()], BERLIN, dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    began = time.process_time()
    engine.skip_to(START)
    assert time.process_time() - began < 1
    fresh = Engine([a_rule("tick", Every(1)), *house()], BERLIN, START)
    assert engine.advance(START + HOUR) == fresh.advance(START + HOUR)


def test_a_thousand_rules_over_thirty_days_take_well_under_a_second() -> None:
    rules = [a_rule(f"r{n}", AtTime(dt.time(n % 24, n % 60))) for n in range(1000)]
    engine = Engine(rules, BERLIN, START)
    began = time.process_time()
    firings = engine.advance(START + 30 * DAY)
    assert len(firings) == 30_000
    assert time.process_time() - began < 1.5  # measured: 0.2 on an idle core


def test_rules_that_never_come_again_cost_nothing() -> None:
    past = [a_rule(f"p{n}", AtDate(dt.datetime(2020, 1, 1))) for n in range(1000)]  # noqa: DTZ001
    engine = Engine(past, BERLIN, START)
    assert engine.wake_at is None
    assert engine.advance(START + 4000 * DAY) == []


def test_polar_night_is_passed_over_in_one_step() -> None:
    engine = Engine([a_rule("dusk", AtSun("sunset"))], LONGYEARBYEN, dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    assert engine.wake_at is not None
    assert dt.datetime(2027, 2, 10, tzinfo=dt.UTC) < engine.wake_at < dt.datetime(2027, 2, 20, tzinfo=dt.UTC)


def test_a_day_left_out_gives_one_firing_per_rule_and_device() -> None:
    apia = Site(ZoneInfo("Pacific/Apia"))
    engine = Engine([a_rule("daily", AtTime(dt.time(7, 30)), "a", "b")], apia, dt.datetime(2011, 12, 29, tzinfo=dt.UTC))
    firings = engine.advance(dt.datetime(2012, 1, 1, tzinfo=dt.UTC))
    assert [(f.nominal.day, f.device_id) for f in firings] == [(d, i) for d in (29, 30, 31) for i in ("a", "b")]


def test_the_delay_of_a_rule_and_device_is_fixed_whole_seconds_and_spread() -> None:
    rule = a_rule("dusk", AtTime(dt.time(20)), *(f"d{n}" for n in range(500)), jitter_s=30)
    delays = [jitter_s(rule, device_id) for device_id in rule.device_ids]
    assert set(delays) == set(range(31))
    assert delays[:6] == [jitter_s(rule, f"d{n}") for n in range(6)]
    assert jitter_s(a_rule("dusk", AtTime(dt.time(20))), "d0") == 0


def test_the_delay_is_the_same_on_every_machine_and_in_every_version() -> None:
    rule = a_rule("porch", AtTime(dt.time(20)), jitter_s=3600)
    assert [jitter_s(rule, device) for device in ("lamp", "fan")] == [2398, 2296]  # by sha256sum


def test_a_delayed_firing_keeps_its_nominal_instant() -> None:
    rule = a_rule("dusk", AtTime(dt.time(20)), *(f"d{n}" for n in range(50)), jitter_s=30)
    firings = Engine([rule], BERLIN, START).advance(START + DAY)
    assert {firing.nominal for firing in firings} == {START + 19 * HOUR}
    assert [firing.due for firing in firings] == sorted(firing.due for firing in firings)
    assert all(firing.due == firing.nominal + jitter_s(rule, firing.device_id) * SECOND for firing in firings)


def test_an_engine_started_within_the_delays_gives_only_those_still_to_come() -> None:
    rule = a_rule("dusk", AtTime(dt.time(20)), *(f"d{n}" for n in range(50)), jitter_s=30)
    start = START + 19 * HOUR + 15 * SECOND
    later = [device_id for device_id in rule.device_ids if jitter_s(rule, device_id) >= 15]
    assert 0 < len(later) < 50
    firings = Engine([rule], BERLIN, start).advance(start + HOUR)
    assert sorted(firing.device_id for firing in firings) == sorted(later)


def test_lateness_is_counted_from_the_due_instant() -> None:
    (firing,) = Engine([a_rule("ten", AtTime(dt.time(10)))], BERLIN, START).advance(START + 10 * HOUR)
    assert firing.late_s(START + 10 * HOUR) == 3600


def test_only_rules_that_are_switched_on_and_not_the_devices_own_are_run() -> None:
    runs = a_rule("runs", AtTime(dt.time(8)))
    tables = a_rule("tables", AtTime(dt.time(8)), executor="device")  # the ledger says at the firing who does it
    rules = [
        runs,
        a_rule("off", AtTime(dt.time(8)), enabled=False),
        a_rule("applied", AfterDelay(60, "apply")),
        tables,
    ]
    assert runnable(rules) == [runs, tables]


# --- Power -------------------------------------------------------------------------------------------------------

WASHER = PowerPast("below", threshold_w=5, hold_s=180, rearm_w=20)


def at(seconds: float, power_w: float, device_id: str = "washer") -> Reading:
    return Reading(device_id, START + seconds * SECOND, power_w)


def test_a_reading_brings_about_a_firing_of_its_own_device_only() -> None:
    engine = Engine([a_rule("done", WASHER, "washer", "dryer")], BERLIN, START)
    assert engine.metered == {"washer", "dryer"}
    assert engine.wake_at is None
    assert [engine.observe(at(n * 60, 1.0)) for n in range(3)] == [[], [], []]
    assert engine.observe(at(180, 1.0, "dryer")) == []
    (firing,) = engine.observe(at(190, 1.0))
    assert (firing.rule.id, firing.device_id) == ("done", "washer")
    assert firing.nominal == firing.due == START + 180 * SECOND
    assert engine.observe(at(200, 1.0)) == []
    assert engine.observe(at(200, 1.0, "lamp")) == []


def test_a_power_firing_that_jitter_puts_off_is_given_at_once() -> None:
    rule = a_rule("done", WASHER, "washer", jitter_s=3600)
    delay = jitter_s(rule, "washer") * SECOND
    assert delay > 10 * SECOND
    engine = Engine([rule], BERLIN, START)
    (firing,) = [firing for n in range(5) for firing in engine.observe(at(n * 60, 1.0))]
    assert (firing.nominal, firing.due) == (START + 180 * SECOND, START + 180 * SECOND + delay)
    assert engine.wake_at is None
    assert engine.advance(START + DAY) == []


def test_latches_pass_on_to_the_next_engine() -> None:
    old = Engine([a_rule("done", WASHER, "washer")], BERLIN, START)
    for n in range(3):
        old.observe(at(n * 60, 1.0))
    memory = Memory({**old.memory.latches, ("gone", "washer"): Latch(armed=False)})
    new = Engine([a_rule("done", WASHER, "washer")], BERLIN, START, memory=memory)
    assert [firing.nominal for firing in new.observe(at(181, 1.0))] == [START + 180 * SECOND]
    assert set(new.memory.latches) == {("done", "washer")}
    assert not new.memory.latches["done", "washer"].armed


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(1, 100), st.sampled_from([0.0, 3.0, 10.0, 30.0])), max_size=60),
    jitter=st.sampled_from([0, 90]),
)
def test_readings_between_the_hours_disturb_no_clock_rule(steps: list[tuple[int, float]], jitter: int) -> None:
    clock = [rule for rule in house() if rule.id != "once"]
    undisturbed = Engine(clock, BERLIN, START)
    engine = Engine([*clock, a_rule("done", WASHER, "washer", jitter_s=jitter)], BERLIN, START)
    now, seen, wanted = START, [], []
    for step, power_w in steps:
        now += step * SECOND
        seen += engine.observe(Reading("washer", now, power_w)) + engine.advance(now)
        wanted += undisturbed.advance(now)
    assert [firing for firing in seen if firing.rule.id != "done"] == wanted
    done = [firing.nominal for firing in seen if firing.rule.id == "done"]
    assert done == sorted(set(done))
