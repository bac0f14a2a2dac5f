"""`why` at a terminal: who changed a device, and what rules wanted of it in vain."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from cli.terminal import tapo_automate
from tapo_automate.cli.why import why
from tapo_automate.journal.entry import Change, Entry, Result
from tapo_automate.journal.store import Journal

NIGHT = dt.datetime(2024, 6, 2, 1, tzinfo=dt.UTC)  # three o'clock in Berlin
RULES = """\
[site]
timezone = "Europe/Berlin"
[devices.porch]
driver = "tapo-bulb"
host = "192.0.2.1"
[devices.idle]
driver = "tapo-bulb"
host = "192.0.2.2"
"""
ON, OFF = {"on": True, "brightness": 40}, {"on": False}
BY_ITSELF = "by the device itself, schedule row S3"


def at(minute: float, second: float = 0) -> dt.datetime:
    return NIGHT + dt.timedelta(minutes=minute, seconds=second)


def entry(rule: str, device: str, due: dt.datetime, result: Result, **more: Any) -> Entry:
    more = {
        "nominal": due,
        "asked": ON,
        "at": due,
        "tries": 1,
        "file": "rules.toml",
        "line": 7,
        "commit": "abcd" * 10,
    } | more
    return Entry(rule, device, due=due, deadline=due + dt.timedelta(minutes=15), result=result, **more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "rules.toml").write_text(RULES)
    with Journal.open(home / "state") as journal:
        journal.begin(at(0))
        journal.record(
            [
                entry("away", "porch", at(12), "done", at=at(12, 4), role="switch", seed=77, tries=2),
                entry("off", "porch", at(20), "withheld", asked=OFF, reason="a person had switched it at 03:15"),
                entry("late", "porch", at(21), "missed", reason="came due 3600 s ago"),
                entry("dusk", "lounge", at(5), "done", nominal=at(4, 50), at=at(6, 30), reason="moved to 03:05"),
                entry("first", "fan", at(2), "done", at=at(2, 1), asked={"on": True}),
                entry("own", "heater", at(7), "done", at=at(7, 5), asked=OFF, tries=0, reason=BY_ITSELF),
            ],
            [
                Change("porch", at(12, 4), OFF, ON, "rule", rule="away", nominal=at(12)),
                Change("porch", at(15), ON, ON | {"brightness": 80}, "person", since=at(14, 50)),
                Change("porch", at(40), ON, OFF, "table", detail="schedule rule S1, every day at 03:40"),
                Change("lounge", at(6, 30), OFF, ON, "rule", rule="dusk", nominal=at(4, 50)),
                Change("lounge", at(200), ON, OFF, "unknown", since=at(58)),
                Change("heater", at(7, 5), {"on": True}, OFF, "rule", at(6), "own", at(7), BY_ITSELF),
                Change("rail", at(30), OFF, {"on": True}, "unknown", since=at(20)),
                Change("rail", at(250), {"on": True}, OFF, "rule", rule="gone", nominal=at(249)),
            ],
        )
        journal.record([entry("heat", "rail", at(25), "failed", reason="no answer until the deadline")])
        journal.alive(at(60))
        journal.begin(at(180))
        journal.alive(at(300))
    return home


@pytest.fixture
def answer(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Ask in this process and return the JSON."""

    def ask(*words: str) -> Any:
        monkeypatch.chdir(home)
        why.main(["--state", "state", "--json", *words], standalone_mode=False)
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out)

    return ask


@pytest.mark.parametrize(
    ("device", "named", "by", "expected"),
    [
        (
            "porch",
            "2024-06-02T03:12",
            "rule",
            "porch was turned on (brightness 40) at 2024-06-02 03:12:04 by the rule away (rules.toml:7 abcdabc). It "
            "was due at 2024-06-02 03:12:00 and done, 4.0 s late, after 2 tries. It belongs to a window of away: "
            "chance chose the moment, and seed 77 chooses it again.",
        ),
        (
            "porch",
            "2024-06-02T03:30",
            "person",
            "porch was changed: brightness 40 → 80, between 2024-06-02 03:14:50 and 2024-06-02 03:15:00 by a person, "
            "at the device or in the app.",
        ),
        (
            "porch",
            "2024-06-02",
            "table",
            "porch was turned off at 2024-06-02 03:40:00 by a table or timer of the device itself. Schedule rule S1, "
            "every day at 03:40.",
        ),
        (
            "lounge",
            "2024-06-02T04:00",
            "rule",
            "lounge was turned on (brightness 40) at 2024-06-02 03:06:30 by the rule dusk (rules.toml:7 abcdabc). It "
            "was due at 2024-06-02 03:05:00 and done, 1 min 30 s late. The rule means 2024-06-02 03:04:50, before "
            "jitter and waits. Moved to 03:05.",
        ),
        (
            "lounge",
            "2024-06-02T12:00",
            "unknown",
            "lounge was turned off between 2024-06-02 03:58:00 and 2024-06-02 06:20:00; by what is not known. The "
            "daemon was not running 04:00–06:00, 2 h.",
        ),
        (
            "rail",
            "2024-06-02T04:00",
            "unknown",
            "rail was turned on between 2024-06-02 03:20:00 and 2024-06-02 03:30:00; by what is not known. The daemon "
            "had no look at it from 2024-06-02 03:20:00 to 2024-06-02 03:30:00: no answer until the deadline.",
        ),
        (
            "rail",
            "2024-06-02T12:00",
            "rule",
            "rail was turned off at 2024-06-02 07:10:00 by the rule gone.",
        ),
        (
            "fan",
            "2024-06-02T12:00",
            "rule",
            "fan was set to on at 2024-06-02 03:02:01 by the rule first (rules.toml:7 abcdabc). It was due at "
            "2024-06-02 03:02:00 and done, 1.0 s late.",
        ),
        (
            "heater",
            "2024-06-02T12:00",
            "rule",
            "heater was turned off between 2024-06-02 03:06:00 and 2024-06-02 03:07:05 by the rule own (rules.toml:7 "
            "abcdabc). By the device itself, schedule row S3. It was due at 2024-06-02 03:07:00 and seen to be done "
            "5.0 s later.",
        ),
        (
            "porch",
            "2024-06-02T03:11",
            "unknown",
            "Nothing is on record of what changed porch until 2024-06-02 03:11:00. The journal begins at 2024-06-02 "
            "03:00:00.",
        ),
        (
            "idle",
            "2024-06-02T12:00",
            "unknown",
            "Nothing is on record of what changed idle until 2024-06-02 12:00:00. The journal begins at 2024-06-02 "
            "03:00:00.",
        ),
    ],
)
def test_why_names_who_did_it(answer: Callable[..., Any], device: str, named: str, by: str, expected: str) -> None:
    found = answer(device, "--at", named)
    assert (found["answer"], found["by"], found["device"]) == (expected, by, device)


def test_why_in_json(answer: Callable[..., Any]) -> None:
    found = answer("porch", "--at", "2024-06-02T03:12")
    assert list(found) == ["device", "at", "answer", "by", "change", "entry", "since"]
    assert found["at"] == "2024-06-02T01:12:00Z"
    assert found["change"] == {
        "device": "porch",
        "at": "2024-06-02T01:12:04Z",
        "since": None,
        "before": {"on": False},
        "after": {"on": True, "brightness": 40},
        "by": "rule",
        "rule": "away",
        "nominal": "2024-06-02T01:12:00Z",
        "detail": "",
    }
    assert (found["entry"]["rule"], found["entry"]["late_s"], found["entry"]["seed"]) == ("away", 4.0, 77)
    assert found["since"] == [], "what was wanted after the next change is told of that one"


def test_why_tells_what_was_wanted_in_vain(home: Path) -> None:
    done = tapo_automate("why", "porch", "--at", "2024-06-02T03:30", "--state", "state", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "Wanted since then and not done:",
        "  2024-06-02 03:20:00  off wanted off: withheld: a person had switched it at 03:15",
        "  2024-06-02 03:21:00  late wanted on, brightness 40: missed: came due 3600 s ago",
    ]


def test_why_without_an_instant_means_now(answer: Callable[..., Any]) -> None:
    found = answer("porch")
    assert found["by"] == "table"
    assert abs(dt.datetime.fromisoformat(found["at"]) - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    assert answer("porch", "--at", "00:00")["by"] == "table"


def test_an_unknown_device_is_named(home: Path) -> None:
    done = tapo_automate("why", "prch", "--state", "state", home=home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'tapo-automate: unknown device "prch", did you mean "porch"? (see tapo-automate why --help)\n'


def test_the_future_is_not_on_record(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    with pytest.raises(click.UsageError, match="--at '2199-01-01' is yet to come"):
        why.main(["porch", "--at", "2199-01-01", "--state", "state"], standalone_mode=False)


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    done = tapo_automate("why", "porch", "--state", str(tmp_path / "nowhere"), home=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no journal here" in done.stderr
