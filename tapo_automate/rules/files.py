"""One rule file that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapo_automate.rules.faults import Path
from tapo_automate.rules.positions import Place, Positions


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file, read.  damaged: parts of it could not be read as TOML, so a name that is not here may be there."""

    name: str
    document: Mapping[str, Any]
    positions: Positions
    damaged: bool = False

    def place(self, path: Path, on: str = "value") -> Place:
        return self.positions.nearest(path, on)

    def tables(self, kind: str) -> Mapping[str, Any]:
        found = self.document.get(kind)
        return found if isinstance(found, dict) else {}
