"""`sync apply` at a terminal, where it asks; and with devices of other kinds: sockets, and drivers without tables."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running import KETTLE, install
from cli.sync_house import OFF, House, house_in
from cli.terminal import PASSWORD, USERNAME, environment


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def at_terminal(home: Path, *words: str, answer: str, **variables: str) -> tuple[int, str]:
    """Run a command at a terminal, type an answer, and return its exit code and all that it showed."""
    ours, theirs = pty.openpty()
    more = {"TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD, "TERM": "xterm", **variables}
    command = [sys.executable, "-m", "tapo_automate", *words]
    variables = environment(home, **more)
    if "NO_COLOR" not in more:
        del variables["NO_COLOR"]
    with subprocess.Popen(command, cwd=home, env=variables, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux: the other side is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    return process.returncode, shown.decode()


def test_at_a_terminal_it_asks_and_does_what_it_is_told(house: House) -> None:
    house.rules(OFF)
    code, shown = at_terminal(house.home, "sync", "apply", answer="n\n", NO_COLOR="1")
    assert code == 1
    assert "Carry this out? [y/N]:" in shown
    assert "tapo-automate: nothing was changed" in shown
    assert "\x1b[3" not in shown, "no colours"
    assert not house.porch.writes
    code, shown = at_terminal(house.home, "sync", "apply", answer="y\n")
    assert code == 0
    assert "Done: 1 change on 1 device." in shown
    assert "\x1b[32m  + schedule" in shown, "green"
    assert len(house.porch.tables["schedule"]) == 1


def test_what_is_done_stands_on_lines_of_its_own_above_the_progress(house: House) -> None:
    house.rules(OFF)
    code, shown = at_terminal(house.home, "sync", "apply", answer="y\n")
    assert code == 0
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).rpartition("\r")[2] for line in shown.split("\r\n")]
    assert "porch: + schedule every day at 23:30 → off" in lines


def test_the_sockets_of_a_strip_are_devices(house: House) -> None:
    strip = house.more("strip", "P300", "tapo-plug")
    house.rules(OFF.replace('["porch"]', '["strip/1", "strip/2"]'))
    planned = house.sync("plan")
    assert planned.code == 2
    assert planned.out.startswith("strip/1  schedule 0 → 1 of 32\n  + schedule         every day at 23:30 → off")
    assert house.sync("apply", "--yes").code == 0
    assert [len(child.tables["schedule"]) for child in strip.children] == [1, 1, 0]
    assert house.sync("plan").code == 0
    assert house.run("doctor").code == 0


def test_a_driver_without_tables_leaves_its_rules_with_the_daemon(house: House) -> None:
    path = install(house.home, "kettle", KETTLE)
    house.known("kettle", "nowhere.example", "kettle-plug")
    house.rules(OFF.replace('["porch"]', '["kettle"]'))
    words = [sys.executable, "-m", "tapo_automate", "sync", "apply"]
    variables = environment(house.home, TAPO_USERNAME=USERNAME, TAPO_PASSWORD=PASSWORD, PYTHONPATH=path)
    done = subprocess.run(words, cwd=house.home, env=variables, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), "there is nothing to ask for"
    assert "  porch-off (kettle): the device has no schedule" in done.stdout.splitlines()
    assert done.stdout.endswith("Nothing to do. 1 rule stays with the daemon.\n")
