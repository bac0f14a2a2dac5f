"""What is done in a lane for the fail-safe of a rule.  `lease.py` decides."""

from __future__ import annotations

from tapo_automate.daemon.clock import Clock
from tapo_automate.daemon.desk import Desk
from tapo_automate.daemon.keeper import Keeper
from tapo_automate.daemon.lease import OFF, Leases, secured
from tapo_automate.daemon.outbox import Order
from tapo_automate.errors import Unsupported


class Securing:
    """Starts and stops the devices' own countdowns."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def before(self, order: Order, keeper: Keeper) -> None:
        """Start a device's countdown to off before an order turns it on, where its rule has a fail-safe.

        In this order: whoever dies in between leaves a device off that is to be turned off, which does no harm.
        Raises Unsupported for a device without a countdown, which is not turned on then.
        """
        rule = order.firing.rule
        if not secured(order.firing, order.setting):
            return
        try:
            running, at = keeper.timer(), self._clock.now()
            with self._desk.lock:
                step = self._leases.step(keeper.spec.id, rule.failsafe_s, running, at, anew=True)
            if step == "start":
                keeper.start_timer(rule.failsafe_s, OFF)
        except Unsupported as problem:
            reason = f"{problem.problem}, and rule {rule.id} turns nothing on without its fail-safe"
            raise Unsupported(problem.host, reason) from problem
        self._desk.ask(lambda planner: planner.leases.began(order.firing, step, running, at))

    def see_to(self, keeper: Keeper) -> None:
        """Start the countdown of a device anew, stop it, or let it run; nothing is asked where there is none."""
        device_id = keeper.spec.id
        with self._desk.lock:
            lease = self._leases.of(device_id)
        if lease is None:
            return
        running, at = keeper.timer(), self._clock.now()
        with self._desk.lock:
            step = self._leases.step(device_id, lease.lasts_s, running, at, anew=False)
        if step == "start":
            keeper.start_timer(lease.lasts_s, OFF)
        elif step == "stop":
            keeper.stop_timer()
        self._desk.ask(lambda planner: planner.leases.seen_to(device_id, lease, step, running, at))

    @property
    def _leases(self) -> Leases:
        assert self._desk.planner is not None
        return self._desk.planner.leases
