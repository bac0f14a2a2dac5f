"""A journal in memory, which stands in for the one on the disk while that cannot be written."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tapo_automate.journal import database
from tapo_automate.journal.calls import Call
from tapo_automate.journal.salvage import carry_over

_MOST_CARRIED = 20_000  # rows of a table that it begins with
_MOST_ROWS = 100_000
_BOUND = (
    f"DELETE FROM entries WHERE id <= (SELECT max(id) FROM entries) - {_MOST_ROWS} AND result <> 'pending'",
    f"DELETE FROM changes WHERE id <= (SELECT max(id) FROM changes) - {_MOST_ROWS}",
)


class StandIn:
    """Begins with what can be read of the journal at `path`.  One thread updates and ends it, any may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._has = 0

    def update(self, waiting: Sequence[Call]) -> None:
        """Take in those of the waiting calls that are new."""
        new = [call for call in waiting if call.number > self._has]
        with self._lock, suppress(sqlite3.Error, MemoryError):
            if self._connection is None:
                connection = database.open_in_memory()
                carry_over(self._path, connection, _MOST_CARRIED)
                self._connection = connection
            for call in new:
                # What is wrong with a call is found out, and said, when it is written to the disk.
                with suppress(Exception), self._connection:
                    self._connection.execute("BEGIN")
                    call.write(self._connection)
            for sql in _BOUND:
                self._connection.execute(sql)
            if new:
                self._has = new[-1].number

    def end(self, written: int) -> None:
        """Stand in no longer, if the disk has all calls up to number `written`, and so all that is known here."""
        if written < self._has:
            return
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Lend the connection to read from, or None while nothing needs to be stood in for."""
        with self._lock:
            yield self._connection
