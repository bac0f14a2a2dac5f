"""Rows of device tables as people read them, as the ledger remembers them, and compared.

The digests outlive the program in ledgers and plans: what goes into them is changed only together with the ledger's
version.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, assert_never

from tapo_automate.device import Setting
from tapo_automate.rows import (
    EVERY_DAY,
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    Row,
    ScheduleRow,
    table_of,
)
from tapo_automate.rules.model import AtDate, Rule

_DAY_WORDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_APP_FREQUENCY_MIN = 5


def digest(row: FoundRow) -> str:
    """Return 16 hexadecimal digits that equal rows share, and different ones do not.

    Neither the id nor what the device computes for itself goes into them.
    """
    return _digits(_words(row)) if isinstance(row, OpaqueRow) else _digest(row)


@lru_cache(maxsize=4096)  # many devices hold equal rows, and each is looked at several times
def _digest(row: Row) -> str:
    return _digits(_words(row))


def key_of(rule: Rule, row: Row) -> str:
    """Return 16 hexadecimal digits of what this rule alone wants of a device, whatever its row is merged with.

    row: the rule's own.  A row knows no date: that of `when.date` counts with it.
    """
    if not isinstance(rule.trigger, AtDate):
        return digest(row)
    at = rule.trigger.at
    return _digits(_words(row) | {"date": (at if at.tzinfo is None else at.astimezone(dt.UTC)).isoformat()})


def matches(found: FoundRow, wanted: Row) -> bool:
    """Whether a row that was read back shows all that was wanted of it; a device may have added values of its own."""
    match found, wanted:
        case OpaqueRow(plain=plain), _ if plain is not None:
            return matches(plain, wanted)
        case ScheduleRow(), ScheduleRow():
            same = _frame(found) == _frame(wanted)
            return same and _sets(found.setting, wanted.setting)
        case CountdownRow(), CountdownRow():
            same = (found.delay_s, found.enabled) == (wanted.delay_s, wanted.enabled)
            return same and _sets(found.setting, wanted.setting)
        case _:
            return found == wanted


def is_equal(found: FoundRow, wanted: Row) -> bool:
    """Whether a row does what is wanted and nothing else; to name no color but hue 0 and saturation 0 is nothing."""
    if isinstance(found, ScheduleRow) and isinstance(wanted, ScheduleRow) and wanted.setting.hue_deg is None:
        colors = found.setting.hue_deg or None, found.setting.saturation_pct or None
        if colors == (None, None):
            found = replace(found, setting=replace(found.setting, hue_deg=None, saturation_pct=None))
    return found == wanted


def in_words(row: FoundRow) -> str:
    """Return what a row does: "weekdays at 23:30 → off", "every day 15 min before sunset → on, brightness 40".

    >>> in_words(AutoOff(90)), in_words(PowerProtection(2000, enabled=False))
    ('1 h 30 min after it turns on → off', 'above 2000 W → off (switched off)')
    """
    said = _said(row)
    return said if isinstance(row, OpaqueRow) or row.enabled else f"{said} (switched off)"


def _said(row: FoundRow) -> str:
    match row:
        case ScheduleRow():
            return f"{days_in_words(row.days, row.repeats)} {moment_in_words(row.at)} → {row.setting}"
        case CountdownRow():
            return f"in {_elapsed(row.delay_s)} → {row.setting}"
        case AntitheftRow():
            every_day = row.repeats and row.days == EVERY_DAY
            days = "" if every_day else days_in_words(row.days, row.repeats) + " "
            often = "" if row.frequency_min == _APP_FREQUENCY_MIN else f", every {row.frequency_min} min"
            start, end = (moment_in_words(each).removeprefix("at ") for each in (row.start, row.end))
            return f"{days}at random from {start} to {end}{often}"
        case AutoOff():
            return f"{_elapsed(60 * row.delay_min)} after it turns on → off"
        case PowerProtection():
            return f"above {row.limit_w} W → off"
        case OpaqueRow():
            return f"a row that cannot be read: {row.why}"
        case _ as never:
            assert_never(never)


def days_in_words(days: frozenset[int], repeats: bool = True) -> str:
    """Return on which days a row does what it does: "every day", "weekdays", "mon, wed"; "once" if it never repeats."""
    if not repeats:
        return "once"
    if days == EVERY_DAY:
        return "every day"
    if days == frozenset(range(5)):
        return "weekdays"
    if days == frozenset({5, 6}):
        return "weekends"
    return ", ".join(_DAY_WORDS[day] for day in sorted(days)) or "never"


def moment_in_words(at: Moment) -> str:
    """Return a time of the device's day: "at 23:30", "at sunset", "15 min before sunset"."""
    if at.anchor == "midnight":
        return f"at {at.offset_min // 60:02}:{at.offset_min % 60:02}"
    if not at.offset_min:
        return f"at {at.anchor}"
    return f"{_elapsed(60 * abs(at.offset_min))} {'before' if at.offset_min < 0 else 'after'} {at.anchor}"


def _elapsed(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def _frame(row: ScheduleRow) -> tuple[Moment, frozenset[int], bool, bool]:
    return row.at, row.days, row.repeats, row.enabled


def _sets(found: Setting, wanted: Setting) -> bool:
    asked = ((getattr(found, item.name), getattr(wanted, item.name)) for item in fields(Setting))
    return all(value is None or shown == value for shown, value in asked)


def _words(row: FoundRow) -> dict[str, Any]:
    """Return the canonical words of a row: the fields by which it is equal to others."""
    if isinstance(row, OpaqueRow):  # `why` is this program's wording, which may change
        return {"table": row.table, "own": row.own}
    words = {item.name: _plain(getattr(row, item.name)) for item in fields(row) if item.name != "own" and item.compare}
    return {"table": table_of(row), **words}


def _plain(value: object) -> object:
    match value:
        case Moment():
            return [value.anchor, value.offset_min]
        case Setting():
            said = ((item.name, getattr(value, item.name)) for item in fields(value))
            return {name: each for name, each in said if each is not None and (name == "on" or each is not False)}
        case frozenset():
            return sorted(value)
        case _:
            return value


def _digits(words: Mapping[str, Any]) -> str:
    text = json.dumps(words, sort_keys=True, separators=(",", ":"), default=dict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
