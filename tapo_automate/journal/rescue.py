"""What is done about a damaged journal: it is moved aside, a new one begun, and what can be read carried over.

The newest rows are carried over before anybody writes; for the rest there is time.  Until all is over, the new journal
remembers which damaged one it is the heir of, so that the next start goes on where this one ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tapo_automate.journal import database
from tapo_automate.journal.calls import recording
from tapo_automate.journal.reading import Reader
from tapo_automate.journal.rows import instant_of
from tapo_automate.journal.salvage import carry_over, carrying_over

_HEIR_OF = ("journal", "heir of")  # what is remembered under this name is not for others
_MOST_ASIDE = 20
_MOST_AT_FIRST = 20_000  # rows of a table; a second or two


@dataclass(frozen=True, slots=True)
class Opened:
    """A journal to write to.  news: what had to be done for it, "" where all was well.

    rest: carries the rest of a damaged journal over, a little at each step; yields news, "" while there is none.  None
    where there is nothing to carry over.
    """

    connection: sqlite3.Connection
    news: str
    rest: Generator[str, None, None] | None = None


def open_or_mend(path: Path, damage: str = "") -> Opened:
    """Open the journal at `path`, or begin one there.  damage: what is wrong with it, where that is known already.

    Raises ConfigError, sqlite3.Error and OSError as `database.open_for_writing` does; damage only if it cannot be
    mended.
    """
    if path.is_dir():
        damage = "it is a folder"
    news = ""
    if not damage:
        if path.exists() and not path.stat().st_size:
            news = f"{path}: it was empty; a new journal was begun"
        try:
            return _go_on(path, database.open_for_writing(path), news)
        except sqlite3.DatabaseError as error:
            if not database.is_damage(error):
                raise
            damage = str(error)
    if _count_aside(path) >= _MOST_ASIDE:  # a disk that keeps nothing would soon be full of them
        raise sqlite3.DatabaseError(
            f"{damage}, as {_MOST_ASIDE} others beside it are; see to the disk, then delete them"
        )
    aside = _name_aside(path)
    connection = _begin_anew(path, aside, damage)
    return _go_on(
        path, connection, f"{path}: it was damaged ({damage}); it is now {aside.name}, and a new one was begun"
    )


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


def _begin_anew(path: Path, aside: Path, damage: str) -> sqlite3.Connection:
    try:
        _rename(path, aside)
    except OSError as error:
        raise sqlite3.DatabaseError(f"{damage}, and cannot be moved aside: {error.strerror}") from error
    try:
        connection = database.open_for_writing(path)
        try:
            recording((), (), {_HEIR_OF: aside.name}).write(connection)
        except sqlite3.Error:
            connection.close()
            raise
    except (sqlite3.Error, OSError):
        # It is carried over when there is room for a new one, of which nothing must be taken for a part of the old.
        for part in _parts(path):
            part.unlink(missing_ok=True)
        _rename(aside, path)
        raise
    return connection


def _go_on(path: Path, connection: sqlite3.Connection, news: str) -> Opened:
    """Carry the newest rows over from the damaged journal that this one is the heir of, if it is."""
    try:
        kind, key = _HEIR_OF
        name = Reader(connection).memory(kind).get(key)
        if not isinstance(name, str) or "/" in name:
            return Opened(connection, news)
        count, is_all = carry_over(path.with_name(name), connection, _MOST_AT_FIRST)
        if is_all:
            recording((), (), {_HEIR_OF: None}).write(connection)
    except BaseException:
        connection.close()
        raise
    if is_all:
        return Opened(connection, f"{news or path}; all that could be read is in it, {_rows(count)}")
    news = news and f"{news}; the newest {_rows(count)} are in it, and the rest follows"
    return Opened(connection, news, _rest(path, connection, name))


def _rest(path: Path, connection: sqlite3.Connection, name: str) -> Generator[str, None, None]:
    total = 0
    for count in carrying_over(path.with_name(name), connection):
        total += count
        yield ""
    recording((), (), {_HEIR_OF: None}).write(connection)
    yield f"{path}: the rest that could be read of {name} is in it now, {_rows(total)}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _count_aside(path: Path) -> int:
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sum(not each.name.endswith(("-wal", "-shm")) for each in found)


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
