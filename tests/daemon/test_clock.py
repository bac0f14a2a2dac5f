"""Clocks that are set, machines that sleep, clocks that cannot be right."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import HandClock, Led
from tapo_automate import Rule, Setting, State, Unreachable
from tapo_automate.daemon import Alarm, Stepped
from tapo_automate.daemon.clock import MADE, WallClock
from tapo_automate.rules.model import AfterDelay, AtTime, Every, PowerPast, StateTurns

ON, OFF = Setting(on=True), Setting(on=False)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("plug", "lamp"), folder=tmp_path)


def settings(led: Led) -> list[Setting]:
    return [setting for _, _, setting in led.told]


def test_a_clock_set_back_repeats_nothing(led: Led) -> None:
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(7, 1))
    led.house.toys["lamp"].now = State(on=False)
    led.clock.set(-2 * HOUR)
    led.look_around()
    led.go(clock(7, 30))
    assert settings(led) == [ON]


def test_a_clock_that_was_wrong_for_a_while_loses_no_day(led: Led) -> None:
    # A day ahead, and an hour later back again: what was skipped comes due after all.
    led.start(Rule("wake", ("lamp",), at(7), ON), Rule("night", ("lamp",), at(22), OFF))
    led.go(clock(1))
    led.clock.set(dt.timedelta(days=1))
    led.look_around()
    led.go(HOUR)
    led.clock.set(-dt.timedelta(days=1))
    led.look_around()
    led.go(clock(23))
    assert led.told == [(clock(7), "lamp", ON), (clock(22), "lamp", OFF)]


def test_a_clock_set_forward_by_a_little_makes_up_for_what_it_jumped_over(led: Led) -> None:
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(6, 58))
    led.clock.set(5 * MINUTE)
    led.look_around()
    assert settings(led) == [ON]
    assert [event.by_s for event in led.house.events if isinstance(event, Stepped)] == [300.0]


def test_a_step_of_a_second_is_no_step(led: Led) -> None:
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(6, 58))
    led.clock.set(dt.timedelta(seconds=1))
    led.look_around()
    assert not [event for event in led.house.events if isinstance(event, Stepped)]
    led.go(clock(7, 1))
    assert settings(led) == [ON]


@pytest.mark.parametrize("by", [-3 * HOUR, 3 * HOUR])
def test_a_countdown_is_elapsed_time_whatever_the_clock_says(led: Led, by: dt.timedelta) -> None:
    led.start(Rule("on", ("plug",), at(7), ON), Rule("forgotten", ("plug",), AfterDelay(2700, "on"), OFF))
    led.go(clock(7, 15))
    led.clock.set(by)
    led.look_around()
    led.go(clock(7, 44, 50) + by)
    assert settings(led) == [ON]
    led.go(clock(7, 45, 10) + by)
    assert settings(led) == [ON, OFF]


@pytest.mark.parametrize("by", [-3 * HOUR, 3 * HOUR])
def test_the_hold_of_a_meter_is_elapsed_time_whatever_the_clock_says(led: Led, by: dt.timedelta) -> None:
    led.house.toys["plug"].now = State(on=True)
    led.start(Rule("done", ("plug",), PowerPast("below", 5, 180), OFF))  # the load is 0 W from the start
    led.go(clock(0, 2))
    led.clock.set(by)
    led.look_around()
    led.go(clock(0, 2, 50) + by)
    assert settings(led) == []
    led.go(clock(0, 3, 10) + by)
    assert settings(led) == [OFF]


def test_a_countdown_runs_on_while_the_machine_sleeps(led: Led) -> None:
    led.start(Rule("on", ("plug",), at(7), ON), Rule("forgotten", ("plug",), AfterDelay(2700, "on"), OFF))
    led.go(clock(7, 15))
    led.clock.sleep(HOUR - 20 * MINUTE)
    led.look_around()
    led.go(MINUTE)
    assert led.told[-1] == (clock(7, 55), "plug", OFF)


def test_waits_for_another_try_are_elapsed_time(led: Led) -> None:
    dead = [True]

    def maybe_fail() -> None:
        if dead[0]:
            raise Unreachable("lamp", "no answer")

    led.house.toys["lamp"].before = maybe_fail
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(7, 5))
    led.clock.set(-3 * HOUR)
    led.look_around()
    dead[0] = False
    led.go(2 * MINUTE)
    assert settings(led) == [ON]


def test_nothing_fires_while_the_clock_cannot_be_right(led: Led) -> None:
    led.clock.at, led.clock.right = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), False
    led.start(Rule("often", ("lamp",), Every(60), ON))
    led.go(HOUR)
    assert led.told == []
    assert led.daemon.health().clock_plausible is False
    [alarm] = [event for event in led.house.events if isinstance(event, Alarm)]
    assert (alarm.topic, alarm.text) == (
        "clock",
        "the clock shows a time before this program was made; nothing is carried out until it is set",
    )
    led.clock.set(clock(7, 0, 30) - led.clock.at)
    led.clock.right = True
    led.look_around()
    led.go(HOUR)
    assert settings(led)[:1] == [ON]
    assert led.told[0][0] == clock(7, 1)
    assert [event.over for event in led.house.events if isinstance(event, Alarm)] == [False, True]


def test_a_clock_that_breaks_while_running_holds_firings_until_it_is_right_again(led: Led) -> None:
    led.start(Rule("wake", ("lamp",), at(7), ON), Rule("often", ("plug",), Every(3600), ON))
    led.go(clock(6, 30))
    told = len(led.told)
    led.clock.right = False
    led.clock.set(dt.datetime(1970, 1, 1, tzinfo=dt.UTC) - led.clock.at)
    led.look_around()
    led.go(10 * MINUTE)
    assert len(led.told) == told
    led.clock.right = True
    led.clock.set(clock(6, 40) - led.clock.at)
    led.look_around()
    led.go(clock(7, 5))
    assert (clock(7), "lamp", ON) in led.told


def test_a_journal_remembers_the_time_for_a_clock_that_begins_wrong(led: Led) -> None:
    rule = Rule("wake", ("lamp",), at(7), ON)
    led.start(rule)
    led.go(clock(6, 59))
    led.look_around()
    led.die()
    led.clock.at, led.clock.right = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), False
    led.start(rule)
    led.go(MINUTE)
    led.clock.set(clock(7, 5) - led.clock.at)
    led.clock.right = True
    led.look_around()
    assert settings(led) == [ON]


def test_a_hold_by_state_is_elapsed_time(led: Led) -> None:
    led.start(Rule("way", ("lamp",), StateTurns("plug", "on", 600), ON), Rule("on", ("plug",), at(7), ON))
    led.go(clock(7, 5))
    led.clock.set(HOUR)
    led.look_around()
    led.go(clock(8, 9, 50))
    assert [name for _, name, _ in led.told] == ["plug"]
    led.go(clock(8, 10, 10))
    assert [name for _, name, _ in led.told] == ["plug", "lamp"]


def test_the_machines_clock_can_be_right_and_tells_no_jump() -> None:
    wall = WallClock()
    assert wall.plausible() == (dt.datetime.now(dt.UTC) >= MADE)
    time.sleep(0.01)
    assert abs(wall.jump().by_s) < 1


def test_a_hand_clock_tells_setting_from_sleeping() -> None:
    clock = HandClock()
    clock.set(HOUR)
    clock.sleep(MINUTE)
    jump = clock.jump()
    assert (jump.set_s, jump.slept_s, jump.by_s) == (3600.0, 60.0, 3660.0)
    assert clock.jump().by_s == 0.0
