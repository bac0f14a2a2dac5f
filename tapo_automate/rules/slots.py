"""The one countdown that a device holds, and who claims it: a fail-safe, and a countdown from = "apply"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tapo_automate.rules.build import members
from tapo_automate.rules.faults import Fault, Path
from tapo_automate.rules.files import RuleFile
from tapo_automate.rules.problems import show


def slot_faults(files: Sequence[RuleFile]) -> Iterator[tuple[RuleFile, Fault]]:
    """Yield a fault at each `failsafe` on a device whose countdown another rule starts.

    A rule that is switched off claims nothing.
    """
    groups = {name: _names(value) for file in files for name, value in file.tables("groups").items()}
    claimed: dict[str, tuple[RuleFile, str]] = {}
    for file, name, rule in _rules(files):
        match rule.get("when"):
            case {"countdown": {"from": "apply"}}:
                for device in _devices(rule, groups):
                    claimed.setdefault(device, (file, name))
    for file, name, rule in _rules(files):
        both = [device for device in _devices(rule, groups) if device in claimed] if "failsafe" in rule else []
        if both and claimed[both[0]][1] != name:
            home, other = claimed[both[0]]
            place = home.place(("rules", other), "key")
            message = (
                f"{show(both[0])} has one countdown, and rule {show(other)} ({home.name}:{place.line}:{place.column}) "
                'starts it from = "apply"'
            )
            path: Path = ("rules", name, "failsafe")
            yield file, Fault("E123", path, message, "leave one of them out, or take the device out of one rule", "key")


def _rules(files: Sequence[RuleFile]) -> Iterator[tuple[RuleFile, str, Mapping[str, Any]]]:
    for file in files:
        for name, rule in file.tables("rules").items():
            if isinstance(rule, dict) and rule.get("enabled") is not False:
                yield file, name, rule


def _devices(rule: Mapping[str, Any], groups: Mapping[str, list[str]]) -> list[str]:
    return [device for name in _names(rule.get("devices")) for device in members(name, groups)]


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
