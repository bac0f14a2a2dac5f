"""Sunrise and sunset as a device computes them: the general solar position equations of NOAA.

This file knows no clock.  Source: NOAA Global Monitoring Laboratory, solar calculation details; Meeus, Astronomical
Algorithms, ch. 25.
"""

from datetime import date
from functools import lru_cache
from math import acos, asin, cos, degrees, radians, sin, tan

_EPOCH = date(1970, 1, 1).toordinal()
_J2000_S = 946_728_000.0  # Unix seconds of 2000-01-01T12:00:00Z
_CENTURY_S = 36_525 * 86_400.0
_ZENITH = radians(90.833)  # the upper limb touches the horizon, refraction counted in


def noon_s(day: date, longitude_deg: float) -> float:
    """Return Unix seconds at which the mean sun stands highest, of the day as the sun counts it there."""
    return (day.toordinal() - _EPOCH) * 86_400 + 43_200 - longitude_deg * 240


@lru_cache(maxsize=4096)
def sun_s(event: str, day: date, latitude_deg: float, longitude_deg: float) -> float | None:
    """Return Unix seconds of "sunrise" or "sunset", None on a day that has none.

    day: as the sun counts it at this longitude.  Good to a minute below 65 degrees.
    """
    latitude = radians(latitude_deg)
    noon = found = noon_s(day, longitude_deg)
    for _ in range(3):  # the sun moves on between noon and its setting
        declination, equation_s = _position((found - _J2000_S) / _CENTURY_S)
        share = cos(_ZENITH) / (cos(latitude) * cos(declination)) - tan(latitude) * tan(declination)
        if abs(share) > 1:
            return None
        half_day_s = degrees(acos(share)) * 240
        found = noon - equation_s + (half_day_s if event == "sunset" else -half_day_s)
    return found


def _position(century: float) -> tuple[float, float]:
    """Return the declination of the sun in radians and the equation of time in seconds."""
    mean_long = radians((280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360)
    anomaly = radians(357.52911 + century * (35_999.05029 - century * 0.0001537))
    eccentricity = 0.016708634 - century * (0.000042037 + century * 0.0000001267)
    center = (
        sin(anomaly) * (1.914602 - century * (0.004817 + century * 0.000014))
        + sin(2 * anomaly) * (0.019993 - century * 0.000101)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * century)
    apparent = mean_long + radians(center - 0.00569 - 0.00478 * sin(node))
    tilt = radians(23.439291 - century * 0.0130042 + 0.00256 * cos(node))
    declination = asin(sin(tilt) * sin(apparent))
    y = tan(tilt / 2) ** 2
    equation = (
        y * sin(2 * mean_long)
        - 2 * eccentricity * sin(anomaly)
        + 4 * eccentricity * y * sin(anomaly) * cos(2 * mean_long)
        - 0.5 * y * y * sin(4 * mean_long)
        - 1.25 * eccentricity * eccentricity * sin(2 * anomaly)
    )
    return declination, degrees(equation) * 240
