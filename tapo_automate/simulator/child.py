"""One socket of a strip, as tests hold it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.core import Core
from tapo_automate.simulator.hands import Hands


class Child(Hands):
    """A socket of a Device: its own relay, tables and timers; clock, place and wire are the strip's."""

    def __init__(self, core: Core, index: int) -> None:
        self._core = core
        self._index = index

    def __repr__(self) -> str:
        return f"<socket {self.position} of a simulated {self._appliance.profile.name}>"

    @property
    def position(self) -> int:
        """Its place in the strip, from 1."""
        return int(self._appliance.info.get("position", self._index + 1))

    @property
    def _appliance(self) -> Appliance:
        return self._core.appliance.children[self._index]

    @contextmanager
    def _present(self) -> Iterator[Appliance]:
        with self._core.lock:
            self._core.appliance.settle()
            yield self._appliance
