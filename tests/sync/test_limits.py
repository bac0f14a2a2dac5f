"""What a plan may ask and an apply may write: flash wears out, and devices answer slowly."""

from __future__ import annotations

import datetime as dt
import json
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cli.sync_house import House, house_in, schedule
from tapo_automate.device import Description, DeviceSpec, Setting
from tapo_automate.rows import Holdings, Moment, OwnClock, ScheduleRow, Table
from tapo_automate.rules.model import AtTime, Rule, RuleBook, Site
from tapo_automate.simulator.hands import Hands
from tapo_automate.simulator.records import Call
from tapo_automate.sync.ledger import DeviceLedger
from tapo_automate.sync.model import Reading, Recorded
from tapo_automate.sync.plan import plan_device
from tapo_automate.sync.rows import digest, in_words, key_of

PLAN_S = 10.0
"""The most that a plan of 200 devices with full tables may take."""


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def rule(name: str, device: str, minute: int, *, on: bool = False, days: str = "") -> str:
    """Return a rule of a minute of the day.  days: as in the file, with a comma in front."""
    at = f"{minute // 60:02}:{minute % 60:02}:00"
    when, deed = f"when.time = {{ at = {at}{days} }}", f"set = {{ on = {str(on).lower()} }}"
    return f'[rules.{name}]\ndevices = ["{device}"]\n{when}\n{deed}\n'


def fill(hands: Hands) -> None:
    """Let a person fill the table of 32."""
    for number in range(32):
        hands.person_adds("schedule", schedule(number, on=number % 2 == 0))


def asked(calls: list[Call]) -> Counter[tuple[str, str]]:
    """Count the requests by what they ask, whoever of a strip is meant; what came in a batch counts with it."""
    found: Counter[tuple[str, str]] = Counter()
    for call in calls:
        if call.batched:
            continue
        method, params = call.method, call.params or {}
        if method == "control_child":
            inner = params["requestData"]
            method, params = f"{params['device_id']} {inner['method']}", inner.get("params") or {}
        found[method, "" if method.endswith("multipleRequest") else json.dumps(params)] += 1
    return found


def files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return what a write to anything in a folder, or to itself, would change; kept sessions do not count."""
    paths = [path for path in (folder, *folder.rglob("*")) if "devices" not in path.parts]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_size) for path in paths}


class TestPlan:
    def test_a_device_is_asked_once_for_everything_and_page_by_page(self, house: House) -> None:
        house.rules(rule("a", "porch", 1))
        fill(house.rail)
        before = {device: (len(device.calls), device.requests) for device in (house.porch, house.rail)}
        assert house.sync("plan").code == 2
        found = {device: asked(device.calls[count:]) for device, (count, _) in before.items()}
        assert all(set(each.values()) == {1} for each in found.values()), "nothing is asked for twice"
        # What has no pages: what it can do, a batch of all that is small, two tables of one row each.
        small = {"component_nego", "multipleRequest", "get_countdown_rules", "get_antitheft_rules"}
        pages = {device: sum(method == "get_schedule_rules" for method, _ in each) for device, each in found.items()}
        assert pages == {house.porch: 1, house.rail: 4}
        assert {method for method, _ in found[house.porch]} == {"get_schedule_rules", *small}
        assert {method for method, _ in found[house.rail]} == {"get_schedule_rules", "get_max_power", *small}
        logins = 3  # which protocol it speaks, and the two halves of a handshake
        for device, (_, requests) in before.items():
            assert device.requests - requests == logins + found[device].total()

    def test_a_socket_is_asked_once_and_page_by_page_too(self, house: House) -> None:
        strip = house.more("strip", "P304M", "tapo-plug")
        house.rules(*(rule(f"r{number}", f"strip/{number}", number) for number in (1, 2)))
        fill(strip.children[0])
        calls = len(strip.calls)
        assert house.sync("plan", "--device", "strip/1", "--device", "strip/2").code == 2
        found = asked(strip.calls[calls:])
        of_sockets = {key: count for key, count in found.items() if " " in key[0]}
        assert set(of_sockets.values()) == {1}
        pages = [method.partition(" ")[0] for method, _ in of_sockets if method.endswith("get_schedule_rules")]
        first, second = (child.device_id for child in strip.children[:2])
        assert (pages.count(first), pages.count(second)) == (4, 1)
        assert strip.handshakes == 1

    @pytest.mark.parametrize("shared", [True, False], ids=["rules of a group", "rules of each device"])
    def test_two_hundred_full_tables_are_compared_in_less_than_the_limit(self, shared: bool) -> None:
        """The reading is the devices' share of it; that both keep within the limit is for `make bench` to measure."""
        now = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
        names = [f"d{number}" for number in range(200)]
        clock = OwnClock(now, "Europe/Berlin", 60)
        rules: dict[str, Rule] = {}
        readings, ledgers = {}, {}
        for device in names:
            rows = []
            recorded = []
            for number in range(32):
                minute = 480 + 15 * number
                row = ScheduleRow(Moment("midnight", minute), Setting(on=number % 2 == 0), id=f"S{number + 1}")
                name = f"r{number}" if shared else f"{device}-r{number}"
                trigger = AtTime(dt.time(minute // 60, minute % 60), row.days)
                one = rules.setdefault(name, Rule(name, tuple(names) if shared else (device,), trigger, row.setting))
                rows.append(row)
                keys = {name: key_of(one, row)}
                recorded.append(Recorded("schedule", row.id, keys, digest(row), digest(row), in_words(row), now))
            plug = Description(hardware_id=device, model="P110", firmware="", transport="klap")
            tables = {"schedule": Table(32, tuple(rows))}
            readings[device] = Reading(Holdings(plug, tables, clock=clock), now)  # type: ignore[arg-type]
            ledgers[device] = DeviceLedger("", tuple(recorded))
        specs = {name: DeviceSpec(name, "tapo-plug", f"{name}.example") for name in names}
        book = RuleBook(Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405), specs, {}, rules)
        begin = time.process_time()
        plans = [plan_device(book, name, readings[name], ledgers[name], now) for name in names]
        assert time.process_time() - begin < PLAN_S
        assert {(plan.changes, plan.error, plan.quota["schedule"].ours) for plan in plans} == {((), "", 32)}


class TestApply:
    def test_what_is_as_it_should_be_touches_no_file_and_no_folder(self, house: House) -> None:
        house.rules(rule("a", "porch", 1), rule("b", "rail", 2))
        house.rail.person_adds("schedule", schedule(400))
        assert house.sync("apply", "--yes").code == 0
        assert house.sync("plan", "-o", "plan.toml").code == 0
        before = files(house.home)
        writes = house.porch.writes, house.rail.writes
        for words in (["--yes"], ["--yes", "--fix-clock"], ["plan.toml", "--yes"]):
            again = house.sync("apply", *words)
            assert (again.code, again.out.splitlines()[-1]) == (0, "Nothing to do."), again.err
        assert (house.porch.writes, house.rail.writes) == writes
        assert files(house.home) == before

    def test_one_devices_change_reaches_that_device_and_its_part_of_the_ledger_alone(self, house: House) -> None:
        others = [house.more(f"plug{number}", "P110", "tapo-plug") for number in range(4)]
        them = "".join(rule(f"r{number}", f"plug{number}", 60 + number) for number in range(4))
        house.rules(rule("a", "porch", 1), them)
        assert house.sync("apply", "--yes").code == 0
        ledger = tomllib.loads(house.ledger.read_text())["devices"]
        before = files(house.home / "state")
        writes = {device: len(device.writes) for device in (house.porch, house.rail, *others)}
        calls = {device: len(device.calls) for device in others}

        house.rules(rule("a", "porch", 3), them)
        assert house.sync("apply", "--yes").code == 0
        assert [write.method for write in house.porch.writes[writes[house.porch] :]] == ["edit_schedule_rule"]
        for device in (house.rail, *others):
            assert len(device.writes) == writes[device]
        for device in others:
            assert set(asked(device.calls[calls[device] :]).values()) == {1}, "read for the plan, and left alone then"
        fresh = tomllib.loads(house.ledger.read_text())["devices"]
        assert {device for device in ledger if fresh[device] != ledger[device]} == {"porch"}
        assert fresh.keys() == ledger.keys()
        kept = files(house.home / "state")
        grown = {Path(path).parent.name for path in kept.keys() - before.keys()}
        assert grown == {"porch"}, "one backup, of the device that was written to"
        assert all(kept[path] == stamp for path, stamp in before.items() if path.endswith(".json"))

    def test_each_row_costs_one_write_and_all_that_go_cost_one(self, house: House) -> None:
        rows = [rule(f"r{number}", "rail", 10 * number) for number in range(1, 9)]
        house.rules(*rows)
        assert house.sync("apply", "--yes").code == 0
        assert Counter(write.method for write in house.rail.writes) == {"add_schedule_rule": 8}
        written = len(house.rail.writes)
        house.rules(*rows[:2], rule("r3", "rail", 500), rows[3])
        assert house.sync("apply", "--yes", "--allow-mass-delete").code == 0
        assert [write.method for write in house.rail.writes[written:]] == [
            "edit_schedule_rule",
            "remove_schedule_rules",
        ]

    def test_a_rule_of_another_name_and_days_that_part_otherwise_write_what_differs(self, house: House) -> None:
        weekdays, weekends = ', days = ["mon", "tue", "wed", "thu", "fri"]', ', days = ["sat", "sun"]'
        house.rules(rule("week", "rail", 60, days=weekdays), rule("end", "rail", 60, days=weekends))
        assert house.sync("apply", "--yes").code == 0
        assert [row["week_day"] for row in house.rail.tables["schedule"]] == [127], "one row for both"
        writes = house.rail.writes
        house.rules(rule("always", "rail", 60))
        assert house.sync("apply", "--yes").code == 0
        assert house.rail.writes == writes, "the row is the same, and the ledger alone changes"
        assert "always" in house.ledger.read_text()
        assert "weekdays" not in house.ledger.read_text()
