"""A table that a person has switched off as a whole: our rows stay in it, their rules are the daemon's meanwhile."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sync.model_house import House
from sync.model_rules import OFF, ON, START
from sync.model_things import LivingDevice
from tapo_automate.rows import AntitheftRow, Moment, ScheduleRow
from tapo_automate.rules.model import AtTime, Away, Rule
from tapo_automate.sync.partition import partition

SEVEN = Rule("seven", ("plug",), AtTime(dt.time(7)), ON)
EIGHT = Rule("eight", ("plug",), AtTime(dt.time(8)), OFF)


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path, {"plug": LivingDevice(START, spent="disabled")}, START)
    made.rules = {"seven": SEVEN, "eight": EIGHT}
    return made


def lines(house: House) -> list[tuple[str, str]]:
    [device] = house.plan().devices
    return [(each.action, each.text) for each in device.changes]


def by_device(house: House) -> set[str]:
    return {rule_id for rule_id, _ in partition(house.book, house.ledger)}


def test_rows_stay_and_their_rules_go_to_the_daemon_and_back(house: House) -> None:
    house.settle()
    thing = house.doors["plug"].thing
    thing.throw_switch("schedule", False)
    writes = thing.writes
    assert lines(house) == [
        ("adopt", "every day at 07:00 → on, stays, switched off with its table"),
        ("adopt", "every day at 08:00 → off, stays, switched off with its table"),
    ]
    house.settle()
    assert by_device(house) == set()
    thing.throw_switch("schedule", True)
    house.settle()
    assert by_device(house) == {"seven", "eight"}
    assert thing.writes == writes


def test_what_changed_meanwhile_is_done_once_the_table_is_on_again(house: House) -> None:
    house.settle()
    thing = house.doors["plug"].thing
    thing.throw_switch("schedule", False)
    house.settle()
    del house.rules["seven"]
    house.rules["eight"] = Rule("eight", ("plug",), AtTime(dt.time(8, 30)), OFF)
    assert lines(house) == []
    thing.throw_switch("schedule", True)
    assert lines(house) == [
        ("update", "every day at 08:30 → off (was every day at 08:00 → off)"),
        ("delete", "every day at 07:00 → on"),
    ]
    house.settle()


def test_a_row_that_was_edited_in_its_sleep_is_drift(house: House) -> None:
    house.settle()
    thing = house.doors["plug"].thing
    thing.throw_switch("schedule", False)
    house.settle()
    thing.by_hand(ScheduleRow(Moment("midnight", 421), ON), "S1")
    assert lines(house) == [("drift", "every day at 07:00 → on was changed by hand to every day at 07:01 → on")]


def test_a_table_that_turns_out_to_be_off_once_it_has_rows_is_told(house: House) -> None:
    house.rules["away"] = Rule("away", ("plug",), Away(dt.time(20), dt.time(22)), OFF)
    thing = house.doors["plug"].thing
    thing.throw_switch("schedule", False)  # an empty table reads as off whether it is or not
    plan = house.plan()
    [device] = plan.devices
    assert [each.action for each in device.changes] == ["create"] * 3
    said: list[str] = []
    house.warned = said.extend
    assert house.apply(plan)
    assert said == [
        "its schedule is switched off as a whole: what was written there sleeps, and the daemon carries it out, until "
        "it is switched on in the Tapo app"
    ]
    assert by_device(house) == {"away"}
    assert thing.found()["antitheft"].rows == (AntitheftRow(Moment("midnight", 1200), Moment("midnight", 1320)),)
    house.check_settled()
