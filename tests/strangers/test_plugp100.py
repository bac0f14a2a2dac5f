"""plugp100 takes the simulated devices for Tapo devices, over KLAP and over both logins of securePassthrough."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from plugp100.common.credentials import AuthCredential
from plugp100.components.countdown import Countdown
from plugp100.components.energy import EnergyComponent
from plugp100.devices.factory import DeviceConnectConfiguration, connect
from plugp100.errors.invalid_authentication import InvalidAuthentication

from tapo_automate.simulator import Device

Add = Callable[..., Device]


@asynccontextmanager
async def connected(device: Device, password: str = "correct horse") -> AsyncIterator[Any]:
    config = DeviceConnectConfiguration(
        host=device.host, port=device.port, credentials=AuthCredential("owner@example.com", password)
    )
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        found = await connect(config, session)
        await found.update()
        yield found
        await found.client.close()


@pytest.mark.parametrize("transport", ["klap", "aes", "aes-v1"])
def test_a_plug_is_read_and_switched(add: Add, transport: str) -> None:
    device = add("P110", transport, trace="1500", nickname="washer")

    async def story() -> None:
        async with connected(device) as plug:
            assert (plug.model, plug.nickname, plug.is_on) == ("P110", "washer", False)
            await plug.turn_on()
            await plug.update()
            assert plug.is_on
            assert device.on
            energy = plug.get_component(EnergyComponent)
            assert energy.energy_info.info["current_power"] == 1_500_000
            await plug.turn_off()
            assert not device.on

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_a_bulb_shows_colour_and_white(add: Add, transport: str) -> None:
    device = add("L530", transport)

    async def story() -> None:
        async with connected(device) as bulb:
            assert (await bulb.set_hue_saturation(200, 60)).is_success()
            assert device.state == {"device_on": True, "brightness": 100, "hue": 200, "saturation": 60, "color_temp": 0}
            assert (await bulb.set_color_temperature(3500)).is_success()
            assert (await bulb.set_brightness(5)).is_success()
            await bulb.update()
            assert (bulb.color_temp, bulb.brightness) == (3500, 5)

    asyncio.run(story())


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_a_countdown_is_set_and_read(add: Add, clock: Any, transport: str) -> None:
    device = add("P110", transport, on=True, now=clock)

    async def story() -> None:
        async with connected(device) as plug:
            timer = plug.get_component(Countdown)
            assert (await timer.add_countdown_off(60)).is_success()
            assert not (await timer.add_countdown_on(10)).is_success(), "it does not take the running one away"
            clock.at += 20
            await timer.update()
            told = timer.get_countdown_rules()
            row = told.rule_list[0]
            assert (told.enable, told.countdown_rule_max_count, len(told.rule_list)) == (True, 1, 1)
            assert (row.id, row.enable, row.delay, row.remain, row.desired_states) == (
                "C1",
                True,
                60,
                40,
                {"on": False},
            )
            clock.at += 40
            await timer.update()
            assert (timer.get_countdown_rules().enable, timer.get_countdown_rules().rule_list[0].remain) == (False, 0)
            await plug.update()
            assert not plug.is_on

    asyncio.run(story())
    assert [change.by for change in device.changes] == ["start", "countdown"]


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_a_wrong_password_is_an_authentication_error(add: Add, transport: str) -> None:
    device = add("P110", transport)

    async def story() -> None:
        with pytest.raises(InvalidAuthentication):
            async with connected(device, password="battery staple"):
                pass

    asyncio.run(story())
    assert device.calls == []
    assert device.sessions == 0
