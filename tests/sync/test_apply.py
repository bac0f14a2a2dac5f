"""Plans onto a device: in order, once, recorded before they are sent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sync.apply_home import NOW, OFF, ON, THREE, Home, at, book_of, rule
from sync.memory_device import MemoryDevice
from tapo_automate.errors import (
    ApplyIncomplete,
    LedgerUnusable,
    PlanStale,
    Refused,
    SyncError,
)
from tapo_automate.rows import AutoOff, CountdownRow, Moment, PowerProtection, RowId, ScheduleRow
from tapo_automate.rules.model import AfterDelay, AtDate, AtSun, PowerPast
from tapo_automate.sync.apply import Applied, apply_device


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_after_an_apply_the_plan_is_empty_and_the_ledger_true(home: Home) -> None:
    book = book_of(
        rule("on", at(7), ON),
        rule("dusk", AtSun("sunset", -900), ON),
        rule("auto", AfterDelay(5400, "on")),
        rule("limit", PowerPast("above", 2000, rearm_w=2000)),
        rule("soon", AfterDelay(600, "apply")),
    )
    applied = home.apply(book)
    assert applied.done == (
        "every day at 07:00 → on",
        "every day 15 min before sunset → on",
        "in 10 min → off",
        "1 h 30 min after it turns on → off",
        "above 2000 W → off",
    )
    assert applied.warnings == ()
    assert home.open_changes(book) == []
    records = home.ledger.ledger.of("plug").rows
    assert [(each.table, each.row_id, dict(each.rules).keys(), each.phase) for each in records] == [
        ("schedule", "S1", {"on"}, ""),
        ("schedule", "S2", {"dusk"}, ""),
        ("countdown", "C1", {"soon"}, ""),
        ("auto_off", "", {"auto"}, ""),
        ("power_protection", "", {"limit"}, ""),
    ]
    assert all(each.wrote == each.shown for each in records)
    assert records[2].spent_at == NOW + dt.timedelta(minutes=10)


def test_a_plan_with_nothing_to_do_touches_neither_device_nor_disk(home: Home) -> None:
    home.apply(THREE)
    plan = home.plan(THREE)
    files = {path: path.stat().st_mtime_ns for path in home.path.parent.rglob("*")}
    asked, writes = len(home.device.requests), home.device.writes
    assert home.apply(THREE, plan) == Applied()
    assert (len(home.device.requests), home.device.writes) == (asked, writes)
    assert {path: path.stat().st_mtime_ns for path in home.path.parent.rglob("*")} == files


def test_an_adoption_writes_the_ledger_alone(home: Home) -> None:
    home.device.by_hand(ScheduleRow(Moment("midnight", 420), ON))
    writes = home.device.writes
    book = book_of(rule("a", at(7), ON))
    assert home.apply(book).done == ("every day at 07:00 → on, there already",)
    assert home.device.writes == writes
    assert home.backups.latest("plug") is None
    assert [each.row_id for each in home.ledger.ledger.of("plug").rows] == ["S1"]
    assert home.open_changes(book) == []


def test_rows_are_changed_then_added_then_removed(home: Home) -> None:
    home.apply(THREE)
    del home.device.requests[:]
    changed = book_of(rule("a", at(7, 30), ON), rule("b", at(8)), rule("d", at(10), ON))
    plan = home.plan(changed)
    home.apply(changed, plan)
    assert [each for each in home.device.requests if each.startswith(("put", "remove"))] == [
        "put schedule",
        "put schedule",
        "remove schedule",
    ]
    assert [each for each in home.said if "done" in each][-3:] == [
        "done: update every day at 07:30 → on (was every day at 07:00 → on)",
        "done: create every day at 10:00 → on",
        "done: delete every day at 09:00 → on",
    ]
    assert home.open_changes(changed) == []


def test_in_a_full_table_rows_go_before_others_come(tmp_path: Path) -> None:
    home = Home(tmp_path, MemoryDevice(NOW, limits={"schedule": 2}, ids="lowest"))
    home.apply(book_of(rule("a", at(7), ON), rule("b", at(8))))
    other = book_of(rule("c", at(9), ON), rule("d", at(10)))
    home.apply(other)
    assert home.open_changes(other) == []
    assert {row.at.offset_min for row in home.device.rows("schedule") if isinstance(row, ScheduleRow)} == {540, 600}


def _edit(device: MemoryDevice) -> None:
    device.by_hand(ScheduleRow(Moment("midnight", 421), ON), "S1")


def test_a_device_that_changed_since_the_plan_is_refused(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.by_hand(ScheduleRow(Moment("midnight", 60), ON))
    with pytest.raises(PlanStale) as caught:
        home.apply(THREE, plan)
    assert str(caught.value) == (
        "plug: its tables, its switches or its clock's zone changed since the plan was made; "
        "make a new one with `sync plan`"
    )
    assert home.device.rows("schedule")[0].id == "S1"


def test_rules_that_changed_since_the_plan_are_refused(home: Home) -> None:
    plan = home.plan(THREE)
    other = book_of(rule("a", at(7), OFF), rule("b", at(8)), rule("c", at(9), ON))
    with pytest.raises(PlanStale, match="plug: rule a changed since the plan was made"):
        home.apply(other, plan)
    assert home.device.writes == 0


def test_a_hand_that_is_quicker_than_the_apply_wins(home: Home) -> None:
    home.apply(THREE)
    changed = book_of(rule("a", at(7, 30), ON), rule("b", at(8, 30)), rule("c", at(9), ON))
    plan = home.plan(changed)
    edited = ScheduleRow(Moment("midnight", 1), ON)
    # holdings, put S1, and before the second write its table again: by then a person has edited S2
    home.device.fault(None, lambda device: device.by_hand(edited, "S2"))
    with pytest.raises(ApplyIncomplete) as caught:
        home.apply(changed, plan)
    assert "schedule row S2 was changed by somebody else since the plan was made" in str(caught.value)
    assert edited in home.device.rows("schedule")
    assert [action for action, _ in home.open_changes(changed)] == ["drift"]


def test_a_row_that_happens_once_and_is_too_near_is_refused(home: Home) -> None:
    book = book_of(rule("once", AtDate(NOW + dt.timedelta(minutes=5)), ON))
    plan = home.plan(book)
    assert plan.writes
    home.device.now = NOW + dt.timedelta(minutes=4)
    with pytest.raises(PlanStale, match="once at 13:05 → on” has come too near, or is over, since the plan was made"):
        home.apply(book, plan)
    assert home.device.writes == 0


def test_another_device_in_the_place_of_ours_is_refused(home: Home) -> None:
    home.apply(THREE)
    plan = home.plan(book_of())
    home.device.description = type(home.device.description)("AAAAAAAAAAAA", "P110", "1.3.0", "memory")
    with pytest.raises(SyncError) as caught:
        home.apply(book_of(), plan)
    assert str(caught.value) == (
        "plug: another device than the one that our 3 rows were written to answers there now; if it was replaced, "
        "`sync refresh --device plug` begins its part of the ledger anew"
    )


def test_a_full_table_is_told_in_the_words_of_the_device(home: Home) -> None:
    plan = home.plan(THREE)

    def fill(device: MemoryDevice) -> None:
        for minute in range(32):
            device.by_hand(ScheduleRow(Moment("midnight", minute), ON))

    home.device.fault(None, fill)
    with pytest.raises(Refused, match="the table is full"):
        home.apply(THREE, plan)
    assert home.ledger.ledger.of("plug").rows == ()


def test_a_read_only_ledger_stops_before_the_first_write(home: Home) -> None:
    home.apply(THREE)
    home.path.chmod(0o444)
    with pytest.raises(LedgerUnusable, match="read-only"):
        home.apply(book_of())
    assert len(home.device.rows("schedule")) == 3


def test_backups_come_before_the_first_write_and_are_needed(home: Home, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("in the way")
    with pytest.raises(SyncError, match=r"the backup of plug cannot be written .*so the device was left as it is"):
        home.apply(THREE)
    assert home.device.writes == 0


def test_the_clock_is_set_first_and_in_winter_time(home: Home) -> None:
    home.device.clock_skew = dt.timedelta(days=-9000)
    home.device.zone = "UTC"
    plan = home.plan(THREE, fix_clock=True)
    late = NOW + dt.timedelta(seconds=40)
    applied = apply_device(
        home.device,
        plan,
        book=THREE,
        ledger=home.ledger,
        backups=home.backups,
        now=NOW,
        told=home.told,
        clock=lambda: late,
    )
    assert applied.done[0] == "set its clock"
    asked = home.device.requests
    assert asked.index("set_clock") < asked.index("put schedule")
    assert home.device.clock_skew == dt.timedelta(seconds=40)
    assert (home.device.zone, home.device.standard_offset_min) == ("Europe/Berlin", 60)


def test_a_row_that_the_device_stores_otherwise_is_named(home: Home) -> None:
    plan = home.plan(book_of(rule("a", at(7), ON)))

    def bend(device: MemoryDevice) -> None:
        device.lists["schedule"][0]["min"] = 430

    home.device.fault(None, None, bend)
    with pytest.raises(ApplyIncomplete) as caught:
        home.apply(book_of(rule("a", at(7), ON)), plan)
    assert str(caught.value) == (
        "plug: 1 of 1 changes made, then: read back, schedule row S1 was written as “every day at 07:00 → on” "
        "and reads “every day at 07:10 → on”"
    )


def test_an_accepted_row_that_is_not_there_is_written_by_the_next_apply(home: Home) -> None:
    book = book_of(rule("a", at(7), ON))
    plan = home.plan(book)
    home.device.fault(None, None, lambda device: device.lists["schedule"].clear())
    with pytest.raises(ApplyIncomplete, match="was accepted and is not there"):
        home.apply(book, plan)
    assert [action for action, _ in home.open_changes(book)] == ["create"]


def test_a_conflict_that_the_device_sees_is_passed_on(home: Home) -> None:
    class Warning_(MemoryDevice):
        def put(self, row: object, row_id: str = "") -> str:
            return RowId(super().put(row, row_id), "S9")  # type: ignore[arg-type]

    home.device = Warning_(NOW)
    assert home.apply(book_of(rule("a", at(7), ON))).warnings == (
        "the device says that “every day at 07:00 → on” clashes with its schedule row S9; both are stored",
    )


def test_a_device_that_announces_another_time_is_doubted(home: Home) -> None:
    plan = home.plan(THREE)

    def wrong_zone(device: MemoryDevice) -> None:
        device.zone = "America/New_York"

    home.device.fault(*[None] * 4, wrong_zone)
    assert home.apply(THREE, plan).warnings == (
        "it announces “every day at 08:00 → off” for Sun 2026-11-22 14:00, and it should be Mon 2026-11-23 08:00: "
        "look at its clock and zone with `doctor`",
    )


def test_a_countdown_is_started_once_and_again_only_when_it_is_asked_for(home: Home) -> None:
    book = book_of(rule("soon", AfterDelay(600, "apply")))
    home.apply(book)
    home.device.pass_time(NOW + dt.timedelta(minutes=20))
    assert home.open_changes(book) == []
    home.apply(book, home.plan(book, rearm=True))
    row = home.device.rows("countdown")[0]
    assert isinstance(row, CountdownRow)
    assert (row.enabled, row.left_s) == (True, 600)
    assert home.ledger.ledger.of("plug").rows[0].spent_at == NOW + dt.timedelta(minutes=30)


def test_neighbours_are_switched_off_when_their_rules_go(home: Home) -> None:
    home.apply(book_of(rule("auto", AfterDelay(3600, "on")), rule("limit", PowerPast("above", 900, rearm_w=900))))
    home.apply(book_of())
    assert home.device.rows("auto_off") == (AutoOff(60, enabled=False),)
    assert home.device.rows("power_protection") == (PowerProtection(900, enabled=False),)
    assert home.ledger.ledger.of("plug").rows == ()


def test_a_hand_edit_is_written_over_only_by_restore(home: Home) -> None:
    home.apply(THREE)
    _edit(home.device)
    assert home.apply(THREE).done == ()
    assert [action for action, _ in home.open_changes(THREE)] == ["drift"]
    home.apply(THREE, restore=True)
    assert home.open_changes(THREE) == []
    home.device.removed_by_hand("schedule", "S2")
    home.apply(THREE, restore=True)
    assert home.open_changes(THREE) == []
    assert len(home.ledger.ledger.of("plug").rows) == 3


def test_an_id_that_the_device_gives_again_does_not_make_up_for_a_row_that_a_person_removed(home: Home) -> None:
    home.apply(book_of(rule("a", at(7), ON)))
    home.device.removed_by_hand("schedule", "S1")
    both = book_of(rule("a", at(7), ON), rule("b", at(8)))
    home.apply(both)
    assert [(each.row_id, set(each.rules)) for each in home.ledger.ledger.of("plug").rows] == [
        ("", {"a"}),
        ("S1", {"b"}),
    ]
    assert home.open_changes(both) == [("drift", "every day at 07:00 → on was removed by hand")]
    home.apply(both, restore=True)
    assert home.open_changes(both) == []


def test_a_countdown_that_a_plan_is_not_about_may_begin_and_end(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.by_hand(CountdownRow(600, OFF))
    home.apply(THREE, plan)
    changed = book_of(*THREE.rules.values(), rule("d", at(10)))
    plan = home.plan(changed)
    home.device.pass_time(NOW + dt.timedelta(minutes=20))
    assert home.apply(changed, plan).done == ("every day at 10:00 → off",)


def test_a_countdown_that_a_plan_is_about_is_looked_at_first(home: Home) -> None:
    book = book_of(rule("a", at(7), ON), rule("soon", AfterDelay(600, "apply")))
    plan = home.plan(book)
    home.device.by_hand(CountdownRow(60, OFF))
    with pytest.raises(PlanStale, match=r"^plug: its countdown changed since the plan was made; make a new one"):
        home.apply(book, plan)
    assert home.device.rows("schedule") == ()
    home.device.pass_time(NOW + dt.timedelta(minutes=2))
    home.apply(book, plan)  # it has run off, and gives way
    longer = book_of(rule("soon", AfterDelay(900, "apply")))
    plan = home.plan(longer)
    assert ("update", "in 15 min → off (was in 10 min → off)") in [(each.action, each.text) for each in plan.changes]
    home.device.pass_time(NOW + dt.timedelta(minutes=30))
    with pytest.raises(PlanStale, match="its countdown changed"):
        home.apply(longer, plan)
