"""Warnings: rules about a sun that at this site does not rise or set on some days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from tapo_automate.rules.faults import Fault
from tapo_automate.rules.model import AtSun, Away, Days, Rule, RuleBook, SunEdge, SunEvent
from tapo_automate.rules.sun import sun_instant

_YEAR = 2027  # any common year will do: the days move by one or two between years


def sunless(book: RuleBook) -> Iterator[Fault]:
    """Yield a warning for each rule whose event does not happen on some of its days.  Reads no clock."""
    days_of: dict[SunEvent, list[dt.date]] = {}
    for rule in book.rules.values():
        if not rule.enabled:
            continue
        for event, key, days in _events(rule):
            if event not in days_of:
                days_of[event] = _days_without(event, book)
            lacking = [day for day in days_of[event] if day.weekday() in days]
            if lacking:
                verb = "rise" if event == "sunrise" else "set"
                number = "one day" if len(lacking) == 1 else f"{len(lacking)} days"
                message = f"the sun does not {verb} here on {number} of a year: this rule does not fire then"
                yield Fault("W207", ("rules", rule.id, "when", *key), message, _spans(lacking), "key")


def _events(rule: Rule) -> Iterator[tuple[SunEvent, tuple[str, ...], Days]]:
    """Yield each event that a rule needs, the key that asks for it, and the rule's days."""
    match rule.trigger:
        case AtSun(event=event, days=days):
            yield event, (event,), days
        case Away(start, end, days):
            if isinstance(start, SunEdge):
                yield start.event, ("away", "from"), days
            if isinstance(end, SunEdge) and not (isinstance(start, SunEdge) and start.event == end.event):
                yield end.event, ("away", "until"), days
        case _:
            return


def _days_without(event: SunEvent, book: RuleBook) -> list[dt.date]:
    first = dt.date(_YEAR, 1, 1)
    year = [first + dt.timedelta(days=number) for number in range(365)]
    return [day for day in year if sun_instant(event, day, book.site) is None]


def _spans(days: list[dt.date]) -> str:
    """Return the days as spans, gaps of up to a week passed over: "about 18 May to 26 July"."""
    spans: list[list[dt.date]] = []
    for day in days:
        if spans and (day - spans[-1][1]).days <= 7:
            spans[-1][1] = day
        else:
            spans.append([day, day])
    said = [_day(first) if first == last else f"{_day(first)} to {_day(last)}" for first, last in spans]
    return "about " + ", ".join(said[:4]) + (", …" if len(said) > 4 else "")


def _day(day: dt.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
