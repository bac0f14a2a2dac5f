"""Which protocol is spoken, by what the device answers to the one question."""

from __future__ import annotations

import pytest

from tapo_automate.errors import AuthRefused, Busy, DeviceError, NeedsTpap
from tapo_automate.wire.exchange import Request, Response, Transport
from tapo_automate.wire.negotiate import QUESTION, read_answer
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
    assert read_answer("plug", answer) == transports


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (
            says('{"error_code":0,"result":{"mac":"AA-BB-CC-DD-EE-FF","tpap":{"pake":[2]}}}'),
            NeedsTpap,
            "only offers the TPAP",
        ),
        (says('{"error_code":0,"result":{"tpap_preferred":true}}'), NeedsTpap, "turn it off and on again"),
        (says('{"error_code":-2101}'), AuthRefused, "has locked logins after too many failures"),
        (says('{"error_code":63435}'), AuthRefused, "has locked logins"),
        (status(429), Busy, "429"),
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
    assert str(raised.value) == ("10.0.0.5: this is not the KLAP endpoint of a Tapo device: HTTP 404 with a web page")


def test_a_locked_device_gets_no_handshake() -> None:
    peer = KlapPeer()
    peer.discover = says('{"error_code":-2101}')
    with pytest.raises(AuthRefused):
        peer.client().call("get_device_info")
    assert peer.paths == ["/"]
