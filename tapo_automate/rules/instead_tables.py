"""What to write where a list or a table belongs and something else stands."""

from __future__ import annotations

import datetime as dt
import re

from tapo_automate.rules import durations
from tapo_automate.rules.faults import Path
from tapo_automate.rules.problems import show
from tapo_automate.rules.spelling import clock_time
from tapo_automate.rules.values import WEEKDAYS
from tapo_automate.rules.words import dotted


def a_list(key: str, value: object) -> str:
    """Return what to write as the list that belongs to a key, or ""."""
    if isinstance(value, str):
        ends = [clock_time(part) for part in re.split(r"\s*(?:-|–|,|\bto\b)\s*", value)]
        if key == "between" and len(ends) == 2 and all(ends):
            return f"write between = [{ends[0]}, {ends[1]}]"
        if key == "days":
            days = {
                "weekdays": WEEKDAYS[:5],
                "workdays": WEEKDAYS[:5],
                "weekend": WEEKDAYS[5:],
                "weekends": WEEKDAYS[5:],
            }
            words = days.get(value.lower())
            if value.lower() in ("all", "daily", "every", "everyday", "*"):
                return "leave `days` out for every day"
            if words:
                return f"write days = {show(list(words))}"
        if key in _LISTS_OF_TABLES:
            return f"write {_LISTS_OF_TABLES[key]}"
        if key == "steps":
            return 'write, say, steps = [{ wait = "10m", set = { on = false } }]'
        names = [part.strip() for part in value.split(",")] if "," in value else [value]
        return f"write {key} = {show(names)}"
    if key in _LISTS_OF_TABLES:
        return f"write {_LISTS_OF_TABLES[key]}"
    if key == "steps":
        inner = show(value) if isinstance(value, dict) and value else '{ wait = "10m", set = { on = false } }'
        return f"write steps = [{inner}]"
    if key in ("between", "dates"):
        return f"write {key} = " + ("[2026-12-01, 2027-01-06]" if key == "dates" else "[08:00:00, 20:00:00]")
    if isinstance(value, dict) and isinstance(value.get("devices", value.get("members")), list):
        return f"write {key} = {show(value.get('devices', value.get('members')))}"
    return ""


_LISTS_OF_TABLES = {
    "tests": "[[tests]] above each test, and its name beneath: name = …",
    "events": "events = [{ at = 22:15:00, device = …, set = { on = true } }]",
    "expect": "expect = [{ at = 22:15:00, device = …, set = { on = true } }]",
}
_TRIGGER_KEYS = {
    "sunrise": "offset",
    "sunset": "offset",
    "every": "interval",
    "countdown": "after",
    "time": "at",
    "date": "at",
}
_NO = ("false", "no", "off", "0", "n")


def a_table(path: Path, value: object) -> str:
    """Return what to write as the table that belongs at a path, or ""."""
    match path:
        case ("rules" | "devices" | "groups" as kind,):
            return (
                f"write one [{kind}.NAME] table for each" if kind != "groups" else 'write outside = ["porch", "garden"]'
            )
        case (*_, "when", str() as kind):
            if kind in ("sunrise", "sunset") and value is True:
                return f"write when.{kind} = {{}}"
            key = _TRIGGER_KEYS.get(kind)
            fits = (
                isinstance(value, str)
                if key in ("offset", "interval", "after")
                else isinstance(value, dt.time | dt.datetime)
            )
            if key and fits:
                written = value.isoformat() if isinstance(value, dt.time | dt.datetime) else show(value)
                return f"write when.{kind} = {{ {key} = {written} }}"
            if kind == "time" and isinstance(value, str) and (clock := clock_time(value)):
                return f"write when.time = {{ at = {clock} }}"
            return f"write when.{kind} = {{ … }}"
        case (*_, "when"):
            if isinstance(value, str) and value in ("sunrise", "sunset"):
                return f"write when.{value} = {{}}"
            if isinstance(value, dt.time):
                return f"write when.time = {{ at = {value.isoformat()} }}"
            return "write, say, when.time = { at = 23:30:00 }"
        case (*_, "steps", int()):
            better = durations.guess(value) if isinstance(value, str) else None
            return f'write {{ wait = "{better or "10m"}", set = {{ on = false }} }}'
        case (*_, "only_if", "device", str()) | ("tests", _, "start" | "end", str()):
            word = str(value).lower() if isinstance(value, str | bool) else ""
            return f"write {dotted(path[2:])} = {{ on = {'false' if word in _NO else 'true'} }}"
        case (*_, "set"):
            word = str(value).lower() if isinstance(value, str | bool) else ""
            if word == "toggle":
                return "write set = { toggle = true }"
            return f"write set = {{ on = {'false' if word in _NO else 'true'} }}"
        case ("rules", str() as name):
            return f"write a [rules.{name}] table with devices, when and set"
        case ("site",):
            return 'write a [site] table with timezone = "Europe/Berlin"'
        case ("devices", str() as name):
            host = show(value) if isinstance(value, str) else '"192.168.1.31"'
            return f'write {name} = {{ driver = "tapo-plug", host = {host} }}'
    return ""
