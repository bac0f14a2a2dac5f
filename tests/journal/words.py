"""Entries, changes and instants for the tests of the journal."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from tapo_automate.journal.entry import Change, Entry, Result

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def after(seconds: float) -> dt.datetime:
    """Return the instant so many seconds after noon."""
    return NOON + dt.timedelta(seconds=seconds)


def entry(number: int = 0, result: Result = "done", **more: Any) -> Entry:
    """Return an entry that was due `number` seconds after noon; each number has a key of its own."""
    due = after(number)
    made = Entry(
        rule="dusk",
        device="porch",
        nominal=due,
        due=due,
        deadline=due + dt.timedelta(minutes=15),
        result=result,
        asked={"on": True, "brightness": 40},
        at=None if result == "pending" else due + dt.timedelta(seconds=1),
        tries=1,
        kind="sunset",
        file="rules.toml",
        line=14,
        commit="5e1dbe57" * 5,
    )
    return replace(made, **more)


def change(number: int = 0, **more: Any) -> Change:
    """Return a person's change `number` seconds after noon."""
    return replace(Change("porch", after(number), {"on": False}, {"on": True}, "person"), **more)
