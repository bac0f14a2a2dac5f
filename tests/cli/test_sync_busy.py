"""Devices that are busy for a moment are waited for, and those that stay so are named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli.sync_house import OFF, RAIL, House, house_in
from tapo_automate.sync.apply import set_clock
from tapo_automate.wire import pace


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(pace, "PATIENCE_S", (0.01, 0.01, 0.02, 0.02))
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


@pytest.mark.parametrize(("took_s", "told_s"), [(0.2, [0]), (7.5, [0, 7.5])])
def test_a_device_that_was_busy_while_its_clock_was_set_is_told_the_time_again(
    took_s: float, told_s: list[float]
) -> None:
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    passed = [0.0]
    told: list[dt.datetime] = []

    def takes_long(at: dt.datetime, *_: Any) -> None:
        told.append(at)
        passed[0] += took_s if len(told) == 1 else 0.1

    site: Any = SimpleNamespace(site=SimpleNamespace(timezone=ZoneInfo("Europe/Berlin")))
    device: Any = SimpleNamespace(set_clock=takes_long)
    set_clock(device, site, lambda: noon + dt.timedelta(seconds=passed[0]))
    assert [(at - noon).total_seconds() for at in told] == told_s
