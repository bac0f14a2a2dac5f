"""A device's clock: read, and set with the offset of winter."""

from __future__ import annotations

import datetime as dt

import pytest

from tapo_automate.errors import BadSetting, Garbled
from tapo_automate.wire.commands.clock import get_device_time, set_device_time, zone_of
from wire.commands.recorded import Recorded

SUMMER = dt.datetime(2026, 7, 1, 10, 0, 0, 400_000, dt.UTC)
WINTER = dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC)


def _clock(region: str, offset_min: int, at: dt.datetime = SUMMER) -> Recorded:
    said = {"region": region, "time_diff": offset_min, "timestamp": int(at.timestamp())}
    return Recorded(get_device_time=said, set_device_time={})


def test_a_clock_is_an_instant_and_a_zone() -> None:
    told = get_device_time(_clock("America/Denver", -420))
    assert (told.at, told.region, told.standard_offset_min, told.lost) == (
        SUMMER.replace(microsecond=0),
        "America/Denver",
        -420,
        False,
    )
    assert told.zone is not None
    assert told.at.astimezone(told.zone).isoformat() == "2026-07-01T04:00:00-06:00"


@pytest.mark.parametrize("region", ["", "Not/AZone", "../etc/passwd"])
def test_without_a_region_that_is_known_the_fixed_offset_holds(region: str) -> None:
    told = get_device_time(_clock(region, 60))
    assert told.zone is not None
    assert told.at.astimezone(told.zone).isoformat() == "2026-07-01T11:00:00+01:00"


def test_a_clock_of_the_year_2000_is_lost() -> None:
    assert get_device_time(_clock("UTC", 0, dt.datetime(2000, 3, 4, tzinfo=dt.UTC))).lost


def test_a_device_that_says_no_instant_is_garbled() -> None:
    with pytest.raises(Garbled, match="get_device_time has nothing under 'timestamp' where an instant in Unix seconds"):
        get_device_time(Recorded(get_device_time={"region": "UTC", "time_diff": 0}))


def test_one_without_zone_and_offset_has_no_days() -> None:
    asked = Recorded(get_device_time={"region": "Moon", "timestamp": 1_800_000_000})
    assert get_device_time(asked).zone is None
    with pytest.raises(
        Garbled, match="its time zone 'Moon' is none that is known here, and it says no offset from UTC"
    ):
        zone_of(asked)


# Source of the offsets: the IANA time zone database, by hand.
@pytest.mark.parametrize(
    ("zone", "offset_min"),
    [
        ("Europe/Berlin", 60),
        ("America/Denver", -420),
        ("Australia/Sydney", 600),
        ("Asia/Kathmandu", 345),
        ("Europe/Dublin", 0),
        ("Africa/Casablanca", 0),
        ("UTC", 0),
    ],
)
@pytest.mark.parametrize("now", [SUMMER, WINTER])
def test_the_offset_that_is_sent_is_that_of_winter_whenever_it_is_set(
    zone: str, offset_min: int, now: dt.datetime
) -> None:
    asked = _clock("UTC", 0)
    set_device_time(asked, now, zone)
    assert asked.asked == [
        ("set_device_time", {"timestamp": int(now.timestamp()), "time_diff": offset_min, "region": zone})
    ]


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd"])
def test_a_zone_that_is_none_is_refused_before_anything_is_sent(zone: str) -> None:
    asked = _clock("UTC", 0)
    with pytest.raises(BadSetting) as caught:
        set_device_time(asked, SUMMER, zone)
    wanted = f'10.0.0.5: there is no time zone {zone!r}; its name is one such as "Europe/Berlin" or "UTC"'
    assert str(caught.value) == wanted
    assert asked.asked == []
