"""TPAP: the protocol of firmware from late 2025 on, SPAKE2+ and then encrypted bytes.

This file knows no socket, no clock and no randomness: what is random is drawn from what is handed in.
What is spoken is what plugs and bulbs want: cipher suite 1, AES-128-CCM, the account's password or the passcode of a
device that was never set up.  Source: docs/protocol.md, "TPAP".
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from hashlib import md5, sha256
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tapo_automate.errors import AuthRefused, Busy, Garbled, NeedsTpap, SessionLost
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.codes import LOCKED, Remedy, lookup, refusal, too_many
from tapo_automate.wire.exchange import Door, Request, Response, Steps, Transport
from tapo_automate.wire.identity import LOCKED_TEXT, REFUSED_TEXT
from tapo_automate.wire.offer import USER_PASSWORD, Offer, Passcode, credential, stretch
from tapo_automate.wire.spake2plus import ORDER, Agreement, Prover, derive, shortened, whole

RANDOM_BYTES = 32
SCALAR_DRAW_BYTES = 40  # eight more than the order has, so that the remainder favours nothing
MOST_ITERATIONS = 100_000  # 3000 were seen; more would be a way to keep us busy
SALT_BYTES = range(8, 129)  # 16 were seen
DEVICE_RANDOM_BYTES = range(16, 129)  # 32 were seen
CONFIRM_BYTES = 32  # SHA-256
KEY_BYTES = 16  # AES-128
NONCE_BASE_BYTES = 12
KEPT_OF_NONCE_BASE = 8  # the sequence number takes the place of the rest
SEQ_BYTES = 4
TAG_BYTES = 16
LAST_SEQ = 2**32 - 1

WRONG_PASSWORD = -2203  # where it answers a login; where it answers a command, the session is gone
_SESSION_GONE = frozenset({WRONG_PASSWORD, -2402, 9999})
_SUITE = 1
_CIPHER = "aes_128_ccm"
_JSON = {"Content-Type": "application/json"}
_BINARY = {"Content-Type": "application/octet-stream"}

_PASSWORD_TEXT = (
    "the device does not accept this password. One that was changed lately may not have reached the device: log out of "
    "the app and in again, or remove the device there and add it anew. It is not tried again by itself, because "
    "repeated failures lock a device"
)
_PASSCODE_TEXT = (
    "the device says that it was never set up, and does not accept the passcode that follows from its MAC; set it up "
    "in the Tapo app"
)
_IMPOSTOR_TEXT = (
    "what is at this address does not show that it knows the password itself, as a device does: something else may "
    "have taken its place. It is not tried again by itself, because each try lets it guess once"
)


class TpapCipher:
    """Turns plain bytes into frames and back: a sequence number, then AES-128-CCM.  seq: of the next frame."""

    __slots__ = ("_aes", "_base", "_key", "_met", "_sent", "seq")

    def __init__(self, key: bytes, base: bytes, seq: int, met: bytes = b"") -> None:
        self._key = key
        self._base = base
        self._aes = AESCCM(key, TAG_BYTES)
        self._sent = b""  # the last frame of ours
        self._met = met  # the number of the last answer
        self.seq = seq

    @classmethod
    def agreed(cls, shared: bytes, seq: int) -> TpapCipher:
        """Return the cipher of what both sides have agreed on."""
        return cls(
            derive(shared, b"tp-kdf-salt-aes128-key", b"tp-kdf-info-aes128-key", KEY_BYTES),
            derive(shared, b"tp-kdf-salt-aes128-iv", b"tp-kdf-info-aes128-iv", NONCE_BASE_BYTES),
            seq,
        )

    def keep(self) -> dict[str, str | int]:
        return {"key": self._key.hex(), "base": self._base.hex(), "seq": self.seq, "met": self._met.hex()}

    @classmethod
    def resume(cls, kept: Mapping[str, Any]) -> TpapCipher | None:
        try:
            key, base, met = (bytes.fromhex(kept[name]) for name in ("key", "base", "met"))
            seq = kept["seq"]
        except (KeyError, TypeError, ValueError):
            return None
        if len(key) != KEY_BYTES or len(base) != NONCE_BASE_BYTES or len(met) not in (0, SEQ_BYTES):
            return None
        if type(seq) is not int or not 0 <= seq <= LAST_SEQ:
            return None
        return cls(key, base, seq, met)

    def seal(self, plain: bytes) -> bytes:
        number = self.seq.to_bytes(SEQ_BYTES, "big")
        self._sent = number + self._aes.encrypt(self._nonce(number), plain, None)
        self.seq += 1
        return self._sent

    def unseal(self, frame: bytes) -> bytes | None:
        """Return the plain text of an answer to the last sealed request, or None if it is none of the device's.

        An answer most likely has the number of its request, but whether devices count answers apart is not known.  One
        not above the last answer's is an old answer; and our own frame, which the key fits as well, is no answer.
        """
        number = frame[:SEQ_BYTES]
        if len(frame) < SEQ_BYTES + TAG_BYTES or frame == self._sent:
            return None
        if number <= self._met:
            return None
        try:
            plain = self._aes.decrypt(self._nonce(number), frame[SEQ_BYTES:], None)
        except InvalidTag:
            return None
        self._met = number
        return plain

    def _nonce(self, number: bytes) -> bytes:
        return self._base[:KEPT_OF_NONCE_BASE] + number


class TpapSession:
    """One TPAP conversation.  offer: from `read_offer()`.  secret: from `passcode()`.  draw: gives n random bytes.

    opened_with: after the handshake, whose credentials the device holds, as `Passcode.whose` says it.
    """

    transport = Transport.TPAP

    def __init__(self, host: str, offer: Offer, secret: Passcode, draw: Callable[[int], bytes]) -> None:
        self._host = host
        self._offer = offer
        self._secret = secret
        self._draw = draw
        self._cipher: TpapCipher | None = None
        self._stok = ""
        self.opened_with = ""

    def handshake(self) -> Steps:
        """Yield the two requests of a login, and for one that may have failed by the dispute about w0 both anew, once.

        Raises AuthRefused if the device holds another password, or does not show that it holds ours; NeedsTpap for a
        kind that is not spoken, before anything that could count as a failed login.  Source: docs/protocol.md,
        "Exchange of TPAP" and "The dispute about w0".
        """
        refused, disputed = yield from self._log_in()
        if refused is not None and disputed and _bears_another(refused):
            refused, _ = yield from self._log_in()
        if refused is not None:
            raise refused
        self.opened_with = self._secret.whose

    def _log_in(self) -> Generator[Request, Response, tuple[AuthRefused | None, bool]]:
        """Yield a registration and a share.  Return why the share was refused, if it was, and whether w0 may be why."""
        nonce = self._draw(RANDOM_BYTES)
        why = _PASSWORD_TEXT if self._secret.kind == USER_PASSWORD else _PASSCODE_TEXT
        answer = yield self._request("pake_register", self._registration(nonce))
        terms = self._read_terms(self._result(answer, why))
        w0, w1 = stretch(terms.word, terms.salt, terms.iterations)
        try:
            prover = Prover(w0, w1, 1 + int.from_bytes(self._draw(SCALAR_DRAW_BYTES), "big") % (ORDER - 1))
            agreement = prover.agree(terms.share, sha256(b"PAKE V1" + nonce + terms.random).digest())
        except ValueError:
            raise Garbled(self._host, "the device's share in the login is no point of the curve P-256") from None
        share = {"user_share": _b64(prover.share), "user_confirm": _b64(agreement.ours)}
        answer = yield self._request("pake_share", share, once=True)  # twice, a wrong one would count twice
        try:
            result = self._result(answer, REFUSED_TEXT if terms.with_user else why)
        except AuthRefused as refused:
            return refused, whole(w0) != shortened(w0)
        self._take(result, agreement)
        return None, False

    def keep(self) -> dict[str, str | int] | None:
        """Return what another process needs to go on, see `Session`.

        Only one may: two frames of one number under one key would give away what is in them.
        """
        if self._cipher is None:
            return None
        door = self._offer.door
        return {
            "transport": self.transport.value,
            "stok": self._stok,
            "port": door.port if door is not None else 0,
            "tls": int(door is not None and door.tls),
            "opened_with": self.opened_with,
            **self._cipher.keep(),
        }

    @classmethod
    def resume(cls, host: str, kept: Mapping[str, Any]) -> TpapSession | None:
        """Return the session that `keep` described, or None."""
        cipher, stok = TpapCipher.resume(kept), kept.get("stok")
        port, tls = kept.get("port"), kept.get("tls")
        if cipher is None or not isinstance(stok, str) or not stok:
            return None
        if type(port) is not int or not 0 <= port < 65536 or tls not in (0, 1) or (tls and not port):
            return None
        door = Door(port, tls=bool(tls)) if port else None
        session = cls(host, Offer("", door, frozenset()), Passcode("", "", b"", b""), _no_bytes)  # it has shaken hands
        session._cipher = cipher
        session._stok = stok
        session.opened_with = str(kept.get("opened_with", ""))
        return session

    def seal(self, plain: bytes) -> Request:
        cipher = self._cipher
        assert cipher is not None, "seal before handshake"
        if cipher.seq >= LAST_SEQ:
            raise SessionLost(self._host, "the session has used up its sequence numbers")
        path = f"/stok={quote(self._stok, safe='', errors='surrogatepass')}/ds"
        return Request(path, cipher.seal(plain), _BINARY, door=self._offer.door)

    def unseal(self, response: Response) -> bytes:
        assert self._cipher is not None, "unseal before handshake"
        if response.status != 200:
            raise self._judge(response.status)
        plain = self._cipher.unseal(response.body)
        if plain is not None:
            return plain
        answer = json_object(response.body)
        code = error_code(answer) if answer is not None else 0
        if code in _SESSION_GONE:
            raise SessionLost(self._host, f"the device has forgotten the session (error {code})")
        if code != 0:
            return response.body  # in the open, as a device says it that has no session to encrypt it with
        if response.is_web_page:
            raise Garbled(self._host, "the device answered a command with a web page", outcome_unknown=True)
        if len(response.body) < SEQ_BYTES + TAG_BYTES:
            problem = f"the answer of {len(response.body)} bytes is too short to be one"
            raise Garbled(self._host, problem, outcome_unknown=True)
        raise SessionLost(self._host, "the answer is not sealed with the session's key", outcome_unknown=True)

    def _request(self, step: str, params: Mapping[str, object], *, once: bool = False) -> Request:
        body = json.dumps({"method": "login", "params": {"sub_method": step, **params}}, separators=(",", ":"))
        return Request("/", body.encode(), _JSON, once=once, door=self._offer.door)

    def _registration(self, nonce: bytes) -> dict[str, object]:
        name = sha256(b"admin").hexdigest().upper() if self._offer.hashed_user else md5(b"admin").hexdigest()
        return {
            "username": name,
            "user_random": _b64(nonce),
            "cipher_suites": [_SUITE],
            "encryption": [_CIPHER],
            "passcode_type": self._secret.kind,
            "stok": None,
        }

    def _result(self, response: Response, why: str) -> Mapping[str, Any]:
        """Return the result of one step of a login.  why: what it means that the device refuses it."""
        if response.status == 429:
            raise too_many(self._host)
        answer = json_object(response.body)
        if response.status != 200 or answer is None:
            what = f"HTTP {response.status}" + (" with a web page" if response.is_web_page else "")
            raise Garbled(self._host, f"the device answered TPAP's login with {what}")
        code = error_code(answer)
        if code == LOCKED:
            raise login_locked(self._host, answer)
        if code == WRONG_PASSWORD:
            raise login_refused(self._host, why, answer)
        if code != 0:
            error = refusal(self._host, "login", code)
            if lookup(code).remedy is Remedy.RETRY:  # as with other answers that make no sense, another try may go well
                raise Garbled(self._host, error.problem)
            raise error
        result = answer.get("result")
        if not isinstance(result, Mapping):
            raise Garbled(self._host, "the device's answer to TPAP's login holds no result")
        return result

    def _read_terms(self, result: Mapping[str, Any]) -> _Terms:
        """Return what the device wants the password to be made into."""
        suite, cipher = result.get("cipher_suites", _SUITE), result.get("encryption", _CIPHER)
        if suite not in (_SUITE, [_SUITE]):
            raise NeedsTpap(self._host, f"cipher suite {str(suite)[:20]}")
        if cipher not in (_CIPHER, [_CIPHER]):
            raise NeedsTpap(self._host, f"the cipher {str(cipher)[:40]}")
        iterations = result.get("iterations")
        if type(iterations) is not int or not 1 <= iterations <= MOST_ITERATIONS:
            problem = f"the device's `iterations` in the login is not a number from 1 to {MOST_ITERATIONS}"
            raise Garbled(self._host, problem)
        extra_crypt = result.get("extra_crypt")
        return _Terms(
            word=credential(self._host, self._secret, extra_crypt),
            with_user=bool(self._secret.user) and not extra_crypt,
            salt=self._bytes_of(result, "dev_salt", SALT_BYTES),
            random=self._bytes_of(result, "dev_random", DEVICE_RANDOM_BYTES),
            share=self._bytes_of(result, "dev_share", range(33, 66)),
            iterations=iterations,
        )

    def _take(self, result: Mapping[str, Any], agreement: Agreement) -> None:
        """Open the session that the device has agreed to, if it shows that it knows the password."""
        if not agreement.is_theirs(self._bytes_of(result, "dev_confirm", range(CONFIRM_BYTES, CONFIRM_BYTES + 1))):
            raise AuthRefused(self._host, _IMPOSTOR_TEXT, impostor=True)
        stok, seq = result.get("stok") or result.get("sessionId"), result.get("start_seq")
        if not isinstance(stok, str) or not stok:
            raise Garbled(self._host, "the device took the login and gave no `stok`")
        if type(seq) is not int or not 0 <= seq <= LAST_SEQ:
            raise Garbled(self._host, "the device took the login, and its `start_seq` is not a number of 32 bits")
        self._stok = stok
        self._cipher = TpapCipher.agreed(agreement.shared, seq)

    def _bytes_of(self, result: Mapping[str, Any], name: str, lengths: range) -> bytes:
        text = result.get(name)
        try:
            data = b64decode("".join(text.split()), validate=True) if isinstance(text, str) else b""
        except ValueError:
            data = b""
        if len(data) not in lengths:
            wanted = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
            raise Garbled(self._host, f"the device's `{name}` in the login is not the base64 of {wanted} bytes")
        return data

    def _judge(self, status: int) -> SessionLost | Garbled | Busy:
        """Return the error that a status other than 200 is.  Source: docs/protocol.md, "HTTP status meanings"."""
        match status:
            case 401 | 403:
                return SessionLost(self._host, f"the device has forgotten the session (HTTP {status})")
            case 429:
                return too_many(self._host)
            case _:
                return Garbled(self._host, f"the device answered with HTTP {status}", outcome_unknown=True)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a device answers to a registration.  word: what the password is reduced to.  with_user: the e-mail too."""

    word: bytes = field(repr=False)
    with_user: bool
    salt: bytes
    random: bytes
    share: bytes
    iterations: int


def login_locked(host: str, answer: Mapping[str, Any]) -> AuthRefused:
    """Return the error for a device that takes no login for now.  answer: what it said, -2101."""
    remaining, locked_min = _counts(answer)
    for_long = f". It says that it takes none for {locked_min} min" if locked_min else ""
    return AuthRefused(host, LOCKED_TEXT + for_long, remaining=remaining, locked_min=locked_min, locked=True)


def login_refused(host: str, why: str, answer: Mapping[str, Any]) -> AuthRefused:
    """Return the error for a login that a device has refused.  why: in a sentence.  answer: what it said, -2203."""
    remaining, locked_min = _counts(answer)
    told = [f"it says that it bears {remaining} more"] if remaining is not None else []
    told += [f"it takes no login for {locked_min} min"] if locked_min else []
    return AuthRefused(
        host,
        why + (f" ({', '.join(told)})" if told else ""),
        remaining=remaining,
        locked_min=locked_min,
    )


def _bears_another(refused: AuthRefused) -> bool:
    """Whether one more failure would not be the one that locks the device."""
    return not refused.locked_min and (refused.remaining is None or refused.remaining > 1)


def _counts(answer: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return how many more failures a device says that it bears, and for how many minutes it takes no login."""
    result = answer.get("result")
    info = answer.get("error_info") or (result.get("error_info") if isinstance(result, Mapping) else None)
    if not isinstance(info, Mapping):
        return None, None
    remaining, locked_min = info.get("remainAttempts"), info.get("lockedMinute")
    return (
        remaining if type(remaining) is int and remaining >= 0 else None,
        locked_min if type(locked_min) is int and locked_min >= 0 else None,
    )


def _no_bytes(_count: int) -> bytes:
    raise AssertionError("a resumed session shakes no hands")


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
