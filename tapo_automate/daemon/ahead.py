"""Asking devices, some minutes ahead, whether they mean to do what they are to do.

What they answer can only raise doubts: a row that is somebody else's may come first, and says nothing.  A value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tapo_automate.daemon.agenda import Agenda
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.verifying import Verifier, tolerance_of
from tapo_automate.journal.entry import Key
from tapo_automate.rows import NextEvent
from tapo_automate.rules.model import AtDate, AtSun, AtTime, Rule, Site
from tapo_automate.rules.recur import Moment, moments_after
from tapo_automate.sync.model import Recorded

AHEAD = dt.timedelta(minutes=5)
SHORTEST = dt.timedelta(seconds=15)  # between an answer and what it is about


class Expected(NamedTuple):
    """What one device is to do next by one of its rows.  within: how far off it may do that."""

    key: Key
    row: Recorded
    within: dt.timedelta

    @property
    def at(self) -> dt.datetime:
        return self.key[2]


class Ahead:
    """Knows what comes next of each rule that a device carries out."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._rules: Mapping[str, Rule] = {}
        self._site: Site | None = None
        self._series: dict[str, Iterator[Moment]] = {}
        self._next: Agenda[tuple[Iterator[Moment], str, dt.datetime]] = Agenda()
        self._asked: dict[str, list[Expected]] = {}  # by device

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` has something to do."""
        return self._next.wake_at

    def begin(self, rules: Mapping[str, Rule], site: Site, now: dt.datetime) -> None:
        """Plan anew: other rules, or a clock that was set."""
        self._rules, self._site = rules, site
        self._series.clear()
        self._next = Agenda()
        self._asked.clear()
        self.fill(now)

    def fill(self, now: dt.datetime) -> None:
        """Plan for the rules that devices carry out, and that are not planned for yet."""
        for rule_id, _ in self._verifier.partition or ():
            rule = self._rules.get(rule_id)
            if rule_id in self._series or rule is None or self._site is None:
                continue
            if isinstance(rule.trigger, AtTime | AtSun | AtDate):
                self._series[rule_id] = moments_after(rule, self._site, now)
                self._step(rule_id, now)

    def advance(self, now: dt.datetime, effects: Effects) -> None:
        """Ask the devices whose instants come near."""
        for series, rule_id, at in self._next.take(now):
            if self._series.get(rule_id) is not series:
                continue
            if not self._ask(self._rules[rule_id], at, now, effects):
                del self._series[rule_id]  # no device does it any more
                continue
            self._step(rule_id, now)

    def told(self, device_id: str, event: NextEvent | None, asked: dt.datetime) -> None:
        """A device has said what it does next.  asked: not after the answer; aware, UTC."""
        for expected in self._asked.pop(device_id, ()):
            if asked + expected.within >= expected.at:
                continue  # it may have done it already
            if event is None:
                said = "that nothing comes next"
            elif event.at > expected.at + expected.within:
                assert self._site is not None
                said = f"that it does nothing before {event.at.astimezone(self._site.timezone):%Y-%m-%d %H:%M:%S}"
            elif event.at < asked - expected.within - SHORTEST:
                assert self._site is not None
                was = f"{event.at.astimezone(self._site.timezone):%Y-%m-%d %H:%M:%S}"
                said = f"that it waits for {was}, so that its clock is wrong"
            else:
                continue
            self._verifier.doubt(expected.key, expected.row, f"asked before, it said {said}")

    def failed(self, device_id: str) -> None:
        """A device gave no answer, or cannot say: nothing is known."""
        self._asked.pop(device_id, None)

    def _step(self, rule_id: str, now: dt.datetime) -> None:
        series = self._series[rule_id]
        try:
            at = next((moment.at for moment in series if moment.at > now + SHORTEST), None)
        except Exception:  # the engine comes to the same instant, and names the rule
            at = None
        if at is not None:
            self._next.add(at - AHEAD, (series, rule_id, at))

    def _ask(self, rule: Rule, at: dt.datetime, now: dt.datetime, effects: Effects) -> bool:
        partition = self._verifier.partition or {}
        rows = [(device_id, partition.get((rule.id, device_id))) for device_id in rule.device_ids]
        for device_id, row in rows:
            if row is None or row.table != "schedule" or row.phase or row.ignored:
                continue  # it need not be there
            within = tolerance_of(rule, row)
            if now + within + SHORTEST < at:
                self._asked.setdefault(device_id, []).append(Expected((rule.id, device_id, at), row, within))
                effects.looks.add(("next", device_id))
        return any(row is not None for _, row in rows)
