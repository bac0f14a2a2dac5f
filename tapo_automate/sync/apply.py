"""A plan onto one device: looked at again, backed up, written row by row, read back, compared with what it announces.

Whatever goes wrong leaves the rows that were written written, and recorded: the next plan begins where this one ended.
A plan without a write and without an adoption touches neither device nor disk.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tapo_automate.errors import ApplyIncomplete, AuthRefused, DeviceError, LedgerUnusable, PlanStale, SyncError
from tapo_automate.rows import TABLES, CountdownRow, FoundRow, Holdings, HoldsTables, Row, TableName, id_of, table_of
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.difference import runs
from tapo_automate.sync.ledger import LedgerFile, hardware_digest
from tapo_automate.sync.model import Change, DevicePlan, Recorded, Wanted
from tapo_automate.sync.place import TABLE_WORDS
from tapo_automate.sync.plan import basis_of
from tapo_automate.sync.planfile import stale_rules
from tapo_automate.sync.rows import digest, in_words, matches
from tapo_automate.sync.trust import switched_off
from tapo_automate.sync.upcoming import event_doubt
from tapo_automate.sync.writing import Writer

_CLOCK = "set its clock"
_SWITCHED: tuple[TableName, ...] = ("schedule", "antitheft")  # those that have a switch as a whole
SOONEST = dt.timedelta(minutes=2)
LATE = dt.timedelta(seconds=1)  # of a clock that has just been set
"""How far ahead a row that happens once must lie: device clocks may be a minute out, and applying takes time."""

Told: TypeAlias = Callable[[Change, str], None]
"""Is told of each change that is carried out: "begun", then "done"."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a plan.  done: the lines of it that were carried out.  warnings: as sentences."""

    done: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def apply_device(
    device: HoldsTables,
    plan: DevicePlan,
    *,
    book: RuleBook,
    ledger: LedgerFile,
    backups: Backups,
    now: dt.datetime,
    told: Told,
    clock: Callable[[], dt.datetime] | None = None,
) -> Applied:
    """Carry a plan out; whoever calls holds the ledger's lock.

    now: aware, UTC.  clock: asked at the moment at which the device's clock is set; without it that is `now`.
    Raises PlanStale, SyncError or DeviceError while nothing has been changed on the device, ApplyIncomplete afterwards,
    from the error that stopped it.
    """
    adoptions = [change for change in plan.changes if change.action == "adopt"]
    if not plan.writes and not adoptions:
        return Applied()
    stale = stale_rules(plan, book)
    if stale:
        raise PlanStale(plan.device, f"{_listed(stale)} changed")
    _not_too_late(plan, now)
    ledger.check_writable()
    holdings = device.holdings()
    same_device(plan.device, holdings, ledger)
    if basis_of(holdings) != plan.basis:
        raise PlanStale(plan.device, "its tables, its switches or its clock's zone changed")
    _same_countdown(plan, holdings)
    if plan.writes:
        backups.save(plan.device, holdings, now, ledger.ledger.of(plan.device).rows)
    hardware = hardware_digest(holdings.description.hardware_id)
    writer = Writer(device, plan.device, ledger, hardware, holdings.tables, now)
    run = Run(plan.device, plan.changes, fix_clock=plan.fix_clock)
    try:
        for change in adoptions:
            _adopt(writer, change, plan, now)
        writer.prune()
        if adoptions:
            writer.save()
        for change in adoptions:
            run.done(change, told)
        if plan.fix_clock:
            set_clock(device, book, clock or (lambda: now))
            writer.spoken_otherwise()
            run.clock_set()
        writer.announce(
            [
                (each, None if each.wanted is None else recorded_as(each.wanted, each.row_id, each.wanted.row, now))
                for each in plan.changes
                if each.writes
            ]
        )
        in_order(writer, run, plan.changes, _put(device, writer), told)
        return run.applied(_read_back(device, writer, book, now) if plan.writes else ())
    except (DeviceError, SyncError) as error:
        run.stopped(error, writer)
        raise


class Run:
    """How far a plan has come."""

    def __init__(self, device_id: str, changes: Sequence[Change], *, fix_clock: bool = False) -> None:
        self._device_id = device_id
        self._left = [change for change in changes if change.writes or change.action == "adopt"]
        self._clock_left = fix_clock
        self._done: list[str] = []
        self._wrote = False

    def done(self, change: Change, told: Told) -> None:
        """Note that a change has been carried out."""
        self._left.remove(change)
        self._done.append(change.text)
        self._wrote = self._wrote or change.writes
        told(change, "done")

    def clock_set(self) -> None:
        """Note that the device's clock has been set."""
        self._clock_left = False
        self._wrote = True
        self._done.append(_CLOCK)

    def applied(self, warnings: Sequence[str]) -> Applied:
        """Return what to tell of a run that went to its end."""
        return Applied(tuple(self._done), tuple(warnings))

    def stopped(self, error: DeviceError | SyncError, writer: Writer) -> None:
        """Record how far it came.  Raises ApplyIncomplete from the error, if anything may have been written."""
        with contextlib.suppress(LedgerUnusable):  # then the rows are still recorded as coming
            writer.abandon()
        if self._wrote or writer.uncertain:
            left = ((_CLOCK,) if self._clock_left else ()) + tuple(change.text for change in self._left)
            cause = str(error).removeprefix(f"{self._device_id}: ")
            raise ApplyIncomplete(self._device_id, tuple(self._done), left, cause) from error


def same_device(device_id: str, holdings: Holdings, ledger: LedgerFile) -> None:
    """Raise SyncError if the ledger's rows were written to another device than the one that answers now."""
    recorded = ledger.ledger.of(device_id)
    if recorded.rows and recorded.hardware not in ("", hardware_digest(holdings.description.hardware_id)):
        raise SyncError(
            f"{device_id}: another device than the one that our {_counted(len(recorded.rows))} written to answers "
            f"there now; if it was replaced, `sync refresh --device {device_id}` begins its part of the ledger anew"
        )


def set_clock(device: HoldsTables, book: RuleBook, clock: Callable[[], dt.datetime]) -> None:
    """Set a device's clock by this one, and its zone to the site's.  Raises DeviceError."""
    zone, at = book.site.timezone, clock()
    winter_and_summer = (at + dt.timedelta(days=number) for number in range(0, 365, 7))
    offsets = [each.astimezone(zone).utcoffset() or dt.timedelta() for each in winter_and_summer]
    standard_offset_min = int(min(offsets).total_seconds() // 60)
    try:
        device.set_clock(at, zone.key, standard_offset_min)
    except DeviceError as error:
        if isinstance(error, AuthRefused) or not error.outcome_unknown:
            raise
        device.set_clock(clock(), zone.key, standard_offset_min)  # absolute: once more does no harm
    else:
        if clock() - at > LATE:  # it was busy, and has been told what time it was when that began
            device.set_clock(clock(), zone.key, standard_offset_min)


def _not_too_late(plan: DevicePlan, now: dt.datetime) -> None:
    for change in plan.changes:
        due = change.wanted.spent_at if change.wanted else None
        written = change.action in ("create", "update") and change.table == "schedule"
        if written and due is not None and due - now < SOONEST:
            raise PlanStale(plan.device, f"“{change.text}” has come too near, or is over,")


def _same_countdown(plan: DevicePlan, holdings: Holdings) -> None:
    """Raise PlanStale if a countdown that the plan is about has run off, or another one was started."""
    changes = [each for each in plan.changes if each.table == "countdown" and (each.writes or each.action == "adopt")]
    leaving = {change.row_id for change in changes if change.action == "delete"}
    rows = holdings.tables["countdown"].rows if "countdown" in holdings.tables else ()
    for change in changes:
        if change.action == "adopt" and change.after is None:
            continue  # the ledger alone changes
        planned = change.after if change.action == "adopt" else change.before
        if planned is None:
            same = not any(runs(row) for row in rows if id_of(row) not in leaving)
        else:
            same = any(id_of(row) == change.row_id and digest(row) == digest(planned) for row in rows)
        if not same:
            raise PlanStale(plan.device, "its countdown changed")


def _adopt(writer: Writer, change: Change, plan: DevicePlan, now: dt.datetime) -> None:
    if change.wanted is None:
        found = [
            each for each in plan.changes if each.writes and each.table == change.table and each.before is not None
        ]
        if change.row_id or not writer.found_again(change, found):
            writer.forget(change.table, change.row_id, change.rules)
        return
    writer.record(adopted_as(change, change.wanted, writer.records, now))


def adopted_as(change: Change, wanted: Wanted, records: Sequence[Recorded], now: dt.datetime) -> Recorded:
    """Return what the ledger keeps of an adopted row.  wanted: the change's own.  records: what it has by now."""
    record = recorded_as(wanted, change.row_id, change.after or wanted.row, now)
    if change.table == "countdown":  # an event: it was started when it was started
        started = [each for each in records if each.table == "countdown" and set(each.rules) & set(record.rules)]
        record = replace(record, at=started[0].at, spent_at=started[0].spent_at) if started else record
    return record


def recorded_as(wanted: Wanted, row_id: str, shown: FoundRow, now: dt.datetime) -> Recorded:
    """Return what the ledger keeps of a row that is on the device.  shown: as the device shows it.

    Without a key for any of its rules it is asleep, in a table that is switched off: it stays, as if it were ignored.
    """
    row, spent_at = wanted.row, wanted.spent_at
    if isinstance(row, CountdownRow) and spent_at is None:
        left_s = shown.left_s if isinstance(shown, CountdownRow) else 0  # one that was found has run for a while
        spent_at = now + dt.timedelta(seconds=left_s or row.delay_s)
    return Recorded(
        table=table_of(row),
        row_id=row_id,
        rules=wanted.rules,
        wrote=digest(row),
        shown=digest(shown),
        text=in_words(row),
        at=now,
        ignored="" if any(wanted.rules.values()) else digest(shown),
        spent_at=spent_at,
    )


def in_order(writer: Writer, run: Run, changes: Sequence[Change], put: Callable[[Change], None], told: Told) -> None:
    """Change rows in place, add while there are places, remove, then add what had to wait: make before break.

    put: carries out a create or an update.
    """

    def carry_out(change: Change) -> None:
        told(change, "begun")
        put(change)
        run.done(change, told)

    waiting = []
    for change in changes:
        if change.action == "update":
            carry_out(change)
    for change in changes:
        if change.action == "create" and writer.room(change.table) > 0:
            carry_out(change)
        elif change.action == "create":
            waiting.append(change)
    for table in TABLES:
        deletes = [change for change in changes if change.action == "delete" and change.table == table]
        for change in deletes:
            told(change, "begun")
        if deletes:
            writer.remove(table, deletes)
        for change in deletes:
            run.done(change, told)
    for change in waiting:
        carry_out(change)


def _put(device: HoldsTables, writer: Writer) -> Callable[[Change], None]:
    def put(change: Change) -> None:
        wanted = change.wanted
        assert wanted is not None
        writer.put(
            change,
            wanted.row,
            lambda row_id: device.put(wanted.row, row_id),
            lambda found: _shows(found, wanted.row),
        )

    return put


def _shows(found: FoundRow, wanted: Row) -> bool:
    """Whether a row of the device is what was written; a countdown may be over before anybody looks."""
    if isinstance(found, CountdownRow) and isinstance(wanted, CountdownRow):
        found = replace(found, enabled=wanted.enabled)
    return matches(found, wanted)


def _read_back(device: HoldsTables, writer: Writer, book: RuleBook, now: dt.datetime) -> list[str]:
    """Return warnings.  Raises SyncError for what is not as it was written."""
    holdings = device.holdings()
    faults = writer.verify(holdings.tables)
    asleep = [name for name, table in holdings.tables.items() if name in _SWITCHED and switched_off(name, table)]
    writer.put_to_sleep(asleep)
    writer.prune()
    writer.save()
    if faults:
        raise SyncError(f"read back, {'; '.join(faults)}")
    ours = {
        each.row_id: each.text
        for each in writer.records
        if each.table == "schedule" and not (each.phase or each.ignored)
    }
    doubt = event_doubt(holdings, book.site, now, ours)
    writer.warnings += [
        f"its {TABLE_WORDS[name]} is switched off as a whole: what was written there sleeps, and the daemon carries it "
        "out, until it is switched on in the Tapo app"
        for name in asleep
    ]
    return [*writer.warnings, *([f"{doubt}: look at its clock and zone with `doctor`"] if doubt else [])]


def _listed(rules: Sequence[str]) -> str:
    return f"rule {rules[0]}" if len(rules) == 1 else f"the rules {', '.join(rules)}"


def _counted(rows: int) -> str:
    return "row was" if rows == 1 else f"{rows} rows were"
