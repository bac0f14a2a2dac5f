"""How the journal's words lie in tables: one row each, instants as whole microseconds since 1970, UTC.

Mappings are JSON.  A seed is decimal text, for SQLite's integers end at 64 bits.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from tapo_automate.journal.entry import Change, Entry, Result, Run
from tapo_automate.rules.model import Role

Value: TypeAlias = str | int | None  # what a column holds
Row: TypeAlias = tuple[Value, ...]

RESULTS: frozenset[str] = frozenset(get_args(Result))
_ROLES: frozenset[str] = frozenset(get_args(Role))
_BY = frozenset(("rule", "table", "person", "unknown"))
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)

ENTRY = (
    *("rule", "device", "nominal", "due", "deadline", "result", "asked", "at", "tries"),
    *("reason", "kind", "role", "seed", "file", "line", "git_commit"),
)
CHANGE = ("device", "at", "before", "after", "by", "since", "rule", "nominal", "detail")
MEMORY = ("kind", "key", "value")
RUN = ("started", "alive", "ended")


def micros(instant: dt.datetime) -> int:
    """Return an aware instant as whole microseconds since 1970.

    >>> micros(dt.datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=dt.UTC)), instant_of(1_000_005)
    (1000005, datetime.datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=datetime.timezone.utc))
    """
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(count: Any) -> dt.datetime:
    """Return the instant.  Raises TypeError, ValueError or OverflowError for what is no such count."""
    if not isinstance(count, int):
        raise TypeError(f"{count!r} is not a count of microseconds")
    return _EPOCH + count * _MICROSECOND


def entry_row(entry: Entry) -> Row:
    """Return the entry in the order of ENTRY."""
    return (
        text(entry.rule),
        text(entry.device),
        micros(entry.nominal),
        micros(entry.due),
        micros(entry.deadline),
        entry.result,
        json_text(entry.asked),
        None if entry.at is None else micros(entry.at),
        entry.tries,
        text(entry.reason),
        text(entry.kind),
        text(entry.role),
        None if entry.seed is None else str(entry.seed),
        text(entry.file),
        entry.line,
        text(entry.commit),
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """Return the entry that a row holds.  Raises ValueError, TypeError or OverflowError for one gone bad."""
    rule, device, nominal, due, deadline, result, asked, at, tries, reason, kind, role, seed, file, line, commit = row
    if result not in RESULTS:
        raise ValueError(f"{result!r} is not a result")
    if role not in _ROLES:
        raise ValueError(f"{role!r} is not a role")
    return Entry(
        rule=str(rule),
        device=str(device),
        nominal=instant_of(nominal),
        due=instant_of(due),
        deadline=instant_of(deadline),
        result=result,
        asked=_mapping(asked),
        at=None if at is None else instant_of(at),
        tries=int(tries),
        reason=str(reason),
        kind=str(kind),
        role=role,
        seed=None if seed is None else int(seed),
        file=str(file),
        line=int(line),
        commit=str(commit),
    )


def change_row(change: Change) -> Row:
    """Return the change in the order of CHANGE."""
    return (
        text(change.device),
        micros(change.at),
        json_text(change.before),
        json_text(change.after),
        change.by,
        None if change.since is None else micros(change.since),
        text(change.rule),
        None if change.nominal is None else micros(change.nominal),
        text(change.detail),
    )


def change_of(row: Sequence[Any]) -> Change:
    """Return the change that a row holds.  Raises as `entry_of` does."""
    device, at, before, after, by, since, rule, nominal, detail = row
    if by not in _BY:
        raise ValueError(f"{by!r} is nobody who changes a device")
    who: Literal["rule", "table", "person", "unknown"] = by
    return Change(
        device=str(device),
        at=instant_of(at),
        before=_mapping(before),
        after=_mapping(after),
        by=who,
        since=None if since is None else instant_of(since),
        rule=str(rule),
        nominal=None if nominal is None else instant_of(nominal),
        detail=str(detail),
    )


def run_of(row: Sequence[Any]) -> Run:
    """Return the run that a row holds.  Raises as `entry_of` does."""
    started, alive, ended = row
    return Run(instant_of(started), instant_of(alive), None if ended is None else instant_of(ended))


def memory_of(row: Sequence[Any]) -> tuple[str, Any]:
    """Return key and value of a (key, value) row.  Raises ValueError or TypeError."""
    key, value = row
    return str(key), json.loads(value)


def json_text(value: Any) -> str:
    """Return a value as JSON.  Raises TypeError or ValueError for what JSON cannot say."""
    return json.dumps(dict(value) if isinstance(value, Mapping) else value)


def text(words: str) -> str:
    """Return text as UTF-8 can hold it: a file's name, and so a rule's file, may have bytes that are no UTF-8."""
    if words.isascii():
        return words
    return words.encode("utf-8", "backslashreplace").decode("utf-8")


def _mapping(stored: Any) -> dict[str, Any]:
    value = json.loads(stored)
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is not a mapping")
    return value
