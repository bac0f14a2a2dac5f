"""Devices that are busy for a moment are waited for, and those that stay so are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.sync_house import OFF, RAIL, House, house_in
from tapo_automate.cli import patience


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(patience, "WAITS_S", (0.01, 0.01, 0.02, 0.02))
    with house_in(tmp_path, capsys, monkeypatch) as house:
        yield house


def test_a_device_that_is_busy_now_and_then_gets_its_rows_once(house: House) -> None:
    house.rules(OFF, RAIL)
    house.rail.set_faults("busy=once")
    assert house.sync("plan").code == 2
    house.rail.set_faults("busy=once")
    applied = house.sync("apply", "--yes")
    assert (applied.code, applied.out.splitlines()[-1]) == (0, "Done: 2 changes on 2 devices.")
    assert [row["s_min"] for row in house.rail.tables["schedule"]] == [22 * 60]
    assert any(call.error_code == -1301 for call in house.rail.calls)


def test_a_device_that_stays_busy_is_named_and_costs_the_others_nothing(house: House) -> None:
    house.rules(OFF, RAIL)
    house.rail.set_faults("busy")
    applied = house.sync("apply", "--yes")
    assert applied.code == 3
    assert "-1301" in applied.out + applied.err
    assert [row["s_min"] for row in house.porch.tables["schedule"]] == [23 * 60 + 30]
    assert house.rail.tables["schedule"] == []
