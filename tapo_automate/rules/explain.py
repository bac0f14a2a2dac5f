"""What pydantic found, in the user's words: what is wrong, and what to write instead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from tapo_automate.rules import durations, instead
from tapo_automate.rules.faults import Fault, Path, did_you_mean, listed
from tapo_automate.rules.hosts import better_host, host_fault
from tapo_automate.rules.keys import missing, unknown_key
from tapo_automate.rules.problems import show
from tapo_automate.rules.values import WEEKDAYS
from tapo_automate.rules.words import dotted, kind_of, table_at
from tapo_automate.rules.zones import nearest_zone


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
    return Fault("E104", path, f"{_label(path)} cannot be {_shown(path, value)}")


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


def _wrong_kind(path: Path, kind: str, value: object) -> Fault:
    wanted = _WANTED[kind]
    found = noun(value)
    if kind in ("int_from_float", "int_type") and isinstance(value, float):
        found = "a number with a fraction"
    code = "E108" if kind in ("time_type", "date_type", "datetime_type") else "E104"
    message = f"{_label(path)} must be {wanted}, not {found}"
    return Fault(code, path, message, instead.hint(path, wanted, value))


def _bad_name(path: Path) -> Fault:
    name = str(path[-1])
    what = {"rules": "a rule", "devices": "a device", "groups": "a group"}.get(str(path[0]), "a device")
    return Fault("E122", path, f"{what} cannot be named {show(name)}", _NAME_HINT, "key")


_NAME_HINT = "a name has 1 to 100 characters, no line breaks, and no space at either end"


def _empty(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    if context.get("min_length") == 2 or context.get("max_length") == 2:
        one = "a date" if path[-1] == "dates" else "a wall time"
        two = "[2026-12-01, 2027-01-06]" if path[-1] == "dates" else "[08:00:00, 20:00:00]"
        count = len(value) if isinstance(value, list) else 0
        return Fault("E106", path, f"{_label(path)} has two ends, {one} each, not {count}", f"write {path[-1]} = {two}")
    hint = {
        "days": "leave `days` out for every day",
        "devices": 'name at least one: devices = ["porch"]',
        "driver": 'write driver = "tapo-plug"',
        "device": "write only_if.device.NAME = { on = true }",
    }.get(str(path[-1]), "name at least one")
    return Fault("E109", path, f"{_label(path)} is empty", hint)


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
            f"{_label(path)} must be {listed(words)}, not {noun(value)}",
            instead.choice(path, words, value),
        )
    did = did_you_mean(value, words)
    hint = did.removeprefix(", ") or f"write {listed(words)}"
    return Fault("E105", path, f"{_label(path)} cannot be {show(value)}{did}", hint)


def _choices(shape: Any, key: str | int) -> list[str]:
    for name, field in shape.model_fields.items():
        if (field.alias or name) == key:
            return list(field.annotation.__args__)
    raise AssertionError(key)


def _not_a_duration(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    what = "a duration"
    example = {"offset": '"-15m"', "transition": '"1.5s"'}.get(str(path[-1]), '"1h30m"')
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        if isinstance(value, dt.time):
            total_s = value.hour * 3600 + value.minute * 60 + value.second
            return Fault("E107", path, f"{_label(path)} is {what}, not a time", f'write "{durations.spell(total_s)}"')
        return Fault("E107", path, f"{_label(path)} must be {what} such as {example}, not {noun(value)}")
    if isinstance(value, str):
        better = durations.guess(value)
        if better and (better[0] != "-" or path[-1] == "offset") and better != value:
            return Fault("E107", path, f"{show(value)} is not {what}", f'write "{better}"')
        if better and better[0] == "-":
            return Fault("E107", path, f"{_label(path)} cannot be negative: {show(value)}", f'write "{better[1:]}"')
        if value.startswith("+") and better == value[1:]:
            return Fault("E107", path, f"{show(value)} is not {what}", f'write "{better}"')
        return Fault("E107", path, f"{show(value)} is not {what}", f"write it like {example}")
    return Fault(
        "E107", path, f"{_label(path)} must be {what} in quotes, with a unit, not a number", instead.units(path, value)
    )


def _not_a_zone(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    close = nearest_zone(str(value))
    if close:
        return Fault(
            "E117", path, f'unknown time zone {show(value)}, did you mean "{close}"?', f'did you mean "{close}"?'
        )
    hint = 'write a name from the IANA list, such as "Europe/Berlin"'
    return Fault("E117", path, f"unknown time zone {show(value)}", hint)


def _not_a_host(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    text = str(value)
    better = better_host(text)
    hint = f'write "{better}"' if better else 'write an address or a name, such as "192.168.1.31" or "plug.lan:80"'
    return Fault("E120", path, f"{show(text)} is not a host: {host_fault(text)}", hint)


def _not_a_mac(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    return Fault(
        "E121", path, f"{show(value)} is not a MAC address", 'write six pairs of 0-9 and A-F: "48-22-54-AA-BB-CC"'
    )


def _not_an_edge(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    hint = instead.edge(path, value)
    if isinstance(value, str):
        word = value.strip().lower()
        close = (
            ""
            if word.startswith(("sunrise", "sunset"))
            else did_you_mean(word.split("+")[0].split("-")[0], ["sunrise", "sunset"])
        )
        return Fault("E108", path, f"{show(value)} is neither a wall time nor an offset from the sun{close}", hint)
    return Fault("E108", path, f"{_label(path)} must be a wall time, or text about the sun, not {noun(value)}", hint)


def _edge_too_far(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    return Fault("E106", path, f"{show(value)} is more than 12 hours from the event", instead.smaller_unit(str(value)))


def _fraction(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    assert isinstance(value, dt.time | dt.datetime)
    return Fault(
        "E108", path, f"{_label(path)} is kept to the second", f"write {value.replace(microsecond=0).isoformat()}"
    )


_FINDINGS: dict[str, Callable[[Path, object, Mapping[str, Any]], Fault]] = {
    "too_short": _empty,
    "too_long": _empty,
    "string_too_short": _empty,
    "literal_error": _unknown_word,
    "duration": _not_a_duration,
    "signed_duration": _not_a_duration,
    "fine_duration": _not_a_duration,
    "name": lambda path, value, context: Fault("E122", path, f"{show(value)} is not a name", _NAME_HINT),
    "zone": _not_a_zone,
    "host": _not_a_host,
    "mac": _not_a_mac,
    "edge": _not_an_edge,
    "edge_offset": _edge_too_far,
    "fraction": _fraction,
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
}


def _out_of_range(path: Path, value: object) -> Fault:
    key = str(path[-1])
    message = (
        f"`{key}` is outside its limits" if path[0] == "site" else f"{key} {_shown(path, value)} is outside its limits"
    )
    return Fault("E106", path, f"{message}: {_LIMITS[key]}", instead.in_range(path, value))


def _label(path: Path) -> str:
    if isinstance(path[-1], int):
        return f"each of `{dotted(path[-2:])}`"
    return kind_of(path) if len(path) == 2 and path[0] in ("rules", "devices", "groups") else f"`{path[-1]}`"


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
