"""What a client makes of a TPAP device: when it logs in, when once more, and when never."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tapo_automate.errors import AuthRefused, Garbled, NeedsTpap, Refused, SessionLost, Unreachable
from tapo_automate.wire import Client
from tapo_automate.wire.exchange import Request, Response
from tapo_automate.wire.memory import Known, ShortMemory
from wire.peers import ACCOUNT, KlapPeer, garbage_after, lost_after, status, stock_page, timed_out_after
from wire.tpap_peer import TpapPeer

READ, ADD = "get_device_info", "add_schedule_rule"
GONE = Response(200, b'{"error_code":-2203}')


def logins(peer: TpapPeer) -> list[str]:
    return [asked["sub_method"] for asked in peer.asked]


def test_a_device_is_asked_then_logged_in_to_then_told() -> None:
    peer = TpapPeer()
    client = peer.client()
    client.call(READ)
    client.call("set_device_info", {"device_on": True})
    assert peer.paths == ["/", "/", "/", "/stok=STOK1/ds", "/stok=STOK1/ds"]
    assert (client.transport, peer.done, peer.seqs) == ("tpap", [READ, "set_device_info"], [1, 2])


@pytest.mark.parametrize(
    "answer", [status(500), status(503), Response(200, b""), Response(200, b'{"error_code":-1001}'), stock_page()]
)
@pytest.mark.parametrize("hint", [None, "klap", "tpap"])
def test_a_device_that_did_not_hear_the_question_is_asked_again(hint: str | None, answer: Response) -> None:
    peer = TpapPeer()
    peer.discover = answer
    asked: list[str] = []

    def send(request: Request) -> Response:
        asked.append(request.path)
        if request.path == "/app/handshake1":
            return status(403)  # switched off in the phone app
        if request.path == "/app":
            return status(404)
        said = peer(request)
        peer.discover = None
        return said

    client = Client("10.0.0.5", ACCOUNT, send, draw=lambda count: bytes(range(count)), hint=hint)
    client.call(READ)
    assert client.transport == "tpap"
    assert logins(peer) == ["pake_register", "pake_share"]
    assert asked.count("/app/handshake1") == 1


def test_nor_is_one_that_never_hears_asked_for_ever() -> None:
    asked: list[str] = []

    def send(request: Request) -> Response:
        asked.append(request.path)
        return status(403 if request.path == "/app/handshake1" else 500)

    with pytest.raises(NeedsTpap, match="refuses the KLAP protocol"):
        Client("10.0.0.5", ACCOUNT, send, draw=lambda count: bytes(range(count))).call(READ)
    assert asked == ["/", "/app/handshake1", "/app", "/"]


@pytest.mark.parametrize("step", ["pake_register", "pake_share"])
def test_a_device_that_could_not_just_now_has_refused_nobody(step: str) -> None:
    peer = TpapPeer()
    peer.refusals[step] = [Response(200, b'{"error_code":-1001}')]
    client = peer.client()
    with pytest.raises(Garbled, match=r"-1001 \(UNSPECIFIC\): the device could not just now: try again in a minute"):
        client.call(READ)
    assert logins(peer)[-1] == step, "not tried again in the same call: it would be a second login"
    client.call(READ)


def test_what_it_spoke_last_does_not_spare_the_question() -> None:
    peer = TpapPeer()
    peer.client(hint="tpap").call(READ)
    assert peer.paths == ["/", "/", "/", "/stok=STOK1/ds"]


@pytest.mark.parametrize("method", [READ, ADD])
@pytest.mark.parametrize("fault", [GONE, Response(200, b'{"error_code":-2402}'), status(403), status(401)])
def test_a_session_that_is_gone_is_opened_anew_once_for_every_method(method: str, fault: Response) -> None:
    peer = TpapPeer()
    client = peer.client()
    client.call(READ)
    peer.faults = [fault]
    client.call(method)
    assert (peer.logins, peer.done) == (2, [READ, method])


def test_one_that_is_gone_right_after_a_login_is_not_opened_again() -> None:
    peer = TpapPeer()
    peer.faults = [GONE]
    with pytest.raises(SessionLost) as raised:
        peer.client().call(READ)
    assert str(raised.value) == (
        "10.0.0.5: the device has forgotten the session (error -2203), right after a login; is another program talking "
        "to it? A device keeps one session: let one of the two rest"
    )
    assert (peer.logins, raised.value.after_login) == (1, True)


@pytest.mark.parametrize("fault", [lost_after, garbage_after, status(500)])
def test_only_what_may_be_repeated_is(fault: Any) -> None:
    peer = TpapPeer()
    client = peer.client()
    client.call(READ)
    peer.faults = [fault]
    assert client.call(READ)
    assert peer.logins == 2
    peer.faults, peer.done = [fault], []
    with pytest.raises((Garbled, Unreachable), match=f"whether the device has carried out {ADD} is unknown") as raised:
        client.call(ADD)
    assert raised.value.outcome_unknown
    assert peer.done == ([] if isinstance(fault, Response) else [ADD])


def test_no_number_is_used_twice_under_one_key_whatever_is_lost() -> None:
    peer = TpapPeer()
    client = peer.client()
    used: list[tuple[bytes, bytes]] = []

    def note(it: Any, request: Request) -> Response:
        used.append((it.key, request.body[:4]))
        return timed_out_after(it, request)

    for _ in range(3):
        client.call(READ)
        peer.faults = [note]
        with pytest.raises(Unreachable):
            client.call(ADD)
    assert [number for _, number in used] == [b"\0\0\0\2"] * 3
    assert len(set(used)) == 3  # each in a session of its own


def test_a_refused_login_is_not_tried_again_until_somebody_says_so() -> None:
    peer = TpapPeer(password="another")
    client = peer.client()
    for _ in range(3):
        with pytest.raises(AuthRefused):
            client.call(READ)
    assert (peer.failed, logins(peer)) == (1, ["pake_register", "pake_share"])
    client.forget_refusal()
    with pytest.raises(AuthRefused) as raised:
        client.call(READ)
    assert (peer.failed, raised.value.remaining) == (2, 13)


def test_without_an_account_nothing_is_tried_and_nothing_remembered_as_refused() -> None:
    peer, memory = TpapPeer(), ShortMemory(Known(transport="tpap"))
    for _ in range(2):
        with pytest.raises(AuthRefused, match="no e-mail and password were given"):
            peer.client(credentials=None, memory=memory).call(READ)
    assert logins(peer) == []
    assert peer.client(memory=memory).call(READ)


@pytest.mark.parametrize(
    ("terms", "kind"), [({"cipher_suites": 3}, "cipher suite 3"), ({"encryption": "aes_256_ccm"}, "aes_256_ccm")]
)
def test_a_kind_that_is_not_spoken_costs_no_login(terms: dict[str, Any], kind: str) -> None:
    peer = TpapPeer()
    peer.terms = terms
    with pytest.raises(NeedsTpap, match=kind):
        peer.client().call(READ)
    assert logins(peer) == ["pake_register"]


def test_the_switch_is_followed_both_ways() -> None:
    closed, open_ = TpapPeer(), KlapPeer()
    device: TpapPeer | KlapPeer = closed

    def send(request: Request) -> Response:
        return status(403) if device is open_ and request.path.startswith("/stok=") else device(request)

    client = Client("10.0.0.5", ACCOUNT, send, draw=lambda count: bytes(range(count)))
    for device, transport in ((closed, "tpap"), (open_, "klap"), (closed, "tpap")):  # noqa: B007  # `send` uses it
        assert client.call(READ)
        assert client.transport == transport


def test_errors_of_methods_come_through_the_cipher() -> None:
    peer = TpapPeer()
    peer.codes = {ADD: [-1802]}
    client = peer.client()
    with pytest.raises(Refused, match=r"add_schedule_rule was refused with error -1802 \(SCHEDULE_FULL\)"):
        client.call(ADD)
    client.call(READ)
    assert peer.logins == 1


class KeepingMemory(ShortMemory):
    """Keeps a session from one client to the next, as the program's memory does on disk."""

    kept: Mapping[str, Any] | None = None

    def take_session(self) -> Mapping[str, Any] | None:
        kept, self.kept = self.kept, None
        return kept

    def give_session(self, kept: Mapping[str, Any]) -> None:
        self.kept = json.loads(json.dumps(kept))


def test_a_kept_session_spares_the_next_client_its_login() -> None:
    peer, memory = TpapPeer(), KeepingMemory()
    for _ in range(3):
        client = peer.client(memory=memory)
        client.call(READ)
        assert client.transport == "tpap"
        client.close()
    assert (peer.handshakes, peer.seqs) == (1, [1, 2, 3])


def test_a_kept_session_that_the_device_has_ended_costs_one_login() -> None:
    peer, memory = TpapPeer(), KeepingMemory()
    first = peer.client(memory=memory)
    first.call(READ)
    first.close()
    peer.stok = "another"
    peer.client(memory=memory).call(ADD)
    assert (peer.handshakes, peer.done) == (2, [READ, ADD])
