"""A device whose session another program takes away again and again: mended each time, and said once."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pytest

from tapo_automate import wire
from tapo_automate.device import Credentials
from tapo_automate.memory import DeviceMemory
from tapo_automate.simulator import Fleet

ACCOUNT: dict[str, Any] = {"username": "me@example.com", "password": "pw"}
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("transport", ["klap", "aes", "tpap"])
def test_it_is_said_once_when_it_happens_often(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: str
) -> None:
    caplog.set_level(logging.WARNING)
    now = [NOON]
    shelf = DeviceMemory(tmp_path, lambda: now[0])
    wire.use(wire.Surroundings(memory=shelf.of, spacing_s=0, patience_s=()))
    with Fleet() as fleet:
        device = fleet.add("P110", transport=transport, **ACCOUNT)
        memory = shelf.of(device.address, None)
        said = (
            f"{device.address}: its session was taken away 3 times within 5 min. Another program talks to the device "
            "and logs in each time, and a device keeps one session: let one of the two rest, or ask less often"
        )

        def lose(times: int, apart_s: int) -> list[str]:
            """Use the device from one command after the other, while somebody else takes its session away."""
            caplog.clear()
            for _ in range(times):
                client = wire.connect(device.address, Credentials(*ACCOUNT.values()))
                client.call("get_device_info")
                device.forget_session()
                now[0] += dt.timedelta(seconds=apart_s)
                client.call("get_device_info")
                client.close()
            return [record.getMessage() for record in caplog.records]

        assert lose(4, apart_s=200) == []
        assert memory.lost_often_at() is None
        now[0] += dt.timedelta(hours=1)
        assert lose(2, apart_s=60) == []
        assert lose(1, apart_s=60) == [said]
        assert memory.lost_often_at() == now[0]
        assert lose(3, apart_s=60) == []
        now[0] += dt.timedelta(hours=7)
        assert lose(3, apart_s=60) == [said]


@pytest.mark.parametrize("words", ['{"losses": 3}', '{"losses": [null, "x"]}', '{"losses": [1e300]}', "[]"])
def test_damaged_notes_are_none(tmp_path: Path, words: str) -> None:
    memory = DeviceMemory(tmp_path, lambda: NOON).of("10.0.0.5", None)
    memory.note_loss("10.0.0.5")
    (path,) = (tmp_path / "devices").glob("*.json")
    path.write_text(words)
    memory.note_loss("10.0.0.5")
    assert memory.lost_often_at() is None
