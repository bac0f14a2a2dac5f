"""KLAP, versions 1 and 2: the binary protocol of nearly every Tapo plug and bulb since 2023.

This file knows no socket, no clock and no randomness: the seed is handed in and one object is one handshake.
Source of every formula: docs/protocol.md, "KLAP".
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5, sha1, sha256
from struct import pack
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tapo_automate.errors import AuthRefused, Busy, Garbled, NeedsTpap, SessionLost
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.codes import too_many
from tapo_automate.wire.exchange import Request, Response, Steps, Transport
from tapo_automate.wire.identity import ELSEWHERE_TEXT, NO_ACCOUNT_TEXT, REFUSED_TEXT, Candidate

SEED_BYTES = 16
PROOF_BYTES = 32  # SHA-256
SIGNATURE_BYTES = 32  # SHA-256
BLOCK_BYTES = 16  # AES
KEY_BYTES = 16
IV_BYTES = 12  # the sequence number fills it up
SIG_KEY_BYTES = 28
LAST_SEQ = (
    2**31 - 1
)  # the sequence number is a signed 32-bit integer, and nobody knows what a device does after its end

_BINARY = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class Key:
    """What one candidate is reduced to: its hash, and the KLAP version that hashes so."""

    version: int
    whose: str
    auth: bytes = field(repr=False)

    def device_proof(self, local: bytes, remote: bytes) -> bytes:
        """Return what a device that holds this key says in its first answer."""
        return sha256(local + (remote if self.version == 2 else b"") + self.auth).digest()

    def client_proof(self, local: bytes, remote: bytes) -> bytes:
        """Return what we say to show that we hold it too."""
        return sha256(remote + (local if self.version == 2 else b"") + self.auth).digest()


def keys(candidates: Sequence[Candidate]) -> tuple[Key, ...]:
    """Return the keys of the candidates in the order to try them: version 2 of all, then version 1."""
    second = [Key(2, c.whose, sha256(sha1(c.user).digest() + sha1(c.password).digest()).digest()) for c in candidates]
    first = [Key(1, c.whose, md5(md5(c.user).digest() + md5(c.password).digest()).digest()) for c in candidates]
    return (*second, *first)


class KlapCipher:
    """Turns plain bytes into signed, encrypted ones and back, by a sequence number that only grows."""

    __slots__ = ("_aes", "_iv", "_key", "_sig", "seq")

    def __init__(self, key: bytes, iv: bytes, sig: bytes, seq: int) -> None:
        self._key = key
        self._aes = AES(key)
        self._iv = iv
        self._sig = sig
        self.seq = seq

    @classmethod
    def agreed(cls, local: bytes, remote: bytes, auth: bytes) -> KlapCipher:
        """Return the cipher of two seeds and what both sides hold."""
        seeds = local + remote + auth
        iv = sha256(b"iv" + seeds).digest()
        return cls(
            sha256(b"lsk" + seeds).digest()[:KEY_BYTES],
            iv[:IV_BYTES],
            sha256(b"ldk" + seeds).digest()[:SIG_KEY_BYTES],
            int.from_bytes(iv[-4:], "big", signed=True),
        )

    def keep(self) -> dict[str, str | int]:
        return {"key": self._key.hex(), "iv": self._iv.hex(), "sig": self._sig.hex(), "seq": self.seq}

    @classmethod
    def resume(cls, kept: Mapping[str, Any]) -> KlapCipher | None:
        try:
            key, iv, sig = (bytes.fromhex(kept[name]) for name in ("key", "iv", "sig"))
            seq = kept["seq"]
        except (KeyError, TypeError, ValueError):
            return None
        sound = (len(key), len(iv), len(sig)) == (KEY_BYTES, IV_BYTES, SIG_KEY_BYTES)
        if not sound or type(seq) is not int or not -(2**31) <= seq <= LAST_SEQ:
            return None
        return cls(key, iv, sig, seq)

    def seal(self, plain: bytes) -> bytes:
        """Return signature and ciphertext under the next sequence number, which is `seq` afterwards."""
        self.seq += 1
        number = pack(">i", self.seq)
        fill = BLOCK_BYTES - len(plain) % BLOCK_BYTES
        encryptor = Cipher(self._aes, CBC(self._iv + number)).encryptor()
        secret = encryptor.update(plain + bytes((fill,)) * fill)
        return sha256(self._sig + number + secret).digest() + secret

    def unseal(self, body: bytes) -> bytes | None:
        """Return the plain text of an answer to the last sealed request, or None if it is not signed by the device."""
        number = pack(">i", self.seq)
        signature, secret = body[:SIGNATURE_BYTES], body[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, sha256(self._sig + number + secret).digest()):
            return None
        if not secret or len(secret) % BLOCK_BYTES:
            return None
        plain = Cipher(self._aes, CBC(self._iv + number)).decryptor().update(secret)
        fill = plain[-1]
        if not 1 <= fill <= BLOCK_BYTES or plain[-fill:] != bytes((fill,)) * fill:
            return None
        return plain[:-fill]


class KlapSession:
    """One KLAP conversation.  keys: from `keys()`.  local_seed: 16 random bytes, never used before.

    opened_with: after the handshake, whose credentials the device holds (see `Candidate.whose`).
    """

    transport = Transport.KLAP

    def __init__(self, host: str, keys: Sequence[Key], local_seed: bytes) -> None:
        assert len(local_seed) == SEED_BYTES
        self._host = host
        self._keys = keys
        self._local = local_seed
        self._cipher: KlapCipher | None = None
        self._headers: Mapping[str, str] = _BINARY
        self.opened_with = ""

    def handshake(self) -> Steps:
        """Yield the two requests that open a session; the first answer is seed (16 bytes) and proof (32).

        Which credentials the device holds is found by comparing hashes, so that a wrong password costs no failed login.
        Raises AuthRefused if the proof fits none.  Source: docs/protocol.md, "Handshake 1" and "Handshake 2".
        """
        answer = yield Request("/app/handshake1", self._local, _BINARY)
        remote, proof = self._read_first(answer)
        key = self._key_for(remote, proof)

        cookie = answer.cookie("TP_SESSIONID", "SESSIONID")
        headers = {**_BINARY, "Cookie": cookie} if cookie else _BINARY
        answer = yield Request("/app/handshake2", key.client_proof(self._local, remote), headers)
        self._check_second(answer)

        self._cipher = KlapCipher.agreed(self._local, remote, key.auth)
        self._headers = headers
        self.opened_with = key.whose

    def keep(self) -> dict[str, str | int] | None:
        if self._cipher is None:
            return None
        return {
            "transport": self.transport.value,
            "cookie": self._headers.get("Cookie", ""),
            "opened_with": self.opened_with,
            **self._cipher.keep(),
        }

    @classmethod
    def resume(cls, host: str, kept: Mapping[str, Any]) -> KlapSession | None:
        """Return the session that `keep` described, or None."""
        cipher, cookie = KlapCipher.resume(kept), kept.get("cookie")
        if cipher is None or not isinstance(cookie, str):
            return None
        session = cls(host, (), bytes(SEED_BYTES))  # the seeds have done their work
        session._cipher = cipher
        session._headers = {**_BINARY, "Cookie": cookie} if cookie else _BINARY
        session.opened_with = str(kept.get("opened_with", ""))
        return session

    def seal(self, plain: bytes) -> Request:
        cipher = self._cipher
        assert cipher is not None, "seal before handshake"
        if cipher.seq >= LAST_SEQ:
            raise SessionLost(self._host, "the session has used up its sequence numbers")
        body = cipher.seal(plain)
        return Request(f"/app/request?seq={cipher.seq}", body, self._headers)

    def unseal(self, response: Response) -> bytes:
        assert self._cipher is not None, "unseal before handshake"
        if response.status != 200:
            raise self._judge(response.status)
        plain = self._cipher.unseal(response.body)
        if plain is not None:
            return plain
        if is_open_error(response.body):
            return response.body
        if response.is_web_page:
            raise Garbled(self._host, "the device answered a command with a web page", outcome_unknown=True)
        if len(response.body) <= SIGNATURE_BYTES:
            problem = f"the answer of {len(response.body)} bytes is too short to be one"
            raise Garbled(self._host, problem, outcome_unknown=True)
        raise SessionLost(self._host, "the answer is not signed with the session's key", outcome_unknown=True)

    def _read_first(self, response: Response) -> tuple[bytes, bytes]:
        """Return the device's seed and its proof.  Raises what says why there are none."""
        if response.status == 403:
            raise NeedsTpap(self._host)
        if response.status == 429:
            raise self._judge(429)
        body = response.body
        whole = SEED_BYTES + PROOF_BYTES
        # Some firmware ends the answer with a line break; the stock page has the same 49 bytes.
        with_break = body[whole:] in (b"\n", b"\r\n") and not response.is_web_page
        if response.status == 200 and (with_break or (len(body) == whole and not body.lower().startswith(b"<html"))):
            return body[:SEED_BYTES], body[SEED_BYTES:whole]
        what = "a web page" if response.is_web_page else f"{len(body)} bytes instead of {whole}"
        problem = (
            f"this is not the KLAP endpoint of a Tapo device: HTTP {response.status} with {what}; {ELSEWHERE_TEXT}"
        )
        raise Garbled(self._host, problem)

    def _key_for(self, remote: bytes, proof: bytes) -> Key:
        for key in self._keys:
            if hmac.compare_digest(key.device_proof(self._local, remote), proof):
                return key
        has_account = any(key.whose == "account" for key in self._keys)
        raise AuthRefused(self._host, REFUSED_TEXT if has_account else NO_ACCOUNT_TEXT)

    def _check_second(self, response: Response) -> None:
        if response.status == 429:
            raise self._judge(429)
        if response.status in (400, 401, 403):
            raise SessionLost(self._host, f"the device broke the handshake off with HTTP {response.status}")
        if response.status != 200 or response.is_web_page or is_open_error(response.body):
            raise Garbled(self._host, f"the device answered KLAP's second handshake with HTTP {response.status}")

    def _judge(self, status: int) -> SessionLost | Garbled | Busy:
        """Return the error that a status other than 200 is.  Source: docs/protocol.md, "HTTP status meanings"."""
        match status:
            case 400 | 401 | 403:
                return SessionLost(self._host, f"the device has forgotten the session (HTTP {status})")
            case 429:
                return too_many(self._host)
            case _:
                return Garbled(self._host, f"the device answered with HTTP {status}", outcome_unknown=True)


def is_open_error(body: bytes) -> bool:
    """Whether a body is an error in plain JSON, as a device says one that has no session to encrypt it with.

    A *success* in plain JSON is nobody's word: it would not be signed.
    """
    answer = json_object(body)
    return answer is not None and error_code(answer) != 0
