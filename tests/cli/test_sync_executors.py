"""Who carries a rule out: `explain` and `check --executors`, before and after a sync."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from cli.sync_house import DUSK, OFF, House, house_in

SECONDS = """
[rules.porch-blink]
devices = ["porch", "rail"]
when.time = { at = 12:00:30 }
set = { on = true }
"""
BOTH = """
[rules.all-off]
devices = ["porch", "rail"]
when.time = { at = 23:30:00 }
set = { on = false }
"""


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def explained(house: House, rule: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(house.run("explain", rule, "--json").out)
    return found


def run_by(house: House, rule: str) -> list[str]:
    """Return what stands under "run by"."""
    lines = house.run("explain", rule).out.splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith("  run by ")]
    more = takewhile(lambda line: line.startswith(" " * 11), lines[start + 1 :])
    return [line[11:] for line in (lines[start], *more)]


def test_before_a_sync_explain_says_what_the_device_could_do(house: House) -> None:
    house.rules(OFF)
    found = explained(house, "porch-off")
    assert found["executor"] == "daemon"
    assert found["executors"] == [
        {
            "device": "porch",
            "executor": "daemon",
            "reason": "the device could (schedule: every day at 23:30 → off), and `sync apply` has not handed it over: "
            "`sync plan` says whether it will",
            "row": None,
            "since": None,
            "quota": None,
        }
    ]
    assert run_by(house, "porch-off") == [f"the daemon: {found['executors'][0]['reason']}"]
    assert not house.porch.calls, "no device is asked"


def test_after_a_sync_explain_names_the_row_and_since_when(house: House) -> None:
    house.rules(OFF)
    house.sync("apply", "--yes")
    found = explained(house, "porch-off")
    assert found["executor"] == "device"
    [porch] = found["executors"]
    assert porch["row"] == {"table": "schedule", "id": "S1", "text": "every day at 23:30 → off"}
    assert porch["quota"] == {"schedule": 1}
    assert porch["reason"] is None
    [line] = run_by(house, "porch-off")
    assert line == (
        f"the device itself, since {porch['since']} (schedule S1: every day at 23:30 → off; one place of schedule)"
    )


def test_devices_may_have_different_executors(house: House) -> None:
    house.rules(BOTH)
    house.sync("apply", "--yes", "--device", "rail")
    found = explained(house, "all-off")
    assert found["executor"] == "both"
    assert [each["executor"] for each in found["executors"]] == ["daemon", "device"]
    porch, rail = run_by(house, "all-off")
    assert porch.startswith("porch: the daemon: the device could ")
    assert rail.startswith("rail: the device itself, since ")


def test_what_a_device_cannot_do_is_said_with_its_reason(house: House) -> None:
    house.rules(SECONDS)
    found = explained(house, "porch-blink")
    assert found["executor"] == "daemon"
    [line] = run_by(house, "porch-blink")
    assert line.startswith("the daemon: ")
    assert "12:00:30" in line
    house.rules(SECONDS.replace("\nset =", '\nexecutor = "device"\nset ='))
    nobody = explained(house, "porch-blink")
    assert nobody["executor"] is None
    assert run_by(house, "porch-blink")[0].startswith("nobody: ")
    house.rules(SECONDS.replace("\nset =", "\nenabled = false\nset ="))
    assert run_by(house, "porch-blink") == ["nobody: it is switched off (enabled = false)"]


def test_check_proves_that_everything_has_one_executor(house: House) -> None:
    house.rules(OFF, DUSK, SECONDS)
    before = house.run("check", "--executors")
    assert before.code == 0
    assert before.out.splitlines()[1] == "executors: everything in the next 400 days has exactly one executor"
    house.sync("apply", "--yes")
    after = json.loads(house.run("check", "--executors", "--days", "10", "--format", "json").out)
    assert "  by the devices  0 instants" in before.out.splitlines()
    assert after["ok"]
    proof = after["executors"]
    assert (proof["ok"], proof["days"], proof["findings"]) == (True, 10, [])
    assert 15 <= proof["counts"]["device_instants"] <= 20
    assert proof["counts"]["daemon_instants"] == 20


def test_check_finds_a_rule_that_changed_after_the_sync(house: House) -> None:
    house.rules(OFF)
    house.sync("apply", "--yes")
    house.rules(OFF.replace("23:30", "21:00"))
    found = house.run("check", "--executors")
    assert found.code == 1
    assert found.out.splitlines()[1].startswith("two: “every day at 23:30 → off” is still on porch, and porch-off has ")
    assert "executors: 1 finding in the next 400 days" in found.out.splitlines()
    data = json.loads(house.run("check", "--executors", "--format", "json").out)
    assert not data["ok"]
    assert [(each["code"], each["rule"], each["device"]) for each in data["executors"]["findings"]] == [
        ("two", "porch-off", "porch")
    ]
    annotated = house.run("check", "--executors", "--format", "github").out
    assert annotated.startswith("::error file=rules.toml,line=")
    assert "title=executors%3A two::“every day at 23:30 → off” is still on porch" in annotated
    house.sync("apply", "--yes")
    assert house.run("check", "--executors").code == 0


def test_check_says_what_it_cannot_use(house: House) -> None:
    house.rules(OFF)
    for words in (["--days", "5"], ["--ledger", "x.toml"]):
        wrong = house.run("check", *words)
        assert wrong.code == 2
        assert f"{words[0]} goes with --executors" in wrong.err
    house.ledger.write_text("damaged")
    damaged = house.run("check", "--executors")
    assert damaged.code == 1
    assert damaged.err.startswith("tapo-automate: rules.ledger.toml: ")
    assert house.run("check").code == 0, "without --executors the ledger is not read"
