"""What devices do when their power comes back, in each kind's own shape."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.default_states import (
    DefaultStates,
    Power,
    get_default_states,
    set_default_states,
)
from wire.commands.kept import COLOR_INFO, COLOR_LAMP, Kept

WARM = {"brightness": 100, "color_temp": 3100, "hue": 0, "saturation": 100}
WARM_LIGHT = Setting(brightness_pct=100, color_temp_k=3100)
GREEN = Setting(brightness_pct=20, hue_deg=120, saturation_pct=90)
PLUG = {"type": "last_states", "state": {}}
LAMP = {"re_power_type": "always_on", "type": "custom", "state": WARM}
STRIP = {"type": "last_states", "state": WARM}
SHOWING = {"type": "last_states", "state": {"segment_effect": {"id": "S1", "name": "Stacks", "enable": 1}}}
WHITE = {"re_power_type": "last_states", "brightness": {"type": "last_states", "value": 100}, "newer": 1}
ABLE = ["last_states", "always_on", "always_off"]
SWITCH = {"re_power_type": "always_off", "re_power_type_capability": ABLE, "type": "last_states"}
FAN = {"re_power_type": "last_states", "re_power_type_capability": ABLE, "re_power_fan_speed": 1}


def device(states: dict[str, Any], components: str = COLOR_LAMP) -> Kept:
    return Kept(components, get_device_info=COLOR_INFO | {"default_states": states}, set_device_info={})


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (PLUG, DefaultStates("last", ("on", "off", "last"))),
        ({"type": "last_states"}, DefaultStates("last", ("on", "off", "last"))),
        ({"type": "custom", "state": {"on": True}}, DefaultStates("on", ("on", "off", "last"))),
        ({"type": "custom", "state": {"on": False}}, DefaultStates("off", ("on", "off", "last"))),
        (LAMP, DefaultStates("on", ("on", "last"), True, WARM_LIGHT)),
        (LAMP | {"type": "last_states"}, DefaultStates("on", ("on", "last"), True)),
        (STRIP, DefaultStates(None, (), True)),
        (SHOWING, DefaultStates(None, (), True)),
        (SHOWING | {"type": "custom"}, DefaultStates(None, (), True)),
        (WHITE, DefaultStates("last", ("on", "last"), True)),
        (
            WHITE | {"brightness": {"type": "custom", "value": 30}},
            DefaultStates("last", ("on", "last"), True, Setting(brightness_pct=30)),
        ),
        (SWITCH, DefaultStates("off", ("on", "off", "last"))),
        (FAN, DefaultStates("last", ("on", "off", "last"))),
        (LAMP | {"re_power_type": "sometimes"}, DefaultStates(None, ("on", "last"), True, WARM_LIGHT)),
    ],
)
def test_every_shape_is_read(states: dict[str, Any], found: DefaultStates) -> None:
    assert get_default_states(device(states)) == found


def test_a_light_strip_that_shows_an_effect_is_no_plug() -> None:
    """So an L930 of firmware 1.4.3 is: it has no choice of coming back on or off."""
    it = device(SHOWING)
    with pytest.raises(Unsupported, match=r": it has no choice of coming back on or off, only of its light$"):
        set_default_states(it, "off")
    set_default_states(it, light=GREEN)
    (told,) = it.told
    green = {"brightness": 20, "hue": 120, "saturation": 90, "color_temp": 0}
    assert told == ("set_device_info", {"default_states": {"type": "custom", "state": green}})


@pytest.mark.parametrize(
    ("states", "power", "light", "told"),
    [
        (PLUG, "on", None, {"type": "custom", "state": {"on": True}}),
        (PLUG, "off", None, {"type": "custom", "state": {"on": False}}),
        ({"type": "custom", "state": {"on": True}}, "last", None, PLUG),
        (LAMP, "last", None, LAMP | {"re_power_type": "last_states"}),
        (LAMP, None, "last", LAMP | {"type": "last_states"}),
        (LAMP, "on", GREEN, LAMP | {"state": {"brightness": 20, "hue": 120, "saturation": 90, "color_temp": 0}}),
        (STRIP, None, WARM_LIGHT, STRIP | {"type": "custom"}),
        (
            WHITE,
            "on",
            Setting(brightness_pct=30),
            {"re_power_type": "always_on", "brightness": {"type": "custom", "value": 30}, "newer": 1},
        ),
        (WHITE, None, "last", WHITE),
        (SWITCH, "on", None, SWITCH | {"re_power_type": "always_on"}),
        (FAN, "off", None, FAN | {"re_power_type": "always_off"}),
    ],
)
def test_every_shape_is_set_and_the_rest_stays(
    states: dict[str, Any], power: Power | None, light: Setting | Literal["last"] | None, told: dict[str, Any]
) -> None:
    it = device(states)
    set_default_states(it, power, light)
    assert it.told == [("set_device_info", {"default_states": told})]


def test_what_a_device_does_not_take_is_refused_here() -> None:
    it = device(LAMP)
    with pytest.raises(BadSetting, match=r"come back off after a power cut: it takes on or last$"):
        set_default_states(it, "off")
    with pytest.raises(BadSetting, match=r"color_temp 7000 is out of range: it takes 2500 to 6500 K$"):
        set_default_states(it, light=Setting(brightness_pct=5, color_temp_k=7000))
    with pytest.raises(BadSetting, match=r"the light after a power cut has a brightness: say which, 1 to 100 percent$"):
        set_default_states(it, light=Setting(color_temp_k=5000))
    assert it.told == []
    with pytest.raises(Unsupported, match=r"it has no choice of coming back on or off, only of its light$"):
        set_default_states(device(STRIP), "on")
    with pytest.raises(Unsupported, match=r"it has no light to choose for the time after a power cut$"):
        set_default_states(device(PLUG), light=GREEN)
    with pytest.raises(Unsupported, match=r": it shows no colors"):
        set_default_states(device(WHITE, "brightness"), light=GREEN)


def test_a_device_that_does_not_say_is_not_guessed_at() -> None:
    with pytest.raises(Unsupported, match=r": it does not say what it does after a power cut$"):
        get_default_states(Kept(get_device_info={"device_on": True}))
    with pytest.raises(Unsupported, match=r"after a power cut as a whole; of a power strip name a socket, as in"):
        set_default_states(Kept("control_child", get_device_info={}), "on")
