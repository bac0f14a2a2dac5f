"""What is done in the lanes: orders carried out, devices looked at, transitions gone on with.

Whatever comes of it is told to the planner; nothing here decides.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from tapo_automate.daemon.accounts import Accounts
from tapo_automate.daemon.agenda import Agenda
from tapo_automate.daemon.clock import Clock
from tapo_automate.daemon.desk import Desk
from tapo_automate.daemon.docket import by_event
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Alarm, Metered, Recovered, Trouble
from tapo_automate.daemon.house import Unexplained
from tapo_automate.daemon.keeper import Keeper
from tapo_automate.daemon.lanes import Lanes
from tapo_automate.daemon.outbox import Order, is_locked, worth_retrying
from tapo_automate.daemon.planner import Planner
from tapo_automate.daemon.polling import after_failure_s
from tapo_automate.daemon.securing import Securing
from tapo_automate.device import Setting, State
from tapo_automate.errors import (
    AuthRefused,
    ConfigError,
    DeviceError,
    NotCarriedOut,
    TapoAutomateError,
    TooLate,
    Unsupported,
)

log = logging.getLogger("tapo_automate")

Look = tuple[str, str]  # "state", "power", "next" or "lease", device id
LONGEST_ANSWER_S = 30.0  # real seconds, with a login before it
STEP_AGAIN_AFTER = dt.timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class FadeStep:
    """One step of a transition, of the command of that epoch.

    until: as long the last step is tried; None for the others, which the next one makes good.
    """

    device_id: str
    epoch: int
    setting: Setting
    until: dt.datetime | None


class Hands:
    """Works on the devices of `keepers`, each in its lane.

    poll_s: between two readings or looks that rules wait for; look_s: between two looks at the others, 0 for none.
    rearm: called when the agenda, or the planner's, may have become shorter.
    """

    def __init__(
        self,
        desk: Desk,
        lanes: Lanes,
        clock: Clock,
        accounts: Accounts,
        poll_s: float,
        look_s: float,
        rearm: Callable[[], None],
    ) -> None:
        self.keepers: dict[str, Keeper] = {}
        self._desk = desk
        self._lanes = lanes
        self._clock = clock
        self._accounts = accounts
        self._poll_s = poll_s
        self._look_s = look_s
        self._rearm = rearm
        self._securing = Securing(desk, clock)
        self._lock = threading.Lock()
        self._looks: Agenda[tuple[Look, dt.datetime]] = Agenda()
        self._wanted: set[Look] = set()  # what is to be looked at regularly
        self._regular: set[Look] = set()  # what is on the agenda, or being done: nothing is there twice
        self._ramps: Agenda[FadeStep] = Agenda()
        self._troubles: dict[str, tuple[str, int]] = {}
        self._set_by = dt.timedelta()  # by how much the clock was set in this life
        self._asking: set[str] = set()  # devices in whose lanes it is to be asked for credentials

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `hand_out` has something to do."""
        with self._lock:
            return min((at for at in (self._looks.wake_at, self._ramps.wake_at) if at is not None), default=None)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong with the devices that do not do what they should, by device id."""
        with self._lock:
            return {device_id: text for device_id, (text, _) in self._troubles.items()}

    def plan_looks(self, now: dt.datetime) -> None:
        """Put on the agenda what is to be looked at regularly and is not there yet."""
        planner = self._desk.planner
        assert planner is not None
        wanted = {("power", device_id) for device_id in planner.metered}
        wanted |= {("state", device_id) for device_id in planner.watched}
        if self._look_s:
            wanted |= {("state", device_id) for device_id in self.keepers}
        with self._lock:
            for look in sorted(wanted - self._regular):
                self._looks.add(now, (look, now))
            self._regular |= wanted
            self._wanted = wanted

    def hand_out(self, now: dt.datetime) -> None:
        """Put what has come due into the lanes."""
        with self._lock:
            looks, ramps = self._looks.take(now), self._ramps.take(now)
        for step in ramps:
            self._lanes.put(step.device_id, partial(self._go_on, step))
        for look, due in looks:
            self._lanes.put(look[1], partial(self._look_regularly, look, due))

    def shift(self, by: dt.timedelta) -> None:
        """Move the agendas with a clock that was set."""
        self._set_by += by
        with self._lock:
            self._looks.move(by)
            self._ramps.move(by)

    def replace(self, gone: Iterable[Keeper], new: Mapping[str, Keeper]) -> None:
        """Devices are not ours any more, are opened anew, or are new."""
        left = dict(self.keepers)
        for keeper in gone:
            device_id = keeper.spec.id
            if device_id in new:
                new[device_id].epoch = keeper.epoch  # a transition under way goes on
            del left[device_id]
            with self._lock:
                self._troubles.pop(device_id, None)
        self.keepers = left | dict(new)
        if self._accounts.keep_only({keeper.address for keeper in self.keepers.values()}):
            self._keep_accounts()

    # ---------------------------------------------------------------- orders

    def carry_out(self, order: Order) -> None:
        """Carry an order out, and tell the planner."""
        error: TapoAutomateError | None = None
        already = False
        device_id = order.firing.device_id
        if self._resting(device_id):  # what was before it in the lane has failed
            now = self._clock.now()
            self._desk.ask(lambda planner: planner.put_off(order, now))
            self._rearm()
            return
        try:
            keeper = self._keeper(device_id)
            order, already = self._looked_at(order, keeper)
            self._securing.before(order, keeper)
            if not already:
                if by_event(order.firing) or order.firing.role:
                    self._desk.put_on_record()
                self._plan_ramp(order, keeper, keeper.apply(order.setting))
        except NotCarriedOut as reason:
            error = reason
        except TapoAutomateError as problem:
            error = problem
            self._failed(device_id, problem)
        except BaseException as mistake:  # an order that is never finished would keep its device from the next ones
            error = self._mistaken(device_id, mistake)
        else:
            self._recovered(device_id)
        at = self._clock.now()
        self._desk.ask(lambda planner: planner.finished(order, at, error, already=already))
        self._rearm()

    def _looked_at(self, order: Order, keeper: Keeper) -> tuple[Order, bool]:
        """Look at the device if that is needed before the order; return the order, and whether it is done already.

        A toggle comes back absolute: a second try must not turn the device back.
        """
        now = self._clock.now()
        if now > order.deadline:
            raise TooLate(order.firing.late_s(now), (order.deadline - order.firing.due).total_seconds())
        if not order.look_first and not order.setting.toggle:
            return order, False
        state, _, _ = self._state_of(keeper)
        if order.setting.toggle:
            return replace(order, setting=Setting(on=not state.on)), False
        if state.shows(replace(order.setting, transition_ms=None)):
            keeper.end_transition()
            return order, True
        with self._desk.lock:
            assert self._desk.planner is not None
            against = self._desk.planner.against(order, state, self._clock.now())
        if against:
            raise against
        return order, False

    def _state_of(self, keeper: Keeper) -> tuple[State, dt.datetime, dt.timedelta]:
        """Ask a device what it is doing; return it with the instant that it is true for, and how long it took.

        Where the answer took longer than any answer takes, the machine has slept over it, and the device has been on
        for that much longer; not so where the clock was set meanwhile.
        """
        asked, set_by = self._clock.now(), self._set_by
        state = keeper.state()
        self._desk.ask(lambda planner: Effects())  # it notices whether the clock was set
        at = self._clock.now()
        waited = max(at - asked - (self._set_by - set_by), dt.timedelta())
        if state.on_for_s is not None and self._clock.real_s(waited.total_seconds()) > LONGEST_ANSWER_S:
            state = replace(state, on_for_s=state.on_for_s + int(waited.total_seconds()))
            waited = dt.timedelta()
        return state, at, waited

    def _plan_ramp(self, order: Order, keeper: Keeper, steps: list[tuple[int, Setting]]) -> None:
        if not steps:
            return
        now = self._clock.now()
        with self._lock:
            for after_ms, setting in steps:
                at = now + dt.timedelta(milliseconds=after_ms)
                until = at + (order.deadline - order.firing.due) if setting is steps[-1][1] else None
                self._ramps.add(at, FadeStep(keeper.spec.id, keeper.epoch, setting, until))
        self._rearm()

    def _go_on(self, step: FadeStep) -> None:
        device_id = step.device_id
        if self._resting(device_id):
            self._step_again(step)
            return
        if device_id not in self.keepers:
            return
        try:
            self._keeper(device_id).go_on(step.epoch, step.setting)
        except TapoAutomateError as problem:
            self._failed(device_id, problem)
            self._trouble(device_id, problem)
            if worth_retrying(problem):
                self._step_again(step)
        else:
            self._recovered(device_id)

    def _step_again(self, step: FadeStep) -> None:
        again = self._clock.now() + STEP_AGAIN_AFTER
        if step.until is not None and again <= step.until:
            with self._lock:
                self._ramps.add(again, step)
            self._rearm()

    # ---------------------------------------------------------------- looks

    def look(self, what: str, device_id: str) -> float | None:
        """Ask the device for its state, its load or what it does next, or see to its fail-safe.

        Return in how many seconds to do so again, None for never.
        """
        if self._resting(device_id):
            at = self._clock.now()
            self._desk.ask(lambda planner: planner.look_failed(what, device_id, at))
            self._rearm()
            return self._poll_s
        try:
            keeper = self._keeper(device_id)
            after_s = None
            if what == "next":
                self._told_next(device_id, keeper)
            elif what == "lease":
                self._saw(device_id, keeper)
                self._securing.see_to(keeper)
                self._rearm()
            else:
                after_s = self._metered(device_id, keeper) if what == "power" else self._saw(device_id, keeper)
        except TapoAutomateError as problem:
            return self._look_failed(what, device_id, problem)
        except BaseException as mistake:  # whoever waits for this look, and the next one, must not wait for ever
            return self._look_failed(what, device_id, self._mistaken(device_id, mistake))
        self._recovered(device_id)
        return after_s

    def _look_regularly(self, look: Look, due: dt.datetime) -> None:
        """Look, and put the next look on the agenda."""
        what, device_id = look
        after_s = self.look(what, device_id) if device_id in self.keepers else self._poll_s
        with self._lock:
            if after_s is None or look not in self._wanted:
                self._regular.discard(look)
                return
            # From the last due instant, so that the rhythm does not drift; a slow device skips beats.
            now, after = self._clock.now(), dt.timedelta(seconds=after_s)
            beats = max(1, -((due - now) // after))
            next_due = min(due + beats * after, now + after)  # `due` is to come if the clock was set back meanwhile
            self._looks.add(next_due, (look, next_due))
        self._rearm()

    def _metered(self, device_id: str, keeper: Keeper) -> float:
        power_w = keeper.power_w()
        at = self._clock.now()
        if not 0 <= power_w < float("inf"):
            raise DeviceError(keeper.spec.host or device_id, f"the meter says {power_w} W, which is not a reading")
        self._desk.tell(Metered(device_id, at, power_w))
        self._desk.ask(lambda planner: planner.metered_at(device_id, at, power_w))
        self._rearm()
        with self._desk.lock:
            assert self._desk.planner is not None
            return self._desk.planner.read_again_s(device_id, at, power_w, self._poll_s)

    def _told_next(self, device_id: str, keeper: Keeper) -> None:
        asked = self._clock.now()
        try:
            event = keeper.next_event()
        except Unsupported:  # that is no trouble: whether it did what it should is looked for afterwards
            self._desk.ask(lambda planner: planner.look_failed("next", device_id, asked))
        else:
            self._desk.ask(lambda planner: planner.told_next(device_id, event, asked))

    def _saw(self, device_id: str, keeper: Keeper) -> float:
        state, at, waited = self._state_of(keeper)
        unexplained: Unexplained | None = None
        after_s = self._poll_s

        def saw(planner: Planner) -> Effects:
            nonlocal unexplained, after_s
            effects, unexplained = planner.saw(device_id, state, at, waited)
            after_s = self._poll_s if device_id in planner.watched else self._look_s
            return effects

        self._desk.ask(saw)
        if unexplained:
            try:
                table = keeper.switched_by(unexplained.after.on, unexplained.at)
            except TapoAutomateError as problem:
                self._failed(device_id, problem)
                table = None  # it was there a moment ago: what it shows stands, only not who did it
            self._desk.ask(partial(Planner.blame, found=unexplained, table=table, at=at, waited=waited))
        self._rearm()
        return after_s

    def _look_failed(self, what: str, device_id: str, problem: TapoAutomateError) -> float | None:
        self._failed(device_id, problem)
        failures = self._trouble(device_id, problem)
        at = self._clock.now()
        self._desk.ask(lambda planner: planner.look_failed(what, device_id, at))
        self._rearm()
        if isinstance(problem, Unsupported):
            return None  # asking again would change nothing
        return after_failure_s(failures, self._poll_s)

    def _keeper(self, device_id: str) -> Keeper:
        keeper = self.keepers.get(device_id)
        if keeper is None:
            raise ConfigError(f"{device_id} is not among the devices any more")
        return keeper

    # ---------------------------------------------------------------- what goes wrong

    def _resting(self, device_id: str) -> bool:
        """Whether asking the device anything might be one login too many."""
        with self._desk.lock:
            assert self._desk.planner is not None
            return self._desk.planner.resting(device_id, self._clock.now())

    def _mistaken(self, device_id: str, mistake: BaseException) -> DeviceError:
        log.error("unexpected error", exc_info=mistake)
        keeper = self.keepers.get(device_id)
        host = (keeper.spec.host if keeper else "") or device_id
        return DeviceError(host, f"{type(mistake).__name__}, a mistake in this program; see the log")

    def trouble(self, device_id: str, problem: TapoAutomateError) -> None:
        """Tell of what is wrong with a device, unless it was told already."""
        self._trouble(device_id, problem)

    def see_to_accounts(self) -> None:
        """Look, in the lanes of the devices that are left alone, whether they are to be spoken to again."""
        # All of them first: what the first is forgiven, the account is forgiven.
        alone = [keeper for keeper in self.keepers.values() if keeper.left_alone and keeper.spec.id not in self._asking]
        for keeper in alone:
            self._asking.add(keeper.spec.id)  # plugins may take their time: one question waits at a time
            self._lanes.put(keeper.spec.id, partial(self._see_to_account, keeper))

    def _see_to_account(self, keeper: Keeper) -> None:
        device_id = keeper.spec.id
        self._asking.discard(device_id)
        try:
            news = keeper.take_credentials()
        except TapoAutomateError:
            return  # there are none at the moment: as good as unchanged
        if news:
            self._keep_accounts()
            text = f"{device_id}: {news}; it is spoken to again"
            self._desk.tell(Alarm("credentials", self._clock.now(), text, over=True))
            if self._desk.planner:
                self._desk.ask(lambda planner: planner.retry_now(device_id))

    def _failed(self, device_id: str, problem: TapoAutomateError) -> None:
        """Take notice of a failure that concerns more than what was asked."""
        with self._desk.lock:
            assert self._desk.planner is not None
            self._desk.planner.failed(device_id, problem, self._clock.now())
        keeper = self.keepers.get(device_id)
        if not isinstance(problem, AuthRefused) or is_locked(problem) or keeper is None or keeper.left_alone:
            return  # one that is locked has refused nobody in particular, and takes logins again by itself
        everyone = self._accounts.refused(keeper.mark, keeper.address, keeper.login)
        whom = "every device of this account is" if everyone else "it is"
        until = f"until the credentials change, or `tapo-automate login {device_id}` succeeds"
        text = f"{device_id}: {problem}; {whom} left alone {until}"
        self._desk.tell(Alarm("credentials", self._clock.now(), text))
        self._keep_accounts()

    def _keep_accounts(self) -> None:
        if self._desk.journal:
            self._desk.journal.record(memory={("house", "accounts"): self._accounts.to_remember()})

    def _trouble(self, device_id: str, problem: TapoAutomateError) -> int:
        """Tell of it unless it was told already; return how many times in a row it has happened."""
        if device_id not in self.keepers:
            return 1
        with self._lock:
            told, count = self._troubles.get(device_id, ("", 0))
            self._troubles[device_id] = (str(problem), count + 1)
        if told != str(problem):
            self._desk.tell(Trouble(device_id, self._clock.now(), problem))
        return count + 1

    def _recovered(self, device_id: str) -> None:
        keeper = self.keepers.get(device_id)
        if keeper and self._accounts.reopened(keeper.mark):
            text = f"{device_id}: it takes the account that one device has refused; the others are spoken to again"
            self._desk.tell(Alarm("credentials", self._clock.now(), text, over=True))
            self._keep_accounts()
        with self._lock:
            was_in_trouble = self._troubles.pop(device_id, None) is not None
        if was_in_trouble:
            self._desk.tell(Recovered(device_id, self._clock.now()))
