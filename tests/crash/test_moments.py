"""Moments at which dying has once lost something, each led up to by hand."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from crash.dying import OFF, ON, Died, at, clock, die_of_it, ended
from daemon.house import House
from daemon.led import Led
from tapo_automate import Rule, Setting, State, hookimpl
from tapo_automate.daemon.alarm import SchedulerAlarm
from tapo_automate.daemon.planner import Planner
from tapo_automate.journal.calls import Call
from tapo_automate.journal.database import NAME
from tapo_automate.journal.writer import Writer
from tapo_automate.rules.model import Away, StateTurns, Step


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("lamp"), folder=tmp_path)


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
    with monkeypatch.context() as patched:
        patched.setattr(Planner, "begin", die)
        with pytest.raises(InterruptedError):
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


def test_an_alarm_that_is_stopped_at_the_moment_it_rings_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    monkeypatch.setattr(threading, "excepthook", said.append)
    dice = random.Random(1)
    for _ in range(200):
        alarm = SchedulerAlarm()
        alarm.start(lambda: None)
        alarm.set(0.001)
        time.sleep(dice.uniform(0, 0.003))
        alarm.stop()
    assert said == []


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Writer._write

    def slowly(writer: Writer, batch: list[Call]) -> None:
        time.sleep(0.05)
        write(writer, batch)

    monkeypatch.setattr(Writer, "_write", slowly)


@pytest.mark.usefixtures("slow_disk")
def test_what_no_clock_brings_about_again_is_on_record_before_it_is_done(tmp_path: Path) -> None:
    house = House("lamp", "tv")
    led = Led(house, folder=tmp_path)
    on_record: list[tuple[str]] = []

    def look_up(sql: str) -> None:
        with closing(sqlite3.connect(tmp_path / NAME)) as connection:
            on_record.extend(connection.execute(sql).fetchall())

    def notify(notice: object) -> None:
        look_up("SELECT key FROM memory WHERE kind = 'told'")

    house.notify = hookimpl(notify)  # type: ignore[attr-defined]
    house.toys["lamp"].before = lambda: look_up("SELECT result FROM entries")
    led.start(Rule("light", ("lamp",), StateTurns("tv", "on"), Setting(toggle=True), notify="the tv is on"))
    led.go(clock(6, 59, 55))
    house.toys["tv"].now = State(on=True)
    led.go(clock(7, 0, 10))
    assert ended(led) == {"light": ("done", "")}
    assert sorted(on_record) == [("light",), ("pending",)]


@pytest.mark.usefixtures("slow_disk")
def test_what_a_window_has_to_give_back_is_on_record_before_it_switches(led: Led, tmp_path: Path) -> None:
    holiday = Rule("holiday", ("lamp",), Away(dt.time(18), dt.time(20)), Setting())
    found: list[int] = []

    def look_up() -> None:
        with closing(sqlite3.connect(tmp_path / NAME)) as connection:
            found.extend(connection.execute("SELECT count(*) FROM memory WHERE kind = 'away'").fetchone())

    led.start(holiday)
    led.go(clock(17, 59))
    led.look_around()
    led.die()
    led.clock.at = clock(18, 0, 30)  # its begin is missed: the first switching has to find out how the lamp was
    led.house.toys["lamp"].before = look_up
    led.start(holiday)
    led.go(clock(19))
    assert found[0] == 1


def test_a_toggle_that_an_event_brought_about_is_not_undone_by_the_next_daemon(tmp_path: Path) -> None:
    led = Led(House("lamp", "tv"), folder=tmp_path)
    blink = Rule("blink", ("lamp",), StateTurns("tv", "on"), Setting(toggle=True))
    led.start(blink)
    led.go(clock(6, 59, 55))
    led.house.toys["tv"].now = State(on=True)
    die_of_it(led, accepted=True)
    with pytest.raises(Died):
        led.go(clock(7, 0, 10))
    led.die()
    assert led.house.toys["lamp"].now.on
    led.start(blink)
    led.go(clock(7, 1))
    assert led.house.toys["lamp"].now.on
    assert ended(led) == {"blink": ("missed", "a toggle is not made up for")}


@pytest.mark.parametrize(
    ("last", "result"),
    [(OFF, ("already", "")), (Setting(toggle=True), ("missed", "a toggle is not made up for"))],
)
def test_steps_of_which_nothing_was_to_be_done_are_not_done(led: Led, last: Setting, result: tuple[str, str]) -> None:
    steps = Rule("steps", ("lamp",), at(7), Setting(), steps=(Step(0, ON), Step(60, last)))
    led.start(steps)
    led.go(clock(6, 59))
    led.look_around()
    led.die()
    led.clock.at = clock(7, 2)
    led.start(steps)
    led.go(clock(7, 3))
    assert led.told == []
    assert ended(led) == {"steps": result}


def test_a_window_at_whose_end_the_daemon_dies_gives_its_device_back_all_the_same(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=50)
    holiday = Rule("holiday", ("lamp",), Away(dt.time(18), dt.time(20)), Setting())
    led.start(holiday)
    led.go(clock(19, 59, 59))
    led.look_around()
    assert not led.house.toys["lamp"].now.on
    die_of_it(led, accepted=False)
    with pytest.raises(Died):
        led.go(clock(20, 0, 1))
    led.die()
    led.clock.at = clock(20, 1)
    led.start(holiday)
    led.go(clock(20, 2))
    assert led.house.toys["lamp"].now.on
    assert led.journal is not None
    assert led.journal.flush(5)
    assert led.journal.memory("away") == {}


def test_a_window_that_is_over_for_too_long_is_forgotten(led: Led) -> None:
    holiday = Rule("holiday", ("lamp",), Away(dt.time(18), dt.time(20)), Setting())
    led.start(holiday)
    led.go(clock(19))
    led.look_around()
    led.die()
    led.clock.at = clock(22)
    led.start(holiday)
    led.go(clock(22, 1))
    assert led.journal is not None
    assert led.journal.flush(5)
    assert led.journal.memory("away") == {}
