"""What pydantic found, in the user's words: what is wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from tapo_automate.rules import instead, unfit
from tapo_automate.rules.faults import Fault, Path, did_you_mean, listed
from tapo_automate.rules.keys import missing, unknown_key
from tapo_automate.rules.problems import show
from tapo_automate.rules.shapes_set import MOST_STEPS
from tapo_automate.rules.sockets import parted
from tapo_automate.rules.values import WEEKDAYS
from tapo_automate.rules.words import label, noun, table_at


def explain(document: Mapping[str, Any], error: ValidationError) -> list[Fault]:
    """Return one fault for each mistake that the shapes found in a document."""
    return [_fault(document, details) for details in error.errors(include_url=False)]


def _fault(document: Mapping[str, Any], details: Any) -> Fault:
    path: Path = details["loc"]
    kind: str = details["type"]
    context: dict[str, Any] = details.get("ctx", {})
    if path[-1:] == ("[key]",):
        return _bad_name(path[:-1])
    value = _value_at(document, path)
    if kind == "missing":
        return missing(path)
    if kind == "extra_forbidden":
        return unknown_key(path)
    if kind in _WANTED:
        return _wrong_kind(path, kind, value)
    if kind in _FINDINGS:
        return _FINDINGS[kind](path, value, context)
    if kind.startswith(("greater_than", "less_than")) or kind == "finite_number":
        return _out_of_range(path, value)
    return Fault("E104", path, f"{label(path)} cannot be {_shown(path, value)}")


# The noun of what pydantic wanted, by its error type.
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "time_type": "a wall time",
    "date_type": "a date",
    "datetime_type": "a date with a time",
}


def _wrong_kind(path: Path, kind: str, value: object) -> Fault:
    wanted = _WANTED[kind]
    found = noun(value)
    if kind in ("int_from_float", "int_type") and isinstance(value, float):
        found = "a number with a fraction"
    code = "E108" if kind in ("time_type", "date_type", "datetime_type") else "E104"
    message = f"{label(path)} must be {wanted}, not {found}"
    return Fault(code, path, message, instead.hint(path, wanted, value))


def _bad_name(path: Path) -> Fault:
    name = str(path[-1])
    what = {"rules": "a rule", "groups": "a group"}.get(str(path[0]), "a device") if len(path) == 2 else "a device"
    strip, socket = parted(name)
    slash = path[0] in ("devices", "groups") and socket and len(name) <= 100
    hint = f'a slash names a socket: define [devices.{strip}], and write "{name}" in a rule' if slash else _NAME_HINT
    return Fault("E122", path, f"{what} cannot be named {show(name)}", hint, "key")


_NAME_HINT = "a name has 1 to 100 characters, no line breaks, and no space at either end"


def _empty(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    if context.get("min_length") == 2 or context.get("max_length") == 2:
        one = "a date" if path[-1] == "dates" else "a wall time"
        two = "[2026-12-01, 2027-01-06]" if path[-1] == "dates" else "[08:00:00, 20:00:00]"
        count = len(value) if isinstance(value, list) else 0
        return Fault("E106", path, f"{label(path)} has two ends, {one} each, not {count}", f"write {path[-1]} = {two}")
    if context.get("max_length") == MOST_STEPS and isinstance(value, list):
        return Fault(
            "E106", path, f"{label(path)} has {len(value)} steps, {MOST_STEPS} at most", "make two rules of it"
        )
    hint = {
        "days": "leave `days` out for every day",
        "devices": 'name at least one: devices = ["porch"]',
        "driver": 'write driver = "tapo-plug"',
        "device": "write only_if.device.NAME = { on = true }",
        "steps": 'write, say, steps = [{ set = { on = true } }, { wait = "10m", set = { on = false } }]',
    }.get(str(path[-1]), "name at least one")
    return Fault("E109", path, f"{label(path)} is empty", hint)


def _unknown_word(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    if "days" in path[-2:]:
        if not isinstance(value, str):
            return Fault(
                "E104",
                path,
                f"a weekday must be text, not {noun(value)}",
                f"the weekdays are {listed(WEEKDAYS, 'and')}",
            )
        did = did_you_mean(value, WEEKDAYS)
        hint = did.removeprefix(", ") or f"the weekdays are {listed(WEEKDAYS, 'and')}"
        return Fault("E102", path, f"unknown weekday {show(value)}{did}", hint)
    if path[-1] == "schema":
        return Fault("E124", path, f"this program knows schema 1, not {_shown(path, value)}", "write schema = 1")
    if path[-1] == "toggle":
        hint = "write toggle = true, or leave it out" if isinstance(value, str | bool | int) else ""
        return Fault("E105", path, f"`toggle` can only be true, not {_shown(path, value)}", hint)
    shape = table_at(path[:-1])
    words = _choices(shape, path[-1])
    if not isinstance(value, str):
        return Fault(
            "E104",
            path,
            f"{label(path)} must be {listed(words)}, not {noun(value)}",
            instead.choice(path, words, value),
        )
    did = did_you_mean(value, words)
    hint = did.removeprefix(", ") or f"write {listed(words)}"
    return Fault("E105", path, f"{label(path)} cannot be {show(value)}{did}", hint)


def _choices(shape: Any, key: str | int) -> list[str]:
    for name, field in shape.model_fields.items():
        if (field.alias or name) == key:
            return list(field.annotation.__args__)
    raise AssertionError(key)


_FINDINGS: dict[str, Callable[[Path, object, Mapping[str, Any]], Fault]] = {
    "too_short": _empty,
    "too_long": _empty,
    "string_too_short": _empty,
    "literal_error": _unknown_word,
    "duration": unfit.not_a_duration,
    "signed_duration": unfit.not_a_duration,
    "fine_duration": unfit.not_a_duration,
    "name": lambda path, value, context: Fault("E122", path, f"{show(value)} is not a name", _NAME_HINT),
    "zone": unfit.not_a_zone,
    "host": unfit.not_a_host,
    "mac": unfit.not_a_mac,
    "edge": unfit.not_an_edge,
    "edge_offset": unfit.edge_too_far,
    "fraction": unfit.fraction,
    "instant": unfit.not_an_instant,
    "end": unfit.not_an_end,
    "notice_empty": unfit.notice_empty,
    "notice_long": unfit.notice_long,
    "notice_lines": unfit.notice_lines,
}

# Low and high limit as a person reads them, by key.
_LIMITS = {
    "latitude": "-90 to 90 degrees",
    "longitude": "-180 to 180 degrees",
    "offset": "12 hours before to 12 hours after",
    "interval": "1 second to 366 days",
    "for": "24 hours at most",
    "after": "1 second to 24 hours",
    "below": "more than 0 and at most 100000 watts",
    "power_below": "more than 0 and at most 100000 watts",
    "above": "0 to 100000 watts",
    "power_above": "0 to 100000 watts",
    "rearm": "0 to 100000 watts",
    "brightness": "1 to 100 percent",
    "color_temp": "1000 to 12000 kelvin",
    "hue": "0 to 360 degrees",
    "saturation": "0 to 100 percent",
    "transition": "an hour at most",
    "within": "7 days at most",
    "jitter": "6 hours at most",
    "wait": "24 hours at most",
    "override": "7 days at most",
    "failsafe": "1 minute to 24 hours",
}


_LIMITS_OF_TESTS = {**_LIMITS, "for": "1 second to 31 days", "within": "24 hours at most"}


def _out_of_range(path: Path, value: object) -> Fault:
    key = str(path[-1])
    limits = _LIMITS_OF_TESTS if path[0] == "tests" else _LIMITS
    message = (
        f"`{key}` is outside its limits" if path[0] == "site" else f"{key} {_shown(path, value)} is outside its limits"
    )
    return Fault("E106", path, f"{message}: {limits[key]}", instead.in_range(path, value))


def _shown(path: Path, value: object) -> str:
    return "this" if path[:1] == ("site",) and path[1:2] != ("timezone",) else show(value)


def _value_at(document: Mapping[str, Any], path: Path) -> Any:
    """Return what the user wrote; None where nothing is written."""
    value: Any = document
    for word in path:
        try:
            value = value[word]
        except (KeyError, IndexError, TypeError):
            return None
    return value
