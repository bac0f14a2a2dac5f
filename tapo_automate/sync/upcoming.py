"""When a device's rows come due, and whether what the device announces agrees with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from tapo_automate.rows import Holdings, Moment, ScheduleRow
from tapo_automate.rules.model import Site
from tapo_automate.rules.sun import sun_instant
from tapo_automate.rules.wall import resolve
from tapo_automate.sync.rows import in_words
from tapo_automate.sync.trust import sun_is_trusted

CLOCK_TOLERANCE = dt.timedelta(seconds=60)
SUN_TOLERANCE = dt.timedelta(minutes=2)
_JUST_NOW = dt.timedelta(minutes=5)  # may have happened between reading and asking
_DAYS_AHEAD = 9  # a row of one weekday, from the evening of that day


def next_instant(row: ScheduleRow, site: Site, after: dt.datetime) -> dt.datetime | None:
    """Return when a row comes due next, UTC, or None: it never repeats on any day, or the sun does neither.

    The device's zone and position are taken to be the site's.
    """
    first = after.astimezone(site.timezone).date()
    for number in range(-1, _DAYS_AHEAD):
        day = first + dt.timedelta(days=number)
        if row.repeats and day.weekday() not in row.days:
            continue
        at = _instant(row.at, day, site)
        if at is not None and at > after:
            return at
    return None


def event_doubt(holdings: Holdings, site: Site, now: dt.datetime, ours: Mapping[str, str]) -> str:
    """Return in what way the event that a device announces cannot be, as half a sentence; "" where it can.

    ours: schedule row ids -> what they do, in words; only those that are enabled and on the device count.
    What comes due within minutes of `now` says nothing, and somebody else's row may well come first.  When a row by
    the sun comes due nobody knows of a device that is not at the site.
    """
    table = holdings.tables.get("schedule")
    rows = [row for row in table.rows if isinstance(row, ScheduleRow) and row.enabled] if table else []
    if not sun_is_trusted(holdings, site):
        rows = [row for row in rows if row.at.anchor == "midnight"]
    due = {row.id: at for row in rows if (at := next_instant(row, site, now)) is not None}
    by_id = {row.id: row for row in rows}
    event = holdings.next_event
    if not holdings.announces:
        return ""
    if event is not None and event.row_id in due:
        row, at = by_id[event.row_id], due[event.row_id]
        if at - now > _JUST_NOW and abs(event.at - at) > _tolerance(row):
            return f"it announces “{in_words(row)}” for {_local(event.at, site)}, and it should be {_local(at, site)}"
    coming = sorted((at, row_id) for row_id, at in due.items() if row_id in ours)
    if not coming or coming[0][0] - now <= _JUST_NOW:
        return ""
    at, row_id = coming[0]
    if event is None:
        return f"it announces nothing to come, and “{ours[row_id]}” is due {_local(at, site)}"
    if event.at - at > _tolerance(by_id[row_id]):
        return f"it announces its next for {_local(event.at, site)}, and “{ours[row_id]}” is due {_local(at, site)}"
    return ""


def _tolerance(row: ScheduleRow) -> dt.timedelta:
    return CLOCK_TOLERANCE if row.at.anchor == "midnight" else SUN_TOLERANCE


def _instant(moment: Moment, day: dt.date, site: Site) -> dt.datetime | None:
    if moment.anchor == "midnight":
        time = dt.time(moment.offset_min // 60, moment.offset_min % 60)
        return resolve(dt.datetime.combine(day, time), site.timezone)[0]
    sun = sun_instant(moment.anchor, day, site)
    return None if sun is None else sun + dt.timedelta(minutes=moment.offset_min)


def _local(at: dt.datetime, site: Site) -> str:
    return at.astimezone(site.timezone).strftime("%a %Y-%m-%d %H:%M")
