"""The demo as a newcomer runs it: the example house, a compressed day, an account that the exit code agrees with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.terminal import tapo_automate

ROW = re.compile(r"^(\S+) +(washer|rail|porch|lounge) +(\d+) +(\d+) +(\d+)$", re.MULTILINE)


def test_the_example_house_gets_through_its_day(tmp_path: Path) -> None:
    done = tapo_automate("demo", "--seconds", "12", home=tmp_path, credentials=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {(rule, device): counts for rule, device, *counts in ROW.findall(done.stdout)}
    assert rows["christmas-eve", "lounge"] == ["1", "1", "1"]
    assert rows["washer-done", "washer"][0] >= "1", "the washing cycle ended, and the meter showed it"
    assert all(due == told == confirmed for due, told, confirmed in rows.values())
    assert re.search(r"^(\d+) due, \1 done, \1 confirmed by the devices' own logs, in \d+ s$", done.stdout, re.M)


def test_a_day_on_which_no_device_answers_ends_with_exit_code_1(tmp_path: Path) -> None:
    done = tapo_automate("demo", "--seconds", "8", "--faults", "offline", home=tmp_path, credentials=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^\d+ due, 0 done, 0 confirmed", done.stdout, re.MULTILINE)
    assert "NOT off" in done.stdout
    assert "Traceback" not in done.stderr


def test_faults_that_do_not_exist_are_wrong_use(tmp_path: Path) -> None:
    done = tapo_automate("demo", "--faults", "slwo=1", home=tmp_path, credentials=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("tapo-automate: unknown fault 'slwo'; did you mean 'slow'?")


@pytest.mark.parametrize("words", ["--date 9999-12-31", "--date 0001-01-01", "--seconds nan", "--seconds 1e99"])
def test_a_day_that_cannot_be_run_is_wrong_use(tmp_path: Path, words: str) -> None:
    done = tapo_automate("demo", *words.split(), home=tmp_path, credentials=False)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("tapo-automate: Invalid value for ")


def test_rules_with_errors_are_reported_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[site]\ntimezone = "Europe/Brelin"\n')
    done = tapo_automate("demo", "-r", "rules.toml", home=tmp_path, credentials=False)
    assert done.returncode == 2
    assert 'did you mean "Europe/Berlin"' in done.stderr
