"""Which of a device's own tables turned it on or off, in words.

The device does not say.  What its rows say is compared with the instant, so a person who presses the button in the very
minute of a row is not seen.  Source: docs/protocol.md, "On-device rule tables".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate.rows import EVERY_DAY, AntitheftRow, ScheduleRow
from tapo_automate.wire.rows_codec import window

NEAR = dt.timedelta(seconds=90)  # a device's clock is off by some seconds, and rows have whole minutes
SUN_MOVES = dt.timedelta(minutes=3)  # a row that has fired says the minute of its next day already
CLOCK_IS_WRONG = dt.timedelta(hours=1)
YEARS = range(1971, 2200)  # what any clock may say

_WEEKDAYS, _WEEKEND = frozenset(range(5)), frozenset((5, 6))
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = dt.timedelta(days=1)


def local_time(at: dt.datetime, answer: Mapping[str, Any]) -> dt.datetime | None:
    """Return what the device's clock read at an instant, naive, or None where it does not say.

    answer: to `get_device_time`, asked within minutes of `at`.  A clock that is wrong is taken as it is: rows go by it.

    >>> at = dt.datetime(2026, 7, 1, 4, tzinfo=dt.UTC)
    >>> local_time(at, {"region": "Europe/Berlin", "time_diff": 60}), local_time(at, {"region": "", "time_diff": 60})
    (datetime.datetime(2026, 7, 1, 6, 0), datetime.datetime(2026, 7, 1, 5, 0))
    """
    timestamp, difference_min, region = (answer.get(name) for name in ("timestamp", "time_diff", "region"))
    zone: dt.tzinfo | None = None
    if isinstance(difference_min, int) and abs(difference_min) < 24 * 60:
        zone = dt.timezone(dt.timedelta(minutes=difference_min))
    if isinstance(region, str) and region:
        with suppress(ValueError, KeyError, OSError):  # a name that this machine does not know: the offset has to do
            zone = ZoneInfo(region)
    if zone is None:
        return None
    if isinstance(timestamp, int):
        try:
            reads = dt.datetime.fromtimestamp(timestamp, dt.UTC)
        except (ValueError, OverflowError, OSError):
            return None
        if reads.year not in YEARS:
            return None
        if abs(reads - at) > CLOCK_IS_WRONG:
            at = reads
    return at.astimezone(zone).replace(tzinfo=None)


def by_schedule(rows: Sequence[ScheduleRow], on: bool, local: dt.datetime) -> str | None:
    """Return the row that turned the device on (or off) about `local`, in words, or None.

    >>> from tapo_automate.device import Setting
    >>> from tapo_automate.rows import Moment
    >>> row = ScheduleRow(Moment("midnight", 192), Setting(on=True), frozenset(range(5)), id="S1", minute=192)
    >>> by_schedule([row], True, dt.datetime(2026, 7, 1, 3, 12, 40))
    'its schedule, row S1: weekdays at 03:12'
    """
    for row in rows:
        if row.setting.on is on and _fires_near(row, local):
            which = f", row {row.id}" if row.id else ""
            return f"its schedule{which}: {_days(row)} {_moment(row)}"
    return None


def by_away(rows: Sequence[AntitheftRow], local: dt.datetime) -> str | None:
    """Return the away mode's window if it is open about `local`, in words, or None.  In it, it switches at random."""
    for row in rows:
        minutes = window(row.own)
        if row.enabled and minutes is not None:
            begin, end = minutes
            if any(_is_open(row, minutes, day, local) for day in (local.date() - _DAY, local.date())):
                return f"probably its away mode ({_clock(begin)}–{_clock(end)})"
    return None


def _fires_near(row: ScheduleRow, local: dt.datetime) -> bool:
    if row.minute is None:
        return False
    slack = NEAR if row.at.anchor == "midnight" else NEAR + SUN_MOVES
    for day in (local.date() - _DAY, local.date(), local.date() + _DAY):
        if abs(_at(day, row.minute) - local) <= slack:
            if row.repeats:
                return row.enabled and day.weekday() in row.days
            # What becomes of a row that fires once is not known; it may be disabled, and keeps its date.
            return row.next_day == day or (row.next_day is None and row.enabled)
    return False


def _is_open(row: AntitheftRow, minutes: tuple[int, int], begins: dt.date, local: dt.datetime) -> bool:
    if row.repeats and begins.weekday() not in row.days:
        return False
    begin, end = minutes
    ends = begins if end > begin else begins + _DAY
    return _at(begins, begin) - NEAR <= local <= _at(ends, end) + NEAR


def _at(day: dt.date, minute: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(minute // 60, minute % 60))


def _days(row: ScheduleRow) -> str:
    if not row.repeats:
        return "once"
    named = {EVERY_DAY: "every day", _WEEKDAYS: "weekdays", _WEEKEND: "weekends"}.get(row.days)
    return named or ", ".join(name for day, name in enumerate(_DAYS) if day in row.days)


def _moment(row: ScheduleRow) -> str:
    assert row.minute is not None
    if row.at.anchor == "midnight":
        return f"at {_clock(row.minute)}"
    side = "before" if row.at.offset_min < 0 else "after"
    offset = f"{abs(row.at.offset_min)} min {side}" if row.at.offset_min else "at"
    return f"{offset} {row.at.anchor} ({_clock(row.minute)})"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
