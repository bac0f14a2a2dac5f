"""Who carries out what: the rules that devices execute themselves, as ledger and rule book agree, without the network.

A device executes a rule where a row of the ledger was written for exactly what the rule says today.  A rule that has
changed since is the daemon's until the next apply, and so is one that is not in the ledger; what its old row still does
on the device is for `executors` to find.

    phase         counts: the row may be there or not, and whoever verifies it finds out and repairs
    ignored       counts: a person has changed or removed the row and was told that it stays so; nobody else does it
    the daemon's  counts, as long as the row is there: a rule that says executor = "daemon" now does the same as before,
                  and the device goes on doing it until the next apply has taken the row away
    switched off  never: `enabled = false` leaves a rule with nobody
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from tapo_automate.errors import LedgerUnusable
from tapo_automate.rules.model import Rule, RuleBook, Site
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.ledger import Ledger, load_ledger
from tapo_automate.sync.model import InDaemon, Recorded
from tapo_automate.sync.rows import key_of

Partition: TypeAlias = Mapping[tuple[str, str], Recorded]
"""(rule id, device id) -> the row by which the device carries the rule out."""

_FIRST = ("", "coming", "leaving")  # of two rows for one rule, half-way through an apply, the one that stays


def partition(book: RuleBook, ledger: Ledger) -> Partition:
    """Return every rule and device of which the device is the executor, with the row that does it."""
    keys = {rule.id: key for rule in book.rules.values() if (key := _key(rule, book.site)) is not None}
    found: dict[tuple[str, str], Recorded] = {}
    for device_id, device in ledger.devices.items():
        for row in device.rows:
            for rule_id, key in row.rules.items():
                if keys.get(rule_id) != key or device_id not in book.rules[rule_id].device_ids:
                    continue
                other = found.get((rule_id, device_id))
                if other is None or _FIRST.index(row.phase) < _FIRST.index(other.phase):
                    found[rule_id, device_id] = row
    return found


def astray(book: RuleBook, ledger: Ledger) -> frozenset[str]:
    """Return the devices that have rows which no rule of the book accounts for as it is now: they may act all the same.

    Between an edit of the rules and the next apply, and where the daemon has not yet read what was applied, such a row
    may do what the daemon is about to do.
    """
    ours = partition(book, ledger)
    return frozenset(
        device_id
        for device_id, device in ledger.devices.items()
        if any((rule_id, device_id) not in ours for row in device.rows if not row.ignored for rule_id in row.rules)
    )


def device_key(rule: Rule, site: Site) -> str | None:
    """Return the key under which a device may carry the rule out today, None where only the daemon may, or nobody."""
    return None if rule.executor == "daemon" else _key(rule, site)


def _key(rule: Rule, site: Site) -> str | None:
    if not rule.enabled:
        return None
    compiled = row_of(rule, site)
    return None if isinstance(compiled, InDaemon) else key_of(rule, compiled[0])


def rule_keys(book: RuleBook, device_id: str) -> dict[str, str]:
    """Return what each rule for a device says, as far as the device is concerned: a key, "daemon" or "off"."""
    rules = (rule for rule in book.rules.values() if device_id in rule.device_ids)
    return {rule.id: (device_key(rule, book.site) or "daemon") if rule.enabled else "off" for rule in rules}


class LedgerWatch:
    """A ledger that others write, for whoever has to know at every firing what it says.  For any thread.

    A file that is damaged, or gone after it was there, leaves the last good one in force: the devices go on with their
    rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | str | None = "never"
        self._ledger = Ledger()
        self._problem = ""
        self._made_from: tuple[RuleBook, Ledger] | None = None
        self._made: Partition = {}
        self._astray: frozenset[str] = frozenset()

    @property
    def ledger(self) -> Ledger:
        """The last good ledger, looked for anew."""
        with self._lock:
            self._look()
            return self._ledger

    @property
    def problem(self) -> str:
        """Why the last good ledger is not what the file says, as a sentence with its path; "" where it is."""
        with self._lock:
            self._look()
            return self._problem

    def partition(self, book: RuleBook) -> Partition:
        """Return `partition` of the book and what the file says now; worked out anew only where one has changed."""
        with self._lock:
            self._work_out(book)
            return self._made

    def astray(self, book: RuleBook) -> frozenset[str]:
        """Return `astray` of the book and what the file says now."""
        with self._lock:
            self._work_out(book)
            return self._astray

    def _work_out(self, book: RuleBook) -> None:
        self._look()
        if self._made_from is None or self._made_from[0] is not book or self._made_from[1] is not self._ledger:
            self._made, self._astray = partition(book, self._ledger), astray(book, self._ledger)
            self._made_from = (book, self._ledger)

    def _look(self) -> None:
        now = _mark(self.path)
        if now == self._seen:
            return
        try:
            ledger = load_ledger(self.path)
        except LedgerUnusable as error:
            self._problem = str(error)
        else:
            if now is None and self._ledger.devices:
                self._problem = (
                    f"{self.path}: the ledger is gone, and what it said last goes on; "
                    "take it back from git, or rebuild it with `sync refresh`"
                )
            else:
                self._ledger = ledger
                self._problem = ""
        self._seen = now


def _mark(path: Path) -> tuple[int, int, int] | None:
    """Return what tells one state of a file from another, None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
