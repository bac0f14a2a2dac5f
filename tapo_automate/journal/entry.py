"""The words of the journal.  Values only; how they are kept is `store.py`'s affair."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tapo_automate.rules.model import Role

Result: TypeAlias = Literal[
    "pending",  # came due, and is not settled: waits for its instant, its turn, or another try
    "done",  # the device accepted it, or was seen to have done it by a row of its own
    "already",  # the device was seen to be as asked, so nothing was sent
    "withheld",  # only_if did not hold, a person is respected, or it was left to the device and nobody could look
    "superseded",  # a newer command for the device came first
    "missed",  # nobody could carry it out within its time
    "failed",  # the device refused, or did not answer until the deadline
    "unfinished",  # the daemon was stopped meanwhile
]
Key: TypeAlias = tuple[str, str, dt.datetime]  # rule id, device id, nominal instant: names a firing for good


@dataclass(frozen=True, slots=True)
class Entry:
    """One firing and what became of it.  Instants are aware and UTC.

    asked: the setting in the words of the rule language, `{}` where nothing is set; for `steps` the last one begun.
    due: nominal plus jitter, and the waits before the last of `steps` that were carried out.  deadline: until when it
    is tried.  at: when `result` was known, None while pending.
    tries: how often the device was asked.  reason: why it is not done, or what is notable about it.
    kind: the trigger's name in the rule language ("time", "power", ...).  role, seed: of `when.away`.
    file, line, commit: where the rule stood when it fired; commit is "" outside a git repository.
    """

    rule: str
    device: str
    nominal: dt.datetime
    due: dt.datetime
    deadline: dt.datetime
    result: Result
    asked: Mapping[str, Any] = field(default_factory=dict)
    at: dt.datetime | None = None
    tries: int = 0
    reason: str = ""
    kind: str = ""
    role: Role = ""
    seed: int | None = None
    file: str = ""
    line: int = 0
    commit: str = ""

    @property
    def key(self) -> Key:
        return self.rule, self.device, self.nominal

    @property
    def late_s(self) -> float | None:
        """How long after its due instant the result was known, in seconds; None while pending."""
        return None if self.at is None else (self.at - self.due).total_seconds()

    @property
    def by_itself(self) -> bool:
        """Whether the device did it by a row of its own; `at` is when that was seen, and it was not late."""
        return self.result == "done" and bool(self.asked) and not self.tries


@dataclass(frozen=True, slots=True)
class Change:
    """A device was seen to have changed, or was changed by us.

    at: when it changed, as exactly as known.  since: the last look before, where `at` is only the first look after;
    None where the instant itself is known.  before, after: what the device showed, in the words of the rule language.
    by: "rule" (then rule and nominal name the firing), "table" (a table or timer of the device itself), "person"
    (a person at the device, or the phone app), "unknown" (it changed while nobody was looking).  detail: in words.
    """

    device: str
    at: dt.datetime
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    by: Literal["rule", "table", "person", "unknown"]
    since: dt.datetime | None = None
    rule: str = ""
    nominal: dt.datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the daemon.  alive: until then all that came due is on record; ended: in good order, else None."""

    started: dt.datetime
    alive: dt.datetime
    ended: dt.datetime | None = None
