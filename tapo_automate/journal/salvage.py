"""What can be read of a journal that is damaged, or cannot be written, and its way into another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tapo_automate.errors import ConfigError
from tapo_automate.journal import database
from tapo_automate.journal.database import TABLES
from tapo_automate.journal.rows import change_of, entry_of, memory_of, run_of

_HIGHEST_ID = 2**62
_MOST_DAMAGED_PLACES = 1000  # of a table: to get around one takes a millisecond or two
_CHUNK = 500  # rows to a transaction
_MEANINGS: dict[str, Callable[[Sequence[Any]], object]] = {
    "entries": entry_of,
    "changes": change_of,
    "runs": run_of,
    "memory": lambda row: memory_of(row[1:]),
}


def carry_over(source: Path, target: sqlite3.Connection, most: int) -> tuple[int, bool]:
    """Copy the newest rows that can be read into another journal; return how many, and whether these are all.

    most: how many rows of each table; pending entries are copied beside.  Rows that are there already are left alone.
    Raises sqlite3.Error where the other journal cannot be written; what is wrong with the source only ends the copying.
    """
    count, is_all = 0, True
    try:
        old = database.open_for_reading(source, damaged=True)
    except (sqlite3.Error, OSError, ConfigError):
        return 0, True
    with closing(old):
        for table in TABLES:
            rows = _Counted(islice(_readable(old, table), most))
            pending = _pending(old) if table == "entries" else ()
            count += sum(_copied(chain(pending, rows), target, table))
            is_all = is_all and rows.count < most
    return count, is_all


def carrying_over(source: Path, target: sqlite3.Connection) -> Iterator[int]:
    """Copy all that can be read, a little at a time; yield how many rows were copied.  Raises as `carry_over` does."""
    try:
        old = database.open_for_reading(source, damaged=True)
    except (sqlite3.Error, OSError, ConfigError):
        return
    with closing(old):
        for table in TABLES:
            yield from _copied(_readable(old, table), target, table)


def _pending(old: sqlite3.Connection) -> Iterator[Sequence[Any]]:
    """Yield the pending entries that can be read, each with its id before it: they may be much older than others."""
    try:
        found = old.execute("SELECT id FROM entries INDEXED BY entries_result WHERE result = 'pending'").fetchall()
    except sqlite3.DatabaseError:
        return
    for (number,) in found:
        try:
            rows = old.execute(f"{_select('entries')} WHERE id = ?", (number,)).fetchall()
        except sqlite3.DatabaseError:
            continue
        yield from (row for row in rows if _is_sound("entries", row[1:]))


def _readable(old: sqlite3.Connection, table: str) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table that can be read, each with its id before it, the newest first."""
    query = f"{_select(table)} WHERE id <= ? ORDER BY id DESC"
    top = _HIGHEST_ID
    for _ in range(_MOST_DAMAGED_PLACES):
        try:
            for row in _rows_from(old, query, top):
                top = row[0] - 1
                if _is_sound(table, row[1:]):
                    yield row
            return
        except sqlite3.DatabaseError:
            top = _below_damage(old, f"{query} LIMIT 1", top)
        if not top:
            return


def _select(table: str) -> str:
    # An index may be damaged where the table is not.
    return f"SELECT id, {', '.join(TABLES[table])} FROM {table} NOT INDEXED"


def _rows_from(old: sqlite3.Connection, query: str, top: int) -> Iterator[Sequence[Any]]:
    """Yield rows with ids from `top` downwards.  Raises sqlite3.DatabaseError where damage is met with."""
    before, last = top + 1, top + 1
    for row in old.execute(query, (top,)):
        number = row[0]
        if not 0 < number < before:  # a damaged tree leads to a page from two places, or to the wrong one
            raise sqlite3.DatabaseError("out of order")
        if number < last:  # otherwise it was the last row whose id is damaged, and too low
            before = last
        last = number
        yield row


def _below_damage(old: sqlite3.Connection, query: str, top: int) -> int:
    """Return the highest id below `top` from which rows can be read again, 0 if there is none.

    A damaged page hides a span of ids, from a few to all.  Its lower end is neared in steps that double, then halved;
    what can be read between two damaged pages may be missed if it is much shorter than they are.
    """
    bad, step = top, 1
    while not _can_read(old, query, good := max(bad - step, bad // 2)):
        if good == 0:
            return 0
        bad, step = good, step * 2
    while bad - good > 1:
        middle = (good + bad) // 2
        if _can_read(old, query, middle):
            good = middle
        else:
            bad = middle
    return good


def _can_read(old: sqlite3.Connection, query: str, number: int) -> bool:
    try:
        next(_rows_from(old, query, number), None)
    except sqlite3.DatabaseError:
        return False
    return True


def _is_sound(table: str, row: Sequence[Any]) -> bool:
    try:
        _MEANINGS[table](row)
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _copied(rows: Iterator[Sequence[Any]], target: sqlite3.Connection, table: str) -> Iterator[int]:
    """Copy rows in one transaction after the other; yield how many were not there already."""
    # The order of ids is the order of time; what is remembered has none.
    first = 1 if table == "memory" else 0
    columns = ("id", *TABLES[table])[first:]
    put = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    while chunk := [row[first:] for row in islice(rows, _CHUNK)]:
        with target:
            target.execute("BEGIN IMMEDIATE")
            count = target.executemany(put, chunk).rowcount
        yield count


class _Counted:
    """Counts what is taken from an iterator."""

    def __init__(self, rows: Iterator[Sequence[Any]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            self.count += 1
            yield row
