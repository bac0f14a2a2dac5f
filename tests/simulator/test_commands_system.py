"""Restart, reset, time, firmware, network and set-up: what a device does when it is told to, by its own clock."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.speaking import PASSWORD, USER, Clock, Klap, Passthrough
from tapo_automate.simulator import Device, SimulatorError

Add = Callable[..., Device]
OK, PARAMS, UNKNOWN = {"error_code": 0}, {"error_code": -1008}, {"error_code": -1002}
HOME = {"key_type": "wpa2_psk", "ssid": b64encode(b"simulated").decode(), "password": b64encode(b"hush hush").decode()}


def b64(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.fixture
def plug(add: Add, clock: Clock) -> Device:
    return add("P110", now=clock)


@pytest.fixture
def klap(plug: Device) -> Klap:
    return Klap(plug).log_in()


def log_in_again(device: Device, user: str = USER, password: str = PASSWORD) -> Klap:
    """Log in to a device that has just started: it cuts the first connection that was open before."""
    try:
        return Klap(device, user, password).log_in()
    except (RemoteDisconnected, ConnectionResetError):
        return Klap(device, user, password).log_in()


def test_a_reboot_answers_first_and_comes_after_its_delay(klap: Klap, plug: Device, clock: Clock) -> None:
    plug.person_adds("countdown", {"delay": 600, "desired_states": {"on": True}})
    plug.press()
    assert klap.call("device_reboot", {"delay": 30}) == OK
    clock.at += 29
    assert klap.call("get_device_info")["result"]["on_time"] == 29
    clock.at += 1
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        klap.call("get_device_info")
    session = log_in_again(plug)
    clock.at += 5
    info = session.call("get_device_info")["result"]
    assert (info["device_on"], info["on_time"]) == (True, 5), "the relay stays, the seconds begin anew"
    assert session.call("get_countdown_rules", {})["result"]["rule_list"] == []
    assert plug.changes[-1].detail == "as it was told to"


def test_a_reset_leaves_nothing_of_its_owner(klap: Klap, plug: Device, clock: Clock) -> None:
    klap.call("set_device_info", {"nickname": b64("boiler"), "device_on": True})
    klap.call("set_led_info", klap.call("get_led_info")["result"] | {"led_rule": "never"})
    klap.call("set_auto_off_config", {"enable": True, "delay_min": 5})
    plug.person_adds("schedule", {"s_min": 600, "desired_states": {"on": True}})
    clock.at += 120
    mac = plug.mac
    assert plug.announcement["factory_default"] is False
    assert klap.call("device_reset") == OK
    session = Klap(plug, "test@tp-link.net", "test").log_in()
    info = session.call("get_device_info")["result"]
    assert info == info | {
        "mac": mac, "nickname": "", "ssid": "", "device_on": False,
        "has_set_location_info": False, "latitude": 0, "longitude": 0, "region": "", "time_diff": 0,
    }  # fmt: skip
    assert session.call("get_led_info")["result"]["led_rule"] == "always"
    assert session.call("get_auto_off_config")["result"] == {"enable": False, "delay_min": 120}
    assert plug.tables == {"schedule": [], "countdown": [], "antitheft": []}
    assert session.call("get_device_usage")["result"]["time_usage"]["past30"] == 0
    assert session.call("get_device_time")["result"]["timestamp"] < 946_684_800 + 60, "no network, no time"
    assert (plug.announcement["factory_default"], plug.announcement["owner"]) == (True, "")


def test_a_reset_strip_has_reset_its_sockets(add: Add, clock: Clock) -> None:
    strip = add("P300", now=clock, on=True)
    strip.children[0].person_adds("schedule", {"s_min": 600, "desired_states": {"on": True}})
    Klap(strip).log_in().call("device_reset")
    assert [socket.on for socket in strip.children] == [False] * 3
    assert strip.children[0].tables["schedule"] == []
    assert strip.children[0].info["original_device_id"] == strip.device_id


QS = {
    "account": {"username": b64("new@example.com"), "password": b64("s3cret")},
    "extra_info": {"specs": "EU"},
    "time": {"timestamp": 1_783_936_900, "time_diff": -420, "region": "America/Denver"},
    "wireless": HOME,
}


def test_a_quick_setup_gives_the_device_to_somebody_else(klap: Klap, plug: Device, clock: Clock) -> None:
    klap.call("device_reset")
    session = Klap(plug, "test@tp-link.net", "test").log_in()
    assert session.call("set_qs_info", QS) == {"error_code": 0, "result": {"device_id": plug.device_id}}
    assert plug.announcement["factory_default"] is False
    clock.at += 1
    session = log_in_again(plug, "new@example.com", "s3cret")
    info = session.call("get_device_info")["result"]
    assert (info["region"], info["time_diff"], info["specs"]) == ("America/Denver", -420, "EU")
    assert info["ssid"] == HOME["ssid"]
    assert session.call("get_device_time")["result"]["timestamp"] == 1_783_936_901
    stranger = Klap(plug)
    stranger.greet()
    assert stranger.proof != stranger.expected_proof, "the account of before opens nothing"


@pytest.mark.parametrize(
    "change",
    [
        {"account": None},
        {"account": {"username": b64(""), "password": b64("x")}},
        {"account": {"username": "not base64", "password": b64("x")}},
        {"account": {"username": b64("a@b.c")}},
        {"wireless": None},
        {"wireless": {"key_type": "wpa2_psk", "ssid": b64("x")}},
        {"time": {"timestamp": 1, "time_diff": 0, "region": "Nowhere/Land"}},
        {"time": {"timestamp": "1", "time_diff": 0}},
        {"extra_info": {"specs": 5}},
        {"extra_info": []},
    ],
    ids=json.dumps,
)
def test_a_quick_setup_that_makes_no_sense_changes_nothing(klap: Klap, plug: Device, change: Any) -> None:
    before = plug.info
    assert klap.call("set_qs_info", QS | change) == PARAMS
    assert plug.info == before
    assert Klap(plug).log_in()


def test_a_quick_setup_without_a_network_gives_it_away_all_the_same(klap: Klap, plug: Device) -> None:
    assert klap.call("set_qs_info", {key: QS[key] for key in ("account", "time")}) == {"error_code": -1003}
    stranger = Klap(plug)
    stranger.greet()
    assert stranger.proof != stranger.expected_proof


def test_what_is_set_up_shows_in_no_log(klap: Klap, plug: Device) -> None:
    klap.call("set_qs_info", QS)
    shown = repr([plug, plug.calls, plug.refusals, plug._core, plug.writes])
    for secret in ("s3cret", b64("s3cret"), HOME["password"]):
        assert secret not in shown


def test_a_scan_is_told_in_pages_with_names_in_base64(klap: Klap) -> None:
    first, second, third = (
        klap.call("get_wireless_scan_info", {"start_index": start})["result"] for start in (0, 10, 12)
    )
    assert [len(page["ap_list"]) for page in (first, second, third)] == [10, 2, 0]
    assert {page["sum"] for page in (first, second, third)} == {12}
    assert first["ap_list"][0] == {
        "bssid": "020000000000", "channel": 1, "cipher_type": 2, "key_type": "wpa2_psk", "signal_level": 3,
        "ssid": HOME["ssid"],
    }  # fmt: skip
    assert klap.call("get_wireless_scan_info", {"start_index": "0"}) == PARAMS


@pytest.mark.parametrize(
    "wrong",
    [
        {"ssid": ""},
        {"ssid": b64("x" * 33)},
        {"ssid": "simulated"},
        {"key_type": "wpa9"},
        {"key_type": 3},
        {"password": b64("seven77")},
        {"password": None},
    ],
    ids=json.dumps,
)
def test_a_network_that_cannot_be_is_refused(klap: Klap, wrong: Any) -> None:
    assert klap.call("set_wireless_info", HOME | wrong) == PARAMS


def test_a_key_that_is_no_longer_spoken_is_not_supported(klap: Klap) -> None:
    assert klap.call("set_wireless_info", HOME | {"key_type": "wep"}) == {"error_code": -1702}


def test_a_network_that_it_knows_keeps_the_device_here(klap: Klap, plug: Device, clock: Clock) -> None:
    guests = {"key_type": "none", "ssid": b64("simulated guests")}
    assert klap.call("set_wireless_info", guests) == OK
    assert plug.info["ssid"] == HOME["ssid"], "accepted is not done"
    clock.at += 1
    assert plug.info["ssid"] == guests["ssid"]
    assert log_in_again(plug).call("get_device_info")["error_code"] == 0


def test_a_network_that_is_not_here_takes_the_device_away(klap: Klap, plug: Device, clock: Clock) -> None:
    assert klap.call("set_wireless_info", HOME | {"ssid": b64("elsewhere")}) == OK
    assert klap.call("get_device_info")["error_code"] == 0
    clock.at += 1
    assert plug.info["ssid"] == b64("elsewhere")
    for _ in range(2):
        with pytest.raises(OSError):
            Klap(plug).log_in()
    plug.set_faults("")
    with pytest.raises(OSError):
        Klap(plug).log_in()
    plug.set_network(joined=True)
    assert Klap(plug).log_in().call("get_device_info")["error_code"] == 0


def test_the_cloud_is_there_or_not(klap: Klap, plug: Device, clock: Clock) -> None:
    assert klap.call("get_connect_cloud_state")["result"] == {"status": 0}
    assert klap.call("get_latest_fw")["result"]["need_to_upgrade"] is False
    plug.set_internet(False)
    assert klap.call("get_connect_cloud_state")["result"] == {"status": 1}
    assert klap.call("get_latest_fw") == {"error_code": -1007}
    plug.restart()
    assert plug.time < clock.at - 800_000_000, "nobody tells it the time"
    plug.set_internet(True)
    assert log_in_again(plug).call("get_latest_fw")["error_code"] == 0


class Updated:
    """A device whose vendor has a newer firmware."""

    def __init__(self, device: Device, clock: Clock, **offer: Any) -> None:
        self.device, self.clock = device, clock
        device.offer_firmware("9.9.9 Build 260701 Rel.1", **offer)
        self.session = log_in_again(device)

    def state(self) -> tuple[int, int]:
        told = self.session.call("get_fw_download_state")["result"]
        return told["status"], told["download_progress"]

    def after(self, seconds: float) -> tuple[int, int]:
        self.clock.at += seconds
        return self.state()


def test_a_firmware_is_loaded_step_by_step_and_then_it_restarts(plug: Device, clock: Clock) -> None:
    it = Updated(plug, clock, note="mends things")
    latest = it.session.call("get_latest_fw")["result"]
    assert latest == latest | {
        "fw_ver": "9.9.9 Build 260701 Rel.1", "need_to_upgrade": True, "release_note": "mends things",
        "hw_id": plug.info["hw_id"],
    }  # fmt: skip
    assert it.state() == (0, 0)
    assert it.session.call("fw_download") == OK
    assert it.state() == (1, 0)
    assert it.after(2) == (2, 0)
    assert it.after(5) == (2, 50)
    assert it.session.call("fw_download") == {"error_code": -1401}, "one at a time"
    assert it.after(5) == (3, 100)
    assert "9.9.9" not in plug.info["fw_ver"]
    clock.at += 5
    assert plug.info["fw_ver"] == "9.9.9 Build 260701 Rel.1"
    it.session = log_in_again(plug)
    assert it.state() == (0, 0)
    latest = it.session.call("get_latest_fw")["result"]
    assert (latest["need_to_upgrade"], latest["fw_ver"]) == (False, "9.9.9 Build 260701 Rel.1")
    assert it.session.call("fw_download") == {"error_code": -1402}, "there is nothing newer"


def test_a_new_firmware_may_speak_another_language(add: Add, clock: Clock) -> None:
    old = add("P110", transport="aes", now=clock)
    old.person_adds("schedule", {"s_min": 600, "desired_states": {"on": True}})
    old.offer_firmware("1.3.1 Build 240621 Rel.162048", transport="klap")
    assert Passthrough(old).log_in().call("fw_download") == OK
    clock.at += 17
    session = log_in_again(old)
    assert old.transport == "klap"
    assert session.call("get_device_info")["result"]["fw_ver"] == "1.3.1 Build 240621 Rel.162048"
    assert len(session.call("get_schedule_rules", {"start_index": 0})["result"]["rule_list"]) == 1
    listed = {row["id"] for row in session.call("component_nego")["result"]["component_list"]}
    assert "charging_protection" in listed, "it has become that firmware"


@pytest.mark.parametrize(
    ("code", "seconds", "percent"), [(-1004, 0, 0), (-1002, 2, 0), (-1001, 7, 50), (-1003, 12, 100), (4, 12, 100)]
)
def test_a_loading_fails_as_it_is_meant_to(plug: Device, clock: Clock, code: int, seconds: int, percent: int) -> None:
    it = Updated(plug, clock, fails=code)
    before = plug.info["fw_ver"]
    assert it.session.call("fw_download") == OK
    if seconds:
        assert it.after(seconds - 1)[0] in (1, 2)
        clock.at += 1
    assert it.state() == (code, percent)
    assert it.after(3600) == (code, percent), "until it is tried again"
    assert plug.info["fw_ver"] == before
    assert it.session.call("fw_download") == OK


def test_without_the_internet_nothing_is_loaded(plug: Device, clock: Clock) -> None:
    it = Updated(plug, clock)
    plug.set_internet(False)
    assert it.session.call("fw_download") == OK
    assert it.after(8) == (-1001, 50)


def test_a_url_of_ones_own_leads_nowhere(klap: Klap, plug: Device, clock: Clock) -> None:
    assert klap.call("fw_download", {"url": 5}) == PARAMS
    assert klap.call("fw_download", {"url": "file:///etc"}) == PARAMS
    assert klap.call("fw_download", {"url": "http://192.0.2.1/fw.bin"}) == OK
    clock.at += 10
    assert klap.call("get_fw_download_state")["result"]["status"] == -1001


def test_a_power_cut_ends_a_loading(plug: Device, clock: Clock) -> None:
    it = Updated(plug, clock)
    it.session.call("fw_download")
    clock.at += 5
    plug.restart()
    it.session = log_in_again(plug)
    assert it.after(60) == (0, 0)
    assert "9.9.9" not in plug.info["fw_ver"]


def test_a_device_that_may_updates_itself_at_night(plug: Device, klap: Klap, clock: Clock) -> None:
    it = Updated(plug, clock, night_share=0.5)
    it.session.call("set_auto_update_info", {"enable": True, "time": 180, "random_range": 60})
    clock.at = datetime(2026, 7, 14, 3, 29, 59, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert it.state() == (0, 0)
    assert it.after(5) == (2, 20)
    assert it.session.call("get_fw_download_state")["result"]["auto_upgrade"] is True
    clock.at += 60
    assert "9.9.9" in plug.info["fw_ver"]


def test_a_device_that_may_not_stays_as_it_is(plug: Device, klap: Klap, clock: Clock) -> None:
    it = Updated(plug, clock)
    assert it.session.call("get_auto_update_info")["result"] == {"enable": False, "random_range": 120, "time": 180}
    clock.at += 3 * 86_400
    assert "9.9.9" not in plug.info["fw_ver"]


@pytest.mark.parametrize(
    "wrong", [{}, {"enable": 1}, {"enable": True, "time": 1440}, {"enable": True, "random_range": -1}], ids=json.dumps
)
def test_an_update_by_night_that_makes_no_sense_is_refused(klap: Klap, wrong: Any) -> None:
    assert klap.call("set_auto_update_info", wrong) == PARAMS


def test_a_firmware_cannot_fail_in_ways_nobody_knows(plug: Device) -> None:
    with pytest.raises(
        SimulatorError, match="no firmware fails to load with 7; it may with -1004, -1002, -1001, -1003, 4"
    ):
        plug.offer_firmware("2", fails=7)


def test_a_dump_that_was_offered_a_firmware_can_load_it(add: Add, clock: Clock, tmp_path: Path) -> None:
    offered = {
        "fw_size": 786_432, "fw_ver": "1.3.0", "hw_id": "0", "need_to_upgrade": True, "oem_id": "0",
        "release_date": "2023-10-31", "release_note": "", "type": 2,
    }  # fmt: skip
    listed = [{"id": name, "ver_code": 2} for name in ("device", "firmware")]
    dump = {
        "component_nego": {"component_list": listed},
        "get_connect_cloud_state": {"status": 0},
        "get_device_info": {"device_on": False, "fw_ver": "1.0.7", "mac": "02-00-00-00-00-01", "model": "P110"},
        "get_fw_download_state": {"download_progress": 0, "reboot_time": 5, "status": 0, "upgrade_time": 5},
        "get_latest_fw": offered,
    }
    path = tmp_path / "old.json"
    path.write_text(json.dumps(dump))
    device = add(path, now=clock)
    session = Klap(device).log_in()
    assert session.call("get_latest_fw")["result"] == offered
    assert session.call("fw_download") == OK
    clock.at += 1
    assert session.call("get_fw_download_state")["result"] == dump["get_fw_download_state"] | {"status": 1}
    clock.at += 16
    session = log_in_again(device)
    assert session.call("get_device_info")["result"]["fw_ver"] == "1.3.0"
    assert session.call("get_latest_fw")["result"] == offered | {
        "fw_size": 0, "need_to_upgrade": False, "hw_id": "", "oem_id": "", "release_date": "", "type": 0,
    }  # fmt: skip


def test_whether_the_next_owner_inherits_is_told_once_it_was_set(add: Add) -> None:
    session = Klap(add("L530")).log_in()
    assert session.call("get_inherit_info") == OK
    assert session.call("set_inherit_info", {"is_inherit": 1}) == PARAMS
    assert session.call("set_inherit_info", {"is_inherit": True}) == OK
    assert session.call("get_inherit_info")["result"] == {"inherit_status": True}
    assert Klap(add("P110")).log_in().call("set_inherit_info", {"is_inherit": True}) == UNKNOWN


def test_a_heart_beats_in_every_device(klap: Klap, add: Add) -> None:
    assert klap.call("heart_beat") == OK
    assert Klap(add("L900")).log_in().call("heart_beat", {}) == OK


def test_a_matter_device_tells_how_it_is_set_up(add: Add, klap: Klap, tmp_path: Path) -> None:
    listed = [{"id": name, "ver_code": 2} for name in ("device", "matter")]
    info = {"device_on": False, "mac": "02-00-00-00-00-01", "model": "P110M"}
    path = tmp_path / "matter.json"
    path.write_text(json.dumps({"component_nego": {"component_list": listed}, "get_device_info": info}))
    told = Klap(add(path)).log_in().call("get_matter_setup_info")["result"]
    assert told.keys() == {"setup_code", "setup_payload"}
    assert klap.call("get_matter_setup_info") == UNKNOWN


@pytest.mark.parametrize("method", ["set_qs_info", "set_wireless_info", "fw_download", "device_reset", "get_latest_fw"])
def test_a_socket_leaves_to_its_strip_what_is_the_strips(add: Add, method: str) -> None:
    strip = add("P300")
    wrapped = {"device_id": strip.children[0].device_id, "requestData": {"method": method, "params": {}}}
    reply = Klap(strip).log_in().call("control_child", wrapped)["result"]["responseData"]
    assert reply == UNKNOWN
