"""The fan of a switch that has one beside its light."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.errors import BadSetting, DeviceError, Garbled, Unsupported
from tapo_automate.wire.commands.fan import Fan, get_fan, set_fan
from wire.commands.kept import Kept

INFO: dict[str, Any] = {"device_on": False, "fan_speed_level": 3, "fan_sleep_mode_on": False}


def fan(info: dict[str, Any] = INFO, components: str = "fan_control:1") -> Kept:
    return Kept(components, get_device_info=info, set_device_info={})


def test_it_is_read() -> None:
    assert get_fan(fan()) == Fan(False, 3, False)
    assert get_fan(fan({"device_on": 1, "fan_speed_level": 1.0})) == Fan(True, 1, None)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"speed": 4}, {"device_on": True, "fan_speed_level": 4}),
        ({"speed": 1, "on": False}, {"device_on": False, "fan_speed_level": 1}),
        ({"on": True}, {"device_on": True}),
        ({"sleep": True}, {"fan_sleep_mode_on": True}),
        (
            {"speed": 2, "on": True, "sleep": False},
            {"device_on": True, "fan_speed_level": 2, "fan_sleep_mode_on": False},
        ),
    ],
)
def test_what_is_wanted_is_told_and_no_more(wanted: dict[str, Any], words: dict[str, Any]) -> None:
    switch = fan()
    set_fan(switch, **wanted)
    assert switch.told == [("set_device_info", words)]


def test_nothing_wanted_is_nothing_told() -> None:
    switch = fan()
    set_fan(switch)
    assert switch.told == []


@pytest.mark.parametrize(
    ("switch", "wanted", "kind", "text"),
    [
        (fan(), {"speed": 5}, BadSetting, "fan speed 5 is out of range: it takes 1 to 4"),
        (fan(), {"speed": 0}, BadSetting, "fan speed 0 is out of range: it takes 1 to 4; to stop it, turn it off"),
        (fan({"device_on": True}, ""), {"speed": 1}, Unsupported, "it has no fan"),
        (
            fan({"mac": ""}, "fan_control:1 control_child:2"),
            {"speed": 1},
            Unsupported,
            'it has no fan as a whole; name its part, as in "switch/fan"',
        ),
        (fan({"fan_speed_level": 1}), {"sleep": True}, Unsupported, "its fan has no sleep mode"),
    ],
)
def test_what_cannot_be_is_refused_before_the_device_is_told(
    switch: Kept, wanted: dict[str, Any], kind: type[DeviceError], text: str
) -> None:
    with pytest.raises(kind) as raised:
        set_fan(switch, **wanted)
    assert raised.value.problem == text
    assert switch.told == []


def test_an_answer_that_is_none_is_garbled() -> None:
    with pytest.raises(Garbled, match="has something else under 'fan_speed_level' where a whole number belongs"):
        get_fan(fan({"device_on": True, "fan_speed_level": "fast"}))
