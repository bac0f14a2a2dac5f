"""Sunrise and sunset of a local civil date.

astral gives the sun's declination and the equation of time; the horizon crossing is looked for here, because
astral's own `sunset` takes UTC dates, wraps around midnight, and raises where the sun stays up or down.
Nothing here logs or shows where the site is.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from math import asin, cos, degrees, radians, sin
from typing import Literal

from astral.sun import eq_of_time, sun_declination

from tapo_automate.rules.model import Site, SunEvent

HORIZON_DEG = -0.833  # the upper limb on the horizon: 34' of refraction and 16' of radius
_EPOCH = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)  # J2000, from which astral counts centuries
_DAYS_PER_CENTURY = 36525.0
_PRECISION_DAYS = 0.2 / 86400.0


def sun_instant(event: SunEvent, day: dt.date, site: Site) -> dt.datetime | None:
    """Return the UTC instant of `event` on the local civil date `day`, to the second, or None.

    None: the event does not happen on that date (polar day and night, but also a date between two sunsets that
    fall just before and just after midnight), or the site has no position.  Where it happens twice on the date, as
    when sunset wanders back over midnight, the first counts.  Good to two minutes below 65 degrees of latitude.
    """
    instants = sun_instants(event, day, site)
    return instants[0] if instants else None


@lru_cache(maxsize=4096)
def sun_instants(event: SunEvent, day: dt.date, site: Site) -> tuple[dt.datetime, ...]:
    """Return every UTC instant of `event` on the local civil date `day`: none, one, or two."""
    if site.latitude_deg is None or site.longitude_deg is None:
        return ()
    found = []
    # Solar noon number n falls on UTC date n wherever the site is; 14 hours of zone offset reach two numbers back.
    for number in range(day.toordinal() - 2, day.toordinal() + 2):
        instant = _crossing(event, number, site.latitude_deg, site.longitude_deg)
        if instant is not None and instant.astimezone(site.timezone).date() == day:
            found.append(instant)
    return tuple(found)


def why_no_sun(event: SunEvent, day: dt.date, site: Site) -> str:
    """Return why `event` does not happen on the local civil date `day`, for people."""
    if site.latitude_deg is None or site.longitude_deg is None:
        return "the site has no latitude and longitude"
    noon = dt.datetime.combine(day, dt.time(12), site.timezone)
    if noon.astimezone(dt.UTC).astimezone(site.timezone).date() != day:
        return f"{day} does not exist in {site.timezone.key}"
    verb = "rise" if event == "sunrise" else "set"
    number = noon.astimezone(dt.UTC).date().toordinal()
    light = _light(number, site.latitude_deg, site.longitude_deg)
    if light == "down":
        return f"the sun does not {verb} on this day: it is down all day"
    if light == "up" == _light(number - 1, site.latitude_deg, site.longitude_deg):
        return f"the sun does not {verb} on this day: it is up all day"
    return f"the sun does not {verb} on this day"


@lru_cache(maxsize=4096)
def _crossing(event: SunEvent, number: int, latitude_deg: float, longitude_deg: float) -> dt.datetime | None:
    """Return when the sun crosses the horizon in the half day before (sunrise) or after (sunset) a solar noon."""
    above = _solar_noon(number, longitude_deg)
    below = above + (-0.5 if event == "sunrise" else 0.5)
    if _altitude(above, latitude_deg, longitude_deg) <= HORIZON_DEG:
        return None
    if _altitude(below, latitude_deg, longitude_deg) >= HORIZON_DEG:
        return None
    while abs(above - below) > _PRECISION_DAYS:
        middle = (above + below) / 2
        if _altitude(middle, latitude_deg, longitude_deg) > HORIZON_DEG:
            above = middle
        else:
            below = middle
    return _EPOCH + dt.timedelta(seconds=round((above + below) / 2 * 86400))


def _light(number: int, latitude_deg: float, longitude_deg: float) -> Literal["up", "down", "both"]:
    """Return whether the sun is up or down from a solar noon to the solar midnight after it."""
    noon = _solar_noon(number, longitude_deg)
    if _altitude(noon, latitude_deg, longitude_deg) <= HORIZON_DEG:
        return "down"
    return "up" if _altitude(noon + 0.5, latitude_deg, longitude_deg) >= HORIZON_DEG else "both"


def _solar_noon(number: int, longitude_deg: float) -> float:
    """Return the solar noon that falls on the UTC date with this ordinal, in days since J2000."""
    mean_noon = number - _EPOCH.toordinal() - longitude_deg / 360
    return mean_noon - _equation_of_time_days(mean_noon)


def _altitude(days: float, latitude_deg: float, longitude_deg: float) -> float:
    """Return the sun's altitude in degrees, without refraction; days: UTC days since J2000."""
    declination = radians(sun_declination(days / _DAYS_PER_CENTURY))
    turn = days + longitude_deg / 360 + _equation_of_time_days(days)  # whole at solar noon
    latitude = radians(latitude_deg)
    height = sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(radians(turn % 1.0 * 360))
    return degrees(asin(max(-1.0, min(1.0, height))))


def _equation_of_time_days(days: float) -> float:
    return eq_of_time(days / _DAYS_PER_CENTURY) / 1440
