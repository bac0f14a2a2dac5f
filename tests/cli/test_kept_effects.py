"""The effects that a lamp keeps among its presets: each is there to be started, by the method of its kind."""

from __future__ import annotations

from typing import Any

from tapo_automate.cli.effect import _choices
from wire.commands.kept import Kept

COMMON = {"enable": 1, "custom": 1, "brightness": 90, "display_colors": []}


def effect(name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"ID {name}", "name": name, **COMMON, **more}


def test_effects_of_segments_among_the_presets_are_there_beside_those_of_the_strip() -> None:
    light = {"brightness": 50, "color_temp": 4500, "hue": 0, "saturation": 100}
    states = [light, {"segment_effect": effect("Stacks")}, {"lighting_effect": effect("Dawn", type="pulse")}]
    lamp = Kept(
        "preset:3 light_strip_lighting_effect:2 segment_effect:2",
        get_preset_rules={"start_index": 0, "states": states, "sum": 3},
        get_lighting_effect=effect("Aurora", enable=0),
        get_segment_effect_rule=effect("Waves", enable=0),
        apply_segment_effect_rule={},
        set_lighting_effect={},
    )
    choices = {each.name: each for each in _choices(lamp)}
    assert list(choices) == ["Aurora", "Dawn", "Waves", "Stacks"]
    assert not any(each.running for each in choices.values())
    choices["Stacks"].start(None)
    choices["Dawn"].start(20)
    assert lamp.told == [
        ("apply_segment_effect_rule", effect("Stacks")),
        ("set_lighting_effect", effect("Dawn", type="pulse", brightness=20)),
    ]


def test_a_lamp_with_effects_of_segments_alone_has_those_among_its_presets() -> None:
    lamp = Kept(
        "preset:3 segment_effect:2",
        get_preset_rules={"states": [{"segment_effect": effect("Stacks")}]},
        get_segment_effect_rule=effect("", enable=0, brightness=0),
    )
    assert [each.name for each in _choices(lamp)] == ["Stacks"]
