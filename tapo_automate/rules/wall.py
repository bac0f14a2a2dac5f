"""Wall times in a zone: the instants that they name, and the dates on which the zone's offset changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = dt.timedelta(days=1)
_TIMES_OF_DAY = (*(dt.time(hour, minute) for hour in range(24) for minute in (0, 30)), dt.time.max)


def resolve(wall: dt.datetime, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime, bool]:
    """Return the earlier and the later instant of a wall time, and whether it exists.

    Equal where the wall time is plain.  In a gap the later one is the wall time moved forward by the gap's length.
    """
    plain = wall.replace(tzinfo=dt.UTC)
    offset = steady_offset(zone, wall.date())
    if offset is not None:
        return plain - offset, plain - offset, True
    local = wall.replace(tzinfo=zone, fold=0)
    before = local.utcoffset()
    after = local.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    if before == after:
        instant = plain - before
        return instant, instant, True
    one, other = plain - before, plain - after
    return (one, other, True) if one < other else (other, one, False)


@lru_cache(maxsize=4096)
def steady_offset(zone: ZoneInfo, day: dt.date) -> dt.timedelta | None:
    """Return the offset from UTC that every wall time of a local date has, or None where it changes on that date.

    Rules ask for the same dates again and again; here each date is looked at once.
    """
    offset = dt.datetime.combine(day, dt.time(), zone).utcoffset()
    for time in _TIMES_OF_DAY:
        local = dt.datetime.combine(day, time, zone)
        if local.utcoffset() != offset or local.replace(fold=1).utcoffset() != offset:
            return None
    return offset


def shifted_days(zone: ZoneInfo, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the local dates, both ends included, at or beside which the zone's offset changes."""
    for year in range(first.year, last.year + 1):
        for day in _shifted_days_of_year(zone, year):
            if first <= day <= last:
                yield day


def clock(wall: dt.datetime | dt.time) -> str:
    """Return the time of day as people write it: seconds only where there are some."""
    return wall.strftime("%H:%M:%S" if wall.second else "%H:%M")


@lru_cache(maxsize=256)
def _shifted_days_of_year(zone: ZoneInfo, year: int) -> tuple[dt.date, ...]:
    found: set[dt.date] = set()
    first = dt.date(year, 1, 1) - 2 * _DAY
    noon = dt.datetime.combine(first, dt.time(12), dt.UTC)
    offset = noon.astimezone(zone).utcoffset()
    for number in range(370):
        noon += _DAY
        now = noon.astimezone(zone).utcoffset()
        if now != offset:
            found.update(first + (number + beside) * _DAY for beside in (-1, 0, 1, 2))
            offset = now
    return tuple(sorted(day for day in found if day.year == year))
