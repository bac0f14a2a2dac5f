"""What an earlier life of the daemon left in the journal, read at the start."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping

from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.docket import KEPT
from tapo_automate.daemon.inheritance import Inheritance
from tapo_automate.daemon.record import instants_from, memory_from, run_key, runs_from, views_from
from tapo_automate.journal.entry import Run
from tapo_automate.journal.store import Journal
from tapo_automate.rules.engine import runnable
from tapo_automate.rules.model import RuleBook


def accounts_in(journal: Journal | None) -> Mapping[str, object]:
    """Return what `Accounts.to_remember` gave an earlier life."""
    found = journal.memory("house").get("accounts") if journal else None
    return found if isinstance(found, dict) else {}


def inheritance(journal: Journal | None, book: RuleBook, now: dt.datetime, last: Run | None) -> Inheritance:
    """Return what the planner has to know.  last: the run before this one, None for the first time ever."""
    if journal is None:
        return Inheritance(salt=secrets.token_bytes(16))
    salt = journal.memory("house").get("salt")
    if not isinstance(salt, str):
        salt = secrets.token_hex(16)
        journal.record(memory={("house", "salt"): salt})
    kept = journal.memory("run")
    runs = tuple(runs_from(kept, {rule.id: rule for rule in runnable(book.rules.values())}))
    gone = {("run", name) for name in kept} - {run_key(run.firing) for run in runs}
    journal.record(memory=dict.fromkeys(gone))
    return Inheritance(
        since=None if last is None else min(last.alive, now),
        results=journal.results_since(now - KEPT),
        pending=tuple(journal.pending()),
        memory=memory_from(journal.memory("latch"), journal.memory("turn")),
        views=views_from(journal.memory("seen")),
        salt=bytes.fromhex(salt),
        told=instants_from(journal.memory("told")),
        absences=Absences(journal.memory("away")),
        runs=runs,
        leases=journal.memory("lease"),
    )
