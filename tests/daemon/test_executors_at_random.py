"""Hand-overs, deaths and rows that vanish, at random moments: each day each effect comes, and comes once."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest

from daemon.house import DAY
from daemon.tabled_house import OFF, ON, Tabled
from tapo_automate import Rule
from tapo_automate.rules.model import AtTime

SECOND, DAY_LONG = dt.timedelta(seconds=1), dt.timedelta(days=1)
DAYS = 8
WAKE = Rule("wake", ("lamp",), AtTime(dt.time(7)), ON)
NIGHT = Rule("night", ("lamp",), AtTime(dt.time(23)), OFF)
DUE = {"wake": dt.timedelta(hours=7), "night": dt.timedelta(hours=23)}
RULES = {"wake": WAKE, "night": NIGHT}


class Sync:
    """Moves rules between the ledger and the device's plan, and may die on the way."""

    def __init__(self, home: Tabled, dice: random.Random) -> None:
        self.home, self.dice = home, dice
        self.phase: dict[str, str] = {}
        self.given_late = 0  # rows that a late device was given when the daemon had done today's already
        self.off_by = dice.randint(-50, 55) * SECOND  # the device's clock

    def write(self) -> None:
        rows = [self.home.row(RULES[name], f"S-{name}", phase=phase) for name, phase in sorted(self.phase.items())]
        self.home.record({"lamp": rows})

    def plan(self, name: str) -> None:
        """The device has the row from now on."""
        now, toy = self.home.clock.at, self.home.toy()
        toy.live()
        for day in range(DAYS + 3):
            at = DAY + day * DAY_LONG + DUE[name] + self.off_by
            if at > now:
                toy.plan.append((at, RULES[name].setting))
                self.given_late += at - self.off_by <= now

    def unplan(self, name: str) -> None:
        toy = self.home.toy()
        toy.live()
        toy.plan = [each for each in toy.plan if each[1] != RULES[name].setting]

    def step(self, name: str) -> None:
        """One stage of bringing a rule to the device or taking it away."""
        dies = self.dice.random() < 0.3
        match self.phase.get(name):
            case None:
                self.phase[name] = "coming"
                self.write()
                if not dies:
                    self.plan(name)
                    self.phase[name] = ""
            case "coming":  # the next sync finds out what is there, and goes on
                self.unplan(name)
                self.plan(name)
                self.phase[name] = ""
            case "":
                self.phase[name] = "leaving"
                self.write()
                if not dies:
                    self.unplan(name)
                    del self.phase[name]
            case "leaving":
                self.unplan(name)
                del self.phase[name]
        self.write()


@pytest.mark.parametrize("seed", range(10))
def test_each_effect_comes_once_a_day(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    home = Tabled(tmp_path, "lamp")
    sync = Sync(home, dice)
    home.start(WAKE, NIGHT, look_s=dice.choice([0, 600]))
    for day in range(DAYS):
        for name, due in DUE.items():
            before = DAY + day * DAY_LONG + due
            for _ in range(dice.randint(0, 2)):  # near the instants, where it matters
                moment = max(home.clock.at, before + dice.randint(-400, 100) * SECOND)
                home.go(moment)
                sync.step(dice.choice(["wake", "night"]))
            if dice.random() < 0.2:
                home.go(max(home.clock.at, before + dice.randint(-400, 100) * SECOND))
                home.die_until(home.clock.at + dice.randint(1, 300) * SECOND)
                home.start(WAKE, NIGHT, look_s=600)
            if dice.random() < 0.1:  # somebody removes a row in the app, and no ledger knows
                sync.unplan(name)
                if name in sync.phase:
                    sync.phase[name] = "leaving"
            home.go(max(home.clock.at, before + 500 * SECOND))
            assert home.toy().now.on == (name == "wake"), (seed, day, name)
    home.go(DAY + DAYS * DAY_LONG)

    entries = home.entries().values()
    assert len(entries) == 2 * DAYS
    assert {entry.result for entry in entries} <= {"done", "already"}, [e for e in entries if e.result == "withheld"]
    happened = [(at, setting.on) for at, setting in home.toy().did] + [(at, setting.on) for at, _, setting in home.told]
    for day in range(DAYS):
        for name, due in DUE.items():
            nominal = DAY + day * DAY_LONG + due
            near = [
                at for at, on in happened if abs(at - nominal) < dt.timedelta(minutes=10) and on == (name == "wake")
            ]
            assert near, (seed, day, name)
    assert len(happened) - 2 * DAYS <= sync.given_late, (seed, happened)
