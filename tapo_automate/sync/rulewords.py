"""Rows as dictionaries in the words of the rule language, for JSON: {"when": {"time": …}, "set": {…}}."""

from __future__ import annotations

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
    ScheduleRow,
)
from tapo_automate.rules.durations import spell

_DAY_WORDS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_APP_FREQUENCY_MIN = 5


def as_rule(row: FoundRow) -> dict[str, Any]:
    """Return what a row says as a rule would say it, with texts for times.

    "days" are left out for every day.  Beyond the language: "once" for a row that does not repeat, "enabled": False for
    one that is switched off, "every" for the unusual pace of random switching, "unreadable" for what cannot be read.

    >>> as_rule(ScheduleRow(Moment("sunset", -15), Setting(on=True), frozenset({5, 6})))
    {'when': {'sunset': {'offset': '-15m', 'days': ['sat', 'sun']}}, 'set': {'on': True}}
    """
    if isinstance(row, OpaqueRow):
        return {"unreadable": row.why}
    words = _said(row)
    if not row.enabled:
        words["enabled"] = False
    return words


def _said(row: ScheduleRow | CountdownRow | AntitheftRow | AutoOff | PowerProtection) -> dict[str, Any]:
    match row:
        case ScheduleRow(at=Moment(anchor="midnight") as at):
            when: dict[str, Any] = {"time": {"at": _wall(at), **_days(row)}}
        case ScheduleRow(at=at):
            when = {at.anchor: {"offset": spell(60 * at.offset_min), **_days(row)}}
        case CountdownRow():
            when = {"countdown": {"after": spell(row.delay_s), "from": "apply"}}
        case AutoOff():
            when = {"countdown": {"after": spell(60 * row.delay_min), "from": "on"}}
            return {"when": when, "set": Setting(on=False).as_rule()}
        case PowerProtection():
            return {"when": {"power": {"above": row.limit_w}}, "set": Setting(on=False).as_rule()}
        case AntitheftRow():
            pace = {} if row.frequency_min == _APP_FREQUENCY_MIN else {"every": spell(60 * row.frequency_min)}
            return {"when": {"away": {"from": _edge(row.start), "until": _edge(row.end), **_days(row), **pace}}}
        case _ as never:
            assert_never(never)
    return {"when": when, "set": row.setting.as_rule()}


def _days(row: ScheduleRow | AntitheftRow) -> dict[str, Any]:
    if not row.repeats:
        return {"once": True}
    return {} if row.days == EVERY_DAY else {"days": [_DAY_WORDS[day] for day in sorted(row.days)]}


def _wall(at: Moment) -> str:
    return f"{at.offset_min // 60:02}:{at.offset_min % 60:02}:00"


def _edge(at: Moment) -> str:
    if at.anchor == "midnight":
        return _wall(at)
    return (
        at.anchor if not at.offset_min else f"{at.anchor}{'+' if at.offset_min > 0 else ''}{spell(60 * at.offset_min)}"
    )
