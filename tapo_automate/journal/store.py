"""The journal of one daemon: what came due, what became of it, what was seen, and what must outlive a restart.

No method raises for what the world does (a full disk, a damaged file): `problem` and `warnings` tell, and the daemon
goes on.  What it writes it hands to a thread and does not wait for.  Instants are aware.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tapo_automate.errors import ConfigError
from tapo_automate.journal import database
from tapo_automate.journal.calls import recording, running
from tapo_automate.journal.entry import Change, Entry, Key, Result, Run
from tapo_automate.journal.reading import Reader
from tapo_automate.journal.rows import micros
from tapo_automate.journal.writer import Writer

_T = TypeVar("_T")
_CLOSE_TIMEOUT_S = 10.0


class Journal:
    """Open one with `Journal.open`.  Every method may be called by any thread.

    Reading sees what was recorded and flushed.  Where nothing can be read, the answer is empty and `problem` says why.
    """

    def __init__(self, writer: Writer, keep_days: int) -> None:
        self._writer = writer
        self._keep_days = keep_days
        self._started: dt.datetime | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        keep_days: int = 400,
        on_problem: Callable[[str], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> Journal:
        """Open the journal in `folder`, or begin one there.

        keep_days: for how long `prune` keeps what is settled.  on_problem: called when `problem` changes, with "" when
        all is well again.  on_warning: called with every new text of `warnings`.  Both are called by the thread that
        writes, from the start on; they must be quick and must not call the journal.
        Raises ConfigError for a journal written by a newer version, or a file of another program.
        """
        nobody = _told_nobody
        return cls(Writer(folder / database.NAME, on_problem or nobody, on_warning or nobody), keep_days)

    @property
    def problem(self) -> str:
        """What keeps the journal from being written and what a person can do about it; "" when well."""
        return self._writer.problem

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has happened to the journal and is over, such as damage that was mended; the newest last."""
        return self._writer.warnings

    def record(
        self,
        entries: Sequence[Entry] = (),
        changes: Sequence[Change] = (),
        memory: Mapping[tuple[str, str], Any | None] = {},
    ) -> None:
        """Have all of this written, or nothing of it; return at once.

        An entry takes the place of an earlier one with the same key.  memory: (kind, key) -> a value that JSON can
        say, or None to forget it; the kind "journal" is the journal's own.
        """
        self._writer.put(recording(entries, changes, memory))

    def last_run(self) -> Run | None:
        """Return the run that began last."""
        return self._ask(Reader.last_run, None)

    def begin(self, now: dt.datetime) -> Run | None:
        """Record that a run of the daemon begins; return the run before it."""
        last = self.last_run()
        self._started = now
        self._writer.put(running(now, now))
        return last

    def alive(self, now: dt.datetime) -> None:
        """Record that the run that was begun goes on, and that all that came due until `now` was recorded before."""
        assert self._started is not None, "begin comes first"
        self._writer.put(running(self._started, now))

    def end(self, now: dt.datetime, alive: dt.datetime | None = None) -> None:
        """Record that the run ends in good order.  alive: as for `alive`, where that is not `now`."""
        assert self._started is not None, "begin comes first"
        self._writer.put(running(self._started, alive or now, now))

    def prune(self, now: dt.datetime) -> None:
        """Have deleted what is older than keep_days, a little at a time; pending entries stay, and all memory."""
        self._writer.prune(micros(now - dt.timedelta(days=self._keep_days)))

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was recorded and pruned before is done; False where the disk refuses, or time is up."""
        return self._writer.flush(timeout_s)

    def close(self) -> None:
        """Flush and close.  What the disk refuses until then is lost; closing twice does no harm."""
        self._writer.close(_CLOSE_TIMEOUT_S)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def entries(
        self,
        *,
        rule: str | None = None,
        device: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        results: Collection[Result] | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> list[Entry]:
        """Return entries by the instant they were due; since is included, until is not."""

        def ask(reader: Reader) -> list[Entry]:
            return list(
                reader.entries(
                    rules=() if rule is None else (rule,),
                    devices=() if device is None else (device,),
                    since=since,
                    until=until,
                    results=() if results is None else results,
                    limit=limit,
                    newest_first=newest_first,
                )
            )

        return self._ask(ask, []) if results is None or results else []

    def pending(self) -> list[Entry]:
        """Return the entries that are not settled, in the order they came due."""
        return self.entries(results={"pending"}, newest_first=False)

    def results_since(self, since: dt.datetime) -> dict[Key, Result]:
        """Return what became of the firings whose nominal instant is not before `since`, the pending ones too."""
        return self._ask(lambda reader: reader.results_since(since), {})

    def changes(
        self,
        device: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int | None = None,
        *,
        newest_first: bool = True,
    ) -> list[Change]:
        """Return changes of one device, or of all, by their instant; since is included, until is not."""

        def ask(reader: Reader) -> list[Change]:
            return list(reader.changes(device, since=since, until=until, limit=limit, newest_first=newest_first))

        return self._ask(ask, [])

    def memory(self, kind: str) -> dict[str, Any]:
        """Return what is remembered of a kind, by key."""
        return self._ask(lambda reader: reader.memory(kind), {})

    def runs(self, since: dt.datetime | None = None) -> list[Run]:
        """Return the daemon's runs that were alive at or after `since`, in the order they began."""
        return self._ask(lambda reader: reader.runs(since), [])

    def _ask(self, question: Callable[[Reader], _T], nothing: _T) -> _T:
        for _ in range(2):
            try:
                with self._writer.reading() as connection:
                    return question(Reader(connection))
            except (sqlite3.Error, OSError, ConfigError) as error:
                self._writer.look_after(error)
        return nothing


def _told_nobody(text: str) -> None:
    pass
