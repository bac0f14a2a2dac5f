"""KLAP against fixed vectors, and the steps of its session against answers by hand.

The vectors are those of docs/protocol.md, "Known-answer vectors", computed apart from this client and cross-checked
against python-kasa.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.device import Credentials
from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, NeedsTpap, SessionLost
from tapo_automate.wire.exchange import Response
from tapo_automate.wire.identity import candidates
from tapo_automate.wire.klap import LAST_SEQ, Key, KlapCipher, KlapSession, keys
from wire.peers import ACCOUNT, HTML

LOCAL = bytes(range(16))
REMOTE = bytes(range(16, 32))
PLAIN = b'{"method":"get_device_info"}'


class Vector(NamedTuple):
    version: int
    auth: str
    device_proof: str
    client_proof: str
    key: str
    iv_base: str
    first_seq: int
    sig_key: str
    signature: str
    ciphertext: str


VECTORS = [
    Vector(
        version=1,
        auth="7a6b215d557835cae85298c734cd66c5",
        device_proof="6287bbfa1063c57b4c07183d2af128f7a91980eeff326236cd67cc1c4b3b3e39",
        client_proof="aa1ad00259895db3c8dd9f29d383c726a65150fc81a900e4fc7da0cbf08dd580",
        key="536095c48269302318a639405175fb93",
        iv_base="02214d50a7d84d26aa4c6620",
        first_seq=-1113642025,
        sig_key="7465bce2e2801573d7adeab37c92498e386ce53b8ee468169ba63174",
        signature="1ccb90a1454c394066dc81d75822c32cb23e9674d27ce470446cad3966c355a3",
        ciphertext="00772ee536ce6c8c91b320180258b48bf8d1d47982a6204308e85afa1d466c41",
    ),
    Vector(
        version=2,
        auth="b53059546bed0c766a4b27bbf96e1585cc28eb22ec7a8d3a2d40c9c8f09c5322",
        device_proof="68c9352556839398121e512cffa0422209c3431d9a5cb7e784364f5a22dcaabc",
        client_proof="114227600869f2ab340fbfb7252f9e724c0ec879d94be94b2940cd42505cc785",
        key="65971c7f369286d357a5a765cada36c2",
        iv_base="f67353dd818792d01f15f69d",
        first_seq=-1785775951,
        sig_key="9889d7242461d738c90fe943aba8bc4b4b54cee96caaa72aefe11f6c",
        signature="b556ae2336015049b85e7efba116421b65a71637d9b07bda8a2f879562cc3470",
        ciphertext="fbe344fb64110ba30049c91f53d1448c06df3832ecae616a391071a75ba8a733",
    ),
]


def account_key(version: int) -> Key:
    return next(key for key in keys(candidates(ACCOUNT)) if (key.whose, key.version) == ("account", version))


def session(known: tuple[Key, ...] | None = None) -> KlapSession:
    return KlapSession("plug", known or keys(candidates(ACCOUNT)), LOCAL)


def first_answer(vector: Vector, tail: bytes = b"") -> Response:
    cookie = "TP_SESSIONID=" + "A" * 32 + ";TIMEOUT=86400"
    return Response(200, REMOTE + bytes.fromhex(vector.device_proof) + tail, {}, (cookie,))


def opened(vector: Vector = VECTORS[1]) -> KlapSession:
    it = session()
    steps = it.handshake()
    next(steps)
    steps.send(first_answer(vector))
    with pytest.raises(StopIteration):
        steps.send(Response(200, b""))
    return it


@pytest.mark.parametrize("vector", VECTORS, ids=["v1", "v2"])
class TestVectors:
    def test_the_account_is_hashed_as_published(self, vector: Vector) -> None:
        assert account_key(vector.version).auth.hex() == vector.auth

    def test_both_proofs_are_as_published(self, vector: Vector) -> None:
        key = account_key(vector.version)
        assert key.device_proof(LOCAL, REMOTE).hex() == vector.device_proof
        assert key.client_proof(LOCAL, REMOTE).hex() == vector.client_proof

    def test_the_session_keys_are_as_published(self, vector: Vector) -> None:
        cipher = KlapCipher.agreed(LOCAL, REMOTE, bytes.fromhex(vector.auth))
        assert cipher._aes.key.hex() == vector.key
        assert cipher._iv.hex() == vector.iv_base
        assert cipher._sig.hex() == vector.sig_key
        assert cipher.seq == vector.first_seq - 1

    def test_a_command_is_sealed_as_published(self, vector: Vector) -> None:
        request = opened(vector).seal(PLAIN)
        assert request.path == f"/app/request?seq={vector.first_seq}"
        assert request.body.hex() == vector.signature + vector.ciphertext
        assert request.headers["Cookie"] == "TP_SESSIONID=" + "A" * 32

    def test_an_answer_is_read_under_the_number_of_its_request(self, vector: Vector) -> None:
        it = opened(vector)
        it.seal(b"{}")
        assert it.unseal(Response(200, bytes.fromhex(vector.signature + vector.ciphertext))) == PLAIN

    def test_the_handshake_sends_the_seed_and_then_the_published_proof(self, vector: Vector) -> None:
        steps = session().handshake()
        first = next(steps)
        assert (first.path, first.body) == ("/app/handshake1", LOCAL)
        assert first.headers == {"Content-Type": "application/octet-stream"}
        second = steps.send(first_answer(vector))
        assert (second.path, second.body.hex()) == ("/app/handshake2", vector.client_proof)
        assert second.headers["Cookie"] == "TP_SESSIONID=" + "A" * 32


@pytest.mark.parametrize("tail", [b"\n", b"\r\n"])
def test_a_line_break_after_the_first_answer_does_no_harm(tail: bytes) -> None:
    steps = session().handshake()
    next(steps)
    assert steps.send(first_answer(VECTORS[1], tail)).path == "/app/handshake2"


@pytest.mark.parametrize(
    ("whose", "holder"),
    [
        ("Tapo default", Credentials("test@tp-link.net", "test")),
        ("Kasa default", Credentials("kasa@tp-link.net", "kasaSetup")),
        ("blank", Credentials("", "")),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_a_device_that_holds_a_stand_in_is_opened_with_it(whose: str, holder: Credentials, version: int) -> None:
    held = next(key for key in keys(candidates(holder)) if key.version == version)
    it = session()
    steps = it.handshake()
    next(steps)
    second = steps.send(Response(200, REMOTE + held.device_proof(LOCAL, REMOTE)))
    assert second.body == held.client_proof(LOCAL, REMOTE)
    with pytest.raises(StopIteration):
        steps.send(Response(200, b""))
    assert it.opened_with == whose


def test_the_first_answer_says_when_the_credentials_are_wrong() -> None:
    steps = session().handshake()
    next(steps)
    with pytest.raises(AuthRefused) as refused:
        steps.send(Response(200, REMOTE + bytes(32)))
    assert str(refused.value) == (
        "plug: the device does not accept this e-mail and password. The e-mail is case-sensitive: spell it as the Tapo "
        "app shows it. A password that was changed lately may not have reached the device: log out of the app and in "
        "again, or remove the device there and add it anew. One that is bound to another account keeps that one's; "
        "`tapo-automate doctor` asks the device. It is not tried again by itself, because repeated failures lock a "
        "device"
    )


def test_a_device_with_an_account_says_so_to_somebody_without_one() -> None:
    steps = session(keys(candidates(None))).handshake()
    next(steps)
    with pytest.raises(AuthRefused, match="no e-mail and password were given: set TAPO_USERNAME and TAPO_PASSWORD"):
        steps.send(Response(200, REMOTE + bytes(32)))


PAGE = Response(200, HTML, {"content-type": "text/html"})


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (Response(403, b""), NeedsTpap, "Third-Party Compatibility"),
        (PAGE, Garbled, "not the KLAP endpoint of a Tapo device: HTTP 200 with a web page"),
        (Response(200, HTML), Garbled, "with a web page"),
        (Response(200, HTML[:48]), Garbled, "with a web page"),
        (Response(404, b""), Garbled, "HTTP 404 with 0 bytes instead of 48"),
        (Response(500, bytes(48)), Garbled, "HTTP 500"),
        (Response(200, bytes(47)), Garbled, "47 bytes instead of 48"),
        (Response(200, bytes(49)), Garbled, "49 bytes instead of 48"),
        (Response(200, bytes(48) + b"\n", {"content-type": "text/html"}), Garbled, "web page"),
        (Response(200, b'{"error_code":-1002}'), Garbled, "20 bytes"),
        (Response(429, b""), Busy, "429"),
    ],
)
def test_what_is_no_first_answer_is_named(answer: Response, error: type[DeviceError], text: str) -> None:
    steps = session().handshake()
    next(steps)
    with pytest.raises(error, match=text):
        steps.send(answer)


def test_the_stock_page_has_as_many_bytes_as_an_answer_with_a_line_break() -> None:
    assert len(HTML) == 49


def test_an_empty_second_answer_may_call_itself_what_it_likes() -> None:
    steps = session().handshake()
    next(steps)
    steps.send(first_answer(VECTORS[1]))
    with pytest.raises(StopIteration):
        steps.send(Response(200, b"", {"content-type": "text/html"}))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response(400, b""), SessionLost),
        (Response(403, b""), SessionLost),
        (Response(500, b""), Garbled),
        (PAGE, Garbled),
    ],
)
def test_what_is_no_second_answer_is_named(answer: Response, error: type[DeviceError]) -> None:
    steps = session().handshake()
    next(steps)
    steps.send(first_answer(VECTORS[1]))
    with pytest.raises(error):
        steps.send(answer)


@pytest.mark.parametrize(
    ("answer", "error", "unknown"),
    [
        (Response(403, b""), SessionLost, False),
        (Response(401, b""), SessionLost, False),
        (Response(400, b""), SessionLost, False),
        (Response(429, b""), Busy, False),
        (Response(500, b""), Garbled, True),
        (PAGE, Garbled, True),
        (Response(200, b""), Garbled, True),
        (Response(200, bytes(32)), Garbled, True),
        (Response(200, bytes(64)), SessionLost, True),
        (Response(200, b'{"error_code":0,"result":{}}'), Garbled, True),
    ],
)
def test_what_is_no_answer_to_a_command_is_named(answer: Response, error: type[DeviceError], unknown: bool) -> None:
    it = opened()
    it.seal(PLAIN)
    with pytest.raises(error) as raised:
        it.unseal(answer)
    assert raised.value.outcome_unknown is unknown


def test_an_answer_that_is_signed_wrongly_is_not_read() -> None:
    it = opened()
    body = bytearray(it.seal(PLAIN).body)
    body[0] ^= 1
    with pytest.raises(SessionLost, match="not signed"):
        it.unseal(Response(200, bytes(body)))


def test_an_answer_to_an_earlier_request_is_not_read() -> None:
    it = opened()
    earlier = it.seal(PLAIN).body
    it.seal(PLAIN)
    with pytest.raises(SessionLost, match="not signed"):
        it.unseal(Response(200, earlier))


def test_an_error_in_plain_json_is_handed_on_and_a_success_is_not_believed() -> None:
    it = opened()
    it.seal(PLAIN)
    assert it.unseal(Response(200, b'{"error_code":9999}')) == b'{"error_code":9999}'


def test_the_numbers_go_up_to_the_end_of_a_signed_integer_and_then_ask_for_a_new_session() -> None:
    it = opened()
    assert it._cipher is not None
    it._cipher.seq = LAST_SEQ - 1
    assert it.seal(PLAIN).path == "/app/request?seq=2147483647"
    with pytest.raises(SessionLost, match="used up its sequence numbers"):
        it.seal(PLAIN)


def test_nothing_that_is_secret_is_shown() -> None:
    shown = repr((account_key(2), candidates(ACCOUNT), opened(), opened().seal(PLAIN), ACCOUNT))
    for secret in ("Example", "Sw0rd", "b530", "AAAA", "\\xb5"):
        assert secret not in shown


@given(body=st.binary(max_size=200), code=st.sampled_from([200, 200, 200, 403, 404, 500, 302]))
def test_random_bytes_never_raise_anything_but_our_errors(body: bytes, code: int) -> None:
    it = opened()
    it.seal(PLAIN)
    with pytest.raises(DeviceError):
        it.unseal(Response(code, body))
    steps = session().handshake()
    next(steps)
    with pytest.raises(DeviceError):
        steps.send(Response(code, body))


@given(st.binary(max_size=300))
def test_whatever_is_sealed_can_be_unsealed_under_the_same_number(plain: bytes) -> None:
    cipher = KlapCipher.agreed(LOCAL, REMOTE, bytes(32))
    assert cipher.unseal(cipher.seal(plain)) == plain
