"""Whatever a device answers, the commands that read it say what they found or what is wrong with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.errors import Garbled, Unsupported
from tapo_automate.wire.commands.auto_light import get_auto_light_info
from tapo_automate.wire.commands.auto_off import get_auto_off_config, get_protection_power
from tapo_automate.wire.commands.default_states import get_default_states
from tapo_automate.wire.commands.effects import get_dynamic_light_effect_rules
from tapo_automate.wire.commands.gradual import get_on_off_gradually_info
from tapo_automate.wire.commands.led import get_led_info
from tapo_automate.wire.commands.presets import get_preset_rules
from tapo_automate.wire.commands.strip_effects import (
    get_device_segment,
    get_lighting_effect,
    get_segment_effect_rule,
)
from wire.commands.kept import Kept

ROW = {"brightness": 5, "color_temp": 2700, "hue": 1, "saturation": 2}
EFFECT = {"id": "", "name": "x", "enable": 0, "custom": 0, "brightness": 5, "display_colors": [[1, 2, 3]]}
EFFECT |= {"type": "pulse", "sequence": [[1, 2, 3]], "segments": [0], "transition": 5}
SIDE = {"enable": True, "duration": 5, "max_duration": 60}
RULE = {"id": "L1", "change_mode": "bln", "change_time": 5, "scene_name": "x", "color_status_list": [[1, 2, 3, 4]]}
NIGHT = {"night_mode_type": "custom", "start_time": 5, "end_time": 6, "sunrise_offset": 0, "sunset_offset": 0}

ANSWERS: list[tuple[Callable[[Any], Any], str, dict[str, Any]]] = [
    (
        get_on_off_gradually_info,
        "get_on_off_gradually_info",
        {"on_state": SIDE, "off_state": SIDE, "change_state": SIDE},
    ),
    (get_on_off_gradually_info, "get_on_off_gradually_info", {"enable": True}),
    (get_auto_light_info, "get_auto_light_info", {"enable": True, "mode": "light_track"}),
    (get_auto_light_info, "get_device_info", {"auto_biorhythm_light_enable": True}),
    (get_auto_off_config, "get_auto_off_config", {"enable": True, "delay_min": 5}),
    (get_protection_power, "get_protection_power", {"enabled": True, "protection_power": 5}),
    (
        get_led_info,
        "get_led_info",
        {"led_rule": "never", "led_status": True, "night_mode": NIGHT, "bri_config": {"overall_bri": 5}},
    ),
    (
        get_dynamic_light_effect_rules,
        "get_dynamic_light_effect_rules",
        {"enable": True, "current_rule_id": "L1", "max_count": 2, "rule_list": [RULE], "start_index": 0, "sum": 1},
    ),
    (get_lighting_effect, "get_lighting_effect", EFFECT),
    (get_segment_effect_rule, "get_segment_effect_rule", EFFECT),
    (get_device_segment, "get_device_segment", {"segment": 50}),
    (get_preset_rules, "get_preset_rules", {"brightness": [1, 2]}),
    (get_preset_rules, "get_preset_rules", {"start_index": 0, "states": [ROW, {"lighting_effect": EFFECT}], "sum": 2}),
    (
        get_default_states,
        "get_device_info",
        {"default_states": {"re_power_type": "always_on", "type": "custom", "state": ROW}},
    ),
    (
        get_default_states,
        "get_device_info",
        {"default_states": {"re_power_type": "x", "brightness": {"type": "custom", "value": 5}}},
    ),
    (
        get_default_states,
        "get_device_info",
        {"default_states": {"re_power_type": "x", "re_power_type_capability": ["x"], "type": "x"}},
    ),
]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner))


@st.composite
def spoiled(draw: st.DrawFn, answer: Any) -> Any:
    """Return an answer in which one thing, however deep, is another or missing."""
    if isinstance(answer, dict) and answer and draw(st.booleans() | st.just(value=True)):
        key = draw(st.sampled_from(sorted(answer)))
        if draw(st.integers(0, 5)) == 0:
            return {name: value for name, value in answer.items() if name != key}
        return answer | {key: draw(spoiled(answer[key]))}
    if isinstance(answer, list) and answer and draw(st.booleans()):
        index = draw(st.integers(0, len(answer) - 1))
        return [*answer[:index], draw(spoiled(answer[index])), *answer[index + 1 :]]
    return draw(ANYTHING)


@pytest.mark.parametrize(("ask", "method", "answer"), ANSWERS)
@settings(max_examples=40)
@given(data=st.data())
def test_mad_answers_are_read_or_refused(
    ask: Callable[[Any], Any], method: str, answer: dict[str, Any], data: st.DataObject
) -> None:
    def device(said: dict[str, Any]) -> Kept:
        return Kept("auto_light:3", **{method: said})

    ask(device(answer))
    said = data.draw(spoiled(answer))
    if isinstance(said, dict):
        with contextlib.suppress(Garbled, Unsupported):
            ask(device(said))
