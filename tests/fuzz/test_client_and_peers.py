"""The client against peers that speak almost as a device does: one answer, or a few, are not what they should be."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.house import Chance, Line
from fuzz.judging import attempt
from fuzz.mutations import TEXTS, bent, spoiled, spoiled_json
from tapo_automate.errors import AuthRefused, Garbled, TapoAutomateError
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire.client import Client
from tapo_automate.wire.exchange import Response
from tapo_automate.wire.spake2plus import M, N, minus

SPEECHES = ("klap", "klap-v1", "aes", "aes-v1", "tpap")
NOON = 1_783_936_800.0  # 2026-07-13T10:00:00Z


@dataclass(frozen=True)
class Peer:
    """A device that draws the same each time it is begun with.  steps: how many answers a first call takes."""

    device: Device
    chance: Chance
    answers: tuple[Response, ...]

    def begin(self) -> None:
        self.chance.begin()
        self.device.forget_session()
        self.device._front._lockout.forgive()


@pytest.fixture(scope="module")
def peer_of(fleet: Fleet, account: dict[str, str]) -> Callable[[str], Peer]:
    known: dict[str, Peer] = {}

    def peer_of(speech: str) -> Peer:
        if speech not in known:
            chance = Chance()
            device = fleet.add(
                "P110", transport=speech, now=lambda: NOON, seed=1, tpap="iterations=10", entropy=chance, **account
            )
            line = Line(device)
            for _ in range(2):
                chance.begin()
                device.forget_session()
                talk(line.client())
            known[speech] = Peer(device, chance, tuple(answer for _, answer in line.seen))
        return known[speech]

    return peer_of


def talk(client: Client) -> None:
    client.call("get_device_info")
    client.call("set_device_info", {"device_on": True})
    client.multiple([("component_nego", None), ("get_device_time", None)])


@pytest.mark.parametrize("speech", SPEECHES)
@tried(25)
@given(data=st.data())
def test_whatever_is_answered_an_error_of_ours_says_so_and_the_next_call_works(
    peer_of: Callable[[str], Peer], speech: str, data: st.DataObject
) -> None:
    peer = peer_of(speech)
    peer.begin()
    at = data.draw(st.sets(st.integers(0, 9), min_size=1, max_size=3), label="which answers")
    met = 0

    def bend(_step: str, answer: Response) -> Response:
        nonlocal met
        met += 1
        return data.draw(bent_response(answer, peer.answers)) if met - 1 in at else answer

    line = Line(peer.device, bend)
    client = line.client()
    line.secrets |= hexadecimals(peer)
    for _ in range(2):
        attempt(lambda: talk(client), line.secrets)
        client.forget_refusal()
    line.bend = None
    peer.device._front._lockout.forgive()
    peer.device.forget_session()
    assert client.call("get_device_info")["model"] == "P110"
    client.close()


@pytest.mark.parametrize("speech", SPEECHES)
@tried(4, share=0.3)
@given(data=st.data())
def test_a_flood_of_nonsense_ends_too(peer_of: Callable[[str], Peer], speech: str, data: st.DataObject) -> None:
    peer = peer_of(speech)
    peer.begin()
    usual = data.draw(st.sampled_from(peer.answers))
    answer = data.draw(bent_response(usual, peer.answers))
    line = Line(peer.device, lambda _step, _usual: answer)
    client = line.client()
    attempt(lambda: talk(client), line.secrets)
    assert len(line.sent) < 60, "it asks again and again"


def hexadecimals(peer: Peer) -> set[str]:
    """Return the names of sessions that this peer gives: they are the same in each round."""
    peer.chance.begin()
    drawn = {peer.chance(16).hex().upper() for _ in range(12)}
    peer.chance.begin()
    return drawn


@st.composite
def bent_response(draw: st.DrawFn, answer: Response, others: tuple[Response, ...]) -> Response:
    """Return an answer that is not quite this one, in its body, its status, its headers or its cookies."""
    match draw(st.integers(0, 11)):
        case 0:
            return replace(
                answer, status=draw(st.sampled_from((200, 204, 301, 400, 401, 403, 404, 413, 429, 500, 999)))
            )
        case 1:
            return draw(st.sampled_from(others))
        case 2:
            cookie = draw(st.sampled_from(("", "=", "TP_SESSIONID", "TP_SESSIONID=", "TP_SESSIONID=\x80ÿ;TIMEOUT=x")))
            return replace(answer, cookies=draw(st.sampled_from(((), (cookie,), (cookie, *answer.cookies)))))
        case 3:
            kind = draw(st.sampled_from(("text/html", "application/json", "", "x" * 500)))
            return replace(answer, headers={"content-type": kind})
        case _:
            return replace(answer, body=draw(bent_body(answer.body, tuple(each.body for each in others))))


@st.composite
def bent_body(draw: st.DrawFn, body: bytes, others: tuple[bytes, ...]) -> bytes:
    with suppress(ValueError):
        words = json.loads(body)
        if draw(st.integers(0, 3)):
            return draw(spoiled_json(words))
    return draw(bent(body, others))


@pytest.mark.parametrize("speech", SPEECHES)
@tried(10)
@given(data=st.data())
def test_what_a_device_tells_of_itself_before_a_login_is_read_or_refused(
    peer_of: Callable[[str], Peer], speech: str, data: st.DataObject
) -> None:
    peer = peer_of(speech)
    peer.begin()
    offered = {
        "error_code": 0,
        "result": {
            "mac": "48-22-54-AA-BB-CC",
            "tpap_preferred": True,
            "tpap": {"tls": 0, "port": 80, "pake": [2], "user_hash_type": 0},
        },
    }
    told = data.draw(spoiled(offered, most=3))
    body = data.draw(spoiled_json(told))

    line = Line(peer.device, lambda step, answer: replace(answer, body=body) if step == "discover" else answer)
    client = line.client()
    attempt(lambda: talk(client), line.secrets)


@tried(10)
@given(data=st.data())
def test_the_text_of_a_name_that_a_device_gives_its_session_goes_out_whole_or_not_at_all(
    peer_of: Callable[[str], Peer], data: st.DataObject
) -> None:
    """The token of securePassthrough and the stok of TPAP become a part of a path."""
    speech = data.draw(st.sampled_from(("aes", "tpap")))
    name = data.draw(st.sampled_from(TEXTS) | st.text(max_size=5))
    peer = peer_of(speech)
    peer.begin()

    def bend(step: str, answer: Response) -> Response:
        return replace(answer, body=answer.body.replace(b'"stok":', b'"stok":' + json.dumps(name).encode() + b',"x":'))

    line = Line(peer.device, bend)
    client = line.client()
    door = peer.device._front._door
    if speech == "aes":
        log_in = door._log_in
        door._log_in = lambda *given: {"error_code": 0, "result": {"token": name}} if log_in(*given) else {}
    try:
        attempt(lambda: client.call("get_device_info"), line.secrets - {name})
    finally:
        if speech == "aes":
            del door._log_in
    for _, request in line.sent:
        assert request.path.isascii()
        assert request.path.isprintable()
        assert " " not in request.path


@tried(40)
@given(data=st.data())
def test_the_terms_of_a_tpap_login_are_taken_as_they_should_be_or_not_at_all(
    peer_of: Callable[[str], Peer], data: st.DataObject
) -> None:
    """Shares off the curve, other lengths, absurd numbers of rounds: no session comes of them."""
    peer = peer_of("tpap")
    peer.begin()
    name = data.draw(st.sampled_from(("dev_share", "dev_salt", "dev_random", "dev_confirm", "iterations")))
    as_bytes = data.draw(st.booleans())
    bad: list[bool] = []

    def bend(_step: str, answer: Response) -> Response:
        words = json.loads(answer.body) if answer.body.startswith(b"{") else {}
        usual = words.get("result", {}).get(name)
        if usual is None:
            return answer
        if name == "iterations":
            new: object = data.draw(
                st.sampled_from((0, -1, 11, 100_000, 100_001, 2**31, 2**64, 10.5, "10", None, True))
            )
        elif not as_bytes:
            new = data.draw(st.sampled_from((usual[:-1], usual + "=", "é" + usual, "*" * 44, "", [usual], "\ud800")))
        else:
            new = b64encode(data.draw(shares | bent(b64decode(usual)))).decode()
        bad.append(new != usual)
        words["result"][name] = new
        return replace(answer, body=json.dumps(words).encode())

    line = Line(peer.device, bend)
    outcome = attempt(lambda: line.client().call("get_device_info"), line.secrets)
    assert bad
    assert isinstance(outcome, AuthRefused | Garbled) or not any(bad)


shares = st.sampled_from(
    (
        b"\0", b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"\x02" + bytes(32), b"\x05" + b"\x01" * 64, b"\x04" * 65,
        bytes(M), bytes(minus(M)), bytes(N), bytes(minus(N)), b"\x06" + bytes(M)[1:], bytes(M)[1:],
        b"\x02" + bytes(M)[1:33],
    )
)  # fmt: skip
"""What is no point of the curve, and points that somebody who knows the curve might send."""


def test_claims_that_can_fail(peer_of: Callable[[str], Peer]) -> None:
    """What stands between, when it bends nothing, keeps nothing from working."""
    for speech in SPEECHES:
        peer = peer_of(speech)
        peer.begin()
        with suppress(TapoAutomateError):
            Line(peer.device, lambda _step, answer: replace(answer, status=500)).client().call("get_device_info")
        client = Line(peer.device, lambda _step, answer: answer).client()
        talk(client)
        assert client.transport == speech.partition("-")[0]
