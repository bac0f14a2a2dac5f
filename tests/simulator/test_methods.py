"""What the methods do, and what they refuse."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from simulator.speaking import Clock, Klap
from tapo_automate.simulator import Device

Add = Callable[..., Device]
PARAMS, UNKNOWN, BATCH = {"error_code": -1008}, {"error_code": -1002}, {"error_code": 1200}


@pytest.fixture
def bulb(add: Add) -> Device:
    return add("L530")


@pytest.fixture
def lamp(bulb: Device) -> Klap:
    return Klap(bulb).log_in()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"device_on": 1},
        {"device_on": None},
        {"device_on": True, "nickname": None},
        {"nickname": "not base64!"},
        {"brightness": 50},
        {"device_on": True, "brightness": 50},
        {"hue": 5, "saturation": 5, "color_temp": 0},
        {"unheard_of": 1},
        {"default_states": []},
        {"latitude": 52.5},
    ],
    ids=json.dumps,
)
def test_a_plug_refuses_what_does_not_belong_to_it(klap: Klap, plug: Device, params: Any) -> None:
    before = plug.info
    assert klap.call("set_device_info", params) == PARAMS
    assert plug.info == before


@pytest.mark.parametrize("params", [None, [], "x", 5])
def test_parameters_that_are_no_object_are_minus_1008(klap: Klap, params: Any) -> None:
    assert klap.call("set_device_info", params) == PARAMS
    if params is not None:
        assert klap.call("get_device_info", params) == PARAMS


def test_null_stands_for_none_in_getters_but_not_for_rules(klap: Klap) -> None:
    assert klap.call("get_device_info", None)["error_code"] == 0
    for method in ("get_countdown_rules", "get_schedule_rules", "get_antitheft_rules"):
        assert klap.call(method, None) == PARAMS
    assert klap.call("get_schedule_rules", {}) == PARAMS
    assert klap.call("get_schedule_rules", {"start_index": -1}) == PARAMS
    assert klap.call("get_schedule_rules", {"start_index": 0})["result"]["schedule_rule_max_count"] == 32


def test_a_location_that_is_set_is_known_to_be_set(add: Add) -> None:
    device = add("P110")
    device._core.appliance.info["has_set_location_info"] = False
    session = Klap(device).log_in()
    session.call("set_device_info", {"latitude": 497_269, "longitude": 73_024})
    assert device.info == device.info | {"latitude": 497_269, "longitude": 73_024, "has_set_location_info": True}


def test_a_key_nobody_knows_is_passed_over_beside_one_that_is_known(klap: Klap, plug: Device) -> None:
    assert klap.call("set_device_info", {"device_on": True, "unheard_of": 1}) == {"error_code": 0}
    assert plug.on
    assert "unheard_of" not in plug.info


def test_a_name_is_kept(klap: Klap, plug: Device) -> None:
    assert klap.call("set_device_info", {"nickname": b64encode("Küche".encode()).decode()}) == {"error_code": 0}
    assert plug.nickname == "Küche"
    assert not plug.on


@pytest.mark.parametrize(
    "params",
    [
        {"brightness": 0},
        {"brightness": 101},
        {"brightness": 50.5},
        {"brightness": True},
        {"brightness": "50"},
        {"hue": -1, "saturation": 50, "color_temp": 0},
        {"hue": 361, "saturation": 50, "color_temp": 0},
        {"hue": 5, "saturation": 101, "color_temp": 0},
        {"color_temp": 2499},
        {"color_temp": 6501},
        {"color_temp": 0, "hue": 120},
        {"color_temp": 0, "saturation": 80},
        {"brightness": 50, "color_temp": 9000},
    ],
    ids=json.dumps,
)
def test_light_out_of_range_changes_nothing(lamp: Klap, bulb: Device, params: Any) -> None:
    before = bulb.info
    assert lamp.call("set_device_info", params) == PARAMS
    assert bulb.info == before


@pytest.mark.parametrize(
    "params",
    [{"brightness": 1}, {"brightness": 100}, {"color_temp": 2500}, {"hue": 360, "saturation": 0, "color_temp": 0}],
    ids=json.dumps,
)
def test_light_switches_the_lamp_on(lamp: Klap, bulb: Device, params: Any) -> None:
    assert lamp.call("set_device_info", params) == {"error_code": 0}
    assert bulb.state == bulb.state | params | {"device_on": True}


def test_a_whole_number_may_have_a_point(lamp: Klap, bulb: Device) -> None:
    assert lamp.call("set_device_info", {"brightness": 7.0}) == {"error_code": 0}
    assert repr(bulb.state["brightness"]) == "7"


def test_light_can_be_set_in_the_dark(lamp: Klap, bulb: Device) -> None:
    lamp.call("set_device_info", {"device_on": False, "brightness": 7})
    assert bulb.state == bulb.state | {"device_on": False, "brightness": 7}


def test_a_white_lamp_stays_white_until_color_temp_is_zero(lamp: Klap, bulb: Device) -> None:
    lamp.call("set_device_info", {"hue": 120, "saturation": 80})
    assert bulb.state["color_temp"] == 2700
    lamp.call("set_device_info", {"hue": 120, "saturation": 80, "color_temp": 0})
    assert bulb.state["color_temp"] == 0


def test_color_temp_zero_alone_brings_the_colour_back(lamp: Klap, bulb: Device) -> None:
    lamp.call("set_device_info", {"hue": 120, "saturation": 80, "color_temp": 0})
    lamp.call("set_device_info", {"color_temp": 4000})
    assert lamp.call("set_device_info", {"color_temp": 0}) == {"error_code": 0}
    assert bulb.state == bulb.state | {"hue": 120, "saturation": 80, "color_temp": 0}
    assert lamp.call("set_device_info", {"hue": 200, "saturation": 60}) == {"error_code": 0}
    assert bulb.state == bulb.state | {"hue": 200, "saturation": 60, "color_temp": 0}


def test_a_lamp_remembers_its_light_as_the_default(lamp: Klap, bulb: Device) -> None:
    lamp.call("set_device_info", {"brightness": 12})
    assert bulb.info["default_states"]["state"]["brightness"] == 12


def test_a_white_bulb_knows_brightness_alone(add: Add) -> None:
    device = add("L510")
    session = Klap(device).log_in()
    assert session.call("set_device_info", {"color_temp": 2700}) == PARAMS
    assert session.call("set_device_info", {"hue": 1, "saturation": 1}) == PARAMS
    assert session.call("set_device_info", {"brightness": 3}) == {"error_code": 0}
    assert device.info["default_states"]["brightness"]["value"] == 3


def test_a_strip_has_no_tunable_white(add: Add) -> None:
    session = Klap(add("L900")).log_in()
    assert session.call("set_device_info", {"color_temp": 4000}) == PARAMS
    assert session.call("set_device_info", {"color_temp": 0, "hue": 5, "saturation": 5}) == {"error_code": 0}


def test_an_effect_runs_until_a_colour_is_set(lamp: Klap, bulb: Device) -> None:
    assert lamp.call("set_dynamic_light_effect_rule_enable", {"enable": True, "id": "L9"}) == PARAMS
    assert lamp.call("set_dynamic_light_effect_rule_enable", {"enable": True, "id": "L1"}) == {"error_code": 0}
    assert lamp.call("get_dynamic_light_effect_rules", {"start_index": 0})["result"]["current_rule_id"] == "L1"
    assert bulb.info["dynamic_light_effect_enable"] is True
    lamp.call("set_device_info", {"brightness": 30})
    assert bulb.info["dynamic_light_effect_enable"] is True
    lamp.call("set_device_info", {"color_temp": 3000})
    assert bulb.info["dynamic_light_effect_enable"] is False
    assert "current_rule_id" not in lamp.call("get_dynamic_light_effect_rules", {})["result"]


def test_an_effect_is_edited_row_by_row(lamp: Klap) -> None:
    rule = lamp.call("get_dynamic_light_effect_rules", {"start_index": 0})["result"]["rule_list"][0]
    rule["color_status_list"] = [[50, 120, 90, 0]]
    assert lamp.call("edit_dynamic_light_effect_rule", rule) == {"error_code": 0}
    assert lamp.call("get_dynamic_light_effect_rules", {})["result"]["rule_list"][0] == rule
    for row in ([50, 90, 120, 0], [0, 1, 1, 0], [50, 1, 1], [50, 1, 1, 100]):
        assert lamp.call("edit_dynamic_light_effect_rule", rule | {"color_status_list": [row]}) == PARAMS
    assert lamp.call("set_dynamic_light_effect_rules", rule) == UNKNOWN
    assert lamp.call("edit_dynamic_light_effect_rules", rule) == UNKNOWN


def test_a_strips_effect_shows_in_its_info(add: Add) -> None:
    device = add("L900")
    session = Klap(device).log_in()
    effect = session.call("get_lighting_effect")["result"] | {
        "enable": 1,
        "id": "x",
        "name": "Aurora",
        "brightness": 30,
    }
    assert session.call("set_lighting_effect", effect | {"enable": 2}) == PARAMS
    assert session.call("set_lighting_effect", effect) == {"error_code": 0}
    assert device.info["lighting_effect"]["name"] == "Aurora"
    assert device.on
    session.call("set_device_info", {"hue": 5, "saturation": 5, "color_temp": 0})
    assert device.info["lighting_effect"]["enable"] == 0


def test_a_strip_gives_its_presets_four_at_a_time(add: Add) -> None:
    session = Klap(add("L900")).log_in()
    sizes = []
    for start in (0, 4, 7):
        page = session.call("get_preset_rules", {"start_index": start})["result"]
        assert (page["start_index"], page["sum"]) == (start, 7)
        sizes.append(len(page["states"]))
    assert sizes == [4, 3, 0]


def test_presets_are_edited_by_their_index(lamp: Klap) -> None:
    state = {"brightness": 9, "hue": 0, "saturation": 0, "color_temp": 4000}
    assert lamp.call("edit_preset_rules", {"index": 7, "state": state}) == PARAMS
    assert lamp.call("edit_preset_rules", {"index": 6, "state": state | {"brightness": 0}}) == PARAMS
    assert lamp.call("edit_preset_rules", {"index": 6, "state": state}) == {"error_code": 0}
    assert lamp.call("get_preset_rules", {})["result"]["states"][6] == state


def test_gradual_switching_is_set_side_by_side(lamp: Klap) -> None:
    assert lamp.call("set_on_off_gradually_info", {"on_state": {"enable": True, "duration": 5}}) == {"error_code": 0}
    sides = lamp.call("get_on_off_gradually_info")["result"]
    assert sides["on_state"] == {"enable": True, "duration": 5, "max_duration": 60}
    assert sides["off_state"]["enable"] is False
    for wrong in ({}, {"on_state": {"duration": 61}}, {"on_state": {"enable": 1}}, {"on_state": None}):
        assert lamp.call("set_on_off_gradually_info", wrong) == PARAMS


def test_auto_light_knows_two_modes(lamp: Klap) -> None:
    assert lamp.call("set_auto_light_info", {"enable": True, "mode": "light_compensate"}) == {"error_code": 0}
    assert lamp.call("get_auto_light_info")["result"] == {"enable": True, "mode": "light_compensate"}
    assert lamp.call("set_auto_light_info", {"enable": True, "mode": "disco"}) == PARAMS


def test_methods_of_absent_components_are_unknown(klap: Klap, add: Add) -> None:
    for method in ("get_preset_rules", "get_device_running_info", "set_auto_light_info", "no_such_method", ""):
        assert klap.call(method) == UNKNOWN
    simple = Klap(add("P100")).log_in()
    for method in (
        "get_energy_usage",
        "get_current_power",
        "get_energy_data",
        "get_auto_off_config",
        "set_auto_off_config",
    ):
        assert simple.call(method, {}) == UNKNOWN


def test_a_request_without_a_method_is_minus_1008(klap: Klap) -> None:
    assert klap.say(b'{"params":{}}') == PARAMS
    assert klap.say(b'{"method":5}') == PARAMS


def test_components_are_the_profiles(klap: Klap) -> None:
    listed = {row["id"]: row["ver_code"] for row in klap.call("component_nego")["result"]["component_list"]}
    assert listed["energy_monitoring"] == 2
    quick = klap.call("qs_component_nego")["result"]
    assert quick["extra_info"] == {"device_model": "P110", "device_type": "SMART.TAPOPLUG", "is_klap": True}


def test_a_batch_is_carried_out_in_order(klap: Klap, plug: Device) -> None:
    requests = [
        {"method": "get_device_info"},
        {"method": "set_device_info", "params": {"device_on": True}},
        {"method": "get_nothing"},
        {"method": "get_device_info"},
    ]
    responses = klap.call("multipleRequest", {"requests": requests})["result"]["responses"]
    assert [row["method"] for row in responses] == [row["method"] for row in requests]
    assert [row["error_code"] for row in responses] == [0, 0, -1002, 0]
    assert [row["result"]["device_on"] for row in (responses[0], responses[3])] == [False, True]
    assert [(call.method, call.batched) for call in plug.calls][-2:] == [
        ("get_device_info", True),
        ("multipleRequest", False),
    ]


@pytest.mark.parametrize(
    "params", [None, {}, {"requests": None}, {"requests": []}, {"requests": [5]}, {"requests": [{}]}]
)
def test_a_batch_without_requests_is_minus_1008(klap: Klap, params: Any) -> None:
    assert klap.call("multipleRequest", params) == PARAMS


@pytest.mark.parametrize(
    "method",
    ["multipleRequest", "device_reset", "device_reboot", "fw_download", "login_device", "set_qs_info",
     "set_wireless_info", "get_schedule_rules"],
)  # fmt: skip
def test_what_cannot_be_batched_fails_the_batch_before_anything_is_done(klap: Klap, plug: Device, method: str) -> None:
    requests = [{"method": "set_device_info", "params": {"device_on": True}}, {"method": method, "params": {}}]
    assert klap.call("multipleRequest", {"requests": requests}) == BATCH
    assert not plug.on


def test_a_batch_that_is_too_big_is_refused(klap: Klap, add: Add) -> None:
    requests = [{"method": "get_device_info"}] * 11
    assert klap.call("multipleRequest", {"requests": requests}) == BATCH
    assert klap.call("multipleRequest", {"requests": requests[:10]})["error_code"] == 0
    assert Klap(add("P100")).log_in().call("multipleRequest", {"requests": requests}) == {"error_code": -1003}


def test_the_clock_tells_the_standard_offset_and_can_be_set(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    session = Klap(device).log_in()
    told = session.call("get_device_time")["result"]
    assert told == {"region": "Europe/Berlin", "time_diff": 60, "timestamp": int(clock.at)}
    wanted = {"region": "America/Denver", "time_diff": -420, "timestamp": 1_700_000_000}
    assert session.call("set_device_time", wanted) == {"error_code": 0}
    clock.at += 5
    assert session.call("get_device_time")["result"] == wanted | {"timestamp": 1_700_000_005}
    assert device.info["region"] == "America/Denver"
    for wrong in ({"region": "Mars/Base"}, {"region": None}, {"time_diff": 900}, {"timestamp": -1}, {"timestamp": 1.5}):
        assert session.call("set_device_time", wanted | wrong) == PARAMS


def test_the_relay_tells_for_how_long_it_is_on(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    device.press()
    clock.at += 90
    assert device.info["on_time"] == 90
    device.press()
    assert (device.on, device.info["on_time"]) == (False, 0)


def test_the_auto_off_timer_switches_the_relay_off(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    session = Klap(device).log_in()
    assert session.call("set_auto_off_config", {"enable": True, "delay_min": 0}) == PARAMS
    session.call("set_auto_off_config", {"enable": True, "delay_min": 10})
    session.call("set_device_info", {"device_on": True})
    clock.at += 9 * 60
    info = session.call("get_device_info")["result"]
    assert (info["auto_off_status"], info["auto_off_remain_time"]) == ("on", 60)
    clock.at += 61
    assert session.call("get_device_info")["result"]["device_on"] is False


def test_the_led_follows_its_rule(klap: Klap, plug: Device) -> None:
    led = klap.call("get_led_info")["result"]
    assert led["led_status"] is False
    plug.press()
    assert klap.call("get_led_info")["result"]["led_status"] is True
    assert klap.call("set_led_info", {"led_rule": "never"}) == PARAMS, "night_mode must be echoed"
    assert klap.call("set_led_info", led | {"led_rule": "disco"}) == PARAMS
    assert klap.call("set_led_info", led | {"led_rule": "never"}) == {"error_code": 0}
    assert klap.call("get_led_info")["result"]["led_status"] is False


def test_protection_power_is_set_under_the_name_it_is_read(klap: Klap) -> None:
    wanted = {"enabled": True, "protection_power": 2500}
    assert klap.call("set_protection_power", wanted) == {"error_code": 0}
    assert klap.call("get_protection_power")["result"] == wanted
    assert klap.call("set_protection_power", {"protection_enabled": True, "protection_power": 1}) == PARAMS


@pytest.mark.parametrize("params", [{}, {"delay": 0}, {"delay": "1"}, None])
def test_a_restart_wants_a_delay_of_a_second_or_more(klap: Klap, params: Any) -> None:
    assert klap.call("device_reboot", params) == PARAMS
    assert klap.call("get_device_info")["error_code"] == 0


def test_tables_are_empty_at_first(klap: Klap, add: Add) -> None:
    assert klap.call("get_schedule_rules", {"start_index": 0})["result"] == {
        "enable": False, "rule_list": [], "schedule_rule_max_count": 32, "start_index": 0, "sum": 0,
    }  # fmt: skip
    assert klap.call("get_countdown_rules")["result"]["countdown_rule_max_count"] == 1
    assert klap.call("get_next_event")["result"] == {}
    old = Klap(add("P100")).log_in()
    assert old.call("get_schedule_rules", {"start_index": 0})["result"]["schedule_rule_max_count"] == 20
    assert old.call("get_next_event")["result"]["id"] == "0"


def test_a_success_without_a_result_has_none(lamp: Klap) -> None:
    assert lamp.call("get_inherit_info") == {"error_code": 0}
