"""What the daemon tells whoever watches it: the log, the live table of the demo, the tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapo_automate.errors import TapoAutomateError
from tapo_automate.journal.entry import Change, Result
from tapo_automate.rules.model import Firing, Notice

Executor: TypeAlias = Literal["daemon", "device", "stand-in"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A firing is settled: carried out (error is None), or not, and why.  at: when that was known, in UTC.

    result: the journal's word for it.  tries: how often the device was asked for it.
    executor: "device" where it was seen to have done it by a row of its own, "stand-in" for the daemon in its place.
    """

    firing: Firing
    at: dt.datetime
    error: TapoAutomateError | None
    result: Result = "done"
    tries: int = 1
    executor: Executor = "daemon"

    @property
    def late_s(self) -> float:
        """How long after its due instant the device had accepted it, in seconds; of steps, the last one."""
        settings = self.firing.settings
        return self.firing.late_s(self.at) - (settings[-1][0] if settings else 0)


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


@dataclass(frozen=True, slots=True)
class Retrying:
    """A firing could not be carried out yet and is tried again at `again`."""

    firing: Firing
    at: dt.datetime
    error: TapoAutomateError
    again: dt.datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """A device was seen to have changed other than by a rule."""

    change: Change

    @property
    def at(self) -> dt.datetime:
        return self.change.at


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person has to see to: wrong credentials, a journal that cannot be written, a clock gone wrong.

    topic: "credentials", "journal", "clock", "ledger", "device" for one that does not do what its own table says, or
    "rule" for one that this program cannot evaluate.  over: it was seen to, and all is well again.
    """

    topic: Literal["credentials", "journal", "clock", "ledger", "device", "rule"]
    at: dt.datetime
    text: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Another book is carried out.  changes: what is different, in words, one each."""

    at: dt.datetime
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """A rule told people something."""

    notice: Notice

    @property
    def at(self) -> dt.datetime:
        return self.notice.at


Event: TypeAlias = Outcome | Retrying | Metered | Changed | Trouble | Recovered | Stepped | Alarm | Reloaded | Noticed
Observer: TypeAlias = Callable[[Event], None]
