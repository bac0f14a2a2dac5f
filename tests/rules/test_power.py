"""The latch, told readings by hand and by hypothesis, against an oracle that keeps the whole list."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.rules.model import PowerPast
from tapo_automate.rules.power import Latch, observed

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
WASHER = PowerPast("below", threshold_w=5, hold_s=60, rearm_w=20)
HEATER = PowerPast("above", threshold_w=1000, hold_s=0, rearm_w=800)


def second(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def fired(trigger: PowerPast, readings: list[tuple[float, float]], max_gap_s: float = 120) -> list[tuple[float, float]]:
    """Return (second of the firing reading, second of the nominal instant) for (second, watts) readings."""
    latch, found = Latch(), []
    for at, power_w in readings:
        latch, nominal = observed(latch, trigger, second(at), power_w, max_gap_s)
        if nominal is not None:
            found.append((at, (nominal - START).total_seconds()))
    return found


STORIES: dict[str, tuple[PowerPast, list[tuple[float, float]], list[tuple[float, float]]]] = {
    "a load that is low from the start fires once it has been so for the hold": (
        WASHER,
        [(0, 1), (30, 1), (59, 1), (60, 1), (90, 1)],
        [(60, 60)],
    ),
    "the firing waits for a reading and means the instant before it": (WASHER, [(0, 1), (50, 1), (75, 1)], [(75, 60)]),
    "a reading out of condition at the end of the hold starts it anew": (
        WASHER,
        [(0, 1), (50, 1), (75, 6), (80, 1), (139, 1), (141, 1)],
        [(141, 140)],
    ),
    "the threshold itself is neither below nor above": (
        WASHER,
        [(0, 5), (60, 5), (120, 5), (180, 4), (240, 4)],
        [(240, 240)],
    ),
    "it fires again only when the load has passed the rearm level": (
        WASHER,
        [(0, 1), (60, 1), (70, 20), (80, 1), (140, 1), (200, 21), (210, 1), (270, 1)],
        [(60, 60), (270, 270)],
    ),
    "without a hold the first reading fires": (HEATER, [(0, 900), (10, 1001), (20, 1500)], [(10, 10)]),
    "above re-arms below the rearm level": (
        HEATER,
        [(0, 1001), (10, 800), (20, 1001), (30, 799), (40, 1001)],
        [(0, 0), (40, 40)],
    ),
    "with the rearm level at the threshold it re-arms as soon as the condition is false": (
        PowerPast("below", 5, 0, 5),
        [(0, 1), (10, 5), (20, 1)],
        [(0, 0), (20, 20)],
    ),
    "a pause in the readings starts the hold anew": (
        WASHER,
        [(0, 1), (30, 1), (151, 1), (200, 1), (211, 1)],
        [(211, 211)],
    ),
    "a pause just as long as allowed does not": (WASHER, [(0, 1), (120, 1)], [(120, 60)]),
    "what the load did in a pause does not re-arm": (WASHER, [(0, 1), (60, 1), (9000, 1), (9060, 1)], [(60, 60)]),
    "readings that come twice or late change nothing": (
        WASHER,
        [(0, 1), (40, 1), (40, 500), (20, 500), (60, 1)],
        [(60, 60)],
    ),
    "impossible readings change nothing": (
        WASHER,
        [(0, 1), (30, math.nan), (40, -3), (50, math.inf), (60, 1)],
        [(60, 60)],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_the_latch(story: str) -> None:
    trigger, readings, expected = STORIES[story]
    assert fired(trigger, readings) == expected


def test_a_latch_can_be_written_down_and_read_back_in_the_middle_of_a_hold() -> None:
    latch, _ = observed(Latch(), WASHER, second(0), 1, 120)
    latch, _ = observed(latch, WASHER, second(50), 1, 120)
    assert latch.since is not None
    assert latch.last_at is not None
    text = json.dumps([latch.armed, latch.since.isoformat(), latch.last_at.isoformat()])
    armed, since, last_at = json.loads(text)
    again = Latch(armed, dt.datetime.fromisoformat(since), dt.datetime.fromisoformat(last_at))
    assert observed(again, WASHER, second(60), 1, 120)[1] == second(60)


def oracle(trigger: PowerPast, readings: list[tuple[float, float]], max_gap_s: float) -> list[tuple[float, float]]:
    """Decide each reading by looking back over the whole list of those that counted."""
    below = trigger.side == "below"
    counted: list[tuple[float, float]] = []
    found: list[tuple[float, float]] = []
    fired_at = -1
    for at, power_w in readings:
        if not (math.isfinite(power_w) and power_w >= 0) or (counted and at <= counted[-1][0]):
            continue
        counted.append((at, power_w))
        holds = [(w < trigger.threshold_w) if below else (w > trigger.threshold_w) for _, w in counted]
        past = [(w > trigger.rearm_w) if below else (w < trigger.rearm_w) for _, w in counted]
        same = trigger.rearm_w == trigger.threshold_w
        rearmed = [not hold and (same or gone) for hold, gone in zip(holds, past, strict=True)]
        if not holds[-1] or not (fired_at < 0 or any(rearmed[fired_at + 1 :])):
            continue
        first = len(counted) - 1
        while first > 0 and holds[first - 1] and counted[first][0] - counted[first - 1][0] <= max_gap_s:
            first -= 1
        nominal = counted[first][0] + trigger.hold_s
        if at >= nominal:
            found.append((at, nominal))
            fired_at = len(counted) - 1
    return found


watts = st.one_of(
    st.sampled_from([0.0, 4.0, 5.0, 6.0, 19.0, 20.0, 21.0, 50.0]), st.sampled_from([math.nan, -1.0, math.inf])
)


@settings(max_examples=500, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(-20, 150), watts), max_size=40),
    side=st.sampled_from(["below", "above"]),
    threshold_w=st.sampled_from([5.0, 20.0]),
    rearm_w=st.sampled_from([5.0, 20.0]),
    hold_s=st.sampled_from([0, 10, 60, 200]),
    max_gap_s=st.sampled_from([30, 120]),
)
def test_the_latch_agrees_with_a_look_back_over_all_readings(
    steps: list[tuple[int, float]], side: Any, threshold_w: float, rearm_w: float, hold_s: int, max_gap_s: int
) -> None:
    at, readings = 0, []
    for step, power_w in steps:
        at += step
        readings.append((float(at), power_w))
    trigger = PowerPast(side, threshold_w, hold_s, rearm_w)
    assert fired(trigger, readings, max_gap_s) == oracle(trigger, readings, max_gap_s)
