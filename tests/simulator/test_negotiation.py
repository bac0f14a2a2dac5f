"""What a client hears before there is a session, for each generation."""

import os
from collections.abc import Callable

import pytest

from simulator.speaking import Answer, Klap, Passthrough, post, post_json
from tapo_automate.simulator import Device, SimulatorError

Add = Callable[..., Device]
DISCOVER = {"method": "login", "params": {"sub_method": "discover"}}
INFO = {"method": "get_device_info"}


def discover(device: Device) -> Answer:
    return post_json(device, "/", DISCOVER)


@pytest.mark.parametrize("transport", ["klap", "klap-v1"])
def test_klap_older_than_tpap_answers_discover_with_1003(add: Add, transport: str) -> None:
    device = add("P110", transport=transport)
    assert discover(device).json == {"error_code": 1003}
    assert post_json(device, "/", INFO).json == {"error_code": 1003}
    assert post(device, "/app/handshake1", os.urandom(16)).status == 200


def test_klap_may_answer_plain_requests_with_http_401(add: Add) -> None:
    device = add("P110", faults="plain-401")
    assert post_json(device, "/", INFO).status == 401
    assert discover(device).json == {"error_code": 1003}


def test_passthrough_answers_discover_with_another_error(old_plug: Device) -> None:
    assert discover(old_plug).json == {"error_code": -1}
    assert post_json(old_plug, "/", INFO).json == {"error_code": -1}


def test_the_oldest_firmware_has_nothing_on_the_root(add: Add) -> None:
    assert discover(add("P100", transport="aes-v1")).is_stock_page


def test_tpap_alone_offers_itself_and_forbids_klap(add: Add) -> None:
    device = add("P110", transport="tpap")
    result = discover(device).json["result"]
    assert result["mac"] == device.mac
    assert result["tpap"] == {"tls": 0, "port": device.port, "dac": 0, "noc": 0, "pake": [2], "user_hash_type": 0}
    assert post(device, "/app/handshake1", os.urandom(16)).status == 403
    assert post_json(device, "/app", INFO).json == {"error_code": 1003}
    assert post_json(device, "/", INFO).json == {"error_code": 1003}


def test_a_firmware_that_knows_tpap_but_prefers_klap_says_so(add: Add) -> None:
    device = add("L530")
    device.update_firmware("klap", tpap_aware=True)
    assert discover(device).json == {"error_code": 0, "result": {"sub_method": "discover", "tpap_preferred": False}}
    assert Klap(device).log_in().call("get_device_info")["error_code"] == 0


def test_a_locked_device_says_so_to_discover(add: Add) -> None:
    assert discover(add("P110", faults="locked")).json == {"error_code": -2101}


def test_malformed_json_on_the_root_is_minus_1003(plug: Device) -> None:
    assert post(plug, "/", b"{").json == {"error_code": -1003}


def test_a_firmware_update_takes_passthrough_away(add: Add) -> None:
    device = add("L530", transport="aes")
    session = Passthrough(device).log_in()
    session.call("set_device_info", {"brightness": 33})
    before = device.info
    device.update_firmware("klap")
    assert session.send(session.envelope(b"{}")).json == {"error_code": 1003}
    assert discover(device).json == {"error_code": 1003}
    after = Klap(device).log_in().call("get_device_info")["result"]
    assert after["fw_ver"] != before["fw_ver"]
    kept = ("device_on", "brightness", "mac", "device_id", "nickname")
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}


def test_the_third_party_switch_takes_klap_away_and_gives_it_back(klap: Klap, plug: Device) -> None:
    plug.set_third_party_compatibility(False)
    assert klap.request(bytes(48), "seq=1").status == 403
    assert post(plug, "/app/handshake1", os.urandom(16)).status == 403
    assert "tpap" in discover(plug).json["result"]
    plug.set_third_party_compatibility(True)
    assert discover(plug).json["result"]["tpap_preferred"] is False
    assert Klap(plug).log_in().call("get_device_info")["error_code"] == 0


def test_a_device_without_the_switch_cannot_flip_it(old_plug: Device) -> None:
    with pytest.raises(SimulatorError, match="a device that speaks aes has no third-party switch"):
        old_plug.set_third_party_compatibility(False)


@pytest.mark.parametrize(
    ("transport", "scheme"),
    [
        ("klap", {"encrypt_type": "KLAP", "lv": 2}),
        ("aes", {"encrypt_type": "AES", "lv": 2}),
        ("aes-v1", {"encrypt_type": "AES"}),
        ("tpap", {"encrypt_type": "TPAP", "lv": 2}),
    ],
)
def test_the_announcement_names_transport_and_port(add: Add, transport: str, scheme: dict[str, object]) -> None:
    device = add("P110", transport=transport)
    announced = device.announcement
    assert announced["mgt_encrypt_schm"] == {"is_support_https": False, "http_port": device.port} | scheme
    assert announced["device_type"] == "SMART.TAPOPLUG"
    assert announced["mac"] == device.mac
