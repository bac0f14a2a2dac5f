"""What is wrong with a key: unknown, misspelt, in the wrong table, or missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from tapo_automate.rules.faults import Fault, Path, listed, nearest
from tapo_automate.rules.problems import show
from tapo_automate.rules.shapes import FileTable
from tapo_automate.rules.words import (
    CREDENTIALS,
    CREDENTIALS_HINT,
    SYNONYMS,
    any_item,
    dotted,
    homes_of,
    keys_of,
    kind_of,
    table_at,
)


def unknown_key(path: Path) -> Fault:
    """Return the fault of a key that its table does not have."""
    key, table = str(path[-1]), path[:-1]
    shape = table_at(table)
    known = keys_of(shape) if shape else []
    message = f"unknown key {show(key)} in {kind_of(table)}"
    if (key.lower() in CREDENTIALS and path[0] in ("site", "devices")) or key.lower() in ("password", "passwd"):
        return Fault(
            "E125",
            path,
            f"credentials do not belong into a rule file: {show(key)}",
            CREDENTIALS_HINT,
            "key",
        )
    close = _close_key(key, known)
    if close:
        return Fault("E101", path, f'{message}, did you mean "{close}"?', f'did you mean "{close}"?', "key")
    if table and key in keys_of(FileTable):
        header = f"[{key}]" if key in ("site", "groups") else "[[tests]]" if key == "tests" else f"[{key}.NAME]"
        hint = f"a pair belongs to the table above it: give `{key}` a header of its own, {header}"
        return Fault("E101", path, message, hint, "key")
    if table[:1] == ("rules",) and len(table) >= 2:
        homes = [home for home in homes_of(key) if home != table[2:]]
        if homes:
            own = next((home for home in homes if home[:1] == table[2:3]), homes[0])
            where = f"`{dotted((*own, key))}`" if own else "the rule itself"
            return Fault("E101", path, message, f"`{key}` belongs into {where}", "key")
    return Fault("E101", path, message, f"{kind_of(table)} knows {listed(known, 'and')}" if known else "", "key")


def meant_keys(table: Mapping[str, Any], shape: type[BaseModel]) -> set[str]:
    """Return the keys of a table, misspelt ones as what they probably stand for."""
    known = keys_of(shape)
    return {key if key in known else _close_key(key, known) or key for key in table}


def _close_key(key: str, known: list[str]) -> str | None:
    for synonym in SYNONYMS.get(key.lower().replace("-", "_"), "").split():
        if synonym in known:
            return synonym
    if homes_of(key) or key in keys_of(FileTable):  # a key of the language, in the wrong table: not a spelling mistake
        return None
    return nearest(key.replace("-", "_"), known)


def _meant(fault: Fault) -> list[str]:
    """Return the keys of its table that an unknown key may stand for."""
    key, table = str(fault.path[-1]), fault.path[:-1]
    shape = table_at(table)
    close = _close_key(key, keys_of(shape)) if shape else None
    if close:
        return [close]
    inside = any_item(table[2:])
    return [str(home[len(inside)]) for home in homes_of(key) if home[: len(inside)] == inside and home != inside]


_EXAMPLES = {
    "timezone": 'timezone = "Europe/Berlin"',
    "driver": 'driver = "tapo-plug"',
    "devices": 'devices = ["porch"]',
    "set": "set = { on = true }",
    "interval": 'interval = "30m"',
    "after": 'after = "45m"',
    "device": 'device = "tv"',
    "turns": 'turns = "on"',
    "until": "until = 23:30:00",
    "latitude": "latitude = …",
    "longitude": "longitude = …",
}


def missing(path: Path, why: str = "") -> Fault:
    """Return the fault of a key that is not there; the path names the key."""
    table, key = path[:-1], str(path[-1])
    match path:
        case ("rules", str() as name, "when"):
            return Fault(
                "E114", path, f'rule "{name}" has no trigger', "write, say, when.time = { at = 23:30:00 }", "key"
            )
        case ("rules", _, "set"):
            example = "set = { on = true }, or steps, or notify"
        case ("tests", _, "from"):
            example = "from = 2026-11-02T16:00:00"
        case ("tests", _, "name"):
            example = 'name = "The porch light goes on at dusk"'
        case (*_, "date", "at"):
            example = "at = 2026-12-24T16:00:00"
        case (*_, "at"):
            example = "at = 23:30:00"
        case (*_, "countdown", "from"):
            example = 'from = "on"'
        case (*_, "from"):
            example = 'from = "sunset"'
        case _:
            example = _EXAMPLES.get(key, key)
    return Fault("E103", path, f"{kind_of(table)} has no `{key}`{why}", f"add {example}")


def one_each(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults without those that only follow from another: one mistake, one fault."""
    found = list(faults)
    meant = {(*fault.path[:-1], word) for fault in found if fault.code == "E101" for word in _meant(fault)}
    seen: set[tuple[Path, str]] = set()
    kept = []
    for fault in found:
        # A misspelt key, or one in the wrong table, is one mistake, though the right one is missing for it.
        if fault.code in ("E103", "E114") and fault.path in meant:
            continue
        if fault.place or (fault.path, fault.on) not in seen:
            seen.add((fault.path, fault.on))
            kept.append(fault)
    return kept
