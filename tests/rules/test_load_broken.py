"""Every way of getting a rule file wrong that we could think of: one fault, one error, at its place, with a way out."""

from __future__ import annotations

import pytest

from rules.broken_files import BROKEN, unmarked
from tapo_automate.rules.load import load_text
from tapo_automate.rules.problems import CODES, report

DRIVERS = ["tapo-plug", "tapo-bulb"]


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_is_one_error_at_its_place_with_a_way_out(fault: str) -> None:
    code, marked, message, hint = BROKEN[fault]
    text, line, column, length = unmarked(marked)
    errors = load_text(text, "broken.toml", drivers=DRIVERS).errors
    found = [(error.code, error.line, error.column, error.message, error.hint) for error in errors]
    assert found == [(code, line, column, message, hint)], report(errors)
    assert length in (0, errors[0].length)


def test_every_error_code_has_a_broken_file() -> None:
    assert {code for code, *_ in BROKEN.values()} == {code for code in CODES if code.startswith("E")}
