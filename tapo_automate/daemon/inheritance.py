"""What one life of the daemon leaves to the next, as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.house import View
from tapo_automate.daemon.sequences import Run
from tapo_automate.journal.entry import Entry, Key, Result
from tapo_automate.rules.engine import Memory


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What an earlier life of the daemon left behind.

    since: when it was last seen alive, None for the first time ever, when nothing is made up for.
    results: how firings of the last days ended.  pending: those that had not.  salt: of the away rules' seeds.
    told: rule id -> the instants of its last notices.  leases: as of `Leases`.
    """

    since: dt.datetime | None = None
    results: Mapping[Key, Result] | None = None
    pending: tuple[Entry, ...] = ()
    memory: Memory | None = None
    views: Mapping[str, View] | None = None
    salt: bytes = b""
    told: Mapping[str, Collection[dt.datetime]] | None = None
    absences: Absences | None = None
    runs: tuple[Run, ...] = ()
    leases: Mapping[str, Any] | None = None
