"""Why a line is not TOML, and how to write it: tomllib knows where it stopped, not what was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tapo_automate.rules import durations
from tapo_automate.rules.problems import show
from tapo_automate.rules.spelling import clock_time, date_text

_WORD_END = " \t,]}#={["
_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PAIR = re.compile(rf"\s*{_KEY}(?:\s*\.\s*{_KEY})*\s*=")
_YES_NO = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
COMMENT_SIGNS = ("//", ";", "--", "/*", "*")  # of other languages
_QUOTES = "“”„‟«»‘’‚`´"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong with a line: where from 0, over how many characters, in words, and the way out."""

    start: int
    length: int
    message: str
    hint: str = ""


def is_statement(line: str) -> bool:
    """Whether a line looks like the beginning of a table or of a pair."""
    return bool(_PAIR.match(line)) or line.lstrip().startswith("[")


def diagnose(complaint: str, line: str, column: int) -> Diagnosis:
    """Return what is wrong in a line of which tomllib says `complaint` at `column`, counted from 0."""
    column = min(column, len(line))
    if match := re.search(r"[0-9_]{4300,}", line):
        return Diagnosis(match.start(), len(match[0]), "a number too long to be meant")
    if line.lstrip().startswith("[") and "=" not in line.split("]")[0] and "table" in complaint + line:
        return _header(line)
    if line.lstrip().startswith("[") and ("declaration" in complaint or not line.split("#")[0].rstrip().endswith("]")):
        return _header(line)
    for look in (_quote_missing, _curly_quotes, _inline_table, _decimal_comma, _no_equals_sign):
        found = look(complaint, line, column)
        if found:
            return found
    start, word = _word_at(line, column)
    found_word = _word(word, _key_before(line, start))
    if found_word and line[:start].rstrip().endswith(("=", ",", "[", "{")):
        return Diagnosis(start, len(word), *found_word)
    return _by_complaint(complaint, line, column, start, word)


def _header(line: str) -> Diagnosis:
    start = len(line) - len(line.lstrip())
    body = line.split("#")[0].strip()
    inner = body.strip("[]").strip()
    length = max(1, len(body))
    double = body.startswith("[[")
    if not body.endswith("]" * (2 if double else 1)):
        return Diagnosis(start, length, "a table name that is not closed", f"write [{inner}]")
    words = [word.strip() for word in inner.split(".")]
    if all(words) and not any(char in inner for char in "\"'[]"):
        quoted = ".".join(word if re.fullmatch(r"[A-Za-z0-9_-]+", word) else show(word) for word in words)
        if quoted != inner:
            return Diagnosis(start, length, "a name with spaces or signs must be quoted", f"write [{quoted}]")
    return Diagnosis(start, length, "this is not the name of a table", "write, say, [rules.porch-off]")


def _quote_missing(complaint: str, line: str, column: int) -> Diagnosis | None:
    if not ("Illegal character" in complaint or "Unterminated" in complaint or 'Expected "' in complaint):
        return None
    if "'\\n'" not in complaint and "Unterminated" not in complaint and "Expected" not in complaint:
        return Diagnosis(column, 1, "a control character, which TOML does not allow here", "delete it")
    quote = _open_quote(line)
    if quote is None:
        return None
    mark = line[quote]
    return Diagnosis(quote, len(line) - quote, "text that is not closed on its line", f"add the closing {mark}")


def _open_quote(line: str) -> int | None:
    """Return where the quote is that is still open at the end of the line."""
    opened: int | None = None
    skip = False
    for at, char in enumerate(line):
        if skip:
            skip = False
        elif opened is None:
            if char == "#":
                return None
            if char in "\"'":
                opened = at
        elif char == "\\" and line[opened] == '"':
            skip = True
        elif char == line[opened]:
            opened = None
    return opened


def _curly_quotes(complaint: str, line: str, column: int) -> Diagnosis | None:
    if line[column : column + 1] not in _QUOTES or column >= len(line):
        return None
    return Diagnosis(column, 1, f"{line[column]} is not a quote in TOML", 'write straight quotes: "…"')


def _inline_table(complaint: str, line: str, column: int) -> Diagnosis | None:
    before = line[:column].rstrip()
    if "{" not in before:
        return None
    rest = line[column:].strip()
    if before.endswith(",") and rest.startswith("}"):
        return Diagnosis(len(before) - 1, 1, "a comma before the closing }", "delete the comma")
    if (not rest or rest.startswith("#")) and before.count("{") > before.count("}"):
        hint = "write it on one line, or give it a [table] header of its own"
        at = before.rindex("{")
        return Diagnosis(at, len(before) - at, "a table in braces must end on its line", hint)
    if "Unclosed inline" in complaint and rest and not rest.startswith("}"):
        start, word = _word_at(line, column)
        if _PAIR.match(rest):
            return Diagnosis(start, max(1, len(word)), f"a comma is missing before {word}", f"write , {word}")
        if named := _word(word, _key_before(line, start)):
            return Diagnosis(start, len(word), *named)
    return None


def _decimal_comma(complaint: str, line: str, column: int) -> Diagnosis | None:
    match = re.match(rf"\s*({_KEY})\s*=\s*([+-]?[0-9]+),([0-9]+)\s*(#|$)", line)
    if not match:
        return None
    start = match.start(2)
    coordinate = match[1].lower().startswith(("lat", "lon", "lng"))
    hint = "write a point instead of the comma" if coordinate else f"write {match[2]}.{match[3]}"
    return Diagnosis(start, match.end(3) - start, "a number is written with a decimal point", hint)


def _no_equals_sign(complaint: str, line: str, column: int) -> Diagnosis | None:
    body = line.strip()
    start = len(line) - len(line.lstrip())
    if body.startswith(COMMENT_SIGNS):
        return Diagnosis(start, len(body), "a comment begins with #", "write # " + body.lstrip("/;-* "))
    if match := re.match(rf"(\s*){_KEY}\s*(:=?|==|=>|->)", line):
        return Diagnosis(match.start(2), len(match[2]), f"TOML writes = and not {match[2]}", "write =")
    match = re.search(rf"[{{,]\s*{_KEY}\s*(:)(?!\d)", line)
    if match and "=" in line and column <= match.end(1):
        return Diagnosis(match.start(1), 1, "TOML writes = and not :", "write =")
    if match := re.match(rf"\s*({_KEY})\s*=\s*({_KEY}\s*=[^#]*)", line):
        hint = f"write {match[1]} = {{ {match[2].strip()} }}"
        return Diagnosis(match.start(2), len(match[2].rstrip()), "a table stands in braces", hint)
    if match := re.match(r"\s*([A-Za-z][\w-]*(?:[ \t]+[\w-]+)+)\s*=", line):
        return Diagnosis(start, len(match[1]), "a key with spaces must be quoted", f"write {show(match[1])} =")
    if "=" not in line:
        word = body.split("#")[0].strip()
        return Diagnosis(start, max(1, len(word)), "neither a table nor key = value", "write # before a comment")
    return None


def _word(word: str, key: str) -> tuple[str, str] | None:
    """Return what is wrong with a bare value, and how to write it; None if that is not known."""
    lower = word.lower()
    if not word:
        return None
    if match := re.fullmatch(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(Z|[+-][0-9:]{2,5})", word):
        return "a wall time has no time zone: the site has one", f"write {match[1]}"
    if re.match(r"[0-9]{1,2}:[0-9]{2}", word):
        clock = clock_time(word)
        if clock is None:
            midnight = "; midnight is 00:00:00" if word.startswith("24") else ""
            return f"{word} is not a time", f"a day goes from 00:00:00 to 23:59:59{midnight}"
        if word.count(":") == 1:
            return "TOML writes a time with seconds", f"write {clock}"
        return "TOML writes a time with two digits each", f"write {clock}"
    if match := re.fullmatch(r"([0-9.-]{8,10})(?:[T ]([0-9:]{4,8})(.*))?", word):
        day, clock = date_text(match[1]), clock_time(match[2]) if match[2] else ""
        if day and clock:
            return "TOML writes a date and time in full", f"write {day}T{clock}{match[3] or ''}"
        if day and not match[2]:
            return "TOML writes a date from the year to the day", f"write {day}"
        if re.match("[0-9]{4}-[0-9]{2}-", word):
            return f"there is no such date: {word}", ""
    if lower in _YES_NO:
        return f"TOML writes {_YES_NO[lower]} in small letters and without quotes", f"write {_YES_NO[lower]}"
    if lower in ("null", "none", "nil", "undefined"):
        return "TOML has no empty value", "leave the key out"
    if re.match("[+-]?[0-9]", word) and (better := durations.guess(word)):
        return "a duration is written in quotes", f'write "{better}"'
    if match := re.fullmatch(r"([+-]?[0-9]+(?:\.[0-9]+)?)(%|[A-Za-z°]{1,7})", word):
        return f"a number is written without a unit: {word}", f"write {match[1]}"
    if match := re.fullmatch(r"([+-]?)0+([1-9][0-9]*|0)", word):
        return "a number is written without leading zeros", f"write {match[1]}{match[2]}"
    if re.fullmatch(r"[+-]?\.[0-9]+", word):
        return "a number has a digit before its point", f"write {word.replace('.', '0.')}"
    if re.fullmatch(r"[+-]?[0-9]+\.", word):
        return "a number has a digit after its point", f"write {word}0"
    if re.fullmatch(r"[\w.:/+@-]+", word):
        if key in ("latitude", "longitude"):
            return "a number is wanted here", ""
        return "text is written in quotes", f"write {show(word)}"
    return None


def _by_complaint(complaint: str, line: str, column: int, start: int, word: str) -> Diagnosis:
    length = max(1, len(word))
    if "Invalid value" in complaint:
        if not word:
            return Diagnosis(max(0, len(line.rstrip()) - 1), 1, "a value is missing after =", "")
        return Diagnosis(start, length, f"{word} is not a value", "")
    if "Unclosed array" in complaint:
        message = f"a comma is missing before {word}" if word else "a list that is not closed"
        return Diagnosis(start, length, message, "write a comma between two values" if word else "add the closing ]")
    if "Unclosed inline" in complaint:
        return Diagnosis(start, length, "a table in braces that is not closed", "add the closing }")
    if "Unescaped" in complaint or "escape" in complaint.lower() or "Hex" in complaint:
        at = max(0, line.rfind("\\", 0, column))
        return Diagnosis(at, 1, "a backslash in text must be doubled", "write \\\\, or use single quotes: '…'")
    if "after a statement" in complaint:
        if line[column : column + 1] == ";":
            return Diagnosis(column, 1, "a line does not end with a semicolon", "delete it")
        return Diagnosis(start, length, "something follows the value", "begin a new line, or write # before a comment")
    return Diagnosis(start, length, f"not TOML: {complaint[:1].lower()}{complaint[1:]}", "")


def _word_at(line: str, column: int) -> tuple[int, str]:
    """Return the bare word that contains a column, and where it begins."""
    start = min(column, len(line))
    while start > 0 and line[start - 1] not in _WORD_END:
        start -= 1
    end = max(start, min(column, len(line)))
    while end < len(line) and line[end] not in _WORD_END:
        end += 1
    # A date may be followed by a time.
    time = re.match(r" [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", line[end:])
    if time and re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", line[start:end]):
        end += time.end()
    if match := re.search(r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}) $", line[:start]):
        start = match.start(1)
    return start, line[start:end]


def _key_before(line: str, start: int) -> str:
    match = re.search(r"([A-Za-z0-9_-]+)\s*=\s*\[?\s*$", line[:start])
    return match[1] if match else ""
