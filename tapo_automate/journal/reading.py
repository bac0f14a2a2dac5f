"""Questions to a journal.  Anyone may ask them, also while a daemon writes."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from tapo_automate.journal.entry import Change, Entry, Key, Result, Run
from tapo_automate.journal.rows import (
    CHANGE,
    ENTRY,
    RESULTS,
    RUN,
    change_of,
    entry_of,
    instant_of,
    memory_of,
    micros,
    run_of,
    text,
)

_T = TypeVar("_T")
_AT_ONCE = 500


class Reader:
    """Asks a journal.  It does not close the connection.  Any method may raise sqlite3.Error.

    Rows that damage has made senseless are left out.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def entries(
        self,
        *,
        rules: Collection[str] = (),
        devices: Collection[str] = (),
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        results: Collection[Result] = (),
        limit: int | None = None,
        newest_first: bool = True,
    ) -> Iterator[Entry]:
        """Yield entries by the instant they were due; of rules, devices and results all where none is named.

        since is included, until is not.  Rows are fetched some at a time: while nobody asks for the next, the daemon
        is not kept from tidying its file up.
        """
        where, values = _among(rule=rules, device=devices, result=results)
        return self._paged("entries", ENTRY, "due", where, values, since, until, limit, newest_first, entry_of)

    def entry(self, rule: str, device: str, nominal: dt.datetime) -> Entry | None:
        """Return the entry of one firing."""
        sql = f"SELECT {', '.join(ENTRY)} FROM entries WHERE rule = ? AND device = ? AND nominal = ?"
        found = _sound(self._connection.execute(sql, (text(rule), text(device), micros(nominal))), entry_of)
        return next(found, None)

    def results_since(self, since: dt.datetime) -> dict[Key, Result]:
        """Return what became of the firings whose nominal instant is not before `since`, the pending ones too."""
        # `due` is never before `nominal`, and has an index.
        sql = "SELECT rule, device, nominal, result FROM entries WHERE due >= ? AND nominal >= ?"
        rows = self._connection.execute(sql, (micros(since), micros(since)))
        return dict(_sound(rows, _keyed_result))

    def changes(
        self,
        device: str | None = None,
        *,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> Iterator[Change]:
        """Yield changes of one device, or of all, by their instant; since is included, until is not."""
        where, values = _among(device=() if device is None else (device,))
        return self._paged("changes", CHANGE, "at", where, values, since, until, limit, newest_first, change_of)

    def memory(self, kind: str) -> dict[str, Any]:
        """Return what is remembered of a kind, by key."""
        rows = self._connection.execute("SELECT key, value FROM memory WHERE kind = ?", (text(kind),))
        return dict(_sound(rows, memory_of))

    def runs(self, since: dt.datetime | None = None) -> list[Run]:
        """Return the daemon's runs that were alive at or after `since`, in the order they began."""
        where, values = ("", ()) if since is None else (" WHERE alive >= ?", (micros(since),))
        return list(
            _sound(self._connection.execute(f"SELECT {', '.join(RUN)} FROM runs{where} ORDER BY id", values), run_of)
        )

    def last_run(self) -> Run | None:
        """Return the run that began last."""
        rows = self._connection.execute(f"SELECT {', '.join(RUN)} FROM runs ORDER BY id DESC LIMIT 1")
        return next(_sound(rows, run_of), None)

    def names(self, column: str) -> list[str]:
        """Return every rule or device that has an entry or a change, sorted.  column: "rule" or "device"."""
        found: set[str] = set()
        for table in ("entries", "changes"):
            # Each name is looked up after the one before it, in the index: a million entries have few names.
            sql = f"""
                WITH RECURSIVE names (name) AS (
                    SELECT min({column}) FROM {table}
                    UNION ALL
                    SELECT (SELECT min({column}) FROM {table} WHERE {column} > name) FROM names WHERE name IS NOT NULL
                ) SELECT name FROM names WHERE name <> ''"""
            found.update(name for (name,) in self._connection.execute(sql))
        return sorted(found)

    def _paged(
        self,
        table: str,
        columns: Sequence[str],
        by: str,
        where: list[str],
        values: list[Any],
        since: dt.datetime | None,
        until: dt.datetime | None,
        limit: int | None,
        newest_first: bool,
        of: Callable[[Sequence[Any]], _T],
    ) -> Iterator[_T]:
        if since is not None:
            where, values = [*where, f"{by} >= ?"], [*values, micros(since)]
        if until is not None:
            where, values = [*where, f"{by} < ?"], [*values, micros(until)]
        direction, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        left = limit
        place: tuple[int, int] | None = None
        while left is None or left > 0:
            conditions, bound = where, values
            if place is not None:
                conditions, bound = [*where, f"({by}, id) {beyond} (?, ?)"], [*values, *place]
            many = _AT_ONCE if left is None else min(_AT_ONCE, left)
            rows = self._connection.execute(
                f"SELECT {by}, id, {', '.join(columns)} FROM {table}"
                f"{' WHERE ' if conditions else ''}{' AND '.join(conditions)}"
                f" ORDER BY {by} {direction}, id {direction} LIMIT {many}",
                bound,
            ).fetchall()
            yield from _sound((row[2:] for row in rows), of)
            if len(rows) < many:
                return
            place = rows[-1][:2]
            left = None if left is None else left - many


def _among(**named: Collection[str]) -> tuple[list[str], list[Any]]:
    """Return the conditions that a column is among the values, for every column that has some, and their values."""
    where, values = [], []
    for column, wanted in named.items():
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += [text(each) for each in wanted]
    return where, values


def _sound(rows: Iterable[Sequence[Any]], of: Callable[[Sequence[Any]], _T]) -> Iterator[_T]:
    for row in rows:
        try:
            found = of(row)
        except (ValueError, TypeError, OverflowError):
            continue
        yield found


def _keyed_result(row: Sequence[Any]) -> tuple[Key, Result]:
    rule, device, nominal, result = row
    if result not in RESULTS:
        raise ValueError(f"{result!r} is not a result")
    return (str(rule), str(device), instant_of(nominal)), result
