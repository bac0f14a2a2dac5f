"""When a clock trigger falls due: the law of gaps and overlaps, for any zone.

Every trigger is read one *nominal day* at a time: the local date that its `days` look at.

gap       a wall time that does not exist moves forward by the length of the gap (it is read with the offset from
          before the gap), or is skipped.  A day that a zone leaves out whole (Apia, 30 December 2011) moves to the
          next one and may there meet that day's own firing; a moment counts once.
overlap   a wall time that happens twice counts the first time, the second, or both times.
elapsed   `every` adds seconds to an instant and therefore knows neither gap nor overlap; only the ends of
          `between` are wall times.  Under on_overlap = "both" a window is at its widest.

Moments are UTC, come in order, and never twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import NamedTuple, assert_never
from zoneinfo import ZoneInfo

from tapo_automate.rules.model import (
    EVERY_DAY,
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Days,
    Every,
    NotFiring,
    PowerPast,
    Rule,
    Site,
    StateTurns,
)
from tapo_automate.rules.sun import sun_instants, why_no_sun
from tapo_automate.rules.wall import clock, resolve, shifted_days, steady_offset

SEARCH_DAYS = 400  # a rule that is silent for longer (sunrise at a place without one) is not looked for again
EVERY_FROM = dt.datetime(2000, 1, 1)  # noqa: DTZ001  (a wall time: local midnight, in each site's own zone)
_DAY = dt.timedelta(days=1)


class Moment(NamedTuple):
    """A UTC instant that a rule means, and what is unusual about it, or ""."""

    at: dt.datetime
    note: str = ""


class Nominal(NamedTuple):
    """What a trigger makes of one nominal day: moments in order, or why there are none, or neither."""

    moments: Iterable[Moment] = ()
    why_none: str = ""


NOTHING = Nominal()


def moments_after(rule: Rule, site: Site, after: dt.datetime) -> Iterator[Moment]:
    """Yield the moments of a rule strictly after an instant, in order, for ever or until nothing more comes.

    Rules that do not go by the clock have none.
    """
    try:
        match rule.trigger:
            case AtDate(at):
                day = at.date() if at.tzinfo is None else _local_date(at, site)
                yield from (moment for moment in on_day(rule, day, site).moments if moment.at > after)
            case Every(between=None) as trigger:
                yield from _grid(trigger, site.timezone, after)
            case AtTime(days=days) | Every(days=days):
                yield from _walk(rule, site, after, _local_date(after, site), days)
            case AtSun(offset_s=offset_s, days=days):
                event_day = _local_date(after - dt.timedelta(seconds=offset_s), site)
                yield from _walk(rule, site, after, event_day, days)
            case PowerPast() | StateTurns() | AfterDelay() | Away():
                return
            case _ as never:
                assert_never(never)
    except OverflowError:  # the calendar ends with year 9999
        return


def on_day(rule: Rule, day: dt.date, site: Site, after: dt.datetime | None = None) -> Nominal:
    """Return what a clock trigger makes of a nominal day.

    after: leave out moments up to this one where that saves counting; others may still be among them.
    `every` without a window belongs to no day, and is empty here.
    """
    match rule.trigger:
        case AtTime(at, days):
            if day.weekday() not in days:
                return NOTHING
            return _at_wall_time(dt.datetime.combine(day, at), rule, site.timezone)
        case AtSun() as trigger:
            if day.weekday() not in trigger.days:
                return NOTHING
            return _at_sun(trigger, day, site)
        case AtDate(at):
            if at.tzinfo is not None:
                return Nominal((Moment(at.astimezone(dt.UTC)),)) if _local_date(at, site) == day else NOTHING
            return _at_wall_time(at, rule, site.timezone) if at.date() == day else NOTHING
        case Every(between=(start, end), days=days) as trigger:
            if day.weekday() not in days:
                return NOTHING
            return _in_window(trigger.interval_s, (start, end), day, rule, site.timezone, after)
        case _:
            return NOTHING


def silent_days(rule: Rule, site: Site, first: dt.date, last: dt.date) -> Iterator[NotFiring]:
    """Yield the nominal days, both ends included, on which a rule would fire, had the day such a moment."""
    match rule.trigger:
        case AtSun():
            days: Iterable[dt.date] = _dates(first, last)
        case AtDate(at):
            day = at.date()
            days = [day] if first <= day <= last else []
        case AtTime() if rule.on_gap == "skip":
            days = shifted_days(site.timezone, first, last)
        case Every(between=(_, _)):
            days = shifted_days(site.timezone, first, last)
        case _:
            return
    for day in days:
        why_none = on_day(rule, day, site).why_none
        if why_none:
            yield NotFiring(rule.id, day, why_none)


def _at_wall_time(wall: dt.datetime, rule: Rule, zone: ZoneInfo) -> Nominal:
    earlier, later, exists = resolve(wall, zone)
    if earlier == later:
        return Nominal((Moment(earlier),))
    if not exists:
        if rule.on_gap == "skip":
            return Nominal(why_none=f"{clock(wall)} does not exist on this day")
        return Nominal((Moment(later, _moved(wall, later, zone)),))
    twice = f"{clock(wall)} happens twice on this day, this is the"
    first, second = Moment(earlier, f"{twice} first"), Moment(later, f"{twice} second")
    match rule.on_overlap:
        case "first":
            return Nominal((first,))
        case "second":
            return Nominal((second,))
        case "both":
            return Nominal((first, second))


def _at_sun(trigger: AtSun, day: dt.date, site: Site) -> Nominal:
    instants = sun_instants(trigger.event, day, site)
    if not instants:
        return Nominal(why_none=why_no_sun(trigger.event, day, site))
    at = instants[0]
    notes = []
    if len(instants) > 1:
        verb = "rises" if trigger.event == "sunrise" else "sets"
        notes.append(f"the sun {verb} twice on this day, this is the first")
    if trigger.offset_s:
        at += dt.timedelta(seconds=trigger.offset_s)
        if _local_date(at, site) != day:
            notes.append(f"belongs to the {trigger.event} of {day}")
    return Nominal((Moment(at, "; ".join(notes)),))


def _in_window(
    interval_s: int,
    between: tuple[dt.time, dt.time],
    day: dt.date,
    rule: Rule,
    zone: ZoneInfo,
    after: dt.datetime | None,
) -> Nominal:
    """Return every interval_s from the start of the window on, before its end; start and end stand for themselves."""
    start_wall = dt.datetime.combine(day, between[0])
    end_wall = dt.datetime.combine(day if between[1] > between[0] else day + _DAY, between[1])
    first_start, second_start, start_exists = resolve(start_wall, zone)
    first_end, second_end, end_exists = resolve(end_wall, zone)
    note = ""
    if start_exists:
        start = second_start if rule.on_overlap == "second" else first_start
    elif rule.on_gap == "skip":
        return Nominal(why_none=f"{clock(start_wall)}, where the window starts, does not exist on this day")
    else:
        start = second_start
        note = _moved(start_wall, start, zone)
    end = first_end if end_exists and rule.on_overlap == "first" else second_end
    if rule.on_overlap == "both":
        end = min(end, resolve(start_wall + _DAY, zone)[0])  # a window of a whole day ends where the next one starts
    if end <= start:
        return Nominal(why_none=f"the window {clock(between[0])} to {clock(between[1])} is empty on this day")
    return Nominal(_count(start, end, dt.timedelta(seconds=interval_s), note, after))


def _count(
    start: dt.datetime, end: dt.datetime, step: dt.timedelta, note: str, after: dt.datetime | None
) -> Iterator[Moment]:
    at = start
    if after is not None and after >= start:
        at += ((after - start) // step + 1) * step
    elif note:
        yield Moment(start, note)
        at += step
    while at < end:
        yield Moment(at)
        at += step


def _walk(rule: Rule, site: Site, after: dt.datetime, near: dt.date, days: Days) -> Iterator[Moment]:
    """Yield the moments after an instant, nominal day by nominal day; near: the local date that it belongs to."""
    last = after
    day = near - 2 * _DAY  # a window ends, and a left-out day is made up for, at most one day later
    silent = -2
    plain_time = rule.trigger.at if isinstance(rule.trigger, AtTime) else None
    while silent <= SEARCH_DAYS:
        silent += 1
        if day.weekday() not in days:
            pass
        elif plain_time is not None and (offset := steady_offset(site.timezone, day)) is not None:
            at = dt.datetime.combine(day, plain_time, dt.UTC) - offset  # as `on_day` would, on most days of most rules
            if at > last:
                last = at
                silent = 0
                yield Moment(at)
        else:
            for moment in on_day(rule, day, site, last).moments:
                if moment.at > last:
                    last = moment.at
                    silent = 0
                    yield moment
        day += _DAY


def _grid(trigger: Every, zone: ZoneInfo, after: dt.datetime) -> Iterator[Moment]:
    """Yield the moments of an `every` without a window: a multiple of the interval from local midnight 2000-01-01."""
    step = dt.timedelta(seconds=trigger.interval_s)
    origin = resolve(EVERY_FROM, zone)[1]
    at = origin + ((after - origin) // step + 1) * step
    if trigger.days == EVERY_DAY:
        while True:
            yield Moment(at)
            at += step
    last, misses = after, 0
    while trigger.days and (misses <= SEARCH_DAYS or at - last <= SEARCH_DAYS * _DAY):
        local = at.astimezone(zone)
        if local.weekday() in trigger.days:
            last, misses = at, 0
            yield Moment(at)
            at += step
            continue
        misses += 1
        at += step
        # Clocks that go back over midnight return to the date before: look at each step just after midnight.
        if local.hour >= 3 or (local.weekday() - 1) % 7 not in trigger.days:
            start = _start_of_next(trigger.days, local.date(), zone)
            if start > at:
                at = origin - (origin - start) // step * step  # the first multiple that is not before `start`


def _start_of_next(days: Days, day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return an instant at or before the start of the next of the given weekdays after `day`."""
    day += _DAY
    while day.weekday() not in days:
        day += _DAY
    return resolve(dt.datetime.combine(day, dt.time()), zone)[0]


def _moved(wall: dt.datetime, to: dt.datetime, zone: ZoneInfo) -> str:
    local = to.astimezone(zone)
    date = f" on {local.date()}" if local.date() != wall.date() else ""
    return f"{clock(wall)} does not exist on this day, moved to {clock(local)}{date}"


def _local_date(instant: dt.datetime, site: Site) -> dt.date:
    return instant.astimezone(site.timezone).date()


def _dates(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield dt.date.fromordinal(ordinal)
