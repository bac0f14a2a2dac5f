"""Warnings: what a file says that this version does not do, each at the key that says it.

`support.py` says of the rules which those are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapo_automate.rules.faults import Fault, Path

_NOTHING = "this rule does nothing until a later version"


def not_yet(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a warning for each key that is understood but not carried out.

    A rule with `enabled = false` does nothing anyway and is passed over.
    """
    for name, device in _tables(document, "devices"):
        if "mac" in device and "host" not in device:
            message = f'device "{name}" has only a `mac`, which is not searched for yet: its rules come due and fail'
            yield Fault("W205", ("devices", name, "mac"), message, 'give it a host: host = "192.168.1.31"', "key")
    for name, rule in _tables(document, "rules"):
        if rule.get("enabled") is not False:
            yield from _rule(("rules", name), rule)


def _rule(path: Path, rule: Mapping[str, Any]) -> Iterator[Fault]:
    match rule.get("when"):
        case {"countdown": {"from": "apply"}}:
            message = f"a countdown in the device's own table is not started yet: {_NOTHING}"
            hint = 'from = "on" is carried out'
            yield Fault("W201", (*path, "when", "countdown", "from"), message, hint)
    if rule.get("executor") == "device":
        message = f"the device's own tables are not written yet: {_NOTHING}"
        yield Fault("W204", (*path, "executor"), message, 'executor = "daemon" is carried out')


def _tables(document: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    tables = document.get(key)
    for name, value in tables.items() if isinstance(tables, dict) else ():
        if isinstance(value, dict):
            yield name, value
