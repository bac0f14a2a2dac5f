"""The effects of light strips and of segments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tapo_automate.errors import BadSetting, Garbled, Unsupported
from tapo_automate.wire.commands.strip_effects import (
    LightingEffect,
    SegmentEffect,
    StripColor,
    get_device_segment,
    get_lighting_effect,
    get_segment_effect_rule,
    set_lighting_effect,
    set_segment_effect_rule,
)
from wire.commands.kept import Kept

SHORT = {"id": "", "name": "station", "enable": 0, "custom": 0, "brightness": 50, "display_colors": []}
LONG = {
    "id": "X1", "name": "Dawn", "enable": 1, "custom": 1, "brightness": 80, "display_colors": [[30, 0, 100]],
    "type": "pulse", "sequence": [[0, 100, 5], [30, 0, 100]], "segments": [0], "duration": 600, "transition": 60000,
    "spread": 1, "direction": 1, "repeat_times": 1, "expansion_strategy": 2, "run_time": 0, "trans_sequence": [],
}  # fmt: skip
DAWN = LightingEffect(
    "X1",
    "Dawn",
    True,
    True,
    80,
    (StripColor(30, 0, 100),),
    "pulse",
    (StripColor(0, 100, 5), StripColor(30, 0, 100)),
    (0,),
    600,
    60000,
    1,
    1,
    1,
    2,
    {"run_time": 0, "trans_sequence": []},
)


def strip(**answers: Any) -> Kept:
    setters = {"set_lighting_effect": {}, "apply_segment_effect_rule": {}}
    return Kept("light_strip_lighting_effect:2 segment_effect segment", **{**setters, **answers})


def test_an_effect_is_read_and_written_in_its_own_words() -> None:
    it = strip(get_lighting_effect=LONG)
    assert get_lighting_effect(it) == DAWN
    set_lighting_effect(it, DAWN)
    set_lighting_effect(it, replace(DAWN, enabled=False, brightness_pct=20))
    assert it.told == [
        ("set_lighting_effect", LONG),
        ("set_lighting_effect", LONG | {"enable": 0, "brightness": 20}),
    ]


def test_what_a_strip_does_not_say_is_not_sent() -> None:
    it = strip(get_lighting_effect=SHORT | {"segment_length": 1})
    found = get_lighting_effect(it)
    assert (found.kind, found.sequence, found.transition_ms) == (None, None, None)
    set_lighting_effect(it, replace(found, enabled=True))
    assert it.told == [("set_lighting_effect", SHORT | {"segment_length": 1, "enable": 1})]


def test_an_effect_of_segments_goes_by_its_other_name_where_the_first_is_unknown() -> None:
    mine = SHORT | {"enable": 1}
    it = Kept("segment_effect", get_segment_effect_rule=mine, set_segment_effect_rule={})
    set_segment_effect_rule(it, get_segment_effect_rule(it))
    assert it.told[-1] == ("set_segment_effect_rule", mine)


def test_the_colors_of_segments_have_a_fourth_number() -> None:
    mine = SHORT | {"enable": 1, "display_colors": [[120, 100, 80, 0], [0, 0, 50, 4000]]}
    it = strip(get_segment_effect_rule=mine)
    found = get_segment_effect_rule(it)
    assert found.display_colors == (StripColor(120, 100, 80, 0), StripColor(0, 0, 50, 4000))
    set_segment_effect_rule(it, found)
    assert it.told == [("apply_segment_effect_rule", mine)]


def test_segments_have_effects_of_their_own() -> None:
    it = strip(get_segment_effect_rule=SHORT | {"newer": {}}, get_device_segment={"segment": 50})
    assert get_device_segment(it) == 50
    found = get_segment_effect_rule(it)
    assert found == SegmentEffect("", "station", False, False, 50, more={"newer": {}})
    set_segment_effect_rule(it, replace(found, enabled=True, display_colors=(StripColor(1, 2, 3),)))
    told = SHORT | {"newer": {}, "enable": 1, "display_colors": [[1, 2, 3]]}
    assert it.told == [("apply_segment_effect_rule", told)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"brightness_pct": 0}, "brightness 0 of an effect is out of range: it takes 1 to 100 percent"),
        ({"sequence": (StripColor(361, 0, 0),)}, "hue 361 in the effect is out of range: it takes 0 to 360 degrees"),
        (
            {"sequence": (StripColor(0, 101, 0),)},
            "saturation 101 in the effect is out of range: it takes 0 to 100 percent",
        ),
        (
            {"display_colors": (StripColor(0, 0, -1),)},
            "brightness -1 in the effect is out of range: it takes 0 to 100 percent",
        ),
    ],
)
def test_an_effect_that_cannot_be_is_refused_here(changed: dict[str, Any], said: str) -> None:
    it = strip()
    with pytest.raises(BadSetting) as refused:
        set_lighting_effect(it, replace(DAWN, **changed))
    assert (refused.value.problem, it.told) == (said, [])


def test_one_that_was_never_shown_can_be_switched_off() -> None:
    it = strip(get_segment_effect_rule=SHORT | {"brightness": 0})
    found = get_segment_effect_rule(it)
    set_segment_effect_rule(it, found)
    assert it.told == [("apply_segment_effect_rule", SHORT | {"brightness": 0})]
    with pytest.raises(BadSetting, match="brightness 0 of an effect is out of range"):
        set_segment_effect_rule(it, replace(found, enabled=True))


def test_what_cannot_be_read_is_said() -> None:
    for ask, said in (
        (get_lighting_effect, "effects of the kind that light strips have"),
        (get_segment_effect_rule, "effects of segments"),
        (get_device_segment, "segments"),
    ):
        with pytest.raises(Unsupported, match=rf": it has no {said}$"):
            ask(Kept())
    with pytest.raises(Garbled, match=r"something else under 'sequence' where a list of colors, each hue, "):
        get_lighting_effect(strip(get_lighting_effect=LONG | {"sequence": ["red"]}))
    with pytest.raises(Garbled, match="under 'segments' where a list of whole numbers belongs"):
        get_lighting_effect(strip(get_lighting_effect=LONG | {"segments": ["all"]}))
