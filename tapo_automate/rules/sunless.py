"""Warnings: rules about a sun that at this site does not rise or set on some days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from tapo_automate.rules.faults import Fault
from tapo_automate.rules.model import AtSun, RuleBook, SunEvent
from tapo_automate.rules.sun import sun_instant

_YEAR = 2027  # any common year will do: the days move by one or two between years


def sunless(book: RuleBook) -> Iterator[Fault]:
    """Yield a warning for each rule whose event does not happen on some of its days.  Reads no clock."""
    days_of: dict[SunEvent, list[dt.date]] = {}
    for rule in book.rules.values():
        trigger = rule.trigger
        if not isinstance(trigger, AtSun) or not rule.enabled:
            continue
        if trigger.event not in days_of:
            days_of[trigger.event] = _days_without(trigger.event, book)
        days = [day for day in days_of[trigger.event] if day.weekday() in trigger.days]
        if days:
            verb = "rise" if trigger.event == "sunrise" else "set"
            number = "one day" if len(days) == 1 else f"{len(days)} days"
            message = f"the sun does not {verb} here on {number} of a year: this rule does not fire then"
            yield Fault("W207", ("rules", rule.id, "when", trigger.event), message, _spans(days), "key")


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
