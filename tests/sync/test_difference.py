"""Ours is what the ledger says; a hand edit and somebody else's row are shown, and left as they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.device import Description, Setting
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Holdings,
    Moment,
    OpaqueRow,
    PowerProtection,
    Row,
    ScheduleRow,
    Table,
    TableName,
    id_of,
    table_of,
)
from tapo_automate.sync.difference import NEIGHBOURS, changes_of, runs
from tapo_automate.sync.model import Change, InDaemon, Nowhere, Reading, Recorded, Wanted
from tapo_automate.sync.rows import digest, in_words
from tapo_automate.sync.wanted import Compiled

NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
PLACES: Mapping[TableName, int] = {
    "schedule": 32,
    "countdown": 1,
    "antitheft": 1,
    "auto_off": 1,
    "power_protection": 1,
}


def reading(rows: Sequence[FoundRow]) -> Reading:
    tables = {
        name: Table(places, tuple(row for row in rows if table_of(row) == name)) for name, places in PLACES.items()
    }
    return Reading(Holdings(Description("", "P110", "", ""), tables), NOW)


def at(hour: int, on: bool = False, row_id: str = "", **changes: object) -> ScheduleRow:
    row = ScheduleRow(Moment("midnight", 60 * hour), Setting(on=on), id=row_id)
    return replace(row, **changes)  # type: ignore[arg-type]


def want(row: Row, *rules: str, version: str = "", spent_at: dt.datetime | None = None) -> Wanted:
    return Wanted(row, {rule: f"{rule}{version}" for rule in rules}, spent_at)


def ours(row: FoundRow, *rules: str, version: str = "", **changes: object) -> Recorded:
    written = digest(row)
    keys = {rule: f"{rule}{version}" for rule in rules}
    said = Recorded(table_of(row), id_of(row), keys, written, written, in_words(row), NOW)
    return replace(said, **changes)  # type: ignore[arg-type]


def compiled(*wanted: Wanted, daemon: Sequence[str] = (), nowhere: Sequence[str] = ()) -> Compiled:
    return Compiled(
        wanted,
        {rule: InDaemon("clock", "its clock is lost") for rule in daemon},
        {rule: Nowhere("past", "it is over", failed=False) for rule in nowhere},
        (),
    )


def changes(
    wanted: Sequence[Wanted],
    recorded: Sequence[Recorded],
    found: Sequence[FoundRow],
    now: dt.datetime = NOW,
    **how: bool,
) -> list[tuple[str, str, str]]:
    """Return the changes as (action, row id, text)."""
    made = changes_of(compiled(*wanted), recorded, reading(found), now, **how)
    return [(each.action, each.row_id, each.text) for each in made]


# Each line of the table ---------------------------------------------------------------------------------------------


def test_what_is_wanted_and_not_there_is_created() -> None:
    assert changes([want(at(7), "a")], [], []) == [("create", "", "every day at 07:00 → off")]


def test_an_equal_row_of_nobody_is_adopted() -> None:
    made = changes_of(compiled(want(at(7), "a")), [], reading([at(7, row_id="S4")]), NOW)
    (change,) = made
    assert (change.action, change.row_id, change.writes, change.forgets) == ("adopt", "S4", False, False)
    assert change.text == "every day at 07:00 → off, there already"
    assert change.wanted == want(at(7), "a")
    assert change.before == change.after == at(7)


def test_what_is_as_it_should_be_changes_nothing() -> None:
    assert changes([want(at(7), "a")], [ours(at(7, row_id="S1"), "a")], [at(7, row_id="S1")]) == []


def test_a_row_that_the_device_shows_with_values_of_its_own_is_as_it_should_be() -> None:
    shown = at(7, row_id="S1", setting=Setting(on=False, brightness_pct=1))
    recorded = ours(shown, "a", wrote=digest(at(7)))
    assert changes([want(at(7), "a")], [recorded], [shown]) == []


def test_a_row_of_ours_is_updated_where_the_rule_changed() -> None:
    found = at(7, row_id="S1")
    assert changes([want(at(8), "a", version="2")], [ours(found, "a")], [found]) == [
        ("update", "S1", "every day at 08:00 → off (was every day at 07:00 → off)")
    ]


def test_a_row_of_ours_that_nobody_wants_is_deleted() -> None:
    found = at(7, row_id="S1")
    assert changes([], [ours(found, "a")], [found]) == [("delete", "S1", "every day at 07:00 → off")]


def test_a_renamed_rule_takes_its_row_along_without_a_write() -> None:
    found = at(7, row_id="S1")
    assert changes([want(at(7), "new")], [ours(found, "old")], [found]) == [
        ("adopt", "S1", "every day at 07:00 → off, there already")
    ]


def test_a_row_that_was_edited_to_what_the_rule_says_now_is_adopted() -> None:
    recorded = ours(at(7, row_id="S1"), "a")
    assert changes([want(at(8), "a", version="2")], [recorded], [at(8, row_id="S1")]) == [
        ("adopt", "S1", "every day at 08:00 → off, changed by hand to what the rule says")
    ]


@pytest.mark.parametrize(
    ("wanted", "restored"),
    [
        (
            [want(at(7), "a")],
            ("update", "S1", "every day at 07:00 → off (was every day at 09:00 → on)"),
        ),
        (
            [want(at(8), "a", version="2")],
            ("update", "S1", "every day at 08:00 → off (was every day at 09:00 → on)"),
        ),
        ([], ("delete", "S1", "every day at 09:00 → on")),
    ],
)
def test_a_hand_edit_is_drift_until_somebody_restores(wanted: list[Wanted], restored: tuple[str, str, str]) -> None:
    recorded, found = ours(at(7, row_id="S1"), "a"), at(9, True, "S1")
    assert changes(wanted, [recorded], [found]) == [
        ("drift", "S1", "every day at 07:00 → off was changed by hand to every day at 09:00 → on")
    ]
    assert changes(wanted, [recorded], [found], restore=True) == [restored]


def test_drift_shows_both_sides() -> None:
    recorded, found = ours(at(7, row_id="S1"), "a"), at(9, True, "S1")
    (drift,) = changes_of(compiled(want(at(7), "a")), [recorded], reading([found]), NOW)
    assert (drift.before, drift.after, drift.rules) == (at(7), found, ("a",))
    (drift,) = changes_of(compiled(), [recorded], reading([found]), NOW)
    assert (drift.before, drift.after, drift.wanted, drift.rules) == (None, found, None, ("a",))


def test_a_row_removed_by_hand_is_drift_until_somebody_restores() -> None:
    wanted, recorded = [want(at(7), "a")], [ours(at(7, row_id="S1"), "a")]
    assert changes(wanted, recorded, []) == [("drift", "S1", "every day at 07:00 → off was removed by hand")]
    assert changes(wanted, recorded, [], restore=True) == [
        ("adopt", "S1", "every day at 07:00 → off, gone: leaves the ledger"),
        ("create", "", "every day at 07:00 → off"),
    ], "the ledger lets go first: the new row may get the old id"


def test_a_row_removed_by_hand_is_not_forgotten_when_its_id_is_given_again() -> None:
    removed, other = ours(at(7), "a"), at(8, row_id="S1")
    wanted = [want(at(7), "a"), want(at(8), "b")]
    assert changes(wanted, [ours(other, "b"), removed], [other]) == [
        ("drift", "", "every day at 07:00 → off was removed by hand")
    ]


def test_a_row_that_was_removed_and_made_again_in_the_app_is_linked_anew() -> None:
    assert changes([want(at(7), "a")], [ours(at(7, row_id="S1"), "a")], [at(7, row_id="S9")]) == [
        ("adopt", "S1", "every day at 07:00 → off, gone: leaves the ledger"),
        ("adopt", "S9", "every day at 07:00 → off, there already"),
    ]


def test_of_two_equal_rows_the_one_with_our_id_is_ours() -> None:
    found = [at(7, row_id="S1"), at(7, row_id="S4")]
    assert changes([], [ours(found[1], "a")], found) == [
        ("delete", "S4", "every day at 07:00 → off"),
        ("foreign", "S1", "every day at 07:00 → off"),
    ]


def test_a_row_that_is_gone_and_not_wanted_leaves_the_ledger() -> None:
    (change,) = changes_of(compiled(), [ours(at(7, row_id="S1"), "a")], reading([]), NOW)
    assert (change.action, change.forgets, change.writes, change.after, change.wanted) == (
        "adopt",
        True,
        False,
        None,
        None,
    )


def test_what_a_person_chose_to_keep_stays_until_the_rule_says_something_else() -> None:
    found = at(9, True, "S1")
    edited = ours(at(7, row_id="S1"), "a", ignored=digest(found))
    gone = ours(at(7, row_id="S1"), "a", ignored="gone")
    same, other = [want(at(7), "a")], [want(at(8), "a", version="2")]
    for recorded, rows in ((edited, [found]), (gone, [])):
        assert changes(same, [recorded], rows) == []
        assert [each[0] for each in changes(other, [recorded], rows)] == ["drift"]
        assert changes(same, [recorded], rows, restore=True) != []
    assert changes([], [edited], [found]) == [], "and when the rule is gone"
    assert [each[0] for each in changes(same, [edited], [at(10, row_id="S1")])] == ["drift"], "edited once more"


@pytest.mark.parametrize("row", [at(7, row_id="S1"), OpaqueRow("schedule", "it has a new kind", {"x": 1}, "S1")])
def test_a_row_of_others_is_listed_and_left(row: FoundRow) -> None:
    (change,) = changes_of(compiled(want(at(8), "a")), [], reading([row]), NOW)[1:]
    assert (change.action, change.row_id, change.rules, change.before, change.after) == ("foreign", "S1", (), row, None)
    assert change.text == in_words(row)


# An apply that was cut off ------------------------------------------------------------------------------------------


def test_a_create_that_was_cut_off_is_found_again_or_made_again() -> None:
    wanted, coming = [want(at(7), "a")], ours(at(7), "a", phase="coming", shown="")
    found_again = ("adopt", "", "every day at 07:00 → off, found again under its id: leaves the ledger")
    assert changes(wanted, [coming], [at(7, row_id="S3")]) == [
        found_again,
        ("adopt", "S3", "every day at 07:00 → off, there already"),
    ]
    assert changes(wanted, [coming], []) == [
        ("adopt", "", "every day at 07:00 → off, gone: leaves the ledger"),
        ("create", "", "every day at 07:00 → off"),
    ]
    assert changes([], [coming], [at(7, row_id="S3")]) == [found_again, ("delete", "S3", "every day at 07:00 → off")]


def test_a_create_that_was_cut_off_is_known_by_what_was_asked_for() -> None:
    coming = ours(at(7), "a", phase="coming", shown="")
    shown = at(7, row_id="S3", setting=Setting(on=False, brightness_pct=1))
    assert [each[:2] for each in changes([want(at(7), "a")], [coming], [shown])] == [("adopt", ""), ("adopt", "S3")]


def test_an_update_that_was_cut_off_is_found_done_or_done_again() -> None:
    wanted = [want(at(8), "a", version="2")]
    old, new = at(7, row_id="S1"), at(8, row_id="S1")
    coming = ours(new, "a", version="2", phase="coming", shown=digest(old))
    assert changes(wanted, [coming], [new]) == [("adopt", "S1", "every day at 08:00 → off, there already")]
    assert [each[:2] for each in changes(wanted, [coming], [old])] == [("update", "S1")]
    assert [each[:2] for each in changes(wanted, [coming], [at(9, True, "S1")])] == [("drift", "S1")]


def test_a_delete_that_was_cut_off_is_finished_or_taken_back() -> None:
    found = at(7, row_id="S1")
    leaving = ours(found, "a", phase="leaving")
    assert changes([], [leaving], [found]) == [("delete", "S1", "every day at 07:00 → off")]
    assert [each[:2] for each in changes([], [leaving], [])] == [("adopt", "S1")]
    assert [each[:2] for each in changes([want(at(7), "a")], [leaving], [found])] == [("adopt", "S1")]
    assert [each[0] for each in changes([want(at(7), "a")], [leaving], [])] == ["adopt", "create"], (
        "no drift: it was us"
    )


# Rows that happen once ----------------------------------------------------------------------------------------------

ONCE = at(14, True, "S1", days=frozenset(), repeats=False)


@pytest.mark.parametrize("found", [ONCE, replace(ONCE, enabled=False)])
def test_a_row_that_has_happened_is_removed_two_minutes_later(found: ScheduleRow) -> None:
    recorded = ours(ONCE, "a", spent_at=NOW)
    assert [each[:2] for each in changes([], [recorded], [found], NOW + 2 * MINUTE)] == [("delete", "S1")]
    if found.enabled:
        assert changes([], [recorded], [found], NOW + MINUTE) == [], "the device's clock may be a minute late"


def test_a_row_that_has_happened_and_is_gone_is_no_drift() -> None:
    recorded = ours(ONCE, "a", spent_at=NOW)
    assert changes([], [recorded], [], NOW + MINUTE) == [("adopt", "S1", "once at 14:00 → on, over: leaves the ledger")]


def test_a_row_about_to_happen_is_taken_away_only_with_its_rule() -> None:
    recorded = ours(ONCE, "a", spent_at=NOW + MINUTE)
    with_daemon = changes_of(compiled(daemon=["a"]), [recorded], reading([ONCE]), NOW)
    assert with_daemon == (), "it was too late to move it"
    assert [each.action for each in changes_of(compiled(), [recorded], reading([ONCE]), NOW)] == ["delete"]


def test_a_row_switched_off_by_hand_long_before_is_drift() -> None:
    recorded = ours(ONCE, "a", spent_at=NOW + 60 * MINUTE)
    assert [each[0] for each in changes([want(ONCE, "a")], [recorded], [replace(ONCE, enabled=False)])] == ["drift"]


def test_a_rule_with_a_new_date_uses_its_old_row_again() -> None:
    recorded = ours(ONCE, "a", spent_at=NOW - 60 * MINUTE)
    again = want(ONCE, "a", version="2", spent_at=NOW + 23 * 60 * MINUTE)
    assert changes([again], [recorded], [ONCE]) == [("update", "S1", "once at 14:00 → on, started again")]
    assert [each[0] for each in changes([again], [recorded], [])] == ["adopt", "create"]


# Countdowns are events ----------------------------------------------------------------------------------------------

TIMER = CountdownRow(2700, Setting(on=False), id="C1", left_s=2000)
RAN_OUT = replace(TIMER, enabled=False, left_s=0)


@pytest.mark.parametrize("rows", [[TIMER], [RAN_OUT], []])
def test_a_countdown_is_started_once(rows: list[FoundRow]) -> None:
    for spent_at in (NOW + 30 * MINUTE, NOW - 30 * MINUTE):
        assert changes([want(TIMER, "a")], [ours(TIMER, "a", spent_at=spent_at)], rows) == []


def test_a_countdown_is_started_again_when_asked_or_changed() -> None:
    recorded = ours(TIMER, "a", spent_at=NOW - MINUTE)
    assert changes([want(TIMER, "a")], [recorded], [RAN_OUT], rearm=True)[0][0] == "update"
    assert [each[0] for each in changes([want(TIMER, "a")], [recorded], [], rearm=True)] == ["adopt", "create"]
    longer = replace(TIMER, delay_s=3600)
    assert changes([want(longer, "a", version="2")], [recorded], [RAN_OUT])[0][:2] == ("update", "C1")
    assert changes([want(longer, "a", version="2")], [ours(TIMER, "a", spent_at=NOW + MINUTE)], [TIMER]) == [
        ("update", "C1", "in 1 h → off (was in 45 min → off)")
    ]


def test_a_renamed_countdown_runs_on() -> None:
    recorded = ours(TIMER, "old", spent_at=NOW + 30 * MINUTE)
    assert changes([want(TIMER, "new")], [recorded], [TIMER]) == [("adopt", "C1", "in 45 min → off, there already")]


def test_a_start_that_was_cut_off_is_not_done_twice() -> None:
    coming = ours(replace(TIMER, id=""), "a", phase="coming", shown="")
    for found in (TIMER, RAN_OUT):
        assert [each[:2] for each in changes([want(TIMER, "a")], [coming], [found])] == [("adopt", ""), ("adopt", "C1")]
    assert [each[0] for each in changes([want(TIMER, "a")], [coming], [])] == ["adopt", "create"]


def test_a_running_countdown_of_others_is_never_written_over() -> None:
    theirs = replace(TIMER, delay_s=60)
    assert changes([want(TIMER, "a")], [], [theirs]) == [("foreign", "C1", "in 1 min → off")]
    assert [each[0] for each in changes([want(TIMER, "a")], [], [replace(theirs, enabled=False)])] == ["create"]


def test_a_countdown_whose_rule_is_gone_is_stopped_while_it_runs() -> None:
    recorded = ours(TIMER, "a", spent_at=NOW + 30 * MINUTE)
    assert changes([], [recorded], [TIMER]) == [("delete", "C1", "in 45 min → off")]
    assert [each[:2] for each in changes([], [recorded], [RAN_OUT])] == [("adopt", "C1")]


# Neighbours ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "other"), [(AutoOff(30), AutoOff(20)), (PowerProtection(2000), PowerProtection(500))])
def test_neighbours_are_rows_without_an_id(row: AutoOff, other: AutoOff) -> None:
    off = replace(row, enabled=False)
    assert [each[0] for each in changes([want(row, "a")], [], [])] == ["create"]
    assert [each[0] for each in changes([want(row, "a")], [], [off])] == ["create"]
    assert [each[0] for each in changes([want(row, "a")], [], [row])] == ["adopt"]
    assert [each[0] for each in changes([want(row, "a")], [], [other])] == ["foreign"]
    assert changes([want(row, "a")], [ours(row, "a")], [row]) == []
    assert [each[0] for each in changes([want(row, "a")], [ours(row, "a")], [other])] == ["drift"]
    assert changes([want(row, "a")], [ours(row, "a")], [off])[0][2].endswith("was removed by hand")
    assert [each[0] for each in changes([want(other, "a", version="2")], [ours(row, "a")], [row])] == ["update"]
    assert [each[0] for each in changes([], [ours(row, "a")], [row])] == ["delete"]


# Any combination ----------------------------------------------------------------------------------------------------

RULES = "abcd"
IDS = ("1", "2", "3", "4")
INSTANTS = (None, NOW - 60 * MINUTE, NOW, NOW + MINUTE, NOW + 600 * MINUTE)

schedule_rows = st.builds(
    lambda hour, on, once, enabled: at(
        hour, on, days=frozenset() if once else frozenset({0, 1}), repeats=not once, enabled=enabled
    ),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
    st.sampled_from([True, True, False]),
)
countdown_rows = st.builds(CountdownRow, st.sampled_from([60, 90]), st.just(Setting(on=False)), st.booleans())
antitheft_rows = st.builds(
    AntitheftRow, st.just(Moment("sunset", 0)), st.sampled_from([Moment("midnight", 5), Moment("midnight", 9)])
)
neighbour_rows = st.builds(AutoOff, st.integers(1, 2), st.booleans())
any_row = st.one_of(schedule_rows, schedule_rows, countdown_rows, antitheft_rows, neighbour_rows)


@st.composite
def devices(draw: st.DrawFn) -> list[FoundRow]:
    found: list[FoundRow] = []
    rows: list[FoundRow] = draw(st.lists(any_row, max_size=6))
    for row, row_id in zip(rows, (*IDS, "5", "6"), strict=False):
        name = table_of(row)
        if PLACES[name] > 1 or name not in {table_of(each) for each in found}:
            found.append(replace(row, id=row_id) if name not in NEIGHBOURS else row)
    if draw(st.booleans()):
        found.append(OpaqueRow("schedule", "newer", {"x": draw(st.integers(0, 1))}, "9"))
    return found


@st.composite
def ledgers(draw: st.DrawFn, found: Sequence[FoundRow]) -> list[Recorded]:
    recorded: list[Recorded] = []
    for _ in range(draw(st.integers(0, 4))):
        written = draw(any_row)
        name = table_of(written)
        there = [row for row in found if table_of(row) == name]
        if there and draw(st.booleans()):
            written_row: FoundRow = draw(st.sampled_from(there))  # untouched, unless its id says otherwise
        else:
            written_row = written
        phase = draw(st.sampled_from(["", "", "", "coming", "leaving"]))
        row_id = "" if name in NEIGHBOURS else (id_of(written_row) or draw(st.sampled_from(IDS)))
        if phase == "coming" and draw(st.booleans()):
            row_id = ""
        if (row_id or name in NEIGHBOURS) and any((each.table, each.row_id) == (name, row_id) for each in recorded):
            continue
        rules = draw(st.sets(st.sampled_from(RULES), min_size=1, max_size=2))
        settled = {rule for each in recorded if each.table == name for rule in each.rules}
        if rules & settled and not phase:
            continue  # two rows for one rule are there only half-way through an apply
        keys = {rule: f"{rule}{draw(st.sampled_from(['', '2']))}" for rule in sorted(rules)}
        row = ours(written_row, phase=phase, row_id=row_id, rules=keys, spent_at=draw(st.sampled_from(INSTANTS)))
        if there and draw(st.integers(0, 4)) == 0:
            row = replace(row, ignored=draw(st.sampled_from(["gone", digest(there[0])])))
        recorded.append(row)
    return recorded


@st.composite
def wishes(draw: st.DrawFn) -> Compiled:
    """What `compile_device` may give: each rule in one place, no two rows alike, tables of one place held to one."""
    wanted: list[Wanted] = []
    left = list(RULES)
    for row in draw(st.lists(any_row, max_size=4)):
        if table_of(row) != "schedule" and table_of(row) in {table_of(each.row) for each in wanted}:
            continue
        row = replace(row, enabled=True)
        if any(each.row == row for each in wanted) or not left:
            continue
        names = sorted(
            left.pop(draw(st.integers(0, len(left) - 1))) for _ in range(draw(st.integers(1, min(2, len(left)))))
        )
        once = isinstance(row, ScheduleRow) and not row.repeats
        spent_at = NOW + 500 * MINUTE if once else None
        version = draw(st.sampled_from(["", "2", "3"]))
        wanted.append(Wanted(row, {rule: f"{rule}{version}" for rule in names}, spent_at))
    return compiled(*wanted, daemon=[rule for rule in left if draw(st.booleans())])


class Pretended:
    """A device and its ledger after the changes, in memory: what `apply` does when nothing goes wrong."""

    def __init__(self, found: Sequence[FoundRow], recorded: Sequence[Recorded]) -> None:
        self.found = list(found)
        self.recorded = list(recorded)

    def carry_out(self, changes: Sequence[Change], now: dt.datetime) -> None:
        def after(change: Change) -> int:
            """Make before break, where there is room for both."""
            if change.action == "delete" and PLACES[change.table] == 1:
                return 2
            return ("adopt", "update", "", "create", "delete", "drift", "foreign").index(change.action)

        for change in sorted(changes, key=after):
            if change.writes or change.action == "adopt":
                self._one(change, now)

    def _one(self, change: Change, now: dt.datetime) -> None:
        def drop(row_id: str, rules: Sequence[str] | None = None) -> None:
            self.recorded = [
                each
                for each in self.recorded
                if (each.table, each.row_id) != (change.table, row_id)
                or (rules is not None and sorted(each.rules) != sorted(rules))
            ]

        if change.forgets:
            drop(change.row_id, change.rules)
            return
        if change.action == "delete":
            self._remove(change)
            drop(change.row_id)
            self.recorded = [
                each for each in self.recorded if each.row_id or each.wrote != digest(change.before or at(0))
            ]
            return
        wanted = change.wanted
        assert wanted is not None
        row: FoundRow = wanted.row
        row_id = change.row_id
        if change.action == "adopt" and change.after is None:
            self.recorded = [
                replace(each, rules=wanted.rules)
                if (each.table, each.row_id) == (change.table, row_id) and wanted.rules.items() <= each.rules.items()
                else each
                for each in self.recorded
            ]
            return
        if change.action == "adopt":
            assert change.after is not None
            row = change.after
        else:
            self._remove(change)
            if change.table not in NEIGHBOURS:
                taken = {id_of(each) for each in self.found if table_of(each) == change.table}
                row_id = row_id or next(str(number) for number in range(1, 40) if str(number) not in taken)
                row = replace(row, id=row_id)  # type: ignore[call-arg]
            self.found.append(row)
        if change.action == "create":  # a row removed by hand is remembered, also where its id is given again
            self.recorded = [
                replace(each, row_id="") if (each.table, each.row_id) == (change.table, row_id) else each
                for each in self.recorded
            ]
        else:
            drop(row_id)
        self.recorded = [
            each for each in self.recorded if each.row_id or change.table in NEIGHBOURS or each.rules != wanted.rules
        ]
        spent_at = wanted.spent_at
        if isinstance(row, CountdownRow):
            spent_at = now + dt.timedelta(seconds=row.delay_s)
        said = in_words(wanted.row)
        shown = digest(row)
        self.recorded.append(
            Recorded(change.table, row_id, wanted.rules, digest(wanted.row), shown, said, now, spent_at=spent_at)
        )

    def _remove(self, change: Change) -> None:
        one_place = change.table in NEIGHBOURS or change.table == "countdown"
        self.found = [
            row for row in self.found if table_of(row) != change.table or not (one_place or id_of(row) == change.row_id)
        ]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Compiled, list[Recorded], list[FoundRow]]:
    found = draw(devices())
    return draw(wishes()), draw(ledgers(found)), found


def _of_others(found: Sequence[FoundRow], recorded: Sequence[Recorded]) -> list[FoundRow]:
    ids = {(each.table, each.row_id) for each in recorded}
    cut_off = {each.wrote for each in recorded if each.phase == "coming" and not each.row_id}
    return [row for row in found if (table_of(row), id_of(row)) not in ids and digest(row) not in cut_off]


@given(situations(), st.booleans(), st.booleans())
def test_nothing_of_others_is_ever_touched(
    situation: tuple[Compiled, list[Recorded], list[FoundRow]], restore: bool, rearm: bool
) -> None:
    wanted, recorded, found = situation
    made = changes_of(wanted, recorded, reading(found), NOW, restore=restore, rearm=rearm)
    device = Pretended(found, recorded)
    device.carry_out(made, NOW)
    for row in _of_others(found, recorded):
        leftover = isinstance(row, CountdownRow) and not row.enabled
        if runs(row) and not leftover:
            assert any(each == row and id_of(each) == id_of(row) for each in device.found), in_words(row)


@given(situations(), st.booleans())
def test_a_hand_edit_is_written_over_only_with_restore(
    situation: tuple[Compiled, list[Recorded], list[FoundRow]], rearm: bool
) -> None:
    wanted, recorded, found = situation
    for change in changes_of(wanted, recorded, reading(found), NOW, rearm=rearm):
        if change.action not in ("update", "delete") or change.table == "countdown":
            continue
        mine = next((each for each in recorded if (each.table, each.row_id) == (change.table, change.row_id)), None)
        assert change.before is not None
        if mine is not None:
            once = mine.spent_at is not None and not getattr(change.before, "repeats", True)
            shown = {digest(change.before)} | ({digest(replace(change.before, enabled=True))} if once else set())  # type: ignore[call-arg]
            assert shown & {mine.wrote, mine.shown}
        else:
            assert any(not each.row_id and each.wrote == digest(change.before) for each in recorded)


@given(situations(), st.booleans())
def test_once_carried_out_nothing_is_left_to_do(
    situation: tuple[Compiled, list[Recorded], list[FoundRow]], restore: bool
) -> None:
    wanted, recorded, found = situation
    made = changes_of(wanted, recorded, reading(found), NOW, restore=restore)
    device = Pretended(found, recorded)
    device.carry_out(made, NOW)
    after = changes_of(wanted, device.recorded, reading(device.found), NOW)
    drifted = {(each.table, each.rules) for each in made if each.action == "drift"}
    left = [each for each in after if each.action != "foreign" and (each.table, each.rules) not in drifted]
    assert left == []
    assert all(each.action == "drift" for each in after if (each.table, each.rules) in drifted), "drift stays drift"


@given(situations(), st.booleans())
def test_every_wish_has_one_answer_and_adoption_never_writes(
    situation: tuple[Compiled, list[Recorded], list[FoundRow]], restore: bool
) -> None:
    wanted, recorded, found = situation
    made = changes_of(wanted, recorded, reading(found), NOW, restore=restore)
    for each in wanted.wanted:
        answers = [change for change in made if change.wanted == each]
        assert len(answers) <= 1
    before = Pretended(found, recorded)
    before.carry_out([change for change in made if change.action == "adopt"], NOW)
    assert before.found == list(found)
    rows = [(table_of(row), id_of(row)) for row in found]
    named = [(change.table, change.row_id) for change in made if change.before is not None and change.action != "drift"]
    assert len(named) == len(set(named)), "no row has two changes"
    assert set(named) <= set(rows)


@given(situations(), st.booleans())
def test_no_rule_gets_two_rows_of_ours(
    situation: tuple[Compiled, list[Recorded], list[FoundRow]], restore: bool
) -> None:
    wanted, recorded, found = situation
    device = Pretended(found, recorded)
    device.carry_out(changes_of(wanted, recorded, reading(found), NOW, restore=restore), NOW)
    for each in wanted.wanted:
        carrying = [row for row in device.recorded if row.rules == each.rules and row.wrote == digest(each.row)]
        assert len(carrying) <= 1
