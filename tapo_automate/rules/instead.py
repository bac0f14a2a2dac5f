"""What to write instead of a value of the wrong kind or size: exact text wherever it can be known."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from tapo_automate.rules import durations
from tapo_automate.rules.faults import Path, listed
from tapo_automate.rules.instead_tables import a_list, a_table
from tapo_automate.rules.problems import show
from tapo_automate.rules.spelling import clock_time, date_text
from tapo_automate.rules.values import HOUR_S

_YES = ("true", "yes", "on", "1", "y")
_NO = ("false", "no", "off", "0", "n")


def hint(path: Path, wanted: str, value: object) -> str:
    """Return what to write at `path`, where `wanted` belongs and `value` stands, or ""."""
    key = _last_word(path)
    match wanted:
        case "true or false":
            return truth(key, value)
        case "a wall time":
            return wall_time(key if path[-1] == key else "", value)
        case "a date":
            return _date(value)
        case "a date with a time":
            return _moment(key, value)
        case "a list":
            return a_list(key, value)
        case "a table":
            return a_table(path, value)
        case "text":
            return _text(path, value)
        case _:
            return _number(key, wanted, value)


def truth(key: str, value: object) -> str:
    """Return `on = true` for whatever somebody uses as a yes."""
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _YES:
        return f"write {key} = true"
    return f"write {key} = false" if word in _NO else f"write {key} = true or {key} = false"


def wall_time(key: str, value: object) -> str:
    """Return `at = 23:30:00` for a time in quotes, or ""."""
    before = f"{key} = " if key else ""
    if isinstance(value, dt.datetime):
        return f"write {before}{value.time().replace(microsecond=0).isoformat()}; a date belongs into `when.date`"
    clock = clock_time(value) if isinstance(value, str) else None
    if clock:
        return f"write {before}{clock}, without quotes"
    if isinstance(value, str) and value.strip().lower().startswith(("sunrise", "sunset")):
        return "for the sun, use `when.sunset` or `when.sunrise`"
    return f"write a time like {before}23:30:00, without quotes"


def instant(before: str, value: object) -> str:
    """Return what to write as an instant of a test, where `before` stands before it: "at = "."""
    if isinstance(value, str):
        day, _, time = value.strip().replace("T", " ").partition(" ")
        if (better := date_text(day)) and (clock := clock_time(time)):
            return f"write {before}{better}T{clock}, without quotes"
        if clock := clock_time(value):
            return f"write {before}{clock}, without quotes"
        if (offset := durations.guess(value)) and offset[0] != "-":
            return f'write {before}"{offset}"'
        if offset:
            return "nothing can lie before the beginning"
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return f"add the time: {before}{value.isoformat()}T16:00:00"
    return f'write a time ({before}22:15:00), or, say, "15m" after the beginning'


def choice(path: Path, words: Sequence[str], value: object) -> str:
    """Return what to write where one of a few words belongs."""
    if list(words[:2]) == ["on", "off"] and isinstance(value, bool):
        return f'write {path[-1]} = "{"on" if value else "off"}"'
    return f"write {path[-1]} = {listed(words)}"


def units(path: Path, value: float) -> str:
    """Return how a bare number is written as a duration."""
    if value != value or abs(value) > 10**9 or value != int(value):
        return 'write it like "15m"'
    number = str(int(value)) if path[-1] == "offset" else str(abs(int(value)))
    if path[-1] == "transition":
        return f'write "{number}s" for seconds or "{number}ms" for milliseconds'
    return f'write "{number}s" for seconds, or "{number}m" for minutes'


def smaller_unit(text: str) -> str:
    """Return 'did you mean "900s"?' for "900m", where only the smaller unit can be meant."""
    match = re.fullmatch(r"([a-z]*)([+-]?)([0-9]+)([hm])", text)
    if not match or len(match[3]) > 9:
        return ""
    count, unit = int(match[3]), {"h": ("m", 60), "m": ("s", 1)}[match[4]]
    return f'did you mean "{match[1]}{match[2]}{count}{unit[0]}"?' if count * unit[1] <= 12 * HOUR_S else ""


def in_range(path: Path, value: object) -> str:
    """Return what was probably meant by a number that is too small or too large."""
    key = path[-1]
    match key, value:
        case "brightness", 0:
            return "to switch off, write on = false"
        case "brightness", int() if 100 < value <= 255:
            return f"percent, not 0 to 255: brightness = {max(1, round(value / 2.55))}"
        case "color_temp", int() if 83 <= value < 1000:
            return f"kelvin, not mired: color_temp = {round(1_000_000 / value / 100) * 100}"
        case "saturation", int() if 100 < value <= 255:
            return f"percent, not 0 to 255: saturation = {round(value / 2.55)}"
        case "hue", int() if 360 < value <= 65535:
            return f"degrees, 0 to 360: hue = {round(value * 360 / 65535)}" if value > 3600 else "degrees, 0 to 360"
        case (("below" | "above" | "rearm" | "power_below" | "power_above"), int() | float()):
            if value == 0:
                return "a load cannot be below 0: write, say, below = 2"
            return "the unit is the watt, not the milliwatt" if value > 0 else ""
        case (("interval" | "after"), str()) if durations.seconds(value) == 0:
            return f'write, say, {key} = "30m"'
        case _, str():
            return smaller_unit(value)
    return ""


def edge(path: Path, value: object) -> str:
    """Return what to write as one end of an away window."""
    if isinstance(value, str):
        clock = clock_time(value)
        if clock:
            return f"write {path[-1]} = {clock}, without quotes"
        match = re.fullmatch(r"\s*(sunrise|sunset)\s*([+-])\s*(.*)", value, re.IGNORECASE)
        offset = durations.guess(match[3]) if match else None
        if match and offset and offset[0] != "-":
            return f'write "{match[1].lower()}{match[2]}{offset}"'
        if match and re.fullmatch("[0-9]{1,6}", match[3]):
            return f'write "{match[1].lower()}{match[2]}{match[3]}m" for minutes'
    return f'write a time ({path[-1]} = 19:00:00), or "sunset", or "sunset-15m"'


def _number(key: str, wanted: str, value: object) -> str:
    if isinstance(value, float) and value == value and abs(value) < 10**9:
        return f"write {key} = {round(value)}"
    match = re.fullmatch(
        r"\s*(-?[0-9]{1,9}(?:[.,][0-9]{1,6})?)\s*(%|w|watts?|k|kelvin|°|degrees)?\s*", str(value), re.I
    )
    if isinstance(value, str) and match:
        if key in ("latitude", "longitude"):
            return "write it without quotes"
        number = float(match[1].replace(",", "."))
        text = f"{round(number)}" if wanted == "a whole number" else f"{number:g}"
        return f"write {key} = {text}, without quotes" + (" and without the unit" if match[2] else "")
    return ""


def _text(path: Path, value: object) -> str:
    if path[-1] == "notify":
        return 'write what to tell people: notify = "The washer is done"'
    if path[-1] == "withheld":
        return 'name the rule: withheld = "porch-off"'
    if isinstance(value, bool | int | float) and path[-2:-1] != ("mac",) and path[:1] != ("site",):
        return f'write {path[-1]} = "{show(value)}"' if isinstance(path[-1], str) else f'write "{show(value)}"'
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return f"write {path[-1]} = {show(value[0])}"
    return ""


def _date(value: object) -> str:
    if isinstance(value, dt.datetime):
        return f"write {value.date().isoformat()}"
    if isinstance(value, str) and (day := date_text(value)):
        return f"write {day}, without quotes"
    return "write a date like 2026-12-24, without quotes"


def _moment(key: str, value: object) -> str:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return f"add the time: {key} = {value.isoformat()}T16:00:00"
    if isinstance(value, dt.time):
        dated = "add the date: 2026-12-24T" + value.isoformat()
        return dated if key == "from" else f"for every day, use `when.time`; for one day, {dated}"
    if isinstance(value, str):
        day, _, time = value.strip().replace("T", " ").partition(" ")
        better, clock = date_text(day), clock_time(time) if time else None
        if better and clock:
            return f"write {key} = {better}T{clock}, without quotes"
        if better:
            return f"write {key} = {better}T16:00:00, without quotes and with the time"
    return f"write {key} = 2026-12-24T16:00:00, without quotes"


def _last_word(path: Path) -> str:
    return next((word for word in reversed(path) if isinstance(word, str)), "")
