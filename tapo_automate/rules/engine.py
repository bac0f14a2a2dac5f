"""Told instants, readings and sightings, answers firings.

This file knows no clock: time passes only through `advance`.  A firing is named by (rule, device, nominal instant)
and is given out once, until `go_back` says that its time is to come again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple, TypeAlias

from tapo_automate.rules.memory import LatchKey, Memory, Remembered
from tapo_automate.rules.model import AfterDelay, Away, Firing, PowerPast, Rule, Site, StateTurns
from tapo_automate.rules.power import Latch, fitted, observed
from tapo_automate.rules.series import AwaySeries, Series, jitter_s
from tapo_automate.rules.support import not_carried_out
from tapo_automate.rules.turns import Sighting, Turn, seen

__all__ = ["Engine", "LatchKey", "Memory", "OnBroken", "Reading", "Sighting", "jitter_s", "runnable"]

OnBroken: TypeAlias = Callable[[Rule, Exception], None]

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


class Engine:
    """Carries rules through time.  Not safe to call from two threads at once.

    rules: those to run (see `runnable`).  start: aware; the first due instant that counts.
    max_gap_s: the longest pause over which a power rule's hold goes on, and the oldest sighting on which a hold by
    state fires.  memory: from an earlier engine (see `remember`).  away_salt: what makes the random switching of this
    site differ from that of others with the same rules; the same salt brings about the same switching.
    on_broken: told of a rule whose evaluation raised, which is a mistake of ours: the engine goes on without that rule.
    Without it, what was raised goes to the caller.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        site: Site,
        start: dt.datetime,
        *,
        max_gap_s: float = 120,
        memory: Memory | None = None,
        away_salt: bytes = b"",
        on_broken: OnBroken | None = None,
    ) -> None:
        self._site = site
        self._max_gap_s = max_gap_s
        self._on_broken = on_broken
        self._broken: set[str] = set()  # rules without which it goes on
        self._series: list[Series | AwaySeries] = []
        self._latching: dict[str, list[tuple[Rule, PowerPast]]] = {}
        self._watching: dict[str, list[_Watch]] = {}
        self._watches: dict[LatchKey, _Watch] = {}
        self._latches: Remembered[Latch] = Remembered()
        self._turns: Remembered[Turn] = Remembered()
        self._heap: list[_Entry] = []
        self._settled = dt.datetime(1, 1, 3, tzinfo=dt.UTC)  # nothing due up to here is given out any more
        for number, rule in enumerate(rules):
            try:
                self._add(number, rule, away_salt)
            except Exception as problem:
                self._go_on_without(rule, problem)
        if memory is not None:
            self.remember(memory)
        self.skip_to(start)

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` has something to give next, if nothing is observed or seen before; None for never."""
        return self._heap[0][0] if self._heap else None

    @property
    def metered(self) -> frozenset[str]:
        """The ids of the devices whose readings matter."""
        return frozenset(self._latching)

    @property
    def watched(self) -> frozenset[str]:
        """The ids of the devices whose being on or off matters."""
        return frozenset(self._watching)

    @property
    def memory(self) -> Memory:
        """How far every rule is that waits for something, to be handed to the next engine."""
        return Memory(self._latches.all(), self._turns.all())

    def latch(self, rule_id: str, device_id: str) -> Latch:
        """Return how far a power rule is on one of its devices."""
        return self._latches[rule_id, device_id]

    def remember(self, memory: Memory) -> None:
        """Take over how far an earlier engine was; what fits no rule here is dropped.

        What fired does not fire again, and a running hold goes on, also where its length was changed meanwhile; a
        power rule's hold starts anew where its threshold was.
        """
        for device_id, latching in self._latching.items():
            for rule, trigger in latching:
                key = rule.id, device_id
                if key in memory.latches:
                    self._latches.take_over(key, memory.latches[key])
                    if (as_now := fitted(memory.latches[key], trigger)) != memory.latches[key]:
                        self._latches[key] = as_now
        for key in self._watches:
            if key in memory.turns:
                self._turns.take_over(key, memory.turns[key])
        self._plan_holds(self._settled)

    def touched(self) -> Memory:
        """Return what changed since this was last asked and has to be remembered over a restart.

        Left out is what was only confirmed by a reading or sighting less than half a minute newer.
        """
        return Memory(self._latches.touched(), self._turns.touched())

    def skip_to(self, start: dt.datetime) -> None:
        """Drop what is due before `start` without enumerating it: for clocks that jump further than anyone cares.

        What was given out is not repeated, also if `start` lies before it.  Holds by state go on.
        """
        self._plan(max(self._settled, _utc(start) - _TICK))

    def go_back(self, now: dt.datetime) -> None:
        """Give out again what is due after `now`, as if it never had been: for a clock that was set back."""
        self._plan(min(self._settled, _utc(now)))

    def shift(self, by: dt.timedelta) -> None:
        """Take readings and sightings so far as taken later by as much (earlier where negative).

        For a clock that was set: no more time has passed than before, so that running holds go on and nothing comes
        out of order.
        """
        for key, latch in self._latches.all().items():
            last_at = latch.last_at and latch.last_at + by
            self._latches[key] = replace(latch, since=latch.since and latch.since + by, last_at=last_at)
        for key, turn in self._turns.all().items():
            self._turns[key] = replace(turn, since=turn.since and turn.since + by, last_at=turn.last_at + by)
        self._plan_holds(self._settled + by)

    def advance(self, now: dt.datetime) -> list[Firing]:
        """Return every firing due up to `now` that was not given out before, in order of due.  `now`: aware.

        A hold by state that is over gives all its firings at once, also those that jitter puts off.  It gives none
        while the device was not seen for longer than max_gap_s, and waits for the next `see`.
        Costs what it returns; `now` may go back, which returns nothing.
        """
        now = _utc(now)
        heap = self._heap
        firings: list[Firing] = []
        held = False
        while heap and heap[0][0] <= now:
            entry = heap[0][3]
            if isinstance(entry, Firing):
                firings.append(entry)
                heappop(heap)
            elif isinstance(entry, tuple):
                at, *_ = heappop(heap)
                if at == self._hold_ends(entry) and not self._silent(entry, now):
                    firings += self._held(entry, at)
                    held = True
            else:
                entry.give(firings)
                try:
                    if isinstance(entry, Series) and entry.delayed:
                        self._push_delayed(entry)
                    more = entry.step()
                except Exception as problem:
                    self._go_on_without(entry.rule, problem)
                    continue
                if more:
                    heapreplace(heap, (entry.due, entry.number, entry.place, entry))
                else:
                    heappop(heap)
        self._settled = max(self._settled, now)
        self._drop_void_holds()
        if held:
            firings.sort(key=_by_due)
        return firings

    def observe(self, reading: Reading) -> list[Firing]:
        """Return the firings that a reading brings about, also those that jitter puts off, in order of due."""
        at = _utc(reading.at)
        firings: list[Firing] = []
        for rule, trigger in self._latching.get(reading.device_id, ()):
            key = rule.id, reading.device_id
            latch = self._latches[key]
            try:
                latch_now, nominal = observed(latch, trigger, at, reading.power_w, self._max_gap_s)
            except Exception as problem:
                self._go_on_without(rule, problem)
                continue
            if latch_now is not latch:
                self._latches[key] = latch_now
            if nominal is not None:
                firings.append(_firing(rule, reading.device_id, nominal))
        return sorted(firings, key=_by_due)

    def see(self, sighting: Sighting) -> list[Firing]:
        """Return the firings that a sighting brings about, also those that jitter puts off, in order of due."""
        firings: list[Firing] = []
        for watch in self._watching.get(sighting.device_id, ()):
            turn = self._turns.get(watch.key)
            try:
                turn_now = seen(turn, sighting, wanted=watch.wanted, first_counts=watch.first_counts)
            except Exception as problem:
                self._go_on_without(watch.rule, problem)
                continue
            if turn_now is turn:
                continue
            self._turns[watch.key] = turn_now
            ends = self._hold_ends(watch.key)
            if ends is not None and ends <= turn_now.last_at:
                firings += self._held(watch.key, ends)
            elif ends is not None and (turn is None or turn.since != turn_now.since):
                heappush(self._heap, (ends, watch.number, watch.place, watch.key))
        self._drop_void_holds()
        return sorted(firings, key=_by_due)

    def _add(self, number: int, rule: Rule, away_salt: bytes) -> None:
        match rule.trigger:
            case PowerPast() as trigger:
                for device_id in rule.device_ids:
                    self._latching.setdefault(device_id, []).append((rule, trigger))
                    self._latches.take_over((rule.id, device_id), Latch())
            case StateTurns(device_id, turns, hold_s):
                self._watch(
                    _Watch(number, -1, rule, device_id, rule.device_ids, turns == "on", False, _seconds(hold_s))
                )
            case AfterDelay(delay_s, "on"):
                for place, device_id in enumerate(rule.device_ids):
                    self._watch(_Watch(number, place, rule, device_id, (device_id,), True, True, _seconds(delay_s)))
            case AfterDelay():  # started by `sync apply`, and counted by the device
                pass
            case Away():
                self._series += [AwaySeries(number, rule, device_id, away_salt) for device_id in rule.device_ids]
            case _:
                self._series.append(Series(number, rule))

    def _watch(self, watch: _Watch) -> None:
        self._watching.setdefault(watch.watched, []).append(watch)
        self._watches[watch.key] = watch

    def _plan(self, settled: dt.datetime) -> None:
        """Fill the heap with what is due after `settled`."""
        self._settled = settled
        self._heap = []
        for series in self._series:
            if series.rule.id not in self._broken:
                try:
                    self._plan_series(series)
                except Exception as problem:
                    self._go_on_without(series.rule, problem)
        self._plan_holds(settled)

    def _plan_series(self, series: Series | AwaySeries) -> None:
        series.seek(self._site, self._settled)
        while series.step():
            if series.due > self._settled:
                self._heap.append((series.due, series.number, series.place, series))
                break
            if isinstance(series, Series):
                self._push_delayed(series)  # it is past for the prompt devices, and perhaps not for these

    def _plan_holds(self, now: dt.datetime) -> None:
        """Fill the heap with the ends of holds, but for those that are over by now and wait for a sighting."""
        self._heap = [entry for entry in self._heap if not isinstance(entry[3], tuple)]
        for key, watch in self._watches.items():
            ends = self._hold_ends(key)
            if ends is not None and (ends > now or not self._silent(key, now)):
                self._heap.append((ends, watch.number, watch.place, key))
        heapify(self._heap)

    def _go_on_without(self, rule: Rule, problem: Exception) -> None:
        """Forget a rule whose evaluation raised, all but what it has given out; in the handler of what was raised."""
        if self._on_broken is None:
            raise problem
        self._broken.add(rule.id)
        self._series = [series for series in self._series if series.rule.id != rule.id]
        latching = {each: [pair for pair in pairs if pair[0].id != rule.id] for each, pairs in self._latching.items()}
        self._latching = {device_id: pairs for device_id, pairs in latching.items() if pairs}
        watching = {
            each: [watch for watch in some if watch.rule.id != rule.id] for each, some in self._watching.items()
        }
        self._watching = {device_id: some for device_id, some in watching.items() if some}
        self._watches = {key: watch for key, watch in self._watches.items() if key[0] != rule.id}
        self._heap[:] = [entry for entry in self._heap if _rule_id(entry[3]) != rule.id]
        heapify(self._heap)
        self._on_broken(rule, problem)

    def _push_delayed(self, series: Series) -> None:
        for place, firing in series.give_delayed():
            if firing.due > self._settled:
                heappush(self._heap, (firing.due, series.number, place, firing))

    def _hold_ends(self, key: LatchKey) -> dt.datetime | None:
        """Return when a hold by state is over, or None where none is running."""
        turn = self._turns.get(key)
        if turn is None or turn.fired or turn.since is None or turn.on != self._watches[key].wanted:
            return None
        return turn.since + self._watches[key].hold

    def _silent(self, key: LatchKey, now: dt.datetime) -> bool:
        """Return whether the device was not seen for so long that a hold waits for the next sighting."""
        return (now - self._turns[key].last_at).total_seconds() > self._max_gap_s

    def _held(self, key: LatchKey, nominal: dt.datetime) -> Iterator[Firing]:
        """Yield the firings of a hold that is over; it is not over again."""
        self._turns[key] = replace(self._turns[key], fired=True)
        watch = self._watches[key]
        for device_id in watch.device_ids:
            yield _firing(watch.rule, device_id, nominal)

    def _drop_void_holds(self) -> None:
        heap = self._heap
        while heap and isinstance(heap[0][3], tuple) and heap[0][0] != self._hold_ends(heap[0][3]):
            heappop(heap)


class _Watch(NamedTuple):
    """A rule that waits for a device to turn.  device_ids: what fires then."""

    number: int
    place: int
    rule: Rule
    watched: str
    device_ids: tuple[str, ...]
    wanted: bool
    first_counts: bool
    hold: dt.timedelta

    @property
    def key(self) -> LatchKey:
        return self.rule.id, self.watched


# due, the rule's number, the device's place, and what is due: a rule's moment, one device's part of it, a hold's end
_Entry: TypeAlias = tuple[dt.datetime, int, int, Series | AwaySeries | Firing | LatchKey]


def _rule_id(entry: Series | AwaySeries | Firing | LatchKey) -> str:
    return entry[0] if isinstance(entry, tuple) else entry.rule.id


def _firing(rule: Rule, device_id: str, nominal: dt.datetime) -> Firing:
    return Firing(rule, device_id, nominal, nominal + _seconds(jitter_s(rule, device_id)))


def _by_due(firing: Firing) -> dt.datetime:
    return firing.due


def _seconds(count: int) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def _utc(instant: dt.datetime) -> dt.datetime:
    if instant.tzinfo is dt.UTC:
        return instant
    assert instant.tzinfo is not None, "an instant needs an offset"
    return instant.astimezone(dt.UTC)
