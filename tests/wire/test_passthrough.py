"""securePassthrough against fixed vectors, and its login against a device in memory.

The vectors are those of docs/protocol.md, "Login".
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, SessionLost
from tapo_automate.wire.exchange import Response, drive
from tapo_automate.wire.identity import TAPO_DEFAULT, candidates
from tapo_automate.wire.passthrough import PassthroughSession, login, logins
from wire.peers import ACCOUNT, KEY, AesPeer, status, stock_page

OWN = candidates(ACCOUNT)


def session(version: int | None = None) -> PassthroughSession:
    return PassthroughSession("bulb", logins(OWN, version), KEY)


def opened(peer: AesPeer) -> PassthroughSession:
    it = session()
    drive(it.handshake(), peer)
    return it


def test_the_account_logs_in_as_published() -> None:
    name = "ZGE5NjQ2YTRhYTU2N2QyYTU1OTM0ZDI0NDkwOWYxMmMwNzExNDc5Zg=="
    assert login(1, OWN[0]).params == {"username": name, "password": "U3cwcmRmaXNoIQ=="}
    hashed = "NzE2NzEwMGJhNDEwZWNhYzIyMGVjZTk1OWUwYTg0Mzc0YTM5Mzg4ZQ=="
    assert login(2, OWN[0]).params == {"username": name, "password2": hashed}


def test_the_factory_values_are_the_published_ones() -> None:
    assert login(2, candidates(TAPO_DEFAULT)[0]).params == {
        "username": "ZDk4MWQwYzBlZDliMWFjMTVkMzA0MzI3Y2ZmYzEwMGY0NjA1ZmVlMw==",
        "password2": "YTk0YThmZTVjY2IxOWJhNjFjNGMwODczZDM5MWU5ODc5ODJmYmJkMw==",
    }


def test_the_key_is_an_rsa_1024_in_pem_with_its_line_breaks() -> None:
    assert KEY.pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert load_pem_public_key(KEY.pem.encode()).key_size == 1024  # type: ignore[union-attr]


def test_the_hash_of_a_password_is_shown_before_the_password_itself() -> None:
    ways = [(way.version, way.whose) for way in logins(OWN)]
    assert ways == [(2, "account"), (1, "account"), (2, "Tapo default"), (1, "Tapo default")]
    assert [way.version for way in logins(OWN, 1)] == [1, 1]


@pytest.mark.parametrize(("version", "handshakes"), [(2, 1), (1, 2)])
def test_each_login_is_made_on_a_handshake_of_its_own(version: int, handshakes: int) -> None:
    peer = AesPeer(version)
    it = opened(peer)
    assert (peer.handshakes, peer.logins, it.login_version) == (handshakes, handshakes, version)


def test_wrong_credentials_are_given_up_after_the_vendors_default() -> None:
    peer = AesPeer(password="other")
    with pytest.raises(AuthRefused, match="case-sensitive"):
        opened(peer)
    assert (peer.handshakes, peer.logins) == (3, 3)
    peer = AesPeer(password="other")
    with pytest.raises(AuthRefused):
        drive(session(version=2).handshake(), peer)
    assert (peer.handshakes, peer.logins) == (2, 2)


@pytest.mark.parametrize("version", [1, 2])
def test_a_device_that_holds_the_vendors_default_is_opened(version: int) -> None:
    peer = AesPeer(version, user="test@tp-link.net", password="test")
    it = opened(peer)
    assert (it.opened_with, it.login_version, peer.logins) == ("Tapo default", version, 3)


@pytest.mark.parametrize("version", [1, 2])
def test_without_an_account_the_vendors_default_is_tried_alone(version: int) -> None:
    peer = AesPeer(version, user="test@tp-link.net", password="test")
    it = PassthroughSession("bulb", logins(candidates(None)), KEY)
    drive(it.handshake(), peer)
    assert (it.login_version, peer.logins) == (version, 3 - version)


@pytest.mark.parametrize(("version", "shown"), [(1, 1), (2, 2)])
def test_a_refusal_shows_which_version_the_device_speaks(version: int, shown: int) -> None:
    it = session()
    with pytest.raises(AuthRefused):
        drive(it.handshake(), AesPeer(version, password="other"))
    assert it.login_version == shown


@pytest.mark.parametrize("cookie", ["TP_SESSIONID=" + "0C" * 16, "SESSIONID=1234"])
def test_only_the_session_cookie_is_sent_back(cookie: str) -> None:
    peer = AesPeer()
    peer.cookie = cookie
    assert opened(peer).seal(b"{}").headers["Cookie"] == cookie


def test_the_token_goes_into_the_path_and_not_into_a_repr() -> None:
    it = opened(AesPeer())
    request = it.seal(b'{"method":"get_device_info"}')
    assert request.path == "/app?token=TOKEN1"
    assert "TOKEN1" not in repr((it, request))
    envelope = json.loads(request.body)
    assert envelope["method"] == "securePassthrough"
    assert set(envelope["params"]) == {"request"}


def test_an_answer_that_the_device_left_unencrypted_is_read() -> None:
    peer = AesPeer()
    it = opened(peer)
    peer.plain_answers = True
    assert json.loads(it.unseal(peer(it.seal(b'{"method":"get_device_info"}'))))["error_code"] == 0
    inner: dict[str, Any] = {"error_code": 0, "result": {"response": {"error_code": 0, "result": {"a": 1}}}}
    assert json.loads(it.unseal(Response(200, json.dumps(inner).encode())))["result"] == {"a": 1}


def test_base64_with_line_breaks_is_read() -> None:
    peer = AesPeer()
    it = opened(peer)
    answer = json.loads(peer(it.seal(b'{"method":"get_device_info"}')).body)
    text = answer["result"]["response"]
    answer["result"]["response"] = "\r\n".join(text[i : i + 20] for i in range(0, len(text), 20))
    assert b"error_code" in it.unseal(Response(200, json.dumps(answer).encode()))


def test_the_error_of_an_envelope_is_handed_on() -> None:
    it = opened(AesPeer())
    assert json.loads(it.unseal(Response(200, b'{"error_code":9999}'))) == {"error_code": 9999}


@pytest.mark.parametrize(
    ("answer", "error", "unknown"),
    [
        (status(403), SessionLost, False),
        (status(401), SessionLost, False),
        (status(429), Busy, False),
        (status(500), Garbled, True),
        (stock_page(), Garbled, True),
        (Response(200, b"[1]"), Garbled, True),
        (Response(200, b'{"error_code":0,"result":{"response":"%%%"}}'), Garbled, True),
        (Response(200, b'{"error_code":0,"result":{"response":"AAAA"}}'), Garbled, True),
        (Response(200, b'{"error_code":0,"result":{"response":7}}'), Garbled, True),
        (
            Response(200, b'{"error_code":0,"result":{"response":"%s"}}' % base64.b64encode(bytes(32))),
            Garbled,
            True,
        ),
    ],
)
def test_what_is_no_answer_to_a_command_is_named(answer: Response, error: type[DeviceError], unknown: bool) -> None:
    it = opened(AesPeer())
    it.seal(b"{}")
    with pytest.raises(error) as raised:
        it.unseal(answer)
    assert raised.value.outcome_unknown is unknown


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (stock_page(), Garbled, "not the securePassthrough endpoint of a Tapo device: HTTP 200 with a web page"),
        (status(404), Garbled, "HTTP 404"),
        (status(429), Busy, "429"),
        (Response(200, b'{"error_code":1003}'), Garbled, "1003 .TRANSPORT_UNKNOWN_CREDENTIALS"),
        (Response(200, b'{"error_code":-1010}'), Garbled, "-1010 .INVALID_PUBLIC_KEY"),
        (Response(200, b'{"error_code":-2101}'), AuthRefused, "locked logins"),
        (Response(200, b'{"error_code":0,"result":{"key":"AAAA"}}'), Garbled, "holds no key"),
        (Response(200, b'{"error_code":0}'), Garbled, "holds no key"),
    ],
)
def test_what_is_no_handshake_is_named(answer: Response, error: type[DeviceError], text: str) -> None:
    steps = session().handshake()
    next(steps)
    with pytest.raises(error, match=text):
        steps.send(answer)


def test_a_locked_device_is_not_tried_again() -> None:
    class Locked(AesPeer):
        def log_in(self, params: dict[str, str]) -> dict[str, Any]:
            self.logins += 1
            return {"error_code": -2101}

    peer = Locked()
    with pytest.raises(AuthRefused, match="locked logins after too many failures") as raised:
        opened(peer)
    assert peer.logins == 1
    assert "Leave it alone for a while" in str(raised.value)


@given(body=st.binary(max_size=200), code=st.sampled_from([200, 200, 200, 403, 404, 500, 302]))
def test_random_bytes_never_raise_anything_but_our_errors(body: bytes, code: int) -> None:
    it = opened(AesPeer())
    with pytest.raises(DeviceError):
        it.unseal(Response(code, body))
    steps = session().handshake()
    next(steps)
    with pytest.raises(DeviceError):
        steps.send(Response(code, body))
