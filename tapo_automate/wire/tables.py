"""The tables of rules that a device holds, read whole; a row that cannot be read is skipped.

Source: docs/protocol.md, "On-device rule tables".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tapo_automate.device import Setting
from tapo_automate.wire.client import Client
from tapo_automate.wire.desired import desired_setting

Event: TypeAlias = Literal["normal", "sunrise", "sunset"]

MOST_PAGES = 64  # of one row each; the largest table seen has 32 rows
EVERY_DAY = 0b1111111
_EVENTS: Mapping[str, Event] = {"normal": "normal", "sunrise": "sunrise", "sunset": "sunset"}


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One thing that the schedule does.

    repeats: else it happens once.  week_days: bit 0 is Sunday.  day: the date that the device has computed for it.
    event: what the clock reads, or the sun.  minute: of the device's local day, the offset from the sun included.
    """

    id: str
    enabled: bool
    repeats: bool
    week_days: int
    day: dt.date | None
    event: Event
    minute: int
    offset_min: int
    setting: Setting


@dataclass(frozen=True, slots=True)
class CountdownRow:
    """The countdown.  delay_s: what it was started with.  left_s: 0 once it is over or stopped; the row stays then."""

    delay_s: int
    left_s: int
    setting: Setting


@dataclass(frozen=True, slots=True)
class AwayRow:
    """The away mode: random switching from minute to minute of the device's local day, over midnight if it must."""

    enabled: bool
    repeats: bool
    week_days: int
    from_minute: int
    until_minute: int


def read_schedule(client: Client) -> list[ScheduleRow]:
    """Return what the schedule does; nothing where it is switched off as a whole.  Raises what `Client.call` raises."""
    return [row for found in _rows(client, "get_schedule_rules") for row in _schedule_rows(found)]


def read_countdown(client: Client) -> tuple[CountdownRow, ...]:
    """Return the countdown, running or over; at most one on every device seen.  Raises what `Client.call` raises."""
    # The table's own switch is off while the only row is over: it says nothing.
    found = (_countdown_row(row) for row in _rows(client, "get_countdown_rules", heed_switch=False))
    return tuple(row for row in found if row is not None)


def read_away(client: Client) -> list[AwayRow]:
    """Return the away mode's rows.  Raises what `Client.call` raises."""
    found = (_away_row(row) for row in _rows(client, "get_antitheft_rules"))
    return [row for row in found if row is not None]


def read_auto_off_min(client: Client) -> int | None:
    """Return after how many minutes the device turns itself off, or None.  Raises what `Client.call` raises."""
    config = client.call("get_auto_off_config")
    minutes = _whole(config.get("delay_min"))
    return minutes if config.get("enable") is True and minutes else None


def _rows(client: Client, method: str, *, heed_switch: bool = True) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of all pages.  heed_switch: a table that is switched off as a whole has none that count."""
    collected = 0
    for _ in range(MOST_PAGES):
        page = client.call(method, {"start_index": collected})
        rows = page.get("rule_list")
        if not isinstance(rows, list) or not rows or (heed_switch and page.get("enable") is False):
            return
        yield from (row for row in rows if isinstance(row, Mapping))
        collected += len(rows)
        total = _whole(page.get("sum"))
        if total is None or collected >= total:  # countdown and away mode have no pages
            return


def _schedule_rows(row: Mapping[str, Any]) -> Iterator[ScheduleRow]:
    """Yield what a row does at its beginning, and at its end if it has one."""
    enabled, mode, week_days = row.get("enable"), row.get("mode"), _whole(row.get("week_day")) or 0
    if not isinstance(enabled, bool) or mode not in ("once", "repeat"):
        return
    ends = {"on": True, "off": False}.get(str(row.get("e_action")))
    halves = (
        (row.get("s_type"), row.get("s_min"), row.get("time_offset"), desired_setting(row, "s_action")),
        (row.get("e_type"), row.get("e_min"), 0, None if ends is None else Setting(on=ends)),
    )
    for kind, at, offset, setting in halves:
        event, minute = _EVENTS.get(str(kind)), _minute(at)
        if event is not None and minute is not None and setting is not None:
            name, repeats, offset_min = _name(row.get("id")), mode == "repeat", _whole(offset) or 0
            yield ScheduleRow(name, enabled, repeats, week_days, _day(row), event, minute, offset_min, setting)


def _countdown_row(row: Mapping[str, Any]) -> CountdownRow | None:
    delay_s, remain_s, setting = _whole(row.get("delay")), _whole(row.get("remain")), desired_setting(row)
    if delay_s is None or setting is None:
        return None
    runs = row.get("enable") is True and remain_s is not None and remain_s > 0
    return CountdownRow(delay_s, remain_s if runs and remain_s is not None else 0, setting)


def _away_row(row: Mapping[str, Any]) -> AwayRow | None:
    enabled, begin, end = row.get("enable"), _minute(row.get("start_min")), _minute(row.get("end_min"))
    if not isinstance(enabled, bool) or begin is None or end is None:
        return None
    return AwayRow(enabled, row.get("mode") == "repeat", _whole(row.get("week_day")) or 0, begin, end)


def _day(row: Mapping[str, Any]) -> dt.date | None:
    year, month, day = (_whole(row.get(part)) for part in ("year", "month", "day"))
    if year is None or month is None or day is None:
        return None
    try:
        return dt.date(year, month, day)
    except (ValueError, OverflowError):
        return None


def _minute(value: object) -> int | None:
    minute = _whole(value)
    return minute if minute is not None and 0 <= minute < 1440 else None


def _name(value: object) -> str:
    """Return an id for people to read, or "" for what is none."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 16 else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
