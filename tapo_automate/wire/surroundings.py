"""What the clients of one process have in common: a memory, a pace, and where they look for what has moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tapo_automate.device import Credentials
from tapo_automate.wire.finding import Finder
from tapo_automate.wire.memory import Memory, ShortMemory
from tapo_automate.wire.pace import PATIENCE_S, SPACING_S, stopwatch
from tapo_automate.wire.udp import Target, discover, house_targets


def _forgetful(_key: str, _credentials: Credentials | None) -> Memory:
    return ShortMemory()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How the clients of this process behave.

    memory: gives what is remembered of a device, by its MAC or else by its address as written, and of an account there.
    spacing_s: the least time from one call of a device to the next.  patience_s: see `Pace`.  targets: where devices
    are looked for that are known by their MAC.
    """

    memory: Callable[[str, Credentials | None], Memory] = _forgetful
    spacing_s: float = SPACING_S
    patience_s: Sequence[float] = PATIENCE_S
    targets: Callable[[], Sequence[Target]] = house_targets

    def finder(self) -> Finder:
        """Return a finder that looks in `targets`."""
        return Finder(discover, self.targets, stopwatch)
