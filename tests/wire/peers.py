"""Two pretend devices in memory, with faults by script: `peer(request)` answers a `Response` or raises.

Written from docs/protocol.md with the standard library and AES alone; nothing of the client computes an answer here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tapo_automate.device import Credentials
from tapo_automate.errors import ConnectionLost, Unreachable
from tapo_automate.wire.client import Client
from tapo_automate.wire.exchange import Request, Response
from tapo_automate.wire.passthrough import RsaKey

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)
HTML = b"<html><body><center>200 OK</center></body></html>"
KEY = RsaKey.generate()

Fault = Response | Exception | Callable[["Peer", Request], Response]


def stock_page() -> Response:
    return Response(200, HTML, {"content-type": "text/html"})


def status(code: int) -> Response:
    return Response(code, b"")


class Peer(ABC):
    """What both devices have in common.

    faults: what becomes of the next commands, in order; a callable may let the device carry the command out.
    done: the methods that were carried out.  codes: method -> error codes to answer, in order.
    """

    def __init__(self, user: str = USER, password: str = PASSWORD) -> None:
        self.user, self.password = user, password
        self.faults: list[Fault] = []
        self.discover: Response | None = None
        self.done: list[str] = []
        self.codes: dict[str, list[int]] = {}
        self.paths: list[str] = []
        self.handshakes = 0
        self.logins = 0

    def client(self, **options: Any) -> Client:
        options.setdefault("draw", lambda count: bytes(range(count)))
        return Client("10.0.0.5", options.pop("credentials", ACCOUNT), self, rsa_key=lambda: KEY, **options)

    def __call__(self, request: Request) -> Response:
        self.paths.append(request.path)
        if request.path == "/":
            return self.discover or self.not_here()
        return self.answer(request)

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """Return what this kind of device says to a request of its own protocol."""

    @abstractmethod
    def obey(self, request: Request) -> Response:
        """Carry the command in a request out and answer it."""

    def not_here(self) -> Response:
        return stock_page()

    def carry_out(self, plain: bytes) -> bytes:
        call = json.loads(plain)
        method = call["method"]
        self.done.append(method)
        queue = self.codes.get(method, [])
        code = queue.pop(0) if queue else 0
        answer: dict[str, Any] = {"error_code": code}
        if method == "multipleRequest" and code == 0:
            inner = [json.loads(self.carry_out(json.dumps(item).encode())) for item in call["params"]["requests"]]
            answer["result"] = {
                "responses": [
                    {"method": i["method"]} | o for i, o in zip(call["params"]["requests"], inner, strict=True)
                ]
            }
        elif method.startswith("get_") and code == 0:
            answer["result"] = {"asked": method}
        return json.dumps(answer).encode()


def lost_after(peer: Peer, request: Request) -> Response:
    """The device does as it is told, and the answer is lost."""
    peer.obey(request)
    raise ConnectionLost("10.0.0.5", "the device closed the connection without an answer")


def timed_out_after(peer: Peer, request: Request) -> Response:
    peer.obey(request)
    raise Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)


def garbage_after(peer: Peer, request: Request) -> Response:
    peer.obey(request)
    return Response(200, b"\x99" * 77)


def bad_signature_after(peer: Peer, request: Request) -> Response:
    answer = peer.obey(request)
    return Response(200, bytes([answer.body[0] ^ 1]) + answer.body[1:])


class KlapPeer(Peer):
    """A KLAP v2 device."""

    handshake1_tail = b""
    iv_tail: bytes | None = None

    def __init__(self, user: str = USER, password: str = PASSWORD) -> None:
        super().__init__(user, password)
        self.discover = Response(200, b'{"error_code":1003}')
        self.session: dict[str, Any] = {}

    def answer(self, request: Request) -> Response:
        if request.path == "/app/handshake1":
            self.handshakes += 1
            local, remote = request.body, bytes(range(16, 32))
            auth = hashlib.sha256(_sha1(self.user) + _sha1(self.password)).digest()
            self.session = {"local": local, "remote": remote, "auth": auth}
            proof = hashlib.sha256(local + remote + auth).digest()
            cookie = "TP_SESSIONID=" + "0A" * 16 + ";TIMEOUT=86400"
            return Response(200, remote + proof + self.handshake1_tail, {"set-cookie": cookie}, (cookie,))
        if not request.path.startswith("/app/"):
            return Response(200, b'{"error_code":1003}')
        assert request.headers["Cookie"] == "TP_SESSIONID=" + "0A" * 16
        local, remote, auth = self.session["local"], self.session["remote"], self.session["auth"]
        if request.path == "/app/handshake2":
            self.logins += 1
            return status(200 if request.body == hashlib.sha256(remote + local + auth).digest() else 403)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault if isinstance(fault, Response) else fault(self, request)
        return self.obey(request)

    def obey(self, request: Request) -> Response:
        seeds = self.session["local"] + self.session["remote"] + self.session["auth"]
        number = struct.pack(">i", int(request.path.removeprefix("/app/request?seq=")))
        key = hashlib.sha256(b"lsk" + seeds).digest()[:16]
        iv = hashlib.sha256(b"iv" + seeds).digest()[:12] + number
        signing = hashlib.sha256(b"ldk" + seeds).digest()[:28] + number
        assert request.body[:32] == hashlib.sha256(signing + request.body[32:]).digest()
        answer = _aes(key, iv, self.carry_out(_unaes(key, iv, request.body[32:])))
        return Response(200, hashlib.sha256(signing + answer).digest() + answer)


Answer = dict[str, Any] | int
Scripted = Answer | Callable[[dict[str, Any]], Answer]


class ScriptedPeer(KlapPeer):
    """A KLAP device that answers each method with a result, an error code, or what a function makes of its parameters.

    A method without an answer is unknown to it.  asked: (method, parameters) in order.
    """

    def __init__(self, **answers: Scripted) -> None:
        super().__init__()
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def carry_out(self, plain: bytes) -> bytes:
        call = json.loads(plain)
        method, params = call["method"], call.get("params", {})
        self.done.append(method)
        self.asked.append((method, params))
        scripted = self.answers.get(method, -1002)
        answer = scripted(params) if callable(scripted) else scripted
        reply = {"error_code": answer} if isinstance(answer, int) else {"error_code": 0, "result": answer}
        return json.dumps(reply).encode()


class AesPeer(Peer):
    """A securePassthrough device.  version: of the login."""

    discover_answer = Response(200, b'{"error_code":-1002}')

    def __init__(self, version: int = 2, user: str = USER, password: str = PASSWORD) -> None:
        super().__init__(user, password)
        self.version = version
        self.discover = self.discover_answer
        self.cookie = "TP_SESSIONID=" + "0B" * 16
        self.key = b""
        self.spent = True
        self.token = ""
        self.plain_answers = False

    def answer(self, request: Request) -> Response:
        if not request.path.startswith("/app") or request.path.startswith("/app/"):
            return stock_page()
        body = json.loads(request.body)
        if body["method"] == "handshake":
            return self.shake(body)
        assert request.headers["Cookie"] == self.cookie
        plain = _unaes(self.key[:16], self.key[16:], base64.b64decode(body["params"]["request"]))
        if json.loads(plain)["method"] == "login_device":
            assert request.path == "/app"
            return self.envelope(json.dumps(self.log_in(json.loads(plain)["params"])).encode())
        if request.path != f"/app?token={self.token}":
            return stock_page()
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault if isinstance(fault, Response) else fault(self, request)
        return self.obey(request)

    def obey(self, request: Request) -> Response:
        body = json.loads(request.body)
        return self.envelope(
            self.carry_out(_unaes(self.key[:16], self.key[16:], base64.b64decode(body["params"]["request"])))
        )

    def shake(self, body: dict[str, Any]) -> Response:
        self.handshakes += 1
        self.key = hashlib.sha256(b"%d" % self.handshakes).digest()
        self.spent = False
        public = load_pem_public_key(body["params"]["key"].encode())
        secret = base64.b64encode(public.encrypt(self.key, PKCS1v15())).decode()  # type: ignore[union-attr]
        line = f"{self.cookie};TIMEOUT=1440"
        answer = json.dumps({"error_code": 0, "result": {"key": secret}}).encode()
        return Response(200, answer, {"set-cookie": line}, (line,))

    def log_in(self, params: dict[str, str]) -> dict[str, Any]:
        self.logins += 1
        if self.spent:
            return {"error_code": 9999}
        self.spent = True
        secret = self.password if self.version == 1 else hashlib.sha1(self.password.encode()).hexdigest()
        field = "password" if self.version == 1 else "password2"
        if field not in params:
            return {"error_code": -1008}
        right = {"username": _b64(hashlib.sha1(self.user.encode()).hexdigest()), field: _b64(secret)}
        if params != right:
            return {"error_code": -1501}
        self.token = f"TOKEN{self.handshakes}"
        return {"error_code": 0, "result": {"token": self.token}}

    def envelope(self, plain: bytes) -> Response:
        inner = (
            plain.decode()
            if self.plain_answers
            else base64.b64encode(_aes(self.key[:16], self.key[16:], plain)).decode()
        )
        return Response(200, json.dumps({"error_code": 0, "result": {"response": inner}}).encode())


def _sha1(text: str) -> bytes:
    return hashlib.sha1(text.encode()).digest()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _aes(key: bytes, iv: bytes, plain: bytes) -> bytes:
    fill = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()


def _unaes(key: bytes, iv: bytes, secret: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    plain = decryptor.update(secret) + decryptor.finalize()
    return plain[: -plain[-1]]
