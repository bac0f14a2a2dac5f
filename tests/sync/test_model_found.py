"""What living at random has found, told one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from sync.model_house import House
from sync.model_rules import OFF, ON, START
from sync.model_things import LivingDevice
from tapo_automate.rows import AutoOff
from tapo_automate.rules.model import AfterDelay, Rule


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
