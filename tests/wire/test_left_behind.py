"""Sockets of a strip that moves while several of them are spoken to: whoever comes late leaves nothing open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tapo_automate.errors import OtherDevice, Unreachable
from tapo_automate.wire.batch import Call
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


class Halfway(Line):
    """Does one thing, and is gone."""

    def __init__(self, host: str, done: list[str], most: int) -> None:
        super().__init__(host, dict)
        self.done = done
        self.most = most

    def multiple(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        for method, _ in calls:
            if self.most == 0:
                raise Unreachable(self.host, "no connection within 3 s")
            self.most -= 1
            self.done.append(method)
        return [{} for _ in calls]


def test_what_was_done_before_the_device_moved_is_not_done_again() -> None:
    done: list[str] = []
    clients = {host: Halfway(host, done, most) for host, most in (("10.0.0.5", 1), ("10.0.0.6", 9))}
    tracked = Tracked(MAC, ["10.0.0.5"], clients.__getitem__, Here())  # type: ignore[arg-type]
    calls: list[Call] = [("add_schedule_rule", {}), ("add_countdown_rule", {}), ("get_device_info", None)]
    assert tracked.multiple(calls) == [{}, {}, {}]
    assert done == [method for method, _ in calls]


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
