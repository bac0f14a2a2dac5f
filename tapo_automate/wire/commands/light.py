"""A light as lamps keep it, in presets and for the time after a power cut: a brightness, with a white or a color.

Source: docs/protocol.md, "Ranges".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tapo_automate.device import Description, Setting
from tapo_automate.errors import BadSetting
from tapo_automate.wire import codec
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import versions


def described(asked: Asked) -> Description:
    """Return what the device says it is, with its own ranges."""
    return codec.description(asked.host, asked.call("get_device_info"), versions(asked), None)


def read_light(reply: Reply) -> Setting:
    """Return a light that a lamp keeps.  A color_temp other than 0 is a white, whatever hue stands beside it."""
    white_k = reply.integer("color_temp") if reply.has("color_temp") else 0
    colored = not white_k and reply.has("hue")
    return Setting(
        brightness_pct=reply.integer("brightness"),
        color_temp_k=white_k or None,
        hue_deg=reply.integer("hue") if colored else None,
        saturation_pct=reply.integer("saturation") if colored else None,
    )


def light_words(asked: Asked, light: Setting, what: str) -> dict[str, Any]:
    """Return a light in the lamp's words, checked against its own ranges.  what: is kept, as in "a preset".

    Raises BadSetting for a light that is not whole or out of range, Unsupported for a kind that the lamp does not have.
    """
    if light.brightness_pct is None:
        raise BadSetting(asked.host, f"{what} has a brightness: say which, 1 to 100 percent")
    if (light.hue_deg is None) != (light.saturation_pct is None):
        raise BadSetting(asked.host, f"{what} of a color has both hue and saturation")
    info, listed = asked.call("get_device_info"), versions(asked)
    device = codec.description(asked.host, info, listed, None)
    white_k = light.color_temp_k
    its_only_white = "color_temperature" in listed and info.get("color_temp_range") == [white_k, white_k]
    if its_only_white and light.hue_deg is None:  # it cannot be tuned, and is named all the same
        return {**codec.set_params(asked.host, replace(light, color_temp_k=None), device), "color_temp": white_k}
    return codec.set_params(asked.host, light, device)
