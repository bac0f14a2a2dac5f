"""TPAP against fixed vectors, against a device that computes its own side, and against answers by hand.

The vectors are those of docs/protocol.md, "Vectors", computed apart from this client and equal to what plugp100 makes
of the same input.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, NeedsTpap, SessionLost, Unsupported
from tapo_automate.wire.exchange import Door, Request, Response, drive
from tapo_automate.wire.identity import LOCKED_TEXT, NO_ACCOUNT_TEXT, REFUSED_TEXT, candidates
from tapo_automate.wire.offer import Offer, Passcode, credential, default_passcode, passcode, stretch
from tapo_automate.wire.spake2plus import (
    ORDER,
    Encode,
    M,
    N,
    Prover,
    minus,
    plus,
    point,
    shortened,
    times,
    transcript,
    whole,
)
from tapo_automate.wire.tpap import LAST_SEQ, MOST_ITERATIONS, TpapCipher, TpapSession
from wire.peers import ACCOUNT, HTML, PASSWORD, USER
from wire.tpap_peer import MAC, TpapPeer, b64, fixed, minimal

USER_RANDOM = bytes(range(32))
DEVICE_RANDOM = bytes(range(32, 64))
X = int("11" * 32, 16)
PLAIN = b'{"method":"get_device_info"}'
OFFER = Offer(MAC, None, frozenset({2}))
SHORT_SALT = (563).to_bytes(16, "big")  # of PASSWORD and 50 iterations it makes a disputed w0; checked below
PASSWORD_REFUSED = (
    "the device does not accept this password. One that was changed lately may not have reached the device: log out of "
    "the app and in again, or remove the device there and add it anew. It is not tried again by itself, because "
    "repeated failures lock a device"
)


class Vector(NamedTuple):
    encode: Encode
    dev_salt: str
    w0: str
    w1: str
    user_share: str
    dev_share: str
    transcript_bytes: int
    digest: str
    shared: str
    user_confirm: str
    dev_confirm: str
    key: str
    nonce_base: str
    frame: str


CONTEXT = "5b2a9a4124d0c3da88f8de08252b62cbfbb514891b888aa3d90d68f34a8594a2"
A = Vector(
    encode=whole,
    dev_salt="404142434445464748494a4b4c4d4e4f",
    w0="7ea298517930343a817761b0f115e3728564be9f1faa952d976842d19b4049dc",
    w1="8869051127f6f9595c7fc82d06d01ffbb174864a28f8955820f33e5416c56fcc",
    user_share="0411ef5227a3dd02e2934aeaec24bea9415f01075727eac7e559d455979e454e9b"
    "4655d0940d2b6f3c1cd751aac81f86b6616938a02b9431205107a4768629be2a",
    dev_share="044ae61afaf083f7d8b0775e510960828448e8ae71fae83cf4a53371bc6cc04efd"
    "313aba0db253ce333a2475d07e0ddd737c5880a6521ae0593c7ce870d1892451",
    transcript_bytes=534,
    digest="40c912a60e823e2943b552373a3f73a076f539b2e7ee17458fc8b8b586733998",
    shared="812153dc244dea401a70ef2d70ff6d254c52a2850b03ece524f7327fdb6495f6",
    user_confirm="0dcafea71b10ad18c44fa9238a6483c851426d5ab83ffb9c3bcebd16ab392899",
    dev_confirm="52184b7a848ed934db9ca01a5cb8b39fe6b0d2e3c6138fb720a5e8ec1d351903",
    key="6722e1f7aaa03202b476798603f6c1e1",
    nonce_base="5767218a4b1204e752ecdcb6",
    frame="000000016b1b542c553d0da88dfcb90f06228d2f0b076c74f85dfa239ceee2e49f404a7b80fe7a060d7a4bdf86af8235",
)
B = Vector(
    encode=shortened,
    dev_salt="73686f72742d77302d00000000000060",
    w0="00443fe53f04fa400c7abc28fe1afe36cedff9709925a632f6b24f5ccdb45420",
    w1="245409811ad81cc980a61927b1c87bee0864f4733aa90ffa555edf2e27177ffd",
    user_share="04b45ef1c48ff50628e211cad94bfa5a48400d67d5e2e979267cf252e6030521a4"
    "c533d06d1d94b5fadf606dc2aa5ed323e789ab4d0d348ea9af66221680b592d0",
    dev_share="045923cfa9365d046a560dd1b7fd6910e50772d92ea30e6822326f6c180176786d"
    "354c58613b242a4a741f6dfa069232231aae8aac3dbd808e298dc7ba8c9cc0e3",
    transcript_bytes=533,
    digest="2cceb8be79e50b906453480543f3d50b6232bceb4065eedff62826ad53007cb5",
    shared="555dbb9366f29ceb66e4ff06c0cdd5b44f4496864ad88e284878f3c2cb6ec69f",
    user_confirm="45e8cc3a09a2cb8bb470f7f54c67b55f2fda8494d285b967353746d105c65d49",
    dev_confirm="05a634dee5b9eb4a544413a48fd1acd2c2aade114bd216f2e89161d08e2c8acc",
    key="fb4a6f0ecd5d04fa902f09a7aad348a5",
    nonce_base="8933f816039a442602d54dee",
    frame="0000000175d50be1efb7220e86de74907c1a6155bbb848873ebaa1e27a2f590f1465d5255938b40aca781605434aa004",
)


def account() -> Passcode:
    return passcode("plug", OFFER, candidates(ACCOUNT))


def draws(count: int) -> bytes:
    """Draw what the vectors take: the nonce, and the x that is made of what is drawn."""
    return USER_RANDOM if count == 32 else (X - 1).to_bytes(count, "big")


def session(offer: Offer = OFFER, secret: Passcode | None = None) -> TpapSession:
    return TpapSession("plug", offer, secret or account(), draws)


def says(result: dict[str, Any]) -> Response:
    return Response(200, json.dumps({"error_code": 0, "result": result}).encode())


def params(request: Request) -> dict[str, Any]:
    call = json.loads(request.body)
    assert call["method"] == "login"
    found: dict[str, Any] = call["params"]
    return found


@pytest.mark.parametrize("vector", [A, B], ids=["A", "B"])
class TestVectors:
    def prover(self, vector: Vector) -> Prover:
        return Prover(int(vector.w0, 16), int(vector.w1, 16), X)

    def test_the_password_is_stretched_as_published(self, vector: Vector) -> None:
        word = credential("plug", account(), {"type": "password_shadow", "params": {"passwd_id": 2}})
        w0, w1 = stretch(word, bytes.fromhex(vector.dev_salt), 3000)
        assert (f"{w0:064x}", f"{w1:064x}") == (vector.w0, vector.w1)

    def test_so_are_the_share_and_the_transcript(self, vector: Vector) -> None:
        context = hashlib.sha256(b"PAKE V1" + USER_RANDOM + DEVICE_RANDOM).digest()
        assert context.hex() == CONTEXT
        w0, w1 = int(vector.w0, 16), int(vector.w1, 16)
        share = self.prover(vector).share
        assert share.hex() == vector.user_share
        theirs = point(bytes.fromhex(vector.dev_share))
        unmasked = plus(theirs, minus(times(w0, N)))
        points = [bytes(M), bytes(N), share, bytes(theirs), bytes(times(X, unmasked)), bytes(times(w1, unmasked))]
        text = transcript(context, b"", b"", *points, vector.encode(w0))
        assert (len(text), hashlib.sha256(text).hexdigest()) == (vector.transcript_bytes, vector.digest)

    def test_so_is_what_both_sides_agree_on(self, vector: Vector) -> None:
        share = bytes.fromhex(vector.dev_share)
        agreement = self.prover(vector).agree(share, bytes.fromhex(CONTEXT), encode=vector.encode)
        assert agreement.digest.hex() == vector.digest
        assert agreement.shared.hex() == vector.shared
        assert agreement.ours.hex() == vector.user_confirm
        assert agreement.is_theirs(bytes.fromhex(vector.dev_confirm))

    def test_so_are_the_session_s_key_and_its_first_frame(self, vector: Vector) -> None:
        cipher = TpapCipher.agreed(bytes.fromhex(vector.shared), 1)
        assert cipher.keep() == {"key": vector.key, "base": vector.nonce_base, "seq": 1}
        assert cipher.seal(PLAIN).hex() == vector.frame
        assert cipher.seq == 2


def test_the_third_way_to_write_w0_is_the_first() -> None:
    """31 bytes, of which the first has its first bit set."""
    word = hashlib.sha1(PASSWORD.encode()).hexdigest().encode()
    w0, _ = stretch(word, bytes.fromhex("73686f72742d77302d0000000000003a"), 3000)
    assert w0.bit_length() == 248
    assert whole(w0) == shortened(w0)


TERMS: dict[str, Any] = {
    "dev_random": b64(DEVICE_RANDOM),
    "dev_salt": b64(bytes.fromhex(A.dev_salt)),
    "dev_share": b64(bytes.fromhex(A.dev_share)),
    "cipher_suites": 1,
    "iterations": 3000,
    "encryption": "aes_128_ccm",
    "extra_crypt": {"type": "password_shadow", "params": {"passwd_id": 2}},
}
END: dict[str, Any] = {"dev_confirm": b64(bytes.fromhex(A.dev_confirm)), "stok": "ab/c", "start_seq": 1}


def opened(**end: Any) -> TpapSession:
    """Return a session that has gone through vector A."""
    it = session()
    steps = it.handshake()
    next(steps)
    steps.send(says(TERMS))
    with pytest.raises(StopIteration):
        steps.send(says(END | end))
    return it


class TestHandshake:
    def test_goes_as_written(self) -> None:
        it = session()
        steps = it.handshake()
        first = next(steps)
        assert (first.path, first.door, first.headers) == ("/", None, {"Content-Type": "application/json"})
        assert not first.once
        assert params(first) == {
            "sub_method": "pake_register",
            "username": "21232f297a57a5a743894a0e4a801fc3",
            "user_random": b64(USER_RANDOM),
            "cipher_suites": [1],
            "encryption": ["aes_128_ccm"],
            "passcode_type": "userpw",
            "stok": None,
        }
        second = steps.send(says(TERMS))
        assert second.once  # a wrong one that is sent again would count twice
        assert params(second) == {
            "sub_method": "pake_share",
            "user_share": b64(bytes.fromhex(A.user_share)),
            "user_confirm": b64(bytes.fromhex(A.user_confirm)),
        }
        with pytest.raises(StopIteration):
            steps.send(says(END))
        assert it.opened_with == "account"
        request = it.seal(PLAIN)
        assert (request.path, request.body.hex(), request.headers) == (
            "/stok=ab%2Fc/ds",
            A.frame,
            {"Content-Type": "application/octet-stream"},
        )

    def test_a_name_is_hashed_as_the_device_wants_it(self) -> None:
        request = next(session(Offer(MAC, None, frozenset({2}), hashed_user=True)).handshake())
        assert params(request)["username"] == "8C6976E5B5410415BDE908BD4DEE15DFB167A9C873FC4BB8A81F6F2AB448A918"

    def test_every_request_goes_to_the_device_s_door(self) -> None:
        peer, door = TpapPeer(), Door(4433, tls=True)
        it = session(Offer(MAC, door, frozenset({2})))
        drive(it.handshake(), peer)
        peer(it.seal(PLAIN))
        assert peer.doors == [door] * 3

    @pytest.mark.parametrize("name", ["stok", "sessionId"])
    def test_the_session_s_name_comes_under_either_of_two(self, name: str) -> None:
        it = opened(**{"stok": None, name: "5f"})
        assert it.seal(PLAIN).path == "/stok=5f/ds"

    @pytest.mark.parametrize(
        "terms", [{"cipher_suites": [1]}, {"encryption": ["aes_128_ccm"]}, {"extra_crypt": {"type": "password_shadow",
         "params": {"passwd_id": "2"}}}, {"dev_share": b64(bytes([3]) + bytes.fromhex(A.dev_share)[1:33])}]
    )  # fmt: skip
    def test_other_spellings_of_the_same_are_taken(self, terms: dict[str, Any]) -> None:
        steps = session().handshake()
        next(steps)
        assert params(steps.send(says(TERMS | terms)))["user_confirm"] == b64(bytes.fromhex(A.user_confirm))

    def test_a_device_that_was_never_set_up_is_opened_by_its_mac(self) -> None:
        peer = TpapPeer()
        peer.word = b"F9F270978BAA582014CFC81E2B5966D92923B7F784DD84FD75429E38CC4EEFC9"  # whatever is said of hashing
        offer = Offer(MAC, None, frozenset({0, 2}))
        it = session(offer, passcode("plug", offer, candidates(None)))
        drive(it.handshake(), peer)
        assert peer.asked[0]["passcode_type"] == "default_userpw"
        assert it.opened_with == "set-up default"

    @pytest.mark.parametrize("extra", [None, {}])
    def test_without_words_on_hashing_name_and_password_are_taken_as_they_are(self, extra: object) -> None:
        peer = TpapPeer()
        peer.word = f"{USER}/{PASSWORD}".encode()
        peer.terms = {"extra_crypt": extra}
        it = session()
        drive(it.handshake(), peer)
        assert peer.logins == 1

    @settings(max_examples=50, deadline=None)
    @given(st.binary(min_size=32, max_size=32), st.binary(min_size=40, max_size=40))
    def test_whatever_is_drawn_makes_a_sound_number(self, nonce: bytes, scalar: bytes) -> None:
        x = 1 + int.from_bytes(scalar, "big") % (ORDER - 1)
        assert 1 <= x < ORDER
        it = TpapSession("plug", OFFER, account(), lambda count: nonce if count == 32 else scalar)
        steps = it.handshake()
        assert params(next(steps))["user_random"] == b64(nonce)
        share = b64decode(params(steps.send(says(TERMS)))["user_share"])
        assert share == Prover(int(A.w0, 16), int(A.w1, 16), x).share


class TestPasscodes:
    def test_only_the_account_is_ever_shown(self) -> None:
        assert account() == Passcode("userpw", "account", USER.encode(), PASSWORD.encode())

    @pytest.mark.parametrize("pake", [{2}, {5}, {1, 2, 3}])
    def test_without_an_account_nothing_is_tried(self, pake: set[int]) -> None:
        with pytest.raises(AuthRefused) as raised:
            passcode("plug", Offer(MAC, None, frozenset(pake)), candidates(None))
        assert str(raised.value) == f"plug: {NO_ACCOUNT_TEXT}"

    @pytest.mark.parametrize(("pake", "text"), [({1}, "1"), ({3}, "3"), ({1, 3, 9}, "1, 3, 9"), (set(), "none")])
    def test_kinds_that_are_not_spoken_are_named(self, pake: set[int], text: str) -> None:
        with pytest.raises(NeedsTpap, match=rf"with other secrets than the account's password \(pake {text}\), which"):
            passcode("plug", Offer(MAC, None, frozenset(pake)), candidates(ACCOUNT))

    @pytest.mark.parametrize("mac", ["AA-BB-CC-DD-EE-FF", "aa:bb:cc:dd:ee:ff", "AABBCCDDEEFF"])
    def test_the_one_of_a_new_device_is_as_published(self, mac: str) -> None:
        assert default_passcode("plug", mac) == b"F9F270978BAA582014CFC81E2B5966D92923B7F784DD84FD75429E38CC4EEFC9"

    @pytest.mark.parametrize("mac", ["", "AA-BB", "hello", "AA-BB-CC-DD-EE-FF-00"])
    def test_a_new_device_without_a_mac_has_none(self, mac: str) -> None:
        with pytest.raises(Garbled) as raised:
            default_passcode("plug", mac)
        assert str(raised.value) == "plug: the device says that it was never set up, and not what its MAC is"


class TestNotSpoken:
    """What is not spoken is said so before anything that could count as a failed login."""

    @pytest.mark.parametrize(
        ("terms", "kind"),
        [
            ({"cipher_suites": 2}, "cipher suite 2"),
            ({"cipher_suites": [1, 2]}, "cipher suite [1, 2]"),
            ({"encryption": "aes_256_ccm"}, "the cipher aes_256_ccm"),
            ({"encryption": "x" * 900}, f"the cipher {'x' * 40}"),
            (
                {"extra_crypt": {"type": "password_shadow", "params": {"passwd_id": 5, "passwd_prefix": "$5$ab"}}},
                "passwords hashed in another way (password_shadow 5)",
            ),
            ({"extra_crypt": {"type": "password_shadow"}}, "passwords hashed in another way (password_shadow None)"),
            (
                {"extra_crypt": {"type": "password_authkey", "params": {"authkey_tmpkey": "k"}}},
                "passwords hashed in another way (password_authkey)",
            ),
            ({"extra_crypt": "odd"}, "passwords hashed in another way (None)"),
        ],
    )
    def test_it_is_named(self, terms: dict[str, Any], kind: str) -> None:
        steps = session().handshake()
        next(steps)
        with pytest.raises(NeedsTpap) as raised:
            steps.send(says(TERMS | terms))
        assert str(raised.value).startswith(f"plug: the device only offers the TPAP protocol with {kind}, which this")


class TestAnswersThatMakeNoSense:
    @pytest.mark.parametrize(
        ("terms", "problem"),
        [
            ({"iterations": 0}, "`iterations` in the login is not a number from 1 to 100000"),
            ({"iterations": MOST_ITERATIONS + 1}, "`iterations` in the login is not a number from 1 to 100000"),
            ({"iterations": True}, "`iterations` in the login is not a number from 1 to 100000"),
            ({"iterations": "3000"}, "`iterations` in the login is not a number from 1 to 100000"),
            ({"dev_salt": b64(bytes(7))}, "`dev_salt` in the login is not the base64 of 8 to 128 bytes"),
            ({"dev_salt": b64(bytes(129))}, "`dev_salt` in the login is not the base64 of 8 to 128 bytes"),
            ({"dev_salt": 5}, "`dev_salt` in the login is not the base64 of 8 to 128 bytes"),
            ({"dev_random": "?"}, "`dev_random` in the login is not the base64 of 16 to 128 bytes"),
            ({"dev_random": b64(bytes(15))}, "`dev_random` in the login is not the base64 of 16 to 128 bytes"),
            ({"dev_share": ""}, "`dev_share` in the login is not the base64 of 33 to 65 bytes"),
            ({"dev_share": b64(bytes(65))}, "share in the login is no point of the curve P-256"),
            ({"dev_share": b64(bytes([4]) + bytes(64))}, "share in the login is no point of the curve P-256"),
            (
                {"dev_share": b64(bytes(times(int(A.w0, 16), N)))},
                "share in the login is no point of the curve P-256",
            ),
        ],
    )
    def test_to_a_registration(self, terms: dict[str, Any], problem: str) -> None:
        steps = session().handshake()
        next(steps)
        with pytest.raises(Garbled) as raised:
            steps.send(says(TERMS | terms))
        assert str(raised.value) == f"plug: the device's {problem}"
        assert raised.value.__suppress_context__ or raised.value.__context__ is None

    @pytest.mark.parametrize(
        ("end", "problem"),
        [
            ({"dev_confirm": None}, "the device's `dev_confirm` in the login is not the base64 of 32 bytes"),
            ({"stok": None}, "the device took the login and gave no `stok`"),
            ({"stok": 7}, "the device took the login and gave no `stok`"),
            ({"start_seq": None}, "the device took the login, and its `start_seq` is not a number of 32 bits"),
            ({"start_seq": -1}, "the device took the login, and its `start_seq` is not a number of 32 bits"),
            ({"start_seq": 2**32}, "the device took the login, and its `start_seq` is not a number of 32 bits"),
        ],
    )
    def test_to_a_share(self, end: dict[str, Any], problem: str) -> None:
        with pytest.raises(Garbled) as raised:
            opened(**end)
        assert str(raised.value) == f"plug: {problem}"

    @pytest.mark.parametrize("step", [1, 2])
    @pytest.mark.parametrize(
        ("answer", "error", "text"),
        [
            (Response(500, b""), Garbled, "the device answered TPAP's login with HTTP 500"),
            (Response(403, b"{}"), Garbled, "the device answered TPAP's login with HTTP 403"),
            (Response(200, HTML), Garbled, "the device answered TPAP's login with HTTP 200 with a web page"),
            (Response(200, b"[]"), Garbled, "the device answered TPAP's login with HTTP 200"),
            (Response(200, b'{"error_code":0}'), Garbled, "the device's answer to TPAP's login holds no result"),
            (Response(429, b""), Busy, "HTTP TOO MANY REQUESTS"),
            (Response(200, b'{"error_code":-1301}'), Busy, "login was refused with error -1301"),
            (Response(200, b'{"error_code":-1002}'), Unsupported, "the device has no function login"),
        ],
    )
    def test_to_either(self, step: int, answer: Response, error: type[DeviceError], text: str) -> None:
        steps = session().handshake()
        next(steps)
        if step == 2:
            steps.send(says(TERMS))
        with pytest.raises(error) as raised:
            steps.send(answer)
        assert text in str(raised.value)
        assert not raised.value.outcome_unknown


def refusal(code: int = -2203, **info: object) -> Response:
    return Response(200, json.dumps({"error_code": code, "error_info": info}).encode())


class TestRefusals:
    def test_another_password_is_refused_once_and_the_device_s_count_is_told(self) -> None:
        peer = TpapPeer(password="another")
        with pytest.raises(AuthRefused) as raised:
            drive(session().handshake(), peer)
        assert str(raised.value) == f"plug: {PASSWORD_REFUSED} (it says that it bears 14 more)"
        assert (raised.value.remaining, raised.value.locked_min, raised.value.locked) == (14, 0, False)
        assert (peer.handshakes, peer.failed) == (1, 1)

    def test_a_refusal_that_locks_says_for_how_long(self) -> None:
        peer = TpapPeer()
        peer.refusals = {"pake_share": [refusal(lockedMinute=30, failedAttempts=15, remainAttempts=0)]}
        with pytest.raises(AuthRefused) as raised:
            drive(session().handshake(), peer)
        assert str(raised.value).endswith(" (it says that it bears 0 more, it takes no login for 30 min)")
        assert (raised.value.remaining, raised.value.locked_min) == (0, 30)
        assert not raised.value.locked, "it is our failure, and is to be remembered as such"

    @pytest.mark.parametrize("info", [{}, {"remainAttempts": "14"}, {"remainAttempts": True, "lockedMinute": -1}])
    def test_a_device_that_does_not_count_is_not_quoted(self, info: dict[str, object]) -> None:
        peer = TpapPeer()
        peer.refusals = {"pake_register": [refusal(**info)]}
        with pytest.raises(AuthRefused) as raised:
            drive(session().handshake(), peer)
        assert str(raised.value) == f"plug: {PASSWORD_REFUSED}"
        assert (raised.value.remaining, raised.value.locked_min) == (None, None)
        assert len(peer.asked) == 1

    def test_where_the_e_mail_counts_it_is_named_too(self) -> None:
        peer = TpapPeer()
        peer.terms = {"extra_crypt": None}
        with pytest.raises(AuthRefused) as raised:
            drive(session().handshake(), peer)
        assert str(raised.value) == f"plug: {REFUSED_TEXT} (it says that it bears 14 more)"

    def test_a_new_device_that_refuses_its_own_passcode_is_to_be_set_up(self) -> None:
        offer = Offer(MAC, None, frozenset({0}))
        with pytest.raises(AuthRefused, match="it was never set up, and does not accept the passcode"):
            drive(session(offer, passcode("plug", offer, candidates(ACCOUNT))).handshake(), TpapPeer())

    @pytest.mark.parametrize("step", ["pake_register", "pake_share"])
    def test_a_locked_device_is_left_alone(self, step: str) -> None:
        peer = TpapPeer()
        peer.salts = [SHORT_SALT]
        peer.refusals = {step: [refusal(-2101, lockedMinute=5)]}
        with pytest.raises(AuthRefused) as raised:
            drive(session().handshake(), peer)
        assert str(raised.value) == f"plug: {LOCKED_TEXT}. It says that it takes none for 5 min"
        assert raised.value.locked
        assert [asked["sub_method"] for asked in peer.asked][-1] == step
        assert peer.handshakes <= 1

    def test_one_that_does_not_know_the_password_itself_is_no_device(self) -> None:
        peer = TpapPeer()
        peer.confirm_flip = 1
        it = session()
        with pytest.raises(AuthRefused) as raised:
            drive(it.handshake(), peer)
        assert str(raised.value) == (
            "plug: what is at this address does not show that it knows the password itself, as a device does: "
            "something else may have taken its place. It is not tried again by itself, because each try lets it guess "
            "once"
        )
        assert it.keep() is None
        assert len(peer.asked) == 2


class TestTheDispute:
    """A device that writes w0 in the other way refuses a good password once in 512 logins."""

    @staticmethod
    def peer(*salts: bytes, encode: Callable[[int], bytes] = minimal, **options: Any) -> TpapPeer:
        peer = TpapPeer(**options)
        peer.salts, peer.encode = list(salts), encode
        return peer

    def test_the_salt_of_these_tests_is_a_disputed_one(self) -> None:
        w0, _ = stretch(hashlib.sha1(PASSWORD.encode()).hexdigest().encode(), SHORT_SALT, 50)
        assert fixed(w0) != minimal(w0)

    def test_a_disputed_refusal_is_tried_once_more(self) -> None:
        peer, it = self.peer(SHORT_SALT, bytes(16)), session()
        drive(it.handshake(), peer)
        assert [asked["sub_method"] for asked in peer.asked] == ["pake_register", "pake_share"] * 2
        assert (peer.failed, peer.logins, it.opened_with) == (1, 1, "account")

    def test_and_never_twice_whatever_the_second_salt_is(self) -> None:
        peer = self.peer(SHORT_SALT)
        with pytest.raises(AuthRefused) as raised:
            drive(session().handshake(), peer)
        assert (peer.handshakes, peer.failed, raised.value.remaining) == (2, 2, 13)

    def test_a_wrong_password_with_such_a_salt_costs_two_at_most(self) -> None:
        peer = self.peer(SHORT_SALT, bytes(16), encode=fixed)
        peer.word = b"another"
        with pytest.raises(AuthRefused):
            drive(session().handshake(), peer)
        assert peer.failed == 2

    def test_with_a_device_of_our_side_nothing_is_tried_twice(self) -> None:
        peer = self.peer(SHORT_SALT, encode=fixed)
        drive(session().handshake(), peer)
        assert (peer.handshakes, peer.failed) == (1, 0)

    def test_no_other_refusal_is_tried_again(self) -> None:
        peer = self.peer(bytes(16))
        peer.word = b"another"
        with pytest.raises(AuthRefused):
            drive(session().handshake(), peer)
        assert peer.failed == 1

    @pytest.mark.parametrize("info", [{"remainAttempts": 1}, {"remainAttempts": 0}, {"lockedMinute": 1}])
    def test_not_where_the_next_failure_would_lock_it(self, info: dict[str, object]) -> None:
        peer = self.peer(SHORT_SALT)
        peer.refusals = {"pake_share": [refusal(**info)]}
        with pytest.raises(AuthRefused):
            drive(session().handshake(), peer)
        assert peer.handshakes == 1

    def test_nor_a_refusal_before_any_share(self) -> None:
        peer = self.peer(SHORT_SALT)
        peer.refusals = {"pake_register": [refusal()]}
        with pytest.raises(AuthRefused):
            drive(session().handshake(), peer)
        assert len(peer.asked) == 1


class TestFrames:
    def pair(self, seq: int = 1) -> tuple[TpapSession, TpapCipher]:
        """Return a session and the device's cipher for it."""
        it = opened(start_seq=seq)
        return it, TpapCipher.agreed(bytes.fromhex(A.shared), seq)

    def test_answers_are_opened_by_the_number_in_front(self) -> None:
        it, device = self.pair()
        for number, text in enumerate((b'{"error_code":0}', b"{}", b""), start=1):
            assert it.seal(PLAIN).body[:4] == number.to_bytes(4, "big")
            assert it.unseal(Response(200, device.seal(text))) == text

    def test_an_answer_with_a_higher_number_is_taken(self) -> None:
        it, device = self.pair()
        it.seal(PLAIN)
        device.seq = 9
        assert it.unseal(Response(200, device.seal(b"{}"))) == b"{}"

    def lost(self, it: TpapSession, body: bytes) -> None:
        with pytest.raises(SessionLost) as raised:
            it.unseal(Response(200, body))
        assert str(raised.value) == "plug: the answer is not sealed with the session's key"
        assert raised.value.outcome_unknown

    def test_an_old_answer_is_not_taken_for_a_new_one(self) -> None:
        it, device = self.pair()
        it.seal(PLAIN)
        old = device.seal(b'{"error_code":0}')
        it.unseal(Response(200, old))
        self.lost(it, old)
        it.seal(PLAIN)
        self.lost(it, old)

    def test_neither_is_one_whose_number_runs_ahead(self) -> None:
        it, device = self.pair()
        device.seq = 2
        it.seal(PLAIN)
        old = device.seal(b'{"error_code":0}')
        it.unseal(Response(200, old))
        it.seal(PLAIN)
        self.lost(it, old)

    def test_nor_our_own_frame_sent_back(self) -> None:
        it, _ = self.pair()
        request = it.seal(PLAIN)
        self.lost(it, request.body)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 8 * 36 - 1))
    def test_a_flipped_bit_anywhere_is_noticed(self, bit: int) -> None:
        it, device = self.pair()
        it.seal(PLAIN)
        frame = bytearray(device.seal(b'{"error_code":0}'))
        assert len(frame) == 36
        frame[bit // 8] ^= 1 << bit % 8
        self.lost(it, bytes(frame))

    @pytest.mark.parametrize("length", [0, 1, 19])
    def test_an_answer_that_is_too_short(self, length: int) -> None:
        it, _ = self.pair()
        it.seal(PLAIN)
        with pytest.raises(Garbled) as raised:
            it.unseal(Response(200, b"\1" * length))
        assert str(raised.value) == f"plug: the answer of {length} bytes is too short to be one"
        assert raised.value.outcome_unknown

    @pytest.mark.parametrize("code", [-2203, -2402, 9999, 63333])
    def test_a_session_that_is_gone_is_said_in_the_open(self, code: int) -> None:
        it, _ = self.pair()
        it.seal(PLAIN)
        with pytest.raises(SessionLost) as raised:
            it.unseal(Response(200, b'{"error_code":%d}' % code))
        shown = code if code != 63333 else -2203
        assert str(raised.value) == f"plug: the device has forgotten the session (error {shown})"
        assert not raised.value.outcome_unknown

    def test_any_other_error_in_the_open_is_handed_on(self) -> None:
        it, _ = self.pair()
        it.seal(PLAIN)
        assert it.unseal(Response(200, b'{"error_code":-1301}')) == b'{"error_code":-1301}'

    def test_a_success_in_the_open_is_nobody_s_word(self) -> None:
        it, _ = self.pair()
        it.seal(PLAIN)
        self.lost(it, b'{"error_code":0,"result":{}}')

    @pytest.mark.parametrize(
        ("answer", "error", "text"),
        [
            (Response(401, b""), SessionLost, "plug: the device has forgotten the session (HTTP 401)"),
            (Response(403, b""), SessionLost, "plug: the device has forgotten the session (HTTP 403)"),
            (Response(500, b""), Garbled, "plug: the device answered with HTTP 500"),
            (Response(404, b""), Garbled, "plug: the device answered with HTTP 404"),
            (Response(200, HTML), Garbled, "plug: the device answered a command with a web page"),
        ],
    )
    def test_what_is_no_frame_is_named(self, answer: Response, error: type[DeviceError], text: str) -> None:
        it, _ = self.pair()
        it.seal(PLAIN)
        with pytest.raises(error) as raised:
            it.unseal(answer)
        assert str(raised.value) == text
        assert raised.value.outcome_unknown is (error is Garbled)

    def test_too_many_requests_want_a_rest(self) -> None:
        it, _ = self.pair()
        it.seal(PLAIN)
        with pytest.raises(Busy):
            it.unseal(Response(429, b""))

    def test_numbers_do_not_run_over(self) -> None:
        it, _ = self.pair(LAST_SEQ - 1)
        assert it.seal(PLAIN).body[:4] == (LAST_SEQ - 1).to_bytes(4, "big")
        with pytest.raises(SessionLost, match="has used up its sequence numbers"):
            it.seal(PLAIN)


class TestKeeping:
    @pytest.mark.parametrize("door", [None, Door(8080), Door(4433, tls=True)])
    def test_another_process_goes_on_where_this_one_stopped(self, door: Door | None) -> None:
        peer = TpapPeer()
        it = session(Offer(MAC, door, frozenset({2})))
        drive(it.handshake(), peer)
        it.unseal(peer(it.seal(PLAIN)))
        kept = json.loads(json.dumps(it.keep()))
        again = TpapSession.resume("plug", kept)
        assert again is not None
        assert json.loads(again.unseal(peer(again.seal(PLAIN)))) == {
            "error_code": 0,
            "result": {"asked": "get_device_info"},
        }
        assert peer.seqs == [1, 2]
        assert (peer.doors[-1], again.opened_with, again.transport) == (door, "account", "tpap")

    def test_an_answer_from_before_is_not_taken_for_one_to_the_next_process(self) -> None:
        peer, it = TpapPeer(), session()
        drive(it.handshake(), peer)
        old = peer(it.seal(PLAIN))
        it.unseal(old)
        again = TpapSession.resume("plug", it.keep() or {})
        assert again is not None
        again.seal(PLAIN)
        with pytest.raises(SessionLost):
            again.unseal(old)

    def test_before_a_handshake_there_is_nothing_to_keep(self) -> None:
        assert session().keep() is None

    @pytest.mark.parametrize(
        "change",
        [
            {"stok": ""},
            {"stok": 5},
            {"stok": None},
            {"key": "00"},
            {"key": "zz" * 16},
            {"key": 5},
            {"base": "00" * 11},
            {"seq": -1},
            {"seq": 2**32},
            {"seq": "1"},
            {"seq": True},
            {"port": -1},
            {"port": 65536},
            {"port": "80"},
            {"tls": 2},
            {"port": 0, "tls": 1},
        ],
    )
    def test_what_is_none_of_ours_is_not_gone_on_with(self, change: dict[str, object]) -> None:
        kept = opened().keep()
        assert kept is not None
        assert TpapSession.resume("plug", kept) is not None
        assert TpapSession.resume("plug", {**kept, **change}) is None
        assert TpapSession.resume("plug", {name: kept[name] for name in kept if name not in change}) is None

    def test_a_resumed_session_shakes_no_hands(self) -> None:
        again = TpapSession.resume("plug", opened().keep() or {})
        assert again is not None
        with pytest.raises(AssertionError, match="shakes no hands"):
            next(again.handshake())


def test_nothing_shows_a_secret() -> None:
    it = opened()
    kept = it.keep()
    assert kept is not None
    shown = repr([it, it._cipher, it._secret, account(), it._offer, it.seal(PLAIN)])
    for secret in (PASSWORD, USER, str(kept["key"]), str(kept["stok"]), str(kept["base"])):
        assert secret not in shown
