"""What is wrong in a rule file, where, and how to write it instead; and how that is shown.

A code, once given, keeps its meaning.  `CODES` is the only list of them.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

CODES = {
    "E100": "the text is not TOML at this place",
    "E101": "a key that the language does not have",
    "E102": "a word that is not a weekday",
    "E103": "a key that must be given is missing",
    "E104": "a value of the wrong kind: text where a number belongs, a word where a table belongs",
    "E105": "a word other than those allowed here",
    "E106": "a value outside its limits",
    "E107": "text that is not a duration",
    "E108": "a date or a time that is not written as TOML writes it, or not as precisely as needed",
    "E109": "an empty list, table or text",
    "E110": "a name or a key that is written twice",
    "E111": "a device, a group or a rule that no file defines",
    "E112": "a driver that is not installed",
    "E113": "a group that contains itself",
    "E114": "a rule without a trigger",
    "E115": "a rule with more than one trigger",
    "E116": "a sun trigger in a site without latitude and longitude",
    "E117": "a time zone that is not in the IANA list",
    "E118": "keys that exclude each other",
    "E119": "a key that means nothing beside the others",
    "E120": "text that is not the address or name of a host",
    "E121": "text that is not a MAC address",
    "E122": "a name that cannot be used",
    "E123": "two values that cannot both be meant",
    "E124": "a version of the language that this program does not know",
    "E125": "credentials in a rule file",
    # W201 to W205 were said of what is carried out now.
    "W206": "no rule in any of the files",
    "W207": "a sun event that does not happen on some days of the year",
    "W208": "two tables for one device, by its address or its MAC",
}

_MOST_SHOWN = 160  # characters of a source line


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, at the value or key that has to change.

    line, column: from 1, in characters; length: how many characters from there belong to it, on this line.
    hint: how to write it instead, or "".  source_line: the whole line as it stands in the file.
    """

    code: str
    severity: Severity
    message: str
    file: str
    line: int
    column: int
    hint: str = ""
    source_line: str = ""
    length: int = 1


def as_text(problem: Problem) -> str:
    """Return the problem as a person reads it: place, message, code; the source line with a caret; the hint."""
    mark = "warning: " if problem.severity == "warning" else ""
    lines = [f"{_place(problem)}: {mark}{_harmless(problem.message)} [{problem.code}]"]
    if problem.source_line.strip():
        source, column, length = _cropped(problem)
        before = source[: column - 1]
        under = source[column - 1 : column - 1 + length]
        lines += ["    " + _harmless(source), "    " + _blank(before) + "^" * max(1, _width(under))]
    if problem.hint and problem.hint not in problem.message:
        lines.append(f"    hint: {_harmless(problem.hint)}")
    return "\n".join(lines)


def report(problems: Sequence[Problem]) -> str:
    """Return all problems as text, one after the other."""
    return "\n".join(as_text(problem) for problem in problems)


def as_json(problem: Problem) -> dict[str, Any]:
    """Return what `check --format json` prints for it; "hint" is None where there is none."""
    return {
        "code": problem.code,
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "hint": problem.hint or None,
    }


def as_github(problem: Problem) -> str:
    """Return the workflow command that shows the problem beside the line in a review."""
    text = problem.message
    if problem.hint and problem.hint not in text:
        text += f"\nhint: {problem.hint}"
    properties = {
        "file": problem.file,
        "line": str(problem.line),
        "col": str(problem.column),
        "endColumn": str(problem.column + problem.length),
        "title": problem.code,
    }
    return annotation(problem.severity, properties, text)


def annotation(severity: Severity, properties: Mapping[str, str], text: str) -> str:
    """Return a workflow command; properties: file, line and whatever else it takes, not escaped yet.

    Source: docs.github.com, "Workflow commands for GitHub Actions", and `escapeProperty` of actions/toolkit.
    """
    listed = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
    return f"::{severity} {listed}::{_escape_data(text)}"


def show(value: object) -> str:
    """Return a value as TOML writes it, in one short line that is safe to print.

    >>> show("tus"), show(True), show([1, "a"])
    ('"tus"', 'true', '[1, "a"]')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = json.dumps(value, ensure_ascii=False)
        case dict():
            text = "{ " + ", ".join(f"{key} = {show(item)}" for key, item in value.items()) + " }" if value else "{}"
        case list():
            text = "[" + ", ".join(show(item) for item in value) + "]"
        case int() if abs(value) >= 10**30:  # long enough, it cannot even be turned into text
            return "this number"
        case _:
            text = str(value)
    text = _harmless(text)
    return text if len(text) <= 60 else text[:57] + "…"


def _place(problem: Problem) -> str:
    return f"{_harmless(problem.file)}:{problem.line}:{problem.column}"


def _cropped(problem: Problem) -> tuple[str, int, int]:
    source, column = problem.source_line, min(problem.column, len(problem.source_line) + 1)
    length = max(1, min(problem.length, len(source) - column + 1))
    if len(source) <= _MOST_SHOWN:
        return source, column, length
    start = max(0, column - _MOST_SHOWN // 2)
    shown = source[start : start + _MOST_SHOWN]
    head, tail = "…" if start else "", "…" if start + _MOST_SHOWN < len(source) else ""
    column = column - start + len(head)
    return head + shown + tail, column, min(length, len(head + shown) - column + 1)


def _harmless(text: str) -> str:
    """Return the text without anything that would steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\t" else "�" for char in text)


def _blank(text: str) -> str:
    """Return white space exactly as wide as the text: tabs stay tabs, wide characters count twice."""
    return "".join(char if char == "\t" else " " * _width(char) for char in text)


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
