"""What the small HTTP server of a device refuses, byte by byte."""

import http.client
import os
import socket
from collections.abc import Callable

import pytest

from simulator.speaking import Klap, Passthrough
from tapo_automate.simulator import Device

Add = Callable[..., Device]
HANDSHAKE1 = b"POST /app/handshake1 HTTP/1.1\r\nHost: plug\r\nContent-Length: 16\r\n\r\n" + bytes(16)
OLD_BODY = b'{"method":"handshake","params":{}}'


def talk(device: Device, *pieces: bytes) -> bytes:
    """Send the pieces one after the other and return all that comes back until the device closes."""
    with socket.create_connection((device.host, device.port), timeout=10) as line:
        for piece in pieces:
            line.sendall(piece)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
        return answer


def is_stock_page(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Server: SHIP 2.0" in head
    return head.startswith(b"HTTP/1.1 200 OK") and b"text/html" in head and b"200 OK" in body


def test_a_request_may_come_byte_by_byte(plug: Device) -> None:
    answer = talk(plug, *(HANDSHAKE1[i : i + 1] for i in range(len(HANDSHAKE1))))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(answer.partition(b"\r\n\r\n")[2]) == 48


def test_requests_may_follow_each_other_on_one_connection(plug: Device) -> None:
    assert talk(plug, HANDSHAKE1 + HANDSHAKE1).count(b"HTTP/1.1 200 OK") == 2
    assert plug.connections == 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(HANDSHAKE1.replace(b"POST", b"GET"), id="GET"),
        pytest.param(HANDSHAKE1.replace(b"POST", b"PUT"), id="PUT"),
        pytest.param(HANDSHAKE1.replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP/1.0"),
        pytest.param(HANDSHAKE1.replace(b"Content-Length", b"content-length"), id="lower-case Content-Length"),
        pytest.param(HANDSHAKE1.replace(b"Content-Length", b"CONTENT-LENGTH"), id="upper-case Content-Length"),
        pytest.param(HANDSHAKE1.replace(b"Content-Length: 16\r\n", b""), id="no Content-Length"),
        pytest.param(HANDSHAKE1.replace(b"16", b"+16"), id="Content-Length with a sign"),
        pytest.param(HANDSHAKE1.replace(b"Host: plug", b"Content-Length: 16"), id="Content-Length twice"),
        pytest.param(HANDSHAKE1.replace(b"Host: plug", b"Expect: 100-continue"), id="Expect"),
        pytest.param(HANDSHAKE1.replace(b"Host: plug", b"Transfer-Encoding: chunked"), id="chunked"),
        pytest.param(HANDSHAKE1.replace(b"Host: plug", b"Host"), id="header without a colon"),
        pytest.param(HANDSHAKE1.replace(b"/app/handshake1", b"/app/handshake3"), id="path"),
        pytest.param(HANDSHAKE1.replace(b"/app/handshake1", b"/app/handshake1/"), id="path with a slash"),
        pytest.param(HANDSHAKE1.replace(b"/app/handshake1", b"http://plug/app/handshake1"), id="absolute path"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\r\n\r\n", id="TLS"),
        pytest.param(b"A" * 10_000, id="endless head"),
    ],
)
def test_what_the_server_cannot_read_gets_the_stock_page(plug: Device, request_bytes: bytes) -> None:
    assert is_stock_page(talk(plug, request_bytes))
    assert plug.handshakes == 0
    assert plug.refusals


def test_no_100_continue_is_ever_sent(plug: Device) -> None:
    head = HANDSHAKE1[:-16].replace(b"Host: plug", b"Expect: 100-continue")
    assert b"100 Continue" not in talk(plug, head)


def test_a_passthrough_handshake_without_a_length_is_http_500(old_plug: Device) -> None:
    chunked = b"POST /app HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n22\r\n" + OLD_BODY + b"\r\n0\r\n\r\n"
    assert talk(old_plug, chunked).startswith(b"HTTP/1.1 500 ")
    assert talk(old_plug, b"POST /app HTTP/1.1\r\n\r\n" + OLD_BODY).startswith(b"HTTP/1.1 500 ")
    lower = b"POST /app HTTP/1.1\r\ncontent-length: 34\r\n\r\n" + OLD_BODY
    assert is_stock_page(talk(old_plug, lower))


def test_a_body_that_is_far_too_long_is_http_413(plug: Device) -> None:
    assert talk(plug, HANDSHAKE1.replace(b": 16", b": 99999999")).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_to_close_is_heeded(plug: Device) -> None:
    connection = http.client.HTTPConnection(plug.host, plug.port, timeout=10)
    connection.request("POST", "/app/handshake1", os.urandom(16), {"Connection": "close"})
    response = connection.getresponse()
    assert response.headers["Connection"] == "close"
    assert len(response.read()) == 48
    connection.close()


def test_an_unencrypted_request_on_app_is_1003_over_klap(plug: Device) -> None:
    body = b'{"method":"component_nego"}'
    answer = talk(plug, b"POST /app HTTP/1.1\r\nContent-Length: 27\r\n\r\n" + body)
    assert answer.endswith(b'{"error_code":1003}')


def test_the_paths_of_klap_are_nothing_to_an_older_device(old_plug: Device) -> None:
    assert is_stock_page(talk(old_plug, HANDSHAKE1))


def test_two_connections_share_one_session(plug: Device) -> None:
    session = Klap(plug).log_in()
    session.call("get_device_info")
    session.call("get_device_info")
    assert plug.connections == 4


def test_a_device_listens_where_it_is_told_to(add: Add) -> None:
    device = add("P100", host="127.0.0.9")
    assert device.address == f"127.0.0.9:{device.port}"
    again = add("L530", transport="securePassthrough", host="127.0.0.10", port=device.port)
    assert Passthrough(again).log_in().call("get_device_info")["result"]["ip"] == "127.0.0.10"
