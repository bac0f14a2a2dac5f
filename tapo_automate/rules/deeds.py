"""What the keys that say what a rule does demand of each other: `set`, `steps`, `mode`, `override`,
`failsafe`, `notify`.

Part of `relations.py`: it works on the text's own values too, sound or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapo_automate.rules import durations
from tapo_automate.rules.faults import Fault, Path
from tapo_automate.rules.keys import meant_keys, missing
from tapo_automate.rules.shapes import OVERRIDABLE, RuleTable
from tapo_automate.rules.values import DAY_S

DEEDS = ("set", "steps", "notify")
LONGEST_STEPS_S = 7 * DAY_S
_COLOURS = ("brightness", "color_temp", "hue", "saturation")


def deeds(path: Path, rule: Mapping[str, Any], kind: str | None) -> Iterator[Fault]:
    """Yield the mistakes of one rule.  kind: of its trigger, or None if it has not exactly one."""
    if isinstance(rule.get("set"), dict):
        yield from setting((*path, "set"), rule["set"])
    if "set" in rule and "steps" in rule:
        hint = "make the `set` the first step, or leave one of them out"
        yield Fault("E118", (*path, "steps"), "`set` and `steps` exclude each other", hint, "key")
    if isinstance(rule.get("steps"), list):
        yield from _steps((*path, "steps"), rule["steps"])
    written = meant_keys(rule, RuleTable)
    if "mode" in rule and "steps" not in written:
        hint = "it says what becomes of steps under way; leave it out"
        yield Fault("E119", (*path, "mode"), "`mode` means nothing without `steps`", hint, "key")
    yield from _failsafe(path, rule, kind)
    if kind == "away":
        for key in DEEDS:
            if key in rule:
                hint = f"leave `{key}` out: the rule switches on and off at random by itself"
                yield Fault("E119", (*path, key), f"`{key}` means nothing beside `when.away`", hint, "key")
    elif kind is not None:
        if not written & set(DEEDS):
            yield missing((*path, "set"))
        yield from _override(path, rule, kind, "notify" in written and not written & {"set", "steps"})


def setting(path: Path, table: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the mistakes between the keys of one `set`."""
    if not table:
        yield Fault("E109", path, "`set` is empty", "write, say, set = { on = true }")
    if table.get("toggle") is True:
        for key in table:
            if key in (*_COLOURS, "on", "transition"):
                hint = "`toggle` stands alone"
                yield Fault("E118", (*path, key), f"`{key}` and `toggle` exclude each other", hint, "key")
        return
    if list(table) == ["transition"]:
        yield Fault("E109", path, "`set` has a transition and nothing to change", "add, say, brightness = 40")
    if table.get("on") is False:
        for key in _COLOURS:
            if key in table:
                hint = f"leave `{key}` out, or write on = true"
                yield Fault("E118", (*path, key), f"`{key}` and `on = false` exclude each other", hint, "key")
        return
    if "color_temp" in table:
        for key in ("hue", "saturation"):
            if key in table:
                hint = "a lamp shows white or a colour; leave one of them out"
                yield Fault("E118", (*path, key), f"`{key}` and `color_temp` exclude each other", hint, "key")


def _override(path: Path, rule: Mapping[str, Any], kind: str, only_notifies: bool) -> Iterator[Fault]:
    if "override" not in rule:
        return
    if kind not in OVERRIDABLE:
        hint = "somebody who turns the device on is what starts it; leave it out"
        yield Fault("E119", (*path, "override"), f"`override` means nothing beside `when.{kind}`", hint, "key")
    elif only_notifies:
        hint = "a rule that only tells people changes no device; leave it out"
        yield Fault("E119", (*path, "override"), "`override` means nothing without `set` or `steps`", hint, "key")


def _failsafe(path: Path, rule: Mapping[str, Any], kind: str | None) -> Iterator[Fault]:
    if "failsafe" not in rule:
        return
    at = (*path, "failsafe")
    if kind == "away":
        hint = "at its end the device is as it was before, which may be on; leave it out"
        yield Fault("E119", at, "`failsafe` means nothing beside `when.away`", hint, "key")
        return
    if rule.get("executor") == "device":
        hint = 'it is the daemon that starts and renews the countdown; write executor = "daemon"'
        yield Fault("E118", at, '`failsafe` and executor = "device" exclude each other', hint, "key")
    match rule.get("when"):
        case {"countdown": {"from": "apply"}}:
            hint = "both want the one countdown that a device holds; leave it out"
            yield Fault("E119", at, '`failsafe` means nothing beside a countdown from = "apply"', hint, "key")
            return
    steps = rule.get("steps")
    tables = [rule.get("set"), *(step.get("set") for step in _dicts(steps))]
    told = [table for table in tables if isinstance(table, dict)]
    if any(table.get("toggle") is True for table in told):
        hint = "nobody knows beforehand whether a toggle turns on; write on = true, or leave `failsafe` out"
        yield Fault("E118", at, "`failsafe` and `toggle` exclude each other", hint, "key")
    elif (told or not {"set", "steps"} & set(rule)) and not any(table.get("on") is True for table in told):
        hint = "write set = { on = true }, or leave it out"
        yield Fault("E119", at, "`failsafe` means nothing in a rule that turns nothing on", hint, "key")


def _dicts(items: object) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _steps(path: Path, steps: list[Any]) -> Iterator[Fault]:
    total_s = 0
    last: tuple[int, Any] | None = None  # when the step before set something, and what
    for number, step in enumerate(steps):
        if not isinstance(step, dict):
            continue
        if not step:
            hint = 'write, say, { wait = "10m", set = { on = false } }'
            yield Fault("E109", (*path, number), "a step is empty", hint)
        if isinstance(step.get("set"), dict):
            yield from setting((*path, number, "set"), step["set"])
        before_s, total_s = total_s, total_s + _wait_s(step)
        if before_s <= LONGEST_STEPS_S < total_s:
            said = f"the steps last {durations.spell(total_s)} up to here, 168h (7 days) at most"
            yield Fault("E106", (*path, number, "wait"), said)
        if isinstance(step.get("set"), dict):
            if last is not None and last[0] == total_s and any("toggle" in each for each in (last[1], step["set"])):
                message = "a toggle and another setting at one instant"
                yield Fault("E123", (*path, number, "set"), message, "give the second of them a `wait`")
            last = total_s, step["set"]
    only_waits = [isinstance(step, dict) and list(step) == ["wait"] for step in steps]
    if steps and all(only_waits):
        yield Fault("E109", path, "`steps` sets nothing", "add a `set` to a step: { set = { on = true } }")
    elif steps and only_waits[-1]:
        message = "`wait` means nothing in the last step, where nothing follows it"
        hint = "add a `set` to this step, or leave it out"
        yield Fault("E119", (*path, len(steps) - 1, "wait"), message, hint, "key")


def _wait_s(step: Mapping[str, Any]) -> int:
    """Return how long a step waits; 0 where that cannot be known, or is too long by itself."""
    wait = step.get("wait")
    wait_s = durations.seconds(wait) if isinstance(wait, str) else None
    return wait_s if wait_s is not None and 0 <= wait_s <= DAY_S else 0
