"""plugp100 takes the simulated devices for ones that speak TPAP; it holds the short form of w0."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from plugp100.common.credentials import AuthCredential
from plugp100.components.countdown import Countdown
from plugp100.components.energy import EnergyComponent
from plugp100.devices.factory import DeviceConnectConfiguration, connect

from tapo_automate.simulator import Device

Add = Callable[..., Device]
LOGIN = [("pake_register", True), ("pake_share", True)]


@asynccontextmanager
async def connected(device: Device, password: str = "correct horse", kind: str | None = "TPAP") -> AsyncIterator[Any]:
    config = DeviceConnectConfiguration(
        host=device.host,
        port=device.port,
        credentials=AuthCredential("owner@example.com", password),
        encryption_type=kind,
    )
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        found = await connect(config, session)
        try:
            await found.update()
            yield found
        finally:
            await found.client.close()


def tell(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    asyncio.run(told())


def steps(device: Device) -> list[tuple[str, bool]]:
    return [(attempt.step, attempt.granted) for attempt in device.login_attempts]


@pytest.fixture
def offer(add: Add) -> Add:
    def offer(model: str, choices: str = "", **wishes: Any) -> Device:
        return add(model, "tpap", tpap=f"w0=short,{choices}", **wishes)

    return offer


CHOICES = [
    "",
    "tls=1",
    "user_hash_type=1",
    "extra_crypt=none",
    "pake=0",
    "iterations=1",
    "dac=1",
    "tls=1,dac=1",
    "answers=next",
]


@pytest.mark.parametrize("choices", CHOICES)
def test_a_plug_is_read_and_switched(offer: Add, choices: str) -> None:
    device = offer("P110", choices, trace="1500", nickname="washer")

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

    tell(story)
    assert steps(device) == LOGIN


def test_it_finds_out_by_itself(offer: Add) -> None:
    device = offer("P110")

    async def story() -> None:
        async with connected(device, kind=None) as plug:
            await plug.turn_on()

    tell(story)
    assert device.on
    assert device.sessions >= 1


def test_a_bulb_shows_colour_and_white(offer: Add) -> None:
    device = offer("L530")

    async def story() -> None:
        async with connected(device) as bulb:
            assert (await bulb.set_hue_saturation(200, 60)).is_success()
            assert device.state == {"device_on": True, "brightness": 100, "hue": 200, "saturation": 60, "color_temp": 0}
            assert (await bulb.set_color_temperature(3500)).is_success()
            assert (await bulb.set_brightness(5)).is_success()
            await bulb.update()
            assert (bulb.color_temp, bulb.brightness) == (3500, 5)

    tell(story)


def test_a_countdown_is_set_and_read(offer: Add, clock: Any) -> None:
    device = offer("P110", on=True, now=clock)

    async def story() -> None:
        async with connected(device) as plug:
            timer = plug.get_component(Countdown)
            assert (await timer.add_countdown_off(60)).is_success()
            clock.at += 20
            await timer.update()
            assert timer.get_countdown_rules().rule_list[0].remain == 40
            clock.at += 41
            await plug.update()
            assert not plug.is_on

    tell(story)
    assert [change.by for change in device.changes] == ["start", "countdown"]


def test_a_wrong_password_is_refused_and_counted(offer: Add) -> None:
    device = offer("P110")

    async def story() -> None:
        with pytest.raises(Exception):  # noqa: B017 - how it says so is its own
            async with connected(device, "battery staple"):
                pass

    tell(story)
    failed = steps(device).count(("pake_share", False))
    assert failed >= 1, "that it tries again and again is its own"
    assert device.refusals == ["pake_share with a wrong proof: -2203"] * failed
    assert (device.sessions, device.calls) == (0, [])


@pytest.mark.parametrize("form", ["rfc", "short"])
def test_a_short_w0_parts_it_from_devices_with_the_other_form(add: Add, form: str) -> None:
    device = add("P110", "tpap", tpap=f"w0={form}", faults="short-w0=once")

    async def story() -> None:
        async with connected(device) as plug:
            await plug.turn_on()

    tell(story)
    assert device.on
    assert steps(device)[:2] == [("pake_register", True), ("pake_share", form == "short")]


@pytest.mark.parametrize("lost", ["-2203", "-2402", "403"])
def test_a_session_that_was_lost(offer: Add, lost: str) -> None:
    device = offer("P110", f"lost={lost}")
    came_back = []

    async def story() -> None:
        async with connected(device) as plug:
            device.forget_session()
            came_back.append((await plug.turn_on()).is_success())

    tell(story)
    assert device.on == came_back[0]
    assert device.refusals[0].startswith("request without the stok of the session")


def test_the_switch_is_flipped_while_it_runs(offer: Add) -> None:
    device = offer("P110")

    async def story() -> None:
        async with connected(device) as plug:
            device.set_third_party_compatibility(True)
            assert not (await plug.turn_on()).is_success()
            assert not device.on
            device.set_third_party_compatibility(False)
            assert (await plug.turn_on()).is_success()

    tell(story)
    assert device.on
    assert steps(device)[-2:] == LOGIN
