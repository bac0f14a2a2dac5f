"""Dumps to be played back: those in the folder TAPO_FIXTURES, and three that were made up for where there is none."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from real_dumps import is_ours, said_at_discovery

Dump = dict[str, Any]


def _components(words: str) -> Dump:
    pairs = (each.partition(":") for each in words.split())
    return {"component_list": [{"id": name, "ver_code": int(version or 1)} for name, _, version in pairs]}


def _text(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def _info(model: str, mac: str, kind: str, **more: Any) -> Dump:
    return {
        "device_id": f"80{model:0<38}".encode().hex()[:40],
        "fw_ver": "2.1.0 Build 260301 Rel.101010",
        "hw_ver": "2.0",
        "model": model,
        "type": kind,
        "mac": mac,
        "ip": "10.9.9.9",
        "nickname": _text("Lämpchen"),
        "ssid": _text("Nest"),
        "rssi": -61,
        "signal_level": 2,
        "region": "Europe/Lisbon",
        "time_diff": 0,
        "lang": "en_US",
        "specs": "EU",
        "latitude": 387000,
        "longitude": -91000,
        "has_set_location_info": True,
        "overheated": False,
        "device_on": True,
        **more,
    }


def _announced(mac: str, kind: str, model: str, protocol: str, **more: Any) -> Dump:
    scheme = {"is_support_https": False, "encrypt_type": protocol, "http_port": 80, "lv": 2}
    said = {"device_id": "1" * 32, "owner": "", "device_type": kind, "device_model": model, "mac": mac, **more}
    return {"error_code": 0, "result": {**said, "factory_default": False, "mgt_encrypt_schm": scheme}}


def _row(number: int, minute: int, states: Dump, **more: Any) -> Dump:
    when = {"mode": "repeat", "week_day": 42, "s_type": "normal", "s_min": minute, "time_offset": 0}
    end = {"e_type": "normal", "e_min": 0, "e_action": "none", "year": 2026, "month": 5, "day": 4}
    return {"id": f"S{number}", "enable": True, **when, **end, "desired_states": states, **more}


def _schedule(*rows: Dump, most: int = 12) -> Dump:
    return {
        "enable": bool(rows),
        "rule_list": list(rows),
        "schedule_rule_max_count": most,
        "start_index": 0,
        "sum": len(rows),
    }


COMMON: Dump = {
    "get_device_time": {"region": "Europe/Lisbon", "time_diff": 0, "timestamp": 1777888800},
    "get_connect_cloud_state": {"status": 1},
    "get_auto_update_info": {"enable": False, "random_range": 60, "time": 210},
    "get_fw_download_state": {
        "auto_upgrade": False,
        "download_progress": 40,
        "reboot_time": 5,
        "status": 2,
        "upgrade_time": 8,
    },
    "get_latest_fw": {
        "fw_size": 786432,
        "fw_ver": "2.2.0 Build 260401 Rel.111111",
        "hw_id": "0",
        "need_to_upgrade": True,
        "oem_id": "0",
        "release_date": "2026-04-02",
        "release_note": "Better tea\nNo bugs",
        "type": 2,
    },
    "get_wireless_scan_info": {
        "ap_list": [
            {
                "bssid": f"020000000{n:03d}",
                "channel": 0,
                "cipher_type": 2,
                "key_type": "wpa2_psk",
                "signal_level": 3 - n % 3,
                "ssid": _text(f"net {n}"),
            }
            for n in range(13)
        ],
        "start_index": 0,
        "sum": 13,
        "wep_supported": False,
    },
    "get_inherit_info": None,
    "get_countdown_rules": {"countdown_rule_max_count": 1, "enable": False, "rule_list": []},
    "get_antitheft_rules": {"antitheft_rule_max_count": 1, "enable": False, "rule_list": []},
    "get_next_event": {},
}
LED = {
    "led_rule": "always",
    "led_status": True,
    "night_mode": {
        "end_time": 430,
        "night_mode_type": "sunrise_sunset",
        "start_time": 1190,
        "sunrise_offset": 3,
        "sunset_offset": -4,
    },
}
TABLES = "schedule:2 countdown:2 antitheft sunrise_sunset device_local_time time firmware:2 wireless device:2"

PLUG: Dump = {
    **COMMON,
    "discovery_result": _announced("02-00-00-00-00-51", "SMART.TAPOPLUG", "Q150(EU)", "KLAP"),
    "component_nego": _components(
        f"{TABLES} led auto_off:2 energy_monitoring:2 power_protection default_states matter:2 cloud_connect inherit"
    ),
    "qs_component_nego": {
        **_components("quick_setup:3 wireless"),
        "extra_info": {"device_model": "Q150", "device_type": "SMART.TAPOPLUG", "is_klap": True},
    },
    "get_device_info": _info(
        "Q150",
        "02-00-00-00-00-51",
        "SMART.TAPOPLUG",
        on_time=4711,
        auto_off_status="off",
        auto_off_remain_time=0,
        default_states={"type": "custom", "state": {"on": True}},
        power_protection_status="normal",
        overcurrent_status="lifted",
    ),
    "get_device_usage": {
        name: {"today": n, "past7": n * 5, "past30": n * 20}
        for n, name in enumerate(("time_usage", "power_usage", "saved_power"), 7)
    },
    "get_led_info": {**LED, "bri_config": {"bri_type": "overall", "overall_bri": 70}},
    "get_auto_off_config": {"enable": True, "delay_min": 33},
    "get_protection_power": {"protection_enabled": True, "protection_power": 1500},
    "get_max_power": {"max_power": 3401},
    "get_current_power": {"current_power": 12},
    "get_emeter_data": {"current_ma": 55, "energy_wh": 8081, "power_mw": 12345, "voltage_mv": 229876},
    "get_energy_usage": {
        "current_power": 12341,
        "electricity_charge": [1, 2, 3],
        "local_time": "2026-05-04 10:00:00",
        "month_energy": 4321,
        "month_runtime": 900,
        "today_energy": 321,
        "today_runtime": 90,
    },
    "get_matter_setup_info": {"setup_code": "31415926535", "setup_payload": "00:ABC-000000000000"},
    "get_schedule_rules": _schedule(
        _row(1, 100, {"on": True}),
        _row(3, 1043, {"on": False}, s_type="sunset", time_offset=-20),
        _row(4, 7, {"on": True}, mode="once", week_day=0, enable=False),
    ),
}

_COLOR = {"brightness": 44, "color_temp": 0, "hue": 211, "saturation": 77}
_WHITE = {"brightness": 66, "color_temp": 3300, "hue": 0, "saturation": 0}

BULB: Dump = {
    **COMMON,
    "discovery_result": _announced("02-00-00-00-00-52", "SMART.TAPOBULB", "Q550(EU)", "AES"),
    "component_nego": _components(
        f"{TABLES} default_states brightness color color_temperature "
        "preset:3 light_effect on_off_gradually:4 auto_light"
    ),
    "get_device_info": _info(
        "Q550",
        "02-00-00-00-00-52",
        "SMART.TAPOBULB",
        **_COLOR,
        color_temp_range=[2300, 6000],
        default_states={"re_power_type": "always_on", "type": "custom", "state": _WHITE},
        dynamic_light_effect_enable=False,
    ),
    "get_device_usage": {
        name: {"today": n, "past7": n * 4, "past30": n * 9}
        for n, name in enumerate(("time_usage", "power_usage", "saved_power"), 11)
    },
    "get_preset_rules": {
        "start_index": 0,
        "states": [_WHITE | {"brightness": n} for n in range(10, 80, 10)],
        "sum": 7,
    },
    "get_on_off_gradually_info": {
        "on_state": {"enable": True, "duration": 4, "max_duration": 60},
        "off_state": {"enable": False, "duration": 9, "max_duration": 60},
        "change_state": {"enable": True},
    },
    "get_auto_light_info": {"enable": False, "mode": "light_compensate"},
    "get_dynamic_light_effect_rules": {
        "enable": False,
        "max_count": 2,
        "rule_list": [
            {
                "id": "L1",
                "change_mode": "direct",
                "change_time": 900,
                "scene_name": _text("Tanz"),
                "color_status_list": [[10, 20, 30, 0], [11, 0, 0, 2700], [100, 300, 99, 0]],
            },
            {
                "id": "L2",
                "change_mode": "bln",
                "change_time": 3100,
                "scene_name": "",
                "color_status_list": [[40, 120, 60, 0]],
            },
        ],
        "start_index": 0,
        "sum": 2,
    },
    "get_schedule_rules": _schedule(
        _row(2, 400, {"on": True, **_COLOR, "auto": False, "transition_period": 0}),
        _row(5, 1300, {"on": False, "transition_period": 600000}),
        most=16,
    ),
}

_SOCKET = f"{TABLES} auto_off:2 default_states"


def _sockets() -> dict[str, Dump]:
    made = {}
    for number in (1, 2, 3):
        name = f"80{'A' * 38}0{number - 1}"
        info = _info(
            "Q330",
            "0200000000A3",
            "SMART.TAPOPLUG",
            device_id=name,
            original_device_id=f"80{'A' * 38}",
            nickname=_text(f"Dose {number}"),
            position=number,
            slot_number=3,
            device_on=number == 2,
            on_time=12 if number == 2 else 0,
            default_states={"type": "last_states", "state": {}},
            bind_count=1,
        )
        del info["overheated"], info["rssi"], info["ssid"], info["ip"]
        made[name] = {
            "component_nego": _components(_SOCKET),
            "get_device_info": info | {"overheat_status": "normal"},
            "get_auto_off_config": {"enable": False, "delay_min": 10 * number},
            "get_countdown_rules": COMMON["get_countdown_rules"],
            "get_antitheft_rules": COMMON["get_antitheft_rules"],
            "get_next_event": {},
            "get_schedule_rules": _schedule(_row(number, 60 * number, {"on": True}), most=8),
        }
    return made


SOCKETS = _sockets()
STRIP: Dump = {
    **{name: it for name, it in COMMON.items() if not name.endswith(("_rules", "_event"))},
    "discovery_result": _announced("02-00-00-00-00-A3", "SMART.TAPOPLUG", "Q330(EU)", "KLAP"),
    "component_nego": _components(f"{TABLES} led control_child:2 child_device:2"),
    "get_device_info": {
        name: it
        for name, it in _info("Q330", "02-00-00-00-00-A3", "SMART.TAPOPLUG", device_id=f"80{'A' * 38}").items()
        if name not in ("device_on", "overheated")
    },
    "get_led_info": LED,
    "get_child_device_list": {
        "child_device_list": [each["get_device_info"] for each in SOCKETS.values()],
        "start_index": 0,
        "sum": 3,
    },
    "get_child_device_component_list": {
        "child_component_list": [{"device_id": name, **each["component_nego"]} for name, each in SOCKETS.items()],
        "start_index": 0,
        "sum": 3,
    },
    "child_devices": SOCKETS,
}

MADE_UP = {"plug": PLUG, "bulb": BULB, "strip": STRIP}


def _recorded() -> dict[str, Dump]:
    folder = os.environ.get("TAPO_FIXTURES")
    found = {}
    for path in sorted(Path(folder).rglob("*.json")) if folder else ():
        dump = json.loads(path.read_text("utf-8"))
        if is_ours(dump):
            found[path.stem] = dump | {"discovery_result": {"error_code": 0, "result": said_at_discovery(dump)}}
    return found


RECORDED = _recorded()
DUMPS: dict[str, Dump] = {**MADE_UP, **RECORDED}
