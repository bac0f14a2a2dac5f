"""A second pretend device, of another hand than the simulator: its tables live, and it may be odd where others are not.

Written from docs/protocol.md with the standard library and AES alone.  What it does otherwise than most is switched on
by name (`Odd`); what its rows mean it says itself (`Part.means`).  It listens on the loopback interface.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypedDict

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wire.other_rows import Part, Refusal

USER, SECRET = "Owner@Example.com", "correct horse"
PAGE = b"<html><body><center>200 OK</center></body></html>"
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

    kind: "plug", "lamp" or "strip", of three sockets.  speaks: "klap" or "aes".  now: its clock, Unix seconds.
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
        self._line = _Klap() if speaks == "klap" else _Passthrough()
        self._lock = threading.Lock()
        self._counted = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with owner._lock:
                    status, headers, answer = owner._answer(self.path, self.headers.get("Cookie", ""), body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)
                self.close_connection = bool(owner.odd.get("closes"))

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> OtherDevice:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def local(self) -> dt.datetime:
        """Return its wall clock, naive: in this house it is always winter."""
        at = dt.datetime.fromtimestamp(self.now() + self.ahead_s, dt.UTC)
        return (at + dt.timedelta(minutes=self.time_diff)).replace(tzinfo=None)

    def _answer(self, path: str, cookie: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        time.sleep(self.odd.get("slow_s", 0))
        if path == "/":
            return 200, {"Content-Type": "application/json"}, self._line.discovered
        return self._line.serve(path, cookie, body, self._methods)

    def _methods(self, plain: bytes) -> bytes:
        call = json.loads(plain)
        reply = self._reply(call["method"], call.get("params", ...), None)
        return json.dumps(_numbers(reply, self.odd), separators=(",", ":")).encode()

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


def _aes(key: bytes, iv: bytes, data: bytes, *, seal: bool) -> bytes:
    machine = Cipher(algorithms.AES(key), modes.CBC(iv))
    if seal:
        padding = 16 - len(data) % 16
        worker = machine.encryptor()
        return worker.update(data + bytes([padding]) * padding) + worker.finalize()
    worker = machine.decryptor()
    plain = worker.update(data) + worker.finalize()
    return plain[: -plain[-1]]


def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


Methods = Callable[[bytes], bytes]
Answer = tuple[int, dict[str, str], bytes]


class _Klap:
    """KLAP v2; one session at a time."""

    discovered = b'{"error_code":1003}'

    def __init__(self) -> None:
        names = (hashlib.sha1(each.encode()).digest() for each in (USER, SECRET))
        self._auth = _sha(*names)
        self._cookie, self._seeds, self._proven = "", b"", False

    def serve(self, path: str, cookie: str, body: bytes, methods: Methods) -> Answer:
        if path == "/app/handshake1":
            remote, self._cookie, self._proven = os.urandom(16), os.urandom(16).hex().upper(), False
            self._seeds = body + remote
            proof = _sha(self._seeds, self._auth)
            return 200, {"Set-Cookie": f"TP_SESSIONID={self._cookie};TIMEOUT=86400"}, remote + proof
        if cookie != f"TP_SESSIONID={self._cookie}":
            return 403, {}, b""
        if path == "/app/handshake2":
            self._proven = body == _sha(self._seeds[16:], self._seeds[:16], self._auth)
            return 200 if self._proven else 403, {}, b""
        if not self._proven:
            return 403, {}, b""
        number = struct.pack(">i", int(path.partition("seq=")[2]))
        key, base, signing = (_sha(word, self._seeds, self._auth) for word in (b"lsk", b"iv", b"ldk"))
        iv = base[:12] + number
        if body[:32] != _sha(signing[:28], number, body[32:]):
            return 403, {}, b""
        sealed = _aes(key[:16], iv, methods(_aes(key[:16], iv, body[32:], seal=False)), seal=True)
        return 200, {"Content-Type": "application/octet-stream"}, _sha(signing[:28], number, sealed) + sealed


class _Passthrough:
    """securePassthrough with login version 2; one session at a time."""

    discovered = PAGE

    def __init__(self) -> None:
        self._keys, self._cookie, self._token = b"", "", ""

    def serve(self, path: str, cookie: str, body: bytes, methods: Methods) -> Answer:
        where, _, token = path.partition("?token=")
        if where != "/app":
            return 200, {"Content-Type": "text/html"}, PAGE
        call = json.loads(body)
        if call["method"] == "handshake":
            public = load_pem_public_key(call["params"]["key"].encode())
            assert isinstance(public, RSAPublicKey)
            assert public.key_size == 1024
            self._keys, self._cookie, self._token = os.urandom(32), os.urandom(16).hex().upper(), ""
            sealed = base64.b64encode(public.encrypt(self._keys, PKCS1v15())).decode()
            said = {"Set-Cookie": f"TP_SESSIONID={self._cookie};TIMEOUT=1440"}
            return 200, said, json.dumps({"error_code": 0, "result": {"key": sealed}}).encode()
        if call["method"] != "securePassthrough" or not cookie.startswith(f"TP_SESSIONID={self._cookie}"):
            return 200, {}, b'{"error_code":9999}'
        key, iv = self._keys[:16], self._keys[16:]
        plain = _aes(key, iv, base64.b64decode(call["params"]["request"]), seal=False)
        inner = json.loads(plain)
        if inner["method"] == "login_device":
            reply = self._login(inner["params"])
        elif not self._token or token != self._token:
            return 200, {}, b'{"error_code":9999}'
        else:
            reply = methods(plain)
        sealed = base64.b64encode(_aes(key, iv, reply, seal=True)).decode()
        return 200, {}, json.dumps({"error_code": 0, "result": {"response": sealed}}).encode()

    def _login(self, params: dict[str, str]) -> bytes:
        wanted = [
            base64.b64encode(hashlib.sha1(each.encode()).hexdigest().encode()).decode() for each in (USER, SECRET)
        ]
        if [params.get("username"), params.get("password2")] != wanted:
            return b'{"error_code":-1501}'
        self._token = os.urandom(16).hex().upper()
        return json.dumps({"error_code": 0, "result": {"token": self._token}}).encode()
