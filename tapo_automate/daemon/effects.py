"""What the planner answers: everything that is to happen because of what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tapo_automate.daemon.events import Event
from tapo_automate.journal.entry import Change, Entry
from tapo_automate.rules.model import Notice


@dataclass(slots=True)
class Effects:
    """entries, changes, memory: for the journal, in one transaction.  looks: ("state", "power", "next" or
    "lease", device id) to be asked for now.  "next": what the device does next of its own accord.

    events: for whoever watches.  notices: for people.  mistakes: ours, for the log.
    """

    entries: list[Entry] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    memory: dict[tuple[str, str], Any | None] = field(default_factory=dict)
    looks: set[tuple[str, str]] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    mistakes: list[Exception] = field(default_factory=list)
