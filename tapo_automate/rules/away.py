"""Windows of switching at random, as if somebody were at home: when they are, and what happens in them.

A window is a value, and so is the switching in it: both follow from the rule, the date and a seed alone, so that a
program started in the middle of a window goes on with the same switching.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from tapo_automate.device import Setting
from tapo_automate.rules.model import Away, NotFiring, Role, Rule, Site, SunEdge, SunEvent
from tapo_automate.rules.recur import SEARCH_DAYS
from tapo_automate.rules.sun import sun_instants, why_no_sun
from tapo_automate.rules.wall import clock, resolve

FIRST_WITHIN_S = 20 * 60
ON_S = (10 * 60, 60 * 60)
OFF_S = (10 * 60, 40 * 60)
SHORTEST_S = 5 * 60  # a window up to this long has no switching in it

_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)
# Seconds of the day between which people expect the event: they decide whether an end belongs to the next day.
_USUAL_S: dict[SunEvent, tuple[int, int]] = {"sunrise": (3 * 3600, 11 * 3600), "sunset": (15 * 3600, 23 * 3600)}


@dataclass(frozen=True, slots=True)
class Window:
    """One window.  day: the local date that `days` looks at.  start, end: UTC; start is before end."""

    day: dt.date
    start: dt.datetime
    end: dt.datetime


class AwayMoment(NamedTuple):
    """One instant of a window on one device; the fields are those of `Firing`."""

    at: dt.datetime
    note: str
    role: Role
    setting: Setting | None
    seed: int


def switches(seed: int, start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, bool]]:
    """Return what happens in a window: instants in whole seconds from `start`, on and off in turn.

    It begins with on, within 20 minutes, and ends with off, before `end`.  On for 10 to 60 minutes, off for 10 to 40;
    the last time on may be shortened by the window's end.  A window of less than half an hour has one time on, in
    proportion; one of five minutes or less has none.

    The draws, each `int(random() * n)` of `random.Random(seed)`, which stays the same in every version of Python:
    the first instant, and for each time on its length, a shorter length if the window ends before, and the pause.
    """
    dice = Random(seed)
    length_s = int((end - start).total_seconds())
    if length_s <= SHORTEST_S:
        return []
    shortest_on_s = min(ON_S[0], length_s // 3)
    on_at_s = _drawn(dice, 1, min(FIRST_WITHIN_S, length_s // 3))
    found = []
    while (left_s := length_s - 1 - on_at_s) >= shortest_on_s:
        on_for_s = _drawn(dice, *ON_S)
        if on_for_s > left_s:
            on_for_s = _drawn(dice, shortest_on_s, left_s)
        off_at_s = on_at_s + on_for_s
        found += [(start + on_at_s * _SECOND, True), (start + off_at_s * _SECOND, False)]
        on_at_s = off_at_s + _drawn(dice, *OFF_S)
    return found


def seed_of(salt: bytes, rule_id: str, device_id: str, start: dt.datetime) -> int:
    """Return the seed of a window on a device: 63 bits, never 0."""
    text = f"\0{rule_id}\0{device_id}\0{int(start.timestamp())}"
    return int.from_bytes(hashlib.sha256(salt + text.encode()).digest()[:8]) >> 1 or 1


def window_on(trigger: Away, day: dt.date, site: Site) -> Window | str:
    """Return the window of a local date, whatever `days` says, or why it has none, in words.

    An end lies on the same date as the start, or on the next one where it cannot be meant otherwise: a wall time that
    is not after the start's, a sunrise after a sunset, a time of the day before the sun usually sets.  In a window of
    a whole day the end is a second before the next start.
    """
    start = _edge(trigger.start, day, site)
    if isinstance(start, str):
        return start
    end = _edge(trigger.end, day + _DAY if _crosses(trigger) else day, site)
    if isinstance(end, str):
        return end
    next_start = _edge(trigger.start, day + _DAY, site)
    if isinstance(next_start, dt.datetime) and next_start <= end and (day + _DAY).weekday() in trigger.days:
        end = next_start - _SECOND
    if end <= start:
        return f"the window {_said(trigger.start)} to {_said(trigger.end)} is empty on this day"
    return Window(day, start, end)


def windows(trigger: Away, site: Site, after: dt.datetime) -> Iterator[Window]:
    """Yield the windows that end after an instant, in order, for ever or until none comes in SEARCH_DAYS."""
    day = after.astimezone(site.timezone).date() - 3 * _DAY  # an offset and an end on the next day reach two days on
    silent = -3
    try:
        while silent <= SEARCH_DAYS:
            silent += 1
            window = window_on(trigger, day, site) if day.weekday() in trigger.days else ""
            if isinstance(window, Window) and window.end > after:
                silent = 0
                yield window
            day += _DAY
    except OverflowError:  # the calendar ends with year 9999
        return


def named(window: Window, site: Site) -> str:
    """Return what a window is called: "window 18:00–23:30"."""
    start, end = (at.astimezone(site.timezone) for at in (window.start, window.end))
    return f"window {clock(start)}–{clock(end)}"


def windowless_days(rule: Rule, site: Site, first: dt.date, last: dt.date) -> Iterator[NotFiring]:
    """Yield the dates, both ends included, on which an away rule would have a window, had the day one."""
    if not isinstance(rule.trigger, Away):
        return
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = dt.date.fromordinal(ordinal)
        window = window_on(rule.trigger, day, site) if day.weekday() in rule.trigger.days else None
        if isinstance(window, str):
            yield NotFiring(rule.id, day, window)


def away_moments(rule: Rule, device_id: str, site: Site, after: dt.datetime, salt: bytes) -> Iterator[AwayMoment]:
    """Yield what happens on a device strictly after an instant: for each window its begin, its switches, its return."""
    assert isinstance(rule.trigger, Away)
    for window in windows(rule.trigger, site, after):
        seed = seed_of(salt, rule.id, device_id, window.start)
        note = named(window, site)
        if window.start > after:
            yield AwayMoment(window.start, note, "begin", None, seed)
        for at, on in switches(seed, window.start, window.end):
            if at > after:
                yield AwayMoment(at, note, "switch", Setting(on=on), seed)
        yield AwayMoment(window.end, note, "return", None, seed)


def _edge(edge: dt.time | SunEdge, day: dt.date, site: Site) -> dt.datetime | str:
    if isinstance(edge, SunEdge):
        instants = sun_instants(edge.event, day, site)
        return instants[0] + edge.offset_s * _SECOND if instants else why_no_sun(edge.event, day, site)
    earlier, later, exists = resolve(dt.datetime.combine(day, edge), site.timezone)
    return earlier if exists else later


def _crosses(trigger: Away) -> bool:
    """Return whether the window ends on the day after the one it starts on."""
    start, end = trigger.start, trigger.end
    if isinstance(start, SunEdge) and isinstance(end, SunEdge) and start.event == end.event:
        return end.offset_s <= start.offset_s
    if isinstance(start, dt.time) and isinstance(end, dt.time):
        return end <= start
    return _usual(end)[1] < _usual(start)[0]


def _usual(edge: dt.time | SunEdge) -> tuple[int, int]:
    """Return between which seconds of the day an edge is expected."""
    if isinstance(edge, SunEdge):
        earliest, latest = _USUAL_S[edge.event]
        return earliest + edge.offset_s, latest + edge.offset_s
    seconds = edge.hour * 3600 + edge.minute * 60 + edge.second
    return seconds, seconds


def _said(edge: dt.time | SunEdge) -> str:
    if isinstance(edge, dt.time):
        return clock(edge)
    return edge.event if not edge.offset_s else f"{edge.event} {edge.offset_s // 60:+} min"


def _drawn(dice: Random, least: int, most: int) -> int:
    return least + int(dice.random() * (most - least + 1))
