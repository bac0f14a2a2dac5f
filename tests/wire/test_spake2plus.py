"""SPAKE2+ against the vector of RFC 9383, the arithmetic against OpenSSL and a stranger, and what must be refused."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from ecdsa import NIST256p, ellipticcurve  # comes with plugp100
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.wire.spake2plus import (
    ORDER,
    M,
    N,
    Point,
    Prover,
    minus,
    plus,
    point,
    shortened,
    times,
    times_base,
    transcript,
    whole,
)

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
BASE = Point(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
EDGES = [1, 2, 3, ORDER - 3, ORDER - 2, ORDER - 1, ORDER // 2, ORDER // 2 + 1]
SCALARS = st.integers(1, ORDER - 1)


class TestRfc9383:
    """Appendix C, P256-SHA256-HKDF-SHA256-HMAC-SHA256, with both identities."""

    context = b"SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors"
    identities = (b"client", b"server")
    w0 = 0xBB8E1BBCF3C48F62C08DB243652AE55D3E5586053FCA77102994F23AD95491B3
    w1 = 0x7E945F34D78785B8A3EF44D0DF5A1A97D6B3B460409A345CA7830387A74B1DBA
    x = 0xD1232C8E8693D02368976C174E2088851B8365D0D79A9EEE709C6A05A2FAD539
    y = 0x717A72348A182085109C8D3917D6C43D59B224DC6A7FC4F0483232FA6516D8B3
    share_p = bytes.fromhex(
        "04ef3bd051bf78a2234ec0df197f7828060fe9856503579bb1733009042c15c0c1"
        "de127727f418b5966afadfdd95a6e4591d171056b333dab97a79c7193e341727"
    )
    share_v = bytes.fromhex(
        "04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb"
        "5cc1ca7494db39e82ff2f50665255d76173e09986ab46742c798a9a68437b048"
    )

    def test_the_prover_computes_what_is_published(self) -> None:
        prover = Prover(self.w0, self.w1, self.x)
        agreement = prover.agree(self.share_v, self.context, identities=self.identities)
        assert prover.share == self.share_p
        assert agreement.digest.hex() == "4c59e1ccf2cfb961aa31bd9434478a1089b56cd11542f53d3576fb6c2a438a29"
        assert agreement.ours.hex() == "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527"
        assert agreement.theirs.hex() == "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68"
        assert agreement.shared.hex() == "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7"

    def test_so_are_the_points_on_the_way(self) -> None:
        unmasked = plus(point(self.share_v), minus(times(self.w0, N)))
        assert bytes(times(self.x, unmasked)).hex() == (
            "04bbfce7dd7f277819c8da21544afb7964705569bdf12fb92aa388059408d50091"
            "a0c5f1d3127f56813b5337f9e4e67e2ca633117a4fbd559946ab474356c41839"
        )
        assert bytes(times(self.w1, unmasked)).hex() == (
            "0458bf27c6bca011c9ce1930e8984a797a3419797b936629a5a937cf2f11c8b951"
            "4b82b993da8a46e664f23db7c01edc87faa530db01c2ee405230b18997f16b68"
        )

    def test_a_share_in_compressed_form_is_the_same_share(self) -> None:
        compressed = bytes([2 + self.share_v[-1] % 2]) + self.share_v[1:33]
        prover = Prover(self.w0, self.w1, self.x)
        assert prover.agree(compressed, b"") == prover.agree(self.share_v, b"")


def stranger(k: int, of: Point) -> Point:
    """Return the product as the `ecdsa` package computes it."""
    product = k * ellipticcurve.Point(NIST256p.curve, of.x, of.y)
    return Point(int(product.x()), int(product.y()))


class TestArithmetic:
    @pytest.mark.parametrize("k", EDGES)
    @pytest.mark.parametrize("of", [BASE, M, N])
    def test_a_product_is_the_one_of_a_stranger_at_the_edges(self, k: int, of: Point) -> None:
        assert times(k, of) == stranger(k, of)

    @settings(max_examples=25, deadline=None)
    @given(SCALARS, SCALARS)
    def test_and_anywhere(self, k: int, j: int) -> None:
        assert times(k, times_base(j)) == stranger(k, stranger(j, BASE))

    @pytest.mark.parametrize("k", EDGES)
    def test_a_product_of_the_base_is_what_openssl_says(self, k: int) -> None:
        numbers = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers()
        assert times(k, BASE) == times_base(k) == Point(numbers.x, numbers.y)

    @settings(max_examples=50, deadline=None)
    @given(SCALARS, SCALARS)
    def test_products_of_the_base_add_up(self, k: int, j: int) -> None:
        if (k + j) % ORDER:
            assert plus(times_base(k), times_base(j)) == times_base((k + j) % ORDER)

    @settings(max_examples=50, deadline=None)
    @given(SCALARS)
    def test_a_point_and_itself_make_its_double_and_its_opposite_is_the_other_root(self, k: int) -> None:
        it = times_base(k)
        assert minus(it) == times_base(ORDER - k)
        assert plus(it, it) == times(2, it)
        with pytest.raises(ValueError, match="the sum of a point and its opposite is no point"):
            plus(it, minus(it))

    @pytest.mark.parametrize("k", [0, ORDER])
    def test_a_product_that_is_no_point_is_refused(self, k: int) -> None:
        with pytest.raises(ValueError):
            times(k, M)

    def test_points_come_back_from_their_bytes(self) -> None:
        assert point(bytes(M)) == M
        assert bytes(BASE).hex().startswith("046b17d1f2")
        assert len(bytes(BASE)) == 65


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",  # the point at infinity, as some write it
        bytes(65),
        b"\4" + bytes(64),
        bytes(BASE)[:-1],
        bytes(BASE) + b"\0",
        bytes(BASE)[:-1] + bytes([bytes(BASE)[-1] ^ 1]),  # beside the curve
        b"\4" + PRIME.to_bytes(32, "big") + bytes(BASE)[33:],
        b"\5" + bytes(BASE)[1:],
    ],
)
def test_what_is_no_point_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        point(data)
    with pytest.raises(ValueError):
        Prover(1, 2, 3).agree(data, b"")


def test_a_share_that_leaves_nothing_of_the_secret_is_refused() -> None:
    """It is w0·N, and our side of the agreement would be the point at infinity."""
    with pytest.raises(ValueError, match="is no point"):
        Prover(5, 6, 7).agree(bytes(times(5, N)), b"")


class TestTheTwoWaysToWriteW0:
    @pytest.mark.parametrize(
        ("w0", "short"),
        [
            (0x7F << 248, "7f" + "00" * 31),
            (0xFF << 248, "ff" + "00" * 31),
            (0x7F << 240, "7f" + "00" * 30),
            (0x80 << 240, "0080" + "00" * 30),
            (0x80 << 232, "80" + "00" * 29),
            (0x01, "01"),
            (0x81, "0081"),
        ],
    )
    def test_are_as_described(self, w0: int, short: str) -> None:
        assert whole(w0).hex() == f"{w0:064x}"
        assert shortened(w0).hex() == short

    def test_only_one_in_512_differs(self) -> None:
        """w0 below 2^255 with a first byte of 0 and a second below 0x80: by count of the first two bytes."""
        tops = [top << 240 for top in range(1, 2**16)]
        assert sum(whole(w0) != shortened(w0) for w0 in tops) == 2**16 // 512 - 1


def test_a_transcript_puts_lengths_in_front_the_lowest_byte_first() -> None:
    assert transcript(b"ab", b"") == b"\2" + bytes(7) + b"ab" + bytes(8)


def test_nothing_shows_a_secret() -> None:
    prover = Prover(5, 6, 7)
    agreement = prover.agree(bytes(times(9, BASE)), b"")
    assert repr(agreement) == "Agreement()"
    assert "_w0" not in repr(prover)


def test_another_confirmation_is_not_theirs() -> None:
    agreement = Prover(5, 6, 7).agree(bytes(times(9, BASE)), b"")
    assert agreement.is_theirs(agreement.theirs)
    assert not agreement.is_theirs(agreement.ours)
    assert not agreement.is_theirs(b"")
