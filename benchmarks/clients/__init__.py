"""The same few deeds by different libraries, each run in a process of its own (`python -m benchmarks.clients NAME`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

OURS = "tapo-automate"
BARE = "http.client"
KASA = "python-kasa"
PLUGP100 = "plugp100"
TAPO = "tapo"
OUR_DEVICES = "tapo-automate, driver"
OUR_WIRE = "tapo-automate, wire"
KASA_DEVICES = "python-kasa, Device"

FIND_S = 5.0  # how long devices are looked for, if not all are found sooner


class Hands(Protocol):
    """What a library is asked to do.  A call that the device refuses raises."""

    def open(self, addresses: Sequence[str], transport: str) -> None:
        """Make what is needed for these devices and tell it the transport; nothing need be sent yet."""

    def repeat(self, method: str, count: int) -> None:
        """Ask the first device the same thing count times, one after the other.

        method: "get_device_info", or "set_device_info" with the relay on and off in turns.
        """

    def switch(self, on: bool) -> None:
        """Switch every device, as many at once as the library would."""

    def close(self) -> None:
        """Let go of sessions and connections."""


@runtime_checkable
class Polling(Hands, Protocol):
    """A library that reads meters in a rhythm by itself; ours does it in the daemon, see `benchmarks.daemon_side`."""

    def poll(self, beats: int, period_s: float) -> dict[str, Any]:
        """Read every meter on each of `beats` beats of one rhythm; return {"late": beats begun late}."""


@runtime_checkable
class TableReading(Protocol):
    """A library that reads the tables in which devices keep rules of their own."""

    def read_tables(self, addresses: Sequence[str], together: bool) -> int:
        """Log in to each device and read its schedule, all pages of it; return how many rows there were.

        together: as many devices at once as the library would, else one after the other.
        """


@runtime_checkable
class Beginning(Protocol):
    """A library that can do one thing with one device and be done with it."""

    def once(self, address: str, transport: str, method: str) -> None:
        """Connect, log in, do it and let go.  method: as for `repeat`, but that it only switches on.

        transport: for a library that does not find it out.
        """


@runtime_checkable
class Finding(Protocol):
    """A library that looks for devices by datagrams."""

    def find(self, place: str, count: int) -> list[float]:
        """Look for `count` devices, FIND_S at most; return after how many seconds each that was found was found.

        place: `ADDRESS:PORT`, on loopback.
        """
