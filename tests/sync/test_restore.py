"""A backup onto its device: the same rows in the device's own words, whatever happened since."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sync.apply_home import NOW, ON, SITE, THREE, Home, at, book_of, rule
from sync.memory_device import Fault, Killed, MemoryDevice
from tapo_automate.device import Setting
from tapo_automate.errors import ApplyIncomplete, DeviceError, PlanStale, PlanUnsafe, SyncError
from tapo_automate.rows import AntitheftRow, AutoOff, CountdownRow, FoundRow, Moment, PowerProtection, ScheduleRow
from tapo_automate.rules.model import AfterDelay
from tapo_automate.sync.apply import Applied
from tapo_automate.sync.backup import Backup
from tapo_automate.sync.model import Reading
from tapo_automate.sync.restore import Restoration, plan_restore, restore_device

SEVEN = ScheduleRow(Moment("midnight", 420), ON)
DUSK = ScheduleRow(Moment("sunset", -15), ON)
AWAY = AntitheftRow(Moment("sunset", 0), Moment("midnight", 1410))


def saved(home: Home) -> Backup:
    recorded = home.ledger.ledger.of("plug").rows
    return home.backups.load(home.backups.save("plug", home.device.holdings(), home.device.now, recorded))


def planned(home: Home, backup: Backup, *, foreign: bool = False) -> Restoration:
    reading = Reading(home.device.holdings(), home.device.now)
    return plan_restore(backup, "plug", reading, home.ledger.ledger.of("plug"), SITE, foreign=foreign)


def restore(home: Home, backup: Backup, *, foreign: bool = False) -> Applied:
    return restore_device(
        home.device,
        planned(home, backup, foreign=foreign),
        ledger=home.ledger,
        backups=home.backups,
        now=home.device.now,
        told=home.told,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_restore_brings_back_the_bytes_and_the_ledger(home: Home) -> None:
    first = book_of(rule("a", at(7), ON), rule("b", at(8)), rule("auto", AfterDelay(3600, "on")))
    home.device.by_hand(DUSK)
    home.device.by_hand_own("schedule", {"enable": True, "mode": "repeat", "days": ["mon"], "type": "moonrise"})
    home.device.by_hand(AWAY)
    home.apply(first)
    before, ledger = home.device.contents(), home.ledger.ledger.of("plug").rows
    backup = saved(home)
    home.apply(book_of(rule("a", at(7, 30), ON), rule("c", at(9))))
    home.device.removed_by_hand("antitheft", "A1")
    assert home.device.contents() != before
    count = len(home.backups.all_of("plug"))
    restore(home, backup)
    assert home.device.contents() == before
    assert len(home.backups.all_of("plug")) == count + 1
    assert [action for action, _ in home.open_changes(first)] == ["foreign"] * 3
    after = home.ledger.ledger.of("plug").rows
    assert [(each.table, dict(each.rules), each.wrote, each.shown, each.phase) for each in after] == [
        (each.table, dict(each.rules), each.wrote, each.shown, each.phase) for each in ledger
    ]


def test_what_is_as_in_the_backup_is_not_written(home: Home) -> None:
    home.apply(THREE)
    backup, writes = saved(home), home.device.writes
    asked = len(home.device.requests)
    assert restore(home, backup) == Applied()
    assert home.device.writes == writes
    assert len(home.device.requests) == asked + 1  # the plan's


class Newer(MemoryDevice):
    """Its firmware is newer than the backup: it adds words to the rows that it is given, which say nothing."""

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        states = {**row.own.get("states", {}), "auto": False, "fade": 0}
        return super().put_back(replace(row, own={**row.own, "states": states, "note": "none"}), row_id)


def test_words_that_say_nothing_and_that_a_newer_firmware_adds_are_no_difference(tmp_path: Path) -> None:
    home = Home(tmp_path, Newer(NOW))
    home.device.by_hand(SEVEN)
    home.device.by_hand_own("schedule", {"enable": True, "mode": "repeat", "days": ["mon"], "type": "moonrise"})
    backup = saved(home)
    for row_id in ("S1", "S2"):
        home.device.removed_by_hand("schedule", row_id)
    assert len(restore(home, backup).done) == 2
    assert home.device.lists["schedule"][1]["note"] == "none"
    assert not planned(home, backup).pending, "and it is not written again and again"
    home.device.lists["schedule"][1]["type"] = "moonset"
    assert planned(home, backup).pending


def test_a_row_that_is_nobodys_goes_only_when_it_may(home: Home) -> None:
    home.apply(THREE)
    backup = saved(home)
    home.device.by_hand(DUSK)
    plan = planned(home, backup).plan
    assert [(each.action, each.text) for each in plan.changes] == [("foreign", "every day 15 min before sunset → on")]
    assert restore(home, backup) == Applied()
    assert restore(home, backup, foreign=True).done == ("every day 15 min before sunset → on",)
    assert DUSK not in home.device.rows("schedule")


def test_a_row_of_nobodys_that_comes_back_under_the_id_of_one_of_ours_stays_nobodys(home: Home) -> None:
    home.device.by_hand(DUSK)  # S1
    backup = saved(home)
    home.device.removed_by_hand("schedule", "S1")
    book = book_of(rule("a", at(7), ON))
    home.apply(book)  # S1 too
    home.device.removed_by_hand("schedule", "S1")
    restore(home, backup)
    assert home.open_changes(book) == [
        ("drift", "every day at 07:00 → on was removed by hand"),
        ("foreign", "every day 15 min before sunset → on"),
    ]
    kept = home.device.contents()
    home.apply(book)
    assert home.device.contents() == kept


def test_a_row_of_nobodys_that_was_edited_is_brought_back_beside_or_in_its_place(home: Home) -> None:
    home.device.by_hand(SEVEN)
    backup = saved(home)
    home.device.by_hand(DUSK, "S1")
    assert [each.action for each in planned(home, backup).plan.changes] == ["create", "foreign"]
    assert [each.text for each in planned(home, backup, foreign=True).plan.changes] == [
        "every day 15 min before sunset → on, back to every day at 07:00 → on"
    ]
    restore(home, backup, foreign=True)
    assert home.device.rows("schedule") == (SEVEN,)


def test_where_others_have_taken_the_places_a_flag_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path, MemoryDevice(NOW, limits={"schedule": 1, "antitheft": 1}))
    home.device.by_hand(SEVEN)
    backup = saved(home)
    home.device.by_hand(DUSK, "S1")
    with pytest.raises(PlanUnsafe) as caught:
        planned(home, backup)
    assert str(caught.value) == (
        "stopped before anything was written:\n  plug: schedule has 1 places, and the backup needs 1 that rows have "
        "taken which are not in it and not ours (every day 15 min before sunset → on); if that is meant, "
        "add --allow-foreign"
    )
    restore(home, backup, foreign=True)
    assert home.device.rows("schedule") == (SEVEN,)


def test_events_are_not_repeated(home: Home) -> None:
    home.device.by_hand(CountdownRow(600, Setting(on=False)))
    home.device.by_hand(ScheduleRow(Moment("midnight", 14 * 60), ON, frozenset(), repeats=False))
    backup = saved(home)
    home.device.removed_by_hand("countdown", "C1")
    home.device.removed_by_hand("schedule", "S1")
    home.device.pass_time(NOW + dt.timedelta(hours=3))
    restoration = planned(home, backup)
    assert not restoration.pending
    assert restoration.plan.warnings == (
        "“once at 14:00 → on” stays away: its time was 2026-11-22 14:00",
        "“in 10 min → off” ran when the backup was made, and is not started again: it is an event",
    )


def test_neighbours_come_back_as_they_were(home: Home) -> None:
    home.device.by_hand(AutoOff(30))
    backup, before = saved(home), home.device.contents()
    home.device.by_hand(AutoOff(30, enabled=False))
    home.device.by_hand(PowerProtection(900))
    restore(home, backup)
    assert home.device.rows("auto_off") == (AutoOff(30),)
    assert home.device.rows("power_protection") == (PowerProtection(900),)  # a person's
    restore(home, backup, foreign=True)
    assert home.device.contents()["auto_off"] == before["auto_off"]
    assert home.device.rows("power_protection") == (PowerProtection(900, enabled=False),)


def test_an_edit_that_was_drift_in_the_backup_is_drift_again(home: Home) -> None:
    home.apply(THREE)
    home.device.by_hand(DUSK, "S1")
    backup = saved(home)
    home.apply(THREE, restore=True)
    restore(home, backup)
    assert DUSK in home.device.rows("schedule")
    assert [action for action, _ in home.open_changes(THREE)] == ["drift"]


def test_an_older_row_of_ours_is_brought_up_to_date_by_the_next_apply(home: Home) -> None:
    home.device.by_hand(SEVEN)
    backup = saved(home)  # nobody's then
    later = book_of(rule("a", at(7), ON))
    home.apply(later)
    moved = book_of(rule("a", at(7, 45), ON))
    home.apply(moved)
    restore(home, backup)
    assert home.device.rows("schedule") == (SEVEN,)
    assert home.ledger.ledger.of("plug").rows[0].rules == {"a": ""}
    assert [action for action, _ in home.open_changes(moved)] == ["update"]


def test_a_device_that_changed_since_is_refused(home: Home) -> None:
    home.apply(THREE)
    backup = saved(home)
    home.apply(book_of())
    restoration = planned(home, backup)
    home.device.by_hand(DUSK)
    with pytest.raises(PlanStale, match="plug: its tables, its switches"):
        restore_device(home.device, restoration, ledger=home.ledger, backups=home.backups, now=NOW, told=home.told)


@pytest.mark.parametrize("fault", ["lost answer", "lost request", "late", "killed before", "killed after"])
def test_a_restore_that_is_interrupted_is_taken_up(tmp_path: Path, fault: Fault) -> None:
    for number in range(9):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = Home(folder)
        home.device.by_hand(DUSK)
        home.apply(THREE)
        backup, before = saved(home), home.device.contents()
        home.apply(book_of(rule("b", at(8, 15)), rule("d", at(10))))
        home.device.removed_by_hand("schedule", "S1")
        home.device.fault(*[None] * (number + 1), fault)
        with contextlib.suppress(Killed, ApplyIncomplete, DeviceError):
            restore(home, backup)
        home.device.faults.clear()
        restore(home, backup)
        assert home.device.contents() == before, number
        plan = home.plan(THREE)  # at most it forgets a row that was on its way out
        assert not plan.writes
        assert {each.action for each in plan.changes if not each.forgets} == {"foreign"}, number


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_whatever_happened_since_restore_brings_back_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    hours = st.lists(st.integers(0, 23), max_size=5, unique=True)
    limit = {"schedule": data.draw(st.integers(10, 12)), "countdown": 1, "antitheft": 1}
    home = Home(tmp_path_factory.mktemp("home"), MemoryDevice(NOW, limits=limit))

    def live() -> None:
        room = limit["schedule"] - len(home.device.rows("schedule"))
        for minute in data.draw(hours)[:room]:
            home.device.by_hand(ScheduleRow(Moment("midnight", minute * 60 + 5), ON))
        for row in home.device.rows("schedule"):
            if data.draw(st.booleans()):
                home.device.removed_by_hand("schedule", row.id)  # type: ignore[union-attr]
            elif data.draw(st.booleans()):
                home.device.by_hand(ScheduleRow(Moment("sunrise", data.draw(st.integers(-9, 9))), ON), row.id)  # type: ignore[union-attr]
        if data.draw(st.booleans()):
            home.device.by_hand(AutoOff(data.draw(st.integers(1, 5)), data.draw(st.booleans())))
        with contextlib.suppress(SyncError):
            home.apply(book_of(*(rule(f"r{hour}", at(hour), ON) for hour in data.draw(hours))))

    live()
    backup, before = saved(home), home.device.contents()
    live()
    restore(home, backup, foreign=True)
    assert home.device.contents() == before
    assert not planned(home, backup, foreign=True).lines
