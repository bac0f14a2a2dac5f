"""Whether `only_if` holds, and if not, why, in words.

A condition is judged for an instant.  Its wall times are those that a clock on the wall shows then: in the night when
an hour comes twice both count, and of an hour that does not exist there is nothing to judge.  `days` and `dates` look
at the local date of that instant, also in the part of a window over midnight that lies after midnight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tapo_automate.rules.meaning import condition_in_words, watts
from tapo_automate.rules.model import Condition, DeviceIs, Site
from tapo_automate.rules.recur import SEARCH_DAYS
from tapo_automate.rules.wall import clock, resolve

_DAY = dt.timedelta(days=1)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device; None where it is not."""

    on: bool | None
    power_w: float | None


def why_not(condition: Condition, site: Site, at: dt.datetime, known: Callable[[str], Known | None]) -> str | None:
    """Return why a condition does not hold at an instant, as half a sentence, or None where it does.

    known: what is known of a device; None for nothing.  What nobody knows never holds.
    """
    reason = why_not_by_time(condition, site, at)
    if reason is not None:
        return reason
    for device_id, wanted in condition.devices.items():
        reason = _why_not_device(device_id, wanted, known(device_id) or Known(None, None))
        if reason is not None:
            return reason
    return None


def why_not_by_time(condition: Condition, site: Site, at: dt.datetime) -> str | None:
    """Return why a condition does not hold as far as it asks for the time only, or None.  at: aware."""
    local = at.astimezone(site.timezone)
    if condition.between is not None and not _inside(condition.between, local.time()):
        start, end = condition.between
        return f"it is {clock(local)}, and only between {clock(start)} and {clock(end)}"
    return why_not_on(condition, local.date())


def why_not_on(condition: Condition, day: dt.date) -> str | None:
    """Return why a condition does not hold on a local date, whatever the time, or None where it may."""
    if condition.dates is not None and not condition.dates[0] <= day <= condition.dates[1]:
        return f"{day} is outside {condition.dates[0]} to {condition.dates[1]}"
    if condition.days is not None and day.weekday() not in condition.days:
        return f"it is a {_WEEKDAYS[day.weekday()]}"
    return None


def needs(condition: Condition) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids of the devices whose being on or off, and of those whose load, a condition asks for."""
    states = (device_id for device_id, wanted in condition.devices.items() if wanted.on is not None)
    loads = (
        device_id
        for device_id, wanted in condition.devices.items()
        if wanted.power_below_w is not None or wanted.power_above_w is not None
    )
    return frozenset(states), frozenset(loads)


def asked_of_devices(condition: Condition) -> str:
    """Return what a condition asks of devices, as "if lounge is on and if the load of washer is below 5 W"."""
    if not condition.devices:
        return ""
    return condition_in_words(Condition(devices=condition.devices)).removeprefix("only ")


def next_chance(condition: Condition, site: Site, after: dt.datetime) -> dt.datetime | None:
    """Return an instant up to which, from `after` on, a condition cannot hold by its time; None for 400 days of that.

    Whoever goes through many instants need not look at those before it.  after: aware; a `dates` in the future does
    not count among the days.
    """
    try:
        day = after.astimezone(site.timezone).date() - _DAY
        if condition.dates is not None:
            day = max(day, condition.dates[0])
        for _ in range(SEARCH_DAYS):
            if why_not_on(condition, day) is None:
                for start, end in _spans(condition, day, site):
                    if end > after:
                        return max(start, after)
            day += _DAY
    except OverflowError:  # the calendar ends with year 9999
        pass
    return None


def _spans(condition: Condition, day: dt.date, site: Site) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the parts of a local date in which a condition may hold, at their widest, in order."""

    def at(time: dt.time, of: dt.date = day) -> tuple[dt.datetime, dt.datetime]:
        earlier, later, _ = resolve(dt.datetime.combine(of, time), site.timezone)
        return earlier, later

    begin, over = at(dt.time())[0], at(dt.time(), day + _DAY)[1]
    if condition.between is None:
        yield begin, over
        return
    start, end = condition.between
    if start < end:
        yield at(start)[0], at(end)[1]
    else:
        yield begin, at(end)[1]
        yield at(start)[0], over


def _inside(between: tuple[dt.time, dt.time], now: dt.time) -> bool:
    start, end = between
    return start <= now < end if start < end else now >= start or now < end


def _why_not_device(device_id: str, wanted: DeviceIs, known: Known) -> str | None:
    if wanted.on is not None and known.on != wanted.on:
        if known.on is None:
            return f"nobody knows whether {device_id} is {_switched(wanted.on)}"
        return f"{device_id} is {_switched(known.on)}"
    for limit_w, side in ((wanted.power_below_w, "below"), (wanted.power_above_w, "above")):
        if limit_w is None:
            continue
        if known.power_w is None:
            return f"nobody knows the load of {device_id}"
        if not (known.power_w < limit_w if side == "below" else known.power_w > limit_w):
            return f"the load of {device_id} is {known.power_w:.1f} W, not {side} {watts(limit_w)}"
    return None


def _switched(on: bool) -> str:
    return "on" if on else "off"
