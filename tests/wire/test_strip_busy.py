"""A socket that is busy is waited for as a whole device is: there is one small web server behind all of them."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.device import Setting
from tapo_automate.errors import Busy
from tapo_automate.wire.pace import Pace
from wire.test_strip import Strip

SPACING_S, PATIENCE_S = 0.01, (1.0, 2.0)


class BusyStrip(Strip):
    """Its socket 1 says so often that it is busy before it lets itself be set.  waited_s: what the client waited."""

    def __init__(self, complaints: int) -> None:
        super().__init__("Lamp", "TV")
        self.waited_s: list[float] = []
        self.complaints = complaints
        self.pace = Pace(SPACING_S, PATIENCE_S, wait=self.waited_s.append, chance=lambda: 0)
        self.whole = self.client(pace=self.pace)
        self.sockets["CHILD1"].answers["set_device_info"] = self.complain

    def complain(self, _params: dict[str, Any]) -> dict[str, Any] | int:
        self.complaints -= 1
        return {} if self.complaints < 0 else -1301


def test_a_socket_that_is_busy_is_asked_again_later_and_its_strip_slower() -> None:
    strip = BusyStrip(2)
    strip.open("1").apply(Setting(on=True))
    assert [wait_s for wait_s in strip.waited_s if wait_s in PATIENCE_S] == [1.0, 2.0]
    assert strip.pace.spacing_s == 4 * SPACING_S
    assert strip.logins == 1


def test_one_that_stays_busy_is_named() -> None:
    with pytest.raises(Busy) as raised:
        BusyStrip(3).open("1").apply(Setting(on=True))
    said = "10.0.0.5: set_device_info of socket 1 was refused with error -1301 (DEVICE_ERROR): the device is busy"
    assert str(raised.value).startswith(said)
    assert (raised.value.method, raised.value.code) == ("set_device_info", -1301)
