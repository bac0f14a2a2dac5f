"""TPAP's login against fixed vectors, against a device that computes its own side, and against answers by hand."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, NeedsTpap, Unsupported
from tapo_automate.wire.exchange import Door, Response, drive
from tapo_automate.wire.identity import LOCKED_TEXT, NO_ACCOUNT_TEXT, REFUSED_TEXT, candidates
from tapo_automate.wire.offer import Offer, Passcode, credential, default_passcode, passcode, stretch
from tapo_automate.wire.spake2plus import (
    ORDER,
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
from tapo_automate.wire.tpap import MOST_ITERATIONS, TpapCipher, TpapSession
from wire.peers import ACCOUNT, HTML, PASSWORD, USER
from wire.tpap_peer import MAC, TpapPeer, b64, fixed, minimal
from wire.tpap_words import (
    CONTEXT,
    DEVICE_RANDOM,
    END,
    OFFER,
    PASSWORD_REFUSED,
    PLAIN,
    SHORT_SALT,
    TERMS,
    USER_RANDOM,
    A,
    B,
    Vector,
    X,
    account,
    opened,
    params,
    says,
    session,
)


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
        assert cipher.keep() == {"key": vector.key, "base": vector.nonce_base, "seq": 1, "met": ""}
        assert cipher.seal(PLAIN).hex() == vector.frame
        assert cipher.seq == 2


def test_the_third_way_to_write_w0_is_the_first() -> None:
    """31 bytes, of which the first has its first bit set."""
    word = hashlib.sha1(PASSWORD.encode()).hexdigest().encode()
    w0, _ = stretch(word, bytes.fromhex("73686f72742d77302d0000000000003a"), 3000)
    assert w0.bit_length() == 248
    assert whole(w0) == shortened(w0)


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
