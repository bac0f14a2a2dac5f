"""`sync drift`: rows of ours that a person changed or removed, and what becomes of them.

Three answers, none of them given by itself: ours again, the rule follows the person, or it stays as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of, state_folder, state_option
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_apply import Outcome, applying, carry_out, report
from tapo_automate.cli.sync_options import (
    allowed,
    allowing,
    at_home,
    backups_in,
    confirm,
    device_option,
    ledger_path,
    load_rules,
    writing,
)
from tapo_automate.cli.sync_redraft import Redraft
from tapo_automate.cli.sync_survey import plan_of, read_devices
from tapo_automate.cli.sync_text import count, device_lines, show
from tapo_automate.cli.when import chosen_rule, utc_now
from tapo_automate.sync.model import Change, DevicePlan, Plan, Reading, Recorded
from tapo_automate.sync.rows import digest

if TYPE_CHECKING:
    from tapo_automate.sync.ledger import Ledger, LedgerFile


@click.command(epilog=EXIT_CODES)
@at_home
@state_option
@device_option
@click.option("--rule", "rule_ids", multiple=True, metavar="RULE", help="Only rows of this rule; likewise.")
@click.option("--restore", is_flag=True, help="Write the rows as the rules want them.")
@click.option("--adopt", is_flag=True, help="Change the rules, where they stand, to what the rows are now.")
@click.option("--ignore", is_flag=True, help="Leave the rows as they are, and do not mention them again.")
@click.option("--ignored", is_flag=True, help="Ask about rows anew that were to be left as they are.")
@writing
@allowing
def drift(
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    state: Path | None,
    only: tuple[str, ...],
    rule_ids: tuple[str, ...],
    restore: bool,
    adopt: bool,
    ignore: bool,
    ignored: bool,
    dry_run: bool,
    yes: bool,
    **allow: bool,
) -> None:
    """Show rows of ours that a person changed or removed on a device, or settle them in one of three ways.

    Without --restore, --adopt or --ignore it reads only.
    """
    from tapo_automate.sync.ledger import LedgerFile, locked
    from tapo_automate.sync.plan import stops

    if restore + adopt + ignore > 1:
        raise click.UsageError("--restore, --adopt and --ignore are three answers to one question: choose one")
    book = load_rules(rules)
    chosen = chosen_devices(book, only)
    for rule_id in rule_ids:
        chosen_rule(book, rule_id)
    path = ledger_path(ledger, rules)
    registry = open_registry(credentials)
    settling = (restore or adopt or ignore) and not dry_run
    with locked(path) if settling else nullcontext():
        file = LedgerFile(path)
        readings, problems = read_devices(registry, specs_of(book, chosen))
        now = utc_now()
        known = _forgiven(file.ledger) if ignored else file.ledger
        found = _drifted(plan_of(book, chosen, known, readings, problems, now), rule_ids)
        if not as_json:
            show(_lines(found, answered=restore or adopt or ignore))
        outcome = Outcome(found)
        settling = settling and any(device.changes for device in found.devices)
        if restore:
            again = plan_of(book, chosen, known, readings, problems, now, restore=True)
            outcome = Outcome(_undoing(again, found))
            stops(outcome.plan, file.ledger, allowed(allow))
            if settling:
                confirm("Write these rows as the rules want them?", yes=yes)
                file.check_writable()
                work = applying(book, file, backups_in(state_folder(state)))
                ids = [device.device for device in outcome.plan.devices if device.changes]
                outcome = carry_out(outcome.plan, ids, book, registry, work)
        elif adopt:
            redraft = _redrafted(found, Redraft(rules, book), file, readings, now)
            if not as_json:
                show(redraft.diff())
            if settling and redraft.done:
                confirm("Change the rules like this?", yes=yes)
                file.check_writable()
                redraft.write(file)
                outcome.done = redraft.done
            outcome.left = redraft.by_hand
            settling = settling and not redraft.by_hand
            show((line for lines in redraft.by_hand.values() for line in lines), err=True)
        elif ignore and settling:
            confirm("Leave these rows as they are?", yes=yes)
            file.check_writable()
            outcome.done = _ignored(found, file)
    if not restore:
        outcome.settled = sum(map(len, outcome.done.values()))
    report(outcome, as_json=as_json, dry_run=dry_run)
    failed = outcome.problems or any(device.error for device in found.devices)
    left = not settling and any(device.changes for device in found.devices)
    raise SystemExit(3 if failed else 2 if left else 0)


def _drifted(plan: Plan, rule_ids: Collection[str]) -> Plan:
    """Return a plan with its drift alone, of these rules where any are named."""

    def asked(change: Change) -> bool:
        return change.action == "drift" and (not rule_ids or not set(rule_ids).isdisjoint(change.rules))

    return replace(plan, devices=tuple(_with(device, filter(asked, device.changes)) for device in plan.devices))


def _undoing(again: Plan, found: Plan) -> Plan:
    """Return what of a plan that restores is about the drift that was found."""

    def only(device: DevicePlan, drifted: DevicePlan) -> DevicePlan:
        rows = {(change.table, change.row_id) for change in drifted.changes}
        rules = {(change.table, rule_id) for change in drifted.changes for rule_id in change.rules}
        return _with(
            device,
            (
                change
                for change in device.changes
                if (change.row_id and (change.table, change.row_id) in rows)
                or any((change.table, rule_id) in rules for rule_id in change.rules)
            ),
        )

    return replace(again, devices=tuple(map(only, again.devices, found.devices)))


def _with(device: DevicePlan, changes: Iterable[Change]) -> DevicePlan:
    """Return a device's plan with these changes alone, and nothing that is not about them."""
    return replace(device, changes=tuple(changes), daemon={}, nowhere={}, warnings=(), fix_clock=False)


def _redrafted(
    found: Plan, redraft: Redraft, ledger: LedgerFile, readings: Mapping[str, Reading], now: dt.datetime
) -> Redraft:
    """Return a redraft that has followed the drift that was found."""
    for device in found.devices:
        if device.changes:
            recorded = ledger.ledger.of(device.device)
            redraft.follow(device.device, device.changes, readings[device.device], recorded, now)
    return redraft


def _ignored(found: Plan, ledger: LedgerFile) -> dict[str, tuple[str, ...]]:
    """Record that rows stay as a person has made them; return the texts of the drift, by device."""
    done = {}
    for device in found.devices:
        recorded = list(ledger.ledger.of(device.device).rows)
        for change in device.changes:
            [place] = [place for place, row in enumerate(recorded) if _is_of(change, row)]
            chosen = "gone" if change.after is None else digest(change.after)
            wanted = change.wanted.rules if change.wanted else recorded[place].rules
            # The id of a row that is gone is free: the row that gets it next is not ours.
            row_id = "" if change.after is None else change.row_id
            recorded[place] = replace(recorded[place], row_id=row_id, rules=wanted, ignored=chosen, phase="")
        if device.changes:
            ledger.replace(device.device, replace(ledger.ledger.of(device.device), rows=tuple(recorded)))
            done[device.device] = tuple(change.text for change in device.changes)
    return done


def _is_of(change: Change, row: Recorded) -> bool:
    same = (row.table, row.row_id) == (change.table, change.row_id)
    return same and (bool(row.row_id) or not set(row.rules).isdisjoint(change.rules))


def _forgiven(ledger: Ledger) -> Ledger:
    """Return a ledger that knows nothing of rows that were to be left as people made them."""
    for device_id, device in ledger.devices.items():
        rows = tuple(replace(row, ignored="") if any(row.rules.values()) else row for row in device.rows)
        ledger = ledger.replaced(device_id, replace(device, rows=rows))
    return ledger


def _lines(found: Plan, *, answered: bool) -> Iterator[str]:
    for device in found.devices:
        if device.error or device.changes:
            yield from device_lines(device, choice=not answered)
            yield ""
    number = sum(len(device.changes) for device in found.devices)
    yield f"{count(number, 'row')} of ours changed by hand." if number else "No row of ours was changed by hand."
