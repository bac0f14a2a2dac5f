"""`sync backup`: what the devices' tables hold, kept for `sync restore`.  It writes to no device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of, state_folder, state_option
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_options import at_home, backups_in, ledger_path, load_rules
from tapo_automate.cli.sync_survey import read_devices
from tapo_automate.cli.sync_text import count, show
from tapo_automate.errors import SyncError, TapoAutomateError

if TYPE_CHECKING:
    from tapo_automate.sync.backup import Backups
    from tapo_automate.sync.ledger import Ledger
    from tapo_automate.sync.model import Reading


@click.command(epilog=EXIT_CODES)
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@at_home
@state_option
@click.option("--dry-run", is_flag=True, help="Say what would be kept, and keep nothing.")
def backup(
    devices: tuple[str, ...],
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    state: Path | None,
    dry_run: bool,
) -> None:
    """Keep what the tables of devices (all, or those named) hold, for `sync restore`.

    The last fifty of each device are kept in the state folder.  `sync apply` keeps one before it writes.
    """
    from tapo_automate.sync.ledger import load_ledger

    book = load_rules(rules)
    chosen = chosen_devices(book, devices)
    known = load_ledger(ledger_path(ledger, rules))
    readings, problems = read_devices(open_registry(credentials), specs_of(book, chosen))
    backups = backups_in(state_folder(state))
    rows = []
    for device_id in chosen:
        problem: TapoAutomateError | None = problems.get(device_id)
        file = None
        if problem is None and not dry_run and readings[device_id].holdings.tables:
            try:
                file = _kept(backups, device_id, readings[device_id], known)
            except SyncError as error:
                problem = error
        rows.append(_row(device_id, readings.get(device_id), file, problem))
    if as_json:
        click.echo(json.dumps({"devices": rows}, indent=2, ensure_ascii=False))
    for row in rows:
        if row["error"]:
            show([click.style(f"{row['device']}: {row['error']}", fg="red")], err=True)
        elif not as_json:
            click.echo(_words(row, dry_run=dry_run))
    if any(row["error"] for row in rows):
        raise SystemExit(3)


def _kept(backups: Backups, device_id: str, reading: Reading, ledger: Ledger) -> Path:
    return backups.save(device_id, reading.holdings, reading.at, ledger.of(device_id).rows)


def _row(
    device_id: str, reading: Reading | None, file: Path | None, problem: TapoAutomateError | None
) -> dict[str, Any]:
    tables = reading.holdings.tables if reading and not problem else {}
    return {
        "device": device_id,
        "rows": sum(len(table.rows) for table in tables.values()) if tables else None,
        "file": str(file) if file else None,
        "error": str(problem) if problem else None,
    }


def _words(row: dict[str, Any], *, dry_run: bool) -> str:
    if row["rows"] is None:
        return f"{row['device']}: it has no tables, nothing to keep"
    if dry_run:
        return f"would keep {row['device']}: {count(row['rows'], 'row')}"
    return f"{row['device']}: {count(row['rows'], 'row')} in {row['file']}"
