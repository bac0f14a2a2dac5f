"""Light, effects, presets, the diode and what a device does when its power comes back."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.speaking import Clock, Klap
from tapo_automate.simulator import Device, SimulatorError

Add = Callable[..., Device]
OK, PARAMS, UNKNOWN = {"error_code": 0}, {"error_code": -1008}, {"error_code": -1002}


@pytest.fixture
def bulb(add: Add) -> Device:
    return add("L530")


@pytest.fixture
def lamp(bulb: Device) -> Klap:
    return Klap(bulb).log_in()


def berlin(*parts: int) -> float:
    return datetime(*parts, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()  # type: ignore[misc, arg-type]


def result(session: Klap, method: str, **params: Any) -> Any:
    reply = session.call(method, params)
    assert reply["error_code"] == 0, (method, reply)
    return reply["result"]


def test_the_running_info_of_a_lamp_is_its_info(lamp: Klap) -> None:
    assert result(lamp, "get_device_running_info") == result(lamp, "get_device_info")


EFFECTS = {
    "singular": ("set_dynamic_light_effect_rule_enable", "edit_dynamic_light_effect_rule"),
    "plural": ("set_dynamic_light_effect_rules", "edit_dynamic_light_effect_rules"),
}


@pytest.mark.parametrize("names", EFFECTS)
def test_effects_are_set_by_the_names_of_the_firmware(add: Add, names: str) -> None:
    session = Klap(add("L530", effects=names)).log_in()
    start, edit = EFFECTS[names]
    other_start, other_edit = EFFECTS["plural" if names == "singular" else "singular"]
    rule = result(session, "get_dynamic_light_effect_rules", start_index=0)["rule_list"][1]
    assert session.call(other_start, {"enable": True, "id": "L2"}) == UNKNOWN
    assert session.call(other_edit, rule) == UNKNOWN
    changed = rule | {"change_time": 500, "scene_name": "Kino", "color_status_list": [[5, 10, 90, 0]]}
    assert session.call(edit, changed) == OK
    assert session.call(start, {"enable": True, "id": "L2"}) == OK
    told = result(session, "get_dynamic_light_effect_rules", start_index=0)
    assert (told["enable"], told["current_rule_id"], told["rule_list"][1]) == (True, "L2", changed)
    assert session.call(start, {"enable": False}) == OK
    assert result(session, "get_device_info")["dynamic_light_effect_enable"] is False


def test_names_that_no_firmware_has_are_refused(add: Add) -> None:
    with pytest.raises(SimulatorError, match="effects is 'both'; choose from: singular, plural"):
        add("L530", effects="both")


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "L3"},
        {"change_mode": "slow"},
        {"change_time": 0},
        {"change_time": "500"},
        {"color_status_list": []},
        {"color_status_list": [[0, 10, 90, 0]]},
        {"color_status_list": [[5, 361, 90, 0]]},
        {"color_status_list": [[5, 10, 90]]},
        {"color_status_list": [[5, 10, 90, 9000]]},
        {"scene_name": 5},
    ],
    ids=json.dumps,
)
def test_an_effect_that_the_lamp_cannot_show_changes_nothing(lamp: Klap, wrong: Any) -> None:
    before = result(lamp, "get_dynamic_light_effect_rules", start_index=0)
    assert lamp.call("edit_dynamic_light_effect_rule", before["rule_list"][0] | wrong) == PARAMS
    assert result(lamp, "get_dynamic_light_effect_rules", start_index=0) == before


def aurora(**changes: Any) -> dict[str, Any]:
    return {
        "custom": 0, "id": "x", "brightness": 60, "name": "Aurora", "enable": 1, "segments": [0], "type": "sequence",
        "expansion_strategy": 1, "duration": 0, "transition": 1500, "direction": 4, "spread": 7, "repeat_times": 0,
        "display_colors": [[120, 100, 100], [240, 100, 100]], "sequence": [[120, 100, 100], [240, 100, 100]],
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"enable": 2},
        {"enable": True},
        {"id": None},
        {"name": 5},
        {"type": "disco"},
        {"brightness": 101},
        {"transition": -1},
        {"duration": "0"},
        {"segments": 0},
        {"segments": [-1]},
        {"sequence": [[361, 100, 100]]},
        {"sequence": [[120, 100]]},
        {"sequence": "green"},
        {"display_colors": [[120, 100, 1.5]]},
    ],
    ids=json.dumps,
)
def test_an_effect_that_a_strip_cannot_show_changes_nothing(add: Add, wrong: Any) -> None:
    device = add("L900")
    session = Klap(device).log_in()
    before = result(session, "get_lighting_effect")
    assert session.call("set_lighting_effect", aurora(**wrong)) == PARAMS
    assert (result(session, "get_lighting_effect"), device.on) == (before, False)


def test_the_effect_that_runs_is_adjusted(add: Add) -> None:
    device = add("L900")
    session = Klap(device).log_in()
    dimmer = {"brightness": 7, "bAdjusted": True}
    assert session.call("set_lighting_effect", dimmer) == PARAMS
    assert session.call("set_lighting_effect", aurora()) == OK
    before = result(session, "get_lighting_effect")
    assert session.call("set_lighting_effect", dimmer) == OK
    assert result(session, "get_lighting_effect") == before | {"brightness": 7}
    assert (device.info["lighting_effect"]["brightness"], device.info["lighting_effect"]["enable"]) == (7, 1)
    assert session.call("set_lighting_effect", dimmer | {"brightness": 101}) == PARAMS


def test_of_the_effects_of_a_strip_one_runs_at_a_time(add: Add) -> None:
    device = add("L920")
    session = Klap(device).log_in()
    assert result(session, "get_device_segment") == {"segment": 50}
    assert session.call("set_lighting_effect", aurora()) == OK
    assert device.info["lighting_effect"] == {
        "brightness": 60, "custom": 0, "display_colors": [[120, 100, 100], [240, 100, 100]], "enable": 1, "id": "x",
        "name": "Aurora",
    }  # fmt: skip
    rows = [[0, 100, 50, 0], [200, 100, 50, 0]]
    segments = {"brightness": 30, "custom": 1, "display_colors": rows, "enable": 1, "id": "y", "name": "Mine",
                "segments": [0, 25], "states": rows, "type": "circulating"}  # fmt: skip
    assert session.call("apply_segment_effect_rule", segments | {"states": [[0, 100, 50]]}) == PARAMS
    assert session.call("apply_segment_effect_rule", segments) == OK
    assert result(session, "get_segment_effect_rule") == segments
    assert (device.info["segment_effect"]["enable"], device.info["lighting_effect"]["enable"]) == (1, 0)
    assert result(session, "get_lighting_effect")["enable"] == 0
    session.call("set_device_info", {"hue": 5, "saturation": 5, "color_temp": 0})
    assert result(session, "get_segment_effect_rule")["enable"] == 0
    assert Klap(add("L900")).log_in().call("get_segment_effect_rule") == UNKNOWN


def test_an_effect_is_switched_off_by_one_word(add: Add) -> None:
    device = add("L900")
    session = Klap(device).log_in()
    session.call("set_lighting_effect", aurora())
    assert session.call("set_lighting_effect", {"enable": 0}) == OK
    assert result(session, "get_lighting_effect") == aurora(enable=0)
    assert device.info["lighting_effect"]["enable"] == 0


def test_presets_of_a_white_lamp_are_brightnesses(add: Add) -> None:
    session = Klap(add("L510")).log_in()
    assert result(session, "get_preset_rules") == {"brightness": [1, 25, 50, 75, 100]}
    assert session.call("set_preset_rules", {"brightness": [5, 10, 20, 40, 80]}) == OK
    assert result(session, "get_preset_rules") == {"brightness": [5, 10, 20, 40, 80]}
    for wrong in ([5, 10], [0, 1, 2, 3, 4], [5, 10, 20, 40, "80"], None):
        assert session.call("set_preset_rules", {"brightness": wrong}) == PARAMS
    assert session.call("edit_preset_rules", {"index": 0, "state": {"brightness": 5}}) == PARAMS


def test_a_preset_of_a_strip_may_be_an_effect(add: Add, lamp: Klap) -> None:
    session = Klap(add("L900")).log_in()
    assert session.call("edit_preset_rules", {"index": 5, "state": {"lighting_effect": aurora()}}) == OK
    assert result(session, "get_preset_rules", start_index=4)["states"][1] == {"lighting_effect": aurora()}
    broken = {"lighting_effect": aurora(sequence=[[999, 0, 0]])}
    assert session.call("edit_preset_rules", {"index": 5, "state": broken}) == PARAMS
    assert lamp.call("edit_preset_rules", {"index": 5, "state": {"lighting_effect": aurora()}}) == PARAMS


def test_each_version_of_fading_has_its_own_words(add: Add) -> None:
    first = Klap(add("L900")).log_in()
    assert result(first, "get_on_off_gradually_info") == {"enable": False}
    assert first.call("set_on_off_gradually_info", {"on_state": {"enable": True}}) == PARAMS
    assert first.call("set_on_off_gradually_info", {"enable": True}) == OK
    assert result(first, "get_on_off_gradually_info") == {"enable": True}
    third = Klap(add("L530")).log_in()
    assert third.call("set_on_off_gradually_info", {"enable": True}) == PARAMS
    assert third.call("set_on_off_gradually_info", {"off_state": {"enable": True, "duration": 60}}) == OK
    assert result(third, "get_on_off_gradually_info") == {
        "on_state": {"duration": 2, "enable": False, "max_duration": 60},
        "off_state": {"duration": 60, "enable": True, "max_duration": 60},
    }


def test_the_fourth_version_also_fades_between_lights(add: Add, tmp_path: Path) -> None:
    listed = [{"id": "on_off_gradually", "ver_code": 4}]
    info = {"device_on": False, "mac": "02-00-00-00-00-01", "model": "L530EA"}
    path = tmp_path / "newest.json"
    path.write_text(json.dumps({"component_nego": {"component_list": listed}, "get_device_info": info}))
    session = Klap(add(path)).log_in()
    assert result(session, "get_on_off_gradually_info")["change_state"] == {"enable": False}
    assert session.call("set_on_off_gradually_info", {"change_state": {"enable": True}}) == OK
    assert result(session, "get_on_off_gradually_info")["change_state"] == {"enable": True}


def test_auto_light_is_asked_of_the_first_version_alone(lamp: Klap, add: Add) -> None:
    assert result(lamp, "get_auto_light_info") == {"enable": False, "mode": "light_track"}
    assert lamp.call("set_auto_light_info", {"enable": "yes"}) == PARAMS
    third = Klap(add("L430C")).log_in()
    assert third.call("get_auto_light_info") == UNKNOWN
    assert third.call("set_auto_light_info", {"enable": True}) == UNKNOWN
    assert result(third, "get_device_info")["auto_biorhythm_light_enable"] is False


PLUGS = [
    ({"type": "custom", "state": {"on": True}}, False, True),
    ({"type": "custom", "state": {"on": False}}, True, False),
    ({"type": "last_states", "state": {}}, True, True),
    ({"type": "last_states"}, False, False),
]


@pytest.mark.parametrize(("wanted", "before", "after"), PLUGS, ids=json.dumps)
def test_a_plug_comes_back_as_it_is_meant_to(add: Add, wanted: Any, before: bool, after: bool) -> None:
    device = add("P110", on=before)
    session = Klap(device).log_in()
    assert session.call("set_device_info", {"default_states": wanted}) == OK
    assert device.info["default_states"] == {"state": {}} | wanted
    assert device.on is before
    device.restart()
    assert device.on is after


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"type": "custom"}, {"type": "custom", "state": {}}, {"type": "custom", "state": {"on": 1}},
        {"type": "other"}, {"re_power_type": "always_on"}, {"type": "custom", "state": {"on": True, "brightness": 5}},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_start_that_is_no_plugs_is_refused(add: Add, wrong: Any) -> None:
    device = add("P110")
    before = device.info
    assert Klap(device).log_in().call("set_device_info", {"default_states": wrong}) == PARAMS
    assert device.info == before


def test_a_lamp_shines_when_its_power_comes_back(lamp: Klap, bulb: Device) -> None:
    lamp.call("set_device_info", {"device_on": False, "brightness": 20, "color_temp": 4000})
    bulb.restart()
    assert (bulb.on, bulb.state["brightness"]) == (True, 20)
    lamp = Klap(bulb).log_in()
    evening = {"brightness": 35, "hue": 0, "saturation": 100, "color_temp": 2700}
    wanted = {"re_power_type": "last_states", "type": "custom", "state": evening}
    assert lamp.call("set_device_info", {"default_states": wanted}) == OK
    assert lamp.call("set_device_info", {"device_on": False, "brightness": 90}) == OK
    assert bulb.info["default_states"] == wanted
    bulb.restart()
    assert bulb.state == {"device_on": False} | evening


@pytest.mark.parametrize(
    "wrong",
    [
        {"re_power_type": "always_off"},
        {"re_power_type": True},
        {"type": "custom", "state": {"brightness": 0}},
        {"type": "custom", "state": {"color_temp": 9000}},
        {"type": "custom", "state": {"on": True}},
        {"brightness": {"type": "custom", "value": 5}},
    ],
    ids=json.dumps,
)
def test_a_start_that_is_no_colour_lamps_is_refused(lamp: Klap, bulb: Device, wrong: Any) -> None:
    before = bulb.info
    assert lamp.call("set_device_info", {"default_states": wrong}) == PARAMS
    assert bulb.info == before


def test_a_white_lamp_starts_with_a_brightness(add: Add) -> None:
    device = add("L510")
    session = Klap(device).log_in()
    wanted = {"brightness": {"type": "custom", "value": 15}, "re_power_type": "always_on"}
    assert session.call("set_device_info", {"default_states": wanted}) == OK
    assert session.call("set_device_info", {"brightness": 80}) == OK
    assert device.info["default_states"] == wanted
    device.restart()
    assert device.state == {"device_on": True, "brightness": 15}
    for wrong in ({"brightness": {"value": 0}}, {"brightness": {}}, {"type": "custom"}, {"state": {"hue": 5}}):
        assert Klap(device).log_in().call("set_device_info", {"default_states": wrong}) == PARAMS


def test_a_reboot_by_command_leaves_a_lamp_dark(add: Add, clock: Clock) -> None:
    device = add("L530", now=clock)
    Klap(device).log_in().call("device_reboot", {"delay": 1})
    clock.at += 1
    assert not device.on
    assert device.changes[-1].detail == "as it was told to"


def night(session: Klap) -> tuple[int, int, bool]:
    led = result(session, "get_led_info")
    return led["night_mode"]["start_time"], led["night_mode"]["end_time"], led["led_status"]


def test_the_diodes_night_is_that_of_the_sun(add: Add, clock: Clock) -> None:
    """A P110 in London told 989 and 538 on 20 January 2024, with an offset of 62 minutes after sunrise."""

    def london(*parts: int) -> float:
        return datetime(*parts, tzinfo=ZoneInfo("Europe/London")).timestamp()  # type: ignore[misc, arg-type]

    clock.at = london(2024, 1, 20, 9, 25)
    device = add("P110", now=clock, on=True)
    device.set_clock(clock.at, region="Europe/London", time_diff=0)
    device.set_location(51.5, -0.12)
    session = Klap(device).log_in()
    led = result(session, "get_led_info")
    wanted = {"night_mode_type": "sunrise_sunset", "start_time": 1, "end_time": 2, "sunrise_offset": 62}
    assert session.call("set_led_info", {"led_rule": "night_mode", "night_mode": led["night_mode"] | wanted}) == OK
    told = night(session)
    assert told == (pytest.approx(989, abs=1), pytest.approx(538, abs=1), True), "what the sun decides is not set"
    for hour, minute, shines in ((8, 50, False), (9, 5, True), (16, 25, True), (16, 35, False), (23, 59, False)):
        clock.at = london(2024, 1, 20, hour, minute)
        assert night(session)[2] is shines, (hour, minute)
    clock.at = london(2024, 6, 20, 12)
    assert night(session)[0] == pytest.approx(21 * 60 + 21, abs=2), "21:21 by every almanac"
    device.set_location(None, None)
    assert night(session)[:2] == (1140, 420 + 62)


def test_a_night_of_ones_own_is_kept_as_it_is(add: Add, clock: Clock) -> None:
    clock.at = berlin(2026, 7, 13, 3)
    device = add("P110", now=clock, on=True)
    session = Klap(device).log_in()
    own = {"night_mode_type": "custom", "start_time": 1380, "end_time": 240, "sunrise_offset": 0, "sunset_offset": 0}
    assert session.call("set_led_info", {"led_rule": "night_mode", "night_mode": own}) == OK
    assert night(session) == (1380, 240, False)
    clock.at = berlin(2026, 7, 13, 4)
    assert night(session) == (1380, 240, True)
    device.press()
    assert night(session)[2] is False, "it shows the relay"


@pytest.mark.parametrize(
    "wrong",
    [
        {"led_rule": "disco"},
        {"night_mode": None},
        {"night_mode": {"night_mode_type": "moon"}},
        {"night_mode": {"night_mode_type": "custom", "start_time": 5}},
        {"night_mode": {"night_mode_type": "custom", "start_time": 5, "end_time": 1440}},
        {"night_mode": {"night_mode_type": "sunrise_sunset", "sunset_offset": 361}},
    ],
    ids=json.dumps,
)
def test_a_night_that_cannot_be_is_refused(add: Add, wrong: Any) -> None:
    session = Klap(add("P110")).log_in()
    before = result(session, "get_led_info")
    assert session.call("set_led_info", before | wrong) == PARAMS
    assert result(session, "get_led_info") == before


def test_the_first_plugs_have_no_night(add: Add) -> None:
    session = Klap(add("P100")).log_in()
    assert session.call("set_led_info", {"led_rule": "night_mode"}) == PARAMS
    assert session.call("set_led_info", {"led_rule": "never"}) == OK


def test_a_dumps_diode_is_as_it_was_read_until_it_is_set(add: Add, tmp_path: Path) -> None:
    recorded = {
        "bri_config": {"bri_type": "overall", "overall_bri": 50}, "led_rule": "night_mode", "led_status": False,
        "night_mode": {"end_time": 435, "night_mode_type": "sunrise_sunset", "start_time": 1096,
                       "sunrise_offset": 0, "sunset_offset": 0},
    }  # fmt: skip
    info = {
        "device_on": False, "mac": "02-00-00-00-00-01", "model": "EP", "has_set_location_info": False,
        "latitude": 0, "longitude": 0, "region": "America/Denver", "time_diff": -420,
    }  # fmt: skip
    listed = [{"id": name, "ver_code": 1} for name in ("led", "device_local_time")]
    path = tmp_path / "led.json"
    dump = {"component_nego": {"component_list": listed}, "get_device_info": info, "get_led_info": recorded}
    path.write_text(json.dumps(dump))
    session = Klap(add(path)).log_in()
    assert result(session, "get_led_info") == recorded
    dimmed = {"bri_type": "overall", "overall_bri": 10}
    assert session.call("set_led_info", recorded | {"bri_config": {"overall_bri": 101}}) == PARAMS
    assert session.call("set_led_info", recorded | {"bri_config": dimmed}) == OK
    unplaced = recorded["night_mode"] | {"start_time": 1140, "end_time": 420}
    assert result(session, "get_led_info") == recorded | {"bri_config": dimmed, "night_mode": unplaced}


@pytest.mark.parametrize("switch", ["enabled", "protection_enabled"])
def test_protection_is_set_by_the_devices_own_name(add: Add, clock: Clock, tmp_path: Path, switch: str) -> None:
    dump = {
        "component_nego": {"component_list": [{"id": "power_protection", "ver_code": 1}]},
        "get_device_info": {
            "device_on": True, "mac": "02-00-00-00-00-01", "model": "P", "power_protection_status": "normal",
        },
        "get_max_power": {"max_power": 3262},
        "get_protection_power": {switch: False, "protection_power": 0},
    }  # fmt: skip
    path = tmp_path / "protected.json"
    path.write_text(json.dumps(dump))
    device = add(path, now=clock, trace="steps:0=100/60=900")
    session = Klap(device).log_in()
    other = "protection_enabled" if switch == "enabled" else "enabled"
    assert session.call("set_protection_power", {other: True, "protection_power": 500}) == PARAMS
    assert session.call("set_protection_power", {switch: True, "protection_power": 3263}) == PARAMS
    assert session.call("set_protection_power", {switch: True, "protection_power": 500}) == OK
    assert result(session, "get_protection_power") == {switch: True, "protection_power": 500}
    clock.at += 61
    info = result(session, "get_device_info")
    assert (info["device_on"], info["power_protection_status"]) == (False, "overloaded")


def test_auto_off_is_of_those_that_have_it(add: Add) -> None:
    session = Klap(add("P105")).log_in()
    assert result(session, "get_auto_off_config") == {"delay_min": 120, "enable": False}
    for wrong in ({"enable": True}, {"enable": True, "delay_min": 0}, {"enable": 1, "delay_min": 5}):
        assert session.call("set_auto_off_config", wrong) == PARAMS
    assert session.call("set_auto_off_config", {"enable": True, "delay_min": 1440}) == OK
    assert Klap(add("P100")).log_in().call("get_auto_off_config") == UNKNOWN
