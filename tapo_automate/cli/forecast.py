"""`tapo-automate forecast`: what the rules will do over a span of time, by the daemon's own engine."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.options import load_book, rules_option

if TYPE_CHECKING:
    from tapo_automate.rules.model import Firing, NotFiring, RuleBook

_HEADINGS = ("DATE", "DAY", "TIME", "RULE", "DEVICE", "SET", "NOTE")
_MOST_IN_A_TABLE = 500  # a table is laid out when its last row is known; longer lists are written as they come
_WEEK = dt.timedelta(days=7)


@click.command()
@rules_option
@click.option("--from", "since", metavar="T", help="First instant, included.  [default: now]")
@click.option("--to", "until", metavar="T", help="Last instant, not included.  [default: a week after --from]")
@click.option("--rule", "names", multiple=True, metavar="RULE", help="Only this rule; may be given several times.")
@click.option("--device", "devices", multiple=True, metavar="DEVICE", help="Only this device or group; likewise.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def forecast(
    rules: tuple[str, ...],
    since: str | None,
    until: str | None,
    names: tuple[str, ...],
    devices: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what the rules will do over a span of time.

    T is a date or a date-time, local to the site unless it has an offset: 2026-03-29, 2026-03-29T02:30,
    2026-03-29T02:30Z.
    """
    from tapo_automate.cli.when import instant_of, narrowed, utc_now

    book = load_book(rules)
    start = instant_of(since, book.site, "--from") if since is not None else utc_now()
    end = instant_of(until, book.site, "--to") if until is not None else start + _WEEK
    if end <= start:
        raise click.UsageError("--to must come after --from")
    book = narrowed(book, names, devices)
    if as_json:
        for piece in _json(book, start, end):
            sys.stdout.write(piece)
    else:
        _print_rows(book, start, end)


def _json(book: RuleBook, start: dt.datetime, end: dt.datetime) -> Iterator[str]:
    """Yield the answer piece by piece: nothing of it is kept."""
    from tapo_automate.rules.forecast import firings_between, not_firing, not_forecast

    yield '{"firings": ['
    yield from _listed(_firing_texts(book, firings_between(book, start, end)))
    yield '],\n"not_firing": ['
    yield from _listed(
        json.dumps({"rule": each.rule_id, "date": each.date.isoformat(), "reason": each.reason})
        for each in not_firing(book, start, end)
    )
    yield '],\n"not_forecast": ['
    yield from _listed(json.dumps({"rule": rule.id, "reason": reason}) for rule, reason in not_forecast(book))
    yield "]}\n"


def _listed(items: Iterable[str]) -> Iterator[str]:
    separator = "\n"
    for item in items:
        yield separator + item
        separator = ",\n"


def _firing_texts(book: RuleBook, firings: Iterable[Firing]) -> Iterator[str]:
    """Yield each firing as JSON; what a rule's firings have in common is written out once."""
    from tapo_automate.cli.when import deed, with_offset, with_z

    zone = book.site.timezone
    common: dict[tuple[str, str], tuple[str, str]] = {}
    for firing in firings:
        key = firing.rule.id, firing.device_id
        if key not in common:
            names = f'{{"rule": {json.dumps(key[0])}, "device": {json.dumps(key[1])}, "due": "'
            common[key] = names, f'", {json.dumps(deed(firing.rule))[1:-1]}, "note": '
        before, after = common[key]
        note = json.dumps(firing.note) if firing.note else '""'
        local = with_offset(firing.due.astimezone(zone))
        yield f'{before}{with_z(firing.due)}", "local": "{local}{after}{note}}}'


def _print_rows(book: RuleBook, start: dt.datetime, end: dt.datetime) -> None:
    from tapo_automate.cli.when import with_z
    from tapo_automate.rules.forecast import forecast, not_forecast

    rows = _rows(forecast(book, start, end), book)
    first = list(islice(rows, _MOST_IN_A_TABLE))
    if not first:
        click.echo(f"nothing is due from {with_z(start)} to {with_z(end)}", err=True)
    elif len(first) < _MOST_IN_A_TABLE and sys.stdout.isatty():
        _print_table(first)
    else:
        _print_lines(chain(first, rows), book)
    for rule, reason in not_forecast(book):
        if rule.enabled:
            click.echo(f"not in the forecast: {rule.id}: {reason}", err=True)


def _rows(found: Iterable[Firing | NotFiring], book: RuleBook) -> Iterator[tuple[str, ...]]:
    from tapo_automate.cli.when import date_of, time_of
    from tapo_automate.rules.meaning import WEEKDAYS, deed_in_words
    from tapo_automate.rules.model import NotFiring

    zone = book.site.timezone
    deeds = {rule.id: deed_in_words(rule) for rule in book.rules.values()}
    for each in found:
        if isinstance(each, NotFiring):
            day, devices = each.date, ", ".join(book.rules[each.rule_id].device_ids)
            yield str(day), WEEKDAYS[day.weekday()], "-", each.rule_id, devices, "does not fire", each.reason
        else:
            local, rule = each.due.astimezone(zone), each.rule.id
            weekday = WEEKDAYS[local.weekday()]
            yield date_of(local), weekday, time_of(local), rule, each.device_id, deeds[rule], each.note


def _print_table(rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    from tapo_automate.cli.console import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading in _HEADINGS[:3])
    for row in rows:
        table.add_row(*row, style="yellow" if row[-1] else "")
    print_table(table)


def _print_lines(rows: Iterable[tuple[str, ...]], book: RuleBook) -> None:
    """Write rows as they come, in columns as wide as the book may need."""
    from tapo_automate.rules.meaning import deed_in_words

    rules = book.rules.values()
    widths = (
        10,
        3,
        8,
        max(len(rule.id) for rule in rules),
        max((len(device_id) for rule in rules for device_id in rule.device_ids), default=0),
        max(len("does not fire"), *(len(deed_in_words(rule)) for rule in rules)),
    )
    fitting = (max(width, len(heading)) for width, heading in zip(widths, _HEADINGS, strict=False))
    line = "  ".join(f"{{:{width}}}" for width in fitting) + "  {}"
    for row in chain([_HEADINGS], rows):
        sys.stdout.write(line.format(*row).rstrip() + "\n")
