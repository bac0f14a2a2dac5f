"""Real devices as python-kasa dumped them into the folder TAPO_FIXTURES, each simulated at the instant of its dump and
spoken to over HTTP by the installed driver.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from real_dumps import DUMPS
from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.rules.load import load_texts
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import report
from tapo_automate.simulator import Device, Fleet, SimulatorError
from tapo_automate.simulator.hands import Hands
from tapo_automate.simulator.lookup import profile_for
from tapo_automate.sync.adopt import Adopted, adopt_rows, rule_file
from tapo_automate.sync.apply import apply_device
from tapo_automate.sync.backup import Backups
from tapo_automate.sync.ledger import DeviceLedger, LedgerFile, hardware_digest
from tapo_automate.sync.model import DevicePlan, Reading
from tapo_automate.sync.plan import plan_device
from tapo_automate.wire import SmartDevice, open_device

ACCOUNT = Credentials("owner@example.com", "correct horse")
LOST_BEFORE = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
TODAY = dt.datetime(2026, 3, 3, 11, tzinfo=dt.UTC)

needs_dumps = pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")


@dataclass
class Clock:
    at: dt.datetime

    def __call__(self) -> float:
        return self.at.timestamp()


@dataclass
class Dumped:
    """One device, or one socket of a strip.  said: what its dump says of it.  zone: of its clock, a name."""

    said: dict[str, Any]
    zone: str
    device: Device
    hands: Hands
    spec: DeviceSpec
    driver: SmartDevice
    clock: Clock
    home: Path

    def __post_init__(self) -> None:
        self.ledger = LedgerFile(self.home / "rules.ledger.toml")
        self.backups = Backups(self.home / "backups")

    @property
    def now(self) -> dt.datetime:
        return self.clock.at

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its schedule as it was dumped."""
        return list((self.said.get("get_schedule_rules") or {}).get("rule_list", []))

    def reading(self) -> Reading:
        return Reading(self.driver.holdings(), self.now)

    def book(self, *texts: str) -> RuleBook:
        """Return rules for it, at home in its own zone.  texts: of rule files."""
        site = f'[site]\ntimezone = "{self.zone}"\nlatitude = 34.77\nlongitude = 32.42\n'
        owner = self.spec.id.partition("/")[0]
        known = f'[devices.{owner}]\ndriver = "tapo-plug"\nhost = "{self.device.address}"\n'
        loaded = load_texts([("rules.toml", site + known), *((f"{n}.toml", text) for n, text in enumerate(texts))])
        assert loaded.book is not None, report(loaded.problems)
        return loaded.book

    def plan(self, book: RuleBook) -> DevicePlan:
        plan = plan_device(book, self.spec.id, self.reading(), self.ledger.ledger.of(self.spec.id), self.now)
        assert not plan.error
        return plan

    def apply(self, book: RuleBook, plan: DevicePlan) -> tuple[str, ...]:
        """Carry a plan out and return its warnings."""
        how = {"book": book, "ledger": self.ledger, "backups": self.backups, "now": self.now}
        return apply_device(self.driver, plan, **how, told=lambda *_: None).warnings  # type: ignore[arg-type]

    def adopt(self) -> tuple[Adopted, RuleBook]:
        """Adopt what is there, as `sync adopt` does, and return the rules that it makes with the others."""
        reading, before = self.reading(), self.ledger.ledger.of(self.spec.id)
        adopted = adopt_rows(self.book(), self.spec.id, reading, before)
        hardware = hardware_digest(reading.holdings.description.hardware_id)
        if adopted.recorded:
            self.ledger.replace(self.spec.id, DeviceLedger(hardware, adopted.recorded))
        return adopted, self.book(rule_file([adopted]))

    def set_right(self) -> None:
        """Give the device the right time where its dump has it wrong, as a person with the app does."""
        local = self.now.astimezone(self.book().site.timezone)
        standard = (local.utcoffset() or dt.timedelta()) - (local.dst() or dt.timedelta())
        self.device.set_clock(self.now.timestamp(), region=self.zone, time_diff=int(standard.total_seconds()) // 60)

    def inside(self) -> dict[str, Any]:
        """Return all that its tables and their neighbours hold, as the device tells it."""
        told: dict[str, Any] = self.hands.tables
        for method in ("get_auto_off_config", "get_protection_power"):
            if isinstance(self.said.get(method), dict):
                told[method] = self.driver.call(method)
        return told


Open = Callable[..., list[Dumped]]


@contextmanager
def opening(tmp_path: Path) -> Iterator[Open]:
    """Give what simulates a dump and opens it: the device, or each socket that the dump tells of.

    latitude, longitude: where it believes to be; a dump keeps that to itself.
    """
    opened: list[SmartDevice] = []
    with Fleet() as fleet:

        def start(path: Path, latitude: float | None = None, longitude: float | None = None) -> list[Dumped]:
            try:
                profile_for(path, None)
            except SimulatorError as problem:
                pytest.skip(f"it cannot be simulated: {problem}")
            dump = json.loads(path.read_text(encoding="utf-8"))
            if latitude is not None and longitude is not None:
                path = _placed(dump, latitude, longitude, tmp_path / path.name)
            taken = dt.datetime.fromtimestamp((dump.get("get_device_time") or {}).get("timestamp", 0), dt.UTC)
            clock = Clock(taken if taken > LOST_BEFORE else TODAY)
            device = fleet.add(path, username=ACCOUNT.username, password=ACCOUNT.password, now=clock)
            device.set_clock(taken.timestamp())
            sockets = dump.get("child_devices") or _listed(dump)
            parts = [
                (said, str(said["get_device_info"].get("position", place)))
                for place, (_, said) in enumerate(sorted(sockets.items()), 1)
            ] or [(dump, "")]
            zone = (dump.get("get_device_time") or {}).get("region") or "UTC"
            found = []
            for said, number in parts:
                name = f"it/{number}" if number else "it"
                spec = DeviceSpec(name, "tapo-plug", device.address, socket=number)
                opened.append(open_device(spec, ACCOUNT))
                hands = next((child for child in device.children if str(child.position) == number), device)
                home = tmp_path / f"{path.stem}-{number}"
                home.mkdir()
                known = Dumped(said, zone, device, hands, spec, opened[-1], clock, home)
                found.append(known)
            return found

        yield start
        for driver in opened:
            driver.close()


def _listed(dump: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a strip says of its sockets, where nobody asked these themselves: id -> what is known of it."""
    entries = (dump.get("get_child_device_list") or {}).get("child_device_list", [])
    return {entry["device_id"]: {"get_device_info": entry} for entry in entries}


def _placed(dump: dict[str, Any], latitude: float, longitude: float, path: Path) -> Path:
    place = {
        "has_set_location_info": True,
        "latitude": round(latitude * 10_000),
        "longitude": round(longitude * 10_000),
    }
    for said in (dump, *(dump.get("child_devices") or {}).values()):
        said["get_device_info"] |= place
    for entry in (dump.get("get_child_device_list") or {}).get("child_device_list", []):
        entry |= place
    path.write_text(json.dumps(dump), encoding="utf-8")
    return path


def each(function: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])(function)


def known(name: str) -> Path:
    path = next((path for path in DUMPS if path.stem == name), None)
    if path is None:
        pytest.skip(f"there is no dump {name}")
    return path
