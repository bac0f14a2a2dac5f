"""The client against devices that other hands wrote from the same specification, over real HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from tapo_automate.device import Credentials, Setting, State
from tapo_automate.errors import (
    AuthRefused,
    Busy,
    ConnectionLost,
    Garbled,
    SessionLost,
    TapoAutomateError,
    Unreachable,
    Unsupported,
)
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import Client, PowerMeter, codec, connect

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)

MODELS = [
    ("P100", "klap"),
    ("P100", "aes-v1"),
    ("P105", "klap"),
    ("P110", "klap"),
    ("P110", "klap-v1"),
    ("P110", "aes"),
    ("P110", "aes-v1"),
    ("P115", "klap"),
    ("L510", "klap"),
    ("L530", "klap"),
    ("L530", "aes"),
    ("L630", "klap"),
    ("L900", "klap"),
    ("P100", "tpap"),
    ("P110", "tpap"),
    ("L530", "tpap"),
]
ROW = {
    "enable": True,
    "mode": "repeat",
    "week_day": 62,
    "s_type": "normal",
    "s_min": 1110,
    "time_offset": 0,
    "e_type": "none",
    "e_min": 0,
    "e_action": "none",
    "year": 2026,
    "month": 1,
    "day": 1,
    "desired_states": {"on": True},
}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as it:
        yield it


Add = Callable[..., tuple[Device, Client]]


@pytest.fixture
def add(fleet: Fleet) -> Iterator[Add]:
    clients: list[Client] = []

    def start(model: str = "P110", transport: str | None = "klap", *, faults: str = "") -> tuple[Device, Client]:
        device = fleet.add(model, transport=transport, username=USER, password=PASSWORD, faults=faults, seed=1)
        clients.append(connect(device.address, ACCOUNT, read_timeout_s=2))
        return device, clients[-1]

    yield start
    for client in clients:
        client.close()


def add_row(client: Client) -> None:
    """Ask for a row; a device without such a table has been asked all the same."""
    with contextlib.suppress(Unsupported):
        client.call("add_schedule_rule", ROW)


def received(device: Device, method: str) -> int:
    return sum(call.method == method for call in device.calls)


BOTH = pytest.mark.parametrize("transport", ["klap", "aes", "klap-v1", "aes-v1", "tpap"])


@pytest.mark.parametrize(("model", "transport"), MODELS)
def test_every_model_is_described_switched_and_read_back(add: Add, model: str, transport: str) -> None:
    device, client = add(model, transport)
    info = client.call("get_device_info")
    known = codec.description(client.host, info, codec.components(client.call("component_nego")), client.transport)
    assert (known.hardware_id, known.model, known.transport) == (device.mac, model, transport.removesuffix("-v1"))

    setting = Setting(on=True, brightness_pct=33 if known.has_brightness else None)
    for on in (True, False, True):
        client.call("set_device_info", codec.set_params(client.host, Setting(on=on), known))
        assert device.on is on
    client.call("set_device_info", codec.set_params(client.host, setting, known))
    now = codec.state(client.host, client.call("get_device_info"))
    assert (now.on, now.brightness_pct) == (True, setting.brightness_pct)

    if known.color_temp_range_k:
        client.call("set_device_info", codec.set_params(client.host, Setting(color_temp_k=3000), known))
        now = codec.state(client.host, client.call("get_device_info"))
        assert now == State(True, 33, color_temp_k=3000)
    if known.has_color:
        client.call("set_device_info", codec.set_params(client.host, Setting(hue_deg=200, saturation_pct=40), known))
        now = codec.state(client.host, client.call("get_device_info"))
        assert now == State(True, 33, hue_deg=200, saturation_pct=40)
    if known.has_power_meter:
        assert PowerMeter(client).read_w() == pytest.approx(device.power_w, abs=0.01)
    assert device.handshakes == (2 if transport == "aes-v1" else 1)
    assert device.connections == 1


@BOTH
@pytest.mark.parametrize(
    "fault", ["expire=once", "403=once", "401=once", "drop=once", "500=once", "html=once", "close"]
)
def test_a_read_gets_over_what_devices_do(add: Add, transport: str, fault: str) -> None:
    device, client = add(transport=transport)
    client.call("get_device_info")
    device.set_faults(fault)
    for _ in range(4):
        assert client.call("get_device_info")["mac"] == device.mac


@pytest.mark.parametrize("fault", ["garbage=once", "short=once", "bad-signature=once", "drop-after=once"])
def test_a_lost_answer_is_asked_for_again_but_a_row_is_added_once(add: Add, fault: str) -> None:
    device, client = add()
    client.call("get_device_info")
    device.set_faults(fault)
    assert client.call("get_device_info")["mac"] == device.mac
    device.set_faults(fault)
    with pytest.raises(
        (Garbled, ConnectionLost), match="whether the device has carried out add_schedule_rule is unknown"
    ):
        client.call("add_schedule_rule", ROW)
    assert received(device, "add_schedule_rule") == 1


@BOTH
@pytest.mark.parametrize("fault", ["expire=once", "403=once", "401=once"])
def test_a_row_is_added_once_over_a_forgotten_session(add: Add, transport: str, fault: str) -> None:
    device, client = add(transport=transport)
    client.call("get_device_info")
    device.set_faults(fault)
    add_row(client)
    assert received(device, "add_schedule_rule") == 1


def test_a_device_that_closes_each_connection_takes_rows_as_well(add: Add) -> None:
    device, client = add(faults="close")
    client.call("get_device_info")
    for _ in range(5):
        add_row(client)
    assert received(device, "add_schedule_rule") == 5
    assert device.handshakes == 1


@pytest.mark.parametrize("fault", ["handshake-49", "plain-401", "defaults=once", "defaults"])
def test_a_klap_handshake_in_its_other_forms_is_understood(add: Add, fault: str) -> None:
    _, client = add(faults=fault)
    assert client.call("get_device_info")


@pytest.mark.parametrize("transport", ["klap", "klap-v1"])
def test_wrong_credentials_cost_one_klap_handshake(fleet: Fleet, transport: str) -> None:
    device = fleet.add("P110", transport=transport, username=USER, password="another")
    client = connect(device.address, ACCOUNT)
    with pytest.raises(AuthRefused, match="spell it as the Tapo app shows it"):
        client.call("get_device_info")
    client.close()
    assert (device.handshakes, device.logins) == (1, 0)


@pytest.mark.parametrize(("transport", "logins"), [("aes", 3), ("aes-v1", 3)])
def test_wrong_credentials_cost_three_logins_at_most(fleet: Fleet, transport: str, logins: int) -> None:
    device = fleet.add("P110", transport=transport, username=USER, password="another")
    client = connect(device.address, ACCOUNT)
    with pytest.raises(AuthRefused):
        client.call("get_device_info")
    client.close()
    assert device.logins <= logins
    assert device.handshakes == device.logins


@BOTH
def test_a_locked_device_is_left_alone(add: Add, transport: str) -> None:
    device, client = add(transport=transport, faults="locked")
    with pytest.raises(AuthRefused, match="Leave it alone for a while"):
        client.call("get_device_info")
    # Firmware that knows no discover question says it in answer to the login.
    assert (device.handshakes, device.logins) == ((1, 1) if transport == "aes-v1" else (0, 0))


@BOTH
def test_a_busy_device_is_asked_once(add: Add, transport: str) -> None:
    device, client = add(transport=transport)
    client.call("get_device_info")
    for fault in ("busy=once", "429=once"):
        device.set_faults(fault)
        before = device.requests
        with pytest.raises(Busy):
            client.call("get_device_info")
        assert device.requests == before + 1


def test_another_client_ends_our_session_and_both_go_on(add: Add) -> None:
    device, ours = add()
    theirs = connect(device.address, ACCOUNT)
    for _ in range(3):
        assert ours.call("get_device_info")
        assert theirs.call("get_device_info")
    theirs.close()


def test_a_device_that_restarts_is_found_again(add: Add) -> None:
    device, client = add()
    client.call("get_device_info")
    device.restart()
    assert client.call("get_device_info")


def test_the_switch_in_the_phone_app_is_followed_both_ways(add: Add) -> None:
    device, client = add()
    client.call("get_device_info")
    device.set_third_party_compatibility(False)
    for _ in range(2):
        assert client.call("get_device_info")
        assert client.transport == "tpap"
    device.set_third_party_compatibility(True)
    assert client.call("get_device_info")
    assert client.transport == "klap"


def test_an_update_from_securepassthrough_to_klap_is_followed(add: Add) -> None:
    device, client = add(transport="aes")
    client.call("get_device_info")
    assert client.transport == "aes"
    device.update_firmware("klap")
    assert client.call("get_device_info")
    assert client.transport == "klap"


def test_a_slow_device_is_waited_for_as_long_as_was_said(fleet: Fleet) -> None:
    device = fleet.add("P110", transport="klap", username=USER, password=PASSWORD)
    client = connect(device.address, ACCOUNT, read_timeout_s=0.4)
    client.call("get_device_info")
    device.set_faults("slow=5")
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"no answer within 0\.4 s"):
        client.call("get_device_info")
    assert time.monotonic() - began < 2
    client.close()


def test_a_device_that_is_off_line_is_unreachable_and_comes_back(add: Add) -> None:
    device, client = add()
    client.call("get_device_info")
    device.set_faults("offline")
    with pytest.raises(Unreachable):
        client.call("get_device_info")
    device.set_faults("")
    assert client.call("get_device_info")


def test_a_session_that_is_refused_twice_is_reported(add: Add) -> None:
    device, client = add()
    client.call("get_device_info")
    device.set_faults("403")
    with pytest.raises(SessionLost, match="right after a login"):
        client.call("get_device_info")


@pytest.mark.parametrize("fault", ["", "no-batch", "batch-stops"])
def test_several_reads_come_back_whatever_the_device_makes_of_batches(add: Add, fault: str) -> None:
    _, client = add(faults=fault)
    calls = [("get_device_info", None), ("get_nonsense", None), ("get_device_time", None), ("get_led_info", None)]
    first, second, third, fourth = client.multiple(calls)
    assert isinstance(first, dict)
    assert isinstance(third, dict)
    assert isinstance(fourth, dict)
    assert isinstance(second, TapoAutomateError)


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_a_hint_saves_the_question_and_a_wrong_one_does_no_harm(add: Add, transport: str) -> None:
    device, _ = add(transport=transport)
    for hint in ("klap", "aes"):
        client = connect(device.address, ACCOUNT, hint=hint)
        before = device.requests
        client.call("get_device_info")
        assert client.transport == transport
        assert device.requests - before <= (3 if hint == transport else 6)
        client.close()


def test_without_an_account_a_device_that_is_bound_says_so(add: Add) -> None:
    device, _ = add()
    client = connect(device.address, None)
    with pytest.raises(AuthRefused, match="no e-mail and password were given"):
        client.call("get_device_info")
    client.close()
