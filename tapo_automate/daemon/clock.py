"""The clocks that a daemon can run by.  Here, and at the command line, time is read; nowhere below."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Final, Protocol

# Before this day the program did not exist: a machine without a battery for its clock that says so is wrong.
MADE: Final = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Jump:
    """What happened to a clock beside running, in seconds.

    set_s: it was set forwards (positive) or backwards; nothing but the clock has changed.
    slept_s: the machine slept that long; the world went on meanwhile.
    """

    set_s: float
    slept_s: float = 0.0

    @property
    def by_s(self) -> float:
        """By how much the clock is ahead of where it would be."""
        return self.set_s + self.slept_s


class Clock(Protocol):
    """Tells the time and how long to wait for a later one."""

    def now(self) -> dt.datetime:
        """Return this instant, aware, in UTC."""

    def real_s(self, span_s: float) -> float:
        """Return how many real seconds pass while this clock moves on by span_s."""

    def jump(self) -> Jump:
        """Return what happened to the clock since this was last asked."""

    def plausible(self) -> bool:
        """Whether the clock can be right at all."""


class WallClock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._ahead_s, self._asleep_s = _offsets_s()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def real_s(self, span_s: float) -> float:
        return span_s

    def jump(self) -> Jump:
        ahead_s, asleep_s = _offsets_s()
        slept_s, by_s = asleep_s - self._asleep_s, ahead_s - self._ahead_s
        self._ahead_s, self._asleep_s = ahead_s, asleep_s
        return Jump(by_s - slept_s, slept_s)

    def plausible(self) -> bool:
        return self.now() >= MADE


class CompressedClock:
    """A clock that starts at `start` and runs `speed` times as fast as real time.

    began: the machine's wall clock, in Unix seconds, when it showed `start`; two processes that are given the same
    agree on the time.  Without it: now.
    """

    def __init__(self, start: dt.datetime, speed: float, *, began: float | None = None) -> None:
        self._start = start
        self._speed = speed
        self._began = time.monotonic() - (0.0 if began is None else time.time() - began)

    def now(self) -> dt.datetime:
        return self._start + dt.timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    def real_s(self, span_s: float) -> float:
        return span_s / self._speed

    def jump(self) -> Jump:
        return Jump(0.0)

    def plausible(self) -> bool:
        return True


def ticking_s() -> float:
    """Return seconds that pass whatever happens to any clock: a measure of the program's own progress."""
    return time.monotonic()


def _offsets_s() -> tuple[float, float]:
    """Return how far the wall clock is ahead of the monotonic one, and how long the machine has slept.

    Where a system does not tell sleep from a clock that was set (no CLOCK_BOOTTIME), all counts as set.
    """
    monotonic = time.monotonic()
    asleep_s = time.clock_gettime(time.CLOCK_BOOTTIME) - monotonic if hasattr(time, "CLOCK_BOOTTIME") else 0.0
    return time.time() - monotonic, asleep_s
