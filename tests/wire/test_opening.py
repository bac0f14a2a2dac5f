"""Which protocol is spoken when a device changes over: at run time, with a session kept, back and forth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tapo_automate import wire
from tapo_automate.device import Credentials
from tapo_automate.errors import NeedsTpap
from tapo_automate.memory import DeviceMemory
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import Client, connect
from tapo_automate.wire.exchange import Request, Response

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)

Add = Callable[..., tuple[Device, Client]]


@pytest.fixture
def add() -> Iterator[Add]:
    clients: list[Client] = []
    with Fleet() as fleet:

        def start(transport: str, **options: str) -> tuple[Device, Client]:
            device = fleet.add("P100", transport=transport, username=USER, password=PASSWORD, seed=1, **options)
            clients.append(connect(device.address, ACCOUNT, read_timeout_s=5))
            return device, clients[-1]

        yield start
        for client in clients:
            client.close()


def cost(device: Device, client: Client, on: bool) -> int:
    """Switch, see that it is done, and return how many requests that took."""
    before = device.requests
    client.call("set_device_info", {"device_on": on})
    assert device.on is on
    return device.requests - before


@pytest.mark.parametrize("tpap", ["", "tls=1"])
def test_the_switch_in_the_phone_app_is_followed_ten_times_back_and_forth(add: Add, tpap: str) -> None:
    device, client = add("klap", tpap=tpap)
    assert cost(device, client, True) == 4, "the question, two of the handshake, the command"
    for turn in range(10):
        compatible = bool(turn % 2)
        device.set_third_party_compatibility(compatible)
        assert cost(device, client, compatible) <= 6
        assert client.transport == ("klap" if compatible else "tpap")
        assert cost(device, client, not compatible) == 1
    assert device.sessions == 11, "one login each time"


@pytest.mark.parametrize(
    ("before", "after", "most"),
    [("aes", "klap", 6), ("aes-v1", "klap", 6), ("klap", "tpap", 6), ("aes", "tpap", 7), ("tpap", "klap", 6)],
)
def test_other_firmware_is_noticed_by_the_call_that_meets_it(add: Add, before: str, after: str, most: int) -> None:
    device, client = add(before)
    cost(device, client, True)
    device.update_firmware(after)
    assert cost(device, client, False) <= most
    assert (client.transport, device.sessions) == (after, 2)


def test_a_device_that_wants_tls_from_now_on_gets_it(add: Add) -> None:
    with Fleet() as fleet:
        old = fleet.add("P100", transport="tpap", username=USER, password=PASSWORD)
        new = fleet.add("P100", transport="tpap", tpap="tls=1", username=USER, password=PASSWORD)
        client = connect(old.address, ACCOUNT, read_timeout_s=5)
        client.call("set_device_info", {"device_on": True})
        place = (old.host, old.port)
        old.move(port=0)
        new.move(*place)
        client.call("set_device_info", {"device_on": True})
        assert (old.on, new.on, client.transport) == (True, True, "tpap")
        client.close()


@pytest.mark.parametrize(("before", "after"), [("aes", "klap"), ("klap", "tpap"), ("tpap", "klap")])
def test_a_kept_session_of_another_generation_costs_a_login_and_nothing_else(
    tmp_path: Path, before: str, after: str
) -> None:
    memory = DeviceMemory(tmp_path, lambda: dt.datetime.now(dt.UTC))
    wire.use(wire.Surroundings(memory=memory.of, spacing_s=0, patience_s=()))
    with Fleet() as fleet:
        device = fleet.add("P100", transport=before, username=USER, password=PASSWORD)
        for transport in (before, after):
            if device.transport != transport:
                device.update_firmware(transport)
            for on in (True, False):
                client = connect(device.address, ACCOUNT)
                client.call("set_device_info", {"device_on": on})
                assert (device.on, client.transport) == (on, transport)
                client.close()
        assert device.sessions == 2


def test_klap_that_is_switched_off_without_tpap_to_speak_tells_the_way_through_the_phone_app() -> None:
    """Firmware that says KLAP when it is asked, and 403 when it is spoken."""

    def send(request: Request) -> Response:
        if request.path == "/":
            answer = b'{"error_code":0,"result":{"sub_method":"discover","tpap_preferred":false}}'
            return Response(200, answer, {"content-type": "application/json"})
        assert request.path == "/app/handshake1"
        return Response(403, b"")

    client = Client("10.0.0.5", ACCOUNT, send, draw=bytes)
    with pytest.raises(NeedsTpap) as raised:
        client.call("get_device_info")
    assert "Me → Third-Party Services → Third-Party Compatibility" in str(raised.value)
    assert not raised.value.outcome_unknown
