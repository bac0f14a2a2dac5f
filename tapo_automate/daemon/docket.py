"""The firings that are open, and how those before them ended: one result for good, each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Executor, Outcome
from tapo_automate.daemon.record import asked_of, kind_of, result_of
from tapo_automate.errors import TapoAutomateError
from tapo_automate.journal.entry import Entry, Key, Result
from tapo_automate.rules.model import AfterDelay, Firing, PowerPast, Rule, StateTurns

# What is not done again when a clock is set back to before it.
FINAL: frozenset[Result] = frozenset({"done", "already", "withheld", "superseded", "failed"})
FOR_OLDER = "it sets what was left to do of older ones, too"
MOST_RESULTS = 50_000
KEPT = dt.timedelta(days=2)  # how long results are remembered here; the journal has the older ones


class Docket:
    """Open firings by their key.

    grace: added to every rule's `within`.  commits: git commit by rule file, for the journal.  absences: forgotten
    when their end is settled, however that is, and not before: whoever comes next has to give the device back.
    """

    def __init__(self, grace: dt.timedelta, commits: Mapping[str, str], absences: Absences) -> None:
        self.commits = commits
        self._absences = absences
        self._grace = grace
        self._open: dict[Key, Firing] = {}
        self._results: dict[Key, Result] = {}
        self._stood_in: set[Key] = set()  # open, and carried out in place of a device
        self._most = MOST_RESULTS  # before the old ones are forgotten

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Firing]:
        return iter(list(self._open.values()))

    def __contains__(self, firing: Firing) -> bool:
        return key_of(firing) in self._open

    def remember(self, results: Mapping[Key, Result]) -> None:
        """Take over how earlier firings ended; what is known here counts more."""
        self._results = {**results, **self._results}

    def within(self, rule: Rule) -> dt.timedelta:
        """Return how late a firing of the rule may still be carried out."""
        return dt.timedelta(seconds=rule.within_s) + self._grace

    def deadline(self, firing: Firing) -> dt.datetime:
        """Return the last instant at which a firing may be carried out."""
        return firing.due + self.within(firing.rule)

    def known(self, firing: Firing) -> bool:
        """Whether the firing is open or over for good, so that it is not to be begun (again)."""
        key = key_of(firing)
        return key in self._open or self._results.get(key) in FINAL

    def unsettled(self, firing: Firing) -> bool:
        """Whether nothing is on record of how it ended: it was open, or unknown, when the last daemon ended."""
        return self._results.get(key_of(firing)) in (None, "pending", "unfinished")

    def open(self, firing: Firing, effects: Effects, reason: str = "", *, written: bool = False) -> None:
        """A firing came due, or is not over after all.  written: the journal has it as pending already."""
        key = key_of(firing)
        self._open[key] = firing
        self._results.pop(key, None)
        if not written:
            effects.entries.append(self.entry(firing, "pending", reason=reason))

    def counts(self, firing: Firing) -> bool:
        """Whether a device shows, or soon will, what the firing sets."""
        key = key_of(firing)
        return key in self._open or self._results.get(key) in ("done", "already")

    def stands_in(self, firing: Firing) -> None:
        """An open firing is carried out in place of its device."""
        self._stood_in.add(key_of(firing))

    def alter(self, firing: Firing) -> None:
        """What is to be set is known only now."""
        self._open[key_of(firing)] = firing

    def stands_for_older(self, firing: Firing, effects: Effects) -> None:
        """Write down, before the device is told, that an open firing sets what older ones were to set, too."""
        self.alter(firing)
        effects.entries.append(self.entry(firing, "pending"))

    def settle(
        self,
        firing: Firing,
        at: dt.datetime,
        error: TapoAutomateError | None,
        effects: Effects,
        *,
        result: Result | None = None,
        tries: int = 0,
        executor: Executor = "daemon",
    ) -> None:
        """Close an open firing.  error: why it was not carried out, None where it was."""
        key = key_of(firing)
        if key in self._stood_in:
            self._stood_in.discard(key)
            executor = "stand-in"
        if self._open.pop(key, None) is None:
            return
        result = result or result_of(error)
        self._results[key] = result
        reason = str(error) if error else ""
        effects.entries.append(self.entry(firing, result, at=at, reason=reason, tries=tries))
        effects.events.append(Outcome(firing, at, error, result, tries, executor))
        if firing.role == "return":
            effects.memory |= self._absences.end(firing)
        if len(self._results) > self._most:
            self._results = {key: kept for key, kept in self._results.items() if key[2] > at - KEPT}
            self._most = max(MOST_RESULTS, 2 * len(self._results))  # or a busy house would do this at every firing

    def clear(self) -> None:
        """Forget what is open: the journal has it, for the next daemon."""
        self._open.clear()
        self._stood_in.clear()

    def entry(
        self, firing: Firing, result: Result, *, at: dt.datetime | None = None, reason: str = "", tries: int = 0
    ) -> Entry:
        """Return what the journal keeps of a firing.  Of steps that were carried out, the last one is told of."""
        source, settings = firing.rule.source, firing.settings
        if result == "pending" and not firing.role and settings != firing.rule.settings:
            reason = FOR_OLDER
        last_s = settings[-1][0] if settings and result in ("done", "already", "failed") else 0
        return Entry(
            rule=firing.rule.id,
            device=firing.device_id,
            nominal=firing.nominal,
            due=firing.due + dt.timedelta(seconds=last_s),
            deadline=self.deadline(firing),
            result=result,
            asked=asked_of(firing),
            at=at,
            tries=tries,
            reason=reason or firing.note,
            kind=kind_of(firing.rule),
            role=firing.role,
            seed=firing.seed,
            file=source.file,
            line=source.line,
            commit=self.commits.get(source.file, ""),
        )


def key_of(firing: Firing) -> Key:
    """Return what names a firing for good."""
    return firing.rule.id, firing.device_id, firing.nominal


def by_event(firing: Firing) -> bool:
    """Whether a reading or a look brought the firing about, so that no clock would do so again."""
    return isinstance(firing.rule.trigger, PowerPast | StateTurns | AfterDelay)
