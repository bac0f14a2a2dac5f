"""All that is ever asked of a device, as acts: of the typed commands, of drivers, of sync, of strips."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from tapo_automate.device import Setting
from tapo_automate.rows import AntitheftRow, AutoOff, Moment, PowerProtection, ScheduleRow
from tapo_automate.wire.client import Client
from tapo_automate.wire.commands import (
    auto_light,
    auto_off,
    clock,
    components,
    default_states,
    effects,
    energy,
    energy_data,
    fan,
    firmware,
    gradual,
    info,
    led,
    network,
    presets,
    setup,
    strip_effects,
    system,
    usage,
)
from tapo_automate.wire.parts import read_parts
from tapo_automate.wire.smart import SmartDevice
from tapo_automate.wire.strip import Socket

Act: TypeAlias = Callable[[Any], object]

NOON = dt.datetime(2026, 7, 13, 10, tzinfo=dt.UTC)
DAY = NOON.date()
WHITE = Setting(brightness_pct=40, color_temp_k=2700)
ROW = ScheduleRow(Moment("midnight", 1110), Setting(on=True))
SUN_ROW = ScheduleRow(Moment("sunset", -15), Setting(on=False), frozenset({0, 1}))
AWAY = AntitheftRow(Moment("midnight", 1170), Moment("midnight", 360))


def _anew(read: Act, write: Callable[[Any, Any], object]) -> Act:
    """Return the act of writing back what was just read."""
    return lambda asked: write(asked, read(asked))


_OF_ANY: dict[str, Act] = {
    "info": info.get_device_info,
    "running info": info.get_device_running_info,
    "components": components.component_nego,
    "set-up components": components.qs_component_nego,
    "clock": clock.get_device_time,
    "zone": clock.zone_of,
    "set clock": lambda asked: clock.set_device_time(asked, NOON, "Europe/Berlin"),
    "usage": usage.get_device_usage,
    "cloud": system.get_connect_cloud_state,
    "matter": system.get_matter_setup_info,
    "inherit": setup.get_inherit_info,
    "download": firmware.get_fw_download_state,
    "latest": firmware.get_latest_fw,
    "auto update": firmware.get_auto_update_info,
    "set auto update": _anew(firmware.get_auto_update_info, firmware.set_auto_update_info),
    "networks": network.get_wireless_scan_info,
    "default": default_states.get_default_states,
    "set default": lambda asked: default_states.set_default_states(asked, "on"),
}
_OF_PLUGS: dict[str, Act] = {
    "power": energy.get_current_power,
    "most": energy.get_max_power,
    "emeter": energy.get_emeter_data,
    "energy": energy.get_energy_usage,
    "price": energy.get_electricity_price_config,
    "hours": lambda asked: energy_data.get_energy_data(asked, 60, DAY, DAY),
    "months": lambda asked: energy_data.get_energy_data(asked, 43_200, dt.date(2026, 1, 1)),
    "loads": lambda asked: energy_data.get_power_data(asked, 60, NOON - dt.timedelta(hours=6), NOON),
    "led": led.get_led_info,
    "set led": lambda asked: led.set_led_info(asked, "never"),
    "auto-off": auto_off.get_auto_off_config,
    "set auto-off": lambda asked: auto_off.set_auto_off_config(asked, enabled=True, delay_min=5),
    "limit": auto_off.get_protection_power,
    "set limit": lambda asked: auto_off.set_protection_power(asked, enabled=True, limit_w=100),
}
_OF_LAMPS: dict[str, Act] = {
    "auto light": auto_light.get_auto_light_info,
    "set auto light": lambda asked: auto_light.set_auto_light_info(asked, enabled=True),
    "gradual": gradual.get_on_off_gradually_info,
    "set gradual": lambda asked: gradual.set_on_off_gradually_info(asked, enabled=True, on_s=5),
    "presets": presets.get_preset_rules,
    "set preset": lambda asked: presets.edit_preset_rules(asked, 0, WHITE),
    "show preset": lambda asked: [presets.show_preset(asked, each) for each in presets.get_preset_rules(asked)],
    "default light": lambda asked: default_states.set_default_states(asked, light=WHITE),
}
_OF_COLORS: dict[str, Act] = {
    "effects": effects.get_dynamic_light_effect_rules,
    "show effect": lambda asked: effects.set_dynamic_light_effect_rule_enable(asked, "L1"),
    "edit effect": lambda asked: effects.edit_dynamic_light_effect_rule(
        asked, effects.DynamicLightEffect("L1", "Mine", "bln", 500, (effects.EffectColor(50, 1, 2),) * 2)
    ),
    "dim effect": lambda asked: effects.set_dynamic_light_effect_brightness(asked, "L1", 20),
}
_OF_LIGHT_STRIPS: dict[str, Act] = {
    "effect": strip_effects.get_lighting_effect,
    "effect again": _anew(strip_effects.get_lighting_effect, strip_effects.set_lighting_effect),
    "segment effect": strip_effects.get_segment_effect_rule,
    "segment effect again": _anew(strip_effects.get_segment_effect_rule, strip_effects.set_segment_effect_rule),
    "segments": strip_effects.get_device_segment,
    "preset of an effect": lambda asked: presets.save_preset_effect(asked, 0, strip_effects.get_lighting_effect(asked)),
}


def _driven(client: Client) -> None:
    device = SmartDevice(client)
    device.describe()
    device.state()
    device.apply(Setting(on=True))
    device.power_w()
    device.power_w()


def _lit(client: Client) -> None:
    device = SmartDevice(client)
    device.apply(Setting(on=True, brightness_pct=40, color_temp_k=3000))
    device.apply(Setting(hue_deg=120))
    device.state()


def _timed(client: Client) -> None:
    device = SmartDevice(client)
    device.start_timer(60, Setting(on=False))
    device.timer()
    device.stop_timer()


def _tabled(client: Client) -> None:
    device = SmartDevice(client)
    held = device.holdings()
    for name in held.tables:
        device.table(name)
    device.next_event()
    device.switched_by(True, NOON)
    device.switched_by(False, NOON)


def _written(client: Client) -> None:
    device = SmartDevice(client)
    first = device.put(ROW)
    device.put(replace(SUN_ROW, id=first), first)
    for row in device.table("schedule").rows:
        device.put_back(row, first)
    device.remove("schedule", [first])
    device.put(AWAY)
    device.put(AutoOff(5))
    device.remove("auto_off", [])
    device.set_clock(NOON, "Europe/Berlin", 60)


def _protected(client: Client) -> None:
    device = SmartDevice(client)
    device.put(PowerProtection(500))
    device.remove("power_protection", [])


def _socketed(client: Client) -> None:
    socket = SmartDevice(Socket(client, "1"))
    socket.describe()
    socket.state()
    socket.apply(Setting(on=True))
    socket.holdings()
    socket.put(ROW)


def _fanned(client: Client) -> None:
    fan.get_fan(Socket(client, "fan"))
    fan.set_fan(Socket(client, "fan"), 2, on=True)


_DRIVEN: dict[str, Act] = {"driver": _driven, "timer": _timed, "tables": _tabled, "rows": _written}

ACTS: dict[str, dict[str, Act]] = {
    "P110": _OF_ANY | _OF_PLUGS | _DRIVEN | {"protection": _protected},
    "L510": _OF_LAMPS | {"set presets": lambda asked: presets.set_preset_rules(asked, [1, 2, 3, 4, 5, 6, 7])},
    "L530": _OF_ANY | _OF_LAMPS | _OF_COLORS | _DRIVEN | {"light": _lit},
    "L430C": _OF_LAMPS | {"light": _lit},
    "L900": _OF_LAMPS | _OF_LIGHT_STRIPS,
    "P304M": {"parts": read_parts, "socket": _socketed, "info": info.get_device_info, "power": energy.get_max_power},
    "KS240": {"fan": _fanned, "info": info.get_device_info},
}
"""Model -> act -> what is done.  Many a device lacks what an act asks for; how it says so is read as well."""
