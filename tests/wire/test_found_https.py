"""A device that is known by the port of its HTTPS alone, which is the one that discovery names."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tapo_automate import wire
from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConnectionLost
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire.udp import discover, parse_target

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        made = fleet.add("P110", username=ACCOUNT.username, password=ACCOUNT.password, transport="tpap", tpap="tls=1")
        assert made.discovery is not None
        monkeypatch.setenv("TAPO_AUTOMATE_DISCOVERY", made.discovery)
        yield made


def test_one_with_a_mac_is_found_and_told(device: Device) -> None:
    opened = wire.open_device(DeviceSpec("plug", "tapo-plug", "", device.mac), ACCOUNT)
    opened.call("set_device_info", {"device_on": True})
    opened.close()
    assert device.on


def test_its_host_as_it_was_found_is_a_host_for_a_rule_file(device: Device) -> None:
    assert device.discovery is not None
    (found,) = discover([parse_target(device.discovery)], timeout_s=5)
    assert found.tls
    assert found.host != device.address
    client = wire.connect(found.host, ACCOUNT)
    client.call("set_device_info", {"device_on": True})
    client.close()
    assert device.on
    assert len([each for each in device.login_attempts if each.step == "pake_share"]) == 1


def test_a_port_that_takes_neither_is_told_as_what_it_is(device: Device) -> None:

    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            for _ in range(4):  # in the open and over HTTPS, and both once more
                server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = server.getsockname()[1]
        client = wire.connect(f"127.0.0.1:{port}", ACCOUNT)
        with pytest.raises(ConnectionLost) as raised:
            client.call("get_device_info")
        client.close()
        thread.join()
    problem = "the device closed the connection without an answer; restart the device if it stays so"
    assert str(raised.value) == f"127.0.0.1:{port}: {problem}"
