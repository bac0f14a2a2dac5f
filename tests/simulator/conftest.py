from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.seeking import OWNER, Seeker
from simulator.speaking import PASSWORD, USER, Clock, Klap, Passthrough
from simulator.speaking_tpap import QUICK
from tapo_automate.simulator import Device, Fleet


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture
def clock() -> Clock:
    return Clock(1_783_936_800.0)  # 2026-07-13T10:00:00Z, noon in Berlin, a Monday


@pytest.fixture
def add(fleet: Fleet) -> Callable[..., Device]:
    def add(profile: Any = "P110", **wishes: Any) -> Device:
        return fleet.add(profile, **{"username": USER, "password": PASSWORD} | wishes)

    return add


@pytest.fixture
def plug(add: Callable[..., Device]) -> Device:
    return add("P110")


@pytest.fixture
def klap(plug: Device) -> Klap:
    return Klap(plug).log_in()


@pytest.fixture
def old_plug(add: Callable[..., Device]) -> Device:
    return add("P110", transport="aes")


@pytest.fixture
def passthrough(old_plug: Device) -> Passthrough:
    return Passthrough(old_plug).log_in()


@pytest.fixture
def tpap(add: Callable[..., Device]) -> Device:
    return add("P110", transport="tpap", tpap=QUICK)


@pytest.fixture
def seeker() -> Iterator[Seeker]:
    seeker = Seeker()
    yield seeker
    seeker.socket.close()


@pytest.fixture
def house() -> Iterator[Fleet]:
    """A fleet that hears probes at one port."""
    with Fleet(discovery="127.0.0.1:0") as house:
        yield house


@pytest.fixture
def found(house: Fleet) -> Device:
    return house.add("P110", **OWNER)
