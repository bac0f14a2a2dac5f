"""The words that the sync tool and drivers share: the tables inside a device, their rows, and what surrounds them.

A row is equal to another that does the same; the id that a device has given it, and what the device computes for
itself, do not count.  Days are numbered from Monday = 0, as everywhere but on the wire.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from tapo_automate.device import Description, Setting

TableName: TypeAlias = Literal["schedule", "countdown", "antitheft", "auto_off", "power_protection"]
TABLES: tuple[TableName, ...] = ("schedule", "countdown", "antitheft", "auto_off", "power_protection")
"""The three tables, and their two neighbours, which hold one row without an id that is there for good."""

Anchor: TypeAlias = Literal["midnight", "sunrise", "sunset"]
EVERY_DAY: frozenset[int] = frozenset(range(7))
MOST_SUN_OFFSET_MIN = 360


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of the device's local day: minutes after midnight (0 to 1439), or signed from the sun (-360 to 360)."""

    anchor: Anchor
    offset_min: int


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """At this moment of these days, set this.

    setting: says whether the device is on, always; with a transition only where `Holdings.row_transitions`.
    repeats: False for the next time that the moment comes; `days` is empty then.
    id: the device's, "" before it has one.  next_day, minute: as the device has computed them, where it says so.
    own: the row in the device's own words, as it was read.
    """

    at: Moment
    setting: Setting
    days: frozenset[int] = EVERY_DAY
    repeats: bool = True
    enabled: bool = True
    id: str = field(default="", compare=False)
    next_day: dt.date | None = field(default=None, compare=False)
    minute: int | None = field(default=None, compare=False)
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CountdownRow:
    """In delay_s (1 to 86,400), set this, once.

    enabled: it runs; one that ran out or was stopped stays in the table.  left_s: 0 where it does not run.
    """

    delay_s: int
    setting: Setting
    enabled: bool = True
    id: str = field(default="", compare=False)
    left_s: int = field(default=0, compare=False)
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AntitheftRow:
    """Switch at random from `start` to `end`, over midnight where the end comes first.

    days: on which it starts; empty for the next time only, where repeats is False.
    frequency_min: minutes between two switchings; the phone app always writes 5.
    """

    start: Moment
    end: Moment
    days: frozenset[int] = EVERY_DAY
    repeats: bool = True
    frequency_min: int = 5
    enabled: bool = True
    id: str = field(default="", compare=False)
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AutoOff:
    """Turn off so many minutes after the device was turned on, by whomever.  A neighbour: it has no id."""

    delay_min: int
    enabled: bool = True
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PowerProtection:
    """Turn off when the load is above so many watts, and stay off until turned on again.  A neighbour: it has no id."""

    limit_w: int
    enabled: bool = True
    own: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OpaqueRow:
    """A row that cannot be read, of a newer app: it takes a place and is left alone.

    why: half a sentence.  own: as it was read, without what the device computes anew; it makes rows differ.
    plain: what it would be without the words that are not known; None where it cannot be read for another reason.
    """

    table: TableName
    why: str
    own: Mapping[str, Any] = field(repr=False)
    id: str = field(default="", compare=False)
    plain: Row | None = field(default=None, compare=False, repr=False)


Row: TypeAlias = ScheduleRow | CountdownRow | AntitheftRow | AutoOff | PowerProtection
FoundRow: TypeAlias = Row | OpaqueRow


def table_of(row: FoundRow) -> TableName:
    """Return the table that holds such rows."""
    match row:
        case OpaqueRow(table=table):
            return table
        case ScheduleRow():
            return "schedule"
        case CountdownRow():
            return "countdown"
        case AntitheftRow():
            return "antitheft"
        case AutoOff():
            return "auto_off"
        case PowerProtection():
            return "power_protection"


def id_of(row: FoundRow) -> str:
    """Return the id that the device gave a row, "" for none."""
    return "" if isinstance(row, AutoOff | PowerProtection) else row.id


class RowId(str):
    """An id as `put` may return it.

    conflict_id: of the row that the device says the new one clashes with, although it has stored it; "" for none.
    """

    def __new__(cls, row_id: str, conflict_id: str = "") -> RowId:
        made = super().__new__(cls, row_id)
        made.conflict_id = conflict_id
        return made

    conflict_id: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table as it was read.

    max_rows: how many it holds, disabled ones included.  enabled: the table's own switch as the device tells it, which
    is off on an empty table too; of neighbours always True.  rows: in the device's order; a neighbour that is switched
    off and was never set has none.
    """

    max_rows: int
    rows: tuple[FoundRow, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class OwnClock:
    """A device's idea of the time.

    at: the instant that it believes in, UTC.  region: IANA name of its zone, "" for none.
    standard_offset_min: minutes east of UTC without daylight saving, None where it does not say.
    """

    at: dt.datetime
    region: str
    standard_offset_min: int | None


@dataclass(frozen=True, slots=True)
class NextEvent:
    """What a device says it will do next of its own accord.  at: UTC.  row_id: "" where it names no row."""

    at: dt.datetime
    row_id: str
    setting: Setting | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that bears on a device's tables, as it was read.

    tables: those that it has; neighbours included.  clock: None where it does not say.
    position: degrees north and east, None where it has none, so that its sun is made up.
    local_time: its schedule runs in the local time of its zone.  row_transitions: a schedule row may have a transition.
    versions: component -> version.  next_event: None for nothing to come, and where it does not say (`announces`).
    max_power_w: what it is built for.
    """

    description: Description
    tables: Mapping[TableName, Table]
    clock: OwnClock | None = None
    position: tuple[float, float] | None = field(default=None, repr=False)
    local_time: bool = True
    row_transitions: bool = False
    versions: Mapping[str, int] = field(default_factory=dict)
    next_event: NextEvent | None = None
    max_power_w: float | None = None
    announces: bool = True


@runtime_checkable
class HoldsTables(Protocol):
    """What a device may offer beside `Device`: tables of its own that carry rows out while nobody is there.

    Every method asks the device and raises a DeviceError for what the world does.  Writing is not repeated by itself:
    an error with `outcome_unknown` may have been carried out, and whoever writes looks before writing again.
    """

    def holdings(self) -> Holdings:
        """Return all of it, read anew, with as few requests as the device allows."""

    def table(self, name: TableName) -> Table:
        """Return one table, read anew.  Raises Unsupported where the device has none."""

    def next_event(self) -> NextEvent | None:
        """Return what the device will do next of its own accord."""

    def put(self, row: Row, row_id: str = "") -> str:
        """Add a row, or replace the one of this id; return its id ("" for a neighbour), which may be a `RowId`.

        Raises Refused (full, in conflict, unknown id), BadSetting, Unsupported.
        """

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        """Like `put`, in the very words in which the row was once read (`own`), which may say more than we understand.

        own: as `holdings` gave it, or as it came back from JSON.
        """

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        """Remove rows; no error for one that is not there.  A neighbour is switched off; row_ids is empty then."""

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        """Set the device's clock and zone.  at: aware.  standard_offset_min: minutes east of UTC in winter time."""
