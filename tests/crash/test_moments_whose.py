"""Moments after which a change was once taken for somebody else's: the daemon's for a person's, or the other way."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from crash.dying import OFF, ON, SECOND, Died, at, clock, die_of_it, doers, ended
from daemon.house import House
from daemon.led import Led
from tapo_automate import Rule, Setting, State
from tapo_automate.rules.engine import jitter_s
from tapo_automate.rules.model import AfterDelay, AtTime, Every, Step


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("lamp"), folder=tmp_path)


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


@pytest.mark.parametrize("deaths", [1, 2])
@pytest.mark.parametrize("accepted", [True, False])
def test_what_stands_for_an_older_rule_too_does_so_in_the_next_life(led: Led, accepted: bool, deaths: int) -> None:
    led.house.toys["lamp"].now = State(on=False, brightness_pct=50)
    rules = (
        Rule("dim", ("lamp",), at(7), Setting(True, 20), override_s=3600),
        Rule("on", ("lamp",), at(7, 1), ON, override_s=3600),
    )
    led.start(*rules)
    led.go(clock(6, 59))
    led.look_around()
    led.die()
    for minute in range(deaths):
        led.clock.at = clock(7, 2 + minute)
        die_of_it(led, accepted=accepted and minute + 1 == deaths)
        with pytest.raises(Died):
            led.start(*rules)
        led.die()
    led.clock.at = clock(7, 4)
    led.start(*rules)
    led.go(clock(7, 5))
    assert ended(led) == {
        "dim": ("missed", "a newer command came first: on"),
        "on": ("already" if accepted else "done", ""),
    }
    assert led.house.toys["lamp"].now == State(on=True, brightness_pct=20)
    assert {by for by, _ in doers(led)} == {"rule"}


def test_what_a_rule_said_before_it_was_edited_is_not_carried_out_with_what_it_says_now(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=False, brightness_pct=50)
    led.start(Rule("on", ("lamp",), at(7), Setting(True, 20)))
    led.go(clock(6, 59))
    led.look_around()
    die_of_it(led, accepted=False)
    with pytest.raises(Died):
        led.go(clock(7, 0, 1))
    led.die()
    led.clock.at = clock(7, 1)
    led.start(Rule("on", ("lamp",), at(7), ON))
    led.go(clock(7, 2))
    assert led.house.toys["lamp"].now == State(on=True, brightness_pct=50)


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
