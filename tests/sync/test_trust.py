"""What keeps a device's tables from being trusted."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sync.made_rules import BERLIN, NOW, OFF, ON, holdings, reading, with_rows
from tapo_automate.rows import AntitheftRow, CountdownRow, FoundRow, Moment, OpaqueRow, OwnClock, ScheduleRow, TableName
from tapo_automate.rules.model import Site
from tapo_automate.rules.sun import sun_instant
from tapo_automate.sync.model import Reading
from tapo_automate.sync.trust import doubts, sun_apart_min


def said(found: Reading, site: Site = BERLIN) -> list[tuple[str, str, str]]:
    return [(doubt.code, doubt.text, doubt.remedy) for doubt in doubts(found, site, NOW)]


def clock(ahead_s: float = 0, region: str = "Europe/Berlin", offset_min: int | None = 60) -> Reading:
    return reading(clock=OwnClock(NOW + dt.timedelta(seconds=ahead_s), region, offset_min))


def test_a_device_that_is_as_the_site_is_trusted() -> None:
    assert said(reading()) == []


FIX = "`sync apply --fix-clock` sets it"


@pytest.mark.parametrize(
    ("ahead_s", "text"),
    [(60, "its clock is 60 s ahead"), (-60, "its clock is 60 s behind"), (-7200, "its clock is 7200 s behind")],
)
def test_a_clock_that_is_wrong(ahead_s: int, text: str) -> None:
    assert said(clock(ahead_s)) == [("clock", text, FIX)]


@pytest.mark.parametrize("ahead_s", [59, -59, 0])
def test_a_clock_that_is_right(ahead_s: int) -> None:
    assert said(clock(ahead_s)) == []


def test_a_clock_is_compared_with_when_it_was_asked() -> None:
    late = replace(reading(), at=NOW + dt.timedelta(seconds=90))
    assert said(late) == [("clock", "its clock is 90 s behind", FIX)]


def test_a_clock_that_was_lost_in_a_power_cut() -> None:
    lost = reading(clock=OwnClock(dt.datetime(2000, 1, 1, 0, 5, tzinfo=dt.UTC), "Europe/Berlin", 60))
    assert said(lost) == [("clock", "its clock is lost, and believes to be in 2000", FIX)]


def test_a_device_that_does_not_say_the_time() -> None:
    assert said(reading(clock=None)) == [
        ("clock", "it does not say what time it has", "`tapo-automate clock DEVICE` says why")
    ]


FIX_ZONE = "`sync apply --fix-clock` sets it to Europe/Berlin"


@pytest.mark.parametrize(
    ("region", "offset_min", "text"),
    [
        ("", 60, "it has no time zone, and so no summer time"),
        ("Europe/Berln", 60, "its time zone 'Europe/Berln' is none that is known"),
        ("UTC", 0, "its time zone UTC differs from Europe/Berlin by 60 min on 2026-11-22"),
        ("America/Denver", -420, "its time zone America/Denver differs from Europe/Berlin by 480 min on 2026-11-22"),
        # The same as Berlin until the clocks there change.
        ("Africa/Lagos", 60, "its time zone Africa/Lagos differs from Europe/Berlin by 60 min on 2027-03-28"),
        ("Europe/Berlin", 0, "its time zone Europe/Berlin and its +0 min from UTC contradict each other"),
        ("Europe/Berlin", 120, "its time zone Europe/Berlin and its +120 min from UTC contradict each other"),
    ],
)
def test_a_zone_that_is_not_the_site_s(region: str, offset_min: int, text: str) -> None:
    assert said(clock(0, region, offset_min)) == [("zone", text, FIX_ZONE)]


@pytest.mark.parametrize("region", ["CET", "Europe/Oslo", "Europe/Paris", "Africa/Ceuta"])
def test_a_zone_with_another_name_and_the_same_clocks(region: str) -> None:
    assert said(clock(0, region)) == []
    assert said(clock(0, region, None)) == []


@pytest.mark.parametrize("offset_min", [0, 60])
def test_dublin_has_its_winter_either_way(offset_min: int) -> None:
    dublin = Site(ZoneInfo("Europe/Dublin"), 53.35, -6.26)
    found = reading(clock=OwnClock(NOW, "Europe/Dublin", offset_min), position=(53.3, -6.3))
    assert said(found, dublin) == []


def test_zones_that_differ_for_some_hours_of_one_night_differ() -> None:
    # Havana changes at midnight, New York at two.
    havana = Site(ZoneInfo("America/Havana"), 23.13, -82.38)
    found = reading(clock=OwnClock(NOW, "America/New_York", -300), position=(23.1, -82.4))
    assert [text for _, text, _ in said(found, havana)] == [
        "its time zone America/New_York differs from America/Havana by 60 min on 2027-03-14"
    ]


APP = "set the device's location in the Tapo app"


@pytest.mark.parametrize(
    ("position", "texts"),
    [
        ((52.52, 13.405), []),
        ((52.4, 13.1), []),  # Potsdam
        (None, ["it has no location, and so a sun of its own making"]),
        ((50.94, 6.96), ["where it believes to be, the sun differs by up to 35 min"]),  # Cologne
        (
            (78.22, 15.63),
            ["where it believes to be, the sun does not rise or set on the same days as at the site"],
        ),
    ],
)
def test_where_a_device_believes_to_be(position: tuple[float, float] | None, texts: list[str]) -> None:
    found = doubts(reading(position=position), BERLIN, NOW)
    assert [(doubt.code, doubt.text, doubt.remedy, doubt.sun_only) for doubt in found] == [
        ("location", text, APP, True) for text in texts
    ]


def test_no_text_says_where_anything_is() -> None:
    found = doubts(reading(position=(50.9375, 6.9603)), BERLIN, NOW)
    text = repr(found) + repr(holdings(position=(50.9375, 6.9603)))
    assert not [number for number in ("50.9", "6.96", "52.5", "13.4") if number in text]


def test_a_site_without_a_place_has_nothing_to_compare() -> None:
    assert said(reading(position=(1.0, 2.0)), Site(ZoneInfo("Europe/Berlin"))) == []


_latitudes = st.floats(-60, 60)
_near = st.floats(-2, 2)


@given(_latitudes, st.floats(-179.9, 179.9), _near, _near)
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_sun_of_two_places_differs_as_the_almanac_has_it(
    latitude: float, longitude: float, north: float, east: float
) -> None:
    zone = ZoneInfo("UTC")
    one, other = (latitude, longitude), (max(-60.0, min(60.0, latitude + north)), longitude + east)
    apart_s = []
    for number in range(0, 365, 7):
        # Days run from one solar midnight to the next; an event near midnight UTC may be on another date at the other.
        day = dt.date(2027, 1, 1) + dt.timedelta(days=number)
        for event in ("sunrise", "sunset"):
            here, there = (sun_instant(event, day, Site(zone, *place)) for place in (one, other))  # type: ignore[arg-type]
            if here is not None and there is not None:
                seconds = abs((here - there).total_seconds())
                apart_s.append(min(seconds, abs(86_400 - seconds)))
    found_min = sun_apart_min(one, other)
    assert found_min is not None
    assert found_min == pytest.approx(max(apart_s) / 60, abs=0.5)


S1 = ScheduleRow(Moment("midnight", 60), ON, enabled=False)
A1 = AntitheftRow(Moment("midnight", 60), Moment("midnight", 90))
SWITCH = "switch it on in the Tapo app, or remove the rows there"


@pytest.mark.parametrize(
    ("name", "row", "texts"),
    [
        ("schedule", S1, ["its schedule is switched off as a whole while it has rows"]),
        ("antitheft", A1, ["its antitheft is switched off as a whole while it has rows"]),
        ("antitheft", OpaqueRow("antitheft", "?", {}), ["its antitheft is switched off as a whole while it has rows"]),
        ("antitheft", replace(A1, enabled=False), []),  # its only row is off, and so the table says it is
        ("countdown", CountdownRow(60, OFF, enabled=False), []),  # one that has run
    ],
)
def test_a_table_that_is_switched_off(name: TableName, row: FoundRow, texts: list[str]) -> None:
    found = with_rows(name, row)
    off = replace(found.holdings.tables[name], enabled=False)
    there = reading(tables={**found.holdings.tables, name: off})
    assert said(there) == [("switch", text, SWITCH) for text in texts]
    assert said(found) == []
    assert all(doubt.tables == {name} for doubt in doubts(there, BERLIN, NOW))


def test_an_empty_table_says_that_it_is_switched_off() -> None:
    there = holdings().tables
    empty = {name: replace(table, enabled=False) for name, table in there.items()}
    assert said(reading(tables=empty)) == []


def test_rows_in_no_local_time() -> None:
    assert said(reading(local_time=False)) == [
        ("local-time", "its rows run in no local time: nobody knows in which", "")
    ]


def test_versions_that_are_not_known() -> None:
    assert said(reading(versions={"schedule": 3, "countdown": 2, "antitheft": 1, "made_up": 9})) == [
        ("version", "its schedule is of version 3, and versions 1 and 2 are known", "")
    ]


def test_the_reason_names_the_way_out() -> None:
    (wrong,) = doubts(clock(60), BERLIN, NOW)
    (odd,) = doubts(reading(versions={"countdown": 3}), BERLIN, NOW)
    assert wrong.reason == "its clock is 60 s ahead: `sync apply --fix-clock` sets it"
    assert odd.reason == "its countdown is of version 3, and versions 1 and 2 are known"
