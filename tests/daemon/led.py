"""A daemon led by hand: its clock moves when the test says so, its lanes run when the test says so.

Everything else is the real thing: planner, journal, devices' doubles of `house.py`.  A year takes seconds, and every
instant is exact.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.house import DAY, House
from tapo_automate.daemon import Daemon
from tapo_automate.daemon.clock import Jump
from tapo_automate.daemon.lanes import Lanes, Work
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.model import Rule, RuleBook

Until = dt.datetime | dt.timedelta


class HandClock:
    """Stands still until it is moved.  `move` is time that passes; `set` is a hand at the clock; `sleep` a suspend."""

    def __init__(self, at: dt.datetime = DAY) -> None:
        self.at = at
        self.right = True
        self._jump = Jump(0.0)

    def now(self) -> dt.datetime:
        return self.at

    def real_s(self, span_s: float) -> float:
        return span_s

    def jump(self) -> Jump:
        jump, self._jump = self._jump, Jump(0.0)
        return jump

    def plausible(self) -> bool:
        return self.right

    def set(self, by: dt.timedelta) -> None:
        self.at += by
        self._jump = Jump(self._jump.set_s + by.total_seconds(), self._jump.slept_s)

    def sleep(self, by: dt.timedelta) -> None:
        self.at += by
        self._jump = Jump(self._jump.set_s, self._jump.slept_s + by.total_seconds())


class HandAlarm:
    """Remembers when it would ring."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self.at: dt.datetime | None = None
        self.ring: Callable[[], None] = lambda: None

    def start(self, ring: Callable[[], None]) -> None:
        self.ring = ring

    def set(self, after_s: float) -> None:
        self.at = self._clock.now() + dt.timedelta(seconds=max(after_s, 0.0))

    def stop(self) -> None:
        self.at = None


class HandLanes(Lanes):
    """Lanes whose work is done in order, by whoever calls `run`."""

    def __init__(self) -> None:
        super().__init__(1)
        self._work: deque[Work] = deque()

    def put(self, lane: str, work: Work) -> None:
        if not self._closed:
            self._work.append(work)

    def run(self) -> None:
        while self._work:
            self._work.popleft()()

    def drain(self, timeout_s: float) -> bool:
        self.run()
        return True


class Led:
    """A house and its daemon, over any number of the daemon's lives.

    folder: where the journal is kept over them, None for no journal.
    """

    def __init__(self, house: House, clock: HandClock | None = None, folder: Path | None = None) -> None:
        self.house = house
        self.clock = clock or HandClock()
        self._folder = folder
        self.journal: Journal | None = None
        self.told: list[tuple[dt.datetime, str, Any]] = []  # (instant, device, setting) as the devices were told
        for name, toy in house.toys.items():
            toy.listener = lambda setting, name=name: self.told.append((self.clock.at, name, setting))

    def start(self, *rules: Rule, book: RuleBook | None = None, **options: Any) -> Daemon:
        """Begin a life of the daemon."""
        self.alarm, self.lanes = HandAlarm(self.clock), HandLanes()
        if self._folder is not None:
            self.journal = Journal.open(self._folder)
        options.setdefault("look_s", 0)
        plugins = {"house": self.house, **options.pop("plugins", {})}
        self.daemon = Daemon(
            book or self.house.book(*rules),
            Registry(plugins),
            clock=self.clock,
            journal=self.journal,
            observe=self.house.observe,
            alarm=self.alarm,
            lanes=self.lanes,
            dice=random.Random(7),
            **options,
        )
        self.daemon.start()
        self.lanes.run()
        return self.daemon

    def go(self, until: Until, *, look_around: bool = False) -> None:
        """Let time pass, ringing the alarm whenever it is due."""
        end = self.clock.at + until if isinstance(until, dt.timedelta) else until
        while self.alarm.at is not None and self.alarm.at <= end:
            self.clock.at, self.alarm.at = max(self.clock.at, self.alarm.at), None
            self.alarm.ring()
            self.lanes.run()
        self.clock.at = max(self.clock.at, end)
        if look_around:
            self.look_around()

    def look_around(self) -> None:
        """What the watching thread does every few seconds."""
        self.daemon.look_around()
        self.lanes.run()
        self.go(dt.timedelta())

    def stop(self) -> None:
        """End this life in good order."""
        self.daemon.stop()
        if self.journal:
            self.journal.close()

    def die(self) -> None:
        """End this life as `kill -9` does: nothing more is written, said or done."""
        self.lanes.close()
        self.alarm.at = None
        if self.journal:
            self.journal.flush(5)
            self.journal.close()
