"""A ledger that was lost or damaged, or whose device was replaced, made anew from what the devices show.

No device is written to.  Rows that equal what the rules want become ours again; all others stay nobody's, and are
shown as foreign by the next plan: a row is never removed because the ledger has forgotten it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.apply import adopted_as
from tapo_automate.sync.difference import changes_of
from tapo_automate.sync.ledger import DeviceLedger, Ledger, hardware_digest
from tapo_automate.sync.model import Change, Reading, Recorded
from tapo_automate.sync.wanted import compile_device


def refresh(book: RuleBook, readings: Mapping[str, Reading], ledger: Ledger, now: dt.datetime) -> Ledger:
    """Return a ledger that knows the rows of these devices; what it says of others stays.

    ledger: an empty one where the old one cannot be read.  What it has of a device is kept, edits by hand and all; of
    a device that was replaced by another nothing is.  A device that the book calls otherwise now takes its rows along.
    """
    ledger = _renamed(book, readings, ledger)
    for device_id, reading in readings.items():
        ledger = ledger.replaced(device_id, _device(book, device_id, reading, ledger.of(device_id), now))
    return ledger


def _renamed(book: RuleBook, readings: Mapping[str, Reading], ledger: Ledger) -> Ledger:
    """Return the ledger with the rows of each device under the name that the book has for it."""
    names = {hardware_digest(each.holdings.description.hardware_id): name for name, each in readings.items()}
    for old, device in ledger.devices.items():
        new = names.get(device.hardware) if device.hardware else None
        if new is None or old in book.devices:
            continue
        known = ledger.of(new) if ledger.of(new).hardware in ("", device.hardware) else DeviceLedger()
        places = {(row.table, row.row_id) for row in known.rows}
        rows = (*known.rows, *(row for row in device.rows if (row.table, row.row_id) not in places))
        ledger = ledger.replaced(new, DeviceLedger(device.hardware, rows)).replaced(old, DeviceLedger())
    return ledger


def _device(book: RuleBook, device_id: str, reading: Reading, recorded: DeviceLedger, now: dt.datetime) -> DeviceLedger:
    hardware = hardware_digest(reading.holdings.description.hardware_id)
    replaced = recorded.hardware not in ("", hardware)
    rows: list[Recorded] = [] if replaced else list(recorded.rows)
    compiled = compile_device(book, device_id, reading, rows, now)
    for change in changes_of(compiled, rows, reading, now):
        if change.action != "adopt":
            continue
        adopted = [] if change.wanted is None else [adopted_as(change, change.wanted, rows, now)]
        rows = [each for each in rows if not _gives_way(each, change)] + adopted
    return DeviceLedger(hardware if rows else "", tuple(rows))


def _gives_way(recorded: Recorded, change: Change) -> bool:
    """Whether an entry of the ledger is about the row that is adopted, or an attempt to write it."""
    shares = bool(set(change.rules) & set(recorded.rules))
    if recorded.table != change.table:
        return False
    if recorded.table == "countdown" and not change.row_id:  # so are all that have run and lost their id to another
        return shares and not recorded.row_id
    return recorded.row_id == change.row_id or (recorded.phase == "coming" and shares)
