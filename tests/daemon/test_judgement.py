"""Conditions, people's wishes, things that turn: what the daemon sees decides what it does."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Firing, Notice, Rule, Setting, State, Unreachable, hookimpl
from tapo_automate.daemon import Changed, Noticed, Outcome
from tapo_automate.journal.entry import Change, Entry
from tapo_automate.rules.model import AfterDelay, AtTime, Away, Condition, DeviceIs, Every, PowerPast, StateTurns, Step

ON, OFF = Setting(on=True), Setting(on=False)
MINUTE = dt.timedelta(minutes=1)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("plug", "lamp", "tv"), folder=tmp_path)


def entry(led: Led, rule: str) -> Entry:
    assert led.journal is not None
    assert led.journal.flush(5)
    return led.journal.entries(rule=rule)[0]


def told(led: Led) -> list[tuple[dt.datetime, str, Setting]]:
    return led.told


def turn(led: Led, name: str, on: bool, at: dt.datetime) -> None:
    """A person turns a device; it says since when it is on."""
    toy = led.house.toys[name]

    def state() -> State:
        return replace(toy.now, on_for_s=int((led.clock.at - at).total_seconds()) if toy.now.on else None)

    toy.now = replace(toy.now, on=on)
    toy.state = state  # type: ignore[method-assign]


def test_a_condition_on_another_device_is_asked_when_the_rule_fires(led: Led) -> None:
    rule = Rule("r", ("lamp",), at(7), ON, only_if=Condition(devices={"tv": DeviceIs(on=True)}))
    led.house.toys["tv"].now = State(on=True)
    led.start(rule)
    led.go(clock(7, 1))
    assert [name for _, name, _ in told(led)] == ["lamp"]


def test_a_condition_that_does_not_hold_is_written_down(led: Led) -> None:
    rule = Rule("r", ("lamp",), at(7), ON, only_if=Condition(devices={"tv": DeviceIs(on=True)}))
    led.start(rule)
    led.go(clock(7, 1))
    assert told(led) == []
    assert (entry(led, "r").result, entry(led, "r").reason) == ("withheld", "tv is off")


def test_a_condition_of_which_nobody_knows_does_not_hold(led: Led) -> None:
    def fail() -> None:
        raise Unreachable("tv", "no answer within 8 s")

    led.house.toys["tv"].before = fail
    led.house.toys["tv"].state = fail  # type: ignore[method-assign,assignment]
    rule = Rule("r", ("lamp",), at(7), ON, only_if=Condition(devices={"tv": DeviceIs(on=True)}))
    led.start(rule)
    led.go(clock(7, 1))
    assert told(led) == []
    assert entry(led, "r").reason == "nobody knows whether tv is on"


def test_a_condition_on_the_load_of_another_device(led: Led) -> None:
    rule = Rule("r", ("lamp",), at(7), ON, only_if=Condition(devices={"plug": DeviceIs(power_below_w=5)}))
    led.house.toys["plug"].watts = lambda: 3.0
    led.start(rule)
    led.go(clock(7, 1))
    assert len(told(led)) == 1
    led.house.toys["plug"].watts = lambda: 12.0
    led.go(clock(7, 1) + dt.timedelta(days=1))
    assert len(told(led)) == 1
    assert entry(led, "r").reason == "the load of plug is 12.0 W, not below 5"


def test_a_window_of_the_condition_crosses_midnight(led: Led) -> None:
    night = Condition(between=(dt.time(22), dt.time(6)))
    led.start(Rule("early", ("lamp",), at(5, 59), ON, only_if=night), Rule("late", ("plug",), at(6), ON, only_if=night))
    led.go(clock(7))
    assert [name for _, name, _ in told(led)] == ["lamp"]
    assert entry(led, "late").reason == "it is 06:00, and only between 22:00 and 06:00"


def test_a_persons_change_is_respected_for_as_long_as_the_rule_says(led: Led) -> None:
    rules = [Rule(f"off-{hour}", ("lamp",), at(hour), OFF, override_s=7200) for hour in (20, 21, 22, 23)]
    led.start(*rules)
    led.go(clock(20, 30))
    turn(led, "lamp", True, clock(20, 30))
    led.go(clock(23, 30))
    assert [(when, name) for when, name, _ in told(led)] == [(clock(20), "lamp"), (clock(23), "lamp")]
    assert entry(led, "off-22").result == "withheld"
    assert entry(led, "off-22").reason == "a person changed lamp at 20:30:00, which is respected for a while"


def test_what_a_rule_did_is_no_persons_change(led: Led) -> None:
    rules = Rule("on", ("lamp",), at(20), ON), Rule("off", ("lamp",), at(20, 30), OFF, override_s=7200)
    led.start(*rules)
    led.go(clock(21))
    assert [setting for _, _, setting in told(led)] == [ON, OFF]


def test_a_persons_change_is_seen_and_written_down(led: Led) -> None:
    led.start(Rule("off", ("lamp",), at(23), OFF), look_s=60)
    led.go(clock(20, 30, 10))
    turn(led, "lamp", True, clock(20, 30, 10))
    led.go(clock(20, 35))
    assert led.journal is not None
    assert led.journal.flush(5)
    [change] = led.journal.changes("lamp")
    assert change == Change("lamp", clock(20, 30, 10), {"on": False}, {"on": True, "brightness": 50}, "person", None)
    assert [event for event in led.house.events if isinstance(event, Changed)] == [Changed(change)]


def test_a_rule_fires_when_another_device_turns(led: Led) -> None:
    led.start(Rule("way", ("lamp",), StateTurns("tv", "on", 10), ON))
    led.go(clock(20))
    turn(led, "tv", True, clock(20))
    led.go(clock(20, 5))
    assert [(when, name) for when, name, _ in told(led)] == [(clock(20, 0, 10), "lamp")]


def test_a_rule_that_turns_a_device_brings_about_what_waits_for_that(led: Led) -> None:
    led.start(Rule("tv", ("tv",), at(20), ON), Rule("way", ("lamp",), StateTurns("tv", "on"), ON))
    led.go(clock(20, 5))
    assert [(when, name) for when, name, _ in told(led)] == [(clock(20), "tv"), (clock(20), "lamp")]


@pytest.mark.parametrize("who", ["rule", "person"])
def test_a_countdown_begins_when_the_device_turns_on_whoever_did_it(led: Led, who: str) -> None:
    forgotten = Rule("forgotten", ("plug",), AfterDelay(2700, "on"), OFF)
    led.start(forgotten, *([Rule("on", ("plug",), at(7), ON)] if who == "rule" else []))
    led.go(clock(7))
    if who == "person":
        turn(led, "plug", True, clock(7))
    led.go(clock(9))
    assert told(led)[-1] == (clock(7, 45), "plug", OFF)


def test_a_countdown_ends_with_the_device_turned_off(led: Led) -> None:
    led.start(Rule("forgotten", ("plug",), AfterDelay(2700, "on"), OFF))
    led.go(clock(7))
    turn(led, "plug", True, clock(7))
    led.go(clock(7, 30))
    turn(led, "plug", False, clock(7, 30))
    led.go(clock(9))
    assert told(led) == []


AWAY = Rule("holiday", ("lamp",), Away(dt.time(18), dt.time(23)), Setting())


def test_away_switches_inside_its_window_and_gives_the_device_back(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=33)
    led.start(AWAY)
    led.go(clock(23, 59))
    switched = told(led)
    assert len(switched) >= 5
    assert all(clock(18) <= when <= clock(23) for when, _, _ in switched)
    assert switched[-1] == (clock(23), "lamp", Setting(on=True, brightness_pct=33))
    assert led.journal is not None
    assert led.journal.flush(5)
    rows = led.journal.entries(newest_first=False)
    assert len({row.seed for row in rows}) == 1, "one seed explains the whole evening"
    assert (rows[0].role, rows[-1].role, {row.role for row in rows[1:-1]}) == ("begin", "return", {"switch"})


def test_away_goes_on_after_a_restart_as_it_was_planned(led: Led) -> None:
    led.start(AWAY)
    led.go(clock(20))
    before = list(told(led))
    led.die()
    led.start(AWAY)
    led.go(clock(23, 30))
    assert led.journal is not None
    assert led.journal.flush(5)
    assert len({row.seed for row in led.journal.entries()}) == 1
    assert told(led)[: len(before)] == before
    assert told(led)[-1] == (clock(23), "lamp", OFF)


def test_away_that_is_held_back_when_it_begins_stays_so_for_its_window(led: Led) -> None:
    rule = replace(AWAY, only_if=Condition(devices={"tv": DeviceIs(on=False)}))
    led.house.toys["tv"].now = State(on=True)
    led.start(rule)
    led.go(clock(19))
    led.house.toys["tv"].now = State(on=False)
    led.go(clock(23, 59))
    assert told(led) == []


@pytest.mark.parametrize("how", ["taken out", "switched off", "moved"])
def test_away_that_ends_with_its_rule_gives_the_device_back(led: Led, how: str) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=33)
    other = Rule("other", ("lamp",), at(23, 30), OFF)
    led.start(AWAY, other)
    led.go(clock(19))
    while led.house.toys["lamp"].now.on:
        led.go(MINUTE)
    rules = {
        "taken out": [other],
        "switched off": [replace(AWAY, enabled=False), other],
        "moved": [replace(AWAY, trigger=Away(dt.time(18), dt.time(20))), other],
    }
    when = led.clock.at
    led.daemon.reload(led.house.book(*rules[how]))
    led.lanes.run()
    assert told(led)[-1] == (when, "lamp", Setting(on=True, brightness_pct=33))


def test_away_over_midnight_is_not_cut_off_by_a_condition_that_held_when_it_began(led: Led) -> None:
    night = Rule("holiday", ("lamp",), Away(dt.time(22), dt.time(2)), Setting())
    led.start(replace(night, only_if=Condition(dates=(DAY.date(), DAY.date()))))
    led.go(clock(3) + dt.timedelta(days=1))
    evening = [when for when, _, _ in told(led) if when >= clock(22)]
    assert evening[-1] == clock(2) + dt.timedelta(days=1), "given back at the end of its window"
    assert not led.house.toys["lamp"].now.on


STEPS = Step(0, ON), Step(600, Setting(brightness_pct=70)), Step(600, OFF)


def stepping(mode: str) -> Rule:
    return Rule("s", ("lamp",), StateTurns("tv", "on"), Setting(), steps=STEPS, mode=mode)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("restart", [(0, ON), (5, ON), (15, Setting(brightness_pct=70)), (25, OFF)]),
        ("ignore", [(0, ON), (10, Setting(brightness_pct=70)), (20, OFF)]),
        (
            "queue",
            [
                (0, ON),
                (10, Setting(brightness_pct=70)),
                (20, OFF),
                (20, ON),
                (30, Setting(brightness_pct=70)),
                (40, OFF),
            ],
        ),
    ],
)
def test_a_rule_that_fires_again_while_its_steps_are_under_way(
    led: Led, mode: str, expected: list[tuple[int, Setting]]
) -> None:
    led.start(stepping(mode))
    for minute, on in ((0, True), (3, False), (5, True)):
        led.go(clock(20, minute))
        turn(led, "tv", on, clock(20, minute))
    led.go(clock(22))
    # A person's turn is seen at the next look, within ten seconds.
    assert [(round((when - clock(20)) / MINUTE), setting) for when, _, setting in told(led)] == expected


def test_a_queue_that_piles_up_keeps_only_what_is_still_in_time(led: Led) -> None:
    rule = Rule("s", ("lamp",), Every(60), Setting(), steps=(Step(0, ON), Step(120, OFF)), mode="queue", within_s=300)
    led.start(rule)
    led.go(clock(2))
    assert led.daemon.health().waiting <= 8
    late = [event for event in led.house.events if isinstance(event, Outcome) and event.result == "missed"]
    assert str(late[-1].error).startswith("came due 3")
    assert "more than the 300 s within which it may still be done" in str(late[-1].error)


def test_a_rule_tells_people_once_for_all_its_devices(led: Led) -> None:
    notices: list[Notice] = []

    class Bell:
        @hookimpl
        def notify(self, notice: Notice) -> None:
            notices.append(notice)

        @hookimpl
        def rule_fired(self, firing: Firing, error: Exception | None) -> None: ...

    rule = Rule("tell", ("lamp", "plug"), at(7), ON, notify="good morning")
    led.start(rule, plugins={"bell": Bell()})
    led.go(clock(8))
    assert [(notice.text, notice.at) for notice in notices] == [("good morning", clock(7))]
    assert len([event for event in led.house.events if isinstance(event, Noticed)]) == 1
    led.die()
    led.start(rule, plugins={"bell": Bell()})
    led.go(clock(8, 30))
    assert len(notices) == 1


def test_a_rule_may_only_tell_people(led: Led) -> None:
    done = Rule("done", ("plug",), PowerPast("below", 5, 180, 20), Setting(), notify="The washer is done")
    led.house.toys["plug"].watts = lambda: 100.0 if led.clock.at < clock(1) else 2.0
    led.start(done)
    led.go(clock(2))
    assert told(led) == []
    assert entry(led, "done").result == "done"
    assert [event.notice.text for event in led.house.events if isinstance(event, Noticed)] == ["The washer is done"]


def test_a_command_that_is_accepted_and_not_done_is_given_again(led: Led) -> None:
    toy, deaf = led.house.toys["lamp"], [2]
    apply = toy.apply

    def ignore(setting: Setting) -> None:
        if deaf[0]:
            deaf[0] -= 1
            return
        apply(setting)

    toy.apply = ignore  # type: ignore[method-assign]
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(7, 1))
    assert toy.now.on
    assert (entry(led, "wake").result, entry(led, "wake").tries) == ("done", 3)


def test_a_device_that_never_does_what_it_accepts_fails(led: Led) -> None:
    led.house.toys["lamp"].apply = lambda setting: None  # type: ignore[method-assign]
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(7, 1))
    assert (entry(led, "wake").result, entry(led, "wake").reason) == (
        "failed",
        "lamp: it accepted the command 3 times and does not show it",
    )


def test_a_person_who_is_quick_is_not_overruled(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True)
    led.start(Rule("off", ("lamp",), at(7), OFF))
    led.go(clock(7, 0, 1))
    assert not led.house.toys["lamp"].now.on
    turn(led, "lamp", True, clock(7, 0, 1))
    led.go(clock(7, 5))
    assert [setting for _, _, setting in told(led)] == [OFF]


def test_the_hold_of_a_power_rule_goes_on_over_a_restart(led: Led) -> None:
    led.house.toys["plug"].watts = lambda: 100.0 if led.clock.at < clock(1) else 2.0
    led.house.toys["plug"].now = State(on=True)
    rule = Rule("done", ("plug",), PowerPast("below", 5, 180, 20), OFF)
    led.start(rule)
    led.go(clock(1, 2))
    led.die()
    led.clock.at = clock(1, 2, 20)
    led.start(rule)
    led.go(clock(1, 10))
    [(when, name, setting)] = told(led)
    assert (name, setting) == ("plug", OFF)
    assert clock(1, 3) <= when <= clock(1, 3, 11)


def test_a_power_rule_that_has_fired_is_not_armed_by_a_restart(led: Led) -> None:
    led.house.toys["plug"].watts = lambda: 100.0 if led.clock.at < clock(1) else 2.0
    rule = Rule("done", ("plug",), PowerPast("below", 5, 180, 20), OFF)
    led.start(rule)
    led.go(clock(1, 10))
    led.house.toys["plug"].now = State(on=True)
    led.die()
    led.clock.at = clock(1, 11)
    led.start(rule)
    led.go(clock(3))
    assert len(told(led)) <= 1
    assert led.house.toys["plug"].now.on
