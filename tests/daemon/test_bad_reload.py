"""Broken files offered to a daemon that runs: whatever they are, it says where, and goes on as if nothing had been."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from daemon.house import DAY
from daemon.led import HandClock
from daemon.written_house import Written
from rules.broken_files import CASES
from tapo_automate import Setting, State, Unreachable
from tapo_automate.daemon import Reloaded

MINUTE, SECOND = dt.timedelta(minutes=1), dt.timedelta(seconds=1)
START = DAY + dt.timedelta(hours=6)
ON, OFF = Setting(on=True), Setting(on=False)

# Everything that takes time is under way for three hours and a half: no reload may disturb it.
HOUSE = """\
[site]
timezone = "UTC"
[devices]
plug = { driver = "toy", host = "plug" }
washer = { driver = "toy", host = "washer" }
rail = { driver = "toy", host = "rail" }
tv = { driver = "toy", host = "tv" }
lamp = { driver = "toy", host = "lamp" }
away = { driver = "toy", host = "away" }
[rules.often]
devices = ["plug"]
when.every = { interval = "7m" }
set = { toggle = true }
[rules.washed]
devices = ["washer"]
when.power = { below = 5, for = "3h30m", rearm = 20 }
set = { on = false }
[rules.towels]
devices = ["rail"]
when.countdown = { after = "3h30m", from = "on" }
set = { on = false }
[rules.film]
devices = ["lamp"]
when.state = { device = "tv", turns = "on", for = "3h30m" }
set = { on = true, brightness = 10 }
[rules.gone]
devices = ["away"]
when.date = { at = 2026-06-01T06:05:00 }
within = "6h"
set = { on = true }
[rules.scene]
devices = ["lamp"]
when.date = { at = 2026-06-01T06:10:00 }
steps = [{ set = { on = true, brightness = 50 } }, { wait = "3h" }, { set = { on = false } }]
"""
NAMES = ("plug", "washer", "rail", "tv", "lamp", "away")
TOO_MANY_HOURS = dt.timedelta(hours=5)


@contextmanager
def at_home(folder: Path) -> Iterator[Written]:
    """Give a daemon in which everything has begun: it is 6:15."""
    home = Written(folder, HOUSE, HandClock(START), names=NAMES)
    toys = home.house.toys
    toys["washer"].watts = lambda: 2.0
    toys["rail"].now = State(on=True)

    def gone() -> None:
        raise Unreachable("away", "no answer within 8 s")

    toys["away"].before = gone
    home.start(poll_s=30)
    home.led.go(MINUTE)
    toys["tv"].now = State(on=True)
    home.led.go(START + 15 * MINUTE)
    try:
        yield home
    finally:
        home.led.stop()


def story(home: Written) -> list[tuple[dt.datetime, str, Any]]:
    """Return what the devices were told, and when, until everything is over."""
    home.led.go(START + TOO_MANY_HOURS - 10 * MINUTE)
    home.house.toys["away"].before = lambda: None
    home.led.go(START + TOO_MANY_HOURS)
    return home.led.told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dt.datetime, str, Any]]:
    with at_home(tmp_path_factory.mktemp("undisturbed")) as home:
        return story(home)


def test_the_story_is_one_in_which_everything_happens(undisturbed: list[tuple[dt.datetime, str, Any]]) -> None:
    once = {(str(at.time()), name, str(setting)) for at, name, setting in undisturbed if name not in ("plug", "away")}
    assert once == {
        ("09:30:00", "washer", "off"),
        ("09:30:00", "rail", "off"),
        ("06:10:00", "lamp", "on, brightness 50"),
        ("09:10:00", "lamp", "off"),
        ("09:31:30", "lamp", "on, brightness 10"),
    }
    [back] = [at for at, name, _ in undisturbed if name == "away"]
    assert START + TOO_MANY_HOURS - 10 * MINUTE < back < START + TOO_MANY_HOURS - 8 * MINUTE, "tried until it was back"
    assert len([name for _, name, _ in undisturbed if name == "plug"]) == 43


def test_no_broken_file_disturbs_anything(
    undisturbed: list[tuple[dt.datetime, str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with at_home(tmp_path) as home:
        for name, broken in CASES.items():
            attempt = home.offer(broken.text)
            assert not attempt.ok, name
            message = broken.message.replace("broken.toml", str(home.file))
            assert f"{home.file}:{broken.line}:{broken.column}: {message}" in attempt.report
            assert home.led.daemon.health().book == attempt.report
            home.led.go(SECOND * 40)
        assert "unexpected error" not in caplog.text
        assert story(home) == undisturbed
        assert not [event for event in home.house.events if isinstance(event, Reloaded)]


def test_a_good_file_is_taken_after_any_number_of_broken_ones(tmp_path: Path) -> None:
    with at_home(tmp_path) as home:
        for broken in list(CASES.values())[:20]:
            home.offer(broken.text)
        attempt = home.offer(HOUSE.replace('"7m"', '"11m"'))
        assert attempt.ok
        assert attempt.changes == (
            "rule often: every day, every 7 minutes, by elapsed time -> every day, every 11 minutes, by elapsed time",
        )
        assert home.led.daemon.health().book == ""
        told = len(home.led.told)
        home.led.go(START + 35 * MINUTE)
        # As `every` counts from the year 2000, 6:15 is one of them: the very minute in which the file was taken.
        assert [at.minute for at, name, _ in home.led.told[told:] if name == "plug"] == [26]


MISSING = {
    "gone": (None, "{file}: there is no such file"),
    "a folder": ("folder", "{file}: a folder without a .toml file in it"),
    "not text": (b"\xff\xfe[site]", "{file}: not UTF-8 text (byte 1); save it as UTF-8"),
    "UTF-16": ("[site]".encode("utf-16"), "{file}: not UTF-8 text (byte 1); save it as UTF-8"),
    "Latin 1": ('name = "Küche"'.encode("latin-1"), "{file}: not UTF-8 text (byte 10); save it as UTF-8"),
    "empty": (b"", "{file}:1:1: "),
    "NUL": (HOUSE.encode() + b"\0", "{file}:35:1: "),
    "half": (HOUSE.encode()[: len(HOUSE) // 2], "{file}:"),
    "nested without end": (HOUSE.encode() + b"x = " + b"[" * 100_000, "{file}:1:1: lists or tables lie too deep"),
    "a line of ten million characters": (HOUSE.encode() + b"x = '" + b"y" * 10_000_000, "{file}:35:5: "),
}


@pytest.mark.parametrize(("put", "report"), MISSING.values(), ids=MISSING)
def test_what_is_no_rule_file_at_all_is_refused_in_words(put: Any, report: str, tmp_path: Path) -> None:
    with at_home(tmp_path) as home:
        if isinstance(put, bytes):
            attempt = home.offer(put)
        else:
            home.file.unlink()
            if put:
                home.file.mkdir()
            home._reloader.attempt()
            attempt = home.attempts[-1]
        assert not attempt.ok
        assert attempt.report.startswith(report.format(file=home.file))
        assert len(attempt.report) < 10_000
        told = len(home.led.told)
        home.led.go(14 * MINUTE)
        assert len(home.led.told) == told + 2


PLACE = re.compile(r"(?:[^\n]*rules\.toml): ?(?:\d+:\d+: \S|\S)")
SMALL = HOUSE[: HOUSE.index("[rules.film]")]
junk = (
    st.binary(max_size=200)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.sampled_from(list(CASES.values())).map(lambda case: case.text.encode())
)
cuts = st.tuples(st.integers(0, len(SMALL)), st.integers(0, 40), st.binary(max_size=6) | st.sampled_from([b"\0", b"]"]))


def patched(changes: list[tuple[int, int, bytes]]) -> bytes:
    text = SMALL.encode()
    for at, removed, put in changes:
        text = text[:at] + put + text[at + removed :]
    return text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(junk | st.lists(cuts, max_size=3).map(patched), min_size=1, max_size=4))
@example([HOUSE.encode().replace(b"\n", b"\r\n").replace(b"toggle", b"toggel")])
@example([b"\xef\xbb\xbf" + HOUSE.encode()[:-1]])
def test_whatever_is_offered_the_daemon_goes_on(offers: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Written(Path(folder), SMALL, HandClock(START), names=NAMES)
        home.start(poll_s=30)
        for offer in offers:
            fired = len(home.house.outcomes)
            attempt = home.offer(offer)
            assert attempt.ok or PLACE.match(attempt.report), attempt.report
            assert "unexpected" not in attempt.report
            if attempt.ok:
                home.offer(SMALL)  # it was not broken
                assert home.attempts[-1].ok
                fired = len(home.house.outcomes)
            home.led.go(14 * MINUTE)
            often = [outcome for outcome in home.house.outcomes[fired:] if outcome.firing.rule.id == "often"]
            assert [outcome.result for outcome in often] == ["done", "done"]
        home.led.stop()
