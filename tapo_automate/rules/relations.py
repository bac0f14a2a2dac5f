"""What values of one file demand of each other: keys that exclude, need or order one another.

Works on the text's own values, sound or not, so that it finds its mistakes beside those of the shapes; it says nothing
about a value of the wrong kind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from tapo_automate.rules import durations
from tapo_automate.rules.deeds import deeds
from tapo_automate.rules.faults import Fault, Path, listed
from tapo_automate.rules.keys import missing
from tapo_automate.rules.problems import show
from tapo_automate.rules.shapes import PLANNED_BY_CLOCK, SPREADABLE
from tapo_automate.rules.shapes_when import WhenTable
from tapo_automate.rules.trial_relations import trial_relations
from tapo_automate.rules.words import keys_of

TRIGGERS = tuple(keys_of(WhenTable))


def relations(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield every mistake that lies between two values of the file."""
    yield from _site(_table(document, "site"))
    for name, device in _tables(document, "devices"):
        yield from _device(("devices", name), device)
    for name, group in _table(document, "groups").items():
        yield from _twice(("groups", name), group)
    for name, rule in _tables(document, "rules"):
        yield from _rule(("rules", name), rule)
    tests = document.get("tests")
    for number, test in enumerate(tests if isinstance(tests, list) else ()):
        if isinstance(test, dict):
            yield from _twice(("tests", number, "rules"), test.get("rules"))
            yield from _twice(("tests", number, "devices"), test.get("devices"))
            yield from trial_relations(("tests", number), test)


def triggers_of(rule: Mapping[str, Any]) -> list[str]:
    """Return the kinds of trigger that a rule has, in the order written."""
    return [kind for kind in _table(rule, "when") if kind in TRIGGERS]


def _site(site: Mapping[str, Any]) -> Iterator[Fault]:
    given = [key for key in ("latitude", "longitude") if key in site]
    if len(given) == 1:
        other = "longitude" if given == ["latitude"] else "latitude"
        yield missing(("site", other), f" beside `{given[0]}`")


def _device(path: Path, device: Mapping[str, Any]) -> Iterator[Fault]:
    if "host" not in device and "mac" not in device and not {"ip", "address"} & set(device):
        hint = 'add host = "192.168.1.31", or mac = "48-22-54-AA-BB-CC"'
        yield Fault("E103", path, f'device "{path[-1]}" has neither `host` nor `mac`', hint)


def _rule(path: Path, rule: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _twice((*path, "devices"), rule.get("devices"))
    kinds = triggers_of(rule)
    if rule.get("when") == {}:
        yield missing((*path, "when"))
    for kind in kinds[1:]:
        message = f'rule "{path[-1]}" has more than one trigger: {listed([kinds[0], kind], "and")}'
        yield Fault("E115", (*path, "when", kind), message, "make one rule of each trigger", "key")
    for kind in kinds:
        table = _table(_table(rule, "when"), kind)
        yield from _twice((*path, "when", kind, "days"), table.get("days"))
        if kind == "power":
            yield from _power((*path, "when", kind), table)
    if len(kinds) == 1:
        yield from _beside_trigger(path, rule, kinds[0])
    yield from deeds(path, rule, kinds[0] if len(kinds) == 1 else None)
    if isinstance(rule.get("only_if"), dict):
        yield from _condition((*path, "only_if"), rule["only_if"])


def _beside_trigger(path: Path, rule: Mapping[str, Any], kind: str) -> Iterator[Fault]:
    for key in ("on_gap", "on_overlap"):
        if key in rule and kind not in PLANNED_BY_CLOCK:
            hint = "only a wall time can be skipped or happen twice; leave it out"
            yield Fault("E119", (*path, key), f"`{key}` means nothing beside `when.{kind}`", hint, "key")
    if "jitter" in rule and kind not in SPREADABLE:
        hint = "it would have nothing to delay; leave it out"
        yield Fault("E119", (*path, "jitter"), f"`jitter` means nothing beside `when.{kind}`", hint, "key")
    trigger = _table(_table(rule, "when"), kind)
    at = trigger.get("at")
    if kind == "date" and isinstance(at, dt.datetime) and at.tzinfo:
        for key in ("on_gap", "on_overlap"):
            if key in rule:
                hint = "a time with an offset exists exactly once; leave it out"
                yield Fault("E119", (*path, key), f"`{key}` means nothing beside a time with an offset", hint, "key")
    interval_s, jitter_s = _seconds(trigger.get("interval")), _seconds(rule.get("jitter"))
    if kind == "every" and interval_s and jitter_s and jitter_s >= interval_s:
        message = f"jitter {show(rule['jitter'])} is not shorter than the interval {show(trigger['interval'])}"
        yield Fault("E123", (*path, "jitter"), message, "firings would overtake each other")


def _power(path: Path, power: Mapping[str, Any]) -> Iterator[Fault]:
    below, above, rearm = (_number(power.get(key)) for key in ("below", "above", "rearm"))
    if "below" in power and "above" in power:
        hint = "make two rules of it; `rearm` is the other end of a hysteresis"
        yield Fault("E118", (*path, "above"), "`below` and `above` exclude each other", hint, "key")
    elif "below" not in power and "above" not in power:
        if not {"under", "less_than", "lower", "over", "greater_than", "upper"} & set(power):
            yield Fault("E103", path, "`when.power` has neither `below` nor `above`", "add, say, below = 5")
    elif rearm is not None and below is not None and rearm < below:
        message = f"rearm {rearm:g} is less than below {below:g}"
        yield Fault("E123", (*path, "rearm"), message, f"the load must rise again: at least rearm = {below:g}")
    elif rearm is not None and above is not None and rearm > above:
        message = f"rearm {rearm:g} is more than above {above:g}"
        yield Fault("E123", (*path, "rearm"), message, f"the load must fall again: at most rearm = {above:g}")


def _condition(path: Path, condition: Mapping[str, Any]) -> Iterator[Fault]:
    if not condition:
        yield Fault("E109", path, "`only_if` is empty", "write, say, only_if.between = [22:00:00, 06:00:00]")
    yield from _twice((*path, "days"), condition.get("days"))
    match condition.get("dates"):
        case [dt.date() as first, dt.date() as last] if _day(first) and _day(last) and last < first:
            hint = f"write dates = [{last}, {first}]"
            yield Fault("E123", (*path, "dates"), f"{last} lies before {first}", hint)
    for name, state in _tables(condition, "device"):
        below, above = _number(state.get("power_below")), _number(state.get("power_above"))
        if not state:
            hint = f"write, say, only_if.device.{name} = {{ on = true }}"
            yield Fault("E109", (*path, "device", name), f'the condition on "{name}" is empty', hint)
        if below is not None and above is not None and below <= above:
            message = f"no load is below {below:g} and above {above:g}"
            yield Fault("E123", (*path, "device", name, "power_below"), message)


def _twice(path: Path, words: object) -> Iterator[Fault]:
    if not isinstance(words, list):
        return
    for number, word in enumerate(words):
        if isinstance(word, str) and word in words[:number]:
            yield Fault("E110", (*path, number), f"{show(word)} stands here twice", "leave it out")


def _table(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _tables(parent: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in _table(parent, key).items():
        if isinstance(value, dict):
            yield name, value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 10**9:
        return None
    return float(value) if value == value else None


def _seconds(value: object) -> int | None:
    return durations.seconds(value) if isinstance(value, str) else None


def _day(value: dt.date) -> bool:
    return not isinstance(value, dt.datetime)
