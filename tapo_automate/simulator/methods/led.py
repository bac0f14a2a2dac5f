"""The light-emitting diode.  Source: docs/protocol.md, "Neighbouring settings"."""

from typing import Any

from tapo_automate.simulator import led
from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import PARAMS, Refused

Params = dict[str, Any]
_MOST_OFFSET_MIN = 360


@method("get_led_info", needs="get_led_info")
def get_led_info(appliance: Appliance, params: Params) -> Params:
    """A dump's night stays what was read until the diode, the clock or the place is set."""
    stored: Params = appliance.replies["get_led_info"]
    if not appliance.led_lives:
        return stored
    on = appliance.on or any(child.on for child in appliance.children)
    return led.told(stored, on=on, at=appliance.at, place=appliance.place())


@method("set_led_info", needs="get_led_info")
def set_led_info(appliance: Appliance, params: Params) -> None:
    """The night must be echoed where there is one; what the sun decides of it means nothing."""
    stored: Params = appliance.replies["get_led_info"]
    rules = ("always", "never", "night_mode") if "night_mode" in stored else ("always", "never")
    wanted: Params = {"led_rule": read.choice(params, "led_rule", *rules)}
    if "night_mode" in stored:
        wanted["night_mode"] = stored["night_mode"] | _night(read.mapping(params, "night_mode"))
    if "bri_config" in stored and "bri_config" in params:
        wanted["bri_config"] = stored["bri_config"] | _brightness(read.mapping(params, "bri_config"))
    stored |= wanted
    appliance.led_lives = True


def _night(wanted: Params) -> Params:
    read.choice(wanted, "night_mode_type", "sunrise_sunset", "custom", "unknown")
    times = (0, 1439)
    offsets = (-_MOST_OFFSET_MIN, _MOST_OFFSET_MIN)
    bounds = {"start_time": times, "end_time": times, "sunrise_offset": offsets, "sunset_offset": offsets}
    read.optional_integers(wanted, bounds)
    if wanted["night_mode_type"] == "custom" and not {"start_time", "end_time"} <= wanted.keys():
        raise Refused(PARAMS)
    return {key: wanted[key] for key in ("night_mode_type", *bounds) if key in wanted}


def _brightness(wanted: Params) -> Params:
    found: Params = {}
    if "bri_type" in wanted:
        found["bri_type"] = read.text(wanted, "bri_type")
    if "overall_bri" in wanted:
        found["overall_bri"] = read.integer(wanted, "overall_bri", 0, 100)
    return found
