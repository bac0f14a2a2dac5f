"""Every command that writes, on every device that is played back: what was set is what is read, there and here."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from tapo_automate.device import Credentials, Setting
from tapo_automate.errors import BadSetting, DeviceError, Unsupported
from tapo_automate.wire.answers import json_object
from tapo_automate.wire.codes import refusal
from tapo_automate.wire.commands.auto_light import get_auto_light_info, set_auto_light_info
from tapo_automate.wire.commands.auto_off import (
    get_auto_off_config,
    get_protection_power,
    set_auto_off_config,
    set_protection_power,
)
from tapo_automate.wire.commands.clock import get_device_time, set_device_time
from tapo_automate.wire.commands.default_states import get_default_states, set_default_states
from tapo_automate.wire.commands.effects import (
    DynamicLightEffect,
    EffectColor,
    edit_dynamic_light_effect_rule,
    get_dynamic_light_effect_rules,
    set_dynamic_light_effect_brightness,
    set_dynamic_light_effect_rule_enable,
)
from tapo_automate.wire.commands.firmware import AutoUpdate, fw_download, get_auto_update_info, set_auto_update_info
from tapo_automate.wire.commands.gradual import get_on_off_gradually_info, set_on_off_gradually_info
from tapo_automate.wire.commands.led import NightMode, get_led_info, set_led_info
from tapo_automate.wire.commands.network import set_wireless_info
from tapo_automate.wire.commands.presets import (
    edit_preset_rules,
    get_preset_rules,
    save_preset_effect,
    set_preset_rules,
    show_preset,
)
from tapo_automate.wire.commands.setup import get_inherit_info, set_inherit_info, set_qs_info
from tapo_automate.wire.commands.strip_effects import (
    StripColor,
    get_lighting_effect,
    get_segment_effect_rule,
    set_lighting_effect,
    set_segment_effect_rule,
)
from tapo_automate.wire.commands.system import device_reboot, device_reset
from wire.other_dumps import DUMPS
from wire.other_replay import Accent, Replay

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
ACCENTS: dict[str, Accent] = {
    "as most": {},
    "in pages of two": {"page": 2},
    "numbers with a fraction": {"floats": True},
    "truths as bits": {"bits": True},
    "newer names": {"newer": True, "no_region": True},
}


class Asked:
    """Whoever is asked, without a line between: what a device answers is what comes."""

    host = "10.0.0.5"

    def __init__(self, replay: Replay) -> None:
        self.replay = replay

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = json_object(json.dumps(self.replay.reply(method, ... if params is None else dict(params))))
        assert answer is not None
        if answer["error_code"]:
            raise refusal(self.host, method, answer["error_code"])
        return dict(answer.get("result") or {})


def has(replay: Replay, method: str) -> bool:
    return isinstance(replay.said.get(method), dict)


def written(asked: Asked, method: str) -> Any:
    """Return the parameters of the last setter that was carried out, which is to be this one."""
    assert asked.replay.told[-1][0] == method
    return asked.replay.told[-1][1]


def auto_light(asked: Asked) -> None:
    set_auto_light_info(asked, True, "light_compensate")
    assert (get_auto_light_info(asked).enabled, get_auto_light_info(asked).mode) == (True, "light_compensate")
    set_auto_light_info(asked, False)
    assert asked.replay.said["get_auto_light_info"] == {"enable": False, "mode": "light_compensate"}


def auto_off(asked: Asked) -> None:
    before = get_auto_off_config(asked).delay_min
    set_auto_off_config(asked, True)
    assert (get_auto_off_config(asked).enabled, get_auto_off_config(asked).delay_min) == (True, before)
    set_auto_off_config(asked, False, 17)
    assert asked.replay.said["get_auto_off_config"] == {"enable": False, "delay_min": 17}


def protection(asked: Asked) -> None:
    spelled = asked.replay.said["get_protection_power"].keys()
    set_protection_power(asked, True, 1234)
    found = get_protection_power(asked)
    assert (found.enabled, found.limit_w, asked.replay.said["get_protection_power"].keys()) == (True, 1234, spelled)
    set_protection_power(asked, False)
    assert get_protection_power(asked).enabled is False
    if "get_max_power" in asked.replay.said:  # a strip leaves it to its sockets
        with pytest.raises(BadSetting):
            set_protection_power(asked, True, asked.replay.said["get_max_power"]["max_power"] + 1)


def clock(asked: Asked) -> None:
    set_device_time(asked, NOW, "America/New_York")
    words = {"timestamp": int(NOW.timestamp()), "time_diff": -300, "region": "America/New_York"}
    assert written(asked, "set_device_time") == words, "the offset of winter, in summer too"
    assert get_device_time(asked).at == NOW


def firmware(asked: Asked) -> None:
    for wanted in (AutoUpdate(True, 0, 30), AutoUpdate(False, 1439, 120)):
        set_auto_update_info(asked, wanted)
        assert get_auto_update_info(asked) == wanted
    fw_download(asked)
    fw_download(asked, "http://10.0.0.9/fw.bin")
    assert written(asked, "fw_download") == {"url": "http://10.0.0.9/fw.bin"}


def led(asked: Asked) -> None:
    has_hours = "night_mode" in asked.replay.said["get_led_info"]
    before = get_led_info(asked)
    for rule in ("never", "always"):
        set_led_info(asked, rule)
        assert (get_led_info(asked).rule, get_led_info(asked).night) == (rule, before.night)
    if not has_hours:
        with pytest.raises(Unsupported):
            set_led_info(asked, "night_mode")
        return
    set_led_info(asked, "night_mode", NightMode("custom", 1300, 400))
    found = get_led_info(asked).night
    assert found is not None
    assert (found.kind, found.start_min, found.end_min) == ("custom", 1300, 400)
    assert get_led_info(asked).brightness_pct == before.brightness_pct


def gradual(asked: Asked) -> None:
    set_on_off_gradually_info(asked, True)
    assert get_on_off_gradually_info(asked).enabled
    set_on_off_gradually_info(asked, False)
    assert not get_on_off_gradually_info(asked).enabled
    if get_on_off_gradually_info(asked).on is None:
        with pytest.raises(Unsupported):
            set_on_off_gradually_info(asked, on_s=3)
        return
    set_on_off_gradually_info(asked, on_s=13, off_s=60)
    found = get_on_off_gradually_info(asked)
    assert found.on is not None
    assert found.off is not None
    assert (found.on.duration_s, found.off.duration_s, found.on.enabled, found.off.enabled) == (13, 60, True, True)
    with pytest.raises(BadSetting):
        set_on_off_gradually_info(asked, off_s=61)
    if found.changes is not None:
        set_on_off_gradually_info(asked, changes=not found.changes)
        assert get_on_off_gradually_info(asked).changes is not found.changes


def bulb_effects(asked: Asked) -> None:
    info = asked.replay.said["get_device_info"]
    for effect in get_dynamic_light_effect_rules(asked).effects:
        set_dynamic_light_effect_rule_enable(asked, effect.id)
        assert get_dynamic_light_effect_rules(asked).running == effect.id
        assert info["dynamic_light_effect_enable"]
        colors = (EffectColor(5, 200, 90), EffectColor(100, 0, 0, 3000))
        edit_dynamic_light_effect_rule(asked, dataclasses.replace(effect, change_ms=1700, colors=colors))
        found = next(each for each in get_dynamic_light_effect_rules(asked).effects if each.id == effect.id)
        assert (found.change_ms, found.colors, found.name) == (1700, colors, effect.name)
        set_dynamic_light_effect_brightness(asked, effect.id, 42)
        found = next(each for each in get_dynamic_light_effect_rules(asked).effects if each.id == effect.id)
        assert [each.brightness_pct for each in found.colors] == [42, 42]
    set_dynamic_light_effect_rule_enable(asked, None)
    assert get_dynamic_light_effect_rules(asked).running is None
    with pytest.raises(BadSetting):
        set_dynamic_light_effect_rule_enable(asked, "L9")


def strip_effect(asked: Asked) -> None:
    effect = get_lighting_effect(asked)
    color = StripColor(120, 50, 60)
    wanted = dataclasses.replace(effect, enabled=True, brightness_pct=61, display_colors=(color,))
    set_lighting_effect(asked, wanted)
    assert get_lighting_effect(asked) == wanted
    assert asked.replay.said["get_device_info"]["lighting_effect"]["brightness"] == 61
    set_lighting_effect(asked, dataclasses.replace(wanted, enabled=False))
    assert get_lighting_effect(asked).enabled is False


def segment_effect(asked: Asked) -> None:
    wanted = dataclasses.replace(get_segment_effect_rule(asked), enabled=True, brightness_pct=12)
    set_segment_effect_rule(asked, wanted)
    assert get_segment_effect_rule(asked) == wanted


def presets(asked: Asked) -> None:
    said = asked.replay.said["get_preset_rules"]
    before = get_preset_rules(asked)
    if "brightness" in said:
        set_preset_rules(asked, range(2, 2 + len(before)))
        edit_preset_rules(asked, 0, Setting(brightness_pct=99))
        assert said["brightness"] == [99, *range(3, 2 + len(before))]
        with pytest.raises(BadSetting):
            set_preset_rules(asked, [5])
    else:
        last = len(before) - 1
        edit_preset_rules(asked, last, Setting(brightness_pct=23, hue_deg=111, saturation_pct=45))
        found = get_preset_rules(asked)
        assert found[last].light == Setting(brightness_pct=23, hue_deg=111, saturation_pct=45)
        assert found[:last] == before[:last]
        if has(asked.replay, "get_lighting_effect"):
            save_preset_effect(asked, 0, get_lighting_effect(asked))
            assert get_preset_rules(asked)[0].effect == get_lighting_effect(asked)
    with pytest.raises(BadSetting):
        edit_preset_rules(asked, len(before), Setting(brightness_pct=50))
    shown = get_preset_rules(asked)[-1]
    show_preset(asked, shown)
    info = asked.replay.said["get_device_info"]
    assert shown.light is not None
    assert (info["brightness"], info["device_on"]) == (shown.light.brightness_pct, True)
    if shown.light.hue_deg is not None:
        assert (info["hue"], info["color_temp"]) == (shown.light.hue_deg, 0)


def after_a_power_cut(asked: Asked) -> None:
    found = get_default_states(asked)
    for power in found.powers:
        set_default_states(asked, power=power)
        assert get_default_states(asked).power == power
    for power in {"on", "off", "last"} - set(found.powers):
        with pytest.raises((BadSetting, Unsupported)):
            set_default_states(asked, power=power)  # type: ignore[arg-type]
    if found.has_light:
        set_default_states(asked, light=Setting(brightness_pct=31))
        light = get_default_states(asked).light
        assert light is not None
        assert light.brightness_pct == 31
        set_default_states(asked, light="last")
        assert get_default_states(asked).light is None


def whose_it_is(asked: Asked) -> None:
    set_inherit_info(asked, True)
    assert get_inherit_info(asked).under_way is True


def dangers(asked: Asked) -> None:
    device_reboot(asked)
    assert written(asked, "device_reboot") == {"delay": 1}
    device_reset(asked)
    set_wireless_info(asked, "Nest 2", "geheim12")
    words = {key: base64.b64encode(it.encode()).decode() for key, it in (("ssid", "Nest 2"), ("password", "geheim12"))}
    assert written(asked, "set_wireless_info") == {"key_type": "wpa2_psk", **words}
    owner = Credentials("Owner@Example.com", "correct horse")
    more = {"now": NOW, "zone": "Europe/Berlin", "specs": "EU"}
    said = set_qs_info(asked, owner, "Nest 2", "geheim12", "wpa2_psk", **more)  # type: ignore[arg-type]
    assert said.device_id == asked.replay.said["get_device_info"]["device_id"]
    account = written(asked, "set_qs_info")["account"]
    assert base64.b64decode(account["username"]) == b"Owner@Example.com"


WRITES: dict[str, tuple[str, Callable[[Asked], None]]] = {
    # the getter whose answer makes a device one of those that can: what is done to it
    "auto light": ("get_auto_light_info", auto_light),
    "auto-off": ("get_auto_off_config", auto_off),
    "power limit": ("get_protection_power", protection),
    "clock": ("get_device_time", clock),
    "firmware": ("get_auto_update_info", firmware),
    "status light": ("get_led_info", led),
    "gradual switching": ("get_on_off_gradually_info", gradual),
    "effects of bulbs": ("get_dynamic_light_effect_rules", bulb_effects),
    "effects of strips": ("get_lighting_effect", strip_effect),
    "effects of segments": ("get_segment_effect_rule", segment_effect),
    "presets": ("get_preset_rules", presets),
    "after a power cut": ("get_device_info", after_a_power_cut),
    "handing over": ("get_inherit_info", whose_it_is),
    "dangers": ("get_device_info", dangers),
}


def parts(replay: Replay) -> Iterator[Replay]:
    yield replay
    yield from replay.children.values()


@pytest.mark.parametrize("accent", ACCENTS)
@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("name", DUMPS)
def test_what_is_set_is_what_is_read(name: str, what: str, accent: str) -> None:
    getter, do = WRITES[what]
    able = [
        part
        for part in parts(Replay(DUMPS[name], ACCENTS[accent]))
        if has(part, getter) and (what != "after a power cut" or "default_states" in part.said["get_device_info"])
    ]
    if not able:
        pytest.skip("it has no such thing")
    for part in able:
        do(Asked(part))


COLOR = EffectColor(5, 200, 90)
LACKING: dict[str, tuple[str, Callable[[Asked], object]]] = {
    "auto light": ("get_auto_light_info", lambda asked: set_auto_light_info(asked, True, "light_track")),
    "auto-off": ("get_auto_off_config", lambda asked: set_auto_off_config(asked, True, 5)),
    "power limit": ("get_protection_power", lambda asked: set_protection_power(asked, True, 5)),
    "firmware": ("get_auto_update_info", lambda asked: set_auto_update_info(asked, AutoUpdate(True, 0, 5))),
    "status light": ("get_led_info", lambda asked: set_led_info(asked, "never")),
    "gradual switching": ("get_on_off_gradually_info", lambda asked: set_on_off_gradually_info(asked, True)),
    "an effect": ("get_dynamic_light_effect_rules", lambda asked: set_dynamic_light_effect_rule_enable(asked, "L1")),
    "no effect": ("get_dynamic_light_effect_rules", lambda asked: set_dynamic_light_effect_rule_enable(asked, None)),
    "another effect": (
        "get_dynamic_light_effect_rules",
        lambda asked: edit_dynamic_light_effect_rule(asked, DynamicLightEffect("L1", "", "bln", 900, (COLOR,))),
    ),
    "a preset": ("get_preset_rules", lambda asked: edit_preset_rules(asked, 0, Setting(brightness_pct=5))),
    "presets": ("get_preset_rules", lambda asked: set_preset_rules(asked, [5])),
}


@pytest.mark.parametrize("what", LACKING)
@pytest.mark.parametrize("name", DUMPS)
def test_what_a_device_lacks_is_said_and_nothing_is_written(name: str, what: str) -> None:
    getter, do = LACKING[what]
    lacking = [part for part in parts(Replay(DUMPS[name])) if getter not in part.said]
    if not lacking:
        pytest.skip("it has that")
    for part in lacking:
        with pytest.raises(Unsupported):
            do(Asked(part))
        assert part.told == []


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("name", DUMPS)
def test_a_refusal_in_the_middle_is_an_error_of_ours(name: str, what: str) -> None:
    getter, do = WRITES[what]
    for at in range(4):
        replay = Replay(DUMPS[name])
        if not has(replay, getter):
            pytest.skip("it has no such thing")
        asked, calls = Asked(replay), []

        def call(
            method: str,
            params: Mapping[str, Any] | None = None,
            *,
            at: int = at,
            calls: list[str] = calls,
            asked: Asked = asked,
        ) -> dict[str, Any]:
            calls.append(method)
            if len(calls) == at + 1:
                raise refusal(asked.host, method, -1008)
            return Asked.call(asked, method, params)

        asked.call = call  # type: ignore[method-assign]
        with suppress(DeviceError):
            do(asked)
        assert calls
