"""tapo, written in Rust, takes the simulated devices for Tapo devices; it speaks KLAP and TPAP alone.

What it does over TPAP is in test_tapo_tpap.py.
"""

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tapo import ApiClient
from tapo.requests import EnergyDataInterval
from tapo.responses import PowerState

from tapo_automate.simulator import Device

Add = Callable[..., Device]


def client(password: str = "correct horse") -> ApiClient:
    return ApiClient("owner@example.com", password)


def test_a_plug_is_read_and_switched(add: Add) -> None:
    device = add("P110", trace="1500", nickname="washer")

    async def story() -> None:
        plug = await client().p110(device.address)
        info = await plug.get_device_info()
        assert (info.model, info.nickname, info.device_on) == ("P110", "washer", False)
        await plug.on()
        assert device.on
        assert (await plug.get_current_power()).current_power == 1500
        usage = await plug.get_energy_usage()
        assert (usage.current_power, usage.today_energy) == (1_500_000, 0)
        assert (await plug.get_device_usage()).time_usage.today == 0
        await plug.off()
        assert not device.on

    asyncio.run(story())


def test_its_energy_data_lines_up_with_the_devices_days(add: Add) -> None:
    zone = ZoneInfo("Europe/Berlin")
    moments = {"at": datetime(2026, 7, 1, 22, 0, tzinfo=zone).timestamp()}
    device = add("P110", trace="100", on=True, now=lambda: moments["at"])
    moments["at"] = datetime(2026, 7, 2, 1, 30, tzinfo=zone).timestamp()

    async def story() -> None:
        plug = await client().p110(device.address)
        hours = await plug.get_energy_data(EnergyDataInterval.Hourly, date(2026, 7, 1), date(2026, 7, 2))
        assert [entry.energy for entry in hours.entries] == [0] * 22 + [100, 100, 100, 50]
        days = await plug.get_energy_data(EnergyDataInterval.Daily, date(2026, 7, 1))
        assert [entry.energy for entry in days.entries] == [200, 150]
        months = await plug.get_energy_data(EnergyDataInterval.Monthly, date(2026, 1, 1))
        assert [entry.energy for entry in months.entries] == [0] * 6 + [350]

    asyncio.run(story())


@pytest.mark.parametrize("model", ["P100", "P110"])
def test_a_timer_is_set_read_and_cleared(add: Add, clock: Any, model: str) -> None:
    device = add(model, on=True, now=clock)

    async def story() -> None:
        plug = await getattr(client(), model.lower())(device.address)
        assert await plug.get_timer() is None
        told = await plug.set_timer(600, PowerState.Off)
        assert told.to_dict() == {"id": "C1", "delay_s": 600, "remaining_s": 600, "desired_state": "off"}
        clock.at += 100
        assert (await plug.get_timer()).remaining_s == 500
        assert device.countdown is not None
        assert device.countdown["remain"] == 500
        await plug.set_timer(60, PowerState.Off)
        assert (await plug.get_timer()).remaining_s == 60, "it takes the running one away first"
        await plug.clear_timer()
        assert await plug.get_timer() is None
        assert device.countdown is None
        clock.at += 3600
        assert device.on

    asyncio.run(story())


def test_a_timer_that_it_set_switches_the_plug(add: Add, clock: Any) -> None:
    device = add("P110", now=clock)
    began = clock.at

    async def story() -> None:
        plug = await client().p110(device.address)
        await plug.set_timer(60, PowerState.On)
        clock.at += 61
        assert (await plug.get_device_info()).on_time == 1
        # It shows the row that has run off as well, with nothing left; devices keep that row.
        assert (await plug.get_timer()).remaining_s == 0
        await plug.set_timer(86_400, PowerState.Off)
        assert (await plug.get_timer()).remaining_s == 86_400

    asyncio.run(story())
    assert [(change.at - began, change.on, change.by) for change in device.changes[1:]] == [(60, True, "countdown")]


def test_a_bulb_shows_colour_and_white(add: Add) -> None:
    device = add("L530")

    async def story() -> None:
        bulb = await client().l530(device.address)
        await bulb.set_hue_saturation(200, 60)
        assert device.state == {"device_on": True, "brightness": 100, "hue": 200, "saturation": 60, "color_temp": 0}
        await bulb.set_color_temperature(3500)
        await bulb.set_brightness(5)
        info = await bulb.get_device_info()
        assert (info.color_temp, info.brightness) == (3500, 5)
        await bulb.off()
        assert not device.on

    asyncio.run(story())


@pytest.mark.parametrize(
    ("model", "kind"),
    [("P100", "p100"), ("P105", "p105"), ("P115", "p115"), ("L510", "l510"), ("L630", "l630"), ("L900", "l900")],
)
def test_each_profile_is_read(add: Add, model: str, kind: str) -> None:
    device = add(model)

    async def story() -> None:
        found = await getattr(client(), kind)(device.address)
        info = await found.get_device_info()
        assert (info.model, info.mac) == (model, device.mac)

    asyncio.run(story())


def test_a_wrong_password_is_told_as_such(add: Add) -> None:
    device = add("P110")

    async def story() -> None:
        with pytest.raises(Exception, match="HASH_MISMATCH"):
            await client("battery staple").p110(device.address)

    asyncio.run(story())
    assert (device.handshakes, device.sessions) == (1, 0)
