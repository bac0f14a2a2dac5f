"""`sync` as a user has it, against a device that is odd in many ways at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.sync_house import house_in
from wire.other_device import OtherDevice
from wire.other_lines import SECRET, USER

OFF = '[rules.off]\ndevices = ["it/2"]\nwhen.time = { at = 23:30:00 }\nset = { on = false }\n'
ACCOUNT = {"TAPO_USERNAME": USER, "TAPO_PASSWORD": SECRET}


@pytest.mark.parametrize("speaks", ["klap", "aes"])
def test_a_socket_of_an_odd_strip_is_planned_applied_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, speaks: str
) -> None:
    with (
        house_in(tmp_path, capsys, monkeypatch) as house,
        OtherDevice(
            "strip",
            speaks,
            odd={
                "page": 1,
                "ids": "bare",
                "added": "nothing",
                "floats": True,
                "bits": True,
                "dates_out": True,
                "more_keys": "said",
                "next_event": -1002,
                "batch": 1200,
                "inner_code_out": True,
                "positions_out": True,
                "children": 2,
                "child_components": -1002,
                "closes": True,
            },
        ) as strip,
    ):
        house.known("it", strip.address)
        house.rules(OFF)
        socket = strip.parts[1]
        foreign = socket.by_hand("schedule", s_min=700)

        def sync(*words: str) -> tuple[int, str]:
            done = house.sync(*words, "--device", "it/2", **ACCOUNT)
            return done.code, done.out.splitlines()[-1] if done.out else done.err

        assert sync("plan") == (2, "Plan: 1 to create, 0 to change, 0 to delete.")
        assert sync("apply", "--yes") == (0, "Done: 1 change on 1 device.")
        assert sync("plan") == (0, "Nothing to do.")
        assert socket.means() == ["127 at 1410: on=False", "127 at 700: on=False"]
        written = list(socket.written)
        assert sync("apply", "--yes") == (0, "Nothing to do.")
        assert socket.written == written
        house.rules()
        assert sync("apply", "--yes", "--allow-mass-delete") == (0, "Done: 1 change on 1 device.")
        assert [row["id"] for row in socket.rows["schedule"]] == [foreign]
