"""One row after the other onto a device, each in the ledger before it is on its way.

Law: whoever dies here at any line leaves a ledger from which the next apply goes on.  Rows are recorded as "coming"
and "leaving" before the first of them is sent; one that came is found again by its words, so that the ledger is saved
once before and once after all the rows of a device, not with each.  A write whose answer was lost is never repeated
before the table has been looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tapo_automate.errors import AuthRefused, DeviceError, PlanStale
from tapo_automate.rows import AutoOff, FoundRow, HoldsTables, PowerProtection, RowId, Table, TableName, id_of
from tapo_automate.sync.ledger import DeviceLedger, LedgerFile
from tapo_automate.sync.model import Change, Recorded
from tapo_automate.sync.rows import digest, in_words
from tapo_automate.sync.untouched import is_untouched

Shows: TypeAlias = Callable[[FoundRow], bool]
Send: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Written:
    """A row that was put.

    shows: as of `Writer.put`.  sent: its digest.  twice: sent twice, so that it may be there twice.
    """

    table: TableName
    row_id: str
    shows: Shows
    sent: str
    text: str
    twice: bool


@dataclass(frozen=True, slots=True)
class _Announced:
    """A change that is in the ledger before its time.

    replaced: what it took the place of.  ahead: what stands there.  record: what will, None for nothing.
    """

    replaced: tuple[Recorded, ...]
    ahead: tuple[Recorded, ...]
    record: Recorded | None


class Writer:
    """Writes to one device, and keeps its part of the ledger."""

    def __init__(
        self,
        device: HoldsTables,
        device_id: str,
        ledger: LedgerFile,
        hardware: str,
        tables: Mapping[TableName, Table],
        now: dt.datetime,
    ) -> None:
        """tables: as they were just read.  hardware: as of `DeviceLedger`."""
        self._device = device
        self._device_id = device_id
        self._ledger = ledger
        self._hardware = hardware
        self._now = now
        self._tables = dict(tables)
        self._fresh = set(tables)
        self._known = {name: _ids(table) for name, table in tables.items()}
        self.records = list(ledger.ledger.of(device_id).rows)
        self.written: list[Written] = []
        self.warnings: list[str] = []
        self._announced: dict[int, _Announced] = {}  # by the identity of the change
        self.uncertain = False  # whether a write was lost, and nobody knows what has come of it

    def record(self, row: Recorded) -> None:
        """Let a row be in the ledger with the next save, in place of what is there of the same row."""
        self.records = [each for each in self.records if not _same(each, row)] + [row]

    def forget(self, table: TableName, row_id: str, rules: Sequence[str] | None = None) -> None:
        """Take a row out of the ledger with the next save.  rules: only the one that carries out these."""
        self.records = [
            each
            for each in self.records
            if (each.table, each.row_id) != (table, row_id) or (rules is not None and set(each.rules) != set(rules))
        ]

    def found_again(self, attempt: Change, changes: Sequence[Change]) -> bool:
        """Give an attempt that was cut off before its id came the id of its row, if one of the changes is about that.

        It stays in the ledger until the change is made: a row that is forgotten first would be nobody's if this died.
        """
        for number, each in enumerate(self.records):
            if each.table != attempt.table or each.row_id or set(each.rules) != set(attempt.rules):
                continue
            for change in changes:
                same = change.before is not None and is_untouched(change.before, each, self._now)
                if same and not any((own.table, own.row_id) == (change.table, change.row_id) for own in self.records):
                    self.records[number] = replace(each, row_id=change.row_id)
                    return True
        return False

    def save(self) -> None:
        """Bring the ledger to the disk.  Raises LedgerUnusable."""
        self._ledger.replace(self._device_id, DeviceLedger(self._hardware, tuple(self.records)))

    def spoken_otherwise(self) -> None:
        """Say that the device was spoken to otherwise: what was read of its tables may have aged."""
        self._fresh.clear()

    def announce(self, changes: Sequence[tuple[Change, Recorded | None]]) -> None:
        """Record what is about to be written.

        changes: creates, updates and deletes, with what the ledger keeps of each row; None for one that is not ours.
        Raises LedgerUnusable.
        """
        for change, record in changes:
            replaced = tuple(each for each in self.records if self._gives_way(each, change, record))
            ahead: tuple[Recorded, ...] = ()
            if change.action == "delete":
                ahead = tuple(replace(each, phase="leaving") for each in replaced)
            elif record is not None:
                shown = "" if change.before is None else digest(change.before)  # until the write, that is what is ours
                ahead = (replace(record, row_id=change.row_id, shown=shown, phase="coming"),)
            self.records = [each for each in self.records if each not in replaced] + list(ahead)
            self._announced[id(change)] = _Announced(replaced, ahead, record)
        self.save()

    def abandon(self) -> None:
        """Take back what was announced and certainly not written.

        A row that was sent twice may be there twice, and nobody has looked: its first sending is recorded as coming.
        Raises LedgerUnusable.
        """
        for each in self._announced.values():
            self.records = [row for row in self.records if row not in each.ahead] + list(each.replaced)
        self._announced.clear()
        for double in [each for each in self.written if each.twice]:
            self.records += [
                replace(row, row_id="", phase="coming")
                for row in self.records
                if (row.table, row.row_id) == (double.table, double.row_id)
            ]
        self.save()

    def put(self, change: Change, row: FoundRow, send: Send, shows: Shows) -> None:
        """Add a row that was announced, or replace the one of the change's id, and keep its id.

        send: told the id to replace, or "", it writes the row and returns its id.
        shows: whether a row of the table is this one.  Raises PlanStale where the row that is replaced is not as it
        was planned, DeviceError.
        """
        self._still_as_planned([change])
        row_id, twice = self._surely(
            lambda: self._sent(send(change.row_id), change, row), lambda: self._found(change, shows), [change]
        )
        announced = self._announced.pop(id(change))
        self.records = [each for each in self.records if each not in announced.ahead]
        if row_id and not change.row_id:
            self._displace(change.table, row_id)
        if announced.record is not None:
            self.record(replace(announced.record, row_id=row_id, phase=""))
        self._known.setdefault(change.table, set()).add(row_id)
        sent_twice = twice and not change.row_id
        self.written.append(Written(change.table, row_id, shows, digest(row), in_words(row), sent_twice))

    def remove(self, table: TableName, changes: Sequence[Change]) -> None:
        """Remove rows of one table with one request; those that are gone already only leave the ledger.

        Raises as `put` does.
        """
        self._refresh(table)
        there = [each for each in changes if self._row(each) is not None]
        self._still_as_planned(there)
        row_ids = [each.row_id for each in there if each.row_id]

        def send() -> str:
            self._device.remove(table, row_ids)
            return ""

        if there:
            self._surely(send, lambda: self._gone(table, there), changes)
        for each in changes:
            ahead = self._announced.pop(id(each)).ahead
            self.records = [row for row in self.records if row not in ahead]
        self._known[table] = self._known.get(table, set()) - set(row_ids)

    def room(self, table: TableName) -> int:
        """Return how many rows a table takes, as far as is known; those that have been written count as taken."""
        most = self._tables[table].max_rows if table in self._tables else 0
        return most - len(self._known.get(table, ()))

    def verify(self, tables: Mapping[TableName, Table]) -> list[str]:
        """Compare tables that were read after the last write; return what is not as it was written, as sentences.

        The ledger then keeps how each row is shown.  A row that is there twice, because it was sent twice, is removed
        once.  Raises DeviceError.
        """
        self._tables, self._fresh = dict(tables), set(tables)
        faults = []
        for each in self.written:
            rows = tables[each.table].rows if each.table in tables else ()
            found = next((row for row in rows if id_of(row) == each.row_id), None)
            name = _named(each.table, each.row_id)
            if found is None:
                faults.append(f"{name} (“{each.text}”) was accepted and is not there")
                self._shown(each, None)
                continue
            if not each.shows(found):
                faults.append(f"{name} was written as “{each.text}” and reads “{in_words(found)}”")
            self._shown(each, found)
            if each.twice:
                self._remove_double(each, rows)
        return faults

    def put_to_sleep(self, names: Sequence[TableName]) -> None:
        """Let what was written into these tables carry out no rule: they are switched off as a whole."""
        places = {(each.table, each.row_id) for each in self.written if each.table in names}
        self.records = [
            replace(each, rules=dict.fromkeys(each.rules, ""), ignored=each.shown)
            if (each.table, each.row_id) in places and not each.phase
            else each
            for each in self.records
        ]

    def prune(self) -> None:
        """Forget attempts that left nothing behind on the device, as it was last read."""
        self.records = [
            each
            for each in self.records
            if each.phase != "coming"
            or each.row_id
            or any(is_untouched(row, each, self._now) for row in self._unrecorded(each.table))
        ]

    def _surely(
        self, act: Callable[[], str], came_of_it: Callable[[], str | None], changes: Sequence[Change]
    ) -> tuple[str, bool]:
        """Write; after a lost answer look, and write once more if nothing has come of it.

        Return the row's id, and whether it was sent twice.
        """
        self._fresh.clear()
        ahead = {id(each): self._announced[id(each)] for each in changes}
        twice = False
        while True:
            try:
                answer = act()
                break
            except DeviceError as error:
                if isinstance(error, AuthRefused) or not error.outcome_unknown:
                    raise
                for each in changes:  # they stay announced, whatever happens now
                    self._announced.pop(id(each), None)
                self.uncertain = True
                found = came_of_it()
                self.uncertain = False
                if found is not None:
                    answer = found
                    break
                if twice:
                    raise
                twice = True
        self._announced |= ahead
        return answer, twice

    def _gives_way(self, recorded: Recorded, change: Change, record: Recorded | None) -> bool:
        """Whether an entry of the ledger is replaced by what is announced."""
        if recorded.table != change.table or (record is None and change.action != "delete"):
            return False
        if change.action == "delete" or change.row_id or change.table in ("auto_off", "power_protection"):
            return recorded.row_id == change.row_id
        assert record is not None
        if not recorded.row_id:
            return recorded.wrote == record.wrote or set(recorded.rules) == set(record.rules)
        gone = recorded.row_id not in self._known.get(change.table, set())
        return gone and bool(set(recorded.rules) & set(record.rules))

    def _displace(self, table: TableName, row_id: str) -> None:
        """Take the id from entries whose row a person has removed: the device has given it to a new row."""
        self.records = [
            replace(each, row_id="") if (each.table, each.row_id) == (table, row_id) else each for each in self.records
        ]

    def _sent(self, answer: str, change: Change, row: FoundRow) -> str:
        """Return the id that the device gave, and remember what it warned of."""
        if isinstance(answer, RowId) and answer.conflict_id:
            clash = _named(change.table, answer.conflict_id)
            self.warnings.append(f"the device says that “{in_words(row)}” clashes with its {clash}; both are stored")
        return answer or change.row_id

    def _still_as_planned(self, changes: Sequence[Change]) -> None:
        """Look at rows that are about to be overwritten: people and devices are quicker than plans."""
        for each in changes:
            if each.before is None:
                continue
            self._refresh(each.table)
            found = self._row(each)
            if found is None or digest(found) != digest(each.before):
                raise PlanStale(self._device_id, f"{_named(each.table, each.row_id)} was changed by somebody else")

    def _refresh(self, table: TableName) -> None:
        if table not in self._fresh:
            self._look(table)

    def _look(self, table: TableName) -> None:
        self._tables[table] = self._device.table(table)
        self._fresh = {table}

    def _row(self, change: Change) -> FoundRow | None:
        """Return the row that a change is about, as it was last read; a neighbour that is switched off is none."""
        table = self._tables.get(change.table)
        rows = table.rows if table else ()
        found = next((row for row in rows if id_of(row) == change.row_id), None)
        return None if isinstance(found, AutoOff | PowerProtection) and not found.enabled else found

    def _found(self, change: Change, shows: Shows) -> str | None:
        """Look, and return the id of the row that a lost write was about, or None: it is not there."""
        self._look(change.table)
        known = self._known.get(change.table, set())
        for row in self._tables[change.table].rows:
            row_id = id_of(row)
            ours = row_id == change.row_id if change.row_id or not row_id else row_id not in known
            if ours and shows(row):
                return row_id
        return None

    def _gone(self, table: TableName, changes: Sequence[Change]) -> str | None:
        self._look(table)
        return "" if all(self._row(each) is None for each in changes) else None

    def _shown(self, written: Written, found: FoundRow | None) -> None:
        for number, each in enumerate(self.records):
            if (each.table, each.row_id) == (written.table, written.row_id):
                if found is None:
                    self.records[number] = replace(each, row_id="", phase="coming")
                elif each.shown == written.sent:  # a row that was restored as somebody had edited it stays so
                    self.records[number] = replace(each, shown=digest(found))

    def _remove_double(self, written: Written, rows: Sequence[FoundRow]) -> None:
        known = self._known.get(written.table, set())
        doubles = [id_of(row) for row in rows if written.shows(row) and id_of(row) not in known]
        if doubles:
            self._device.remove(written.table, doubles)
            self._look(written.table)

    def _unrecorded(self, table: TableName) -> list[FoundRow]:
        ours = {each.row_id for each in self.records if each.table == table}
        rows = self._tables[table].rows if table in self._tables else ()
        return [row for row in rows if id_of(row) not in ours]


def _ids(table: Table) -> set[str]:
    return {id_of(row) for row in table.rows if id_of(row)}


def _same(one: Recorded, other: Recorded) -> bool:
    """Whether two entries of the ledger are about the same row of a device."""
    if one.table != other.table or one.row_id != other.row_id:
        return False
    if one.row_id or one.table in ("auto_off", "power_protection"):
        return True
    return one.wrote == other.wrote or set(one.rules) == set(other.rules)


def _named(table: TableName, row_id: str) -> str:
    return f"{table} row {row_id}" if row_id else table
