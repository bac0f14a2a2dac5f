"""Every command that reads, beside what a dump holds of it: two ways to the same words.

A dump says it in the device's words; what is expected of a command is written down here from docs/protocol.md.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tapo_automate.wire.commands.auto_light import get_auto_light_info
from tapo_automate.wire.commands.auto_off import get_auto_off_config, get_protection_power
from tapo_automate.wire.commands.clock import get_device_time
from tapo_automate.wire.commands.components import component_nego, qs_component_nego
from tapo_automate.wire.commands.default_states import get_default_states
from tapo_automate.wire.commands.effects import get_dynamic_light_effect_rules
from tapo_automate.wire.commands.energy import (
    get_current_power,
    get_electricity_price_config,
    get_emeter_data,
    get_energy_usage,
    get_max_power,
)
from tapo_automate.wire.commands.firmware import get_auto_update_info, get_fw_download_state, get_latest_fw
from tapo_automate.wire.commands.gradual import get_on_off_gradually_info
from tapo_automate.wire.commands.info import get_device_info
from tapo_automate.wire.commands.led import get_led_info
from tapo_automate.wire.commands.network import get_wireless_scan_info
from tapo_automate.wire.commands.presets import get_preset_rules
from tapo_automate.wire.commands.setup import get_inherit_info
from tapo_automate.wire.commands.strip_effects import (
    LightingEffect,
    get_device_segment,
    get_lighting_effect,
    get_segment_effect_rule,
)
from tapo_automate.wire.commands.system import get_connect_cloud_state, get_matter_setup_info
from tapo_automate.wire.commands.usage import get_device_usage

Said: TypeAlias = Mapping[str, Any]
Read: TypeAlias = tuple[
    Callable[[Any], Any], Callable[[Any], Any], Callable[[Said], Any]
]  # command, its words, a dump's


def text_of(word: object) -> str:
    """Return base64 as text, or a text that is none as it is."""
    try:
        return base64.b64decode(str(word), validate=True).decode()
    except ValueError:
        return str(word)


def light_of(words: Said) -> tuple[Any, ...]:
    """Return (brightness, white, hue, saturation) of a light in a device's words; None for what is not shown."""
    white = words.get("color_temp") or None
    color = (words.get("hue"), words.get("saturation")) if white is None else (None, None)
    return words.get("brightness"), white, *color


def shown_light(light: Any) -> tuple[Any, ...]:
    return light.brightness_pct, light.color_temp_k, light.hue_deg, light.saturation_pct


def _effect(said: Said) -> tuple[Any, ...]:
    flags = bool(said["enable"]), bool(said["custom"])
    return said["id"], said["name"], said["brightness"], [tuple(each) for each in said["display_colors"]], *flags


def _shown_effect(found: Any) -> tuple[Any, ...]:
    colors = [
        (each.hue_deg, each.saturation_pct, each.brightness_pct, *(() if each.white is None else (each.white,)))
        for each in found.display_colors
    ]
    return found.id, found.name, found.brightness_pct, colors, found.enabled, found.custom


def _strip_effect(said: Said) -> tuple[Any, ...]:
    sequence = [tuple(each) for each in said["sequence"]] if "sequence" in said else None
    keys = ("type", "transition", "duration", "spread", "direction", "repeat_times", "expansion_strategy")
    return *_effect(said), sequence, *(said.get(key) for key in keys)


def _shown_strip_effect(found: Any) -> tuple[Any, ...]:
    row = found.sequence
    sequence = None if row is None else [(each.hue_deg, each.saturation_pct, each.brightness_pct) for each in row]
    rest = (found.kind, found.transition_ms, found.duration, found.spread, found.direction)
    return *_shown_effect(found), sequence, *rest, found.repeat_times, found.expansion_strategy


def _presets(said: Said) -> list[Any]:
    if "brightness" in said:
        return [(each, None, None, None) for each in said["brightness"]]
    return [
        _strip_effect(s["lighting_effect"])
        if "lighting_effect" in s
        else _effect(s["segment_effect"])
        if "segment_effect" in s
        else light_of(s)
        for s in said["states"]
    ]


def _shown_presets(found: Any) -> list[Any]:
    assert [each.index for each in found] == list(range(len(found)))
    return [
        _shown_strip_effect(each.effect)
        if isinstance(each.effect, LightingEffect)
        else _shown_effect(each.effect)
        if each.effect
        else shown_light(each.light)
        for each in found
    ]


def _gradual(said: Said) -> tuple[Any, ...]:
    sides = [said.get(f"{side}_state") for side in ("on", "off")]
    if sides[0] is None:
        return said["enable"], None, None, None
    spans = [(each["enable"], each["duration"], each.get("max_duration", 60)) for each in sides if each]
    return any(each[0] for each in spans), *spans, said.get("change_state", {}).get("enable")


def _shown_gradual(found: Any) -> tuple[Any, ...]:
    spans = [side and (side.enabled, side.duration_s, side.most_s) for side in (found.on, found.off)]
    return found.enabled, *spans, found.changes


def _led(said: Said) -> tuple[Any, ...]:
    night = said.get("night_mode")
    keys = ("night_mode_type", "start_time", "end_time", "sunset_offset", "sunrise_offset")
    hours = tuple(night.get(key) for key in keys) if night else None
    return said["led_rule"], said["led_status"], hours, said.get("bri_config", {}).get("overall_bri")


def _shown_led(found: Any) -> tuple[Any, ...]:
    night = found.night
    hours = night and (night.kind, night.start_min, night.end_min, night.sunset_offset_min, night.sunrise_offset_min)
    return found.rule, found.lit, hours, found.brightness_pct


def _bulb_effects(said: Said) -> tuple[Any, ...]:
    rules = [
        (each["id"], each["change_mode"], each["change_time"], [tuple(row) for row in each["color_status_list"]])
        for each in said["rule_list"]
    ]
    return rules, said.get("current_rule_id") if said["enable"] else None, said.get("max_count")


def _shown_bulb_effects(found: Any) -> tuple[Any, ...]:
    rules = [
        (
            each.id,
            each.change_mode,
            each.change_ms,
            [(c.brightness_pct, c.hue_deg, c.saturation_pct, c.color_temp_k) for c in each.colors],
        )
        for each in found.effects
    ]
    return rules, found.running, found.most


def _spans(said: Said, name: str) -> tuple[Any, ...] | None:
    held = said.get(name)
    return held and tuple(
        held[f"{key}_mwh"] / 1000 if held.get(f"{key}_mwh", -1) >= 0 else held[key]
        for key in ("today", "past7", "past30")
    )


def _usage(said: Said) -> tuple[Any, ...]:
    figures = tuple(_spans(said, name) for name in ("time_usage", "power_usage", "saved_power"))
    return tuple(row and _sane(row, wild) for row, wild in zip(figures, (1, 5000, 5000), strict=True))


def _sane(row: tuple[Any, ...], most_an_hour: int) -> tuple[Any, ...]:
    """Return the figures of three spans, none of them where one cannot be: some lamps say 10⁷ and more."""
    hours = (24, 7 * 24, 30 * 24)
    limit = 60 if most_an_hour == 1 else most_an_hour
    return (None,) * 3 if any(it > span * limit + 60 for it, span in zip(row, hours, strict=True)) else row


def _shown_usage(found: Any) -> tuple[Any, ...]:
    spans = (found.on_min, found.energy_wh, found.saved_wh)
    return tuple(each and (each.today, each.past_7_days, each.past_30_days) for each in spans)


def _states(said: Said) -> tuple[Any, ...]:
    """What a device says that it does when its power comes back: (how, the light of it)."""
    held = said["default_states"]
    kind, state, brightness = held.get("type"), held.get("state", {}), held.get("brightness")
    how = held.get("re_power_type")
    light = None
    if brightness is not None:
        light = (brightness["value"], None, None, None) if brightness["type"] == "custom" else None
    elif kind == "custom" and "brightness" in state:
        light = light_of(state)
    if how is None and "on" in state and kind == "custom":
        how = "always_on" if state["on"] else "always_off"
    elif how is None and "color_temp_range" not in said:
        how = "last_states"
    return how, light


def _shown_states(found: Any) -> tuple[Any, ...]:
    words = {"on": "always_on", "off": "always_off", "last": "last_states", None: None}
    return words[found.power], found.light and shown_light(found.light)


def _info(said: Said) -> tuple[Any, ...]:
    place = said["has_set_location_info"] and (said["latitude"] or said["longitude"])  # 0, 0 is in the sea
    where = (said["latitude"] / 10000, said["longitude"] / 10000) if place else (None, None)
    heat = said.get("overheat_status", {True: "overheated", False: "normal"}.get(said.get("overheated")))
    return (
        *(said.get(key) for key in ("model", "fw_ver", "type", "hw_ver", "region", "time_diff", "device_on")),
        *(said.get(key) for key in ("signal_level", "rssi", "brightness", "color_temp", "hue", "saturation")),
        *(said.get(key) for key in ("overcurrent_status", "power_protection_status", "charging_status", "device_id")),
        text_of(said["nickname"]),
        heat,
        *where,
    )


def _shown_info(it: Any) -> tuple[Any, ...]:
    return (
        *(it.model, it.firmware, it.kind, it.hardware, it.region, it.standard_offset_min, it.on),
        *(it.signal, it.signal_dbm, it.brightness_pct, it.color_temp_k, it.hue_deg, it.saturation_pct),
        *(it.current, it.power, it.charging, it.device_id),
        it.nickname,
        it.heat,
        *(it.latitude_deg, it.longitude_deg),
    )


def _season(said: Said | None) -> tuple[Any, ...] | None:
    keys = ("onpeak", "midpeak", "offpeak", "period", "weekday_config", "weekend_config")
    return said and tuple(tuple(said[key]) if isinstance(said[key], list) else said[key] for key in keys)


def _shown_season(found: Any) -> tuple[Any, ...] | None:
    return found and (found.on_peak, found.mid_peak, found.off_peak, found.period, found.weekdays, found.weekends)


READS: dict[str, Read] = {
    "component_nego": (
        component_nego,
        lambda found: dict(found.versions),
        lambda said: {each["id"]: each["ver_code"] for each in said["component_list"]},
    ),
    "qs_component_nego": (
        qs_component_nego,
        lambda found: (dict(found.versions), found.model, found.kind, found.is_klap),
        lambda said: (
            {each["id"]: each["ver_code"] for each in said["component_list"]},
            said.get("extra_info", {}).get("device_model"),
            said.get("extra_info", {}).get("device_type"),
            said.get("extra_info", {}).get("is_klap", False),
        ),
    ),
    "get_auto_update_info": (
        get_auto_update_info,
        lambda found: (found.enabled, found.at_min, found.within_min),
        lambda said: (said["enable"], said["time"], said["random_range"]),
    ),
    "get_connect_cloud_state": (
        get_connect_cloud_state,
        lambda found: (found.code, found.connected),
        lambda said: (said["status"], said["status"] == 0),
    ),
    "get_current_power": (get_current_power, lambda found: found.power_w, lambda said: said["current_power"]),
    "get_device_info": (get_device_info, _shown_info, _info),
    "get_device_time": (
        get_device_time,
        lambda found: (found.at, found.region, found.standard_offset_min, found.lost),
        lambda said: (
            dt.datetime.fromtimestamp(said["timestamp"], dt.UTC),
            said["region"],
            said["time_diff"],
            said["timestamp"] < 1_500_000_000,
        ),
    ),
    "get_device_usage": (get_device_usage, _shown_usage, _usage),
    "get_electricity_price_config": (
        get_electricity_price_config,
        lambda found: (found.kind, found.constant, _shown_season(found.summer), _shown_season(found.winter)),
        lambda said: (
            said["type"],
            said["constant_price"],
            *(_season(said["time_of_use_config"].get(season)) for season in ("summer", "winter")),
        ),
    ),
    "get_emeter_data": (
        get_emeter_data,
        lambda found: (round(found.power_w * 1e3), round(found.voltage_v * 1e3), round(found.current_a * 1e3)),
        lambda said: (said["power_mw"], said["voltage_mv"], said["current_ma"]),
    ),
    "get_energy_usage": (
        get_energy_usage,
        lambda found: (
            None if found.power_w is None else round(found.power_w * 1000),
            *(found.today_wh, found.month_wh, found.today_on_min, found.month_on_min),
            *(f"{found.local_time}", found.charges and tuple(found.charges)),
            *(list(found.past_24h_wh), [list(row) for row in found.past_7d_wh]),
            *(list(found.past_30d_wh), list(found.past_1y_wh)),
        ),
        lambda said: (
            said.get("current_power"),
            *(said[key] for key in ("today_energy", "month_energy", "today_runtime", "month_runtime", "local_time")),
            tuple(said["electricity_charge"]) if said.get("electricity_charge") else None,
            *(said.get(key, []) for key in ("past24h", "past7d", "past30d", "past1y")),
        ),
    ),
    "get_fw_download_state": (
        get_fw_download_state,
        lambda found: (found.code, found.progress_pct, found.write_s, found.restart_s, found.by_itself),
        lambda said: (
            *(said["status"], said["download_progress"]),
            *(said.get(key) for key in ("upgrade_time", "reboot_time", "auto_upgrade")),
        ),
    ),
    "get_inherit_info": (
        get_inherit_info,
        lambda found: found.under_way,
        lambda said: (said or {}).get("inherit_status"),
    ),
    "get_latest_fw": (
        get_latest_fw,
        lambda found: (found.version, found.is_newer, found.size_bytes, str(found.released or "")),
        lambda said: (said["fw_ver"], said["need_to_upgrade"], said["fw_size"] or None, said["release_date"]),
    ),
    "get_matter_setup_info": (
        get_matter_setup_info,
        lambda found: (found.code, found.payload),
        lambda said: (said["setup_code"], said["setup_payload"]),
    ),
    "get_max_power": (get_max_power, lambda found: found.power_w, lambda said: said["max_power"]),
    "get_wireless_scan_info": (
        get_wireless_scan_info,
        lambda found: sorted(
            (each.ssid, each.bssid or "", each.signal, each.key_type, each.cipher or 0) for each in found.networks
        ),
        lambda said: sorted(
            (text_of(each["ssid"]), each["bssid"], each["signal_level"], each["key_type"], each["cipher_type"])
            for each in said["ap_list"]
        ),
    ),
    "get_led_info": (get_led_info, _shown_led, _led),
    "get_auto_off_config": (
        get_auto_off_config,
        lambda found: (found.enabled, found.delay_min),
        lambda said: (said["enable"], said["delay_min"]),
    ),
    "get_protection_power": (
        get_protection_power,
        lambda found: (found.enabled, found.limit_w),
        lambda said: (said.get("enabled", said.get("protection_enabled")), said["protection_power"]),
    ),
    "get_on_off_gradually_info": (get_on_off_gradually_info, _shown_gradual, _gradual),
    "get_auto_light_info": (
        get_auto_light_info,
        lambda found: (found.enabled, found.mode, found.from_info),
        lambda said: (said["enable"], said["mode"], False),
    ),
    "get_dynamic_light_effect_rules": (get_dynamic_light_effect_rules, _shown_bulb_effects, _bulb_effects),
    "get_lighting_effect": (get_lighting_effect, _shown_strip_effect, _strip_effect),
    "get_segment_effect_rule": (get_segment_effect_rule, _shown_effect, _effect),
    "get_device_segment": (get_device_segment, lambda found: found, lambda said: said["segment"]),
    "get_preset_rules": (get_preset_rules, _shown_presets, _presets),
}


def answered(said: Said) -> dict[str, Read]:
    """Return the commands of which a dump holds an answer."""
    return {method: read for method, read in READS.items() if method in said and not isinstance(said[method], int)}


STATES: Read = (get_default_states, _shown_states, _states)
