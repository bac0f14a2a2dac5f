"""SPAKE2+ (RFC 9383) on P-256 with SHA-256, HKDF and HMAC: two sides show each other that they know one password, and
somebody who listens, or pretends to be one of them, learns nothing to try passwords against at leisure.

This is the side that has the password.  The file knows no socket, no clock and no randomness: x is handed in.

Whatever multiplies a point by a secret is done by OpenSSL, in constant time.  It gives no point but an x coordinate
(ECDH), so y is computed from the x of kP and of (k+1)P; that, and the one addition that each side needs, is plain
arithmetic here.  Source: docs/protocol.md, "SPAKE2+ on P-256".
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_CURVE = ec.SECP256R1()
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
COORDINATE_BYTES = 32


class Point(NamedTuple):
    """A point of the curve, never the one at infinity."""

    x: int
    y: int

    def __bytes__(self) -> bytes:
        """Return the 65 bytes of the uncompressed form."""
        return b"\x04" + self.x.to_bytes(COORDINATE_BYTES, "big") + self.y.to_bytes(COORDINATE_BYTES, "big")


def point(data: bytes) -> Point:
    """Return the point that 65 bytes (or 33, compressed) stand for.  Raises ValueError if it is not on the curve."""
    numbers = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, data).public_numbers()
    return Point(numbers.x, numbers.y)


def times(k: int, of: Point) -> Point:
    """Return the point multiplied by k, from 1 to ORDER - 1.

    With Q = kP and R = (k+1)P = Q + P, the law of addition says (yQ - yP)² = (xP + xQ + xR)·(xQ - xP)², and the curve
    what yQ² is; what is left is linear in yQ.
    """
    if k == ORDER - 1:
        return minus(of)
    qx, rx = _x_of_product(k, of), _x_of_product(k + 1, of)
    squares = qx**3 - 3 * qx + _B + of.y**2
    qy = (squares - (of.x + qx + rx) * (qx - of.x) ** 2) * pow(2 * of.y, -1, _P)
    return Point(qx, qy % _P)


def times_base(k: int) -> Point:
    """Return the curve's base point multiplied by k, from 1 to ORDER - 1."""
    numbers = ec.derive_private_key(k, _CURVE).public_key().public_numbers()
    return Point(numbers.x, numbers.y)


def plus(one: Point, other: Point) -> Point:
    """Return the sum.  Raises ValueError where it is the point at infinity."""
    if one.x != other.x:
        slope = (other.y - one.y) * pow(other.x - one.x, -1, _P)
    elif one.y == other.y:
        slope = (3 * one.x**2 - 3) * pow(2 * one.y, -1, _P)
    else:
        raise ValueError("the sum of a point and its opposite is no point")
    x = (slope**2 - one.x - other.x) % _P
    return Point(x, (slope * (one.x - x) - one.y) % _P)


def minus(it: Point) -> Point:
    """Return the opposite."""
    return Point(it.x, _P - it.y)


def _x_of_product(k: int, of: Point) -> int:
    public = ec.EllipticCurvePublicNumbers(of.x, of.y, _CURVE).public_key()
    return int.from_bytes(ec.derive_private_key(k, _CURVE).exchange(ec.ECDH(), public), "big")


M = point(bytes.fromhex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f"))
N = point(bytes.fromhex("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"))
"""The two points of RFC 9383 of which nobody knows what multiple of the base point they are."""

Encode: TypeAlias = Callable[[int], bytes]


def whole(w0: int) -> bytes:
    """Return w0 as RFC 9383 writes it into the transcript: 32 bytes."""
    return w0.to_bytes(COORDINATE_BYTES, "big")


def shortened(w0: int) -> bytes:
    """Return w0 as some write it: without zero bytes in front, except one that makes an odd length even where the first
    bit is set.  Source: docs/protocol.md, "The dispute about w0"."""
    data = w0.to_bytes((w0.bit_length() + 7) // 8, "big")
    return b"\0" + data if len(data) % 2 and data[0] >= 0x80 else data


def transcript(*items: bytes) -> bytes:
    """Return what both sides hash: each item behind its length, of 8 bytes, the lowest first."""
    return b"".join(len(item).to_bytes(8, "little") + item for item in items)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What came of it.  digest: of the transcript.  shared: the key of both.

    ours: what we show to the other side.  theirs: what it has to show.
    """

    digest: bytes = field(repr=False)
    shared: bytes = field(repr=False)
    ours: bytes = field(repr=False)
    theirs: bytes = field(repr=False)

    def is_theirs(self, confirm: bytes) -> bool:
        """Whether the other side has shown that it knows the password too."""
        return hmac.compare_digest(self.theirs, confirm)


class Prover:
    """The side that has the password.  w0, w1: made of it.  x: random, never used before.  Each from 1 to ORDER - 1."""

    def __init__(self, w0: int, w1: int, x: int) -> None:
        self._w0 = w0
        self._w1 = w1
        self._x = x
        self.share = bytes(plus(times_base(x), times(w0, M)))

    def agree(
        self,
        their_share: bytes,
        context: bytes,
        *,
        identities: tuple[bytes, bytes] = (b"", b""),
        encode: Encode = whole,
    ) -> Agreement:
        """Return what follows from the other side's share.

        identities: ours and theirs.  encode: how w0 goes into the transcript.
        Raises ValueError for a share that is no point of the curve, or one that would give the password away.
        """
        theirs = point(their_share)
        unmasked = plus(theirs, minus(times(self._w0, N)))
        z, v = times(self._x, unmasked), times(self._w1, unmasked)
        points = (bytes(M), bytes(N), self.share, bytes(theirs), bytes(z), bytes(v))
        digest = sha256(transcript(context, *identities, *points, encode(self._w0))).digest()
        keys = derive(digest, b"", b"ConfirmationKeys", 64)
        return Agreement(
            digest=digest,
            shared=derive(digest, b"", b"SharedKey", 32),
            ours=hmac.digest(keys[:32], bytes(theirs), sha256),
            theirs=hmac.digest(keys[32:], self.share, sha256),
        )


def derive(secret: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    """Return HKDF-SHA256 of a secret; an empty salt stands for zeros."""
    return HKDF(SHA256(), length, salt or None, purpose).derive(secret)
