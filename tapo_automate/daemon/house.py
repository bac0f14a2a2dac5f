"""What is known of the devices: how they were when last seen, and who changed them.

Told of commands and of looks, answers what changed.  A value: no clock, no device.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from tapo_automate.device import Setting, State
from tapo_automate.journal.entry import Change
from tapo_automate.rules.model import Firing

MOST_TRIED = 50  # commands that are borne in mind for a device that nobody can look at
CLOCK_GRAIN_S = 2.0  # devices say in whole seconds how long they have been on


class Tried(NamedTuple):
    """A command of a rule's firing, of which nobody knows whether the device has carried it out.

    by: how it did that, in words, where it was no command but a row of the device's own; "" else.
    """

    rule: str
    nominal: dt.datetime
    setting: Setting
    by: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A device as it was last seen, or as it must be after what it accepted.

    seen_at: the last look.  exact: False after a command until the next look, which may show rounded values.
    ours_until: until then it changes by itself, in a transition of ours.  tried: commands whose outcome is unknown, in
    order.  hand_at: when a person last changed it.
    """

    state: State
    seen_at: dt.datetime
    exact: bool = True
    ours_until: dt.datetime | None = None
    tried: tuple[Tried, ...] = ()
    hand_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A device shows what nobody here has set: it, or a person, did that.

    at: when, as exactly as it is known.  watched: it was looked at shortly before, so that it was no power cut.
    """

    device_id: str
    at: dt.datetime
    since: dt.datetime | None
    before: State
    after: State
    watched: bool

    def change(self, table: str | None) -> Change:
        """Return the change for the journal.  table: what the device says did it, None for nothing of its own."""
        by: Literal["table", "person", "unknown"]
        by, detail = ("table", table) if table else ("person", "") if self.watched else ("unknown", "")
        return Change(self.device_id, self.at, words(self.before), words(self.after), by, self.since, detail=detail)


class House:
    """The devices by id.  gap_s: looks further apart than this leave open what happened between them."""

    def __init__(self, gap_s: float) -> None:
        self._gap = dt.timedelta(seconds=gap_s)
        self._views: dict[str, View] = {}

    def view(self, device_id: str) -> View | None:
        """Return what is known, or None before the first look."""
        return self._views.get(device_id)

    def remember(self, device_id: str, view: View) -> None:
        """Take over what an earlier process knew."""
        self._views[device_id] = view

    def commanded(self, firing: Firing, setting: Setting, at: dt.datetime) -> Change | None:
        """The device has accepted a setting; return what that changed, None where nothing is seen to change."""
        device_id = firing.device_id
        view = self._views.get(device_id)
        before = view.state if view else None
        after = _after(before, setting, at, view)
        if after is None:
            return None
        until = at + dt.timedelta(milliseconds=setting.transition_ms or 0, seconds=CLOCK_GRAIN_S)
        ours_until = until if setting.transition_ms else None
        self._views[device_id] = View(
            after, at, exact=False, ours_until=ours_until, hand_at=view.hand_at if view else None
        )
        if before is not None and words(before) == words(after):
            return None
        shown = words(before) if before else {}
        return Change(device_id, at, shown, words(after), "rule", rule=firing.rule.id, nominal=firing.nominal)

    def tried(self, firing: Firing, setting: Setting, by: str = "") -> None:
        """A setting may have reached the device: if that is what it shows, it was us.  by: as of `Tried`."""
        tried = Tried(firing.rule.id, firing.nominal, setting, by)
        view = self._views.get(firing.device_id)
        if view and tried not in view.tried:
            self._views[firing.device_id] = replace(view, tried=(*view.tried, tried)[-MOST_TRIED:])

    def found(self, device_id: str, setting: Setting, at: dt.datetime) -> Change | None:
        """A device was seen to show a setting before it was told so; return the change if that is what was tried."""
        view = self._views.get(device_id)
        state = _after(view.state, setting, at, view) if view else None
        tried = _ours(view, state, at) if view and state else None
        if not view or not state or not tried or words(state) == words(view.state):
            return None
        self._views[device_id] = View(state, at, exact=False, hand_at=view.hand_at)
        return _seen_afterwards(device_id, view, state, tried, at)

    def saw(self, device_id: str, state: State, at: dt.datetime) -> Change | Unexplained | None:
        """The device was looked at; return what changed since, if anything did.

        What comes back unexplained is settled by `blame` once the device was asked about its own tables.
        """
        view = self._views.get(device_id)
        seen = View(state, at, hand_at=view.hand_at if view else None)
        if view is None:
            self._views[device_id] = seen
            return None
        if at < view.seen_at:
            return None
        if view.ours_until is not None and at <= view.ours_until:
            self._views[device_id] = replace(view, seen_at=at)  # on its way to what was asked
            return None
        self._views[device_id] = seen
        if not _differs(view, state):
            return None
        if tried := _ours(view, state, at):
            return _seen_afterwards(device_id, view, state, tried, at)
        turned_on = turned_on_at(state, at) if not view.state.on else None
        if turned_on is not None and turned_on > view.seen_at - dt.timedelta(seconds=CLOCK_GRAIN_S):
            when, since = max(turned_on, view.seen_at), None
        else:
            when, since = at, view.seen_at
        return Unexplained(device_id, when, since, view.state, state, at - view.seen_at <= self._gap)

    def blame(self, change: Change) -> None:
        """Take notice of who did it."""
        view = self._views.get(change.device)
        if change.by == "person" and view:
            self._views[change.device] = replace(view, hand_at=change.at)

    def shift(self, by: dt.timedelta) -> None:
        """Move what was seen with a clock that was set."""
        self._views = {
            device_id: replace(
                view,
                seen_at=view.seen_at + by,
                ours_until=view.ours_until and view.ours_until + by,
                hand_at=view.hand_at and view.hand_at + by,
            )
            for device_id, view in self._views.items()
        }


def turned_on_at(state: State, at: dt.datetime) -> dt.datetime | None:
    """Return when a device seen at `at` was turned on, where it says so."""
    return at - dt.timedelta(seconds=state.on_for_s) if state.on and state.on_for_s is not None else None


def words(state: State) -> dict[str, Any]:
    """Return a state in the words of the rule language; what a device that is off keeps for later is left out.

    >>> words(State(on=True, brightness_pct=40)), words(State(on=False, brightness_pct=40))
    ({'on': True, 'brightness': 40}, {'on': False})
    """
    if not state.on:
        return {"on": False}
    setting = Setting(True, state.brightness_pct, state.color_temp_k, state.hue_deg, state.saturation_pct)
    return setting.as_rule()


def _differs(view: View, state: State) -> bool:
    if view.state.on != state.on:
        return True
    # Right after a command the device may show values that it has rounded.
    return view.exact and words(view.state) != words(state)


def _seen_afterwards(device_id: str, view: View, state: State, tried: Tried, at: dt.datetime) -> Change:
    return Change(
        device_id,
        at,
        words(view.state),
        words(state),
        "rule",
        since=view.seen_at,
        rule=tried.rule,
        nominal=tried.nominal,
        detail=tried.by or "seen afterwards: its answer was lost",
    )


def _ours(view: View, state: State, at: dt.datetime) -> Tried | None:
    """Return what was tried and is all that a device shows, by itself or after what was tried before it."""
    together = view.state
    for tried in view.tried:
        for before in (view.state, together):
            setting = Setting(on=not before.on) if tried.setting.toggle else tried.setting
            after = _after(before, setting, at, view)
            if after is not None and words(after).items() <= words(state).items():
                return tried
        together = after or together
    return None


def _after(before: State | None, setting: Setting, at: dt.datetime, view: View | None) -> State | None:
    """Return what a device shows after a setting; None where that cannot be said without a look."""
    if before is None:
        return None if setting.on is None else State(setting.on, setting.brightness_pct, setting.color_temp_k)
    if setting.on is False:
        return replace(before, on=False, on_for_s=None)
    white, colored = setting.color_temp_k is not None, setting.hue_deg is not None or setting.saturation_pct is not None
    return State(
        on=True,
        brightness_pct=setting.brightness_pct or before.brightness_pct,
        color_temp_k=setting.color_temp_k if white else None if colored else before.color_temp_k,
        hue_deg=setting.hue_deg if setting.hue_deg is not None else None if white else before.hue_deg,
        saturation_pct=(
            setting.saturation_pct if setting.saturation_pct is not None else None if white else before.saturation_pct
        ),
        on_for_s=None,
    )
