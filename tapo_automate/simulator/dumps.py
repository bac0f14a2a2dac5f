"""Dumps of real devices as profiles: a JSON object of method -> result, as python-kasa's dump_devinfo writes it."""

from collections.abc import Mapping
from typing import Any

from tapo_automate.simulator import away
from tapo_automate.simulator.complaint import SimulatorError
from tapo_automate.simulator.countdown import is_row
from tapo_automate.simulator.profiles import Profile, transport_name
from tapo_automate.simulator.settings import settings_of, tables_of

_OWN = ("discovery_result", "child_devices", "component_nego")
_NUMBER = (int, float)
_SHAPES: dict[tuple[str, str], tuple[type, ...]] = {
    ("get_device_info", "device_on"): (bool,),
    ("get_device_info", "brightness"): (int,),
    ("get_device_info", "color_temp_range"): (list,),
    ("get_device_info", "on_time"): _NUMBER,
    ("get_device_info", "time_diff"): (int,),
    ("get_device_info", "mac"): (str,),
    ("get_device_info", "latitude"): _NUMBER,
    ("get_device_info", "longitude"): _NUMBER,
    ("get_device_time", "time_diff"): (int,),
    ("get_auto_off_config", "delay_min"): (int,),
    ("get_preset_rules", "states"): (list,),
    ("get_schedule_rules", "rule_list"): (list,),
    ("get_schedule_rules", "schedule_rule_max_count"): (int,),
    ("get_antitheft_rules", "rule_list"): (list,),
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
    ("get_emeter_data", "power_mw"): _NUMBER,
    ("get_emeter_data", "current_ma"): _NUMBER,
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
    _check_shapes(dump)
    announcement = _announcement(dump.get("discovery_result"))
    replies = {method: _outcome(reply) for method, reply in dump.items() if method not in _OWN}
    # Older dumps were made by a tool that did not ask for everything; what the components promise is put in.
    speaks = transport_name(transport) if transport else _announced_transport(announcement)
    children: tuple[Profile, ...] = ()
    listing: tuple[int, ...] = ()
    if "control_child" in components or "child_device" in components:
        children, listing = _counted(_sockets(name, dump, speaks))
        replies = settings_of(components) | replies
    else:
        replies = settings_of(components) | _with_tables(components, replies)
    return Profile(
        name=str(info.get("model", name)),
        transport=speaks,
        components=components,
        replies=replies,
        announcement=announcement,
        watts=_watts(dump),
        tpap_aware="tpap_preferred" in announcement or (not announcement and "tpap" in components),
        batch_too_big=-1003 if str(info.get("model")) == "P100" else 1200,
        from_dump=True,
        children=children,
        listing=listing,
    )


def _sockets(name: str, dump: dict[str, Any], transport: str) -> tuple[Profile, ...]:
    """Return the sockets of a strip, in the order of its list: what they answered, or fresh where nobody asked them.

    Raises SimulatorError.
    """
    model = dump["get_device_info"].get("model", name)
    infos = _rows(dump, "get_child_device_list", "child_device_list")
    lists = _rows(dump, "get_child_device_component_list", "child_component_list")
    asked = dump.get("child_devices") or {}
    if not infos:
        raise SimulatorError(f"{model} has child devices, and get_child_device_list tells none of them")
    if not all(".sub-" in str(info.get("category")) for info in infos):  # sub-plug, sub-bulb, sub-dimmer, sub-fan
        raise SimulatorError(f"{model} has child devices that are no sockets; hubs cannot be simulated")
    found = []
    for info in infos:
        number = info.get("device_id")
        listed = next((row for row in lists if row.get("device_id") == number), None)
        if not isinstance(number, str) or listed is None:
            raise SimulatorError("get_child_device_component_list lacks a device of get_child_device_list")
        components = _components(listed)
        told = asked.get(number, {})
        _check_shapes(told)
        own = {method: _outcome(reply) for method, reply in told.items() if method not in _OWN}
        fresh = {"get_device_info": dict(info), "get_connect_cloud_state": {"status": 0}}
        replies = fresh | settings_of(components) | _with_tables(components, own)
        found.append(Profile(str(model), transport, components, replies, {}, _watts(told), from_dump=True))
    return tuple(found)


def _counted(children: tuple[Profile, ...]) -> tuple[tuple[Profile, ...], tuple[int, ...]]:
    """Return the parts as they are counted, and how they are listed: those that say no position count by their ids."""
    if any("position" in child.info for child in children):
        return children, ()
    order = sorted(children, key=lambda child: str(child.info["device_id"]))
    return tuple(order), tuple(order.index(child) + 1 for child in children)


def _with_tables(components: dict[str, int], replies: dict[str, Any]) -> dict[str, Any]:
    """Return replies with the tables that the components promise: those of the dump, empty where it has none."""
    found = dict(replies)
    for method, fresh in tables_of(components).items():
        told = replies.get(method, fresh)
        found[method] = fresh | told if method.endswith("_rules") and isinstance(told, dict) else told
    return found


def _rows(dump: dict[str, Any], method: str, key: str) -> list[dict[str, Any]]:
    reply = dump.get(method)
    rows = reply.get(key) if isinstance(reply, dict) else None
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []


def _check_shapes(dump: dict[str, Any]) -> None:
    """Raise SimulatorError where the simulator counts on a shape that the dump does not have."""
    for (method, key), kinds in _SHAPES.items():
        reply = dump.get(method)
        if isinstance(reply, dict) and key in reply and type(reply[key]) not in kinds:
            raise SimulatorError(f"{method}.{key} is {str(reply[key])[:40]!r}, which no device answers")
    for row in _rules(dump, "get_dynamic_light_effect_rules"):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise SimulatorError("get_dynamic_light_effect_rules.rule_list holds a rule without an id")
    for row in _rules(dump, "get_schedule_rules"):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or type(row.get("enable")) is not bool:
            raise SimulatorError("get_schedule_rules.rule_list holds a row that no device answers")
    for row in _rules(dump, "get_antitheft_rules"):
        if not isinstance(row, dict) or type(row.get("enable")) is not bool or not away.is_plain(row):
            raise SimulatorError("get_antitheft_rules.rule_list holds a row that no device answers")
    for row in _rules(dump, "get_countdown_rules"):
        if not is_row(row):
            raise SimulatorError("get_countdown_rules.rule_list holds a row that no device answers")


def _rules(dump: dict[str, Any], method: str) -> list[Any]:
    """Return the rows of a table, of whatever kind; none where the dump has no such table."""
    reply = dump.get(method)
    rows = reply.get("rule_list") if isinstance(reply, dict) else None
    return rows if isinstance(rows, list) else []


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
