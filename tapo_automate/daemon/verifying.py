"""What devices carry out by themselves: left to them, looked at, and made good.

The ledger says which rule which device carries out by a row of its own.  Such a firing comes due as all others do, and
who carries it out is decided then:

    minutes before      the device is asked what it does next ── not this ──> the daemon does it, at its instant
    just after          a look: it shows ──> done, by the device itself
    tolerance over      another look: it does not show ──> repaired, unless a person or a newer firing was at it since

A value: no clock, no thread, no device, no file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from tapo_automate.daemon.agenda import Agenda
from tapo_automate.daemon.dispatch import Dispatch
from tapo_automate.daemon.docket import Docket, key_of
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Alarm
from tapo_automate.daemon.house import CLOCK_GRAIN_S, House, turned_on_at
from tapo_automate.device import State
from tapo_automate.errors import Superseded, Withheld
from tapo_automate.journal.entry import Key
from tapo_automate.rules.model import AtSun, Firing, Rule
from tapo_automate.sync.model import Recorded
from tapo_automate.sync.partition import Partition

LOOK_AFTER = dt.timedelta(seconds=5)
MARGIN = dt.timedelta(seconds=10)  # after the tolerance
LOOK_AGAIN_AFTER = dt.timedelta(seconds=30)  # where the device gives no answer then
TOLERANCE = dt.timedelta(seconds=60)  # a device's clock is trusted while it is less than that off
SUN_TOLERANCE = dt.timedelta(minutes=2)
PROTECTION_TOLERANCE = dt.timedelta(seconds=10)  # a load that is too high is not waited for
JUST_LEFT = dt.timedelta(minutes=3)  # a device whose clock is early may have been quicker than who took its row
NOT_THERE = "its executor is the device, and `sync apply` has not put it there"
_GRAIN = dt.timedelta(seconds=CLOCK_GRAIN_S)


@dataclass(slots=True, eq=False)
class Awaited:
    """A firing that a device is to carry out by itself.

    look_at: when it is looked at next, if nobody looks before.  over: what it does not show from then on, it has not
    done.  until: as long it is looked at where it gives no answer.  newer: what came due for the device since.
    """

    firing: Firing
    row: Recorded
    look_at: dt.datetime
    over: dt.datetime
    until: dt.datetime
    newer: list[Firing] = field(default_factory=list)


class Verifier:
    """Decides about the firings that devices carry out.

    partition: None where nobody knows of tables in devices, and everything is carried out (the tests of a book).
    unsure: there is a ledger that nobody could read yet; everything is carried out, and looked at first.
    astray: devices with rows that the rules do not account for, as of `partition.astray`: they are looked at first.
    """

    def __init__(
        self,
        docket: Docket,
        house: House,
        dispatch: Dispatch,
        partition: Partition | None,
        *,
        unsure: bool = False,
        astray: Collection[str] = (),
    ) -> None:
        self.partition = partition
        self._unsure = unsure
        self._astray = astray
        self._left: dict[str, dt.datetime] = {}  # when a device was last given less to do than it had
        self._docket = docket
        self._house = house
        self._dispatch = dispatch
        self._awaited: dict[str, list[Awaited]] = {}  # by device
        self._looks: Agenda[Awaited] = Agenda()
        self._doubts: dict[Key, tuple[Recorded, str]] = {}
        self._alarmed: set[tuple[str, str]] = set()  # (rule, device) of which people were told

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` has something to do, if nothing else happens before."""
        return self._looks.wake_at

    def executed(
        self, partition: Partition | None, now: dt.datetime, *, unsure: bool = False, astray: Collection[str] = ()
    ) -> None:
        """Other rules are carried out by devices than were before."""
        lost = {device_id for _, device_id in (self.partition or {}).keys() - (partition or {}).keys()}
        lost |= set(self._astray) - set(astray)
        self._left = {device_id: at for device_id, at in self._left.items() if now - at <= JUST_LEFT}
        self._left |= dict.fromkeys(lost, now)
        self.partition, self._unsure, self._astray = partition, unsure, astray

    def look_first(self, firing: Firing, now: dt.datetime) -> bool:
        """Whether the device may have carried the firing out by itself, though the daemon is to do it."""
        if self._unsure or firing.device_id in self._astray:
            return True
        left = self._left.get(firing.device_id)
        return left is not None and now - left <= JUST_LEFT

    def row_of(self, firing: Firing) -> Recorded | None:
        """Return the device's row by which it carries the firing out by itself, None where the daemon does."""
        if self.partition is None:
            return None
        return self.partition.get((firing.rule.id, firing.device_id))

    def left_so(self, firing: Firing) -> str:
        """Return why nobody is to do what the device's row does not do any more, "" where it is to be done."""
        row = self.row_of(firing)
        return f"its {named(row)} was changed by hand on the device, and is left so" if row and row.ignored else ""

    def not_there(self, firing: Firing) -> str:
        """Return why nobody carries the firing out, "" for somebody does."""
        missing = self.partition is not None and not self._unsure and self.row_of(firing) is None
        return NOT_THERE if missing and firing.rule.executor == "device" else ""

    def doubt(self, key: Key, row: Recorded, why: str) -> None:
        """The device does not mean to carry a firing out: it is carried out in its place, if its row stays as it is."""
        self._doubts[key] = row, why

    # ---------------------------------------------------------------- a firing comes due

    def came_due(self, firing: Firing) -> None:
        """Bear in mind what came due on a device: it may hide what was to be seen there."""
        for each in self._awaited.get(firing.device_id, ()):
            if each.firing.due < firing.due and firing.settings:
                each.newer.append(firing)

    def leave(self, firing: Firing, now: dt.datetime, effects: Effects) -> bool:
        """Leave an open firing to its device, and look what comes of it; False where the daemon is to carry it out."""
        row = self.row_of(firing)
        if row is None:
            return False
        doubted, why = self._doubts.pop(key_of(firing), (None, ""))
        if doubted == row:
            self._stand_in(firing, f"in place of the device: {why}", now, effects, look_first=True)
            return True
        self._await(firing, row, now, effects)
        return True

    def leave_late(self, firing: Firing, state: State | None, now: dt.datetime, effects: Effects) -> bool:
        """The same for the last of what came due while nobody was there.

        state: what the device shows now, None where it gave no answer.
        """
        row = self.row_of(firing)
        if row is None:
            return False
        each = self._await(firing, row, now, effects)
        if state is not None:
            self._judge(each, state, now, effects)
        return True

    def unseen(self, firing: Firing, why: str, now: dt.datetime, effects: Effects) -> None:
        """Settle a firing that was left to its device, and of which nobody can say whether it was carried out.

        why: half a sentence, or "".
        """
        row = self.row_of(firing)
        assert row is not None
        self._settle_unseen(firing, row, why, now, effects)

    def _stand_in(
        self, firing: Firing, note: str, now: dt.datetime, effects: Effects, *, look_first: bool = False
    ) -> None:
        """Carry out what a device was to do.  note: why, as half a sentence."""
        firing = replace(firing, note=note)
        self._docket.alter(firing)
        self._docket.stands_in(firing)
        names = firing.rule.id, firing.device_id
        if names not in self._alarmed:
            self._alarmed.add(names)
            text = f"rule {firing.rule.id} on {firing.device_id} is carried out by the daemon, {note}"
            effects.events.append(Alarm("device", now, text))
        self._dispatch.carry_out(firing, now, effects, look_first=look_first)

    def _await(self, firing: Firing, row: Recorded, now: dt.datetime, effects: Effects) -> Awaited:
        over = firing.due + tolerance_of(firing.rule, row) + MARGIN
        over += dt.timedelta(milliseconds=max((each.transition_ms or 0 for _, each in firing.settings), default=0))
        until = max(over, self._docket.deadline(firing))
        each = Awaited(firing, row, firing.due + LOOK_AFTER, over, until)
        self._awaited.setdefault(firing.device_id, []).append(each)
        self._looks.add(each.look_at, each)
        self._dispatch.left_to_device(firing, now, effects)
        self._expect(firing, row)
        return each

    def _expect(self, firing: Firing, row: Recorded) -> None:
        """Have the change that is seen next taken for the rule's, and nobody asked for it."""
        for _, setting in firing.settings:
            self._house.tried(firing, setting, by=by_itself(row))

    # ---------------------------------------------------------------- looks

    def advance(self, now: dt.datetime, effects: Effects) -> None:
        """Ask for the looks that are due."""
        for each in self._looks.take(now):
            if each in self._awaited_on(each.firing.device_id) and each.look_at <= now:
                effects.looks.add(("state", each.firing.device_id))

    def saw(self, device_id: str, state: State, at: dt.datetime, effects: Effects) -> None:
        """A device was looked at, for whatever reason."""
        for each in self._awaited_on(device_id):
            self._judge(each, state, at, effects)

    def look_failed(self, device_id: str, at: dt.datetime, effects: Effects) -> None:
        """A device gave no answer: it is looked at again, for as long as its firings may be made up for."""
        for each in self._awaited_on(device_id):
            if each.look_at > at:
                continue  # somebody else's look
            again = max(at + LOOK_AGAIN_AFTER, each.over) if at < each.over else at + LOOK_AGAIN_AFTER
            if again <= each.until:
                self._look(each, again)
            else:
                self._forget(each)
                self._settle_unseen(each.firing, each.row, "it gave no answer afterwards", at, effects)

    def withdraw(self, firing: Firing) -> None:
        """Nobody wants the firing any more."""
        for each in self._awaited_on(firing.device_id):
            if key_of(each.firing) == key_of(firing):
                self._forget(each)

    def shift(self, by: dt.timedelta) -> None:
        """Move the looks with a clock that was set: they are elapsed time."""
        self._looks.move(by)
        self._doubts.clear()
        for waiting in self._awaited.values():
            for each in waiting:
                each.look_at, each.over, each.until = each.look_at + by, each.over + by, each.until + by

    def _awaited_on(self, device_id: str) -> list[Awaited]:
        return list(self._awaited.get(device_id, ()))

    def _forget(self, each: Awaited) -> None:
        device_id = each.firing.device_id
        self._awaited[device_id].remove(each)
        if not self._awaited[device_id]:
            del self._awaited[device_id]

    def _look(self, each: Awaited, at: dt.datetime) -> None:
        each.look_at = at
        self._looks.add(at, each)

    def _judge(self, each: Awaited, state: State, at: dt.datetime, effects: Effects) -> None:
        firing = each.firing
        if all(state.shows(setting) for _, setting in firing.settings):
            self._forget(each)
            self._done(firing, each.row, at, effects)
        elif at >= each.over:
            self._forget(each)
            self._not_done(each, state, at, effects)
        else:
            self._expect(firing, each.row)  # a look has made the house forget it
            if each.look_at <= at:
                self._look(each, each.over)

    def _done(self, firing: Firing, row: Recorded, at: dt.datetime, effects: Effects) -> None:
        firing = replace(firing, note=by_itself(row))
        self._docket.alter(firing)
        self._docket.settle(firing, at, None, effects, executor="device")
        names = firing.rule.id, firing.device_id
        if names in self._alarmed:
            self._alarmed.discard(names)
            text = f"{firing.device_id} carries the rule {firing.rule.id} out by itself again"
            effects.events.append(Alarm("device", at, text, over=True))

    def _not_done(self, each: Awaited, state: State, at: dt.datetime, effects: Effects) -> None:
        firing = each.firing
        newer = [other for other in each.newer if self._docket.counts(other)]
        if newer:
            newest = max(newer, key=lambda other: other.due)
            self._settle_unseen(firing, each.row, str(Superseded(newest.rule.id)), at, effects)
        elif self._touched(firing, state, at):
            self._docket.settle(firing, at, Withheld(_by_hand(firing)), effects)
        else:
            note = f"repaired: {firing.device_id} has not done it by {named(each.row)}, and showed {_shown(state)}"
            self._stand_in(firing, note, at, effects)

    def _touched(self, firing: Firing, state: State, at: dt.datetime) -> bool:
        """Whether a person changed the device after the firing came due."""
        view = self._house.view(firing.device_id)
        if view is not None and view.hand_at is not None and view.hand_at > firing.due:
            return True
        turned_on = turned_on_at(state, at)
        off = any(setting.on is False for _, setting in firing.settings)
        return off and turned_on is not None and turned_on > firing.due + _GRAIN

    def _settle_unseen(self, firing: Firing, row: Recorded, why: str, at: dt.datetime, effects: Effects) -> None:
        left = f"left to the device itself, {named(row)}"
        self._docket.settle(firing, at, Withheld(f"{left}; {why}" if why else left), effects)


def tolerance_of(rule: Rule, row: Recorded) -> dt.timedelta:
    """Return how far from a rule's instant a device may carry it out, either way."""
    if row.table == "power_protection":
        return PROTECTION_TOLERANCE
    return SUN_TOLERANCE if isinstance(rule.trigger, AtSun) else TOLERANCE


def named(row: Recorded) -> str:
    """Return what a row is called: "schedule row S3", "auto-off"."""
    match row.table:
        case "auto_off":
            return "auto-off"
        case "power_protection":
            return "power protection"
        case table:
            if row.row_id or row.ignored:
                return f"{table} row {row.row_id}".rstrip()
            return f"{table} row that is being written"


def by_itself(row: Recorded) -> str:
    """Return the words for what a device has done by one of its rows."""
    return f"by the device itself, {named(row)}"


def _by_hand(firing: Firing) -> str:
    return f"{firing.device_id} was changed by hand after it came due"


def _shown(state: State) -> str:
    return "on" if state.on else "off"
