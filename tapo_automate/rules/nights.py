"""What changes of the clocks will do to a rule: the nights to know beforehand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from tapo_automate.rules.away import window_on
from tapo_automate.rules.model import AtDate, AtTime, Away, Every, Rule, Site
from tapo_automate.rules.recur import on_day
from tapo_automate.rules.wall import clock, resolve, shifted_days

_DAY = dt.timedelta(days=1)


def touched_nights(rule: Rule, site: Site, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, str]]:
    """Yield each nominal day, both ends included, on which a change of the clocks touches the rule, and how.

    Sun rules and `every` without a window go by instants: nothing touches them.
    """
    match rule.trigger:
        case AtTime(at, days):
            for day in shifted_days(site.timezone, first, last):
                if day.weekday() in days:
                    yield from _at(dt.datetime.combine(day, at), rule, site)
        case AtDate(at) if at.tzinfo is None and first <= at.date() <= last:
            yield from _at(at, rule, site)
        case Every(interval_s, (start, end), days):
            for day in shifted_days(site.timezone, first, last):
                if day.weekday() in days:
                    yield from _window(interval_s, start, end, day, rule, site)
        case Away(days=days) as trigger:
            for day in shifted_days(site.timezone, first, last):
                if day.weekday() in days:
                    what = "; ".join(_away(trigger, day, site))
                    if what:
                        yield day, what
        case _:
            return


def _at(wall: dt.datetime, rule: Rule, site: Site) -> Iterator[tuple[dt.date, str]]:
    earlier, later, exists = resolve(wall, site.timezone)
    if earlier == later:
        return
    zone = site.timezone.key
    moments = [moment.at.astimezone(site.timezone) for moment in on_day(rule, wall.date(), site).moments]
    if exists:
        which = {"first": "the first time", "second": "the second time", "both": "both times"}[rule.on_overlap]
        at = " and ".join(f"{moment:%H:%M %Z}" for moment in moments)
        yield wall.date(), f"{clock(wall)} happens twice in {zone}, will run {which} ({at})"
    elif not moments:
        yield wall.date(), f"{clock(wall)} does not exist in {zone}, will not run"
    else:
        (local,) = moments
        date = "" if local.date() == wall.date() else f" on {local.date()}"
        yield wall.date(), f"{clock(wall)} does not exist in {zone}, will run at {clock(local)}{date}"


def _window(
    interval_s: int, start: dt.time, end: dt.time, day: dt.date, rule: Rule, site: Site
) -> Iterator[tuple[dt.date, str]]:
    start_wall = dt.datetime.combine(day, start)
    end_wall = dt.datetime.combine(day if end > start else day + _DAY, end)
    planned = on_day(rule, day, site)
    if planned.why_none:
        yield day, f"{planned.why_none}, will not run"
        return
    moments = [moment.at.astimezone(site.timezone) for moment in planned.moments]
    usual = -(-(end_wall - start_wall) // dt.timedelta(seconds=interval_s))
    earlier, later, exists = resolve(start_wall, site.timezone)
    if len(moments) != usual:
        name = f"{clock(start)} to {clock(end)}"
        longer = "longer" if len(moments) > usual else "shorter"
        yield day, f"{name} is {longer} in {site.timezone.key}, will run {len(moments)} times instead of {usual}"
    elif earlier != later:
        what = "happens twice" if exists else "does not exist"
        yield day, f"{clock(start)} {what} in {site.timezone.key}, the window starts at {moments[0]:%H:%M %Z}"


def _away(trigger: Away, day: dt.date, site: Site) -> Iterator[str]:
    window, zone = window_on(trigger, day, site), site.timezone
    edges = trigger.start, trigger.end
    by_wall = isinstance(edges[0], dt.time) and isinstance(edges[1], dt.time)
    if isinstance(window, str):
        if by_wall:  # else it is the sun's doing
            yield f"{window}, will not run"
        return
    moved = False
    for edge, at, verb in ((edges[0], window.start, "starts"), (edges[1], window.end, "ends")):
        local = at.astimezone(zone)
        if isinstance(edge, dt.time):
            earlier, later, exists = resolve(dt.datetime.combine(local.date(), edge), zone)
            if earlier != later:
                moved = moved or not exists
                what = "happens twice" if exists else "does not exist"
                yield f"{clock(edge)} {what} in {zone.key}, the window {verb} at {local:%H:%M %Z}"
    if by_wall and not moved:
        walls = [at.astimezone(zone).replace(tzinfo=None) for at in (window.start, window.end)]
        longer_min = ((window.end - window.start) - (walls[1] - walls[0])) // dt.timedelta(minutes=1)
        if longer_min:
            longer = f"{abs(longer_min)} minutes {'longer' if longer_min > 0 else 'shorter'}"
            yield f"{clock(walls[0])} to {clock(walls[1])} is {longer} in {zone.key}"
