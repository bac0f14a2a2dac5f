"""Looking for simulated devices, which other hands have made of the same description."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from tapo_automate.simulator import Fleet
from tapo_automate.wire.discovery import Found
from tapo_automate.wire.udp import Target, discover, knock

OWNER = {"username": "Canary.User@Example.com", "password": "canary-Sw0rdfish!"}
LONG_S = 30.0  # each search here ends by itself


def found_at(device: Any, **wishes: Any) -> list[Found]:
    return discover([place_of(device)], timeout_s=LONG_S, **wishes)


def place_of(device: Any) -> Target:
    address, _, port = device.discovery.rpartition(":")
    return Target(address, int(port))


@pytest.mark.parametrize("profile", ["P100", "P110", "L530", "L900", "P300", "KS240"])
def test_every_kind_of_device_is_found(profile: str) -> None:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        device = fleet.add(profile, **OWNER)
        (found,) = found_at(device)
    assert (found.mac, found.port, found.tls) == (device.mac, device.port, False)
    assert found.transport == device.transport
    assert found.device_model.startswith(found.model)
    assert found.owner_matches(OWNER["username"]) is True
    assert found.owner_matches("somebody@example.com") is False
    assert not found.factory_default


@pytest.mark.parametrize("transport", ["klap", "aes", "aes-v1", "tpap"])
def test_the_protocol_is_known_before_anything_is_asked_over_http(transport: str) -> None:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        (found,) = found_at(fleet.add("P110", transport=transport, **OWNER))
    assert found.transport == transport.partition("-")[0]


def test_a_whole_fleet_behind_one_port_is_found() -> None:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        devices = [fleet.add("P110", **OWNER) for _ in range(40)]
        macs = {device.mac for device in devices}
        seen: set[str] = set()

        def all_seen(found: Found) -> bool:
            seen.add(found.mac)
            return seen >= macs

        found = found_at(devices[0], until=all_seen)
    assert {each.mac: each.port for each in found} == {device.mac: device.port for device in devices}


@pytest.mark.parametrize(
    "fault",
    [
        "answer-twice",
        "answer-garbage=once",
        "answer-cut=once",
        "answer-lost=once",
        "probe-lost=once",
        "answer-late=1.2",
        "router-beside",
        "camera-beside",
        "others-beside",
    ],
)
def test_a_device_is_found_whatever_else_is_heard(fault: str) -> None:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        device = fleet.add("P110", faults=fault, **OWNER)
        found = discover([place_of(device)], timeout_s=6, until=lambda each: each.mac == device.mac)
    assert [each.mac for each in found] == [device.mac]


def test_knocking_wakes_a_device_that_sleeps() -> None:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        device = fleet.add("P110", faults="asleep", **OWNER)
        with pytest.raises(ConnectionRefusedError):
            connect(device)
        place = place_of(device)
        found = knock(place.address, place.port, wait_s=LONG_S)
        assert found is not None
        assert found.mac == device.mac
        deadline = time.monotonic() + LONG_S
        while not is_open(device):  # the answer is here before the port is open
            assert time.monotonic() < deadline
            time.sleep(0.05)


def connect(device: Any) -> None:
    socket.create_connection((device.host, device.port), 10).close()


def is_open(device: Any) -> bool:
    try:
        connect(device)
    except ConnectionRefusedError:
        return False
    return True


def test_a_device_is_found_again_at_its_new_address() -> None:
    with Fleet() as fleet:
        device = fleet.add("P110", host="127.0.0.61", discovery="0", **OWNER)
        assert found_at(device)[0].address == "127.0.0.61"
        device.move("127.0.0.62")
        assert found_at(device)[0].address == "127.0.0.62"
