"""What one device is to hold: the rows of all its rules, merged, and kept within the places that it has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tapo_automate.rows import (
    TABLES,
    AntitheftRow,
    CountdownRow,
    FoundRow,
    OpaqueRow,
    Row,
    ScheduleRow,
    Table,
    TableName,
    id_of,
    table_of,
)
from tapo_automate.rules.model import AtDate, Rule, RuleBook, Site
from tapo_automate.sync.clashes import contradictions, contradicts, days_of, inside
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.model import InDaemon, Nowhere, OnDevice, Reading, Recorded, Wanted
from tapo_automate.sync.place import TABLE_WORDS, fallen_back, place_among, standing
from tapo_automate.sync.rows import in_words, key_of, moment_in_words
from tapo_automate.sync.trust import doubts
from tapo_automate.sync.untouched import is_as_written, is_untouched, was_started

# Where a row that is switched off takes no place: another one is written over it.
_FREE_WHEN_OFF: frozenset[TableName] = frozenset({"countdown", "auto_off", "power_protection"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a rule book comes to on one device.

    wanted: by table, then in the order of the book.  daemon, nowhere: rule id -> why.  Every rule of the device is in
    exactly one of the three.  warnings: sentences without their full stop.
    """

    wanted: tuple[Wanted, ...]
    daemon: Mapping[str, InDaemon]
    nowhere: Mapping[str, Nowhere]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Sorting:
    """The rules of a device while they are being sorted.  rows: those that may still be on it, in book order."""

    rules: Mapping[str, Rule]
    rows: dict[str, OnDevice] = field(default_factory=dict)
    daemon: dict[str, InDaemon] = field(default_factory=dict)
    nowhere: dict[str, Nowhere] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def turn_away(self, rule_id: str, why: InDaemon) -> None:
        self.rows.pop(rule_id, None)
        self.settle(rule_id, fallen_back(self.rules[rule_id], why))

    def settle(self, rule_id: str, placement: OnDevice | InDaemon | Nowhere) -> None:
        match placement:
            case OnDevice():
                self.rows[rule_id] = placement
            case InDaemon():
                self.daemon[rule_id] = placement
            case Nowhere():
                self.nowhere[rule_id] = placement


def compile_device(
    book: RuleBook,
    device_id: str,
    reading: Reading,
    recorded: Sequence[Recorded],
    now: dt.datetime,
    *,
    fixed_clock: bool = False,
) -> Compiled:
    """Return what a device is to hold, and where the rest of its rules go.

    Rules whose rows differ only in their days share one; so do rules that want the same row.  Where places are few,
    rows that are on the device already keep theirs, then the order of the book decides.  Rows of others count.
    """
    rules = {name: rule for name, rule in book.rules.items() if device_id in rule.device_ids}
    found_doubts = standing(doubts(reading, book.site, now), fixed_clock)
    held = _held_keys(reading.holdings.tables, recorded)
    sorting = _Sorting(rules)
    for name, rule in rules.items():
        is_held = isinstance(rule.trigger, AtDate) and _is_held(rule, book.site, held)
        placement = place_among(rule, device_id, book.site, reading.holdings, found_doubts, now, held=is_held)
        sorting.settle(name, placement)
    _part_contradictions(sorting, book.site)
    merged = _merged(sorting, book.site)
    others = {name: _others(name, table, merged, recorded, now) for name, table in reading.holdings.tables.items()}
    if _part_windows(sorting, others.get("schedule", []), book.site, now):
        merged = _merged(sorting, book.site)
    wanted: list[Wanted] = []
    for name in TABLES:
        of_table = [each for each in merged if table_of(each.row) == name]
        if of_table:
            wanted += _seated(of_table, reading.holdings.tables[name], others[name], sorting, recorded, now)
    sorting.warnings += _clashes_with_others(wanted, others, book.site, now)
    return Compiled(tuple(wanted), sorting.daemon, sorting.nowhere, tuple(sorting.warnings))


def _held_keys(tables: Mapping[TableName, Table], recorded: Sequence[Recorded]) -> frozenset[tuple[str, str]]:
    """Return (rule id, key) of every row of ours that is on the device."""
    ids = {(name, id_of(row)) for name, table in tables.items() for row in table.rows}
    there = [each for each in recorded if (each.table, each.row_id) in ids]
    return frozenset(item for each in there for item in each.rules.items())


def _is_held(rule: Rule, site: Site, held: frozenset[tuple[str, str]]) -> bool:
    compiled = row_of(rule, site)
    return not isinstance(compiled, InDaemon) and (rule.id, key_of(rule, compiled[0])) in held


def _spent_at(rule: Rule, row: Row, site: Site) -> dt.datetime | None:
    """Return when the row of a rule will have happened, where it happens once and that is known."""
    if not isinstance(row, ScheduleRow) or row.repeats:
        return None
    compiled = row_of(rule, site)
    return None if isinstance(compiled, InDaemon) else compiled[1]


def _scheduled(sorting: _Sorting, site: Site) -> dict[str, tuple[ScheduleRow, frozenset[int]]]:
    return {
        name: (placed.row, days_of(placed.row, _spent_at(sorting.rules[name], placed.row, site), site))
        for name, placed in sorting.rows.items()
        if isinstance(placed.row, ScheduleRow)
    }


def _part_contradictions(sorting: _Sorting, site: Site) -> None:
    """Give rules that want different things at one time to the daemon, which at least says what it did."""
    scheduled = _scheduled(sorting, site)
    for one, other, days in list(contradictions(scheduled)):
        at = f"{days} {moment_in_words(scheduled[one][0].at)}"
        one_sets, other_sets = scheduled[one][0].setting, scheduled[other][0].setting
        sorting.warnings.append(
            f"{one} and {other} contradict each other ({at}: {one_sets} against {other_sets}): "
            "both stay with the daemon"
        )
        for name, rival, sets in ((one, other, other_sets), (other, one, one_sets)):
            if name in sorting.rows:
                said = f"{rival} wants {sets} at the same time, and which of two rows comes last is the device's secret"
                sorting.turn_away(name, InDaemon("conflict", said))


def _part_windows(sorting: _Sorting, others: Iterable[FoundRow], site: Site, now: dt.datetime) -> bool:
    """Give windows with schedule rows in them to the daemon: which of the two a device obeys is not known.

    Returns whether there were any.
    """
    first, before = now.astimezone(site.timezone).date(), len(sorting.rows)
    rows = list(_scheduled(sorting, site).values())
    rows += [(row, row.days) for row in others if isinstance(row, ScheduleRow) and row.enabled and row.repeats]
    for name, placed in list(sorting.rows.items()):
        if isinstance(placed.row, AntitheftRow):
            for row, days in rows:
                if inside(placed.row, row, days, site, first):
                    said = f'"{in_words(row)}" falls into its window, and which of the two a device obeys is unknown'
                    sorting.turn_away(name, InDaemon("conflict", said))
                    break
    return len(sorting.rows) < before


def _merged(sorting: _Sorting, site: Site) -> list[Wanted]:
    """Return one row for all rules whose rows differ only in days, in the order of their first rules."""
    groups: dict[tuple[Row, dt.datetime | None], list[str]] = {}
    for name, placed in sorting.rows.items():
        frame = (_on_days(placed.row, frozenset()), _spent_at(sorting.rules[name], placed.row, site))
        groups.setdefault(frame, []).append(name)
    wanted = []
    for (row, spent_at), names in groups.items():
        days = frozenset[int]().union(*(_days(sorting.rows[name].row) for name in names))
        keys = {name: sorting.rows[name].key for name in sorted(names)}
        wanted.append(Wanted(_on_days(row, days), keys, spent_at))
    return wanted


def _days(row: Row) -> frozenset[int]:
    return row.days if isinstance(row, ScheduleRow | AntitheftRow) else frozenset()


def _on_days(row: Row, days: frozenset[int]) -> Row:
    return replace(row, days=days) if isinstance(row, ScheduleRow | AntitheftRow) else row


def _others(
    name: TableName, table: Table, merged: Sequence[Wanted], recorded: Sequence[Recorded], now: dt.datetime
) -> list[FoundRow]:
    """Return the rows of a table that keep their places whatever is wanted.

    Those are the rows of others, but for the ones that will be adopted; and of our own the ones that a person has
    changed, once their rules are gone.  A row of which the create was cut off before its id came is ours.
    """
    ours = {each.row_id: each for each in recorded if each.table == name}
    wanting = {rule for each in merged if table_of(each.row) == name for rule in each.rules}
    adoptable: list[FoundRow] = [each.row for each in merged if table_of(each.row) == name]
    for row in table.rows:
        if id_of(row) in ours and row in adoptable:
            adoptable.remove(row)  # it has its row: another one like it is somebody else's
    cut_off = [each for each in recorded if each.table == name and each.phase == "coming" and not each.row_id]
    found = []
    for row in table.rows:
        own = ours.get(id_of(row))
        takes_place = name not in _FREE_WHEN_OFF or isinstance(row, OpaqueRow) or row.enabled
        if not takes_place:
            continue
        if own is None or _is_another(row, own, now):
            attempt = next((each for each in cut_off if is_untouched(row, each, now)), None)
            if attempt is not None:
                cut_off.remove(attempt)
            if row in adoptable:
                adoptable.remove(row)
            elif attempt is None:
                found.append(row)
        elif not wanting & own.rules.keys() and not own.phase and not is_untouched(row, own, now):
            found.append(row)
    return found


def _is_another(row: FoundRow, own: Recorded, now: dt.datetime) -> bool:
    """Whether a row has only taken over the id of one of ours, which has happened once and is over."""
    if own.spent_at is None or own.spent_at > now or isinstance(row, OpaqueRow):
        return False
    return row.enabled and (isinstance(row, CountdownRow) or not is_as_written(row, own))


def _seated(
    of_table: Sequence[Wanted],
    table: Table,
    others: Sequence[FoundRow],
    sorting: _Sorting,
    recorded: Sequence[Recorded],
    now: dt.datetime,
) -> list[Wanted]:
    """Return the rows that have a place in a table, in their order; the rules of the others are turned away."""
    name = table_of(of_table[0].row)
    ids = {id_of(row) for row in table.rows}
    there = {rule for each in recorded if each.table == name and each.row_id in ids for rule in each.rules}
    room = table.max_rows - len(others)
    seated, turned = [], []
    for each in sorted(of_table, key=lambda each: each.row not in table.rows and not there & each.rules.keys()):
        # A countdown that has run is remembered, so that it is not started again, and needs no place for that.
        needs_place = not (isinstance(each.row, CountdownRow) and _has_run(each, table, recorded, now))
        if needs_place and room <= 0:
            turned.append(each)
        else:
            room -= needs_place
            seated.append(each)
    if turned:
        why = _why_no_place(name, table, others, [each for each in seated if each.spent_at is None])
        names = [rule for each in of_table if each in turned for rule in each.rules]
        sorting.warnings.append(f"no place for {', '.join(names)}: {why.reason}")
        for rule_id in names:
            sorting.turn_away(rule_id, why)
    return [each for each in of_table if each in seated]


def _has_run(wanted: Wanted, table: Table, recorded: Sequence[Recorded], now: dt.datetime) -> bool:
    over = (each for each in recorded if each.table == "countdown" and each.spent_at and each.spent_at <= now)
    return any(
        wanted.rules.items() <= each.rules.items()
        and any(was_started(each, found, wanted) for found in (None, *table.rows))
        for each in over
    )


def _why_no_place(name: TableName, table: Table, others: Sequence[FoundRow], seated: Sequence[Wanted]) -> InDaemon:
    word = TABLE_WORDS[name]
    if table.max_rows > 1:
        taken = f", {len(others)} of them taken by rows that are not ours" if others else ""
        return InDaemon("full", f"its {word} is full: {table.max_rows} places{taken}")
    if others:
        return InDaemon("slot", f"its {word} is taken: {in_words(others[0])}")
    holders = ", ".join(rule for each in seated for rule in each.rules)
    return InDaemon("slot", f"its {word} holds one row, and {holders} has it")


def _clashes_with_others(
    wanted: Sequence[Wanted], others: Mapping[TableName, Sequence[FoundRow]], site: Site, now: dt.datetime
) -> Iterator[str]:
    """Yield warnings of rows of others that get into the way of ours."""
    first = now.astimezone(site.timezone).date()
    rows = [row for row in others.get("schedule", ()) if isinstance(row, ScheduleRow) and row.enabled]
    windows = [row for row in others.get("antitheft", ()) if isinstance(row, AntitheftRow) and row.enabled]
    for each in wanted:
        if isinstance(each.row, ScheduleRow):
            days, names = days_of(each.row, each.spent_at, site), ", ".join(each.rules)
            rival = contradicts(each.row, days, rows)
            if rival:
                yield f'{names}: a row that is not ours sets something else at the same time: "{in_words(rival)}"'
            for window in windows:
                if inside(window, each.row, days, site, first):
                    yield f'{names}: falls into a window that is not ours: "{in_words(window)}"'
