"""Devices that are seen to turn: what a sighting makes of a run, and what rules fire from it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.device import Setting
from tapo_automate.rules.engine import Engine, Sighting, jitter_s
from tapo_automate.rules.model import AfterDelay, AtTime, Firing, Rule, Site, StateTurns
from tapo_automate.rules.turns import Turn, seen

BERLIN = Site(ZoneInfo("Europe/Berlin"))
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def second(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def looked(at: float, on: bool, since: float | None = None, device_id: str = "tv") -> Sighting:
    return Sighting(device_id, second(at), on, None if since is None else second(since))


def turn(on: bool, since: float | None, last_at: float, fired: bool) -> Turn:
    return Turn(on, None if since is None else second(since), second(last_at), fired)


# --- What a sighting makes of a run ------------------------------------------------------------------------------

RUNS: dict[str, tuple[Turn | None, Sighting, Turn]] = {
    "nobody saw a device turn that is on at first sight": (None, looked(10, True), turn(True, None, 10, True)),
    "it may say since when, and still nobody saw it turn": (None, looked(10, True, 4), turn(True, 4, 10, True)),
    "off at first sight": (None, looked(10, False), turn(False, None, 10, True)),
    "off, then on: it turned when it was seen": (
        turn(False, None, 10, True),
        looked(20, True),
        turn(True, 20, 20, False),
    ),
    "or when it says that it did": (turn(False, None, 10, True), looked(20, True, 13), turn(True, 13, 20, False)),
    "but not before it was last seen off": (
        turn(False, None, 10, True),
        looked(20, True, 3),
        turn(True, 20, 20, False),
    ),
    "a second before, by its whole seconds, is then": (
        turn(False, None, 10, True),
        looked(20, True, 9),
        turn(True, 10, 20, False),
    ),
    "nor in the future": (turn(False, None, 10, True), looked(20, True, 25), turn(True, 20, 20, False)),
    "a slow answer does not make another turn of the same one": (
        turn(True, 20, 20, True),
        replace(looked(30, True, 24), doubt=dt.timedelta(seconds=5)),
        turn(True, 20, 30, True),
    ),
    "what cannot be the slowness is another turn": (
        turn(True, 20, 20, True),
        replace(looked(30, True, 28), doubt=dt.timedelta(seconds=5)),
        turn(True, 28, 30, False),
    ),
    "on, then off, which no rule waits for": (turn(True, 5, 10, False), looked(20, False), turn(False, 20, 20, True)),
    "a device that is off says nothing of when it was on": (
        turn(True, 5, 10, False),
        looked(20, False, 12),
        turn(False, 20, 20, True),
    ),
    "still on": (turn(True, 5, 10, False), looked(20, True), turn(True, 5, 20, False)),
    "still on, and says so to a second": (turn(True, 5, 10, True), looked(20, True, 6), turn(True, 5, 20, True)),
    "still on after any time": (turn(True, 5, 10, True), looked(90_000, True, 5), turn(True, 5, 90_000, True)),
    "off and on again between two looks": (turn(True, 5, 10, True), looked(20, True, 14), turn(True, 14, 20, False)),
    "an answer that was long on its way is no new run": (
        turn(True, 5, 60, True),
        looked(120, True, 15),
        turn(True, 5, 120, True),
    ),
    "on since nobody knows when, and it says so later": (
        turn(True, None, 10, True),
        looked(20, True, 5),
        turn(True, 5, 20, True),
    ),
    "on since nobody knows when, then off and on": (
        turn(True, None, 10, True),
        looked(60, True, 40),
        turn(True, 40, 60, False),
    ),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_sighting(case: str) -> None:
    before, sighting, after = RUNS[case]
    assert seen(before, sighting, wanted=True, first_counts=False) == after


@pytest.mark.parametrize("at", [10, 9.5, 0])
def test_a_sighting_out_of_order_changes_nothing(at: float) -> None:
    before = turn(True, 5, 10, False)
    assert seen(before, looked(at, False), wanted=True, first_counts=False) is before


def test_what_is_first_seen_on_counts_as_turned_on_where_that_is_asked() -> None:
    assert seen(None, looked(10, True), wanted=True, first_counts=True) == turn(True, 10, 10, False)
    assert seen(None, looked(10, True, 4), wanted=True, first_counts=True) == turn(True, 4, 10, False)
    assert seen(None, looked(10, False), wanted=True, first_counts=True) == turn(False, 10, 10, True)


# --- What rules fire from it -------------------------------------------------------------------------------------


def a_rule(trigger: Any, *devices: str, name: str = "r", **more: Any) -> Rule:
    return Rule(name, devices or ("lamp",), trigger, Setting(on=True), **more)


def told(rule: Rule, *sightings: Sighting, gap: float = 120, until: float = 100_000) -> list[tuple[str, float, float]]:
    """Return (device, second it came out, second it means) of all firings, the engine being woken when it wants."""
    engine = Engine([rule], BERLIN, START, max_gap_s=gap)
    found: list[tuple[str, float, float]] = []

    def take(firings: list[Firing], now: dt.datetime) -> None:
        found.extend(
            (each.device_id, (now - START).total_seconds(), (each.nominal - START).total_seconds()) for each in firings
        )

    for sighting in sightings:
        while (wake_at := engine.wake_at) is not None and wake_at <= sighting.at:
            take(engine.advance(wake_at), wake_at)
        take(engine.see(sighting), sighting.at)
    while (wake_at := engine.wake_at) is not None and wake_at <= second(until):
        take(engine.advance(wake_at), wake_at)
    return found


ON, ON_FOR_A_MINUTE, OFF_FOR_A_MINUTE = StateTurns("tv", "on"), StateTurns("tv", "on", 60), StateTurns("tv", "off", 60)

STATES: dict[str, tuple[StateTurns, list[Sighting], list[tuple[float, float]]]] = {
    "the first sighting turns nothing": (ON, [looked(0, True), looked(10, True)], []),
    "a turn fires at once where nothing is to be waited for": (
        ON,
        [looked(0, False), looked(10, True), looked(20, True)],
        [(10, 10)],
    ),
    "and means the instant that the device says": (ON, [looked(0, False), looked(10, True, 7)], [(10, 7)]),
    "each turn fires": (
        ON,
        [looked(0, False), looked(10, True), looked(20, False), looked(30, True)],
        [(10, 10), (30, 30)],
    ),
    "off and on between two looks is a turn": (ON, [looked(0, True, -50), looked(10, True, 7)], [(10, 7)]),
    "a hold fires when it is over": (ON_FOR_A_MINUTE, [looked(0, False), looked(10, True)], [(70, 70)]),
    "a hold counts from when the device turned": (
        ON_FOR_A_MINUTE,
        [looked(0, False), looked(10, True, 2), looked(50, True, 2)],
        [(62, 62)],
    ),
    "a hold that was over when the device was seen fires at once": (
        ON_FOR_A_MINUTE,
        [looked(0, False), looked(90, True, 2)],
        [(90, 62)],
    ),
    "turning back ends a hold": (
        ON_FOR_A_MINUTE,
        [looked(0, False), looked(10, True), looked(60, False), looked(80, True)],
        [(140, 140)],
    ),
    "off and on between two looks begins the hold anew": (
        ON_FOR_A_MINUTE,
        [looked(0, False), looked(10, True, 10), looked(50, True, 40)],
        [(100, 100)],
    ),
    "a hold of being off": (OFF_FOR_A_MINUTE, [looked(0, True), looked(10, False), looked(40, False)], [(70, 70)]),
    "a device that was not seen for too long is waited for": (
        StateTurns("tv", "on", 300),
        [looked(0, False), looked(10, True), looked(500, True)],
        [(500, 310)],
    ),
    "and if it has turned back by then, nothing fires": (
        StateTurns("tv", "on", 300),
        [looked(0, False), looked(10, True), looked(500, False), looked(510, False)],
        [],
    ),
    "nor if it has been off and on": (
        StateTurns("tv", "on", 300),
        [looked(0, False), looked(10, True, 10), looked(500, True, 450), looked(700, True, 450)],
        [(750, 750)],
    ),
    "a device that was seen just lately enough is not": (
        StateTurns("tv", "on", 240),
        [looked(0, False), looked(10, True), looked(900, True)],
        [(250, 250)],
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_when_state(case: str) -> None:
    trigger, sightings, expected = STATES[case]
    assert told(a_rule(trigger), *sightings, gap=240) == [("lamp", *each) for each in expected]


COUNTDOWN = AfterDelay(600, "on")
ALL_ON = [looked(n, True, device_id="rail") for n in range(60, 660, 60)]
COUNTDOWNS: dict[str, tuple[list[Sighting], list[tuple[float, float]]]] = {
    "counts from turning on": (
        [looked(0, False, device_id="rail"), looked(30, True, 20, device_id="rail"), *ALL_ON],
        [(620, 620)],
    ),
    "counts from first being seen on": ([looked(30, True, device_id="rail"), *ALL_ON], [(630, 630)]),
    "or from when it says that it was turned on": ([looked(30, True, -90, device_id="rail"), *ALL_ON], [(510, 510)]),
    "is over at once for what has been on for long": ([looked(30, True, -900, device_id="rail")], [(30, -300)]),
    "does not begin anew by seeing it on": ([looked(0, True, device_id="rail"), *ALL_ON], [(600, 600)]),
    "ends when the device is turned off": (
        [*ALL_ON[:5], looked(310, False, device_id="rail"), looked(700, False, device_id="rail")],
        [],
    ),
    "begins anew when it is turned on again": (
        [*ALL_ON[:5], looked(310, False, device_id="rail"), *(looked(n, True, device_id="rail") for n in (400, 950))],
        [(1000, 1000)],
    ),
    "fires once in a run": (
        [*ALL_ON, *(looked(n, True, device_id="rail") for n in range(700, 2000, 60))],
        [(660, 660)],
    ),
}


@pytest.mark.parametrize("case", COUNTDOWNS)
def test_when_countdown(case: str) -> None:
    sightings, expected = COUNTDOWNS[case]
    assert told(a_rule(COUNTDOWN, "rail"), *sightings) == [("rail", *each) for each in expected]


def test_a_state_rule_fires_on_all_its_devices_and_a_countdown_on_the_one_that_was_turned_on() -> None:
    assert told(a_rule(ON, "a", "b"), looked(0, False), looked(5, True)) == [("a", 5, 5), ("b", 5, 5)]
    rail = [looked(0, False, device_id="b"), looked(5, True, device_id="b")]
    assert told(a_rule(AfterDelay(60, "on"), "a", "b"), *rail) == [("b", 65, 65)]


def test_a_countdown_that_is_started_by_apply_is_not_ours() -> None:
    engine = Engine([a_rule(AfterDelay(600, "apply"), "rail")], BERLIN, START)
    assert (engine.watched, engine.wake_at) == (frozenset(), None)
    assert engine.see(looked(0, True, device_id="rail")) == []


def test_the_devices_that_matter_are_named() -> None:
    rules = [
        a_rule(ON_FOR_A_MINUTE, "lamp", name="s"),
        a_rule(COUNTDOWN, "rail", "iron", name="c"),
        a_rule(AtTime(dt.time(12)), "porch", name="t"),
    ]
    assert Engine(rules, BERLIN, START).watched == {"tv", "rail", "iron"}


def test_jitter_puts_a_firing_off_and_does_not_keep_it_back() -> None:
    devices = [f"d{n}" for n in range(20)]
    rule = a_rule(StateTurns("tv", "on", 60), *devices, jitter_s=3600)
    engine = Engine([rule, a_rule(AtTime(dt.time(1, 1)), name="clock")], BERLIN, second(-600))
    engine.see(looked(-5, False))
    assert engine.see(looked(0, True)) == []
    assert engine.wake_at == second(60)
    firings = engine.advance(second(60))
    assert [each.due for each in firings] == sorted(each.due for each in firings)
    assert {each.device_id: each.due for each in firings if each.rule is rule} == {
        device_id: second(60 + jitter_s(rule, device_id)) for device_id in devices
    }
    assert [each.nominal for each in firings if each.rule.id == "clock"] == [second(60)]
    assert engine.wake_at == second(60 + 86400)


def test_a_void_hold_wakes_nobody() -> None:
    engine = Engine([a_rule(ON_FOR_A_MINUTE)], BERLIN, START)
    for n in range(100):
        engine.see(looked(2 * n, False))
        engine.see(looked(2 * n + 1, True))
    assert engine.wake_at == second(259)
    engine.see(looked(250, False))
    assert engine.wake_at is None


def test_a_void_hold_behind_another_wakes_nobody_either() -> None:
    fan = a_rule(StateTurns("fan", "on", 100), name="fan")
    engine = Engine([a_rule(ON_FOR_A_MINUTE), fan], BERLIN, START)
    for device_id in ("tv", "fan"):
        engine.see(looked(0, False, device_id=device_id))
        engine.see(looked(10, True, device_id=device_id))
    engine.see(looked(20, False, device_id="fan"))
    assert engine.wake_at == second(70)
    assert len(engine.advance(second(70))) == 1
    assert engine.wake_at is None


def test_a_waiting_hold_is_not_in_the_way_of_a_jump() -> None:
    engine = Engine([a_rule(StateTurns("tv", "on", 300))], BERLIN, START)
    engine.see(looked(0, False))
    engine.see(looked(10, True))
    engine.skip_to(second(90_000))
    assert engine.wake_at is None
    (firing,) = engine.see(looked(90_001, True))
    assert firing.nominal == second(310)


def test_a_hold_that_is_seen_before_the_engine_is_woken_fires_once() -> None:
    engine = Engine([a_rule(ON_FOR_A_MINUTE)], BERLIN, START)
    engine.see(looked(0, False))
    engine.see(looked(10, True))
    assert [each.nominal for each in engine.see(looked(75, True))] == [second(70)]
    assert engine.advance(second(80)) == []
