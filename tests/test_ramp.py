"""Transitions as series of settings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.device import Setting, State
from tapo_automate.ramp import MOST_STEPS, begin, ramp

LIT = State(on=True, brightness_pct=80, color_temp_k=2700)
DARK = State(on=False, brightness_pct=80, color_temp_k=2700)
PLUG = State(on=True)


def steps(now: State, setting: Setting) -> list[tuple[int, str]]:
    return [(at, str(step)) for at, step in ramp(now, setting)]


@pytest.mark.parametrize(
    ("now", "setting", "expected"),
    [
        (
            LIT,
            Setting(on=False, transition_ms=2000),
            [(0, "brightness 80"), (1000, "brightness 40"), (2000, "off, brightness 80")],
        ),
        (
            DARK,
            Setting(on=True, transition_ms=2000),
            [(0, "on, brightness 1"), (1000, "on, brightness 40"), (2000, "on, brightness 80")],
        ),
        (
            LIT,
            Setting(brightness_pct=60, color_temp_k=4700, transition_ms=2000),
            [
                (0, "brightness 80, color_temp 2700"),
                (1000, "brightness 70, color_temp 3700"),
                (2000, "brightness 60, color_temp 4700"),
            ],
        ),
        (PLUG, Setting(on=False, transition_ms=60_000), [(0, "off")]),
        (DARK, Setting(on=False, transition_ms=60_000), [(0, "off")]),
        (LIT, Setting(brightness_pct=10, transition_ms=400), [(0, "brightness 10")]),
    ],
)
def test_a_transition_moves_evenly_and_ends_where_it_was_asked_to(
    now: State, setting: Setting, expected: list[tuple[int, str]]
) -> None:
    assert steps(now, setting) == expected


@given(
    st.builds(State, on=st.booleans(), brightness_pct=st.integers(1, 100), color_temp_k=st.integers(2500, 6500)),
    st.builds(
        Setting,
        on=st.none() | st.booleans(),
        brightness_pct=st.none() | st.integers(1, 100),
        color_temp_k=st.none() | st.integers(2500, 6500),
        transition_ms=st.integers(0, 7_200_000),
    ),
)
def test_every_step_is_in_range_in_order_and_at_most_once_a_second(now: State, setting: Setting) -> None:
    planned = ramp(now, setting)
    assert len(planned) <= MOST_STEPS + 1
    ats = [at for at, _ in planned]
    assert all(later - sooner >= 1000 for sooner, later in pairwise(ats))
    assert ats[-1] == (setting.transition_ms if len(planned) > 1 else 0)
    assert all(step.brightness_pct is None or 1 <= step.brightness_pct <= 100 for _, step in planned)
    assert all(step.transition_ms is None and not step.toggle for _, step in planned)
    assert all(step.on is not False for _, step in planned[:-1]), "a lamp that fades out is lit until the end"
    last = planned[-1][1]
    assert last.on == setting.on
    assert setting.brightness_pct in (None, last.brightness_pct) or setting.on is False


class Lamp:
    def __init__(self, on: bool) -> None:
        self.now, self.told = State(on), list[Setting]()

    def state(self) -> State:
        return self.now

    def apply(self, setting: Setting) -> None:
        self.told.append(setting)


@pytest.mark.parametrize("on", [True, False])
def test_a_toggle_sets_the_opposite(on: bool) -> None:
    lamp = Lamp(on)
    assert begin(lamp, Setting(toggle=True)) == []  # type: ignore[arg-type]
    assert lamp.told == [Setting(on=not on)]
