"""Real tables, and devices that do not do what stands in them: the daemon makes it good in time, and writes it down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sync.lived_house import LivedHouse
from tapo_automate import Rule, Setting
from tapo_automate.daemon import Alarm
from tapo_automate.rules.model import AtTime, Site
from tapo_automate.simulator import Device, Fleet

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
NOON = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
SEVEN, ELEVEN = NOON + 19 * HOUR, NOON + 11 * HOUR
WAKE = Rule("wake", ("heater",), AtTime(dt.time(7)), Setting(on=True))
NIGHT = Rule("night", ("heater",), AtTime(dt.time(23)), Setting(on=False))


class Home(LivedHouse):
    """A heater that is on at noon, with two rows of ours, and a daemon."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        super().__init__(fleet, folder, {"heater": "P110"}, Site(BERLIN, 52.52, 13.405), NOON)
        self.rules = self.book(WAKE, NIGHT)
        self.sync(self.rules)
        self.heater.person_sets(device_on=True)
        self.start(self.rules)

    def row_id(self, rule: str) -> str:
        [row] = [each for each in self.ledger.of("heater").rows if rule in each.rules]
        return row.row_id

    @property
    def heater(self) -> Device:
        return self.boxes["heater"]

    @property
    def did(self) -> list[str]:
        """What was done to the heater, in the site's time."""
        return [
            f"{deed.at.astimezone(BERLIN):%d %H:%M:%S} {'on' if deed.setting['on'] else 'off'} by the {deed.by}"
            for deed in self.deeds("heater")
        ]

    @property
    def written(self) -> list[tuple[str, str, str]]:
        """The journal: rule, result, reason."""
        journal = self.led.journal
        assert journal is not None
        assert journal.flush(5)
        return [(entry.rule, entry.result, entry.reason) for entry in journal.entries(newest_first=False)]

    @property
    def alarms(self) -> list[str]:
        alarms = [event for event in self.events if isinstance(event, Alarm)]
        return [f"over: {each.text}" if each.over else each.text for each in alarms]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Fleet() as fleet:
        home = Home(fleet, tmp_path)
        yield home
        home.close()


def clock_is_lost(home: Home) -> None:
    home.heater.set_faults("clock-lost")  # as after a power cut without the internet


def switch_is_thrown(home: Home) -> None:
    home.heater.set_table("schedule", enabled=False)


def row_is_removed(home: Home) -> None:
    home.heater.person_removes("schedule", home.row_id("night"))


def row_is_stopped(home: Home) -> None:
    home.heater.person_edits("schedule", {"id": home.row_id("night"), "enable": False})


def row_is_made_later(home: Home) -> None:
    home.heater.person_edits("schedule", {"id": home.row_id("night"), "s_min": 23 * 60 + 40})


def device_is_reset(home: Home) -> None:
    for rule in ("wake", "night"):
        home.heater.person_removes("schedule", home.row_id(rule))


ASKED = "in place of the device: asked before, it said that "
MISSED = "repaired: heater has not done it by schedule row {row}, and showed on"


@pytest.mark.parametrize(
    ("happens", "at", "reason"),
    [
        (switch_is_thrown, "23:00:00", f"{ASKED}nothing comes next"),
        (row_is_removed, "23:00:00", f"{ASKED}it does nothing before 2026-06-02 07:00:00"),
        (row_is_stopped, "23:00:00", f"{ASKED}it does nothing before 2026-06-02 07:00:00"),
        (row_is_made_later, "23:00:00", f"{ASKED}it does nothing before 2026-06-01 23:40:00"),
        (device_is_reset, "23:00:00", f"{ASKED}nothing comes next"),
    ],
)
def test_what_a_device_does_not_do_is_done_in_time_and_written_down(
    home: Home, happens: Callable[[Home], None], at: str, reason: str
) -> None:
    row = home.row_id("night")
    home.go(5 * HOUR)
    happens(home)
    home.go(ELEVEN + 30 * MINUTE)
    assert home.did == [f"01 {at} off by the daemon"]
    reason = reason.format(row=row)
    assert home.written == [("night", "done", reason)]
    assert home.alarms == [f"rule night on heater is carried out by the daemon, {reason}"]


def test_a_device_that_has_lost_its_clock_is_stood_in_for(home: Home) -> None:
    home.go(4 * HOUR)
    clock_is_lost(home)  # to it, it is one in the morning
    home.go(ELEVEN + 30 * MINUTE)
    assert home.did == ["01 22:00:00 on by the device", "01 23:00:00 off by the daemon"]
    said = "it waits for 2000-01-01 23:00:00, so that its clock is wrong"
    assert home.written == [("night", "done", f"{ASKED}{said}")]


def test_what_happens_in_the_last_minutes_is_found_afterwards(home: Home) -> None:
    home.go(ELEVEN - 2 * MINUTE)  # the device was asked, and all was well
    row = home.row_id("night")
    row_is_removed(home)
    home.go(ELEVEN + 30 * MINUTE)
    assert home.did == ["01 23:01:10 off by the daemon"]
    assert home.written == [("night", "done", MISSED.format(row=row))]


def test_a_device_that_is_off_the_network_does_it_and_is_asked_later(home: Home) -> None:
    home.go(ELEVEN - 10 * MINUTE)
    home.heater.set_faults("offline")
    home.go(ELEVEN + 6 * MINUTE)
    home.heater.set_faults("")
    home.go(ELEVEN + 30 * MINUTE)
    assert home.did == ["01 23:00:00 off by the device"]
    assert home.written == [("night", "done", f"by the device itself, schedule row {home.row_id('night')}")]
    assert home.alarms == []


def test_a_device_without_power_is_told_when_it_is_back(home: Home) -> None:
    row = home.row_id("night")
    home.go(ELEVEN - 10 * MINUTE)
    home.heater.set_faults("reboots=60+100000")
    home.go(ELEVEN + 6 * MINUTE)
    home.heater.set_faults("")
    home.go(ELEVEN + 30 * MINUTE)
    [told] = home.did
    assert told[3:8] in ("23:06", "23:07")
    assert told.endswith("off by the daemon")
    assert home.written == [("night", "done", MISSED.format(row=row))]


def test_a_device_that_stays_away_is_left_to_itself_and_that_is_written_down(home: Home) -> None:
    home.go(ELEVEN - 10 * MINUTE)
    home.heater.set_faults("offline")
    home.go(ELEVEN + 30 * MINUTE)
    home.heater.set_faults("")
    home.go(ELEVEN + 60 * MINUTE)
    row = home.row_id("night")
    why = f"left to the device itself, schedule row {row}; it gave no answer afterwards"
    assert home.written == [("night", "withheld", why)]
    assert home.did == ["01 23:00:00 off by the device"]


def test_a_lost_clock_is_planned_around_and_given_back_when_it_is_set(home: Home) -> None:
    home.go(5 * HOUR)
    clock_is_lost(home)
    plans = home.sync(home.rules)
    assert {code.code for code in plans["heater"].daemon.values()} == {"clock"}
    home.reload(home.rules)
    home.go(SEVEN + 30 * MINUTE)
    assert home.did == ["01 23:00:00 off by the daemon", "02 07:00:00 on by the daemon"]
    assert home.alarms == []
    plans = home.sync(home.rules, fix_clock=True)
    assert plans["heater"].fix_clock
    assert plans["heater"].daemon == {}
    home.led.look_around()
    home.go(ELEVEN + DAY + 30 * MINUTE)
    # `true_at` of what it did is what counts: its clock was set.
    assert home.did[2:] == ["02 23:00:00 off by the device"]
    assert home.alarms == []


def test_once_the_row_is_back_the_device_does_it_again(home: Home) -> None:
    home.go(5 * HOUR)
    row_is_removed(home)
    home.go(ELEVEN + HOUR)
    home.sync(home.rules, restore=True)
    home.reload(home.rules)
    home.go(ELEVEN + DAY + HOUR)
    row = home.row_id("night")
    assert home.did == [
        "01 23:00:00 off by the daemon",
        "02 07:00:00 on by the device",
        "02 23:00:00 off by the device",
    ]
    assert home.written[-1] == ("night", "done", f"by the device itself, schedule row {row}")
    assert home.alarms[1:] == ["over: heater carries the rule night out by itself again"]
