"""What a rule test expected and what it got, side by side, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tapo_automate.daemon.house import words
from tapo_automate.daemon.trial import Course, Deed, HeldBack, Said, Told, run_test
from tapo_automate.device import State
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.support import not_carried_out
from tapo_automate.rules.trials import Expected, ExpectedNotice, ExpectedSetting, ExpectedWithheld, RuleTest

NOTHING = "nothing"
_NEAR = dt.timedelta(minutes=10)  # what happened this close by may be what was meant


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One claim of a test that does not hold, or one thing that happened and was not claimed.

    at: the local time, or "at the end".  expected, got: half a sentence each, "nothing" for nothing.
    """

    at: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.at}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test went."""

    test: RuleTest
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        return not self.mismatches


def judged(test: RuleTest, book: RuleBook) -> Verdict:
    """Run a test and compare what happens with what it expects."""
    return Verdict(test, tuple(_Comparison(test, book, run_test(test, book)).mismatches()))


class _Comparison:
    def __init__(self, test: RuleTest, book: RuleBook, course: Course) -> None:
        self._test = test
        self._book = book
        self._course = course
        self._zone: ZoneInfo = book.site.timezone
        days = {at.astimezone(self._zone).date() for at in (test.begin, test.end)}
        self._format = "%H:%M:%S" if len(days) == 1 else "%Y-%m-%d %H:%M:%S"

    def mismatches(self) -> Iterator[Mismatch]:
        if self._course.endless:
            yield Mismatch(self._local(self._course.until), "an end", self._course.endless)
            return
        found = list(self._on_the_way()) if self._test.expected is not None else []
        yield from (mismatch for _, mismatch in sorted(found, key=lambda each: each[0]))
        for device_id, wanted in self._test.final.items():
            state = self._course.states[device_id]
            if not state.shows(wanted):
                yield Mismatch("at the end", f"{device_id}: {wanted}", f"{device_id}: {_shown(state)}")

    def _on_the_way(self) -> Iterator[tuple[dt.datetime, Mismatch]]:
        """Yield, with its instant, what was expected and did not come, and what came and was not expected."""
        left = [deed for deed in self._course.deeds if self._is_looked_at(deed)]
        lacking: list[Expected] = []
        # Who is the least patient, and who asks for one rule, chooses first.
        for expected in sorted(self._test.expected or (), key=lambda each: (not each.rule_id, each.at + _within(each))):
            deed = next((deed for deed in left if _fits(expected, deed)), None)
            if deed is None:
                lacking.append(expected)
            else:
                left.remove(deed)
        left = [deed for deed in left if not isinstance(deed, HeldBack)]  # these need not be expected
        for expected in sorted(lacking, key=lambda each: each.at):
            instead = self._instead_of(expected, left)
            if instead in left:
                left.remove(instead)
            got = self._said(instead) if instead else self._why_nothing(expected)
            yield expected.at, Mismatch(self._local(expected.at), self._wanted(expected), got)
        for deed in left:
            yield deed.at, Mismatch(self._local(deed.at), NOTHING, self._said(deed))

    def _is_looked_at(self, deed: Deed) -> bool:
        test = self._test
        if test.rule_ids is not None and deed.rule.id not in test.rule_ids:
            return False
        devices = deed.rule.device_ids if isinstance(deed, Said) else (deed.device_id,)
        return test.device_ids is None or not test.device_ids.isdisjoint(devices)

    def _instead_of(self, expected: Expected, left: list[Deed]) -> Deed | None:
        """Return what happened in the place of something, as far as one can tell: the nearest of its like."""
        match expected:
            case ExpectedSetting(device_id=device_id, setting=setting, rule_id=rule_id):
                alike = [deed for deed in left if isinstance(deed, Told) and deed.device_id == device_id]
                same = [deed for deed in alike if deed.setting == setting]
                held = self._held_back(device_id, rule_id)
                return _nearest(same, expected.at) or _nearest(alike, expected.at) or _nearest(held, expected.at)
            case ExpectedNotice(text=text, rule_id=rule_id):
                said = [deed for deed in left if isinstance(deed, Said)]
                exactly = [deed for deed in said if deed.rule.notify == text]
                return _nearest(exactly, expected.at) or _nearest(said, expected.at)
            case ExpectedWithheld(rule_id=rule_id, device_id=device_id):
                done = [deed for deed in self._course.deeds if deed.rule.id == rule_id]
                return _nearest(self._held_back(device_id, rule_id), expected.at) or _nearest(done, expected.at)

    def _held_back(self, device_id: str, rule_id: str) -> list[HeldBack]:
        return [
            deed
            for deed in self._course.deeds
            if isinstance(deed, HeldBack) and device_id in ("", deed.device_id) and rule_id in ("", deed.rule.id)
        ]

    def _why_nothing(self, expected: Expected) -> str:
        rule = self._book.rules.get(expected.rule_id)
        if rule is None:
            return NOTHING
        reason = not_carried_out(rule) if rule.enabled else "it is switched off (enabled = false)"
        return f"{NOTHING}: rule {rule.id} is not carried out, {reason}" if reason else NOTHING

    def _wanted(self, expected: Expected) -> str:
        within = f", give or take {expected.within_s} s" if expected.within_s else ""
        match expected:
            case ExpectedSetting(device_id=device_id, setting=setting, rule_id=rule_id):
                return f"{device_id}: {setting}{f' by {rule_id}' if rule_id else ''}{within}"
            case ExpectedNotice(text=text, rule_id=rule_id):
                return f'"{text}" told{f" by {rule_id}" if rule_id else ""}{within}'
            case ExpectedWithheld(rule_id=rule_id, device_id=device_id):
                return f"{rule_id} withheld{f' for {device_id}' if device_id else ''}{within}"

    def _said(self, deed: Deed) -> str:
        by = f"by {deed.rule.id} ({deed.rule.source}) at {self._local(deed.at)}"
        match deed:
            case Told(device_id=device_id, setting=setting):
                return f"{device_id}: {setting} {by}"
            case Said(rule=rule):
                return f'"{rule.notify}" told {by}'
            case HeldBack(device_id=device_id, rule=rule, reason=reason):
                return f"{rule.id} withheld for {device_id} at {self._local(deed.at)}: {reason}"

    def _local(self, at: dt.datetime) -> str:
        return at.astimezone(self._zone).strftime(self._format)


def _fits(expected: Expected, deed: Deed) -> bool:
    if abs(deed.at - expected.at) > _within(expected):
        return False
    match expected, deed:
        case ExpectedSetting(), Told():
            same = (deed.device_id, deed.setting) == (expected.device_id, expected.setting)
            return same and expected.rule_id in ("", deed.rule.id)
        case ExpectedNotice(), Said():
            return deed.rule.notify == expected.text and expected.rule_id in ("", deed.rule.id)
        case ExpectedWithheld(), HeldBack():
            return deed.rule.id == expected.rule_id and expected.device_id in ("", deed.device_id)
    return False


def _within(expected: Expected) -> dt.timedelta:
    return dt.timedelta(seconds=expected.within_s)


def _nearest(deeds: Iterable[Deed], at: dt.datetime) -> Deed | None:
    near = [deed for deed in deeds if abs(deed.at - at) <= _NEAR]
    return min(near, key=lambda deed: abs(deed.at - at), default=None)


def _shown(state: State) -> str:
    shown = words(state)
    return ", ".join(["on" if state.on else "off", *(f"{key} {value}" for key, value in shown.items() if key != "on")])
