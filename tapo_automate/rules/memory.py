"""What an engine has to remember beyond its end: latches of power rules and turns of state rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias, TypeVar

from tapo_automate.rules.power import Latch
from tapo_automate.rules.turns import Turn

LatchKey: TypeAlias = tuple[str, str]  # rule id, id of the device that is watched
StateT = TypeVar("StateT", bound=Latch | Turn)

WORTH_TELLING = dt.timedelta(seconds=30)  # by which `last_at` alone has to move


@dataclass(frozen=True, slots=True)
class Memory:
    """How far the rules are that wait for something, to be handed to the next engine."""

    latches: Mapping[LatchKey, Latch] = field(default_factory=dict)
    turns: Mapping[LatchKey, Turn] = field(default_factory=dict)


class Remembered(Generic[StateT]):
    """The states of rules on devices, and which of them changed since they were last told."""

    def __init__(self) -> None:
        self._states: dict[LatchKey, StateT] = {}
        self._told: dict[LatchKey, StateT] = {}
        self._changed: set[LatchKey] = set()

    def __getitem__(self, key: LatchKey) -> StateT:
        return self._states[key]

    def __setitem__(self, key: LatchKey, state: StateT) -> None:
        self._states[key] = state
        self._changed.add(key)

    def get(self, key: LatchKey) -> StateT | None:
        """Return the state, or None where there is none yet."""
        return self._states.get(key)

    def all(self) -> dict[LatchKey, StateT]:
        """Return a copy of all states."""
        return dict(self._states)

    def take_over(self, key: LatchKey, state: StateT) -> None:
        """Put in a state that is known outside already."""
        self._states[key] = self._told[key] = state
        self._changed.discard(key)

    def touched(self) -> dict[LatchKey, StateT]:
        """Return what changed since it was last told; not where only the last sign of life is a little newer."""
        found = {key: state for key in self._changed if _matters(self._told.get(key), state := self._states[key])}
        self._changed.clear()
        self._told.update(found)
        return found


def _matters(told: StateT | None, state: StateT) -> bool:
    if told is None or told.last_at is None or state.last_at is None:
        return told != state
    return abs(state.last_at - told.last_at) > WORTH_TELLING or replace(told, last_at=state.last_at) != state
