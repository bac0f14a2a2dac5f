"""The stops: what a plan does only when it was asked for by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from tapo_automate.errors import PlanUnsafe
from tapo_automate.sync.ledger import Ledger
from tapo_automate.sync.model import Change, Plan, Recorded
from tapo_automate.sync.untouched import is_untouched

MOST_DELETED_PERCENT = 30

ALLOW_EMPTYING = "--allow-emptying"
ALLOW_MASS_DELETE = "--allow-mass-delete"
ALLOW_FOREIGN = "--allow-foreign"


def stops(plan: Plan, ledger: Ledger, allowed: frozenset[str]) -> None:
    """Refuse a plan that would destroy more than people expect of a sync.  Raises PlanUnsafe with all reasons.

    emptying: a table of more than one place is left without a row; one with a single place is emptied by any change
    of mind.  mass delete: more than 30 % of all rows that the ledger knows go, rows that are over not counted.
    foreign: a row is written over or removed that the ledger does not know.  allowed: flags that were given.
    """
    found = (*_emptied(plan), *_mass_delete(plan, ledger), *_foreign(plan, ledger))
    if stopping := tuple(each for each in found if each[0] not in allowed):
        raise PlanUnsafe(stopping)


def _emptied(plan: Plan) -> Iterator[tuple[str, str]]:
    for device in plan.devices:
        for name, quota in device.quota.items():
            if quota.max > 1 and quota.used and not quota.after:
                rows = "1 row" if quota.used == 1 else f"{quota.used} rows"
                yield ALLOW_EMPTYING, f"{device.device}: its {name} table has {rows} and would have none"


def _mass_delete(plan: Plan, ledger: Ledger) -> Iterator[tuple[str, str]]:
    alive = {
        (device_id, row.table, row.row_id)
        for device_id, device in ledger.devices.items()
        for row in device.rows
        if row.spent_at is None or row.spent_at > plan.made_at
    }
    gone = {
        (device.device, change.table, change.row_id)
        for device in plan.devices
        for change in device.changes
        if change.action == "delete"
    } & alive
    if 100 * len(gone) > MOST_DELETED_PERCENT * len(alive):
        share = round(100 * len(gone) / len(alive))
        yield (
            ALLOW_MASS_DELETE,
            f"{len(gone)} of the {len(alive)} rows that we have on all devices would be deleted, which is {share} %, "
            f"more than {MOST_DELETED_PERCENT} %",
        )


def _foreign(plan: Plan, ledger: Ledger) -> Iterator[tuple[str, str]]:
    for device in plan.devices:
        recorded = ledger.of(device.device).rows
        for change in device.changes:
            if change.action in ("update", "delete") and not any(_is_of(row, change, plan.made_at) for row in recorded):
                yield ALLOW_FOREIGN, f"{device.device}: “{change.text}” is not ours, and would be lost"


def _is_of(row: Recorded, change: Change, now: dt.datetime) -> bool:
    """Whether a change is about this row of ours, which may have been cut off before its id came."""
    if row.table != change.table:
        return False
    cut_off = row.phase == "coming" and not row.row_id
    found_again = cut_off and change.before is not None and is_untouched(change.before, row, now)
    return row.row_id == change.row_id or found_again
