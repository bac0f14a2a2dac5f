"""The keys of the language as `shapes.py` has them, and what people write in their place."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from tapo_automate.rules.faults import Path
from tapo_automate.rules.shapes import FileTable

# What the same thing is called elsewhere: the words, one of which its table has.  A spelling mistake needs no entry.
SYNONYMS = {
    "action": "set",
    "actions": "set",
    "address": "host",
    "alert": "notify",
    "assert": "expect",
    "begin": "from",
    "bri": "brightness",
    "clock": "time",
    "color_temperature": "color_temp",
    "colour_temp": "color_temp",
    "condition": "only_if",
    "conditions": "only_if",
    "ct": "color_temp",
    "delay": "after wait",
    "device": "devices",
    "dim": "brightness",
    "do": "set",
    "duration": "for wait",
    "end": "until",
    "entity": "devices",
    "expected": "expect",
    "final": "end",
    "for": "wait",
    "given": "start",
    "greater_than": "above",
    "hold": "for",
    "if": "only_if",
    "ip": "host",
    "fail_safe": "failsafe",
    "kelvin": "color_temp",
    "lat": "latitude",
    "lease": "failsafe",
    "less_than": "below",
    "level": "brightness",
    "lng": "longitude",
    "lon": "longitude",
    "lower": "below",
    "manual": "override",
    "members": "devices",
    "message": "notify",
    "notification": "notify",
    "over": "above",
    "pause": "wait",
    "power": "power_below on",
    "random": "jitter",
    "repeat": "every",
    "sat": "saturation",
    "sequence": "steps",
    "sleep": "wait",
    "start": "from",
    "state": "on start",
    "states": "start",
    "target": "devices",
    "targets": "devices",
    "temperature": "color_temp",
    "text": "notify",
    "then": "set expect",
    "time": "at",
    "to": "until",
    "trigger": "when",
    "type": "driver",
    "title": "name",
    "watchdog": "failsafe",
    "tolerance": "within",
    "trace": "power",
    "tz": "timezone",
    "under": "below",
    "upper": "above",
    "version": "schema",
    "weekday": "days",
    "weekdays": "days",
    "window": "between",
}
CREDENTIALS = frozenset({"email", "pass", "passwd", "password", "secret", "token", "user", "username"})
CREDENTIALS_HINT = "set TAPO_USERNAME and TAPO_PASSWORD in the environment, or keep a credentials file"


@cache
def table_at(path: Path) -> type[BaseModel] | None:
    """Return the shape of the table at a path, or None if the language has none there."""
    shape: Any = FileTable
    for word in path:
        annotation = _annotation(shape, word)
        if annotation is None:
            return None
        shape = annotation
    return shape if isinstance(shape, type) and issubclass(shape, BaseModel) else None


def keys_of(shape: type[BaseModel]) -> list[str]:
    """Return the keys of a table in the order in which they are taught."""
    return [field.alias or name for name, field in shape.model_fields.items()]


@cache
def homes_of(key: str) -> tuple[Path, ...]:
    """Return the paths below a rule, shortest first, of the tables that have such a key: ("set",) for "brightness"."""
    homes: list[Path] = []
    waiting: list[Path] = [("rules", "*")]
    while waiting:
        path = waiting.pop(0)
        shape = table_at(path)
        if shape is None:
            continue
        words = keys_of(shape)
        if key in words:
            homes.append(path[2:])
        waiting += [inside for word in words for inside in ((*path, word), (*path, word, 0))]
    return tuple(homes)


def any_item(path: Path) -> Path:
    """Return the path with the first item in place of any, as `homes_of` has it: all items of a list are alike."""
    return tuple(0 if isinstance(word, int) else word for word in path)


def kind_of(path: Path) -> str:
    """Return what stands at a path in a person's words: "rule", "device", "`set`"."""
    match path:
        case ("rules", str() as name):
            return f'rule "{name}"'
        case ("devices", str() as name):
            return f'device "{name}"'
        case ("groups", str() as name):
            return f'group "{name}"'
        case ("tests", int()):
            return "this test"
        case ():
            return "a rule file"
        case ("rules" | "tests", _, *rest):
            return f"`{dotted(tuple(rest))}`"
    return f"`{dotted(path)}`"


def dotted(path: Path) -> str:
    """Return the keys of a path as TOML joins them, without list positions."""
    return ".".join(word for word in path if isinstance(word, str))


def noun(value: object) -> str:
    """Return what kind of value TOML calls this."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case dt.datetime():
            return "a date with a time"
        case dt.date():
            return "a date without a time"
        case dt.time():
            return "a time"
    return "something else"


def label(path: Path) -> str:
    """Return what a sentence calls the value at a path: "`brightness`", "each of `days`", "rule "x""."""
    if isinstance(path[-1], int):
        return f"each of `{dotted(path[-2:])}`"
    return kind_of(path) if len(path) == 2 and path[0] in ("rules", "devices", "groups") else f"`{path[-1]}`"


def _annotation(shape: Any, word: str | int) -> Any:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        for name, field in shape.model_fields.items():
            if (field.alias or name) == word:
                return _bare(field.annotation)
        return None
    if get_origin(shape) is dict:
        return _bare(get_args(shape)[1])
    if get_origin(shape) is list and isinstance(word, int):
        return _bare(get_args(shape)[0])
    return None


def _bare(annotation: Any) -> Any:
    """Return an annotation without Annotated and without `| None`."""
    arguments = get_args(annotation)
    if get_origin(annotation) is dict or not arguments:
        return annotation
    if hasattr(annotation, "__metadata__"):
        return _bare(arguments[0])
    if type(None) in arguments:
        return _bare(next(argument for argument in arguments if argument is not type(None)))
    return annotation
