"""What a device says it is, and set_device_info, which moves the relay and the light.

Source: docs/protocol.md, "Bulbs" and "get_device_info fields used above".
"""

from collections.abc import Callable
from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator import start_states
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.light import LIGHT_KEYS
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import PARAMS, Refused

Params = dict[str, Any]


@method("component_nego")
def component_nego(appliance: Appliance, params: Params) -> Params:
    rows = appliance.profile.components.items()
    return {"component_list": [{"id": name, "ver_code": version} for name, version in rows]}


@method("get_device_info", needs="get_device_info")
def get_device_info(appliance: Appliance, params: Params) -> Params:
    return appliance.refreshed_info()


@method("get_device_running_info", component="brightness")
def get_device_running_info(appliance: Appliance, params: Params) -> Params:
    return appliance.refreshed_info()


@method("set_device_info", needs="get_device_info")
def set_device_info(appliance: Appliance, params: Params) -> None:
    """Check everything, then change everything: a refused call leaves the device as it was.

    A key that no device has is passed over, as long as one key is left that this device has.  A color_temp of 0 alone
    brings back the colour that there was: PyP100 sends it, and the colour after it.
    """
    changes = {key: check(appliance, params) for key, check in _CHECKS.items() if key in params}
    if not changes:
        raise Refused(PARAMS)
    if changes.get("color_temp") == 0 and len({"hue", "saturation"} & changes.keys()) == 1:
        raise Refused(PARAMS)
    light = {key: changes.pop(key) for key in LIGHT_KEYS if key in changes}
    wanted = changes.pop("device_on", True if light else None)
    appliance.info.update(changes)
    if "latitude" in changes or "longitude" in changes:
        found = {key: appliance.info.get(key, 0) for key in ("latitude", "longitude")} | {"has_set_location_info": True}
        for each in (appliance, *appliance.children):
            each.info.update(found)
            each.moved()
    appliance.assume(wanted, light)


def _device_on(appliance: Appliance, params: Params) -> bool:
    _must_have(appliance, "device_on")
    return read.boolean(params, "device_on")


def _brightness(appliance: Appliance, params: Params) -> int:
    _must_have(appliance, "brightness")
    return read.integer(params, "brightness", 1, 100)


def _hue(appliance: Appliance, params: Params) -> int:
    _must_have(appliance, "hue")
    return read.integer(params, "hue", 0, 360)


def _saturation(appliance: Appliance, params: Params) -> int:
    _must_have(appliance, "saturation")
    return read.integer(params, "saturation", 0, 100)


def _color_temp(appliance: Appliance, params: Params) -> int:
    """Zero stands for "show hue and saturation"; lamps whose range is one value show no other white."""
    _must_have(appliance, "color_temp")
    value = read.integer(params, "color_temp", 0, 20_000)
    low, high = appliance.info.get("color_temp_range") or (0, 0)
    if value and not low <= value <= high:
        raise Refused(PARAMS)
    return value


def _fan_speed_level(appliance: Appliance, params: Params) -> int:
    _must_have(appliance, "fan_speed_level")
    return read.integer(params, "fan_speed_level", 1, 4)


def _fan_sleep_mode_on(appliance: Appliance, params: Params) -> bool:
    _must_have(appliance, "fan_sleep_mode_on")
    return read.boolean(params, "fan_sleep_mode_on")


def _default_states(appliance: Appliance, params: Params) -> Params:
    return start_states.merged(appliance.info, read.mapping(params, "default_states"))


def _must_have(appliance: Appliance, key: str) -> None:
    if key not in appliance.info:
        raise Refused(PARAMS)


_CHECKS: dict[str, Callable[[Appliance, Params], Any]] = {
    "device_on": _device_on,
    "brightness": _brightness,
    "hue": _hue,
    "saturation": _saturation,
    "color_temp": _color_temp,
    "fan_speed_level": _fan_speed_level,
    "fan_sleep_mode_on": _fan_sleep_mode_on,
    "nickname": lambda appliance, params: read.base64_text(params, "nickname"),
    "avatar": lambda appliance, params: read.text(params, "avatar"),
    "default_states": _default_states,
    "latitude": lambda appliance, params: read.integer(params, "latitude", -900_000, 900_000),
    "longitude": lambda appliance, params: read.integer(params, "longitude", -1_800_000, 1_800_000),
}
