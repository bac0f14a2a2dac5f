"""A device as the model sees it: what stands in it, what a person does to it, and the door that every request takes.

At the door it is known which rows are ours, from nothing but what went through it.  A write to any other row, or to one
that a person has changed since, fails the test on the spot.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeAlias

from sync.memory_device import Killed, MemoryDevice
from sync.memory_words import Own
from tapo_automate.errors import AuthRefused, Busy, ConnectionLost, Unreachable
from tapo_automate.rows import FoundRow, Holdings, HoldsTables, NextEvent, Row, Table, TableName, id_of, table_of

Place: TypeAlias = tuple[TableName, str]
"""A row's table and id, "" for a neighbour."""

Words: TypeAlias = Mapping[str, Any]
Fault: TypeAlias = Literal[
    "lost answer",  # carried out, and the answer never comes
    "lost request",  # never carried out, and nobody can know
    "late",  # carried out only after the next request
    "unreachable",  # certainly not carried out
    "auth",
    "busy",
    "killed before",  # our process dies
    "killed after",
]
FAULTS: tuple[Fault, ...] = (
    "lost answer",
    "lost request",
    "late",
    "unreachable",
    "auth",
    "busy",
    "killed before",
    "killed after",
)
NEIGHBOURS: tuple[TableName, ...] = ("auto_off", "power_protection")
LOST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
COMPUTED = frozenset({"id", "year", "month", "day", "remain"})


class Thing(Protocol):
    """One device.  now: the world's time.  writes: how often its flash was written."""

    now: dt.datetime

    @property
    def tables(self) -> HoldsTables:
        """What answers for it."""

    @property
    def writes(self) -> int: ...

    def found(self) -> Mapping[TableName, Table]:
        """Return what stands there, without a request."""

    def words(self) -> dict[Place, Words]:
        """Return every row in the device's own words, without id and what it computes; neighbours are always there."""

    def by_hand(self, row: Row, row_id: str = "") -> str:
        """A person adds a row in the app, or changes the one of this id.  Raises for what the device refuses."""

    def removed_by_hand(self, table: TableName, row_id: str) -> None: ...

    def throw_switch(self, table: TableName, enabled: bool) -> None: ...

    def reboot(self) -> None:
        """A power cut: a countdown is lost."""

    def lose_clock(self) -> None: ...

    def live(self, until: dt.datetime) -> None:
        """Let time pass."""

    def close(self) -> None: ...


class LivingDevice(MemoryDevice):
    """A device in memory with switches, power cuts, and once-rows that stay or vanish.

    spent: what becomes of a row that has happened once.  off: tables that a person has switched off as a whole.
    """

    def __init__(self, now: dt.datetime, *, spent: Literal["disabled", "gone"], **options: Any) -> None:
        super().__init__(now, **options)
        self.spent = spent
        self.off: set[TableName] = set()

    @property
    def tables(self) -> HoldsTables:
        return self

    def found(self) -> Mapping[TableName, Table]:
        return self._holdings().tables

    def words(self) -> dict[Place, Words]:
        lists = {(name, own["id"]): own for name, rows in self.lists.items() for own in rows}
        singles: dict[Place, Own] = {(name, ""): own for name, own in self.single.items()}
        return {
            place: {word: value for word, value in own.items() if word not in COMPUTED}
            for place, own in (lists | singles).items()
        }

    def throw_switch(self, table: TableName, enabled: bool) -> None:
        self.off.discard(table)
        if not enabled:
            self.off.add(table)

    def reboot(self) -> None:
        for own in self.lists.get("countdown", []):
            own |= {"enable": False, "remain": 0}

    def lose_clock(self) -> None:
        self.clock_skew = LOST - self.now

    def live(self, until: dt.datetime) -> None:
        began = self.now + self.clock_skew
        for name in ("schedule", "countdown"):
            for own in list(self.lists.get(name, [])):
                self._live_row(name, own, began, until - self.now)
        self.now = until

    def close(self) -> None:
        pass

    def _live_row(self, name: TableName, own: Own, began: dt.datetime, elapsed: dt.timedelta) -> None:
        if name == "countdown":
            own["remain"] = max(0, own["remain"] - int(elapsed.total_seconds()))
            own["enable"] = own["enable"] and own["remain"] > 0
        elif own["enable"] and own["mode"] == "once" and name not in self.off:
            at = self._first(own, began)
            if at is not None and at <= began + elapsed:
                own["enable"] = False
                if self.spent == "gone":
                    self.lists[name].remove(own)

    def _holdings(self) -> Holdings:
        found = super()._holdings()
        tables = {
            name: replace(table, enabled=table.enabled and name not in self.off) for name, table in found.tables.items()
        }
        return replace(found, tables=tables)


class Door:
    """What sync is given for a device.

    mine: rows of ours, as they were when they were last known to be as we want them.  may: besides those that are
    untouched, rows that may be written over, because a person has asked for it; None for any.  switched: rows that a
    person has switched; where one happens once, that looks as if the device had done it.
    """

    def __init__(self, name: str, thing: Thing) -> None:
        self.name = name
        self.thing = thing
        self.mine: dict[Place, Words] = {}
        self.may: set[Place] | None = set()
        self.switched: set[Place] = set()
        self.from_backup: Mapping[Place, Words] = {}
        self.requests: list[str] = []
        self._faults: dict[int, Fault] = {}
        self._late: list[Callable[[], object]] = []

    # What a driver offers ---------------------------------------------------------------------------------------------

    def holdings(self) -> Holdings:
        return self._asked("holdings", self.thing.tables.holdings)

    def table(self, name: TableName) -> Table:
        return self._asked(f"table {name}", lambda: self.thing.tables.table(name))

    def next_event(self) -> NextEvent | None:
        return self._asked("next_event", self.thing.tables.next_event)

    def put(self, row: Row, row_id: str = "") -> str:
        def carry_out() -> str:
            self._check([(table_of(row), row_id)])
            given = self.thing.tables.put(row, row_id)
            place = table_of(row), str(given)
            self.mine[place] = self.thing.words()[place]
            self.switched.discard(place)
            return given

        return self._asked(f"put {table_of(row)}", carry_out)

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        def carry_out() -> str:
            self._check([(table_of(row), row_id)])
            given = self.thing.tables.put_back(row, row_id)
            place, before = (table_of(row), str(given)), (table_of(row), id_of(row))
            self.mine.pop(place, None)
            self.switched.discard(place)
            if before in self.from_backup:
                self.mine[place] = self.from_backup[before]
            return given

        return self._asked(f"put {table_of(row)}", carry_out)

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        def carry_out() -> None:
            places: list[Place] = [(table, each) for each in (row_ids or [""])]
            self._check(places)
            self.thing.tables.remove(table, row_ids)
            for place in places:
                self.mine.pop(place, None)

        self._asked(f"remove {table}", carry_out)

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        self._asked("set_clock", lambda: self.thing.tables.set_clock(at, region, standard_offset_min))

    # What the world does with it --------------------------------------------------------------------------------------

    def fault(self, fault: Fault, after: int) -> None:
        """Let this happen to the request that comes after so many good ones."""
        self._faults = {len(self.requests) + 1 + after: fault}

    def mend(self) -> None:
        """Take out a fault that has not struck, and let arrive what is late."""
        self._faults = {}
        self._arrive()

    def untouched(self) -> set[Place]:
        """Return the rows of ours that nobody has changed; the device may have switched off what happens once."""
        words = self.thing.words()
        return {place for place, own in self.mine.items() if place in words and same(own, words[place], place)}

    # Inside -----------------------------------------------------------------------------------------------------------

    def _asked(self, request: str, carry_out: Callable[[], Any]) -> Any:
        self.requests.append(request)
        fault = self._faults.pop(len(self.requests), None)
        match fault:
            case "unreachable":
                raise Unreachable(self.name, "no answer")
            case "auth":
                raise AuthRefused(self.name, "the device holds other credentials")
            case "busy":
                raise Busy(self.name, request, -1016, "TOO_MANY", "later it may say yes")
            case "lost request":
                raise ConnectionLost(self.name, "the connection broke")
            case "late":
                self._late.append(carry_out)
                raise ConnectionLost(self.name, "the connection broke")
            case "killed before":
                raise Killed
        answer = carry_out()
        if fault is None:
            self._arrive()
        match fault:
            case "lost answer":
                raise ConnectionLost(self.name, "the connection broke")
            case "killed after":
                raise Killed
        return answer

    def _arrive(self) -> None:
        late, self._late = self._late, []
        for each in late:
            each()

    def _check(self, places: Iterable[Place]) -> None:
        words, untouched = self.thing.words(), self.untouched()
        for place in places:
            is_there = place in words and (place[0] not in NEIGHBOURS or words[place]["enable"])
            allowed = place in untouched or self.may is None or place in self.may
            assert not is_there or allowed, f"{self.name}: {place} is not ours to write over: {words[place]}"


def same(then: Words, now: Words, place: Place) -> bool:
    """Whether a row is as it was, but for what a device does by itself: it switches off what has happened once."""
    once = place[0] == "countdown" or then.get("mode") == "once"
    return now == then or (once and now == {**then, "enable": False})


def counted(words: Iterable[Words]) -> Counter[str]:
    """Return rows as they can be compared where ids do not count."""
    return Counter(repr(sorted(own.items())) for own in words)
