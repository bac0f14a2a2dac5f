"""A lost ledger is rebuilt from rows that equal what the rules want, and no device is written to."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from sync.apply_home import NOW, ON, THREE, Home, at, book_of, rule
from sync.memory_device import PLUG
from tapo_automate.rows import Moment, ScheduleRow
from tapo_automate.rules.model import AfterDelay, RuleBook
from tapo_automate.sync.ledger import DeviceLedger, Ledger, hardware_digest
from tapo_automate.sync.model import Reading
from tapo_automate.sync.refresh import refresh


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def refreshed(home: Home, book: RuleBook, ledger: Ledger | None = None) -> Ledger:
    ledger = home.ledger.ledger if ledger is None else ledger
    found = refresh(book, {"plug": Reading(home.device.holdings(), NOW)}, ledger, NOW)
    home.ledger.replace("plug", found.of("plug"))
    return found


def test_a_lost_ledger_is_rebuilt_and_nothing_is_written(home: Home) -> None:
    book = book_of(*THREE.rules.values(), rule("auto", AfterDelay(3600, "on")))
    home.device.by_hand(ScheduleRow(Moment("midnight", 5), ON))
    home.apply(book)
    before, writes = home.ledger.ledger, home.device.writes
    home.path.unlink()
    assert refreshed(home, book) == before
    assert home.device.writes == writes
    assert home.open_changes(book) == [("foreign", "every day at 00:05 → on")]


def test_rows_that_equal_no_rule_become_nobodys(home: Home) -> None:
    home.apply(THREE)
    home.device.by_hand(ScheduleRow(Moment("midnight", 5), ON), "S1")
    home.path.unlink()
    assert len(refreshed(home, THREE).of("plug").rows) == 2
    assert [action for action, _ in home.open_changes(THREE)] == ["create", "foreign"]


def test_a_ledger_that_is_whole_stays_and_so_does_drift(home: Home) -> None:
    home.apply(THREE)
    home.device.by_hand(ScheduleRow(Moment("midnight", 5), ON), "S1")
    before = home.ledger.ledger
    assert refreshed(home, THREE) == before
    assert [action for action, _ in home.open_changes(THREE)] == ["drift"]


def test_a_device_that_was_replaced_begins_anew(home: Home) -> None:
    home.apply(THREE)
    home.device.description = replace(PLUG, hardware_id="BBBBBBBBBBBB")
    home.device.removed_by_hand("schedule", "S3")
    assert "sync refresh --device plug" in home.plan(THREE).error
    found = refreshed(home, THREE).of("plug")
    assert found.hardware == hardware_digest("BBBBBBBBBBBB")
    assert [each.row_id for each in found.rows] == ["S1", "S2"]
    home.apply(THREE)
    assert home.open_changes(THREE) == []


def test_other_devices_stay_in_the_ledger(home: Home) -> None:
    home.apply(book_of(rule("a", at(7), ON)))
    ledger = home.ledger.ledger
    heater = replace(ledger.of("plug"), hardware=hardware_digest("CCCCCCCCCCCC"))
    assert refreshed(home, THREE, ledger.replaced("heater", heater)).of("heater") == heater


def test_rows_go_along_with_a_device_that_is_called_otherwise(home: Home) -> None:
    home.apply(THREE)
    ledger = home.ledger.ledger
    known = ledger.of("plug")
    old, new = (DeviceLedger(known.hardware, known.rows[start:end]) for start, end in ((0, 2), (1, 3)))
    found = refreshed(home, book_of(), Ledger({"heater": old, "plug": new}))
    assert found == Ledger({"plug": known}), "none is lost, and none there twice"


def test_a_countdown_that_is_found_again_ends_when_the_device_says(home: Home) -> None:
    book = book_of(rule("soon", AfterDelay(3600, "apply")))
    home.apply(book)
    [before] = home.ledger.ledger.of("plug").rows
    home.path.unlink()
    later = NOW + dt.timedelta(minutes=20)
    home.device.pass_time(later)
    found = refresh(book, {"plug": Reading(home.device.holdings(), later)}, Ledger(), later)
    [after] = found.of("plug").rows
    assert after.spent_at == before.spent_at == NOW + dt.timedelta(hours=1)
