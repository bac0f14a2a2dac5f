"""Reading TOML: the document, and every place where the text is none.

tomllib stops at the first mistake.  To find the others too, the statement that it stopped in is blanked and the rest
is read again; what was lost that way is kept in mind, so that nothing is called missing because of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from tapo_automate.rules.diagnosis import Diagnosis, diagnose, is_statement
from tapo_automate.rules.faults import Fault, Path, Place
from tapo_automate.rules.files import RuleFile
from tapo_automate.rules.positions import Positions
from tapo_automate.rules.words import kind_of

_MOST_FAULTS = 20
_MOST_LEVELS = 50  # the language has five
_MOST_READ = 8_000_000  # characters given to tomllib in search of further mistakes
_WHERE = re.compile(r"(.*?) \(at line ([0-9]+), column ([0-9]+)\)", re.DOTALL)
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot redefine", "Cannot mutate", "Duplicate", "Can't")


def read_toml(name: str, text: str) -> tuple[RuleFile, list[Fault]]:
    """Return the file as far as it can be read, and its faults of syntax, each with its place."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    original = text.split("\n")
    lines = list(original)
    faults: list[Fault] = []
    wounds: list[Path] = []
    read = 0
    while True:
        current = "\n".join(lines)
        try:
            document = tomllib.loads(current)
            if _is_too_deep(document):
                raise RecursionError
            break
        except RecursionError:
            document, lines = {}, [""] * len(original)
            faults.append(Fault("E100", (), "lists or tables lie too deep inside one another", place=Place(1, 1, 1)))
            wounds.append(())
            break
        except ValueError as error:
            fault, first, last = _fault(name, error, lines)
            faults.append(fault)
            wounds.append(_table_of(lines, first))
            read += len(current)
            if len(faults) == _MOST_FAULTS or read > _MOST_READ or not any(lines[first : last + 1]):
                document, lines = {}, [""] * len(original)
                wounds.append(())
                break
            lines[first : last + 1] = [""] * (last + 1 - first)
    blanked = "\n".join(lines) if faults else text
    return RuleFile(name, document, Positions(blanked), original, tuple(wounds)), faults


def _is_too_deep(document: dict[str, Any]) -> bool:
    """Whether tables and lists lie deeper in one another than whoever walks through them should have to go."""
    level: list[object] = [document]
    for _ in range(_MOST_LEVELS):
        level = [child for each in level for child in _children(each)]
    return bool(level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _fault(name: str, error: ValueError, lines: list[str]) -> tuple[Fault, int, int]:
    """Return the fault behind an error, and the first and last line, from 0, of what must go to read on."""
    complaint, row, column = _place_of(error, lines)
    if complaint.startswith(_TWICE):
        twice = _twice(name, lines, row)
        if twice:
            return twice
        key = len(lines[row]) - len(lines[row].lstrip())
        place = Place(row + 1, key + 1, max(1, len(lines[row].split("=")[0].strip())))
        fault = Fault("E110", (), "this is defined already, in another way", "keep one of them", place=place)
        start = _statement_start(lines, row)
        return fault, start, _statement_end(lines, start, row)
    first = _statement_start(lines, row)
    last = _statement_end(lines, first, row)
    if first < row and _is_new(lines[row]):
        found, shown = _unclosed(lines[first]), first
    else:
        found, shown = diagnose(complaint, lines[row], column), row
    place = Place(shown + 1, min(found.start, len(lines[shown])) + 1, max(1, found.length))
    return Fault("E100", _table_of(lines, first), found.message, found.hint, place=place), first, last


def _place_of(error: ValueError, lines: list[str]) -> tuple[str, int, int]:
    """Return the complaint, and row and column from 0; Python before 3.14 has them in the text only."""
    text = str(error)
    if match := _WHERE.match(text):
        row = min(int(match[2]), len(lines)) - 1
        column = int(match[3]) - 1
        # What ends too early is noticed at the line break, or on the line after it.
        if row > 0 and column == 0 and not lines[row].strip() and "Expected" in match[1]:
            return match[1], row - 1, len(lines[row - 1])
        return match[1], row, column
    row = len(lines) - 1
    while row > 0 and not lines[row].split("#")[0].strip():
        row -= 1
    if "(at end of document)" not in text:
        # A number too long to be read: tomllib passes the complaint of int() on, without a place.
        row = max(range(len(lines)), key=lambda at: len(lines[at]))
        return text, row, len(lines[row])
    return text.removesuffix(" (at end of document)"), row, len(lines[row])


def _twice(name: str, lines: list[str], row: int) -> tuple[Fault, int, int] | None:
    repeats = [found for found in Positions("\n".join(lines)).repeats() if found[2].line - 1 <= row]
    if not repeats:
        return None
    path, first, second = max(repeats, key=lambda found: found[2].line)
    at = second.line - 1
    message = f"{kind_of(path)} is written twice; first at {name}:{first.line}:{first.column}"
    fault = Fault("E110", path, message, "keep one of them", place=second)
    if lines[at].lstrip().startswith("["):
        return fault, at, _table_end(lines, at)
    start = _statement_start(lines, at)
    return fault, start, _statement_end(lines, start, max(at, start))


def _statement_start(lines: list[str], row: int) -> int:
    """Return the row where the statement that `row` belongs to begins: what stands before it is sound."""
    header = row
    while header > 0 and not lines[header - 1].lstrip().startswith("["):
        header -= 1
    header = max(0, header - 1, row - 400)
    for start in range(row, header, -1):
        try:
            tomllib.loads("\n".join(lines[header:start]))
        except (ValueError, RecursionError):
            continue
        return start
    return header if header < row and not lines[header].lstrip().startswith("[") else row


def _statement_end(lines: list[str], first: int, row: int) -> int:
    if first == row and _is_header(lines[row]):
        return _table_end(lines, row)
    last = max(first, row - 1 if first < row and _is_new(lines[row]) else row)
    braces = lines[first].count("{") - lines[first].count("}")
    if braces > 0:
        # A table in braces over several lines, which look like statements of their own.
        for end in range(first + 1, min(first + 40, len(lines))):
            braces += lines[end].count("{") - lines[end].count("}")
            if _is_header(lines[end]):
                break
            if braces <= 0:
                return max(last, end)
    while last + 1 < len(lines) and lines[last + 1].strip() and not _is_new(lines[last + 1]):
        last += 1
    return last


def _table_end(lines: list[str], row: int) -> int:
    last = row
    while last + 1 < len(lines) and not _is_header(lines[last + 1]):
        last += 1
    return last


def _is_new(line: str) -> bool:
    return is_statement(line) or line.lstrip().startswith("#")


def _is_header(line: str) -> bool:
    return line.lstrip().startswith("[")


def _unclosed(line: str) -> Diagnosis:
    for opening, what, closing in (
        ('"""', "text", '"""'),
        ("'''", "text", "'''"),
        ("[", "a list", "]"),
        ("{", "a table in braces", "}"),
    ):
        at = line.find(opening, line.find("=") + 1)
        if at >= 0:
            return Diagnosis(at, len(line.rstrip()) - at, f"{what} that is not closed", f"add the closing {closing}")
    return Diagnosis(0, len(line), "this is not finished", "")


def _table_of(lines: list[str], row: int) -> Path:
    """Return the path of the table that a row lies in; () for the whole file, or if the row is a header itself."""
    if _is_header(lines[row]):
        return ()
    for above in range(row - 1, -1, -1):
        if _is_header(lines[above]):
            try:
                return _only_path(tomllib.loads(lines[above]))
            except ValueError:
                continue
    return ()


def _only_path(document: Any) -> Path:
    path: Path = ()
    while isinstance(document, dict) and document:
        name, document = next(iter(document.items()))
        path += (name,)
    return path
