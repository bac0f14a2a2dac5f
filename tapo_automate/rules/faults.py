"""A mistake before its place is known: named by the path of keys that leads to it.

`positions.py` knows where a path stands in the text; what finds mistakes need not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something begins, from 1, in characters; and how many characters of that line belong to it."""

    line: int
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake at `path`, in the file that the path is of.

    on: which of the two the caret points at.  place: given where the text is no TOML and so has no paths.
    """

    code: str
    path: Path
    message: str
    hint: str = ""
    on: Literal["key", "value"] = "value"
    place: Place | None = None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None.

    >>> nearest("tus", ["mon", "tue", "wed"]), nearest("Monday", ["mon", "tue"]), nearest("xyz", ["mon"])
    ('tue', 'mon', None)
    """
    by_lower = {name.lower(): name for name in known}
    lower = word.strip().lower()
    if lower in by_lower:
        return by_lower[lower]
    for name in by_lower:
        if len(name) >= 3 and lower.startswith(name) and len(lower) <= 3 * len(name):
            return by_lower[name]
    close = difflib.get_close_matches(lower[:100], by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ', did you mean "tue"?' or ""."""
    close = nearest(word, known)
    return f', did you mean "{close}"?' if close else ""


def listed(words: Iterable[str], last: str = "or") -> str:
    """Return the words in quotes as a sentence lists them.

    >>> listed(["a", "b", "c"])
    '"a", "b" or "c"'
    """
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"
