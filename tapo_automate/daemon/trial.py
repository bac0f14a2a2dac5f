"""A rule test, run: the daemon's own planner, led through a span of time with pretend devices.

What a test shows is therefore what the daemon does, and not what a second program makes of the same rules.  The
devices answer at once and do as they are told; nothing here reads a clock or waits.
"""

from __future__ import annotations

import datetime as dt
import random
from bisect import bisect_right
from collections import Counter, deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Outcome
from tapo_automate.daemon.inheritance import Inheritance
from tapo_automate.daemon.outbox import Order
from tapo_automate.daemon.planner import Planner
from tapo_automate.device import Setting, State
from tapo_automate.errors import TapoAutomateError
from tapo_automate.rules.model import Rule, RuleBook
from tapo_automate.rules.trials import MOST_DAYS, RuleTest

MOST_AT_ONCE = 100  # settings in a second by one rule on one device: what goes on like this never ends
MOST_DEEDS = 100_000
_TICK = dt.timedelta.resolution
_SECOND = dt.timedelta(seconds=1)
_FAR_S = 2.0 * 86_400 * MOST_DAYS  # longer than any test: nothing grows old in it, and nothing is polled


@dataclass(frozen=True, slots=True)
class Told:
    """A rule has set a device.  setting: all of it; a toggle as what it came to."""

    at: dt.datetime
    device_id: str
    setting: Setting
    rule: Rule


@dataclass(frozen=True, slots=True)
class Said:
    """A rule has told people its text."""

    at: dt.datetime
    rule: Rule


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A rule came due for a device and did nothing.  reason: half a sentence."""

    at: dt.datetime
    device_id: str
    rule: Rule
    reason: str


Deed: TypeAlias = Told | Said | HeldBack


@dataclass(frozen=True, slots=True)
class Course:
    """What happened in a test.  Instants are whole seconds, UTC.

    deeds: in order.  states: of the devices at the end.  until: the end, or where it was broken off; endless: why it
    was, or "".
    """

    deeds: tuple[Deed, ...]
    states: dict[str, State]
    until: dt.datetime
    endless: str = ""


def run_test(test: RuleTest, book: RuleBook) -> Course:
    """Lead the book through a test."""
    return _Trial(test, book).run()


class _Endless(Exception):
    """The rules go on without end."""


class _Trial:
    def __init__(self, test: RuleTest, book: RuleBook) -> None:
        self._test = test
        self._now = test.begin
        self._states = {name: test.states.get(name, State(on=False)) for name in book.devices}
        self._on_since: dict[str, dt.datetime] = {}
        self._loads = {name: tuple(at for at, _ in load) for name, load in test.power.items()}
        self._events = deque(sorted(test.events, key=lambda event: event.at))
        self._readings: dict[str, dt.datetime] = {}  # when a meter is to be read next
        self._deeds: list[Deed] = []
        self._second = test.begin
        self._in_second: Counter[tuple[str, str]] = Counter()  # settings by one rule on one device
        # A fixed seed: only waits after failures are random, and nothing fails here.
        self._planner = Planner(book, test.begin - _TICK, gap_s=_FAR_S, dice=random.Random(0))

    def run(self) -> Course:
        try:
            self._heed(self._planner.begin(Inheritance()))
            for device_id in self._states:
                self._look(device_id)
            for device_id in self._loads:
                self._meter(device_id)
            self._go_on()
        except _Endless as problem:
            return Course(tuple(self._deeds), self._states, self._whole_second(), str(problem))
        return Course(tuple(self._deeds), self._states, self._test.end)

    def _go_on(self) -> None:
        at: dt.datetime | None = self._test.begin
        while at is not None and at < self._test.end + _SECOND:
            self._now = max(self._now, at)
            while self._events and self._events[0].at <= self._now:
                event = self._events.popleft()
                self._set(event.device_id, event.setting)
                self._look(event.device_id)
            for device_id, due in list(self._readings.items()):
                if due <= self._now:
                    self._meter(device_id)
            self._heed(self._planner.advance(self._now))
            self._carry_out()
            if len(self._deeds) > MOST_DEEDS:
                raise _Endless(f"more than {MOST_DEEDS} things happen: make the test shorter")
            at = self._next()

    def _next(self) -> dt.datetime | None:
        wakes = [self._planner.wake_at, *self._readings.values(), *(event.at for event in islice(self._events, 1))]
        return min((at for at in wakes if at is not None), default=None)

    # ---------------------------------------------------------------- what the rules do

    def _heed(self, effects: Effects) -> None:
        if effects.mistakes:
            raise effects.mistakes[0]
        self._deeds += (Said(self._whole_second(), notice.rule) for notice in effects.notices)
        for event in effects.events:
            if isinstance(event, Outcome) and event.result == "withheld":
                firing = event.firing
                self._deeds.append(HeldBack(self._whole_second(), firing.device_id, firing.rule, str(event.error)))
        for what, device_id in sorted(effects.looks):
            if what == "state":
                self._look(device_id)
            elif device_id in self._loads:
                self._meter(device_id)
            else:  # nobody knows what it draws
                self._heed(self._planner.look_failed(what, device_id, self._tick()))

    def _carry_out(self) -> None:
        while orders := self._planner.take(self._now):
            for order in orders:
                self._carry_out_one(order)

    def _carry_out_one(self, order: Order) -> None:
        device_id = order.firing.device_id
        state = self._states[device_id]
        against: TapoAutomateError | None = None
        if order.setting.toggle:
            order = replace(order, setting=Setting(on=not state.on))
        elif order.look_first:
            if state.shows(replace(order.setting, transition_ms=None)):
                self._heed(self._planner.finished(order, self._tick(), already=True))
                return
            against = self._planner.against(order, state, self._now)
        if against is None:
            self._deeds.append(Told(self._whole_second(), device_id, order.setting, order.firing.rule))
            self._count(order.firing.rule, device_id)
            self._set(device_id, order.setting)
        self._heed(self._planner.finished(order, self._tick(), against))
        if device_id in self._loads:
            self._meter(device_id)

    # ---------------------------------------------------------------- what the devices do

    def _set(self, device_id: str, setting: Setting) -> None:
        """Change a device, as a rule or a person does."""
        before = self._states[device_id]
        on = not before.on if setting.toggle else setting.on is not False  # a lamp that is given a colour shows it
        white = setting.color_temp_k is not None
        coloured = setting.hue_deg is not None or setting.saturation_pct is not None
        self._states[device_id] = State(
            on=on,
            brightness_pct=_other(setting.brightness_pct, before.brightness_pct),
            color_temp_k=None if coloured else _other(setting.color_temp_k, before.color_temp_k),
            hue_deg=None if white else _other(setting.hue_deg, before.hue_deg),
            saturation_pct=None if white else _other(setting.saturation_pct, before.saturation_pct),
        )
        if on and not before.on:
            self._on_since[device_id] = self._now
        elif not on:
            self._on_since.pop(device_id, None)

    def _look(self, device_id: str) -> None:
        state = self._states[device_id]
        if device_id in self._on_since:
            state = replace(state, on_for_s=int((self._now - self._on_since[device_id]).total_seconds()))
        effects, unexplained = self._planner.saw(device_id, state, self._tick())
        self._heed(effects)
        if unexplained is not None:  # no device here has tables of its own: it was a person
            self._heed(self._planner.blame(unexplained, None, self._now))
        if device_id in self._loads:
            self._meter(device_id)

    def _meter(self, device_id: str) -> None:
        """Read a meter, and find out when to read it again: when the load changes, or a rule's `for` is over."""
        points = self._loads[device_id]
        passed = bisect_right(points, self._now)
        drawn_w = self._test.power[device_id][passed - 1][1] if passed and self._states[device_id].on else 0.0
        at = self._tick()
        self._heed(self._planner.metered_at(device_id, at, drawn_w))
        again = [at + dt.timedelta(seconds=self._planner.read_again_s(device_id, at, drawn_w, _FAR_S))]
        self._readings[device_id] = min(again + list(points[passed : passed + 1]))

    # ---------------------------------------------------------------- time

    def _tick(self) -> dt.datetime:
        """Return the present instant, later than any that was given before: what happens in a second has an order."""
        self._now += _TICK
        return self._now

    def _whole_second(self) -> dt.datetime:
        return self._now.replace(microsecond=0)

    def _count(self, rule: Rule, device_id: str) -> None:
        """Break the test off where it would go on for ever."""
        if (second := self._whole_second()) != self._second:
            self._second = second
            self._in_second.clear()
        self._in_second[rule.id, device_id] += 1
        if self._in_second[rule.id, device_id] > MOST_AT_ONCE:
            raise _Endless("the rules set each other off without end in the same second")


def _other(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
