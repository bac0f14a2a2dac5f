"""`sync refresh`: a ledger that was lost or damaged, made anew from what devices hold.  It writes to no device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_options import at_home, device_option, ledger_path, load_rules
from tapo_automate.cli.sync_survey import read_devices
from tapo_automate.cli.sync_text import TABLE_WORDS, count, show
from tapo_automate.cli.when import utc_now
from tapo_automate.errors import LedgerUnusable, TapoAutomateError

if TYPE_CHECKING:
    from tapo_automate.sync.ledger import Ledger
    from tapo_automate.sync.model import Recorded


@click.command(epilog=EXIT_CODES)
@at_home
@device_option
@click.option("--dry-run", is_flag=True, help="Say what the ledger would be, and leave it as it is.")
def refresh(
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    only: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Make a ledger anew that was lost or damaged, or whose device was replaced by another.

    Rows that equal what the rules want are ours again; all others are nobody's, and are left alone.  A damaged ledger
    is kept beside the new one, as NAME.damaged.  No device is written to.
    """
    from tapo_automate.sync.ledger import locked, save_ledger
    from tapo_automate.sync.refresh import refresh as made_anew

    book = load_rules(rules)
    chosen = chosen_devices(book, only)
    path = ledger_path(ledger, rules)
    with nullcontext() if dry_run else locked(path):
        before, damaged = _before(path)
        readings, problems = read_devices(open_registry(credentials), specs_of(book, chosen))
        after = made_anew(book, readings, before, utc_now())
        if not dry_run:
            if damaged:
                _put_aside(path)
            save_ledger(path, after)
    rows = [_row(device_id, before, after, problems.get(device_id)) for device_id in chosen]
    changed = damaged or before != after
    if as_json:
        found = {"devices": rows, "ledger": str(path), "damaged": damaged or None, "written": not dry_run}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        if damaged:
            click.echo(damaged)
        show(_lines(rows))
        click.echo("The ledger was left as it is." if dry_run or not changed else f"{path} was written.")
        if damaged and not dry_run:
            click.echo(f"The damaged one is kept as {_aside(path)}.")
    for device_id, problem in problems.items():
        show([click.style(f"{device_id}: {problem}", fg="red")], err=True)
    raise SystemExit(3 if problems else 2 if dry_run and changed else 0)


def _before(path: Path) -> tuple[Ledger, str]:
    """Return what the ledger says, and what is wrong with it where that can be mended here.  Raises LedgerUnusable."""
    from tapo_automate.sync.ledger import Ledger, load_ledger
    from tapo_automate.sync.ledgertext import REBUILD

    try:
        return load_ledger(path), ""
    except LedgerUnusable as problem:
        if REBUILD not in problem.problem:  # of a newer version, or not to be read: that is no damage
            raise
        return Ledger(), f"{path}: {problem.problem.removesuffix(REBUILD).rstrip(': ')}"


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


def _put_aside(path: Path) -> None:
    try:
        path.replace(_aside(path))
    except OSError as problem:
        raise LedgerUnusable(str(path), f"it cannot be put aside: {problem.strerror}") from None


def _row(device_id: str, before: Ledger, after: Ledger, problem: TapoAutomateError | None) -> dict[str, Any]:
    old, new = ({_place(row): row for row in ledger.of(device_id).rows} for ledger in (before, after))
    return {
        "device": device_id,
        "rows": len(new),
        "gained": [_as_json(row) for place, row in new.items() if place not in old],
        "lost": [_as_json(row) for place, row in old.items() if place not in new],
        "error": str(problem) if problem else None,
    }


def _place(row: Recorded) -> tuple[str, str, tuple[str, ...]]:
    return row.table, row.row_id, tuple(sorted(row.rules))


def _as_json(row: Recorded) -> dict[str, Any]:
    return {"table": row.table, "id": row.row_id or None, "rules": sorted(row.rules), "text": row.text}


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        if row["error"]:
            continue
        yield click.style(row["device"], bold=True) + f"  {count(row['rows'], 'row')} of ours"
        for sign, key, color in (("↻", "gained", "cyan"), ("-", "lost", "red")):
            for each in row[key]:
                place = f"{TABLE_WORDS[each['table']]} {each['id'] or ''}".rstrip()
                yield click.style(f"  {sign} {place:<16} {each['text']}", fg=color) + f"   {', '.join(each['rules'])}"
