"""What a device used in hours, days and months past, and what it drew in the minutes.

Devices align what they keep to the days of their own time zone, and so do we: the zone is asked of them, never taken
from this computer.  Source: docs/protocol.md, "Energy and power".
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapo_automate.errors import BadSetting, Garbled
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.clock import DeviceTime, zone_of
from tapo_automate.wire.commands.energy import SET_IT, ask_meter, entry, local_time, may_feed_in

HOURLY_MIN, DAILY_MIN, MONTHLY_MIN = 60, 1440, 43_200
MOST_DAYS_BY_HOUR = 8
MOST_READINGS = 144
NO_DATA = -1

EnergyInterval: TypeAlias = Literal[60, 1440, 43_200]
PowerInterval: TypeAlias = Literal[5, 60]

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EnergySlot:
    """What was used from an instant on, until the next slot.  start: in the device's zone.

    energy_wh: None where that is still to come.
    """

    start: dt.datetime
    energy_wh: int | None


@dataclass(frozen=True, slots=True)
class EnergyData:
    """What was used, slot by slot, the oldest first.

    interval_min: 60 by the hour, 1440 by the day, 43,200 by the month.  total_wh: of all slots.
    local_time: what the device's clock read, naive.
    """

    interval_min: int
    local_time: dt.datetime
    slots: tuple[EnergySlot, ...]
    total_wh: int


@dataclass(frozen=True, slots=True)
class PowerReading:
    """What was drawn from an instant on.  start: in the device's zone.  power_w: None where the device has no data."""

    start: dt.datetime
    power_w: float | None


@dataclass(frozen=True, slots=True)
class PowerData:
    """What was drawn, slot by slot, the oldest first.  interval_min: 5 or 60."""

    interval_min: int
    readings: tuple[PowerReading, ...]


def get_energy_data(
    asked: Asked, interval_min: EnergyInterval, first: dt.date, last: dt.date | None = None
) -> EnergyData:
    """Return what the device used.  first, last: days of the device's own zone, both included.

    By the hour (60) it tells 8 days at most.  By the day (1440) it tells the quarter that begins with `first`, by the
    month (43,200) the year: `first` is the first of January, April, July or October, or of January, and there is no
    `last`.  Raises BadSetting for what devices refuse, before anything is sent, Unsupported without such a meter.
    """
    problem = energy_fault(interval_min, first, last)
    if problem:
        raise BadSetting(asked.host, problem)
    clock, zone = _zone(asked)
    start = dt.datetime.combine(first, dt.time(), zone)
    # For quarters and years devices are told the beginning twice.
    end = dt.datetime.combine(last or first, dt.time(23, 59, 59), zone) if interval_min == HOURLY_MIN else start
    reply = _asked_for(asked, "get_energy_data", start, end, interval_min)
    now = local_time(reply) or clock.at.astimezone(zone).replace(tzinfo=None)
    slots = tuple(
        EnergySlot(begins, _energy_wh(reply, index, value) if begins.replace(tzinfo=None) <= now else None)
        for index, value in enumerate(reply.items("data"))
        for begins in [_slot_start(start, interval_min, index)]
    )
    return EnergyData(interval_min, now, slots, sum(slot.energy_wh or 0 for slot in slots))


def energy_fault(interval_min: int, first: dt.date, last: dt.date | None = None) -> str:
    """Return what a device would have against such a question, in words, or ""."""
    match interval_min:
        case 60:
            days = ((last or first) - first).days + 1
            if days < 1:
                return f"{last} is before {first}"
            if days > MOST_DAYS_BY_HOUR:
                return f"{days} days by the hour are too many: a device tells {MOST_DAYS_BY_HOUR} at a time"
            return ""
        case 1440 | 43_200 if last is not None:
            return "energy by the day or by the month has no last day: a device tells a quarter, or a year"
        case 1440 if first.day != 1 or first.month not in (1, 4, 7, 10):
            return f"energy by the day begins with a quarter: {quarter_of(first)}, not {first}"
        case 43_200 if (first.day, first.month) != (1, 1):
            return f"energy by the month begins with a year: {first.replace(month=1, day=1)}, not {first}"
        case 1440 | 43_200:
            return ""
        case _:
            return (
                f"devices keep energy by the hour (60 min), the day (1440) and the month (43200), not by "
                f"{interval_min} min; of shorter times they tell power"
            )


def quarter_of(day: dt.date) -> dt.date:
    """Return the first day of a day's quarter.

    >>> quarter_of(dt.date(2026, 11, 22))
    datetime.date(2026, 10, 1)
    """
    return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)


def get_power_data(asked: Asked, interval_min: PowerInterval, start: dt.datetime, end: dt.datetime) -> PowerData:
    """Return what the device drew from start to end, in slots of 5 or 60 minutes, of which it tells 144 at most.

    start, end: instants; they are moved back to where a slot begins in the device's zone, and `end` is not included.
    Raises BadSetting for what devices refuse, before anything is sent, Unsupported without such a meter: newer ones
    have it.
    """
    problem = power_fault(interval_min, start, end)
    if problem:
        raise BadSetting(asked.host, problem)
    zone, slot = _zone(asked)[1], dt.timedelta(minutes=interval_min)
    first, beyond = (_slot_begin(each.astimezone(zone), interval_min).astimezone(dt.UTC) for each in (start, end))
    beyond = max(beyond, first + slot)
    reply = _asked_for(asked, "get_power_data", first, beyond, interval_min)
    slots = int((beyond - first) / slot)
    readings = [
        PowerReading((first + index * slot).astimezone(zone), _power_w(asked, reply, index, value))
        for index, value in enumerate(reply.items("data"))
    ]
    return PowerData(interval_min, tuple(readings[:slots]))


def power_fault(interval_min: int, start: dt.datetime, end: dt.datetime) -> str:
    """Return what a device would have against such a question, in words, or ""."""
    if interval_min not in (5, 60):
        return f"devices keep power by 5 and by 60 minutes, not by {interval_min}"
    if end <= start:
        return "the end is not after the beginning"
    most = MOST_READINGS * dt.timedelta(minutes=interval_min)
    if end - start > most:
        said = "12 hours" if interval_min == 5 else "6 days"
        return f"a device tells {MOST_READINGS} slots of {interval_min} min at a time, which are {said}: ask for less"
    return ""


def _zone(asked: Asked) -> tuple[DeviceTime, dt.tzinfo]:
    """Return the device's time and zone.  Raises Garbled where its clock is lost: it cannot know when it was then."""
    clock, zone = zone_of(asked)
    if clock.lost:
        problem = f"its clock is lost (it says {clock.at:%Y-%m-%d}), and what it kept has no dates; {SET_IT}"
        raise Garbled(asked.host, problem)
    return clock, zone


def _asked_for(asked: Asked, method: str, start: dt.datetime, end: dt.datetime, interval_min: int) -> Reply:
    params = {
        "start_timestamp": int(start.timestamp()),
        "end_timestamp": int(end.timestamp()),
        "interval": interval_min,
    }
    return ask_meter(asked, method, params)


def _slot_begin(at: dt.datetime, interval_min: int) -> dt.datetime:
    """Return where the slot begins that an instant lies in, by the clock of its zone."""
    return at.replace(minute=at.minute // interval_min * interval_min, second=0, microsecond=0)


def _slot_start(start: dt.datetime, interval_min: int, index: int) -> dt.datetime:
    """Return where a slot begins: days and months by the calendar, all else by elapsed time."""
    if interval_min == DAILY_MIN:
        return start + index * _DAY  # of wall time, since both are of one zone
    if interval_min == MONTHLY_MIN:
        years, month = divmod(start.month - 1 + index, 12)
        return start.replace(year=start.year + years, month=month + 1)
    elapsed = dt.timedelta(minutes=index * interval_min)
    return (start.astimezone(dt.UTC) + elapsed).astimezone(start.tzinfo)


def _energy_wh(reply: Reply, index: int, value: object) -> int:
    place = f"data[{index}]"
    found = entry(reply, place, value)
    energy_wh = found.integer(place)
    if energy_wh < 0:
        raise found.wrong(place, "Wh, which are not below 0,")
    return energy_wh


def _power_w(asked: Asked, reply: Reply, index: int, value: object) -> float | None:
    place = f"data[{index}]"
    found = entry(reply, place, value)
    power_w = found.number(place)
    if power_w < 0 and power_w != NO_DATA and not (math.isfinite(power_w) and may_feed_in(asked)):
        raise found.wrong(place, "watts, or -1 for no data,")
    return None if power_w == NO_DATA else power_w
