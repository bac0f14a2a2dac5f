"""How soon a meter is read again: as asked for, sooner where a rule is about to fire, seldom where it fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from tapo_automate.rules.engine import Engine
from tapo_automate.rules.model import PowerPast, Rule
from tapo_automate.rules.power import Latch

LEAST_S = 1.0
NEAR = 0.25  # of a threshold: a load this close may pass it any moment
NEAR_W = 2.0
FASTER = 5.0
LONGEST_S = 300.0
MOST_DOUBLINGS = 10  # a device may stay away for months, and numbers end


class Meters:
    """The rules that watch each meter."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            if isinstance(rule.trigger, PowerPast):
                for device_id in rule.device_ids:
                    self._rules.setdefault(device_id, []).append(rule)

    def read_again_s(self, engine: Engine, device_id: str, at: dt.datetime, power_w: float, poll_s: float) -> float:
        """Return how soon after a reading the meter is to be read again.  engine: knows how far the rules are."""
        rules = self._rules.get(device_id, [])
        latches = {rule.id: engine.latch(rule.id, device_id) for rule in rules}
        return after_reading_s(rules, latches, at, power_w, poll_s)


def after_reading_s(
    rules: Iterable[Rule], latches: Mapping[str, Latch], at: dt.datetime, power_w: float, poll_s: float
) -> float:
    """Return how long to wait for the next reading after one of power_w at `at`; never less than a second.

    rules: those that watch this meter.  latches: how far they are on it, by rule id.  A fifth of poll_s near a level
    that an armed rule waits for, or that re-arms one; and no longer than a running hold lasts, so that it fires when
    it ends.
    """
    least_s = min(LEAST_S, poll_s)
    wait_s = poll_s
    for rule in rules:
        trigger = rule.trigger
        if not isinstance(trigger, PowerPast):
            continue
        latch = latches[rule.id]
        level_w = trigger.threshold_w if latch.armed else trigger.rearm_w
        if latch.armed and latch.since is not None:
            left_s = (latch.since - at).total_seconds() + trigger.hold_s
            wait_s = min(wait_s, max(left_s, least_s))
        elif abs(power_w - level_w) <= max(NEAR * level_w, NEAR_W):
            wait_s = min(wait_s, max(poll_s / FASTER, least_s))
    return wait_s


def after_failure_s(failures: int, poll_s: float) -> float:
    """Return how long to leave a device in peace that failed so many times in a row."""
    return min(poll_s * 2.0 ** min(failures, MOST_DOUBLINGS), max(LONGEST_S, poll_s))
