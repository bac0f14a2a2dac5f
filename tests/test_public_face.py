"""What plugin authors may rely on, and that the page about it is true."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import get_type_hints

import tapo_automate
from tapo_automate import errors, hooks, wire

ROOT = Path(__file__).parents[1]


def test_the_face_is_complete_and_sorted() -> None:
    assert tapo_automate.__all__ == sorted(tapo_automate.__all__)
    assert all(hasattr(tapo_automate, name) for name in tapo_automate.__all__)


def test_the_second_face_is_complete_and_told() -> None:
    assert all(hasattr(wire, name) for name in wire.__all__)
    named = {
        word
        for hint in get_type_hints(wire.Surroundings).values()
        for word in re.findall(r"\bwire\.\w+\.(\w+)", str(hint))
    }
    assert named <= set(wire.__all__), "what a program has to give must be there for it to make"
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    assert [
        name for name in wire.__all__ if name != "DANGEROUS_METHODS" and not re.search(rf"[`(]{name}\b", page)
    ] == []


def test_every_error_raised_on_purpose_is_on_the_face_or_our_own_affair() -> None:
    ours = {"JournalUnreadable", "NotCarriedOut", "Superseded", "TooLate", "Unfinished", "Withheld"}
    ours |= {"SyncError", "LedgerUnusable", "SyncUnderWay", "PlanUnsafe", "PlanStale", "ApplyIncomplete"}
    tree = {name for name, item in vars(errors).items() if inspect.isclass(item) and issubclass(item, Exception)}
    assert tree - ours <= set(tapo_automate.__all__)


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = [(0, "Exception")]
    for indent, name in re.findall(r"^( {4,})([A-Z]\w+)(?: {2,}|$)", errors.__doc__ or "", re.MULTILINE):
        while path[-1][0] >= len(indent):
            path.pop()
        drawn[name] = path[-1][1]
        path.append((len(indent), name))
    real = {
        name: item.__base__.__name__
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, Exception) and item.__module__ == errors.__name__
    }
    assert drawn == real


def test_the_page_for_authors_has_every_hook_with_its_arguments() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    for name, hook in inspect.getmembers(hooks, inspect.isfunction):
        if hook.__module__ == hooks.__name__:
            assert f"### {name}({', '.join(inspect.signature(hook).parameters)})" in page
