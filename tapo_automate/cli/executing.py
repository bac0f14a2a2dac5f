"""Who carries a rule out, device by device: the device itself, the daemon, or nobody, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tapo_automate.cli.when import with_z
from tapo_automate.rows import table_of
from tapo_automate.rules.support import not_carried_out
from tapo_automate.sync.model import InDaemon, Nowhere, OnDevice, Recorded
from tapo_automate.sync.partition import partition
from tapo_automate.sync.place import place
from tapo_automate.sync.rows import in_words

if TYPE_CHECKING:
    from tapo_automate.rules.model import Rule, RuleBook
    from tapo_automate.sync.ledger import Ledger

LEFT_SO = "the device, as its row was changed by hand and is left so (`sync drift --ignored` asks anew)"


def executors(rule: Rule, book: RuleBook, ledger: Ledger, now: dt.datetime) -> list[dict[str, Any]]:
    """Return for each device of a rule who carries it out, as the JSON has it.

    executor: "device", "daemon" or None for nobody.  row, since, quota: of the row that the ledger has, else None.
    reason: why it is not the device, or may not be; None where it is.
    """
    theirs = partition(book, ledger)
    return [_executor(rule, device_id, theirs, book, now) for device_id in rule.device_ids]


def in_lines(found: list[dict[str, Any]]) -> list[str]:
    """Return the same for people, devices with one answer together: "porch: the device itself, …"."""
    lines: dict[str, list[str]] = {}
    for each in found:
        lines.setdefault(_line(each), []).append(each["device"])
    if len(lines) == 1:
        return list(lines)
    return [f"{', '.join(devices)}: {line}" for line, devices in lines.items()]


def _executor(
    rule: Rule, device_id: str, theirs: Mapping[tuple[str, str], Recorded], book: RuleBook, now: dt.datetime
) -> dict[str, Any]:
    found: dict[str, Any] = {"device": device_id, "executor": None, "reason": None, "row": None, "since": None}
    found["quota"] = None
    recorded = theirs.get((rule.id, device_id))
    if recorded is not None:
        return found | {
            "executor": "device",
            "row": {"table": recorded.table, "id": recorded.row_id, "text": recorded.text},
            "since": with_z(recorded.at),
            "quota": {recorded.table: 1},
            "reason": LEFT_SO if recorded.ignored else None,
        }
    if not rule.enabled:
        return found | {"reason": "it is switched off (enabled = false)"}
    match place(rule, device_id, book.site, None, now):
        case OnDevice(row=row):
            could = f"the device could ({table_of(row)}: {in_words(row)})"
            reason = f"{could}, and `sync apply` has not handed it over: `sync plan` says whether it will"
            daemon = rule.executor != "device" and not_carried_out(rule) is None
            return found | {"executor": "daemon" if daemon else None, "reason": reason}
        case InDaemon(reason=reason):
            return found | {"executor": "daemon" if not_carried_out(rule) is None else None, "reason": reason}
        case Nowhere(reason=reason):
            return found | {"reason": reason}


def _line(each: dict[str, Any]) -> str:
    row = each["row"]
    if row is not None:
        where = f"{row['table']} {row['id']}".rstrip()
        if each["reason"]:
            return f"{each['reason']} ({where}: {row['text']})"
        return f"the device itself, since {each['since']} ({where}: {row['text']}; one place of {row['table']})"
    who = "the daemon" if each["executor"] else "nobody"
    return f"{who}: {each['reason']}"
