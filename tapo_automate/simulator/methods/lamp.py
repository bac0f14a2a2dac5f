"""Presets, gradual switching, auto light and effects.  Source: docs/protocol.md, "Bulbs"."""

from typing import Any

from tapo_automate.simulator import effects, light
from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.profiles import PAGE
from tapo_automate.simulator.refusal import PARAMS, Refused

Params = dict[str, Any]

_STRIP_PAGE = 4
_SUMMARY = ("brightness", "custom", "display_colors", "enable", "id", "name")


@method("get_preset_rules", needs="get_preset_rules")
def get_preset_rules(appliance: Appliance, params: Params) -> Params:
    """A dump may hold the first page only; what lies behind it is an empty page, as the sum still counts it."""
    reply: Params = appliance.replies["get_preset_rules"]
    if "sum" not in reply:
        return reply
    start = read.page_start(params)
    size = _STRIP_PAGE if "light_strip" in appliance.profile.components else PAGE
    return reply | {"start_index": start, "states": reply.get("states", [])[start : start + size]}


@method("edit_preset_rules", needs="get_preset_rules")
def edit_preset_rules(appliance: Appliance, params: Params) -> None:
    states = appliance.replies["get_preset_rules"].get("states")
    if not isinstance(states, list):
        raise Refused(PARAMS)
    index = read.integer(params, "index", 0, len(states) - 1)
    state = read.mapping(params, "state")
    if "lighting_effect" in state:
        if len(state) > 1 or "light_strip_lighting_effect" not in appliance.profile.components:
            raise Refused(PARAMS)
        _check_lighting(read.mapping(state, "lighting_effect"))
    elif not state or not state.keys() <= appliance.info.keys():
        raise Refused(PARAMS)
    else:
        light.check(appliance.info, state)
    states[index] = state


@method("set_preset_rules", needs="get_preset_rules")
def set_preset_rules(appliance: Appliance, params: Params) -> None:
    reply = appliance.replies["get_preset_rules"]
    levels = params.get("brightness")
    if "brightness" not in reply or not isinstance(levels, list) or len(levels) != len(reply["brightness"]):
        raise Refused(PARAMS)
    for level in levels:
        read.integer({"brightness": level}, "brightness", 1, 100)
    reply["brightness"] = levels


@method("set_on_off_gradually_info", needs="get_on_off_gradually_info")
def set_on_off_gradually_info(appliance: Appliance, params: Params) -> None:
    stored: Params = appliance.replies["get_on_off_gradually_info"]
    if "enable" in stored:
        stored["enable"] = read.boolean(params, "enable")
        return
    sides = {side: read.mapping(params, side) for side in stored if side in params}
    if not sides:
        raise Refused(PARAMS)
    for side, wanted in sides.items():
        if "enable" in wanted:
            read.boolean(wanted, "enable")
        if "duration" in wanted:
            read.integer(wanted, "duration", 1, stored[side].get("max_duration", 60))
    for side, wanted in sides.items():
        stored[side] |= {key: wanted[key] for key in ("enable", "duration") if key in wanted and key in stored[side]}


@method("set_auto_light_info", needs="get_auto_light_info")
def set_auto_light_info(appliance: Appliance, params: Params) -> None:
    stored = appliance.replies["get_auto_light_info"]
    enable = read.boolean(params, "enable")
    if "mode" in params:
        stored["mode"] = read.choice(params, "mode", "light_track", "light_compensate")
    stored["enable"] = enable


@method("get_dynamic_light_effect_rules", needs="get_dynamic_light_effect_rules")
def get_dynamic_light_effect_rules(appliance: Appliance, params: Params) -> Params:
    reply: Params = appliance.replies["get_dynamic_light_effect_rules"]
    start = read.page_start(params)
    return reply | {"start_index": start, "rule_list": reply.get("rule_list", [])[start : start + PAGE]}


@method("set_dynamic_light_effect_rule_enable", needs="get_dynamic_light_effect_rules", effects="singular")
@method("set_dynamic_light_effect_rules", needs="get_dynamic_light_effect_rules", effects="plural")
def set_dynamic_light_effect_rule_enable(appliance: Appliance, params: Params) -> None:
    enable = read.boolean(params, "enable")
    if not enable:
        light.end_effects(appliance.info, appliance.replies)
        return
    rules = appliance.replies["get_dynamic_light_effect_rules"]
    number = read.choice(params, "id", *(rule["id"] for rule in rules["rule_list"]))
    light.end_effects(appliance.info, appliance.replies)
    rules["enable"] = True
    rules["current_rule_id"] = number
    appliance.info["dynamic_light_effect_enable"] = True
    appliance.info["dynamic_light_effect_id"] = number
    appliance.switch(True)


@method("edit_dynamic_light_effect_rule", needs="get_dynamic_light_effect_rules", effects="singular")
@method("edit_dynamic_light_effect_rules", needs="get_dynamic_light_effect_rules", effects="plural")
def edit_dynamic_light_effect_rule(appliance: Appliance, params: Params) -> None:
    rules = appliance.replies["get_dynamic_light_effect_rules"]["rule_list"]
    number = read.choice(params, "id", *(rule["id"] for rule in rules))
    rows = params.get("color_status_list")
    if not isinstance(rows, list) or not rows:
        raise Refused(PARAMS)
    for row in rows:
        if not isinstance(row, list) or len(row) != 4:
            raise Refused(PARAMS)
        named = dict(zip(("brightness", "hue", "saturation", "color_temp"), row, strict=True))
        light.check(appliance.info, named)
    rule = {
        "id": number,
        "change_mode": read.choice(params, "change_mode", "direct", "bln"),
        "change_time": read.integer(params, "change_time", 1, 3_600_000),
        "color_status_list": rows,
        "scene_name": read.text(params, "scene_name") if "scene_name" in params else "",
    }
    rules[[rule["id"] for rule in rules].index(number)] = rule


@method("set_lighting_effect", needs="get_lighting_effect")
def set_lighting_effect(appliance: Appliance, params: Params) -> None:
    """The whole effect replaces the stored one; turning an effect off may name less, and so may adjusting one."""
    if params.get("bAdjusted") and "enable" not in params:
        _adjust(appliance, params)
        return
    _check_lighting(params)
    _set_effect(appliance, params, "get_lighting_effect", "lighting_effect")


@method("set_segment_effect_rule", needs="get_segment_effect_rule")
@method("apply_segment_effect_rule", needs="get_segment_effect_rule")
def apply_segment_effect_rule(appliance: Appliance, params: Params) -> None:
    _check_effect(params, width=4)
    _set_effect(appliance, params, "get_segment_effect_rule", "segment_effect")


def _adjust(appliance: Appliance, params: Params) -> None:
    """Change what is named of the effect that runs."""
    stored: Params = appliance.replies["get_lighting_effect"]
    changed = {key: value for key, value in params.items() if key != "bAdjusted"}
    if not stored.get("enable"):
        raise Refused(PARAMS)
    effects.check(changed, 3)
    appliance.replies["get_lighting_effect"] = stored | changed
    appliance.info["lighting_effect"] |= {key: changed[key] for key in _SUMMARY if key in changed}


def _check_lighting(effect: Params) -> None:
    _check_effect(effect, width=3)
    if effect["enable"]:
        read.choice(effect, "type", "sequence", "random", "pulse", "static")


def _check_effect(effect: Params, *, width: int) -> None:
    if read.integer(effect, "enable", 0, 1):
        read.text(effect, "id")
        read.text(effect, "name")
    effects.check(effect, width)


def _set_effect(appliance: Appliance, params: Params, getter: str, summary: str) -> None:
    """Of the effects of a strip one runs at a time."""
    enable = params["enable"]
    if enable:
        light.end_effects(appliance.info, appliance.replies)
        appliance.replies[getter] = dict(params)
    else:
        appliance.replies[getter] |= params
    if summary in appliance.info:
        appliance.info[summary] |= {key: params[key] for key in _SUMMARY if key in params}
    if enable:
        appliance.switch(True)
