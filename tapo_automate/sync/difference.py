"""What is wanted, what we wrote and what is there, compared row by row.

    recorded            found                      wanted    change
    –                   –                          yes       create
    –                   an equal row, nobody's     yes       adopt
    ours                as we wrote it             same      none; adopt where only the ledger says otherwise
    ours                as we wrote it             other     update
    ours                as we wrote it             no        delete
    ours                edited to what is wanted   yes       adopt
    ours                edited by hand             either    drift; with `restore` update or delete
    ours                removed by hand            yes       drift; with `restore` create (the ledger may have no id
                                                             for it any more: devices give ids again)
    ours                removed                    no        adopt that forgets: the ledger alone changes
    ours                as a person was told that it stays   none, as long as the rules say the same; adopt that forgets
                                                             once one says to be elsewhere: it is the person's
    ours, was leaving   removed                    yes       create: we removed it ourselves
    ours, was coming    not there, without an id   yes       as if it had never been tried
    ours, once, over    there                      no        delete, also where the device has switched it off, and
                                                             where its id never came
    ours                in a table switched off    no        adopt as asleep: it stays, and carries out no rule
    –                   any other                  –         foreign: listed, never touched

Over is a row that happens once two minutes after its instant: device clocks may be a minute out.  A countdown of ours
is an event, not a state: once started it is never drift and never started again, unless its rule changes or it is to be
`rearm`ed; it stays in the ledger for as long as its rule stays as it is, also where it was started for several rules
and one of them goes: then the ledger alone changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapo_automate.rows import (
    TABLES,
    AutoOff,
    CountdownRow,
    FoundRow,
    OpaqueRow,
    PowerProtection,
    Table,
    TableName,
    id_of,
    table_of,
)
from tapo_automate.sync.model import Action, Change, InDaemon, Nowhere, Reading, Recorded, Wanted
from tapo_automate.sync.rows import digest, in_words, is_equal, matches
from tapo_automate.sync.trust import switched_off
from tapo_automate.sync.untouched import (
    CLOCK_SLACK,
    is_enabled,
    is_near_its_instant,
    is_switched_off_since,
    is_untouched,
    was_started,
)

if TYPE_CHECKING:
    from tapo_automate.sync.wanted import Compiled

NEIGHBOURS: tuple[TableName, ...] = ("auto_off", "power_protection")

_FOR_GOOD = frozenset({"rule", "past"})
"""Why a rule that is switched on is elsewhere and asks for nothing more; for another reason it may be back tomorrow."""


def changes_of(
    compiled: Compiled,
    recorded: Sequence[Recorded],
    reading: Reading,
    now: dt.datetime,
    *,
    restore: bool = False,
    rearm: bool = False,
) -> tuple[Change, ...]:
    """Return the changes on one device, table by table: what the ledger lets go of, what is wanted, the rest.

    now: aware, UTC.  restore: overwrite what a person made of our rows.  rearm: start countdowns of ours again.
    """
    tables = reading.holdings.tables
    elsewhere: dict[str, InDaemon | Nowhere] = {**compiled.daemon, **compiled.nowhere}
    for_good = {rule_id for rule_id, why in elsewhere.items() if why.code in _FOR_GOOD}
    changes: list[Change] = []
    for name in TABLES:
        ours = [each for each in recorded if each.table == name]
        wanted = [each for each in compiled.wanted if table_of(each.row) == name]
        table = _OneTable(name, tables.get(name), ours, now, elsewhere.keys(), for_good, restore=restore, rearm=rearm)
        changes += table.changes(wanted)
    return tuple(changes)


def runs(row: FoundRow) -> bool:
    """Whether a row takes a place: a countdown that ran out, and a neighbour that is switched off, are leftovers."""
    return row.enabled if isinstance(row, CountdownRow | AutoOff | PowerProtection) else True


@dataclass(frozen=True, slots=True, eq=False)
class _Own:
    """A row of the ledger, and what the device shows in its place, None for nothing.

    untouched: nobody has changed it.  over: it happened once, long enough ago.
    """

    recorded: Recorded
    found: FoundRow | None
    untouched: bool
    over: bool

    @property
    def unborn(self) -> bool:
        """Whether it was never seen on the device: a create that was cut off."""
        return self.found is None and self.recorded.phase == "coming" and not self.recorded.row_id

    def shares(self, wanted: Wanted) -> int:
        """Return how many rules it was written for that the wanted row is for too."""
        return len(self.recorded.rules.keys() & wanted.rules.keys())


class _OneTable:
    """One table's comparison.  Each pass over the wanted rows answers None for "not mine to say".

    elsewhere: rules that are not on the device now.  for_good: those of them that would not be if they could.
    """

    def __init__(
        self,
        name: TableName,
        table: Table | None,
        recorded: Iterable[Recorded],
        now: dt.datetime,
        elsewhere: Set[str],
        for_good: Set[str],
        *,
        restore: bool,
        rearm: bool,
    ) -> None:
        self._name = name
        self._one_place = table is not None and table.max_rows == 1
        self._asleep = table is not None and name in ("schedule", "antitheft") and switched_off(name, table)
        self._unowned = list(table.rows) if table is not None else []
        self._now = now
        self._elsewhere = elsewhere
        self._for_good = for_good
        self._restore = restore
        self._rearm = rearm
        self._rearmed: Wanted | None = None
        # Those with an id take their rows first; what was cut off before the id came looks for an equal among the rest.
        by_id = sorted(recorded, key=lambda row: not (row.row_id or name in NEIGHBOURS))
        self._own = [self._paired(row) for row in by_id]

    def changes(self, wanted: Sequence[Wanted]) -> Iterator[Change]:
        """Yield the changes of this table."""
        self._rearmed = self._to_rearm(wanted)
        answers: dict[int, list[Change]] = {}
        for answer in (self._as_it_is, self._as_was_chosen, self._there_already, self._differs, self._missing):
            for place, each in enumerate(wanted):
                if place not in answers and (changes := answer(each)) is not None:
                    answers[place] = changes
        ends = [change for own in self._own for change in self._unwanted(own)]
        # A row that is made anew may get the id of the one that it replaces: the ledger lets go of that first.
        yield from (change for change in ends if change.forgets)
        for place in range(len(wanted)):
            yield from answers[place]
        yield from (change for change in ends if not change.forgets)
        let_go = [own.found for own in self._own if own.found is not None and self._let_go(own)]
        for row in (*self._unowned, *let_go):
            if runs(row):
                yield Change("foreign", self._name, id_of(row), (), row, None, in_words(row))

    # What of the ledger is on the device ------------------------------------------------------------------------------

    def _paired(self, recorded: Recorded) -> _Own:
        for row in self._unowned:
            untouched = is_untouched(row, recorded, self._now)
            as_started = untouched or (self._name == "countdown" and is_switched_off_since(row, recorded))
            if recorded.row_id or self._name in NEIGHBOURS:
                if id_of(row) != recorded.row_id:
                    continue
                if self._name in NEIGHBOURS and not runs(row):
                    continue  # it is there for good, and switching it off is how it is removed
                if self._name == "countdown" and not as_started:
                    continue  # somebody has started another one in its place
            elif recorded.phase != "coming" or not as_started:
                continue  # no longer coming: removed by hand, and its id has gone to another row since
            self._take(row)
            return _Own(recorded, row, untouched, self._over(recorded, row, untouched))
        return _Own(recorded, None, False, self._over(recorded, None, False))

    def _take(self, row: FoundRow) -> None:
        """Count a row as spoken for: this very one, for another may be equal to it."""
        self._unowned = [each for each in self._unowned if each is not row]

    def _over(self, recorded: Recorded, found: FoundRow | None, untouched: bool) -> bool:
        if recorded.spent_at is None:
            return False
        if found is None or (untouched and not is_enabled(found)):
            return is_near_its_instant(recorded, self._now)
        return untouched and self._now >= recorded.spent_at + CLOCK_SLACK

    def _to_rearm(self, wanted: Sequence[Wanted]) -> Wanted | None:
        """Return the countdown that is started again: there is one place, and several may have run in it.

        One that was never started has it, and then none is; else the one whose row is there; else the first.
        """
        if not self._rearm or any(not any(_is_event(own, each) for own in self._own) for each in wanted):
            return None
        there = (each for each in wanted if any(own.found is not None and _is_event(own, each) for own in self._own))
        return next(there, next(iter(wanted), None))

    # What becomes of a wanted row -------------------------------------------------------------------------------------

    def _as_it_is(self, wanted: Wanted) -> list[Change] | None:
        for own in self._best_first(wanted):
            if isinstance(wanted.row, CountdownRow):
                if wanted is self._rearmed or not _is_event(own, wanted):
                    continue
            elif own.over or not _shows(own, wanted):
                continue
            self._own.remove(own)
            if own.found is None and own.recorded.rules != wanted.rules:
                return [self._change("adopt", own.recorded.row_id, wanted, None, "was started already")]
            if own.found is None or _settled(own.recorded, wanted):
                return []
            how = "there already" if own.untouched else "changed by hand to what the rule says"
            return [*self._cut_off(own), self._change("adopt", id_of(own.found), wanted, own.found, how)]
        return None

    def _as_was_chosen(self, wanted: Wanted) -> list[Change] | None:
        for own in self._best_first(wanted):
            if self._chosen(own) and own.recorded.rules == wanted.rules:
                self._own.remove(own)
                return []
        return None

    def _there_already(self, wanted: Wanted) -> list[Change] | None:
        unborn = any(own.unborn and own.shares(wanted) for own in self._own)
        for row in self._unowned:
            if is_equal(row, wanted.row) or (unborn and matches(row, wanted.row)):
                self._take(row)
                return [self._change("adopt", id_of(row), wanted, row, "there already")]
        return None

    def _differs(self, wanted: Wanted) -> list[Change] | None:
        for own in self._best_first(wanted):
            # A neighbour changes hands in place: made anew, it would be switched off by the removal of the old one.
            if not own.shares(wanted) and not (self._name in NEIGHBOURS and own.untouched):
                return None
            if own.found is not None and (own.untouched or self._restore or self._name == "countdown"):
                self._own.remove(own)
                return [*self._cut_off(own), self._change("update", id_of(own.found), wanted, own.found)]
            removed_by_us = own.unborn or own.over or own.recorded.phase == "leaving" or self._name == "countdown"
            if own.found is None and (removed_by_us or self._restore):
                continue  # it is created anew, and what the ledger has of the old one goes
            self._own.remove(own)
            return [self._drift(own, wanted)]
        return None

    def _missing(self, wanted: Wanted) -> list[Change]:
        staying = (own for own in self._own if not any(change.writes for change in self._unwanted(own)))
        kept = [own.found for own in staying if own.found is not None]
        if self._one_place and any(runs(row) for row in (*self._unowned, *kept)):
            return []  # a person's is there, and `wanted` should not have asked: never written over
        return [self._change("create", "", wanted, None)]

    # What becomes of a row of ours that nobody wants ------------------------------------------------------------------

    def _unwanted(self, own: _Own) -> Iterator[Change]:
        recorded, found = own.recorded, own.found
        if found is None or not runs(found):
            yield self._forgotten(own, "over" if own.over else "gone")
        elif self._asleep and own.untouched:
            yield from self._put_to_sleep(own, found)
        elif self._let_go(own):
            yield self._forgotten(own, "left as changed by hand")
        elif self._stays(own) or self._about_to_happen(own):
            return
        elif own.untouched or self._restore:
            yield from self._cut_off(own)
            rules = tuple(sorted(recorded.rules))
            yield Change("delete", self._name, id_of(found), rules, found, None, in_words(found))
        else:
            yield self._drift(own, None)

    def _put_to_sleep(self, own: _Own, found: FoundRow) -> Iterator[Change]:
        """Leave a row where it is while its table is switched off, and its rules to the daemon.

        Were the rows removed, the table would be empty, which reads as switched off too, and they would come back.
        """
        recorded = own.recorded
        if recorded.phase or any(recorded.rules.values()) or not self._chosen(own):
            row = found.plain if isinstance(found, OpaqueRow) else found
            assert row is not None, "untouched, and we write no such rows"
            wanted = Wanted(row, dict.fromkeys(recorded.rules, ""), recorded.spent_at)
            yield self._change("adopt", id_of(found), wanted, found, "stays, switched off with its table")

    def _about_to_happen(self, own: _Own) -> bool:
        """Whether it happens any moment: it is not taken away then, unless the rule itself was."""
        at = own.recorded.spent_at
        if at is None or own.over or not own.untouched or not at - CLOCK_SLACK <= self._now < at + CLOCK_SLACK:
            return False
        return self._now >= at or any(rule_id in self._elsewhere for rule_id in own.recorded.rules)

    # Words ------------------------------------------------------------------------------------------------------------

    def _best_first(self, wanted: Wanted) -> list[_Own]:
        return sorted(self._own, key=lambda own: -own.shares(wanted))

    def _chosen(self, own: _Own) -> bool:
        """Whether a person was told that the row stays as they have made it."""
        as_it_is = "gone" if own.found is None else digest(own.found)
        return own.recorded.ignored == as_it_is and not self._restore

    def _stays(self, own: _Own) -> bool:
        """Whether a person has chosen so; a row that is only asleep with its table was chosen by nobody."""
        return self._chosen(own) and any(own.recorded.rules.values())

    def _let_go(self, own: _Own) -> bool:
        """Whether a row that stays is the person's alone: kept as ours, it would keep its rule from the daemon."""
        return self._stays(own) and not self._for_good.isdisjoint(own.recorded.rules)

    def _change(self, action: Action, row_id: str, wanted: Wanted, before: FoundRow | None, how: str = "") -> Change:
        text = in_words(wanted.row)
        if action == "update" and before is not None:
            again = before == wanted.row
            text += ", started again" if again else f" (was {in_words(before)})"
        if how:
            text += f", {how}"
        after = before if action == "adopt" else wanted.row
        return Change(action, self._name, row_id, tuple(sorted(wanted.rules)), before, after, text, wanted)

    def _cut_off(self, own: _Own) -> list[Change]:
        """Return that the ledger lets go of an attempt without an id, of which the row has been found."""
        if own.recorded.row_id or self._name in NEIGHBOURS:
            return []
        return [self._forgotten(own, "found again under its id")]

    def _forgotten(self, own: _Own, why: str) -> Change:
        recorded = own.recorded
        text = f"{recorded.text}, {why}: leaves the ledger"
        return Change("adopt", self._name, recorded.row_id, tuple(sorted(recorded.rules)), None, None, text)

    def _drift(self, own: _Own, wanted: Wanted | None) -> Change:
        recorded, found = own.recorded, own.found
        as_written = wanted.row if wanted is not None and digest(wanted.row) == recorded.wrote else None
        what = "was removed by hand" if found is None else f"was changed by hand to {in_words(found)}"
        rules = tuple(sorted(wanted.rules if wanted is not None else recorded.rules))
        text = f"{recorded.text} {what}"
        return Change("drift", self._name, recorded.row_id, rules, as_written, found, text, wanted)


def _shows(own: _Own, wanted: Wanted) -> bool:
    """Whether the device shows what is wanted where our row is."""
    if own.found is None:
        return False
    if own.recorded.phase == "coming":  # `shown` is of what was there before
        return matches(own.found, wanted.row)
    return own.found == wanted.row or (own.untouched and own.recorded.wrote == digest(wanted.row))


def _settled(recorded: Recorded, wanted: Wanted) -> bool:
    """Whether the ledger says of a row what it is to say."""
    same = recorded.rules == wanted.rules and recorded.wrote == digest(wanted.row)
    return same and not recorded.phase and not recorded.ignored


def _is_event(own: _Own, wanted: Wanted) -> bool:
    """Whether a row of the ledger is this countdown, started once: maybe for more rules, or for one renamed."""
    if wanted.rules.items() <= own.recorded.rules.items():
        return was_started(own.recorded, own.found, wanted)
    return not own.shares(wanted) and own.untouched and own.found == wanted.row
