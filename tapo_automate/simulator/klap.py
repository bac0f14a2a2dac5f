"""KLAP as a device speaks it: two handshakes, then signed and numbered ciphertexts.

Source: docs/protocol.md, "KLAP".
"""

import hmac
from hashlib import md5, sha1, sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tapo_automate.simulator.core import SESSION_S, Core, encode
from tapo_automate.simulator.credentials import Credentials
from tapo_automate.simulator.faults import HANDSHAKE, REQUEST
from tapo_automate.simulator.http_server import Reply, Request
from tapo_automate.simulator.padding import BLOCK_BYTES, pad, unpad
from tapo_automate.simulator.refusal import AES_DECODE
from tapo_automate.simulator.sessions import is_cookie_of, set_cookie

SEED_BYTES = 16
SIGNATURE_BYTES = 32  # SHA-256
LOGIN_STEPS = {"/app/handshake1": "handshake1", "/app/handshake2": "handshake2"}


def account_hash(version: int, owner: Credentials) -> bytes:
    """Return the hash of user name and password that both sides know: 16 bytes in version 1, 32 in version 2."""
    user, password = owner.username.encode(), owner.password.encode()
    if version == 1:
        return md5(md5(user).digest() + md5(password).digest()).digest()
    return sha256(sha1(user).digest() + sha1(password).digest()).digest()


class Keys:
    """All that follows from two seeds and an account: proofs, cipher, first number."""

    __slots__ = ("_aes", "_iv", "_signing", "client_proof", "device_proof", "number")

    def __init__(self, version: int, client_seed: bytes, device_seed: bytes, account: bytes) -> None:
        both = client_seed + device_seed + account
        if version == 1:
            self.device_proof = sha256(client_seed + account).digest()
            self.client_proof = sha256(device_seed + account).digest()
        else:
            self.device_proof = sha256(both).digest()
            self.client_proof = sha256(device_seed + client_seed + account).digest()
        self._aes = AES(sha256(b"lsk" + both).digest()[:16])
        vector = sha256(b"iv" + both).digest()
        self._iv = vector[:12]
        self._signing = sha256(b"ldk" + both).digest()[:28]
        self.number = int.from_bytes(vector[-4:], "big", signed=True)

    def sign(self, number: int, ciphertext: bytes) -> bytes:
        return sha256(self._signing + _four(number) + ciphertext).digest()

    def encrypt(self, number: int, message: bytes) -> bytes:
        box = Cipher(self._aes, CBC(self._iv + _four(number))).encryptor()
        return box.update(pad(message)) + box.finalize()

    def decrypt(self, number: int, ciphertext: bytes) -> bytes | None:
        """Return the message, None if this is no ciphertext of whole blocks with proper padding."""
        if not ciphertext or len(ciphertext) % BLOCK_BYTES:
            return None
        box = Cipher(self._aes, CBC(self._iv + _four(number))).decryptor()
        return unpad(box.update(ciphertext) + box.finalize())


class _Session:
    __slots__ = ("keys", "name", "proven", "until")

    def __init__(self, name: str, keys: Keys, until: float) -> None:
        self.name = name
        self.keys = keys
        self.until = until
        self.proven = False


class KlapDoor:
    """The paths below /app of a device that speaks KLAP; it has room for one session."""

    def __init__(self, core: Core, version: int) -> None:
        self._core = core
        self._version = version
        self._session: _Session | None = None

    def stage(self, request: Request) -> str:
        return REQUEST if request.path == "/app/request" else HANDSHAKE

    def answer(self, request: Request) -> Reply | None:
        """Return the answer, None when the path is none of KLAP's."""
        match request.path:
            case "/app/handshake1":
                return self._greet(request)
            case "/app/handshake2":
                return self._admit(request)
            case "/app/request":
                return self._serve(request)
        return None

    def login_step(self, request: Request) -> str | None:
        """Return the step of a login that request asks for, None if it asks for something else."""
        return LOGIN_STEPS.get(request.path)

    def end_session(self) -> None:
        self._session = None

    def _greet(self, request: Request) -> Reply:
        core = self._core
        core.counters.handshakes += 1
        if len(request.body) != SEED_BYTES:
            return self._refuse(400, f"handshake1 of {len(request.body)} bytes")
        seed = core.entropy(SEED_BYTES)
        keys = Keys(self._version, request.body, seed, account_hash(self._version, core.credentials()))
        proof = keys.device_proof
        if core.faults.strikes("wrong-proof", HANDSHAKE):
            proof = core.faults.noise(len(proof))
        name = core.entropy(16).hex().upper()
        self._session = _Session(name, keys, core.monotonic() + SESSION_S)
        tail = b"\n" if core.faults.strikes("handshake-49", HANDSHAKE) else b""
        return Reply(body=seed + proof + tail, cookie=set_cookie(name, SESSION_S))

    def _admit(self, request: Request) -> Reply:
        session = self._session
        if session is None or session.proven or not is_cookie_of(session.name, request.headers):
            return self._refuse(400, "handshake2 without the cookie of a handshake1")
        if not hmac.compare_digest(session.keys.client_proof, request.body):
            self._session = None
            return self._refuse(403, "handshake2 with a wrong proof")
        session.proven = True
        self._core.counters.logins += 1
        self._core.counters.sessions += 1
        return Reply()

    def _serve(self, request: Request) -> Reply:
        core, session = self._core, self._session
        if session is None or not session.proven or not is_cookie_of(session.name, request.headers):
            return self._refuse(403, "request without the cookie of the session")
        if core.monotonic() >= session.until:
            return self._lose("request after the session's end")
        number = following(session.keys.number)
        if request.query != f"seq={number}":
            return self._lose(f"request with {request.query or 'no seq'}, expected seq={number}")
        signature, ciphertext = request.body[:SIGNATURE_BYTES], request.body[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, session.keys.sign(number, ciphertext)):
            return self._lose("request with a wrong signature")
        session.keys.number = number
        message = session.keys.decrypt(number, ciphertext)
        if message is None:
            core.refused("request that cannot be decrypted")
            reply = {"error_code": AES_DECODE}
        else:
            reply = core.execute(message)
        return self._seal(session, number, encode(reply))

    def _seal(self, session: _Session, number: int, message: bytes) -> Reply:
        faults = self._core.faults
        ciphertext = session.keys.encrypt(number, message)
        if faults and faults.strikes("short", REQUEST):
            ciphertext = ciphertext[: BLOCK_BYTES // 2]
        signature = session.keys.sign(number, ciphertext)
        if faults and faults.strikes("bad-signature", REQUEST):
            signature = bytes([signature[0] ^ 1]) + signature[1:]
        return Reply(body=signature + ciphertext)

    def _lose(self, reason: str) -> Reply:
        self._session = None
        return self._refuse(403, reason)

    def _refuse(self, status: int, reason: str) -> Reply:
        self._core.refused(f"{reason}: HTTP {status}")
        return Reply(status)


def following(number: int) -> int:
    """Return the sequence number after number: signed, 32 bits, round the corner."""
    return (number + 1 + 2**31) % 2**32 - 2**31


def _four(number: int) -> bytes:
    return number.to_bytes(4, "big", signed=True)
