"""securePassthrough as a device speaks it: an RSA handshake, a login, then JSON in AES in JSON.

Source: docs/protocol.md, "securePassthrough (AES)".
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tapo_automate.simulator.core import SESSION_S, Core, decode, encode
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.faults import HANDSHAKE, REQUEST
from tapo_automate.simulator.http_server import JSON, STOCK, Reply, Request
from tapo_automate.simulator.padding import BLOCK_BYTES, pad, unpad
from tapo_automate.simulator.refusal import (
    AES_DECODE,
    COMMON_FAILED,
    JSON_DECODE,
    LOCKED,
    LOGIN,
    PARAMS,
    PUBLIC_KEY,
    SESSION_TIMEOUT,
    TERMINAL_UUID,
)
from tapo_automate.simulator.sessions import is_cookie_of, set_cookie

RSA_BITS = 1024
_FIELDS = {1: "password", 2: "password2"}


@dataclass(slots=True)
class _Session:
    name: str
    key: bytes
    vector: bytes
    until: float
    login_tried: bool = False
    token: str | None = None

    def encrypt(self, message: bytes) -> bytes:
        box = Cipher(AES(self.key), CBC(self.vector)).encryptor()
        return box.update(pad(message)) + box.finalize()

    def decrypt(self, ciphertext: bytes) -> bytes | None:
        """Return the message; none of it if its padding was forgotten, None if this is no message under this key.

        An L530 that got a request without its padding cut the JSON off by its last byte, and called it malformed.
        """
        if not ciphertext or len(ciphertext) % BLOCK_BYTES:
            return None
        box = Cipher(AES(self.key), CBC(self.vector)).decryptor()
        whole = box.update(ciphertext) + box.finalize()
        message = unpad(whole)
        forgotten = message is None and whole.endswith((b"}", b" ", b"\n")) and decode(whole) is not None
        return b"" if forgotten else message


class PassthroughDoor:
    """POST /app of a device that speaks securePassthrough; login_version is the highest that it knows."""

    def __init__(self, core: Core, login_version: int) -> None:
        self._core = core
        self._login_version = login_version
        self._session: _Session | None = None

    def stage(self, request: Request) -> str:
        return HANDSHAKE if self._before_login(request) else REQUEST

    def answer(self, request: Request) -> Reply | None:
        """Return the answer, None when the path is not /app."""
        if request.path != "/app":
            return None
        envelope = decode(request.body)
        if envelope is None:
            return self._error(JSON_DECODE, "malformed JSON")
        params = envelope.get("params")
        if envelope.get("method") not in ("handshake", "securePassthrough"):
            return self._error(COMMON_FAILED, f"unencrypted {envelope.get('method')!r}")
        if not isinstance(params, dict):
            return self._error(PARAMS, "no params")
        if envelope["method"] == "handshake":
            return self._shake(params)
        for key in ("terminal_uuid", "terminalUUID"):
            if not isinstance(envelope.get(key, ""), str):
                return self._error(TERMINAL_UUID, key)
        return self._open(request, params)

    def login_step(self, request: Request) -> str | None:
        """Return the step of a login that request asks for, None if it asks for something else."""
        if request.path != "/app" or not self._before_login(request):
            return None
        envelope = decode(request.body)
        steps = {"handshake": "handshake", "securePassthrough": "login_device"}
        return None if envelope is None else steps.get(str(envelope.get("method")))

    def end_session(self) -> None:
        self._session = None

    def _before_login(self, request: Request) -> bool:
        """Whether request comes before there is a token; tp-link-tapo-connect says "token=undefined" then."""
        session = self._session
        return not request.query or (session is not None and session.token is None)

    def _shake(self, params: dict[str, Any]) -> Reply:
        core = self._core
        core.counters.handshakes += 1
        pem = params.get("key")
        if not isinstance(pem, str):
            return self._error(PARAMS, "handshake without a key")
        public = read_public_key(pem)
        if public is None:
            return self._error(PUBLIC_KEY, "key that is no RSA-1024 SubjectPublicKeyInfo PEM")
        secret = core.entropy(2 * BLOCK_BYTES)
        name = core.entropy(16).hex().upper()
        self._session = _Session(name, secret[:BLOCK_BYTES], secret[BLOCK_BYTES:], until=core.monotonic() + SESSION_S)
        body = encode({"error_code": 0, "result": {"key": _b64(public.encrypt(secret, PKCS1v15()))}})
        return Reply(body=body, kind=JSON, cookie=set_cookie(name, SESSION_S))

    def _open(self, request: Request, params: dict[str, Any]) -> Reply:
        session = self._session
        if session is None or not is_cookie_of(session.name, request.headers):
            return self._error(SESSION_TIMEOUT, "request without the cookie of the session")
        if self._core.monotonic() >= session.until:
            self._session = None
            return self._error(SESSION_TIMEOUT, "request after the session's end")
        before_login = self._before_login(request)
        if not before_login and request.query != f"token={session.token}":
            return self._error(SESSION_TIMEOUT, "request with a token that is not the session's")
        wrapped = params.get("request")
        if not isinstance(wrapped, str):
            return self._error(PARAMS, "securePassthrough without a request")
        message = session.decrypt(_unb64(wrapped))
        if message is None:
            return self._error(AES_DECODE, "request that cannot be decrypted")
        if not before_login:
            return self._seal(session, self._core.execute(message), REQUEST)
        inner = decode(message)
        if inner is None:
            return self._seal(session, self._inner(JSON_DECODE, "malformed JSON"), HANDSHAKE)
        if inner.get("method") == "login_device":
            return self._seal(session, self._log_in(session, inner.get("params")), HANDSHAKE)
        if request.query:
            return self._error(SESSION_TIMEOUT, "request with a token before the login")
        self._core.refused("request without a token: stock page")
        return STOCK

    def _log_in(self, session: _Session, params: Any) -> dict[str, Any]:
        core = self._core
        core.counters.logins += 1
        if session.login_tried:
            return self._inner(SESSION_TIMEOUT, "login on a handshake that had one")
        session.login_tried = True
        if core.faults.strikes("locked", HANDSHAKE):
            return self._inner(LOCKED, "login while locked")
        version = self._version_of(params)
        if version is None:
            return self._inner(PARAMS, f"login without username and {_FIELDS[self._login_version]}")
        held = core.credentials()
        rejected = core.faults.strikes("wrong-proof", HANDSHAKE)
        expected = {"username": hashed(held.username), _FIELDS[version]: _secret_of(held, version)}
        # JSON may hold halves of letters, "\ud800", that UTF-8 does not know.
        said = {key: params[key].encode("utf-8", "surrogatepass") for key in expected}
        good = [hmac.compare_digest(said[key], value.encode()) for key, value in expected.items()]
        if rejected or not all(good):
            return self._inner(LOGIN, "login with wrong credentials")
        core.counters.sessions += 1
        session.token = core.entropy(16).hex().upper()
        return {"error_code": 0, "result": {"token": session.token}}

    def _version_of(self, params: Any) -> int | None:
        """Return the version of a login, None if it lacks a parameter.

        Firmware that knows version 2 takes version 1 as well: clients that know no other were used with a P110 and a
        P115 of firmware 1.2.3.
        """
        known = range(self._login_version, 0, -1)
        fields = {key for key, value in params.items() if isinstance(value, str)} if isinstance(params, dict) else set()
        return next((version for version in known if {"username", _FIELDS[version]} <= fields), None)

    def _inner(self, code: int, reason: str) -> dict[str, Any]:
        self._core.refused(f"{reason}: {code}")
        return {"error_code": code}

    def _seal(self, session: _Session, reply: dict[str, Any], stage: str) -> Reply:
        ciphertext = session.encrypt(encode(reply))
        faults = self._core.faults
        if faults and faults.strikes("short", stage):
            ciphertext = ciphertext[: BLOCK_BYTES // 2]
        return Reply(body=encode({"error_code": 0, "result": {"response": _b64(ciphertext)}}), kind=JSON)

    def _error(self, code: int, reason: str) -> Reply:
        self._core.refused(f"{reason}: {code}")
        return Reply(body=encode({"error_code": code}), kind=JSON)


def hashed(text: str) -> str:
    """Return base64 of the lower-case hexadecimal SHA-1, as logins carry it."""
    return _b64(sha1(text.encode()).hexdigest().encode())


def read_public_key(pem: str) -> RSAPublicKey | None:
    """Return the key if it is RSA with 1024 bits, as SubjectPublicKeyInfo in PEM with its line breaks."""
    lines = pem.strip().splitlines()
    if len(lines) < 3 or lines[0] != "-----BEGIN PUBLIC KEY-----" or lines[-1] != "-----END PUBLIC KEY-----":
        return None
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size == RSA_BITS else None


def _secret_of(owner: Credentials, version: int) -> str:
    return hashed(owner.password) if version == 2 else _b64(owner.password.encode())


def _b64(data: bytes) -> str:
    return b64encode(data).decode()


def _unb64(text: str) -> bytes:
    """Return the bytes, none at all if the text is not base64 in one line, with padding."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
