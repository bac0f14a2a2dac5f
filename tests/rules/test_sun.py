"""Sunrise and sunset against published almanac tables, what real devices computed, and NOAA's equations."""

from __future__ import annotations

import datetime as dt
import math
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.rules.model import Site, SunEvent
from tapo_automate.rules.sun import sun_instant, sun_instants, why_no_sun

DAY = dt.timedelta(days=1)
CITIES = {
    "Berlin": Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405),
    "London": Site(ZoneInfo("Europe/London"), 51.507, -0.128),
    "Paris": Site(ZoneInfo("Europe/Paris"), 48.857, 2.352),
    "Madrid": Site(ZoneInfo("Europe/Madrid"), 40.417, -3.703),
    "Helsinki": Site(ZoneInfo("Europe/Helsinki"), 60.170, 24.938),
    "Oslo": Site(ZoneInfo("Europe/Oslo"), 59.914, 10.752),
    "New York": Site(ZoneInfo("America/New_York"), 40.713, -74.006),
    "Chicago": Site(ZoneInfo("America/Chicago"), 41.878, -87.630),
    "San Francisco": Site(ZoneInfo("America/Los_Angeles"), 37.775, -122.419),
    "Anchorage": Site(ZoneInfo("America/Anchorage"), 61.218, -149.900),
    "Tokyo": Site(ZoneInfo("Asia/Tokyo"), 35.658, 139.741),
    "Singapore": Site(ZoneInfo("Asia/Singapore"), 1.290, 103.850),
    "Sydney": Site(ZoneInfo("Australia/Sydney"), -33.868, 151.209),
    "Cape Town": Site(ZoneInfo("Africa/Johannesburg"), -33.925, 18.424),
    "Nairobi": Site(ZoneInfo("Africa/Nairobi"), -1.286, 36.817),
    "Reykjavik": Site(ZoneInfo("Atlantic/Reykjavik"), 64.146, -21.942),
    "Tromsø": Site(ZoneInfo("Europe/Oslo"), 69.649, 18.956),
    "Longyearbyen": Site(ZoneInfo("Arctic/Longyearbyen"), 78.223, 15.647),
    "Kathmandu": Site(ZoneInfo("Asia/Kathmandu"), 27.717, 85.324),
    "Kiritimati": Site(ZoneInfo("Pacific/Kiritimati"), 1.872, -157.428),
    "Pago Pago": Site(ZoneInfo("Pacific/Pago_Pago"), -14.276, -170.703),
    "Suva": Site(ZoneInfo("Pacific/Fiji"), -18.141, 178.442),
    "Apia": Site(ZoneInfo("Pacific/Apia"), -13.833, -171.767),
    "McMurdo": Site(ZoneInfo("Antarctica/McMurdo"), -77.846, 166.669),
}

# As almanacs print them (National Astronomical Observatory of Japan for Tokyo, else the solstice tables of the US Naval
# Observatory and timeanddate.com), to the minute, in local time.
ALMANAC = [
    ("Berlin", "2024-06-20", "04:43", "21:33"),
    ("Berlin", "2024-12-21", "08:15", "15:54"),
    ("London", "2024-06-20", "04:43", "21:21"),
    ("London", "2024-12-21", "08:04", "15:53"),
    ("Paris", "2024-06-21", "05:47", "21:58"),
    ("Madrid", "2024-06-20", "06:44", "21:48"),
    ("Helsinki", "2024-06-20", "03:54", "22:50"),
    ("Helsinki", "2024-12-21", "09:24", "15:12"),
    ("Oslo", "2024-06-20", "03:54", "22:44"),
    ("Oslo", "2024-12-21", "09:18", "15:12"),
    ("New York", "2024-06-20", "05:25", "20:30"),
    ("New York", "2024-12-21", "07:17", "16:32"),
    ("Chicago", "2024-06-20", "05:16", "20:29"),
    ("Chicago", "2024-12-21", "07:15", "16:23"),
    ("San Francisco", "2024-06-20", "05:48", "20:35"),
    ("San Francisco", "2024-12-21", "07:21", "16:54"),
    ("Anchorage", "2024-06-20", "04:20", "23:42"),
    ("Anchorage", "2024-12-21", "10:14", "15:41"),
    ("Tokyo", "2025-01-01", "06:51", "16:38"),
    ("Tokyo", "2024-06-21", "04:25", "19:00"),
    ("Tokyo", "2024-12-21", "06:47", "16:32"),
    ("Singapore", "2024-06-21", "07:00", "19:12"),
    ("Singapore", "2024-12-21", "07:01", "19:04"),
    ("Sydney", "2024-06-21", "07:00", "16:54"),
    ("Sydney", "2024-12-21", "05:41", "20:05"),
    ("Cape Town", "2024-06-21", "07:51", "17:45"),
    ("Cape Town", "2024-12-21", "05:32", "19:57"),
    ("Reykjavik", "2024-12-21", "11:22", "15:30"),
]


def minutes_apart(instant: dt.datetime | None, site: Site, clock: str) -> float:
    assert instant is not None
    local = instant.astimezone(site.timezone)
    published = dt.datetime.combine(local.date(), dt.time.fromisoformat(clock), site.timezone)
    return abs((local - published).total_seconds()) / 60


@pytest.mark.parametrize(("city", "day", "rises", "sets"), ALMANAC)
def test_published_tables_are_met_within_two_minutes(city: str, day: str, rises: str, sets: str) -> None:
    site, date = CITIES[city], dt.date.fromisoformat(day)
    assert minutes_apart(sun_instant("sunrise", date, site), site, rises) <= 2
    assert minutes_apart(sun_instant("sunset", date, site), site, sets) <= 2


@pytest.mark.parametrize(
    ("zone", "latitude_deg", "longitude_deg", "day", "low", "high"),
    [
        # Stored by an L430C in western Cyprus and an EP40M in Colorado (offsets taken off), minutes after midnight.
        ("Asia/Nicosia", 34.775, 32.424, "2026-01-12", 1019, 1019),
        ("America/Denver", 39.739, -104.990, "2024-10-18", 1095, 1096),
        ("America/Denver", 40.015, -105.271, "2024-10-18", 1095, 1096),
        ("America/Denver", 40.015, -105.271, "2024-10-19", 1094, 1094),
    ],
)
def test_real_devices_computed_the_same_sunset(
    zone: str, latitude_deg: float, longitude_deg: float, day: str, low: int, high: int
) -> None:
    site = Site(ZoneInfo(zone), latitude_deg, longitude_deg)
    instant = sun_instant("sunset", dt.date.fromisoformat(day), site)
    assert instant is not None
    local = instant.astimezone(site.timezone)
    assert low - 2 <= local.hour * 60 + local.minute + local.second / 60 <= high + 2


# --- NOAA's equations, as in its solar calculator, written anew ---------------------------------------------------


def noaa(event: SunEvent, day: dt.date, latitude_deg: float, longitude_deg: float) -> dt.datetime | None:
    """Return the event of the solar day whose noon falls on the UTC date `day`."""
    minutes = 720.0
    for _ in range(6):  # the sun moves on while the day goes by
        century = ((day.toordinal() - 730120) + minutes / 1440 - 0.5) / 36525
        mean_longitude = (280.46646 + century * (36000.76983 + century * 0.0003032)) % 360
        anomaly = math.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
        eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
        centre = (
            math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
            + math.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
            + math.sin(3 * anomaly) * 0.000289
        )
        node = math.radians(125.04 - 1934.136 * century)
        apparent = math.radians(mean_longitude + centre - 0.00569 - 0.00478 * math.sin(node))
        seconds = 21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))
        tilt = math.radians(23 + (26 + seconds / 60) / 60 + 0.00256 * math.cos(node))
        declination = math.asin(math.sin(tilt) * math.sin(apparent))
        y = math.tan(tilt / 2) ** 2
        longitude = math.radians(mean_longitude)
        equation = 4 * math.degrees(
            y * math.sin(2 * longitude)
            - 2 * eccentricity * math.sin(anomaly)
            + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * longitude)
            - 0.5 * y * y * math.sin(4 * longitude)
            - 1.25 * eccentricity**2 * math.sin(2 * anomaly)
        )
        latitude = math.radians(latitude_deg)
        cosine = math.cos(math.radians(90.833)) / (math.cos(latitude) * math.cos(declination))
        cosine -= math.tan(latitude) * math.tan(declination)
        if not -1 <= cosine <= 1:
            return None
        angle = math.degrees(math.acos(cosine))
        minutes = 720 - 4 * (longitude_deg + (angle if event == "sunrise" else -angle)) - equation
    return dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(minutes=minutes)


def by_noaa(event: SunEvent, day: dt.date, site: Site) -> list[dt.datetime]:
    assert site.latitude_deg is not None
    assert site.longitude_deg is not None
    nearby = [noaa(event, day + beside * DAY, site.latitude_deg, site.longitude_deg) for beside in (-2, -1, 0, 1, 2)]
    return [at for at in nearby if at is not None and at.astimezone(site.timezone).date() == day]


@pytest.mark.parametrize("city", sorted(CITIES))
def test_noaas_equations_agree_to_the_second_below_65_degrees_and_to_minutes_above(city: str) -> None:
    site = CITIES[city]
    assert site.latitude_deg is not None
    tolerance_s = 2 if abs(site.latitude_deg) < 65 else 300
    differences = 0
    for number in range(0, 366 * 2):
        day = dt.date(2027, 1, 1) + number * DAY
        for event in ("sunrise", "sunset"):
            ours, theirs = sun_instants(event, day, site), by_noaa(event, day, site)
            if len(ours) != len(theirs):
                differences += 1  # the edges of polar day and night, where a second decides
                continue
            for our, their in zip(ours, theirs, strict=True):
                assert abs((our - their).total_seconds()) <= tolerance_s, (day, event)
    assert differences <= (0 if abs(site.latitude_deg) < 64 else 12)


@pytest.mark.parametrize("city", [city for city, site in CITIES.items() if abs(site.latitude_deg or 0) < 64])
def test_outside_the_polar_regions_each_local_date_has_one_sunrise_before_one_sunset(city: str) -> None:
    site = CITIES[city]
    for number in range(366):
        day = dt.date(2028, 1, 1) + number * DAY
        rises, sets = sun_instants("sunrise", day, site), sun_instants("sunset", day, site)
        assert len(rises) == len(sets) == 1
        assert rises[0] < sets[0]
        for instant in (*rises, *sets):
            assert instant.astimezone(site.timezone).date() == day
            assert (instant.tzinfo, instant.microsecond) == (dt.UTC, 0)


def test_a_site_whose_zone_is_far_from_its_longitude_still_gets_its_local_dates_sun() -> None:
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "UTC", "Asia/Shanghai"):
        for longitude_deg in (-179.9, -90, 0, 90, 179.9):
            site = Site(ZoneInfo(zone), 10.0, longitude_deg)
            for number in range(0, 366, 5):
                day = dt.date(2026, 1, 1) + number * DAY
                ours, theirs = sun_instants("sunset", day, site), by_noaa("sunset", day, site)
                assert ours
                for our, their in zip(ours, theirs, strict=True):
                    assert abs((our - their).total_seconds()) <= 2


# --- The far north -----------------------------------------------------------------------------------------------


def test_reykjavik_has_a_june_date_without_a_sunset_and_one_with_two() -> None:
    site = CITIES["Reykjavik"]
    june = [dt.date(2026, 6, day) for day in range(1, 31)]
    counts = {day: len(sun_instants("sunset", day, site)) for day in june}
    assert sorted(set(counts.values())) == [0, 1, 2]
    (without,) = [day for day, count in counts.items() if count == 0]
    (twice,) = [day for day, count in counts.items() if count == 2]
    assert without < dt.date(2026, 6, 21) < twice
    assert sun_instant("sunset", without, site) is None
    assert why_no_sun("sunset", without, site) == "the sun does not set on this day"
    first, second = sun_instants("sunset", twice, site)
    assert sun_instant("sunset", twice, site) == first < second
    assert (first.hour, second.hour) == (0, 23)


def test_at_midsummer_in_reykjavik_the_sun_sets_after_midnight() -> None:
    site = CITIES["Reykjavik"]  # published: up from 02:55 to 00:03 the next day
    assert minutes_apart(sun_instant("sunrise", dt.date(2026, 6, 21), site), site, "02:55") <= 2
    assert minutes_apart(sun_instant("sunset", dt.date(2026, 6, 21), site), site, "00:03") <= 2


@pytest.mark.parametrize(
    ("city", "first", "last", "event", "why"),
    [
        # Published: midnight sun in Tromsø 20 May to 22 July, polar night 27 November to 15 January.
        ("Tromsø", "2026-05-21", "2026-07-21", "sunset", "the sun does not set on this day: it is up all day"),
        ("Tromsø", "2026-11-29", "2027-01-13", "sunrise", "the sun does not rise on this day: it is down all day"),
        # Published: midnight sun in Longyearbyen 20 April to 22 August, no sun 26 October to 15 February.
        ("Longyearbyen", "2026-04-21", "2026-08-20", "sunset", "the sun does not set on this day: it is up all day"),
        ("Longyearbyen", "2026-10-28", "2027-02-13", "sunset", "the sun does not set on this day: it is down all day"),
        ("McMurdo", "2026-11-01", "2027-02-10", "sunrise", "the sun does not rise on this day: it is up all day"),
    ],
)
def test_polar_day_and_night_have_no_event_and_a_reason(
    city: str, first: str, last: str, event: Literal["sunrise", "sunset"], why: str
) -> None:
    site, day = CITIES[city], dt.date.fromisoformat(first)
    while day <= dt.date.fromisoformat(last):
        assert sun_instant(event, day, site) is None
        assert why_no_sun(event, day, site) == why
        day += DAY


@pytest.mark.parametrize(
    ("city", "event", "days"),
    [
        ("Tromsø", "sunrise", ["2026-05-10", "2026-07-30", "2026-11-20", "2027-01-20"]),
        ("Longyearbyen", "sunset", ["2026-04-12", "2026-08-30", "2026-10-20", "2027-02-20"]),
    ],
)
def test_beside_polar_day_and_night_the_sun_rises_and_sets(city: str, event: SunEvent, days: list[str]) -> None:
    assert all(sun_instant(event, dt.date.fromisoformat(day), CITIES[city]) for day in days)


@pytest.mark.parametrize("latitude_deg", [90.0, -90.0, 89.99, 0.0])
def test_poles_and_equator_raise_nothing(latitude_deg: float) -> None:
    site = Site(ZoneInfo("UTC"), latitude_deg, 0.0)
    for number in range(0, 366, 3):
        day = dt.date(2026, 1, 1) + number * DAY
        assert sun_instant("sunset", day, site) or why_no_sun("sunset", day, site)


def test_a_date_that_the_zone_left_out_has_no_sun() -> None:
    assert sun_instant("sunset", dt.date(2011, 12, 30), CITIES["Apia"]) is None
    assert why_no_sun("sunset", dt.date(2011, 12, 30), CITIES["Apia"]) == "2011-12-30 does not exist in Pacific/Apia"
    assert sun_instant("sunset", dt.date(2011, 12, 31), CITIES["Apia"]) is not None


def test_without_a_position_there_is_no_sun_and_that_is_the_reason() -> None:
    nowhere = Site(ZoneInfo("UTC"))
    assert sun_instant("sunset", dt.date(2026, 1, 1), nowhere) is None
    assert why_no_sun("sunset", dt.date(2026, 1, 1), nowhere) == "the site has no latitude and longitude"


def test_the_position_is_not_shown() -> None:
    assert "52.52" not in repr(CITIES["Berlin"])
    assert "69" not in why_no_sun("sunset", dt.date(2026, 6, 21), CITIES["Tromsø"])
