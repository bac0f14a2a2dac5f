"""What is different between two books, in words.

Two books that differ only in where things stand, in which file and line, are the same.  A book's `[[tests]]` are not
carried out and make no difference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from tapo_automate.device import DeviceSpec
from tapo_automate.rules.durations import spell
from tapo_automate.rules.meaning import condition_in_words, deed_in_words, in_words
from tapo_automate.rules.model import Rule, RuleBook, Site
from tapo_automate.rules.problems import show

Canonical: TypeAlias = dict[tuple[str, str], str]

_KINDS = ("site", "device", "group", "rule")
_MOVED = "the place on earth changed"
# What a line that is not there says.
_DEFAULTS = {
    "enabled": "true",
    "on_gap": "shift",
    "on_overlap": "first",
    "missed": "latest",
    "within": "15m",
    "executor": "auto",
    "mode": "restart",
    "override": "0s",
    "failsafe": "0s",
}


def canonical(book: RuleBook) -> Canonical:
    """Return each part of a book by kind and name, as lines `key: value` without files and line numbers.

    Kinds: "site" (its name is ""), "device", "group", "rule".  The texts hold hosts, but neither coordinates nor the
    values of options, of which there are short digests: enough to see a change, too short to find them by trying.
    """
    parts = {("site", ""): _site(book.site)}
    parts |= {("device", name): _device(spec) for name, spec in book.devices.items()}
    parts |= {("group", name): {"": ", ".join(members)} for name, members in book.groups.items()}
    parts |= {("rule", name): _rule(rule) for name, rule in book.rules.items()}
    return {part: "\n".join(f"{key}: {value}" for key, value in lines.items()) for part, lines in parts.items()}


def differences(old: RuleBook, new: RuleBook) -> tuple[str, ...]:
    """Return what is different in `new`, one each, in words: "rule off: every day at 23:30 -> every day at 23:45".

    Sorted: site, devices, groups, rules, each by name.  Empty where both books do the same.
    """
    same = {name for name, rule in new.rules.items() if name in old.rules and _same(rule, old.rules[name])}
    found = differences_of(*(canonical(_without(book, same)) for book in (old, new)))
    moved = (old.site.latitude_deg, old.site.longitude_deg) != (new.site.latitude_deg, new.site.longitude_deg)
    said = f"site: {_MOVED}"
    return (said, *found) if moved and said not in found else found  # digests so short may be equal by chance


def _same(one: Rule, other: Rule) -> bool:
    """Whether two rules are equal but for where they stand: most are, and to put 10,000 of them in words takes long."""
    return one == other or replace(one, source=other.source) == other


def _without(book: RuleBook, names: Collection[str]) -> RuleBook:
    return replace(book, rules={name: rule for name, rule in book.rules.items() if name not in names})


def differences_of(old: Mapping[tuple[str, str], str], new: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """Return what is different between two books of which only the canonical texts are known."""
    found: list[str] = []
    for kind, name in sorted(old.keys() | new.keys(), key=lambda part: (_KINDS.index(part[0]), part[1])):
        what = f"{kind} {name}".rstrip()
        if (kind, name) not in old:
            found.append(f"{what}: added")
        elif (kind, name) not in new:
            found.append(f"{what}: removed")
        else:
            found += [f"{what}: {change}" for change in _changes(_lines(old[kind, name]), _lines(new[kind, name]))]
    return tuple(found)


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        before, after = (lines.get(key, _DEFAULTS.get(key, "nothing")) for lines in (old, new))
        if before == after:
            continue
        if key == "place":
            yield _MOVED
        elif key.startswith("option "):
            yield f"{key} {'added' if key not in old else 'removed' if key not in new else 'changed'}"
        else:
            yield f"{key} {before} -> {after}".lstrip()


def _site(site: Site) -> dict[str, str]:
    lines = {"timezone": site.timezone.key}
    if site.latitude_deg is not None:
        lines["place"] = _digest(f"{site.latitude_deg!r} {site.longitude_deg!r}")
    return lines


def _device(spec: DeviceSpec) -> dict[str, str]:
    lines = {"driver": spec.driver, "host": spec.host, "mac": spec.mac}
    lines |= {f"option {show(name)}": _digest(value) for name, value in sorted(spec.options.items())}
    return {key: value for key, value in lines.items() if value}


def _rule(rule: Rule) -> dict[str, str]:
    lines = {
        "": in_words(rule),
        "devices": ", ".join(rule.device_ids),
        "does": deed_in_words(rule),
        "only_if": condition_in_words(rule.only_if) if rule.only_if else "",
        "enabled": "true" if rule.enabled else "false",
        "on_gap": rule.on_gap,
        "on_overlap": rule.on_overlap,
        "missed": rule.missed,
        "within": spell(rule.within_s),
        "executor": rule.executor,
        "mode": rule.mode,
        "override": spell(rule.override_s),
        "failsafe": spell(rule.failsafe_s),
    }
    return {key: value for key, value in lines.items() if value not in ("", _DEFAULTS.get(key))}


def _lines(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.split("\n"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:4]
