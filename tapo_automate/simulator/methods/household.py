"""Time, light-emitting diode, timers of the relay, network, firmware, restart: what every device has around it."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.clock import zone
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.profiles import PAGE
from tapo_automate.simulator.refusal import COMMON_FAILED, PARAMS, Refused

Params = dict[str, Any]


@method("get_device_time", component="time")
def get_device_time(appliance: Appliance, params: Params) -> Params:
    clock = appliance.clock
    return {"region": clock.region, "time_diff": clock.time_diff_min, "timestamp": int(clock.time())}


@method("set_device_time", component="time")
def set_device_time(appliance: Appliance, params: Params) -> None:
    """The zone must be one that exists; without a region the device runs on time_diff alone."""
    timestamp = read.integer(params, "timestamp", 0, 2**32 - 1)
    time_diff_min = read.integer(params, "time_diff", -720, 840)
    region = read.text(params, "region") if "region" in params else ""
    if region and zone(region) is None:
        raise Refused(PARAMS)
    appliance.set_clock(timestamp, time_diff_min, region)


@method("set_led_info", needs="get_led_info")
def set_led_info(appliance: Appliance, params: Params) -> None:
    stored = appliance.replies["get_led_info"]
    rule = read.choice(params, "led_rule", "always", "never", "night_mode")
    if "night_mode" in stored:
        stored["night_mode"] = stored["night_mode"] | read.mapping(params, "night_mode")
    stored["led_rule"] = rule
    stored["led_status"] = rule != "never" and appliance.on


@method("set_auto_off_config", needs="get_auto_off_config")
def set_auto_off_config(appliance: Appliance, params: Params) -> None:
    enable = read.boolean(params, "enable")
    delay_min = read.integer(params, "delay_min", 1, 24 * 60)
    appliance.set_auto_off(enable, delay_min)


@method("set_protection_power", needs="get_protection_power")
def set_protection_power(appliance: Appliance, params: Params) -> None:
    """Firmware differs in the name of the switch; only the name that the getter uses is taken."""
    stored = appliance.replies["get_protection_power"]
    switch = "enabled" if "enabled" in stored else "protection_enabled"
    enabled = read.boolean(params, switch)
    limit_w = read.integer(params, "protection_power", 0, 4000)
    appliance.replies["get_protection_power"] = {switch: enabled, "protection_power": limit_w}


@method("set_auto_update_info", needs="get_auto_update_info")
def set_auto_update_info(appliance: Appliance, params: Params) -> None:
    stored = appliance.replies["get_auto_update_info"]
    wanted: Params = {"enable": read.boolean(params, "enable")}
    if "time" in params:
        wanted["time"] = read.integer(params, "time", 0, 1439)
    if "random_range" in params:
        wanted["random_range"] = read.integer(params, "random_range", 0, 1439)
    stored |= wanted


@method("get_wireless_scan_info", needs="get_wireless_scan_info")
def get_wireless_scan_info(appliance: Appliance, params: Params) -> Params:
    reply: Params = appliance.replies["get_wireless_scan_info"]
    start = read.page_start(params)
    if "sum" not in reply:
        return reply
    return reply | {"start_index": start, "ap_list": reply.get("ap_list", [])[start : start + PAGE]}


@method("set_wireless_info", component="wireless")
def set_wireless_info(appliance: Appliance, params: Params) -> None:
    """Zero only means "accepted": the simulated device stays where it is."""
    read.text(params, "key_type")
    read.base64_text(params, "ssid")
    read.base64_text(params, "password")


@method("fw_download", component="firmware")
def fw_download(appliance: Appliance, params: Params) -> None:
    """There is nothing to load."""
    raise Refused(COMMON_FAILED)


@method("device_reboot", component="device")
def device_reboot(appliance: Appliance, params: Params) -> None:
    read.integer(params, "delay", 1, 60)
    appliance.restart_wanted = True


@method("device_reset", component="device")
def device_reset(appliance: Appliance, params: Params) -> None:
    appliance.restart_wanted = True
    appliance.reset_wanted = True
