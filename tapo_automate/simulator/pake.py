"""What both ends of a TPAP login work out, as the device's end does it: SPAKE2+ on P-256, then AES-128-CCM.

Source: docs/protocol.md, "TPAP"; RFC 9383.
"""

import hmac
from dataclasses import dataclass
from hashlib import pbkdf2_hmac, sha1, sha256
from itertools import count

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tapo_automate.simulator import p256
from tapo_automate.simulator.credentials import Credentials

M_BYTES = bytes.fromhex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f")  # RFC 9383, section 4
N_BYTES = bytes.fromhex("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49")
SEQUENCE_BYTES = 4
TAG_BYTES = 16
_HALF_BYTES = 40  # of what the password is stretched to; eight more than the order has, so that mod is fair
_VENDOR = b"GqY5o136oa4i6VprTlMW2DpVXxmfW8"


def _known(data: bytes) -> p256.Point:
    point = p256.decode(data)
    assert point is not None
    return point


M, N = _known(M_BYTES), _known(N_BYTES)


def passcode(mac: str) -> str:
    """Return what a device that was never set up takes for a password."""
    digits = bytes.fromhex(mac.replace("-", "").replace(":", ""))
    label = b"default-passcode"
    return _hkdf(_VENDOR + digits[3:] + digits[:3], b"tp-kdf-info-" + label, 32, b"tp-kdf-salt-" + label).hex().upper()


def shadow(owner: Credentials, extra_crypt: str) -> str:
    """Return what is stretched in the password's place."""
    if extra_crypt == "none":
        return f"{owner.username}/{owner.password}"
    return sha1(owner.password.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Secret:
    """The two numbers that follow from a password and a salt."""

    w0: int
    w1: int

    def encoded(self, form: str) -> bytes:
        """Return w0 as the transcript has it: 32 bytes ("rfc"), or as few as a signed number may have ("short")."""
        if form == "rfc":
            return self.w0.to_bytes(32, "big")
        data = self.w0.to_bytes(max(1, (self.w0.bit_length() + 7) // 8), "big")
        return b"\0" + data if len(data) % 2 and data[0] >= 0x80 else data

    @property
    def is_disputed(self) -> bool:
        """Whether the two forms differ, as they do once in some five hundred salts."""
        return self.encoded("rfc") != self.encoded("short")


def stretch(text: str, salt: bytes, iterations: int) -> Secret:
    both = pbkdf2_hmac("sha256", text.encode(), salt, iterations, 2 * _HALF_BYTES)
    w0, w1 = (int.from_bytes(half, "big") % p256.ORDER for half in (both[:_HALF_BYTES], both[_HALF_BYTES:]))
    return Secret(w0, w1)


def disputed(text: str, salt: bytes, least: int) -> int:
    """Return the first number of iterations, from least on, after which the two forms of w0 differ.

    One more iteration costs next to nothing, where another salt costs them all anew.
    """
    key = text.encode()
    rounds = [hmac.digest(key, salt + block.to_bytes(4, "big"), "sha256") for block in (1, 2)]
    sums = [int.from_bytes(first, "big") for first in rounds]
    for number in count(1):
        both = b"".join(whole.to_bytes(32, "big") for whole in sums)
        if number >= least and Secret(int.from_bytes(both[:_HALF_BYTES], "big") % p256.ORDER, 0).is_disputed:
            return number
        rounds = [hmac.digest(key, last, "sha256") for last in rounds]
        sums = [whole ^ int.from_bytes(last, "big") for whole, last in zip(sums, rounds, strict=True)]
    raise AssertionError("there is always another number")


class Exchange:
    """The device's half of one login: share goes out, then agree is told the client's."""

    __slots__ = ("_form", "_own", "_secret", "context", "share")

    def __init__(self, secret: Secret, form: str, client_random: bytes, device_random: bytes, own: int) -> None:
        """own: the device's secret number, from 1 to the order less one."""
        self._secret, self._form, self._own = secret, form, own
        self.context = sha256(b"PAKE V1" + client_random + device_random).digest()
        share = p256.add(p256.multiply(own, p256.BASE), p256.multiply(secret.w0, N))
        assert share is not None  # one number in 2**256 would do it
        self.share = p256.encode(share)

    def agree(self, client_share: bytes) -> "Keys | None":
        """Return the keys, None if client_share is no uncompressed point, or one that gives away the secret."""
        if len(client_share) != len(self.share) or (theirs := p256.decode(client_share)) is None:
            return None
        z = p256.multiply(self._own, p256.add(theirs, p256.multiply(-self._secret.w0, M)))
        # A device keeps w1 times the base point; this is that times own.
        v = p256.multiply(self._own * self._secret.w1, p256.BASE)
        if z is None or v is None:
            return None
        points = (p256.encode(point) for point in (M, N))
        middle = (client_share, self.share, p256.encode(z), p256.encode(v))
        text = transcript(self.context, b"", b"", *points, *middle, self._secret.encoded(self._form))
        return Keys(text, client_share, self.share)


class Keys:
    """All that follows from a transcript: two proofs, and a cipher for frames."""

    __slots__ = ("_box", "_nonce", "client_proof", "device_proof", "shared")

    def __init__(self, text: bytes, client_share: bytes, device_share: bytes) -> None:
        main = sha256(text).digest()
        proofs = _hkdf(main, b"ConfirmationKeys", 64)
        self.client_proof = hmac.digest(proofs[:32], device_share, "sha256")
        self.device_proof = hmac.digest(proofs[32:], client_share, "sha256")
        self.shared = _hkdf(main, b"SharedKey", 32)
        self._box = AESCCM(_hkdf(self.shared, b"tp-kdf-info-aes128-key", 16, b"tp-kdf-salt-aes128-key"), TAG_BYTES)
        self._nonce = _hkdf(self.shared, b"tp-kdf-info-aes128-iv", 12, b"tp-kdf-salt-aes128-iv")[:8]

    def seal(self, number: int, message: bytes) -> bytes:
        """Return the frame that carries message."""
        sequence = number.to_bytes(SEQUENCE_BYTES, "big")
        return sequence + self._box.encrypt(self._nonce + sequence, message, None)

    def open(self, frame: bytes) -> bytes | None:
        """Return the message, None if its tag is wrong."""
        try:
            return self._box.decrypt(self._nonce + frame[:SEQUENCE_BYTES], frame[SEQUENCE_BYTES:], None)
        except InvalidTag:
            return None


def transcript(*items: bytes) -> bytes:
    """Return the items, each behind its length in eight bytes, the lowest first."""
    return b"".join(len(item).to_bytes(8, "little") + item for item in items)


def _hkdf(key: bytes, label: bytes, length: int, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), length, salt, label).derive(key)
