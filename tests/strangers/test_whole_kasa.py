"""python-kasa makes every call it has to each kind of device, over securePassthrough with both logins, and KLAP.

What it reads and sets is compared with the device; which calls those are is in every_call.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kasa import KasaException

from strangers.every_call import KASA, KASA_FEATURES
from strangers.kasa_house import (
    LOAD_W,
    House,
    Used,
    blows,
    fades,
    has_a_led,
    has_a_meter,
    has_firmware,
    has_presets,
    has_the_time,
    is_cut_in_segments,
    is_dimmed,
    is_protected,
    is_switched,
    shows_effects,
    tells_of_itself,
    turns_itself_off,
)
from strangers.ours import ours
from strangers.test_python_kasa import connected
from tapo_automate.simulator import Device
from tapo_automate.wire.commands.auto_off import get_auto_off_config, get_protection_power
from tapo_automate.wire.commands.effects import get_dynamic_light_effect_rules
from tapo_automate.wire.commands.firmware import get_auto_update_info
from tapo_automate.wire.commands.gradual import get_on_off_gradually_info
from tapo_automate.wire.commands.info import get_device_info
from tapo_automate.wire.commands.led import get_led_info
from tapo_automate.wire.commands.presets import get_preset_rules
from tapo_automate.wire.commands.strip_effects import get_lighting_effect

GENERATIONS = ["klap", "aes", "aes-v1"]  # KLAP in its first version it speaks with the older Kasa dialect alone


MODULES: dict[str, Callable[[House], Awaitable[None]]] = {
    "Time": has_the_time,
    "Led": has_a_led,
    "AutoOff": turns_itself_off,
    "Energy": has_a_meter,
    "PowerProtection": is_protected,
    "Light": is_dimmed,
    "LightPreset": has_presets,
    "LightTransition": fades,
    "LightEffect": shows_effects,
    "Firmware": has_firmware,
}


def read_by_us(device: Device) -> None:
    """Our typed commands read what python-kasa has set."""
    replies = device.profile.replies
    with ours(device) as client:
        assert get_device_info(client).nickname == "another"
        if "get_auto_update_info" in replies:
            assert get_auto_update_info(client).enabled
        if "get_led_info" in replies:
            assert get_led_info(client).rule == "never"
        if "get_auto_off_config" in replies:
            timer = get_auto_off_config(client)
            assert (timer.enabled, timer.delay_min) == (True, 45)
        if "get_protection_power" in replies:
            guard = get_protection_power(client)
            assert (guard.enabled, guard.limit_w) == (True, 700)
        if "get_preset_rules" in replies:
            assert get_preset_rules(client)[0].light.brightness_pct == 22  # type: ignore[union-attr]
        if "get_on_off_gradually_info" in replies:
            fade = get_on_off_gradually_info(client)
            assert fade.enabled
            assert fade.on is None or (fade.on.duration_s, fade.off and fade.off.duration_s) == (9, 11)
        if "get_lighting_effect" in replies:
            assert not get_lighting_effect(client).enabled
        if "get_dynamic_light_effect_rules" in replies:
            assert get_dynamic_light_effect_rules(client).running is None


def walk(device: Device, clock: Any, story: Callable[[House], Awaitable[None]]) -> Used:
    used: Used = {}

    async def told() -> None:
        async with connected(device) as found:
            await story(House(found, device, clock, used))

    asyncio.run(told())
    return used


async def everything(house: House) -> None:
    await tells_of_itself(house)
    assert house.raw.features.keys() <= KASA_FEATURES.made | KASA_FEATURES.left.keys()
    await is_switched(house)
    for name, story in MODULES.items():
        if house.has(name):
            await story(house)


async def leaves_its_account(house: House) -> None:
    """What can be done once, on a device made for it: another network, account, firmware, a restart, a reset."""
    it, device, clock = house.it, house.device, house.clock
    found = [each.ssid for each in await it.wifi_scan()]
    assert "simulated" in found
    await it.reboot(5)
    clock.at += 6
    before = device.sessions
    await it.update()
    assert device.sessions > before
    device.offer_firmware("9.9.9 Build 260101 Rel.1")
    firmware = house.module("Firmware")
    await firmware.check_latest_firmware()

    async def sees(state: Any) -> None:
        clock.at += 40

    await firmware.update(progress_cb=sees)
    assert device.info["fw_ver"] == "9.9.9 Build 260101 Rel.1"
    await it.wifi_join("simulated", "long enough")
    assert [call.error_code for call in device.calls if call.method == "set_qs_info"] == [0]
    with pytest.raises(KasaException):
        await it.update_credentials("other@example.com", "battery staple")
    assert [call.error_code for call in device.calls if call.method == "set_qs_info"] == [0, -1003]
    device.forget_session()
    with pytest.raises(KasaException):
        await it.turn_on()  # one question; update() would log in for each module
    device.set_credentials("owner@example.com", "correct horse")
    await it.factory_reset()
    assert device.announcement["factory_default"] is True
    it.update_from_discover_info(device.announcement)
    await it.disconnect()


async def has_parts(house: House) -> None:
    it, device = house.it, house.device
    children = {child.device_id: child for child in device.children}
    assert {each.device_id for each in it.children} == children.keys()
    first = it.children[0]
    assert it.get_plug_by_index(0) is it.get_plug_by_name(first.alias) is it.get_child_device(first.device_id) is first
    if house.has("Matter"):
        matter = house.module("Matter")
        assert await house.feature("matter_setup_code") == matter.info["setup_code"]
        assert await house.feature("matter_setup_payload") == matter.info["setup_payload"]
    for name in ("Time", "Led", "Firmware"):
        await MODULES[name](house)
    for each in it.children:
        child = children[each.device_id]
        assert each.features.keys() <= KASA_FEATURES.made | KASA_FEATURES.left.keys()
        part = House(each, child, house.clock, house.used, device)
        assert (part.it.alias, part.it.parent.device_id) == (child.nickname, device.device_id)
        await part.it.turn_on()
        assert child.on
        house.clock.at += 3600
        await it.update()
        assert part.it.is_on
        for name, story in MODULES.items():
            if part.has(name):
                await story(part)
        if part.has("Fan"):
            await blows(part)
        await part.it.turn_off()
        assert not child.on


KINDS = [
    *(("P110", name) for name in GENERATIONS), *(("L530", name) for name in GENERATIONS),
    *(("L920", name) for name in GENERATIONS), ("P100", "aes"), ("P100", "aes-v1"), ("P105", "klap"), ("P115", "aes"),
    ("L510", "klap"), ("L510", "aes"), ("L630", "aes"), ("L900", "klap"), ("L430C", "klap"),
]  # fmt: skip


def check_table(used: Used) -> None:
    for kind in used.keys() - {"features"}:
        assert {name for name in used[kind] if name[0].islower()} <= KASA[kind].made, kind
    assert used["features"] <= KASA_FEATURES.made


@pytest.mark.parametrize(("model", "generation"), KINDS)
def test_a_device_is_walked(add: Callable[..., Device], clock: Any, model: str, generation: str) -> None:
    device = add(model, generation, trace=str(LOAD_W), nickname="the one", now=clock)
    check_table(walk(device, clock, everything))
    read_by_us(device)


@pytest.mark.parametrize(
    ("model", "generation"),
    [("P300", "klap"), ("P300", "aes"), ("P304M", "klap"), ("P306", "aes-v1"), ("P316M", "klap"), ("KS240", "klap")],
)
def test_a_strip_is_walked(add: Callable[..., Device], clock: Any, model: str, generation: str) -> None:
    device = add(model, generation, trace=str(LOAD_W), now=clock, nickname="the one")
    check_table(walk(device, clock, has_parts))


@pytest.mark.parametrize("generation", ["aes"])  # over KLAP below
def test_it_leaves_its_account(add: Callable[..., Device], clock: Any, generation: str) -> None:
    device = add("P110", generation, now=clock)
    used = walk(device, clock, leaves_its_account)
    assert used["SmartDevice"] <= KASA["SmartDevice"].made


def test_every_call_of_the_table_is_made(add: Callable[..., Device], clock: Any) -> None:
    used: Used = {}
    for model, story in (
        ("P110", everything), ("P110", leaves_its_account), ("L530", everything), ("L920", everything),
        ("L920", is_cut_in_segments), ("P316M", has_parts), ("KS240", has_parts),
    ):  # fmt: skip
        device = add(model, trace=str(LOAD_W), nickname="the one", now=clock)
        for kind, names in walk(device, clock, story).items():
            used.setdefault(kind, set()).update(names)
    features = used.pop("features")
    for kind, calls in KASA.items():
        assert {name for name in used[kind] if name[0].islower()} == calls.made, kind
    assert features == KASA_FEATURES.made
