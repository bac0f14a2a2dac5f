"""What values of one `[[tests]]` table demand of each other, and of time.

Part of `relations.py` and `references.py`: works on the text's own values, sound or not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate.rules import durations, instead
from tapo_automate.rules.deeds import setting
from tapo_automate.rules.faults import Fault, Path
from tapo_automate.rules.keys import meant_keys, missing
from tapo_automate.rules.problems import show
from tapo_automate.rules.shapes_trial import MOST_WATTS, ExpectTable, RuleTestTable, is_offset
from tapo_automate.rules.trial_times import beginning, ending, instant
from tapo_automate.rules.trials import MOST_DAYS
from tapo_automate.rules.values import DAY_S
from tapo_automate.rules.words import noun

_YEARS = range(1900, 2201)  # time zones are guesswork beyond
_KINDS = ("set", "notify", "withheld")


def trial_relations(path: Path, test: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the mistakes between the keys of one test."""
    written = meant_keys(test, RuleTestTable)
    if "for" in test and "until" in test:
        yield Fault("E118", (*path, "until"), "`for` and `until` exclude each other", "leave one of them out", "key")
    elif not {"for", "until"} & written:
        yield Fault("E103", path, "this test has neither `for` nor `until`", 'add, say, for = "2h"')
    if not {"expect", "end"} & written:
        hint = "write what is to happen, or expect = [] for nothing at all"
        yield Fault("E103", path, "this test has neither `expect` nor `end`", hint)
    for key in ("start", "end"):
        for name, shown in _tables(test.get(key)):
            yield from _shown((*path, key, name), key, shown)
    for name, load in test["power"].items() if isinstance(test.get("power"), dict) else ():
        yield from _load((*path, "power", name), load)
    for number, event in _items(test.get("events")):
        if isinstance(event.get("set"), dict):
            yield from setting((*path, "events", number, "set"), event["set"])
    for number, expected in _items(test.get("expect")):
        yield from _expected((*path, "expect", number), expected)


def trial_times(path: Path, test: Mapping[str, Any], zone: ZoneInfo) -> Iterator[Fault]:
    """Yield the instants of one test that lie outside it or not in order; nothing where its span is not known."""
    moment = test.get("from")
    if not isinstance(moment, dt.datetime):
        return
    if moment.year not in _YEARS:
        yield Fault("E106", (*path, "from"), f"the year must be from {_YEARS[0]} to {_YEARS[-1]}")
        return
    begin = beginning(moment, zone)
    end = _end_of(test, begin, zone)
    if end is None:
        return
    if end <= begin:
        hint = "a test over midnight needs the date: until = 2026-11-03T06:00:00"
        yield Fault("E123", (*path, "until"), f"the test ends before it begins, at {_local(begin, zone)}", hint)
        return
    if end - begin > dt.timedelta(days=MOST_DAYS):
        yield Fault("E106", (*path, "until"), f"the test is longer than {MOST_DAYS} days")
        return
    for where, value in _instants(test):
        at = _known(value, begin, zone)
        if at is not None and not begin <= at <= end:
            hint = f"it runs from {_local(begin, zone)} to {_local(end, zone)}"
            yield Fault("E106", (*path, *where), f"{_shown_time(value)} lies outside the test", hint)
    for name, load in test["power"].items() if isinstance(test.get("power"), dict) else ():
        yield from _order((*path, "power", name), load, begin, zone)


def _end_of(test: Mapping[str, Any], begin: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    match test.get("for"), test.get("until"):
        case str() as length, None if is_offset(length):
            length_s = durations.seconds(length) or 0
            return begin + dt.timedelta(seconds=length_s) if 0 < length_s <= MOST_DAYS * DAY_S else None
        case None, dt.datetime() as until if until.year in _YEARS:
            return ending(until, begin, zone)
        case None, dt.time() as until:
            return ending(until, begin, zone)
    return None


def _shown(path: Path, key: str, shown: Mapping[str, Any]) -> Iterator[Fault]:
    if not shown:
        yield Fault("E109", path, f"`{key}.{path[-1]}` is empty", f"write, say, {key}.{path[-1]} = {{ on = true }}")
    for other in ("hue", "saturation"):
        if "color_temp" in shown and other in shown:
            hint = "a lamp shows white or a colour; leave one of them out"
            yield Fault("E118", (*path, other), f"`{other}` and `color_temp` exclude each other", hint, "key")


def _expected(path: Path, expected: Mapping[str, Any]) -> Iterator[Fault]:
    kinds = [key for key in expected if key in _KINDS]
    if not set(_KINDS) & meant_keys(expected, ExpectTable):
        hint = "add set = { on = true }, or notify, or withheld"
        yield Fault("E103", path, "this does not say what is expected", hint)
    for key in kinds[1:]:
        hint = "expect one after the other, in braces of its own"
        yield Fault("E118", (*path, key), f"`{key}` and `{kinds[0]}` exclude each other", hint, "key")
    if len(kinds) != 1:
        return
    if kinds == ["set"]:
        if "device" not in meant_keys(expected, ExpectTable):
            yield missing((*path, "device"))
        if isinstance(expected["set"], dict):
            yield from setting((*path, "set"), expected["set"])
            if expected["set"].get("toggle") is True:
                hint = "say what it comes to: set = { on = true }"
                yield Fault("E119", (*path, "set", "toggle"), "`toggle` means nothing in what is expected", hint, "key")
    if kinds == ["notify"] and "device" in expected:
        hint = "people are told once, for all devices; leave it out"
        yield Fault("E119", (*path, "device"), "`device` means nothing beside `notify`", hint, "key")
    if kinds == ["withheld"] and "rule" in expected:
        hint = "`withheld` names the rule; leave it out"
        yield Fault("E119", (*path, "rule"), "`rule` means nothing beside `withheld`", hint, "key")


def _load(path: Path, load: object) -> Iterator[Fault]:
    example = f'write power.{path[-1]} = 400, or [["0s", 400], ["40m", 3]]'
    what = f"`power.{path[-1]}`"
    if not isinstance(load, list):
        yield from _watts(path, load, f"{what} must be a number of watts or a list of points", example)
        return
    if not load:
        yield Fault("E109", path, f"{what} is empty", example)
    for number, point in enumerate(load):
        if not isinstance(point, list) or len(point) != 2:
            said = noun(point) if not isinstance(point, list) else f"{len(point)} of them"
            message = f"each point of {what} is a time and a number of watts, not {said}"
            yield Fault("E104", (*path, number), message, 'write, say, ["40m", 3]')
            continue
        at, power_w = point
        if not isinstance(at, dt.time | dt.datetime) and not (isinstance(at, str) and is_offset(at)):
            message = f"the time of a point is a time, or a duration after the beginning, not {show(at)}"
            yield Fault("E108", (*path, number, 0), message, instead.instant("", at))
        yield from _watts((*path, number, 1), power_w, "the load at a point must be a number of watts", "")


def _watts(path: Path, value: object, message: str, hint: str) -> Iterator[Fault]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Fault("E104", path, f"{message}, not {noun(value)}", hint)
    elif not 0 <= value <= MOST_WATTS:
        yield Fault("E106", path, f"a load of {show(value)} W is outside its limits: 0 to {MOST_WATTS} watts")


def _order(path: Path, load: object, begin: dt.datetime, zone: ZoneInfo) -> Iterator[Fault]:
    last: tuple[dt.datetime, object] | None = None
    for number, point in enumerate(load if isinstance(load, list) else ()):
        value = point[0] if isinstance(point, list) and len(point) == 2 else None
        at = _known(value, begin, zone)
        if at is None:
            continue
        if last is not None and at <= last[0]:
            message = f"the point at {_shown_time(value)} does not come after the one at {_shown_time(last[1])}"
            yield Fault("E123", (*path, number, 0), message, "points go forward in time")
            return
        last = at, value


def _instants(test: Mapping[str, Any]) -> Iterator[tuple[Path, object]]:
    """Yield every instant of a test with its path, sound or not."""
    for key in ("events", "expect"):
        for number, item in _items(test.get(key)):
            yield (key, number, "at"), item.get("at")
    power = test.get("power")
    for name, load in power.items() if isinstance(power, dict) else ():
        for number, point in enumerate(load if isinstance(load, list) else ()):
            if isinstance(point, list) and len(point) == 2:
                yield ("power", name, number, 0), point[0]


def _known(value: object, begin: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """Return the instant of a value of a test; None where it is not sound."""
    match value:
        case str() if is_offset(value):
            # A length that no date can hold is too long all the same.
            return begin + dt.timedelta(seconds=min(durations.seconds(value) or 0, 2 * MOST_DAYS * DAY_S))
        case dt.datetime() if value.year not in _YEARS:
            return begin + dt.timedelta(days=2 * MOST_DAYS if value.year > begin.year else -1)
        case dt.datetime():
            return instant(value, begin, zone)
        case dt.time():
            return instant(value, begin, zone)
    return None


def _shown_time(value: object) -> str:
    return show(value) if isinstance(value, str) else str(value)


def _local(at: dt.datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _tables(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, table in value.items() if isinstance(value, dict) else ():
        if isinstance(table, dict):
            yield name, table


def _items(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, table in enumerate(value if isinstance(value, list) else ()):
        if isinstance(table, dict):
            yield number, table
