"""The curve under TPAP, held against cryptography's and against the RFC's numbers."""

from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tapo_automate.simulator.p256 import BASE, ORDER, P, Point, add, decode, encode, multiply
from tapo_automate.simulator.pake import Keys, transcript

DICE = Random(9383)
SCALARS = [DICE.randrange(1, ORDER) for _ in range(12)]


def theirs(scalar: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(scalar, ec.SECP256R1())


def known(scalar: int) -> Point:
    numbers = theirs(scalar).public_key().public_numbers()
    return numbers.x, numbers.y


@pytest.mark.parametrize("scalar", [1, 2, 3, 4, 255, 256, ORDER - 2, ORDER - 1, *SCALARS])
def test_a_multiple_of_the_base_is_the_public_key(scalar: int) -> None:
    assert multiply(scalar, BASE) == known(scalar)


@pytest.mark.parametrize(("one", "other"), list(zip(SCALARS[::2], SCALARS[1::2], strict=True)))
def test_a_multiple_of_any_point_is_what_ecdh_shares(one: int, other: int) -> None:
    shared = multiply(one, known(other))
    assert shared is not None
    assert encode(shared)[1:33] == theirs(one).exchange(ec.ECDH(), theirs(other).public_key())


@pytest.mark.parametrize(("one", "other"), list(zip(SCALARS[::2], SCALARS[1::2], strict=True)))
def test_a_sum_of_multiples_is_the_multiple_of_the_sum(one: int, other: int) -> None:
    assert add(known(one), known(other)) == known((one + other) % ORDER)
    assert add(known(one), known(one)) == known(2 * one % ORDER)
    assert multiply(-one, BASE) == known(ORDER - one)


def test_infinity_is_none_and_adds_nothing() -> None:
    point = known(7)
    assert multiply(0, point) is None
    assert multiply(ORDER, point) is None
    assert multiply(5, None) is None
    assert add(point, known(ORDER - 7)) is None
    assert add(point, None) == add(None, point) == point
    assert add(None, None) is None


def test_points_are_read_as_they_are_written() -> None:
    for scalar in SCALARS:
        x, y = point = known(scalar)
        assert decode(encode(point)) == point
        assert decode(bytes([2 + y % 2]) + x.to_bytes(32, "big")) == point
        assert decode(bytes([3 - y % 2]) + x.to_bytes(32, "big")) == (x, P - y)


X, Y = (number.to_bytes(32, "big") for number in BASE)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00", id="infinity"),
        pytest.param(b"\x04" + X + Y[:-1], id="too short"),
        pytest.param(b"\x04" + X + Y + b"\0", id="too long"),
        pytest.param(b"\x02" + X + Y, id="compressed, with both numbers"),
        pytest.param(b"\x04" + X, id="uncompressed, with one number"),
        pytest.param(b"\x06" + X + Y, id="hybrid"),
        pytest.param(b"\x04" + Y + X, id="off the curve"),
        pytest.param(b"\x04" + X + bytes(32), id="on its twist"),
        pytest.param(b"\x04" + bytes(64), id="zeros"),
        pytest.param(b"\x02" + (4).to_bytes(32, "big"), id="an x without a y"),
        pytest.param(b"\x04" + X + b"\xff" * 32, id="a y beyond the prime"),
    ],
)
def test_what_is_no_point_is_not_taken_for_one(data: bytes) -> None:
    assert decode(data) is None


def test_an_x_that_is_too_large_by_the_prime_is_refused() -> None:
    small = next(x for x in range(1, 50) if decode(b"\x02" + x.to_bytes(32, "big")))
    assert decode(b"\x02" + (small + P).to_bytes(32, "big")) is None


# RFC 9383, appendix C, SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256.
W0 = 0xBB8E1BBCF3C48F62C08DB243652AE55D3E5586053FCA77102994F23AD95491B3
W1 = 0x7E945F34D78785B8A3EF44D0DF5A1A97D6B3B460409A345CA7830387A74B1DBA
SMALL_X = 0xD1232C8E8693D02368976C174E2088851B8365D0D79A9EEE709C6A05A2FAD539
SMALL_Y = 0x717A72348A182085109C8D3917D6C43D59B224DC6A7FC4F0483232FA6516D8B3
VECTORS = {
    "L": "04eb7c9db3d9a9eb1f8adab81b5794c1f13ae3e225efbe91ea487425854c7fc00f"
    "00bfedcbd09b2400142d40a14f2064ef31dfaa903b91d1faea7093d835966efd",
    "shareP": "04ef3bd051bf78a2234ec0df197f7828060fe9856503579bb1733009042c15c0c1"
    "de127727f418b5966afadfdd95a6e4591d171056b333dab97a79c7193e341727",
    "shareV": "04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb"
    "5cc1ca7494db39e82ff2f50665255d76173e09986ab46742c798a9a68437b048",
    "Z": "04bbfce7dd7f277819c8da21544afb7964705569bdf12fb92aa388059408d50091"
    "a0c5f1d3127f56813b5337f9e4e67e2ca633117a4fbd559946ab474356c41839",
    "V": "0458bf27c6bca011c9ce1930e8984a797a3419797b936629a5a937cf2f11c8b951"
    "4b82b993da8a46e664f23db7c01edc87faa530db01c2ee405230b18997f16b68",
}
M = decode(bytes.fromhex("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f"))
N = decode(bytes.fromhex("03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"))


def test_the_points_of_rfc_9383_come_out() -> None:
    kept = multiply(W1, BASE)
    client = add(multiply(SMALL_X, BASE), multiply(W0, M))
    device = add(multiply(SMALL_Y, BASE), multiply(W0, N))
    z = multiply(SMALL_Y, add(client, multiply(-W0, M)))
    v = multiply(SMALL_Y, kept)
    assert z == multiply(SMALL_X, add(device, multiply(-W0, N)))
    found = {"L": kept, "shareP": client, "shareV": device, "Z": z, "V": v}
    assert {name: encode(point).hex() for name, point in found.items() if point is not None} == VECTORS


def test_the_keys_of_rfc_9383_come_out() -> None:
    context = b"SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors"
    shares = [bytes.fromhex(VECTORS[name]) for name in ("shareP", "shareV", "Z", "V")]
    points = [encode(point) for point in (M, N) if point is not None]
    text = transcript(context, b"client", b"server", *points, *shares, W0.to_bytes(32, "big"))
    keys = Keys(text, shares[0], shares[1])
    assert keys.client_proof.hex() == "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527"
    assert keys.device_proof.hex() == "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68"
    assert keys.shared.hex() == "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7"
