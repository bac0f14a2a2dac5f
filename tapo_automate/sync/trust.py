"""Whether a device's own tables can be trusted with a rule: its clock, its zone, its place on earth, its switches.

No text here says where a device or the site is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import acos, ceil, cos, degrees, radians, sin
from typing import Final
from zoneinfo import ZoneInfo

from tapo_automate.rows import Holdings, OpaqueRow, OwnClock, Table, TableName
from tapo_automate.rules.model import Site
from tapo_automate.rules.recur import SEARCH_DAYS
from tapo_automate.rules.sun import HORIZON_DEG
from tapo_automate.rules.wall import shifted_days
from tapo_automate.rules.zones import zone_named
from tapo_automate.sync.model import Reading

CLOCK_TOLERANCE_S = 60
SUN_TOLERANCE_MIN = 2
LOST_BEFORE_YEAR = 2019  # a Tapo device without the internet wakes up in 2000; none was sold before
KNOWN_VERSIONS = (1, 2)
MENDED_WITH_CLOCK: Final = frozenset({"clock", "zone"})

_BY_CLOCK: frozenset[TableName] = frozenset({"schedule", "antitheft"})
_OBLIQUITY_DEG = 23.44  # the sun's declination passes through all that is between, each year
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something about a device because of which rows are not trusted to it.

    code: stable, "clock", "zone", "location", "switch", "local-time", "version".  tables: the ones concerned.
    text: half a sentence.  remedy: what a person can do, "" where nothing helps.  sun_only: only rows that go by
    the sun are concerned.
    """

    code: str
    tables: frozenset[TableName]
    text: str
    remedy: str = ""
    sun_only: bool = False

    @property
    def reason(self) -> str:
        """The text together with the remedy."""
        return f"{self.text}: {self.remedy}" if self.remedy else self.text


def doubts(reading: Reading, site: Site, now: dt.datetime) -> tuple[Doubt, ...]:
    """Return what is wrong with a device, clock first.  Empty: its tables can be trusted."""
    holdings = reading.holdings
    return (
        *_clock(holdings, reading.at),
        *_zone(holdings, site, now),
        *_local_time(holdings),
        *_location(holdings, site),
        *_switches(holdings),
        *_versions(holdings),
    )


def _clock(holdings: Holdings, asked_at: dt.datetime) -> Iterator[Doubt]:
    remedy = "`sync apply --fix-clock` sets it"
    if holdings.clock is None:
        yield Doubt("clock", _BY_CLOCK, "it does not say what time it has", "`tapo-automate clock DEVICE` says why")
        return
    at = holdings.clock.at
    ahead_s = round((at - asked_at).total_seconds())
    if at.year < LOST_BEFORE_YEAR:
        yield Doubt("clock", _BY_CLOCK, f"its clock is lost, and believes to be in {at.year}", remedy)
    elif abs(ahead_s) >= CLOCK_TOLERANCE_S:
        which = "ahead" if ahead_s > 0 else "behind"
        yield Doubt("clock", _BY_CLOCK, f"its clock is {abs(ahead_s)} s {which}", remedy)


def _zone(holdings: Holdings, site: Site, now: dt.datetime) -> Iterator[Doubt]:
    if holdings.clock is None:
        return
    text = _zone_fault(holdings.clock, site.timezone, now.astimezone(site.timezone).date())
    if text:
        yield Doubt("zone", _BY_CLOCK, text, f"`sync apply --fix-clock` sets it to {site.timezone.key}")


def _zone_fault(clock: OwnClock, ours: ZoneInfo, first: dt.date) -> str:
    if not clock.region:
        return "it has no time zone, and so no summer time"
    theirs = zone_named(clock.region)
    if theirs is None:
        return f"its time zone {clock.region!r} is none that is known"
    differs = _first_difference(theirs, ours, first)
    if differs:
        return f"its time zone {clock.region} differs from {ours.key} by {differs[1]} min on {differs[0]}"
    if clock.standard_offset_min is not None and clock.standard_offset_min not in _standard_offsets(theirs, first):
        return f"its time zone {clock.region} and its {clock.standard_offset_min:+} min from UTC contradict each other"
    return ""


@lru_cache(maxsize=256)
def _first_difference(theirs: ZoneInfo, ours: ZoneInfo, first: dt.date) -> tuple[dt.date, int] | None:
    """Return the first date of the coming 400 days on which the zones' clocks differ, and by how many minutes.

    Noon tells all dates but those on which clocks change; of these every quarter of an hour counts.
    """
    last = first + SEARCH_DAYS * _DAY
    changing = {*shifted_days(theirs, first, last), *shifted_days(ours, first, last)}
    for number in range(SEARCH_DAYS):
        day = first + number * _DAY
        quarters = range(96) if day in changing else (48,)
        for quarter in quarters:
            at = dt.datetime.combine(day, dt.time(), dt.UTC) + quarter * dt.timedelta(minutes=15)
            apart = _offset_min(theirs, at) - _offset_min(ours, at)
            if apart:
                return day, abs(apart)
    return None


@lru_cache(maxsize=256)
def _standard_offsets(zone: ZoneInfo, first: dt.date) -> frozenset[int]:
    """Return what a device of this zone may call its offset without daylight saving.

    Where the law turns summer and winter around (Dublin, Casablanca), either reading is to be had.
    """
    found: set[int] = set()
    lowest = []
    for number in range(0, SEARCH_DAYS, 5):
        at = dt.datetime.combine(first + number * _DAY, dt.time(12), dt.UTC).astimezone(zone)
        offset_min = _offset_min(zone, at)
        lowest.append(offset_min)
        found.add(offset_min - int((at.dst() or dt.timedelta()).total_seconds() // 60))
    return frozenset({*found, min(lowest)})


def _offset_min(zone: ZoneInfo, at: dt.datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() // 60)


def _local_time(holdings: Holdings) -> Iterator[Doubt]:
    if not holdings.local_time:
        yield Doubt("local-time", _BY_CLOCK, "its rows run in no local time: nobody knows in which")


def _location(holdings: Holdings, site: Site) -> Iterator[Doubt]:
    remedy = "set the device's location in the Tapo app"
    if holdings.position is None:
        yield Doubt("location", _BY_CLOCK, "it has no location, and so a sun of its own making", remedy, sun_only=True)
    elif site.latitude_deg is not None and site.longitude_deg is not None:
        apart_min = sun_apart_min(holdings.position, (site.latitude_deg, site.longitude_deg))
        if apart_min is None:
            text = "where it believes to be, the sun does not rise or set on the same days as at the site"
            yield Doubt("location", _BY_CLOCK, text, remedy, sun_only=True)
        elif apart_min > SUN_TOLERANCE_MIN:
            text = f"where it believes to be, the sun differs by up to {ceil(apart_min)} min"
            yield Doubt("location", _BY_CLOCK, text, remedy, sun_only=True)


@lru_cache(maxsize=4096)
def sun_apart_min(one: tuple[float, float], other: tuple[float, float]) -> float | None:
    """Return the most minutes, over the year, between the sunrises or the sunsets of two places.

    one, other: degrees north and east.  None: on some days only one of them has the event.  The equation of time is the
    same for both; what differs is the meridian, and the half day from noon to the horizon, which is looked at for every
    declination of the sun.  Source: the sunrise equation (Meeus, Astronomical Algorithms, ch. 15).
    """
    turn_deg = abs((one[1] - other[1] + 180) % 360 - 180)
    most_deg = 0.0
    steps = 188
    for step in range(-steps, steps + 1):
        declination = radians(_OBLIQUITY_DEG * step / steps)
        halves = _half_day_deg(one[0], declination), _half_day_deg(other[0], declination)
        if halves == (None, None):
            continue
        if halves[0] is None or halves[1] is None:
            return None
        most_deg = max(most_deg, abs(halves[0] - halves[1]))
    return 4 * (turn_deg + most_deg)  # the earth turns by a degree in 4 minutes


def _half_day_deg(latitude_deg: float, declination: float) -> float | None:
    latitude = radians(latitude_deg)
    across = cos(latitude) * cos(declination)
    above = sin(radians(HORIZON_DEG)) - sin(latitude) * sin(declination)
    return degrees(acos(above / across)) if abs(above) < across else None


def sun_is_trusted(holdings: Holdings, site: Site) -> bool:
    """Whether a device's sun rises and sets as the site's does."""
    return next(_location(holdings, site), None) is None


def _switches(holdings: Holdings) -> Iterator[Doubt]:
    for name in ("schedule", "antitheft"):
        table = holdings.tables.get(name)
        if table is not None and switched_off(name, table):
            text = f"its {name} is switched off as a whole while it has rows"
            yield Doubt("switch", frozenset({name}), text, "switch it on in the Tapo app, or remove the rows there")


def switched_off(name: TableName, table: Table) -> bool:
    """Whether a table is off by its own switch, and not because it is empty or all of its rows have been stopped.

    The one row of an antitheft table is switched off by the app when the window is ended early.
    """
    if table.enabled:
        return False
    return bool(table.rows) if name == "schedule" else any(isinstance(r, OpaqueRow) or r.enabled for r in table.rows)


def _versions(holdings: Holdings) -> Iterator[Doubt]:
    for name in ("schedule", "countdown", "antitheft"):
        version = holdings.versions.get(name)
        if name in holdings.tables and version is not None and version not in KNOWN_VERSIONS:
            text = f"its {name} is of version {version}, and versions 1 and 2 are known"
            yield Doubt("version", frozenset({name}), text)
