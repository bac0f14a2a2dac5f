"""Whatever somebody types into a rule file: never a traceback, always a place, and nothing that must stay hidden."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path

import jsonschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rules.broken_files import CASES
from tapo_automate.rules import shapes, shapes_set, shapes_trial, shapes_when
from tapo_automate.rules.load import Loaded, load_text
from tapo_automate.rules.problems import CODES, as_github, as_json, as_text
from tapo_automate.rules.schema import json_schema
from tapo_automate.rules.words import keys_of

EXAMPLE = (Path(__file__).parents[2] / "rules.example.toml").read_text()
LINES = EXAMPLE.split("\n")
VALIDATOR = jsonschema.Draft7Validator(json_schema())
DRIVERS = ["tapo-plug", "tapo-bulb"]
BITS = [
    *"[]{}\"=,.#'\\:",
    *("\n", "\t", "\r", " ", "\0", "é", "日", "😀", '"""', "'''", "[[", "]]", "true", "nan", "inf", "null", "0", "-1"),
    *(
        "23:30",
        "24:00:00",
        "2026-02-30",
        "2026-12-24",
        "9" * 5000,
        "0x" + "f" * 5000,
        "when",
        "set",
        "rules",
        "[rules.x]",
    ),
    *('"mon"', "{}", "[]", '"', "\u2028", "\ufeff", "\x85", "\x0c", "1e999", "=", "site", "latitude", "devices = 3"),
    *("[rules.x]", "[site]"),
]
few = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def everything_is_well(loaded: Loaded, text: str) -> None:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    assert (loaded.book is None) == bool(loaded.errors)
    for problem in loaded.problems:
        assert problem.code in CODES
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.message
        assert as_text(problem).startswith(f"rules.toml:{problem.line}:{problem.column}: ")
        json.dumps(as_json(problem))
        assert "\n" not in as_github(problem)
        if "latitude = 52.52" in text:
            assert "52.52" not in as_text(problem)
    assert [(problem.line, problem.column) for problem in loaded.problems] == sorted(
        (problem.line, problem.column) for problem in loaded.problems
    )


@few
@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 12), st.sampled_from(BITS)), max_size=4))
@example([(len(EXAMPLE), 0, "x = " + "[" * 3000 + "]" * 3000)])
def test_letters_changed_at_random(changes: list[tuple[int, int, str]]) -> None:
    text = EXAMPLE
    for at, removed, bit in changes:
        text = text[:at] + bit + text[at + removed :]
    loaded = load_text(text, drivers=DRIVERS)
    everything_is_well(loaded, text)
    if loaded.book:
        # The schema is never stricter than `check`.
        VALIDATOR.validate(json.loads(json.dumps(tomllib.loads(text.removeprefix("\ufeff")), default=str)))


@few
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, len(LINES) - 1)), min_size=1, max_size=6))
def test_lines_moved_copied_and_lost(moves: list[tuple[int, int]]) -> None:
    lines = list(LINES)
    for source, target in moves:
        line = lines[source]
        if (source + target) % 2:
            lines[source] = ""
        lines.insert(target, line)
    everything_is_well(load_text("\n".join(lines), drivers=DRIVERS), "\n".join(lines))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["porch", "mon", "30m", "-15m", "sunset", "on", "192.168.1.1", "Europe/Berlin"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["at", "on", "below", "x"]), inner),
    max_leaves=5,
)


def as_toml(value: object) -> str:
    match value:
        case None:
            return "2026-12-24T16:00:00"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value).replace("e", "e") if "inf" not in repr(value) else "inf"
        case dt.date() | dt.time():
            return value.isoformat()
        case list():
            return "[" + ", ".join(as_toml(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{key} = {as_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value).replace("\\u007f", "?").replace("\x7f", "?")


PAIRS = [number for number, line in enumerate(LINES) if " = " in line and not line.startswith("#")]


@few
@given(st.lists(st.tuples(st.sampled_from(PAIRS), values), min_size=1, max_size=3))
def test_values_of_every_other_kind(changes: list[tuple[int, object]]) -> None:
    lines = list(LINES)
    for number, value in changes:
        lines[number] = lines[number].split(" = ")[0] + " = " + as_toml(value)
    text = "\n".join(lines)
    loaded = load_text(text, drivers=DRIVERS)
    everything_is_well(loaded, text)


# --- Whatever can be said with the words of the language ----------------------------------------------------------

TABLES = [
    shape
    for module in (shapes, shapes_set, shapes_trial, shapes_when)
    for name, shape in vars(module).items()
    if name.endswith("Table")
]
WORDS = sorted({key for table in TABLES for key in keys_of(table)} | {"porch", "lounge", "lamps", "r"})
TIMES = (
    dt.time(22, 15),
    dt.date(2026, 11, 2),
    dt.datetime.fromisoformat("2026-11-02T22:00:00"),
    dt.datetime(9999, 12, 31, tzinfo=dt.UTC),
)
atoms = (
    st.sampled_from(
        ["porch", "lamps", "r", "mon", "30m", "0s", "-15m", "99999999h", "sunset", "on", "restart", "x", ""]
    )
    | st.sampled_from(TIMES)
    | st.booleans()
    | st.integers(-5, 3000)
    | st.floats()
)
anything = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
        | st.lists(st.dictionaries(st.sampled_from(WORDS), inner, max_size=4), max_size=2)
    ),
    max_leaves=12,
)


def table_of(shape: type[shapes.FileTable]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(keys_of(shape)), anything, max_size=6)


@settings(few, max_examples=300)
@given(table_of(shapes.RuleTable), st.lists(table_of(shapes_trial.RuleTestTable), max_size=2), anything)
def test_any_values_for_the_words_of_the_language(
    rule: dict[str, object], trials: list[dict[str, object]], site: object
) -> None:
    head = "\n".join(LINES[: LINES.index("[rules.washer-start]")])
    text = f"{head}\n[rules]\nr = {as_toml(rule)}\n" + "".join(
        "[[tests]]\n" + "".join(f"{key} = {as_toml(value)}\n" for key, value in trial.items()) for trial in trials
    )
    loaded = load_text(text, drivers=DRIVERS)
    everything_is_well(loaded, text)
    if loaded.book:
        VALIDATOR.validate(json.loads(json.dumps(tomllib.loads(text), default=str)))
    strange = f"site = {as_toml(site)}\n" + text[text.index("[devices.washer]") :]
    everything_is_well(load_text(strange, drivers=DRIVERS), strange)


@few
@given(st.sampled_from(sorted(CASES)), st.sampled_from(sorted(CASES)))
def test_two_faults_are_no_more_than_two_errors_and_no_fewer_than_one(first: str, second: str) -> None:
    text = CASES[first].text
    other = CASES[second].text
    if "[rules.r]" in other and "[rules.r]" in text:
        rule = other[other.index("[rules.r]") :].replace("rules.r", "rules.q")
        loaded = load_text(text + rule, drivers=DRIVERS)
        everything_is_well(loaded, text + rule)
        assert 1 <= len(loaded.errors) <= 3
