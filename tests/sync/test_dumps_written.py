"""Beside the rows of real devices ours come and go, and theirs are brought back; also from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.sync_house import House, house_in
from cli.terminal import PASSWORD, USERNAME
from sync.dumped import Open, each, known, needs_dumps, opening
from tapo_automate.simulator import SimulatorError
from tapo_automate.sync.ledger import DeviceLedger
from tapo_automate.sync.model import Quota
from tapo_automate.sync.restore import plan_restore, restore_device

pytestmark = needs_dumps


@pytest.fixture
def dumped(tmp_path: Path) -> Iterator[Open]:
    with opening(tmp_path) as start:
        yield start


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


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
            it.set_right()
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
            it.set_right()
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


class TestCommands:
    @each
    def test_adopt_leaves_nothing_to_plan_and_apply_nothing_to_write(self, house: House, path: Path) -> None:
        try:
            device = house.fleet.add(path, username=USERNAME, password=PASSWORD)
        except SimulatorError as problem:
            pytest.skip(f"it cannot be simulated: {problem}")
        zone = (json.loads(path.read_text()).get("get_device_time") or {}).get("region") or "UTC"
        site = f'[site]\ntimezone = "{zone}"\nlatitude = 34.77\nlongitude = 32.42\n'
        known = f'[devices.it]\ndriver = "tapo-plug"\nhost = "{device.address}"\n'
        (house.home / "rules.toml").write_text(site + known)
        parts = [word for child in device.children for word in ("--device", f"it/{child.position}")]
        before = [hands.tables for hands in (device, *device.children)]
        adopted = house.sync("adopt", "--yes", "--json", *parts)
        assert (adopted.code, adopted.err) == (0, "")
        found = {told["device"]: told for told in json.loads(adopted.out)["devices"]}
        plan = house.sync("plan", "--json", *parts)
        assert plan.code == 0
        for told in json.loads(plan.out)["devices"]:
            left = [row["text"] for row in found[told["device"]]["left_alone"]]
            assert [change["text"] for change in told["changes"]] == left
            assert {change["action"] for change in told["changes"]} <= {"foreign"}
        stamps = _stamps(house.home)
        assert house.sync("apply", "--yes", *parts).out.splitlines()[-1] == "Nothing to do."
        assert _stamps(house.home) == stamps
        assert [hands.tables for hands in (device, *device.children)] == before
        assert [write for hands in (device, *device.children) for write in hands.writes] == []


def _stamps(home: Path) -> dict[Path, int]:
    """Return when each file changed last, but for those that keep sessions."""
    state = home / "state"
    return {file: file.stat().st_mtime_ns for file in home.rglob("*") if state not in (file, *file.parents)}
