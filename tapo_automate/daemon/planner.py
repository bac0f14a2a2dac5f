"""What the daemon means to do.  Told instants, readings, looks and results, answers effects.

A value without clock, thread, device or file: everything that decides is here and in what it is made of, and a test
can lead it through a year in seconds.  Not safe to call from two threads at once.

    `Engine`: a firing comes due ──> `Decider`, with `Judge` and `House` ──> `Dispatch`: orders ──> `finished`
                                             └─ a look at the devices comes first where one is needed

A firing is open, in the `Docket`, from the moment it comes due until one result for good.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Collection, Mapping

from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.ahead import Ahead
from tapo_automate.daemon.decider import Decider
from tapo_automate.daemon.dispatch import CHANGED, Dispatch
from tapo_automate.daemon.docket import Docket, by_event
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Changed, Outcome
from tapo_automate.daemon.house import House, Unexplained, turned_on_at
from tapo_automate.daemon.inheritance import Inheritance
from tapo_automate.daemon.judgement import Judge
from tapo_automate.daemon.lease import Leases
from tapo_automate.daemon.mistakes import Mistakes
from tapo_automate.daemon.outbox import Order
from tapo_automate.daemon.polling import Meters
from tapo_automate.daemon.record import to_memory
from tapo_automate.daemon.resuming import resume
from tapo_automate.daemon.verifying import Verifier
from tapo_automate.device import State
from tapo_automate.errors import TapoAutomateError, Unfinished, Withheld
from tapo_automate.journal.entry import Key, Result
from tapo_automate.rows import NextEvent
from tapo_automate.rules.catchup import between
from tapo_automate.rules.engine import Engine, Memory, Reading, runnable
from tapo_automate.rules.model import Firing, RuleBook
from tapo_automate.rules.turns import Sighting
from tapo_automate.sync.partition import Partition

FAR = dt.timedelta(days=1)  # what a clock jumps over beyond this is not enumerated by the engine
VIEW_KEPT_EVERY = dt.timedelta(seconds=30)
_TICK = dt.timedelta.resolution


class Planner:
    """Carries a book through time.

    gap_s: how long a device may be silent before nobody knows what it did.  grace_s: added to every rule's `within`,
    for clocks on which a moment of the machine is an hour.  prompt_s: what comes due within it is carried out as it
    comes; what is later was missed, and is made up for.  commits: git commit by rule file.
    partition, unsure, astray: what devices carry out by themselves, as of `Verifier`.
    """

    def __init__(
        self,
        book: RuleBook,
        now: dt.datetime,
        past: Inheritance | None = None,
        *,
        gap_s: float = 120.0,
        grace_s: float = 0.0,
        prompt_s: float = 10.0,
        commits: Mapping[str, str] | None = None,
        dice: random.Random | None = None,
        partition: Partition | None = None,
        unsure: bool = False,
        astray: Collection[str] = (),
    ) -> None:
        past = past or Inheritance()
        self._book = book
        self._began = self._now = now
        self._prompt = dt.timedelta(seconds=prompt_s)
        self._gap_s, self._grace_s, self._salt = gap_s, grace_s, past.salt
        self._house = House(gap_s)
        self._absences = past.absences or Absences()
        self._mistakes = Mistakes()
        self._judge = Judge(book.site, self._house, self._absences, self._mistakes.note)
        self._docket = Docket(dt.timedelta(seconds=grace_s), dict(commits or {}), self._absences)
        self._dispatch = Dispatch(self._docket, self._house, self._prompt, now, dice or random.Random())
        self._verifier = Verifier(self._docket, self._house, self._dispatch, partition, unsure=unsure, astray=astray)
        self._ahead = Ahead(self._verifier)
        self.leases = Leases(past.leases, prompt_s)
        self._decider = Decider(
            self._docket,
            self._judge,
            self._dispatch,
            self._house,
            self._absences,
            self._verifier,
            dt.timedelta(seconds=grace_s),
            past.told or {},
        )
        self._views_kept: dict[str, dt.datetime] = {}
        self._docket.remember(past.results or {})
        for device_id, view in (past.views or {}).items():
            self._house.remember(device_id, view)
        self._engine = self._engine_of(book, now, past.memory)
        self._adopt(book, now)

    def _engine_of(self, book: RuleBook, now: dt.datetime, memory: Memory | None) -> Engine:
        rules = runnable(book.rules.values())
        return Engine(
            rules,
            book.site,
            now + _TICK,
            max_gap_s=self._gap_s,
            memory=memory,
            away_salt=self._salt,
            on_broken=self._mistakes.note,
        )

    def _adopt(self, book: RuleBook, now: dt.datetime) -> None:
        self._book = book
        self._rules = {rule.id: rule for rule in runnable(book.rules.values())}
        self._judge.site = book.site
        self._ahead.begin(self._rules, book.site, now)
        self._cautious: set[str] = set()  # devices on which a person's changes are respected
        for rule in self._rules.values():
            if rule.override_s:
                self._cautious |= set(rule.device_ids)
        self._meters = Meters(self._rules.values())

    # ---------------------------------------------------------------- what others want to know

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` is to be called next, if nothing else is told before."""
        parts = (self._engine, self._decider.later, self._dispatch, self._verifier, self._ahead, self.leases)
        wakes = [part.wake_at for part in parts]
        return min((at for at in wakes if at is not None), default=None)

    @property
    def reached(self) -> dt.datetime:
        """Until when all that came due has been answered."""
        return self._now

    @property
    def next_due(self) -> dt.datetime | None:
        """The next planned firing or hold that ends."""
        return self._engine.wake_at

    @property
    def waiting(self) -> int:
        """How many firings are not settled."""
        return len(self._docket)

    @property
    def metered(self) -> frozenset[str]:
        """The devices whose load rules watch."""
        return self._engine.metered

    @property
    def watched(self) -> frozenset[str]:
        """The devices whose state rules watch."""
        return self._engine.watched | self._cautious

    def resting(self, device_id: str, now: dt.datetime) -> bool:
        """Whether the device is to be left alone for a while after a login that led to nothing."""
        return self._dispatch.resting(device_id, now)

    def read_again_s(self, device_id: str, at: dt.datetime, power_w: float, poll_s: float) -> float:
        """Return how soon after a reading the meter is to be read again."""
        return self._meters.read_again_s(self._engine, device_id, at, power_w, poll_s)

    # ---------------------------------------------------------------- time

    def begin(self, past: Inheritance) -> Effects:
        """Take up what an earlier life left open, and make up for what came due since it ended."""
        effects, now = Effects(), self._began
        since = self._between(past.since, now) if past.since is not None else []
        parts = self._docket, self._decider, self._dispatch
        for device_id in sorted(resume(past, since, self._rules, now, *parts, effects)):
            self._keep_tried(device_id, effects)
        self._dispatch.advance(now, effects)
        self.leases.begin(self._rules, self._book.devices, now, effects)
        return effects

    def advance(self, now: dt.datetime) -> Effects:
        """Do what time alone brings about."""
        effects = Effects()
        wake_at = self._engine.wake_at
        if wake_at is not None and now - wake_at > FAR:
            # A clock that began in 1970 has years behind it that nobody wants enumerated.
            firings = self._between(wake_at - _TICK, now)
            self._engine.skip_to(now + _TICK)
        else:
            firings = self._engine.advance(now)
        self._now = max(self._now, now)
        late = [firing for firing in firings if now - firing.due > self._prompt and not by_event(firing)]
        self._decider.make_up_for(late, now, effects)
        for firing in firings:
            if now - firing.due <= self._prompt or by_event(firing):
                self._decider.came_due(firing, now, effects)
        for firing in self._decider.later.take(now):
            self._decider.judge_it(firing, now, effects)
        self._decider.give_up(now, effects)
        self._verifier.advance(now, effects)
        self._ahead.advance(now, effects)
        self._dispatch.advance(now, effects)
        self.leases.advance(now, effects)
        self._keep_memory(effects)
        self._mistakes.tell(now, effects)
        return effects

    def clock_set(self, by: dt.timedelta, now: dt.datetime, results: Mapping[Key, Result] | None = None) -> Effects:
        """The clock was set by as much, and shows `now`; elapsed time is not what it says.

        results: what the journal has on firings after `now`, for a clock that was set back.
        """
        self._began += by
        self._engine.shift(by)
        self._house.shift(by)
        self._judge.shift(by)
        self._decider.shift(by)
        self._dispatch.shift(by)
        self.leases.shift(by)
        self._verifier.shift(by)
        self._ahead.begin(self._rules, self._book.site, now)
        if by < dt.timedelta():
            self._docket.remember(results or {})
            self._engine.go_back(now)
            self._now = now
        return self.advance(now)

    def _between(self, since: dt.datetime, now: dt.datetime) -> list[Firing]:
        """Return what was due after `since`, rule by rule, so that one that is broken keeps none from the others."""
        found: list[Firing] = []
        for rule in self._rules.values():
            try:
                found += between([rule], self._book.site, since, now, salt=self._salt)
            except Exception as problem:
                self._mistakes.note(rule, problem)
        return sorted(found, key=lambda firing: firing.due)

    # ---------------------------------------------------------------- what is measured and seen

    def metered_at(self, device_id: str, at: dt.datetime, power_w: float) -> Effects:
        """A meter was read."""
        effects = Effects()
        self._judge.metered(device_id, at, power_w)
        for firing in self._engine.observe(Reading(device_id, at, power_w)):
            self._decider.came_due(firing, at, effects)
        self._decider.looked("power", device_id, at, effects)
        self._keep_memory(effects)
        return effects

    def saw(
        self, device_id: str, state: State, at: dt.datetime, waited: dt.timedelta = dt.timedelta()
    ) -> tuple[Effects, Unexplained | None]:
        """A device was looked at.  What it shows and nobody here did is returned: ask the device, then `blame`.

        waited: how long the answer took.
        """
        effects = Effects()
        if self._dispatch.contradicted(device_id, state, at, self._book.devices, effects):
            self._verifier.saw(device_id, state, at, effects)
            self._decider.looked("state", device_id, at, effects)
            return effects, None
        found = self._house.saw(device_id, state, at)
        if isinstance(found, Unexplained):
            return effects, found
        if found is not None:
            effects.changes.append(found)
        self._after_look(device_id, state, at, waited, effects)
        return effects, None

    def blame(
        self, found: Unexplained, table: str | None, at: dt.datetime, waited: dt.timedelta = dt.timedelta()
    ) -> Effects:
        """The device said which of its own tables did it, or that none did (None).  at, waited: of the look."""
        effects = Effects()
        change = found.change(self.leases.named(found.device_id, table, at))
        self._house.blame(change)
        effects.changes.append(change)
        effects.events.append(Changed(change))
        if table is None and (found.device_id not in self._views_kept or not found.watched):
            self._judge.odd[found.device_id] = found
        self._after_look(found.device_id, found.after, at, waited, effects)
        return effects

    def look_failed(self, what: str, device_id: str, at: dt.datetime) -> Effects:
        """A device that was to be looked at ("state"), metered ("power") or asked what it does next ("next") gave no
        answer, or is resting.
        """
        effects = Effects()
        if what == "state":
            self._dispatch.look_failed(device_id, at)
            self._verifier.look_failed(device_id, at, effects)
        elif what == "next":
            self._ahead.failed(device_id)
        elif what == "lease":
            self.leases.failed(device_id, at, effects)
        self._decider.looked(what, device_id, at, effects)
        return effects

    def _after_look(
        self, device_id: str, state: State, at: dt.datetime, waited: dt.timedelta, effects: Effects
    ) -> None:
        self._sight(Sighting(device_id, at, state.on, turned_on_at(state, at), waited), effects)
        kept = self._views_kept.get(device_id)
        if kept is None or effects.changes or not dt.timedelta() <= at - kept <= VIEW_KEPT_EVERY:
            self._keep_view(device_id, effects)
        self._verifier.saw(device_id, state, at, effects)
        self.leases.saw(device_id, state.on, at, effects)
        self._decider.looked("state", device_id, at, effects)
        self._keep_memory(effects)

    def told_next(self, device_id: str, event: NextEvent | None, asked: dt.datetime) -> Effects:
        """A device has said what it will do next of its own accord."""
        self._ahead.told(device_id, event, asked)
        return Effects()

    def _sight(self, sighting: Sighting, effects: Effects) -> None:
        for firing in self._engine.see(sighting):
            self._decider.came_due(firing, sighting.at, effects)

    def take(self, now: dt.datetime) -> list[Order]:
        """Return the orders to be carried out now, at most one for each device; each is `finished` some time."""
        return self._dispatch.take(now)

    def against(self, order: Order, state: State, at: dt.datetime) -> Withheld | None:
        """Return why an order with look_first is not to be carried out on a device in this state, None to go on."""
        return self._judge.against(order, state, at, self._began)

    def put_off(self, order: Order, now: dt.datetime) -> Effects:
        """An order taken was not tried, because its device is resting; it is given out again later."""
        effects = Effects()
        self._dispatch.put_off(order, now, effects)
        return effects

    def finished(
        self, order: Order, at: dt.datetime, error: TapoAutomateError | None = None, *, already: bool = False
    ) -> Effects:
        """An order taken was carried out (error None), was found done (already), or failed."""
        effects = Effects()
        self._dispatch.finished(order, at, error, effects, already=already)
        setting = order.setting
        if error is not None:
            self.leases.check(order.firing.device_id, at)
        elif setting.on is False and not setting.transition_ms:
            self.leases.saw(order.firing.device_id, on=False, now=at, effects=effects)
        if error is None and not already:
            device_id = order.firing.device_id
            turned = any(change.device == device_id for change in effects.changes)
            if setting.on is not None and (setting.on or not setting.transition_ms):  # else it goes out later
                self._sight(Sighting(device_id, at, setting.on, at if turned and setting.on else None), effects)
            self._keep_view(device_id, effects)
            self._keep_memory(effects)
        elif effects.changes:
            self._keep_tried(order.firing.device_id, effects)
        return effects

    def failed(self, device_id: str, problem: TapoAutomateError, now: dt.datetime) -> None:
        """Something went wrong with a device, whatever was asked of it."""
        self._dispatch.failed(device_id, problem, now)

    def retry_now(self, device_id: str) -> Effects:
        """The reason for which a device was left alone is gone."""
        self._dispatch.retry_now(device_id)
        return Effects()

    # ---------------------------------------------------------------- another book, and the end

    def prepare(self, book: RuleBook, now: dt.datetime) -> Engine:
        """Return an engine for another book, which takes its time; `take_over` is quick."""
        self._mistakes.begin()
        return self._engine_of(book, now, None)

    def executed(
        self, partition: Partition | None, now: dt.datetime, *, unsure: bool = False, astray: Collection[str] = ()
    ) -> Effects:
        """Other rules are carried out by devices than were before.

        unsure, astray: as of `Verifier`.
        """
        self._verifier.executed(partition, now, unsure=unsure, astray=astray)
        self._ahead.fill(now)
        return Effects()

    def take_over(
        self,
        book: RuleBook,
        engine: Engine,
        now: dt.datetime,
        commits: Mapping[str, str],
        partition: Partition | None,
        *,
        unsure: bool = False,
        astray: Collection[str] = (),
    ) -> Effects:
        """Go on with another book, the engine prepared for it, and what devices carry out of it.

        Holds, countdowns, steps and orders go on where the new book still has their rule, and it sets the same.
        """
        waiting = {(firing.rule.id, firing.device_id, firing.nominal) for firing in self._docket}
        effects = self.advance(now)
        self._give_back(book, now, effects)
        engine.advance(now)  # all of it was given out just now, by the engine that is replaced
        engine.remember(self._engine.memory)
        self._engine = engine
        self._verifier.executed(partition, now, unsure=unsure, astray=astray)
        self._adopt(book, now)
        self._docket.commits = dict(commits)
        used = {device_id for rule in self._rules.values() for device_id in rule.device_ids}
        for firing in self._docket:
            fresh = (firing.rule.id, firing.device_id, firing.nominal) not in waiting and firing.due <= now
            if fresh and not firing.rule.steps and firing.device_id in used:
                continue  # it came due under the old book, which counts up to this instant
            rule = self._rules.get(firing.rule.id)
            if rule is None or firing.device_id not in rule.device_ids or rule.settings != firing.rule.settings:
                self._withdraw(firing, now, effects)
        self.leases.begin(self._rules, self._book.devices, now, effects)
        self._keep_memory(effects)
        return effects

    def _give_back(self, book: RuleBook, now: dt.datetime, effects: Effects) -> None:
        """End the away windows under way that another book does not have, or has otherwise."""
        for rule_id, device_id, seed in self._absences.under_way():
            old, new = self._rules.get(rule_id), book.rules.get(rule_id)
            if old is None or (new and new.enabled and new.trigger == old.trigger and device_id in new.device_ids):
                continue
            end = Firing(old, device_id, now, now, "its rule was changed in its window", "return", seed=seed)
            self._decider.came_due(end, now, effects)

    def _withdraw(self, firing: Firing, now: dt.datetime, effects: Effects) -> None:
        if not self._dispatch.withdraw(firing, effects):
            return  # under way
        self._decider.later.remove(firing)
        self._verifier.withdraw(firing)
        self._docket.settle(firing, now, Withheld(CHANGED), effects)

    def stop(self, now: dt.datetime) -> Effects:
        """Report what is not settled; the journal keeps it, and the next daemon goes on with it."""
        effects = Effects()
        for firing in self._docket:
            effects.events.append(Outcome(firing, now, Unfinished(), "unfinished", 0))
        for device_id in self._views_kept:
            self._keep_view(device_id, effects)
        self._docket.clear()
        return effects

    def _keep_memory(self, effects: Effects) -> None:
        effects.memory |= to_memory(self._engine.touched())

    def _keep_view(self, device_id: str, effects: Effects) -> None:
        view = self._house.view(device_id)
        if view is not None:
            self._views_kept[device_id] = view.seen_at
            effects.memory |= to_memory((device_id, view))

    def _keep_tried(self, device_id: str, effects: Effects) -> None:
        """Keep what is thought of a device that this daemon has not looked at."""
        if view := self._house.view(device_id):
            effects.memory |= to_memory((device_id, view))
