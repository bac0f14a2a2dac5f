"""tapo, python-kasa and plugp100 find the sockets of simulated strips, and the fan and the light of a switch."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from kasa import DeviceType, Module
from tapo import ApiClient

from strangers.test_plugp100 import connected as over_plugp100
from strangers.test_python_kasa import connected as over_kasa
from tapo_automate.simulator import Device

Add = Callable[..., Device]
SOCKETS = {"P300": 3, "P304M": 4, "P316M": 6, "P210M": 2, "TP25": 2, "EP40M": 2}


@pytest.mark.parametrize(
    ("handler", "model", "count"), [("p300", "P300", 3), ("p304", "P304M", 4), ("p316", "P316M", 6)]
)
def test_tapo_switches_each_socket_by_its_place(add: Add, handler: str, model: str, count: int) -> None:
    device = add(model, trace="40")

    async def story() -> None:
        strip = await getattr(ApiClient("owner@example.com", "correct horse"), handler)(device.address)
        assert (await strip.get_device_info()).model == model
        assert len(await strip.get_child_device_list()) == count
        for number, child in enumerate(device.children, 1):
            socket = await strip.plug(position=number)
            await socket.on()
            assert [each.on for each in device.children] == [each.position == number for each in device.children]
            assert (await socket.get_device_info()).nickname == child.nickname
            if handler != "p300":
                assert (await socket.get_current_power()).current_power == 40
                assert (await socket.get_energy_usage()).today_energy == 0
            await socket.off()

    asyncio.run(story())


@pytest.mark.parametrize("model", SOCKETS)
def test_python_kasa_switches_each_socket(add: Add, model: str) -> None:
    device = add(model, "aes" if model == "TP25" else None)

    async def story() -> None:
        async with over_kasa(device) as strip:
            assert sorted(each.alias for each in strip.children) == [child.nickname for child in device.children]
            for each in strip.children:
                await each.turn_on()
                assert [child.nickname for child in device.children if child.on] == [each.alias]
                await strip.update()
                assert each.is_on
                await each.turn_off()

    asyncio.run(story())


def test_python_kasa_finds_the_fan_and_the_light_of_a_switch(add: Add) -> None:
    device = add("KS240")
    fan, light = device.children

    async def story() -> None:
        async with over_kasa(device) as switch:
            by_kind = {each.device_type: each for each in switch.children}
            turning, shining = (
                by_kind[DeviceType.Fan].modules[Module.Fan],
                by_kind[DeviceType.Dimmer].modules[Module.Light],
            )
            await turning.set_fan_speed_level(3)
            assert (fan.on, fan.info["fan_speed_level"]) == (True, 3)
            await shining.set_brightness(40)
            assert light.state == {"device_on": True, "brightness": 40}
            await turning.set_fan_speed_level(0)
            assert (fan.on, light.on) == (False, True)

    asyncio.run(story())


@pytest.mark.parametrize(("model", "transport"), [("P300", None), ("P300", "aes"), ("P304M", None), ("TP25", "aes")])
def test_plugp100_switches_each_socket(add: Add, model: str, transport: str | None) -> None:
    device = add(model, transport)

    async def story() -> None:
        async with over_plugp100(device) as strip:
            found: Any = strip.sockets
            assert len(found) == len(device.children)
            for each in found:
                await each.turn_on()
                assert [child.nickname for child in device.children if child.on] == [each.nickname]
                await each.turn_off()

    asyncio.run(story())
