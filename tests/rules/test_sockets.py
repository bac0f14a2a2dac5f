"""Sockets of strips: each that is named anywhere in a book is a device of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapo_automate.device import DeviceSpec
from tapo_automate.rules.difference import differences
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.rules.problems import report
from tapo_automate.rules.salvage import salvage

HOUSE = """
[site]
timezone = "Europe/Berlin"
[devices.strip]
driver = "tapo-plug"
host = "192.168.1.36"
options = { floor = "first" }
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
[groups]
desk = ["strip/1", "strip/Lamp by the bed"]
all = ["desk", "porch"]
[rules.off]
devices = ["all", "strip/3"]
when.state = { device = "strip/4", turns = "off" }
only_if.device."strip/5" = { on = true }
set = { on = false }
[[tests]]
name = "t"
from = 2026-11-02T09:00:00
for = "1h"
start."strip/6" = { on = true }
power."strip/7" = 5
events = [{ at = 09:10:00, device = "strip/8", set = { on = true } }]
expect = [{ at = 09:20:00, device = "strip/9", set = { on = true } }]
end."strip/10" = { on = true }
"""


def book(text: str = HOUSE) -> RuleBook:
    loaded = load_text(text)
    assert loaded.book, report(loaded.problems)
    return loaded.book


def test_a_socket_is_opened_as_its_strip_is_wherever_it_is_named() -> None:
    devices = book().devices
    named = ["1", "Lamp by the bed", *"3456789", "10"]
    assert set(devices) == {"strip", "porch", *(f"strip/{socket}" for socket in named)}
    assert list(devices)[:2] == ["strip", "porch"]
    for socket in named:
        spec = devices[f"strip/{socket}"]
        assert spec == DeviceSpec(f"strip/{socket}", "tapo-plug", "192.168.1.36", "", {"floor": "first"}, socket)
    assert devices["strip"].socket == ""


def test_a_rule_holds_each_socket_as_a_device() -> None:
    assert book().rules["off"].device_ids == ("strip/1", "strip/Lamp by the bed", "porch", "strip/3")


def test_a_strip_that_moves_moves_its_sockets() -> None:
    said = differences(book(), book(HOUSE.replace("192.168.1.36", "192.168.1.37")))
    assert "device strip/1: host 192.168.1.36 -> 192.168.1.37" in said
    assert len(said) == 11


@pytest.mark.parametrize("broken", ['driver = "tapo-plgu"', "driver = 5"])
def test_a_broken_strip_takes_its_sockets_with_it_and_nothing_else(broken: str, tmp_path: Path) -> None:
    text = HOUSE[: HOUSE.index("[[tests]]")].replace('driver = "tapo-plug"', broken)
    text = text.replace("strip/4", "porch").replace('["all", ', '["strip/2", "porch", ')
    (tmp_path / "rules.toml").write_text(text.replace('only_if.device."strip/5" = { on = true }\n', ""))
    salvaged = salvage([tmp_path / "rules.toml"], drivers=["tapo-plug", "tapo-bulb"])
    assert salvaged.book
    assert salvaged.book.rules["off"].device_ids == ("porch",)
    assert set(salvaged.book.devices) == {"porch"}
    reasons = {(each.kind, each.name): each.reason for each in salvaged.dropped}
    assert reasons["group", "desk"] == 'the device "strip" is left out'
