"""A bare TPAP client for the tests, written from the protocol's text on another project's curve (ecdsa)."""

import hmac
import http.client
import json
import os
import ssl
from base64 import b64decode, b64encode
from hashlib import md5, pbkdf2_hmac, sha1, sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from ecdsa import NIST256p
from ecdsa.ellipticcurve import PointJacobi

from simulator.speaking import PASSWORD, TIMEOUT_S, Answer

G, ORDER = NIST256p.generator, NIST256p.order
M = PointJacobi.from_bytes(
    NIST256p.curve, bytes.fromhex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")
)
N = PointJacobi.from_bytes(
    NIST256p.curve, bytes.fromhex("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")
)
QUICK = "iterations=10"  # how long a password is stretched matters to few tests
ADMIN = md5(b"admin").hexdigest()


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def derived(key: bytes, label: str, length: int, salt: str | None = None) -> bytes:
    return HKDF(SHA256(), length, None if salt is None else salt.encode(), label.encode()).derive(key)


def uncompressed(point: Any) -> bytes:
    return bytes(point.to_bytes("uncompressed"))


class TpapClient:
    """One login and its session; every step can be bent by naming what is to be sent instead."""

    def __init__(
        self, device: Any, password: str = PASSWORD, *, text: str | None = None, form: str = "rfc", secure: bool = False
    ) -> None:
        """text: what is stretched, if it is not the SHA-1 of the password."""
        self.device = device
        self.text = sha1(password.encode()).hexdigest() if text is None else text
        self.form = form
        self.secure = secure

    def post(self, target: str, body: bytes, *, secure: bool | None = None) -> Answer:
        if self.secure if secure is None else secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            port = self.device.https_port
            connection: Any = http.client.HTTPSConnection(self.device.host, port, timeout=TIMEOUT_S, context=context)
        else:
            connection = http.client.HTTPConnection(self.device.host, self.device.port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", target, body, {"Connection": "close"})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def login(self, sub_method: str, params: dict[str, Any], *, secure: bool | None = None) -> Any:
        """Send a step without the params that are ..., and return the JSON that comes back."""
        sent = {"sub_method": sub_method} | {key: value for key, value in params.items() if value is not ...}
        return self.post("/", json.dumps({"method": "login", "params": sent}).encode(), secure=secure).json

    def discover(self) -> Any:
        return self.login("discover", {})

    def register(self, **changes: Any) -> Any:
        self.random = os.urandom(32)
        usual = {
            "username": ADMIN,
            "user_random": b64(self.random),
            "cipher_suites": [1],
            "encryption": ["aes_128_ccm"],
            "passcode_type": "userpw",
            "stok": None,
        }
        answer = self.login("pake_register", usual | changes)
        if answer["error_code"] == 0:
            self.told = answer["result"]
        return answer

    def derive(self) -> None:
        """Work out what to send, and all that follows."""
        told = self.told
        both = pbkdf2_hmac("sha256", self.text.encode(), b64decode(told["dev_salt"]), told["iterations"], 80)
        self.w0 = int.from_bytes(both[:40], "big") % ORDER
        w1 = int.from_bytes(both[40:], "big") % ORDER
        x = int.from_bytes(os.urandom(32), "big") % (ORDER - 1) + 1
        theirs = b64decode(told["dev_share"])
        point = PointJacobi.from_bytes(NIST256p.curve, theirs)
        rest = point + N * (ORDER - self.w0)
        self.share_bytes = uncompressed(G * x + M * self.w0)
        context = sha256(b"PAKE V1" + self.random + b64decode(told["dev_random"])).digest()
        points = (
            uncompressed(M),
            uncompressed(N),
            self.share_bytes,
            theirs,
            uncompressed(rest * x),
            uncompressed(rest * w1),
        )
        text = b"".join(
            len(item).to_bytes(8, "little") + item for item in (context, b"", b"", *points, self.encoded_w0())
        )
        main = sha256(text).digest()
        keys = derived(main, "ConfirmationKeys", 64)
        self.proof = hmac.digest(keys[:32], theirs, "sha256")
        self.expected_proof = hmac.digest(keys[32:], self.share_bytes, "sha256")
        shared = derived(main, "SharedKey", 32)
        self.box = AESCCM(derived(shared, "tp-kdf-info-aes128-key", 16, "tp-kdf-salt-aes128-key"))
        self.nonce = derived(shared, "tp-kdf-info-aes128-iv", 12, "tp-kdf-salt-aes128-iv")[:8]

    def encoded_w0(self) -> bytes:
        whole = self.w0.to_bytes(32, "big")
        if self.form == "rfc":
            return whole
        brief = whole.lstrip(b"\0")
        return whole[-len(brief) - 1 :] if len(brief) % 2 and brief[0] & 0x80 else brief

    def share(self, **changes: Any) -> Any:
        self.derive()
        usual = {"user_share": b64(self.share_bytes), "user_confirm": b64(self.proof)}
        answer = self.login("pake_share", usual | changes)
        if answer["error_code"] == 0:
            self.begin(answer["result"])
        return answer

    def begin(self, told: dict[str, Any]) -> None:
        self.confirmed = b64decode(told["dev_confirm"]) == self.expected_proof
        self.stok, self.number = told["stok"], told["start_seq"]

    def log_in(self) -> "TpapClient":
        assert self.register()["error_code"] == 0
        assert self.share()["error_code"] == 0
        assert self.confirmed
        return self

    def seal(self, number: int, message: bytes) -> bytes:
        head = number.to_bytes(4, "big")
        return head + self.box.encrypt(self.nonce + head, message, None)

    def send(self, frame: bytes, stok: str | None = None, *, secure: bool | None = None) -> Answer:
        return self.post(f"/stok={self.stok if stok is None else stok}/ds", frame, secure=secure)

    def open(self, frame: bytes) -> Any:
        return json.loads(self.box.decrypt(self.nonce + frame[:4], frame[4:], None))

    def call(self, method: str, params: Any = ...) -> Any:
        request = {"method": method} | ({} if params is ... else {"params": params})
        answer = self.send(self.seal(self.number, json.dumps(request).encode()))
        self.number += 1
        return self.open(answer.body)
