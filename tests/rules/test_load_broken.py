"""Every way of getting a rule file wrong that we could think of: one fault, one error, at its place, with a way out."""

from __future__ import annotations

import pytest

from rules.broken_files import CASES, MODULES, Broken
from tapo_automate.rules.load import load_text
from tapo_automate.rules.problems import CODES, report

DRIVERS = ["tapo-plug", "tapo-bulb"]


@pytest.mark.parametrize("broken", CASES.values(), ids=CASES)
def test_a_fault_is_one_error_at_its_place_with_a_way_out(broken: Broken) -> None:
    errors = load_text(broken.text, "broken.toml", drivers=DRIVERS).errors
    found = [(error.code, error.line, error.column, error.message, error.hint) for error in errors]
    assert found == [(broken.code, broken.line, broken.column, broken.message, broken.hint)], report(errors)
    assert broken.length in (0, errors[0].length)


def test_there_are_many_and_none_hides_another() -> None:
    assert len(CASES) == sum(len(module.FAULTS) for module in MODULES) >= 150


def test_every_error_code_has_a_broken_file() -> None:
    assert {broken.code for broken in CASES.values()} == {code for code in CODES if code.startswith("E")}
