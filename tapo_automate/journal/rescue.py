"""What is done about a damaged journal: it is moved aside, a new one begun, and what can be read carried over."""

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
from tapo_automate.journal.rows import change_of, entry_of, instant_of, memory_of, run_of

_ALL = "NOT INDEXED WHERE true"  # an index may be damaged where the table is not
_PENDING = "INDEXED BY entries_result WHERE result = 'pending'"
_HIGHEST_ID = 2**62
_MOST_DAMAGED_PLACES = 1000  # of a table: to get around one takes a millisecond or two
_AT_ONCE = 5_000  # rows to a transaction
_MEANINGS: dict[str, Callable[[Sequence[Any]], object]] = {
    "entries": entry_of,
    "changes": change_of,
    "runs": run_of,
    "memory": lambda row: memory_of(row[1:]),
}


def open_or_mend(path: Path, damage: str = "") -> tuple[sqlite3.Connection, str]:
    """Return a connection that writes to the journal, and what had to be done for it, "" where all was well.

    damage: what is wrong with it, where that is known already.
    Raises ConfigError, sqlite3.Error and OSError as `database.open_for_writing` does; damage only if it cannot be
    mended.
    """
    if path.is_dir():
        damage = "it is a folder"
    if damage:
        return _mend(path, damage)
    empty = path.exists() and not path.stat().st_size
    try:
        connection = database.open_for_writing(path)
    except sqlite3.DatabaseError as error:
        if not database.is_damage(error):
            raise
        return _mend(path, str(error))
    return connection, f"{path}: it was empty; a new journal was begun" if empty else ""


def is_damaged(path: Path) -> bool:
    """Read all of the journal to see whether it is damaged; a second for a million entries.

    Raises as `database.open_for_reading` does, for all but damage.
    """
    try:
        # Not by a connection that is open already: that would be shown what it has in memory.
        with closing(database.open_for_reading(path)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        if not database.is_damage(error):
            raise
        return True
    return bool(verdict != "ok")


def _mend(path: Path, damage: str) -> tuple[sqlite3.Connection, str]:
    aside = _name_aside(path)
    try:
        _rename(path, aside)
    except OSError as error:
        raise sqlite3.DatabaseError(f"{damage}, and cannot be moved aside: {error.strerror}") from error
    try:
        connection = database.open_for_writing(path)
    except (sqlite3.Error, OSError):
        _rename(aside, path)  # so that it is carried over when there is room for a new one
        raise
    count = carry_over(aside, connection)
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return connection, (
        f"{path}: it was damaged ({damage}); it is now {aside.name}, and a new journal was begun with the {rows} that "
        "could be read"
    )


def _name_aside(path: Path) -> Path:
    """Return `journal.sqlite.damaged-TIME`, not in use yet; TIME is when the journal was last written, in UTC."""
    last_s = max(part.stat().st_mtime for part in _parts(path) if part.exists())
    stamp = instant_of(int(last_s) * 1_000_000).strftime("%Y%m%dT%H%M%SZ")
    aside, count = path.with_name(f"{path.name}.damaged-{stamp}"), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{count}")
    return aside


def _rename(path: Path, to: Path) -> None:
    for part, target in zip(_parts(path), _parts(to), strict=True):
        if part.exists():
            part.replace(target)


def _parts(path: Path) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]


def carry_over(source: Path, target: sqlite3.Connection, most: int | None = None) -> int:
    """Copy what can be read of a journal into another, the newest first; return the number of rows.

    most: how many rows of a table, pending entries not counted.  Whatever goes wrong only ends the copying.
    """
    count = 0
    try:
        with closing(database.open_for_reading(source)) as old:
            # What is short and matters most comes first: the rest may take seconds, or not find room.
            for table in ("memory", "runs", "entries", "changes"):
                rows: Iterator[Sequence[Any]] = islice(_readable(old, table), most)
                if table == "entries" and most is not None:
                    rows = chain(_readable(old, table, _PENDING), rows)
                count += _copy(rows, target, table)
    except (sqlite3.Error, OSError, ConfigError):
        pass
    return count


def _readable(old: sqlite3.Connection, table: str, which: str = _ALL) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table that can be read, each with its id before it, the newest first."""
    query = f"SELECT id, {', '.join(TABLES[table])} FROM {table} {which} AND id <= ? ORDER BY id DESC"
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


def _copy(rows: Iterator[Sequence[Any]], target: sqlite3.Connection, table: str) -> int:
    columns = ("id", *TABLES[table])
    put = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    count = 0
    while chunk := list(islice(rows, _AT_ONCE)):
        with target:
            target.execute("BEGIN IMMEDIATE")
            count += target.executemany(put, chunk).rowcount
    return count
