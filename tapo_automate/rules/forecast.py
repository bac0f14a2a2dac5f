"""The engine that the daemon runs, run through a span of time at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from itertools import chain
from typing import assert_never

from tapo_automate.rules.away import windowless_days
from tapo_automate.rules.conditions import asked_of_devices, next_chance, why_not_by_time, why_not_on
from tapo_automate.rules.engine import Engine, runnable
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Every,
    Firing,
    NotFiring,
    PowerPast,
    Rule,
    RuleBook,
    Site,
    StateTurns,
)
from tapo_automate.rules.recur import SEARCH_DAYS, silent_days
from tapo_automate.rules.support import not_carried_out


def forecast(book: RuleBook, start: dt.datetime, end: dt.datetime) -> Iterator[Firing | NotFiring]:
    """Yield what the daemon would do from `start` on and before `end`, in order, and the days that leave a rule out.

    start, end: aware.  A day without a firing stands where the local date begins.
    """

    def place(each: Firing | NotFiring) -> dt.datetime:
        return each.due if isinstance(each, Firing) else _begins(each.date, book.site)

    streams: list[Iterator[Firing | NotFiring]] = [
        not_firing(book, start, end),
        firings_between(book, start, end),
    ]
    yield from merge(*streams, key=place)


def firings_between(book: RuleBook, start: dt.datetime, end: dt.datetime) -> Iterator[Firing]:
    """Yield the firings due from `start` on and before `end`, in order of due.

    Left out are those whose condition does not hold by its time; where it asks for devices too, the note says so.
    """
    rules = [rule for rule in book.rules.values() if why_not_forecast(rule) is None]
    if_devices = {rule.id: asked_of_devices(rule.only_if) for rule in rules if rule.only_if is not None}
    engine = Engine(rules, book.site, start)
    while (wake_at := engine.wake_at) is not None and wake_at < end:
        for firing in engine.advance(wake_at):
            condition = firing.rule.only_if
            if condition is None:
                yield firing
            elif why_not_by_time(condition, book.site, firing.nominal) is None:
                yield _noted(firing, if_devices[firing.rule.id])


def coming(rule: Rule, site: Site, start: dt.datetime) -> Iterator[Firing]:
    """Yield what `firings_between` would for one rule, without an end; ends where 400 days or windows bring nothing."""
    if why_not_forecast(rule) is not None:
        return
    if_devices = asked_of_devices(rule.only_if) if rule.only_if is not None else ""
    engine = Engine([rule], site, start)
    skipped = 0
    while (wake_at := engine.wake_at) is not None and skipped <= SEARCH_DAYS:
        holds = True
        for firing in engine.advance(wake_at):
            if rule.only_if is None or why_not_by_time(rule.only_if, site, firing.nominal) is None:
                skipped = 0
                yield _noted(firing, if_devices)
            else:
                holds = False
        if not holds and rule.only_if is not None:
            chance = next_chance(rule.only_if, site, wake_at)
            if chance is None:
                return
            if chance > wake_at:
                engine.skip_to(chance)
                skipped += 1


def not_firing(book: RuleBook, start: dt.datetime, end: dt.datetime) -> Iterator[NotFiring]:
    """Yield, by date, the days from `start` to `end` on which a rule would fire, had the day such a moment.

    The local dates that the span touches count whole; those that the rule's condition rules out do not count.
    """
    if end <= start:
        return
    zone = book.site.timezone
    first = start.astimezone(zone).date()
    last = (end.astimezone(dt.UTC) - dt.timedelta.resolution).astimezone(zone).date()
    rules = runnable(book.rules.values())
    streams = (_silent_days(rule, book.site, first, last) for rule in rules)
    yield from merge(*streams, key=lambda silence: silence.date)


def not_forecast(book: RuleBook) -> Iterator[tuple[Rule, str]]:
    """Yield the rules that a forecast leaves out, and why."""
    for rule in book.rules.values():
        reason = why_not_forecast(rule)
        if reason is not None:
            yield rule, reason


def why_not_forecast(rule: Rule) -> str | None:
    """Return why a rule is not in a forecast, or None where it is."""
    if not rule.enabled:
        return "it is switched off (enabled = false)"
    reason = not_carried_out(rule)
    if reason is not None:
        return reason
    match rule.trigger:
        case AtTime() | AtSun() | AtDate() | Every():
            return None
        case PowerPast():
            return "when it fires depends on the load, which nobody knows beforehand"
        case Away():
            return "when it switches is drawn at random for each window, for nobody to know beforehand"
        case StateTurns(device_id, turns):
            return f"when it fires depends on when {device_id} turns {turns}, which nobody knows beforehand"
        case AfterDelay():
            return "when it fires depends on when the device is turned on, which nobody knows beforehand"
        case _ as never:
            assert_never(never)


def _silent_days(rule: Rule, site: Site, first: dt.date, last: dt.date) -> Iterator[NotFiring]:
    for silence in chain(silent_days(rule, site, first, last), windowless_days(rule, site, first, last)):
        if rule.only_if is None or why_not_on(rule.only_if, silence.date) is None:
            yield silence


def _noted(firing: Firing, note: str) -> Firing:
    if not note:
        return firing
    return replace(firing, note=f"{firing.note}; {note}" if firing.note else note)


def _begins(day: dt.date, site: Site) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), site.timezone).astimezone(dt.UTC)
