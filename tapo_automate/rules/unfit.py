"""Text, numbers and times that are not the value that belongs there: what is wrong with them, and what to write.

Each function is given the path, what stands there, and what pydantic tells beside.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from tapo_automate.rules import durations, instead
from tapo_automate.rules.faults import Fault, Path, did_you_mean
from tapo_automate.rules.hosts import better_host, host_fault
from tapo_automate.rules.problems import show
from tapo_automate.rules.values import MOST_NOTICE
from tapo_automate.rules.words import label, noun
from tapo_automate.rules.zones import nearest_zone


def not_a_duration(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    what = "a duration"
    example = {"offset": '"-15m"', "transition": '"1.5s"'}.get(str(path[-1]), '"1h30m"')
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        if isinstance(value, dt.time):
            total_s = value.hour * 3600 + value.minute * 60 + value.second
            return Fault("E107", path, f"{label(path)} is {what}, not a time", f'write "{durations.spell(total_s)}"')
        return Fault("E107", path, f"{label(path)} must be {what} such as {example}, not {noun(value)}")
    if isinstance(value, str):
        better = durations.guess(value, fine=path[-1] == "transition")
        if better and (better[0] != "-" or path[-1] == "offset") and better != value:
            return Fault("E107", path, f"{show(value)} is not {what}", f'write "{better}"')
        if better and better[0] == "-":
            return Fault("E107", path, f"{label(path)} cannot be negative: {show(value)}", f'write "{better[1:]}"')
        if value.startswith("+") and better == value[1:]:
            return Fault("E107", path, f"{show(value)} is not {what}", f'write "{better}"')
        return Fault("E107", path, f"{show(value)} is not {what}", f"write it like {example}")
    return Fault(
        "E107", path, f"{label(path)} must be {what} in quotes, with a unit, not a number", instead.units(path, value)
    )


def not_a_zone(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    close = nearest_zone(str(value))
    if close:
        return Fault(
            "E117", path, f'unknown time zone {show(value)}, did you mean "{close}"?', f'did you mean "{close}"?'
        )
    hint = 'write a name from the IANA list, such as "Europe/Berlin"'
    return Fault("E117", path, f"unknown time zone {show(value)}", hint)


def not_a_host(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    text = str(value)
    better = better_host(text)
    hint = f'write "{better}"' if better else 'write an address or a name, such as "192.168.1.31" or "plug.lan:80"'
    return Fault("E120", path, f"{show(text)} is not a host: {host_fault(text)}", hint)


def not_a_mac(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    return Fault(
        "E121", path, f"{show(value)} is not a MAC address", 'write six pairs of 0-9 and A-F: "48-22-54-AA-BB-CC"'
    )


def not_an_edge(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    hint = instead.edge(path, value)
    if isinstance(value, str):
        word = value.strip().lower()
        close = (
            ""
            if word.startswith(("sunrise", "sunset"))
            else did_you_mean(word.split("+")[0].split("-")[0], ["sunrise", "sunset"])
        )
        return Fault("E108", path, f"{show(value)} is neither a wall time nor an offset from the sun{close}", hint)
    return Fault("E108", path, f"{label(path)} must be a wall time, or text about the sun, not {noun(value)}", hint)


def edge_too_far(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    return Fault("E106", path, f"{show(value)} is more than 12 hours from the event", instead.smaller_unit(str(value)))


def fraction(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    assert isinstance(value, dt.time | dt.datetime)
    return Fault(
        "E108", path, f"{label(path)} is kept to the second", f"write {value.replace(microsecond=0).isoformat()}"
    )


def not_an_instant(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    if isinstance(value, str):
        message = f"{show(value)} is neither a time nor a duration after the beginning"
    else:
        message = f"{label(path)} must be a time, or a duration after the beginning, not {noun(value)}"
    return Fault("E108", path, message, instead.instant(f"{path[-1]} = ", value))


def not_an_end(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    if isinstance(value, str) and durations.guess(value):
        hint = f'for a length, write for = "{durations.guess(value)}"'
    else:
        hint = instead.instant(f"{path[-1]} = ", value)
    return Fault("E108", path, f"{label(path)} must be a time, with or without a date, not {noun(value)}", hint)


def notice_empty(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    return Fault("E109", path, f"{label(path)} is empty", 'write what to tell people: notify = "The washer is done"')


def notice_long(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    message = f"{label(path)} has {len(str(value))} characters, {MOST_NOTICE} at most"
    return Fault("E106", path, message, "people are told in a sentence")


def notice_lines(path: Path, value: object, context: Mapping[str, Any]) -> Fault:
    hint = "write it on one line, without tabs and the like"
    return Fault("E106", path, f"{label(path)} is one line of text", hint)
