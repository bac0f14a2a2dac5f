"""The presets of lamps: the lights that the phone app offers at a touch, kept in the lamp.

Source: docs/protocol.md, "Presets".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature
from tapo_automate.wire.commands.light import light_words, read_light
from tapo_automate.wire.commands.strip_effects import (
    LightingEffect,
    SegmentEffect,
    lighting_effect_words,
    read_lighting_effect,
    read_segment_effect,
    set_lighting_effect,
    set_segment_effect_rule,
)

_PRESET = Feature("preset", "presets")
_GET, _STATES, _BRIGHTNESSES = "get_preset_rules", "states", "brightness"
_EFFECTS = ("lighting_effect", "segment_effect")  # a preset with one of them has no light


@dataclass(frozen=True, slots=True)
class Preset:
    """One of them, in its place from 0.  light: what it shows, without `on`; of an effect, None.  effect: of a strip,
    or of its segments.
    """

    index: int
    light: Setting | None
    effect: LightingEffect | SegmentEffect | None = None


def get_preset_rules(asked: Asked) -> tuple[Preset, ...]:
    """Return the lamp's presets.  Raises Unsupported where it keeps none."""
    rows = _rows(asked)
    if isinstance(rows, Reply):
        brightnesses = _brightnesses(rows)
        return tuple(Preset(index, Setting(brightness_pct=each)) for index, each in enumerate(brightnesses))
    return tuple(_preset(index, row) for index, row in enumerate(rows))


def edit_preset_rules(asked: Asked, index: int, light: Setting) -> None:
    """Keep another light in the place of a preset, counted from 0.

    light: a brightness, with a white or with a color (hue and saturation) where the lamp has them.  What else the lamp
    keeps of the preset stays.  A lamp that keeps brightnesses alone is sent them all.
    Raises BadSetting for a place or a value that the lamp does not have, Unsupported for a kind of light.
    """
    rows = _rows(asked)
    if isinstance(rows, Reply):
        brightnesses = _brightnesses(rows)
        _check_place(asked.host, index, len(brightnesses))
        brightnesses[index] = light_words(asked, light, "a preset")["brightness"]
        set_preset_rules(asked, brightnesses)
        return
    _check_place(asked.host, index, len(rows))
    words = light_words(asked, light, "a preset")
    before = {} if any(rows[index].has(each) for each in _EFFECTS) else rows[index].result
    state = {**{"hue": 0, "saturation": 0, "color_temp": 0}, **before, **words}
    _PRESET.call(asked, "edit_preset_rules", {"index": index, "state": state})


def save_preset_effect(asked: Asked, index: int, effect: LightingEffect) -> None:
    """Keep an effect in the place of a light strip's preset.  Raises as `edit_preset_rules`."""
    rows = _rows(asked)
    if isinstance(rows, Reply):
        raise Unsupported(asked.host, "its presets are brightnesses, they hold no effect")
    _check_place(asked.host, index, len(rows))
    state = {"lighting_effect": lighting_effect_words(effect)}
    _PRESET.call(asked, "edit_preset_rules", {"index": index, "state": state})


def set_preset_rules(asked: Asked, brightnesses_pct: Sequence[int]) -> None:
    """Set all presets of a lamp that keeps brightnesses, as many as it has, 1 to 100 each.

    Raises BadSetting for another number of them or one out of range, Unsupported for a lamp that keeps colors.
    """
    rows = _rows(asked)
    if not isinstance(rows, Reply):
        raise Unsupported(asked.host, "its presets are lights of a color each: change them one by one")
    count = len(_brightnesses(rows))
    if len(brightnesses_pct) != count:
        raise BadSetting(asked.host, f"{len(brightnesses_pct)} presets are not what it keeps: it takes {count}")
    for brightness_pct in brightnesses_pct:
        if not 1 <= brightness_pct <= 100:
            raise BadSetting(asked.host, f"brightness {brightness_pct} is out of range: it takes 1 to 100 percent")
    _PRESET.call(asked, "set_preset_rules", {**rows.result, _BRIGHTNESSES: list(brightnesses_pct)})


def show_preset(asked: Asked, preset: Preset) -> None:
    """Light the lamp as a preset of `get_preset_rules` has it."""
    if isinstance(preset.effect, SegmentEffect):
        set_segment_effect_rule(asked, replace(preset.effect, enabled=True))
    elif preset.effect is not None:
        set_lighting_effect(asked, preset.effect)
    elif preset.light is not None:
        asked.call("set_device_info", {"device_on": True, **_kept_words(preset.light)})


def _rows(asked: Asked) -> Reply | list[Reply]:
    """Return the presets as the lamp keeps them: rows, or the one answer with a list of brightnesses."""
    first, found = _PRESET.pages(asked, _GET, _STATES)
    if first.has(_BRIGHTNESSES):
        return first
    return Reply(asked.host, _GET, {_STATES: found or first.items(_STATES)}).tables(_STATES)


def _brightnesses(reply: Reply) -> list[int]:
    found = reply.items(_BRIGHTNESSES)
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in found):
        raise reply.wrong(_BRIGHTNESSES, "a list of whole numbers")
    return list(found)


def _preset(index: int, row: Reply) -> Preset:
    if row.has("lighting_effect"):
        return Preset(index, None, read_lighting_effect(row.table("lighting_effect")))
    if row.has("segment_effect"):
        return Preset(index, None, read_segment_effect(row.table("segment_effect")))
    return Preset(index, read_light(row))


def _kept_words(light: Setting) -> Mapping[str, Any]:
    """Return a light in the lamp's words; the lamp had it in them itself, so that nothing is checked."""
    words: dict[str, Any] = {"brightness": light.brightness_pct}
    if light.hue_deg is not None:
        return words | {"hue": light.hue_deg, "saturation": light.saturation_pct, "color_temp": 0}
    return words if light.color_temp_k is None else words | {"color_temp": light.color_temp_k}


def _check_place(host: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise BadSetting(host, f"it has no preset {index + 1}: it has {count}, counted from 1")
