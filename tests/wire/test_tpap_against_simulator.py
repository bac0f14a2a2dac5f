"""TPAP against devices that other hands wrote from the same specification, over real HTTP and HTTPS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tapo_automate.device import Credentials
from tapo_automate.errors import AuthRefused, Garbled
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import Client, connect

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as it:
        yield it


Add = Callable[..., tuple[Device, Client]]


@pytest.fixture
def add(fleet: Fleet) -> Iterator[Add]:
    clients: list[Client] = []

    def start(
        tpap: str = "", *, faults: str = "", credentials: Credentials | None = ACCOUNT, password: str = PASSWORD
    ) -> tuple[Device, Client]:
        device = fleet.add("P110", transport="tpap", tpap=tpap, username=USER, password=password, faults=faults, seed=1)
        clients.append(connect(device.address, credentials, read_timeout_s=5))
        return device, clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    "tpap",
    ["", "tls=1", "extra_crypt=none", "user_hash_type=1", "dac=1", "iterations=20000", "w0=short", "tls=1,lost=403"],
)
def test_devices_of_every_kind_that_is_spoken_are_opened(add: Add, tpap: str) -> None:
    device, client = add(tpap)
    for on in (True, False):
        client.call("set_device_info", {"device_on": on})
        assert client.call("get_device_info")["device_on"] is device.on is on
    assert client.transport == "tpap"


@pytest.mark.parametrize("tpap", ["", "tls=1"])
def test_one_that_closes_its_connection_after_each_answer_is_opened_too(add: Add, tpap: str) -> None:
    device, client = add(tpap, faults="close")
    for on in (True, False):
        client.call("set_device_info", {"device_on": on})
        assert device.on is on


@pytest.mark.parametrize("faults", ["off-curve", "iterations"])
def test_one_that_wants_the_impossible_is_not_shown_anything(add: Add, faults: str) -> None:
    device, client = add("attempts=1", faults=faults)
    with pytest.raises(Garbled):
        client.call("get_device_info")
    device.set_faults("")
    assert client.call("get_device_info")


def test_one_that_does_not_know_the_password_is_told_apart_from_one_that_knows_another(add: Add) -> None:
    _, client = add(faults="wrong-proof")
    with pytest.raises(AuthRefused, match="does not show that it knows the password itself"):
        client.call("get_device_info")


@pytest.mark.parametrize("credentials", [None, ACCOUNT])
@pytest.mark.parametrize("extra_crypt", ["password_shadow", "none"])
def test_a_device_that_was_never_set_up_needs_no_account(
    add: Add, credentials: Credentials | None, extra_crypt: str
) -> None:
    _, client = add(f"pake=0,extra_crypt={extra_crypt}", credentials=credentials)
    assert client.call("get_device_info")


@pytest.mark.parametrize("lost", ["-2203", "-2402", "403"])
def test_a_session_that_another_program_has_ended_is_opened_anew(add: Add, lost: str) -> None:
    device, client = add(f"lost={lost}")
    client.call("get_device_info")
    other = connect(device.address, ACCOUNT)
    other.call("get_device_info")
    assert client.call("get_device_info")
    other.close()


def test_a_device_that_writes_w0_the_other_way_is_opened_at_the_second_try(add: Add) -> None:
    _, client = add("w0=short", faults="short-w0=once")
    assert client.call("get_device_info")


def test_one_that_does_so_each_time_is_given_up_after_two(add: Add) -> None:
    _, client = add("w0=short", faults="short-w0")
    with pytest.raises(AuthRefused) as raised:
        client.call("get_device_info")
    assert raised.value.remaining == 13


def test_with_one_that_writes_it_as_we_do_the_short_ones_do_no_harm(add: Add) -> None:
    _, client = add("w0=rfc", faults="short-w0")
    assert client.call("get_device_info")


def test_a_wrong_password_costs_one_failure_and_is_not_tried_again(add: Add) -> None:
    device, client = add(password="another")
    for _ in range(3):
        with pytest.raises(AuthRefused) as raised:
            client.call("get_device_info")
        assert raised.value.remaining == 14
    right = connect(device.address, Credentials(USER, "another"))
    assert right.call("get_device_info")
    right.close()


def test_a_locked_device_says_for_how_long(add: Add) -> None:
    _, client = add("attempts=1,locked_min=7", password="another")
    with pytest.raises(AuthRefused):
        client.call("get_device_info")
    client.forget_refusal()
    with pytest.raises(AuthRefused, match="It says that it takes none for 7 min") as raised:
        client.call("get_device_info")
    assert raised.value.locked


def test_without_an_account_nothing_is_tried(add: Add) -> None:
    device, client = add("attempts=1", credentials=None)
    for _ in range(2):
        with pytest.raises(AuthRefused, match="no e-mail and password were given"):
            client.call("get_device_info")
    right = connect(device.address, ACCOUNT)
    assert right.call("get_device_info")
    right.close()
