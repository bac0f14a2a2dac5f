"""The words in which a device in memory keeps its rows, there and back.

They are close to a real device's, and not the same: nothing above the driver may depend on them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    Row,
    ScheduleRow,
    TableName,
)

Own: TypeAlias = dict[str, Any]
SPOKEN = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def words(row: Row, *, transitions: bool) -> Own:
    """Return a row in the words of the device.  Raises BadSetting for what no row can hold."""
    match row:
        case ScheduleRow():
            if row.setting.on is None or row.setting.toggle or (row.repeats and not row.days):
                raise BadSetting("memory", f"no row can hold {row.setting}")
            if row.setting.transition_ms is not None and not transitions:
                raise BadSetting("memory", "no row has a transition here")
            return {
                "enable": row.enabled,
                "mode": "repeat" if row.repeats else "once",
                "days": _spoken(row.days),
                **_moment("", row.at),
                "states": _states(row.setting),
            }
        case CountdownRow():
            if not 1 <= row.delay_s <= 86400:
                raise BadSetting("memory", f"{row.delay_s} s is no delay")
            return {"enable": row.enabled, "delay": row.delay_s, "states": _states(row.setting)}
        case AntitheftRow():
            return {
                "enable": row.enabled,
                "mode": "repeat" if row.repeats else "once",
                "days": _spoken(row.days),
                "frequency": row.frequency_min,
                **_moment("start_", row.start),
                **_moment("end_", row.end),
            }
        case AutoOff():
            if not 1 <= row.delay_min <= 1440:
                raise BadSetting("memory", f"{row.delay_min} min is no delay")
            return {"delay_min": row.delay_min, "enable": row.enabled}
        case PowerProtection():
            if row.limit_w > 2990:
                raise BadSetting("memory", f"{row.limit_w} W is more than it is built for")
            return {"limit": row.limit_w, "enable": row.enabled}


def _spoken(days: frozenset[int]) -> list[str]:
    return [SPOKEN[(day + 1) % 7] for day in sorted(days)]


def _moment(prefix: str, at: Moment) -> Own:
    kind = "normal" if at.anchor == "midnight" else at.anchor
    clock = at.anchor == "midnight"
    return {
        f"{prefix}type": kind,
        f"{prefix}min": at.offset_min if clock else 0,
        f"{prefix}offset": 0 if clock else at.offset_min,
    }


def _states(setting: Setting) -> Own:
    return {word: value for word, value in _fields(setting).items() if value is not None}


def _fields(setting: Setting) -> Own:
    names = ("on", "brightness_pct", "color_temp_k", "hue_deg", "saturation_pct", "transition_ms")
    return {name: getattr(setting, name) for name in names}


def setting_of(own: Own) -> Setting:
    return Setting(**{name: value for name, value in own["states"].items() if name in _fields(Setting())})


def read_row(table: TableName, own: Own) -> FoundRow:
    row_id = own["id"]
    kinds = ("normal", "sunrise", "sunset")
    if table == "countdown":
        return CountdownRow(own["delay"], setting_of(own), own["enable"], row_id, own["remain"], own)
    days = frozenset((SPOKEN.index(day) - 1) % 7 for day in own.get("days", ()))
    repeats = own["mode"] == "repeat"
    if table == "antitheft":
        start, end = _moment_of("start_", own), _moment_of("end_", own)
        return AntitheftRow(start, end, days, repeats, own["frequency"], own["enable"], row_id, own)
    if own["type"] not in kinds:
        bare = {name: value for name, value in own.items() if name not in ("id", "year", "month", "day")}
        return OpaqueRow(table, f"its kind is {own['type']!r}", bare, row_id)
    day = dt.date(own["year"], own["month"], own["day"]) if "day" in own else None
    at = _moment_of("", own)
    minute = at.offset_min if at.anchor == "midnight" else None
    return ScheduleRow(at, setting_of(own), days, repeats, own["enable"], row_id, day, minute, own)


def _moment_of(prefix: str, own: Own) -> Moment:
    if own[f"{prefix}type"] == "normal":
        return Moment("midnight", own[f"{prefix}min"])
    return Moment("sunrise" if own[f"{prefix}type"] == "sunrise" else "sunset", own[f"{prefix}offset"])
