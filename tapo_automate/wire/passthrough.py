"""securePassthrough: the protocol of Tapo devices before 2023, JSON in encrypted JSON.

This file knows no socket, no clock and no randomness: the RSA key is handed in and one object is one login.
The cipher is RSA-1024, PKCS#1 v1.5 and a fixed IV: take it for obfuscation.
Source: docs/protocol.md, "securePassthrough (AES)".
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, SessionLost
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.codes import BAD_PARAMS, LOCKS, Remedy, lookup, refusal, too_many
from tapo_automate.wire.exchange import Request, Response, Steps, Transport
from tapo_automate.wire.identity import ELSEWHERE_TEXT, NO_ACCOUNT_TEXT, REFUSED_TEXT, Candidate
from tapo_automate.wire.klap import BLOCK_BYTES

RSA_BITS = 1024  # any other size is refused with -1010
KEY_BYTES = 16  # AES-128

_JSON = {"Content-Type": "application/json", "Accept": "application/json", "requestByApp": "true"}


class RsaKey:
    """A key pair for handshakes: may serve any number of them, and takes some milliseconds to make."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.pem = public.decode("ascii")

    @classmethod
    def generate(cls) -> RsaKey:
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))

    def decrypt(self, secret: bytes) -> bytes:
        """Return the plain bytes.  Raises ValueError for what cannot be decrypted."""
        return self._private.decrypt(secret, PKCS1v15())


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in.  version: 1 for devices before `lv: 2`, which take the password itself; 2 takes its hash."""

    version: int
    whose: str
    params: Mapping[str, str] = field(repr=False)


def login(version: int, candidate: Candidate) -> Login:
    """Return the login of one candidate.  Source: docs/protocol.md, "Login"."""
    params = {"username": _b64(sha1(candidate.user).hexdigest().encode())}
    if version == 1:
        params["password"] = _b64(candidate.password)
    else:
        params["password2"] = _b64(sha1(candidate.password).hexdigest().encode())
    return Login(version, candidate.whose, params)


def logins(candidates: Sequence[Candidate], version: int | None = None) -> tuple[Login, ...]:
    """Return the logins to try, in order: the account's, then the vendor's default.

    version: what the device is known to take.  If unknown, 2 is tried before 1, so that the password itself is shown
    only to a device that wants nothing else.
    """
    versions = (2, 1) if version is None else (version,)
    holders = [c for whose in ("account", "Tapo default") for c in candidates if c.whose == whose]
    return tuple(login(v, c) for c in holders for v in versions)


class PassthroughCipher:
    """AES-128-CBC with one key and one IV for the whole session, in base64."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._secret = key + iv
        self._aes = AES(key)
        self._mode = CBC(iv)

    @classmethod
    def of(cls, secret: bytes) -> PassthroughCipher:
        """Return the cipher of a key with the IV behind it."""
        return cls(secret[:KEY_BYTES], secret[KEY_BYTES:])

    def keep(self) -> str:
        return self._secret.hex()

    def encrypt(self, plain: bytes) -> str:
        fill = BLOCK_BYTES - len(plain) % BLOCK_BYTES
        encryptor = Cipher(self._aes, self._mode).encryptor()
        return _b64(encryptor.update(plain + bytes((fill,)) * fill) + encryptor.finalize())

    def decrypt(self, text: str) -> bytes | None:
        """Return the plain bytes, or None if these are not a device's."""
        try:
            secret = b64decode("".join(text.split()), validate=True)
        except ValueError:
            return None
        if not secret or len(secret) % BLOCK_BYTES:
            return None
        plain = Cipher(self._aes, self._mode).decryptor().update(secret)
        fill = plain[-1]
        if not 1 <= fill <= BLOCK_BYTES or plain[-fill:] != bytes((fill,)) * fill:
            return None
        return plain[:-fill]


class PassthroughSession:
    """One securePassthrough conversation.  logins: from `logins()`, at least one.  key: None needs no handshake.

    After the handshake, opened_with says whose credentials the device took.  login_version is the version of the login
    that it speaks, 1 or 2: the one that it took, or the only one that it refused as wrong rather than unknown, or None.
    """

    transport = Transport.AES

    def __init__(self, host: str, logins: Sequence[Login], key: RsaKey | None) -> None:
        self._host = host
        self._logins = logins
        self._key = key
        self._cipher: PassthroughCipher | None = None
        self._headers: Mapping[str, str] = _JSON
        self._path = "/app"
        self.login_version: int | None = None
        self.opened_with = ""

    def handshake(self) -> Steps:
        """Yield a key exchange and a login, and for each further way to log in both anew.

        A device answers a second login on the same key exchange with 9999 whatever it holds.  One that locks counts
        failures, so there are three logins at most: both versions for the account, unless the device shows that it does
        not know one, and one for the vendor's default.
        Raises AuthRefused when none of them is taken.  Source: docs/protocol.md, "Handshake" and "Login".
        """
        refused: DeviceError | None = None
        wrong: set[tuple[str, int]] = set()  # (whose, version) that were refused as credentials
        unknown: set[int] = set()  # versions that were refused as parameters
        for attempt in self._logins:
            default_was_wrong = attempt.whose != "account" and any(whose == attempt.whose for whose, _ in wrong)
            if attempt.version in unknown or default_was_wrong:
                continue
            code = yield from self._log_in(attempt)
            if code == 0:
                return
            error = refusal(self._host, "login_device", code)
            if isinstance(error, SessionLost | Busy) or code in LOCKS:
                raise error
            if isinstance(error, AuthRefused):
                wrong.add((attempt.whose, attempt.version))
            elif code == BAD_PARAMS:
                unknown.add(attempt.version)
            if refused is None or isinstance(error, AuthRefused):
                refused = error
        known = {version for _, version in wrong}
        if len(known) == 1 and unknown:
            (self.login_version,) = known
        if refused is None or isinstance(refused, AuthRefused):
            has_account = any(attempt.whose == "account" for attempt in self._logins)
            raise AuthRefused(self._host, REFUSED_TEXT if has_account else NO_ACCOUNT_TEXT)
        raise refused

    def _log_in(self, attempt: Login) -> Generator[Request, Response, int]:
        """Yield a key exchange and one login; return the device's code for it, 0 if it was taken."""
        assert self._key is not None, "a resumed session shakes no hands"
        self._path = "/app"
        answer = yield Request("/app", _compact("handshake", {"key": self._key.pem}), _JSON)
        self._read_key(answer, self._key)
        answer = yield self.seal(_compact("login_device", attempt.params))
        reply = json_object(self.unseal(answer))
        if reply is None:
            raise Garbled(self._host, "the answer to the login is not JSON")
        code = error_code(reply)
        if code == 0:
            self._path = f"/app?token={quote(self._token(reply), safe='/=', errors='surrogatepass')}"
            self.login_version = attempt.version
            self.opened_with = attempt.whose
        return code

    def keep(self) -> dict[str, str | int] | None:
        if self._cipher is None:
            return None
        return {
            "transport": self.transport.value,
            "secret": self._cipher.keep(),
            "path": self._path,
            "cookie": self._headers.get("Cookie", ""),
            "opened_with": self.opened_with,
            "login_version": self.login_version or 0,
        }

    @classmethod
    def resume(cls, host: str, kept: Mapping[str, Any]) -> PassthroughSession | None:
        """Return the session that `keep` described, or None."""
        path, cookie, secret, version = (kept.get(name) for name in ("path", "cookie", "secret", "login_version"))
        if not (isinstance(path, str) and path.startswith("/app") and isinstance(cookie, str)):
            return None
        try:
            pair = bytes.fromhex(secret) if isinstance(secret, str) else b""
        except ValueError:
            return None
        if len(pair) != 2 * KEY_BYTES:
            return None
        session = cls(host, (), None)
        session._cipher = PassthroughCipher.of(pair)
        session._path = path
        session._headers = {**_JSON, "Cookie": cookie} if cookie else _JSON
        session.opened_with = str(kept.get("opened_with", ""))
        session.login_version = version if version in (1, 2) else None
        return session

    def seal(self, plain: bytes) -> Request:
        assert self._cipher is not None, "seal before handshake"
        body = _compact("securePassthrough", {"request": self._cipher.encrypt(plain)})
        return Request(self._path, body, self._headers)

    def unseal(self, response: Response) -> bytes:
        """Return the inner answer; of an envelope that carries an error or no inner one, the envelope itself."""
        assert self._cipher is not None, "unseal before handshake"
        envelope = self._read_envelope(response)
        result = envelope.get("result")
        inner = result.get("response") if isinstance(result, Mapping) else None
        if inner is None and "error_code" not in envelope:
            raise Garbled(self._host, "the device answered a command with JSON of another kind", outcome_unknown=True)
        if inner is None or error_code(envelope) != 0:
            return response.body
        if isinstance(inner, Mapping):
            return json.dumps(inner).encode()
        if isinstance(inner, str):
            if inner.lstrip().startswith("{"):  # some devices leave some answers unencrypted
                return inner.encode()
            plain = self._cipher.decrypt(inner)
            if plain is not None:
                return plain
        raise Garbled(self._host, "the answer cannot be decrypted with the session's key", outcome_unknown=True)

    def _read_envelope(self, response: Response) -> Mapping[str, Any]:
        match response.status:
            case 200:
                pass
            case 400 | 401 | 403:
                raise SessionLost(self._host, f"the device has forgotten the session (HTTP {response.status})")
            case 429:
                raise too_many(self._host)
            case status:
                raise Garbled(self._host, f"the device answered with HTTP {status}", outcome_unknown=True)
        envelope = json_object(response.body)
        if envelope is None:
            what = "a web page" if response.is_web_page else "something that is not JSON"
            raise Garbled(self._host, f"the device answered a command with {what}", outcome_unknown=True)
        return envelope

    def _read_key(self, response: Response, key: RsaKey) -> None:
        """Take the session's key, IV and cookie from the answer to the key exchange."""
        if response.status == 429:
            raise too_many(self._host)
        answer = json_object(response.body)
        if response.status != 200 or answer is None:
            what = f"HTTP {response.status}" + (" with a web page" if response.is_web_page else "")
            problem = f"this is not the securePassthrough endpoint of a Tapo device: {what}; {ELSEWHERE_TEXT}"
            raise Garbled(self._host, problem)
        code = error_code(answer)
        if code != 0:
            known = lookup(code)
            if known.remedy in (Remedy.LATER, Remedy.CREDENTIALS):
                raise refusal(self._host, "handshake", code)
            problem = f"the device refused the securePassthrough handshake with error {known.number} ({known.name})"
            raise Garbled(self._host, problem)
        result = answer.get("result")
        text = result.get("key") if isinstance(result, Mapping) else None
        try:
            secret = key.decrypt(b64decode("".join(text.split()), validate=True)) if isinstance(text, str) else b""
        except (ValueError, binascii.Error):
            secret = b""
        if len(secret) != 2 * KEY_BYTES:
            raise Garbled(self._host, "the device's answer to the securePassthrough handshake holds no key")
        self._cipher = PassthroughCipher.of(secret)
        cookie = response.cookie("TP_SESSIONID", "SESSIONID")
        self._headers = {**_JSON, "Cookie": cookie} if cookie else _JSON

    def _token(self, reply: Mapping[str, Any]) -> str:
        result = reply.get("result")
        token = result.get("token") if isinstance(result, Mapping) else None
        if not isinstance(token, str) or not token:
            raise Garbled(self._host, "the device took the login and gave no token")
        return token


def _compact(method: str, params: Mapping[str, str]) -> bytes:
    return json.dumps({"method": method, "params": params}, separators=(",", ":")).encode()


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
