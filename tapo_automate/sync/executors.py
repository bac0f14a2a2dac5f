"""Whether each thing that the rules want done has exactly one executor: a device or the daemon.

What is proven, from the rule book and the ledger alone, without the network:

1.  Each (rule, device) is the daemon's or the device's, as `partition` splits them; the daemon reads the same split.
2.  What a device was given for its rules is what they come to today: the digest in the ledger is that of their rows,
    merged.  A row that also serves a rule which has changed is not.
3.  Unfolded day by day, by a recurrence of this module's own, such a row comes due at the very instants at which its
    rules do, no more and no fewer, and no change of the clocks makes one of them doubtful.
4.  No row is left on a device for a rule that has changed, or has been removed, switched off or given to the daemon.
5.  No rule that the daemon may not carry out is missing from its device.
6.  No device and the daemon set different things at the same minute, by time, sun or date: which of them comes last
    would be chance.

What is not proven: that a device still has the rows that the ledger knows (`sync drift` looks), that its clock, zone
and location are right (`doctor` looks), that it did what it was to do (the daemon verifies, and repairs).  Rules by
`when.every`, power, state, countdown and random window have no instants that are known beforehand, or too many: they
count as pairs of rule and device, for which 1, 2, 4 and 5 hold.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal, TypeAlias

from tapo_automate.device import Setting
from tapo_automate.rows import AntitheftRow, Row, ScheduleRow
from tapo_automate.rules.model import AfterDelay, AtDate, AtSun, AtTime, Rule, RuleBook, Site
from tapo_automate.rules.recur import moments_after
from tapo_automate.rules.sun import sun_instants
from tapo_automate.rules.wall import resolve
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.ledger import Ledger
from tapo_automate.sync.model import InDaemon
from tapo_automate.sync.partition import Partition, partition
from tapo_automate.sync.rows import digest, in_words
from tapo_automate.sync.untouched import CLOCK_SLACK

FindingCode: TypeAlias = Literal["two", "none", "left-over", "other-row", "clocks", "unsettled", "meeting"]

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that has two executors or none, or may have.

    code: "two", the daemon and an old row; "left-over", an old row alone, the only one that does it; "none", nobody;
    "other-row", a row that is not what its rules come to; "clocks", an instant that a change of the clocks makes
    doubtful; "unsettled", an apply that was cut off; "meeting", device and daemon at one minute.
    rule: id, also of a rule that is gone.  at: UTC, of the first such instant, where one is known.
    text: a sentence without its full stop.
    """

    code: FindingCode
    rule: str
    device: str
    text: str
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was looked at.  instants: (device, instant) by time, sun or date; pairs: (rule, device) of all else.

    chosen: pairs for which a person has decided that the device keeps what it has.
    """

    device_instants: int
    daemon_instants: int
    device_pairs: int
    daemon_pairs: int
    chosen: int


@dataclass(frozen=True, slots=True)
class Executors:
    """The proof, or what stands against it, by device and rule."""

    findings: tuple[Finding, ...]
    counts: Counts


def who_executes(book: RuleBook, ledger: Ledger, now: dt.datetime, days: int = 400) -> Executors:
    """Look at all that the rules want in the coming days.  now: aware, UTC."""
    return _Proof(book, ledger, now, now + days * _DAY).made()


class _Proof:
    def __init__(self, book: RuleBook, ledger: Ledger, now: dt.datetime, end: dt.datetime) -> None:
        self._book = book
        self._ledger = ledger
        self._now = now
        self._end = end
        self._split: Partition = partition(book, ledger)
        self._instants: dict[str, list[dt.datetime]] = {}
        self._doubts: dict[str, tuple[str, dt.datetime] | None] = {}

    def made(self) -> Executors:
        findings: list[Finding] = []
        for device_id in dict.fromkeys((*self._book.devices, *self._ledger.devices)):
            rules = [rule for rule in self._book.rules.values() if device_id in rule.device_ids and rule.enabled]
            findings += self._left_over(device_id)
            findings += self._rows(device_id)
            for rule in rules:
                findings += self._missing(rule, device_id)
                findings += self._unfolded(rule, device_id)
            findings += self._meetings(rules, device_id)
        return Executors(tuple(findings), self._counts())

    # What a rule comes to ---------------------------------------------------------------------------------------------

    def _moments(self, rule: Rule) -> list[dt.datetime]:
        """Return when a rule by time, sun or date comes due; no other rule has any."""
        if not isinstance(rule.trigger, AtTime | AtSun | AtDate):
            return []
        if rule.id not in self._instants:
            coming = (moment.at for moment in moments_after(rule, self._book.site, self._now))
            self._instants[rule.id] = list(takewhile(lambda at: at < self._end, coming))
        return self._instants[rule.id]

    def _row(self, rule: Rule) -> Row | None:
        compiled = row_of(rule, self._book.site)
        return None if isinstance(compiled, InDaemon) else compiled[0]

    # Rows of the ledger -----------------------------------------------------------------------------------------------

    def _left_over(self, device_id: str) -> Iterator[Finding]:
        for row in self._ledger.of(device_id).rows:
            over = row.spent_at is not None and row.spent_at + CLOCK_SLACK <= self._now
            if over or row.ignored:
                continue
            for rule_id in row.rules:
                rule = self._book.rules.get(rule_id)
                if (rule_id, device_id) in self._split:
                    if rule is not None and rule.executor == "daemon":
                        text = f"“{row.text}” is on {device_id}, which goes on with it until `sync apply` takes it away"
                        why = f'{rule_id} says executor = "daemon"'
                        yield Finding("left-over", rule_id, device_id, f"{text}: {why}")
                    continue
                runs = rule is not None and rule.enabled and device_id in rule.device_ids and rule.executor != "device"
                text = f"“{row.text}” is still on {device_id}, and {self._why_not(rule, rule_id, device_id)}"
                yield Finding("two" if runs else "left-over", rule_id, device_id, f"{text}: run `sync apply`")

    def _why_not(self, rule: Rule | None, rule_id: str, device_id: str) -> str:
        if rule is None:
            return f"the rule {rule_id} is no more"
        if device_id not in rule.device_ids:
            return f"{rule_id} is no longer for this device"
        if not rule.enabled:
            return f"{rule_id} is switched off"
        if self._row(rule) is None:
            return f"the daemon carries {rule_id} out"
        who = "nobody carries it out as it is now" if rule.executor == "device" else "the daemon carries it out"
        return f"{rule_id} has changed since, and {who}"

    def _rows(self, device_id: str) -> Iterator[Finding]:
        for row in self._ledger.of(device_id).rows:
            rules = [self._book.rules[rule_id] for rule_id in row.rules if self._split.get((rule_id, device_id)) is row]
            if not rules or row.ignored:
                continue
            if row.phase:
                text = f"an apply to {device_id} was cut off, and “{row.text}” may be there or not: run `sync apply`"
                yield Finding("unsettled", rules[0].id, device_id, text)
            elif len(rules) == len(row.rules) and digest(self._merged(rules)) != row.wrote:
                wanted = in_words(self._merged(rules))
                text = f"“{row.text}” is on {device_id}, and its rules come to “{wanted}”: run `sync apply`"
                yield Finding("other-row", rules[0].id, device_id, text)

    def _merged(self, rules: Iterable[Rule]) -> Row:
        rows = [row for rule in rules if (row := self._row(rule)) is not None]
        first = rows[0]
        if isinstance(first, ScheduleRow | AntitheftRow):
            days = (row.days for row in rows if isinstance(row, ScheduleRow | AntitheftRow))
            return replace(first, days=frozenset().union(*days))
        return first

    # Rules ------------------------------------------------------------------------------------------------------------

    def _missing(self, rule: Rule, device_id: str) -> Iterator[Finding]:
        if (rule.id, device_id) in self._split:
            return
        if isinstance(rule.trigger, AfterDelay) and rule.trigger.start == "apply":
            yield Finding(
                "none", rule.id, device_id, f"{rule.id} was never started on {device_id}: `sync apply` starts it"
            )
        elif rule.executor == "device":
            moments = self._moments(rule)
            if isinstance(rule.trigger, AtDate) and not moments:
                return  # over
            compiled = row_of(rule, self._book.site)
            why = (
                compiled.reason if isinstance(compiled, InDaemon) else "run `sync apply`, which says what is in the way"
            )
            text = f'{rule.id} is not on {device_id}, and executor = "device" keeps the daemon from it: {why}'
            yield Finding("none", rule.id, device_id, text, moments[0] if moments else None)

    def _unfolded(self, rule: Rule, device_id: str) -> Iterator[Finding]:
        if (rule.id, device_id) not in self._split:
            return
        if rule.id not in self._doubts:
            self._doubts[rule.id] = self._doubt(rule)
        doubt = self._doubts[rule.id]
        if doubt is not None:
            text, at = doubt
            yield Finding("clocks", rule.id, device_id, f"{rule.id} on {device_id}: {text}: run `sync apply`", at)

    def _doubt(self, rule: Rule) -> tuple[str, dt.datetime] | None:
        """Return the first instant at which a rule and its row may differ, and how."""
        row = self._row(rule)
        if not isinstance(row, ScheduleRow) or not row.repeats:
            return None
        site = self._book.site
        due = set(self._moments(rule))
        unfolded: set[dt.datetime] = set()
        for at, doubtful in _unfold(row, site, self._now, self._end):
            unfolded.add(at)
            if doubtful:
                return "the clocks change at its time, and what a device does then is not known", at
        for at in sorted(due ^ unfolded):
            who = "the rule alone" if at in due else "the row alone"
            return f"{who} comes due at {at.astimezone(site.timezone):%Y-%m-%d %H:%M}", at
        return None

    def _meetings(self, rules: Iterable[Rule], device_id: str) -> Iterator[Finding]:
        """Yield where device and daemon set different things at one minute, once for each two rules."""
        rules = list(rules)
        by_device = [rule for rule in rules if (rule.id, device_id) in self._split and self._moments(rule)]
        by_daemon = [rule for rule in rules if (rule.id, device_id) not in self._split and rule.executor != "device"]
        for one in by_device:
            minutes = {at.replace(second=0, microsecond=0): at for at in self._moments(one)}
            for other in by_daemon:
                if not _differ(one, other):
                    continue
                at = next((at for at in self._moments(other) if at.replace(second=0, microsecond=0) in minutes), None)
                if at is not None:
                    local = at.astimezone(self._book.site.timezone)
                    text = (
                        f"{device_id} carries out {one.id} and the daemon {other.id} at the same minute "
                        f"({local:%a %Y-%m-%d %H:%M}), and which comes last is chance: move one of them"
                    )
                    yield Finding("meeting", one.id, device_id, text, at)

    def _counts(self) -> Counts:
        instants = {"device": 0, "daemon": 0}
        pairs = {"device": 0, "daemon": 0}
        for rule in self._book.rules.values():
            for device_id in rule.device_ids if rule.enabled else ():
                on_device = (rule.id, device_id) in self._split
                if not on_device and (rule.executor == "device" or _only_on_devices(rule)):
                    continue
                who = "device" if on_device else "daemon"
                if isinstance(rule.trigger, AtTime | AtSun | AtDate):
                    instants[who] += len(self._moments(rule))
                else:
                    pairs[who] += 1
        chosen = sum(bool(row.ignored) for row in self._split.values())
        return Counts(instants["device"], instants["daemon"], pairs["device"], pairs["daemon"], chosen)


def _unfold(row: ScheduleRow, site: Site, start: dt.datetime, end: dt.datetime) -> Iterator[tuple[dt.datetime, bool]]:
    """Yield when a repeating row comes due after `start` and before `end`, as a device counts: day by local day.

    With each, whether a change of the clocks leaves open what a device does.
    """
    day = start.astimezone(site.timezone).date() - _DAY
    last = end.astimezone(site.timezone).date() + _DAY
    while day <= last:
        if day.weekday() in row.days:
            for at, doubtful in _on_day(row, day, site):
                if start < at < end:
                    yield at, doubtful
        day += _DAY


def _on_day(row: ScheduleRow, day: dt.date, site: Site) -> Iterator[tuple[dt.datetime, bool]]:
    if row.at.anchor == "midnight":
        wall = dt.datetime.combine(day, dt.time(row.at.offset_min // 60, row.at.offset_min % 60))
        earlier, later, exists = resolve(wall, site.timezone)
        yield (earlier if exists else later), earlier != later
        return
    for sun in sun_instants(row.at.anchor, day, site)[:1]:
        at = sun + dt.timedelta(minutes=row.at.offset_min)
        yield at, at.astimezone(site.timezone).date() != day


def _differ(one: Rule, other: Rule) -> bool:
    """Whether the last that two rules set at one instant is not the same."""
    first = dict(other.settings).get(0, Setting())
    return first != Setting() and first != one.setting


def _only_on_devices(rule: Rule) -> bool:
    return isinstance(rule.trigger, AfterDelay) and rule.trigger.start == "apply"
