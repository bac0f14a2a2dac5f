"""The antitheft table: one row, which switches at random while nobody is at home.

This file knows no clock: instants are Unix seconds as the device believes them.  Source: docs/protocol.md, 7.9.
"""

import random
from dataclasses import dataclass, replace
from typing import Any

from tapo_automate.simulator.recurrence import EVERY_DAY, KINDS, Moment, Place, falls_on, following, instants, moment_of

Row = dict[str, Any]
_DAY_S = 86_400.0
SIDES = ("start", "end")


@dataclass(slots=True)
class Window:
    """One evening: from when it began until its end; next_at: when it switches next; was_on: before it began."""

    ends_at: float
    next_at: float
    was_on: bool


@dataclass
class Away:
    """The one row of the table and the window in which it is.  switched_on: the master switch of the table."""

    row: Row | None = None
    switched_on: bool = True
    last_number: int = 0

    def __post_init__(self) -> None:
        self.window: Window | None = None
        self._opens: tuple[float, float] | None = None
        self._known = False

    @property
    def is_armed(self) -> bool:
        return self.switched_on and self.row is not None and bool(self.row["enable"])

    def put(self, row: Row | None) -> None:
        """Replace the row; a window in which it was is over, and the relay stays as it is."""
        self.row = row
        if row is not None and row["id"][1:].isdecimal():
            self.last_number = max(self.last_number, int(row["id"][1:]))
        self.rearm()

    def rearm(self) -> None:
        """Compute all anew: the row, the clock, the place or the switch has changed."""
        self.window = None
        self._known = False

    def next(self, at: float, place: Place) -> float | None:
        """Return when it does something next: begins (at once, inside of its window), switches, or ends."""
        if not self.is_armed:
            return None
        if self.window is not None:
            return min(self.window.next_at, self.window.ends_at)
        if not self._known:
            self._opens = self._find(at, place)
            self._known = True
        return None if self._opens is None else self._opens[0]

    def step(self, at: float, place: Place, dice: random.Random, *, on: bool) -> tuple[bool, bool]:
        """Do what next() told, at its instant; return (what the relay becomes, whether the window is over).

        A window gives the relay back as it found it.
        """
        assert self.row is not None
        if self.window is None:
            assert self._opens is not None
            self.window = Window(self._opens[1], at, on)
        if at >= self.window.ends_at:
            was_on = self.window.was_on
            self._close(at, place)
            return was_on, True
        self.window.next_at = at + self.row["frequency"] * 60
        return dice.random() < 0.5, False

    def covers(self, at: float, place: Place) -> bool:
        """Whether a window of the row holds this instant."""
        assert self.row is not None
        return any(begins <= at < ends for begins, ends in self._windows(at, place))

    def _close(self, at: float, place: Place) -> None:
        assert self.row is not None
        self.window, self._known = None, False
        if self.row["mode"] == "once":
            self.row = None if place.habits.spent == "gone" else self.row | {"enable": False}

    def _find(self, at: float, place: Place) -> tuple[float, float] | None:
        """Return (when it begins to switch, its end), for the window that holds at or the next one."""
        for begins, ends in self._windows(at, place):
            if begins <= at < ends:
                return at, ends
        begins_at = following(self._start, self._days, at, place)
        return None if begins_at is None else (begins_at, self._end_after(begins_at, place))

    def _windows(self, at: float, place: Place) -> list[tuple[float, float]]:
        """Return the windows that began today or yesterday."""
        found = []
        for before_s in (_DAY_S, 0.0):
            day = place.day(at - before_s)
            if falls_on(self._days, day):
                found += [(begins, self._end_after(begins, place)) for begins in instants(self._start, day, place)]
        return found

    def _end_after(self, begins: float, place: Place) -> float:
        assert self.row is not None
        # An end that the clock change skips comes an hour later: else the window would last until the next day.
        kind = replace(place, habits=replace(place.habits, gap="shift", overlap="first"))
        end = following(moment_of(self.row, "end"), EVERY_DAY, begins, kind)
        return begins + _DAY_S if end is None else min(end, begins + _DAY_S)

    @property
    def _start(self) -> Moment:
        assert self.row is not None
        return moment_of(self.row, "start")

    @property
    def _days(self) -> int:
        assert self.row is not None
        return EVERY_DAY if self.row["mode"] == "once" else int(self.row["week_day"])


def found_in(table: Any) -> Away:
    """Return the table of a dump."""
    rows = table.get("rule_list") if isinstance(table, dict) else None
    away = Away()
    if rows:
        away.put(dict(rows[0]))
        away.switched_on = bool(table.get("enable", True)) or not rows[0].get("enable")
    return away


def is_plain(row: Row) -> bool:
    """Whether a row of a dump is one that a plug or a lamp carries out."""
    sides = [(row.get(f"{side}_time_type"), row.get(f"{side}_min"), row.get(f"{side}_time_offset")) for side in SIDES]
    return (
        all(kind in KINDS and type(minute) is int and type(offset) is int for kind, minute, offset in sides)
        and row.get("mode") in ("once", "repeat")
        and type(row.get("week_day")) is int
        and type(row.get("frequency")) is int
        and row["frequency"] > 0
        and isinstance(row.get("id"), str)
    )
