"""The presets of lamps, in each of their shapes."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting, Garbled, Unsupported
from tapo_automate.wire.commands.presets import (
    Preset,
    edit_preset_rules,
    get_preset_rules,
    save_preset_effect,
    set_preset_rules,
    show_preset,
)
from tapo_automate.wire.commands.strip_effects import LightingEffect, SegmentEffect, StripColor
from wire.commands.kept import COLOR_INFO, COLOR_LAMP, Kept

WHITE = {"brightness": 50, "color_temp": 2700, "hue": 0, "saturation": 100, "newer": 1}
BLUE = {"brightness": 100, "color_temp": 0, "hue": 240, "saturation": 90}
DAWN = {"id": "X1", "name": "Dawn", "enable": 1, "custom": 0, "brightness": 80, "display_colors": [], "type": "pulse"}
DAWN_EFFECT = LightingEffect("X1", "Dawn", True, False, 80, kind="pulse")
WHITE_LIGHT = Setting(brightness_pct=50, color_temp_k=2700)
BLUE_LIGHT = Setting(brightness_pct=100, hue_deg=240, saturation_pct=90)


def lamp(answer: dict[Any, Any], components: str = COLOR_LAMP, **info: Any) -> Kept:
    setters = ("edit_preset_rules", "set_preset_rules", "set_device_info", "set_lighting_effect")
    return Kept(
        f"preset {components}",
        get_preset_rules=answer,
        get_device_info=COLOR_INFO | info,
        **{name: {} for name in setters},
    )


def colors() -> Kept:
    return lamp({"states": [WHITE, BLUE]})


def dimmer() -> Kept:
    return lamp({"brightness": [1, 25, 50]}, "brightness")


def light_strip() -> Kept:
    return lamp(
        {
            0: {"start_index": 0, "states": [WHITE, {"lighting_effect": DAWN}, BLUE, BLUE], "sum": 6},
            4: {"start_index": 4, "states": [BLUE, WHITE], "sum": 6},
        }
    )


def test_every_shape_is_read() -> None:
    assert get_preset_rules(colors()) == (Preset(0, WHITE_LIGHT), Preset(1, BLUE_LIGHT))
    assert get_preset_rules(dimmer())[1] == Preset(1, Setting(brightness_pct=25))
    found = get_preset_rules(light_strip())
    assert [each.index for each in found] == [0, 1, 2, 3, 4, 5]
    assert found[1] == Preset(1, None, DAWN_EFFECT)
    assert found[5].light == WHITE_LIGHT


@pytest.mark.parametrize(
    ("index", "light", "state"),
    [
        (0, Setting(brightness_pct=9), WHITE | {"brightness": 9}),
        (0, BLUE_LIGHT, WHITE | BLUE),
        (1, Setting(brightness_pct=9, color_temp_k=6500), BLUE | {"brightness": 9, "color_temp": 6500}),
    ],
    ids=["dimmer", "a color", "a white"],
)
def test_a_light_is_kept_in_its_place(index: int, light: Setting, state: dict[str, Any]) -> None:
    it = colors()
    edit_preset_rules(it, index, light)
    assert it.told == [("edit_preset_rules", {"index": index, "state": state})]


def test_the_only_white_of_a_light_strip_is_kept_like_any_other() -> None:
    it = lamp({"states": [BLUE]}, color_temp_range=[9000, 9000])
    edit_preset_rules(it, 0, Setting(brightness_pct=9, color_temp_k=9000))
    assert it.told == [("edit_preset_rules", {"index": 0, "state": BLUE | {"brightness": 9, "color_temp": 9000}})]
    with pytest.raises(Unsupported, match=r": its white cannot be tuned: it has no color_temp$"):
        edit_preset_rules(it, 0, Setting(brightness_pct=9, color_temp_k=8000))


def test_a_lamp_of_brightnesses_is_sent_them_all() -> None:
    it = dimmer()
    edit_preset_rules(it, 1, Setting(brightness_pct=30))
    set_preset_rules(it, [100, 50, 1])
    assert it.told == [
        ("set_preset_rules", {"brightness": [1, 30, 50]}),
        ("set_preset_rules", {"brightness": [100, 50, 1]}),
    ]


def test_an_effect_and_a_light_take_each_other_s_place() -> None:
    it = light_strip()
    edit_preset_rules(it, 1, BLUE_LIGHT)
    save_preset_effect(it, 4, DAWN_EFFECT)
    assert it.told == [
        ("edit_preset_rules", {"index": 1, "state": BLUE}),
        ("edit_preset_rules", {"index": 4, "state": {"lighting_effect": DAWN}}),
    ]


def test_a_preset_lights_the_lamp() -> None:
    it = light_strip()
    for preset in get_preset_rules(it)[:3]:
        show_preset(it, preset)
    show_preset(it, Preset(0, Setting(brightness_pct=25)))
    assert it.told == [
        ("set_device_info", {"device_on": True, "brightness": 50, "color_temp": 2700}),
        ("set_lighting_effect", DAWN),
        ("set_device_info", {"device_on": True, **BLUE}),
        ("set_device_info", {"device_on": True, "brightness": 25}),
    ]


STACKING = {
    "id": "S1",
    "name": "Stacks",
    "enable": 1,
    "custom": 1,
    "brightness": 90,
    "display_colors": [[40, 100, 100, 0]],
    "type": "stacking",
    "states": [[40, 100, 100, 0]],
    "segments": [50],
    "speed": 5,
}


def test_an_effect_of_segments_is_a_preset_like_any_other() -> None:
    """An L930 of firmware 1.4.3 has them among its presets."""
    it = lamp({"states": [WHITE, {"segment_effect": STACKING}]}, f"{COLOR_LAMP} segment_effect")
    it.answers["apply_segment_effect_rule"] = {}
    light, kept = get_preset_rules(it)
    assert light == Preset(0, WHITE_LIGHT)
    assert isinstance(kept.effect, SegmentEffect)
    assert (kept.light, kept.effect.name, kept.effect.brightness_pct) == (None, "Stacks", 90)
    assert kept.effect.display_colors == (StripColor(40, 100, 100, 0),)
    show_preset(it, kept)
    edit_preset_rules(it, 1, BLUE_LIGHT)
    assert it.told == [("apply_segment_effect_rule", STACKING), ("edit_preset_rules", {"index": 1, "state": BLUE})]


def test_a_preset_of_neither_light_nor_effect_is_garbled() -> None:
    with pytest.raises(Garbled, match=r"get_preset_rules.states\[0\] has nothing under 'brightness'"):
        get_preset_rules(lamp({"states": [{"newer_effect": {}}]}))


@pytest.mark.parametrize(
    ("index", "light", "said"),
    [
        (2, BLUE_LIGHT, "it has no preset 3: it has 2, counted from 1"),
        (-1, BLUE_LIGHT, "it has no preset 0: it has 2, counted from 1"),
        (0, Setting(color_temp_k=2700), "a preset has a brightness: say which, 1 to 100 percent"),
        (0, Setting(brightness_pct=5, hue_deg=1), "a preset of a color has both hue and saturation"),
        (0, Setting(brightness_pct=101), "brightness 101 is out of range: it takes 1 to 100 percent"),
        (0, Setting(brightness_pct=5, color_temp_k=2000), "color_temp 2000 is out of range: it takes 2500 to 6500 K"),
    ],
)
def test_a_light_that_cannot_be_kept_is_refused_here(index: int, light: Setting, said: str) -> None:
    it = colors()
    with pytest.raises(BadSetting) as refused:
        edit_preset_rules(it, index, light)
    assert (refused.value.problem, it.told) == (said, [])


def test_what_a_lamp_lacks_is_said() -> None:
    with pytest.raises(Unsupported, match=r": it has no presets$"):
        get_preset_rules(Kept())
    with pytest.raises(Unsupported, match=r": it shows no colors: it has no hue and saturation$"):
        edit_preset_rules(dimmer(), 0, BLUE_LIGHT)
    with pytest.raises(Unsupported, match=r": its presets are brightnesses, they hold no effect$"):
        save_preset_effect(dimmer(), 0, DAWN_EFFECT)
    with pytest.raises(Unsupported, match=r": its presets are lights of a color each: change them one by one$"):
        set_preset_rules(colors(), [1, 2])
    with pytest.raises(BadSetting, match=r": 2 presets are not what it keeps: it takes 3$"):
        set_preset_rules(dimmer(), [1, 2])
    with pytest.raises(BadSetting, match=r": brightness 0 is out of range: it takes 1 to 100 percent$"):
        set_preset_rules(dimmer(), [1, 2, 0])
    with pytest.raises(Garbled, match="nothing under 'states' where a list belongs"):
        get_preset_rules(lamp({"presets": []}))
    with pytest.raises(Garbled, match="under 'brightness' where a list of whole numbers belongs"):
        get_preset_rules(lamp({"brightness": ["50"]}))
