"""What a row of a device's table does when its time comes, in the device's words and in ours.

Strict to write, lenient to read.  Source: docs/protocol.md, "desired_states" and "Countdown".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting

_WORDS = {"on": True, "off": False, True: True, False: False}


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


def desired_setting(row: Mapping[str, Any], action: str = "action") -> Setting | None:
    """Return what a row sets, or None where that cannot be read.

    action: where component version 1, which only switches, keeps "on" or "off".

    >>> desired_setting({"desired_states": {"on": True, "color_temp": 2700, "hue": 0}}), desired_setting({})
    (Setting(on=True, brightness_pct=None, color_temp_k=2700, hue_deg=None, saturation_pct=None, transition_ms=None, \
toggle=False), None)
    """
    states = row.get("desired_states")
    if not isinstance(states, Mapping):
        word = row.get(action)
        on = _WORDS.get(word) if isinstance(word, str | bool) else None
        return None if on is None else Setting(on=on)
    on = states.get("on", True if "brightness" in states else None)
    if not isinstance(on, bool):
        return None
    if not on:
        return Setting(on=False)
    white = _whole(states, "color_temp")
    return Setting(
        on=True,
        brightness_pct=_whole(states, "brightness"),
        color_temp_k=white or None,
        hue_deg=None if white else _whole(states, "hue"),
        saturation_pct=None if white else _whole(states, "saturation"),
    )


def holds(row: Setting, wanted: Setting) -> bool:
    """Whether a row sets all that was wanted of it; devices add values of their own."""
    asked = ((getattr(row, item.name), getattr(wanted, item.name)) for item in fields(Setting))
    return all(value is None or found == value for found, value in asked)


def _whole(states: Mapping[str, Any], name: str) -> int | None:
    value = states.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
