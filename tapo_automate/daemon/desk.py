"""Where everybody meets: the planner behind one lock, and the ways out for what it answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from tapo_automate.daemon.clock import Clock
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Event, Observer, Outcome
from tapo_automate.daemon.lanes import Work
from tapo_automate.daemon.outbox import Order
from tapo_automate.daemon.planner import Planner
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.model import Notice

ON_RECORD_WITHIN_S = 1.0

log = logging.getLogger("tapo_automate")


class Desk:
    """The planner, and what is done with its answers.

    notice: looks whether the clock was set, with the lock held, and returns what that brings about, to be told.
    carry_out, look: put an order, or a look ("state", "power" or "next", device id), into its lane; they do not
    block.
    apart: does work in order, where nothing waits for it.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal | None,
        registry: Registry,
        observe: Observer,
        carry_out: Callable[[Order], None],
        look: Callable[[str, str], None],
        apart: Callable[[Work], None],
        notice: Callable[[], Effects | None],
    ) -> None:
        self.lock = threading.RLock()
        self.planner: Planner | None = None  # None until the clock can be right
        self.closed = False  # nothing new is handed out
        self.journal = journal
        self._clock = clock
        self._registry = registry
        self._observe = observe
        self._carry_out = carry_out
        self._look = look
        self._apart = apart
        self._notice = notice

    def ask(self, question: Callable[[Planner], Effects]) -> Effects:
        """Put a question to the planner and let happen what it answers: written down, then done, then told.

        A clock that was set is noticed before: to a planner that takes the jump for time that has passed, holds and
        countdowns are over too early.
        """
        with self.lock:
            assert self.planner is not None
            stepped = self._notice()
            effects = question(self.planner)
            self.let_go(effects)
        if stepped is not None:
            self.say(stepped)
        self.say(effects)
        return effects

    def let_go(self, effects: Effects) -> None:
        """Write down and hand out what the planner answered; with the lock held that it was asked under.

        In this order and under one lock: else what came of an order could be written down before the order.
        """
        if self.journal and (effects.entries or effects.changes or effects.memory):
            self.journal.record(effects.entries, effects.changes, effects.memory)
        if self.closed or self.planner is None:
            return
        for what, device_id in sorted(effects.looks):
            self._look(what, device_id)
        for order in self.planner.take(self._clock.now()):
            self._carry_out(order)

    def say(self, effects: Effects) -> None:
        """Tell whoever watches; not with the lock held.  Plugins, which may take their time, are told after that."""
        for mistake in effects.mistakes:
            log.error("unexpected error", exc_info=mistake)
        for event in effects.events:
            self.tell(event)
            if isinstance(event, Outcome):
                self._apart(partial(self._registry.rule_fired, event.firing, event.error))
        for notice in effects.notices:
            self._apart(partial(self._notify, notice))

    def _notify(self, notice: Notice) -> None:
        self.put_on_record()
        self._registry.notify(notice)

    def put_on_record(self) -> None:
        """Wait until the disk has what was decided so far; not for long, and in vain where it refuses.

        For what nobody could find out again.  Killed with it done and not on record, the next daemon would take the
        same event for a new one, or what a window has switched for what it has to give back.
        """
        if self.journal:
            self.journal.flush(ON_RECORD_WITHIN_S)

    def tell(self, event: Event) -> None:
        """Tell one event."""
        try:
            self._observe(event)
        except Exception:  # whoever watches must not be able to stop the daemon
            log.exception("an observer failed")
