"""The daemon: the planner says what is to be done, an alarm wakes it, lanes carry it to the devices.

One direction only.  What runs in a lane tells the planner what came of it, under one lock, and lets happen what the
planner answers.  The journal has its own thread; nothing here waits for it.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
from collections.abc import Mapping
from functools import partial

from tapo_automate.daemon.accounts import Accounts
from tapo_automate.daemon.alarm import Alarm as Waker
from tapo_automate.daemon.alarm import SchedulerAlarm
from tapo_automate.daemon.clock import Clock, Jump, WallClock, ticking_s
from tapo_automate.daemon.desk import Desk
from tapo_automate.daemon.docket import KEPT
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Alarm, Observer, Reloaded, Stepped
from tapo_automate.daemon.hands import Hands
from tapo_automate.daemon.health import Health
from tapo_automate.daemon.keeper import Keeper, Logins, Opened, open_all, unheard
from tapo_automate.daemon.lanes import Lanes, Work
from tapo_automate.daemon.outbox import Order
from tapo_automate.daemon.past import accounts_in, inheritance
from tapo_automate.daemon.planner import Planner
from tapo_automate.device import DeviceSpec
from tapo_automate.errors import TapoAutomateError
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.difference import differences
from tapo_automate.rules.engine import runnable
from tapo_automate.rules.model import RuleBook, StateTurns
from tapo_automate.sync.partition import LedgerWatch, Partition

LOOK_AROUND_S = 5  # real seconds between two looks at the clock; a step is to be noticed within 10
STEP_S = 2.0
PROMPT_S = 10.0  # real seconds: what is later than this was missed, not merely late
PRUNE_EVERY_S = 86_400.0
MOST_UNTOLD = 10_000  # events that wait for plugins
LONGEST_RELOAD = dt.timedelta(minutes=5)
PLUGINS = "the plugins"  # the lane in which they are told what happened; a device of that name would share it
CLOCK_WRONG = "the clock shows a time before this program was made; nothing is carried out until it is set"

log = logging.getLogger("tapo_automate")


def longest_gap_s(poll_s: float) -> float:
    """Return how long a device polled every poll_s may be silent before a hold on it starts anew."""
    return max(120.0, 5 * poll_s)


class Daemon:
    """Carries a rule book out until it is stopped.

    journal: keeps what was due and done over restarts; without one, every start is the first.  poll_s: between two
    readings of a meter, or looks at a device, that a rule watches, by `clock`; look_s: between two looks at the
    others, 0 for none.  grace_s: added to every rule's `within`.  commits: git commit by rule file.
    ledger: says what devices carry out by themselves; None for nothing.
    observe: told every event, from many threads; must not block.  logins: names the last login that a person has had a
    device make, "" for none.
    """

    def __init__(
        self,
        book: RuleBook,
        registry: Registry,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        ledger: LedgerWatch | None = None,
        poll_s: float = 10.0,
        look_s: float = 60.0,
        grace_s: float = 0.0,
        max_threads: int = 64,
        observe: Observer | None = None,
        commits: Mapping[str, str] | None = None,
        alarm: Waker | None = None,
        lanes: Lanes | None = None,
        dice: random.Random | None = None,
        logins: Logins = unheard,
    ) -> None:
        self._book = book
        self._registry = registry
        self._clock = clock or WallClock()
        self._journal = journal
        self._ledger = ledger
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._commits = dict(commits or {})
        self._alarm = alarm or SchedulerAlarm()
        self._lanes = lanes or Lanes(max_threads)
        self._dice = dice or random.Random()
        self._logins = logins
        self._accounts = Accounts(accounts_in(journal))
        tell = observe or (lambda event: None)
        self._desk = Desk(
            self._clock,
            journal,
            registry,
            tell,
            self._put_order,
            self._put_look,
            self._put_apart,
            self._look_at_clock,
        )
        self._hands = Hands(self._desk, self._lanes, self._clock, self._accounts, poll_s, look_s, self._rearm)
        self._armed_for: dt.datetime | None = None
        self._held = False  # the clock is impossible
        self._jump = Jump(0.0)  # since it was last possible
        self._started = self._clock.now()
        self._progress_at = ticking_s()
        self._refused = ""
        self._journal_told = ""
        self._ledger_told = ""
        self._partition: Partition = {}
        self._astray: frozenset[str] = frozenset()
        self._unsure = False  # there is a ledger, and nobody could read it yet
        self._warnings_told: tuple[str, ...] = ()
        self._pruned_at: dt.datetime | None = None

    # ---------------------------------------------------------------- its life

    def start(self) -> None:
        """Open the devices (nothing is asked of them yet) and begin, or wait for a clock that can be right.

        Raises ConfigError if not one device can be opened; one alone that cannot is reported, the others work.
        """
        opened = open_all(_used(self._book).values(), self._registry, self._accounts, self._logins)
        self._hands.replace((), opened.keepers)
        if opened.unopened and len(opened.unopened) == len(opened.keepers):
            raise opened.unopened[0]
        self._tell_of(opened)
        self._alarm.start(self._tick)
        if self._clock.plausible():
            self._begin()
        else:
            self._held = True
            self._desk.tell(Alarm("clock", self._clock.now(), CLOCK_WRONG))

    def watch(self, stop: threading.Event, look_around_s: float = LOOK_AROUND_S) -> None:
        """Return when `stop` is set; meanwhile notice, every look_around_s, what no alarm tells.

        That is: a clock that was set, a machine that slept, credentials that were changed, a journal in trouble.
        """
        while not stop.wait(look_around_s):
            try:
                self.look_around()
            except Exception:  # whatever it is, the daemon goes on
                log.exception("unexpected error while looking around")

    def look_around(self) -> None:
        """Notice once what `watch` notices."""
        with self._desk.lock:
            effects = self._look_at_clock()
        if effects is not None:
            self._desk.say(effects)
        if self._desk.planner is None and not self._held:
            self._begin()
        self._hands.see_to_accounts()
        self._see_to_ledger(self._clock.now())
        self._see_to_journal(self._clock.now())
        self._wake_now()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Take on nothing new, finish what is under way, let go of the devices; False if that took too long."""
        with self._desk.lock:
            self._desk.closed = True
        self._alarm.stop()
        drained = self._lanes.drain(timeout_s)
        now = self._clock.now()
        if self._desk.planner:
            self._desk.ask(lambda planner: planner.stop(now))
            if self._journal:
                self._journal.end(now, self._desk.planner.reached)
            drained = drained and self._lanes.drain(timeout_s)  # plugins are told of what is not settled
        self._lanes.close()
        if drained:
            for keeper in self._hands.keepers.values():
                _close(keeper)
        return drained

    def reload(self, book: RuleBook, commits: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Carry out another book from now on; return what is different, in words.

        Holds, countdowns, steps and waiting commands go on where the new book still has their rule.
        """
        changes = differences(self._book, book)
        partition = self._ledger.partition(book) if self._ledger else {}
        astray = self._ledger.astray(book) if self._ledger else frozenset[str]()
        planner, since = self._desk.planner, self._clock.now()
        prepared = planner.prepare(book, since) if planner else None  # meanwhile the old one is carried out
        specs, keepers = _used(book), self._hands.keepers
        gone = [keeper for name, keeper in keepers.items() if specs.get(name) != keeper.spec]
        new = [spec for name, spec in specs.items() if name not in keepers or keepers[name].spec != spec]
        # Plugins may take their time: not under the lock.
        opened = open_all(new, self._registry, self._accounts, self._logins)
        effects = Effects()
        with self._desk.lock:
            now = self._clock.now()
            self._hands.replace(gone, opened.keepers)
            self._book, self._commits, self._refused = book, dict(commits or {}), ""
            self._partition, self._astray = partition, astray
            if self._desk.planner:
                fits = prepared is not None and dt.timedelta() <= now - since < LONGEST_RELOAD
                # Else it has begun just now, or the clock was set meanwhile.
                engine = prepared if prepared and fits else self._desk.planner.prepare(book, now)
                effects = self._desk.planner.take_over(
                    book, engine, now, self._commits, partition, unsure=self._unsure, astray=astray
                )
                self._desk.let_go(effects)
                self._hands.plan_looks(now)
        self._desk.say(effects)
        self._tell_of(opened)
        for keeper in gone:
            self._lanes.put(keeper.spec.id, partial(_close, keeper))
        self._desk.tell(Reloaded(now, changes))
        self._wake_now()
        return changes

    def refused(self, report: str) -> None:
        """Another book was offered and has errors; the one that is carried out stays."""
        self._refused = report

    def health(self) -> Health:
        """Return how the daemon is."""
        troubles = self._hands.troubles
        with self._desk.lock:
            planner, keepers = self._desk.planner, dict(self._hands.keepers)
            return Health(
                now=self._clock.now(),
                started=self._started,
                progress_s=ticking_s() - self._progress_at,
                clock_plausible=not self._held,
                journal=self._journal.problem if self._journal else "",
                book=self._refused,
                rules=len(runnable(self._book.rules.values())),
                devices={device_id: troubles.get(device_id, "") for device_id in keepers},
                blocked=frozenset(device_id for device_id, keeper in keepers.items() if keeper.left_alone),
                next_due=planner.next_due if planner else None,
                waiting=planner.waiting if planner else 0,
            )

    # ---------------------------------------------------------------- beginning

    def _begin(self) -> None:
        now = self._clock.now()
        last = self._journal.last_run() if self._journal else None
        past = inheritance(self._journal, self._book, now, last)
        self._see_to_ledger(now)
        with self._desk.lock:
            planner = Planner(
                self._book,
                now,
                past,
                gap_s=longest_gap_s(self._poll_s),
                grace_s=self._grace_s,
                prompt_s=PROMPT_S / self._clock.real_s(1.0),
                commits=self._commits,
                dice=self._dice,
                partition=self._partition,
                unsure=self._unsure,
                astray=self._astray,
            )
            self._desk.planner = planner
            effects = planner.begin(past)
            self._desk.let_go(effects)
            self._hands.plan_looks(now)
        self._desk.say(effects)
        if self._journal:
            self._journal.begin(now)  # once all that was missed is on record: whoever comes next looks back to here
        self._wake_now()

    def _tell_of(self, opened: Opened) -> None:
        for unopened in opened.unopened:
            log.error("%s", unopened)
        for device_id, broken in opened.broken.items():
            self._hands.trouble(device_id, broken)
        for device_id, keeper in opened.keepers.items():
            if keeper.left_alone:
                text = f"{device_id}: its account was refused before, and has not changed: it is left alone"
                self._desk.tell(Alarm("credentials", self._clock.now(), text))

    # ---------------------------------------------------------------- the planner's thread

    def _tick(self) -> None:
        try:
            with self._desk.lock:
                self._armed_for = None
            if not self._held:
                now = self._clock.now()
                if self._due(now):
                    self._see_to_ledger(now)
                self._desk.ask(lambda planner: planner.advance(now))
                self._hands.hand_out(now)
            self._progress_at = ticking_s()
            self._rearm()
        except Exception:  # a mistake of ours, or no thread to spare: the next tick must come all the same
            log.exception("unexpected error while planning")
            self._arm(self._clock.now() + dt.timedelta(seconds=LOOK_AROUND_S))

    def _look_at_clock(self) -> Effects | None:
        """Notice whether the clock was set, or cannot be right; with the lock held.  Return what there is to tell."""
        jump, now, planner = self._clock.jump(), self._clock.now(), self._desk.planner
        self._jump = Jump(self._jump.set_s + jump.set_s, self._jump.slept_s + jump.slept_s)
        effects = Effects()
        if not self._clock.plausible():
            if not self._held:
                self._held = True
                effects.events.append(Alarm("clock", now, CLOCK_WRONG))
            return effects
        jump, self._jump = self._jump, Jump(0.0)
        if not self._held and abs(jump.by_s) <= STEP_S:
            return None
        if planner is not None:
            effects = self._jumped(planner, jump, now)
            effects.events.insert(0, Stepped(now, jump.by_s))
        if self._held:
            self._held = False
            effects.events.insert(0, Alarm("clock", now, "the clock can be right now", over=True))
        return effects

    def _jumped(self, planner: Planner, jump: Jump, now: dt.datetime) -> Effects:
        by = dt.timedelta(seconds=jump.set_s)
        results = {}
        if -by > KEPT / 2 and self._journal:  # further back than the planner is sure to remember
            self._journal.flush(1.0)
            results = self._journal.results_since(now - dt.timedelta(days=1))
        self._hands.shift(by)
        effects = planner.clock_set(by, now, results)
        self._desk.let_go(effects)
        return effects

    def _wake_now(self) -> None:
        with self._desk.lock:
            self._armed_for = None
        self._arm(self._clock.now())

    def _rearm(self) -> None:
        with self._desk.lock:
            planner = self._desk.planner
            wakes = [self._hands.wake_at, planner.wake_at if planner and not self._held else None]
        times = [at for at in wakes if at is not None]
        if times:
            self._arm(min(times))

    def _arm(self, wake_at: dt.datetime) -> None:
        """Have the alarm ring at wake_at, unless it will ring earlier anyway."""
        with self._desk.lock:
            if self._desk.closed or (self._armed_for is not None and self._armed_for <= wake_at):
                return
            self._armed_for = wake_at
            self._alarm.set(self._clock.real_s((wake_at - self._clock.now()).total_seconds()))

    def _put_order(self, order: Order) -> None:
        self._lanes.put(order.firing.device_id, partial(self._hands.carry_out, order))

    def _put_look(self, what: str, device_id: str) -> None:
        def look() -> None:
            self._hands.look(what, device_id)

        self._lanes.put(device_id, look)

    def _put_apart(self, work: Work) -> None:
        behind = self._lanes.waiting(PLUGINS)
        if behind < MOST_UNTOLD:
            self._lanes.put(PLUGINS, work)
        if behind == MOST_UNTOLD - 1:
            log.error("a plugin takes too long: %s events wait for it, and no more are kept", f"{MOST_UNTOLD:,}")

    def _due(self, now: dt.datetime) -> bool:
        with self._desk.lock:
            due = self._desk.planner.next_due if self._desk.planner else None
        return due is not None and due <= now

    def _see_to_ledger(self, now: dt.datetime) -> None:
        """Take notice of what others have written into the ledger: it decides about the next firing already."""
        if self._ledger is None:
            return
        book = self._book
        partition, astray, problem = self._ledger.partition(book), self._ledger.astray(book), self._ledger.problem
        unsure = bool(problem) and not self._ledger.ledger.devices
        with self._desk.lock:
            if book is self._book and (partition is not self._partition or unsure != self._unsure):
                self._partition, self._astray, self._unsure = partition, astray, unsure
                if self._desk.planner:
                    self._desk.let_go(self._desk.planner.executed(partition, now, unsure=unsure, astray=astray))
            news, self._ledger_told = problem != self._ledger_told, problem
        if news:
            goes_on = "; until then every device is looked at before it is told anything" if unsure else ""
            text = f"{problem}{goes_on}" if problem else "the ledger can be read again"
            self._desk.tell(Alarm("ledger", now, text, over=not problem))

    def _see_to_journal(self, now: dt.datetime) -> None:
        if self._journal is None:
            return
        if not self._held and self._desk.planner:
            with self._desk.lock:  # what came due and waits for the next tick must not count as taken up
                self._journal.alive(self._desk.planner.reached)
            if self._pruned_at is None or (now - self._pruned_at).total_seconds() > PRUNE_EVERY_S:
                self._pruned_at = now
                self._journal.prune(now)
        problem, warnings = self._journal.problem, self._journal.warnings
        for warning in warnings:
            if warning not in self._warnings_told:
                self._desk.tell(Alarm("journal", now, warning))
        self._warnings_told = warnings
        if problem != self._journal_told:
            self._journal_told = problem
            self._desk.tell(Alarm("journal", now, problem or "the journal is written again", over=not problem))


def _used(book: RuleBook) -> dict[str, DeviceSpec]:
    """Return the devices that rules which are carried out need, by name."""
    used: set[str] = set()
    for rule in runnable(book.rules.values()):
        used |= set(rule.device_ids)
        if rule.only_if:
            used |= set(rule.only_if.devices)
        if isinstance(rule.trigger, StateTurns):
            used.add(rule.trigger.device_id)
    return {device_id: book.devices[device_id] for device_id in sorted(used)}


def _close(keeper: Keeper) -> None:
    try:
        keeper.close()
    except TapoAutomateError as problem:
        log.warning("%s", problem)
