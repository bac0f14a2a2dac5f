"""Whether a row of a device is still as we wrote it, which is what allows us to change or remove it.

A device itself changes one thing: it switches off what has happened once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from tapo_automate.rows import AntitheftRow, CountdownRow, FoundRow, OpaqueRow, ScheduleRow
from tapo_automate.sync.model import Recorded, Wanted
from tapo_automate.sync.rows import digest, matches

CLOCK_SLACK = dt.timedelta(minutes=2)
"""How long after its instant a row that happens once may still be about to happen."""


def is_untouched(row: FoundRow, recorded: Recorded, now: dt.datetime) -> bool:
    """Whether nobody but the device has changed a row of ours.  now: aware, UTC."""
    return is_as_written(row, recorded) or (is_switched_off_since(row, recorded) and is_near_its_instant(recorded, now))


def is_as_written(row: FoundRow, recorded: Recorded) -> bool:
    """Whether a row is, word for word, what we wrote or what the device then showed."""
    return digest(row) in (recorded.wrote, recorded.shown)


def is_switched_off_since(row: FoundRow, recorded: Recorded) -> bool:
    """Whether a row that happens once is as we wrote it, but for being switched off: by the device, or by a person."""
    return happens_once(row) and not is_enabled(row) and is_as_written(switched_on(row), recorded)


def is_near_its_instant(recorded: Recorded, now: dt.datetime) -> bool:
    """Whether a row may have happened by now, as far as clocks can be trusted."""
    return recorded.spent_at is not None and now >= recorded.spent_at - CLOCK_SLACK


def happens_once(row: FoundRow) -> bool:
    if isinstance(row, OpaqueRow):
        return row.plain is not None and happens_once(row.plain)
    return isinstance(row, CountdownRow) or (isinstance(row, ScheduleRow | AntitheftRow) and not row.repeats)


def is_enabled(row: FoundRow) -> bool:
    if isinstance(row, OpaqueRow):
        return row.plain is None or row.plain.enabled
    return row.enabled


def switched_on(row: FoundRow) -> FoundRow:
    """Return a row as it is while it is switched on."""
    if not isinstance(row, OpaqueRow):
        return replace(row, enabled=True)
    if row.plain is None:
        return row
    enable = type(row.own["enable"])(1)  # a device that writes 0 for false writes 1 for true
    return replace(row, own={**row.own, "enable": enable}, plain=replace(row.plain, enabled=True))


def was_started(recorded: Recorded, found: FoundRow | None, wanted: Wanted) -> bool:
    """Whether a countdown of ours was started and not stopped by us, whatever became of it since.

    found: what the device shows in its place.
    """
    if recorded.phase == "coming":
        return found is not None and matches(switched_on(found), wanted.row)
    return not recorded.phase
