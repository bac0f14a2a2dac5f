"""plugp100 makes every call it has to each kind of device, over each generation of the protocols.

What it reads and sets is compared with the device; which calls those are is in every_call.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from plugp100.api.light_effect_preset import LightEffectPreset
from plugp100.api.requests.set_device_info.set_plug_info_params import SetPlugInfoParams
from plugp100.api.requests.tapo_request import TapoRequest
from plugp100.common.credentials import AuthCredential
from plugp100.components.countdown import Countdown
from plugp100.components.energy import EnergyComponent
from plugp100.components.light import LightComponent
from plugp100.components.light_effect import LightEffectComponent
from plugp100.components.on_off import OnOffComponent
from plugp100.components.overheat import OverheatComponent
from plugp100.components.socket_children import SocketChildrenComponent
from plugp100.devices.factory import DeviceConnectConfiguration, connect
from plugp100.models.firmware import FirmwareDownloadStatus

from strangers.conftest import OWNER
from strangers.every_call import PLUGP100
from strangers.ours import ours
from strangers.walking import Watched
from tapo_automate.simulator import Device
from tapo_automate.wire.commands.firmware import get_latest_fw
from tapo_automate.wire.commands.info import get_device_info
from tapo_automate.wire.commands.strip_effects import get_lighting_effect

LOAD_W = 20
# What to add the device as, and what plugp100 is told: the kind of encryption and its version.
GENERATIONS: dict[str, tuple[str, str, str, int | None]] = {
    "klap": ("klap", "", "KLAP", 2),
    "klap-v1": ("klap-v1", "", "KLAP", 1),
    "aes": ("aes", "", "AES", None),
    "aes-v1": ("aes-v1", "", "AES", None),
    "tpap tls=0": ("tpap", "w0=short", "TPAP", None),
    "tpap tls=1": ("tpap", "w0=short,tls=1", "TPAP", None),
}
Story = Callable[[Any, Device, Any, dict[str, set[str]]], Awaitable[None]]


def walk(device: Device, generation: str, clock: Any, story: Story) -> dict[str, set[str]]:
    """Connect, tell the story, and return the names that it used, by class."""
    used: dict[str, set[str]] = {}
    _, _, kind, version = GENERATIONS[generation]
    config = DeviceConnectConfiguration(
        host=device.host,
        port=device.port,
        credentials=AuthCredential(*OWNER.values()),
        encryption_type=kind,
        encryption_version=version,
    )

    async def told() -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            it = Watched(await connect(config, session), used)
            try:
                await it.update()
                await story(it, device, clock, used)
            finally:
                await Watched(it.client, used).close()

    asyncio.run(told())
    return used


def component(it: Any, kind: type, used: dict[str, set[str]]) -> Any:
    assert it.has_component(kind)
    return Watched(it.get_component(kind), used)


async def is_itself(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
    info = device.info
    assert it.raw_state == info
    assert (it.mac, it.model, it.device_id, it.nickname) == (device.mac, info["model"], device.device_id, "the one")
    assert (it.hardware_version, info["fw_ver"].split()[0]) == (info["hw_ver"], it.firmware_version)
    assert (it.wifi_info.signal_level, it.wifi_info.rssi) == (info["signal_level"], info.get("rssi", 0))
    assert it.device_info.ssid == "simulated"
    assert it.components.component_list == device.profile.components
    assert (it.overheated, component(it, OverheatComponent, used).overheated) == (False, False)
    assert it.device_type.name == ("Bulb" if info["type"].endswith("BULB") else "Plug")
    assert isinstance(it.protocol_version, str)
    assert it.has_countdown
    assert len(it.get_device_components) >= 3


async def updates_itself(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
    """Newer firmware is offered, loaded step by step, and there after it has started again."""
    device.offer_firmware("9.9.9 Build 260101 Rel.1", note="better")
    latest = (await it.get_latest_firmware()).get_or_raise()
    assert (latest.firmware_version, latest.need_to_upgrade, latest.release_note) == (
        "9.9.9 Build 260101 Rel.1", True, "better",
    )  # fmt: skip
    is_read_by_us(device, latest.firmware_version)
    assert (await it.get_firmware_download_state()).get_or_raise().status is FirmwareDownloadStatus.IDLE
    assert await it.start_firmware_upgrade()
    clock.at += 7
    state = (await it.get_firmware_download_state()).get_or_raise()
    assert (state.status, state.download_in_progress) == (FirmwareDownloadStatus.DOWNLOADING, 50)
    clock.at += 30
    assert device.info["fw_ver"] == "9.9.9 Build 260101 Rel.1"


def is_read_by_us(device: Device, newer: str) -> None:
    """Our typed commands read what plugp100 has set, in a session that ends its own over some of the protocols."""
    with ours(device) as client:
        assert (get_latest_fw(client).version, get_latest_fw(client).is_newer) == (newer, True)
        info = get_device_info(client)
        assert (info.on, info.nickname) == (False, "the one")
        if "brightness" in device.state:
            assert (info.brightness_pct, info.color_temp_k) == (36, device.state.get("color_temp"))
        if "lighting_effect" in device.info:
            effect = get_lighting_effect(client)
            assert (effect.name, effect.brightness_pct, effect.enabled) == ("Aurora", 17, False)


async def counts_down(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
    timer = component(it, Countdown, used)
    if device.profile.components["countdown"] < 2:
        assert not (await timer.add_countdown_on(60)).is_success(), "the oldest rows have no desired_states"
        return
    assert (await timer.add_countdown_on(60)).is_success()
    assert device.countdown is not None
    clock.at += 20
    await timer.update()
    [row] = timer.get_countdown_rules().rule_list
    assert (row.id, row.remain, row.desired_states) == (device.countdown["id"], 40, {"on": True})
    assert device.countdown["remain"] == 40
    clock.at += 41
    await timer.update()
    assert device.countdown is None
    assert (await timer.add_countdown_off(60)).is_success()
    assert device.countdown["desired_states"] == {"on": False}
    clock.at += 61
    assert not device.on


async def asks_its_client(it: Any, device: Device, used: dict[str, set[str]]) -> None:
    client = Watched(it.client, used)
    assert client.protocol is not None
    assert (await client.get_device_info()).get_or_raise() == device.info
    assert (await client.get_component_negotiation()).get_or_raise().component_list == device.profile.components
    told = (await client.execute_raw_request(TapoRequest.get_device_info())).get_or_raise()
    assert told == device.info


async def a_plug(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
    await is_itself(it, device, clock, used)
    await it.turn_on()
    clock.at += 3600
    await it.update()
    assert it.is_on
    assert device.on
    assert (it.is_strip, it.sockets) == (False, [])
    await asks_its_client(it, device, used)
    client = Watched(it.client, used)
    if "energy_monitoring" in device.profile.components:
        meter = component(it, EnergyComponent, used)
        newer = device.profile.components["energy_monitoring"] >= 2
        assert meter.energy_info.info["today_energy"] == LOAD_W
        assert (await client.get_energy_usage()).get_or_raise().info["current_power"] == LOAD_W * 1000
        power = await client.get_current_power()
        assert power.is_success() == newer
        assert (meter.power_info is not None) == newer
        if newer:
            assert meter.power_info.info["current_power"] == power.get_or_raise().info["current_power"] == LOAD_W
    relay = component(it, OnOffComponent, used)
    assert relay.device_on
    await relay.turn_off()
    assert not device.on
    await relay.turn_on()
    assert device.on
    assert (await client.set_device_info(SetPlugInfoParams(False))).is_success()
    assert not device.on
    await it.turn_on()
    await it.turn_off()
    assert not device.on
    await counts_down(it, device, clock, used)
    it.add_component(it.get_component(OverheatComponent))
    await updates_itself(it, device, clock, used)


async def a_bulb(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
    await is_itself(it, device, clock, used)
    light = component(it, LightComponent, used)
    await it.turn_on()
    assert device.on
    assert it.is_brightness
    assert (await it.set_brightness(35)).is_success()
    assert (await light.set_brightness(36)).is_success()
    assert device.state["brightness"] == 36
    colored = "color" in device.profile.components
    strip = "light_strip" in device.profile.components
    assert (it.is_color, it.is_color_temperature, it.is_led_strip) == (colored, colored, strip)
    if colored:
        assert (await it.set_hue_saturation(200, 60)).is_success()
        assert (device.state["hue"], device.state["saturation"]) == (200, 60)
        assert (await light.set_hue_saturation(20, 6)).is_success()
        await it.update()
        assert (it.hs.hue, it.hs.saturation, light.hs.hue) == (device.state["hue"], device.state["saturation"], 20)
        for number, setter in enumerate((it.set_color_temperature, light.set_color_temperature)):
            assert (await setter(3500 + number)).is_success() is not strip, "a strip has one white"
        await it.update()
        assert it.color_temp == light.color_temp == device.state["color_temp"] == (0 if strip else 3501)
    await it.update()
    assert it.color_temp_range == light.color_temp_range == tuple(device.info["color_temp_range"])
    assert (it.is_on, it.brightness, light.brightness, light.device_on) == (True, 36, 36, True)
    assert light.state.info.device_id == device.device_id
    await shows_effects(it, device, used)
    await light.turn_off()
    assert not device.on
    await light.turn_on()
    await it.turn_off()
    assert not device.on
    await asks_its_client(it, device, used)
    await counts_down(it, device, clock, used)
    it.add_component(it.get_component(OverheatComponent))
    await updates_itself(it, device, clock, used)


async def shows_effects(it: Any, device: Device, used: dict[str, set[str]]) -> None:
    has = "light_strip_lighting_effect" in device.profile.components
    ocean, aurora = LightEffectPreset.Ocean.to_effect(), LightEffectPreset.Aurora.to_effect()
    assert it.has_effect == has
    assert (await it.set_light_effect(ocean)).is_success() == has
    assert (await it.set_light_effect_brightness(aurora, 42)).is_success() == has
    if not has:
        assert it.effect is None
        return
    effects = component(it, LightEffectComponent, used)
    shown = device.info["lighting_effect"]
    assert (shown["name"], shown["brightness"], shown["enable"]) == ("Aurora", 42, 1)
    await it.update()
    assert (it.effect.name, it.brightness, effects.brightness, effects.active_effect.name) == (
        "Aurora",
        42,
        42,
        "Aurora",
    )
    assert effects.state.device_on
    assert (await effects.set_light_effect(ocean)).is_success()
    assert (await effects.set_light_effect_brightness(ocean, 17)).is_success()
    assert (device.info["lighting_effect"]["name"], device.info["lighting_effect"]["brightness"]) == ("Ocean", 17)
    aurora.brightness = 17
    assert (await Watched(it.client, used).set_lighting_effect(aurora)).is_success()
    assert (device.info["lighting_effect"]["name"], device.info["lighting_effect"]["enable"]) == ("Aurora", 1)
    if "color" in device.profile.components:
        assert (await it.set_hue_saturation(20, 6)).is_success()  # a color ends it


async def a_strip(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
    client = Watched(it.client, used)
    assert it.is_strip
    children = component(it, SocketChildrenComponent, used)
    ids = {child.device_id: child for child in device.children}
    assert {each.device_id for each in children.sockets} == ids.keys()
    assert (await client.get_child_device_list()).get_or_raise().get_device_ids() == ids.keys()
    listed = (await client.get_child_device_component_list()).get_or_raise()["child_component_list"]
    assert {each["device_id"] for each in listed} == ids.keys()
    for each in it.sockets:
        socket, child = Watched(each, used), ids[each.device_id]
        await socket.turn_on()
        await socket.update()
        assert (socket.is_on, child.on) == (True, True)
        assert (socket.nickname, socket.parent_device_id) == (child.nickname, device.device_id)
        assert (socket.raw_state, socket.device_id, socket.mac) == (child.info, child.device_id, child.info["mac"])
        assert (socket.model, socket.overheated, socket.hardware_version) == (it.model, False, child.info["hw_ver"])
        assert socket.components.has("device")
        assert not component(socket, OverheatComponent, used).overheated
        await socket.turn_off()
        assert not child.on
        wish = TapoRequest.set_device_info({"device_on": True})
        assert (await client.control_child(child.device_id, wish)).is_success()
        assert child.on


@pytest.fixture
def started(add: Callable[..., Device], clock: Any) -> Callable[..., Device]:
    def started(model: str, generation: str) -> Device:
        transport, tpap, _, _ = GENERATIONS[generation]
        return add(model, transport, trace=str(LOAD_W), nickname="the one", now=clock, tpap=tpap)

    return started


def each(models: str, whole: str) -> Callable[[Any], Any]:
    """Give each of the models the generations in turn, two each, and the whole one all of them."""
    names, turns = list(GENERATIONS), []
    for number, model in enumerate(models.split()):
        turns += [(model, names[number % 6]), (model, names[(number + 3) % 6])]
    return pytest.mark.parametrize(("model", "generation"), [*turns, *((whole, name) for name in names)])


@each("P100 P105 P115", "P110")
def test_a_plug_is_walked(started: Callable[..., Device], clock: Any, model: str, generation: str) -> None:
    used = walk(started(model, generation), generation, clock, a_plug)
    for kind in ("TapoPlug", "OnOffComponent", "OverheatComponent"):
        assert used[kind] == PLUGP100[kind].made
    if model != "P100":
        assert used["Countdown"] == PLUGP100["Countdown"].made
    if model in ("P110", "P115"):
        assert used["EnergyComponent"] == PLUGP100["EnergyComponent"].made


@each("L510 L530 L630 L900", "L920")
def test_a_bulb_is_walked(started: Callable[..., Device], clock: Any, model: str, generation: str) -> None:
    used = walk(started(model, generation), generation, clock, a_bulb)
    colors = {"hs", "color_temp", "set_hue_saturation", "set_color_temperature"}
    assert used["TapoBulb"] == PLUGP100["TapoBulb"].made - (colors if model == "L510" else set())
    if model in ("L900", "L920"):
        for kind in ("LightComponent", "LightEffectComponent"):
            assert used[kind] == PLUGP100[kind].made


@each("P304M P306 P316M", "P300")
def test_a_strip_is_walked(started: Callable[..., Device], clock: Any, model: str, generation: str) -> None:
    used = walk(started(model, generation), generation, clock, a_strip)
    for kind in ("SocketChildrenComponent", "TapoStripSocket"):
        assert used[kind] == PLUGP100[kind].made


def test_it_knows_no_switch_of_kasa_s(started: Callable[..., Device], clock: Any) -> None:
    """A KS240 is a SMART.KASASWITCH, which it takes for a device that it has no words for but those of all."""

    async def story(it: Any, device: Device, clock: Any, used: dict[str, set[str]]) -> None:
        assert (it.model, hasattr(it._it, "turn_on")) == ("KS240", False)
        assert it.raw_state == device.info

    walk(started("KS240", "klap"), "klap", clock, story)


def test_its_client_has_made_every_call(started: Callable[..., Device], clock: Any) -> None:
    used: set[str] = set()
    for model, story in (("P110", a_plug), ("L920", a_bulb), ("P300", a_strip)):
        used |= walk(started(model, "klap"), "klap", clock, story)["TapoClient"]
    assert used == PLUGP100["TapoClient"].made
