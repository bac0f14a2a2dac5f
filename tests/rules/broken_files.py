"""Broken rule files, each named for its fault: all of them, for whoever wants to see what becomes of one.

In the modules that they come from, ‹ and › stand around what the caret has to be under.
"""

from __future__ import annotations

from dataclasses import dataclass

from rules import broken_deeds, broken_relations, broken_toml, broken_trials, broken_values

MODULES = (broken_toml, broken_values, broken_relations, broken_deeds, broken_trials)


@dataclass(frozen=True, slots=True)
class Broken:
    """A file with one fault, and what `check` says about it.

    text: the file.  line, column: of the fault, from 1; length: of what the caret is under, 0 where that is left open.
    """

    code: str
    text: str
    line: int
    column: int
    length: int
    message: str
    hint: str


def _unmarked(code: str, marked: str, message: str, hint: str) -> Broken:
    start, end = marked.index("‹"), marked.index("›")
    line = marked.count("\n", 0, start) + 1
    column = start - (marked.rfind("\n", 0, start) + 1) + 1
    return Broken(code, marked.replace("‹", "").replace("›", ""), line, column, end - start - 1, message, hint)


CASES: dict[str, Broken] = {name: _unmarked(*fault) for module in MODULES for name, fault in module.FAULTS.items()}
