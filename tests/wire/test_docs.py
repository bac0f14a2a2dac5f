"""The specification and the code: sources exist, and the tables agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tapo_automate.wire import DANGEROUS_METHODS
from tapo_automate.wire.codes import CODES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
HEADINGS = {re.sub(r"^[\d.]+ ", "", line.lstrip("# ")) for line in TEXT.splitlines() if line.startswith("#")}
FILES = sorted([*(ROOT / "tapo_automate" / "wire").glob("*.py"), *(ROOT / "tests" / "wire").glob("*.py")])


def section(title: str) -> str:
    depth = len(title) - len(title.lstrip("#"))
    return re.split(rf"\n#{{2,{depth}}} ", TEXT.split(title, 1)[1], maxsplit=1)[0]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_source_that_is_given_is_a_heading_of_the_specification(path: Path) -> None:
    for given in re.findall(r'docs/protocol\.md((?:(?:, | and |\s+and\s+)"[^"]+")+)', path.read_text(encoding="utf-8")):
        for name in re.findall(r'"([^"]+)"', given):
            assert name in HEADINGS, f"{path.name} cites {name!r}"


def test_the_documented_codes_are_the_codes_of_the_program() -> None:
    rows = re.findall(r"^\| ([-\d, ]+) \| ([A-Z_, ]+) \|", section("## 6. Error codes"), re.MULTILINE)
    documented = {
        (int(number), name)
        for numbers, names in rows
        for number, name in zip(numbers.split(", "), names.split(", "), strict=True)
    }
    assert len(documented) > 50
    assert documented == {(code.number, code.name) for code in CODES.values() if (code.number, code.name) in documented}
    assert {number for number in CODES if -4000 < number < 10_000} == {number for number, _ in documented}


def test_the_documented_dangers_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", section("### 10.1 Dangers"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == DANGEROUS_METHODS.keys()
