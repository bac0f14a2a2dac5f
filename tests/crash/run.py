"""Brings daemons to life and kills them, while people press buttons; what came of it is a Record."""

from __future__ import annotations

import datetime as dt
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crash import scenario
from crash.life import NOT_DRAINED, Plan
from crash.nursery import Nursery
from crash.points import POINTS
from crash.record import Life, Record, commands_of, instant, looks_of, read_diary
from tapo_automate.daemon import CompressedClock
from tapo_automate.journal.database import NAME
from tapo_automate.journal.entry import Entry
from tapo_automate.journal.store import Journal
from tapo_automate.simulator import Device, Fleet

KEEP_DAYS = 30
OLD_ENTRIES = 700  # more than are pruned in one transaction
SETTLING_S = 11.0  # real seconds at the end, without a death
DRAINED_WITHIN_S = 30.0
# Points that a life passes many times.
COMMON = frozenset(point for point in POINTS if point.startswith(("record.", "commit.", "order", "apply.", "look.")))
COMMON |= {"meter.answered", "alive.told"}
AT_THE_START = ("schema.before", "schema.after")  # and never again


class Tally:
    """How often the points have killed, over all runs; safe to use from many threads."""

    def __init__(self) -> None:
        self.killed: Counter[str] = Counter()
        self.lives = 0
        self._lock = threading.Lock()

    def count(self, how: str) -> None:
        with self._lock:
            self.lives += 1
            self.killed[how] += 1

    def rarest(self, dice: random.Random, among: frozenset[str]) -> str:
        """Return one of the points that have killed least."""
        with self._lock:
            least = min(self.killed[point] for point in among)
            return dice.choice(sorted(point for point in among if self.killed[point] == least))

    def never(self) -> set[str]:
        """Return the points that have not killed yet."""
        with self._lock:
            return {point for point in POINTS if not self.killed[point]}


@dataclass
class House:
    """Simulated devices, and people who press their buttons.  `dice` decides when."""

    devices: dict[str, Device]
    clock: CompressedClock
    dice: random.Random
    _next: dict[str, dt.datetime] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, clock: CompressedClock, dice: random.Random) -> Iterator[House]:
        with Fleet() as fleet:
            devices = {
                name: fleet.add(
                    wish.profile,
                    **scenario.ACCOUNT,
                    transport=wish.transport,
                    on=wish.on,
                    trace=wish.trace,
                    nickname=name,
                    now=lambda: clock.now().timestamp(),
                    keep_calls=1_000_000,
                )
                for name, wish in scenario.DEVICES.items()
            }
            house = cls(devices, clock, dice)
            for name in devices:
                house._plan(name, clock.now())
            yield house

    def live(self, real_s: float) -> None:
        """Let so much time pass, with people in it."""
        until = time.monotonic() + real_s
        while (left_s := until - time.monotonic()) > 0:
            now = self.clock.now()
            for name in [name for name, at in self._next.items() if at <= now]:
                # Somebody who leaves a rail or lamp alone is no news: they turn these on, and rules turn them off.
                if name == "tv" or not self.devices[name].on:
                    self.devices[name].press()
                self._plan(name, now)
            time.sleep(min(left_s, 0.02))

    def _plan(self, name: str, now: dt.datetime) -> None:
        if pressed := scenario.DEVICES[name].pressed:
            self._next[name] = now + dt.timedelta(seconds=self.dice.uniform(*pressed))


class Undertaker:
    """Leads one run.  seed: of everything that is drawn.  tally: shared with other runs."""

    def __init__(self, folder: Path, seed: int, tally: Tally, speed: float = scenario.SPEED) -> None:
        self._folder = folder
        self._seed = seed
        self._tally = tally
        self._speed = speed
        self._dice = random.Random(seed)
        self._lives: list[Life] = []
        self._integrity: list[str] = []

    def kill(self, kills: int, more: int = 0) -> Record:
        """Let so many lives end by SIGKILL, and one in good order after them.

        more: how many lives may be added for points that have not killed yet.
        """
        with self._house() as (house, nursery, plan):
            left, looked = kills, self._dice.choice((0.0, 120.0))
            while left or (more and self._tally.never()):
                number = len(self._lives)
                if number % 25 == 2:
                    self._remember_old_times()
                planned = replace(plan, number=number, look_s=looked, **self._death(number))
                if not left:
                    more -= 1
                # A point on the way of a stop is never met by a life that is not told to stop.
                on_the_way = bool(planned.armed) and all(point.startswith("stop.") for point in planned.armed)
                died = self._one(house, nursery, planned, gently=on_the_way or self._dice.random() < 0.08)
                left -= died and left > 0
                if self._dice.random() < 0.1:
                    self._check_integrity()
                house.live(self._dice.choice((0.0, 0.0, 0.05, 0.1, 0.3, 0.8)))
            self._last(house, nursery, replace(plan, number=len(self._lives), look_s=looked))
            return self._record(house, plan)

    def stop(self, times: int) -> Record:
        """Let so many lives end by SIGTERM."""
        with self._house() as (house, nursery, plan):
            for number in range(times):
                begun = self._begin(nursery, replace(plan, number=number))
                house.live(self._dice.uniform(0.1, 2.5))
                self._stop(nursery, number, begun)
                house.live(self._dice.uniform(0, 0.5))
            self._last(house, nursery, replace(plan, number=times))
            return self._record(house, plan)

    def suspend(self, sleeps_s: tuple[float, ...], prompt_s: float) -> Record:
        """Let one life be stopped and continued, for so many real seconds each."""
        with self._house() as (house, nursery, plan):
            begun = self._begin(nursery, replace(plan, number=0, prompt_s=prompt_s))
            for sleep_s in sleeps_s:
                house.live(self._dice.uniform(1, 3))
                nursery.send(signal.SIGSTOP)
                self._lives.append(Life(0, begun, self._at_work(0, begun), self._clock.now(), "suspended"))
                house.live(sleep_s)
                begun = self._clock.now()
                nursery.send(signal.SIGCONT)
            house.live(SETTLING_S)
            self._stop(nursery, 0, begun)
            self._last(house, nursery, replace(plan, number=1))
            return self._record(house, plan)

    # ---------------------------------------------------------------- lives

    @contextmanager
    def _house(self) -> Iterator[tuple[House, Nursery, Plan]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with Nursery(self._folder / "stderr.txt") as nursery:
            began = time.time()
            self._clock = CompressedClock(scenario.START, self._speed, began=began)
            with House.open(self._clock, self._dice) as house:
                book = scenario.book({name: device.address for name, device in house.devices.items()})
                paths = self._folder / "rules.toml", self._folder / "other.toml"
                for path, text in zip(paths, (book.text, book.other), strict=True):
                    path.write_text(text)
                plan = Plan(
                    number=0,
                    folder=str(self._folder / "state"),
                    rules=(str(paths[0]), str(paths[1])),
                    log=str(self._folder / "diary.jsonl"),
                    start=scenario.START.isoformat(),
                    speed=self._speed,
                    began=began,
                    **scenario.ACCOUNT,
                    poll_s=scenario.POLL_S,
                    look_s=0,
                    keep_days=KEEP_DAYS,
                )
                yield house, nursery, plan

    def _begin(self, nursery: Nursery, plan: Plan) -> dt.datetime:
        begun = self._clock.now()
        nursery.bear(plan.to_json())
        return begun

    def _one(self, house: House, nursery: Nursery, plan: Plan, *, gently: bool) -> bool:
        """Live a life as planned; return whether it ended by SIGKILL."""
        begun = self._begin(nursery, plan)
        ends = time.monotonic() + self._length_s(plan)
        while (status := nursery.wait(0)) is None and (left_s := ends - time.monotonic()) > 0:
            house.live(min(left_s, 0.03))
        if status is None and gently:
            nursery.send(signal.SIGTERM)
            status = nursery.wait(DRAINED_WITHIN_S)
        if status is None:
            nursery.send(signal.SIGKILL)
            status = nursery.wait(10)
        assert status is not None, "SIGKILL does not kill"
        self._buried(plan.number, begun, status)
        return status == -signal.SIGKILL

    def _last(self, house: House, nursery: Nursery, plan: Plan) -> None:
        begun = self._begin(nursery, plan)
        house.live(SETTLING_S)
        self._stop(nursery, plan.number, begun)

    def _stop(self, nursery: Nursery, number: int, begun: dt.datetime) -> None:
        nursery.send(signal.SIGTERM)
        status = nursery.wait(DRAINED_WITHIN_S)
        assert status is not None, f"life {number} does not end within {DRAINED_WITHIN_S:.0f} s of SIGTERM"
        self._buried(number, begun, status)

    def _buried(self, number: int, begun: dt.datetime, status: int) -> None:
        point = next((line["died_at"] for line in self._diary(number) if "died_at" in line), "")
        how = {0: "stopped", NOT_DRAINED: "stopped undrained", -signal.SIGKILL: point or "killed"}.get(status, "")
        assert how, f"life {number} ended with status {status}; {self._folder / 'stderr.txt'} says why"
        self._lives.append(Life(number, begun, self._at_work(number, begun), self._clock.now(), how))
        self._tally.count(how)

    def _at_work(self, number: int, begun: dt.datetime) -> dt.datetime | None:
        return next((max(begun, instant(line["t"])) for line in self._diary(number) if "started" in line), None)

    def _diary(self, number: int) -> list[dict[str, Any]]:
        return read_diary(self._folder / "diary.jsonl", number)

    def _length_s(self, plan: Plan) -> float:
        """Return for how many real seconds a life is let live, if no point ends it before."""
        if plan.number < len(AT_THE_START):
            return 3.0
        if self._dice.random() < 0.05:
            return self._dice.uniform(4.0, 6.0)
        if plan.armed:
            return self._dice.uniform(0.4, 2.0)
        return min(0.05 + self._dice.expovariate(1 / 0.7), 3.0)

    def _death(self, number: int) -> dict[str, object]:
        """Return which points are to kill a life, and when it is given another book."""
        if number < len(AT_THE_START):
            return {"armed": {AT_THE_START[number]: 1}}
        reachable = frozenset(POINTS) - frozenset(AT_THE_START)
        armed: dict[str, int] = {}
        if self._dice.random() < 0.6:
            armed = dict.fromkeys(self._tally.never() & reachable - COMMON, 1)
            target = self._tally.rarest(self._dice, reachable)
            armed[target] = self._dice.randint(1, 8) if target in COMMON else self._dice.randint(1, 2)
        elif self._dice.random() < 0.5:
            armed = {self._dice.choice(sorted(COMMON)): self._dice.randint(1, 25)}
        reloads = [self._dice.uniform(0.0, 0.8) for _ in range(self._dice.choice((0, 0, 1, 3)))]
        return {"armed": armed, "reloads": tuple(reloads)}

    # ---------------------------------------------------------------- the journal, from outside

    def _remember_old_times(self) -> None:
        """Give the journal something to prune."""
        before = scenario.START - dt.timedelta(days=KEEP_DAYS + 100 + len(self._lives))
        old = [
            Entry("old", "long-gone", before + dt.timedelta(minutes=n), before, before, "done")
            for n in range(OLD_ENTRIES)
        ]
        with Journal.open(self._folder / "state", keep_days=KEEP_DAYS) as journal:
            journal.record(old)

    def _check_integrity(self) -> None:
        with closing(sqlite3.connect(f"file:{self._folder / 'state' / NAME}?mode=ro", uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            self._integrity.append(f"after life {len(self._lives) - 1}: {'; '.join(found)}")

    def _record(self, house: House, plan: Plan) -> Record:
        self._check_integrity()
        with Journal.open(self._folder / "state", keep_days=KEEP_DAYS) as journal:
            entries = [entry for entry in journal.entries(newest_first=False) if entry.rule != "old"]
            return Record(
                seed=self._seed,
                folder=self._folder,
                lives=self._lives,
                commands={name: commands_of(name, device) for name, device in house.devices.items()},
                looks={name: looks_of(device) for name, device in house.devices.items()},
                shown={name: device.changes for name, device in house.devices.items()},
                entries=entries,
                changes=journal.changes(newest_first=False),
                runs=journal.runs(),
                memory={kind: journal.memory(kind) for kind in ("run", "away", "house")},
                lines=read_diary(Path(plan.log)),
                stderr=(self._folder / "stderr.txt").read_text(),
                integrity=self._integrity,
                speed=self._speed,
            )
