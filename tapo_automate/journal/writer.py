"""The one thread that writes the journal.  It never gives up, and nobody waits for it who does not want to.

What is to be written waits in memory, in order, until it is on the disk.  While the disk refuses, the newest records
are kept and tried again every few seconds, and a journal in memory stands in for those who want to read.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tapo_automate.errors import ConfigError
from tapo_automate.journal import database, rescue
from tapo_automate.journal.calls import Call
from tapo_automate.journal.standin import StandIn
from tapo_automate.journal.waiting import Waiting

RETRY_S = 3.0
_MOST_AT_ONCE = 500  # calls to a transaction
_CHUNK = 500  # rows that are pruned in one transaction: some milliseconds
_MOST_WARNINGS = 20
_MEND_TIMEOUT_S = 120.0
_PRUNE = (
    f"""DELETE FROM entries WHERE id IN
        (SELECT id FROM entries WHERE due < ? AND result <> 'pending' ORDER BY due LIMIT {_CHUNK})""",
    f"DELETE FROM changes WHERE id IN (SELECT id FROM changes WHERE at < ? ORDER BY at LIMIT {_CHUNK})",
    f"""DELETE FROM runs WHERE id IN
        (SELECT id FROM runs WHERE alive < ? AND id < (SELECT max(id) FROM runs) LIMIT {_CHUNK})""",
)


class Writer:
    """Writes to the journal at `path` from a thread of its own.  All methods may be called by any thread.

    on_problem, on_warning: called by that thread, and must not call back; on_problem with "" when all is well again.
    Raises ConfigError where the file is not ours to write.  All else is a problem, and not an error.
    """

    def __init__(self, path: Path, on_problem: Callable[[str], None], on_warning: Callable[[str], None]) -> None:
        self._path = path
        self._on_problem = on_problem
        self._on_warning = on_warning

        # What follows is guarded by the condition.
        self._changed = threading.Condition()
        self._waiting = Waiting()
        self._hurry = False
        self._attempts = 0  # that were begun
        self._last_failed = 0  # the number of the last attempt that failed
        self._prune_before: int | None = None
        self._suspicion = ""  # of damage, by a reader
        self._problem = ""
        self._warnings: deque[str] = deque(maxlen=_MOST_WARNINGS)
        self._stopping = False

        # And this is the thread's own.
        self._connection: sqlite3.Connection | None = None
        self._inode = (0, 0)
        self._rest: Generator[str, None, None] | None = None  # of a damaged journal, on its way here
        self._alone_until = 0  # calls up to this number are written one by one
        self._told = ("", False)
        self._untold: list[str] = []

        self._stand_in = StandIn(path)

        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            self._problem = database.in_words(error, path)
            self._stand_in.update(())
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        """What keeps the journal from being written, what to do, and how much is lost already; "" when well."""
        with self._changed:
            return self._problem_text()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What happened to the journal and is over: damage that was mended, records that were lost."""
        with self._changed:
            return tuple(self._warnings)

    def put(self, call: Call) -> None:
        """Have the call written, after all that were put before it."""
        with self._changed:
            if self._stopping:
                return
            self._waiting.put(call)
            self._changed.notify_all()

    def prune(self, before: int) -> None:
        """Have deleted what is older than that, in microseconds since 1970, while nothing else is to be done."""
        with self._changed:
            self._prune_before = before
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was put before is on the disk; return False where the disk refuses, or time is up."""
        with self._changed:
            target, begun = self._waiting.taken, self._attempts
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_kept(target) or self._last_failed > begun, timeout_s)
            return self._is_kept(target)

    def close(self, timeout_s: float) -> None:
        """Flush and end the thread; what the disk has refused until then is lost."""
        with self._changed:
            if self._stopping:
                return
        self.flush(timeout_s)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to read from: to the journal, or to what stands in for it."""
        with self._stand_in.reading() as stand_in:
            if stand_in is not None:
                yield stand_in
                return
        with closing(database.open_for_reading(self._path)) as connection:
            yield connection

    def look_after(self, error: Exception) -> None:
        """Wait until the writer has looked after what a reader met with: reading again may go better."""
        with self._changed:
            if database.is_damage(error):
                self._suspicion = str(error)
            self._problem = self._problem or database.in_words(error, self._path)
        self.flush(_MEND_TIMEOUT_S)

    def _is_kept(self, target: int) -> bool:
        settled = self._prune_before is None and not self._suspicion and not self._problem
        return settled and self._waiting.written >= target

    def _problem_text(self) -> str:
        if not self._problem:
            return ""
        lost = f"; {self._waiting.lost:,} records are lost already" if self._waiting.lost else ""
        return f"{self._problem}; meanwhile the newest records are kept in memory{lost}"

    def _run(self) -> None:
        self._tell()
        while self._turn():
            self._tell()
        self._disconnect()
        self._stand_in.end(self._waiting.taken)

    def _tell(self) -> None:
        """Tell others what is new; what their functions raise is their own affair, and must not end this thread."""
        with self._changed:
            text, now = self._problem_text(), (self._problem, self._waiting.lost > 0)
        if now != self._told:
            self._told = now
            with suppress(Exception):
                self._on_problem(text)
        while self._untold:
            with suppress(Exception):
                self._on_warning(self._untold.pop(0))

    def _turn(self) -> bool:
        """Wait for something to do and do it; return False at the end."""
        with self._changed:
            self._changed.wait_for(self._is_wanted, RETRY_S if self._problem else None)
            if self._stopping and (self._problem or not self._waiting):
                return False
            self._hurry = False
            self._attempts += 1
            batch = self._waiting.take(1 if self._waiting.written < self._alone_until else _MOST_AT_ONCE)
        try:
            self._attempt(batch)
        except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError) as error:
            self._mistaken(batch, error)
        except (sqlite3.Error, OSError, MemoryError, ConfigError) as error:
            self._failed(error)
        except Exception as error:
            # A mistake of our own in one record must not keep all others from the disk.
            self._mistaken(batch, error)
        else:
            self._succeeded()
        return True

    def _is_wanted(self) -> bool:
        if self._stopping or self._hurry:
            return True
        idle = not self._waiting and not self._suspicion and self._prune_before is None and self._rest is None
        return not self._problem and not idle

    def _attempt(self, batch: list[Call]) -> None:
        """Write the calls to the disk; if there are none, go on with what takes long."""
        if self._connection is not None and self._has_gone():
            self._disconnect()
            self._warn(f"{self._path}: it was removed or replaced; a new journal was begun where there is none")
        if self._connection is None:
            self._open()
        self._look_into_suspicion()
        try:
            self._write(batch)
        except sqlite3.DatabaseError as error:
            if not database.is_damage(error):
                raise
            self._disconnect()
            self._open(damage=str(error))
            self._write(batch)
        if not batch and not self._prune_some() and self._rest is not None:
            news = next(self._rest, None)
            if news is None:
                self._rest = None
            elif news:
                self._warn(news)

    def _open(self, damage: str = "") -> None:
        opened = rescue.open_or_mend(self._path, damage)
        self._connection, self._rest = opened.connection, opened.rest
        found = self._path.stat()
        self._inode = found.st_dev, found.st_ino
        if opened.news:
            self._warn(opened.news)

    def _has_gone(self) -> bool:
        """Whether what we write to is no longer what others find at the path."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return True
        return (found.st_dev, found.st_ino) != self._inode

    def _look_into_suspicion(self) -> None:
        with self._changed:
            suspicion = self._suspicion
        if not suspicion:
            return
        if rescue.is_damaged(self._path):
            self._disconnect()
            self._open(damage=suspicion)
        with self._changed:
            self._suspicion = ""

    def _write(self, batch: list[Call]) -> None:
        with self._transaction() as connection:
            for call in batch:
                call.write(connection)

    def _prune_some(self) -> bool:
        """Delete some of what is old; return whether there may be more."""
        with self._changed:
            before = self._prune_before
        if before is None:
            return False
        with self._transaction() as connection:
            more = any(connection.execute(sql, (before,)).rowcount for sql in _PRUNE)
        with self._changed:
            if not more and self._prune_before == before:
                self._prune_before = None
        return more

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        assert self._connection is not None
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            yield self._connection

    def _succeeded(self) -> None:
        with self._changed:
            self._waiting.written_down()
            self._problem = ""
            lost, self._waiting.lost = self._waiting.lost, 0
        if lost:
            self._warn(
                f"{self._path}: {lost:,} records are lost: there was no room for them while it could not be written"
            )
        self._stand_in.end(self._waiting.written)
        with self._changed:
            self._changed.notify_all()

    def _failed(self, error: Exception) -> None:
        self._disconnect()
        with self._changed:
            self._problem = str(error) if isinstance(error, ConfigError) else database.in_words(error, self._path)
            waiting = self._waiting.refused()
        self._stand_in.update(waiting)
        with self._changed:
            self._last_failed = self._attempts
            self._changed.notify_all()

    def _mistaken(self, batch: list[Call], error: Exception) -> None:
        """Leave out the call that cannot be written, after it was found among the others of its batch."""
        if not batch:
            self._failed(error)
            return
        if len(batch) > 1:
            self._alone_until = batch[-1].number
            return
        self._warn(f"{self._path}: a record could not be written and was left out: {type(error).__name__}: {error}")
        self._succeeded()

    def _disconnect(self) -> None:
        if self._rest is not None:
            self._rest.close()
            self._rest = None
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _warn(self, text: str) -> None:
        with self._changed:
            self._warnings.append(text)
        self._untold.append(text)
