"""One rule file that was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tapo_automate.rules.faults import Fault, Path, Place
from tapo_automate.rules.positions import Positions


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a file says, and where.

    lines: as they stand in the file.  wounds: the tables of which a part could not be read as TOML; () where that part
    may have been anything, a table too.
    """

    name: str
    document: Mapping[str, Any]
    positions: Positions
    lines: Sequence[str]
    wounds: tuple[Path, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether a name that is not here may be in a part that could not be read."""
        return any(len(wound) < 2 and wound != ("site",) for wound in self.wounds)

    def place(self, path: Path, on: str = "value") -> Place:
        """Return where the path stands, or the closest table around it."""
        return self.positions.nearest(path, on)

    def tables(self, kind: str) -> Mapping[str, Any]:
        """Return the tables of a kind by name; none where the file has something else there."""
        found = self.document.get(kind)
        return found if isinstance(found, dict) else {}

    def tests(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield the number and the table of each test; none where the file has something else there."""
        found = self.document.get("tests")
        for number, test in enumerate(found if isinstance(found, list) else ()):
            if isinstance(test, dict):
                yield number, test

    def follows(self, fault: Fault) -> bool:
        """Whether a fault may be there only because a part of its table could not be read."""
        if fault.code not in ("E103", "E109", "E114"):
            return False
        table = fault.path if fault.code == "E109" else fault.path[:-1]
        around = (table, fault.path)
        return any(wound[: len(table)] == table or wound in around or wound == () for wound in self.wounds)
