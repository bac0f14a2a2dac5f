"""A rule changes its executor while the daemon runs, is down, or is reloaded: each effect comes once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.house import DAY
from daemon.tabled_house import OFF, ON, Tabled
from tapo_automate import Rule, Setting
from tapo_automate.rules.model import AfterDelay, AtTime, Away

SECOND, MINUTE, DAY_LONG = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(days=1)


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


WAKE = Rule("wake", ("lamp",), at(7), ON)
NIGHT = Rule("night", ("lamp",), at(23), OFF)


@pytest.fixture
def home(tmp_path: Path) -> Tabled:
    return Tabled(tmp_path, "lamp")


def test_to_the_device_and_back_between_two_firings(home: Tabled) -> None:
    home.start(WAKE, NIGHT)
    home.go(clock(12))
    home.record({"lamp": [home.row(WAKE), home.row(NIGHT, "S4")]})
    home.toy().plan = [(clock(23), OFF), (clock(7) + DAY_LONG, ON)]
    home.go(clock(12) + DAY_LONG)
    home.record({})
    home.go(clock(23, 30) + DAY_LONG)
    assert [(when, setting) for when, _, setting in home.told] == [(clock(7), ON), (clock(23) + DAY_LONG, OFF)]
    assert home.toy().did == [(clock(23), OFF), (clock(7) + DAY_LONG, ON)]
    assert {entry.result for entry in home.entries().values()} == {"done"}
    assert home.alarms == []


def test_the_ledger_is_read_at_the_firing(home: Tabled) -> None:
    home.start(WAKE)
    home.led.go(clock(6, 59, 59))  # nobody looks around meanwhile
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(7), ON)]
    home.led.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["wake", clock(7)].reason == "by the device itself, schedule row S3"


def test_a_device_that_was_early_and_lost_its_row_then_is_not_told_again(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(6, 59, 20), ON)]
    home.start(WAKE)
    home.go(clock(6, 59, 30))
    home.record({})
    home.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["wake", clock(7)].result == "already"


def test_nor_is_one_whose_rule_was_renamed_with_that(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(6, 59, 20), ON)]
    home.start(WAKE)
    home.go(clock(6, 59, 30))
    home.record({})
    home.led.daemon.reload(home.house.book(replace(WAKE, id="morning")))
    home.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["morning", clock(7)].result == "already"


def test_a_sync_that_died_before_it_wrote_the_row_loses_nothing(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE, "", phase="coming")]})
    home.start(WAKE)
    home.go(clock(8))
    assert home.told == [(clock(7, 1, 10), "lamp", ON)]
    entry = home.entries()["wake", clock(7)]
    assert entry.reason == "repaired: lamp has not done it by schedule row that is being written, and showed off"
    assert home.toy().nexts == []  # that it has no such row yet would be no news


@pytest.mark.parametrize("removed", [True, False])
def test_a_sync_that_died_while_it_removed_the_row_neither_loses_nor_doubles(home: Tabled, removed: bool) -> None:
    home.record({"lamp": [home.row(WAKE, phase="leaving")]})
    home.toy().plan = [] if removed else [(clock(7), ON)]
    home.start(WAKE)
    home.go(clock(8))
    assert len(home.told) + len(home.toy().did) == 1
    assert home.toy().now.on


def test_a_row_that_goes_while_it_is_awaited_is_made_good(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.start(WAKE)
    home.toy().plan = [(clock(6, 57), OFF)]
    home.go(clock(7, 0, 20))
    home.record({})
    home.go(clock(8))
    assert home.told == [(clock(7, 1, 10), "lamp", ON)]


def test_a_rule_that_was_changed_after_the_sync_is_the_daemons(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    later = replace(WAKE, trigger=at(8))
    home.start(WAKE)
    home.go(clock(6))
    home.led.daemon.reload(home.house.book(later))
    home.go(clock(9))
    assert home.told == [(clock(8), "lamp", ON)]
    home.record({"lamp": [home.row(later)]})
    home.toy().by_hand(OFF)
    home.toy().plan = [(clock(8) + DAY_LONG, ON)]
    home.go(clock(9) + DAY_LONG)
    assert home.told == [(clock(8), "lamp", ON)]
    assert home.entries()["wake", clock(8) + DAY_LONG].reason == "by the device itself, schedule row S3"


def test_what_a_row_of_the_old_rules_did_already_is_not_told_again(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(6, 59, 50), ON)]
    home.start(WAKE)
    home.go(clock(1))
    renamed = replace(WAKE, id="morning")
    home.led.daemon.reload(home.house.book(renamed))
    home.go(clock(8))  # nobody has synced since
    assert home.told == []
    assert home.entries()["morning", clock(7)].result == "already"


def test_a_row_that_the_rules_of_the_daemon_do_not_know_yet_counts_too(home: Tabled) -> None:
    home.start(WAKE)
    home.go(clock(1))
    home.record({"lamp": [home.row(replace(WAKE, id="morning"))]})  # synced, and the daemon has not reloaded
    home.toy().plan = [(clock(7), ON)]
    home.go(clock(8))
    assert home.told == []
    assert home.entries()["wake", clock(7)].result == "already"


def test_a_reload_leaves_the_device_what_it_has(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE)
    home.go(clock(7, 0, 2))
    home.led.daemon.reload(home.house.book(WAKE, NIGHT))
    home.go(clock(8))
    assert home.told == []
    assert home.entries()["wake", clock(7)].result == "done"


def test_a_rule_taken_out_while_it_is_awaited_is_not_made_good(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(6, 57), OFF)]
    home.start(WAKE, NIGHT)
    home.go(clock(7, 0, 20))
    home.led.daemon.reload(home.house.book(NIGHT))
    home.go(clock(8))
    assert home.told == []
    entry = home.entries()["wake", clock(7)]
    assert entry.reason == "its rule was changed, or taken out of the rules, meanwhile"


# ---------------------------------------------------------------- while nobody was there


def test_what_the_device_did_while_nobody_was_there_is_found_done(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE, look_s=60)
    home.go(clock(6, 50))
    home.die_until(clock(7, 5))
    home.start(WAKE, look_s=60)
    home.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["wake", clock(7)].reason == "by the device itself, schedule row S3"
    [change] = home.changes()
    assert (change.by, change.rule) == ("rule", "wake")


def test_what_the_device_missed_while_nobody_was_there_is_repaired(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.start(WAKE)
    home.go(clock(6, 50))
    home.die_until(clock(7, 5))
    home.start(WAKE)
    home.go(clock(7, 30))
    assert [(when, setting) for when, _, setting in home.told] == [(clock(7, 5), ON)]
    assert home.entries()["wake", clock(7)].reason.startswith("repaired: lamp has not done it by schedule row S3")


def test_a_device_is_given_its_time_also_after_a_start(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(7, 0, 50), ON)]
    home.start(WAKE)
    home.go(clock(6, 59))
    home.die_until(clock(7, 0, 30))
    home.start(WAKE)
    home.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["wake", clock(7)].result == "done"


def test_what_is_too_long_ago_is_left_to_the_device(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE), home.row(NIGHT, "S4")]})
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE, NIGHT)
    home.go(clock(6))
    home.die_until(clock(12))
    home.start(WAKE, NIGHT)
    home.go(clock(12, 30))
    assert home.told == []
    entry = home.entries()["wake", clock(7)]
    why = "left to the device itself, schedule row S3; nobody could look in time"
    assert (entry.result, entry.reason) == ("withheld", why)


def test_a_person_who_was_there_meanwhile_is_respected(home: Tabled) -> None:
    night = replace(NIGHT, within_s=3600)
    home.record({"lamp": [home.row(night)]})
    home.toy().by_hand(ON)
    home.start(night, look_s=60)
    home.go(clock(22, 59))
    home.clock.at = clock(22, 59, 30)
    home.led.die()
    home.clock.at = clock(23, 10)
    home.toy().by_hand(OFF)
    home.clock.at = clock(23, 20)
    home.toy().by_hand(ON)
    home.clock.at = clock(23, 30)
    home.start(night, look_s=60)
    home.go(clock(23, 45))
    assert home.told == []
    entry = home.entries()["night", clock(23)]
    assert (entry.result, entry.reason) == ("withheld", "lamp was changed by hand after it came due")


def test_killed_while_it_waits_to_look(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(6, 57), OFF)]
    home.start(WAKE)
    home.go(clock(7, 0, 20))
    home.die_until(clock(7, 0, 40))
    home.start(WAKE)
    home.go(clock(7, 30))
    assert home.told == [(clock(7, 1, 10), "lamp", ON)]
    assert home.entries()["wake", clock(7)].result == "done"


def test_killed_while_it_waits_for_an_auto_off(home: Tabled) -> None:
    rule = Rule("forgotten", ("lamp",), AfterDelay(600, "on"), OFF)
    home.record({"lamp": [home.row(rule, "")]})
    home.start(rule)
    home.go(clock(7))
    home.toy().by_hand(ON)
    home.go(clock(7, 10, 30))
    home.die_until(clock(7, 10, 50))
    home.start(rule)
    home.go(clock(7, 30))
    assert len(home.told) == 1
    assert [entry.result for entry in home.entries().values()] == ["done"]


def test_the_last_thing_decides_whoever_carries_it_out(home: Tabled) -> None:
    morning = Rule("morning", ("lamp",), at(7, 5), OFF)
    home.record({"lamp": [home.row(morning)]})
    home.toy().plan = [(clock(7, 5), OFF)]
    home.start(WAKE, morning)
    home.go(clock(6, 59))
    home.die_until(clock(7, 10))
    home.start(WAKE, morning)
    home.go(clock(7, 30))
    assert home.told == []
    journal = home.entries()
    assert (journal["wake", clock(7)].result, journal["wake", clock(7)].reason) == (
        "missed",
        "a newer command came first: morning",
    )
    assert journal["morning", clock(7, 5)].result == "done"


# ---------------------------------------------------------------- a window


HOLIDAY = Rule("holiday", ("lamp",), Away(dt.time(18), dt.time(22)), Setting())


def test_a_window_that_the_daemon_began_is_given_back_by_it(home: Tabled) -> None:
    home.toy().by_hand(ON)
    home.start(HOLIDAY)
    home.go(clock(19, 30))
    home.record({"lamp": [home.row(HOLIDAY, "A1")]})
    told = len(home.told)
    home.go(clock(21, 59))
    assert len(home.told) == told
    home.toy().by_hand(OFF)
    home.go(clock(23))
    assert [(when, setting.on) for when, _, setting in home.told[told:]] == [(clock(22), True)]


def test_a_window_that_the_device_began_is_gone_on_with(home: Tabled) -> None:
    home.record({"lamp": [home.row(HOLIDAY, "A1")]})
    home.start(HOLIDAY)
    home.go(clock(19))
    assert home.told == []
    home.record({})
    home.go(clock(23))
    assert home.told
    assert all(clock(19) < when <= clock(22) for when, _, _ in home.told)


# ---------------------------------------------------------------- a ledger in trouble


def test_a_ledger_that_is_damaged_meanwhile_stays_in_force(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE)
    home.go(clock(6))
    whole = home.ledger.read_text()
    home.ledger.write_text(whole[:40])
    home.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["wake", clock(7)].reason == "by the device itself, schedule row S3"
    [alarm] = home.alarms
    assert alarm.startswith(f"{home.ledger}: ")
    home.ledger.write_text(whole)
    home.go(clock(7, 40))
    assert home.alarms[1:] == ["over: the ledger can be read again"]


def test_a_ledger_that_is_damaged_at_the_start_makes_the_daemon_look_first(home: Tabled) -> None:
    home.ledger.write_text("rows = [")
    alone = replace(NIGHT, executor="device")
    home.toy().plan = [(clock(6, 59, 50), ON)]
    home.start(WAKE, alone)
    home.go(clock(23, 30))
    assert home.told == [(clock(23), "lamp", OFF)]  # and not at seven
    assert home.entries()["wake", clock(7)].result == "already"
    [alarm] = home.alarms
    assert alarm.endswith("; until then every device is looked at before it is told anything")


def test_no_ledger_is_no_trouble(home: Tabled) -> None:
    home.start(WAKE)
    home.go(clock(8))
    assert home.told == [(clock(7), "lamp", ON)]
    assert home.alarms == []


# ---------------------------------------------------------------- the clock, and what it costs


@pytest.mark.parametrize("by", [-2 * MINUTE, 2 * MINUTE, 3 * DAY_LONG])
def test_a_clock_that_is_set_neither_loses_nor_doubles(home: Tabled, by: dt.timedelta) -> None:
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().plan = [(clock(7) + number * DAY_LONG, ON) for number in range(8)]
    home.start(WAKE)
    home.go(clock(6, 56))
    home.clock.set(by)
    home.led.look_around()
    home.go(clock(8) + 5 * DAY_LONG)
    assert home.told == []
    assert {entry.result for entry in home.entries().values()} <= {"done", "withheld"}


def test_two_looks_and_one_question_for_each_firing_in_a_house_of_two_hundred(tmp_path: Path) -> None:
    names = [f"lamp{number}" for number in range(200)]
    home = Tabled(tmp_path, *names)
    on, off = Rule("on", tuple(names), at(7), ON), Rule("off", tuple(names), at(7, 30), OFF)
    home.record({name: [home.row(on), home.row(off, "S4")] for name in names})
    for number, name in enumerate(names):
        late = (number % 7) * 10 * SECOND  # some clocks are late
        home.toy(name).plan = [(clock(7) + late, ON), (clock(7, 30) + late, OFF)]
    home.start(on, off)
    home.go(clock(8))
    assert home.told == []
    assert {entry.result for entry in home.entries().values()} == {"done"}
    assert max(len(home.toy(name).looks) for name in names) <= 4
    assert {len(home.toy(name).nexts) for name in names} == {2}
