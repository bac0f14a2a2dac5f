"""The desired_states of rows: what a device takes, how it stores them, and how they are carried out.

Source: docs/protocol.md, 7.7.
"""

from typing import Any

from tapo_automate.simulator import light
from tapo_automate.simulator import params as read
from tapo_automate.simulator.refusal import PARAMS, Refused

States = dict[str, Any]
LONGEST_FADE_MS = 24 * 3_600_000


def checked(info: States, components: Any, states: States) -> States:
    """Return states as a device with this info and these components stores them.

    On, with one family: brightness and colour, or auto, or an effect of a strip; or off, and nothing else.  Newer lamps
    (auto_light 3 and later) take a fade with either.  Raises Refused.
    """
    newer = components.get("auto_light", 0) >= 3
    on = read.boolean(states, "on")
    rest = {key: value for key, value in states.items() if key != "on"}
    fade: States = {}
    if newer:
        fade["transition_period"] = rest.pop("transition_period", 0)
        read.integer(fade, "transition_period", 0, LONGEST_FADE_MS)
    if not on:
        if rest:
            raise Refused(PARAMS)
        return {"on": False} | fade
    auto: States = {}
    if newer:
        auto["auto"] = rest.pop("auto", False)
        if read.boolean(auto, "auto"):
            if rest.keys() - {"auto_mode"}:
                raise Refused(PARAMS)
            return {"on": True} | auto | {key: read.text(rest, key) for key in rest} | fade
    if "lighting_effect" in rest:
        if len(rest) > 1 or "light_strip_lighting_effect" not in components:
            raise Refused(PARAMS)
        return {"on": True, "lighting_effect": _effect(read.mapping(rest, "lighting_effect"))} | fade
    _check_light(info, rest)
    white = newer and rest.get("color_temp") and "hue" in info
    return {"on": True} | auto | ({"hue": 0, "saturation": 0} if white else {}) | rest | fade


def light_of(states: States) -> dict[str, int]:
    """Return the values of the light among states; beside a white, hue and saturation mean nothing."""
    found = {key: states[key] for key in light.LIGHT_KEYS if key in states}
    if found.get("color_temp"):
        found = {key: value for key, value in found.items() if key not in ("hue", "saturation")}
    return found


def _check_light(info: States, values: States) -> None:
    if not values.keys() <= info.keys():
        raise Refused(PARAMS)
    light.check(info, values)
    if values.get("color_temp") == 0 and not {"hue", "saturation"} <= values.keys():
        raise Refused(PARAMS)


def _effect(effect: States) -> States:
    read.text(effect, "id")
    read.text(effect, "name")
    read.integer(effect, "enable", 0, 1)
    if "brightness" in effect:
        read.integer(effect, "brightness", 0, 100)
    return effect
