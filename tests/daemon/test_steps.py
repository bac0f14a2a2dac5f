"""Rules with steps: told again, taken out of the rules, changed while nobody was there."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting, Unreachable
from tapo_automate.daemon import Reloaded
from tapo_automate.journal.entry import Entry
from tapo_automate.rules.model import AtTime, Every, Step

ON, OFF, DIM = Setting(on=True), Setting(on=False), Setting(brightness_pct=30)
OTHER = Rule("other", ("lamp",), AtTime(dt.time(23)), OFF)
CHANGED = "its rule was changed, or taken out of the rules, meanwhile"


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("lamp"), folder=tmp_path)


def stepping(*steps: Step, name: str = "s") -> Rule:
    return Rule(name, ("lamp",), at(7), Setting(), steps=steps)


def entry(led: Led, rule: str = "s") -> Entry:
    assert led.journal is not None
    assert led.journal.flush(5)
    return led.journal.entries(rule=rule)[0]


def settings(led: Led) -> list[Setting]:
    return [setting for _, _, setting in led.told]


def deaf(led: Led, *settings: Setting) -> None:
    """Let the lamp accept these settings, in order, and do nothing."""
    toy, ignored = led.house.toys["lamp"], list(settings)
    apply = toy.apply

    def accept(setting: Setting) -> None:
        if setting in ignored:
            ignored.remove(setting)
        else:
            apply(setting)

    toy.apply = accept  # type: ignore[method-assign]


def test_a_step_that_is_not_to_be_seen_is_given_again_and_the_rest_come_after_it(led: Led) -> None:
    deaf(led, ON)
    led.start(stepping(Step(0, ON), Step(600, OFF)))
    led.go(clock(8))
    assert led.told == [(clock(7, 0, 2), "lamp", ON), (clock(7, 10), "lamp", OFF)]
    assert (entry(led).result, led.daemon.health().waiting) == ("done", 0)


def test_a_step_that_is_never_to_be_seen_keeps_none_of_the_others(led: Led) -> None:
    deaf(led, ON, ON, ON)
    led.start(stepping(Step(0, ON), Step(600, OFF)))
    led.go(clock(7, 5))
    assert entry(led).result == "pending", "it is not through"
    led.house.toys["lamp"].now = replace(led.house.toys["lamp"].now, on=True)
    led.go(clock(8))
    assert settings(led) == [OFF]
    assert (entry(led).result, led.daemon.health().waiting) == ("done", 0)


def test_a_last_step_that_is_never_to_be_seen_fails(led: Led) -> None:
    deaf(led, OFF, OFF, OFF)
    led.start(stepping(Step(0, ON), Step(600, OFF)))
    led.go(clock(8))
    assert (entry(led).result, entry(led).reason) == (
        "failed",
        "lamp: it accepted the command 3 times and does not show it",
    )
    assert led.daemon.health().waiting == 0


def test_a_step_under_way_is_the_last_one_where_its_rule_is_taken_out(led: Led) -> None:
    def reload() -> None:
        if not [event for event in led.house.events if isinstance(event, Reloaded)]:
            led.daemon.reload(led.house.book(OTHER))

    led.house.toys["lamp"].before = reload
    led.start(stepping(Step(0, ON), Step(600, DIM)), OTHER)
    led.go(clock(8))
    assert settings(led) == [ON]
    assert (entry(led).result, entry(led).reason) == ("withheld", CHANGED)
    assert led.daemon.health().waiting == 0


def test_a_command_under_way_is_not_tried_again_where_its_rule_is_taken_out(led: Led) -> None:
    tried: list[dt.datetime] = []

    def fail() -> None:
        tried.append(led.clock.at)
        if len(tried) == 2:
            led.daemon.reload(led.house.book(OTHER))
        raise Unreachable("lamp", "no answer")

    led.house.toys["lamp"].before = fail
    led.start(Rule("r", ("lamp",), at(7), ON), OTHER)
    led.go(clock(8))
    assert len(tried) == 2
    assert (entry(led, "r").result, entry(led, "r").reason) == ("withheld", CHANGED)


def test_a_command_under_way_that_succeeds_is_done_whatever_became_of_its_rule(led: Led) -> None:
    def reload() -> None:
        if not [event for event in led.house.events if isinstance(event, Reloaded)]:
            led.daemon.reload(led.house.book(OTHER))

    led.house.toys["lamp"].before = reload
    led.start(Rule("r", ("lamp",), at(7), ON), OTHER)
    led.go(clock(8))
    assert (entry(led, "r").result, entry(led, "r").reason) == ("done", "")


def test_steps_that_begin_anew_take_back_the_old_ones_that_wait_for_another_try(led: Led) -> None:
    # Every three minutes: nothing for a minute, then dim.  The lamp answers again after the second beginning.
    tried: list[dt.datetime] = []

    def fail_early() -> None:
        tried.append(led.clock.at)
        if led.clock.at < clock(0, 3, 30):
            led.clock.at = max(led.clock.at, clock(0, 3, 1))  # the first try takes until the rule fires again
            led.alarm.ring()
            raise Unreachable("lamp", "no answer")

    led.house.toys["lamp"].before = fail_early
    rule = Rule("s", ("lamp",), Every(180), Setting(), steps=(Step(60, DIM),))
    led.clock.at = DAY - dt.timedelta(seconds=1)
    led.start(rule)
    led.go(clock(0, 4, 30))
    assert len(tried) == 2
    assert led.told == [(clock(0, 4), "lamp", DIM)]


def test_the_steps_of_a_rule_that_was_switched_off_meanwhile_are_not_gone_on_with(led: Led) -> None:
    rule = stepping(Step(0, ON), Step(600, OFF))
    led.start(rule, OTHER)
    led.go(clock(7, 5))
    led.die()
    led.start(replace(rule, enabled=False), OTHER)
    led.go(clock(8))
    assert settings(led) == [ON]
    assert (entry(led).result, entry(led).reason) == ("withheld", "its rule was taken out of the rules meanwhile")
    led.die()
    led.start(rule, OTHER)
    led.go(clock(9))
    assert settings(led) == [ON]
    assert led.daemon.health().waiting == 0


@pytest.mark.parametrize("mode", ["ignore", "queue", "restart"])
def test_steps_that_became_fewer_meanwhile_keep_nobody_waiting(led: Led, mode: str) -> None:
    rule = replace(stepping(Step(0, ON), Step(60, DIM), Step(600, OFF)), mode=mode)  # type: ignore[arg-type]
    led.start(rule)
    led.go(clock(7, 5))
    led.die()
    led.start(replace(rule, steps=(Step(0, ON),)))
    led.go(clock(8))
    assert (settings(led), entry(led).result) == ([ON, DIM], "already")
    led.house.toys["lamp"].now = replace(led.house.toys["lamp"].now, on=False)
    led.go(clock(8) + dt.timedelta(days=1))
    assert (settings(led), entry(led).result) == ([ON, DIM, ON], "done")
    assert led.daemon.health().waiting == 0
