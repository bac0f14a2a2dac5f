"""What a component promises whatever the device is: the settings behind it, as they leave the factory."""

import base64
from collections.abc import Mapping
from typing import Any


def settings_of(components: Mapping[str, int]) -> dict[str, Any]:
    """Return method -> result for the getters of these components.  Source: docs/protocol.md, 7.10, 8 and 9.4."""
    replies: dict[str, Any] = {}
    if "led" in components:
        replies["get_led_info"] = _led(night_mode="device_local_time" in components)
    if "auto_off" in components:
        replies["get_auto_off_config"] = {"delay_min": 120, "enable": False}
    if "on_off_gradually" in components:
        replies["get_on_off_gradually_info"] = _gradually(components["on_off_gradually"])
    if components.get("energy_monitoring", 0) >= 2:
        replies["get_emeter_data"] = {"current_ma": 0, "energy_wh": 0, "power_mw": 0, "voltage_mv": 230_000}
        replies["get_emeter_vgain_igain"] = {"igain": 11_000, "vgain": 120_000}
    if "segment" in components:
        replies["get_device_segment"] = {"segment": 50}
    if "segment_effect" in components:
        replies["get_segment_effect_rule"] = {
            "brightness": 0, "custom": 0, "display_colors": [], "enable": 0, "id": "", "name": "station",
        }  # fmt: skip
    if "matter" in components:
        replies["get_matter_setup_info"] = {"setup_code": "00000000000", "setup_payload": "00:000000-000000000000"}
    return replies


def tables_of(components: Mapping[str, int], schedule_max: int = 32) -> dict[str, Any]:
    """Return method -> result for the tables of these components, empty.  Source: docs/protocol.md, 7.1."""
    replies: dict[str, Any] = {}
    if "schedule" in components:
        replies["get_schedule_rules"] = {
            "enable": False, "rule_list": [], "schedule_rule_max_count": schedule_max, "start_index": 0, "sum": 0,
        }  # fmt: skip
        first = "device_local_time" not in components
        replies["get_next_event"] = {"action": -1, "e_time": 0, "id": "0", "s_time": 0, "type": 0} if first else {}
    for name in ("countdown", "antitheft"):
        if name in components:
            replies[f"get_{name}_rules"] = {f"{name}_rule_max_count": 1, "enable": False, "rule_list": []}
    return replies


def scan() -> dict[str, Any]:
    """Return the networks that a device finds around it: its own, an open one, and those of the neighbours."""
    names = ["simulated", "simulated guests", *(f"neighbour {number}" for number in range(1, 11))]
    rows = [
        {
            "bssid": f"02000000{number:04X}",
            "channel": 1 + number * 5 % 13,
            "cipher_type": 0 if name.endswith("guests") else 2,
            "key_type": "none" if name.endswith("guests") else "wpa2_psk",
            "signal_level": max(1, 3 - number // 4),
            "ssid": base64.b64encode(name.encode()).decode(),
        }
        for number, name in enumerate(names)
    ]
    return {"ap_list": rows, "start_index": 0, "sum": len(rows), "wep_supported": False}


def _led(*, night_mode: bool) -> dict[str, Any]:
    led: dict[str, Any] = {"led_rule": "always", "led_status": False}
    if night_mode:
        # Without a location, devices take 19:00 and 07:00 for sunset and sunrise.
        led["night_mode"] = {
            "night_mode_type": "sunrise_sunset",
            "start_time": 1140,
            "end_time": 420,
            "sunrise_offset": 0,
            "sunset_offset": 0,
        }
    return led


def _gradually(version: int) -> dict[str, Any]:
    if version == 1:
        return {"enable": False}
    side = {"duration": 2, "enable": False, "max_duration": 60}
    sides: dict[str, Any] = {"on_state": dict(side), "off_state": dict(side)}
    return sides | {"change_state": {"enable": False}} if version >= 4 else sides
