"""What a device announces is held against its rows, where anybody can know when they come due."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.device import Description, Setting
from tapo_automate.rows import Holdings, Moment, NextEvent, ScheduleRow, Table
from tapo_automate.rules.model import Site
from tapo_automate.sync.upcoming import event_doubt

BERLIN = (52.52, 13.405)
SITE = Site(ZoneInfo("Europe/Berlin"), *BERLIN)
NOON = dt.datetime(2026, 11, 22, 11, tzinfo=dt.UTC)
DUSK = ScheduleRow(Moment("sunset", 0), Setting(on=True), id="S1")
NIGHT = ScheduleRow(Moment("midnight", 1380), Setting(on=False), id="S2")


def holdings(position: tuple[float, float] | None, event: NextEvent | None) -> Holdings:
    plug = Description(hardware_id="", model="P110", firmware="", transport="")
    return Holdings(plug, {"schedule": Table(32, (DUSK, NIGHT))}, position=position, next_event=event)


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, 22, hour, minute, tzinfo=SITE.timezone)


@pytest.mark.parametrize(
    ("where", "announced", "doubt"),
    [
        ("at the site", NextEvent(at(16, 4), "S1"), ""),
        (
            "at the site",
            NextEvent(at(19), "S1"),
            "it announces “every day at sunset → on” for Sun 2026-11-22 19:00, and it should be Sun 2026-11-22 16:0",
        ),
        ("nowhere", NextEvent(at(19), "S1"), ""),
        ("elsewhere", NextEvent(at(19), "S1"), ""),
        ("nowhere", NextEvent(at(23), "S2"), ""),
        ("nowhere", None, "it announces nothing to come, and “off at night” is due Sun 2026-11-22 23:00"),
        (
            "elsewhere",
            NextEvent(at(23, 5), "S2"),
            "it announces “every day at 23:00 → off” for Sun 2026-11-22 23:05, and it should be Sun 2026-11-22 23:00",
        ),
    ],
)
def test_a_row_by_the_sun_is_expected_only_of_a_device_at_the_site(
    where: str, announced: NextEvent | None, doubt: str
) -> None:
    position = {"at the site": BERLIN, "nowhere": None, "elsewhere": (35.17, 33.36)}[where]
    found = event_doubt(holdings(position, announced), SITE, NOON, {"S2": "off at night"})
    assert found.startswith(doubt)
    assert bool(found) == bool(doubt)
