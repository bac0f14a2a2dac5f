"""A backup onto its device: rows equal to those of the backup in the device's own words.

What cannot come back: ids, which the device gives; dates and minutes, which it computes; and events.  A countdown that
ran, and a row that was to happen once and whose time is over, are not started again at another time.

Rows of nobody's that the backup does not have are left, unless `foreign` lets them go.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tapo_automate.device import Setting
from tapo_automate.errors import DeviceError, PlanStale, PlanUnsafe, SyncError
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    HoldsTables,
    PowerProtection,
    ScheduleRow,
    Table,
    TableName,
    id_of,
)
from tapo_automate.rules.model import Site
from tapo_automate.sync.apply import Applied, Run, Told, in_order, same_device
from tapo_automate.sync.backup import Backup, Backups
from tapo_automate.sync.ledger import DeviceLedger, LedgerFile, hardware_digest
from tapo_automate.sync.model import Action, Change, DevicePlan, Reading, Recorded
from tapo_automate.sync.plan import basis_of
from tapo_automate.sync.rows import digest, in_words
from tapo_automate.sync.upcoming import next_instant
from tapo_automate.sync.writing import Writer

_COMPUTED = frozenset({"id", "year", "month", "day", "remain"})
_NOTHING: tuple[object, ...] = (None, False, 0, "", "none", {}, [])


@dataclass(frozen=True, slots=True)
class Restored:
    """One line of a restoration.  record: what the ledger keeps of the row, None for one that is not ours."""

    change: Change
    record: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Restoration:
    """What a backup changes on its device.

    plan: to be shown; `after` of a create or an update is the row of the backup, its warnings say what stays away.
    lines: what is written.  again_ours: rows that are there, were ours, and that the ledger has lost.
    """

    plan: DevicePlan
    lines: tuple[Restored, ...]
    again_ours: tuple[Recorded, ...]

    @property
    def pending(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.lines or self.again_ours)


def plan_restore(
    backup: Backup, device_id: str, reading: Reading, ledger: DeviceLedger, site: Site, *, foreign: bool = False
) -> Restoration:
    """Return what brings a device's tables back to a backup.

    foreign: rows that are nobody's and not in the backup may go, too.  Raises PlanUnsafe where rows of the backup find
    no place without that.
    """
    lines: list[Restored] = []
    others: list[Change] = []
    again: list[Recorded] = []
    warnings = []
    if backup.hardware not in ("", hardware_digest(reading.holdings.description.hardware_id)):
        warnings.append("the backup is of another device, which stood here before")
    for name, rows in backup.tables.items():
        if name == "countdown":
            warnings += [
                f"“{in_words(row)}” ran when the backup was made, and is not started again: it is an event"
                for row in rows
                if isinstance(row, CountdownRow) and row.enabled
            ]
            continue
        table = reading.holdings.tables.get(name)
        if table is None:
            warnings += [f"“{in_words(row)}” stays away: the device has no {name} now" for row in rows]
            continue
        one = _OneTable(name, table, rows, backup, ledger, foreign=foreign)
        warnings += one.skip_what_is_over(site, reading.at)
        lines += one.lines()
        others += one.left()
        again += one.again_ours()
        one.check_room(device_id)
    changes = (*(line.change for line in lines), *others)
    plan = DevicePlan(device_id, basis_of(reading.holdings), changes, warnings=tuple(warnings))
    return Restoration(plan, tuple(lines), tuple(again))


def restore_device(
    device: HoldsTables,
    restoration: Restoration,
    *,
    ledger: LedgerFile,
    backups: Backups,
    now: dt.datetime,
    told: Told,
) -> Applied:
    """Bring the rows of a backup back, after a backup of what they replace; raises as `apply_device` does.

    A restoration that was interrupted is taken up by planning it again: what is there already is not written twice.
    """
    plan = restoration.plan
    if not restoration.pending:
        return Applied()
    ledger.check_writable()
    holdings = device.holdings()
    same_device(plan.device, holdings, ledger)
    if basis_of(holdings) != plan.basis:
        raise PlanStale(plan.device, "its tables, its switches or its clock's zone changed")
    if restoration.lines:
        backups.save(plan.device, holdings, now, ledger.ledger.of(plan.device).rows)
    hardware = hardware_digest(holdings.description.hardware_id)
    writer = Writer(device, plan.device, ledger, hardware, holdings.tables, now)
    run = Run(plan.device, [line.change for line in restoration.lines])
    announced = [
        (line.change, None if line.record is None else replace(line.record, at=now)) for line in restoration.lines
    ]

    def put(change: Change) -> None:
        row = change.after
        assert row is not None
        writer.put(
            change,
            row,
            lambda row_id: device.put_back(row, row_id),
            lambda found: same_words(found, row),
        )

    try:
        for record in restoration.again_ours:
            writer.record(record)
        writer.prune()
        writer.announce(announced)
        in_order(writer, run, plan.changes, put, told)
        if restoration.lines:
            faults = writer.verify(device.holdings().tables)
            if faults:
                raise SyncError(f"read back, {'; '.join(faults)}")
        writer.save()
        return run.applied(writer.warnings)
    except (DeviceError, SyncError) as error:
        run.stopped(error, writer)
        raise


def same_words(one: FoundRow, other: FoundRow) -> bool:
    """Whether two rows are the same in the device's own words, but for the id and what the device computes.

    What says nothing may be there or not: a newer firmware adds values to the rows that it is given back.
    """
    return _words(one) == _words(other)


def _words(row: FoundRow) -> str:
    computed = set(_COMPUTED)
    match row:
        case ScheduleRow(at=at) if at.anchor != "midnight":
            computed.add("s_min")
        case AntitheftRow(start=start, end=end):
            computed |= {word for word, edge in (("start_min", start), ("end_min", end)) if edge.anchor != "midnight"}
    lasting = _saying({name: value for name, value in row.own.items() if name not in computed})
    return json.dumps(lasting, sort_keys=True) if lasting else digest(row)


def _saying(words: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: _saying(value) if isinstance(value, Mapping) else value for name, value in words.items()}
    return {name: value for name, value in found.items() if value not in _NOTHING}


class _OneTable:
    """One table of a backup, against the same table now."""

    def __init__(
        self,
        name: TableName,
        table: Table,
        rows: Sequence[FoundRow],
        backup: Backup,
        ledger: DeviceLedger,
        *,
        foreign: bool,
    ) -> None:
        self._name = name
        self._table = table
        self._backup = backup
        self._ours = {each.row_id: each for each in ledger.rows if each.table == name}
        self._foreign = foreign
        self._kept: list[tuple[FoundRow, FoundRow]] = []
        self._missing = list(rows)
        self._surplus = list(table.rows)
        for same_id in (True, False):
            for row in list(self._missing):
                for found in self._surplus:
                    if same_words(row, found) and (not same_id or id_of(row) == id_of(found)):
                        self._kept.append((row, found))
                        self._paired(row, found)
                        break
        self._in_place: list[tuple[FoundRow, FoundRow]] = []
        for row in list(self._missing):
            for found in self._surplus:
                if id_of(found) == id_of(row) and self._may_go(found):
                    self._in_place.append((row, found))
                    self._paired(row, found)
                    break

    def _paired(self, row: FoundRow, found: FoundRow) -> None:
        # Not by equality: rows of different ids may be equal.
        self._missing = [each for each in self._missing if each is not row]
        self._surplus = [each for each in self._surplus if each is not found]

    def skip_what_is_over(self, site: Site, now: dt.datetime) -> Iterator[str]:
        """Leave out rows that would happen at another time than they were made for; say so."""
        replaced = {id(row): found for row, found in self._in_place}
        for row in [*self._missing, *(row for row, _ in self._in_place)]:
            due = _once_at(row, site, self._backup.at)
            if due is None or due > now:
                continue
            yield f"“{in_words(row)}” stays away: its time was {due.astimezone(site.timezone):%Y-%m-%d %H:%M}"
            if id(row) in replaced:
                self._surplus.append(replaced[id(row)])
        self._missing = [row for row in self._missing if not _over(row, site, self._backup.at, now)]
        self._in_place = [pair for pair in self._in_place if not _over(pair[0], site, self._backup.at, now)]

    def lines(self) -> Iterator[Restored]:
        """Yield what is to be written."""
        for row, found in self._in_place:
            text = f"{in_words(found)}, back to {in_words(row)}"
            off = isinstance(found, AutoOff | PowerProtection) and not found.enabled
            action: Action = "create" if off else "update"
            before = None if off else found
            record = self._record(row, self._ours.get(id_of(found)))
            yield Restored(Change(action, self._name, id_of(found), _rules(record), before, row, text), record)
        for row in self._missing:
            if not (isinstance(row, AutoOff | PowerProtection) and self._surplus):
                record = self._record(row, None)
                yield Restored(Change("create", self._name, "", _rules(record), None, row, in_words(row)), record)
        for found in self._surplus:
            if self._may_go(found) and _counts(found):
                ours = self._ours.get(id_of(found))
                change = Change("delete", self._name, id_of(found), _rules(ours), found, None, in_words(found))
                yield Restored(change)

    def left(self) -> Iterator[Change]:
        """Yield the rows that are neither ours nor in the backup, and stay."""
        for found in self._surplus:
            if not self._may_go(found) and _counts(found):
                yield Change("foreign", self._name, id_of(found), (), found, None, in_words(found))

    def again_ours(self) -> Iterator[Recorded]:
        """Yield what the ledger has lost, or never came to know, of rows that are as in the backup."""
        for row, found in self._kept:
            recorded = self._backup.recorded.get((self._name, id_of(row)))
            now = self._ours.get(id_of(found))
            if recorded is not None and (now is None or now.phase):
                yield replace(recorded, row_id=id_of(found))

    def check_room(self, device_id: str) -> None:
        """Raise PlanUnsafe where somebody else's rows take the places of rows of the backup."""
        stay = [found for found in self._surplus if not self._may_go(found) and _counts(found)]
        held = len(self._kept) + len(self._in_place) + len(self._missing) + len(stay)
        if stay and self._missing and held > self._table.max_rows:
            why = (
                f"{device_id}: {self._name} has {self._table.max_rows} places, and the backup needs "
                f"{held - self._table.max_rows} that rows have taken which are not in it and not ours "
                f"({'; '.join(in_words(row) for row in stay)})"
            )
            raise PlanUnsafe((("--allow-foreign", why),))

    def _may_go(self, found: FoundRow) -> bool:
        off = isinstance(found, AutoOff | PowerProtection) and not found.enabled
        return self._foreign or off or id_of(found) in self._ours

    def _record(self, row: FoundRow, now: Recorded | None) -> Recorded | None:
        """Return what the ledger keeps of a row that is brought back.

        One that the backup does not know as ours, and that takes the place of one of ours, stays ours: but what its
        rules want of it is not known to be there, so that the daemon goes on carrying them out.
        """
        then = self._backup.recorded.get((self._name, id_of(row)))
        if then is not None or now is None:
            return then
        words = digest(row)
        return replace(now, rules=dict.fromkeys(now.rules, ""), wrote=words, shown=words, text=in_words(row))


def _counts(found: FoundRow) -> bool:
    return not isinstance(found, AutoOff | PowerProtection) or found.enabled


def _rules(record: Recorded | None) -> tuple[str, ...]:
    return () if record is None else tuple(sorted(record.rules))


def _over(row: FoundRow, site: Site, then: dt.datetime, now: dt.datetime) -> bool:
    due = _once_at(row, site, then)
    return due is not None and due <= now


def _once_at(row: FoundRow, site: Site, then: dt.datetime) -> dt.datetime | None:
    """Return when a row of a backup of `then` was to happen, None for one that repeats or is switched off."""
    if not isinstance(row, ScheduleRow | AntitheftRow) or row.repeats or not row.enabled:
        return None
    if isinstance(row, ScheduleRow):
        return next_instant(row, site, then)
    return next_instant(ScheduleRow(row.start, Setting(on=True)), site, then)
