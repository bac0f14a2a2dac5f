"""docs/journal.md says what is so: its statements run, and it knows every table and every result."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from journal.words import NOON, change, entry
from tapo_automate.journal.database import NAME, TABLES, open_for_reading
from tapo_automate.journal.entry import Result
from tapo_automate.journal.store import Journal

_TEXT = (Path(__file__).parents[2] / "docs" / "journal.md").read_text()
_STATEMENTS = [
    statement.replace("...>", "").strip()
    for statement in re.findall(r"^sqlite> (SELECT.*?);$", _TEXT, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("statement", _STATEMENTS)
def test_the_statements_of_the_page_find_something(tmp_path: Path, statement: str) -> None:
    with Journal.open(tmp_path) as journal:
        journal.begin(NOON)
        journal.record([entry(1), entry(2, "missed")], [change(1)])
    with closing(open_for_reading(tmp_path / NAME)) as connection:
        assert connection.execute(statement).fetchall()


def test_the_page_has_three_statements() -> None:
    assert len(_STATEMENTS) == 3


@pytest.mark.parametrize("word", [*TABLES, *get_args(Result)])
def test_the_page_knows_every_table_and_every_result(word: str) -> None:
    assert f"\n| `{word}` |" in _TEXT
