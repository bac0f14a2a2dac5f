"""Power strips: sockets with relays, tables and timers of their own behind one wire."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulator.ruled import DAILY, OFF, ON, PARAMS, Ruled, at, wall
from simulator.speaking import PASSWORD, USER, Clock
from tapo_automate.simulator import Device, Fleet
from tapo_automate.simulator.lookup import profile_for

Add = Callable[..., Device]
UNKNOWN = {"error_code": -1002}


class Strip(Ruled):
    def ids(self) -> list[str]:
        return [child.device_id for child in self.device.children]

    def listed(self, start: int = 0) -> list[dict[str, Any]]:
        rows = self.call("get_child_device_list", {"start_index": start})["result"]["child_device_list"]
        assert isinstance(rows, list)
        return rows

    def socket(self, index: int, method: str, params: Any = ...) -> Any:
        inner = {"method": method} | ({} if params is ... else {"params": params})
        reply = self.call("control_child", {"device_id": self.ids()[index], "requestData": inner})
        assert reply["error_code"] == 0, reply
        return reply["result"]["responseData"]


@pytest.fixture
def strip(add: Add, clock: Clock) -> Strip:
    return Strip(add, clock, "P300")


def test_a_strip_tells_its_sockets_in_pages(add: Add, clock: Clock, strip: Strip) -> None:
    told = strip.call("get_child_device_list", {"start_index": 0})["result"]
    assert (told["start_index"], told["sum"]) == (0, 3)
    rows = told["child_device_list"]
    assert [row["device_id"] for row in rows] == [strip.device.device_id + end for end in ("02", "01", "00")]
    assert [(row["position"], row["slot_number"]) for row in rows] == [(3, 3), (2, 3), (1, 3)], "the last one first"
    assert base64.b64decode(rows[1]["nickname"]) == b"socket 2"
    assert {row["original_device_id"] for row in rows} == {strip.device.device_id}
    assert {row["mac"] for row in rows} == {strip.device.mac.replace("-", "")}
    rest = strip.call("get_child_device_list", {"start_index": 2})["result"]
    assert (rest["child_device_list"], rest["start_index"]) == (rows[2:], 2)
    lists = strip.call("get_child_device_component_list", {"start_index": 0})["result"]["child_component_list"]
    assert {row["device_id"] for row in lists} == {row["device_id"] for row in rows}
    assert {"id": "schedule", "ver_code": 2} in lists[0]["component_list"]


def test_the_strip_itself_has_no_relay_and_no_tables(strip: Strip) -> None:
    components = [row["id"] for row in strip.call("component_nego")["result"]["component_list"]]
    assert {"schedule", "countdown", "antitheft", "control_child"} <= set(components), "and yet"
    for method in ("get_schedule_rules", "get_countdown_rules", "get_antitheft_rules", "get_next_event"):
        assert strip.call(method, {"start_index": 0}) == UNKNOWN
    assert strip.call("add_schedule_rule", DAILY) == UNKNOWN
    assert strip.call("set_device_info", {"device_on": True}) == PARAMS
    assert "device_on" not in strip.call("get_device_info")["result"]


def test_every_socket_has_a_relay_of_its_own(strip: Strip, clock: Clock) -> None:
    assert strip.socket(1, "set_device_info", {"device_on": True}) == {"error_code": 0}
    assert [child.on for child in strip.device.children] == [False, True, False]
    clock.at += 77
    assert strip.socket(1, "get_device_info")["result"]["on_time"] == 77
    change = strip.device.children[1].changes[-1]
    assert (change.by, change.detail.split(":")[0]) == ("call", "set_device_info from 127.0.0.1")
    strip.device.children[2].press()
    assert [child.state for child in strip.device.children] == [{"device_on": on} for on in (False, True, True)]
    assert strip.device.children[2].changes[-1].by == "press"


def test_every_socket_has_tables_timers_and_a_next_event_of_its_own(strip: Strip, clock: Clock) -> None:
    first, second, _ = strip.device.children
    assert strip.socket(0, "add_schedule_rule", DAILY | {"s_min": 780})["result"] == {"id": "S1"}
    assert strip.socket(1, "add_schedule_rule", DAILY | {"s_min": 790})["result"] == {"id": "S1"}
    assert strip.socket(1, "add_countdown_rule", {"enable": True, "delay": 60, "desired_states": ON})["error_code"] == 0
    assert second.countdown == {"id": "C1", "enable": True, "delay": 60, "remain": 60, "desired_states": ON}
    assert first.countdown is None
    assert [strip.socket(index, "get_next_event", {})["result"].get("s_time") for index in range(3)] == [
        at("2026-07-13 13:00"), at("2026-07-13 13:10"), None,
    ]  # fmt: skip
    second.person_adds("schedule", {"s_min": 800, "desired_states": OFF})
    page = strip.socket(1, "get_schedule_rules", {"start_index": 0})["result"]
    assert (page["rule_list"], page["schedule_rule_max_count"]) == (second.tables["schedule"], 32)
    clock.at += 86_400 - 1
    assert [
        [(row.table, row.id, wall(row.at)[11:]) for row in child.executions] for child in strip.device.children
    ] == [
        [("schedule", "S1", "13:00:00")],
        [("countdown", "C1", "12:01:00"), ("schedule", "S1", "13:10:00"), ("schedule", "S2", "13:20:00")],
        [],
    ]
    assert strip.device.executions == []
    assert [write.method for write in second.writes] == [
        "add_schedule_rule", "add_countdown_rule", "add_schedule_rule",
    ]  # fmt: skip


def test_a_batch_goes_through_to_a_socket(strip: Strip) -> None:
    inner = [{"method": "get_device_info"}, {"method": "set_device_info", "params": {"device_on": True}},
             {"method": "get_device_info"}, {"method": "unheard_of"}]  # fmt: skip
    reply = strip.socket(2, "multipleRequest", {"requests": inner})
    rows = reply["result"]["responses"]
    assert reply["error_code"] == 0
    assert [(row["method"], row["error_code"]) for row in rows] == [
        ("get_device_info", 0), ("set_device_info", 0), ("get_device_info", 0), ("unheard_of", -1002),
    ]  # fmt: skip
    assert [rows[index]["result"]["device_on"] for index in (0, 2)] == [False, True]
    assert strip.socket(2, "multipleRequest", {"requests": [{"method": "get_schedule_rules"}]}) == {"error_code": 1200}
    assert strip.socket(2, "multipleRequest", {"requests": []}) == PARAMS
    assert strip.socket(2, "multipleRequest", {"requests": inner[:1] * 11}) == {"error_code": 1200}


@pytest.mark.parametrize(
    "params",
    [{}, None, {"device_id": "x", "requestData": {"method": "get_device_info"}}, {"device_id": 1}, {"requestData": 5}],
    ids=json.dumps,
)
def test_what_means_no_socket_is_minus_1008(strip: Strip, params: Any) -> None:
    assert strip.call("control_child", params) == PARAMS


def test_a_socket_answers_its_own_errors(strip: Strip) -> None:
    assert strip.socket(0, "add_schedule_rule", DAILY | {"week_day": 200}) == PARAMS
    assert strip.socket(0, "get_schedule_rules", {"start_index": 1}) == {"error_code": -1805}
    assert strip.socket(0, "get_energy_usage") == UNKNOWN
    for method in ("device_reboot", "get_device_time", "set_device_time", "device_reset"):
        assert strip.socket(0, method, {}) == UNKNOWN, "the strip answers for that"
    device_id = strip.ids()[0]
    assert strip.call("control_child", {"device_id": device_id}) == PARAMS
    assert not any("control_child" in text for text in strip.device.refusals[:-1]), strip.device.refusals


def test_a_device_without_sockets_knows_no_control_child(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock)
    assert plug.call("control_child", {"device_id": "0", "requestData": {"method": "get_device_info"}}) == UNKNOWN
    assert plug.call("get_child_device_list", {"start_index": 0}) == UNKNOWN
    assert plug.device.children == []


def test_clock_zone_place_and_power_are_the_strips(strip: Strip, clock: Clock) -> None:
    child = strip.device.children[0]
    child.person_adds("schedule", {"s_type": "sunset", "desired_states": ON})
    child.person_adds("schedule", {"s_min": 780, "desired_states": OFF})
    berlin = child.tables["schedule"][0]["s_min"]
    strip.call("set_device_info", {"latitude": 347_720, "longitude": 324_300})
    strip.call("set_device_time", {"timestamp": int(clock.at), "time_diff": 120, "region": "Asia/Nicosia"})
    info = strip.socket(0, "get_device_info")["result"]
    assert (info["latitude"], info["region"]) == (347_720, "Asia/Nicosia")
    assert child.tables["schedule"][0]["s_min"] == pytest.approx(20 * 60 + 3, abs=3)
    assert berlin == pytest.approx(21 * 60 + 22, abs=3)
    child.person_adds("countdown", {"delay": 600, "desired_states": ON})
    strip.device.restart()
    assert child.countdown is None, "the power of the strip is that of its sockets"
    assert len(child.tables["schedule"]) == 2
    assert child.changes[-1].detail == "after its power was gone"
    strip.device.lose_clock()
    assert child.tables["schedule"][1]["year"] == 2000


def test_metered_sockets_have_energy_protection_and_auto_off(add: Add, clock: Clock) -> None:
    strip = Strip(add, clock, "P304M", trace="100", on=True)
    assert len(strip.ids()) == 4
    clock.at += 7200
    usage = strip.socket(3, "get_energy_usage")["result"]
    assert (usage["today_energy"], "current_power" in usage) == (200, False)
    assert strip.socket(3, "get_current_power")["result"] == {"current_power": 100}
    assert strip.socket(3, "get_emeter_data") == UNKNOWN
    assert strip.socket(3, "set_protection_power", {"protection_enabled": True, "protection_power": 99}) == PARAMS
    spelt = {"enabled": True, "protection_power": 99}
    assert strip.socket(3, "set_protection_power", spelt) == {"error_code": 0}
    assert strip.socket(3, "get_protection_power")["result"] == spelt
    strip.socket(2, "set_auto_off_config", {"enable": True, "delay_min": 10})
    assert [child.on for child in strip.device.children] == [True, True, True, False]
    assert strip.socket(3, "get_device_info")["result"]["power_protection_status"] == "overloaded"
    clock.at += 600
    assert [child.on for child in strip.device.children] == [True, True, False, False]
    assert [child.changes[-1].by for child in strip.device.children] == ["start", "start", "auto-off", "protection"]
    strip.device.children[0].set_trace("5")
    assert [child.power_w for child in strip.device.children] == [5, 100, 0, 0]


SOCKET, LAMP = "plug.powerstrip.sub-plug", "plug.powerstrip.sub-bulb"


@pytest.mark.parametrize(
    ("model", "kinds", "listed"),
    [
        ("P300", [SOCKET] * 3, [3, 2, 1]),
        ("P304M", [SOCKET] * 4, [1, 2, 3, 4]),
        ("P306", [*[SOCKET] * 4, LAMP], [4, 3, 2, 1, 5]),
        ("P316M", [SOCKET] * 6, [1, 2, 3, 4, 5, 6]),
        ("P210M", [SOCKET] * 2, [1, 2]),
        ("TP25", [SOCKET] * 2, [1, 2]),
        ("EP40M", [SOCKET] * 2, [2, 1]),
        ("KS240", ["kasa.switch.outlet.sub-fan", "kasa.switch.outlet.sub-dimmer"], [None, None]),
    ],
)
def test_every_model_is_made_of_what_it_is_made_of(
    add: Add, clock: Clock, model: str, kinds: list[str], listed: list[int | None]
) -> None:
    strip = Strip(add, clock, model)
    assert [child.info["category"] for child in strip.device.children] == kinds
    assert [row.get("position") for row in strip.listed()] == listed
    assert {row.get("slot_number") for row in strip.listed()} == {None if None in listed else len(kinds)}
    for child, number in zip(strip.device.children, range(len(kinds)), strict=True):
        assert child.info["model"] == model
        assert strip.socket(number, "set_device_info", {"device_on": True}) == {"error_code": 0}
        assert strip.socket(number, "get_schedule_rules", {"start_index": 0})["result"]["schedule_rule_max_count"] == 32
        assert strip.socket(number, "get_countdown_rules", {})["result"]["countdown_rule_max_count"] == 1
        assert strip.call("get_schedule_rules", {"start_index": 0}) == UNKNOWN
    assert all(child.on for child in strip.device.children)
    assert strip.call("get_led_info")["error_code"] == 0


def test_pages_may_be_smaller(fleet: Fleet, clock: Clock) -> None:
    def add(profile: str, **wishes: Any) -> Device:
        return fleet.add(replace(profile_for(profile), child_page=2), username=USER, password=PASSWORD, **wishes)

    strip = Strip(add, clock, "P306")
    assert [[row["position"] for row in strip.listed(start)] for start in (0, 2, 4)] == [[4, 3], [2, 1], [5]]
    told = strip.call("get_child_device_component_list", {"start_index": 4})["result"]
    assert (len(told["child_component_list"]), told["sum"]) == (1, 5)


def test_sockets_that_tell_milliwatts_tell_them_each_and_the_whole_repeats_the_first(add: Add, clock: Clock) -> None:
    strip = Strip(add, clock, "P316M", trace="100")
    strip.socket(0, "set_device_info", {"device_on": True})
    strip.socket(2, "set_device_info", {"device_on": True})
    clock.at += 7200
    readings = [strip.socket(index, "get_emeter_data")["result"] for index in range(4)]
    assert [each["power_mw"] for each in readings] == [100_000, 0, 100_000, 0]
    usage = strip.socket(2, "get_energy_usage")["result"]
    assert (usage["today_energy"], usage["today_runtime"], "current_power" in usage) == (200, 120, False)
    whole = strip.call("get_energy_usage")["result"]
    assert (whole["today_energy"], whole["current_power"]) == (200, 100_000), "as the first, not the sum"
    spelt = {"protection_enabled": False, "protection_power": 0}
    assert strip.socket(0, "get_protection_power")["result"] == spelt
    assert strip.call("get_protection_power")["result"] == {"enabled": False, "protection_power": 0}
    assert len(strip.socket(0, "get_emeter_vgain_igain")["result"]["data"]) == 6


def test_a_strip_that_does_not_measure_as_a_whole_says_so(add: Add, clock: Clock) -> None:
    for model in ("P304M", "P210M"):
        strip = Strip(add, clock, model)
        for method in ("get_energy_usage", "get_current_power", "get_emeter_data", "get_energy_data"):
            assert strip.call(method, {}) == UNKNOWN, method
        assert strip.call("get_protection_power")["result"] == {"enabled": False, "protection_power": 0}
    assert strip.socket(1, "get_emeter_data")["error_code"] == 0, "a P210M's sockets do"


def test_a_fan_has_speeds_and_no_antitheft_and_the_light_beside_it_is_dimmed(add: Add, clock: Clock) -> None:
    switch = Strip(add, clock, "KS240")
    fan, light = switch.device.children
    assert switch.socket(0, "set_device_info", {"device_on": True, "fan_speed_level": 3}) == {"error_code": 0}
    assert (fan.on, fan.info["fan_speed_level"], "on_time" in fan.info) == (True, 3, False)
    for level in (0, 5, "3"):
        assert switch.socket(0, "set_device_info", {"fan_speed_level": level}) == PARAMS
    assert switch.socket(0, "set_device_info", {"fan_sleep_mode_on": True}) == {"error_code": 0}
    assert fan.info["fan_sleep_mode_on"] is True
    assert switch.socket(0, "get_antitheft_rules", {}) == UNKNOWN
    assert switch.socket(0, "set_device_info", {"brightness": 5}) == PARAMS
    assert switch.socket(1, "set_device_info", {"fan_speed_level": 2}) == PARAMS
    assert switch.socket(1, "set_device_info", {"brightness": 40}) == {"error_code": 0}
    assert light.state == {"device_on": True, "brightness": 40}
    assert switch.socket(1, "get_antitheft_rules", {})["error_code"] == 0
    listed = [row["id"] for row in switch.call("component_nego")["result"]["component_list"]]
    assert {"brightness", "fan_control", "antitheft"} <= set(listed), "and yet"
    assert switch.call("set_device_info", {"brightness": 5}) == PARAMS


def test_faults_strike_a_socket_as_they_strike_a_device(strip: Strip, clock: Clock) -> None:
    strip.device.set_faults("ignore")
    assert strip.socket(0, "add_schedule_rule", DAILY)["result"] == {"id": "S1"}
    assert strip.device.children[0].tables["schedule"] == []
    strip.device.set_faults("lag=5")
    strip.socket(0, "set_device_info", {"device_on": True})
    assert not strip.device.children[0].on
    clock.at += 5
    assert strip.device.children[0].on


def test_a_dump_of_a_strip_brings_its_sockets(add: Add, clock: Clock, tmp_path: Path) -> None:
    parts = [{"id": name, "ver_code": 2} for name in ("device", "schedule", "countdown", "device_local_time")]
    sockets = [
        {"device_id": f"SOCKET_{number}", "device_on": number == 1, "category": "plug.powerstrip.sub-plug",
         "position": 2 - number, "model": "P300", "original_device_id": "0", "region": "Europe/Berlin"}
        for number in (1, 0)
    ]  # fmt: skip
    row = DAILY | {"id": "S1", "s_min": 780}
    table = {"enable": True, "rule_list": [row], "schedule_rule_max_count": 32, "start_index": 0, "sum": 1}
    dump = {
        "component_nego": {"component_list": [*parts, {"id": "control_child", "ver_code": 2},
                                              {"id": "child_device", "ver_code": 2}]},
        "get_device_info": {"model": "P300", "mac": "02-00-00-00-00-09", "device_id": "F" * 40,
                            "region": "Europe/Berlin"},
        "get_device_time": {"region": "Europe/Berlin", "time_diff": 60, "timestamp": 0},
        "get_child_device_list": {"child_device_list": sockets, "start_index": 0, "sum": 2},
        "get_child_device_component_list": {"child_component_list": [
            {"component_list": parts, "device_id": socket["device_id"]} for socket in sockets], "start_index": 0,
            "sum": 2},
        "child_devices": {"SOCKET_0": {"get_schedule_rules": table}},
    }  # fmt: skip
    path = tmp_path / "strip.json"
    path.write_text(json.dumps(dump), encoding="utf-8")
    strip = Strip(add, clock, path, transport="klap")
    assert strip.ids() == ["SOCKET_1", "SOCKET_0"]
    assert [child.on for child in strip.device.children] == [True, False]
    assert [len(child.tables["schedule"]) for child in strip.device.children] == [0, 1], "unasked, it is empty"
    clock.at += 3600
    assert [child.on for child in strip.device.children] == [True, True]
    second = add(path)
    assert second.children[0].info["original_device_id"] == second.device_id != "F" * 40
