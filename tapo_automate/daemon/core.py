"""The daemon: the engine says what is due, APScheduler wakes us for it, lanes carry it to the devices.

One direction only: nothing that runs in a lane calls back into the planner but for the readings of meters, which
have a door of their own (`Engine.observe`).  Lateness is our arithmetic: APScheduler's own policies are switched off.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from functools import partial

from apscheduler.schedulers.background import BackgroundScheduler

from tapo_automate.daemon.agenda import Agenda
from tapo_automate.daemon.clock import Clock, WallClock
from tapo_automate.daemon.events import Event, Metered, Observer, Outcome, Recovered, Stepped, Trouble
from tapo_automate.daemon.keeper import Keeper
from tapo_automate.daemon.lanes import Lanes
from tapo_automate.device import Setting
from tapo_automate.errors import AuthRefused, ConfigError, TapoAutomateError, TooLate, Unfinished, Unsupported
from tapo_automate.registry import Registry
from tapo_automate.rules.engine import Engine, Reading, runnable
from tapo_automate.rules.model import Firing, RuleBook

LOOK_AROUND_S = 5  # real seconds between two looks at the clock; a step is to be noticed within 10
STEP_S = 2.0
LONGEST_POLL_S = 300.0
MOST_DOUBLINGS = 10  # of the time between polls; a device may stay away for months, and numbers end
FAR = dt.timedelta(days=1)  # what a clock jumps over beyond this is not reported firing by firing

log = logging.getLogger("tapo_automate")


def longest_gap_s(poll_s: float) -> float:
    """Return how long a meter polled every poll_s may be silent before a power rule's hold starts anew."""
    return max(120.0, 5 * poll_s)


class Daemon:
    """Carries a rule book out until it is stopped.

    poll_s: between two readings of a meter that a rule watches, by `clock`.  late_limit_s: firings that could not be
    begun within it are reported as TooLate instead.  observe: told every event, from many threads; must not block.
    """

    def __init__(
        self,
        book: RuleBook,
        registry: Registry,
        *,
        clock: Clock | None = None,
        poll_s: float = 10.0,
        late_limit_s: float = 900.0,
        max_threads: int = 64,
        observe: Observer | None = None,
    ) -> None:
        self._registry = registry
        self._clock = clock or WallClock()
        self._poll_s = poll_s
        self._late_limit_s = late_limit_s
        self._observe = observe or (lambda event: None)
        self._lanes = Lanes(max_threads)
        self._lock = threading.Lock()  # guards engine, agendas and troubles
        rules = runnable(book.rules.values())
        used = {device_id for rule in rules for device_id in rule.device_ids}
        self._keepers = {name: Keeper(book.devices[name], registry) for name in book.devices if name in used}
        self._engine = Engine(rules, book.site, self._clock.now(), max_gap_s=longest_gap_s(poll_s))
        self._polls: Agenda[tuple[str, dt.datetime]] = Agenda()
        self._steps: Agenda[tuple[str, int, Setting]] = Agenda()
        self._troubles: dict[str, tuple[str, int]] = {}
        begin = self._clock.now()
        for device_id in sorted(self._engine.metered):
            self._polls.add(begin, (device_id, begin))
        self._under_way: dict[tuple[str, str, dt.datetime], Firing] = {}  # in the lanes, not reported yet
        self._armed_for: dt.datetime | None = None
        self._stopping = False
        self._scheduler = BackgroundScheduler(
            timezone=dt.UTC,
            executors={"default": {"type": "threadpool", "max_workers": 1}},
            # A tick that starts while the last one ends is not to be dropped, and a late one not either.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 3},
        )

    def start(self) -> None:
        """Open the devices (nothing is asked of them yet) and begin.

        Raises ConfigError if not one device can be opened; one alone that cannot is reported, the others work.
        """
        problems: list[ConfigError] = []
        for keeper in self._keepers.values():
            try:
                keeper.open()
            except ConfigError as problem:
                problems.append(problem)
            except TapoAutomateError as broken:
                self._trouble(keeper.spec.id, broken)
        if problems and len(problems) == len(self._keepers):
            raise problems[0]
        for unopened in problems:
            log.error("%s", unopened)
        self._scheduler.start()
        self._wake_now()

    def watch(self, stop: threading.Event, look_around_s: float = LOOK_AROUND_S) -> None:
        """Return when `stop` is set; meanwhile notice, every look_around_s, when the clock is set or the machine slept.

        APScheduler waits for an instant once computed, so a clock set back would leave it waiting too long.
        """
        while not stop.wait(look_around_s):
            by_s = self._clock.stepped_s()
            if abs(by_s) > STEP_S:
                self._tell(Stepped(self._clock.now(), by_s))
                if by_s < 0:
                    self._move_back(dt.timedelta(seconds=-by_s))
                self._wake_now()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Take on nothing new, finish what is under way, let go of the devices; False if that took too long."""
        with self._lock:
            self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        drained = self._lanes.drain(timeout_s)
        self._lanes.close()
        for firing in list(self._under_way.values()):
            self._report(firing, Unfinished())
        if drained:
            for keeper in self._keepers.values():
                try:
                    keeper.close()
                except TapoAutomateError as problem:
                    log.warning("%s", problem)
        return drained

    def _move_back(self, by: dt.timedelta) -> None:
        """Move what was planned in spans of time with a clock that was set back; it would stand still for as long."""
        with self._lock:
            self._polls.move_back(by)
            self._steps.move_back(by)
            self._engine.move_readings_back(by)

    def _wake_now(self) -> None:
        with self._lock:
            self._armed_for = None
        self._arm(self._clock.now())

    def _arm(self, wake_at: dt.datetime) -> None:
        """Have APScheduler call `_tick` at wake_at, unless it will call earlier anyway."""
        with self._lock:
            if self._stopping or (self._armed_for is not None and self._armed_for <= wake_at):
                return
            self._armed_for = wake_at
            wait_s = self._clock.real_s((wake_at - self._clock.now()).total_seconds())
            run_at = WallClock().now() + dt.timedelta(seconds=min(max(wait_s, 0.0), 86_400.0))
            self._scheduler.add_job(self._tick, "date", run_date=run_at, id="tick", replace_existing=True)

    def _tick(self) -> None:
        try:
            self._hand_out(self._clock.now())
        except Exception:  # a mistake of ours, or no thread to spare: the next tick must come all the same
            log.exception("unexpected error while planning")
            self._arm(self._clock.now() + dt.timedelta(seconds=LOOK_AROUND_S))

    def _hand_out(self, now: dt.datetime) -> None:
        """Put what has come due into the lanes."""
        with self._lock:
            self._armed_for = None
            wake_at = self._engine.wake_at
            if wake_at is not None and now - wake_at > FAR:
                # A clock that began in 1970 has years behind it that nobody wants enumerated.
                self._engine.skip_to(now - dt.timedelta(seconds=self._late_limit_s))
            firings = self._engine.advance(now)
            polls = self._polls.take(now)
            steps = self._steps.take(now)
        self._put(firings)
        for device_id, epoch, setting in steps:
            self._lanes.put(device_id, partial(self._go_on, device_id, epoch, setting))
        for device_id, due in polls:
            self._lanes.put(device_id, partial(self._poll, device_id, due))
        self._rearm()

    def _rearm(self) -> None:
        with self._lock:
            wakes = [w for w in (self._engine.wake_at, self._polls.wake_at, self._steps.wake_at) if w is not None]
        if wakes:
            self._arm(min(wakes))

    def _put(self, firings: list[Firing]) -> None:
        with self._lock:
            self._under_way.update((_name(firing), firing) for firing in firings)
        for firing in firings:
            self._lanes.put(firing.device_id, partial(self._carry_out, firing))

    def _carry_out(self, firing: Firing) -> None:
        error: TapoAutomateError | None = None
        begun = self._clock.now()
        try:
            if firing.late_s(begun) > self._late_limit_s:
                raise TooLate(firing.late_s(begun), self._late_limit_s)
            keeper = self._keepers[firing.device_id]
            rest = keeper.apply(firing.rule.setting)
            self._schedule_steps(firing.device_id, keeper.epoch, rest)
        except TapoAutomateError as problem:
            error = problem
        self._report(firing, error)

    def _report(self, firing: Firing, error: TapoAutomateError | None) -> None:
        with self._lock:
            if self._under_way.pop(_name(firing), None) is None:
                return  # reported as unfinished already
        self._tell(Outcome(firing, self._clock.now(), error))
        self._registry.rule_fired(firing, error)

    def _schedule_steps(self, device_id: str, epoch: int, steps: list[tuple[int, Setting]]) -> None:
        if not steps:
            return
        now = self._clock.now()
        with self._lock:
            for after_ms, setting in steps:
                self._steps.add(now + dt.timedelta(milliseconds=after_ms), (device_id, epoch, setting))
        self._rearm()

    def _go_on(self, device_id: str, epoch: int, setting: Setting) -> None:
        try:
            self._keepers[device_id].go_on(epoch, setting)
        except TapoAutomateError as problem:
            self._trouble(device_id, problem)
        else:
            self._recovered(device_id)

    def _poll(self, device_id: str, due: dt.datetime) -> None:
        try:
            power_w = self._keepers[device_id].power_w()
        except TapoAutomateError as problem:
            failures = self._trouble(device_id, problem)
            if isinstance(problem, (AuthRefused, ConfigError, Unsupported)):
                return  # asking again would change nothing, or lock the device
            after_s = self._poll_s * 2 ** min(failures, MOST_DOUBLINGS)
            self._poll_again(device_id, due, min(after_s, max(LONGEST_POLL_S, self._poll_s)))
            return
        at = self._clock.now()
        self._recovered(device_id)
        self._tell(Metered(device_id, at, power_w))
        with self._lock:
            firings = self._engine.observe(Reading(device_id, at, power_w))
        self._put(firings)
        self._poll_again(device_id, due, self._poll_s)

    def _poll_again(self, device_id: str, due: dt.datetime, after_s: float) -> None:
        # From the last due instant, so that the rhythm does not drift; a device slower than the rhythm skips beats.
        now, after = self._clock.now(), dt.timedelta(seconds=after_s)
        beats = max(1, -((due - now) // after))
        next_due = min(due + beats * after, now + after)  # `due` is to come where the clock was set back meanwhile
        with self._lock:
            self._polls.add(next_due, (device_id, next_due))
        self._rearm()

    def _trouble(self, device_id: str, problem: TapoAutomateError) -> int:
        """Tell of it unless it was told already; return how many times in a row it has happened."""
        with self._lock:
            told, count = self._troubles.get(device_id, ("", 0))
            self._troubles[device_id] = (str(problem), count + 1)
        if told != str(problem):
            self._tell(Trouble(device_id, self._clock.now(), problem))
        return count + 1

    def _recovered(self, device_id: str) -> None:
        with self._lock:
            was_in_trouble = self._troubles.pop(device_id, None) is not None
        if was_in_trouble:
            self._tell(Recovered(device_id, self._clock.now()))

    def _tell(self, event: Event) -> None:
        try:
            self._observe(event)
        except Exception:  # whoever watches must not be able to stop the daemon
            log.exception("an observer failed")


def _name(firing: Firing) -> tuple[str, str, dt.datetime]:
    return firing.rule.id, firing.device_id, firing.nominal
