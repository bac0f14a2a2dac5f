"""What living at random has found, told one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from sync.model_house import House
from sync.model_rules import OFF, ON, START
from sync.model_things import Fault, LivingDevice
from tapo_automate.rows import AutoOff, Moment, ScheduleRow
from tapo_automate.rules.model import AfterDelay, AtDate, AtTime, Rule
from tapo_automate.sync.partition import partition


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, {"plug": LivingDevice(START, spent="disabled")}, START)


def lines(house: House) -> list[tuple[str, str]]:
    [device] = house.plan().devices
    return [(each.action, each.text) for each in device.changes]


def test_the_one_place_of_auto_off_passes_from_one_rule_to_another_in_place(house: House) -> None:
    long = Rule("long", ("plug",), AfterDelay(5400, "on"), OFF)
    short = Rule("short", ("plug",), AfterDelay(3600, "on"), OFF)
    house.rules = {"long": long, "short": short}
    house.settle()
    del house.rules["long"]
    assert lines(house) == [
        ("update", "1 h after it turns on → off (was 1 h 30 min after it turns on → off)"),
    ]
    house.settle()
    assert house.doors["plug"].thing.found()["auto_off"].rows == (AutoOff(60),)


def test_a_countdown_that_has_run_leaves_its_place_to_another_rule(house: House) -> None:
    soon = Rule("soon", ("plug",), AfterDelay(600, "apply"), ON)
    house.rules = {"soon": soon}
    house.settle()
    house.now += dt.timedelta(minutes=20)
    house.doors["plug"].thing.live(house.now)
    house.rules = {"later": replace(soon, id="later")}
    assert lines(house) == [("adopt", "in 10 min → on, over: leaves the ledger"), ("create", "in 10 min → on")]
    house.settle()


def test_of_several_countdowns_that_have_run_one_is_started_again(house: House) -> None:
    first = Rule("first", ("plug",), AfterDelay(600, "apply"), ON)
    second = Rule("second", ("plug",), AfterDelay(1200, "apply"), OFF)
    house.rules = {"first": first}
    house.settle()
    house.now += dt.timedelta(hours=1)
    house.doors["plug"].thing.live(house.now)
    house.rules = {"first": first, "second": second}
    house.settle()
    house.now += dt.timedelta(hours=1)
    house.doors["plug"].thing.live(house.now)
    [device] = house.plan(rearm=True).devices
    assert [(each.action, each.text) for each in device.changes] == [
        ("update", "in 20 min → off (was in 20 min → off (switched off))"),
    ]
    assert house.apply(house.plan(rearm=True)), house.log
    house.check_settled()


def once_cut_off(house: House, fault: Fault) -> None:
    """A create of a row that happens once, in ten minutes, has been cut off."""
    house.rules = {"once": Rule("once", ("plug",), AtDate(START + dt.timedelta(minutes=10)), ON)}
    assert not house.apply(house.plan(), {"plug": (fault, 1)})
    [row] = house.ledger.of("plug").rows
    assert (row.phase, row.row_id) == ("coming", "")


def test_a_row_that_happened_once_after_its_create_was_cut_off_is_removed(house: House) -> None:
    once_cut_off(house, "killed after")
    house.now += dt.timedelta(minutes=20)
    house.doors["plug"].thing.live(house.now)
    assert lines(house) == [
        ("adopt", "once at 13:10 → on, found again under its id: leaves the ledger"),
        ("delete", "once at 13:10 → on (switched off)"),
    ]
    assert not house.apply(house.plan(), {"plug": ("killed before", 1)})
    [row] = house.ledger.of("plug").rows
    assert (row.phase, row.row_id) == ("leaving", "S1")  # or it would be nobody's
    house.settle()
    assert house.doors["plug"].thing.found()["schedule"].rows == ()
    assert house.ledger.of("plug").rows == ()


def test_a_row_that_is_switched_off_before_its_id_was_known_is_a_persons(house: House) -> None:
    once_cut_off(house, "killed after")
    door = house.doors["plug"]
    [row] = door.thing.found()["schedule"].rows
    assert isinstance(row, ScheduleRow)
    door.thing.by_hand(replace(row, enabled=False), "S1")
    door.switched.add(("schedule", "S1"))
    assert lines(house) == [
        ("adopt", "once at 13:10 → on, gone: leaves the ledger"),
        ("create", "once at 13:10 → on"),
        ("foreign", "once at 13:10 → on (switched off)"),
    ]
    house.settle()
    assert [each.enabled for each in door.thing.found()["schedule"].rows] == [False, True]  # type: ignore[union-attr]


def test_a_row_that_has_happened_once_leaves_its_place_at_once(tmp_path: Path) -> None:
    one_place = {"schedule": 1, "countdown": 1, "antitheft": 1}
    house = House(tmp_path, {"plug": LivingDevice(START, spent="disabled", limits=one_place)}, START)
    house.rules = {"once": Rule("once", ("plug",), AtDate(START + dt.timedelta(minutes=10)), ON)}
    house.settle()
    house.now += dt.timedelta(minutes=20)
    house.doors["plug"].thing.live(house.now)
    house.rules = {"daily": Rule("daily", ("plug",), AtTime(dt.time(7)), ON)}
    assert lines(house) == [("create", "every day at 07:00 → on"), ("delete", "once at 13:10 → on (switched off)")]
    house.settle()
    [row] = house.ledger.of("plug").rows
    assert row.rules.keys() == {"daily"}


def test_a_row_that_was_cut_off_and_is_wanted_no_more_leaves_its_place_at_once(tmp_path: Path) -> None:
    one_place = {"schedule": 1, "countdown": 1, "antitheft": 1}
    house = House(tmp_path, {"plug": LivingDevice(START, spent="disabled", limits=one_place)}, START)
    once_cut_off(house, "killed after")
    house.now += dt.timedelta(minutes=20)
    house.doors["plug"].thing.live(house.now)
    house.rules = {"daily": Rule("daily", ("plug",), AtTime(dt.time(7)), ON)}
    house.settle()
    [row] = house.ledger.of("plug").rows
    assert row.rules.keys() == {"daily"}


def edited_and_left_so(house: House, rule: Rule) -> None:
    """Bring a rule onto its device; then its row is changed in the app, and a person says to leave it so."""
    house.rules = {rule.id: rule}
    house.settle()
    house.doors["plug"].thing.by_hand(ScheduleRow(Moment("midnight", 480), OFF, frozenset(range(7))), "S1")
    house.change(["plug"], [], "ignore")
    house.settle()
    assert lines(house) == []


def test_a_row_that_was_left_so_is_the_persons_once_the_daemon_has_its_rule(house: House) -> None:
    rule = Rule("dawn", ("plug",), AtTime(dt.time(7, 0)), ON)
    edited_and_left_so(house, rule)
    house.rules = {"dawn": replace(rule, executor="daemon")}
    assert lines(house) == [
        ("adopt", "every day at 07:00 → on, left as changed by hand: leaves the ledger"),
        ("foreign", "every day at 08:00 → off"),
    ]
    house.settle()
    assert lines(house) == [("foreign", "every day at 08:00 → off")]
    assert ("dawn", "plug") not in partition(house.book, house.ledger)


def test_a_row_that_was_left_so_is_the_persons_once_its_day_is_over(house: House) -> None:
    edited_and_left_so(house, Rule("party", ("plug",), AtDate(START + dt.timedelta(minutes=3)), ON))
    house.now += dt.timedelta(minutes=10)
    house.doors["plug"].thing.live(house.now)
    house.settle()
    assert lines(house) == [("foreign", "every day at 08:00 → off")]
    assert house.ledger.of("plug").rows == ()


def test_a_row_is_left_so_while_its_rule_is_switched_off(house: House) -> None:
    rule = Rule("dawn", ("plug",), AtTime(dt.time(7, 0)), ON)
    edited_and_left_so(house, rule)
    house.rules = {"dawn": replace(rule, enabled=False)}
    house.settle()
    house.rules = {"dawn": rule}
    assert lines(house) == []


def test_a_row_is_left_so_while_the_clock_of_its_device_is_lost(house: House) -> None:
    edited_and_left_so(house, Rule("dawn", ("plug",), AtTime(dt.time(7, 0)), ON))
    house.doors["plug"].thing.lose_clock()
    house.settle()
    assert house.apply(house.plan(fix_clock=True)), house.log
    assert lines(house) == []
    house.check_settled()


def test_what_a_backup_knows_as_changed_by_hand_is_that_again_after_a_restore(house: House) -> None:
    house.rules = {"dawn": Rule("dawn", ("plug",), AtTime(dt.time(7, 0)), ON)}
    house.settle()
    house.doors["plug"].thing.by_hand(ScheduleRow(Moment("midnight", 480), OFF, frozenset(range(7))), "S1")
    house.back_up("plug")
    drifted = [("drift", "every day at 07:00 → on was changed by hand to every day at 08:00 → off")]
    assert lines(house) == drifted
    house.path.unlink()
    house.ledger_lost()
    house.restore(house.kept[0], None, foreign=True)
    assert lines(house) == drifted
    house.check_always()


def test_a_countdown_goes_on_for_its_other_rules_when_one_of_them_goes(house: House) -> None:
    first = Rule("first", ("plug",), AfterDelay(600, "apply"), ON)
    house.rules = {"first": first, "second": replace(first, id="second")}
    house.settle()
    spent_at = house.ledger.of("plug").rows[0].spent_at
    house.now += dt.timedelta(minutes=5)
    house.doors["plug"].thing.live(house.now)
    del house.rules["second"]
    assert lines(house) == [("adopt", "in 10 min → on, there already")]
    house.settle()
    [row] = house.ledger.of("plug").rows
    assert (list(row.rules), row.spent_at) == (["first"], spent_at)


@pytest.mark.parametrize("remade", [False, True])
def test_a_countdown_that_is_gone_is_not_started_again_when_one_of_its_rules_goes(house: House, remade: bool) -> None:
    first = Rule("first", ("plug",), AfterDelay(600, "apply"), ON)
    house.rules = {"first": first, "second": replace(first, id="second")}
    house.settle()
    spent_at = house.ledger.of("plug").rows[0].spent_at
    house.doors["plug"].thing.removed_by_hand("countdown", "C1")
    del house.rules["second"]
    assert lines(house) == [("adopt", "in 10 min → on, was started already")]
    if remade:
        house.refresh()
    house.settle()
    assert lines(house) == []
    [row] = house.ledger.of("plug").rows
    assert (list(row.rules), row.spent_at) == (["first"], spent_at)
    assert house.doors["plug"].thing.found()["countdown"].rows == ()


def test_a_countdown_that_has_run_leaves_its_place_when_one_of_its_rules_goes(house: House) -> None:
    first = Rule("first", ("plug",), AfterDelay(600, "apply"), ON)
    house.rules = {"first": first, "second": replace(first, id="second")}
    house.settle()
    house.now += dt.timedelta(hours=1)
    house.doors["plug"].thing.live(house.now)
    del house.rules["second"]
    house.rules["later"] = Rule("later", ("plug",), AfterDelay(1200, "apply"), OFF)
    assert lines(house) == [("adopt", "in 10 min → on, there already"), ("create", "in 20 min → off")]
    house.settle()


def test_a_countdown_that_never_started_keeps_its_place_when_it_would_be_over(house: House) -> None:
    house.rules = {"first": Rule("first", ("plug",), AfterDelay(600, "apply"), ON)}
    house.apply(house.plan(), {"plug": ("killed before", 1)})
    assert [row.phase for row in house.ledger.of("plug").rows] == ["coming"]
    house.now += dt.timedelta(hours=1)
    house.doors["plug"].thing.live(house.now)
    house.rules["later"] = Rule("later", ("plug",), AfterDelay(1200, "apply"), OFF)
    assert lines(house) == [("adopt", "in 10 min → on, over: leaves the ledger"), ("create", "in 10 min → on")]
    house.settle()


def test_a_refresh_keeps_countdowns_that_have_run_in_turn(house: House) -> None:
    first = Rule("first", ("plug",), AfterDelay(600, "apply"), ON)
    second = Rule("second", ("plug",), AfterDelay(1200, "apply"), OFF)
    house.rules = {}
    for rule in (first, second, Rule("third", ("plug",), AfterDelay(1800, "apply"), OFF)):
        house.rules |= {rule.id: rule, f"{rule.id}-too": replace(rule, id=f"{rule.id}-too")}
        house.settle()
        house.now += dt.timedelta(hours=1)
        house.doors["plug"].thing.live(house.now)
    del house.rules["first-too"]
    before = {tuple(row.rules): row.spent_at for row in house.ledger.of("plug").rows}
    house.refresh()
    after = {tuple(row.rules): row.spent_at for row in house.ledger.of("plug").rows}
    assert after == before | {("first",): before.pop(("first", "first-too"))}
    house.settle()
