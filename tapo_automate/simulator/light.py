"""What a lamp shows, in the fields of its own answers: brightness and colour, presets of the start, effects."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.refusal import PARAMS, Refused

LIGHT_KEYS = ("brightness", "hue", "saturation", "color_temp")
STATE_KEYS = ("device_on", *LIGHT_KEYS)
_TOP = {"brightness": 100, "hue": 360, "saturation": 100, "color_temp": 20_000}
_SUMMARIES = {"get_lighting_effect": "lighting_effect", "get_segment_effect_rule": "segment_effect"}


def check(info: dict[str, Any], state: dict[str, Any]) -> None:
    """Raise Refused unless state holds values that a lamp with this info can show."""
    low, high = info.get("color_temp_range") or (0, 0)
    for key, value in state.items():
        top = _TOP.get(key)
        if top is None:
            raise Refused(PARAMS)
        read.integer(state, key, 1 if key == "brightness" else 0, top)
        if key == "color_temp" and value and not low <= value <= high:
            raise Refused(PARAMS)


def remember(info: dict[str, Any], light: dict[str, int]) -> None:
    """Keep light as what the lamp starts with, where it is set to start with the last."""
    default = info.get("default_states")
    if not isinstance(default, dict):
        return
    kept, level = default.get("state"), default.get("brightness")
    if default.get("type") == "last_states" and isinstance(kept, dict):
        kept |= {key: info[key] for key in LIGHT_KEYS if key in kept and key in info}
    elif isinstance(level, dict) and level.get("type") == "last_states" and "brightness" in light:
        level["value"] = light["brightness"]


def end_effects(info: dict[str, Any], replies: dict[str, Any]) -> None:
    rules = replies.get("get_dynamic_light_effect_rules")
    if isinstance(rules, dict):
        rules["enable"] = False
        rules.pop("current_rule_id", None)
        info["dynamic_light_effect_enable"] = False
    for getter, summary in _SUMMARIES.items():
        if isinstance(replies.get(getter), dict):
            replies[getter]["enable"] = 0
        if isinstance(info.get(summary), dict):
            info[summary]["enable"] = 0
