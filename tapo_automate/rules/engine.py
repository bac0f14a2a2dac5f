"""Told instants and readings, answers firings.

This file knows no clock: time passes only through `advance`.  A firing is named by (rule, device, nominal instant)
and is given out once, whatever `now` does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush, heapreplace
from typing import TypeAlias

from tapo_automate.rules.model import Firing, PowerPast, Rule, Site
from tapo_automate.rules.power import Latch, observed
from tapo_automate.rules.recur import moments_after
from tapo_automate.rules.support import not_carried_out

LatchKey: TypeAlias = tuple[str, str]  # rule id, device id
_TICK = dt.timedelta.resolution


@dataclass(frozen=True, slots=True)
class Reading:
    """A device's load as it was measured.  at: aware, UTC."""

    device_id: str
    at: dt.datetime
    power_w: float


def runnable(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules that are carried out: enabled, and of a kind that this version supports."""
    return [rule for rule in rules if rule.enabled and not_carried_out(rule) is None]


def jitter_s(rule: Rule, device_id: str) -> int:
    """Return by how many seconds the firings of a rule are delayed for a device: 0 to rule.jitter_s, fixed for good."""
    if not rule.jitter_s:
        return 0
    digest = hashlib.sha256(f"{rule.id}\0{device_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % (rule.jitter_s + 1)


class Engine:
    """Carries rules through time.  Not safe to call from two threads at once.

    rules: those to run (see `runnable`).  start: aware; the first due instant that counts.
    max_gap_s: the longest pause between readings over which a power rule's hold goes on.
    latches: power rules' state from an earlier engine; keys that fit no rule here are dropped.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        site: Site,
        start: dt.datetime,
        *,
        max_gap_s: float = 120,
        latches: Mapping[LatchKey, Latch] | None = None,
    ) -> None:
        self._site = site
        self._max_gap_s = max_gap_s
        self._series: list[_Series] = []
        self._latching: dict[str, list[tuple[int, Rule, PowerPast]]] = {}
        self._latches: dict[LatchKey, Latch] = {}
        self._heap: list[_Entry] = []
        self._settled = dt.datetime(1, 1, 3, tzinfo=dt.UTC)  # nothing due up to here is given out any more
        for number, rule in enumerate(rules):
            if isinstance(rule.trigger, PowerPast):
                for device_id in rule.device_ids:
                    self._latching.setdefault(device_id, []).append((number, rule, rule.trigger))
                    self._latches[rule.id, device_id] = (latches or {}).get((rule.id, device_id), Latch())
            else:
                self._series.append(_Series(number, rule))
        self.skip_to(start)

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` has something to give next, if no reading comes before; None for never."""
        return self._heap[0][0] if self._heap else None

    @property
    def metered(self) -> frozenset[str]:
        """The ids of the devices whose readings matter."""
        return frozenset(self._latching)

    @property
    def latches(self) -> Mapping[LatchKey, Latch]:
        """The state of every power rule on every device, to be handed to the next engine."""
        return dict(self._latches)

    def skip_to(self, start: dt.datetime) -> None:
        """Drop what is due before `start` without enumerating it: for clocks that jump further than anyone cares.

        What was given out is not repeated, also if `start` lies before it.
        """
        self._settled = max(self._settled, _utc(start) - _TICK)
        self._heap = [entry for entry in self._heap if entry[0] > self._settled and _by_load(entry)]
        heapify(self._heap)
        for series in self._series:
            series.seek(self._site, self._settled)
            while series.step():
                if series.due > self._settled:
                    heappush(self._heap, (series.due, series.number, -1, series))
                    break
                self._push_delayed(series)  # it is past for the prompt devices, and perhaps not for these

    def advance(self, now: dt.datetime) -> list[Firing]:
        """Return every firing due up to `now` that was not given out before, in order of due.  `now`: aware.

        Costs what it returns; `now` may go back, which returns nothing.
        """
        now = _utc(now)
        heap = self._heap
        firings: list[Firing] = []
        while heap and heap[0][0] <= now:
            entry = heap[0][3]
            if isinstance(entry, Firing):
                firings.append(entry)
                heappop(heap)
                continue
            at, note = entry.moment
            for device_id in entry.prompt:
                firings.append(Firing(entry.rule, device_id, at, entry.due, note))
            if entry.delayed:
                self._push_delayed(entry)
            if entry.step():
                heapreplace(heap, (entry.due, entry.number, -1, entry))
            else:
                heappop(heap)
        self._settled = max(self._settled, now)
        return firings

    def observe(self, reading: Reading) -> list[Firing]:
        """Return the firings that a reading brings about; one delayed by jitter comes out of a later `advance`."""
        at = _utc(reading.at)
        firings: list[Firing] = []
        for number, rule, trigger in self._latching.get(reading.device_id, ()):
            key = rule.id, reading.device_id
            self._latches[key], nominal = observed(self._latches[key], trigger, at, reading.power_w, self._max_gap_s)
            if nominal is None:
                continue
            due = nominal + dt.timedelta(seconds=jitter_s(rule, reading.device_id))
            firing = Firing(rule, reading.device_id, nominal, due)
            if due <= at:
                firings.append(firing)
            else:
                heappush(self._heap, (due, number, rule.device_ids.index(reading.device_id), firing))
        return sorted(firings, key=lambda firing: firing.due)

    def move_readings_back(self, by: dt.timedelta) -> None:
        """Take the readings so far as taken earlier by as much, as when the clock that they were taken by is set back.

        A running hold goes on; without this, readings would be out of order until the clock has caught up.
        """
        self._latches = {
            key: replace(
                latch,
                since=latch.since and latch.since - by,
                last_at=latch.last_at and latch.last_at - by,
            )
            for key, latch in self._latches.items()
        }

    def _push_delayed(self, series: _Series) -> None:
        rule, (at, note) = series.rule, series.moment
        for place, device_id, delay in series.delayed:
            due = at + delay
            if due > self._settled:
                heappush(self._heap, (due, series.number, place, Firing(rule, device_id, at, due, note)))


class _Series:
    """The moments of one clock rule, and when each falls due first.

    prompt: the devices with the shortest delay, due when the series is.  delayed: (place, device id, delay) of others.
    """

    __slots__ = ("_delay", "_moments", "_spread", "delayed", "due", "moment", "number", "prompt", "rule")

    def __init__(self, number: int, rule: Rule) -> None:
        delays = [jitter_s(rule, device_id) for device_id in rule.device_ids]
        least = min(delays, default=0)
        self.number = number
        self.rule = rule
        self.prompt = [device_id for device_id, delay in zip(rule.device_ids, delays, strict=True) if delay == least]
        self.delayed = [
            (place, device_id, dt.timedelta(seconds=delay))
            for place, (device_id, delay) in enumerate(zip(rule.device_ids, delays, strict=True))
            if delay != least
        ]
        self._delay = dt.timedelta(seconds=least)
        self._spread = dt.timedelta(seconds=max(delays, default=0))

    def seek(self, site: Site, settled: dt.datetime) -> None:
        """Go to the moments that may still be due somewhere after `settled`."""
        self._moments = moments_after(self.rule, site, settled - self._spread)

    def step(self) -> bool:
        """Go to the next moment; False when there is none."""
        moment = next(self._moments, None)
        if moment is None:
            return False
        self.moment = moment
        self.due = moment[0] + self._delay if self._delay else moment[0]
        return True


_Entry: TypeAlias = tuple[dt.datetime, int, int, _Series | Firing]  # due, the rule's number, the device's place


def _by_load(entry: _Entry) -> bool:
    return isinstance(entry[3], Firing) and isinstance(entry[3].rule.trigger, PowerPast)


def _utc(instant: dt.datetime) -> dt.datetime:
    if instant.tzinfo is dt.UTC:
        return instant
    assert instant.tzinfo is not None, "an instant needs an offset"
    return instant.astimezone(dt.UTC)
