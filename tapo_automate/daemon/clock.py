"""The clocks that a daemon can run by.  Here, and at the command line, time is read; nowhere below."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and how long to wait for a later one."""

    def now(self) -> dt.datetime:
        """Return this instant, aware, in UTC."""

    def real_s(self, span_s: float) -> float:
        """Return how many real seconds pass while this clock moves on by span_s."""

    def stepped_s(self) -> float:
        """Return by how much the clock was set forwards (or backwards, negative) since this was last asked.

        A machine that slept counts as a step forwards.
        """


class WallClock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def real_s(self, span_s: float) -> float:
        return span_s

    def stepped_s(self) -> float:
        ahead_s = time.time() - time.monotonic()
        step_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        return step_s


class CompressedClock:
    """A clock that starts at `start` and runs `speed` times as fast as real time."""

    def __init__(self, start: dt.datetime, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._began = time.monotonic()

    def now(self) -> dt.datetime:
        return self._start + dt.timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    def real_s(self, span_s: float) -> float:
        return span_s / self._speed

    def stepped_s(self) -> float:
        return 0.0
