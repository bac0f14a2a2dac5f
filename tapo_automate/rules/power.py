"""A threshold that latches: fires when the load has stayed on one side long enough, and then waits to be re-armed.

    armed ──condition for hold_s──> fired ──load past rearm_w on the other side──> armed

A latch is a plain value: it can be written down and read back, and a running hold with it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tapo_automate.rules.model import PowerPast


@dataclass(frozen=True, slots=True)
class Latch:
    """How far a power rule is on one device.

    armed: it may fire.  since: the first reading of the unbroken run in condition, or None outside one.
    last_at: the latest reading that counted; earlier ones are ignored.
    condition: what `since` is about ("below 5 W"); "" where nobody knows.
    """

    armed: bool = True
    since: dt.datetime | None = None
    last_at: dt.datetime | None = None
    condition: str = ""


def fitted(latch: Latch, trigger: PowerPast) -> Latch:
    """Return a latch, handed over from an earlier book, as `trigger` has it: a hold for another condition is over."""
    condition = _in_words(trigger)
    if latch.condition in ("", condition):
        return latch
    return Latch(latch.armed, None, latch.last_at, condition)


def observed(
    latch: Latch, trigger: PowerPast, at: dt.datetime, power_w: float, max_gap_s: float
) -> tuple[Latch, dt.datetime | None]:
    """Return the latch after a reading, and the instant that the rule means if the reading fires it.

    That instant is the first reading in condition plus hold_s; the firing waits for the first reading, at or after
    it, that is still in condition.  More than max_gap_s without a reading starts the hold anew: nobody knows what
    the load did meanwhile.  Readings out of order and impossible ones (negative, not a finite number) change nothing.
    """
    if not 0 <= power_w < float("inf") or (latch.last_at is not None and at <= latch.last_at):
        return latch, None
    condition = _in_words(trigger)
    unbroken = latch.last_at is not None and (at - latch.last_at).total_seconds() <= max_gap_s
    if not _in_condition(trigger, power_w):
        return Latch(latch.armed or _rearms(trigger, power_w), None, at, condition), None
    if not latch.armed:
        return Latch(False, latch.since, at, condition), None
    since = latch.since if latch.since is not None and unbroken else at
    nominal = since + dt.timedelta(seconds=trigger.hold_s)
    if at < nominal:
        return Latch(True, since, at, condition), None
    return Latch(False, None, at, condition), nominal


def _in_words(trigger: PowerPast) -> str:
    return f"{trigger.side} {trigger.threshold_w} W"


def _in_condition(trigger: PowerPast, power_w: float) -> bool:
    return power_w < trigger.threshold_w if trigger.side == "below" else power_w > trigger.threshold_w


def _rearms(trigger: PowerPast, power_w: float) -> bool:
    """Return whether a load out of condition is past the rearm level; where that is the threshold, it always is."""
    if trigger.rearm_w == trigger.threshold_w:
        return True
    return power_w > trigger.rearm_w if trigger.side == "below" else power_w < trigger.rearm_w
