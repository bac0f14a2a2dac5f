"""Rules change hands at random moments, on a real device's tables and by real syncs: each effect comes, and comes once.

A rule is given to the daemon and back, renamed, split and merged; the daemon reloads before the sync or after it, hours
apart or within a second; a sync is killed with the row on the device and the ledger not written; and all of that
seconds before a firing.  What is counted is what reached the device: rows carried out, and commands.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sync.lived_house import SECOND, Killed, LivedHouse
from tapo_automate import Rule, Setting
from tapo_automate.rules.model import AtTime, RuleBook, Site
from tapo_automate.simulator import Fleet
from tapo_automate.sync.model import Change

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
SITE = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
MIDNIGHT = dt.datetime(2026, 5, 31, 22, tzinfo=dt.UTC)  # of Monday, 1 June, in Berlin
DAYS = 7
ON, OFF = Setting(on=True), Setting(on=False)
WAKE = Rule("wake", ("heater",), AtTime(dt.time(7)), ON)
NIGHT = Rule("night", ("heater",), AtTime(dt.time(23)), OFF)
DUE = {"wake": 7 * HOUR, "night": 23 * HOUR}
LOOKED_FOR = 75 * SECOND  # so long the daemon waits for what a device is to do
NEAR = 6 * MINUTE  # after an instant: the daemon may be away for five minutes of them


@contextmanager
def living(folder: Path, ahead_s: int = 0) -> Iterator[LivedHouse]:
    with Fleet() as fleet:
        house = LivedHouse(fleet, folder, {"heater": "P110"}, SITE, MIDNIGHT, ahead_s={"heater": ahead_s})
        try:
            yield house
        finally:
            house.close()


class Handing:
    """Changes rules that mean the same throughout, and brings them to device and daemon in any order."""

    def __init__(self, house: LivedHouse, dice: random.Random) -> None:
        self.house, self.dice = house, dice
        self.rules = {"wake": [WAKE], "night": [NIGHT]}
        self.killed = 0
        self._names = 0

    @property
    def book(self) -> RuleBook:
        return self.house.book(*(rule for rules in self.rules.values() for rule in rules))

    def rewrite(self, name: str) -> None:
        rules = self.rules[name]
        self._names += 1
        match self.dice.randrange(4):
            case 0 | 1:
                executor = "auto" if rules[0].executor == "daemon" else "daemon"
                self.rules[name] = [replace(rule, executor=executor) for rule in rules]
            case 2:
                self.rules[name] = [
                    replace(rule, id=f"{name}-{self._names}-{place}") for place, rule in enumerate(rules)
                ]
            case _:
                [first, *others] = rules
                assert isinstance(first.trigger, AtTime)
                weekdays, every = frozenset(range(5)), frozenset(range(7))
                if others:
                    self.rules[name] = [replace(first, trigger=AtTime(first.trigger.at, every))]
                else:
                    self.rules[name] = [
                        replace(first, id=f"{name}-{self._names}-{place}", trigger=AtTime(first.trigger.at, days))
                        for place, days in enumerate((weekdays, every - weekdays))
                    ]

    def sync(self) -> None:
        """Apply, and die on the way now and then; the next one goes on."""
        kill_at = self.dice.randint(1, 4) if self.dice.random() < 0.4 else 0
        steps = 0

        def told(change: Change, said: str) -> None:
            nonlocal steps
            steps += 1
            if steps == kill_at:
                raise Killed

        try:
            self.house.sync(self.book, told=told)
        except Killed:
            self.killed += 1

    def change_hands(self, name: str, moment: dt.datetime) -> None:
        """At about this moment: rewrite, then reload and sync in either order, with any time between."""
        house, dice = self.house, self.dice
        house.go(max(house.clock.at, moment))
        names = set(self.book.rules)
        self.rewrite(name)
        renamed = names != set(self.book.rules)

        def reload() -> None:
            if renamed:  # a rule that is gone is not made good: what is awaited of it comes to its end first
                self.wait_out()
            house.reload(self.book)

        steps = [self.sync, reload]
        dice.shuffle(steps)
        steps[0]()
        house.go(dice.choice((0, 0, 1, 5, 30, 200)) * SECOND)
        steps[1]()

    def wait_out(self) -> None:
        now = self.house.clock.at
        since_midnight = (now - MIDNIGHT) % DAY
        if any(due <= since_midnight < due + LOOKED_FOR for due in DUE.values()):
            self.house.go(LOOKED_FOR)


def due_before(at: dt.datetime) -> dt.datetime:
    """Return the last instant that was due then."""
    midnight = at - (at - MIDNIGHT) % DAY
    return max(
        midnight + after - days * DAY for after in DUE.values() for days in (0, 1) if midnight + after <= at or days
    )


def live(house: LivedHouse, seed: int) -> None:
    """Live through some days, and check after each instant that the device shows what it should."""
    dice = random.Random(seed)
    handing = Handing(house, dice)
    handing.sync()
    house.start(handing.book)
    for day in range(DAYS):
        for name, after in DUE.items():
            due = MIDNIGHT + day * DAY + after
            for _ in range(dice.randint(0, 2)):
                before = dice.choice((1, 2, 3, 10, 60, 300, 1200)) * SECOND
                handing.change_hands(dice.choice(("wake", "night")), due - before)
            if dice.random() < 0.2:
                house.go(max(house.clock.at, due - dice.randint(1, 100) * SECOND))
                house.die()
                house.go(dice.randint(1, 300) * SECOND)
                house.start(handing.book)
            house.go(max(house.clock.at, due + NEAR + MINUTE))
            assert house.hands["heater"].on == (name == "wake"), (seed, day, name)
    house.sync(handing.book)
    house.sync(handing.book)
    assert not house.plan(handing.book, "heater").pending


@pytest.mark.parametrize("seed", range(12))
def test_each_thing_is_done_once_whoever_has_the_rule(tmp_path: Path, seed: int) -> None:
    with living(tmp_path) as house:
        live(house, seed)
        deeds = house.deeds("heater")
    assert [deed.setting["on"] for deed in deeds] == [True, False] * DAYS
    late = [deed.at - due_before(deed.at) for deed in deeds]
    assert all(each <= NEAR for each in late), late


@pytest.mark.parametrize("ahead_s", [-45, 45])
@pytest.mark.parametrize("seed", range(6))
def test_a_device_whose_clock_is_wrong_is_switched_once_all_the_same(tmp_path: Path, seed: int, ahead_s: int) -> None:
    with living(tmp_path, ahead_s) as house:
        live(house, seed)
        switched = [change for change in house.hands["heater"].changes if change.by != "start"]
    assert [change.on for change in switched] == [True, False] * DAYS
