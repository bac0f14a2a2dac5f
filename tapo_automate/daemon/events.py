"""What the daemon tells whoever watches it: the log, the live table of the demo, the tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tapo_automate.errors import TapoAutomateError
from tapo_automate.rules.model import Firing


@dataclass(frozen=True, slots=True)
class Outcome:
    """A firing was carried out (error is None), or was not, and why.  at: when that was known, in UTC."""

    firing: Firing
    at: dt.datetime
    error: TapoAutomateError | None

    @property
    def late_s(self) -> float:
        """How long after its due instant the device had accepted it, in seconds."""
        return self.firing.late_s(self.at)


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter was read."""

    device_id: str
    at: dt.datetime
    power_w: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """A device did not do what the daemon wanted beside the rules (a poll, a step of a transition).

    Told when it begins or changes; `Recovered` ends it.
    """

    device_id: str
    at: dt.datetime
    error: TapoAutomateError


@dataclass(frozen=True, slots=True)
class Recovered:
    """The device answers again."""

    device_id: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Stepped:
    """The clock was set, or the machine slept.  by_s: forwards positive."""

    at: dt.datetime
    by_s: float


Event: TypeAlias = Outcome | Metered | Trouble | Recovered | Stepped
Observer: TypeAlias = Callable[[Event], None]
