"""How problems are shown: text for people, JSON for programs, annotations for reviews."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tapo_automate.rules.problems import CODES, Problem, as_github, as_json, as_text, report, show

TUS = Problem(
    code="E102",
    severity="error",
    message='unknown weekday "tus", did you mean "tue"?',
    file="rules/porch.toml",
    line=14,
    column=8,
    hint='did you mean "tue"?',
    source_line='days = ["tus"]',
    length=5,
)


def test_an_error_is_place_message_code_and_a_caret_under_the_value() -> None:
    assert as_text(replace(TUS, column=9)) == (
        'rules/porch.toml:14:9: unknown weekday "tus", did you mean "tue"? [E102]\n'
        '    days = ["tus"]\n'
        "            ^^^^^"
    )


def test_a_hint_that_the_message_does_not_say_comes_beneath() -> None:
    problem = replace(TUS, message="`at` must be a wall time, not text", hint="write 23:30:00", source_line="")
    assert as_text(problem) == (
        "rules/porch.toml:14:8: `at` must be a wall time, not text [E102]\n    hint: write 23:30:00"
    )


def test_a_warning_is_called_one() -> None:
    problem = replace(TUS, code="W206", severity="warning", message="no rule", source_line="", hint="")
    assert as_text(problem) == "rules/porch.toml:14:8: warning: no rule [W206]"


@pytest.mark.parametrize(
    ("source", "column", "length", "caret"),
    [
        ("\tdays = 1", 2, 4, "\t^^^^"),
        ("a\t= 1", 5, 1, " \t  ^"),
        ('a = "日本", 1', 5, 4, "    ^^^^^^"),
        ('a = "日本", 1', 11, 1, "            ^"),
        ("a = 'e\u0301', 1", 10, 1, "        ^"),
        ("short", 40, 3, "     ^"),
        ("short", 6, 1, "     ^"),
    ],
)
def test_the_caret_stands_under_the_value_whatever_is_before_it(
    source: str, column: int, length: int, caret: str
) -> None:
    lines = as_text(replace(TUS, source_line=source, column=column, length=length)).split("\n")
    assert lines[1:3] == ["    " + source, "    " + caret]


def test_a_very_long_line_is_shown_around_the_value() -> None:
    source = "x" * 500 + "HERE" + "y" * 500
    lines = as_text(replace(TUS, source_line=source, column=501, length=4)).split("\n")
    assert len(lines[1]) < 180
    assert lines[1][lines[2].index("^") : lines[2].rindex("^") + 1] == "HERE"


def test_nothing_in_a_report_steers_the_terminal() -> None:
    evil = "\x1b]0;gone\x07\u202e"
    text = as_text(replace(TUS, message=evil, file=evil, source_line=evil, hint=evil))
    assert all(char.isprintable() or char == "\n" for char in text)


def test_json_has_exactly_the_documented_keys() -> None:
    assert as_json(TUS) == {
        "code": "E102",
        "message": 'unknown weekday "tus", did you mean "tue"?',
        "file": "rules/porch.toml",
        "line": 14,
        "column": 8,
        "hint": 'did you mean "tue"?',
    }
    assert as_json(replace(TUS, hint=""))["hint"] is None


def test_an_annotation_is_escaped_as_github_wants_it() -> None:
    problem = replace(TUS, file="a,b:c%.toml", message="100%\nsure", hint="write: 1, 2")
    assert as_github(problem) == (
        "::error file=a%2Cb%3Ac%25.toml,line=14,col=8,endColumn=13,title=E102::100%25%0Asure%0Ahint: write: 1, 2"
    )
    assert as_github(replace(TUS, severity="warning")).startswith("::warning file=rules/porch.toml,line=14,col=8,")


def test_a_report_is_one_problem_after_the_other() -> None:
    assert report([TUS, TUS]) == as_text(TUS) + "\n" + as_text(TUS)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", '"a\\nb"'),
        (True, "true"),
        ([1, "a"], '[1, "a"]'),
        ({"on": True}, "{ on = true }"),
        pytest.param(16**5000, "this number", id="a number too long to be written"),
        ("x" * 100, '"' + "x" * 56 + "…"),
    ],
)
def test_a_value_is_shown_in_one_short_line(value: object, shown: str) -> None:
    assert show(value) == shown


def test_codes_are_three_digits_and_their_meanings_one_line() -> None:
    assert all(re.fullmatch("[EW][12][0-9]{2}", code) for code in CODES)
    assert all(meaning and "\n" not in meaning and "|" not in meaning for meaning in CODES.values())
