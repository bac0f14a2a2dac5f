"""From a firing that comes due to what is done about it: judged, looked for, carried out or held back.

What came due while nobody was there takes another way: all of it that concerns one device is decided together, once
the device was looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from tapo_automate.daemon.absence import Absences
from tapo_automate.daemon.agenda import Agenda
from tapo_automate.daemon.dispatch import Dispatch
from tapo_automate.daemon.docket import Docket
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Noticed
from tapo_automate.daemon.house import House
from tapo_automate.daemon.judgement import FRESH, Judge, Need
from tapo_automate.daemon.verifying import Verifier, by_itself
from tapo_automate.device import Setting
from tapo_automate.errors import NotCarriedOut, Superseded, TooLate, Withheld
from tapo_automate.rules.catchup import catch_up, merged
from tapo_automate.rules.model import Firing, Notice

MOST_TOLD = 100  # instants of one rule's notices that outlive the daemon
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(slots=True)
class Question:
    """Firings of one device that wait for looks.

    number: its place among all questions.  late: they came due while nobody was there, and are made up for together.
    quicker: what was carried out on the device meanwhile, with the number of its question.
    """

    firings: list[Firing]
    needs: set[Need]
    number: int
    late: bool = False
    quicker: list[tuple[Firing, int]] = field(default_factory=list)

    def newer_than(self, firing: Firing) -> list[Firing]:
        """Return what came due after one of the firings here, and was quicker."""
        return [each for each, number in self.quicker if (each.due, number) > (firing.due, self.number)]


class Decider:
    """Decides about firings, with what the others know.

    grace: added to every rule's `within`.  told: rule id -> the instants of its last notices.
    """

    def __init__(
        self,
        docket: Docket,
        judge: Judge,
        dispatch: Dispatch,
        house: House,
        absences: Absences,
        verifier: Verifier,
        grace: dt.timedelta,
        told: Mapping[str, Collection[dt.datetime]],
    ) -> None:
        self.later: Agenda[Firing] = Agenda()  # open, and put off by jitter
        self._docket = docket
        self._judge = judge
        self._dispatch = dispatch
        self._house = house
        self._absences = absences
        self._verifier = verifier
        self._grace = grace
        self._told = {rule_id: set(instants) for rule_id, instants in told.items()}
        self._questions: list[Question] = []
        self._numbers = count()

    def shift(self, by: dt.timedelta) -> None:
        """Let what is put off come due later by as much, with a clock that was set: it is elapsed time."""
        for firing in self.later.take(_LAST):
            moved = replace(firing, due=firing.due + by)
            self._docket.alter(moved)
            self.later.add(moved.due, moved)

    def came_due(self, firing: Firing, now: dt.datetime, effects: Effects) -> None:
        if self._docket.known(firing):
            return  # a clock that was set back, or a reading that was on its way when the last daemon ended
        self._docket.open(firing, effects)
        self._verifier.came_due(firing)
        if firing.due > now:
            self.later.add(firing.due, firing)
        else:
            self.judge_it(firing, now, effects)

    def judge_it(self, firing: Firing, now: dt.datetime, effects: Effects) -> None:
        """Decide at once, or after the looks that the firing's condition needs."""
        if self._too_late(firing, now, effects) or self._not_ours(firing, now, effects):
            return
        if not firing.role and self._verifier.leave(firing, now, effects):
            self._was_quicker(firing, next(self._numbers))
            return
        if reason := self._judge.why_not_by_time(firing):
            self._hold_back(firing, reason, now, effects)
            return
        question = Question([firing], self._judge.needs(firing, now), next(self._numbers))
        if question.needs:
            self._ask(question, effects)
        else:
            self._decide(question, now, effects)

    def _too_late(self, firing: Firing, now: dt.datetime, effects: Effects) -> bool:
        within_s = self._docket.within(firing.rule).total_seconds()
        late_s = firing.late_s(now)
        if late_s <= within_s:
            return False
        if self._verifier.row_of(firing):
            self._verifier.unseen(firing, "nobody could look in time", now, effects)
        else:
            self._docket.settle(firing, now, TooLate(late_s, within_s), effects)
        return True

    def _not_ours(self, firing: Firing, now: dt.datetime, effects: Effects) -> bool:
        """Settle what nobody carries out, and the switching at random that a device does by itself."""
        if why := self._verifier.not_there(firing) or self._verifier.left_so(firing):
            self._docket.settle(firing, now, Withheld(why), effects)
            return True
        absence = self._absences.of(firing)
        giving_back = firing.role == "return" and absence is not None and not absence.withheld
        if not firing.role or giving_back or not self._verifier.row_of(firing):
            return False
        self._verifier.unseen(firing, "", now, effects)
        return True

    def _was_quicker(self, firing: Firing, number: int) -> None:
        for other in self._questions:
            if other.firings[0].device_id == firing.device_id:
                other.quicker.append((firing, number))

    def give_up(self, now: dt.datetime, effects: Effects) -> None:
        """Let nobody wait longer for a look than a firing may be late: the device asked may hang for ever."""
        for question in list(self._questions):
            waiting = [firing for firing in question.firings if firing in self._docket]
            if all(self._too_late(firing, now, effects) for firing in waiting):
                self._questions.remove(question)

    def _ask(self, question: Question, effects: Effects) -> None:
        self._questions.append(question)
        effects.looks |= question.needs

    def _decide(self, question: Question, now: dt.datetime, effects: Effects) -> None:
        for firing in question.firings:
            if firing not in self._docket:
                continue
            if reason := self._judge.why_not(firing, now):
                self._hold_back(firing, reason, now, effects)
            else:
                self._go(firing, question, now, effects)

    def _hold_back(self, firing: Firing, reason: str, now: dt.datetime, effects: Effects) -> None:
        if firing.role and not self._absences.of(firing):  # the whole window then
            self._absences.begin(firing, self._house.view(firing.device_id), withheld=reason)
            effects.memory |= self._absences.to_memory(firing)
        self._docket.settle(firing, now, Withheld(reason), effects)

    def _go(self, firing: Firing, question: Question, now: dt.datetime, effects: Effects) -> None:
        if firing.role:
            absence = self._absences.of(firing) or self._absences.begin(firing, self._house.view(firing.device_id))
            effects.memory |= self._absences.to_memory(firing)
            if firing.role == "begin":
                self._docket.settle(firing, now, None, effects)
                return
            if firing.role == "return":
                firing = replace(firing, setting=absence.before or Setting(on=False))
                self._docket.alter(firing)
        self._notify(firing, effects)
        left = _left_by(question.newer_than(firing), firing)
        if isinstance(left, Superseded):
            self._docket.settle(firing, now, left, effects, result="missed" if question.late else "superseded")
            return
        self._was_quicker(firing, question.number)
        self._alter(left, effects)
        self._dispatch.carry_out(left, now, effects, look_first=question.late or self._verifier.look_first(left, now))

    def _alter(self, firing: Firing, effects: Effects) -> None:
        if firing.role or firing.settings == firing.rule.settings:
            self._docket.alter(firing)
        else:
            self._docket.stands_for_older(firing, effects)

    def _notify(self, firing: Firing, effects: Effects) -> None:
        rule = firing.rule
        told = self._told.setdefault(rule.id, set())
        if not rule.notify or firing.nominal in told:
            return
        told.add(firing.nominal)
        # Another device may come as much later as jitter and a look let it.
        since = max(told) - dt.timedelta(seconds=rule.jitter_s) - self._docket.within(rule)
        told -= {nominal for nominal in told if nominal < since}
        effects.memory["told", rule.id] = [nominal.isoformat() for nominal in sorted(told)[-MOST_TOLD:]]
        notice = Notice(rule, firing.device_id, firing.nominal, rule.notify)
        effects.notices.append(notice)
        effects.events.append(Noticed(notice))

    def looked(self, what: str, device_id: str, now: dt.datetime, effects: Effects) -> None:
        """Go on with what waited for this look, whether or not it succeeded."""
        for question in [each for each in self._questions if (what, device_id) in each.needs]:
            question.needs.discard((what, device_id))
            if question.needs:
                continue
            self._questions.remove(question)
            if question.late:
                self._bring_up_to_date(question, now, effects)
            else:
                self._decide(question, now, effects)

    def make_up_for(self, late: list[Firing], now: dt.datetime, effects: Effects) -> None:
        """Look at the devices for which something came due; what they should show is decided then."""
        by_device: dict[str, list[Firing]] = {}
        for firing in late:
            if self._docket.known(firing):
                continue
            self._docket.open(firing, effects)
            self._verifier.came_due(firing)
            if not self._too_late(firing, now, effects) and not self._not_ours(firing, now, effects):
                by_device.setdefault(firing.device_id, []).append(firing)
        for device_id, firings in by_device.items():
            needs = {("state", device_id)}.union(*(self._judge.needs(firing, now) for firing in firings))
            self._ask(Question(firings, needs, next(self._numbers), late=True), effects)

    def _bring_up_to_date(self, question: Question, now: dt.datetime, effects: Effects) -> None:
        """Bring a device to what it should show by now, unless a person has decided otherwise since."""
        holding = []
        for firing in question.firings:
            if firing not in self._docket:
                continue
            if reason := self._judge.why_not(firing, now):
                self._hold_back(firing, reason, now, effects)
            else:
                holding.append(firing)
        plan = catch_up(holding, now - self._grace)  # it asks only how late they are
        for each in plan.missed:
            why = Superseded(each.by) if each.by else NotCarriedOut(each.reason)
            if self._verifier.row_of(each.firing):
                self._verifier.unseen(each.firing, str(why), now, effects)
            else:
                self._docket.settle(each.firing, now, why, effects, result="missed")
        for firing in plan.carry:
            self._alter(firing, effects)
            if self._judge.changed_later(firing, question.firings):
                reason = f"{firing.device_id} was changed by hand after it came due"
                self._docket.settle(firing, now, Withheld(reason), effects)
                continue
            view = self._house.view(firing.device_id)
            state = view.state if view and now - view.seen_at <= FRESH else None
            whole = not firing.role and firing.settings == firing.rule.settings  # else it stands for older ones too
            if not whole or not self._verifier.leave_late(firing, state, now, effects):
                self._go(firing, question, now, effects)

    def suspect(self, unsettled: Iterable[Firing], now: dt.datetime) -> set[str]:
        """Bear in mind what the last daemon may have done before it could write it down, or a device by itself.

        That is no person's doing, also over the lives of daemons that do not come so far as to look at the device.
        Return the devices that this concerns.
        """
        unsettled = sorted(unsettled, key=lambda firing: firing.due)
        under_way = [run.firing for run in self._dispatch.sequences]
        for run in self._dispatch.sequences:
            for after_s, setting in run.firing.settings[run.next :]:
                if run.begun + dt.timedelta(seconds=after_s) <= now:
                    self._house.tried(run.firing, setting)
        together: dict[str, Setting] = {}  # what all of them come to, which may have been set at once
        for firing in unsettled:
            absence = self._absences.of(firing) if firing.role == "return" else None
            settings = ((0, absence.before),) if absence and absence.before else firing.settings
            if not firing.role and len(settings) == 1 and firing.due <= now:
                earlier = together.get(firing.device_id)
                shown = merged(earlier, settings[0][1]) if earlier else settings[0][1]
                together[firing.device_id] = shown
                self._house.tried(firing, shown)
            row = None if firing.role else self._verifier.row_of(firing)
            for after_s, setting in settings:
                if firing.due + dt.timedelta(seconds=after_s) <= now:
                    self._house.tried(firing, setting, by_itself(row) if row else "")
        return {firing.device_id for firing in (*unsettled, *under_way)}


def _left_by(newer: Iterable[Firing], firing: Firing) -> Firing | Superseded:
    """Return what is left to be done for a firing where newer ones of its device were quicker, or why nothing is.

    The device is to show in the end what it would show had they been carried out in order.
    """
    for each in newer:
        if not firing.settings or not each.settings:
            continue
        (after_s, setting), *more = firing.settings
        if not after_s and not more and len(each.settings) == 1:
            shown = merged(setting, each.settings[0][1])
            if shown == each.settings[0][1]:
                return Superseded(each.rule.id)
            firing = replace(firing, setting=shown)
        elif firing.due + dt.timedelta(seconds=after_s) <= each.due and _switches(each):
            return Superseded(each.rule.id)
    return firing


def _switches(firing: Firing) -> bool:
    return any(setting.on is not None or setting.toggle for _, setting in firing.settings)
