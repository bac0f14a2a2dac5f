"""From firings to orders: outboxes, sequences of steps, and whether what was accepted is to be seen.

order ──> outbox ──take──> (a lane carries it out) ──finished──> settled, or again later
                                                        └──> a look a moment later: it shows, or once more
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapo_automate.daemon.agenda import Agenda
from tapo_automate.daemon.docket import Docket, key_of
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Retrying
from tapo_automate.daemon.house import House, View, turned_on_at
from tapo_automate.daemon.outbox import Order, Outbox, is_locked
from tapo_automate.daemon.record import run_key, to_memory
from tapo_automate.daemon.sequences import Run, Sequences
from tapo_automate.device import DeviceSpec, State
from tapo_automate.errors import DeviceError, NotCarriedOut, Superseded, TapoAutomateError, TooLate, Withheld
from tapo_automate.journal.entry import Key, Result
from tapo_automate.rules.catchup import merged
from tapo_automate.rules.model import Firing

CONFIRM_AFTER = dt.timedelta(seconds=2)
LOOK_AGAIN_AFTER = dt.timedelta(seconds=10)  # where the device does not answer then
CONFIRM_WITHIN = dt.timedelta(minutes=5)  # what a device shows later than that, a person may have done
MOST_REPEATS = 2  # of a command that was accepted and is not to be seen
CHANGED = "its rule was changed, or taken out of the rules, meanwhile"


@dataclass(frozen=True, slots=True)
class Confirming:
    """A command that a device accepted at `at`, and that is to be seen.

    look_at: when it is looked for.  asked: the look for it is on its way.
    """

    order: Order
    at: dt.datetime
    look_at: dt.datetime
    asked: bool = False


class Dispatch:
    """The orders of all devices.

    prompt: steps that are later than this were missed: the device is looked at before they are made up for.
    began: when the daemon was started; what was meant before is looked at first, since it may be done.
    """

    def __init__(
        self, docket: Docket, house: House, prompt: dt.timedelta, began: dt.datetime, dice: random.Random
    ) -> None:
        self.sequences = Sequences()
        self._docket = docket
        self._house = house
        self._prompt = prompt
        self._began = began
        self._dice = dice
        self._outboxes: dict[str, Outbox] = {}
        self._ready: set[str] = set()  # devices whose outbox may have an order to take
        self._waits: Agenda[str] = Agenda()  # devices whose outbox may have one later
        self._confirming: dict[str, Confirming] = {}
        self._to_confirm: Agenda[str] = Agenda()  # devices that may have to be looked at
        # Firings with an order under way, of which nothing more is wanted, and why.
        self._unwanted: dict[Key, TapoAutomateError] = {}

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` or `take` has something to do, if nothing else happens before."""
        wakes = (self.sequences.wake_at, self._waits.wake_at, self._to_confirm.wake_at)
        return min((at for at in wakes if at is not None), default=None)

    def carry_out(self, firing: Firing, now: dt.datetime, effects: Effects, *, look_first: bool = False) -> None:
        """Give a firing's settings to its device, at once or step by step."""
        settings = firing.settings
        look_first = look_first or firing.nominal < self._began
        if not settings:
            self._docket.settle(firing, now, None, effects)
        elif len(settings) == 1 and settings[0][0] == 0:
            deadline = self._docket.deadline(firing)
            self._add(Order(firing, settings[0][1], deadline, look_first=look_first), now, effects)
        else:
            self._begin_steps(firing, now, effects)

    def advance(self, now: dt.datetime, effects: Effects) -> None:
        """Order the steps that are due, and ask for looks at what was accepted."""
        for run in self.sequences:
            self._step(run, now, effects)
        for device_id in self._to_confirm.take(now):
            each = self._confirming.get(device_id)
            if each is not None and not each.asked and each.look_at <= now:
                self._confirming[device_id] = replace(each, asked=True)
                effects.looks.add(("state", device_id))

    def take(self, now: dt.datetime) -> list[Order]:
        """Return the orders to be carried out now, at most one for each device; each is `finished` some time."""
        waiting = self._ready.union(self._waits.take(now))
        self._ready = set()
        taken = []
        for device_id in sorted(waiting):
            box = self._outboxes[device_id]
            if (order := box.take(now)) is not None:
                taken.append(order)
            elif (at := box.wake_at) is not None:
                self._waits.add(at, device_id)
        return taken

    def finished(
        self, order: Order, at: dt.datetime, error: TapoAutomateError | None, effects: Effects, *, already: bool
    ) -> None:
        """An order taken was carried out (error None), was found done (already), or failed."""
        device_id = order.firing.device_id
        box = self._outboxes[device_id]
        order = replace(order, deadline=box.orders[0].deadline)  # the clock may have been set since it was taken
        self._ready.add(device_id)
        unwanted = self._unwanted.pop(key_of(order.firing), None)
        if error is None:
            box.settled()
            if not already:
                order = replace(order, tries=order.tries + 1)
                self._accepted(order, at, effects)
            elif found := self._house.found(device_id, order.setting, at):
                effects.changes.append(found)
            cut_short = unwanted if len(order.firing.settings) > 1 else None
            self._settle(order, at, cut_short, effects, already=already)
            return
        if getattr(error, "outcome_unknown", False):
            self._house.tried(order.firing, order.setting)
        if unwanted:
            box.settled()
            self._settle(order, at, unwanted, effects)
            return
        again = box.failed(order, error, at)
        if again is None:
            tries = order.tries + isinstance(error, DeviceError)
            self._settle(replace(order, tries=tries), at, error, effects)
            return
        gone = box.superseded()
        self._supersede(gone, at, effects)
        if not gone:
            effects.events.append(Retrying(order.firing, at, error, again))

    def put_off(self, order: Order, now: dt.datetime, effects: Effects) -> None:
        """An order taken was not tried: its device has come to rest since."""
        box = self._outboxes[order.firing.device_id]
        self._ready.add(order.firing.device_id)
        if unwanted := self._unwanted.pop(key_of(order.firing), None):
            box.settled()
            self._settle(order, now, unwanted, effects)
            return
        box.put_off()
        self._supersede(box.superseded(), now, effects)

    def contradicted(
        self, device_id: str, state: State, at: dt.datetime, devices: Mapping[str, DeviceSpec], effects: Effects
    ) -> bool:
        """Whether a device does not show a command that it accepted a moment ago, and nobody has undone it.

        A device that is slow is given time; one that still does not show it is told again, a few times.
        """
        each = self._confirming.get(device_id)
        if each is None:
            return False
        turned_on = turned_on_at(state, at)
        by_hand = turned_on is not None and turned_on > each.at - dt.timedelta(seconds=1)
        if state.on == each.order.setting.on or by_hand:
            if each.asked:
                del self._confirming[device_id]
            return False
        if not each.asked:
            return True
        del self._confirming[device_id]
        order = each.order
        if run := self._run_of(order):
            run.open += 1
            effects.memory |= to_memory(run)
        else:
            self._docket.open(order.firing, effects, "accepted, and not to be seen")
        if order.repeats < MOST_REPEATS and at <= order.deadline:
            self._add(replace(order, repeats=order.repeats + 1, look_first=True), at, effects)
            return True
        host = devices[device_id].host if device_id in devices else ""
        times = f"{order.repeats + 1} times" if order.repeats else "once"
        problem = DeviceError(host or device_id, f"it accepted the command {times} and does not show it")
        self._settle(order, at, problem, effects)
        known = self._house.view(device_id)
        self._house.remember(device_id, View(state, at, hand_at=known.hand_at if known else None))
        return True

    def look_failed(self, device_id: str, now: dt.datetime) -> None:
        """A device gave no answer, or was not asked: what is to be seen is looked for again, until its time is over."""
        each = self._confirming.get(device_id)
        if each is None or not each.asked:
            return
        if now + LOOK_AGAIN_AFTER > min(each.order.deadline, each.at + CONFIRM_WITHIN):
            del self._confirming[device_id]
        else:
            self._confirm(replace(each, look_at=now + LOOK_AGAIN_AFTER, asked=False))

    def withdraw(self, firing: Firing, effects: Effects) -> bool:
        """Let go of a firing that nobody wants any more; False if it is under way: then nothing comes after that."""
        run = self.sequences.of(firing.rule, firing.device_id)
        if run is not None and key_of(run.firing) == key_of(firing):
            self.sequences.end(run)
            effects.memory[run_key(firing)] = None
        return self._drop(firing)

    def left_to_device(self, firing: Firing, now: dt.datetime, effects: Effects) -> None:
        """A device carries a firing out by itself: what is still to be told it from before must not come after that."""
        device_id = firing.device_id
        self._confirming.pop(device_id, None)
        box = self._outboxes.get(device_id)
        for order in box.orders if box else ():
            of_one = len(order.firing.settings) == 1 and len(firing.settings) == 1
            if not of_one or order.firing.due > firing.due or key_of(order.firing) == key_of(firing):
                continue
            if merged(order.setting, firing.settings[0][1]) != firing.settings[0][1]:
                continue  # the device's row does not say all that the order says
            self._ready.add(device_id)  # for what stood behind it
            if box is not None and box.drop(order):
                self._settle(order, now, Superseded(firing.rule.id), effects)
            else:
                self._unwanted[key_of(order.firing)] = Superseded(firing.rule.id)

    def failed(self, device_id: str, problem: TapoAutomateError, now: dt.datetime) -> None:
        """Something went wrong with a device, whatever was asked of it."""
        if getattr(problem, "after_login", False) or is_locked(problem):
            self._outboxes.setdefault(device_id, Outbox(self._dice)).rest(problem, now)
            self._ready.add(device_id)

    def resting(self, device_id: str, now: dt.datetime) -> bool:
        """Whether the device is to be left alone for a while after a login that led to nothing."""
        return device_id in self._outboxes and self._outboxes[device_id].resting(now)

    def retry_now(self, device_id: str) -> None:
        """The reason for which a device was left alone is gone."""
        if device_id in self._outboxes:
            self._outboxes[device_id].try_now()
            self._ready.add(device_id)

    def shift(self, by: dt.timedelta) -> None:
        """Move everything that is elapsed time with a clock that was set."""
        self._began += by
        self.sequences.shift(by)
        for box in self._outboxes.values():
            box.shift(by)
        self._waits.move(by)
        self._to_confirm.move(by)
        self._confirming = {
            name: replace(each, at=each.at + by, look_at=each.look_at + by) for name, each in self._confirming.items()
        }

    # ---------------------------------------------------------------- orders

    def _add(self, order: Order, now: dt.datetime, effects: Effects) -> None:
        device_id = order.firing.device_id
        box = self._outboxes.setdefault(device_id, Outbox(self._dice))
        self._confirming.pop(device_id, None)
        self._ready.add(device_id)
        self._supersede(box.add(order, now), now, effects)

    def _drop(self, firing: Firing) -> bool:
        """Forget the orders of a firing; False if one is under way, which is not tried again if it fails."""
        box = self._outboxes.get(firing.device_id)
        for order in box.orders if box else ():
            if key_of(order.firing) == key_of(firing) and box is not None:
                self._ready.add(firing.device_id)  # for what stood behind it
                if not box.drop(order):
                    self._unwanted[key_of(firing)] = Withheld(CHANGED)
                    self._house.tried(firing, order.setting)
        return key_of(firing) not in self._unwanted

    def _supersede(self, gone: list[tuple[Order, Order]], now: dt.datetime, effects: Effects) -> None:
        for older, newer in gone:
            self._settle(older, now, Superseded(newer.firing.rule.id), effects)

    def _accepted(self, order: Order, at: dt.datetime, effects: Effects) -> None:
        change = self._house.commanded(order.firing, order.setting, at)
        if change:
            effects.changes.append(change)
        if order.setting.on is not None and not order.setting.transition_ms:
            self._confirm(Confirming(order, at, at + CONFIRM_AFTER))

    def _confirm(self, confirming: Confirming) -> None:
        device_id = confirming.order.firing.device_id
        self._confirming[device_id] = confirming
        self._to_confirm.add(confirming.look_at, device_id)

    def _settle(
        self,
        order: Order,
        at: dt.datetime,
        error: TapoAutomateError | None,
        effects: Effects,
        *,
        already: bool = False,
    ) -> None:
        if run := self._run_of(order):
            run.open -= 1
            run.tries = max(run.tries, order.tries)
            run.problem = error
            effects.memory |= to_memory(run)
            self._end_if_over(run, at, effects)
            return
        result: Result | None = "already" if already else None
        self._docket.settle(order.firing, at, error, effects, result=result, tries=order.tries)

    # ---------------------------------------------------------------- steps

    def _run_of(self, order: Order) -> Run | None:
        """Return the steps under way that an order is one of, or None."""
        run = self.sequences.of(order.firing.rule, order.firing.device_id)
        return run if run is not None and key_of(run.firing) == key_of(order.firing) else None

    def _begin_steps(self, firing: Firing, now: dt.datetime, effects: Effects) -> None:
        under_way = self.sequences.of(firing.rule, firing.device_id)
        if under_way is not None:
            match firing.rule.mode:
                case "ignore":
                    why = Withheld("its steps from before are still under way")
                    self._docket.settle(firing, now, why, effects)
                    return
                case "queue":
                    under_way.queue.append(firing)
                    effects.memory |= to_memory(under_way)
                    return
                case "restart":
                    self._cut_off(under_way, now, effects)
        run = self.sequences.start(firing, firing.due)
        effects.memory |= to_memory(run)
        self._step(run, now, effects)

    def _cut_off(self, run: Run, now: dt.datetime, effects: Effects) -> None:
        device_id = run.firing.device_id
        if not self._drop(run.firing) and (view := self._house.view(device_id)):
            effects.memory |= to_memory((device_id, view))  # the journal would have nothing of the step under way
        self.sequences.end(run)
        why = Withheld("the rule fired again and began anew")
        self._docket.settle(run.firing, now, why, effects, result="superseded", tries=run.tries)

    def _step(self, run: Run, now: dt.datetime, effects: Effects) -> None:
        step = run.due(now)
        if step is None:
            return
        number, due, setting = step
        late = now - due > self._prompt or run.firing.nominal < self._began
        effects.memory |= to_memory(run)
        if setting.toggle and late:  # nobody knows what it would have made of the device then
            run.open -= 1
            run.problem = NotCarriedOut("a toggle is not made up for")
            self._end_if_over(run, now, effects)
            return
        deadline = due + self._docket.within(run.firing.rule)
        self._add(Order(run.firing, setting, deadline, number, look_first=late), now, effects)

    def _end_if_over(self, run: Run, now: dt.datetime, effects: Effects) -> None:
        if not run.over:
            return
        self.sequences.end(run)
        effects.memory[run_key(run.firing)] = None
        result: Result | None = None
        if run.problem is None and not run.tries:
            result = "already"
        elif type(run.problem) is NotCarriedOut:
            result = "missed"
        self._docket.settle(run.firing, now, run.problem, effects, result=result, tries=run.tries)
        while run.queue:
            firing = run.queue.popleft()
            within = self._docket.within(firing.rule)
            if now > firing.due + within:  # steps that take longer than the time between two firings pile up
                why = TooLate(firing.late_s(now), within.total_seconds())
                self._docket.settle(firing, now, why, effects)
                continue
            following = self.sequences.start(firing, now)
            following.queue = run.queue
            effects.memory |= to_memory(following)
            self._step(following, now, effects)
            return
