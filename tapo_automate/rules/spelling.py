"""Times and dates in somebody else's spelling."""

from __future__ import annotations

import datetime as dt
import re

_CLOCK = re.compile(r"\s*([0-9]{1,2})[:.h]([0-9]{2})(?:[:.]([0-9]{2}))?\s*(am|pm|uhr|h)?\s*", re.IGNORECASE)


def clock_time(text: str) -> str | None:
    """Return a clock time in somebody else's spelling as TOML writes it.

    >>> clock_time("7:30"), clock_time("11:30 pm"), clock_time("25:00")
    ('07:30:00', '23:30:00', None)
    """
    match = _CLOCK.fullmatch(text[:40])
    if not match:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    half = (match[4] or "").lower()
    if half in ("am", "pm"):
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return f"{hour:02}:{minute:02}:{second:02}"


def date_text(text: str) -> str | None:
    """Return a date in somebody else's spelling as TOML writes it.

    >>> date_text("24.12.2026"), date_text("2026-12-24"), date_text("12/24/2026")
    ('2026-12-24', '2026-12-24', None)
    """
    match = re.fullmatch(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", text)
    parts = match.groups() if match else None
    if german := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text):
        parts = german[3], german[2], german[1]
    if not parts:
        return None
    try:
        return dt.date(int(parts[0]), int(parts[1]), int(parts[2])).isoformat()
    except ValueError:
        return None
