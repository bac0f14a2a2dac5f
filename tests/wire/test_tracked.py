"""Devices that are known by their MAC: followed to another address, and nobody else taken for them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tapo_automate import wire
from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import AuthRefused, NotFound
from tapo_automate.memory import DeviceMemory
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import SmartDevice, finding
from tapo_automate.wire.shared import Leases
from tapo_automate.wire.udp import parse_target

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)
ON, OFF = Setting(on=True), Setting(on=False)
SEARCHED = (
    "no device with this MAC answered a search over UDP: is it plugged in, and in a network that this computer can "
    "broadcast to?  `tapo-automate discover` shows what answers"
)


class House:
    """Devices that are heard at one UDP port, and the driver's way to them."""

    def __init__(self, fleet: Fleet, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.fleet = fleet
        self.searches = 0
        self.passed_s = 0.0
        self._patch = patch
        self._added = 0
        self._opened: list[SmartDevice] = []
        self._memory = DeviceMemory(home, lambda: dt.datetime.now(dt.UTC))
        patch.setattr(finding, "SEARCH_S", 0.6)
        patch.setattr(finding, "UNICAST_S", 0.05)
        self.again()

    def again(self) -> None:
        """Be another process from now on, with the same memory on disk."""
        self.close()
        target = parse_target(str(self.fleet.discovery))

        def targets() -> list[Any]:
            self.searches += 1
            return [target]

        self._patch.setattr(wire, "_leases", Leases())
        wire.use(wire.Surroundings(memory=self._memory.of, spacing_s=0, patience_s=(), targets=targets))

    def add(self, transport: str = "klap", **options: Any) -> Device:
        self._added += 1
        mac = f"02-00-00-00-00-{self._added:02X}"
        return self.fleet.add(
            "P100", transport=transport, mac=mac, **({"username": USER, "password": PASSWORD} | options)
        )

    def open(self, mac: str, host: str = "") -> SmartDevice:
        self._opened.append(wire.open_device(DeviceSpec("plug", "tapo-plug", host, mac=mac), ACCOUNT))
        return self._opened[-1]

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        made = House(fleet, tmp_path, monkeypatch)
        yield made
        made.close()


def exchange(one: Device, other: Device) -> None:
    """Let two devices have each other's address."""
    here, there = (one.host, one.port), (other.host, other.port)
    one.move(port=0)
    other.move(*here)
    one.move(*there)


def written(device: Device) -> list[str]:
    return [call.method for call in device.calls if not call.method.startswith("get_")]


GENERATIONS = pytest.mark.parametrize("transport", ["klap", "aes", "tpap"])


@GENERATIONS
def test_one_that_is_known_by_its_mac_alone_is_found_and_not_sought_again(house: House, transport: str) -> None:
    plug = house.add(transport)
    for on in (True, False):
        device = house.open(plug.mac)
        device.apply(Setting(on=on))
        assert plug.on is on
        house.again()
    assert (house.searches, plug.sessions) == (1, 1)


@GENERATIONS
@pytest.mark.parametrize("with_host", [True, False])
def test_one_that_moves_is_followed_in_a_process_and_by_the_next(house: House, transport: str, with_host: bool) -> None:
    plug = house.add(transport)
    first_host = plug.address if with_host else ""
    device = house.open(plug.mac, first_host)
    device.apply(ON)
    plug.move(port=0)
    device.apply(OFF)
    assert not plug.on
    assert device.host == plug.address
    plug.move(port=0)
    house.again()
    device = house.open(plug.mac, first_host)
    device.apply(ON)
    assert plug.on
    house.again()
    searches = house.searches
    house.open(plug.mac, first_host).apply(OFF)
    assert (plug.on, house.searches) == (False, searches), "and it is known where it is now"


def test_one_that_is_neither_where_it_was_met_nor_where_it_is_written_is_searched_for(house: House) -> None:
    plug = house.add()
    written_at = plug.address
    plug.move(port=0)
    device = house.open(plug.mac, written_at)
    device.apply(ON)
    house.again()
    plug.move(port=0)
    house.open(plug.mac, written_at).apply(OFF)
    assert not plug.on


def test_one_that_moves_on_at_once_is_not_taken_to_be_where_it_was_a_moment_ago(house: House) -> None:
    plug, other = house.add(), house.add()
    place = (plug.host, plug.port)
    device = house.open(plug.mac, plug.address)
    device.apply(ON)
    plug.move(port=0)
    device.apply(OFF)
    other.move(*place)
    plug.move(port=0)
    device.apply(ON)
    assert (plug.on, written(other)) == (True, [])


@GENERATIONS
def test_another_device_at_the_old_address_is_told_nothing(house: House, transport: str) -> None:
    plug = house.add(transport)
    other = house.add(transport)
    old = (plug.host, plug.port)
    device = house.open(plug.mac, plug.address)
    device.apply(ON)
    plug.move(port=0)
    other.move(*old)
    device.apply(OFF)
    assert (plug.on, other.on, written(other)) == (False, False, [])
    assert other.changes[1:] == []


def test_over_tpap_another_device_is_not_even_logged_in_to(house: House) -> None:
    plug = house.add("tpap")
    other = house.add("tpap", password="of somebody else")
    device = house.open(plug.mac, plug.address)
    device.apply(ON)
    exchange(plug, other)
    device.apply(OFF)
    assert not plug.on
    assert (other.login_attempts, other.calls) == ([], [])


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_one_that_refuses_us_at_the_old_address_may_be_somebody_else(house: House, transport: str) -> None:
    plug = house.add(transport)
    stranger = house.add(transport, username="neighbour@example.com", password="of the neighbour")
    at = plug.address
    exchange(plug, stranger)
    house.open(plug.mac, at).apply(ON)
    assert (plug.on, stranger.on, stranger.sessions) == (True, False, 0)


@GENERATIONS
def test_two_that_have_exchanged_their_addresses_are_each_told_what_is_meant_for_them(
    house: House, transport: str
) -> None:
    plugs = [house.add(transport), house.add(transport)]
    devices = [house.open(plug.mac, plug.address) for plug in plugs]
    devices[0].apply(ON)
    devices[1].apply(OFF)
    exchange(*plugs)
    for settings in ((OFF, ON), (ON, OFF)):
        for device, setting in zip(devices, settings, strict=True):
            device.apply(setting)
        assert [plug.on for plug in plugs] == [setting.on for setting in settings]
    assert [device.host for device in devices] == [plug.address for plug in plugs]


def test_one_that_is_nowhere_is_told_with_where_it_was_asked(house: House) -> None:
    plug = house.add()
    device = house.open(plug.mac, "127.0.0.1:9")
    plug.set_faults("offline")
    with pytest.raises(NotFound) as raised:
        device.apply(ON)
    assert str(raised.value) == (
        f"{plug.mac}: it does not answer at 127.0.0.1:9 (the connection was refused (after a power cut some devices "
        "keep their port shut for about eight minutes); a probe over UDP was not answered either: is it switched on, "
        f"and is this still its address?), and {SEARCHED}"
    )
    assert not raised.value.outcome_unknown
    without = house.open("02-00-00-00-00-99")
    with pytest.raises(NotFound) as raised:
        without.apply(ON)
    assert str(raised.value) == (f"02-00-00-00-00-99: {SEARCHED}; give it a host where it is in another network")


def test_one_whose_address_another_has_is_told_with_who_is_there_and_found_again_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "FRESH_S", 0.5)
    plug, other = house.add(), house.add()
    at = plug.address
    device = house.open(plug.mac, at)
    device.apply(ON)
    place = (plug.host, plug.port)
    plug.move(port=0)
    plug.set_faults("offline")
    other.move(*place)
    with pytest.raises(NotFound) as raised:
        device.apply(OFF)
    assert str(raised.value) == (
        f"{plug.mac}: at {at} is another device now ({other.mac}), to which nothing was written, and {SEARCHED}"
    )
    asked = other.requests
    with pytest.raises(NotFound):
        device.apply(OFF)
    assert other.requests == asked, "it is left in peace"
    plug.set_faults("")
    wait_until(lambda: not isinstance(outcome(device), NotFound))
    assert (plug.on, other.on, other.requests) == (False, False, asked)


def test_a_stranger_where_ours_was_who_is_off_is_no_refusal_of_ours(house: House) -> None:
    plug = house.add()
    stranger = house.add(username="neighbour@example.com", password="of the neighbour")
    place, at = (plug.host, plug.port), plug.address
    plug.move(port=0)
    plug.set_faults("offline")
    stranger.move(*place)
    with pytest.raises(NotFound, match=f"at {at} is another device now \\({stranger.mac}\\)"):
        house.open(plug.mac, at).apply(ON)


def test_the_right_device_that_refuses_us_says_so(house: House) -> None:
    plug = house.add(password="another")
    with pytest.raises(AuthRefused):
        house.open(plug.mac, plug.address).apply(ON)


def test_one_that_takes_logins_over_tls_is_found_at_the_port_that_it_tells(house: House) -> None:
    plug = house.add("tpap", tpap="tls=1")
    device = house.open(plug.mac)
    device.apply(ON)
    plug.move(port=0)
    device.apply(OFF)
    assert not plug.on
    sessions = plug.sessions
    house.again()
    house.open(plug.mac).apply(ON)
    assert (plug.on, plug.sessions) == (True, sessions)


def test_a_search_for_one_holds_up_nobody_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "SEARCH_S", 3.0)
    plug, other = house.add(), house.add()
    device = house.open(other.mac, other.address)
    device.apply(ON)
    plug.set_faults("offline")
    lost = house.open(plug.mac, plug.address)
    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(outcome, lost)
        wait_until(lambda: house.searches > 0)
        for setting in (OFF, ON):
            device.apply(setting)
        assert other.on
        assert not searching.done(), "it is still looked for"
        assert isinstance(searching.result(timeout=60), NotFound)
    assert isinstance(outcome(lost), NotFound)
    assert house.searches == 1, "and not again so soon"


def test_an_answer_that_was_lost_is_not_sought_elsewhere(house: House) -> None:
    plug = house.add()
    device = house.open(plug.mac, plug.address)
    device.apply(ON)
    plug.set_faults("drop-after")
    with pytest.raises(Exception, match="closed the connection"):
        device.call("add_schedule_rule", {"enable": True})
    assert house.searches == 0


def outcome(device: SmartDevice) -> BaseException | None:
    try:
        device.apply(OFF)
    except NotFound as error:
        return error
    return None


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
