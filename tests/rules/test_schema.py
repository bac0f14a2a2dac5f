"""The JSON Schema and `check` say the same, wherever a schema can say it."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rules.broken_files import CASES
from rules.test_docs_rules import BLOCKS
from tapo_automate.rules.schema import json_schema

SCHEMA = json_schema()
EXAMPLE = Path(__file__).parents[2] / "rules.example.toml"
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

# What a schema cannot say: it knows no other place of the file, and sees TOML's times as text.
BEYOND_A_SCHEMA = {
    "not-a-number",
    "offset-in-the-wrong-unit",
    "group-named-as-a-device",
    "unknown-device",
    "unknown-device-in-a-group",
    "unknown-device-in-a-trigger",
    "group-where-a-device-belongs",
    "unknown-device-in-a-condition",
    "unknown-driver",
    "circle-of-groups",
    "sun-without-a-place",
    "sun-in-a-window-without-a-place",
    "overlap-of-an-instant",
    "rearm-on-the-wrong-side",
    "jitter-longer-than-the-interval",
    "dates-the-wrong-way-round",
    "wait-at-the-end",
    "wait-too-long",
    "toggle-at-the-instant-of-another-step",
    "steps-too-long",
    "override-too-long",
    "failsafe-too-short",
    "failsafe-too-long",
    "failsafe-of-nothing",
    "failsafe-on-a-countdown-that-another-rule-starts",
    "socket-of-no-strip",
    "socket-of-nothing-known",
    "socket-of-a-group",
    "socket-without-a-name",
    "socket-nought",
    "socket-with-a-nought",
    "socket-in-a-group",
    "socket-in-a-condition",
    "socket-that-turns",
    "socket-in-a-test",
    "condition-that-no-load-meets",
    "expected-within-days",
    "power-that-is-no-number",
    "points-out-of-order",
    "beginning-in-another-age",
    "test-of-a-year",
    "test-until-next-year",
    "test-that-ends-before-it-begins",
    "event-after-the-end",
    "expected-before-the-beginning",
    "expected-at-another-date",
    "point-after-the-end",
    "test-twice",
    "unknown-device-at-the-start",
    "unknown-device-at-the-end",
    "group-with-a-meter",
    "unknown-device-in-an-event",
    "unknown-device-to-look-at",
    "unknown-rule-to-look-at",
    "unknown-rule-that-is-withheld",
    "unknown-rule-that-sets",
}


def as_data(text: str) -> Any:
    return json.loads(json.dumps(tomllib.loads(text), default=_written))


def _written(value: dt.date | dt.time) -> str:
    return value.isoformat()


def test_it_is_a_schema_of_the_draft_it_names_and_of_the_latest() -> None:
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("validator", [jsonschema.Draft7Validator, jsonschema.Draft202012Validator])
@pytest.mark.parametrize("written", [_written, str])
def test_the_example_is_valid(validator: type[jsonschema.Draft7Validator], written: Any) -> None:
    data = json.loads(json.dumps(tomllib.loads(EXAMPLE.read_text()), default=written))
    validator(SCHEMA, format_checker=validator.FORMAT_CHECKER).validate(data)


def readable(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


@pytest.mark.parametrize("fault", [name for name, broken in CASES.items() if readable(broken.text)])
def test_the_schema_rejects_what_check_rejects_where_it_can(fault: str) -> None:
    errors = list(VALIDATOR.iter_errors(as_data(CASES[fault].text)))
    assert bool(errors) == (fault not in BEYOND_A_SCHEMA)
    assert not any("is not valid under any of the given schemas" in error.message for error in errors)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0] for block in BLOCKS])
def test_what_the_docs_show_is_valid(block: str) -> None:
    VALIDATOR.validate(as_data(block))


def test_an_error_points_at_the_exact_value() -> None:
    (error,) = VALIDATOR.iter_errors(as_data(CASES["weekday"].text))
    assert list(error.absolute_path) == ["rules", "r", "when", "sunset", "days", 1]
    assert error.message.startswith("'tus' is not one of ['mon', 'tue',")


def test_every_table_takes_no_other_key_and_every_key_is_described() -> None:
    for name, table in SCHEMA["$defs"].items():
        assert table["additionalProperties"] is False, name
        assert table["description"], name
        assert [key for key, value in table["properties"].items() if not value.get("description")] == [], name


def test_no_null_is_left_in_it_and_no_seconds_where_text_belongs() -> None:
    assert "null" not in json.dumps(SCHEMA)
    for table in SCHEMA["$defs"].values():
        for value in table["properties"].values():
            if value.get("type") == "string" and "default" in value:
                assert isinstance(value["default"], str)
