"""What one device is to hold: merged, in its places, without contradictions."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sync.made_rules import BERLIN, MON_TO_FRI, NOW, OFF, ON, SAT_SUN, a_book, a_rule, at, reading, rules, with_rows
from tapo_automate.device import Setting
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    Row,
    ScheduleRow,
    TableName,
    id_of,
    table_of,
)
from tapo_automate.rules.model import AfterDelay, AtDate, AtSun, AtTime, Away, PowerPast, Rule, SunEdge
from tapo_automate.sync.model import InDaemon, Nowhere, OnDevice, Reading, Recorded
from tapo_automate.sync.place import place
from tapo_automate.sync.rows import digest, in_words, key_of
from tapo_automate.sync.wanted import Compiled, compile_device

MINUTE = dt.timedelta(minutes=1)


def compiled(*book: Rule, there: Reading | None = None, recorded: tuple[Recorded, ...] = ()) -> Compiled:
    return compile_device(a_book(*book), "d", there or reading(), recorded, NOW)


def rows(found: Compiled) -> dict[str, str]:
    """Return the rows in words, each with the rules that it carries out."""
    return {in_words(each.row): " ".join(each.rules) for each in found.wanted}


def ours(row: Row, *names: str, row_id: str = "S1", **more: Any) -> Recorded:
    """Return what the ledger has of a row; the rules' keys are those of the row itself."""
    keys = dict.fromkeys(names, digest(row))
    return Recorded(table_of(row), row_id, keys, digest(row), digest(row), in_words(row), NOW, **more)


def row_at(hour: int, setting: Setting = ON, row_id: str = "", **more: Any) -> ScheduleRow:
    return ScheduleRow(Moment("midnight", 60 * hour), setting, id=row_id, **more)


def away(start: Any, end: Any, name: str = "away", **more: Any) -> Rule:
    days = {"days": more.pop("days")} if "days" in more else {}
    return a_rule(Away(start, end, **days), Setting(), name, **more)


# --- Merging ------------------------------------------------------------------------------------------------------


def test_rules_that_differ_only_in_their_days_share_a_row() -> None:
    week, weekend = a_rule(at(8, days=MON_TO_FRI), name="week"), a_rule(at(8, days=SAT_SUN), name="weekend")
    later = a_rule(at(9, days=SAT_SUN), name="later")
    found = compiled(week, later, weekend)
    assert rows(found) == {"every day at 08:00 → on": "week weekend", "weekends at 09:00 → on": "later"}
    keys = {
        name: key_of(rule, row_at(8, days=rule.trigger.days)) for name, rule in (("week", week), ("weekend", weekend))
    }  # type: ignore[union-attr]
    assert found.wanted[0].rules == keys


def test_rules_that_want_the_very_same_row_share_it() -> None:
    found = compiled(
        a_rule(at(8), name="b"),
        a_rule(at(8), name="a"),
        a_rule(AfterDelay(60, "on"), OFF, "c"),
        a_rule(AfterDelay(60, "on"), OFF, "d"),
        a_rule(PowerPast("above", 9, 0, 9), OFF, "e"),
        away(dt.time(20), dt.time(23), "g", days=SAT_SUN),
        away(dt.time(20), dt.time(23), "f", days=MON_TO_FRI),
        a_rule(AfterDelay(60, "apply"), OFF, "h"),
    )
    assert rows(found) == {
        "every day at 08:00 → on": "a b",
        "in 1 min → off": "h",
        "at random from 20:00 to 23:00": "f g",
        "1 min after it turns on → off": "c d",
        "above 9 W → off": "e",
    }
    assert (found.daemon, found.nowhere, found.warnings) == ({}, {}, ())


def test_a_row_that_happens_once_stands_for_itself_and_knows_when() -> None:
    found = compiled(
        a_rule(AtDate(dt.datetime(2026, 11, 23, 8)), name="once"),  # noqa: DTZ001
        a_rule(AtDate(dt.datetime(2026, 11, 23, 7, tzinfo=dt.UTC)), name="too"),
        a_rule(at(8), name="daily"),
    )
    assert rows(found) == {"once at 08:00 → on": "once too", "every day at 08:00 → on": "daily"}
    assert [each.spent_at for each in found.wanted] == [dt.datetime(2026, 11, 23, 7, tzinfo=dt.UTC), None]


def test_rules_of_other_devices_are_left_out() -> None:
    other = replace(a_rule(at(8)), device_ids=("e",))
    assert compiled(other) == Compiled((), {}, {}, ())


_some = st.lists(rules(), max_size=12).map(
    lambda found: tuple(replace(rule, id=f"r{number}") for number, rule in enumerate(found))
)
_crowded = st.lists(
    st.builds(
        lambda hour, days, on, executor: a_rule(AtTime(dt.time(hour), days), Setting(on), executor=executor),
        st.integers(8, 11),
        st.frozensets(st.integers(0, 6), min_size=1),
        st.booleans(),
        st.sampled_from(["auto", "device"]),
    ),
    max_size=12,
).map(lambda found: tuple(replace(rule, id=f"r{number}") for number, rule in enumerate(found)))


def _doings(found: list[Row]) -> set[tuple[object, ...]]:
    """Return what rows do, day by day."""
    done: set[tuple[object, ...]] = set()
    for row in found:
        match row:
            case ScheduleRow(days=days, setting=setting) if row.repeats:
                done |= {(row.at, day, setting) for day in days}
            case AntitheftRow(days=days):
                done |= {(row.start, row.end, day) for day in days}
            case _:
                done.add((replace(row, own={}),))
    return done


@given(_some | _crowded, st.integers(1, 32))
@hypothesis_settings(max_examples=150, deadline=None)
def test_merging_loses_and_adds_nothing_and_every_rule_has_one_place(book: tuple[Rule, ...], places: int) -> None:
    there = with_rows("schedule", max_rows=places)
    found = compiled(*book, there=there)
    on_device = [rule for each in found.wanted for rule in each.rules]
    assert Counter([*on_device, *found.daemon, *found.nowhere]) == Counter(rule.id for rule in book)
    placed = {rule.id: place(rule, "d", BERLIN, there, NOW) for rule in book}
    alone = [placed[name].row for name in on_device]  # type: ignore[union-attr]
    assert _doings([each.row for each in found.wanted]) == _doings(alone)
    for each in found.wanted:
        assert {name: placed[name].key for name in each.rules} == each.rules  # type: ignore[union-attr]
        assert list(each.rules) == sorted(each.rules)
    for table, taken in Counter(table_of(each.row) for each in found.wanted).items():
        assert taken <= there.holdings.tables[table].max_rows
    at_once = {(row.at, day) for each in found.wanted if isinstance(row := each.row, ScheduleRow) for day in row.days}
    assert len(at_once) == sum(len(each.row.days) for each in found.wanted if isinstance(each.row, ScheduleRow))
    for name, why in {**found.daemon, **found.nowhere}.items():
        assert not isinstance(placed[name], OnDevice) or why.code in ("full", "slot", "conflict")
    assert compiled(*book, there=there) == found


# --- Places -------------------------------------------------------------------------------------------------------

HAND_MADE = tuple(row_at(hour, OFF, f"S{hour}") for hour in range(3))


def test_rows_of_others_count_also_when_they_are_switched_off() -> None:
    there = with_rows(
        "schedule",
        HAND_MADE[0],
        replace(HAND_MADE[1], enabled=False),
        OpaqueRow("schedule", "?", {}, id="S9"),
        max_rows=4,
    )
    found = compiled(a_rule(at(8), name="a"), a_rule(at(9), name="b"), there=there)
    why = "its schedule is full: 4 places, 3 of them taken by rows that are not ours"
    assert rows(found) == {"every day at 08:00 → on": "a"}
    assert found.daemon == {"b": InDaemon("full", why)}
    assert found.warnings == (f"no place for b: {why}",)


def test_what_must_be_on_the_device_and_has_no_place_is_nowhere() -> None:
    found = compiled(
        *(a_rule(at(hour), name=f"r{hour}", executor="device") for hour in range(4, 8)),
        there=with_rows("schedule", max_rows=2),
    )
    assert list(rows(found).values()) == ["r4", "r5"]
    assert found.nowhere == {name: Nowhere("full", "its schedule is full: 2 places") for name in ("r6", "r7")}
    assert found.warnings == ("no place for r6, r7: its schedule is full: 2 places",)


def test_rows_that_are_there_keep_their_places() -> None:
    mine = row_at(9, row_id="S1")
    book = a_rule(at(8), name="new"), a_rule(at(9), name="old")
    there = with_rows("schedule", mine, max_rows=1)
    assert rows(compiled(*book, there=there, recorded=(ours(mine, "old"),))) == {"every day at 09:00 → on": "old"}
    # The same by a row that is nobody's and will be adopted.
    assert rows(compiled(*book, there=there)) == {"every day at 09:00 → on": "old"}
    # A row that we have removed by hand has left its place.
    gone = with_rows("schedule", max_rows=1)
    assert rows(compiled(*book, there=gone, recorded=(ours(mine, "old"),))) == {"every day at 08:00 → on": "new"}


def test_a_row_that_is_adopted_takes_no_second_place_and_its_twin_does() -> None:
    book = a_rule(at(8), name="a"), a_rule(at(9), name="b")
    twins = row_at(8, row_id="S1"), row_at(8, row_id="S2")
    assert len(rows(compiled(*book, there=with_rows("schedule", twins[0], max_rows=2)))) == 2
    assert list(rows(compiled(*book, there=with_rows("schedule", *twins, max_rows=2))).values()) == ["a"]
    # With one of the twins recorded, the other is somebody else's.
    there = with_rows("schedule", *twins, max_rows=2)
    assert list(rows(compiled(*book, there=there, recorded=(ours(twins[0], "a"),))).values()) == ["a"]


@pytest.mark.parametrize(
    ("row", "phase", "stays"),
    [
        (row_at(7, row_id="S1"), "", False),  # will be deleted
        (row_at(7, OFF, row_id="S1"), "", True),  # a person has changed it
        (row_at(7, OFF, row_id="S1"), "leaving", False),
    ],
)
def test_a_row_of_a_rule_that_is_gone(row: ScheduleRow, phase: Any, stays: bool) -> None:
    there = with_rows("schedule", row, max_rows=1)
    found = compiled(a_rule(at(8), name="a"), there=there, recorded=(ours(row_at(7), "gone", phase=phase),))
    assert ("a" in found.daemon) is stays


FOREIGN: list[tuple[TableName, FoundRow, Rule, str]] = [
    (
        "antitheft",
        AntitheftRow(Moment("sunset", 0), Moment("midnight", 1410), enabled=False, id="A1"),
        away(dt.time(20), dt.time(23)),
        "its antitheft table is taken: at random from sunset to 23:30 (switched off)",
    ),
    ("auto_off", AutoOff(120), a_rule(AfterDelay(60, "on"), OFF), "its auto-off is taken: 2 h after it turns on → off"),
    (
        "power_protection",
        PowerProtection(2000),
        a_rule(PowerPast("above", 9, 0, 9), OFF),
        "its power protection is taken: above 2000 W → off",
    ),
]


@pytest.mark.parametrize(("table", "row", "rule", "why"), FOREIGN)
def test_a_place_that_somebody_else_has_taken(table: TableName, row: FoundRow, rule: Rule, why: str) -> None:
    found = compiled(rule, there=with_rows(table, row))
    assert found.daemon == {rule.id: InDaemon("slot", why)}
    assert found.warnings == (f"no place for {rule.id}: {why}",)
    assert found.wanted == ()


def test_a_countdown_that_somebody_else_has_started() -> None:
    there = with_rows("countdown", CountdownRow(2700, ON, id="C1", left_s=60))
    found = compiled(a_rule(AfterDelay(60, "apply"), OFF), there=there)
    why = "its countdown is taken: in 45 min → on; only a device counts down from `sync apply`"
    assert found.nowhere == {"r": Nowhere("slot", why)}


@pytest.mark.parametrize(
    ("table", "row", "rule"),
    [
        ("countdown", CountdownRow(2700, ON, enabled=False, id="C1"), a_rule(AfterDelay(60, "apply"), OFF)),
        ("auto_off", AutoOff(120, enabled=False), a_rule(AfterDelay(60, "on"), OFF)),
        ("auto_off", AutoOff(1), a_rule(AfterDelay(60, "on"), OFF)),  # equal: it will be adopted
        ("power_protection", PowerProtection(7, enabled=False), a_rule(PowerPast("above", 9, 0, 9), OFF)),
    ],
)
def test_a_place_that_is_free(table: TableName, row: FoundRow, rule: Rule) -> None:
    found = compiled(rule, there=with_rows(table, row))
    assert [list(each.rules) for each in found.wanted] == [["r"]]
    assert found.warnings == ()


def test_of_two_rules_for_one_place_the_first_has_it() -> None:
    first, second = a_rule(AfterDelay(60, "on"), OFF, "first"), a_rule(AfterDelay(120, "on"), OFF, "second")
    found = compiled(first, second)
    why = InDaemon("slot", "its auto-off holds one row, and first has it")
    assert rows(found) == {"1 min after it turns on → off": "first"}
    assert found.daemon == {"second": why}
    mine = AutoOff(2)
    kept = compiled(first, second, there=with_rows("auto_off", mine), recorded=(ours(mine, "second", row_id=""),))
    assert rows(kept) == {"2 min after it turns on → off": "second"}


# --- Countdowns and dates: events ---------------------------------------------------------------------------------


def test_a_countdown_that_has_run_stays_wanted_and_leaves_its_place() -> None:
    mine = CountdownRow(60, OFF, enabled=False, id="C1")
    spent = ours(replace(mine, enabled=True), "done", row_id="C1", spent_at=NOW - MINUTE)
    done, coming = a_rule(AfterDelay(60, "apply"), OFF, "done"), a_rule(AfterDelay(120, "apply"), OFF, "coming")
    found = compiled(done, coming, there=with_rows("countdown", mine), recorded=(spent,))
    assert rows(found) == {"in 1 min → off": "done", "in 2 min → off": "coming"}
    # It runs still: the place is taken.
    running = replace(spent, spent_at=NOW + MINUTE)
    there = with_rows("countdown", replace(mine, enabled=True, left_s=60))
    found = compiled(done, coming, there=there, recorded=(running,))
    assert rows(found) == {"in 1 min → off": "done"}
    assert found.nowhere["coming"].reason == (
        "its countdown holds one row, and done has it; only a device counts down from `sync apply`"
    )


def test_a_countdown_that_a_person_started_under_the_id_of_ours() -> None:
    theirs = CountdownRow(600, ON, id="C1", left_s=500)
    spent = ours(CountdownRow(60, OFF), "done", row_id="C1", spent_at=NOW - MINUTE)
    done, coming = a_rule(AfterDelay(60, "apply"), OFF, "done"), a_rule(AfterDelay(120, "apply"), OFF, "coming")
    found = compiled(done, coming, there=with_rows("countdown", theirs), recorded=(spent,))
    assert rows(found) == {"in 1 min → off": "done"}
    assert found.nowhere["coming"].code == "slot"


def test_a_dated_row_stays_on_the_device_until_it_has_happened() -> None:
    date = dt.datetime(2026, 11, 22, 13, 1)  # noqa: DTZ001  (a minute from now)
    rule = a_rule(AtDate(date))
    row = ScheduleRow(Moment("midnight", 781), ON, frozenset(), repeats=False, id="S1")
    recorded = replace(ours(row, "r", spent_at=NOW + MINUTE), rules={"r": key_of(rule, row)})
    there = with_rows("schedule", row)
    assert rows(compiled(rule, there=there, recorded=(recorded,))) == {"once at 13:01 → on": "r"}
    assert compiled(rule, there=there).daemon["r"].code == "date"  # nobody's: too near to begin with it
    assert compiled(rule, there=with_rows("schedule"), recorded=(recorded,)).daemon["r"].code == "date"  # it is gone
    over = compile_device(a_book(rule), "d", there, (recorded,), NOW + 2 * MINUTE)
    assert over.nowhere == {"r": Nowhere("past", "2026-11-22 13:01 is over", failed=False)}


# --- Clashes ------------------------------------------------------------------------------------------------------


def test_rules_that_contradict_each_other_stay_with_the_daemon() -> None:
    found = compiled(
        a_rule(at(8), ON, "morning"),
        a_rule(at(8, days=SAT_SUN), OFF, "lie-in", executor="device"),
        a_rule(at(8, days=frozenset({2})), Setting(True), "same"),
        a_rule(at(9, days=MON_TO_FRI), ON, "week"),
        a_rule(at(9, days=SAT_SUN), OFF, "weekend"),
    )
    secret = "at the same time, and which of two rows comes last is the device's secret"
    assert found.daemon == {"morning": InDaemon("conflict", f"lie-in wants off {secret}")}
    assert found.nowhere == {"lie-in": Nowhere("conflict", f"morning wants on {secret}")}
    assert found.warnings == (
        "morning and lie-in contradict each other (weekends at 08:00: on against off): both stay with the daemon",
    )
    assert rows(found) == {
        "wed at 08:00 → on": "same",
        "weekdays at 09:00 → on": "week",
        "weekends at 09:00 → off": "weekend",
    }


def test_a_date_contradicts_only_the_rules_of_its_day() -> None:
    date = a_rule(AtDate(dt.datetime(2026, 11, 23, 8)), OFF, "date")  # noqa: DTZ001  (a Monday)
    assert set(compiled(date, a_rule(at(8, days=SAT_SUN), name="weekend")).daemon) == set()
    assert set(compiled(date, a_rule(at(8, days=MON_TO_FRI), name="week")).daemon) == {"date", "week"}


@pytest.mark.parametrize(
    ("rule", "inside"),
    [
        (a_rule(at(21), OFF), True),
        (a_rule(at(23, 30), OFF), True),  # the very end
        (a_rule(at(23, 31), OFF), False),
        (a_rule(at(21, days=SAT_SUN), OFF), False),  # the window is Monday's to Friday's
        (a_rule(AtSun("sunset"), ON), True),
        (a_rule(AtSun("sunset", -60), ON), False),
        (a_rule(at(16, 30, days=frozenset({0})), ON), True),  # in winter
        (a_rule(at(15, 0), ON), False),
    ],
)
def test_a_window_with_a_schedule_row_in_it_stays_with_the_daemon(rule: Rule, inside: bool) -> None:
    found = compiled(away(SunEdge("sunset"), dt.time(23, 30), days=MON_TO_FRI), rule)
    if inside:
        (row,) = rows(found)
        assert found.daemon == {
            "away": InDaemon(
                "conflict", f'"{row}" falls into its window, and which of the two a device obeys is unknown'
            )
        }
    else:
        assert len(rows(found)) == 2


def test_a_window_over_midnight_reaches_into_the_next_day() -> None:
    night = away(dt.time(22), dt.time(6), days=frozenset({4}))
    assert set(compiled(night, a_rule(at(5, days=frozenset({5})))).daemon) == {"away"}
    assert set(compiled(night, a_rule(at(5, days=frozenset({4})))).daemon) == set()
    assert set(compiled(night, a_rule(at(23, days=frozenset({4})))).daemon) == {"away"}


def test_a_window_with_a_row_of_somebody_else_in_it_stays_with_the_daemon() -> None:
    window = away(dt.time(20), dt.time(23))
    assert set(compiled(window, there=with_rows("schedule", row_at(21, row_id="S1"))).daemon) == {"away"}
    switched_off = with_rows("schedule", row_at(21, row_id="S1", enabled=False))
    assert set(compiled(window, there=switched_off).daemon) == set()


def test_rows_of_others_that_contradict_ours_are_told() -> None:
    there = with_rows("schedule", row_at(8, OFF, "S1", days=SAT_SUN), row_at(9, OFF, "S2", enabled=False))
    found = compiled(a_rule(at(8), name="a"), a_rule(at(9), name="b"), there=there)
    assert len(found.wanted) == 2
    assert found.warnings == (
        'a: a row that is not ours sets something else at the same time: "weekends at 08:00 → off"',
    )
    window = with_rows("antitheft", AntitheftRow(Moment("midnight", 420), Moment("midnight", 500), id="A1"))
    assert compiled(a_rule(at(8), name="a"), a_rule(at(9), name="b"), there=window).warnings == (
        'a: falls into a window that is not ours: "at random from 07:00 to 08:20"',
    )


def test_a_clock_that_is_about_to_be_set_brings_the_rules_to_the_device() -> None:
    there = reading(clock=None)
    assert compiled(a_rule(at(8)), there=there).daemon["r"].code == "clock"
    found = compile_device(a_book(a_rule(at(8))), "d", there, (), NOW, fixed_clock=True)
    assert rows(found) == {"every day at 08:00 → on": "r"}
    assert [id_of(each.row) for each in found.wanted] == [""]
