"""A second pretend device, of another hand than the simulator: its tables live, and it may be odd where others are not.

Written from docs/protocol.md with the standard library and AES alone.  What it does otherwise than most is switched on
by name (`Odd`); what its rows mean it says itself (`Part.means`).  How it is spoken to is `other_host`'s.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import Any, Literal, TypedDict

from wire.other_host import Host
from wire.other_rows import Part, Refusal
from wire.other_server import Spelling

HELD = {
    "plug": {"schedule": 2, "countdown": 2, "antitheft": 1, "auto_off": 2, "power_protection": 1},
    "lamp": {"schedule": 2, "countdown": 2, "antitheft": 1, "auto_off": 2, "auto_light": 3}
    | {"brightness": 1, "color": 1, "color_temperature": 1},
}


class Odd(TypedDict, total=False):
    """What a device may do otherwise.  Numbers stand for error codes where a method's answer is meant."""

    page: int
    past_end: int
    sum: Literal["out", "text", "page", "zero", "most"]
    start_index: Literal["ignored"]
    ids: Literal["lowest", "next", "random", "bare"]
    added: Literal["nothing", "conflict", "clash", "more"]
    edited: Literal["id"]
    moves: bool
    adds_states: bool
    floats: bool
    bits: bool
    e_type_kept: bool
    dates_out: bool
    sun_minute_zero: bool
    once_days_kept: bool
    offset_out: bool
    more_keys: Literal["empty", "said"]
    max_out: bool
    enable_out: bool
    spent: Literal["disabled", "gone"]
    next_event: int | Literal["type 2"]
    clock: int | Literal["no region"]
    flag_out: bool
    versions: Literal["newer", "unknown"]
    auto_off: int
    protection: int | Literal["both", "other"]
    batch: int | Literal["stops", "fewer"]
    busy_every: int
    short_codes: bool
    strict: bool
    inner_code_out: bool
    positions_out: bool
    children: int
    child_components: int | Literal["out"]
    slow_s: float
    closes: bool


class OtherDevice:
    """A device on the loopback interface; a context manager.

    kind: "plug", "lamp" or "strip", of three sockets.  speaks: of `other_host`.  now: its clock, Unix seconds.
    parts: that which has tables: itself, or its sockets.  asked: the methods asked for, those inside others included.
    """

    def __init__(
        self, kind: str = "plug", speaks: str = "klap", now: Callable[[], float] = time.time, odd: Odd | None = None
    ) -> None:
        self.kind, self.now, self.odd = kind, now, odd or {}
        self.asked: list[str] = []
        self.region, self.time_diff = "" if self.odd.get("clock") == "no region" else "Europe/Berlin", 60
        self.ahead_s = 0
        names = [f"802E{n:036d}" for n in range(3)] if kind == "strip" else [""]
        self.parts = [Part(name, "lamp" if kind == "lamp" else "plug", self.local, self.odd) for name in names]
        self._counted = 0
        spelling: Spelling | None = "cut off" if self.odd.get("closes") else None
        self.host = Host(self._answer, speaks, spelling=spelling)
        self.address = self.host.address

    def __enter__(self) -> OtherDevice:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.__exit__()

    def local(self) -> dt.datetime:
        """Return its wall clock, naive: in this house it is always winter."""
        at = dt.datetime.fromtimestamp(self.now() + self.ahead_s, dt.UTC)
        return (at + dt.timedelta(minutes=self.time_diff)).replace(tzinfo=None)

    def _answer(self, method: str, params: Any) -> Any:
        time.sleep(self.odd.get("slow_s", 0))
        return _numbers(self._reply(method, params, None), self.odd)

    def _reply(self, method: str, params: Any, part: Part | None) -> dict[str, Any]:
        self.asked.append(method)
        self._counted += 1
        try:
            if self.odd.get("busy_every") and self._counted % self.odd["busy_every"] == 0:
                raise Refusal(-1301)
            if params is None:
                raise Refusal(-1008)
            result = self._result(method, {} if params is ... else params, part)
        except Refusal as refused:
            code = refused.code + 65536 if self.odd.get("short_codes") and refused.code < 0 else refused.code
            return {"error_code": code}
        whole = {"error_code": 0} if result is None else {"error_code": 0, "result": result}
        if part is not None and self.odd.get("inner_code_out"):
            del whole["error_code"]
        return whole

    def _result(self, method: str, params: Any, part: Part | None) -> Any:
        own = part or (self.parts[0] if self.kind != "strip" else None)
        match method:
            case "multipleRequest":
                return self._batch(params["requests"], part)
            case "control_child" if self.kind == "strip" and part is None:
                child = next((each for each in self.parts if each.name == params["device_id"]), None)
                if child is None:
                    raise Refusal(-1008)
                inner = params["requestData"]
                return {"responseData": self._reply(inner["method"], inner.get("params", ...), child)}
            case "get_device_info":
                return self._info(own) if part is None else own and own.info() | self._place()
            case "component_nego" if part is None:
                return {"component_list": _listed(self._components())}
            case "component_nego" if self.odd.get("child_components") is not None:
                return {"component_list": _listed(HELD["plug"] | {"device_local_time": 1})}
            case "get_child_device_list" if self.kind == "strip":
                entries = [each.info() | self._place() | {"device_id": each.name} for each in self.parts]
                for number, each in enumerate(entries, 1):
                    each |= {} if self.odd.get("positions_out") else {"position": number, "slot_number": 3}
                return self._paged("child_device_list", entries, params)
            case "get_child_device_component_list" if self.kind == "strip":
                missing = self.odd.get("child_components")
                if isinstance(missing, int):
                    raise Refusal(missing)
                rows = _listed(HELD["plug"] | {"device_local_time": 1})
                known = [] if missing == "out" else [{"device_id": p.name, "component_list": rows} for p in self.parts]
                return self._paged("child_component_list", known, params)
            case "get_device_time" | "set_device_time" if part is None:
                return self._clock(method, params)
            case _ if own is not None:
                return own.result(method, params)
        raise Refusal(-1002)

    def _batch(self, requests: list[dict[str, Any]], part: Part | None) -> dict[str, Any]:
        how = self.odd.get("batch")
        if isinstance(how, int):
            raise Refusal(how)
        responses: list[dict[str, Any]] = []
        for each in requests[:2] if how == "fewer" else requests:
            reply = self._reply(each["method"], each.get("params", ...), part)
            responses.append({"method": each["method"]} | reply)
            if how == "stops" and reply.get("error_code"):
                break
        return {"responses": responses}

    def _paged(self, key: str, entries: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
        start = params["start_index"]
        return {
            key: entries[start : start + self.odd.get("children", 10)],
            "start_index": start,
            "sum": len(entries),
        }

    def _clock(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        refused = self.odd.get("clock")
        if isinstance(refused, int):
            raise Refusal(refused)
        if method == "set_device_time":
            self.ahead_s = params["timestamp"] - int(self.now())
            self.region, self.time_diff = params["region"], params["time_diff"]
            return None
        return {
            "region": self.region,
            "time_diff": self.time_diff,
            "timestamp": int(self.now()) + self.ahead_s,
        }

    def _components(self) -> dict[str, int]:
        held = dict(HELD["plug" if self.kind == "strip" else self.kind])
        held |= {"device": 2, "firmware": 2, "time": 1, "device_local_time": 1, "sunrise_sunset": 1}
        held |= {"control_child": 2, "child_device": 2} if self.kind == "strip" else {}
        held |= {"schedule": 3} if self.odd.get("versions") == "newer" else {}
        held |= {"tea_maker": 7, "homekit": 2} if self.odd.get("versions") == "unknown" else {}
        return held

    def _place(self) -> dict[str, Any]:
        flag = {} if self.odd.get("flag_out") else {"has_set_location_info": True}
        return {"latitude": 525200, "longitude": 134050, **flag}

    def _info(self, own: Part | None) -> dict[str, Any]:
        said = {"mac": "02-00-00-00-00-07", "model": "X7", "fw_ver": "9.1.0", "region": "Europe/Berlin"}
        return {**said, **self._place(), "device_id": "8" * 40, **(own.info() if own else {})}


def _listed(held: dict[str, int]) -> list[dict[str, Any]]:
    return [{"id": name, "ver_code": version} for name, version in held.items()]


def _numbers(value: Any, odd: Odd) -> Any:
    """Return an answer with its numbers and truths spelled as this device spells them; codes and counts are spared."""
    if isinstance(value, dict):
        return {name: it if name == "error_code" else _numbers(it, odd) for name, it in value.items()}
    if isinstance(value, list):
        return [_numbers(each, odd) for each in value]
    if isinstance(value, bool):
        return int(value) if odd.get("bits") else value
    return float(value) if isinstance(value, int) and odd.get("floats") else value
