"""A device as python-kasa holds it, and the stories of its modules: each is read, set, and looked for in the device."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from kasa import KasaException, LightState

from strangers.walking import Watched
from tapo_automate.simulator import Device

BERLIN = ZoneInfo("Europe/Berlin")
LOAD_W = 20
Used = dict[str, set[str]]


class House:
    """A device as python-kasa holds it, watched, and the device itself."""

    def __init__(self, it: Any, device: Any, clock: Any, used: Used, whole: Device | None = None) -> None:
        """device: the simulated one, or one socket of `whole`."""
        self.raw, self.it = it, Watched(it, used)
        self.device, self.clock, self.used = device, clock, used
        self.whole: Device = whole or device

    def has(self, name: str) -> bool:
        return name in self.raw.modules

    def module(self, name: Any) -> Any:
        return Watched(self.raw.modules[name], self.used)

    async def refresh(self) -> None:
        """Read everything anew; what a socket is the strip tells."""
        await (self.raw.parent or self.raw).update()

    async def feature(self, name: str, value: Any = None) -> Any:
        """Set a feature where a value is given, and return what it says."""
        self.used.setdefault("features", set()).add(name)
        feature = self.raw.features[name]
        if value is not None:
            await feature.set_value(value)
            await self.refresh()
        return feature.value


async def tells_of_itself(house: House) -> None:
    it, device, info = house.it, house.device, house.device.info
    assert (it.model, it.alias, it.device_id) == (info["model"], "the one", device.device_id)
    assert (it.mac, it.host, it.port) == (device.mac.replace("-", ":"), device.host, device.port)
    assert (it.rssi, it.ssid) == (info.get("rssi"), "simulated")
    assert it.sys_info["device_id"] == it.internal_state["get_device_info"]["device_id"] == device.device_id
    assert it.hw_info["sw_ver"] == it.device_info.firmware_version + " " + info["fw_ver"].partition(" ")[2]
    assert it.location == {"latitude": 52.52, "longitude": 13.405}
    assert (it.timezone, int(it.time.timestamp())) == (BERLIN, int(device.time))
    assert it.is_cloud_connected
    assert it.has_emeter == house.has("Energy")
    assert it.region in ("EU", "US", "", None)
    assert await house.feature("device_id") == device.device_id
    assert (await house.feature("ssid"), await house.feature("signal_level")) == ("simulated", 3)
    assert int((await house.feature("device_time")).timestamp()) == int(device.time)
    assert await house.feature("cloud_connection")
    assert await house.feature("overheated") is house.module("OverheatProtection").overheated is False
    if "rssi" in info:
        assert await house.feature("rssi") == info["rssi"]
    assert house.module("Cloud").is_connected
    for name in ("config", "credentials", "credentials_hash", "children", "state_information", "device_type", "parent"):
        getattr(it, name)
    assert it.features.keys() == house.raw.features.keys()
    assert it.modules.keys() == house.raw.modules.keys()
    assert not await it.supports_module("Thermostat")
    await it.set_alias("another")
    assert device.nickname == "another"
    house.clock.at += 1
    await it.update()
    assert it.alias == "another"


async def is_switched(house: House) -> None:
    it, device = house.it, house.device
    await it.turn_on()
    assert device.on
    await it.turn_off()
    assert not device.on
    await it.set_state(True)
    house.clock.at += 3600
    await it.update()
    assert (it.is_on, it.is_off, await house.feature("state")) == (True, False, True)
    if "on_since" in house.raw.features:
        since = await house.feature("on_since")
        assert abs(it.on_since.timestamp() - (device.time - 3600)) <= 5
        assert since == it.on_since
    assert (await house.feature("state", False), device.on) == (False, False)
    await it.turn_on()


async def has_the_time(house: House) -> None:
    time = house.module("Time")
    assert (time.timezone, int(time.time.timestamp())) == (BERLIN, int(house.device.time))
    later = time.time + timedelta(minutes=30)
    await time.set_time(later)
    assert int(house.device.time) == int(later.timestamp())
    await house.refresh()
    assert int(time.time.timestamp()) == int(later.timestamp())


async def has_firmware(house: House) -> None:
    """The one that is offered is told; loading it is in a test of its own."""
    firmware, device = house.module("Firmware"), house.device
    device.offer_firmware("9.9.9 Build 260101 Rel.1", note="better")
    told = await firmware.check_latest_firmware()
    assert (told.version, told.release_notes, told.update_available) == ("9.9.9 Build 260101 Rel.1", "better", True)
    assert firmware.firmware_update_info == told
    assert (firmware.current_firmware, firmware.latest_firmware) == (device.info["fw_ver"], told.version)
    assert (await firmware.get_update_state()).status == 0
    await house.feature("check_latest_firmware", True)
    assert (firmware.update_available, await house.feature("update_available")) == (True, True)
    assert await house.feature("current_firmware_version") == device.info["fw_ver"]
    assert await house.feature("available_firmware_version") == told.version
    assert not firmware.auto_update_enabled
    if "auto_update_enabled" in house.raw.features:
        await firmware.set_auto_update_enabled(True)
        await house.refresh()
        assert firmware.auto_update_enabled
        assert await house.feature("auto_update_enabled", False) is False
        await firmware.set_auto_update_enabled(True)


async def has_a_led(house: House) -> None:
    led = house.module("Led")
    assert (led.led, led.mode) == (True, "always")
    assert await house.feature("led", False) is False
    await led.set_led(True)
    await led.set_led(False)
    await house.refresh()
    assert (led.led, led.mode) == (False, "never")


async def turns_itself_off(house: House) -> None:
    timer = house.module("AutoOff")
    await timer.set_delay(30)
    await house.refresh()
    assert timer.delay == 30
    assert await house.feature("auto_off_minutes", 45) == 45
    await timer.set_enabled(True)
    house.clock.at += 60
    await house.refresh()
    assert (timer.enabled, timer.is_timer_active, await house.feature("auto_off_enabled")) == (True, True, True)
    assert int(timer.auto_off_at.timestamp()) == int(house.whole.time) + 44 * 60
    assert await house.feature("auto_off_at") == timer.auto_off_at


async def has_a_meter(house: House) -> None:
    meter = house.module("Energy")
    if house.raw.parent is not None and "voltage" not in house.raw.features:
        # A socket that knows no get_emeter_data, as that of a P304M, has no reading at all to it.
        assert meter.current_consumption is None
        return
    wh = 20 / 1000
    assert (meter.current_consumption, await house.feature("current_consumption")) == (LOAD_W, LOAD_W)
    assert (meter.consumption_today, meter.consumption_this_month) == (wh, wh)
    assert (await house.feature("consumption_today"), await house.feature("consumption_this_month")) == (wh, wh)
    assert meter.energy["today_energy"] == LOAD_W
    assert meter.status.power == (await meter.get_status()).power == LOAD_W
    assert (meter.consumption_total, meter.supports(meter.ModuleFeature.PERIODIC_STATS)) == (None, False)
    if "voltage" in house.raw.features:
        assert await house.feature("voltage") == meter.voltage
        assert round(await house.feature("current") * meter.voltage) == round(meter.current * meter.voltage) == LOAD_W
    for missing in (meter.erase_stats, meter.get_daily_stats, meter.get_monthly_stats):
        with pytest.raises(KasaException, match="does not support periodic statistics"):
            await missing()


async def is_protected(house: House) -> None:
    guard = house.module("PowerProtection")
    assert (guard.enabled, guard.overloaded, await house.feature("overloaded")) == (False, False, False)
    await guard.set_enabled(True, threshold=500)
    await house.refresh()
    assert (guard.enabled, guard.protection_threshold) == (True, 500)
    assert await house.feature("power_protection_threshold", 600) == 600
    await guard.set_protection_threshold(700)


async def is_dimmed(house: House) -> None:
    light, brightness, device = house.module("Light"), house.module("Brightness"), house.device
    await light.set_brightness(35)
    assert device.state["brightness"] == 35
    await brightness.set_brightness(36)
    assert await house.feature("brightness", 37) == 37 == brightness.brightness == light.brightness
    await light.set_state(LightState(light_on=True, brightness=38))
    await house.refresh()
    assert (device.state["brightness"], light.state.brightness) == (38, 38)
    if house.has("Color"):
        color = house.module("Color")
        await light.set_hsv(200, 60, 40)
        assert (device.state["hue"], device.state["saturation"], device.state["brightness"]) == (200, 60, 40)
        await color.set_hsv(20, 6, 41)
        await house.refresh()
        assert tuple(color.hsv) == tuple(light.hsv) == tuple(await house.feature("hsv")) == (20, 6, 41)
    if house.has("ColorTemperature"):
        white = house.module("ColorTemperature")
        await light.set_color_temp(3500)
        await white.set_color_temp(3600)
        assert await house.feature("color_temperature", 3700) == 3700
        assert light.color_temp == white.color_temp == device.state["color_temp"] == 3700
        assert list(white.valid_temperature_range) == device.info["color_temp_range"]
    else:
        with pytest.raises(KasaException, match="does not support colortemp"):
            await light.set_color_temp(3500)
        with pytest.raises(KasaException, match="does not support colortemp"):
            light.color_temp  # noqa: B018 - a property that raises


async def has_presets(house: House) -> None:
    presets, device = house.module("LightPreset"), house.device
    assert presets.has_save_preset
    assert presets.preset_list[0] == presets.PRESET_NOT_SET
    first = presets.preset_list[1]
    state = LightState(brightness=22)
    if house.has("Color"):
        state = LightState(brightness=22, hue=111, saturation=77, color_temp=0)
    await presets.save_preset(first, state)
    if house.raw.parent is not None:
        # It asks a part with `"params": null` what it has now, which is -1008; so it never knows.
        await presets.set_preset(presets.preset_list[2])
        return
    house.clock.at += 90
    await house.refresh()
    assert presets.preset_states_list[0].brightness == 22
    await presets.set_preset(first)
    assert device.state["brightness"] == 22
    await house.refresh()
    assert presets.preset == first
    assert await house.feature("light_preset", presets.preset_list[2]) is not None


async def fades(house: House) -> None:
    fade = house.module("LightTransition")
    await fade.set_enabled(True)
    await house.refresh()
    assert fade.enabled
    if "smooth_transitions" in house.raw.features:
        assert await house.feature("smooth_transitions", False) is False
        await fade.set_enabled(True)
        return
    await fade.set_turn_on_transition(7)
    await fade.set_turn_off_transition(8)
    await house.refresh()
    assert (fade.turn_on_transition, fade.turn_off_transition) == (7, 8)
    assert await house.feature("smooth_transition_on", 9) == 9
    assert await house.feature("smooth_transition_off", 11) == 11


async def shows_effects(house: House) -> None:
    effects, device = house.module("LightEffect"), house.device
    name = effects.effect_list[1]
    assert (effects.effect, effects.is_active) == (effects.LIGHT_EFFECTS_OFF, False)
    await effects.set_effect(name)
    await house.refresh()
    assert (effects.effect, effects.is_active, await house.feature("light_effect")) == (name, True, name)
    if house.has("Color") and not effects.has_custom_effects:
        assert device.info["dynamic_light_effect_enable"]
        with pytest.raises(NotImplementedError):
            await effects.set_custom_effect({})
    else:
        assert (device.info["lighting_effect"]["name"], device.info["lighting_effect"]["enable"]) == (name, 1)
        mine = {"custom": 1, "id": "mine", "name": "mine", "brightness": 30, "enable": 1, "type": "sequence",
                "display_colors": [[120, 100, 100]], "segments": [0]}  # fmt: skip
        await effects.set_custom_effect(mine)
        assert device.info["lighting_effect"]["name"] == "mine"
        await effects.set_effect(name)
        await house.refresh()
    await effects.set_brightness(42)
    await house.refresh()
    assert effects.brightness == 42
    assert await house.feature("light_effect", effects.LIGHT_EFFECTS_OFF) == effects.LIGHT_EFFECTS_OFF


async def blows(part: House) -> None:
    fan = part.module("Fan")
    await fan.set_fan_speed_level(3)
    assert part.device.info["fan_speed_level"] == 3
    await fan.set_sleep_mode(True)
    await part.refresh()
    assert (fan.fan_speed_level, fan.sleep_mode) == (3, True)
    for name, value in (("fan_speed_level", 2), ("fan_sleep_mode", False)):
        await part.raw.features[name].set_value(value)
        part.used["features"].add(name)
    assert (part.device.info["fan_speed_level"], part.device.info["fan_sleep_mode_on"]) == (2, False)


async def is_cut_in_segments(house: House) -> None:
    segments = house.module("LightStripSegment")
    assert segments.segments == await house.feature("strip_segments") == 50
    with pytest.raises(KasaException, match="UNKNOWN_METHOD"):
        await segments.set_segments(20)
