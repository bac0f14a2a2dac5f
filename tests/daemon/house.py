"""A house of toy devices for the daemon's tests: no network, everything recorded."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate import Credentials, Description, DeviceSpec, Setting, State, Unsupported, hookimpl
from tapo_automate.daemon import CompressedClock, Daemon, Event, Outcome
from tapo_automate.registry import Registry
from tapo_automate.rules.model import Rule, RuleBook, Site

UTC = dt.UTC
DAY = dt.datetime(2026, 6, 1, tzinfo=UTC)


class Toy:
    """A device that remembers what it was told.  `before` is called before each command and may raise or wait."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[Setting] = []
        self.now = State(on=False, brightness_pct=50)
        self.watts: Callable[[], float] = lambda: 0.0
        self.before: Callable[[], None] = lambda: None
        self.listener: Callable[[Setting], None] = lambda setting: None
        self.asked = 0
        self.closed = 0

    def describe(self) -> Description:
        return Description(self.name, "toy", "1", "none")

    def state(self) -> State:
        return self.now

    def apply(self, setting: Setting) -> None:
        self.asked += 1
        self.before()
        self.told.append(setting)
        self.listener(setting)
        self.now = State(
            on=self.now.on if setting.on is None else setting.on,
            brightness_pct=setting.brightness_pct or self.now.brightness_pct,
        )

    def power_w(self) -> float:
        self.asked += 1
        self.before()
        return self.watts()

    def call(self, method: str, params: Any = None) -> Any:
        raise Unsupported(self.name, "a toy has no methods")

    def close(self) -> None:
        self.closed += 1


class House:
    """Toys by name, a registry that opens them, and a daemon run over them on a compressed clock."""

    def __init__(self, *names: str, zone: str = "UTC") -> None:
        self.toys = {name: Toy(name) for name in names}
        self.site = Site(ZoneInfo(zone))
        self.events: list[Event] = []
        self.fired: list[tuple[str, str | None]] = []
        self._told = threading.Condition()

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        return [SimpleNamespace(name="toy", open=self.open)]

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> Toy:
        return self.toys[spec.id]

    @hookimpl
    def rule_fired(self, firing: Any, error: Exception | None) -> None:
        self.fired.append((firing.rule.id, None if error is None else str(error)))

    def book(self, *rules: Rule) -> RuleBook:
        devices = {name: DeviceSpec(name, "toy", name) for name in self.toys}
        return RuleBook(self.site, devices, {}, {rule.id: rule for rule in rules})

    def observe(self, event: Event) -> None:
        with self._told:
            self.events.append(event)
            self._told.notify_all()

    @contextmanager
    def daemon(self, *rules: Rule, speed: float = 600, start: dt.datetime = DAY, **options: Any) -> Any:
        given = set(options)
        clock = options.pop("clock", None) or CompressedClock(start, speed)
        # A stall of the machine looks like hours on a compressed clock: lateness is not what these tests are about.
        options.setdefault("grace_s", 0 if "clock" in given else 86_400)
        options.setdefault("look_s", 0)
        registry = Registry({"house": self, **options.pop("plugins", {})})
        daemon = Daemon(self.book(*rules), registry, clock=clock, observe=self.observe, **options)
        daemon.start()
        try:
            yield daemon
        finally:
            daemon.stop()

    def wait_for(self, enough: Callable[[], bool], timeout_s: float = 60) -> None:
        """Wait until the events make `enough` true."""
        with self._told:
            assert self._told.wait_for(enough, timeout_s), f"still waiting; {self.events}"

    @property
    def outcomes(self) -> list[Outcome]:
        return [event for event in self.events if isinstance(event, Outcome)]


def until(true: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait for something that tells no event."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
