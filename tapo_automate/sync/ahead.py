"""What the coming 400 days have in store for a row: changes of the clocks, days without a sun, the ends of days.

A rule and its row mean the same on most days.  Where one of these days is different, or firmware may read it
differently, the rule is the daemon's for the whole time: a rule that changes hands twice a year is one that nobody can
follow.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tapo_automate.rows import Moment
from tapo_automate.rules.away import window_on
from tapo_automate.rules.model import AtSun, AtTime, Away, Site, SunEdge, SunEvent, Trigger
from tapo_automate.rules.recur import SEARCH_DAYS
from tapo_automate.rules.sun import sun_instants, why_no_sun
from tapo_automate.rules.wall import clock, resolve, shifted_days, steady_offset
from tapo_automate.sync.model import InDaemon
from tapo_automate.sync.rows import moment_in_words

SUN_TOLERANCE_S = 120  # by which a device's sun may differ from ours
_DAY = dt.timedelta(days=1)
_DAY_S = 86_400
_SECOND = dt.timedelta(seconds=1)


class SunDay(NamedTuple):
    """The event of one local date.  at: UTC, None where there is not exactly one.

    second: of the local day, by its wall.  steady: the clocks do not change on this date.
    """

    day: dt.date
    at: dt.datetime | None
    second: int
    steady: bool


@lru_cache(maxsize=64)
def sun_days(event: SunEvent, site: Site, first: dt.date) -> tuple[SunDay, ...]:
    """Return the event on each of the coming 400 days."""
    found = []
    for number in range(SEARCH_DAYS):
        day = first + number * _DAY
        instants = sun_instants(event, day, site)
        at = instants[0] if len(instants) == 1 else None
        second = _second_of_day(at.astimezone(site.timezone)) if at else 0
        found.append(SunDay(day, at, second, steady_offset(site.timezone, day) is not None))
    return tuple(found)


@lru_cache(maxsize=8192)
def objection(trigger: Trigger, site: Site, first: dt.date) -> InDaemon | None:
    """Return why a row would not do what a rule does on one of the coming 400 days, or None.

    first: the local date from which on to look.
    """
    match trigger:
        case AtTime(at, days):
            for day in shifted_days(site.timezone, first, first + SEARCH_DAYS * _DAY):
                if day.weekday() in days and (fault := _wall_fault(at, day, site.timezone)):
                    return fault
        case AtSun():
            return _sun(trigger, site, first)
        case Away():
            return _window(trigger, site, first)
        case _:
            pass
    return None


def _sun(trigger: AtSun, site: Site, first: dt.date) -> InDaemon | None:
    edge = SunEdge(trigger.event, trigger.offset_s)
    for day, at, second, steady in sun_days(trigger.event, site, first):
        if day.weekday() not in trigger.days:
            continue
        if at is None:
            return _no_sun(trigger.event, day, site)
        if steady and SUN_TOLERANCE_S <= second + trigger.offset_s < _DAY_S - SUN_TOLERANCE_S:
            continue
        if fault := _sun_fault(edge, day, at, site.timezone):
            return fault
    return None


def _window(trigger: Away, site: Site, first: dt.date) -> InDaemon | None:
    for number in range(SEARCH_DAYS):
        day = first + number * _DAY
        if day.weekday() not in trigger.days:
            continue
        edges = trigger.start, trigger.end
        for edge in edges:
            if isinstance(edge, SunEdge) and len(sun_instants(edge.event, day, site)) != 1:
                return _no_sun(edge.event, day, site)
        window = window_on(trigger, day, site)
        if isinstance(window, str):
            return InDaemon("window", f"on {day}, {window.removesuffix(' on this day')}")
        following = window_on(trigger, day + _DAY, site) if (day + _DAY).weekday() in trigger.days else ""
        if not isinstance(following, str) and window.end >= following.start - _SECOND:
            return InDaemon("window", f"the window of {day} reaches into the next one")
        for edge, at in zip(edges, (window.start, window.end), strict=True):
            local_day = at.astimezone(site.timezone).date()
            if isinstance(edge, dt.time):
                fault = _wall_fault(edge, local_day, site.timezone)
            else:
                event_at = at - edge.offset_s * _SECOND
                fault = _sun_fault(edge, event_at.astimezone(site.timezone).date(), event_at, site.timezone)
            if fault:
                return fault
        start, end = (at.astimezone(site.timezone) for at in (window.start, window.end))
        # To a device, an end that is earlier in the day than the start is the next day's.
        if end.date() != (day if _second_of_day(end) > _second_of_day(start) else day + _DAY):
            return InDaemon("window", f"a device would take the window of {day} for one of another length")
    return None


def _wall_fault(at: dt.time, day: dt.date, zone: ZoneInfo) -> InDaemon | None:
    earlier, later, exists = resolve(dt.datetime.combine(day, at), zone)
    if earlier == later:
        return None
    what = "happens twice" if exists else "does not exist"
    return InDaemon("clock-change", f"{clock(at)} {what} on {day}, when the clocks change")


def _sun_fault(edge: SunEdge, day: dt.date, event_at: dt.datetime, zone: ZoneInfo) -> InDaemon | None:
    """Return what is wrong with a moment by the sun of a date.  event_at: the sun's own instant."""
    event = event_at.astimezone(zone)
    local = (event_at + edge.offset_s * _SECOND).astimezone(zone)
    near = [(local + seconds * _SECOND).date() for seconds in (-SUN_TOLERANCE_S, SUN_TOLERANCE_S)]
    if near != [day, day]:
        said = moment_in_words(Moment(edge.event, edge.offset_s // 60)).removeprefix("at ")
        beyond = "comes within 2 minutes of midnight, or beyond it"
        return InDaemon("day", f"on {day}, {said} {beyond}: a device keeps to the day of the {edge.event}")
    if event.utcoffset() != local.utcoffset():
        return InDaemon("clock-change", f"the clocks change between {edge.event} and {local:%H:%M} on {day}")
    if steady_offset(zone, day) is None:
        return _wall_fault(local.time().replace(second=0), day, zone)
    return None


def _no_sun(event: SunEvent, day: dt.date, site: Site) -> InDaemon:
    if site.latitude_deg is None or site.longitude_deg is None:
        return InDaemon("location", "the site has no latitude and longitude: add them to [site]")
    if sun_instants(event, day, site):
        return InDaemon("polar", f"the {event} comes twice on {day}")
    return InDaemon("polar", f"no {event} on {day}: {why_no_sun(event, day, site)}")


def _second_of_day(local: dt.datetime) -> int:
    return 3600 * local.hour + 60 * local.minute + local.second
