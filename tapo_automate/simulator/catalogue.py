"""The answers of the built-in devices, as they follow from a row of facts.

Which firmware has which fields is taken from docs/protocol.md; every value is made up.
"""

import base64
from typing import Any

from tapo_automate.simulator.models import BULB, Firmware, Model, Part
from tapo_automate.simulator.profiles import Profile
from tapo_automate.simulator.settings import scan, settings_of, tables_of


def build(model: Model, transport: str) -> Profile:
    """Return the profile of a row in the firmware that speaks transport."""
    family = transport.removesuffix("-v1")
    firmware = model.firmware.get(transport) or model.firmware.get(family) or next(iter(model.firmware.values()))
    components = _versions(firmware.components)
    replies = {
        "get_device_info": _info(model, firmware, components),
        **_everyday(model, firmware, components, klap=family == "klap"),
        **(_whole(model, components) if model.parts else _own(model, model.kind, components)),
    }
    announcement: dict[str, Any] = {
        "device_type": model.kind,
        "device_model": model.announced,
        "factory_default": False,
    }
    if "iot_cloud" in components:
        announcement["is_support_iot_cloud"] = True
    if model.name != "P100" and transport != "aes-v1":  # as in all dumps
        announcement["obd_src"] = "tplink"
    if firmware.tpap_aware:
        announcement |= {"protocol_version": 1, "tpap_preferred": transport == "tpap"}
    return Profile(
        name=model.name,
        transport=transport,
        components=components,
        replies=replies,
        announcement=announcement,
        watts=model.watts,
        tpap_aware=firmware.tpap_aware,
        # A P100 answers a batch that is too big as if it could not read it, and others with the error made for it.
        batch_too_big=-1003 if model.name == "P100" else 1200,
        children=tuple(_part(model, part, firmware, transport, place) for place, part in enumerate(model.parts, 1)),
        listing=model.listing,
    )


def _own(model: Model, kind: str, components: dict[str, int]) -> dict[str, Any]:
    """Return what a device, or a part of one, has for itself: its tables, settings and meter, or its light."""
    of_kind = _lamp(model, components) if kind == BULB else _plug(components)
    return {**tables_of(components, model.schedule_max), **settings_of(components), **of_kind}


def _whole(model: Model, components: dict[str, int]) -> dict[str, Any]:
    """Return what a strip has for itself: little of what the components promise that it lists for its sockets."""
    having = ("led", "matter", *(("energy_monitoring",) if model.measures else ()))
    replies = settings_of({name: version for name, version in components.items() if name in having})
    if "energy_monitoring" in components:
        metered = _plug(components)
        known = metered if model.measures else ("get_electricity_price_config", "get_protection_power")
        replies |= {method: metered[method] for method in known}
    if any(part.exact_meter for part in model.parts):
        replies["get_emeter_vgain_igain"] = _gains(model)
    return replies


def _gains(model: Model) -> dict[str, Any]:
    return {"data": [{"igain": 3800, "slot_id": slot, "vgain": 30_200} for slot in range(len(model.parts))]}


def _part(model: Model, part: Part, firmware: Firmware, transport: str, position: int) -> Profile:
    """Return a socket of a strip, or the like; what makes two devices differ is put in with the whole device's."""
    components = _versions(part.components)
    kind = part.kind or model.kind
    info: dict[str, Any] = {
        "device_id": "", "original_device_id": "", "mac": "", "nickname": _b64(part.name or f"socket {position}"),
        "model": model.name, "type": kind, "hw_ver": model.hw_ver, "fw_ver": firmware.version, "hw_id": "0" * 32,
        "fw_id": "0" * 32, "oem_id": "0" * 32, "avatar": "plug", "category": part.category, "bind_count": 1,
        "status_follow_edge": True, "device_on": False,
        "has_set_location_info": True, "latitude": 525200, "longitude": 134050, "region": "Europe/Berlin",
        **_doing(part, components), **_protected(components),
    }  # fmt: skip
    if model.counted:
        info |= {"position": position, "slot_number": len(model.parts)}
    replies: dict[str, Any] = {
        "get_device_info": info,
        "get_connect_cloud_state": {"status": 0},
        "get_device_usage": _usage(model, components),
        **_own(model, kind, components),
    }
    if "preset" in components:
        replies["get_preset_rules"] = _presets(model, components)
    elif "get_preset_rules" in replies:
        replies.pop("get_preset_rules")
    if "energy_monitoring" in components:
        replies["get_energy_usage"].pop("current_power")
        replies["get_protection_power"] = {part.protection_switch: False, "protection_power": 0}
        if part.exact_meter:
            replies["get_emeter_vgain_igain"] = _gains(model)
        else:
            replies.pop("get_emeter_data")
            replies.pop("get_emeter_vgain_igain")
    return Profile(model.name, transport, components, replies, {}, model.watts)


def _doing(part: Part, components: dict[str, int]) -> dict[str, Any]:
    """Return what the info tells of a part's relay, light or fan."""
    info: dict[str, Any] = {"default_states": {"type": "last_states", "state": {}}}
    if "overheat_protection" in components:
        info["overheat_status"] = "normal"
    if "fan_control" in components:
        return info | {"fan_speed_level": 1, "fan_sleep_mode_on": False}
    info["on_time"] = 0
    if "brightness" not in components:
        return info | {"is_usb": part.is_usb}
    starts = {"re_power_type": "last_states", "brightness": {"type": "last_states", "value": 100}}
    return info | {"brightness": 100, "default_states": starts}


def _versions(components: str) -> dict[str, int]:
    return {name: int(version) for name, _, version in (each.partition(":") for each in components.split())}


def _info(model: Model, firmware: Firmware, components: dict[str, int]) -> dict[str, Any]:
    info: dict[str, Any] = {
        "device_id": "", "fw_ver": firmware.version, "hw_ver": model.hw_ver, "type": model.kind, "model": model.name,
        "mac": "", "hw_id": "0" * 32, "fw_id": "0" * 32, "oem_id": "0" * 32, "ip": "", "ssid": _b64("simulated"),
        "rssi": -47, "signal_level": 3, "specs": "", "lang": "en_US", "nickname": _b64(f"simulated {model.name}"),
        "avatar": "bulb" if model.kind == BULB else "plug", "overheated": False, "device_on": False,
        "has_set_location_info": True, "latitude": 525200, "longitude": 134050,
        "region": "Europe/Berlin", "time_diff": 60,
    }  # fmt: skip
    if model.parts:
        info.pop("device_on")
        return info
    if model.kind != BULB:
        info["on_time"] = 0
        info["default_states"] = {"type": "last_states", "state": {}}
    info |= _protected(components)
    if "default_states" not in components:
        for key in ("default_states", "region", "time_diff", "rssi", "lang"):
            info.pop(key, None)
    return info | (_light_info(model, components) if model.kind == BULB else {})


def _protected(components: dict[str, int]) -> dict[str, Any]:
    """Return what the info tells of the timers and the protection that there are."""
    info: dict[str, Any] = {}
    if "auto_off" in components:
        info |= {"auto_off_status": "off", "auto_off_remain_time": 0}
    if "power_protection" in components:
        info["power_protection_status"] = "normal"
    if "current_protection" in components:
        info["overcurrent_status"] = "normal"
    if "charging_protection" in components:
        info["charging_status"] = "normal"
    return info


def _light_info(model: Model, components: dict[str, int]) -> dict[str, Any]:
    light: dict[str, Any] = {"brightness": 100, "color_temp_range": list(model.color_temp_range or ())}
    if "color" not in components:
        state = {"type": "last_states", "value": 100}
        return light | {"default_states": {"re_power_type": "always_on", "brightness": state}}
    white = (model.color_temp_range or (0, 0))[0] if "light_strip" not in components else 0
    light |= {"hue": 0, "saturation": 100, "color_temp": white and 2700}
    kept = {key: light[key] for key in ("brightness", "hue", "saturation", "color_temp")}
    light["default_states"] = {"type": "last_states", "state": kept}
    if "light_strip" in components:
        light["lighting_effect"] = {
            "brightness": 50, "custom": 0, "display_colors": [], "enable": 0, "id": "", "name": "station",
        }  # fmt: skip
        if "segment_effect" in components:
            light["segment_effect"] = {
                "brightness": 0, "custom": 0, "display_colors": [], "enable": 0, "id": "", "name": "station",
            }  # fmt: skip
        light["music_rhythm_enable"] = False
        light["music_rhythm_mode"] = "single_lamp"
    else:
        light["default_states"]["re_power_type"] = "always_on"
        light["dynamic_light_effect_enable"] = False
    if components.get("auto_light", 0) >= 3:
        light["auto_biorhythm_light_enable"] = False
    return light


def _everyday(model: Model, firmware: Firmware, components: dict[str, int], *, klap: bool) -> dict[str, Any]:
    extra: dict[str, Any] = {"device_model": model.name, "device_type": model.kind}
    quick = {"quick_setup": 3, "sunrise_sunset": 1, "iot_cloud": 1, "inherit": 1, "firmware": 2}
    replies: dict[str, Any] = {
        "qs_component_nego": {
            "component_list": [{"id": name, "ver_code": version} for name, version in quick.items()],
            "extra_info": extra | ({"is_klap": True} if klap else {}),
        },
        "get_device_time": {"region": "Europe/Berlin", "time_diff": 60, "timestamp": 0},
        "get_connect_cloud_state": {"status": 0},
        "get_fw_download_state": {
            "auto_upgrade": False, "download_progress": 0, "reboot_time": 5, "status": 0, "upgrade_time": 5,
        },
        "get_latest_fw": {
            "fw_size": 0, "fw_ver": firmware.version, "hw_id": "", "need_to_upgrade": False, "oem_id": "",
            "release_date": "", "release_note": "", "type": 0,
        },
        "get_wireless_scan_info": scan(),
    }  # fmt: skip
    if components["firmware"] >= 2:
        replies["get_auto_update_info"] = {"enable": False, "random_range": 120, "time": 180}
    if components["device"] >= 2:
        replies["get_device_usage"] = _usage(model, components)
    if "inherit" in components:
        replies["get_inherit_info"] = None
    return replies


def _usage(model: Model, components: dict[str, int]) -> dict[str, Any]:
    metered = model.kind == BULB or "energy_monitoring" in components
    names = ("time_usage", "power_usage", "saved_power") if metered else ("time_usage",)
    return {name: {"today": 0, "past7": 0, "past30": 0} for name in names}


def _plug(components: dict[str, int]) -> dict[str, Any]:
    replies: dict[str, Any] = {}
    if "power_protection" in components:
        replies["get_protection_power"] = {"enabled": False, "protection_power": 0}
        replies["get_max_power"] = {"max_power": 3680}
    match components.get("energy_monitoring"):
        case 1:
            replies["get_energy_usage"] = _energy_usage() | {
                "past24h": [0] * 24, "past7d": [[0] * 24 for _ in range(7)], "past30d": [0] * 30, "past1y": [0] * 12,
            }  # fmt: skip
        case 2:
            replies["get_energy_usage"] = _energy_usage() | {"electricity_charge": [0, 0, 0]}
            replies["get_current_power"] = {"current_power": 0}
            replies["get_electricity_price_config"] = _price()
    return replies


def _energy_usage() -> dict[str, Any]:
    return {
        "current_power": 0, "local_time": "",
        "today_energy": 0, "month_energy": 0, "today_runtime": 0, "month_runtime": 0,
    }  # fmt: skip


def _price() -> dict[str, Any]:
    season: dict[str, Any] = {"midpeak": 0, "offpeak": 0, "onpeak": 0, "period": [0, 0, 0, 0]}
    season |= {"weekday_config": [1] * 24, "weekend_config": [1] * 24}
    return {"constant_price": 0, "time_of_use_config": {"summer": season, "winter": dict(season)}, "type": "constant"}


def _lamp(model: Model, components: dict[str, int]) -> dict[str, Any]:
    replies: dict[str, Any] = {"get_preset_rules": _presets(model, components)}
    if components.get("auto_light") == 1:
        replies["get_auto_light_info"] = {"enable": False, "mode": "light_track"}
    if "light_effect" in components:
        replies["get_dynamic_light_effect_rules"] = {
            "enable": False,
            "max_count": 2,
            "rule_list": [
                _effect(
                    "L1", "direct", 1000, [[100, 0, 0, 2700], [100, 300, 95, 0], [100, 190, 95, 0], [100, 20, 95, 0]]
                ),
                _effect("L2", "bln", 2000, [[100, 50, 10, 0], [100, 200, 45, 0], [100, 330, 30, 0]]),
            ],
            "start_index": 0,
            "sum": 2,
        }
    if "light_strip_lighting_effect" in components:
        replies["get_lighting_effect"] = {
            "brightness": 50, "custom": 0, "direction": 1, "display_colors": [], "duration": 0, "enable": 0,
            "expansion_strategy": 2, "id": "", "name": "station", "repeat_times": 1, "segment_length": 1,
            "sequence": [[300, 100, 50], [180, 100, 50], [60, 100, 50], [0, 0, 50]],
            "spread": 16, "transition": 400, "type": "sequence",
        }  # fmt: skip
    return replies


def _presets(model: Model, components: dict[str, int]) -> dict[str, Any]:
    if "color" not in components:
        return {"brightness": [1, 25, 50, 75, 100]}
    white = max(2700, (model.color_temp_range or (2700, 0))[0])
    rows = [(50, white, 0, 100)] + [(100, 0, hue, 100) for hue in (240, 0, 120, 280, 60, 300)]
    states = [dict(zip(("brightness", "color_temp", "hue", "saturation"), row, strict=True)) for row in rows]
    return {"start_index": 0, "states": states, "sum": 7} if components["preset"] >= 3 else {"states": states}


def _effect(number: str, mode: str, change_ms: int, rows: list[list[int]]) -> dict[str, Any]:
    return {"id": number, "change_mode": mode, "change_time": change_ms, "color_status_list": rows, "scene_name": ""}


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
