"""How the daemon is, as a value: what its endpoints and its watchdog are fed from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """One look at the daemon.  Instants are aware and UTC.

    progress_s: real seconds since the planner last came round; it comes round every five seconds at least.
    clock_plausible: False while firings are held because the clock is before the day that this version was made.
    journal: what keeps the journal from being written, or "".  book: what was wrong with the last book that was
    offered, or "".  devices: device id -> what is wrong with it, "" for well.  blocked: device ids that are left alone
    because their credentials were refused.  next_due: the next planned firing.  waiting: commands not settled yet.
    """

    now: dt.datetime
    started: dt.datetime
    progress_s: float
    clock_plausible: bool
    journal: str
    book: str
    rules: int
    devices: Mapping[str, str]
    blocked: frozenset[str]
    next_due: dt.datetime | None
    waiting: int
