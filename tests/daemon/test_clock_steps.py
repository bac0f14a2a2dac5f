"""A clock that is set at an awkward moment: before anybody has looked at it, while a command is under way, twice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting, State, Unreachable
from tapo_automate.daemon import Alarm, Stepped
from tapo_automate.rules.model import AfterDelay, AtTime, Every, PowerPast, StateTurns, Step

ON, OFF = Setting(on=True), Setting(on=False)
SECOND, MINUTE, HOUR = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("plug", "lamp"), folder=tmp_path)


def settings(led: Led, name: str) -> list[Setting]:
    return [setting for _, device, setting in led.told if device == name]


@pytest.mark.parametrize("by", [90 * SECOND, HOUR], ids=["by little", "by much"])
def test_a_countdown_runs_its_time_although_the_step_is_met_before_it_is_looked_for(led: Led, by: dt.timedelta) -> None:
    led.house.toys["plug"].now = State(on=True)
    led.start(Rule("forgotten", ("plug",), AfterDelay(600, "on"), OFF))
    led.go(clock(0, 9))
    led.clock.set(by)
    led.go(clock(0, 9, 50) + by)  # looks at the device and rings of the alarm, and nobody looks around
    assert led.told == []
    led.go(clock(0, 10, 20) + by)
    assert settings(led, "plug") == [OFF]
    assert [event.by_s for event in led.house.events if isinstance(event, Stepped)] == [by.total_seconds()]


@pytest.mark.parametrize("by", [100 * SECOND, HOUR], ids=["by little", "by much"])
def test_a_meters_hold_runs_its_time_although_the_step_is_met_before_it_is_looked_for(
    led: Led, by: dt.timedelta
) -> None:
    led.start(Rule("done", ("plug",), PowerPast("below", 5, 180), ON))
    led.go(clock(0, 2))
    led.clock.set(by)
    led.go(clock(0, 2, 50) + by)
    assert led.told == []
    led.go(clock(0, 3, 10) + by)
    assert settings(led, "plug") == [ON]


def test_holds_meters_and_commands_outlive_a_clock_that_was_impossible_for_a_while(led: Led) -> None:
    led.house.toys["plug"].watts = lambda: 100.0 if led.clock.at < clock(9) else 1.0
    away = [True]

    def maybe_away() -> None:
        if away[0]:
            raise Unreachable("lamp", "no answer")

    led.house.toys["lamp"].before = maybe_away
    led.start(
        Rule("done", ("plug",), PowerPast("below", 5, 60, 20), ON),
        Rule("retried", ("lamp",), at(7, 59), ON),
        Rule("steps", ("plug",), at(7, 55), Setting(), steps=(Step(0, OFF), Step(900, OFF))),
        Rule("sees", ("lamp",), StateTurns("plug", "on", 30), OFF),
    )
    led.go(clock(8))
    led.clock.right = False
    led.clock.set(EPOCH - led.clock.at)
    led.look_around()
    led.go(MINUTE)
    led.look_around()
    led.clock.right = True
    led.clock.set(clock(8, 1) - led.clock.at)
    led.look_around()
    away[0] = False
    led.go(clock(8, 30))
    assert settings(led, "lamp") == [ON]
    assert settings(led, "plug") == [OFF, OFF]
    led.go(clock(10))
    assert settings(led, "plug") == [OFF, OFF, ON]
    assert settings(led, "lamp") == [ON, OFF]
    alarms = [event for event in led.house.events if isinstance(event, Alarm)]
    assert [(event.topic, event.over) for event in alarms] == [("clock", False), ("clock", True)]


def test_a_command_under_way_when_the_clock_is_set_is_tried_again(led: Led) -> None:
    tried: list[dt.datetime] = []

    def away_at_first() -> None:
        tried.append(led.clock.at)
        if len(tried) == 1:
            led.clock.set(HOUR)
            led.daemon.look_around()
            raise Unreachable("lamp", "no answer")

    led.house.toys["lamp"].before = away_at_first
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(8, 30))
    assert settings(led, "lamp") == [ON]


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_what_jitter_puts_off_is_put_off_for_its_time(led: Led, by: dt.timedelta) -> None:
    led.start(Rule("sees", ("lamp",), StateTurns("plug", "on"), ON, jitter_s=300))
    led.go(clock(7))
    led.house.toys["plug"].now = State(on=True)
    led.go(clock(7, 0, 11))
    [due] = [entry.due for entry in _entries(led)]
    assert due > clock(7, 0, 20), "this rule's jitter on this device"
    led.clock.set(by)
    led.look_around()
    led.go(20 * MINUTE)
    assert led.told == [(due + by, "lamp", ON)]
    assert [(entry.result, entry.due) for entry in _entries(led)] == [("done", due + by)]


def test_a_step_is_told_once_whoever_meets_it(led: Led) -> None:
    led.start(Rule("often", ("plug",), Every(60), ON))
    led.go(clock(1))
    led.clock.set(HOUR)
    led.go(MINUTE)
    led.look_around()
    led.look_around()
    assert len([event for event in led.house.events if isinstance(event, Stepped)]) == 1


def _entries(led: Led) -> list:  # type: ignore[type-arg]
    assert led.journal is not None
    assert led.journal.flush(5)
    return led.journal.entries()


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_a_clock_that_is_set_during_a_look_makes_nothing_of_it(led: Led, by: dt.timedelta) -> None:
    # As when the network comes up: the first look and the right time come together.
    toy, turned_on = led.house.toys["plug"], clock(0) - 100 * SECOND

    def state() -> State:
        return State(on=toy.now.on, on_for_s=int((led.clock.at - turned_on).total_seconds()) if toy.now.on else None)

    def set_meanwhile() -> State:
        nonlocal turned_on
        shown, toy.state = state(), state  # type: ignore[method-assign]
        led.clock.set(by)
        turned_on += by
        return shown

    toy.now, toy.state = State(on=True), set_meanwhile  # type: ignore[method-assign]
    led.start(Rule("forgotten", ("plug",), AfterDelay(600, "on"), OFF))
    led.look_around()
    led.go(20 * MINUTE)
    assert led.told == [(clock(0, 8, 20) + by, "plug", OFF)]
