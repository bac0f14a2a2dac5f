"""`tapo-automate history`: what came due and what became of it, from the daemon's journal."""

from __future__ import annotations

import datetime as dt
import heapq
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from tapo_automate.cli.home import state_folder, state_option
from tapo_automate.cli.options import rules_option
from tapo_automate.cli.past import (
    Place,
    entry_fields,
    in_words,
    known_names,
    lasting,
    not_running,
    open_journal,
    pauses,
    place_of,
    source_of,
    span_named,
)
from tapo_automate.cli.when import utc_now, with_z
from tapo_automate.journal.entry import Entry, Result, Run

if TYPE_CHECKING:
    from tapo_automate.journal.reading import Reader

_NEWEST = 50
_MOST_IN_A_TABLE = 500  # a table is laid out when its last row is known; longer lists are written as they come
_HEADINGS = ("RULE", "DEVICE", "ASKED", "RESULT", "LATE", "WHY", "SOURCE")
_NOTHING = ("-",) * 5  # from RULE to LATE


@click.command()
@rules_option
@state_option
@click.option("--rule", "names", multiple=True, metavar="RULE", help="Only this rule; may be given several times.")
@click.option("--device", "devices", multiple=True, metavar="DEVICE", help="Only this device or group; likewise.")
@click.option("--since", metavar="T", help="First instant, included.")
@click.option("--until", metavar="T", help="Last instant, not included.")
@click.option(
    "--result", "results", multiple=True, type=click.Choice(get_args(Result)), help="Only these results; likewise."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Only the newest N.  [default: {_NEWEST}; with --since all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def history(
    rules: tuple[str, ...],
    state: Path | None,
    names: tuple[str, ...],
    devices: tuple[str, ...],
    since: str | None,
    until: str | None,
    results: tuple[Result, ...],
    limit: int | None,
    as_json: bool,
) -> None:
    """Show what came due and what became of it, the newest last; also while the daemon runs.

    T is a date or a date-time, local to the site unless it has an offset, a time alone (the last time it was so late),
    or a length of time such as 7d, 12h or 1h30m (so long ago).
    """
    now = utc_now()
    place = place_of(rules)
    start = span_named(since, place.site, now, "--since")[0] if since is not None else None
    end = span_named(until, place.site, now, "--until")[0] if until is not None else None
    if start is not None and end is not None and end <= start:
        raise click.UsageError("--until must come after --since")
    if start is not None and start > now:
        raise click.UsageError(f"--since {since!r} is yet to come")
    if limit is None and since is None:
        limit = _NEWEST
    with open_journal(state_folder(state)) as reader:
        chosen = _chosen_devices(reader, place, names, devices)
        found: Iterable[Entry] = reader.entries(
            rules=names,
            devices=chosen,
            since=start,
            until=end,
            results=results,
            limit=limit and limit + 1,
            newest_first=limit is not None,
        )
        if limit is not None:
            newest = list(found)
            if len(newest) > limit:
                click.echo(f"only the newest {limit} are shown; see --limit and --since", err=True)
            newest = newest[:limit]
            # What is not running before the first that is shown is left out with all else that was then.
            start = start if len(newest) < limit else newest[-1].due
            found = reversed(newest)
        if as_json:
            for piece in _json(found, _runs_within(reader.runs(), start, end)):
                sys.stdout.write(piece)
        else:
            _print_rows(found, list(_pauses_within(reader.runs(), start, end, now)), place)


def _chosen_devices(reader: Reader, place: Place, names: Sequence[str], devices: Sequence[str]) -> list[str]:
    """Return the devices that are meant, groups as theirs.  Raises click.UsageError for names nobody knows."""
    book = place.book
    if names:
        known_names("rule", names, reader.names("rule"), book.rules if book else ())
    if devices:
        in_rules = [*book.devices, *book.groups] if book else []
        known_names("device", devices, reader.names("device"), in_rules)
    groups = book.groups if book else {}
    return list(dict.fromkeys(chain.from_iterable(groups.get(name, (name,)) for name in devices)))


def _runs_within(runs: Iterable[Run], start: dt.datetime | None, end: dt.datetime | None) -> list[Run]:
    return [
        run
        for run in runs
        if (start is None or (run.ended or run.alive) >= start) and (end is None or run.started < end)
    ]


def _pauses_within(
    runs: Sequence[Run], start: dt.datetime | None, end: dt.datetime | None, now: dt.datetime
) -> Iterator[tuple[dt.datetime, dt.datetime | None]]:
    for first, last in pauses(runs, now):
        if (start is None or last is None or last > start) and (end is None or first < end):
            yield first, last


def _json(entries: Iterable[Entry], runs: Iterable[Run]) -> Iterator[str]:
    """Yield the answer piece by piece: nothing of it is kept."""
    yield '{"entries": ['
    yield from _listed(json.dumps(entry_fields(entry)) for entry in entries)
    yield '],\n"runs": ['
    yield from _listed(
        json.dumps(
            {
                "started": with_z(run.started),
                "alive": with_z(run.alive),
                "ended": None if run.ended is None else with_z(run.ended),
            }
        )
        for run in runs
    )
    yield "]}\n"


def _listed(items: Iterable[str]) -> Iterator[str]:
    separator = "\n"
    for item in items:
        yield separator + item
        separator = ",\n"


def _print_rows(entries: Iterable[Entry], gaps: Iterable[tuple[dt.datetime, dt.datetime | None]], place: Place) -> None:
    dated = heapq.merge(
        ((entry.due, _row(entry, place)) for entry in entries),
        ((first, (place.local(first), *_NOTHING, not_running(first, last, place), "")) for first, last in gaps),
        key=lambda pair: pair[0],
    )
    rows = (row for _, row in dated)
    headings = (f"WHEN ({place.zone_name})", *_HEADINGS)
    first = list(islice(rows, _MOST_IN_A_TABLE))
    if not first:
        click.echo("nothing is recorded", err=True)
    elif len(first) < _MOST_IN_A_TABLE:
        _print_table(headings, first)
    else:
        _print_lines(headings, first, rows)


def _row(entry: Entry, place: Place) -> tuple[str, ...]:
    return (
        place.local(entry.due),
        entry.rule,
        entry.device,
        "away begins" if entry.role == "begin" else in_words(entry.asked),
        entry.result,
        "-" if entry.late_s is None or entry.by_itself else lasting(entry.late_s),
        entry.reason,
        source_of(entry),
    )


def _print_table(headings: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    from rich.table import Table

    from tapo_automate.cli.console import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row, style="" if row[4] in ("done", "already", "pending") else "yellow")
    print_table(table)


def _print_lines(headings: Sequence[str], first: list[tuple[str, ...]], more: Iterable[tuple[str, ...]]) -> None:
    """Write rows as they come, in columns as wide as the first ones need."""
    widths = [max(map(len, column)) for column in zip(headings, *first, strict=True)][:-1]
    line = "  ".join(f"{{:{width}}}" for width in widths) + "  {}"
    for row in chain([headings], first, more):
        sys.stdout.write(line.format(*row).rstrip() + "\n")
