"""What a device offers in TPAP, and what it is to be shown of a password.

Source: docs/protocol.md, "Protocol detection over HTTP", "Exchange of TPAP" and "Passcodes".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac, sha1
from typing import Any

from tapo_automate.errors import AuthRefused, Garbled, NeedsTpap
from tapo_automate.wire.exchange import Door
from tapo_automate.wire.identity import NO_ACCOUNT_TEXT, Candidate
from tapo_automate.wire.spake2plus import ORDER, derive

USER_PASSWORD, DEFAULT_PASSCODE = "userpw", "default_userpw"
HTTPS_PORT = 4433
HALF_BYTES = 40  # of what a password is stretched to: one half for w0, one for w1


@dataclass(frozen=True, slots=True)
class Offer:
    """What a device says of the TPAP that it speaks.

    mac: as it writes it, "" if it does not.  door: where logins and commands go, None for where it was asked.
    pake: kinds of passcode.  hashed_user: the user's name is wanted as SHA-256 instead of MD5.
    """

    mac: str
    door: Door | None
    pake: frozenset[int]
    hashed_user: bool = False


def read_offer(host: str, result: Mapping[str, Any], *, asked_port: int, port_is_ours: bool) -> Offer:
    """Return the offer in the result of `login/discover`.

    asked_port: where that was asked.  port_is_ours: the user wrote it, which counts for more than the device's word.
    Raises NeedsTpap for what is not spoken here, Garbled for what is no offer.
    """
    tpap, mac = result.get("tpap"), result.get("mac")
    if not isinstance(tpap, Mapping):
        raise _no_offer(host, "its `tpap` is not a table of names and values")
    tls, port, pake, hash_type = (tpap.get(name) for name in ("tls", "port", "pake", "user_hash_type"))
    tls = 0 if tls is None else tls
    hash_type = 0 if hash_type is None else hash_type
    mac = "" if mac is None else mac
    if not isinstance(pake, list) or any(type(kind) is not int for kind in pake):
        raise _no_offer(host, "its `pake` is not a list of numbers")
    if port is not None and (type(port) is not int or not 0 < port < 65536):
        raise _no_offer(host, "its `port` is not a number from 1 to 65535")
    if type(tls) is not int or type(hash_type) is not int or not isinstance(mac, str):
        raise _no_offer(host, "its `tls` or `user_hash_type` is not a number, or its `mac` not a text")
    if tls not in (0, 1):
        kind = "by certificates of the vendor's" if tls == 2 else "of an unknown kind"
        raise NeedsTpap(host, f"HTTPS {kind} (tls {tls})")
    if hash_type not in (0, 1):
        raise NeedsTpap(host, f"user names hashed in an unknown way (user_hash_type {hash_type})")
    if tls == 1:
        door: Door | None = Door(port or HTTPS_PORT, tls=True)
    else:
        door = None if port is None or port_is_ours or port == asked_port else Door(port)
    return Offer(mac, door, frozenset(pake), hash_type == 1)


@dataclass(frozen=True, slots=True)
class Passcode:
    """What a device is to be shown that we know.  kind: the protocol's word for it.  user: b"" where there is none.

    whose: "account" or "set-up default".
    """

    kind: str
    whose: str
    user: bytes = field(repr=False)
    code: bytes = field(repr=False)


def passcode(host: str, offer: Offer, candidates: Sequence[Candidate]) -> Passcode:
    """Return what opens a device: of the candidates the account alone, since a device counts what fails.

    Raises AuthRefused without an account, NeedsTpap for kinds that are not spoken.
    """
    if 0 in offer.pake:
        return Passcode(DEFAULT_PASSCODE, "set-up default", b"", default_passcode(host, offer.mac))
    if offer.pake.isdisjoint((2, 5)):
        kinds = ", ".join(str(kind) for kind in sorted(offer.pake)) or "none"
        raise NeedsTpap(host, f"other secrets than the account's password (pake {kinds})")
    for candidate in candidates:
        if candidate.whose == "account":
            return Passcode(USER_PASSWORD, candidate.whose, candidate.user, candidate.password)
    raise AuthRefused(host, NO_ACCOUNT_TEXT)


def default_passcode(host: str, mac: str) -> bytes:
    """Return the passcode of a device that was never set up.  Raises Garbled without a MAC.

    >>> default_passcode("plug", "AA-BB-CC-DD-EE-FF")[:16]
    b'F9F270978BAA5820'
    """
    try:
        number = bytes.fromhex(mac.replace("-", "").replace(":", ""))
    except ValueError:
        number = b""
    if len(number) != 6:
        raise Garbled(host, "the device says that it was never set up, and not what its MAC is")
    secret = b"GqY5o136oa4i6VprTlMW2DpVXxmfW8" + number[3:] + number[:3]
    return derive(secret, b"tp-kdf-salt-default-passcode", b"tp-kdf-info-default-passcode", 32).hex().upper().encode()


def credential(host: str, secret: Passcode, extra_crypt: object) -> bytes:
    """Return what is stretched into w0 and w1.  extra_crypt: as the device sent it.  Raises NeedsTpap.

    A passcode made of the MAC goes in as it is, whatever is said of hashing.
    """
    if secret.kind == DEFAULT_PASSCODE:
        return secret.code
    if not extra_crypt:
        return secret.user + b"/" + secret.code
    kind = extra_crypt.get("type") if isinstance(extra_crypt, Mapping) else None
    params = extra_crypt.get("params") if isinstance(extra_crypt, Mapping) else None
    number = params.get("passwd_id") if isinstance(params, Mapping) else None
    if kind == "password_shadow" and number in (2, "2"):
        return sha1(secret.code).hexdigest().encode()
    what = f"{kind} {number}" if kind == "password_shadow" else f"{kind}"
    raise NeedsTpap(host, f"passwords hashed in another way ({what[:60]})")


def stretch(word: bytes, salt: bytes, iterations: int) -> tuple[int, int]:
    """Return w0 and w1."""
    data = pbkdf2_hmac("sha256", word, salt, iterations, 2 * HALF_BYTES)
    return int.from_bytes(data[:HALF_BYTES], "big") % ORDER, int.from_bytes(data[HALF_BYTES:], "big") % ORDER


def _no_offer(host: str, problem: str) -> Garbled:
    return Garbled(host, f"the device offers TPAP in a form that cannot be read: {problem}")
