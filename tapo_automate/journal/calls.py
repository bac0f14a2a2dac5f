"""What is to be written, as SQL: one call, one transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tapo_automate.journal.entry import Change, Entry
from tapo_automate.journal.rows import CHANGE, ENTRY, RUN, Row, change_row, entry_row, json_text, micros, text


def _insert(table: str, columns: Iterable[str], key: Iterable[str]) -> str:
    """Return SQL that puts a row in the place of the one with the same key, which keeps its id."""
    columns, key = list(columns), list(key)
    values = ", ".join("?" * len(columns))
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    conflict = f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {others}" if key else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}){conflict}"


_ENTRY = _insert("entries", ENTRY, ("rule", "device", "nominal"))
_CHANGE = _insert("changes", CHANGE, ())
_RUN = _insert("runs", RUN, ("started",))
_REMEMBER = _insert("memory", ("kind", "key", "value"), ("kind", "key"))
_FORGET = "DELETE FROM memory WHERE kind = ? AND key = ?"


@dataclass(slots=True)
class Call:
    """All of it is written, or nothing.  memory: (kind, key) -> JSON, or None to forget it.  number: from 1."""

    statements: list[tuple[str, Row]]
    memory: dict[tuple[str, str], str | None] = field(default_factory=dict)
    number: int = 0

    @property
    def records(self) -> int:
        """How much it counts against the bound on what may wait."""
        return len(self.statements) + len(self.memory)

    def write(self, connection: sqlite3.Connection) -> None:
        """Carry it out inside the transaction that is open."""
        for sql, values in self.statements:
            connection.execute(sql, values)
        for (kind, key), value in self.memory.items():
            if value is None:
                connection.execute(_FORGET, (kind, key))
            else:
                connection.execute(_REMEMBER, (kind, key, value))


def recording(
    entries: Iterable[Entry], changes: Iterable[Change], memory: Mapping[tuple[str, str], Any | None]
) -> Call:
    """Return the call that records these.  Raises TypeError or ValueError for values that JSON cannot say."""
    return Call(
        [*((_ENTRY, entry_row(entry)) for entry in entries), *((_CHANGE, change_row(change)) for change in changes)],
        {(text(kind), text(key)): None if value is None else json_text(value) for (kind, key), value in memory.items()},
    )


def running(started: dt.datetime, alive: dt.datetime, ended: dt.datetime | None = None) -> Call:
    """Return the call that says how far a run has come; it need not have been recorded before."""
    return Call([(_RUN, (micros(started), micros(alive), None if ended is None else micros(ended)))])
