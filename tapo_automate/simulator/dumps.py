"""Dumps of real devices as profiles: a JSON object of method -> result, as python-kasa's dump_devinfo writes it."""

from collections.abc import Mapping
from typing import Any

from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.countdown import is_row
from tapo_automate.simulator.profiles import Profile, transport_name
from tapo_automate.simulator.settings import settings_of

_NUMBER = (int, float)
_SHAPES: dict[tuple[str, str], tuple[type, ...]] = {
    ("get_device_info", "device_on"): (bool,),
    ("get_device_info", "brightness"): (int,),
    ("get_device_info", "color_temp_range"): (list,),
    ("get_device_info", "on_time"): _NUMBER,
    ("get_device_info", "time_diff"): (int,),
    ("get_device_info", "mac"): (str,),
    ("get_device_time", "time_diff"): (int,),
    ("get_auto_off_config", "delay_min"): (int,),
    ("get_preset_rules", "states"): (list,),
    ("get_schedule_rules", "rule_list"): (list,),
    ("get_countdown_rules", "rule_list"): (list,),
    ("get_dynamic_light_effect_rules", "rule_list"): (list,),
    ("get_wireless_scan_info", "ap_list"): (list,),
    ("get_energy_usage", "current_power"): _NUMBER,
    ("get_energy_usage", "today_energy"): (int,),
    ("get_energy_usage", "month_energy"): (int,),
    ("get_energy_usage", "today_runtime"): (int,),
    ("get_energy_usage", "month_runtime"): (int,),
    ("get_emeter_data", "energy_wh"): (int,),
    ("get_emeter_data", "voltage_mv"): (int,),
}


def profile_of(name: str, dump: Any, transport: str | None) -> Profile:
    """Return the profile of a dump that was read; name is used where it does not tell its model.

    Raises SimulatorError.
    """
    if not isinstance(dump, dict):
        raise SimulatorError("not a dump of a device: the file holds no JSON object")
    if "system" in dump or "get_sysinfo" in dump:
        raise SimulatorError("a dump in the older Kasa dialect (get_sysinfo); only Tapo (SMART) dumps can be simulated")
    info = dump.get("get_device_info")
    listed = dump.get("component_nego")
    if not isinstance(info, dict) or not isinstance(listed, dict):
        missing = "get_device_info" if not isinstance(info, dict) else "component_nego"
        raise SimulatorError(f"not a dump of a plug, bulb or switch: {missing} is missing")
    components = _components(listed)
    if "control_child" in components or "child_device" in components:
        raise SimulatorError(f"{info.get('model', name)} has child devices; strips and hubs cannot be simulated yet")
    _check_shapes(dump)
    announcement = _announcement(dump.get("discovery_result"))
    own = ("discovery_result", "child_devices", "component_nego")
    replies = {method: _outcome(reply) for method, reply in dump.items() if method not in own}
    # Older dumps were made by a tool that did not ask for everything; what the components promise is put in.
    replies = settings_of(components) | replies
    return Profile(
        name=str(info.get("model", name)),
        transport=transport_name(transport) if transport else _announced_transport(announcement),
        components=components,
        replies=replies,
        announcement=announcement,
        watts=_watts(dump),
        tpap_aware="tpap_preferred" in announcement or "tpap" in components,
        batch_too_big=-1003 if str(info.get("model")) == "P100" else 1200,
        from_dump=True,
    )


def _check_shapes(dump: dict[str, Any]) -> None:
    """Raise SimulatorError where the simulator counts on a shape that the dump does not have."""
    for (method, key), kinds in _SHAPES.items():
        reply = dump.get(method)
        if isinstance(reply, dict) and key in reply and type(reply[key]) not in kinds:
            raise SimulatorError(f"{method}.{key} is {str(reply[key])[:40]!r}, which no device answers")
    for row in (dump.get("get_dynamic_light_effect_rules") or {}).get("rule_list", []):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise SimulatorError("get_dynamic_light_effect_rules.rule_list holds a rule without an id")
    for row in (dump.get("get_countdown_rules") or {}).get("rule_list", []):
        if not is_row(row):
            raise SimulatorError("get_countdown_rules.rule_list holds a row that no device answers")


def _outcome(reply: Any) -> Any:
    """Return a stored reply, the code alone where the dump holds an error."""
    if isinstance(reply, dict) and reply.keys() == {"error_code"}:
        return reply["error_code"]
    return reply


def _components(listed: dict[str, Any]) -> dict[str, int]:
    rows = listed.get("component_list")
    try:
        return {str(row["id"]): int(row["ver_code"]) for row in rows or []}
    except (KeyError, TypeError, ValueError):
        raise SimulatorError("component_nego is not a list of id and ver_code") from None


def _announcement(found: Any) -> dict[str, Any]:
    """Return the discovery result: newer dumps wrap it in error_code and result."""
    if not isinstance(found, dict):
        return {}
    inner = found.get("result", found)
    return inner if isinstance(inner, dict) else {}


def _announced_transport(announcement: Mapping[str, Any]) -> str:
    scheme = announcement.get("mgt_encrypt_schm")
    if not isinstance(scheme, dict):
        return "klap"
    kind = scheme.get("encrypt_type")
    if kind == "AES":
        return "aes" if scheme.get("lv") == 2 else "aes-v1"
    return "tpap" if kind == "TPAP" else "klap"


def _watts(dump: Mapping[str, Any]) -> float:
    """Return what the load drew when the dump was made, 0 when it says nothing."""
    for method, key, scale in (
        ("get_emeter_data", "power_mw", 1000),
        ("get_energy_usage", "current_power", 1000),
        ("get_current_power", "current_power", 1),
    ):
        reply = dump.get(method)
        if isinstance(reply, dict) and isinstance(reply.get(key), int | float):
            return float(reply[key]) / scale
    return 0.0
