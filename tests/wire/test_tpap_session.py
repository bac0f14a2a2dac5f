"""TPAP's frames and kept sessions, against the cipher of the vectors and a device that computes its own side."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.errors import Busy, DeviceError, Garbled, SessionLost
from tapo_automate.wire.exchange import Door, Response, drive
from tapo_automate.wire.offer import Offer
from tapo_automate.wire.tpap import LAST_SEQ, TpapCipher, TpapSession
from wire.peers import HTML, PASSWORD, USER
from wire.tpap_peer import MAC, TpapPeer
from wire.tpap_words import PLAIN, A, account, opened, session


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

    def test_a_device_may_count_its_answers_apart_from_our_requests(self) -> None:
        it, _ = self.pair(100)
        device = TpapCipher.agreed(bytes.fromhex(A.shared), 1)
        for text in (b"{}", b'{"error_code":0}'):
            it.seal(PLAIN)
            assert it.unseal(Response(200, device.seal(text))) == text

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
            {"met": "00"},
            {"met": 7},
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
