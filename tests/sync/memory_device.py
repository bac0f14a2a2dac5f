"""A device that holds tables in memory: strict, with limits, ids of its own choosing, and faults at any request.

It keeps rows in words of its own, as a device does, and adds to them what devices add: ids, dates, effective minutes.
Its time stands still until `pass_time`.  Its recurrence and its sun are not those of the program.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import sunrise, sunset

from sync.memory_words import SPOKEN, Own, read_row, setting_of, words
from tapo_automate.device import Description
from tapo_automate.errors import AuthRefused, Busy, ConnectionLost, Refused, Unreachable, Unsupported
from tapo_automate.rows import (
    AutoOff,
    FoundRow,
    Holdings,
    NextEvent,
    OwnClock,
    PowerProtection,
    Row,
    Table,
    TableName,
    table_of,
)

Fault: TypeAlias = (
    Literal[
        "lost answer",  # carried out, and the answer never comes
        "lost request",  # never carried out, and nobody can know
        "late",  # carried out only after the next request
        "unreachable",  # certainly not carried out
        "auth",
        "busy",
        "killed before",  # our process dies
        "killed after",
    ]
    | Callable[["MemoryDevice"], None]  # somebody does something just before the request
)

PLUG = Description("A0B1C2D3E4F5", "P110", "1.3.0", "memory", has_power_meter=True)
BULB = replace(PLUG, model="L530", has_brightness=True, has_color=True, color_temp_range_k=(2500, 6500))
LISTS: tuple[TableName, ...] = ("schedule", "countdown", "antitheft")
PREFIX: Mapping[str, str] = {"schedule": "S", "countdown": "C", "antitheft": "A"}
FULL = {"schedule": -1800, "countdown": -1900, "antitheft": -2000}


class Killed(BaseException):
    """Our process was killed at this request."""


class MemoryDevice:
    """One device.

    limits: rows of each list.  ids: "lowest" free number or the "next" one never used.  neighbours: those it has.
    requests: what was asked, one word each ("holdings", "put schedule").  writes: how often its flash was written.
    faults: request number, counted from 1 over the whole life -> what happens then; `fault(...)` means the next ones.
    """

    def __init__(
        self,
        now: dt.datetime,
        *,
        zone: str = "Europe/Berlin",
        position: tuple[float, float] | None = (52.52, 13.405),
        description: Description = PLUG,
        limits: Mapping[str, int] | None = None,
        ids: Literal["lowest", "next"] = "lowest",
        neighbours: Sequence[TableName] = ("auto_off", "power_protection"),
        transitions: bool = False,
    ) -> None:
        self.now = now
        self.zone = zone
        self.position = position
        self.description = description
        self.limits = {"schedule": 32, "countdown": 1, "antitheft": 1} if limits is None else dict(limits)
        self.ids = ids
        self.transitions = transitions
        self.lists: dict[str, list[Own]] = {name: [] for name in LISTS if name in self.limits}
        self.single: dict[str, Own] = {}
        if "auto_off" in neighbours:
            self.single["auto_off"] = {"delay_min": 120, "enable": False}
        if "power_protection" in neighbours:
            self.single["power_protection"] = {"limit": 0, "enable": False}
        self.clock_skew = dt.timedelta(0)
        self.standard_offset_min: int | None = 60
        self.requests: list[str] = []
        self.writes = 0
        self.faults: dict[int, Fault] = {}
        self._used = dict.fromkeys(LISTS, 0)
        self._late: list[Callable[[], object]] = []

    # ------------------------------------------------------------ what a driver offers

    def holdings(self) -> Holdings:
        return self._asked("holdings", self._holdings)

    def table(self, name: TableName) -> Table:
        def read() -> Table:
            tables = self._holdings().tables
            if name not in tables:
                raise Unsupported("memory", f"there is no table {name}")
            return tables[name]

        return self._asked(f"table {name}", read)

    def next_event(self) -> NextEvent | None:
        return self._asked("next_event", self._next_event)

    def put(self, row: Row, row_id: str = "") -> str:
        own = words(row, transitions=self.transitions)
        return self._asked(f"put {table_of(row)}", lambda: self._store(table_of(row), own, row_id))

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        computed = ("id", "year", "month", "day", "remain")
        own = {name: value for name, value in row.own.items() if name not in computed}
        assert own, "a row is put back in the words in which it was read"
        return self._asked(f"put {table_of(row)}", lambda: self._store(table_of(row), own, row_id))

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        def carry_out() -> None:
            if table in self.single:
                assert not row_ids, "a neighbour has no ids"
                self.single[table]["enable"] = False
            else:
                self.lists[table] = [own for own in self.lists[table] if own["id"] not in row_ids]
            self.writes += 1

        self._asked(f"remove {table}", carry_out)

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        def carry_out() -> None:
            self.clock_skew = at - self.now
            self.zone, self.standard_offset_min = region, standard_offset_min
            self.writes += 1

        assert at.tzinfo is not None
        self._asked("set_clock", carry_out)

    # ------------------------------------------------------------ what the world does with it

    def fault(self, *faults: Fault | None, after: int = 0) -> None:
        """Let the coming requests, beginning after so many good ones, meet these faults; None for a good one."""
        for number, fault in enumerate(faults, len(self.requests) + 1 + after):
            if fault is not None:
                self.faults[number] = fault

    def by_hand(self, row: Row, row_id: str = "") -> str:
        """A person adds a row in the app, or changes the one of this id."""
        return self._store(table_of(row), words(row, transitions=self.transitions), row_id)

    def by_hand_own(self, table: TableName, own: Mapping[str, Any]) -> str:
        """An app newer than we are adds a row in words that we may not know."""
        return self._store(table, dict(own), "")

    def removed_by_hand(self, table: TableName, row_id: str) -> None:
        self.lists[table] = [own for own in self.lists[table] if own["id"] != row_id]

    def rows(self, table: TableName) -> tuple[FoundRow, ...]:
        """What stands in a table now, without a request."""
        return self._holdings().tables[table].rows

    def contents(self) -> dict[str, list[Own]]:
        """All rows in the device's own words without what it computes, sorted: what `restore` has to bring back."""
        computed = ("id", "year", "month", "day", "remain")
        found: dict[str, list[Own]] = {}
        for name in ("schedule", "antitheft"):
            rows = [
                {word: value for word, value in own.items() if word not in computed} for own in self.lists.get(name, [])
            ]
            found[name] = sorted(rows, key=repr)
        return found | {name: [dict(own)] for name, own in self.single.items()}

    def pass_time(self, to: dt.datetime) -> None:
        """Let time pass: rows that happen once are spent, a countdown runs."""
        before = self.now
        for own in self.lists.get("schedule", []):
            if own["enable"] and own["mode"] == "once":
                at = self._first(own, before)
                if at is not None and at <= to:
                    own["enable"] = False
        for own in self.lists.get("countdown", []):
            own["remain"] = max(0, own["remain"] - int((to - before).total_seconds()))
            own["enable"] = own["enable"] and own["remain"] > 0
        self.now = to

    # ------------------------------------------------------------ inside

    def _asked(self, request: str, carry_out: Callable[[], Any]) -> Any:
        self.requests.append(request)
        fault = self.faults.pop(len(self.requests), None)
        late, self._late = self._late, []
        match fault:
            case "unreachable":
                raise Unreachable("memory", "no answer")
            case "auth":
                raise AuthRefused("memory", "the device holds other credentials")
            case "busy":
                raise Busy("memory", request, -1016, "TOO_MANY", "later it may say yes")
            case "lost request":
                raise ConnectionLost("memory", "the connection broke")
            case "late":
                self._late.append(carry_out)
                raise ConnectionLost("memory", "the connection broke")
            case "killed before":
                raise Killed
        if callable(fault):
            fault(self)
        answer = carry_out()
        for each in late:
            each()
        if fault == "lost answer":
            raise ConnectionLost("memory", "the connection broke")
        if fault == "killed after":
            raise Killed
        return answer

    def _store(self, table: TableName, own: Own, row_id: str) -> str:
        if table in self.single:
            self.single[table] = own
            self.writes += 1
            return ""
        if table not in self.lists:
            raise Unsupported("memory", f"there is no table {table}")
        rows = self.lists[table]
        if row_id:
            places = [number for number, each in enumerate(rows) if each["id"] == row_id]
            if not places:
                raise Refused("memory", f"edit {table}", -1805, "NOT_FOUND", "there is no row of this id")
            rows[places[0]] = own | {"id": row_id}
        else:
            if table == "countdown":
                if any(each["enable"] for each in rows):
                    raise Refused("memory", "add countdown", -1902, "CONFLICT", "a countdown runs")
                rows.clear()
            if len(rows) >= self.limits[table]:
                raise Refused("memory", f"add {table}", FULL[table], "FULL", "the table is full")
            row_id = self._new_id(table)
            rows.append(own | {"id": row_id})
        if table == "countdown":
            rows[-1]["remain"] = own["delay"] if own["enable"] else 0
        self.writes += 1
        return row_id

    def _new_id(self, table: TableName) -> str:
        number = 1
        if self.ids == "next":
            number = self._used[table] + 1
        while any(each["id"] == f"{PREFIX[table]}{number}" for each in self.lists[table]):
            number += 1
        self._used[table] = max(number, self._used[table])
        return f"{PREFIX[table]}{number}"

    def _holdings(self) -> Holdings:
        tables: dict[TableName, Table] = {}
        for name in LISTS:
            if name in self.lists:
                rows = tuple(self._read(name, own) for own in self.lists[name])
                tables[name] = Table(self.limits[name], rows, enabled=bool(rows))
        for name, own in self.single.items():
            if name == "auto_off":
                tables["auto_off"] = Table(1, (AutoOff(own["delay_min"], own["enable"], dict(own)),))
            else:
                limited = own["enable"] or own["limit"]
                row = PowerProtection(own["limit"], own["enable"], dict(own))
                tables["power_protection"] = Table(1, (row,) if limited else ())
        return Holdings(
            description=self.description,
            tables=tables,
            clock=OwnClock(self.now + self.clock_skew, self.zone, self.standard_offset_min),
            position=self.position,
            row_transitions=self.transitions,
            versions={"schedule": 2, "countdown": 2, "antitheft": 1, "sunrise_sunset": 1, "device_local_time": 1},
            next_event=self._next_event(),
            max_power_w=2990.0,
        )

    def _next_event(self) -> NextEvent | None:
        coming = [
            (at, own["id"], setting_of(own))
            for own in self.lists.get("schedule", [])
            if own["enable"] and (at := self._first(own, self.now + self.clock_skew)) is not None
        ]
        if not coming:
            return None
        at, row_id, setting = min(coming, key=lambda each: (each[0], each[1]))
        return NextEvent(at, row_id, setting)

    def _first(self, own: Own, after: dt.datetime) -> dt.datetime | None:
        if own["type"] not in ("normal", "sunrise", "sunset") or (own["mode"] == "repeat" and not own["days"]):
            return None
        zone = ZoneInfo(self.zone)
        for number in range(9):
            day = after.astimezone(zone).date() + dt.timedelta(days=number)
            if own["mode"] == "repeat" and SPOKEN[day.isoweekday() % 7] not in own["days"]:
                continue
            if own["type"] == "normal":
                wall = dt.datetime.combine(day, dt.time(own["min"] // 60, own["min"] % 60), zone)
                at = wall.astimezone(dt.UTC)
            else:
                sun = sunrise if own["type"] == "sunrise" else sunset
                latitude, longitude = self.position or (0.0, 0.0)
                at = sun(Observer(latitude, longitude), day) + dt.timedelta(minutes=own["offset"])
                at = at.replace(second=0, microsecond=0)
            if at > after:
                return at
        return None

    def _read(self, table: TableName, own: Own) -> FoundRow:
        shown = dict(own)
        at = self._first(own, self.now) if table == "schedule" else None
        if at is not None:
            day = at.astimezone(ZoneInfo(self.zone)).date()
            shown |= {"year": day.year, "month": day.month, "day": day.day}
        return read_row(table, shown)
