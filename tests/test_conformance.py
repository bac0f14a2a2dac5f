"""The drivers in the box keep the claims that every driver has to keep, on every profile and protocol."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tapo_automate import Credentials, Device, DeviceSpec, Explains, HasTimer, HoldsTables
from tapo_automate.registry import Registry
from tapo_automate.simulator import Fleet
from tapo_automate.testing import DriverConformance

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")

PLUGS = [
    ("P100", "klap"),
    ("P100", "aes"),
    ("P100", "aes-v1"),
    ("P105", "klap"),
    ("P110", "klap"),
    ("P110", "aes"),
    ("P115", "klap"),
    ("P300", "klap"),
    ("P304M", "klap"),
]
BULBS = [
    ("L510", "klap"),
    ("L510", "aes"),
    ("L530", "klap"),
    ("L530", "aes"),
    ("L630", "klap"),
    ("L900", "aes"),
    ("L430C", "klap"),
]

OF_OTHERS = (
    {"enable": False, "mode": "repeat", "week_day": 62, "s_type": "normal", "s_min": 1410},
    {"enable": True, "mode": "repeat", "week_day": 0, "s_type": "sunset", "time_offset": 5},  # on no day: left opaque
)


def opened(driver: str, host: str, socket: str = "") -> Device:
    spec = DeviceSpec("it", driver, host, socket=socket)
    return Registry(installed=True).driver(driver).open(spec, ACCOUNT)


def on_a_simulated(driver: str, profile: str, transport: str) -> Iterator[Device]:
    with Fleet() as fleet:
        simulated = fleet.add(
            profile, transport=transport, username=ACCOUNT.username, password=ACCOUNT.password, trace="12.5"
        )
        parts = simulated.children or [simulated]
        first = simulated.profile.components.get("schedule") == 1
        deed = {"s_action": "off"} if first else {"desired_states": {"on": False}}
        for part in parts:
            for row in OF_OTHERS:
                part.person_adds("schedule", row | deed)
        device = opened(driver, simulated.address, "2" if simulated.children else "")
        assert isinstance(device, HoldsTables)
        assert len(device.table("schedule").rows) == len(OF_OTHERS), "else the suite would pass over its tables"
        yield device
        device.close()


@pytest.fixture
def dead_address() -> Iterator[str]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused
        yield f"127.0.0.1:{nobody.getsockname()[1]}"


def test_the_drivers_in_the_box_offer_what_a_device_may_offer(dead_address: str) -> None:
    """Else the suite would pass over it."""
    for driver in ("tapo-plug", "tapo-bulb"):
        device = opened(driver, dead_address)
        assert isinstance(device, HasTimer)
        assert isinstance(device, Explains)
        assert isinstance(device, HoldsTables)


class TestTapoPlug(DriverConformance):
    @pytest.fixture(params=PLUGS, ids="-".join)
    def device(self, request: pytest.FixtureRequest) -> Iterator[Device]:
        yield from on_a_simulated("tapo-plug", *request.param)

    @pytest.fixture
    def unreachable(self, dead_address: str) -> Device:
        return opened("tapo-plug", dead_address)


class TestTapoBulb(DriverConformance):
    @pytest.fixture(params=BULBS, ids="-".join)
    def device(self, request: pytest.FixtureRequest) -> Iterator[Device]:
        yield from on_a_simulated("tapo-bulb", *request.param)

    @pytest.fixture
    def unreachable(self, dead_address: str) -> Device:
        return opened("tapo-bulb", dead_address)
