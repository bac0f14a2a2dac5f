"""The commands of light and switching against devices of another hand, over real HTTP; and against the words of
real devices."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from real_dumps import DUMPS
from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import Unsupported
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import SmartDevice, open_device
from tapo_automate.wire.commands.auto_light import AutoLight, get_auto_light_info, set_auto_light_info
from tapo_automate.wire.commands.auto_off import (
    get_auto_off_config,
    get_protection_power,
    set_auto_off_config,
    set_protection_power,
)
from tapo_automate.wire.commands.default_states import (
    DefaultStates,
    get_default_states,
    set_default_states,
)
from tapo_automate.wire.commands.effects import (
    get_dynamic_light_effect_rules,
    set_dynamic_light_effect_brightness,
    set_dynamic_light_effect_rule_enable,
)
from tapo_automate.wire.commands.gradual import (
    Fade,
    GradualSwitching,
    get_on_off_gradually_info,
    set_on_off_gradually_info,
)
from tapo_automate.wire.commands.led import NightMode, get_led_info, set_led_info
from tapo_automate.wire.commands.presets import (
    Preset,
    edit_preset_rules,
    get_preset_rules,
    set_preset_rules,
    show_preset,
)
from tapo_automate.wire.commands.strip_effects import (
    get_device_segment,
    get_lighting_effect,
    get_segment_effect_rule,
    set_lighting_effect,
    set_segment_effect_rule,
)

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")
GREEN = Setting(brightness_pct=40, hue_deg=120, saturation_pct=90)

Meet: TypeAlias = Callable[..., tuple[Device, SmartDevice]]


@pytest.fixture
def meet() -> Iterator[Meet]:
    """Give a simulated device of a model or a dump, and a client to it.  socket: of a strip."""
    opened: list[SmartDevice] = []
    with Fleet() as fleet:

        def add(model: str | Path, socket: str = "", **options: Any) -> tuple[Device, SmartDevice]:
            device = fleet.add(model, **options, on=True, username=ACCOUNT.username, password=ACCOUNT.password)
            it = open_device(DeviceSpec("it", "tapo-plug", device.address, socket=socket), ACCOUNT)
            opened.append(it)
            return device, it

        yield add
        for it in opened:
            it.close()


def test_a_bulb_fades(meet: Meet) -> None:
    _, it = meet("L530")
    set_on_off_gradually_info(it, on_s=5)
    set_on_off_gradually_info(it, off_s=60)
    assert get_on_off_gradually_info(it) == GradualSwitching(True, Fade(True, 5), Fade(True, 60))
    set_on_off_gradually_info(it, False)
    assert get_on_off_gradually_info(it) == GradualSwitching(False, Fade(False, 5), Fade(False, 60))


def test_a_light_strip_fades_or_does_not(meet: Meet) -> None:
    _, it = meet("L900")
    set_on_off_gradually_info(it, True)
    assert get_on_off_gradually_info(it) == GradualSwitching(True)


def test_a_bulb_chooses_its_light(meet: Meet) -> None:
    _, it = meet("L530")
    set_auto_light_info(it, True, "light_compensate")
    assert get_auto_light_info(it) == AutoLight(True, "light_compensate")


def test_a_bulb_s_effect_runs_dimmed_and_ends(meet: Meet) -> None:
    _, it = meet("L530")
    before = get_dynamic_light_effect_rules(it).effects
    set_dynamic_light_effect_rule_enable(it, "L2")
    set_dynamic_light_effect_brightness(it, "L2", 35)
    found = get_dynamic_light_effect_rules(it)
    assert found.running == "L2"
    assert found.effects[0] == before[0]
    dimmed = tuple(replace(color, brightness_pct=35) for color in before[1].colors)
    assert found.effects[1] == replace(before[1], colors=dimmed)
    set_dynamic_light_effect_rule_enable(it, None)
    assert get_dynamic_light_effect_rules(it).running is None


def test_a_light_strip_s_effect_runs_dimmed_and_ends(meet: Meet) -> None:
    _, it = meet("L900")
    held = get_lighting_effect(it)
    assert not held.enabled
    set_lighting_effect(it, replace(held, enabled=True, brightness_pct=33))
    assert get_lighting_effect(it) == replace(held, enabled=True, brightness_pct=33)
    set_lighting_effect(it, replace(held, enabled=False))
    assert not get_lighting_effect(it).enabled


def test_segments_have_an_effect_of_their_own(meet: Meet) -> None:
    _, it = meet("L920")
    assert get_device_segment(it) == 50
    held = get_segment_effect_rule(it)
    set_segment_effect_rule(it, replace(held, enabled=True, brightness_pct=33))
    assert get_segment_effect_rule(it) == replace(held, enabled=True, brightness_pct=33)


def test_the_newest_lamps_fade_changes_and_keep_auto_light_to_themselves(meet: Meet) -> None:
    _, it = meet("L530", transport="tpap")
    set_on_off_gradually_info(it, changes=True)
    assert get_on_off_gradually_info(it).changes is True
    _, it = meet("L430C")
    assert get_auto_light_info(it) == AutoLight(False, from_info=True)
    with pytest.raises(Unsupported, match="of a newer kind, which is not set this way"):
        set_auto_light_info(it, True)


def test_the_light_of_a_fan_s_switch_is_a_part_like_any_other(meet: Meet) -> None:
    _, it = meet("KS240", "2")
    set_on_off_gradually_info(it, off_s=9)
    edit_preset_rules(it, 0, Setting(brightness_pct=7))
    set_default_states(it, "on", Setting(brightness_pct=30))
    assert get_on_off_gradually_info(it).off == Fade(True, 9)
    assert get_preset_rules(it)[0].light == Setting(brightness_pct=7)
    assert get_default_states(it) == DefaultStates("on", ("on", "last"), True, Setting(brightness_pct=30))


@pytest.mark.parametrize("model", ["L530", "L900"])
def test_colors_are_kept_as_presets_and_shown(meet: Meet, model: str) -> None:
    _, it = meet(model)
    before = get_preset_rules(it)
    assert len(before) == 7
    edit_preset_rules(it, 5, GREEN)
    assert get_preset_rules(it) == (*before[:5], Preset(5, GREEN), before[6])
    show_preset(it, before[1])
    state = it.state()
    assert (state.on, state.hue_deg, state.color_temp_k) == (True, 240, None)


def test_brightnesses_are_kept_as_presets_and_shown(meet: Meet) -> None:
    _, it = meet("L510")
    edit_preset_rules(it, 1, Setting(brightness_pct=33))
    assert [each.light for each in get_preset_rules(it)][:2] == [
        Setting(brightness_pct=1),
        Setting(brightness_pct=33),
    ]
    set_preset_rules(it, [90, 70, 50, 30, 10])
    show_preset(it, get_preset_rules(it)[3])
    assert it.state().brightness_pct == 30


def test_a_status_light_is_set(meet: Meet) -> None:
    _, it = meet("P110")
    set_led_info(it, "never")
    found = get_led_info(it)
    assert (found.rule, found.lit) == ("never", False)
    set_led_info(it, "night_mode", NightMode("custom", 1320, 390))
    found = get_led_info(it)
    assert found.night is not None
    assert (found.rule, found.night.kind, found.night.start_min, found.night.end_min) == (
        "night_mode",
        "custom",
        1320,
        390,
    )
    set_led_info(it, "night_mode", NightMode("sunrise_sunset", None, None, -30, 15))
    night = get_led_info(it).night
    assert night is not None
    assert (night.kind, night.sunset_offset_min, night.sunrise_offset_min) == ("sunrise_sunset", -30, 15)


def test_a_plug_turns_itself_off(meet: Meet) -> None:
    _, it = meet("P110")
    set_auto_off_config(it, True, 30)
    set_protection_power(it, True, 2000)
    assert (get_auto_off_config(it).delay_min, get_auto_off_config(it).enabled) == (30, True)
    assert (get_protection_power(it).limit_w, get_protection_power(it).enabled) == (2000, True)
    set_auto_off_config(it, False)
    set_protection_power(it, False)
    assert (get_auto_off_config(it).delay_min, get_auto_off_config(it).enabled) == (30, False)
    assert (get_protection_power(it).limit_w, get_protection_power(it).enabled) == (2000, False)


def test_a_socket_has_limits_of_its_own_and_no_status_light(meet: Meet) -> None:
    strip, it = meet("P304M", "2")
    set_protection_power(it, True, 1500)
    assert get_protection_power(it).limit_w == 1500
    with contextlib.closing(open_device(DeviceSpec("it", "tapo-plug", strip.address, socket="1"), ACCOUNT)) as other:
        assert get_protection_power(other).limit_w == 0
    set_default_states(it, "on")
    assert get_default_states(it).power == "on"
    with pytest.raises(Unsupported, match="that of a socket is its strip's: name the strip without the socket"):
        get_led_info(it)


@pytest.mark.parametrize(
    ("model", "power", "light"),
    [
        ("P110", "on", None),
        ("P110", "off", None),
        ("P110", "last", None),
        ("L530", "last", GREEN),
        ("L510", "last", Setting(brightness_pct=30)),
    ],
)
def test_a_device_is_told_what_to_do_after_a_power_cut(
    meet: Meet, model: str, power: Any, light: Setting | None
) -> None:
    _, it = meet(model)
    set_default_states(it, power, light)
    found = get_default_states(it)
    assert found == DefaultStates(power, found.powers, light is not None, light)


# The getter of each method, what is looked at of what it found, and the same in the device's words.
ALIKE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "get_on_off_gradually_info": (
        get_on_off_gradually_info,
        lambda found: (found.on and found.on.duration_s, found.off and found.off.enabled, found.changes),
        lambda words: (
            words.get("on_state") and words["on_state"]["duration"],
            words.get("off_state") and words["off_state"]["enable"],
            words["change_state"]["enable"] if "change_state" in words else None,
        ),
    ),
    "get_auto_light_info": (
        get_auto_light_info,
        lambda found: (found.enabled, found.mode, found.from_info),
        lambda words: (words["enable"], words["mode"], False),
    ),
    "get_dynamic_light_effect_rules": (
        get_dynamic_light_effect_rules,
        lambda found: [(each.id, each.name, each.change_ms, len(each.colors)) for each in found.effects],
        lambda words: [
            (each["id"], each["scene_name"], each["change_time"], len(each["color_status_list"]))
            for each in words["rule_list"]
        ],
    ),
    "get_lighting_effect": (
        get_lighting_effect,
        lambda found: (found.name, found.enabled, found.transition_ms, len(found.sequence)),
        lambda words: (words["name"], bool(words["enable"]), words["transition"], len(words["sequence"])),
    ),
    "get_segment_effect_rule": (
        get_segment_effect_rule,
        lambda found: (found.name, found.brightness_pct),
        lambda words: (words["name"], words["brightness"]),
    ),
    "get_device_segment": (get_device_segment, int, lambda words: words["segment"]),
    "get_preset_rules": (
        get_preset_rules,
        lambda found: [(each.light or each.effect).brightness_pct for each in found],
        lambda words: (
            words.get("brightness")
            or [each.get("lighting_effect", each.get("segment_effect", each))["brightness"] for each in words["states"]]
        ),
    ),
    "get_led_info": (get_led_info, lambda found: found.rule, lambda words: words["led_rule"]),
    "get_auto_off_config": (
        get_auto_off_config,
        lambda found: (found.delay_min, found.enabled),
        lambda words: (words["delay_min"], words["enable"]),
    ),
    "get_protection_power": (
        get_protection_power,
        lambda found: (found.limit_w, found.enabled),
        lambda words: (words["protection_power"], words.get("enabled", words.get("protection_enabled"))),
    ),
}


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_what_real_devices_said_is_read(path: Path, meet: Meet) -> None:
    dump = json.loads(path.read_text())
    sockets = [each for _, each in sorted((dump.get("child_devices") or {}).items())]
    numbers = (str(each["get_device_info"].get("position", place)) for place, each in enumerate(sockets, 1))
    parts = [("", dump), *zip(numbers, sockets, strict=True)]
    for socket, said in parts:
        _, it = meet(path, socket)
        for method, (ask, ours, theirs) in ALIKE.items():
            words = said.get(method)
            if isinstance(words, dict):
                assert ours(ask(it)) == theirs(words), method
            else:
                with contextlib.suppress(Unsupported):  # what a dump leaves out, the simulator may have
                    ask(it)
        states = (said.get("get_device_info") or {}).get("default_states")
        if states is None:
            with pytest.raises(Unsupported):
                get_default_states(it)
        else:
            found = get_default_states(it)
            assert found.has_light == ("brightness" in {**states, **states.get("state", {})})
            assert (found.power is None) == (not found.powers)
