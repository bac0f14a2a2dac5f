"""The second pretend device in its network: its doors, the generation that it speaks now, what it announces."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from wire.other_lines import SECRET, USER, Klap, Line, LineManners, Passthrough
from wire.other_server import Door, Fault, Reply, Spelling, page
from wire.other_tpap import Tpap, TpapManners
from wire.responders import Responder

GENERATIONS = ("klap", "klap-v1", "aes", "aes-v1", "tpap", "tpap-tls")
MAC = "02-00-00-00-00-07"


class Host:
    """A context manager.  reply: what the device does, called with method and parameters (... for none).

    speaks: one of GENERATIONS; may be set anew at any time, as its owner does in the phone app.
    faults: what becomes of the next requests, in order: of "question" (what it speaks), "login" and "command".
    rude: what its web server held against requests.
    """

    def __init__(
        self,
        reply: Callable[[str, Any], Any],
        speaks: str = "klap",
        *,
        mac: str = MAC,
        announced: Mapping[str, Any] | None = None,
        manners: Mapping[str, Any] | None = None,
        spelling: Spelling | None = None,
    ) -> None:
        self._reply, self.mac, self._announced = reply, mac, announced or {}
        self._manners = manners or {}
        self.faults: dict[str, list[Fault]] = {"question": [], "login": [], "command": []}
        self.requests: list[str] = []  # of which kind each was
        self._door = Door(self._answer, spelling=spelling)
        self._secure: Door | None = None
        self._spelling = spelling
        self._responder: Responder | None = None
        self._lock = threading.Lock()
        self.address = f"127.0.0.1:{self._door.port}"
        self.speaks = speaks

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        if self._secure:
            self._secure.close()
        if self._responder:
            self._responder.close()

    @property
    def speaks(self) -> str:
        return self._speaks

    @speaks.setter
    def speaks(self, generation: str) -> None:
        self._speaks = generation
        self.line = self._line(generation)

    @property
    def rude(self) -> list[str]:
        return self._door.rude + (self._secure.rude if self._secure else [])

    @property
    def connections(self) -> int:
        return self._door.connections + (self._secure.connections if self._secure else 0)

    def reads_probes(self) -> int:
        """Answer probes from now on; return the port at 127.0.0.1."""
        if self._responder is None:
            self._responder = Responder(self._announce)
        return self._responder.port

    def announcement(self) -> dict[str, Any]:
        """Return what it says of itself to whoever asks."""
        kind = {"klap": "KLAP", "aes": "AES", "tpap": "TPAP"}[self.line.name]
        scheme: dict[str, Any] = {"is_support_https": False, "encrypt_type": kind, "http_port": self._door.port}
        scheme |= {} if self._speaks.endswith("-v1") else {"lv": 2}
        said = {
            "device_id": hashlib.md5(self.mac.encode()).hexdigest(),
            "owner": hashlib.md5(USER.encode()).hexdigest().upper(),
            "device_type": "SMART.TAPOPLUG",
            "device_model": "X7(EU)",
            "factory_default": False,
            **self._announced,
            "ip": "10.9.9.9",
            "mac": self.mac,
            "mgt_encrypt_schm": scheme,
        }
        if isinstance(self.line, Tpap):
            said["tpap"] = self.line.offer
        return said

    def _line(self, generation: str) -> Line:
        family, _, kind = generation.partition("-")
        if family == "tpap":
            line = Tpap(USER, SECRET, self.mac, cast("TpapManners", self._manners))
            line.offer["port"] = self._door.port
            if kind == "tls":
                self._secure = self._secure or Door(self._answer_safely, tls=True, spelling=self._spelling)
                line.offer |= {"tls": 1, "port": self._secure.port}
            return line
        make = Klap if family == "klap" else Passthrough
        return make(1 if kind == "v1" else 2, cast("LineManners", self._manners))

    def _answer(self, path: str, cookie: str, body: bytes) -> Reply:
        if self._speaks == "tpap-tls" and b'"discover"' not in body:
            return Reply(403) if path == "/app/handshake1" else page()
        return self._answer_safely(path, cookie, body)

    def _answer_safely(self, path: str, cookie: str, body: bytes) -> Reply:
        if path == "/":
            kind = "question" if b'"discover"' in body else "login"
        else:
            kind = "command" if path.startswith(("/app/request", "/app?token", "/stok=")) else "login"
        with self._lock:
            self.requests.append(kind)

            def obey() -> Reply:
                if path == "/":
                    return self.line.front(body)
                return self.line.serve(path, cookie, body, self._methods)

            faults = self.faults[kind]
            return faults.pop(0)(obey) if faults else obey()

    def _methods(self, plain: bytes) -> bytes:
        call = json.loads(plain)
        return json.dumps(self._reply(call["method"], call.get("params", ...)), separators=(",", ":")).encode()

    def _announce(self, probe: bytes) -> list[bytes]:
        if len(probe) < 16 or probe[:4] != b"\x02\x00\x00\x01" or not _sound(probe):
            return []
        body = json.dumps({"error_code": 0, "result": self.announcement()}).encode()
        head = struct.pack(">BBHHBB", 2, 0, 1, len(body), 34, 1) + probe[8:12]
        crc = zlib.crc32(head + b"\x5a\x6b\x7c\x8d" + body)
        return [head + crc.to_bytes(4, "big") + body]


def _sound(probe: bytes) -> bool:
    """Whether a probe's length and CRC are right: a device does not answer others."""
    crc = zlib.crc32(probe[:12] + b"\x5a\x6b\x7c\x8d" + probe[16:])
    return probe[12:16] == crc.to_bytes(4, "big") and int.from_bytes(probe[4:6], "big") == len(probe) - 16
