"""A pretend TPAP device in memory, with faults by script.

Written from docs/protocol.md, "TPAP", with the standard library and AES-CCM alone: its points are integers added by the
schoolbook, so that nothing of the client computes an answer here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tapo_automate.wire.exchange import Request, Response
from wire.peers import PASSWORD, USER, Peer, status, stock_page

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
Xy = tuple[int, int]

MAC = "AA-BB-CC-DD-EE-FF"


def unpack(compressed: str) -> Xy:
    """Return the point of 33 bytes in hex."""
    data = bytes.fromhex(compressed)
    x = int.from_bytes(data[1:], "big")
    y = pow(x**3 - 3 * x + B, (PRIME + 1) // 4, PRIME)
    return x, y if y % 2 == data[0] % 2 else PRIME - y


G = unpack("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
M = unpack("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
N = unpack("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")


def add(p: Xy | None, q: Xy | None) -> Xy | None:
    """Return the sum; None is the point at infinity."""
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % PRIME == 0:
            return None
        slope = (3 * p[0] ** 2 - 3) * pow(2 * p[1], -1, PRIME) % PRIME
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, PRIME) % PRIME
    x = (slope**2 - p[0] - q[0]) % PRIME
    return x, (slope * (p[0] - x) - p[1]) % PRIME


def mul(k: int, p: Xy | None) -> Xy | None:
    found = None
    while k:
        if k & 1:
            found = add(found, p)
        p, k = add(p, p), k >> 1
    return found


def pack(p: Xy | None) -> bytes:
    assert p is not None
    return b"\4" + p[0].to_bytes(32, "big") + p[1].to_bytes(32, "big")


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    pseudo = hmac.digest(salt or bytes(32), secret, "sha256")
    found, block = b"", b""
    while len(found) < length:
        block = hmac.digest(pseudo, block + info + bytes([len(found) // 32 + 1]), "sha256")
        found += block
    return found[:length]


def fixed(w0: int) -> bytes:
    return w0.to_bytes(32, "big")


def minimal(w0: int) -> bytes:
    """The other form of w0: no zero bytes in front, but for one that evens out an odd length with the top bit set."""
    text = f"{w0:x}"
    data = bytes.fromhex("0" * (len(text) % 2) + text)
    return b"\0" + data if len(data) % 2 and data[0] & 0x80 else data


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class TpapPeer(Peer):
    """A TPAP device of cipher suite 1.

    word: what it has of the password, as extra_crypt says.  salts: of the logins to come, the last for ever.  encode:
    how it writes w0.  offer: what it says of itself.  terms, end: what differs in its answers to the two steps; None
    leaves a field out.  refusals: what it answers to the next steps of a login instead, by sub_method.
    """

    def __init__(self, user: str = USER, password: str = PASSWORD) -> None:
        super().__init__(user, password)
        self.word = hashlib.sha1(password.encode()).hexdigest().encode()
        self.salts = [bytes(range(0x40, 0x50))]
        self.encode: Callable[[int], bytes] = fixed
        self.iterations = 50
        self.offer: dict[str, Any] = {"tls": 0, "port": 80, "dac": 0, "noc": 0, "pake": [2], "user_hash_type": 0}
        self.terms: dict[str, Any] = {}
        self.end: dict[str, Any] = {}
        self.refusals: dict[str, list[Response]] = {}
        self.asked: list[dict[str, Any]] = []  # the parameters of each login step
        self.doors: list[Any] = []
        self.seqs: list[int] = []
        self.start_seq = 1
        self.failed = 0
        self.stok = ""
        self.confirm_flip = 0

    def __call__(self, request: Request) -> Response:
        self.paths.append(request.path)
        self.doors.append(request.door)
        if request.path == "/":
            return self.log_in(json.loads(request.body))
        return self.answer(request)

    def log_in(self, call: dict[str, Any]) -> Response:
        assert call["method"] == "login"
        params = call["params"]
        step = params["sub_method"]
        if step == "discover":
            offer = {"mac": MAC, "tpap": self.offer}
            return self.discover or Response(200, json.dumps({"error_code": 0, "result": offer}).encode())
        self.asked.append(params)
        if self.refusals.get(step):
            return self.refusals[step].pop(0)
        return self.register(params) if step == "pake_register" else self.share(params)

    def register(self, params: dict[str, Any]) -> Response:
        self.handshakes += 1
        salt = self.salts.pop(0) if len(self.salts) > 1 else self.salts[0]
        data = hashlib.pbkdf2_hmac("sha256", self.word, salt, self.iterations, 80)
        self.w0, w1 = (int.from_bytes(half, "big") % ORDER for half in (data[:40], data[40:]))
        self.verifier = mul(w1, G)
        self.y = int.from_bytes(hashlib.sha256(b"y%d" % self.handshakes).digest(), "big") % ORDER
        self.own = add(mul(self.y, G), mul(self.w0, N))
        self.random = hashlib.sha256(b"random%d" % self.handshakes).digest()
        self.context = hashlib.sha256(b"PAKE V1" + base64.b64decode(params["user_random"]) + self.random).digest()
        return self.say(
            {
                "dev_random": b64(self.random),
                "dev_salt": b64(salt),
                "dev_share": b64(pack(self.own)),
                "cipher_suites": 1,
                "iterations": self.iterations,
                "encryption": "aes_128_ccm",
                "extra_crypt": {"type": "password_shadow", "params": {"passwd_id": 2}},
            }
            | self.terms
        )

    def share(self, params: dict[str, Any]) -> Response:
        share = base64.b64decode(params["user_share"])
        theirs = int.from_bytes(share[1:33], "big"), int.from_bytes(share[33:], "big")
        masked = mul(ORDER - self.w0, M)
        z, v = mul(self.y, add(theirs, masked)), mul(self.y, self.verifier)
        items = [
            self.context,
            b"",
            b"",
            pack(M),
            pack(N),
            share,
            pack(self.own),
            pack(z),
            pack(v),
            self.encode(self.w0),
        ]
        digest = hashlib.sha256(b"".join(len(item).to_bytes(8, "little") + item for item in items)).digest()
        keys = hkdf(digest, b"", b"ConfirmationKeys", 64)
        if base64.b64decode(params["user_confirm"]) != hmac.digest(keys[:32], pack(self.own), "sha256"):
            self.failed += 1
            info = {"lockedMinute": 0, "failedAttempts": self.failed, "remainAttempts": 15 - self.failed}
            return Response(200, json.dumps({"error_code": -2203, "error_info": info}).encode())
        self.logins += 1
        secret = hkdf(digest, b"", b"SharedKey", 32)
        self.key = hkdf(secret, b"tp-kdf-salt-aes128-key", b"tp-kdf-info-aes128-key", 16)
        self.base = hkdf(secret, b"tp-kdf-salt-aes128-iv", b"tp-kdf-info-aes128-iv", 12)
        self.stok = f"STOK{self.logins}"
        confirm = bytearray(hmac.digest(keys[32:], share, "sha256"))
        confirm[0] ^= self.confirm_flip
        return self.say({"dev_confirm": b64(bytes(confirm)), "stok": self.stok, "start_seq": self.start_seq} | self.end)

    def say(self, result: dict[str, Any]) -> Response:
        result = {name: value for name, value in result.items() if value is not None}
        return Response(200, json.dumps({"error_code": 0, "result": result}).encode())

    def answer(self, request: Request) -> Response:
        if not request.path.endswith("/ds"):
            return status(403) if request.path == "/app/handshake1" else stock_page()
        assert request.headers["Content-Type"] == "application/octet-stream"
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault if isinstance(fault, Response) else fault(self, request)
        if request.path != f"/stok={self.stok}/ds":
            return Response(200, b'{"error_code":-2203}')
        return self.obey(request)

    def obey(self, request: Request) -> Response:
        number = request.body[:4]
        self.seqs.append(int.from_bytes(number, "big"))
        return Response(200, self.frame(number, self.carry_out(self.opened(request.body))))

    def opened(self, frame: bytes) -> bytes:
        return AESCCM(self.key).decrypt(self.base[:8] + frame[:4], frame[4:], None)

    def frame(self, number: bytes, plain: bytes) -> bytes:
        return number + AESCCM(self.key).encrypt(self.base[:8] + number, plain, None)
