"""A year of the example house in four zones: the daemon does to the second what the forecast says.

Then the same year with a hand at the clock, a lid that is closed, and a daemon that is killed.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.house import House
from daemon.led import HandClock, Led
from tapo_automate.daemon import Outcome
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.load import load_or_raise
from tapo_automate.rules.model import Firing, RuleBook, Site

EXAMPLE = Path(__file__).parents[2] / "rules.example.toml"
PLACES = {
    "Europe/Berlin": (52.52, 13.405),
    "America/New_York": (40.7, -74.0),
    "Australia/Lord_Howe": (-31.55, 159.08),  # half an hour of summer time
    "Asia/Kolkata": (22.57, 88.36),  # none at all
}
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
YEAR, SECOND = dt.timedelta(days=365), dt.timedelta(seconds=1)
RARELY_S = 6 * 3600.0  # between two readings: nothing here is about meters


def house_in(zone: str) -> tuple[House, RuleBook]:
    book = load_or_raise([EXAMPLE])
    house = House(*book.devices, zone=zone)
    devices = {name: replace(spec, driver="toy") for name, spec in book.devices.items()}
    return house, replace(book, devices=devices, site=Site(ZoneInfo(zone), *PLACES[zone]))


def key(firing: Firing) -> tuple[str, str, dt.datetime]:
    return firing.rule.id, firing.device_id, firing.nominal


def carried_out(house: House) -> list[Outcome]:
    return [outcome for outcome in house.outcomes if outcome.result in ("done", "already")]


@pytest.mark.parametrize("zone", PLACES)
def test_a_year_is_carried_out_as_it_is_forecast(zone: str) -> None:
    house, book = house_in(zone)
    led = Led(house, HandClock(START))
    led.start(book=book, poll_s=RARELY_S)
    led.go(YEAR)
    expected = {key(firing): firing.due for firing in firings_between(book, START + SECOND, START + YEAR + SECOND)}
    assert len(expected) > 5_000
    by_clock = {rule_id for rule_id, _, _ in expected}
    done = {key(o.firing): o.at for o in carried_out(house) if o.firing.rule.id in by_clock and o.firing.due > START}
    assert done.keys() == expected.keys()
    assert all(done[each] == due for each, due in expected.items())
    assert max(Counter(key(outcome.firing) for outcome in house.outcomes).values()) == 1


class Trouble:
    """What happens to a machine in a year, and which spans of clock time it ran through in peace."""

    def __init__(self, led: Led, book: RuleBook, seed: int) -> None:
        self.led, self.book, self.dice = led, book, random.Random(seed)
        self.calm: list[tuple[dt.datetime, dt.datetime]] = []
        self.gaps: list[tuple[dt.datetime, dt.datetime]] = []  # ended just now: what is due in them is made up for

    def live(self, span: dt.timedelta) -> None:
        begin = self.led.clock.at
        self.led.go(span)
        self.calm.append((begin, self.led.clock.at))

    def strike(self) -> None:
        begin = self.led.clock.at
        self.led.look_around()
        match self.dice.choice(("kill", "kill", "stop", "forward", "back", "blink", "sleep")):
            case "kill":
                self.led.die()
                self.led.clock.at += dt.timedelta(seconds=self.dice.randrange(1, 1800))
                self.led.start(book=self.book, poll_s=RARELY_S)
            case "stop":
                self.led.stop()
                self.led.clock.at += dt.timedelta(seconds=self.dice.randrange(1, 90_000))
                self.led.start(book=self.book, poll_s=RARELY_S)
            case "forward":
                self.led.clock.set(dt.timedelta(seconds=self.dice.randrange(1, 86_400)))
            case "back":
                self.led.clock.set(-dt.timedelta(seconds=self.dice.randrange(1, 86_400)))
            case "blink":
                self.led.clock.set(dt.timedelta(seconds=self.dice.choice((-2, -1, 1, 2))))
            case "sleep":
                self.led.clock.sleep(dt.timedelta(seconds=self.dice.randrange(1, 30_000)))
        self.led.look_around()
        if self.led.clock.at > begin:
            self.gaps.append((begin, self.led.clock.at))


@pytest.mark.parametrize("zone", PLACES)
def test_a_year_of_kills_steps_and_sleep_loses_and_doubles_nothing(zone: str, tmp_path: Path) -> None:
    house, book = house_in(zone)
    led = Led(house, HandClock(START), tmp_path)
    led.start(book=book, poll_s=RARELY_S)
    trouble = Trouble(led, book, seed=len(zone))
    while led.clock.at < START + YEAR:
        trouble.live(dt.timedelta(seconds=trouble.dice.randrange(60, 4 * 86_400)))
        trouble.strike()
        converged(house, book, trouble.gaps[-1:], led.clock.at)
    led.stop()
    assert len(trouble.gaps) > 100
    times = Counter(key(outcome.firing) for outcome in carried_out(house))
    assert max(times.values()) == 1, [each for each, count in times.items() if count > 1]
    done = {key(outcome.firing): outcome for outcome in carried_out(house)}
    end = max(end for _, end in trouble.calm)
    missing = [
        (key(firing), firing.due)
        for firing in firings_between(book, START + SECOND, end)
        if any(begin < firing.due <= end for begin, end in trouble.calm) and key(firing) not in done
    ]
    assert missing == [], f"came due while the daemon ran in peace, and not done: {missing[:5]}"


def converged(house: House, book: RuleBook, gaps: list[tuple[dt.datetime, dt.datetime]], now: dt.datetime) -> None:
    """Check that each device shows the last thing that was due in the gap, if it was due lately enough."""
    for begin, end in gaps:
        if end != now:
            continue
        last: dict[str, Firing] = {}
        for firing in firings_between(book, max(begin, now - dt.timedelta(minutes=15)) + SECOND, now + SECOND):
            last[firing.device_id] = firing
        for device_id, firing in last.items():
            on = firing.rule.setting.on
            assert house.toys[device_id].now.on == on, f"{key(firing)} at {now}"
