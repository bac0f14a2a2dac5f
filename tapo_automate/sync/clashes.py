"""Rows that get into each other's way: what a device makes of them is its secret."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from tapo_automate.rows import AntitheftRow, Moment, ScheduleRow
from tapo_automate.rules.model import Site
from tapo_automate.rules.recur import SEARCH_DAYS
from tapo_automate.sync.ahead import sun_days
from tapo_automate.sync.rows import days_in_words

_DAY_MIN = 1440


def days_of(row: ScheduleRow, spent_at: dt.datetime | None, site: Site) -> frozenset[int]:
    """Return the weekdays on which a row acts.  spent_at: when one that happens once does, if that is known."""
    if row.repeats:
        return row.days
    return frozenset() if spent_at is None else frozenset({spent_at.astimezone(site.timezone).weekday()})


def contradictions(rows: Mapping[str, tuple[ScheduleRow, frozenset[int]]]) -> Iterator[tuple[str, str, str]]:
    """Yield pairs of rules that set different things at one time, and their common days in words.

    rows: rule id -> its row, and the weekdays on which it acts.
    """
    at_once: defaultdict[Moment, list[str]] = defaultdict(list)
    for name, (row, days) in rows.items():
        for other in at_once[row.at]:
            other_row, other_days = rows[other]
            common = days & other_days
            if common and row.setting != other_row.setting:
                yield other, name, days_in_words(common)
        at_once[row.at].append(name)


def contradicts(row: ScheduleRow, days: frozenset[int], others: Iterable[ScheduleRow]) -> ScheduleRow | None:
    """Return the first of the rows, all enabled, that sets something else at the same time, or None."""
    for other in others:
        same_day = not other.repeats or other.days & days  # of one that happens once, the day is not known
        if other.at == row.at and same_day and other.setting != row.setting:
            return other
    return None


@lru_cache(maxsize=4096)
def inside(window: AntitheftRow, row: ScheduleRow, days: frozenset[int], site: Site, first: dt.date) -> bool:
    """Whether a row acts inside a window, ends included, on one of the coming 400 days.

    days: the weekdays on which the row acts.
    """
    for number in range(SEARCH_DAYS - 1):
        weekday = (first.weekday() + number) % 7
        if window.repeats and weekday not in window.days:
            continue
        start_min, end_min = (_minute(each, number, site, first) for each in (window.start, window.end))
        if start_min is None or end_min is None:
            continue
        if end_min <= start_min:
            end_min = _DAY_MIN + (_minute(window.end, number + 1, site, first) or end_min)
        for later in (0, 1):
            at_min = _minute(row.at, number + later, site, first) if (weekday + later) % 7 in days else None
            if at_min is not None and start_min <= at_min + later * _DAY_MIN <= end_min:
                return True
    return False


def _minute(at: Moment, number: int, site: Site, first: dt.date) -> int | None:
    """Return the minute of the day of a moment, `number` days after the first; None without a sun."""
    if at.anchor == "midnight":
        return at.offset_min
    day = sun_days(at.anchor, site, first)[number]
    return None if day.at is None else day.second // 60 + at.offset_min
