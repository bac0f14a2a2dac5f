"""python-kasa takes the simulated devices for Tapo devices."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import kasa
import pytest
from kasa import Credentials, DeviceConfig, DeviceConnectionParameters, Module

from real_dumps import DUMPS as REAL
from tapo_automate.simulator import Device, Fleet

Add = Callable[..., Device]
USER, PASSWORD = "owner@example.com", "correct horse"


@asynccontextmanager
async def connected(device: Device, password: str = PASSWORD) -> AsyncIterator[kasa.Device]:
    """Connect as python-kasa does after a discovery, and read everything once."""
    announced = device.announcement
    scheme = announced["mgt_encrypt_schm"]
    config = DeviceConfig(
        host=device.host,
        port_override=device.port,
        credentials=Credentials(USER, password),
        connection_type=DeviceConnectionParameters.from_values(
            announced["device_type"], scheme["encrypt_type"], login_version=scheme.get("lv")
        ),
    )
    found = await kasa.Device.connect(config=config)
    try:
        await found.update()
        yield found
    finally:
        await found.disconnect()


@pytest.mark.parametrize("transport", ["klap", "aes", "aes-v1"])
def test_a_plug_is_read_and_switched(add: Add, transport: str) -> None:
    device = add("P110", transport, trace="1500", nickname="washer")

    async def story() -> None:
        async with connected(device) as plug:
            assert (plug.model, plug.alias, plug.is_on, plug.mac) == (
                "P110",
                "washer",
                False,
                device.mac.replace("-", ":"),
            )
            await plug.turn_on()
            await plug.update()
            assert plug.is_on
            assert device.on
            energy = plug.modules[Module.Energy]
            assert energy.current_consumption == 1500
            assert energy.consumption_today == 0
            device.press()
            await plug.update()
            assert not plug.is_on

    asyncio.run(story())
    assert [call.params for call in device.calls if call.method == "set_device_info"] == [{"device_on": True}]


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_a_bulb_shows_colour_and_white(add: Add, transport: str) -> None:
    device = add("L530", transport)

    async def story() -> None:
        async with connected(device) as bulb:
            light = bulb.modules[Module.Light]
            await light.set_hsv(200, 60, 40)
            assert device.state == {"device_on": True, "brightness": 40, "hue": 200, "saturation": 60, "color_temp": 0}
            await light.set_color_temp(3500)
            await bulb.update()
            assert light.color_temp == 3500
            await light.set_brightness(5)
            assert device.state["brightness"] == 5
            with pytest.raises(ValueError, match="9999"):
                await light.set_color_temp(9999)
            await bulb.turn_off()
            assert not device.on

    asyncio.run(story())


def test_the_auto_off_timer_is_set_and_its_end_is_told(add: Add, clock: Any) -> None:
    device = add("P110", on=True, now=clock)

    async def story() -> None:
        async with connected(device) as plug:
            timer = plug.modules[Module.AutoOff]
            assert (timer.enabled, timer.delay, timer.auto_off_at) == (False, 120, None)
            await timer.set_delay(30)
            await plug.update()
            await timer.set_enabled(True)
            clock.at += 600
            await plug.update()
            assert (timer.is_timer_active, timer.delay) == (True, 30)
            assert timer.auto_off_at is not None
            assert timer.auto_off_at.timestamp() == clock.at + 20 * 60
            clock.at += 20 * 60
            await plug.update()
            assert (plug.is_on, timer.auto_off_at) == (False, None)

    asyncio.run(story())


def test_a_countdown_is_set_read_and_cleared_by_its_protocol(add: Add, clock: Any) -> None:
    """It has no words of its own for a Tapo countdown, but it carries the methods."""
    device = add("L530", now=clock)

    async def story() -> None:
        async with connected(device) as bulb:
            wish = {"enable": True, "delay": 60, "desired_states": {"on": True, "brightness": 20}}
            assert await bulb.protocol.query({"add_countdown_rule": wish}) == {"add_countdown_rule": {"id": "C1"}}
            with pytest.raises(kasa.DeviceError, match="COUNTDOWN_CONFLICT"):
                await bulb.protocol.query({"add_countdown_rule": wish})
            await bulb.protocol.query({"remove_countdown_rules": {"remove_all": True, "rule_list": []}})
            await bulb.protocol.query({"add_countdown_rule": wish})
            clock.at += 59
            table = (await bulb.protocol.query({"get_countdown_rules": {}}))["get_countdown_rules"]
            assert table["rule_list"] == [wish | {"id": "C1", "remain": 1}]
            clock.at += 1
            await bulb.update()
            assert (bulb.is_on, bulb.modules[Module.Light].brightness) == (True, 20)

    asyncio.run(story())


@pytest.mark.parametrize("model", ["P100", "P105", "P110", "P115", "L510", "L530", "L630", "L900"])
def test_each_profile_loads_without_a_complaint(add: Add, caplog: pytest.LogCaptureFixture, model: str) -> None:
    caplog.set_level(logging.WARNING, "kasa")

    async def story() -> None:
        async with connected(add(model)) as device:
            assert device.model == model

    asyncio.run(story())
    assert caplog.messages == []


@pytest.mark.parametrize("transport", ["klap", "aes"])
def test_a_wrong_password_is_an_authentication_error(add: Add, transport: str) -> None:
    device = add("P110", transport)

    async def story() -> None:
        with pytest.raises(kasa.AuthenticationError):
            async with connected(device, password="battery staple"):
                pass

    asyncio.run(story())
    assert device.calls == []


def test_it_comes_back_after_another_client_took_the_session(add: Add) -> None:
    device = add("P110")

    async def story() -> None:
        async with connected(device) as first, connected(device) as second:
            await second.turn_on()
            await first.update()
            assert first.is_on

    asyncio.run(story())
    assert device.sessions >= 3


def test_it_goes_on_when_the_device_closes_after_each_answer(add: Add) -> None:
    device = add("P100", faults="close")

    async def story() -> None:
        async with connected(device) as plug:
            await plug.turn_on()

    asyncio.run(story())
    assert device.on


DUMPS = {path.stem: path for path in REAL}


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder of dumps")
@pytest.mark.parametrize("name", DUMPS)
def test_a_real_dump_loads_and_shows_what_it_holds(fleet: Fleet, name: str) -> None:
    dump: dict[str, Any] = json.loads(DUMPS[name].read_text(encoding="utf-8"))
    device = fleet.add(DUMPS[name], username=USER, password=PASSWORD)
    info = dump["get_device_info"]

    sockets = dump.get("get_child_device_list", {}).get("child_device_list", ())

    async def story() -> None:
        async with connected(device) as found:
            assert found.model == info["model"]
            if sockets:
                assert sorted(each.is_on for each in found.children) == sorted(each["device_on"] for each in sockets)
            else:
                assert found.is_on == info["device_on"]
            assert found.hw_info["sw_ver"] == info["fw_ver"]
            assert found.mac == info["mac"].replace("-", ":")
            if "brightness" in info:
                assert found.modules[Module.Light].brightness == info["brightness"]
            if "hue" in info:
                color = found.features["hsv"].value
                assert (color.hue, color.saturation) == (info["hue"], info["saturation"])
            if "get_energy_usage" in dump and not sockets:
                usage, energy = dump["get_energy_usage"], found.modules[Module.Energy]
                assert energy.current_consumption == usage["current_power"] / 1000
                assert energy.consumption_today == usage["today_energy"] / 1000
                assert energy.consumption_this_month == usage["month_energy"] / 1000

    asyncio.run(story())
