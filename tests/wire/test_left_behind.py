"""Sockets of a strip that moves while several of them are spoken to: whoever comes late leaves nothing open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapo_automate.errors import OtherDevice
from tapo_automate.wire.tracked import Tracked

MAC, STRANGER = "48-22-54-AA-BB-CC", "48-22-54-DD-EE-FF"


class Line:
    """A client as `Tracked` sees it, which is open from a call until it is closed."""

    transport = "klap"
    met = True
    shaken = 0

    def __init__(self, host: str, answer: Callable[[], dict[str, Any]]) -> None:
        self.host = host
        self.is_open = False
        self._answer = answer

    def call(self, _method: str, _params: object = None) -> dict[str, Any]:
        self.is_open = True
        return self._answer()

    def close(self) -> None:
        self.is_open = False


class Here:
    """Knows that the device is at its new address."""

    def find(self, _mac: str, _last: str, _tried: object = ()) -> str:
        return "10.0.0.6"

    def who_is_at(self, _host: str) -> None:
        return None


def test_a_client_that_is_used_once_more_after_it_was_left_is_closed() -> None:
    late = [True]

    def at_the_old_address() -> dict[str, Any]:
        if late:  # while this call waits, another thread's finds the stranger, and moves on
            late.clear()
            assert tracked.call("get_device_info") == {"at": "10.0.0.6"}
            old.is_open = True  # and then it is this one's turn
        raise OtherDevice("10.0.0.5", MAC, STRANGER)

    old = Line("10.0.0.5", at_the_old_address)
    new = Line("10.0.0.6", lambda: {"at": "10.0.0.6"})
    clients = {line.host: line for line in (old, new)}
    tracked = Tracked(MAC, ["10.0.0.5"], clients.__getitem__, Here())  # type: ignore[arg-type]
    assert tracked.call("get_device_info") == {"at": "10.0.0.6"}
    assert (old.is_open, new.is_open) == (False, True)
