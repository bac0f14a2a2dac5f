"""What a device is still to be told: in order, again until the deadline, and not when something newer was said.

A value without a clock or a device: it is told what happened and answers what to do.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import deque
from dataclasses import dataclass, replace

from tapo_automate.device import Setting
from tapo_automate.errors import AuthRefused, Busy, Garbled, SessionLost, TapoAutomateError, Unreachable
from tapo_automate.rules.catchup import merged
from tapo_automate.rules.model import Firing

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
JITTER = 0.25  # of a wait, either way: devices that were lost together are not all asked together
LOGIN_REST_S = 61.0  # devices lock themselves after some fifteen logins that fail in a row
LOCK_REST_MIN = 30  # of one that has, where it does not say for how long
LONGEST_LOCK_REST_MIN = 60  # whatever it says


@dataclass(frozen=True, slots=True)
class Order:
    """One setting that one device is to be given.

    step: the number of the setting within its firing.  deadline: the last instant at which it may be tried.
    look_first: the device may be as wanted already, or a person may have decided otherwise: see before setting.
    tries: how often the device was asked.  repeats: how often it accepted and then did not show it.
    """

    firing: Firing
    setting: Setting
    deadline: dt.datetime
    step: int = 0
    look_first: bool = False
    tries: int = 0
    repeats: int = 0


def worth_retrying(error: TapoAutomateError) -> bool:
    """Whether the same command may succeed later without anybody doing something about it."""
    return isinstance(error, Unreachable | Busy | SessionLost | Garbled) or is_locked(error)


def is_locked(error: TapoAutomateError) -> bool:
    """Whether a device takes no login from anybody for now: whoever failed there, our credentials may be right."""
    return isinstance(error, AuthRefused) and error.locked


class Outbox:
    """The orders of one device.  At most one is taken at a time."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._orders: deque[Order] = deque()
        self._taken = False
        self._again_at: dt.datetime | None = None  # for the first order, once it has failed
        self._rest_until: dt.datetime | None = None

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def orders(self) -> tuple[Order, ...]:
        """All that is not settled, oldest first."""
        return tuple(self._orders)

    @property
    def wake_at(self) -> dt.datetime | None:
        """When the first order may be tried again; None if that is now, or if there is nothing to try."""
        if self._taken or not self._orders:
            return None
        return max((at for at in (self._again_at, self._rest_until) if at is not None), default=None)

    def resting(self, now: dt.datetime) -> bool:
        """Whether the device is to be left alone after a login that led to nothing."""
        return self._rest_until is not None and self._rest_until > now

    def rest(self, error: TapoAutomateError, now: dt.datetime) -> None:
        """Take notice of what went wrong with the device, whatever was asked of it."""
        if isinstance(error, AuthRefused) and error.locked:
            told_min = LOCK_REST_MIN if error.locked_min is None else error.locked_min
            self._rest_until = now + dt.timedelta(minutes=min(told_min, LONGEST_LOCK_REST_MIN), seconds=LOGIN_REST_S)
        elif getattr(error, "after_login", False):
            self._rest_until = now + dt.timedelta(seconds=LOGIN_REST_S)

    def add(self, order: Order, now: dt.datetime) -> list[tuple[Order, Order]]:
        """Put an order behind the others; return (superseded, by) for one that waits and lost its turn.

        What comes while the device is left alone waits like what has failed: nobody wants to see it all afterwards.
        """
        self._orders.append(order)
        if self._again_at is None and not self._taken and self.resting(now):
            self._again_at = self._rest_until
        return self._superseded()

    def take(self, now: dt.datetime) -> Order | None:
        """Return the order to carry out now; it stays the first until `settled` or `failed` says what became of it."""
        if self._taken or not self._orders or self.resting(now):
            return None
        if self._again_at is not None and self._again_at > now:
            return None
        self._taken = True
        return self._orders[0]

    def settled(self) -> None:
        """The order taken is carried out, or given up."""
        self._orders.popleft()
        self._taken, self._again_at = False, None

    def failed(self, order: Order, error: TapoAutomateError, now: dt.datetime) -> dt.datetime | None:
        """The order taken failed; return when it is tried again, or None if it is given up.

        order: as taken, or made absolute meanwhile (a toggle that may have been carried out).  A newer order that
        waits makes the question pointless: see `superseded`.
        """
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(order.tries, 10), LONGEST_WAIT_S)
        wait_s *= self._dice.uniform(1 - JITTER, 1 + JITTER)
        again_at = now + dt.timedelta(seconds=wait_s)
        self.rest(error, now)
        if self._rest_until is not None:
            again_at = max(again_at, self._rest_until)
        if not worth_retrying(error) or again_at > order.deadline:
            self.settled()
            return None
        self._orders[0] = replace(order, tries=order.tries + 1, look_first=order.look_first or _unknown(error))
        self._taken, self._again_at = False, again_at
        return again_at

    def put_off(self) -> None:
        """The order taken was not tried: the device has come to rest since."""
        self._taken, self._again_at = False, self._rest_until

    def superseded(self) -> list[tuple[Order, Order]]:
        """Return (superseded, by) for the first order, if it failed and a newer one makes it pointless."""
        return self._superseded()

    def drop(self, order: Order) -> bool:
        """Forget an order that nobody wants any more; False if it is under way, or not here."""
        if order not in self._orders or (self._taken and order is self._orders[0]):
            return False
        if order is self._orders[0]:
            self._again_at = None
        self._orders.remove(order)
        return True

    def shift(self, by: dt.timedelta) -> None:
        """Move waits and deadlines with a clock that was set."""
        self._orders = deque(replace(order, deadline=order.deadline + by) for order in self._orders)
        self._again_at = self._again_at and self._again_at + by
        self._rest_until = self._rest_until and self._rest_until + by

    def try_now(self) -> None:
        """Forget the waits: the reason for them is gone."""
        self._again_at = self._rest_until = None

    def _superseded(self) -> list[tuple[Order, Order]]:
        gone = []
        while not self._taken and self._again_at is not None and len(self._orders) > 1:
            older, newer = self._orders[0], self._orders[1]
            if newer.setting.on is None or newer.setting.toggle:
                break  # it does not say all that the older one says
            if not older.setting.toggle:
                self._orders[1] = newer = replace(newer, setting=merged(older.setting, newer.setting))
            self._orders.popleft()
            self._again_at = None
            gone.append((older, newer))
        return gone


def _unknown(error: TapoAutomateError) -> bool:
    return bool(getattr(error, "outcome_unknown", False))
