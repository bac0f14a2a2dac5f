"""What came due while the daemon was not there, or could not do it: what is made up for and what is not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Busy, Rule, Setting, State, Unreachable
from tapo_automate.journal.entry import Entry
from tapo_automate.rules.model import AfterDelay, AtTime, Every, Step

ON, OFF = Setting(on=True), Setting(on=False)
MINUTE = dt.timedelta(minutes=1)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("plug", "lamp"), folder=tmp_path)


def entries(led: Led) -> dict[str, Entry]:
    """Return the newest entry of each rule, as the journal has it."""
    assert led.journal is not None
    assert led.journal.flush(5)
    return {entry.rule: entry for entry in led.journal.entries(newest_first=False)}


def down(led: Led, from_: dt.datetime, to: dt.datetime, *rules: Rule) -> None:
    """Run the daemon until `from_`, let it be dead until `to`, and start it again."""
    led.start(*rules)
    led.go(from_)
    led.look_around()
    led.die()
    led.clock.at = to
    led.start(*rules)
    led.go(dt.timedelta(seconds=5))


def test_a_daily_time_missed_during_a_restart_is_made_up_for(led: Led) -> None:
    # OpenHomeFoundation/roadmap#221: a restart that spans the time of a rule loses it.
    down(led, clock(6, 59), clock(7, 1), Rule("wake", ("lamp",), at(7), ON))
    assert [(name, setting) for _, name, setting in led.told] == [("lamp", ON)]
    entry = entries(led)["wake"]
    assert (entry.result, entry.due, entry.late_s) == ("done", clock(7), 60.0)


def test_the_last_thing_that_should_have_happened_decides(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True)
    rules = Rule("on", ("lamp",), at(7), ON), Rule("off", ("lamp",), at(7, 5), OFF)
    down(led, clock(6, 59), clock(7, 10), *rules)
    assert [setting for _, _, setting in led.told] == [OFF]
    journal = entries(led)
    assert (journal["on"].result, journal["on"].reason) == ("missed", "a newer command came first: off")
    assert journal["off"].result == "done"


def test_what_is_longer_ago_than_its_rule_allows_is_missed(led: Led) -> None:
    down(led, clock(6, 59), clock(8), Rule("wake", ("lamp",), at(7), ON, within_s=600))
    assert led.told == []
    entry = entries(led)["wake"]
    assert entry.result == "missed"
    assert entry.reason == "came due 3600 s ago, more than the 600 s within which it may still be done"


def test_a_rule_may_have_a_long_time(led: Led) -> None:
    down(led, clock(6, 59), clock(17), Rule("heat", ("plug",), at(7), ON, within_s=12 * 3600))
    assert [setting for _, _, setting in led.told] == [ON]


def test_a_rule_that_wants_none_made_up_for_keeps_those_before_it_from_it_too(led: Led) -> None:
    rules = Rule("on", ("lamp",), at(7), ON), Rule("off", ("lamp",), at(7, 5), OFF, missed="skip")
    down(led, clock(6, 59), clock(7, 10), *rules)
    assert led.told == []


def test_toggles_are_never_made_up_for(led: Led) -> None:
    down(led, clock(6, 59), clock(7, 1), Rule("flip", ("lamp",), at(7), Setting(toggle=True)))
    assert led.told == []
    assert (entries(led)["flip"].result, entries(led)["flip"].reason) == ("missed", "a toggle is not made up for")


def test_the_first_start_ever_makes_up_for_nothing(led: Led) -> None:
    led.clock.at = clock(7, 1)
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(10 * MINUTE)
    assert led.told == []
    assert entries(led) == {}


def test_a_device_that_shows_it_already_is_not_told_again(led: Led) -> None:
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(6, 59))
    led.look_around()
    led.die()
    led.house.toys["lamp"].now = State(on=True, on_for_s=60)  # done, and killed before it could be written down
    led.clock.at = clock(7, 1)
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(5 * MINUTE)
    assert led.told == []
    assert entries(led)["wake"].result == "already"


def test_what_was_done_is_not_done_again_after_a_restart(led: Led) -> None:
    rule = Rule("wake", ("lamp",), at(7), ON)
    led.start(rule)
    led.go(clock(7, 0, 30))
    led.house.toys["lamp"].now = State(on=False)  # a person
    led.die()
    led.clock.at = clock(7, 1)
    led.start(rule)
    led.go(5 * MINUTE)
    assert [setting for _, _, setting in led.told] == [ON]


def test_a_device_that_a_person_turned_on_later_is_left_alone(led: Led) -> None:
    rule = Rule("night", ("lamp",), at(22), OFF)
    led.start(rule, look_s=60)
    led.go(clock(21, 59))
    led.look_around()
    led.die()
    led.clock.at = clock(22, 10)
    led.house.toys["lamp"].now = State(on=True, on_for_s=120)  # at 22:08
    led.start(rule, look_s=60)
    led.go(5 * MINUTE)
    assert led.told == []
    entry = entries(led)["night"]
    assert (entry.result, entry.reason) == ("withheld", "lamp was changed by hand after it came due")


def test_a_device_that_was_on_before_is_turned_off_late(led: Led) -> None:
    rule = Rule("night", ("lamp",), at(22), OFF)
    led.house.toys["lamp"].now = State(on=True, on_for_s=600)
    led.start(rule, look_s=60)
    led.go(clock(21, 59))
    led.look_around()
    led.die()
    led.clock.at = clock(22, 10)
    led.house.toys["lamp"].now = State(on=True, on_for_s=900)  # since 21:55
    led.start(rule, look_s=60)
    led.go(5 * MINUTE)
    assert [setting for _, _, setting in led.told] == [OFF]


def test_a_machine_that_slept_makes_up_for_what_it_slept_through(led: Led) -> None:
    led.start(Rule("wake", ("lamp",), at(7), ON), Rule("flip", ("plug",), at(7), Setting(toggle=True)))
    led.go(clock(6, 59))
    led.clock.sleep(6 * MINUTE)
    led.look_around()
    assert [(name, setting) for _, name, setting in led.told] == [("lamp", ON)]


def test_settings_that_leave_something_open_are_filled_from_those_before(led: Led) -> None:
    rules = Rule("on", ("lamp",), at(7), ON), Rule("dim", ("lamp",), at(7, 5), Setting(brightness_pct=20))
    down(led, clock(6, 59), clock(7, 10), *rules)
    assert [setting for _, _, setting in led.told] == [Setting(on=True, brightness_pct=20)]


def test_a_command_that_waits_for_its_device_outlives_a_restart(led: Led) -> None:
    def fail() -> None:
        raise Unreachable("lamp", "no answer within 8 s")

    led.house.toys["lamp"].before = fail
    rule = Rule("wake", ("lamp",), at(7), ON)
    led.start(rule)
    led.go(clock(7, 2))
    assert entries(led)["wake"].result == "pending"
    led.stop()
    led.house.toys["lamp"].before = lambda: None
    led.start(rule)
    led.go(MINUTE)
    assert [setting for _, _, setting in led.told] == [ON]
    assert entries(led)["wake"].result == "done"


def test_a_plug_that_is_off_for_ten_seconds_gets_its_command(led: Led) -> None:
    def maybe_fail() -> None:
        if led.clock.at < clock(7, 0, 10):
            raise Unreachable("lamp", "connection refused")

    led.house.toys["lamp"].before = maybe_fail
    led.start(Rule("wake", ("lamp",), at(7), ON))
    led.go(clock(7, 1))
    [(when, _, _)] = led.told
    assert clock(7, 0, 10) <= when <= clock(7, 0, 25)


def test_a_newer_command_takes_the_place_of_one_that_waits(led: Led) -> None:
    def maybe_fail() -> None:
        if led.clock.at < clock(7, 6):
            raise Busy("lamp", "set_device_info", -1301, "busy")

    led.house.toys["lamp"].before = maybe_fail
    rules = Rule("on", ("lamp",), at(7), Setting(on=True, brightness_pct=30)), Rule("off", ("lamp",), at(7, 5), OFF)
    led.start(*rules)
    led.go(clock(7, 30))
    assert [setting for _, _, setting in led.told] == [OFF]
    journal = entries(led)
    assert (journal["on"].result, journal["on"].reason) == ("superseded", "a newer command came first: off")
    assert journal["off"].result == "done"


def test_a_device_that_never_answers_fails_when_its_time_is_over_and_no_later(led: Led) -> None:
    def fail() -> None:
        raise Unreachable("lamp", "no answer within 8 s")

    led.house.toys["lamp"].before = fail
    led.start(Rule("wake", ("lamp",), at(7), ON, within_s=300))
    led.go(clock(8))
    entry = entries(led)["wake"]
    assert (entry.result, entry.reason) == ("failed", "lamp: no answer within 8 s")
    assert entry.at is not None
    assert clock(7, 3, 30) < entry.at <= clock(7, 5)
    assert entry.tries == led.house.toys["lamp"].asked


def test_steps_stand_where_they_should_be_by_now(led: Led) -> None:
    steps = Step(0, ON), Step(300, Setting(brightness_pct=70)), Step(300, OFF)
    rule = Rule("sunrise", ("lamp",), at(7), Setting(), steps=steps)
    down(led, clock(6, 59), clock(7, 6), rule)
    led.go(clock(7, 30))
    assert [(when, setting) for when, _, setting in led.told] == [
        (clock(7, 6), Setting(on=True, brightness_pct=70)),
        (clock(7, 10), OFF),
    ]
    assert entries(led)["sunrise"].result == "done"


def test_steps_under_way_go_on_after_a_restart_and_repeat_nothing(led: Led) -> None:
    steps = Step(0, ON), Step(300, Setting(brightness_pct=70)), Step(300, OFF)
    down(led, clock(7, 1), clock(7, 2), Rule("sunrise", ("lamp",), at(7), Setting(), steps=steps))
    led.go(clock(7, 30))
    assert [(when, setting) for when, _, setting in led.told] == [
        (clock(7), ON),
        (clock(7, 5), Setting(brightness_pct=70)),
        (clock(7, 10), OFF),
    ]


def test_a_countdown_goes_on_over_a_restart(led: Led) -> None:
    rules = Rule("on", ("plug",), at(7), ON), Rule("forgotten", ("plug",), AfterDelay(2700, "on"), OFF)
    down(led, clock(7, 20), clock(7, 21), *rules)
    led.go(clock(9))
    assert [(when, setting) for when, _, setting in led.told] == [(clock(7), ON), (clock(7, 45), OFF)]


def test_a_countdown_that_ran_out_meanwhile_ends_at_the_first_look(led: Led) -> None:
    rules = Rule("on", ("plug",), at(7), ON), Rule("forgotten", ("plug",), AfterDelay(2700, "on"), OFF)
    down(led, clock(7, 40), clock(7, 50), *rules)
    led.go(clock(9))
    assert [(when, setting) for when, _, setting in led.told] == [(clock(7), ON), (clock(7, 50), OFF)]
    entry = entries(led)["forgotten"]
    assert (entry.due, entry.late_s) == (clock(7, 45), 300.0)


def test_many_missed_firings_of_one_rule_come_to_one_command(led: Led) -> None:
    down(led, clock(6, 59), clock(7, 10), Rule("often", ("plug",), Every(60), ON))
    led.go(clock(7, 10, 30))
    assert [setting for _, _, setting in led.told].count(ON) <= 431  # one a minute since midnight, and one made up for
    assert led.journal
    assert led.journal.flush(30)
    results = [entry.result for entry in led.journal.entries(since=clock(7))]
    assert results.count("missed") + results.count("already") + results.count("done") == len(results)
