"""What a row of a device's table does when its time comes, in the device's words and in ours.

Strict to write, lenient to read.  Source: docs/protocol.md, "desired_states" and "Countdown".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeGuard

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting

_WORDS = {"on": True, "off": False, True: True, False: False}
_RANGES = {"brightness": (1, 100), "color_temp": (0, 20_000), "hue": (0, 360), "saturation": (0, 100)}
_FADES = {"transition_period": (0, 86_400_000)}
_KNOWN = {"on", *_RANGES, *_FADES}
_ELSE = {"auto": "it leaves the light to the lamp itself", "lighting_effect": "it plays a light effect"}


def desired_states(host: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `desired_states` that do later what `set_device_info` with `params` does now.

    Raises BadSetting for what no row can hold: nothing at all, or a lamp that is switched off and set.

    >>> desired_states("x", {"brightness": 40}), desired_states("x", {"device_on": False})
    ({'on': True, 'brightness': 40}, {'on': False})
    """
    if not params:
        raise BadSetting(host, "there is nothing to set when the time comes: say on or off")
    light = {name: value for name, value in params.items() if name != "device_on"}
    if params.get("device_on", True):
        return {"on": True, **light}  # setting a lamp's light turns it on
    if light:
        raise BadSetting(host, f"what switches off later sets nothing else: leave {' and '.join(light)} out")
    return {"on": False}


def read_setting(row: Mapping[str, Any], action: str = "action") -> Setting | str:
    """Return what a row sets, without what devices add of their own, or why that cannot be said, as half a sentence.

    action: where component version 1, which only switches, keeps "on" or "off".  What is off has nothing but a
    transition; what shows white has no color.

    >>> read_setting({"desired_states": {"on": True, "auto": False, "color_temp": 2700, "hue": 0}}).as_rule()
    {'on': True, 'color_temp': 2700}
    >>> read_setting({"desired_states": {"on": True, "auto": True}}), read_setting({})
    ('it leaves the light to the lamp itself', 'it does not say what it sets')
    """
    states = row.get("desired_states")
    if not isinstance(states, Mapping):
        word = row.get(action)
        on = _WORDS.get(word) if isinstance(word, str | bool) else None
        return "it does not say what it sets" if on is None else Setting(on=on)
    on = truth(states.get("on", True if "brightness" in states else None))
    if on is None:
        return "it does not say whether it turns on or off"
    for name, value in states.items():
        if name not in _KNOWN and value:
            return _ELSE.get(name, "it sets what is not known here" + named(name))
    ranges = _RANGES if on else {}
    for name, (low, high) in (ranges | _FADES).items():
        value = states.get(name)
        if value is not None and not (is_whole(value) and low <= value <= high):
            return f"its {name} cannot be"
    transition_ms = states.get("transition_period") or None
    if not on:
        return Setting(on=False, transition_ms=transition_ms)
    white = states.get("color_temp") or None
    return Setting(
        on=True,
        brightness_pct=states.get("brightness"),
        color_temp_k=white,
        hue_deg=None if white else states.get("hue"),
        saturation_pct=None if white else states.get("saturation"),
        transition_ms=transition_ms,
    )


def holds(row: Setting, wanted: Setting) -> bool:
    """Whether a row sets all that was wanted of it; devices add values of their own."""
    asked = ((getattr(row, item.name), getattr(wanted, item.name)) for item in fields(Setting))
    return all(value is None or found == value for found, value in asked)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number; JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def truth(value: object) -> bool | None:
    """Return what a device means by true and false, which some write as 1 and 0; None for anything else."""
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def named(name: object) -> str:
    """Return a key of the device's as it may stand in a text for people: " (name)", or nothing for what is no name."""
    return f" ({name})" if isinstance(name, str) and name.isascii() and name.isidentifier() and len(name) < 33 else ""
