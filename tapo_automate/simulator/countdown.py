"""The one timer of a device.

This file knows no clock: it is told for how many seconds the device has run, so that a timer runs off whatever the
device's clock is set to.
Source: docs/protocol.md, "Countdown".
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

LONGEST_S = 86_400
ID = "C1"


@dataclass(slots=True)
class Countdown:
    """A table of one row, which stays, disabled, when it has run off or was stopped.

    row: what the table shows, but for what remains; None while it is empty.  ends_s: the second of the device's life in
    which it runs off, None while it does not run.
    """

    row: dict[str, Any] | None = None
    ends_s: float | None = None

    def start(self, row: dict[str, Any], elapsed_s: float) -> None:
        """Put row in the place of what there is; an enabled one runs from now on."""
        self.row = row
        self.ends_s = elapsed_s + row["delay"] if row["enable"] else None

    def run_off(self) -> dict[str, Any]:
        """Disable the row and return the states that it wanted."""
        assert self.row is not None
        self.row = self.row | {"enable": False}
        self.ends_s = None
        return wanted(self.row)

    def clear(self) -> None:
        self.row = None
        self.ends_s = None

    def rows(self, elapsed_s: float) -> list[dict[str, Any]]:
        """Return the table's rows as they are told; while it runs, at least a second remains."""
        if self.row is None:
            return []
        return [self.row | {"remain": 0 if self.ends_s is None else ceil(self.ends_s - elapsed_s)}]


def found_in(table: Any, elapsed_s: float) -> Countdown:
    """Return the timer as the table of a dump shows it; it goes on from what remained."""
    rows = table.get("rule_list") if isinstance(table, dict) else None
    if not rows:
        return Countdown()
    row = dict(rows[0])
    remain_s = row.pop("remain", 0)
    return Countdown(row, elapsed_s + remain_s if row["enable"] and remain_s > 0 else None)


def is_row(row: Any) -> bool:
    """Whether this is a row of the table, in either firmware's words."""
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("enable"), bool):
        return False
    states = row.get("desired_states")
    wish = row.get("action") in ("on", "off") if not isinstance(states, dict) else isinstance(states.get("on"), bool)
    return wish and type(row.get("delay")) is int and type(row.get("remain", 0)) is int


def wanted(row: dict[str, Any]) -> dict[str, Any]:
    """Return the states that a row asks for; the first firmware writes an action instead."""
    return {"on": row["action"] == "on"} if "action" in row else row["desired_states"]
