"""The real driver and a simulated device that lives by its own clock: each effect once, whoever brings it about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from daemon.house import House
from daemon.led import HandClock, Led
from daemon.tabled_house import OFF, ON
from tapo_automate import Credentials, DeviceSpec, Rule, hookimpl
from tapo_automate.daemon import Alarm
from tapo_automate.registry import Registry
from tapo_automate.rows import HoldsTables, id_of, table_of
from tapo_automate.rules.model import AfterDelay, AtTime, RuleBook
from tapo_automate.simulator import Device, Fleet
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.ledger import DeviceLedger, Ledger, save_ledger
from tapo_automate.sync.model import InDaemon, Recorded
from tapo_automate.sync.partition import LedgerWatch
from tapo_automate.sync.rows import digest, in_words, key_of

ACCOUNT = Credentials("someone@example.org", "secret")
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = dt.datetime(2026, 6, 1, 4, tzinfo=dt.UTC)  # six o'clock in Berlin
HOUR = dt.timedelta(hours=1)


class SimulatedHome(House):
    """One plug.  put, record: what a sync does."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        super().__init__(zone="Europe/Berlin")
        self.clock = HandClock(BEGIN)
        self.device: Device = fleet.add(
            "P110",
            username=ACCOUNT.username,
            password=ACCOUNT.password,
            now=lambda: self.clock.at.timestamp(),
            seed=7,
        )
        self.spec = DeviceSpec("heater", "tapo-plug", self.device.address)
        self.driver = Registry(installed=True).driver("tapo-plug")
        self.led = Led(self, self.clock, folder)
        self.ledger = folder / "rules.ledger.toml"
        self.rows: list[Recorded] = []
        self.hands: list[Any] = []  # a daemon that dies closes nothing
        self.tables: HoldsTables = self.opened(self.spec, ACCOUNT)
        self.tables.set_clock(BEGIN, "Europe/Berlin", 60)

    def opened(self, spec: DeviceSpec, credentials: Credentials | None) -> Any:
        self.hands.append(self.driver.open(spec, credentials))
        return self.hands[-1]

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        return [SimpleNamespace(name="tapo-plug", open=self.opened)]

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials:
        return ACCOUNT

    def book(self, *rules: Rule) -> RuleBook:
        return RuleBook(self.site, {"heater": self.spec}, {}, {rule.id: rule for rule in rules})

    def start(self, *rules: Rule) -> None:
        self.led.start(*rules, ledger=LedgerWatch(self.ledger), look_s=600)

    def put(self, rule: Rule) -> Recorded:
        compiled = row_of(rule, self.site)
        assert not isinstance(compiled, InDaemon), compiled
        row, _ = compiled
        row_id = self.tables.put(row)
        [found] = [each for each in self.tables.table(table_of(row)).rows if id_of(each) == row_id]
        key = {rule.id: key_of(rule, row)}
        recorded = Recorded(table_of(row), row_id, key, digest(row), digest(found), in_words(found), self.clock.at)
        self.rows.append(recorded)
        self.record()
        return recorded

    def take_out(self, row: Recorded) -> None:
        self.tables.remove(row.table, [row.row_id] if row.row_id else [])
        self.rows.remove(row)
        self.record()

    def record(self) -> None:
        save_ledger(self.ledger, Ledger({"heater": DeviceLedger(rows=tuple(self.rows))}))

    @property
    def did(self) -> list[str]:
        """What the device has done by itself, in the site's time."""
        return [f"{self._wall(each.at)} {each.table}" for each in self.device.executions]

    @property
    def was_told(self) -> list[str]:
        """What it was told, by the daemon: nobody else sets it here."""
        return [self._wall(each.at) for each in self.device.calls if each.method == "set_device_info"]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        journal = self.led.journal
        assert journal is not None
        assert journal.flush(5)
        entries = journal.entries(newest_first=False)
        return [(f"{each.due.astimezone(BERLIN):%d %H:%M} {each.rule}", each.reason) for each in entries]

    def _wall(self, instant: float) -> str:
        return f"{dt.datetime.fromtimestamp(instant, BERLIN):%d %H:%M:%S}"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[SimulatedHome]:
    with Fleet() as fleet:
        home = SimulatedHome(fleet, tmp_path)
        yield home
        home.led.stop()
        for hand in home.hands:
            hand.close()


WAKE = Rule("wake", ("heater",), AtTime(dt.time(7)), ON)
NIGHT = Rule("night", ("heater",), AtTime(dt.time(23)), OFF)


def alarms(home: SimulatedHome) -> list[Any]:
    return [event for event in home.events if isinstance(event, Alarm)]


def test_a_day_with_the_device_a_hand_over_and_a_day_with_the_daemon(home: SimulatedHome) -> None:
    rows = [home.put(WAKE), home.put(NIGHT)]
    home.start(WAKE, NIGHT)
    home.led.go(BEGIN + 20 * HOUR)
    for row in rows:
        home.take_out(row)
    home.led.go(BEGIN + 44 * HOUR)
    assert home.did == ["01 07:00:00 schedule", "01 23:00:00 schedule"]
    assert home.was_told == ["02 07:00:00", "02 23:00:00"]
    assert home.reasons == [
        ("01 07:00 wake", f"by the device itself, schedule row {rows[0].row_id}"),
        ("01 23:00 night", f"by the device itself, schedule row {rows[1].row_id}"),
        ("02 07:00 wake", ""),
        ("02 23:00 night", ""),
    ]
    assert alarms(home) == []


def test_a_row_that_a_person_removes_is_missed_by_nobody(home: SimulatedHome) -> None:
    home.put(WAKE)
    night = home.put(NIGHT)
    home.start(WAKE, NIGHT)
    home.led.go(BEGIN + 10 * HOUR)
    home.tables.remove("schedule", [night.row_id])  # and the ledger does not know
    home.led.go(BEGIN + 20 * HOUR)
    assert home.did == ["01 07:00:00 schedule"]
    assert home.was_told == ["01 23:00:00"]
    [_, (due, reason)] = home.reasons
    assert due == "01 23:00 night"
    assert reason == "in place of the device: asked before, it said that it does nothing before 2026-06-02 07:00:00"
    assert len(alarms(home)) == 1


def test_a_device_whose_daemon_is_dead_goes_on_and_the_next_one_finds_it_done(home: SimulatedHome) -> None:
    home.put(WAKE)
    row = home.put(NIGHT)
    home.start(WAKE, NIGHT)
    home.led.go(BEGIN + 10 * HOUR)
    home.led.die()
    home.clock.at = BEGIN + 17 * HOUR + dt.timedelta(minutes=4)
    home.start(WAKE, NIGHT)
    home.led.go(BEGIN + 18 * HOUR)
    assert home.did == ["01 07:00:00 schedule", "01 23:00:00 schedule"]
    assert home.was_told == []
    assert home.reasons[-1] == ("01 23:00 night", f"by the device itself, schedule row {row.row_id}")


def test_the_devices_auto_off(home: SimulatedHome) -> None:
    forgotten = Rule("forgotten", ("heater",), AfterDelay(3600, "on"), OFF)
    home.put(forgotten)
    home.start(forgotten, WAKE)
    home.led.go(BEGIN + 3 * HOUR)
    assert home.did == ["01 08:00:00 auto_off"]
    assert home.was_told == ["01 07:00:00"]
    assert home.reasons == [("01 07:00 wake", ""), ("01 08:00 forgotten", "by the device itself, auto-off")]
