"""The schedule table of a device: its rows, when each fires next, and what it tells of them.

This file knows no clock: instants are Unix seconds as the device believes them.  Rows are kept in the words of
docs/protocol.md, 7.3, with desired_states whatever the firmware's words.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tapo_automate.simulator.recurrence import (
    EVERY_DAY,
    KINDS,
    Moment,
    Place,
    falls_on,
    following,
    midnight_after,
    minute_on,
    moment_of,
)

Row = dict[str, Any]


@dataclass(slots=True)
class Entry:
    """One row.  moment: None where the row is not one of a plug or a lamp: it is kept and told, and never fires.

    spent_on: the day on which a row that happens once has fired.
    """

    row: Row
    moment: Moment | None
    spent_on: date | None = None
    _due: float | None = None
    _is_armed: bool = False

    @property
    def days(self) -> int:
        return EVERY_DAY if self.row["mode"] == "once" else int(self.row["week_day"])

    def due(self, at: float, place: Place) -> float | None:
        """Return when it comes round next, enabled or not: what was found out at an earlier instant still holds."""
        if not self._is_armed:
            self._due = None if self.moment is None else following(self.moment, self.days, at, place)
            self._is_armed = True
        return self._due

    def rearm(self) -> None:
        self._is_armed = False


@dataclass
class Timetable:
    """The rows by their number.  switched_on: the master switch of the table."""

    switched_on: bool = True
    entries: list[Entry] = field(default_factory=list)
    last_number: int = 0

    def __post_init__(self) -> None:
        self._next: tuple[float, Entry] | None = None
        self._next_known = False
        self._told: list[Row] | None = None
        self._told_from = self._told_until = 0.0

    def find(self, number: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.row["id"] == number), None)

    def free_id(self, habit: str) -> str:
        """Return the id that the next row gets: the lowest that is free, or one that no row has had."""
        taken = {_number(entry.row["id"]) for entry in self.entries}
        number = self.last_number + 1
        if habit == "lowest":
            number = next(number for number in range(1, len(taken) + 2) if number not in taken)
        return f"S{number}"

    def put(self, row: Row) -> None:
        """Store a checked row, in the place of the one with its id if there is one; it is armed from now on."""
        self.entries = [entry for entry in self.entries if entry.row["id"] != row["id"]]
        self.entries.append(Entry(row, moment_of(row)))
        self.entries.sort(key=lambda entry: _number(entry.row["id"]))
        self.last_number = max(self.last_number, _number(row["id"]))
        self._changed()

    def remove(self, ids: Iterable[str]) -> None:
        gone = set(ids)
        self.entries = [entry for entry in self.entries if entry.row["id"] not in gone]
        self._changed()

    def rearm(self) -> None:
        """Compute all anew: the clock, the place or the switch has changed."""
        for entry in self.entries:
            entry.rearm()
        self._changed()

    def next(self, at: float, place: Place) -> tuple[float, Entry] | None:
        """Return what fires first after at, and when: of rows at one instant the one with the lowest number."""
        if not self._next_known:
            self._next = self._find_next(at, place)
            self._next_known = True
        return self._next

    def fired(self, entry: Entry, at: float, place: Place) -> None:
        """Have carried entry out at its instant."""
        if entry.row["mode"] == "once":
            entry.spent_on = place.day(at)
            entry.row = entry.row | {"enable": False}
            if place.habits.spent == "gone":
                self.entries.remove(entry)
        self.missed(entry, at, place)

    def missed(self, entry: Entry, at: float, place: Place) -> None:
        """Have let entry's instant go by."""
        entry.rearm()
        entry.due(at, place)
        self._changed()

    def clashing(self, row: Row, at: float, place: Place) -> str | None:
        """Return the id of the first enabled row that comes at the same moment of the same day as this one would."""
        if not row["enable"]:
            return None
        mine = Entry(row, moment_of(row))
        for other in self.entries:
            if other.row["id"] == row["id"] or not other.row["enable"] or other.moment != mine.moment:
                continue
            if _days_of(mine, at, place) & _days_of(other, at, place):
                return str(other.row["id"])
        return None

    def told(self, at: float, place: Place) -> list[Row]:
        """Return the rows as the table tells them; the list is kept until something in it changes."""
        if self._told is None or not self._told_from <= at < self._told_until:
            today = place.day(at)
            self._told = [_as_told(entry, today, at, place) for entry in self.entries]
            dues = (entry.due(at, place) for entry in self.entries)
            # The date of a disabled row that has gone by is found anew, and with it the list.
            self._told_until = min((due for due in dues if due is not None), default=midnight_after(at, place))
            self._told_until = min(self._told_until, midnight_after(at, place))
            self._told_from = at
        return self._told

    def _find_next(self, at: float, place: Place) -> tuple[float, Entry] | None:
        found: tuple[float, Entry] | None = None
        if self.switched_on:
            for entry in self.entries:
                if not entry.row["enable"]:
                    continue
                due = entry.due(at, place)
                if due is not None and (found is None or due < found[0]):
                    found = (due, entry)
        return found

    def _changed(self) -> None:
        self._next_known = False
        self._told = None


def found_in(table: Any) -> Timetable:
    """Return the table of a dump; its rows come alive, but for those of other kinds of devices."""
    rows = table.get("rule_list", []) if isinstance(table, dict) else []
    timetable = Timetable()
    for row in rows:
        own = {key: value for key, value in row.items() if key != "s_action"}
        wish = {"desired_states": {"on": row["s_action"] == "on"}} if "s_action" in row else {}
        entry = Entry(own | wish, None)
        if is_plain(row):
            entry.moment = moment_of(entry.row)
        timetable.entries.append(entry)
        timetable.last_number = max(timetable.last_number, _number(str(row["id"])))
    timetable.switched_on = not rows or bool(table.get("enable", True))
    return timetable


def is_plain(row: Row) -> bool:
    """Whether a row of a dump is one that a plug or a lamp carries out."""
    states = row.get("desired_states")
    wish = row.get("s_action") in ("on", "off") or (isinstance(states, dict) and isinstance(states.get("on"), bool))
    return (
        wish
        and row.get("s_type") in KINDS
        and row.get("mode") in ("once", "repeat")
        and all(type(row.get(key)) is int for key in ("week_day", "s_min", "time_offset"))
    )


def _as_told(entry: Entry, today: date, at: float, place: Place) -> Row:
    """Return the row with what the device computes: the day on which it fires next, and the sun's minute today."""
    if entry.moment is None:
        return entry.row
    due = entry.due(at, place)
    if due is not None and due <= at:
        entry.rearm()
        due = entry.due(at, place)
    day = entry.spent_on or (today if due is None else place.day(due))
    minute = minute_on(entry.moment, today, place)
    return entry.row | {"s_min": minute, "year": day.year, "month": day.month, "day": day.day}


def _days_of(entry: Entry, at: float, place: Place) -> int:
    if entry.row["mode"] == "repeat":
        return int(entry.row["week_day"])
    due = entry.due(at, place)
    if due is None:
        return 0
    return sum(1 << bit for bit in range(7) if falls_on(1 << bit, place.day(due)))


def _number(number: str) -> int:
    digits = number[1:]
    return int(digits) if digits.isdecimal() else 0
