"""One table: of each stranger's class which calls are made in tests, and which are not, with the reason.

A name that is in neither fails test_every_call.py, so that it is noticed when a newer version brings one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Calls:
    """The public names of one class.  made: those that a story uses.  left: the others, and why."""

    made: frozenset[str]
    left: Mapping[str, str] = field(default_factory=dict)


def _made(*names: str, left: Mapping[str, str] | None = None) -> Calls:
    return Calls(frozenset(" ".join(names).split()), left or {})


_ITSELF = "address get_component_list get_device_info get_device_info_json device_reboot device_reset refresh_session"
_PLUG = (
    f"{_ITSELF} get_device_usage on off get_timer set_timer clear_timer add_schedule_rule edit_schedule_rule "
    "get_schedule_rules get_max_schedule_rules remove_schedule_rule remove_all_schedule_rules"
)
_METER = "get_current_power get_energy_usage get_energy_data get_power_data get_timezone"
_LAMP = f"{_ITSELF} get_device_usage on off set_brightness"
_COLORED = f"{_LAMP} set set_color set_hue_saturation set_color_temperature"
_STRIP = (
    f"{_ITSELF} get_child_device_list get_child_device_list_json get_child_device_component_list plug plug_unchecked"
)
_SOCKET = "get_component_list get_device_info get_device_info_json on off"
_NO_CAMERA = "cameras do not speak KLAP or TPAP as plugs and bulbs do; the simulator has none"
_NO_HUB = "the simulator has no hub"
_SAME = "the same handler as {}; the simulator has no such model"

TAPO = {
    "PlugHandler": _made(_PLUG),
    "PlugEnergyMonitoringHandler": _made(_PLUG, _METER),
    "LightHandler": _made(_LAMP),
    "ColorLightHandler": _made(_COLORED),
    "RgbLightStripHandler": _made(_COLORED),
    "RgbicLightStripHandler": _made(_COLORED, "set_lighting_effect set_segment_effect"),
    "PowerStripHandler": _made(_STRIP),
    "PowerStripEnergyMonitoringHandler": _made(_STRIP),
    "PowerStripPlugHandler": _made(_SOCKET),
    "PowerStripPlugEnergyMonitoringHandler": _made(_SOCKET, _METER, "get_device_usage"),
    "ColorLightSetDeviceInfoParams": _made("on off brightness color hue_saturation color_temperature send"),
    "ApiClient": _made(
        "p100 p105 p110 p115 p300 p304 p306 p316 l510 l530 l630 l900 l920 discover_devices",
        left={
            "discover_devices_raw": "gives the answers unread; discover_devices reads the same ones",
            **{name: _SAME.format("p100") for name in ("p125", "tp10")},
            **{name: _SAME.format("l510") for name in ("l520", "l610")},
            "l535": _SAME.format("l530"),
            "l930": _SAME.format("l920"),
            **dict.fromkeys(("h100", "h110", "h200", "h500"), _NO_HUB),
            **dict.fromkeys(("c120", "c210", "c220", "c225", "c325wb", "c520ws", "tc40", "tc70"), _NO_CAMERA),
        },
    ),
}

_OWN = (
    "update raw_state mac model device_id nickname hardware_version overheated components has_component get_component "
    "turn_on turn_off is_on"
)
_DEVICE = (
    f"{_OWN} firmware_version wifi_info device_info device_type protocol_version has_countdown get_device_components "
    "add_component get_latest_firmware get_firmware_download_state start_firmware_upgrade"
)
_UPDATED = {"update": "the device's own update() makes it"}
_INHERITED = "inherited, and read of the whole device"
_FIRMWARE = "the firmware is the strip's: a socket does not know the method"
PLUGP100 = {
    "TapoPlug": _made(_DEVICE, "is_strip sockets"),
    "TapoBulb": _made(
        _DEVICE,
        "is_brightness is_color is_color_temperature is_led_strip has_effect color_temp color_temp_range hs brightness "
        "effect set_brightness set_hue_saturation set_color_temperature set_light_effect set_light_effect_brightness",
    ),
    "TapoStripSocket": _made(
        _OWN,
        "parent_device_id",
        left={
            **dict.fromkeys(
                ("firmware_version", "wifi_info", "device_info", "device_type", "protocol_version"), _INHERITED
            ),
            **dict.fromkeys(("has_countdown", "get_device_components", "add_component"), _INHERITED),
            **dict.fromkeys(
                ("get_latest_firmware", "get_firmware_download_state", "start_firmware_upgrade"), _FIRMWARE
            ),
        },
    ),
    "OnOffComponent": _made("device_on turn_on turn_off", left=_UPDATED),
    "OverheatComponent": _made("overheated", left=_UPDATED),
    "EnergyComponent": _made("energy_info power_info", left=_UPDATED),
    "SocketChildrenComponent": _made("sockets", left=_UPDATED),
    "Countdown": _made("update add_countdown_on add_countdown_off get_countdown_rules"),
    "LightComponent": _made(
        "state device_on brightness hs color_temp color_temp_range turn_on turn_off set_brightness set_hue_saturation "
        "set_color_temperature",
        left=_UPDATED,
    ),
    "LightEffectComponent": _made(
        "state active_effect brightness set_light_effect set_light_effect_brightness", left=_UPDATED
    ),
    "TapoClient": _made(
        "protocol close execute_raw_request get_component_negotiation get_device_info set_device_info get_energy_usage "
        "get_current_power set_lighting_effect get_child_device_list get_child_device_component_list control_child"
    ),
}

KASA = {
    "SmartDevice": _made(
        "update disconnect alias set_alias model mac host port device_id device_type device_info hw_info sys_info "
        "internal_state location time timezone on_since rssi ssid region has_emeter is_cloud_connected is_on is_off "
        "turn_on turn_off set_state features modules supports_module state_information config credentials "
        "credentials_hash children parent get_child_device get_plug_by_index get_plug_by_name wifi_scan wifi_join "
        "update_credentials update_from_discover_info reboot factory_reset",
        left={"connect": "no call of a device: every test comes to its device by it"},
    ),
    "SmartChildDevice": _made(
        "alias parent is_on turn_on turn_off", left={"create": "the strip's own update() makes its children"}
    ),
    "AutoOff": _made("enabled set_enabled delay set_delay auto_off_at is_timer_active"),
    "Brightness": _made("brightness set_brightness"),
    "Cloud": _made("is_connected"),
    "Color": _made("hsv set_hsv"),
    "ColorTemperature": _made("color_temp set_color_temp valid_temperature_range"),
    "Energy": _made(
        "energy status get_status supports current_consumption consumption_today consumption_this_month "
        "consumption_total voltage current erase_stats get_daily_stats get_monthly_stats"
    ),
    "Fan": _made("fan_speed_level set_fan_speed_level sleep_mode set_sleep_mode"),
    "Firmware": _made(
        "update update_available current_firmware latest_firmware check_latest_firmware firmware_update_info "
        "get_update_state auto_update_enabled set_auto_update_enabled"
    ),
    "Led": _made(
        "led set_led mode",
        left={"night_mode_settings": "looks beside night_mode for what dumps have in it: a KeyError on any device"},
    ),
    "Light": _made("state set_state brightness set_brightness hsv set_hsv color_temp set_color_temp"),
    "LightEffect": _made(
        "effect effect_list set_effect is_active brightness set_brightness has_custom_effects set_custom_effect"
    ),
    "LightPreset": _made("preset set_preset preset_list preset_states_list has_save_preset save_preset"),
    "LightStripEffect": _made(
        "effect effect_list set_effect is_active brightness set_brightness has_custom_effects set_custom_effect",
    ),
    "LightStripSegment": _made("segments set_segments"),
    "LightTransition": _made(
        "enabled set_enabled turn_on_transition set_turn_on_transition turn_off_transition set_turn_off_transition",
        left=dict.fromkeys(
            ("change_transition", "set_change_transition"),
            "of on_off_gradually 4, which simulated lamps have with the firmware of TPAP; it does not speak that",
        ),
    ),
    "Matter": _made("info"),
    "OverheatProtection": _made("overheated"),
    "PowerProtection": _made("enabled set_enabled overloaded protection_threshold set_protection_threshold"),
    "Time": _made("time set_time timezone"),
}
KASA_FEATURES = _made(
    "device_id state signal_level rssi ssid on_since device_time cloud_connection overheated overloaded "
    "current_consumption consumption_today consumption_this_month voltage current power_protection_threshold "
    "auto_off_enabled auto_off_minutes auto_off_at auto_update_enabled update_available current_firmware_version "
    "available_firmware_version check_latest_firmware led brightness hsv color_temperature light_effect light_preset "
    "smooth_transitions smooth_transition_on smooth_transition_off strip_segments fan_speed_level fan_sleep_mode "
    "matter_setup_code matter_setup_payload",
    left={"reboot": "the same as SmartDevice.reboot"},
)
_NO_SENSOR = "of hubs and what hangs on them; the simulator has none"
_NO_VACUUM = "of vacuum cleaners; the simulator has none"
KASA_MODULES_LEFT = {
    **dict.fromkeys(
        (
            "Alarm", "BatterySensor", "ChildLock", "ChildProtection", "ChildSetup", "ContactSensor", "FrostProtection",
            "HumiditySensor", "MotionSensor", "ReportMode", "TemperatureControl", "TemperatureSensor", "Thermostat",
            "TriggerLogs", "WaterleakSensor",
        ),
        _NO_SENSOR,
    ),
    **dict.fromkeys(("Clean", "CleanRecords", "Consumables", "Dustbin", "Mop", "Speaker"), _NO_VACUUM),
    "ChildDevice": "has no names of its own",
    "DeviceModule": "has no names of its own",
    "HomeKit": "its set-up code is in dumps of two lamps; no built-in profile has the component",
}  # fmt: skip
