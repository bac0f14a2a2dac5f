"""Which protocol is spoken, by what the device answers to the one question."""

from __future__ import annotations

import json

import pytest

from tapo_automate.errors import AuthRefused, Busy, DeviceError, Garbled, NeedsTpap
from tapo_automate.wire.exchange import Door, Request, Response, Transport
from tapo_automate.wire.negotiate import QUESTION, read_answer
from tapo_automate.wire.offer import Offer
from wire.peers import AesPeer, KlapPeer, Peer, status, stock_page

KLAP_ONLY = (Transport.KLAP,)
EITHER = (Transport.KLAP, Transport.AES)


def says(text: str) -> Response:
    return Response(200, text.encode())


def test_the_question_is_the_one_that_every_generation_takes() -> None:
    assert (QUESTION.path, QUESTION.body) == ("/", b'{"method":"login","params":{"sub_method":"discover"}}')


@pytest.mark.parametrize(
    ("answer", "transports"),
    [
        (says('{"error_code":1003}'), KLAP_ONLY),
        (status(401), KLAP_ONLY),
        (says('{"error_code":0,"result":{"sub_method":"discover","tpap_preferred":false}}'), KLAP_ONLY),
        (says('{"error_code":0,"result":{"tpap_preferred":false,"tpap":{"port":80}}}'), KLAP_ONLY),
        (says('{"error_code":0,"result":{}}'), EITHER),
        (says('{"error_code":0}'), EITHER),
        (says('{"error_code":-1002}'), EITHER),
        (says('{"error_code":64534}'), EITHER),
        (says("[]"), EITHER),
        (says(""), EITHER),
        (stock_page(), EITHER),
        (status(403), EITHER),
        (status(404), EITHER),
        (status(500), EITHER),
    ],
)
def test_the_answer_is_believed(answer: Response, transports: tuple[Transport, ...]) -> None:
    wanted = read_answer("plug", answer)
    assert (wanted.transports, wanted.offer) == (transports, None)


def offers(mac: str = '"AA-BB-CC-DD-EE-FF"', more: str = "", **tpap: object) -> Response:
    text = json.dumps({"pake": [2], **tpap})
    return says(f'{{"error_code":0,"result":{{"mac":{mac},"tpap":{text}{more}}}}}')


def test_an_offer_of_tpap_is_taken_and_nothing_else_is_tried() -> None:
    wanted = read_answer("plug", offers(tls=0, port=80, dac=0, noc=0, user_hash_type=0))
    assert wanted.transports == (Transport.TPAP,)
    assert wanted.offer == Offer("AA-BB-CC-DD-EE-FF", None, frozenset({2}), hashed_user=False)


def test_what_it_does_not_say_may_be_null_as_well() -> None:
    wanted = read_answer("plug", offers(mac="null", tls=None, port=None, user_hash_type=None))
    assert wanted.offer == Offer("", None, frozenset({2}), hashed_user=False)


def test_so_is_one_that_is_preferred() -> None:
    assert read_answer("plug", offers(more=',"tpap_preferred":true')).transports == (Transport.TPAP,)


@pytest.mark.parametrize(
    ("host", "tpap", "door"),
    [
        ("plug", {}, None),
        ("plug", {"port": 80}, None),
        ("plug", {"tls": 0, "port": 8080}, Door(8080)),
        ("plug:8080", {"port": 8080}, None),
        ("plug:8080", {"port": 80}, None),  # the user wrote a port, and may have reason to
        ("plug:80", {"port": 8080}, None),
        ("[fe80::1]:80", {"port": 8080}, None),
        ("[fe80::1]", {"port": 8080}, Door(8080)),
        ("fe80::80", {"port": 8080}, Door(8080)),
        ("plug", {"tls": 1}, Door(4433, tls=True)),
        ("plug", {"tls": 1, "port": 443}, Door(443, tls=True)),
        ("plug:8080", {"tls": 1, "port": 443}, Door(443, tls=True)),
        ("plug", {"tls": 1, "port": 80}, Door(80, tls=True)),
    ],
)
def test_an_offer_says_where_its_door_is(host: str, tpap: dict[str, object], door: Door | None) -> None:
    offer = read_answer(host, offers(**tpap)).offer
    assert offer is not None
    assert offer.door == door


def test_an_offer_says_which_passcodes_and_which_hash_it_takes() -> None:
    offer = read_answer("plug", offers(pake=[0, 2, 5], user_hash_type=1)).offer
    assert offer == Offer("AA-BB-CC-DD-EE-FF", None, frozenset({0, 2, 5}), hashed_user=True)


CANNOT = "plug: the device offers TPAP in a form that cannot be read: "


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (says('{"error_code":0,"result":{"tpap":null}}'), "its `tpap` is not a table of names and values"),
        (says('{"error_code":0,"result":{"tpap":[2]}}'), "its `tpap` is not a table of names and values"),
        (says('{"error_code":0,"result":{"tpap":{}}}'), "its `pake` is not a list of numbers"),
        (offers(pake=2), "its `pake` is not a list of numbers"),
        (offers(pake=["2"]), "its `pake` is not a list of numbers"),
        (offers(pake=[True]), "its `pake` is not a list of numbers"),
        (offers(port=0), "its `port` is not a number from 1 to 65535"),
        (offers(port=65536), "its `port` is not a number from 1 to 65535"),
        (offers(port="80"), "its `port` is not a number from 1 to 65535"),
        (offers(port=True), "its `port` is not a number from 1 to 65535"),
        (offers(tls="0"), "its `tls` or `user_hash_type` is not a number, or its `mac` not a text"),
        (offers(tls=True), "its `tls` or `user_hash_type` is not a number, or its `mac` not a text"),
        (offers(user_hash_type=[]), "its `tls` or `user_hash_type` is not a number, or its `mac` not a text"),
        (offers(mac="5"), "its `tls` or `user_hash_type` is not a number, or its `mac` not a text"),
    ],
)
def test_an_offer_that_makes_no_sense_is_said_to_make_none(answer: Response, text: str) -> None:
    with pytest.raises(Garbled) as raised:
        read_answer("plug", answer)
    assert str(raised.value) == CANNOT + text


@pytest.mark.parametrize(
    ("tpap", "kind"),
    [
        ({"tls": 2, "port": 4433}, "HTTPS by certificates of the vendor's (tls 2)"),
        ({"tls": 7}, "HTTPS of an unknown kind (tls 7)"),
        ({"user_hash_type": 2}, "user names hashed in an unknown way (user_hash_type 2)"),
    ],
)
def test_a_kind_of_tpap_that_is_not_spoken_is_named(tpap: dict[str, object], kind: str) -> None:
    with pytest.raises(NeedsTpap) as raised:
        read_answer("plug", offers(**tpap))
    assert str(raised.value).startswith(
        f"plug: the device only offers the TPAP protocol with {kind}, which this version "
    )


def test_a_locked_device_says_for_how_long() -> None:
    answer = says('{"error_code":-2101,"error_info":{"lockedMinute":30,"failedAttempts":15,"remainAttempts":0}}')
    with pytest.raises(AuthRefused, match=r"\. It says that it takes none for 30 min$") as raised:
        read_answer("plug", answer)
    assert (raised.value.remaining, raised.value.locked_min, raised.value.locked) == (0, 30, True)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (says('{"error_code":0,"result":{"tpap_preferred":true}}'), Garbled, "wants TPAP and does not say how"),
        (says('{"error_code":-2101}'), AuthRefused, "has locked logins after too many failures"),
        (says('{"error_code":63435}'), AuthRefused, "has locked logins"),
        (status(429), Busy, "429"),
        (
            says('{"error_code":-1301}'),
            Busy,
            r"login was refused with error -1301 \(DEVICE_ERROR\): the device is busy",
        ),
    ],
)
def test_a_device_that_cannot_be_spoken_to_is_named(answer: Response, error: type[DeviceError], text: str) -> None:
    with pytest.raises(error, match=text):
        read_answer("plug", answer)


@pytest.mark.parametrize("answer", [stock_page(), status(404), says('{"error_code":-1}'), status(500)])
@pytest.mark.parametrize("kind", [KlapPeer, AesPeer])
def test_a_device_that_does_not_say_is_found_out_by_handshakes(kind: type[Peer], answer: Response) -> None:
    peer = kind()
    peer.discover = answer
    client = peer.client()
    client.call("get_device_info")
    assert client.transport == ("klap" if kind is KlapPeer else "aes")


def test_a_web_server_that_is_no_device_is_said_to_be_none() -> None:
    class Printer(KlapPeer):
        def answer(self, request: Request) -> Response:
            return Response(404, b"<html>not found</html>", {"content-type": "text/html"})

    printer = Printer()
    printer.discover = stock_page()
    with pytest.raises(DeviceError) as raised:
        printer.client().call("get_device_info")
    assert str(raised.value) == (
        "10.0.0.5: this is not the KLAP endpoint of a Tapo device: HTTP 404 with a web page; "
        "`tapo-automate discover` shows which devices are where"
    )


def test_a_locked_device_gets_no_handshake() -> None:
    peer = KlapPeer()
    peer.discover = says('{"error_code":-2101}')
    with pytest.raises(AuthRefused):
        peer.client().call("get_device_info")
    assert peer.paths == ["/"]
