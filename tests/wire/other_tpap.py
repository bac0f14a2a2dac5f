"""TPAP as the second pretend device speaks it, from docs/protocol.md: the points in plain integers, by Jacobi's way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from typing import Any, TypedDict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from wire.other_server import Reply, page

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
Q = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
Point = tuple[int, int, int]  # x/z², y/z³; z is 0 at infinity
VENDOR = b"GqY5o136oa4i6VprTlMW2DpVXxmfW8"


class TpapManners(TypedDict, total=False):
    """What such a device may do otherwise.

    session_id: the session is named so.  start: the first number.  bare: no extra_crypt.  user_hash_type: as offered.
    short_w0: w0 without leading zeros, by the other side of the dispute; always of a salt that makes it short.
    passcode: never set up.  pake: as offered.  lost_code: said of a lost session.  dac: as offered.
    texts: numbers as strings.  ahead: how far its answers' numbers are ahead.  attempts: how many logins may
    fail before it locks.  more: further words in its answers.
    """

    session_id: bool
    start: int
    bare: bool
    user_hash_type: int
    short_w0: bool
    passcode: bool
    pake: list[int]
    lost_code: int
    dac: int
    texts: bool
    ahead: int
    attempts: int
    more: bool


def _twice(a: Point) -> Point:
    x, y, z = a
    if not y or not z:
        return 0, 1, 0
    squared = y * y % P
    s = 4 * x * squared % P
    m = 3 * (x - z * z) * (x + z * z) % P
    found = (m * m - 2 * s) % P
    return found, (m * (s - found) - 8 * squared * squared) % P, 2 * y * z % P


def _plus(a: Point, b: Point) -> Point:
    if not a[2]:
        return b
    if not b[2]:
        return a
    za, zb = a[2] ** 2 % P, b[2] ** 2 % P
    u, v = a[0] * zb % P, b[0] * za % P
    s, t = a[1] * zb * b[2] % P, b[1] * za * a[2] % P
    if u == v:
        return _twice(a) if s == t else (0, 1, 0)
    h, r = v - u, t - s
    square = h * h % P
    cube, shifted = h * square % P, u * square % P
    x = (r * r - cube - 2 * shifted) % P
    return x, (r * (shifted - x) - s * cube) % P, h * a[2] * b[2] % P


def _times(number: int, point: Point) -> Point:
    found: Point = (0, 1, 0)
    for bit in f"{number:b}":
        found = _twice(found)
        if bit == "1":
            found = _plus(found, point)
    return found


def _negative(point: Point) -> Point:
    return point[0], -point[1] % P, point[2]


def _bytes(point: Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse**2 % P, point[1] * inverse**3 % P
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def _point(data: bytes) -> Point | None:
    """Return the point of 33 or 65 bytes, None for what is not on the curve."""
    x = int.from_bytes(data[1:33], "big")
    right = (pow(x, 3, P) - 3 * x + B) % P
    if len(data) == 33 and data[0] in (2, 3):
        y = pow(right, (P + 1) // 4, P)
        return (x, y if y & 1 == data[0] & 1 else P - y, 1) if y * y % P == right else None
    y = int.from_bytes(data[33:], "big")
    return (x, y, 1) if len(data) == 65 and data[0] == 4 and y * y % P == right and x < P else None


def _constant(text: str) -> Point:
    point = _point(bytes.fromhex(text))
    assert point is not None
    return point


G = _constant("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
M = _constant("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
N = _constant("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")


def _hkdf(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    inner = hmac.digest(salt or b"\x00" * 32, secret, "sha256")
    first = hmac.digest(inner, info + b"\x01", "sha256")
    return (first + hmac.digest(inner, first + info + b"\x02", "sha256"))[:size]


def passcode_of(mac: str) -> str:
    """Return what a device that was never set up takes for a password."""
    pairs = bytes.fromhex(mac.replace("-", ""))
    words = VENDOR + pairs[3:] + pairs[:3]
    return _hkdf(words, b"tp-kdf-salt-default-passcode", b"tp-kdf-info-default-passcode", 32).hex().upper()


class Tpap:
    """One device's TPAP: one session at a time.  failed: logins that were refused.  logins: those that were not."""

    name = "tpap"

    def __init__(self, user: str, secret: str, mac: str, manners: TpapManners | None = None) -> None:
        self.manners = manners or {}
        self.offer: dict[str, Any] = {"tls": 0, "port": 80, "dac": self.manners.get("dac", 0), "noc": 0}
        self.offer |= {"pake": [0] if self.manners.get("passcode") else self.manners.get("pake", [2])}
        if "user_hash_type" in self.manners:
            self.offer["user_hash_type"] = self.manners["user_hash_type"]
        self.mac, self._user, self._secret = mac, user, secret
        self.failed = self.logins = 0
        self._begun: dict[str, Any] = {}
        self.forget()

    def forget(self) -> None:
        self._name, self._key, self._base, self._last = "", b"", b"", -1

    def front(self, body: bytes) -> Reply:
        call = json.loads(body)
        if call.get("method") != "login":
            return _said({"error_code": 1003})
        if self.failed >= self.manners.get("attempts", 15):
            return _said({"error_code": -2101, "error_info": {"lockedMinute": 30, "remainAttempts": 0}})
        params = call["params"]
        match params["sub_method"]:
            case "discover":
                return self._say({"sub_method": "discover", "mac": self.mac, "tpap": self.offer})
            case "pake_register":
                return self._register(params)
            case "pake_share":
                return self._share(params)
            case _:
                return _said({"error_code": -1008})

    def _register(self, params: dict[str, Any]) -> Reply:
        admin = hashlib.sha256(b"admin").hexdigest().upper(), hashlib.md5(b"admin").hexdigest()
        wanted = {
            "username": admin[0] if self.manners.get("user_hash_type") == 1 else admin[1],
            "passcode_type": "default_userpw" if self.manners.get("passcode") else "userpw",
        }
        if any(params.get(name) != it for name, it in wanted.items()):
            return _said({"error_code": -1008})
        if 1 not in params["cipher_suites"] or "aes_128_ccm" not in params["encryption"]:
            return _said({"error_code": -1008})
        theirs = base64.b64decode(params["user_random"], validate=True)
        if len(theirs) != 32:
            return _said({"error_code": -1008})
        salt = os.urandom(16)
        w0, w1 = self._stretched(salt)
        while self.manners.get("short_w0") and (w0 >> 248 or w0 >> 247 & 1):  # a zero byte, and one below 0x80
            salt = os.urandom(16)
            w0, w1 = self._stretched(salt)
        own, mine = secrets.randbelow(Q - 1) + 1, os.urandom(32)
        share = _plus(_times(own, G), _times(w0, N))
        context = hashlib.sha256(b"PAKE V1" + theirs + mine).digest()
        self._begun = {"w0": w0, "w1": w1, "own": own, "share": share, "context": context}
        told: dict[str, Any] = {"dev_random": _b64(mine), "dev_salt": _b64(salt), "dev_share": _b64(_bytes(share))}
        told |= {"cipher_suites": 1, "iterations": self._rounds, "encryption": "aes_128_ccm"}
        if not self.manners.get("bare"):
            told["extra_crypt"] = {"type": "password_shadow", "params": {"passwd_id": 2, "passwd_prefix": ""}}
        return self._say(told)

    @property
    def _rounds(self) -> int:
        return 1 if self.manners.get("short_w0") else 3000

    def _stretched(self, salt: bytes) -> tuple[int, int]:
        if self.manners.get("passcode"):
            word = passcode_of(self.mac)
        elif self.manners.get("bare"):
            word = f"{self._user}/{self._secret}"
        else:
            word = hashlib.sha1(self._secret.encode()).hexdigest()
        long = hashlib.pbkdf2_hmac("sha256", word.encode(), salt, self._rounds, 80)
        return int.from_bytes(long[:40], "big") % Q, int.from_bytes(long[40:], "big") % Q

    def _share(self, params: dict[str, Any]) -> Reply:
        begun, self._begun = self._begun, {}
        data = base64.b64decode(params["user_share"], validate=True)
        theirs = _point(data)
        if not begun or theirs is None:
            return _said({"error_code": -1008})
        own, w0 = begun["own"], begun["w0"]
        z = _times(own, _plus(theirs, _negative(_times(w0, M))))
        v = _times(own, _times(begun["w1"], G))
        written = w0.to_bytes(31 if self.manners.get("short_w0") else 32, "big")
        rows = [begun["context"], b"", b"", *map(_bytes, (M, N)), data, *map(_bytes, (begun["share"], z, v)), written]
        whole = hashlib.sha256(b"".join(len(row).to_bytes(8, "little") + row for row in rows)).digest()
        proofs, shared = _hkdf(whole, b"", b"ConfirmationKeys", 64), _hkdf(whole, b"", b"SharedKey", 32)
        if base64.b64decode(params["user_confirm"]) != hmac.digest(proofs[:32], _bytes(begun["share"]), "sha256"):
            self.failed += 1
            left = self.manners.get("attempts", 15) - self.failed
            info = {"failedAttempts": self.failed, "remainAttempts": left, "lockedMinute": 0 if left else 30}
            return _said({"error_code": -2203, "error_info": info})
        self.logins += 1
        self._key = _hkdf(shared, b"tp-kdf-salt-aes128-key", b"tp-kdf-info-aes128-key", 16)
        self._base = _hkdf(shared, b"tp-kdf-salt-aes128-iv", b"tp-kdf-info-aes128-iv", 12)[:8]
        self._name, first = os.urandom(16).hex().upper(), self.manners.get("start", 1)
        self._last = first - 1
        told = {"dev_confirm": _b64(hmac.digest(proofs[32:], data, "sha256")), "start_seq": first}
        return self._say(told | {"sessionId" if self.manners.get("session_id") else "stok": self._name})

    def serve(self, path: str, _cookie: str, body: bytes, methods: Callable[[bytes], bytes]) -> Reply:
        if path.startswith("/app/handshake"):
            return Reply(403)
        if not (path.startswith("/stok=") and path.endswith("/ds")):
            return page()
        if not self._name or path != f"/stok={self._name}/ds":
            return _said({"error_code": self.manners.get("lost_code", -2203)})
        number = int.from_bytes(body[:4], "big")
        if number <= self._last:
            return _said({"error_code": self.manners.get("lost_code", -2203)})
        try:
            plain = AESCCM(self._key).decrypt(self._base + body[:4], body[4:], None)
        except InvalidTag:
            return _said({"error_code": -1005})
        self._last = number
        answered = (number + self.manners.get("ahead", 0)).to_bytes(4, "big")
        sealed = AESCCM(self._key).encrypt(self._base + answered, methods(plain), None)
        return Reply(200, answered + sealed, {"Content-Type": "application/octet-stream"})

    def _say(self, result: dict[str, Any]) -> Reply:
        if self.manners.get("texts"):
            result = {name: str(it) if isinstance(it, int) else it for name, it in result.items()}
        if self.manners.get("more"):
            result |= {"version": 3, "dac_ca": "", "notes": ["x"], "tss": None}
        return _said({"error_code": 0, "result": result})


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _said(words: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps(words, separators=(",", ":")).encode())
