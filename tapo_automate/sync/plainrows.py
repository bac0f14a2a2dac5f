"""Rows as plain tables, lists, texts and numbers, which JSON and TOML can hold, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, assert_never

from tapo_automate.device import Setting
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    ScheduleRow,
    table_of,
)


def as_plain(row: FoundRow) -> dict[str, Any]:
    """Return a row as a table without empty values; `from_plain` makes an equal one of it, with its id and words."""
    words: dict[str, Any] = {"table": table_of(row)}
    if isinstance(row, OpaqueRow):
        return {**words, "opaque": row.why, "id": row.id, "own": dict(row.own)}
    for item in fields(row):
        value = getattr(row, item.name)
        if value is not None and item.name != "left_s":
            words[item.name] = _plain(value)
    return words


def from_plain(words: Mapping[str, Any]) -> FoundRow:
    """Return the row of a table that `as_plain` made.  Raises ValueError, KeyError or TypeError for any other."""
    own = words.get("own", {})
    if not isinstance(own, Mapping):
        raise ValueError(f"`own` is {own!r}")
    match words["table"]:
        case "schedule" | "countdown" | "antitheft" | "auto_off" | "power_protection" as table if "opaque" in words:
            return OpaqueRow(table, _of(str, words, "opaque"), own, _of(str, words, "id"))
        case "schedule":
            day = words.get("next_day")
            return ScheduleRow(
                _moment(words["at"]),
                _setting(words["setting"]),
                _days(words["days"]),
                _of(bool, words, "repeats"),
                _of(bool, words, "enabled"),
                _of(str, words, "id"),
                None if day is None else dt.date.fromisoformat(day),
                words.get("minute"),
                own,
            )
        case "countdown":
            setting, enabled = _setting(words["setting"]), _of(bool, words, "enabled")
            return CountdownRow(_of(int, words, "delay_s"), setting, enabled, _of(str, words, "id"), own=own)
        case "antitheft":
            return AntitheftRow(
                _moment(words["start"]),
                _moment(words["end"]),
                _days(words["days"]),
                _of(bool, words, "repeats"),
                _of(int, words, "frequency_min"),
                _of(bool, words, "enabled"),
                _of(str, words, "id"),
                own,
            )
        case "auto_off":
            return AutoOff(_of(int, words, "delay_min"), _of(bool, words, "enabled"), own)
        case "power_protection":
            return PowerProtection(_of(int, words, "limit_w"), _of(bool, words, "enabled"), own)
        case other:
            raise ValueError(f"there is no table {other!r}")


def _plain(value: Any) -> Any:
    match value:
        case Moment(anchor, offset_min):
            return {"from": anchor, "min": offset_min}
        case Setting():
            said = ((item.name, getattr(value, item.name)) for item in fields(value))
            return {name: each for name, each in said if each is not None and (name != "toggle" or each)}
        case frozenset():
            return sorted(value)
        case dt.date():
            return value.isoformat()
        case Mapping():
            return dict(value)
        case bool() | int() | str():
            return value
        case _ as never:
            assert_never(never)


def _of(kind: type, words: Mapping[str, Any], name: str) -> Any:
    value = words[name]
    if type(value) is not kind:
        raise ValueError(f"`{name}` is {value!r}")
    return value


def _moment(words: Mapping[str, Any]) -> Moment:
    anchor = words["from"]
    if anchor not in ("midnight", "sunrise", "sunset"):
        raise ValueError(f"there is no moment from {anchor!r}")
    return Moment(anchor, _of(int, words, "min"))


def _days(words: Any) -> frozenset[int]:
    days = frozenset(words)
    if not days <= frozenset(range(7)):
        raise ValueError(f"`days` is {words!r}")
    return days


def _setting(words: Mapping[str, Any]) -> Setting:
    return Setting(**words)
