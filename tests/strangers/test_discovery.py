"""Other people's clients look for simulated devices, and find them.

Whoever looks does so on loopback alone: each is given its target, for without one it would ask the whole network.
python-kasa and tapo ask UDP 20002 (kasa 20004 too), wherever that is; so devices are at addresses that no other process
of tests has.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from kasa import Credentials, Device, DeviceType, Discover
from plugp100.api.discovery.local_scanner import TapoDiscovery
from tapo import ApiClient, DiscoveryResult

from strangers.conftest import OWNER
from tapo_automate.simulator import Fleet

Add = Callable[..., Any]
BLOCK = f"127.{40 + os.getpid() // 256 % 200}.{os.getpid() % 256}"
BROADCAST = "127.255.255.255"


@pytest.fixture
def house() -> Iterator[Fleet]:
    with Fleet(discovery=20002) as house:
        yield house


def plug(house: Fleet, number: int, profile: str = "P110", **wishes: Any) -> Any:
    return house.add(profile, host=f"{BLOCK}.{number}", **OWNER | wishes)


def kasa_finds(target: str, **wishes: Any) -> dict[str, Device]:
    assert target.startswith("127.")

    async def look() -> dict[str, Device]:
        found = await Discover.discover(
            target=target, discovery_timeout=1, credentials=Credentials(*OWNER.values()), **wishes
        )
        for device in found.values():
            await device.disconnect()
        return {ip: device for ip, device in found.items() if ip.startswith(f"{BLOCK}.")}

    return asyncio.run(look())


@pytest.mark.parametrize("transport", ["klap", "aes", "aes-v1"])
def test_kasa_finds_one_device_and_reads_it(house: Fleet, transport: str) -> None:
    device = plug(house, 2, transport=transport, nickname="washer")

    async def story() -> None:
        found = await Discover.discover_single(device.host, credentials=Credentials(*OWNER.values()))
        assert found is not None
        try:
            assert found.config.connection_type.encryption_type.value == ("KLAP" if transport == "klap" else "AES")
            await found.update()
            assert (found.alias, found.model, found.mac) == ("washer", "P110", device.mac.replace("-", ":"))
        finally:
            await found.disconnect()

    asyncio.run(story())
    assert device.probes >= 1
    assert not any("probe" in reason for reason in device.refusals)


def test_kasa_finds_every_device_by_a_broadcast(house: Fleet) -> None:
    devices = [plug(house, number, profile) for number, profile in enumerate(("P110", "L530", "P300", "L900"), 2)]
    found = kasa_finds(BROADCAST)
    assert {ip: one.model for ip, one in found.items()} == {
        device.host: device.profile.announcement["device_model"].partition("(")[0] for device in devices
    }
    assert {ip: one.mac for ip, one in found.items()} == {
        device.host: device.mac.replace("-", ":") for device in devices
    }


def test_kasa_finds_a_device_that_answers_on_20004_alone(house: Fleet) -> None:
    device = plug(house, 2, discovery=20004)
    assert list(kasa_finds(device.host)) == [device.host]


def test_kasa_finds_a_device_whose_first_answers_are_lost(house: Fleet) -> None:
    device = plug(house, 2, faults="probe-lost=once,answer-lost=once")
    assert list(kasa_finds(device.host)) == [device.host]


def test_kasa_opens_what_a_camera_has_sealed(house: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    device = plug(house, 2, faults="camera-beside")
    with caplog.at_level(logging.DEBUG, "kasa.discover"):
        (found,) = kasa_finds(device.host).values()
    assert found.device_type is DeviceType.Camera, "it came first, and kasa takes one answer of each address"
    (opened,) = [text for text in caplog.messages if text.startswith("Decrypted encrypt_info")]
    assert "'http_port': 443" in opened


def test_kasa_is_not_upset_by_routers_and_nonsense(house: Fleet) -> None:
    plug(house, 2, faults="router-beside")
    plug(house, 3, faults="answer-garbage")
    plug(house, 4, faults="answer-cut")
    well = plug(house, 5)
    assert list(kasa_finds(BROADCAST)) == [well.host]


def test_kasa_wakes_a_device_that_sleeps(house: Fleet) -> None:
    device = plug(house, 2, faults="asleep")

    async def story() -> None:
        found = await Discover.discover_single(device.host, credentials=Credentials(*OWNER.values()))
        assert found is not None
        await asyncio.sleep(1)
        await found.update()
        assert found.mac == device.mac.replace("-", ":")
        await found.disconnect()

    asyncio.run(story())


def test_plugp100_finds_every_device_behind_one_port() -> None:
    with Fleet(discovery="127.0.0.1:0") as house:
        devices = [house.add(name, **OWNER) for name in ("P110", "L530", "P300")]
        host, _, port = (house.discovery or "").partition(":")
        assert host.startswith("127.")
        found = asyncio.run(TapoDiscovery.scan(timeout=1, broadcast=host, port=int(port)))
    told = [(each.device_model, each.mac, each.mgt_encrypt_schm.http_port, each.owner) for each in found]
    assert told == [
        (
            device.announcement["device_model"],
            device.mac,
            device.port,
            device.announcement["owner"],
        )
        for device in devices
    ]


def test_tapo_finds_devices_and_switches_them(house: Fleet) -> None:
    device = plug(house, 2)
    plug(house, 3, "L530")

    async def story() -> None:
        client = ApiClient(*OWNER.values())
        assert device.host.startswith("127.")
        names = []
        async for answer in await client.discover_devices(device.host, timeout_s=1):
            found = answer.get()
            names.append(type(found).__name__)
            assert isinstance(found, DiscoveryResult.PlugEnergyMonitoring)
            assert found.device_info.mac == device.mac
            await found.handler.on()
        assert names == ["PlugEnergyMonitoring"]

    asyncio.run(story())
    assert device.on


def test_tapo_finds_every_device_by_a_broadcast_whatever_else_answers(house: Fleet) -> None:
    devices = [plug(house, number) for number in (2, 3)]
    for number, faults in enumerate(("router-beside", "answer-garbage", "answer-cut"), 4):
        plug(house, number, faults=faults)

    async def story() -> set[str]:
        macs = set()
        async for answer in await ApiClient(*OWNER.values()).discover_devices(BROADCAST, timeout_s=1):
            with suppress(Exception):  # tapo has no narrower one for what it cannot use
                macs.add(answer.get().device_info.mac)
        return macs

    assert {device.mac for device in devices} <= asyncio.run(story())
