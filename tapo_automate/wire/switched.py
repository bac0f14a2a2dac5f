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

from tapo_automate.wire.tables import EVERY_DAY, AwayRow, ScheduleRow

NEAR = dt.timedelta(seconds=90)  # a device's clock is off by some seconds, and rows have whole minutes
SUN_MOVES = dt.timedelta(minutes=3)  # a row that has fired says the minute of its next day already
CLOCK_IS_WRONG = dt.timedelta(hours=1)
YEARS = range(1971, 2200)  # what any clock may say

_WEEKDAYS, _WEEKEND = 0b0111110, 0b1000001
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
    >>> row = ScheduleRow("S1", True, True, 62, None, "normal", 192, 0, Setting(on=True))
    >>> by_schedule([row], True, dt.datetime(2026, 7, 1, 3, 12, 40))
    'its schedule, row S1: weekdays at 03:12'
    """
    for row in rows:
        if row.setting.on is on and _fires_near(row, local):
            which = f", row {row.id}" if row.id else ""
            return f"its schedule{which}: {_days(row)} {_moment(row)}"
    return None


def by_away(rows: Sequence[AwayRow], local: dt.datetime) -> str | None:
    """Return the away mode's window if it is open about `local`, in words, or None.  In it, it switches at random."""
    for row in rows:
        if row.enabled and any(_is_open(row, day, local) for day in (local.date() - _DAY, local.date())):
            return f"probably its away mode ({_clock(row.from_minute)}–{_clock(row.until_minute)})"
    return None


def _fires_near(row: ScheduleRow, local: dt.datetime) -> bool:
    slack = NEAR if row.event == "normal" else NEAR + SUN_MOVES
    for day in (local.date() - _DAY, local.date(), local.date() + _DAY):
        if abs(_at(day, row.minute) - local) <= slack:
            if row.repeats:
                return row.enabled and _falls_on(row.week_days, day)
            # What becomes of a row that fires once is not known; it may be disabled, and keeps its date.
            return row.day == day or (row.day is None and row.enabled)
    return False


def _is_open(row: AwayRow, begins: dt.date, local: dt.datetime) -> bool:
    if row.repeats and not _falls_on(row.week_days, begins):
        return False
    ends = begins if row.until_minute > row.from_minute else begins + _DAY
    return _at(begins, row.from_minute) - NEAR <= local <= _at(ends, row.until_minute) + NEAR


def _falls_on(week_days: int, day: dt.date) -> bool:
    return bool(week_days >> day.isoweekday() % 7 & 1)  # bit 0 is Sunday


def _at(day: dt.date, minute: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(minute // 60, minute % 60))


def _days(row: ScheduleRow) -> str:
    if not row.repeats:
        return "once"
    named = {EVERY_DAY: "every day", _WEEKDAYS: "weekdays", _WEEKEND: "weekends"}.get(row.week_days & EVERY_DAY)
    return named or ", ".join(name for bit, name in enumerate(_DAYS, 1) if row.week_days >> bit % 7 & 1)


def _moment(row: ScheduleRow) -> str:
    if row.event == "normal":
        return f"at {_clock(row.minute)}"
    side = "before" if row.offset_min < 0 else "after"
    offset = f"{abs(row.offset_min)} min {side}" if row.offset_min else "at"
    return f"{offset} {row.event} ({_clock(row.minute)})"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
