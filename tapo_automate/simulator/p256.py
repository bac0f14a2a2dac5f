"""Points of the curve P-256 as plain integers: what adding them takes, which cryptography does not offer.

It is not constant in time, which a pretend device may be.  Source: FIPS 186-4, D.1.2.3, and SEC 1, 2.3.
"""

from typing import TypeAlias

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
B = 0x5AC635D8_AA3A93E7_B3EBBD55_769886BC_651D06B0_CC53B0F6_3BCE3C3E_27D2604B

Point: TypeAlias = tuple[int, int]
_Jacobian: TypeAlias = tuple[int, int, int]  # x/z², y/z³; z is 0 at infinity

BASE: Point = (
    0x6B17D1F2_E12C4247_F8BCE6E5_63A440F2_77037D81_2DEB33A0_F4A13945_D898C296,
    0x4FE342E2_FE1A7F9B_8EE7EB4A_7C0F9E16_2BCE3357_6B315ECE_CBB64068_37BF51F5,
)
_INFINITY: _Jacobian = (1, 1, 0)


def multiply(scalar: int, point: Point | None) -> Point | None:
    """Return scalar times point; None is the point at infinity."""
    if point is None:
        return None
    x, y, z = _INFINITY
    for bit in bin(scalar % ORDER)[2:]:
        x, y, z = _double(x, y, z)
        if bit == "1":
            x, y, z = _plus(x, y, z, point)
    return _affine(x, y, z)


def add(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return one or other
    return _affine(*_plus(*one, 1, other))


def encode(point: Point) -> bytes:
    """Return the uncompressed form, 65 bytes."""
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def decode(data: bytes) -> Point | None:
    """Return the point of an uncompressed (65 bytes) or compressed form (33), None if there is no such point."""
    form, x = data[:1], int.from_bytes(data[1:33], "big")
    square = (x**3 - 3 * x + B) % P
    if len(data) == 65 and form == b"\x04":
        y = int.from_bytes(data[33:], "big")
    elif len(data) == 33 and form in (b"\x02", b"\x03"):
        root = pow(square, (P + 1) // 4, P)
        y = root if root % 2 == form[0] % 2 else P - root
    else:
        return None
    return (x, y) if x < P and y < P and y * y % P == square else None


def _double(x: int, y: int, z: int) -> _Jacobian:
    zz, yy = z * z % P, y * y % P
    slope = 3 * (x - zz) * (x + zz) % P
    mid = 4 * x * yy % P
    far = (slope * slope - 2 * mid) % P
    return far, (slope * (mid - far) - 8 * yy * yy) % P, 2 * y * z % P


def _plus(x: int, y: int, z: int, point: Point) -> _Jacobian:
    if not z:
        return *point, 1
    zz = z * z % P
    run, rise = (point[0] * zz - x) % P, (point[1] * zz * z - y) % P
    if not run:
        return _INFINITY if rise else _double(x, y, z)
    square = run * run % P
    cube, mid = square * run % P, x * square % P
    far = (rise * rise - cube - 2 * mid) % P
    return far, (rise * (mid - far) - y * cube) % P, z * run % P


def _affine(x: int, y: int, z: int) -> Point | None:
    if not z:
        return None
    inverse = pow(z, -1, P)
    return x * inverse * inverse % P, y * inverse**3 % P
