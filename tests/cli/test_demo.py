"""The demo as a newcomer runs it: the example house, a compressed day, an account that the exit code agrees with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.terminal import tapo_automate

pytestmark = pytest.mark.alone

ROW = re.compile(r"^(\S+) +(\S+)" + r" +(\d+)" * 4 + "$", re.MULTILINE)
TOTAL = re.compile(r"^(\d+) due, (\d+) withheld, (\d+) done, (\d+) confirmed by the devices' own logs, in \d+ s$", re.M)


def account(text: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return due, withheld, done and confirmed by rule and device; the totals under ("", "")."""
    rows = {(rule, device): tuple(map(int, counts)) for rule, device, *counts in ROW.findall(text)}
    [totals] = TOTAL.findall(text)
    assert tuple(map(int, totals)) == tuple(map(sum, zip((0, 0, 0, 0), *rows.values(), strict=True)))
    return {**rows, ("", ""): tuple(map(int, totals))}


def test_the_example_house_gets_through_its_day(tmp_path: Path) -> None:
    done = tapo_automate("demo", "--seconds", "12", home=tmp_path, credentials=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = account(done.stdout)
    assert rows["christmas-eve", "lounge"] == (1, 0, 1, 1)
    assert rows["washer-done", "washer"][0] >= 1, "the washing cycle ended, and the meter showed it"
    assert rows["light-the-way", "porch"] == (1, 1, 0, 0), "somebody came home, but not at night"
    assert all(due == withheld + done and done == confirmed for due, withheld, done, confirmed in rows.values())
    assert "not holiday: it is switched off (enabled = false)" in done.stdout
    steps = "on, brightness 20, color_temp 2700, then brightness 5 after 8m, then off after 10m"
    assert f"NOT {steps}: it is " in done.stdout


LIVELY = """
site.timezone = "UTC"
[devices.plug]
driver = "tapo-plug"
host = "plug"
[devices.lamp]
driver = "tapo-bulb"
host = "lamp"
[rules.morning]
devices = ["plug"]
when.time = { at = 07:00:00 }
set = { on = true }
[rules.with-it]
devices = ["lamp"]
when.state = { device = "plug", turns = "on", for = "30s" }
steps = [{ set = { on = true, brightness = 20 } }, { wait = "1h" }, { set = { brightness = 80 } }]
[rules.forgotten]
devices = ["plug"]
when.countdown = { after = "2h", from = "on" }
set = { on = false }
[rules.away]
devices = ["lamp"]
when.away = { from = 18:00:00, until = 22:00:00 }
[rules.tell]
devices = ["plug"]
when.time = { at = 12:00:00 }
notify = "Lunch is ready."
"""


def test_what_waits_for_devices_and_what_is_drawn_at_random_is_accounted_for(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(LIVELY)
    done = tapo_automate("demo", "-r", "rules.toml", "--seconds", "12", home=tmp_path, credentials=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = account(done.stdout)
    assert rows["with-it", "lamp"] == (1, 0, 1, 1)
    assert rows["forgotten", "plug"] == (1, 0, 1, 1)
    assert rows["away", "lamp"][0] >= 1
    assert ("tell", "plug") not in rows, "nothing was set"
    assert "with-it              lamp       on, brightness 20, then brightness 80 after 1h" in done.stdout
    assert "away                 lamp       random switching" in done.stdout
    assert "12:00  tell: plug: Lunch is ready." in done.stdout
    assert "tell                 plug" not in done.stdout


def test_a_day_on_which_no_device_answers_ends_with_exit_code_1(tmp_path: Path) -> None:
    done = tapo_automate("demo", "--seconds", "8", "--faults", "offline", home=tmp_path, credentials=False)
    assert done.returncode == 1, done.stdout + done.stderr
    due, withheld, was_done, confirmed = account(done.stdout)["", ""]
    assert due > withheld
    assert (was_done, confirmed) == (0, 0)
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
