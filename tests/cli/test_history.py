"""`history` at a terminal: what the journal says came due, and when nobody was there to see to it."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest

from cli.terminal import tapo_automate
from tapo_automate.cli.history import history
from tapo_automate.cli.past import span_named
from tapo_automate.journal.entry import Entry, Result
from tapo_automate.journal.store import Journal
from tapo_automate.rules.model import Site

EVENING = dt.datetime(2024, 6, 1, 18, tzinfo=dt.UTC)  # eight o'clock in Berlin
COMMIT = "5e1dbe57" * 5
RULES = """\
[site]
timezone = "Europe/Berlin"
[devices.porch]
driver = "tapo-bulb"
host = "192.0.2.1"
[devices.garden]
driver = "tapo-bulb"
host = "192.0.2.2"
[groups]
outside = ["porch", "garden"]
[rules.dusk]
devices = ["outside"]
when.time = { at = 20:00:00 }
set = { on = true }
"""


def minutes(count: float) -> dt.datetime:
    return EVENING + dt.timedelta(minutes=count)


def entry(rule: str, device: str, at_minute: float, result: Result, late_s: float | None = 0.2, **more: Any) -> Entry:
    due = minutes(at_minute)
    known = None if late_s is None else due + dt.timedelta(seconds=late_s)
    more = {
        "tries": 1,
        "asked": {"on": True, "brightness": 40},
        "file": "rules.toml",
        "line": 11,
        "commit": COMMIT,
        **more,
    }
    return Entry(rule, device, due, due, due + dt.timedelta(minutes=15), result, at=known, kind="time", **more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rule book and a journal of an evening on which the daemon was away from eight to ten."""
    home = tmp_path_factory.mktemp("home")
    (home / "rules.toml").write_text(RULES)
    with Journal.open(home / "state") as journal:
        journal.begin(minutes(-30))
        journal.record([entry("dusk", "porch", -20, "done"), entry("dusk", "garden", -20, "failed", 900.0)])
        journal.record([entry("away", "porch", -10, "done", role="begin", asked={}, seed=2**70)])
        journal.alive(minutes(0))
        journal.begin(minutes(120))
        journal.record(
            [
                entry("wash", "washer", 60, "missed", 3600.0, reason="came due 3600 s ago", asked={"on": False}),
                entry("dusk", "porch", 121, "pending", None, commit="", file="more/rules.toml"),
                entry("gone", "washer", 122, "withheld", reason="it is 22:02, too early", commit=f"{COMMIT}+changes"),
            ]
        )
        journal.alive(minutes(130))
        journal.end(minutes(130))
    return home


@pytest.fixture
def answer(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Ask in this process, which costs less than one of its own, and return the JSON."""

    def ask(*words: str) -> Any:
        monkeypatch.chdir(home)
        history.main(["--state", "state", "--json", *words], standalone_mode=False)
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out)

    return ask


def shown(home: Path, *words: str) -> list[str]:
    done = tapo_automate("history", "--state", "state", *words, home=home)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_history_tells_what_came_due_and_when_nobody_was_there(home: Path) -> None:
    rows = [tuple(re.split("  +", line)) for line in shown(home)]
    assert rows == [
        ("WHEN (Europe/Berlin)", "RULE", "DEVICE", "ASKED", "RESULT", "LATE", "WHY", "SOURCE"),
        ("2024-06-01 19:40:00", "dusk", "porch", "on, brightness 40", "done", "0.2 s", "rules.toml:11 5e1dbe5"),
        ("2024-06-01 19:40:00", "dusk", "garden", "on, brightness 40", "failed", "15 min", "rules.toml:11 5e1dbe5"),
        ("2024-06-01 19:50:00", "away", "porch", "away begins", "done", "0.2 s", "rules.toml:11 5e1dbe5"),
        ("2024-06-01 20:00:00", "-", "-", "-", "-", "-", "not running 20:00–22:00, 2 h"),
        (
            *("2024-06-01 21:00:00", "wash", "washer", "off", "missed", "1 h"),
            *("came due 3600 s ago", "rules.toml:11 5e1dbe5"),
        ),
        ("2024-06-01 22:01:00", "dusk", "porch", "on, brightness 40", "pending", "-", "more/rules.toml:11"),
        (
            *("2024-06-01 22:02:00", "gone", "washer", "on, brightness 40", "withheld", "0.2 s"),
            *("it is 22:02, too early", "rules.toml:11 5e1dbe5+changes"),
        ),
        ("2024-06-01 22:10:00", "-", "-", "-", "-", "-", "not running since 2024-06-01 22:10"),
    ]


def test_what_a_device_did_by_itself_was_not_late_when_it_was_seen(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "state") as journal:
        journal.begin(minutes(-1))
        journal.record(
            [entry("dusk", "porch", 0, "done", 5.0, reason="by the device itself, schedule row S3", tries=0)]
        )
        journal.alive(minutes(1))
        journal.end(minutes(1))
    (tmp_path / "rules.toml").write_text(RULES)
    assert re.split("  +", shown(tmp_path)[1])[4:7] == ["done", "-", "by the device itself, schedule row S3"]


def test_history_in_json(answer: Callable[..., Any]) -> None:
    found = answer("--device", "washer", "--result", "missed")
    assert found == {
        "entries": [
            {
                "rule": "wash",
                "device": "washer",
                "nominal": "2024-06-01T19:00:00Z",
                "due": "2024-06-01T19:00:00Z",
                "at": "2024-06-01T20:00:00Z",
                "late_s": 3600.0,
                "result": "missed",
                "asked": {"on": False},
                "tries": 1,
                "reason": "came due 3600 s ago",
                "kind": "time",
                "role": "",
                "seed": None,
                "file": "rules.toml",
                "line": 11,
                "commit": COMMIT,
            }
        ],
        "runs": [
            {"started": "2024-06-01T17:30:00Z", "alive": "2024-06-01T18:00:00Z", "ended": None},
            {"started": "2024-06-01T20:00:00Z", "alive": "2024-06-01T20:10:00Z", "ended": "2024-06-01T20:10:00Z"},
        ],
    }
    (pending,) = answer("--result", "pending")["entries"]
    assert (pending["at"], pending["late_s"], pending["commit"]) == (None, None, "")
    (begin,) = answer("--rule", "away")["entries"]
    assert (begin["role"], begin["seed"]) == ("begin", 2**70)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--rule", "wash", "--rule", "gone"), ["wash", "gone"]),
        (("--device", "outside"), ["dusk", "dusk", "away", "dusk"]),
        (("--device", "garden", "--device", "washer"), ["dusk", "wash", "gone"]),
        (("--since", "2024-06-01T21:00", "--until", "2024-06-01T22:01"), ["wash"]),
        (("--since", "2024-06-01T20:01Z"), ["dusk", "gone"]),
        (
            ("--since", "2024-06-01", "--until", "2024-06-02", "--result", "failed", "--result", "done"),
            ["dusk"] * 2 + ["away"],
        ),
        (("--since", "2024-06-02"), []),
    ],
)
def test_history_of_some(answer: Callable[..., Any], words: tuple[str, ...], expected: list[str]) -> None:
    assert [each["rule"] for each in answer(*words)["entries"]] == expected


def test_a_limit_keeps_the_newest_and_says_so(home: Path) -> None:
    done = tapo_automate("history", "--state", "state", "--json", "--limit", "2", home=home)
    assert done.stderr == "only the newest 2 are shown; see --limit and --since\n"
    found = json.loads(done.stdout)
    assert [each["rule"] for each in found["entries"]] == ["dusk", "gone"]
    assert [run["started"] for run in found["runs"]] == ["2024-06-01T20:00:00Z"]


def test_an_empty_span_is_no_error(home: Path) -> None:
    done = tapo_automate("history", "--state", "state", "--since", "2024-05-01", "--until", "2024-05-02", home=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing is recorded\n")


def test_history_needs_neither_rules_nor_a_daemon(home: Path, tmp_path: Path) -> None:
    words = ("history", "--state", str(home / "state"), "--rule", "wash", "--since", "2024-06-01T19:00Z")
    done = tapo_automate(*words, home=tmp_path, TZ="America/New_York")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[:30] for line in done.stdout.splitlines()] == [
        "WHEN (America/New_York)  RULE ",
        "2024-06-01 14:00:00      -    ",
        "2024-06-01 15:00:00      wash ",
        "2024-06-01 16:10:00      -    ",
    ]


def test_rules_that_cannot_be_read_are_no_hindrance(home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[site]\n")
    words = ("history", "--state", str(home / "state"), "--json", "--limit", "9")
    broken = tapo_automate(*words, "-r", "broken.toml", home=tmp_path, TZ="Europe/Paris")
    assert broken.stderr == (
        "the rules cannot be read, so times are in Europe/Paris: they have errors, which `tapo-automate check` shows\n"
    )
    gone = tapo_automate(*words, "-r", "gone.toml", home=tmp_path, TZ="Europe/Paris")
    assert gone.stderr == ("the rules cannot be read, so times are in Europe/Paris: gone.toml: there is no such file\n")
    assert len(json.loads(broken.stdout)["entries"]) == len(json.loads(gone.stdout)["entries"]) == 6


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--rule", "dsuk"), 'unknown rule "dsuk", did you mean "dusk"?'),
        (("--device", "washr"), 'unknown device "washr", did you mean "washer"?'),
        (
            ("--device", "xyz"),
            'unknown device "xyz"; the journal and the rules have: garden, outside, porch, washer',
        ),
        (("--since", "2024-06-02", "--until", "2024-06-01"), "--until must come after --since"),
        (("--since", "2199-01-01"), "--since '2199-01-01' is yet to come"),
        (
            ("--since", "soon"),
            "--since 'soon' is not an instant; write 2026-03-29, 2026-03-29T02:30, 2026-03-29T02:30Z, 02:30 for the "
            "last time it was so late, or 7d, 12h, 1h30m for so long ago",
        ),
        (("--until", "25:00"), "--until '25:00': a day goes from 00:00:00 to 23:59:59"),
    ],
)
def test_wrong_use_is_refused(
    home: Path, words: tuple[str, ...], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    with pytest.raises(click.UsageError) as refused:
        history.main(["--state", "state", *words], standalone_mode=False)
    assert refused.value.message == problem


def test_wrong_use_is_one_line(home: Path) -> None:
    done = tapo_automate("history", "--state", "state", "--rule", "dsuk", home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'tapo-automate: unknown rule "dsuk", did you mean "dusk"? (see tapo-automate history --help)\n'
    )


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    done = tapo_automate("history", "--state", str(tmp_path / "nowhere"), home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"tapo-automate: {tmp_path}/nowhere: there is no journal here; the daemon (tapo-automate run) begins one; name "
        "the folder that it keeps its state in with --state\n"
    )


def test_a_journal_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"Dear diary, " * 1000)
    done = tapo_automate("history", "--state", str(tmp_path), home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"tapo-automate: {tmp_path}/journal.sqlite: it is damaged (file is not a database); the daemon moves it aside "
        "and saves what it can, when it starts and when it meets with the damage\n"
    )
    assert (tmp_path / "journal.sqlite").read_bytes() == b"Dear diary, " * 1000


def test_a_journal_of_a_newer_version(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    done = tapo_automate("history", "--state", str(tmp_path), home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "written by a newer version of tapo-automate" in done.stderr


def test_a_journal_that_this_user_may_not_read(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    path = tmp_path / "journal.sqlite"
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    done = tapo_automate("history", "--state", str(tmp_path), home=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        f"tapo-automate: {path}: this user may not read it; ask as the user that runs the daemon\n",
    )


def test_history_while_a_daemon_writes(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "state") as journal:
        journal.begin(minutes(0))
        for number, rule in enumerate(["dusk", "dawn"]):
            journal.record([entry(rule, "porch", number, "done")])
            journal.alive(minutes(number + 1))
            assert journal.flush(10)
            rows = shown(tmp_path, "--since", "2024-06-01T18:00Z")[1:-1]
            assert [row.split()[2] for row in rows] == ["dusk", "dawn"][: number + 1]


def test_a_long_history_is_written_as_it_comes(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "state") as journal:
        journal.begin(minutes(-2))
        journal.record([entry("dusk", "porch", number, "done") for number in range(1500)])
        journal.end(minutes(1501))
    lines = shown(tmp_path, "--since", "2024-06-01")
    assert len(lines) == 1 + 1500 + 1
    assert lines[1].split()[:4] == ["2024-06-01", "18:00:00", "dusk", "porch"]
    assert lines[-1].split("  ")[-1] == "not running since 2024-06-02 19:01"
    assert len({line.index("rules.toml:11") for line in lines[1:-1]}) == 1


def test_a_reader_that_has_seen_enough_is_no_error(home: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m tapo_automate history --state state --since 2024-06-01 | head -1",
        shell=True,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""


BERLIN = Site(ZoneInfo("Europe/Berlin"))
NEW_YORK = Site(ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("text", "site", "now", "start", "lasts_s"),
    [
        ("7d", BERLIN, "2026-06-08T12:00Z", "2026-06-01T12:00Z", 0),
        ("1d12h", BERLIN, "2026-06-08T12:00Z", "2026-06-07T00:00Z", 0),
        ("1h30m", BERLIN, "2026-06-08T12:00Z", "2026-06-08T10:30Z", 0),
        ("03:12", BERLIN, "2026-06-08T12:00Z", "2026-06-08T01:12Z", 60),
        ("3:12", BERLIN, "2026-06-08T12:00Z", "2026-06-08T01:12Z", 60),
        ("14:00", BERLIN, "2026-06-08T12:00Z", "2026-06-08T12:00Z", 60),
        ("14:01", BERLIN, "2026-06-08T12:00Z", "2026-06-07T12:01Z", 60),
        ("03:12:30", BERLIN, "2026-06-08T12:00Z", "2026-06-08T01:12:30Z", 1),
        ("2026-06-01", BERLIN, "2026-06-08T12:00Z", "2026-05-31T22:00Z", 86_400),
        ("2026-06-01T03:12", BERLIN, "2026-06-08T12:00Z", "2026-06-01T01:12Z", 60),
        ("2026-06-01T03:12Z", BERLIN, "2026-06-08T12:00Z", "2026-06-01T03:12Z", 60),
        ("2026-06-01 03:12:05+02:00", BERLIN, "2026-06-08T12:00Z", "2026-06-01T01:12:05Z", 1),
        # The nights on which the clocks change: 02:30 does not exist, and 01:30 comes twice.
        ("02:30", NEW_YORK, "2026-03-08T12:00Z", "2026-03-08T07:30Z", 60),
        ("2026-03-08", NEW_YORK, "2026-03-18T12:00Z", "2026-03-08T05:00Z", 23 * 3600),
        ("01:30", NEW_YORK, "2026-11-01T12:00Z", "2026-11-01T06:30Z", 60),
        ("01:30", NEW_YORK, "2026-11-01T06:00Z", "2026-11-01T05:30Z", 60),
    ],
)
def test_instants_as_people_name_them(text: str, site: Site, now: str, start: str, lasts_s: int) -> None:
    found = span_named(text, site, dt.datetime.fromisoformat(now), "--at")
    begin = dt.datetime.fromisoformat(start)
    assert found == (begin, begin + dt.timedelta(seconds=lasts_s))


@pytest.mark.parametrize("text", ["", "d", "7", "-7d", "7d ago", "999999999999999h", "1h1d", "12:3", "2026-02-30"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        span_named(text, BERLIN, EVENING, "--at")
    assert refused.value.message.startswith(f"--at {text!r} is not an instant; write 2026-03-29, ")
