"""What the commands about time share: now, instants as people write them, and the rules they name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tapo_automate.rules.model import Firing, Rule, RuleBook, Site

_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
YEARS = range(1900, 2201)  # time zones are guesswork beyond


def utc_now() -> dt.datetime:
    """Return the present instant in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def instant_of(text: str, site: Site, option: str) -> dt.datetime:
    """Return the UTC instant that a date or a date-time means: at the site, unless it has an offset.

    A wall time in a gap is moved forward by the gap, one that comes twice is the first.  Raises click.UsageError.
    """
    from tapo_automate.rules.wall import resolve

    try:
        stated = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise click.UsageError(
            f"{option} {text!r} is not a date or a date-time; write 2026-03-29, 2026-03-29T02:30 or 2026-03-29T02:30Z"
        ) from None
    if stated.year not in YEARS:
        raise click.UsageError(f"{option} {text!r}: the year must be from {YEARS[0]} to {YEARS[-1]}")
    if stated.tzinfo is not None:
        return stated.astimezone(dt.UTC)
    earlier, later, exists = resolve(stated, site.timezone)
    return earlier if exists else later


def chosen_rule(book: RuleBook, name: str) -> Rule:
    """Return the named rule.  Raises click.UsageError, with the name that was probably meant."""
    from tapo_automate.rules.faults import did_you_mean

    if name not in book.rules:
        some = ", ".join(list(book.rules)[:10]) + (", …" if len(book.rules) > 10 else "")
        hint = did_you_mean(name, book.rules) or f"; the rules are: {some or 'none'}"
        raise click.UsageError(f'unknown rule "{name}"{hint}')
    return book.rules[name]


def narrowed(book: RuleBook, rules: Iterable[str], devices: Iterable[str]) -> RuleBook:
    """Return the book with the named rules and devices only; with all of them where none is named.

    devices: groups count as their devices.  Raises click.UsageError for names that the book does not have.
    """
    from tapo_automate.cli.home import chosen_devices

    rules, devices = list(rules), list(devices)
    kept = {name: chosen_rule(book, name) for name in rules} if rules else dict(book.rules)
    if devices:
        wanted = set(chosen_devices(book, devices))
        fewer = ((rule, tuple(each for each in rule.device_ids if each in wanted)) for rule in kept.values())
        kept = {rule.id: replace(rule, device_ids=device_ids) for rule, device_ids in fewer if device_ids}
    return replace(book, rules=kept)


def with_z(instant: dt.datetime) -> str:
    """Return a UTC instant as ISO 8601 with a Z."""
    return f"{date_of(instant)}T{time_of(instant)}Z"


def with_offset(instant: dt.datetime) -> str:
    """Return an instant as ISO 8601 with its offset."""
    return f"{date_of(instant)}T{time_of(instant)}{_offset_text(instant.utcoffset())}"


# A year of a large book has hundreds of thousands of firings, and `isoformat` costs as much as finding one.
def date_of(instant: dt.datetime) -> str:
    """Return the date as ISO 8601 has it."""
    return _date_text(instant.date())


def time_of(instant: dt.datetime) -> str:
    """Return the time of day as ISO 8601 has it, with a fraction only where there is one."""
    if instant.microsecond:
        return instant.time().isoformat()
    return f"{_TWO_DIGITS[instant.hour]}:{_TWO_DIGITS[instant.minute]}:{_TWO_DIGITS[instant.second]}"


@lru_cache(maxsize=1024)
def _date_text(day: dt.date) -> str:
    return day.isoformat()


@lru_cache(maxsize=1024)
def _offset_text(offset: dt.timedelta) -> str:
    return dt.datetime(2000, 1, 1, tzinfo=dt.timezone(offset)).isoformat()[19:]


def as_row(firing: Firing, site: Site) -> dict[str, object]:
    """Return a firing as the JSON of every command shows it."""
    return {
        "rule": firing.rule.id,
        "device": firing.device_id,
        "due": with_z(firing.due),
        "local": with_offset(firing.due.astimezone(site.timezone)),
        **deed(firing.rule),
        "note": firing.note,
    }


def deed(rule: Rule) -> dict[str, object]:
    """Return what a rule does as the JSON of every command shows it; `steps` and `notify` only where it has any."""
    shown: dict[str, object] = {"set": rule.setting.as_rule()}
    if rule.steps:
        shown["steps"] = [{"after_s": after_s, "set": setting.as_rule()} for after_s, setting in rule.settings]
    if rule.notify:
        shown["notify"] = rule.notify
    return shown
