"""`forecast`, `next` and `explain` of rules with conditions, steps, notices and windows, as a user has them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import tapo_automate

HOUSE = """\
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices.porch]
driver = "tapo-bulb"
host = "192.0.2.1"
[devices.lounge]
driver = "tapo-bulb"
host = "192.0.2.2"
[rules.winter]
devices = ["porch"]
when.time = { at = 17:00:00 }
set = { on = true }
only_if.dates = [2026-11-01, 2026-11-02]
[rules.lit]
devices = ["porch"]
when.time = { at = 18:00:00 }
set = { on = true }
only_if.device.lounge = { on = true }
[rules.never]
devices = ["porch"]
when.time = { at = 12:00:00 }
set = { on = true }
only_if.between = [22:00:00, 06:00:00]
[rules.wake]
devices = ["lounge"]
when.time = { at = 06:30:00 }
steps = [ { set = { on = true, brightness = 10 } }, { wait = "10m", set = { brightness = 100 } } ]
notify = "Good morning"
[rules.holiday]
devices = ["lounge"]
when.away = { from = 18:00:00, until = 23:00:00 }
[rules.nights]
devices = ["porch"]
when.away = { from = "sunset", until = 06:00:00, days = ["fri"] }
only_if.dates = [2000-01-01, 2000-01-02]
[rules.rail]
devices = ["porch"]
when.countdown = { after = "2h", from = "on" }
set = { on = false }
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "rules.toml").write_text(HOUSE)
    return tmp_path


def answer(home: Path, *words: str) -> Any:
    done = tapo_automate(*words, "--json", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


NOVEMBER = ("forecast", "--from", "2026-10-31", "--to", "2026-11-04")


def test_the_forecast_shows_what_conditions_leave_and_what_steps_do(home: Path) -> None:
    found = answer(home, *NOVEMBER)
    days = {}
    for each in found["firings"]:
        days.setdefault(each["rule"], []).append(each["local"][8:10])
    assert days == {"winter": ["01", "02"], "lit": ["31", "01", "02", "03"], "wake": ["31", "01", "02", "03"]}
    lit = next(each for each in found["firings"] if each["rule"] == "lit")
    assert (lit["note"], lit["set"]) == ("if lounge is on", {"on": True})
    wake = next(each for each in found["firings"] if each["rule"] == "wake")
    assert wake == {
        "rule": "wake",
        "device": "lounge",
        "due": "2026-10-31T05:30:00Z",
        "local": "2026-10-31T06:30:00+01:00",
        "set": {},
        "steps": [{"after_s": 0, "set": {"on": True, "brightness": 10}}, {"after_s": 600, "set": {"brightness": 100}}],
        "notify": "Good morning",
        "note": "",
    }
    assert [each["rule"] for each in found["not_forecast"]] == ["holiday", "nights", "rail"]
    text = tapo_automate(*NOVEMBER, home=home)
    assert 'on, brightness 10; after 10 minutes brightness 100; says "Good morning"' in text.stdout
    assert "not in the forecast: holiday: when it switches is drawn at random for each window" in text.stderr


def test_next_leaves_out_what_the_time_rules_out_and_says_why(home: Path) -> None:
    found = answer(home, "next")
    assert {each["rule"]: each["note"] for each in found["next"]}["lit"] == "if lounge is on"
    without = {each["rule"]: each["reason"] for each in found["without"]}
    assert set(without) - {"winter"} == {"never", "holiday", "nights", "rail"}
    assert without["never"] == (
        "its condition never holds when it is due (only from 22:00 until before 06:00 the next day)"
    )


def test_explain_shows_the_condition_and_the_windows_of_an_away_rule(home: Path) -> None:
    found = answer(home, "explain", "holiday")
    assert (found["only_if"], found["set"]) == (None, {})
    assert [each["note"] for each in found["next"]] == ["window 18:00–23:00"] * 5
    assert {dt.datetime.fromisoformat(each["local"]).strftime("%H:%M:%S") for each in found["next"]} == {"18:00:00"}
    nights = answer(home, "explain", "nights")
    assert (nights["only_if"], nights["next"]) == ("only from 2000-01-01 to 2000-01-02", [])
    never = tapo_automate("explain", "never", home=home)
    assert "  if       only from 22:00 until before 06:00 the next day\n" in never.stdout
    assert "  next     not known: nothing is to come\n" in never.stdout
    wake = answer(home, "explain", "wake")
    assert (len(wake["steps"]), wake["notify"]) == (2, "Good morning")
    lit = answer(home, "explain", "lit")
    assert {each["note"] for each in lit["next"]} == {"if lounge is on"}
