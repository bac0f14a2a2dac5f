"""Where keys and values stand, in every way that TOML lets one write them."""

from __future__ import annotations

import pytest

from tapo_automate.rules.faults import Path
from tapo_automate.rules.positions import Positions

# ‹ › around what the path's value is; « » around its key.
VALUES: dict[str, tuple[str, Path]] = {
    "a pair at the top": ("schema = ‹1›\n", ("schema",)),
    "a pair under a header": ('[site]\ntimezone = ‹"UTC"›\n', ("site", "timezone")),
    "a dotted key": ("[rules.r]\nwhen.time.at = ‹23:30:00›\n", ("rules", "r", "when", "time", "at")),
    "a dotted key with spaces": ("a . b = ‹1›\n", ("a", "b")),
    "a quoted key": ('[rules."a.b"]\n"on gap" = ‹1›\n', ("rules", "a.b", "on gap")),
    "a key in single quotes": ("'a \"b\"' = ‹1›\n", ('a "b"',)),
    "a key with an escape": ('"\\u0061b" = ‹1›\n', ("ab",)),
    "a table in braces": ("when.time = ‹{ at = 23:30:00 }›\n", ("when", "time")),
    "a value in braces": ("when = { time = { at = ‹23:30:00›, days = [] } }\n", ("when", "time", "at")),
    "a dotted key in braces": ("when = { time.at = ‹23:30:00› }\n", ("when", "time", "at")),
    "an item of a list": ('days = ["mon", ‹"tus"›]\n', ("days", 1)),
    "an item of a list over lines": ('days = [\n  "mon", # first\n  # none\n\n  ‹"tus"›,\n]\n', ("days", 1)),
    "an item of a list in a list": ("a = [[1], [2, ‹3›]]\n", ("a", 1, 1)),
    "a value in braces in a list": ("a = [{ b = 1 }, { b = ‹2› }]\n", ("a", 1, "b")),
    "the second of several tables": ("[[a]]\nb = 1\n[[a]]\nb = ‹2›\n", ("a", 1, "b")),
    "a table below one of several": ("[[a]]\n[a.c]\nb = 1\n[[a]]\n[a.c]\nb = ‹2›\n", ("a", 1, "c", "b")),
    "behind letters of other lands": ('a = { "größe" = "日本", b = ‹2› }\n', ("a", "b")),
    "behind a smile": ('a = { c = "😀", b = ‹2› }\n', ("a", "b")),
    "behind a tab": ("\ta\t=\t‹2›\n", ("a",)),
    "a date": ("at = ‹2026-12-24T16:00:00+01:00›\n", ("at",)),
    "a date with a space": ("at = ‹2026-12-24 16:00:00›\n", ("at",)),
    "a text over lines": ('a = ‹"""x›\ny"""\n', ("a",)),
    "after a text with a header in it": ('a = """\n[b]\nc = 1\n"""\n[b]\nc = ‹2›\n', ("b", "c")),
    "a number below nothing": ("a = ‹-5.5›\n", ("a",)),
    "the last line without a break": ("a = ‹1›", ("a",)),
}
KEYS: dict[str, tuple[str, Path]] = {
    "a header": ("[«site»]\n", ("site",)),
    "a word of a header": ("[rules.«r».when]\n", ("rules", "r")),
    "a header that comes after a table of its own": ("[a.b.c]\n[a.«b»]\n", ("a", "b")),
    "a word of a dotted key": ("[rules.r]\nwhen.«sunset».offset = 1\n", ("rules", "r", "when", "sunset")),
    "a key in braces": ("a = { «b» = 1 }\n", ("a", "b")),
    "a quoted key": ('[rules]\n«"a b"» = 1\n', ("rules", "a b")),
    "an indented key": ("  «a» = 1\n", ("a",)),
    "one of several tables": ("[[a]]\n[[«a»]]\n", ("a", 1)),
}


def taken_apart(marked: str, opening: str, closing: str) -> tuple[str, int, int, int]:
    start, end = marked.index(opening), marked.index(closing)
    line = marked.count("\n", 0, start) + 1
    column = start - marked.rfind("\n", 0, start)
    return marked.replace(opening, "").replace(closing, ""), line, column, end - start - 1


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_found(name: str) -> None:
    marked, path = VALUES[name]
    text, *place = taken_apart(marked, "‹", "›")
    found = Positions(text).value(path)
    assert found
    assert [found.line, found.column, found.length] == place


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_found(name: str) -> None:
    marked, path = KEYS[name]
    text, *place = taken_apart(marked, "«", "»")
    found = Positions(text).key(path)
    assert found
    assert [found.line, found.column, found.length] == place


def test_what_is_not_written_is_where_the_table_around_it_is() -> None:
    place = Positions("[site]\n[rules.r]\nenabled = true\n").nearest(("rules", "r", "set", "on"))
    assert (place.line, place.column) == (2, 8)


def test_what_is_nowhere_is_at_the_beginning() -> None:
    place = Positions("[site]\n").nearest(("rules",))
    assert (place.line, place.column, place.length) == (1, 1, 1)


def test_headers_are_found_without_looking_into_the_tables() -> None:
    text = '[a]\n[rules.x]\nb = """\n[rules.no]\n"""\n[rules."y z"]\n[rules.x.when]\n[other.x]\n'
    assert Positions(text).header_lines("rules") == {"x": 2, "y z": 6}


def test_what_is_written_twice_is_found_with_both_places() -> None:
    text = "[a]\nb = 1\nb = 2\n[a]\nc = { d = 1, d = 2 }\nc.e = 1\n"
    repeats = [(path, first.line, second.line, second.column) for path, first, second in Positions(text).repeats()]
    assert repeats == [(("a", "b"), 2, 3, 1), (("a",), 1, 4, 2), (("a", "c", "d"), 5, 5, 14), (("a", "c"), 5, 6, 1)]
