"""A countdown that we start is what other people's clients read, and the reverse."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
from plugp100.common.credentials import AuthCredential
from plugp100.components.countdown import Countdown
from plugp100.devices.factory import DeviceConnectConfiguration
from plugp100.devices.factory import connect as plugp100_connect
from tapo import ApiClient
from tapo.responses import PowerState

from tapo_automate.device import Credentials, Setting
from tapo_automate.simulator import Device
from tapo_automate.wire import SmartDevice, connect

EMAIL, PASSWORD = "owner@example.com", "correct horse"
Ours = Callable[[Device], SmartDevice]


@pytest.fixture
def ours() -> Iterator[Ours]:
    opened: list[SmartDevice] = []

    def start(device: Device) -> SmartDevice:
        opened.append(SmartDevice(connect(device.address, Credentials(EMAIL, PASSWORD))))
        return opened[-1]

    yield start
    for device in opened:
        device.close()


@pytest.mark.parametrize("on", [True, False])
def test_tapo_reads_ours_and_we_read_tapos(add: Callable[..., Device], clock: Any, ours: Ours, on: bool) -> None:
    device = add("P110", now=clock)
    it = ours(device)
    state, other = (PowerState.On, PowerState.Off) if on else (PowerState.Off, PowerState.On)
    it.start_timer(2700, Setting(on=on))

    async def story() -> None:
        plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
        told = await plug.get_timer()
        assert told is not None
        assert (told.delay_s, told.remaining_s, told.desired_state == state) == (2700, 2700, True)
        await plug.set_timer(600, other)
        clock.at += 100

    asyncio.run(story())
    assert it.timer() == (500, Setting(on=not on))
    it.stop_timer()

    async def end() -> None:
        plug = await ApiClient(EMAIL, PASSWORD).p110(device.address)
        assert await plug.get_timer() is None

    asyncio.run(end())


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_plugp100_reads_ours_and_we_replace_plugp100s(
    add: Callable[..., Device], clock: Any, ours: Ours, transport: str
) -> None:
    device = add("L530", transport, now=clock)
    it = ours(device)
    it.start_timer(60, Setting(brightness_pct=50))
    config = DeviceConnectConfiguration(host=device.host, port=device.port, credentials=AuthCredential(EMAIL, PASSWORD))

    async def story() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            bulb = await plugp100_connect(config, session)
            await bulb.update()
            timer = bulb.get_component(Countdown)
            await timer.update()
            [row] = timer.get_countdown_rules().rule_list
            assert (row.enable, row.delay, row.remain) == (True, 60, 60)
            assert row.desired_states == {"on": True, "brightness": 50}
            clock.at += 61
            assert (await timer.add_countdown_off(120)).is_success()
            await bulb.client.close()

    asyncio.run(story())
    assert it.timer() == (120, Setting(on=False))
    it.start_timer(300, Setting(on=False))
    assert it.timer() == (300, Setting(on=False))
    assert [change.by for change in device.changes] == ["start", "countdown"]
