"""KLAP and securePassthrough as the second pretend device speaks them, from docs/protocol.md; TPAP is `other_tpap`."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from collections.abc import Callable
from typing import Any, Protocol, TypedDict

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wire.other_server import Reply, page

USER, SECRET = "Owner@Example.com", "correct horse"
Methods = Callable[[bytes], bytes]


class LineManners(TypedDict, total=False):
    """What these two may do otherwise.

    newline: a 49th byte.  cookie: its name.  cookie_line: the whole header, with {} for name=value.
    lost_code: a plain JSON error instead of a 403 (KLAP), or another than 9999 (securePassthrough).
    knows_tpap: says that it knows TPAP and prefers not to.  unknown_front: what it answers to that question instead.
    account: what it holds.  plain: answers go unencrypted, as the object ("object") or its text ("text").
    lines: base64 in lines.
    """

    newline: bool
    cookie: str
    cookie_line: str
    lost_code: int
    knows_tpap: bool
    unknown_front: int
    account: tuple[str, str]
    plain: str
    lines: bool


class Line(Protocol):
    """A generation.  front: answers what comes to "/".  serve: answers the rest.  forget: its session is gone."""

    name: str

    def front(self, body: bytes) -> Reply: ...

    def serve(self, path: str, cookie: str, body: bytes, methods: Methods) -> Reply: ...

    def forget(self) -> None: ...


def _json(words: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps(words).encode())


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


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b"".join(parts)).digest()


class Klap:
    """KLAP; one session at a time.  version: 1 or 2."""

    name = "klap"

    def __init__(self, version: int = 2, manners: LineManners | None = None) -> None:
        self._version, self.manners = version, manners or {}
        names = [each.encode() for each in self.manners.get("account", (USER, SECRET))]
        if version == 1:
            self._auth = _md5(*map(_md5, names))
        else:
            self._auth = _sha(*(hashlib.sha1(name).digest() for name in names))
        self.forget()

    def forget(self) -> None:
        self._cookie, self._seeds, self._proven, self._last = "", b"", False, None

    def front(self, _body: bytes) -> Reply:
        if self.manners.get("knows_tpap"):
            return _json({"error_code": 0, "result": {"sub_method": "discover", "tpap_preferred": False}})
        return _json({"error_code": self.manners.get("unknown_front", 1003)})

    def serve(self, path: str, cookie: str, body: bytes, methods: Methods) -> Reply:
        if path == "/app":
            return _json({"error_code": 1003})
        if path == "/app/handshake1":
            return self._shake(body)
        if cookie != f"{self.manners.get('cookie', 'TP_SESSIONID')}={self._cookie}" or not self._cookie:
            return Reply(400) if path == "/app/handshake2" else self._lost()
        local, remote = self._seeds[:16], self._seeds[16:]
        if path == "/app/handshake2":
            own = (remote, self._auth) if self._version == 1 else (remote, local, self._auth)
            self._proven = body == _sha(*own)
            return Reply(200) if self._proven else Reply(403)
        where, _, text = path.partition("?seq=")
        if where != "/app/request" or not self._proven:
            return page() if where != "/app/request" else self._lost()
        number = struct.pack(">i", int(text))
        key, base, signing = (_sha(word, self._seeds, self._auth) for word in (b"lsk", b"iv", b"ldk"))
        first = (struct.unpack(">i", base[-4:])[0] if self._last is None else self._last) + 1
        iv = base[:12] + number
        if int(text) < first or body[:32] != _sha(signing[:28], number, body[32:]):
            return self._lost()
        self._last = int(text)
        sealed = _aes(key[:16], iv, methods(_aes(key[:16], iv, body[32:], seal=False)), seal=True)
        signed = _sha(signing[:28], number, sealed) + sealed
        return Reply(200, signed, {"Content-Type": "application/octet-stream"})

    def _shake(self, local: bytes) -> Reply:
        if len(local) != 16:
            return Reply(400)
        remote = os.urandom(16)
        self._cookie, self._seeds, self._proven, self._last = os.urandom(16).hex().upper(), local + remote, False, None
        own = (local, self._auth) if self._version == 1 else (local, remote, self._auth)
        line = self.manners.get("cookie_line", "{};TIMEOUT=86400")
        cookie = line.format(f"{self.manners.get('cookie', 'TP_SESSIONID')}={self._cookie}")
        words = remote + _sha(*own) + (b"\n" if self.manners.get("newline") else b"")
        return Reply(200, words, {"Content-Type": "application/octet-stream", "Set-Cookie": cookie})

    def _lost(self) -> Reply:
        code = self.manners.get("lost_code")
        return Reply(403) if code is None else _json({"error_code": code})


class Passthrough:
    """securePassthrough; one session at a time.  version: of the login that it takes, 1 or 2.

    logins: those that it took.  failed: those that it refused.
    """

    name = "aes"

    def __init__(self, version: int = 2, manners: LineManners | None = None) -> None:
        self._version, self.manners = version, manners or {}
        self.logins = self.failed = 0
        self.forget()

    def forget(self) -> None:
        self._keys, self._cookie, self._token, self._used = b"", "", "", False

    def front(self, _body: bytes) -> Reply:
        code = self.manners.get("unknown_front")
        return page() if code is None else _json({"error_code": code})

    def serve(self, path: str, cookie: str, body: bytes, methods: Methods) -> Reply:
        where, _, token = path.partition("?token=")
        if where != "/app":
            return page()
        call = json.loads(body)
        if call["method"] == "handshake":
            return self._shake(call["params"]["key"])
        wanted = f"{self.manners.get('cookie', 'TP_SESSIONID')}={self._cookie}"
        if call["method"] != "securePassthrough" or not self._cookie or cookie != wanted:
            return self._lost()
        key, iv = self._keys[:16], self._keys[16:]
        try:
            plain = _aes(key, iv, base64.b64decode(call["params"]["request"], validate=True), seal=False)
            inner = json.loads(plain)
        except ValueError:
            return _json({"error_code": -1005})
        if inner["method"] == "login_device":
            if self._used:
                return self._lost()
            self._used = True
            reply = self._login(inner["params"])
        elif not token:
            return page()
        elif token != self._token:
            return self._lost()
        else:
            reply = methods(plain)
            if self.manners.get("plain") == "object":
                return _json({"error_code": 0, "result": {"response": json.loads(reply)}})
            if self.manners.get("plain") == "text":
                return _json({"error_code": 0, "result": {"response": reply.decode()}})
        return _json({"error_code": 0, "result": {"response": self._b64(_aes(key, iv, reply, seal=True))}})

    def _shake(self, pem: str) -> Reply:
        public = load_pem_public_key(pem.encode())
        if not isinstance(public, RSAPublicKey) or public.key_size != 1024:
            return _json({"error_code": -1010})
        self.forget()
        self._keys, self._cookie = os.urandom(32), os.urandom(16).hex().upper()
        line = self.manners.get("cookie_line", "{};TIMEOUT=1440")
        said = {"Set-Cookie": line.format(f"{self.manners.get('cookie', 'TP_SESSIONID')}={self._cookie}")}
        sealed = self._b64(public.encrypt(self._keys, PKCS1v15()))
        return Reply(200, json.dumps({"error_code": 0, "result": {"key": sealed}}).encode(), said)

    def _b64(self, data: bytes) -> str:
        plain = base64.encodebytes(data) if self.manners.get("lines") else base64.b64encode(data)
        return plain.decode()

    def _login(self, params: dict[str, str]) -> bytes:
        user, secret = (each.encode() for each in self.manners.get("account", (USER, SECRET)))
        wanted = {"username": _b64(hashlib.sha1(user).hexdigest().encode())}
        if self._version == 1:
            wanted["password"] = _b64(secret)
        else:
            wanted["password2"] = _b64(hashlib.sha1(secret).hexdigest().encode())
        if wanted.keys() - params.keys():
            return b'{"error_code":-1008}'
        if any(params[name] != it for name, it in wanted.items()):
            self.failed += 1
            return b'{"error_code":-1501}'
        self.logins += 1
        self._token = os.urandom(16).hex().upper()
        return json.dumps({"error_code": 0, "result": {"token": self._token}}).encode()

    def _lost(self) -> Reply:
        return _json({"error_code": self.manners.get("lost_code", 9999)})


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
