"""Moments at which dying has once lost something, each led up to by hand."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting, State, Unreachable, hookimpl
from tapo_automate.daemon.alarm import SchedulerAlarm
from tapo_automate.daemon.planner import Planner
from tapo_automate.journal.calls import Call
from tapo_automate.journal.database import NAME
from tapo_automate.journal.writer import Writer
from tapo_automate.rules.engine import jitter_s
from tapo_automate.rules.model import AfterDelay, AtTime, Away, Every, StateTurns, Step

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


def doers(led: Led) -> list[tuple[str, str]]:
    """Return who changed devices, and by which rule, as the journal has it."""
    assert led.journal is not None
    assert led.journal.flush(5)
    return [(change.by, change.rule) for change in led.journal.changes(newest_first=False)]


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


class Died(BaseException):
    """What is not known to anybody in the daemon."""


def die_of_it(led: Led, *, accepted: bool) -> None:
    """Let the daemon die with its next command: after the device has accepted it, or before.

    It dies where it next reads the clock: what a driver raises would not end it.
    """
    toy = led.house.toys["lamp"]

    def die() -> dt.datetime:
        del led.clock.now
        raise Died

    def take(setting: Setting) -> None:
        led.clock.now = die  # type: ignore[method-assign]
        toy.listener = lambda setting: None

    def refuse() -> None:
        led.clock.now = die  # type: ignore[method-assign]
        toy.before = lambda: None
        raise Unreachable("lamp", "no answer")

    if accepted:
        toy.listener = take
    else:
        toy.before = refuse


def test_what_a_dying_daemon_did_is_no_persons_change(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=50)
    rules = (Rule("off", ("lamp",), at(7), OFF, override_s=3600), Rule("on", ("lamp",), at(7, 10), ON, override_s=3600))
    led.start(*rules)
    led.go(clock(6, 59))
    led.look_around()
    die_of_it(led, accepted=True)
    with pytest.raises(Died):
        led.go(clock(7, 0, 1))
    led.die()
    led.clock.at = clock(7, 1)
    led.start(*rules)
    led.go(clock(7, 11))
    assert ended(led) == {"off": ("already", ""), "on": ("done", "")}
    assert doers(led) == [("rule", "off"), ("rule", "on")]


@pytest.mark.parametrize("accepted", [True, False])
def test_what_stands_for_an_older_rule_too_does_so_in_the_next_life(led: Led, accepted: bool) -> None:
    led.house.toys["lamp"].now = State(on=False, brightness_pct=50)
    rules = (
        Rule("dim", ("lamp",), at(7), Setting(True, 20), override_s=3600),
        Rule("on", ("lamp",), at(7, 1), ON, override_s=3600),
    )
    led.start(*rules)
    led.go(clock(6, 59))
    led.look_around()
    led.die()
    led.clock.at = clock(7, 2)
    die_of_it(led, accepted=accepted)
    with pytest.raises(Died):
        led.start(*rules)
    led.die()
    led.house.toys["lamp"].before = lambda: None
    led.clock.at = clock(7, 3)
    led.start(*rules)
    led.go(clock(7, 4))
    assert ended(led) == {
        "dim": ("missed", "a newer command came first: on"),
        "on": ("already" if accepted else "done", ""),
    }
    assert led.house.toys["lamp"].now == State(on=True, brightness_pct=20)
    assert {by for by, _ in doers(led)} == {"rule"}


def test_what_a_person_did_while_nobody_was_there_is_told_from_what_may_have_been_done(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=50)
    rules = Rule("on", ("lamp",), at(7), ON), Rule("off", ("lamp",), at(7, 10), OFF, override_s=3600)
    led.start(*rules)
    led.go(clock(6, 59, 30))
    led.look_around()
    led.die()
    led.clock.at = clock(7, 0, 30)
    led.house.toys["lamp"].now = State(on=True, brightness_pct=80)
    led.start(*rules)
    led.go(clock(7, 11))
    assert doers(led) == [("person", "")]
    assert ended(led)["off"][0] == "withheld"


def test_a_command_that_says_nothing_of_on_and_off_is_remembered_too(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=50)
    rules = (
        Rule("dim", ("lamp",), at(7), Setting(brightness_pct=20)),
        Rule("on", ("lamp",), at(7, 1), Setting(True, 90)),
    )
    led.start(*rules, look_s=110)
    led.go(clock(7, 0, 1))
    led.look_around()
    led.die()
    led.clock.at = clock(7, 1, 20)
    led.start(*rules, look_s=110)
    led.go(clock(7, 2))
    assert ended(led) == {"dim": ("done", ""), "on": ("done", "")}


def test_what_may_have_been_done_is_borne_in_mind_by_daemons_that_do_not_live_to_look(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=50)
    rules = Rule("off", ("lamp",), at(7), OFF, within_s=30), Rule("on", ("lamp",), at(7, 1), ON)
    led.start(*rules, look_s=60)
    led.go(clock(6, 59, 59))
    led.look_around()
    die_of_it(led, accepted=True)
    with pytest.raises(Died):
        led.go(clock(7, 0, 1))
    led.die()
    led.clock.at = clock(7, 0, 40)
    led.start(*rules)
    led.die()
    led.clock.at = clock(7, 1, 10)
    led.start(*rules)
    assert ended(led)["on"] == ("done", "")
    assert {by for by, _ in doers(led)} == {"rule"}


def test_a_step_that_was_found_done_is_no_persons_doing_either(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=50)
    steps = Rule("steps", ("lamp",), at(7), Setting(), steps=(Step(0, OFF), Step(3600, ON)))
    on = Rule("on", ("lamp",), at(7, 1), ON)
    led.start(steps, on, look_s=60)
    led.go(clock(6, 59, 59))
    led.look_around()
    die_of_it(led, accepted=True)
    with pytest.raises(Died):
        led.go(clock(7, 0, 1))
    led.die()
    led.clock.at = clock(7, 0, 40)
    led.start(steps, on)
    led.die()
    led.clock.at = clock(7, 1, 10)
    led.start(steps, on)
    assert ended(led)["on"] == ("done", "")
    assert {by for by, _ in doers(led)} == {"rule"}


def test_a_step_under_way_when_its_rule_begins_anew_is_no_persons_doing_either(led: Led) -> None:
    steps = Rule("steps", ("lamp",), Every(60), Setting(), steps=(Step(20, ON), Step(30, OFF)))
    toy = led.house.toys["lamp"]
    led.start(steps, look_s=15)
    led.go(clock(7, 0, 49))
    led.look_around()

    def overtaken() -> None:
        toy.before = lambda: None
        led.clock.at = clock(7, 1)
        led.alarm.ring()

    toy.before = overtaken
    die_of_it(led, accepted=True)
    with pytest.raises(Died):
        led.go(clock(7, 0, 51))
    led.die()
    assert not toy.now.on
    led.clock.at = clock(7, 1, 10)
    led.start(steps, look_s=15)
    led.go(clock(7, 1, 12))
    assert {by for by, _ in doers(led)} == {"rule"}


def test_what_the_daemon_turned_on_late_was_not_turned_on_by_hand(led: Led) -> None:
    toy = led.house.toys["lamp"]
    off = Rule("off", ("lamp",), AtTime(dt.time(7, 0, 30)), OFF, jitter_s=60)
    rules = Rule("on", ("lamp",), at(7), ON), off
    due = clock(7, 0, 30) + jitter_s(off, "lamp") * SECOND
    led.start(*rules)
    led.go(clock(6, 59, 50))
    led.die()

    def state() -> State:
        lit = [when for when, _, setting in led.told if setting.on]
        return replace(toy.now, on_for_s=int((led.clock.at - lit[-1]).total_seconds()) if toy.now.on else None)

    def slowly() -> State:
        toy.state = state  # type: ignore[method-assign]
        led.clock.at = due + 5 * SECOND
        return state()

    led.clock.at = due - 5 * SECOND
    toy.state = slowly  # type: ignore[method-assign]
    led.start(*rules)
    led.go(SECOND * 5)
    assert [setting for _, _, setting in led.told] == [ON, OFF]
    assert ended(led) == {"on": ("done", ""), "off": ("done", "")}


def test_a_countdown_counts_from_when_the_device_was_turned_on_and_not_from_a_command_that_it_showed(led: Led) -> None:
    toy = led.house.toys["lamp"]
    pressed = clock(6, 59, 40)
    led.start(Rule("off", ("lamp",), AfterDelay(600, "on"), OFF), Rule("on", ("lamp",), at(7), ON), poll_s=60)
    led.go(clock(6, 59, 30))

    def state() -> State:
        on = led.clock.at >= pressed and not any(setting == OFF for _, _, setting in led.told)
        return State(on=on, on_for_s=int((led.clock.at - pressed).total_seconds()) if on else None)

    toy.state = state  # type: ignore[method-assign]
    led.go(clock(7, 30))
    assert [(when, setting) for when, _, setting in led.told] == [(clock(7), ON), (pressed + 600 * SECOND, OFF)]


def test_a_countdown_is_not_counted_anew_when_the_machine_sleeps_over_a_look(led: Led) -> None:
    toy = led.house.toys["lamp"]
    led.start(Rule("off", ("lamp",), AfterDelay(600, "on"), OFF))
    led.go(clock(6, 59, 55))
    turned_on = clock(6, 59, 58)

    def state() -> State:
        return State(on=toy.now.on, on_for_s=int((led.clock.at - turned_on).total_seconds()) if toy.now.on else None)

    def asleep() -> State:
        shown = state()
        toy.state = state  # type: ignore[method-assign]
        led.clock.sleep(300 * SECOND)
        return shown

    toy.now, toy.state = State(on=True), asleep  # type: ignore[method-assign]
    led.go(clock(7, 0, 10), look_around=True)
    led.go(clock(7, 30))
    assert [(when, setting) for when, _, setting in led.told] == [(turned_on + 600 * SECOND, OFF)]


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
