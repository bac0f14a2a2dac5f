"""Time, timers and limits of the relay, restart and reset: what every device has around it."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.clock import zone
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import PARAMS, Refused

Params = dict[str, Any]
_MOST_W = 4000  # of a device that does not say what it bears


@method("get_device_time", component="time")
def get_device_time(appliance: Appliance, params: Params) -> Params:
    clock = appliance.clock
    return {"region": clock.region, "time_diff": clock.time_diff_min, "timestamp": int(clock.time())}


@method("set_device_time", component="time")
def set_device_time(appliance: Appliance, params: Params) -> None:
    """The zone must be one that exists; without a region the device runs on time_diff alone."""
    appliance.set_clock(*checked_time(params))


def checked_time(params: Params) -> tuple[int, int, str]:
    """Return (Unix seconds, standard offset in minutes, region) as a device takes them."""
    timestamp = read.integer(params, "timestamp", 0, 2**32 - 1)
    time_diff_min = read.integer(params, "time_diff", -720, 840)
    region = read.text(params, "region") if "region" in params else ""
    if region and zone(region) is None:
        raise Refused(PARAMS)
    return timestamp, time_diff_min, region


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
    most = appliance.replies.get("get_max_power")
    most_w = most.get("max_power", _MOST_W) if isinstance(most, dict) else _MOST_W
    limit_w = read.integer(params, "protection_power", 0, most_w)
    appliance.replies["get_protection_power"] = {switch: enabled, "protection_power": limit_w}


@method("device_reboot", component="device")
def device_reboot(appliance: Appliance, params: Params) -> None:
    """Answers first, and starts again after the delay."""
    delay_s = read.integer(params, "delay", 1, 60)
    appliance.later(delay_s, appliance.start_again)


@method("device_reset", component="device")
def device_reset(appliance: Appliance, params: Params) -> None:
    appliance.restart_wanted = True
    appliance.reset_wanted = True
