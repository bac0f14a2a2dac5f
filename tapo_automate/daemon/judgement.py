"""Whether a firing is to be carried out: its condition, and what people did at the device."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.house import CLOCK_GRAIN_S, House, Unexplained, turned_on_at
from tapo_automate.daemon.outbox import Order
from tapo_automate.device import State
from tapo_automate.errors import Withheld
from tapo_automate.rules import conditions
from tapo_automate.rules.conditions import Known
from tapo_automate.rules.engine import OnBroken
from tapo_automate.rules.model import Firing, Site

FRESH = dt.timedelta(seconds=2)  # a look this young answers a condition; an older one is repeated
STALE = dt.timedelta(seconds=60)  # a look this old still answers one where the device does not
_GRAIN = dt.timedelta(seconds=CLOCK_GRAIN_S)

Need = tuple[str, str]  # "state" or "power", device id


class Judge:
    """Knows the house and what its meters read.

    on_broken: told of a rule whose condition could not be judged, which is a mistake of ours; its firing is held back.
    odd: what devices showed that nobody here had set, at the first look after nobody had been looking.
    """

    def __init__(self, site: Site, house: House, absences: Absences, on_broken: OnBroken) -> None:
        self.site = site
        self._on_broken = on_broken
        self.odd: dict[str, Unexplained] = {}
        self._house = house
        self._absences = absences
        self._watts: dict[str, tuple[dt.datetime, float]] = {}

    def metered(self, device_id: str, at: dt.datetime, power_w: float) -> None:
        """A meter was read."""
        self._watts[device_id] = (at, power_w)

    def shift(self, by: dt.timedelta) -> None:
        """Move what was read with a clock that was set."""
        self._watts = {device_id: (at + by, watts) for device_id, (at, watts) in self._watts.items()}

    def needs(self, firing: Firing, now: dt.datetime) -> set[Need]:
        """Return the looks without which the firing cannot be judged."""
        wanted: set[Need] = set()
        if firing.rule.only_if:
            try:
                states, loads = conditions.needs(firing.rule.only_if)
            except Exception:
                return set()  # `why_not` will have to say it
            wanted |= {("state", name) for name in states} | {("power", name) for name in loads}
        if firing.rule.override_s or (firing.role and not self._absences.of(firing)):
            wanted.add(("state", firing.device_id))
        return {need for need in wanted if not self._fresh(*need, now)}

    def why_not_by_time(self, firing: Firing) -> str | None:
        """Return what in the condition rules the firing out whatever the devices do, or None."""
        condition = firing.rule.only_if
        if firing.role and self._absences.of(firing):
            return None  # judged when its window began
        try:
            return conditions.why_not_by_time(condition, self.site, firing.nominal) if condition else None
        except Exception as problem:
            return self._broken(firing, problem)

    def why_not(self, firing: Firing, now: dt.datetime) -> str | None:
        """Return why a firing is held back, or None."""
        try:
            return self._why_not(firing, now)
        except Exception as problem:
            return self._broken(firing, problem)

    def _why_not(self, firing: Firing, now: dt.datetime) -> str | None:
        rule = firing.rule
        if firing.role and (absence := self._absences.of(firing)):
            return absence.withheld or None  # judged when its window began
        if rule.only_if:
            reason = conditions.why_not(rule.only_if, self.site, firing.nominal, self._known(now))
            if reason:
                return reason
        view = self._house.view(firing.device_id)
        hand_at = view.hand_at if view and rule.override_s else None
        if hand_at is not None and (now - hand_at).total_seconds() < rule.override_s:
            when = hand_at.astimezone(self.site.timezone)
            return f"a person changed {firing.device_id} at {when:%H:%M:%S}, which is respected for a while"
        return None

    def changed_later(self, firing: Firing, ours: Iterable[Firing]) -> bool:
        """Whether the first look after a while showed that somebody decided otherwise after the firing came due.

        ours: all that may have been carried out without a record of it.  A change of which nobody knows when it
        happened counts as later if the device was watched until the daemon ended.
        """
        odd = self.odd.get(firing.device_id)
        if odd is None:
            return False
        if any(odd.after.shows(setting) for each in ours for _, setting in each.settings):
            return False
        if odd.since is None:
            return odd.at > firing.due + _GRAIN
        turned_on = turned_on_at(odd.after, odd.at)
        if turned_on is not None and turned_on <= firing.due and odd.before.on != odd.after.on:
            return False
        return odd.at > firing.due and odd.watched

    def against(self, order: Order, state: State, at: dt.datetime, began: dt.datetime) -> Withheld | None:
        """Return why an order from before `began`, when the daemon was started, is not carried out on such a device."""
        firing = order.firing
        if order.setting.on is not False or firing.nominal >= began:
            return None
        turned_on = turned_on_at(state, at)
        if turned_on is None or turned_on <= firing.due + _GRAIN or not self._by_hand(firing, turned_on):
            return None
        return Withheld(f"{firing.device_id} was turned on by hand after it came due")

    def _by_hand(self, firing: Firing, turned_on: dt.datetime) -> bool:
        """Whether somebody else turned the firing's device on after it came due: seen, or since the last look."""
        view, odd = self._house.view(firing.device_id), self.odd.get(firing.device_id)
        if view is None or (odd is not None and odd.after.on and odd.at > firing.due):
            return True
        if view.hand_at is not None and view.hand_at > firing.due:
            return True
        tried = any(tried.setting.on or tried.setting.toggle for tried in view.tried)
        return turned_on > view.seen_at + _GRAIN and not tried

    def _broken(self, firing: Firing, problem: Exception) -> str:
        self._on_broken(firing.rule, problem)
        return f"its condition could not be judged ({type(problem).__name__}, a mistake in this program)"

    def _known(self, now: dt.datetime) -> Callable[[str], Known | None]:
        def known(device_id: str) -> Known | None:
            view, reading = self._house.view(device_id), self._watts.get(device_id)
            on = view.state.on if view and now - view.seen_at <= STALE else None
            power_w = reading[1] if reading and now - reading[0] <= STALE else None
            return Known(on, power_w)

        return known

    def _fresh(self, what: str, device_id: str, now: dt.datetime) -> bool:
        if what == "power":
            return device_id in self._watts and now - self._watts[device_id][0] <= FRESH
        view = self._house.view(device_id)
        return view is not None and now - view.seen_at <= FRESH
