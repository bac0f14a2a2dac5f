"""When the rows of a table come round, by the calendar of a device.

This file knows no clock: instants are Unix seconds as the device believes them, days are of its own calendar.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from tapo_automate.simulator.habits import Habits
from tapo_automate.simulator.sun import noon_s, sun_s

EVERY_DAY = 127
KINDS = ("normal", "sunrise", "sunset")
# A device without a location takes 07:00 and 19:00.  Source: docs/protocol.md, 7.4.
_UNPLACED_MIN = {"sunrise": 420, "sunset": 1140}
_DAY = timedelta(days=1)
_FAR_DAYS = 400  # over a polar winter, and over a year in which a wall time is skipped


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day: minutes after midnight, or minutes from the sun's rising or setting."""

    kind: str
    minute: int = 0
    offset_min: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """By which calendar, where (degrees north and east, None for unknown), and with which habits a device lives."""

    zone: tzinfo
    location: tuple[float, float] | None
    habits: Habits

    def day(self, at: float) -> date:
        return datetime.fromtimestamp(at, self.zone).date()

    def minute(self, at: float) -> int:
        """Return the minute of the day."""
        local = datetime.fromtimestamp(at, self.zone)
        return local.hour * 60 + local.minute


def moment_of(row: dict[str, Any], side: str = "s") -> Moment:
    """Return what a row says of its start; of an antitheft row, side is "start" or "end"."""
    if side == "s":
        return Moment(row["s_type"], row["s_min"] if row["s_type"] == "normal" else 0, row["time_offset"])
    kind = row[f"{side}_time_type"]
    return Moment(kind, row[f"{side}_min"] if kind == "normal" else 0, row[f"{side}_time_offset"])


def instants(moment: Moment, day: date, place: Place) -> tuple[float, ...]:
    """Return when the moment comes on a day: once as a rule, never or twice in a night of the clock change.

    What the sun brings belongs to the day of its rising or setting, also where the offset leads into another one.
    """
    if moment.kind == "normal":
        return _wall(day, moment.minute, place)
    if place.location is None:
        return _wall(day, _UNPLACED_MIN[moment.kind] + moment.offset_min, place)
    latitude_deg, longitude_deg = place.location
    # Where the calendar is far from the sun (Samoa), the sun counts another day than the people.
    apart = place.day(noon_s(day, longitude_deg)) - day
    found = sun_s(moment.kind, day - apart, latitude_deg, longitude_deg)
    return () if found is None else ((found + 30) // 60 * 60 + moment.offset_min * 60,)


def minute_on(moment: Moment, day: date, place: Place) -> int:
    """Return the minute of day at which the moment comes, the fixed hour where the sun does not rise or set."""
    if moment.kind == "normal":
        return moment.minute
    came = instants(moment, day, place)
    if not came:
        return (_UNPLACED_MIN[moment.kind] + moment.offset_min) % 1440
    local = datetime.fromtimestamp(came[0], place.zone)
    return local.hour * 60 + local.minute


def falls_on(days: int, day: date) -> bool:
    """Whether a day is among days, a mask with Sunday as its lowest bit."""
    return bool(days >> day.isoweekday() % 7 & 1)


def following(moment: Moment, days: int, after: float, place: Place) -> float | None:
    """Return when the moment first comes later than an instant, on one of the days; None if it never does."""
    if not days:
        return None
    day = place.day(after) - _DAY  # an offset may lead over midnight
    for _ in range(_FAR_DAYS):
        if falls_on(days, day):
            for instant in instants(moment, day, place):
                if instant > after:
                    return instant
        day += _DAY
    return None


def midnight_after(at: float, place: Place) -> float:
    day = place.day(at) + _DAY
    return datetime.combine(day, time(), place.zone).timestamp()


def _wall(day: date, minute: int, place: Place) -> tuple[float, ...]:
    extra, minute = divmod(minute, 1440)
    local = datetime.combine(day + extra * _DAY, time(minute // 60, minute % 60))
    first = local.replace(tzinfo=place.zone)
    second = first.replace(fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    assert before is not None
    assert after is not None
    if before == after:
        return ((local.replace(tzinfo=UTC) - before).timestamp(),)
    if before < after:  # the wall clock jumps over it
        return (first.timestamp(),) if place.habits.gap == "shift" else ()
    both = (first.timestamp(), second.timestamp())
    return {"first": both[:1], "second": both[1:], "both": both}[place.habits.overlap]
