"""`sync restore`: one device's tables back to what a backup says, in the device's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of, state_folder, state_option
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_apply import Outcome, carry_out, report
from tapo_automate.cli.sync_options import at_home, backups_in, confirm, ledger_path, load_rules, writing
from tapo_automate.cli.sync_survey import read_devices
from tapo_automate.cli.sync_text import COLORS, SIGNS, count, place_words, show
from tapo_automate.cli.when import utc_now, with_z
from tapo_automate.errors import ConfigError
from tapo_automate.rows import HoldsTables
from tapo_automate.sync.model import DevicePlan, Plan

if TYPE_CHECKING:
    from tapo_automate.sync.apply import Applied, Told
    from tapo_automate.sync.backup import Backups
    from tapo_automate.sync.restore import Restoration


@click.command(epilog=EXIT_CODES)
@click.argument("device")
@at_home
@state_option
@click.option(
    "--to",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The backup, a file.  Default: the last one of the device, which is what stood there before the last apply.",
)
@click.option("--allow-foreign", is_flag=True, help="Let rows go that are nobody's of ours and not in the backup.")
@writing
def restore(
    device: str,
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    state: Path | None,
    file: Path | None,
    allow_foreign: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Bring the tables of a device back to a backup, of `sync backup` or of what `sync apply` found.

    What is there now is backed up first.  Ids, dates and countdowns that ran do not come back.
    """
    from tapo_automate.sync.ledger import LedgerFile, locked
    from tapo_automate.sync.restore import plan_restore, restore_device

    book = load_rules(rules)
    chosen = chosen_devices(book, [device])
    if chosen != [device]:
        raise click.UsageError(f"{device!r} is a group; restore one device")
    backups = backups_in(state_folder(state))
    path = file or _latest(backups, device)
    backup = backups.load(path)
    if backup.device != device:
        raise ConfigError(f"{path}: this is a backup of {backup.device!r}, not of {device!r}")
    registry, specs = open_registry(credentials), specs_of(book, chosen)
    where = ledger_path(ledger, rules)
    with nullcontext() if dry_run else locked(where):
        known = LedgerFile(where)
        readings, problems = read_devices(registry, specs)
        if problem := problems.get(device):
            raise problem
        made = plan_restore(backup, device, readings[device], known.ledger.of(device), book.site, foreign=allow_foreign)
        outcome = Outcome(Plan((made.plan,), utc_now()))
        if not as_json:
            show(_lines(made, f"{path}, of {with_z(backup.at)}"))
        if made.pending and not dry_run:
            confirm("Carry this out?", yes=yes)
            known.check_writable()

            def work(opened: HoldsTables, plan: DevicePlan, told: Told) -> Applied:
                return restore_device(opened, made, ledger=known, backups=backups, now=utc_now(), told=told)

            outcome = carry_out(outcome.plan, chosen, book, registry, work)
    report(outcome, as_json=as_json, dry_run=dry_run)
    raise SystemExit(3 if outcome.problems else 2 if dry_run and made.pending else 0)


def _latest(backups: Backups, device_id: str) -> Path:
    path = backups.latest(device_id)
    if path is None:
        raise ConfigError(
            f"there is no backup of {device_id!r} in {backups.folder}: `sync backup` keeps one, and `sync apply` does "
            "before it writes"
        )
    return path


def _lines(made: Restoration, of: str) -> Iterator[str]:
    yield click.style(made.plan.device, bold=True) + f"  back to {of}"
    for change in made.plan.changes:
        if change.action in SIGNS:
            line = f"  {SIGNS[change.action]} {place_words(change):<16} {change.text}"
            yield click.style(line, fg=COLORS[change.action])
    foreign = sum(change.action == "foreign" for change in made.plan.changes)
    if foreign:
        verb = "stays that is" if foreign == 1 else "stay that are"
        yield f"  {count(foreign, 'row')} {verb} neither ours nor in the backup; --allow-foreign lets them go"
    if made.again_ours:
        yield f"  {count(len(made.again_ours), 'row')} that the ledger had lost: ours again"
    for warning in made.plan.warnings:
        yield click.style(f"  warning: {warning}", fg="yellow")
    if not made.pending:
        yield "Nothing to do."
