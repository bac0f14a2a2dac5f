"""Durations as rule files write them: "45s", "1h30m", "1.5s"; with a sign where they move something."""

from __future__ import annotations

import math
import re

PATTERN = r"^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
NONZERO_PATTERN = r"^(?=.*[1-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
SIGNED_PATTERN = r"^[+-]?(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
FINE_PATTERN = r"^(?=[0-9])([0-9]+m(?!s))?([0-9]+(\.[0-9]{1,3})?s|[0-9]+ms)?$"

_UNITS = {"h": 3600, "m": 60, "s": 1}
_UNIT_WORDS = re.compile(
    r"([0-9]+(?:[.,][0-9]+)?)\s*"
    r"(hours?|hrs?|hr|h|minutes?|mins?|min|m|seconds?|secs?|sec|s|days?|d|milliseconds?|msecs?|ms)\b\.?\s*",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_ISO = re.compile(r"P(?:([0-9]+)D)?T?(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?", re.IGNORECASE)


def seconds(text: str) -> int | None:
    """Return the seconds that a duration means, negative after a "-", or None if the text is not a duration.

    >>> seconds("1h30m"), seconds("-15m"), seconds("15 min")
    (5400, -900, None)
    """
    if len(text) > 20 or not re.fullmatch(SIGNED_PATTERN, text, re.ASCII):
        return None
    total = sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"([0-9]+)([hms])", text))
    return -total if text.startswith("-") else total


def milliseconds(text: str) -> int | None:
    """Return the milliseconds of a short duration, which may have a fraction or "ms", or None if it is none.

    >>> milliseconds("1.5s"), milliseconds("300ms"), milliseconds("1m")
    (1500, 300, 60000)
    """
    if len(text) > 20 or not re.fullmatch(FINE_PATTERN, text, re.ASCII):
        return None
    total = 0
    for whole, fraction, unit in re.findall(r"([0-9]+)(?:\.([0-9]+))?(ms|m|s)", text):
        scale = {"ms": 1, "s": 1000, "m": 60_000}[unit]
        total += int(whole) * scale + (int(fraction.ljust(3, "0")) if fraction else 0)
    return total


def spell(total_s: float) -> str:
    """Return the shortest way to write so many seconds.

    >>> spell(5400), spell(-900), spell(0), spell(1.5)
    ('1h30m', '-15m', '0s', '1.5s')
    """
    sign, rest = ("-", -total_s) if total_s < 0 else ("", total_s)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{hours:g}h" if hours else "", f"{minutes:g}m" if minutes else "", f"{round(rest, 3):g}s" if rest else ""]
    return sign + ("".join(parts) or "0s")


def guess(text: str, *, fine: bool = False) -> str | None:
    """Return how a duration in somebody else's spelling is written here, or None.

    fine: fractions of a second may be written; else they are rounded up, since no such duration would be taken.

    >>> guess("15 minutes"), guess("1:30"), guess("PT45S"), guess("0.5h"), guess("soon")
    ('15m', '1h30m', '45s', '30m', None)
    >>> guess("90.5s"), guess("500ms"), guess("500 ms", fine=True)
    ('1m31s', '1s', '0.5s')
    """
    body = text.strip().lower()
    if len(body) > 40:
        return None
    sign = ""
    if body[:1] in ("-", "+", "−"):
        sign, body = ("" if body[0] == "+" else "-"), body[1:].strip()
    total: float
    if clock := _CLOCK.fullmatch(body):
        hours, minutes, secs = (int(part or 0) for part in clock.groups())
        total = hours * 3600 + minutes * 60 + secs
    elif len(body) > 1 and (iso := _ISO.fullmatch(body)):
        days, hours, minutes, secs = (int(part or 0) for part in iso.groups())
        total = days * 86400 + hours * 3600 + minutes * 60 + secs
    elif body and not _UNIT_WORDS.sub("", body.replace(" and ", " ")).strip(" ,"):
        total = sum(float(count.replace(",", ".")) * _word_s(unit) for count, unit in _UNIT_WORDS.findall(body))
    else:
        return None
    return sign + spell(total if fine else math.ceil(round(total, 3)))


def _word_s(word: str) -> float:
    if word.startswith(("ms", "milli")):
        return 0.001
    return {"h": 3600, "m": 60, "s": 1, "d": 86400}[word[0]]
