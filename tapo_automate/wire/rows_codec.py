"""The rows of a device's tables, as its JSON has them and as `tapo_automate.rows` does.

Pure functions, lenient to read and strict to write: what cannot be read for certain is an `OpaqueRow` that says why.
Keys that are not known are taken for additions of the device while they say nothing (0, false, "none", "").
Source: docs/protocol.md, "On-device rule tables".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting
from tapo_automate.rows import (
    MOST_SUN_OFFSET_MIN,
    Anchor,
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    NextEvent,
    OpaqueRow,
    PowerProtection,
    Row,
    ScheduleRow,
    TableName,
    table_of,
)
from tapo_automate.wire.desired import is_whole, named, read_setting, truth

MOST_COUNTDOWN_S = 86_400
NO_DATE = {"year": 1970, "month": 1, "day": 1}  # has to be there, and is not looked at
UNSET_AUTO_OFF_MIN = 120  # what an auto-off says that nobody has ever set

PROTECTION_SWITCHES = ("enabled", "protection_enabled")
"""What the switch of the power protection is called: either, by model, or both."""

Words = Mapping[str, Any]

_ANCHORS: Mapping[str, Anchor] = {"normal": "midnight", "sunrise": "sunrise", "sunset": "sunset"}
_TYPES: Mapping[Anchor, str] = {anchor: kind for kind, anchor in _ANCHORS.items()}
_DATE = ("year", "month", "day")
_NOTHING = (None, False, 0, "", "none")
_NO_WORDS = ""  # what stands for the name of that which should be a row and is a number or a text

_BEGIN = ("s_type", "s_min", "time_offset")
_START, _END = (tuple(f"{end}_{part}" for part in ("time_type", "min", "time_offset")) for end in ("start", "end"))
_REPETITION = ("id", "enable", "mode", "week_day", *_DATE)
_SCHEDULE_KEYS = frozenset((*_REPETITION, *_BEGIN, "e_type", "e_min", "e_action", "s_action", "desired_states"))
_COUNTDOWN_KEYS = frozenset(("id", "enable", "delay", "remain", "action", "desired_states"))
_ANTITHEFT_KEYS = frozenset((*_REPETITION, *_START, *_END, "frequency"))


class _Unreadable(Exception):
    """Its text is the reason, as half a sentence."""


class _UnknownWord(_Unreadable):
    """known: the words that such rows are known to have."""

    def __init__(self, why: str, known: frozenset[str]) -> None:
        super().__init__(why)
        self.known = known


def read_row(table: TableName, words: object) -> Row | OpaqueRow | None:
    """Return a row of a table as it was read; None for a neighbour that is off and was never set."""
    if not isinstance(words, Mapping):
        return OpaqueRow(table, "it is no table of names and values", {_NO_WORDS: words})
    try:
        match table:
            case "schedule":
                return _schedule_row(words)
            case "countdown":
                return _countdown_row(words)
            case "antitheft":
                return _antitheft_row(words)
            case "auto_off":
                return _auto_off(words)
            case "power_protection":
                return _power_protection(words)
    except _UnknownWord as why:
        plain = read_row(table, {name: it for name, it in words.items() if name in why.known})
        row = opaque(table, words, str(why))
        return row if plain is None or isinstance(plain, OpaqueRow) else replace(row, plain=plain)
    except _Unreadable as why:
        return opaque(table, words, str(why))


def opaque(table: TableName, words: Words, why: str) -> OpaqueRow:
    """Return a row that is left alone, without what the device gives it or computes anew."""
    computed = {"id", "remain", *_DATE}
    if words.get("s_type") in ("sunrise", "sunset"):
        computed.add("s_min")
    computed.update(f"{end}_min" for end in ("start", "end") if words.get(f"{end}_time_type") in ("sunrise", "sunset"))
    return OpaqueRow(table, why, {name: it for name, it in words.items() if name not in computed}, _id(words))


def row_words(host: str, row: ScheduleRow | CountdownRow | AntitheftRow, states: Words) -> dict[str, Any]:
    """Return a row as it is written, whole, without an id.

    states: how it says what it sets, `desired_states` or what stands for it; {} for away mode.  Raises BadSetting.
    """
    match row:
        case ScheduleRow():
            day = row.next_day
            dated = NO_DATE if day is None else {"year": day.year, "month": day.month, "day": day.day}
            begins = _written(host, row.at, _BEGIN)
            ends = {"e_type": "none", "e_min": 0, "e_action": "none"}
            return {"enable": row.enabled, **_repetition(host, row), **dated, **begins, **ends, **states}
        case CountdownRow():
            if not 1 <= row.delay_s <= MOST_COUNTDOWN_S:
                raise BadSetting(
                    host, f"a countdown of {row.delay_s} s is out of range: a device's own runs 1 s to 24 h (86400 s)"
                )
            return {"enable": row.enabled, "delay": row.delay_s, "remain": row.delay_s * row.enabled, **states}
        case AntitheftRow():
            if row.start == row.end or row.start.anchor == row.end.anchor != "midnight":
                raise BadSetting(host, "away mode cannot begin and end at the same time, or both at the same sun")
            if not 1 <= row.frequency_min < 1440:
                raise BadSetting(host, f"away mode switches every 1 to 1439 min, not every {row.frequency_min}")
            start = _written(host, row.start, _START)
            end = _written(host, row.end, _END)
            return {
                "enable": row.enabled,
                **_repetition(host, row),
                "frequency": row.frequency_min,
                **start,
                **end,
            }


def own_words(row: FoundRow) -> dict[str, Any]:
    """Return a row as it is written back in its own words; {} for one that was never read.

    What a device computes anew is left to it; of that, what has to be there is there.
    """
    words = {name: it for name, it in row.own.items() if name not in ("id", "remain")}
    if words.keys() <= {_NO_WORDS}:
        return {}
    return {**NO_DATE, "s_min": 0, "time_offset": 0, **words} if table_of(row) == "schedule" else words


def switchings(table: TableName, words: object) -> tuple[ScheduleRow | CountdownRow, ...]:
    """Return what a row does to the switch, at its beginning and at its end if it has one, whatever else it sets."""
    if not isinstance(words, Mapping):
        return ()
    states = words.get("desired_states")
    plain = {name: words[name] for name in _SCHEDULE_KEYS | _COUNTDOWN_KEYS if name in words} | {"e_action": None}
    if isinstance(states, Mapping):
        plain["desired_states"] = {name: states[name] for name in ("on", "brightness") if name in states}
    halves: list[Words] = [plain]
    if words.get("e_action") not in _NOTHING:
        end = {"s_type": words.get("e_type"), "s_min": words.get("e_min"), "time_offset": 0}
        halves.append(plain | end | {"desired_states": None, "s_action": words["e_action"]})
    found = (read_row(table, half) for half in halves)
    return tuple(each for each in found if isinstance(each, ScheduleRow | CountdownRow))


def window(words: Words) -> tuple[int, int] | None:
    """Return from which to which minute of the device's day an away row switches, as the device has computed it."""
    start, end = words.get("start_min"), words.get("end_min")
    return (start, end) if _is_minute(start) and _is_minute(end) else None


def next_event(words: Words) -> NextEvent | None:
    """Return what a device says it will do next, from its answer to `get_next_event`.

    >>> next_event({}), next_event({"action": -1, "e_time": 0, "id": "0", "s_time": 0, "type": 0})
    (None, None)
    """
    seconds, action = words.get("s_time"), words.get("action")
    if not is_whole(seconds) or seconds <= 0:
        return None
    try:
        at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    # Component version 1 says 1, 0 or, for nothing to come, -1.
    setting = read_setting({**words, "action": bool(action)} if is_whole(action) and action in (0, 1) else words)
    row_id = _id(words)
    return NextEvent(at, "" if row_id == "0" else row_id, setting if isinstance(setting, Setting) else None)


def _schedule_row(words: Words) -> ScheduleRow:
    _nothing_else(words, _SCHEDULE_KEYS)
    if words.get("e_action") not in _NOTHING:
        raise _Unreadable("it does something at its end too")
    days, repeats = _days(words)
    at = _moment(words, _BEGIN)
    minute = words.get("s_min")
    return ScheduleRow(
        at,
        _setting(words, "s_action"),
        days,
        repeats,
        _enabled(words),
        _id(words),
        _date(words),
        minute if _is_minute(minute) else None,
        dict(words),
    )


def _countdown_row(words: Words) -> CountdownRow:
    _nothing_else(words, _COUNTDOWN_KEYS)
    delay_s, left_s = words.get("delay"), words.get("remain")
    if not (is_whole(delay_s) and delay_s > 0):
        raise _Unreadable("it does not say how long it runs")
    left_s = left_s if _enabled(words) and is_whole(left_s) and left_s > 0 else 0
    return CountdownRow(delay_s, _setting(words, "action"), left_s > 0, _id(words), left_s, dict(words))


def _antitheft_row(words: Words) -> AntitheftRow:
    _nothing_else(words, _ANTITHEFT_KEYS)
    days, repeats = _days(words)
    start = _moment(words, _START)
    end = _moment(words, _END)
    frequency_min = words.get("frequency", 5)
    if not (is_whole(frequency_min) and 1 <= frequency_min < 1440):
        raise _Unreadable("it does not say how often it switches")
    return AntitheftRow(start, end, days, repeats, frequency_min, _enabled(words), _id(words), dict(words))


def _auto_off(words: Words) -> AutoOff | None:
    _nothing_else(words, frozenset(("enable", "delay_min")))
    delay_min, enabled = words.get("delay_min"), _enabled(words)
    if not enabled and delay_min in (None, 0, UNSET_AUTO_OFF_MIN):
        return None
    if not (is_whole(delay_min) and delay_min > 0):
        raise _Unreadable("it does not say after how long it turns off")
    return AutoOff(delay_min, enabled, dict(words))


def _power_protection(words: Words) -> PowerProtection | None:
    _nothing_else(words, frozenset((*PROTECTION_SWITCHES, "protection_power")))
    limit_w, said = words.get("protection_power"), {truth(words[name]) for name in protection_switches(words)}
    if len(said) != 1 or None in said:
        raise _Unreadable("it does not say whether it is switched on")
    enabled = said == {True}
    if not enabled and limit_w in (None, 0):
        return None
    if not (is_whole(limit_w) and limit_w > 0):
        raise _Unreadable("it does not say above which load it turns off")
    return PowerProtection(limit_w, enabled, dict(words))


def protection_switches(words: Words) -> tuple[str, ...]:
    """Return what the device calls the switch of its power protection, from what it says of it; some say both."""
    return tuple(name for name in PROTECTION_SWITCHES if name in words)


def _nothing_else(words: Words, known: frozenset[str]) -> None:
    for name, value in words.items():
        if name not in known and value and value not in _NOTHING:
            raise _UnknownWord("it says what is not known here" + named(name), known)


def _enabled(words: Words) -> bool:
    enabled = truth(words.get("enable"))
    if enabled is None:
        raise _Unreadable("it does not say whether it is switched on")
    return enabled


def _days(words: Words) -> tuple[frozenset[int], bool]:
    """Return the days, from Monday = 0, and whether they come again."""
    mask, mode = words.get("week_day"), words.get("mode")
    if mode == "once":
        return frozenset(), False
    if mode != "repeat":
        raise _Unreadable("it says neither that it happens once nor that it repeats")
    if not is_whole(mask) or not 0 <= mask <= 127:
        raise _Unreadable("it does not say on which days")
    if not mask:
        raise _Unreadable("it repeats on no day of the week")
    return frozenset(day for day in range(7) if mask >> _bit(day) & 1), True


def _bit(day: int) -> int:
    return (day + 1) % 7  # of Sunday: 0


def _moment(words: Words, names: tuple[str, ...]) -> Moment:
    kind, minute, offset_min = (words.get(name) for name in names)
    anchor = _ANCHORS.get(kind) if isinstance(kind, str) else None
    if anchor is None:
        raise _Unreadable("it says neither a time nor the sun")
    if anchor == "midnight":
        if not _is_minute(minute):
            raise _Unreadable("its time of day cannot be")
        if offset_min not in _NOTHING:
            raise _Unreadable("it has an offset to a time of day")
        return Moment(anchor, minute)
    offset_min = 0 if offset_min is None else offset_min
    if not is_whole(offset_min) or abs(offset_min) > MOST_SUN_OFFSET_MIN:
        raise _Unreadable("its offset from the sun cannot be")
    return Moment(anchor, offset_min)


def _setting(words: Words, action: str) -> Setting:
    setting = read_setting(words, action)
    if isinstance(setting, str):
        raise _Unreadable(setting)
    return setting


def _date(words: Words) -> dt.date | None:
    year, month, day = (words.get(part) for part in _DATE)
    try:
        return dt.date(year, month, day)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _is_minute(value: object) -> TypeGuard[int]:
    return is_whole(value) and 0 <= value < 1440


def _id(words: Words) -> str:
    """Return an id that can be shown and sent again, or "" for what is none."""
    value = words.get("id")
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 16 else ""


def _repetition(host: str, row: ScheduleRow | AntitheftRow) -> dict[str, Any]:
    if row.repeats and not row.days:
        raise BadSetting(host, "a row that repeats needs a day of the week")
    mask = sum(1 << _bit(day) for day in row.days) if row.repeats else 0
    return {"mode": "repeat" if row.repeats else "once", "week_day": mask}


def _written(host: str, at: Moment, names: tuple[str, ...]) -> dict[str, Any]:
    kind, minute, offset = names
    if at.anchor == "midnight":
        if not 0 <= at.offset_min < 1440:
            raise BadSetting(host, f"minute {at.offset_min} is not one of a day: it takes 0 to 1439")
        return {kind: "normal", minute: at.offset_min, offset: 0}
    if abs(at.offset_min) > MOST_SUN_OFFSET_MIN:
        problem = f"{at.offset_min} min from the {at.anchor} is out of range: a row takes -360 to 360"
        raise BadSetting(host, problem)
    return {kind: _TYPES[at.anchor], minute: 0, offset: at.offset_min}
