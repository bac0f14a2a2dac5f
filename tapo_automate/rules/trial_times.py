"""The instants of a test: wall times, dates with a time, and durations, each by where the test begins."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from tapo_automate.rules import durations
from tapo_automate.rules.wall import resolve

_DAY = dt.timedelta(days=1)


def beginning(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the instant of a date with a time.

    Without an offset it is a wall time: one that does not exist is moved forward by the gap, of two it is the first.
    """
    if moment.tzinfo is not None:
        return moment.astimezone(dt.UTC)
    earlier, later, exists = resolve(moment, zone)
    return earlier if exists else later


def instant(value: str | dt.time | dt.datetime, begin: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the instant that a value means in a test that begins at `begin`.

    A duration counts from there, as elapsed time.  A time without a date is the first at or after it.
    """
    match value:
        case str():
            return begin + dt.timedelta(seconds=durations.seconds(value) or 0)
        case dt.datetime():
            return beginning(value, zone)
    day = begin.astimezone(zone).date()
    while True:
        earlier, later, exists = resolve(dt.datetime.combine(day, value), zone)
        for at in (earlier, later) if exists else (later,):
            if at >= begin:
                return at
        day += _DAY


def ending(value: dt.time | dt.datetime, begin: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the instant at which a test ends: of a time without a date, the first after `begin`."""
    return instant(value, begin + dt.timedelta(seconds=1) if isinstance(value, dt.time) else begin, zone)
