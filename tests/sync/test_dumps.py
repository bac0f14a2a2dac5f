"""What real devices held, dumped by python-kasa into the folder TAPO_FIXTURES: read, planned, adopted, written beside.

Each device is simulated from its dump, at the instant of the dump, and spoken to over HTTP by the installed driver.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.rows import (
    OpaqueRow,
    PowerProtection,
    TableName,
    id_of,
)
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
from tapo_automate.sync.model import DevicePlan, Quota, Reading
from tapo_automate.sync.plan import plan_device
from tapo_automate.sync.restore import plan_restore, restore_device
from tapo_automate.wire import SmartDevice, open_device

FOLDER = os.environ.get("TAPO_FIXTURES")
DUMPS = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []
ACCOUNT = Credentials("owner@example.com", "correct horse")
LOST_BEFORE = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
TODAY = dt.datetime(2026, 3, 3, 11, tzinfo=dt.UTC)
ROW_TABLES: tuple[TableName, ...] = ("schedule", "countdown", "antitheft")
COMPUTED = {"year", "month", "day", "remain"}

pytestmark = pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")


@dataclass
class Clock:
    at: dt.datetime

    def __call__(self) -> float:
        return self.at.timestamp()


@dataclass
class Dumped:
    """One device, or one socket of a strip.  said: what its dump says of it.  zone: of its clock, a name."""

    name: str
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
        holdings = self.driver.holdings()
        return Reading(holdings, self.now)

    def book(self, *texts: str) -> RuleBook:
        """Return rules for it, at home in its own zone.  texts: of rule files."""
        site = f'[site]\ntimezone = "{self.zone}"\nlatitude = 34.77\nlongitude = 32.42\n'
        owner = self.spec.id.partition("/")[0]
        known = f'[devices.{owner}]\ndriver = "tapo-plug"\nhost = "{self.device.address}"\n'
        loaded = load_texts([("rules.toml", site + known), *((f"{n}.toml", text) for n, text in enumerate(texts))])
        assert loaded.book is not None, report(loaded.problems)
        return loaded.book

    def plan(self, book: RuleBook, *, fix_clock: bool = False) -> DevicePlan:
        ledger = self.ledger.ledger.of(self.spec.id)
        plan = plan_device(book, self.spec.id, self.reading(), ledger, self.now, fix_clock=fix_clock)
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

    def inside(self) -> dict[str, Any]:
        """Return all that its tables and their neighbours hold, as the device tells it."""
        told: dict[str, Any] = self.hands.tables
        for method in ("get_auto_off_config", "get_protection_power"):
            if isinstance(self.said.get(method), dict):
                told[method] = self.driver.call(method)
        return told


Open = Callable[..., list[Dumped]]


@pytest.fixture
def dumped(tmp_path: Path) -> Iterator[Open]:
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
            sockets = dump.get("child_devices") or {}
            parts = [(said, str(said["get_device_info"]["position"])) for said in sockets.values()] or [(dump, "")]
            if device.children and not sockets:
                pytest.skip("a strip of whose sockets the dump says nothing")
            zone = (dump.get("get_device_time") or {}).get("region") or "UTC"
            found = []
            for said, number in parts:
                name = f"it/{number}" if number else "it"
                spec = DeviceSpec(name, "tapo-plug", device.address, socket=number)
                opened.append(open_device(spec, ACCOUNT))
                hands = next((child for child in device.children if str(child.position) == number), device)
                home = tmp_path / f"{path.stem}-{number}"
                home.mkdir()
                known = Dumped(path.stem, said, zone, device, hands, spec, opened[-1], clock, home)
                found.append(known)
            return found

        yield start
        for driver in opened:
            driver.close()


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


DAYS = {127: "every day", 62: "weekdays", 65: "weekends"}
ORDER = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def sentence(row: dict[str, Any]) -> str:
    """Say a schedule row of a dump in words, straight from what the device calls things."""
    mask = row["week_day"]
    named = ", ".join(day for number, day in enumerate(ORDER, 1) if mask >> number % 7 & 1)
    days = "once" if row["mode"] == "once" else DAYS.get(mask, named)
    if row["s_type"] == "normal":
        when = f"at {row['s_min'] // 60:02}:{row['s_min'] % 60:02}"
    else:
        hours, minutes = divmod(abs(row["time_offset"]), 60)
        apart = " ".join(word for word in (f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes)) if word)
        side = "before" if row["time_offset"] < 0 else "after"
        when = f"{apart} {side} {row['s_type']}" if apart else f"at {row['s_type']}"
    off = "" if row["enable"] else " (switched off)"
    return f"{days} {when} → {deed(row)}{off}"


def deed(row: dict[str, Any]) -> str:
    states = row.get("desired_states") or {"on": row.get("s_action") == "on"}
    words = ["on" if states["on"] else "off"]
    if states["on"] and "brightness" in states:
        words.append(f"brightness {states['brightness']}")
    if states["on"] and states.get("color_temp"):
        words.append(f"color_temp {states['color_temp']}")
    elif states["on"] and "hue" in states:
        words.append(f"hue {states['hue']}, saturation {states['saturation']}")
    if states.get("transition_period"):
        minutes, rest_ms = divmod(states["transition_period"], 60_000)
        words.append(f"transition {minutes}m" if not rest_ms else f"transition {states['transition_period'] / 1000:g}s")
    return ", ".join(words)


class TestReading:
    @each
    def test_nothing_is_lost_of_a_row(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            tables = it.reading().holdings.tables
            for name in ROW_TABLES:
                there = it.said.get(f"get_{name}_rules")
                if not isinstance(there, dict) or "rule_list" not in there:
                    continue
                table = tables[name]
                assert table.max_rows == there[f"{name}_rule_max_count"]
                assert [id_of(row) for row in table.rows] == [row["id"] for row in there["rule_list"]]
                for row, words in zip(table.rows, there["rule_list"], strict=True):
                    if isinstance(row, OpaqueRow):
                        assert row.why
                    computed = COMPUTED | ({"s_min"} if words.get("s_type", "normal") != "normal" else set())
                    kept = {key: value for key, value in words.items() if key not in computed | {"id"}}
                    assert kept.items() <= row.own.items()
            clock = it.reading().holdings.clock
            if isinstance(it.said.get("get_device_time"), dict):
                assert clock is not None
                assert clock.region == it.said["get_device_time"]["region"]

    @each
    def test_neighbours_say_what_the_device_says(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            tables = it.reading().holdings.tables
            protection = it.said.get("get_protection_power")
            if isinstance(protection, dict) and "protection_power" in protection:
                enabled = protection.get("enabled", protection.get("protection_enabled"))
                limit_w = protection["protection_power"]
                wanted = (PowerProtection(limit_w, enabled),) if enabled or limit_w else ()
                assert tables["power_protection"].rows == wanted
            auto_off = it.said.get("get_auto_off_config")
            if isinstance(auto_off, dict) and not auto_off["enable"] and auto_off["delay_min"] == 120:
                assert tables["auto_off"].rows == (), "as every device says it that nobody has set"


class TestPlan:
    @each
    def test_rows_of_people_are_foreign_in_words_and_counted(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            plan = it.plan(it.book())
            assert not plan.pending
            assert {change.action for change in plan.changes} <= {"foreign"}
            texts = {(change.table, change.row_id): change.text for change in plan.changes}
            for row in it.rows:
                read = texts["schedule", row["id"]]
                if not read.startswith("a row that cannot be read: "):
                    assert read == sentence(row)
            most = (it.said.get("get_schedule_rules") or {}).get("schedule_rule_max_count")
            if most is not None:
                used = len(it.rows)
                assert plan.quota["schedule"] == Quota(most, used, used, 0, used)
            if "countdown" in plan.quota:
                runs = [row for row in it.said["get_countdown_rules"]["rule_list"] if row["enable"] and row["remain"]]
                assert plan.quota["countdown"].used == len(runs), "one that is over takes no place"

    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            (
                "L430C(EU)_1.0_1.0.4",
                {
                    "it": [
                        "every day at 05:30 → on, brightness 100, color_temp 2700, transition 30m",
                        "every day at 22:30 → off, transition 30m",
                        "every day at 07:00 → off",
                        "every day 30 min before sunset → on, brightness 100, color_temp 2700, transition 30m",
                    ]
                },
            ),
            ("P110(UK)_1.0_1.3.0", {"it": ["every day at 11:50 → on", "above 2960 W → off"]}),
            ("EP40M(US)_1.0_1.1.0", {"it/1": ["every day 15 min before sunset → on", "every day at 22:10 → off"]}),
            ("L630(EU)_1.0_1.1.2", {}),
        ],
    )
    def test_some_that_are_known_word_by_word(self, dumped: Open, name: str, wanted: dict[str, list[str]]) -> None:
        found = {it.spec.id: [change.text for change in it.plan(it.book()).changes] for it in dumped(known(name))}
        assert {device: texts for device, texts in found.items() if texts} == wanted


class TestAdopt:
    @each
    def test_nothing_is_left_to_do_after_it_and_nothing_is_written(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            before = it.inside()
            adopted, book = it.adopt()
            left = {row.row_id: row.reason for row in adopted.left_alone}
            for row in it.rows:
                assert row["id"] in left or any(row["id"] == each.row_id for each in adopted.recorded)
            assert all(left.values())
            plan = it.plan(book)
            assert not plan.pending
            assert sorted(change.row_id for change in plan.changes if change.table == "schedule") == sorted(
                alone.row_id for alone in adopted.left_alone if alone.table == "schedule"
            )
            stamp = it.ledger.path.stat().st_mtime_ns if adopted.recorded else None
            it.apply(book, plan)
            assert it.inside() == before
            assert it.hands.writes == it.device.writes == []
            assert not it.backups.folder.exists()
            assert (it.ledger.path.stat().st_mtime_ns if it.ledger.path.exists() else None) == stamp

    @pytest.mark.parametrize(
        ("name", "texts"),
        [
            (
                "L430C(EU)_1.0_1.0.4",
                [
                    "when.time = { at = 05:30:00 }",
                    'set = { on = true, brightness = 100, color_temp = 2700, transition = "30m" }',
                    "when.time = { at = 07:00:00 }",
                    "set = { on = false }",
                    "when.time = { at = 22:30:00 }",
                    'set = { on = false, transition = "30m" }',
                    'when.sunset = { offset = "-30m" }',
                    'set = { on = true, brightness = 100, color_temp = 2700, transition = "30m" }',
                ],
            ),
            (
                "P110(UK)_1.0_1.3.0",
                [
                    "when.time = { at = 11:50:00 }",
                    "set = { on = true }",
                    "when.power = { above = 2960 }",
                    "set = { on = false }",
                ],
            ),
            (
                "EP40M(US)_1.0_1.1.0",
                [
                    "when.time = { at = 22:10:00 }",
                    "set = { on = false }",
                    'when.sunset = { offset = "-15m" }',
                    "set = { on = true }",
                ],
            ),
        ],
    )
    def test_rules_of_some_that_know_where_they_are(self, dumped: Open, name: str, texts: list[str]) -> None:
        """Dumps keep places to themselves; here the device is at the site, so that its sun is trusted."""
        written = []
        for it in dumped(known(name), 34.77, 32.42):
            adopted, book = it.adopt()
            assert adopted.left_alone == ()
            written += [line for line in adopted.text.splitlines() if line.startswith(("when.", "set "))]
            plan = it.plan(book)
            assert plan.changes == ()
            assert (plan.daemon, plan.nowhere, plan.warnings) == ({}, {}, ())
            quota = plan.quota["schedule"]
            assert (quota.ours, quota.foreign) == (len(it.rows), 0)
        assert written == texts

    def test_without_a_place_of_its_own_the_rows_by_the_sun_stay_with_people(self, dumped: Open) -> None:
        [it] = dumped(known("L430C(EU)_1.0_1.0.4"))
        adopted, _ = it.adopt()
        [alone] = adopted.left_alone
        assert (alone.row_id, alone.reason) == (
            "S4",
            "it has no location, and so a sun of its own making: set the device's location in the Tapo app",
        )

    @each
    def test_what_was_adopted_and_removed_in_the_app_is_drift(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            adopted, book = it.adopt()
            ours = [row for row in adopted.recorded if row.table == "schedule"]
            for row in ours:
                it.hands.person_removes("schedule", row.row_id)
            changes = [change for change in it.plan(book).changes if change.action != "foreign"]
            assert [(change.action, change.text) for change in changes] == [
                ("drift", f"{row.text} was removed by hand") for row in ours
            ]


RULE = """
[rules.ours]
devices = ["{device}"]
when.time = {{ at = {at} }}
set = {{ on = {on} }}
"""


class TestRound:
    @each
    def test_a_row_of_ours_comes_and_goes_and_the_others_stay_as_they_were(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            taken = {row["s_min"] for row in it.rows}
            minute = next(minute for minute in range(13 * 60 + 1, 1440) if minute not in taken)
            rule = RULE.format(device=it.spec.id, at=f"{minute // 60:02}:{minute % 60:02}:00", on="true")
            book = it.book(rule)
            _set_right(it)
            before = it.inside()
            plan = it.plan(book)
            if "schedule" not in plan.quota or plan.daemon:
                assert {why.code for why in plan.daemon.values()} <= {"no-table", "local-time", "version", "full"}
                assert not plan.pending
                it.apply(book, plan)
                assert it.hands.writes == []
                continue
            assert [(change.action, change.table) for change in plan.changes if change.writes] == [
                ("create", "schedule")
            ], (plan.daemon, plan.nowhere)
            assert it.apply(book, plan) == ()
            inside = it.inside()
            [added] = [row for row in inside["schedule"] if row not in before["schedule"]]
            assert (added["s_min"], added["week_day"]) == (minute, 127)
            assert [row for row in inside["schedule"] if row != added] == before["schedule"]
            assert not it.plan(book).pending
            gone = it.book()
            removal = it.plan(gone)
            assert [change.action for change in removal.changes if change.writes] == ["delete"]
            assert it.apply(gone, removal) == ()
            assert it.inside() == before
            assert {write.method for write in it.hands.writes} == {"add_schedule_rule", "remove_schedule_rules"}
            assert not it.plan(gone).pending

    @each
    def test_rows_that_were_wiped_come_back_in_their_own_words(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            _set_right(it)
            if it.reading().holdings.versions.get("schedule") not in (1, 2):
                continue  # nothing is written to a table that nobody knows
            before = it.inside()
            backup = it.backups.load(it.backups.save(it.spec.id, it.driver.holdings(), it.now))
            for row in before.get("schedule", []):
                it.hands.person_removes("schedule", row["id"])
            wiped = len(it.hands.writes)
            restoration = plan_restore(backup, it.spec.id, it.reading(), DeviceLedger(), it.book().site)
            how = {"ledger": it.ledger, "backups": it.backups, "now": it.now}
            restore_device(it.driver, restoration, **how, told=lambda *_: None)  # type: ignore[arg-type]
            after = it.inside()
            for told in (before, after):
                told["schedule"] = [row | {"id": ""} for row in told.get("schedule", [])]  # devices give ids
            assert after == before
            assert len(it.hands.writes) - wiped == len(before.get("schedule", []))

    def test_a_countdown_takes_the_place_of_one_that_is_over(self, dumped: Open) -> None:
        [it] = dumped(known("L630(EU)_1.0_1.1.2"))
        assert [row["enable"] for row in it.hands.tables["countdown"]] == [False]
        book = it.book(
            '[rules.ours]\ndevices = ["it"]\nwhen.countdown = { after = "45m", from = "apply" }\nset = { on = false }\n'
        )
        plan = it.plan(book)
        assert [(change.action, change.text) for change in plan.changes] == [("create", "in 45 min → off")]
        assert plan.quota["countdown"] == Quota(1, 0, 0, 0, 1)
        assert it.apply(book, plan) == ()
        [row] = it.hands.tables["countdown"]
        assert (row["enable"], row["delay"], row["desired_states"]) == (True, 2700, {"on": False})
        assert not it.plan(book).pending

    def test_a_power_limit_of_a_person_is_not_touched(self, dumped: Open) -> None:
        [it] = dumped(known("P110(UK)_1.0_1.3.0"))
        book = it.book('[rules.ours]\ndevices = ["it"]\nwhen.power = { above = 2000 }\nset = { on = false }\n')
        plan = it.plan(book)
        assert not plan.pending
        assert {rule: why.reason for rule, why in plan.daemon.items()} == {
            "ours": "its power protection is taken: above 2960 W → off"
        }
        it.apply(book, plan)
        assert it.hands.writes == []


def _set_right(it: Dumped) -> None:
    """Give the device the right time where its dump has it wrong, as a person with the app does."""
    clock = it.reading().holdings.clock
    assert clock is not None
    local = it.now.astimezone(it.book().site.timezone)
    standard = (local.utcoffset() or dt.timedelta()) - (local.dst() or dt.timedelta())
    it.device.set_clock(it.now.timestamp(), region=it.zone, time_diff=int(standard.total_seconds()) // 60)


def known(name: str) -> Path:
    path = next((path for path in DUMPS if path.stem == name), None)
    if path is None:
        pytest.skip(f"there is no dump {name}")
    return path
