"""A client in a process of its own.  Answers are costs.

Questions: open, repeat, switch, cold, once, find, poll, tables, close."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.child import serve
from benchmarks.clients import (
    BARE,
    KASA,
    KASA_DEVICES,
    OUR_DEVICES,
    OUR_WIRE,
    OURS,
    PLUGP100,
    TAPO,
    Beginning,
    Finding,
    Hands,
    Polling,
    TableReading,
)
from benchmarks.cost import cost_of

_MAKERS = {
    OURS: ("ours", "Ours"),
    OUR_DEVICES: ("ours", "OurDevices"),
    OUR_WIRE: ("wire", "Wire"),
    BARE: ("bare", "Bare"),
    KASA: ("kasas", "Kasas"),
    KASA_DEVICES: ("kasas", "KasaDevices"),
    PLUGP100: ("plugp100s", "Plugp100s"),
    TAPO: ("tapos", "Tapos"),
}

_QUESTIONS = ("open", "close", "repeat", "cold", "once", "find", "switch", "poll", "tables")


class _Asked:
    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def open(self, addresses: list[str], transport: str) -> None:
        self._hands.open(addresses, transport)

    def close(self) -> None:
        self._hands.close()

    def repeat(self, method: str, count: int) -> dict[str, Any]:
        return _measured(lambda: self._hands.repeat(method, count))

    def cold(self, addresses: list[str], transport: str) -> dict[str, Any]:
        """Begin with nothing: make the clients, connect, shake hands, switch on."""

        def begin() -> None:
            self._hands.open(addresses, transport)
            self._hands.switch(True)

        return _measured(begin)

    def once(self, address: str, transport: str, method: str) -> dict[str, Any]:
        hands = self._hands
        assert isinstance(hands, Beginning), "this library does not begin anew here"
        return _measured(lambda: hands.once(address, transport, method))

    def find(self, place: str, count: int) -> dict[str, Any]:
        """Return after how many seconds each was found (`found_s`) beside what the whole search cost."""
        hands, told = self._hands, dict[str, Any]()
        assert isinstance(hands, Finding), "this library looks for no devices here"
        return _measured(lambda: told.update(found_s=hands.find(place, count))) | told

    def switch(self, on: bool) -> dict[str, Any]:
        return _measured(lambda: self._hands.switch(on))

    def poll(self, beats: int, period_s: float) -> dict[str, Any]:
        hands, told = self._hands, dict[str, Any]()
        assert isinstance(hands, Polling), "this library reads no meters here"
        return _measured(lambda: told.update(hands.poll(beats, period_s))) | told

    def tables(self, addresses: list[str], together: bool) -> dict[str, Any]:
        hands, told = self._hands, dict[str, Any]()
        assert isinstance(hands, TableReading), "this library reads no tables here"
        return _measured(lambda: told.update(rows=hands.read_tables(addresses, together))) | told


def _measured(work: Callable[[], object]) -> dict[str, Any]:
    cost = cost_of(work)
    return {"wall_s": cost.wall_s, "cpu_s": cost.cpu_s}


def main() -> None:
    module, maker = _MAKERS[sys.argv[1]]
    asked = _Asked(getattr(import_module(f"benchmarks.clients.{module}"), maker)())
    serve({name: getattr(asked, name) for name in _QUESTIONS})
    sys.stdout.flush()
    os._exit(0)  # the threads of tapo's runtime trip over the end of an interpreter


main()
