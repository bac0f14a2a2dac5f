"""The energy meter: it integrates the load's power over the device's own clock, without loss.

This file knows no clock: every moment comes as an argument, in Unix seconds as the device believes them.
"""

from collections.abc import Callable

from tapo_automate.simulator.history import FINE_KEPT_S, HOURS_KEPT_S, History
from tapo_automate.simulator.traces import Trace

Start = Callable[[float], float]


class Meter:
    """Energy and running time of one load.

    factor: 0 while the relay is off, otherwise what share of the trace is drawn (a dimmed lamp draws less).
    hour, day: the start of the local hour and of the local day that hold a moment; by them its history is kept.
    Closed spans are in the history, the running one is exact.
    """

    def __init__(self, trace: Trace, at: float, factor: float, hour: Start, day: Start) -> None:
        self._trace = trace
        self._history = History(hour, day)
        self._began = at
        self._since = at
        self._elapsed_s = 0.0
        self._factor = factor
        self._total_j = 0.0

    @property
    def slots(self) -> int:
        """How many entries its history has; they are bounded."""
        return len(self._history)

    def watts(self, at: float) -> float:
        return self._factor * self._trace.watts(self._elapsed_at(at)) if self._factor else 0.0

    def above_at(self, limit_w: float, at: float) -> float | None:
        """Return when the power will first be above this, from at on; None if it will not."""
        if not self._factor:
            return None
        elapsed_s = self._elapsed_at(at)
        above_s = self._trace.above_s(limit_w / self._factor, elapsed_s)
        return None if above_s is None else at + max(0.0, above_s - elapsed_s)

    def total_wh(self, at: float) -> float:
        """Return all energy since the meter was made."""
        return (self._total_j + self._running(self._since, at)[0]) / 3600

    def between(self, start: float, end: float, at: float) -> tuple[float, float]:
        """Return (watt-hours, seconds switched on) from start to end, no later than at."""
        closed_j, closed_s = self._history.between(start, end)
        running_j, running_s = self._running(start, min(end, at))
        return (closed_j + running_j) / 3600, closed_s + running_s

    def mean_w(self, start: float, end: float, at: float) -> float | None:
        """Return the mean power of a slot of its history; None where it does not know it, or not to the end yet."""
        kept_s = HOURS_KEPT_S if end - start >= 3600 else FINE_KEPT_S
        if start < max(self._began, at - kept_s) or end > at:
            return None
        return self.between(start, end, at)[0] * 3600 / (end - start)

    def change(self, at: float, factor: float) -> None:
        """The relay or the dimmer moves at this moment."""
        self._close(at)
        if self._trace.from_switch_on and self._factor == 0 and factor > 0:
            self._elapsed_s = 0.0
        self._factor = factor

    def plug_in(self, at: float, trace: Trace) -> None:
        """Another load begins its trace at this moment."""
        self._close(at)
        self._trace = trace
        self._elapsed_s = 0.0

    def clock_moves(self, before: float, after: float) -> None:
        """The device's clock is set; what was measured stays where the device believed it to be."""
        self._close(before)
        self._since = after
        self._began = min(self._began, after)

    def forget(self, at: float) -> None:
        """Lose all that was measured; the load goes on."""
        self._close(at)
        self._history.clear()
        self._total_j = 0.0
        self._began = at

    def _elapsed_at(self, at: float) -> float:
        return self._elapsed_s + max(0.0, at - self._since)

    def _running(self, start: float, end: float) -> tuple[float, float]:
        start = max(start, self._since)
        if self._factor == 0 or end <= start:
            return 0.0, 0.0
        joules = self._trace.joules(self._elapsed_at(start), self._elapsed_at(end))
        return self._factor * joules, end - start

    def _close(self, at: float) -> None:
        """Put the running span away, so that its power may change."""
        if self._factor and at > self._since:
            self._total_j += self._running(self._since, at)[0]
            self._history.add(self._since, at, self._running)
        self._elapsed_s = self._elapsed_at(at)
        self._since = max(at, self._since)
