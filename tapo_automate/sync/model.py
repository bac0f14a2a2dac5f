"""The words of the sync tool: where a rule belongs, what is to change, a plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tapo_automate.rows import FoundRow, Holdings, Row, TableName

Action: TypeAlias = Literal["create", "update", "delete", "adopt", "drift", "foreign"]


@dataclass(frozen=True, slots=True)
class OnDevice:
    """The device carries the rule out by this row.  key: digest of what the rule wants of it (`rows.key_of`)."""

    row: Row
    key: str


@dataclass(frozen=True, slots=True)
class InDaemon:
    """The daemon carries the rule out.  code: stable, "seconds", "condition", …  reason: half a sentence for people."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Nobody carries the rule out on this device: it says executor = "device" and cannot be there, or is switched off.

    failed: the rule was meant to be carried out.
    """

    code: str
    reason: str
    failed: bool = True


Placement: TypeAlias = OnDevice | InDaemon | Nowhere


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row that a device is to hold.

    rules: the ids of the rules it carries out, with their keys, sorted.  spent_at: as of `Recorded`, where it is known
    before the row is written.
    """

    row: Row
    rules: Mapping[str, str]
    spent_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """One row of ours, as the ledger has it.

    row_id: "" for a neighbour.  rules: rule id -> key, as of `Wanted`.  wrote: digest of the row that was wanted;
    shown: digest of the row as the device showed it afterwards, "" before it did; while a row is written over, of what
    was there before.  text: the row in words.  at: when it was written, UTC.
    phase: "" for good; "coming" while it is being written, "leaving" while it is being removed: whoever died on the way
    leaves that behind, and the row may be there or not.
    ignored: digest of what a person made of it, and was told to be left so; "gone" where it was removed by hand; "".
    spent_at: when a row that happens once has happened, UTC; None for one that repeats.
    """

    table: TableName
    row_id: str
    rules: Mapping[str, str]
    wrote: str
    shown: str
    text: str
    at: dt.datetime
    phase: Literal["", "coming", "leaving"] = ""
    ignored: str = ""
    spent_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a plan.

    create, update, delete: a write.  adopt: a row that is there already becomes ours, nothing is written; or, without
    `wanted` and `after`, a row of ours that is over or gone leaves the ledger (`forgets`); or, only without
    `after`, the ledger says anew for which rules a countdown was started that is gone.
    drift: ours, and changed or removed by hand; nothing is done until a person has chosen.  foreign: somebody else's,
    left alone and counted.  before: as found (of a drift: as we wrote it, where that is known).  after: as it will be
    (of a drift: as it is now, None for gone; of a foreign row None).
    wanted: what is recorded with the row afterwards; None for delete, foreign and drift of a rule that is no more.
    """

    action: Action
    table: TableName
    row_id: str
    rules: tuple[str, ...]
    before: FoundRow | None
    after: FoundRow | None
    text: str
    wanted: Wanted | None = None

    @property
    def writes(self) -> bool:
        """Whether the device is written to."""
        return self.action in ("create", "update", "delete")

    @property
    def forgets(self) -> bool:
        """Whether the ledger alone changes: the row of this table, id and rules is taken out of it."""
        return self.action == "adopt" and self.wanted is None


@dataclass(frozen=True, slots=True)
class Quota:
    """The places of one table.  used = foreign + ours, now; after: how many are taken once the plan is carried out."""

    max: int
    used: int
    foreign: int
    ours: int
    after: int


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What is to change on one device.

    basis: digest of all that was read of its tables, clock zone and switches; "" where it could not be read.
    daemon, nowhere: rule id -> why.  fix_clock: the clock is to be set first.  error: why there is no plan for it.
    keys: rule id -> what each rule for this device said when the plan was made, as `planfile.stale_rules` compares it.
    """

    device: str
    basis: str
    changes: tuple[Change, ...] = ()
    quota: Mapping[TableName, Quota] = field(default_factory=dict)
    daemon: Mapping[str, InDaemon] = field(default_factory=dict)
    nowhere: Mapping[str, Nowhere] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    fix_clock: bool = False
    error: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether the device is written to."""
        return self.fix_clock or any(change.writes for change in self.changes)

    @property
    def pending(self) -> bool:
        """Whether there is anything for `apply` or for a person to do."""
        return self.fix_clock or any(change.action != "foreign" for change in self.changes)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to change, device by device, in the order of the rule book.  made_at: aware, UTC."""

    devices: tuple[DevicePlan, ...]
    made_at: dt.datetime

    @property
    def pending(self) -> bool:
        """Whether there is anything for `apply` or for a person to do."""
        return any(each.pending for each in self.devices)

    @property
    def neglects(self) -> bool:
        """Whether it leaves a rule, on some device, that is to be carried out and that nobody carries out."""
        return any(nowhere.failed for each in self.devices for nowhere in each.nowhere.values())


@dataclass(frozen=True, slots=True)
class Reading:
    """A device's holdings and when they were asked for: aware, UTC, halfway between question and answer."""

    holdings: Holdings
    at: dt.datetime
