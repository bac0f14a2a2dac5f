"""What is unknown of real devices, as choices: a client has to be right whichever way a device does it.

Source: docs/protocol.md says where it is silent; docs/simulator.md says what is chosen unless told otherwise.
"""

from dataclasses import dataclass, fields
from typing import Any

from tapo_automate.simulator.complaint import SimulatorError, hint

CHOICES: dict[str, tuple[str, ...]] = {
    "ids": ("lowest", "next"),
    "clash": ("told", "refused"),
    "gap": ("skip", "shift"),
    "overlap": ("first", "second", "both"),
    "spent": ("disabled", "gone"),
    "effects": ("singular", "plural"),
}


@dataclass(frozen=True, slots=True)
class Habits:
    """How one device behaves where the protocol is silent; the defaults come first in CHOICES.

    ids: which a new row gets: the lowest that is free, or one that no row has had.
    clash: of a row that clashes with another one: stored and told (conflict_id), or refused.
    gap, overlap: of a wall time that a night of the clock change skips or has twice: when a row fires.
    spent: of a row that happened once: stays, disabled, or is gone.
    effects: how the methods that set the effects of a lamp are called, of which the descriptions differ.
    """

    ids: str = "lowest"
    clash: str = "told"
    gap: str = "skip"
    overlap: str = "first"
    spent: str = "disabled"
    effects: str = "singular"

    def __post_init__(self) -> None:
        for entry in fields(self):
            value: Any = getattr(self, entry.name)
            allowed = CHOICES[entry.name]
            if value not in allowed:
                raise SimulatorError(f"{entry.name} is {value!r}{hint(str(value), list(allowed))}")
