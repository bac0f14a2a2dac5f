"""The effects of bulbs."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from tapo_automate.errors import BadSetting, Garbled, Unsupported
from tapo_automate.wire.commands.effects import (
    DynamicLightEffect,
    DynamicLightEffects,
    EffectColor,
    edit_dynamic_light_effect_rule,
    get_dynamic_light_effect_rules,
    set_dynamic_light_effect_brightness,
    set_dynamic_light_effect_rule_enable,
)
from wire.commands.kept import COLOR_INFO, COLOR_LAMP, Kept

PARTY = {"id": "L1", "change_mode": "direct", "change_time": 1000, "scene_name": "Party", "newer": 7}
PARTY |= {"color_status_list": [[10, 0, 0, 2700], [20, 321, 99, 0]]}
RELAX = {"id": "L2", "change_mode": "bln", "change_time": 3000, "scene_name": ""}
RELAX |= {"color_status_list": [[100, 240, 100, 0, 55], [100, 195, 100, 0, 66]]}
ENABLE, EDIT = "set_dynamic_light_effect_rule_enable", "edit_dynamic_light_effect_rule"
SHORT_SET, SHORT_EDIT = "set_dynamic_light_effect_rules", "edit_dynamic_light_effect_rules"


def rules(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"enable": False, "max_count": 2, "rule_list": list(rows), "start_index": 0, "sum": len(rows), **more}


def lamp(*rows: dict[str, Any], setters: tuple[str, ...] = (ENABLE, EDIT), **more: Any) -> Kept:
    answers = {"get_device_info": COLOR_INFO, "get_dynamic_light_effect_rules": rules(*rows or (PARTY, RELAX), **more)}
    return Kept(f"light_effect {COLOR_LAMP}", **answers, **{name: {} for name in setters})


def test_effects_are_read_and_rows_are_brightness_hue_saturation_color_temp() -> None:
    found = get_dynamic_light_effect_rules(lamp(enable=True, current_rule_id="L2"))
    party = DynamicLightEffect("L1", "Party", "direct", 1000, (EffectColor(10, 0, 0, 2700), EffectColor(20, 321, 99)))
    relax = DynamicLightEffect("L2", "", "bln", 3000, (EffectColor(100, 240, 100), EffectColor(100, 195, 100)))
    assert found == DynamicLightEffects((party, relax), "L2", 2)
    assert [(each.title, each.brightness_pct) for each in found.effects] == [("Party", 20), ("Relax", 100)]
    assert get_dynamic_light_effect_rules(lamp(current_rule_id="L2")).running is None, "it is the one shown last"
    assert get_dynamic_light_effect_rules(lamp(RELAX | {"id": "L7"})).effects[0].title == "L7"


def test_a_name_may_be_base64_or_plain() -> None:
    coded = base64.b64encode("Sonnenuntergäng".encode()).decode()
    names = [each.name for each in get_dynamic_light_effect_rules(lamp(PARTY | {"scene_name": coded}, PARTY)).effects]
    assert names == ["Sonnenuntergäng", "Party"]


def test_one_is_started_and_stopped() -> None:
    it = lamp()
    set_dynamic_light_effect_rule_enable(it, "L2")
    set_dynamic_light_effect_rule_enable(it, None)
    assert it.told == [(ENABLE, {"enable": True, "id": "L2"}), (ENABLE, {"enable": False})]
    with pytest.raises(BadSetting, match=r": it has no effect 'L3'; it has: L1 \(Party\), L2 \(Relax\)$"):
        set_dynamic_light_effect_rule_enable(it, "L3")


def test_the_other_names_are_used_where_the_usual_ones_are_not_known() -> None:
    it = lamp(setters=(SHORT_SET, SHORT_EDIT))
    set_dynamic_light_effect_rule_enable(it, "L1")
    set_dynamic_light_effect_brightness(it, "L1", 5)
    assert [method for method, _ in it.told] == [SHORT_SET, SHORT_EDIT]
    with pytest.raises(Unsupported, match=rf", without {ENABLE}$"):
        set_dynamic_light_effect_rule_enable(lamp(setters=()), "L1")


def test_dimming_rewrites_every_color_and_nothing_else() -> None:
    it = lamp()
    set_dynamic_light_effect_brightness(it, "L1", 35)
    set_dynamic_light_effect_brightness(it, "L2", 36)
    assert it.told == [
        (EDIT, PARTY | {"color_status_list": [[35, 0, 0, 2700], [35, 321, 99, 0]]}),
        (EDIT, RELAX | {"color_status_list": [[36, 240, 100, 0, 55], [36, 195, 100, 0, 66]]}),
    ]


@pytest.mark.parametrize(
    ("kept", "name", "sent"),
    [
        ("", "", ""),
        ("", "Night", base64.b64encode(b"Night").decode()),
        ("Party", "Night", "Night"),
        (base64.b64encode(b"Old").decode(), "Old", base64.b64encode(b"Old").decode()),
        (base64.b64encode(b"Old").decode(), "Night", base64.b64encode(b"Night").decode()),
    ],
)
def test_an_effect_is_edited_and_its_name_kept_in_the_lamp_s_manner(kept: str, name: str, sent: str) -> None:
    it = lamp(PARTY | {"scene_name": kept})
    new = DynamicLightEffect("L1", name, "bln", 2000, (EffectColor(50, 0, 0, 3000),))
    edit_dynamic_light_effect_rule(it, new)
    words = {"scene_name": sent, "change_mode": "bln", "change_time": 2000, "color_status_list": [[50, 0, 0, 3000]]}
    assert it.told == [(EDIT, PARTY | words)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"colors": ()}, "an effect has at least one color"),
        ({"change_ms": 0}, "colors that stand for 0 ms cannot be: it takes 1 ms and up"),
        (
            {"colors": (EffectColor(0, 0, 0),)},
            "brightness 0 of the effect's color 1 is out of range: it takes 1 to 100 percent",
        ),
        (
            {"colors": (EffectColor(9, 0, 0), EffectColor(9, 361, 0))},
            "hue 361 of the effect's color 2 is out of range: it takes 0 to 360 degrees",
        ),
        (
            {"colors": (EffectColor(9, 0, 101),)},
            "saturation 101 of the effect's color 1 is out of range: it takes 0 to 100 percent",
        ),
        (
            {"colors": (EffectColor(9, 0, 0, 2499),)},
            "color_temp 2499 of the effect's color 1 is out of range: it takes 2500 to 6500 K",
        ),
    ],
)
def test_an_effect_that_cannot_be_is_refused_here(changed: dict[str, Any], said: str) -> None:
    it = lamp()
    party = get_dynamic_light_effect_rules(it).effects[0]
    with pytest.raises(BadSetting) as refused:
        edit_dynamic_light_effect_rule(it, replace(party, **changed))
    assert (refused.value.problem, it.told) == (said, [])


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(Unsupported, match=r": it has no effects of the kind that bulbs have$"):
        get_dynamic_light_effect_rules(Kept())
    with pytest.raises(Garbled, match=r"something else under 'color_status_list' where a list of colors, each"):
        get_dynamic_light_effect_rules(lamp(PARTY | {"color_status_list": [[1, 2]]}))
    with pytest.raises(Garbled, match="nothing under 'rule_list' where a list belongs"):
        get_dynamic_light_effect_rules(Kept("light_effect", get_dynamic_light_effect_rules={"enable": False}))
