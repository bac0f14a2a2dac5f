"""A device that answers as a real one did: a dump of what it said, method by method, played back and settable.

A dump is JSON as python-kasa writes it: method -> result (null for an answer without one, a number for an error code),
`discovery_result`, and `child_devices` of strips.  What is set is kept, in the words and within the bounds of
docs/protocol.md, and more strictly than devices are: what a device was never told to know is refused with -1008.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from wire.other_rows import FULL, LETTER, NEEDED, Refusal

Words = dict[str, Any]

PAGED = {
    "get_schedule_rules": "rule_list",
    "get_preset_rules": "states",
    "get_dynamic_light_effect_rules": "rule_list",
    "get_wireless_scan_info": "ap_list",
    "get_child_device_list": "child_device_list",
    "get_child_device_component_list": "child_component_list",
}
TABLES = ("schedule", "countdown", "antitheft")
LIGHT = ("brightness", "color_temp", "hue", "saturation")
RANGES = {"brightness": (1, 100), "hue": (0, 360), "saturation": (0, 100), "color_temp": (0, 65535)}
RANGES |= {"fan_speed_level": (1, 4)}
SHOWN = ("brightness", "custom", "display_colors", "enable", "id", "name")


class Accent(TypedDict, total=False):
    """How its answers differ from the dump, as devices of one kind differ from those of another.

    page: the most of a list at once.  floats, texts: numbers spelled so, codes and counts aside.  short_codes: negative
    ones as unsigned 16 bit.  no_region: its zone has no name.  newer: keys as newer firmware calls them.  out: keys
    that it does not say, wherever they stand.  batch: what becomes of multipleRequest.  bits: truths as 0 and 1.
    """

    page: int
    floats: bool
    texts: bool
    bits: bool
    short_codes: bool
    no_region: bool
    newer: bool
    out: tuple[str, ...]
    batch: int | Literal["stops", "fewer"]


class Replay:
    """asked: the methods, in order, those inside others too.  told: (method, parameters) of those that set something.

    codes: error codes for the next calls, in order.  children: id -> a strip's parts.
    """

    def __init__(self, dump: Mapping[str, Any], accent: Accent | None = None) -> None:
        self.said: Words = copy.deepcopy({name: it for name, it in dump.items() if name != "child_devices"})
        self.announced: Words = dict((self.said.pop("discovery_result", None) or {}).get("result", {}))
        self.accent: Accent = accent or {}
        self.asked: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self.codes: list[int] = []
        self.children: dict[str, Replay] = self._parts(dump.get("child_devices", {}))

    @property
    def mac(self) -> str:
        return str(self.said["get_device_info"]["mac"])

    def reply(self, method: str, params: Any) -> Any:
        """Return the answer to a call in its whole; params: ... for none."""
        return self._accented(self._reply(method, params, None))

    # Calls ------------------------------------------------------------------------------------------------------------

    def _reply(self, method: str, params: Any, part: Replay | None) -> Words:
        self.asked.append(method)
        try:
            if self.codes:
                raise Refusal(self.codes.pop(0))
            if params is None:
                raise Refusal(-1008)
            result = self._result(method, {} if params is ... else params, part)
        except Refusal as refused:
            short = self.accent.get("short_codes") and refused.code < 0
            return {"error_code": refused.code + 65536 if short else refused.code}
        return {"error_code": 0} if result is None else {"error_code": 0, "result": result}

    def _result(self, method: str, params: Words, part: Replay | None) -> Any:
        if method == "multipleRequest":
            return self._batch(params["requests"], part)
        if method == "control_child" and self.children and part is None:
            child = self.children.get(params["device_id"])
            if child is None:
                raise Refusal(-1008)
            inner = params["requestData"]
            return {"responseData": self._reply(inner["method"], inner.get("params", ...), child)}
        if part is not None:
            before = len(part.told)
            found = part._own(method, params)
            self.told += part.told[before:]
            return found
        if method == "get_child_device_list" and self.children:
            entries = [
                {name: child.said["get_device_info"].get(name, it) for name, it in entry.items()}
                for entry in self.said[method]["child_device_list"]
                for child in [self.children[entry["device_id"]]]
            ]
            return self._paged(method, self.said[method] | {"child_device_list": entries}, params)
        return self._own(method, params)

    def _own(self, method: str, params: Words) -> Any:
        verb, _, rest = method.partition("_")
        table = re.sub("_rules?$", "", rest)
        if table in TABLES and verb in ("add", "edit", "remove") and f"get_{table}_rules" in self.said:
            return self._write_row(verb, table, params)
        if verb in ("set", "edit", "apply") or method in ("device_reboot", "device_reset", "fw_download"):
            setter: Callable[[Words], Any] | None = getattr(self, f"_{method}", None)
            if setter is None:
                raise Refusal(-1002)
            found = setter(params)
            self.told.append((method, params))
            return found
        if method not in self.said:
            raise Refusal(-1002)
        said = self.said[method]
        if isinstance(said, int):
            raise Refusal(said)
        if method in PAGED and "sum" in said:
            return self._paged(method, said, params)
        return copy.deepcopy(said)

    def _batch(self, requests: list[Words], part: Replay | None) -> Words:
        how = self.accent.get("batch")
        if isinstance(how, int):
            raise Refusal(how)
        responses: list[Words] = []
        for each in requests[:2] if how == "fewer" else requests:
            reply = self._reply(each["method"], each.get("params", ...), part)
            responses.append({"method": each["method"]} | reply)
            if how == "stops" and reply["error_code"]:
                break
        return {"responses": responses}

    def _paged(self, method: str, said: Words, params: Words) -> Words:
        start, key = params.get("start_index", 0), PAGED[method]
        most = self.accent.get("page", 10)
        return said | {key: copy.deepcopy(said[key][start : start + most]), "start_index": start, "sum": len(said[key])}

    def _parts(self, dumps: Mapping[str, Any]) -> dict[str, Replay]:
        entries = (self.said.get("get_child_device_list") or {}).get("child_device_list", [])
        listed = (self.said.get("get_child_device_component_list") or {}).get("child_component_list", [])
        parts = {}
        for entry in entries:
            name = entry["device_id"]
            held = next((row["component_list"] for row in listed if row["device_id"] == name), [])
            made = {"get_device_info": entry, "component_nego": {"component_list": held}}
            parts[name] = Replay(dumps.get(name, made), self.accent)
        return parts

    # What is set ------------------------------------------------------------------------------------------------------

    def _held(self, method: str, params: Words, *needed: str, more: str = "") -> Words:
        """Return what a getter says, to be changed; the parameters have what is needed, and nothing unknown."""
        held = self.said.get(method)
        if not isinstance(held, dict):
            raise Refusal(-1002)
        if set(needed) - params.keys() or params.keys() - set(needed) - set(more.split()):
            raise Refusal(-1008)
        return held

    def _set_device_info(self, params: Words) -> None:
        info = self.said["get_device_info"]
        if not params or params.keys() - info.keys():
            raise Refusal(-1008)
        for name in params.keys() & RANGES.keys():
            _within(params[name], *RANGES[name])
        white = params.get("color_temp", 0)
        if white:
            _within(white, *info.get("color_temp_range", (white, white)))
        states = params.get("default_states")
        if states is not None:
            if not isinstance(states, dict) or states.keys() - info["default_states"].keys() - {"state"}:
                raise Refusal(-1008)
            states = {**info["default_states"], **states}
        lights = params.keys() & {*LIGHT, "fan_speed_level"}
        info |= params | ({"default_states": states} if states is not None else {})
        if lights and "device_on" not in params:
            info["device_on"] = True
        if lights & set(LIGHT[1:]):
            self._end_effects()
        if "device_on" in params and "on_time" in info:
            info["on_time"] = 0

    def _end_effects(self) -> None:
        info = self.said["get_device_info"]
        for name in info.keys() & {"lighting_effect", "segment_effect"}:
            info[name]["enable"] = 0
        for name in self.said.keys() & {"get_lighting_effect", "get_segment_effect_rule"}:
            self.said[name]["enable"] = 0
        if "dynamic_light_effect_enable" in info:
            info["dynamic_light_effect_enable"] = False
            self.said.get("get_dynamic_light_effect_rules", {})["enable"] = False

    def _set_device_time(self, params: Words) -> None:
        self._held("get_device_time", params, "timestamp", "time_diff", "region")
        _within(params["time_diff"], -720, 840)
        self.said["get_device_time"] |= params
        self.said["get_device_info"] |= {"region": params["region"], "time_diff": params["time_diff"]}

    def _set_led_info(self, params: Words) -> None:
        held = self._held("get_led_info", params, "led_rule", more="led_status night_mode bri_config")
        if params["led_rule"] not in ("always", "never", "night_mode"):
            raise Refusal(-1008)
        if params.get("night_mode", {}).keys() != held.get("night_mode", {}).keys():
            raise Refusal(-1008)  # it has to be sent back whole
        held |= params

    def _set_auto_off_config(self, params: Words) -> None:
        held = self._held("get_auto_off_config", params, "enable", "delay_min")
        _within(params["delay_min"], 1, 1440)
        held |= params

    def _set_protection_power(self, params: Words) -> None:
        held = self.said.get("get_protection_power", {})
        held = self._held("get_protection_power", params, *held)
        _within(params["protection_power"], 0, self.said.get("get_max_power", {}).get("max_power", 4000))
        held |= params

    def _set_auto_update_info(self, params: Words) -> None:
        held = self._held("get_auto_update_info", params, "enable", "time", "random_range")
        _within(params["time"], 0, 1439)
        held |= params

    def _set_auto_light_info(self, params: Words) -> None:
        held = self._held("get_auto_light_info", params, "enable", more="mode")
        if params.get("mode", "light_track") not in ("light_track", "light_compensate"):
            raise Refusal(-1008)
        held |= params

    def _set_on_off_gradually_info(self, params: Words) -> None:
        held = self._held("get_on_off_gradually_info", params, more="enable on_state off_state change_state")
        if len(params) != 1 or params.keys() - held.keys():
            raise Refusal(-1008)  # one side at a time
        (side, wanted), *_ = params.items()
        if not isinstance(wanted, dict):
            held[side] = wanted
            return
        if wanted.keys() - held[side].keys() or "enable" not in wanted:
            raise Refusal(-1008)
        _within(wanted.get("duration", 0), 0, held[side].get("max_duration", 60))
        held[side] |= wanted

    def _edit_preset_rules(self, params: Words) -> None:
        held = self._held("get_preset_rules", params, "index", "state")
        _within(params["index"], 0, len(held.get("states", ())) - 1)
        self._light(params["state"], held["states"])
        held["states"][params["index"]] = params["state"]

    def _light(self, state: Words, others: list[Words]) -> None:
        usual = next((each.keys() for each in others if "lighting_effect" not in each), set(LIGHT))
        if "lighting_effect" in state:
            if "get_lighting_effect" not in self.said:
                raise Refusal(-1008)
        elif state.keys() != usual:
            raise Refusal(-1008)
        for name in state.keys() & RANGES.keys():
            _within(state[name], *RANGES[name])

    def _set_preset_rules(self, params: Words) -> None:
        held = self._held("get_preset_rules", params, "brightness")
        if len(params["brightness"]) != len(held.get("brightness", ())):
            raise Refusal(-1008)
        for each in params["brightness"]:
            _within(each, 1, 100)
        held |= params

    def _set_dynamic_light_effect_rule_enable(self, params: Words) -> None:
        held = self._held("get_dynamic_light_effect_rules", params, "enable", more="id")
        if params["enable"] and params.get("id") not in [rule["id"] for rule in held["rule_list"]]:
            raise Refusal(-1008)
        held.pop("current_rule_id", None)
        held |= {"enable": params["enable"]} | ({"current_rule_id": params["id"]} if params["enable"] else {})
        self.said["get_device_info"] |= {"dynamic_light_effect_enable": params["enable"]}

    def _edit_dynamic_light_effect_rule(self, params: Words) -> None:
        held = self.said.get("get_dynamic_light_effect_rules")
        if held is None:
            raise Refusal(-1002)
        at = next((n for n, rule in enumerate(held["rule_list"]) if rule["id"] == params.get("id")), None)
        if at is None or params.keys() != held["rule_list"][at].keys():
            raise Refusal(-1008)
        for row in params["color_status_list"]:
            for value, name in zip(row, ("brightness", "hue", "saturation", "color_temp"), strict=True):
                _within(value, *RANGES[name])
        held["rule_list"][at] = params

    def _set_lighting_effect(self, params: Words) -> None:
        self._effect("lighting_effect", "get_lighting_effect", params)

    def _apply_segment_effect_rule(self, params: Words) -> None:
        self._effect("segment_effect", "get_segment_effect_rule", params)

    def _effect(self, name: str, method: str, params: Words) -> None:
        if method not in self.said:
            raise Refusal(-1002)
        if set(SHOWN) - params.keys():
            raise Refusal(-1008)
        _within(params["brightness"], 0, 100)
        self.said[method] = dict(params)
        self.said["get_device_info"][name] = {key: params[key] for key in SHOWN}

    def _set_inherit_info(self, params: Words) -> None:
        if "get_inherit_info" not in self.said or params.keys() != {"is_inherit"}:
            raise Refusal(-1002)
        self.said["get_inherit_info"] = {"inherit_status": params["is_inherit"]}

    def _set_wireless_info(self, params: Words) -> None:
        if params.keys() != {"key_type", "ssid", "password"}:
            raise Refusal(-1008)

    def _set_qs_info(self, params: Words) -> Words:
        if params.keys() != {"account", "extra_info", "time", "wireless"}:
            raise Refusal(-1008)
        return {"device_id": self.said["get_device_info"]["device_id"]}

    def _device_reboot(self, params: Words) -> None:
        _within(params.get("delay"), 1, 3600)

    def _device_reset(self, params: Words) -> None:
        pass

    def _fw_download(self, params: Words) -> None:
        if params.keys() - {"url"}:
            raise Refusal(-1008)

    # Tables -----------------------------------------------------------------------------------------------------------

    def _write_row(self, verb: str, table: str, params: Words) -> Words:
        held = self.said[f"get_{table}_rules"]
        rows: list[Words] = held["rule_list"]
        if verb == "remove":
            gone = {each["id"] for each in params.get("rule_list", [])}
            if table == "schedule" and gone - {row["id"] for row in rows}:
                raise Refusal(-1805)
            rows[:] = [] if params["remove_all"] else [row for row in rows if row["id"] not in gone]
            self.told.append((f"remove_{table}", params))
            held |= {"enable": bool(rows)} | ({"sum": len(rows)} if "sum" in held else {})
            return {}
        words = {name: it for name, it in params.items() if name != "id"}
        needed = set(NEEDED[table].split())
        first = {"schedule": "s_action", "countdown": "action"}.get(table, "")
        if first and _version(self.said, table) == 1:  # the first version has one word for that
            needed = needed - {"desired_states"} | {first}
            if "desired_states" in words or words.get(first) not in ("on", "off"):
                raise Refusal(-1008)
        if needed - words.keys():
            raise Refusal(-1008)
        if verb == "edit":
            row = next((each for each in rows if each["id"] == params.get("id")), None)
            if row is None:
                raise Refusal(-1805 if table == "schedule" else -1008)
            row |= words
        else:
            rows[:] = [each for each in rows if table == "schedule" or each["enable"]]
            if len(rows) >= held[f"{table}_rule_max_count"]:
                raise Refusal(FULL[table])
            taken = {each["id"] for each in rows}
            name = next(f"{LETTER[table]}{n}" for n in range(1, 99) if f"{LETTER[table]}{n}" not in taken)
            row = {"id": name, **words}
            rows.append(row)
        if table == "countdown":
            row["remain"] = row["delay"] if row["enable"] else 0
        if table == "schedule":
            row |= {"e_type": "normal", "year": 2026, "month": 1, "day": 1}
        held |= {"enable": True} | ({"sum": len(rows)} if "sum" in held else {})
        self.told.append((f"{verb}_{table}", params))
        return {"id": row["id"]}

    # Accents ----------------------------------------------------------------------------------------------------------

    def _accented(self, value: Any, place: str = "") -> Any:
        accent = self.accent
        if isinstance(value, dict):
            known = {name: it for name, it in value.items() if name not in accent.get("out", ())}
            if accent.get("newer") and isinstance(known.get("overheated"), bool):
                known["overheat_status"] = "overheated" if known.pop("overheated") else "normal"
            return {name: self._accented(it, name) for name, it in known.items()}
        if isinstance(value, list):
            return [self._accented(each, place) for each in value]
        if place == "region" and accent.get("no_region"):
            return ""
        if isinstance(value, bool):
            return int(value) if accent.get("bits") else value
        if isinstance(value, int) and place != "error_code":
            return float(value) if accent.get("floats") else str(value) if accent.get("texts") else value
        return value


def _within(value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refusal(-1008)


def _version(said: Words, component: str) -> int | None:
    listed = said["component_nego"]["component_list"]
    return next((row["ver_code"] for row in listed if row["id"] == component), None)
