"""Moments at which dying has once lost something, each led up to by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting, State
from tapo_automate.daemon.planner import Planner
from tapo_automate.rules.model import AtTime

ON, OFF = Setting(on=True), Setting(on=False)
SECOND = dt.timedelta(seconds=1)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("lamp"), folder=tmp_path)


def ended(led: Led) -> dict[str, tuple[str, str]]:
    """Return (result, reason) of each rule, as the journal has it."""
    assert led.journal is not None
    assert led.journal.flush(5)
    return {entry.rule: (entry.result, entry.reason) for entry in led.journal.entries(newest_first=False)}


def test_a_death_before_the_missed_is_written_down_loses_nothing_of_it(
    led: Led, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake = Rule("wake", ("lamp",), at(7), ON)
    led.start(wake)
    led.go(clock(6, 59))
    led.look_around()
    led.die()

    def die(planner: Planner, past: object) -> None:
        raise InterruptedError

    led.clock.at = clock(7, 1)
    with monkeypatch.context() as patched, pytest.raises(InterruptedError):
        patched.setattr(Planner, "begin", die)
        led.start(wake)
    led.die()
    led.clock.at = clock(7, 2)
    led.start(wake)
    assert ended(led) == {"wake": ("done", "")}


def test_a_sign_of_life_does_not_hide_what_has_come_due_and_waits_to_be_taken_up(led: Led) -> None:
    wake = Rule("wake", ("lamp",), at(7), ON)
    led.start(wake)
    led.go(clock(6, 59))
    led.clock.at = clock(7, 0, 1)
    led.daemon.look_around()
    led.die()
    led.clock.at = clock(7, 1)
    led.start(wake)
    assert ended(led) == {"wake": ("done", "")}


def test_what_comes_due_while_the_daemon_stops_is_left_to_the_next_one(led: Led) -> None:
    wake = Rule("wake", ("lamp",), at(7), ON)
    led.start(wake)
    led.go(clock(6, 59))
    led.clock.at = clock(7, 0, 1)
    led.stop()
    led.clock.at = clock(7, 1)
    led.start(wake)
    assert ended(led) == {"wake": ("done", "")}


def test_a_daemon_that_waits_for_its_clock_can_be_stopped(led: Led) -> None:
    led.clock.right = False
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.stop()
    assert led.told == []
