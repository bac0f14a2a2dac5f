"""TPAP as a device speaks it: a password-authenticated key exchange in JSON, then numbered ciphertexts.

Source: docs/protocol.md, "TPAP".
"""

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5, sha256
from typing import Any

from tapo_automate.simulator import p256, pake
from tapo_automate.simulator.core import SESSION_S, Core, decode, encode
from tapo_automate.simulator.faults import HANDSHAKE, PROBE, REQUEST
from tapo_automate.simulator.http_server import JSON, Reply, Request
from tapo_automate.simulator.lockout import Lockout
from tapo_automate.simulator.offer import Tpap
from tapo_automate.simulator.refusal import ACCESS, JSON_DECODE, LOCKED, OTHER_PROTOCOL, PARAMS

RANDOM_BYTES = 32
SALT_BYTES = 16
SUITE = 1  # P-256, SHA-256, HKDF-SHA256, HMAC-SHA256
CIPHER = "aes_128_ccm"
ABSURD_ITERATIONS = 2_000_000_000
LOGIN_STEPS = ("pake_register", "pake_share")
PASSCODE_TYPES = {0: "default_userpw", 2: "userpw"}
USER_NAMES = {0: md5(b"admin").hexdigest(), 1: sha256(b"admin").hexdigest().upper()}
_DATA_PATH = re.compile(r"/stok=([^/]*)/ds")
_LEAST_BYTES = pake.SEQUENCE_BYTES + pake.TAG_BYTES


@dataclass(slots=True)
class _Session:
    name: str
    keys: pake.Keys
    number: int
    until: float


class TpapDoor:
    """The path / and those below /stok= of a device that speaks TPAP; it has room for one session."""

    def __init__(self, core: Core, tpap: Tpap, lockout: Lockout, port: Callable[[], int]) -> None:
        """port: of the door behind which logins are taken."""
        self._core = core
        self._tpap = tpap
        self._lockout = lockout
        self._port = port
        self._begun: pake.Exchange | None = None
        self._session: _Session | None = None

    def stage(self, request: Request) -> str:
        if request.path == "/":
            return HANDSHAKE if self.login_step(request) else PROBE
        return REQUEST if _DATA_PATH.fullmatch(request.path) else PROBE

    def answer(self, request: Request) -> Reply | None:
        """Return the answer, None when the path is none of TPAP's."""
        if request.path == "/":
            return self._log_in(request)
        match = _DATA_PATH.fullmatch(request.path)
        return None if match is None else self._serve(request, match[1])

    def login_step(self, request: Request) -> str | None:
        """Return the step of a login that request asks for, None if it asks for something else."""
        params = _login_params(decode(request.body)) if request.path == "/" else None
        step = None if params is None else params.get("sub_method")
        return step if step in LOGIN_STEPS else None

    def end_session(self) -> None:
        self._begun = self._session = None

    def _log_in(self, request: Request) -> Reply:
        core = self._core
        envelope = decode(request.body)
        if envelope is None:
            return self._refuse(JSON_DECODE, "malformed JSON")
        params = _login_params(envelope)
        if params is None:
            return self._refuse(OTHER_PROTOCOL, f"unencrypted {envelope.get('method')!r}")
        step = params.get("sub_method")
        if step not in ("discover", *LOGIN_STEPS):
            return self._refuse(PARAMS, "login without a sub_method that is known")
        if step == "pake_register":
            core.counters.handshakes += 1
        if core.faults.strikes("locked", HANDSHAKE):
            return self._refuse(LOCKED, f"{step} while locked")
        if self._lockout.is_locked(self._now_s()):
            return self._refuse(LOCKED, f"{step} while locked", self._lockout.told(self._now_s()))
        if step == "discover":
            return self._discover()
        if self._tpap.tls and not request.secure:
            return self._refuse(OTHER_PROTOCOL, f"{step} without TLS")
        return self._register(params) if step == "pake_register" else self._share(params)

    def _discover(self) -> Reply:
        offer = self._tpap.announced(self._port()) | {"user_hash_type": self._tpap.user_hash_type}
        mac = self._core.appliance.info.get("mac", "")
        return _plain({"error_code": 0, "result": {"sub_method": "discover", "mac": mac, "tpap": offer}})

    def _register(self, params: dict[str, Any]) -> Reply:
        core, tpap = self._core, self._tpap
        client_random = _unb64(params.get("user_random"))
        suites, ciphers = params.get("cipher_suites"), params.get("encryption")
        if len(client_random) != RANDOM_BYTES:
            return self._refuse(PARAMS, f"user_random that is not base64 of {RANDOM_BYTES} bytes")
        if not isinstance(suites, list) or not any(type(suite) is int and suite == SUITE for suite in suites):
            return self._refuse(PARAMS, f"cipher_suites without {SUITE}")
        if not isinstance(ciphers, list) or CIPHER not in ciphers:
            return self._refuse(PARAMS, f"encryption without {CIPHER}")
        if params.get("passcode_type") != PASSCODE_TYPES[tpap.pake]:
            return self._refuse(PARAMS, f"passcode_type that is not {PASSCODE_TYPES[tpap.pake]}")
        if not isinstance(params.get("username"), str):
            return self._refuse(PARAMS, "pake_register without a username")
        if params["username"] != USER_NAMES[tpap.user_hash_type]:
            return self._deny("a username that is not the hash it wants")
        text = self._stretched()
        device_random, salt = core.entropy(RANDOM_BYTES), core.entropy(SALT_BYTES)
        iterations = tpap.iterations
        if core.faults.strikes("short-w0", HANDSHAKE):
            iterations = pake.disputed(text, salt, iterations)
        own = int.from_bytes(core.entropy(32), "big") % (p256.ORDER - 1) + 1
        begun = pake.Exchange(pake.stretch(text, salt, iterations), tpap.w0, client_random, device_random, own)
        self._session = None  # there is room for one
        self._begun = begun
        share = begun.share
        if core.faults.strikes("off-curve", HANDSHAKE):
            share = share[:-1] + bytes([share[-1] ^ 1])
        if core.faults.strikes("iterations", HANDSHAKE):
            iterations = ABSURD_ITERATIONS
        result = {
            "dev_random": _b64(device_random),
            "dev_salt": _b64(salt),
            "dev_share": _b64(share),
            "cipher_suites": SUITE,
            "iterations": iterations,
            "encryption": CIPHER,
        }
        if tpap.extra_crypt != "none":
            result["extra_crypt"] = {"type": tpap.extra_crypt, "params": {"passwd_id": 2}}
        return _plain({"error_code": 0, "result": result}, granted=True)

    def _stretched(self) -> str:
        """Return the text from which both sides make the secret."""
        if self._tpap.pake == 0:
            return pake.passcode(str(self._core.appliance.info.get("mac", "")))
        return pake.shadow(self._core.credentials(), self._tpap.extra_crypt)

    def _share(self, params: dict[str, Any]) -> Reply:
        core, begun = self._core, self._begun
        core.counters.logins += 1
        if begun is None:
            return self._refuse(PARAMS, "pake_share without a pake_register before it")
        self._begun = None
        proof = _unb64(params.get("user_confirm"))
        keys = begun.agree(_unb64(params.get("user_share")))
        if keys is None:
            return self._refuse(PARAMS, "user_share that is no point of the curve")
        if not proof:
            return self._refuse(PARAMS, "pake_share without user_confirm")
        if not hmac.compare_digest(keys.client_proof, proof):
            return self._deny("pake_share with a wrong proof")
        self._lockout.forgive()
        core.counters.sessions += 1
        name = core.entropy(16).hex().upper()
        number = int.from_bytes(core.entropy(2), "big") + 1
        self._session = _Session(name, keys, number, core.monotonic() + SESSION_S)
        wrong = core.faults.strikes("wrong-proof", HANDSHAKE)
        answer = core.faults.noise(len(proof)) if wrong else keys.device_proof
        return _plain(
            {"error_code": 0, "result": {"dev_confirm": _b64(answer), "stok": name, "start_seq": number}}, granted=True
        )

    def _serve(self, request: Request, name: str) -> Reply:
        core, session = self._core, self._session
        if session is None or name != session.name or request.secure != bool(self._tpap.tls):
            return self._miss("request without the stok of the session")
        if core.monotonic() >= session.until:
            return self._lose("request after the session's end")
        number = int.from_bytes(request.body[: pake.SEQUENCE_BYTES], "big")
        if len(request.body) < _LEAST_BYTES:
            return self._lose(f"request of {len(request.body)} bytes")
        if number != session.number:
            return self._lose(f"request with the number {number}, expected {session.number}")
        message = session.keys.open(request.body)
        if message is None:
            return self._lose("request with a wrong tag")
        session.number = (number + 1) % 2**32
        number = session.number if self._tpap.answers == "next" else number
        return self._seal(session, number, encode(core.execute(message)))

    def _seal(self, session: _Session, number: int, message: bytes) -> Reply:
        faults = self._core.faults
        frame = session.keys.seal(number, message)
        if faults and faults.strikes("short", REQUEST):
            frame = frame[: _LEAST_BYTES // 2]
        if faults and faults.strikes("bad-signature", REQUEST):
            frame = frame[:-1] + bytes([frame[-1] ^ 1])
        return Reply(body=frame)

    def _lose(self, reason: str) -> Reply:
        self._session = None
        return self._miss(reason)

    def _miss(self, reason: str) -> Reply:
        """Answer a request that has no session, in plain JSON or by a status."""
        lost = self._tpap.lost
        if lost != "403":
            return self._refuse(int(lost), reason)
        self._core.refused(f"{reason}: HTTP 403")
        return Reply(403)

    def _deny(self, reason: str) -> Reply:
        """Refuse a login and count it."""
        self._begun = None
        self._lockout.fail(self._now_s())
        return self._refuse(ACCESS, reason, self._lockout.told(self._now_s()))

    def _refuse(self, code: int, reason: str, info: dict[str, int] | None = None) -> Reply:
        self._core.refused(f"{reason}: {code}")
        return _plain({"error_code": code} | ({} if info is None else {"error_info": info}))

    def _now_s(self) -> float:
        self._core.appliance.settle()
        return self._core.appliance.elapsed_s


def _login_params(envelope: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the params of a login, None for any other message."""
    if envelope is None or envelope.get("method") != "login":
        return None
    params = envelope.get("params")
    return params if isinstance(params, dict) else None


def _plain(reply: dict[str, Any], *, granted: bool = False) -> Reply:
    return Reply(body=encode(reply), kind=JSON, granted=granted)


def _b64(data: bytes) -> str:
    return b64encode(data).decode()


def _unb64(text: Any) -> bytes:
    """Return the bytes, none at all if it is not base64 in one line, with padding."""
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
