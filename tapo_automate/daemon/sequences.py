"""Rules with `steps`, under way: which step comes when, over restarts and further firings of the same rule.

A step stands at a fixed distance from the beginning, so where a sequence is can be computed from the time alone.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tapo_automate.device import Setting
from tapo_automate.errors import TapoAutomateError
from tapo_automate.rules.catchup import merged
from tapo_automate.rules.model import Firing, Rule


@dataclass(slots=True)
class Run:
    """One firing's steps on one device.

    begun: what the waits count from.  next: the number of the first setting not ordered yet.  open: those ordered and
    not settled.  queue: firings that wait for this one to end.  problem: what went wrong with the last step settled.
    """

    firing: Firing
    begun: dt.datetime
    next: int = 0
    open: int = 0
    tries: int = 0
    queue: deque[Firing] = field(default_factory=deque)
    problem: TapoAutomateError | None = None

    @property
    def wake_at(self) -> dt.datetime | None:
        """When the next step is due, None after the last."""
        settings = self.firing.settings
        return self._at(settings[self.next][0]) if self.next < len(settings) else None

    @property
    def over(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        return self.next >= len(self.firing.settings) and self.open == 0

    def due(self, now: dt.datetime) -> tuple[int, dt.datetime, Setting] | None:
        """Return (number, instant, setting) of what is to be set now, or None.

        Of several steps whose time has passed, the last is given, filled up from the earlier ones: what the device
        would show by now.  A toggle among them is left out, since nobody knows what it would have made.
        """
        settings = self.firing.settings
        passed = [n for n in range(self.next, len(settings)) if self._at(settings[n][0]) <= now]
        if not passed:
            return None
        self.next = passed[-1] + 1
        number, wanted = passed[-1], settings[passed[-1]][1]
        for earlier in reversed(passed[:-1]):
            if not wanted.toggle and not settings[earlier][1].toggle:
                wanted = merged(settings[earlier][1], wanted)
        self.open += 1
        return number, self._at(settings[number][0]), wanted

    def _at(self, after_s: int) -> dt.datetime:
        return self.begun + dt.timedelta(seconds=after_s)


class Sequences:
    """The runs by rule and device."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    @property
    def wake_at(self) -> dt.datetime | None:
        """When the next step of any run is due."""
        return min((at for run in self._runs.values() if (at := run.wake_at) is not None), default=None)

    def of(self, rule: Rule, device_id: str) -> Run | None:
        """Return the run of a rule on a device, or None."""
        return self._runs.get((rule.id, device_id))

    def start(self, firing: Firing, begun: dt.datetime) -> Run:
        """Begin a run; one that is under way is replaced, and its queue taken over."""
        before = self._runs.get((firing.rule.id, firing.device_id))
        run = Run(firing, begun, queue=before.queue if before else deque())
        self._runs[firing.rule.id, firing.device_id] = run
        return run

    def resume(self, run: Run) -> None:
        """Go on with a run of an earlier process."""
        self._runs[run.firing.rule.id, run.firing.device_id] = run

    def end(self, run: Run) -> None:
        """Forget a run."""
        self._runs.pop((run.firing.rule.id, run.firing.device_id), None)

    def shift(self, by: dt.timedelta) -> None:
        """Move the beginnings with a clock that was set: waits are elapsed time."""
        for run in self._runs.values():
            run.begun += by
