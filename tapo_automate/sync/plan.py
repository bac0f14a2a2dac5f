"""What is to change on a device, as a value that can be shown, saved and carried out.

Made from what was read, and bound to it by its basis: whoever applies reads again and compares.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tapo_automate.rows import TABLES, FoundRow, Holdings, Table, TableName, id_of
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.difference import changes_of, runs
from tapo_automate.sync.ledger import DeviceLedger, hardware_digest
from tapo_automate.sync.model import Change, DevicePlan, Plan, Quota, Reading, Recorded
from tapo_automate.sync.partition import rule_keys
from tapo_automate.sync.place import TABLE_WORDS
from tapo_automate.sync.rows import digest
from tapo_automate.sync.rulewords import as_rule
from tapo_automate.sync.safety import stops as stops
from tapo_automate.sync.trust import LOST_BEFORE_YEAR, MENDED_WITH_CLOCK, Doubt, doubts
from tapo_automate.sync.wanted import Compiled, compile_device


def basis_of(holdings: Holdings) -> str:
    """Return a digest of all that a plan was made from and that does not change by itself.

    Left out are the instant of the clock, the next event, where the device is, and what counts down: a countdown runs
    off, the daemon starts others for fail-safes, and whoever writes one looks at it first.
    """
    clock = holdings.clock
    told = {
        "hardware": hardware_digest(holdings.description.hardware_id),
        "tables": {
            name: {"max": table.max_rows} if name == "countdown" else _table_words(table)
            for name, table in sorted(holdings.tables.items())
        },
        "clock": clock and [clock.region, clock.standard_offset_min, clock.at.year >= LOST_BEFORE_YEAR],
        "located": holdings.position is not None,
        "local_time": holdings.local_time,
        "row_transitions": holdings.row_transitions,
        "versions": dict(sorted(holdings.versions.items())),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def plan_device(
    book: RuleBook,
    device_id: str,
    reading: Reading,
    ledger: DeviceLedger,
    now: dt.datetime,
    *,
    fix_clock: bool = False,
    restore: bool = False,
    rearm: bool = False,
) -> DevicePlan:
    """Return what is to change on a device.  Reads and writes nothing.

    now: aware, UTC.  fix_clock: set its clock and zone first where they are wrong, and plan as if they were right.
    restore: overwrite what people made of our rows.  rearm: start the countdowns from "apply" again.
    """
    holdings = reading.holdings
    basis = basis_of(holdings)
    keys = rule_keys(book, device_id)
    hardware = hardware_digest(holdings.description.hardware_id)
    if ledger.hardware and hardware and ledger.hardware != hardware:
        return DevicePlan(
            device_id,
            basis,
            error=f"this {holdings.description.model} is not the device that the ledger knows by this name: if it was "
            f"replaced, run `sync refresh --device {device_id}`; if not, correct its host in the rules",
            keys=keys,
        )
    unseen = sorted({row.table for row in ledger.rows} - holdings.tables.keys())
    if unseen:  # a table that is not shown for a moment must not look like rows that a person has removed
        names = " and ".join(TABLE_WORDS[name] for name in unseen)
        return DevicePlan(
            device_id,
            basis,
            error=f"it does not show its {names}, where the ledger has rows of ours: nothing is planned for it; "
            "try again later, and look what is wrong with `doctor`",
            keys=keys,
        )
    found_doubts = doubts(reading, book.site, now)
    mends = fix_clock and any(doubt.code in MENDED_WITH_CLOCK and doubt.remedy for doubt in found_doubts)
    compiled = compile_device(book, device_id, reading, ledger.rows, now, fixed_clock=mends)
    changes = changes_of(compiled, ledger.rows, reading, now, restore=restore, rearm=rearm)
    standing = [doubt for doubt in found_doubts if not (mends and doubt.code in MENDED_WITH_CLOCK)]
    return DevicePlan(
        device_id,
        basis,
        changes,
        quota={name: _quota(name, holdings.tables[name], changes) for name in TABLES if name in holdings.tables},
        daemon=compiled.daemon,
        nowhere=compiled.nowhere,
        warnings=(*_of_interest(standing, compiled, ledger.rows), *compiled.warnings),
        fix_clock=mends,
        keys=keys,
    )


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as `--json` prints it: devices in order, then totals."""
    devices = [_device_json(device) for device in plan.devices]
    actions = ("create", "update", "delete", "adopt", "drift", "foreign")
    changes = [change for device in plan.devices for change in device.changes]
    totals = {action: sum(change.action == action for change in changes) for action in actions}
    return {
        "devices": devices,
        "totals": {
            "devices": len(devices),
            **totals,
            "daemon": sum(len(device.daemon) for device in plan.devices),
            "nowhere": sum(len(device.nowhere) for device in plan.devices),
            "errors": sum(bool(device.error) for device in plan.devices),
        },
    }


def _table_words(table: Table) -> dict[str, Any]:
    rows = sorted([id_of(row), digest(row)] for row in table.rows)
    return {"max": table.max_rows, "enabled": table.enabled, "rows": rows}


def _quota(name: TableName, table: Table, changes: Sequence[Change]) -> Quota:
    mine = [change for change in changes if change.table == name]
    used = sum(runs(row) for row in table.rows)
    foreign = sum(change.action == "foreign" for change in mine)
    more = sum(_taken(change.after) - _taken(change.before) for change in mine if change.writes)
    return Quota(table.max_rows, used, foreign, used - foreign, used + more)


def _taken(row: FoundRow | None) -> int:
    return 0 if row is None else int(runs(row))


def _of_interest(found: Sequence[Doubt], compiled: Compiled, recorded: Sequence[Recorded]) -> Iterator[str]:
    """Yield the doubts that keep a rule from the device, or concern rows of ours: the rest is `doctor`'s to tell."""
    codes = {each.code for each in compiled.daemon.values()} | {each.code for each in compiled.nowhere.values()}
    tables = {row.table for row in recorded}
    for doubt in found:
        if doubt.code in codes or (tables & doubt.tables and not doubt.sun_only):
            yield doubt.reason


def _device_json(device: DevicePlan) -> dict[str, Any]:
    return {
        "device": device.device,
        "basis": device.basis,
        "quota": {name: _quota_json(quota) for name, quota in device.quota.items()},
        "fix_clock": device.fix_clock,
        "changes": [_change_json(change) for change in device.changes],
        "daemon": [{"rule": rule, "code": why.code, "reason": why.reason} for rule, why in device.daemon.items()],
        "nowhere": [
            {"rule": rule, "code": why.code, "reason": why.reason, "failed": why.failed}
            for rule, why in device.nowhere.items()
        ],
        "warnings": list(device.warnings),
        "error": device.error or None,
    }


def _quota_json(quota: Quota) -> Mapping[str, int]:
    return {
        "max": quota.max,
        "used": quota.used,
        "foreign": quota.foreign,
        "ours": quota.ours,
        "after": quota.after,
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "table": change.table,
        "id": change.row_id or None,
        "rule": change.rules[0] if change.rules else None,
        "rules": list(change.rules),
        "before": None if change.before is None else as_rule(change.before),
        "after": None if change.after is None else as_rule(change.after),
        "text": change.text,
    }
