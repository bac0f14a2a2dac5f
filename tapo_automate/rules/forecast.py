"""The engine that the daemon runs, run through a span of time at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from heapq import merge

from tapo_automate.rules.engine import Engine, runnable
from tapo_automate.rules.model import AtDate, AtSun, AtTime, Every, Firing, NotFiring, PowerPast, Rule, RuleBook, Site
from tapo_automate.rules.recur import silent_days
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
    """Yield the firings due from `start` on and before `end`, in order of due."""
    engine = Engine(runnable(book.rules.values()), book.site, start)
    while (wake_at := engine.wake_at) is not None and wake_at < end:
        yield from engine.advance(wake_at)


def not_firing(book: RuleBook, start: dt.datetime, end: dt.datetime) -> Iterator[NotFiring]:
    """Yield, by date, the days from `start` to `end` on which a rule would fire, had the day such a moment.

    The local dates that the span touches count whole.
    """
    if end <= start:
        return
    zone = book.site.timezone
    first = start.astimezone(zone).date()
    last = (end.astimezone(dt.UTC) - dt.timedelta.resolution).astimezone(zone).date()
    rules = runnable(book.rules.values())
    yield from merge(*(silent_days(rule, book.site, first, last) for rule in rules), key=lambda silence: silence.date)


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
        case _:
            return "when it fires depends on what happens, which nobody knows beforehand"


def _begins(day: dt.date, site: Site) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), site.timezone).astimezone(dt.UTC)
