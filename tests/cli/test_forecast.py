"""`forecast`, `next` and `explain` as a user has them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import tapo_automate

HOUSE = """\
schema = 1
[site]
timezone = "America/New_York"
latitude = 40.713
longitude = -74.006
[devices.porch]
driver = "tapo-bulb"
host = "192.0.2.1"
[devices.washer]
driver = "tapo-plug"
host = "192.0.2.2"
[groups]
all = ["porch", "washer"]
[rules.night]
devices = ["porch"]
when.time = { at = 02:30:00 }
set = { on = true, brightness = 40 }
[rules.early]
devices = ["all"]
when.time = { at = 01:30:00 }
set = { on = false }
[rules.dusk]
devices = ["porch"]
when.sunset = { offset = "-15m" }
set = { on = true }
[rules.done]
devices = ["washer"]
when.power = { below = 5, for = "3m", rearm = 20 }
set = { on = false }
[rules.once]
devices = ["porch"]
when.date = { at = 2020-01-01T00:00:00 }
set = { on = true }
[rules.sleeping]
devices = ["porch"]
when.time = { at = 01:00:00 }
set = { on = true }
enabled = false
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "rules.toml").write_text(HOUSE)
    return tmp_path


def answer(home: Path, *words: str) -> Any:
    done = tapo_automate(*words, "--json", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def one_line(home: Path, *words: str) -> str:
    done = tapo_automate(*words, home=home)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


def test_the_forecast_in_json_over_the_night_without_half_past_two(home: Path) -> None:
    found = answer(home, "forecast", "--from", "2026-03-08", "--to", "2026-03-09", "--rule", "night", "--rule", "done")
    assert found == {
        "firings": [
            {
                "rule": "night",
                "device": "porch",
                "due": "2026-03-08T07:30:00Z",
                "local": "2026-03-08T03:30:00-04:00",
                "set": {"on": True, "brightness": 40},
                "note": "02:30 does not exist on this day, moved to 03:30",
            }
        ],
        "not_firing": [],
        "not_forecast": [
            {"rule": "done", "reason": "when it fires depends on the load, which nobody knows beforehand"}
        ],
    }


def test_the_forecast_is_ordered_and_takes_instants_with_an_offset(home: Path) -> None:
    found = answer(home, "forecast", "--from", "2026-11-01T05:30Z", "--to", "2026-11-02T01:30:00-05:00")
    assert [(each["rule"], each["device"], each["due"]) for each in found["firings"]] == [
        ("early", "porch", "2026-11-01T05:30:00Z"),
        ("early", "washer", "2026-11-01T05:30:00Z"),
        ("night", "porch", "2026-11-01T07:30:00Z"),
        ("dusk", "porch", found["firings"][3]["due"]),
    ]
    assert found["firings"][0]["note"] == "01:30 happens twice on this day, this is the first"


def test_only_one_device_of_a_group_can_be_asked_for(home: Path) -> None:
    found = answer(home, "forecast", "--from", "2026-07-01", "--to", "2026-07-03", "--device", "washer")
    assert {(each["rule"], each["device"]) for each in found["firings"]} == {("early", "washer")}


def test_without_a_span_the_coming_week_is_shown(home: Path) -> None:
    found = answer(home, "forecast", "--rule", "early", "--device", "porch")
    assert len(found["firings"]) == 7
    first = dt.datetime.fromisoformat(found["firings"][0]["due"])
    assert dt.timedelta(0) <= first - dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1) < dt.timedelta(days=1, hours=2)


def test_days_without_the_event_are_in_the_json_and_in_the_lines(home: Path) -> None:
    house = HOUSE.replace("America/New_York", "Europe/Oslo").replace("40.713", "69.65").replace("-74.006", "18.96")
    (home / "rules.toml").write_text(house)
    span = ("forecast", "--rule", "dusk", "--from", "2026-06-01", "--to", "2026-06-03")
    why = "the sun does not set on this day: it is up all day"
    assert answer(home, *span)["not_firing"] == [
        {"rule": "dusk", "date": "2026-06-01", "reason": why},
        {"rule": "dusk", "date": "2026-06-02", "reason": why},
    ]
    lines = tapo_automate(*span, home=home).stdout.splitlines()
    assert lines[1].split(maxsplit=6) == ["2026-06-01", "Mon", "-", "dusk", "porch", "does", f"not fire  {why}"]


def test_the_forecast_for_people_has_aligned_columns_and_keeps_remarks_off_stdout(home: Path) -> None:
    done = tapo_automate("forecast", "--from", "2026-03-08", "--to", "2026-03-09", home=home)
    assert done.returncode == 0
    heading, *rows = done.stdout.splitlines()
    assert heading.split() == ["DATE", "DAY", "TIME", "RULE", "DEVICE", "SET", "NOTE"]
    assert [row.split()[:5] for row in rows] == [
        ["2026-03-08", "Sun", "01:30:00", "early", "porch"],
        ["2026-03-08", "Sun", "01:30:00", "early", "washer"],
        ["2026-03-08", "Sun", "03:30:00", "night", "porch"],
        ["2026-03-08", "Sun", rows[3].split()[2], "dusk", "porch"],
    ]
    assert {row.index(row.split()[4]) for row in rows} == {heading.index("DEVICE")}
    assert done.stderr == (
        "not in the forecast: done: when it fires depends on the load, which nobody knows beforehand\n"
    )


def test_nothing_due_is_said_on_stderr(home: Path) -> None:
    done = tapo_automate("forecast", "--from", "2026-03-08", "--to", "2026-03-09", "--rule", "once", home=home)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "nothing is due from 2026-03-08T05:00:00Z to 2026-03-09T04:00:00Z\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forecast", "--from", "tomorrow"), "--from 'tomorrow' is not a date or a date-time"),
        (("forecast", "--to", "2026-02-30"), "--to '2026-02-30' is not a date or a date-time"),
        (("forecast", "--to", "9999-12-31"), "the year must be from 1900 to 2200"),
        (("forecast", "--from", "2026-03-02", "--to", "2026-03-01"), "--to must come after --from"),
        (("forecast", "--rule", "nigth"), 'unknown rule "nigth", did you mean "night"?'),
        (("forecast", "--device", "portch"), "unknown device or group 'portch', did you mean 'porch'?"),
        (("explain", "dust"), 'unknown rule "dust", did you mean "dusk"?'),
        (("explain", "xyzzy"), 'unknown rule "xyzzy"; the rules are: night, early, dusk, done, once, sleeping'),
        (("next", "-n", "0"), "0 is not in the range"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(home: Path, words: tuple[str, ...], said: str) -> None:
    assert said in one_line(home, *words)


def test_next_shows_one_line_for_each_rule_and_device_the_soonest_first(home: Path) -> None:
    found = answer(home, "next")
    assert {(each["rule"], each["device"]) for each in found["next"]} == {
        ("night", "porch"),
        ("early", "porch"),
        ("early", "washer"),
        ("dusk", "porch"),
    }
    assert [each["due"] for each in found["next"]] == sorted(each["due"] for each in found["next"])
    assert all(0 <= each["left_s"] <= 86400 + 7200 for each in found["next"])
    assert found["without"] == [
        {"rule": "done", "reason": "when it fires depends on the load, which nobody knows beforehand"},
        {"rule": "sleeping", "reason": "it is switched off (enabled = false)"},
        {"rule": "once", "reason": "its date is past, or does not exist"},
    ]
    assert len(answer(home, "next", "-n", "2")["next"]) == 2


def test_next_for_people_is_a_timetable(home: Path) -> None:
    done = tapo_automate("next", home=home)
    assert done.returncode == 0
    heading, *rows = done.stdout.splitlines()
    assert heading.split() == ["NEXT", "LEFT", "RULE", "DEVICE", "SET", "NOTE"]
    assert len(rows) == 4
    assert "without a next time: once: its date is past, or does not exist" in done.stderr


def test_explain_says_what_a_rule_means_where_it_stands_and_which_nights_touch_it(home: Path) -> None:
    found = answer(home, "explain", "night")
    assert (found["rule"], found["source"], found["means"]) == ("night", "rules.toml:14", "every day at 02:30")
    assert (found["devices"], found["set"]) == (["porch"], {"on": True, "brightness": 40})
    assert (found["executor"], found["not_carried_out"]) == ("daemon", None)
    assert len(found["next"]) == 5
    assert len(found["clock_changes"]) >= 1
    for change in found["clock_changes"]:
        assert change["what"] == "02:30 does not exist in America/New_York, will run at 03:30"
    text = tapo_automate("explain", "night", home=home).stdout
    for each in ("rules.toml:14", "every day at 02:30", "porch → on, brightness 40", "the daemon"):
        assert each in text
    assert f"{found['clock_changes'][0]['date']}: 02:30 does not exist" in text


def test_explain_says_why_a_rule_is_not_carried_out(home: Path) -> None:
    found = answer(home, "explain", "sleeping")
    assert (found["executor"], found["next"]) == (None, [])
    assert "nobody: it is switched off (enabled = false)" in tapo_automate("explain", "sleeping", home=home).stdout


def test_explain_gathers_the_days_without_a_sunset(home: Path) -> None:
    house = HOUSE.replace("America/New_York", "Europe/Oslo").replace("40.713", "69.65").replace("-74.006", "18.96")
    (home / "rules.toml").write_text(house)
    spans = answer(home, "explain", "dusk")["without_sun"]
    days = [(dt.date.fromisoformat(s["to"]) - dt.date.fromisoformat(s["from"])).days + 1 for s in spans]
    assert 115 <= sum(days) <= 170
    assert len(spans) <= 10
    text = tapo_automate("explain", "dusk", home=home).stdout
    for span in spans:
        days_text = span["from"] if span["from"] == span["to"] else f"{span['from']} to {span['to']}"
        assert f"    {days_text}: {span['reason']}\n" in text


def test_broken_rules_are_reported_with_exit_code_2(home: Path) -> None:
    (home / "rules.toml").write_text(HOUSE.replace("02:30:00", '"half past two"'))
    for words in (["forecast"], ["next"], ["explain", "night"]):
        done = tapo_automate(*words, home=home)
        assert (done.returncode, done.stdout) == (2, "")
        assert "rules.toml:" in done.stderr
        assert "Traceback" not in done.stderr


def in_shell(command: str, home: Path) -> tuple[int, str]:
    """Return the exit code and stderr of a command of bash, in which `tapo-automate` is ours."""
    import subprocess
    import sys

    from cli.terminal import environment

    ours = f'tapo-automate() {{ "{sys.executable}" -m tapo_automate "$@"; }}; set -o pipefail; {command}'
    done = subprocess.run(
        ["bash", "-c", ours], cwd=home, env=environment(home), capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stderr


def test_no_command_is_wrong_use(home: Path) -> None:
    missing = "tapo-automate: Missing command. (see tapo-automate --help)\n"
    assert in_shell("tapo-automate", home) == (2, missing)


@pytest.mark.parametrize("style", ["", "--json"])
def test_a_reader_that_goes_away_is_no_error(home: Path, style: str) -> None:
    command = f"tapo-automate forecast --from 2000-01-01 --to 2100-01-01 {style} | head -c 100"
    assert in_shell(command, home) == (0, "")


@pytest.mark.parametrize("words", ["forecast --from 2026-01-01", "check", "schema", "--help"])
def test_output_that_cannot_be_written_is_one_line(home: Path, words: str) -> None:
    problem = "tapo-automate: cannot write the output: No space left on device\n"
    assert in_shell(f"tapo-automate {words} >/dev/full", home) == (2, problem)


@pytest.mark.parametrize("words", ["next", "plugins", "check", "schema", "--help"])
def test_output_that_nobody_wants_is_no_error(home: Path, words: str) -> None:
    code, problem = in_shell(f"tapo-automate {words} >&-", home)
    assert (code, "Traceback" in problem) == (0, False)
    assert in_shell(f"tapo-automate {words} <&- 2>&- >/dev/null", home) == (0, "")


def test_columns_are_as_wide_as_their_headings(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("""
        site.timezone = "UTC"
        [devices.p]
        driver = "tapo-plug"
        host = "192.0.2.2"
        [rules.r]
        devices = ["p"]
        when.time = { at = 08:00:00 }
        set = { on = true }
    """)
    done = tapo_automate("forecast", "--from", "2026-03-08", "--to", "2026-03-09", home=tmp_path)
    assert done.stdout == (
        "DATE        DAY  TIME      RULE  DEVICE  SET            NOTE\n2026-03-08  Sun  08:00:00  r     p       on\n"
    )
