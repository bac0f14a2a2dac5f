"""The simulator's web server against clients that nearly speak HTTP: it answers or hangs up, and lives."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.house import ACCOUNT, PASSWORD, USER
from fuzz.mutations import bent
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import connect

ASKED = b'{"method":"login","params":{"sub_method":"discover"}}'
MOST_S = 20.0  # a case takes milliseconds; the machine may be busy
MEBIBYTE = 2**20

FIRSTS = (
    b"POST / HTTP/1.1", b"POST /app HTTP/1.1", b"POST /app/handshake1 HTTP/1.1", b"POST /app/request?seq=1 HTTP/1.1",
    b"GET / HTTP/1.1", b"POST / HTTP/1.0", b"POST  / HTTP/1.1", b"POST /", b"", b"\xff\xff\xff", b"post / http/1.1",
    b"POST /" + b"a" * 9000 + b" HTTP/1.1", b"POST /stok=/ds HTTP/1.1", b"POST /stok=%ff/ds HTTP/1.1",
    b"POST http://[/ HTTP/1.1", b"POST /app/handshake2? HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)  # fmt: skip
LINES = (
    b"Content-Length: %d" % len(ASKED), b"Content-Length: 16", b"content-length: 16", b"Content-Length: 0",
    b"Content-Length: -1", b"Content-Length: " + b"9" * 5000, b"Content-Length: " + b"0" * 5000 + b"1",
    b"Content-Length: 65537", b"Content-Length: 99999999999", b"Content-Length: 1e3", b"Content-Length: \xb2",
    b"Content-Length: \xd9\xa3", b"Content-Length:", b"Transfer-Encoding: chunked", b"Expect: 100-continue",
    b"Connection: close", b"Cookie: TP_SESSIONID=", b"Cookie: TP_SESSIONID=A; TP_SESSIONID=B", b"Cookie: \xff=\x80",
    b"Content-Type: application/json", b" folded", b"no colon", b": no name", b"X: " + b"y" * 9000, b"Host: x",
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    first = draw(st.sampled_from(FIRSTS[:4] * 3 + FIRSTS))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=4))
    if draw(st.booleans()):
        lines.insert(0, LINES[0])
    if draw(st.integers(0, 19)) == 0:
        lines += [b"X-%d: y" % number for number in range(draw(st.sampled_from((10, 200, 3000))))]
    body = draw(st.sampled_from((ASKED, bytes(16), b"", b"{}", b"x" * 70_000, b"0\r\n\r\n", b"[" * 5000)))
    message = b"\r\n".join((first, *lines, b"", body))
    return draw(bent(message)) if draw(st.integers(0, 3)) == 0 else message


@pytest.fixture(scope="module")
def device_of(fleet: Fleet, account: dict[str, str]) -> Callable[[str], Device]:
    known: dict[str, Device] = {}

    def device_of(speech: str) -> Device:
        if speech not in known:
            kind, _, choices = speech.partition(" ")
            known[speech] = fleet.add("P110", transport=kind, tpap=choices or "iterations=10", seed=1, **account)
        return known[speech]

    return device_of


@tried(60)
@given(
    speech=st.sampled_from(("klap", "aes", "tpap")),
    message=st.lists(requests(), min_size=1, max_size=3).map(b"".join),
    cuts=st.lists(st.integers(0, 400), max_size=3),
)
@example(speech="klap", message=b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", cuts=[])
def test_whatever_comes_in_the_connection_ends_and_the_next_client_is_served(
    device_of: Callable[[str], Device], speech: str, message: bytes, cuts: list[int]
) -> None:
    device = device_of(speech)
    answer = exchange((device.host, device.port), message, cuts)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert PASSWORD.encode() not in answer
    assert USER.encode() not in answer
    assert exchange((device.host, device.port), GOOD).startswith(b"HTTP/1.1 200 OK\r\n")


GOOD = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(ASKED), ASKED)


def exchange(place: tuple[str, int], message: bytes, cuts: list[int] | None = None) -> bytes:
    """Return all that comes back to a message in these pieces, after which nothing more is said."""
    with socket.create_connection(place, timeout=MOST_S) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        places = sorted({0, *(min(cut, len(message)) for cut in cuts or ()), len(message)})
        heard = b""
        with contextlib.suppress(ConnectionError):
            for begin, end in pairwise(places):
                line.sendall(message[begin:end])
            line.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while piece := line.recv(65536):
                heard += piece
        return heard


@tried(10)
@given(noise=st.binary(max_size=600) | st.just(GOOD), goes=st.booleans())
def test_what_is_no_tls_is_let_go(device_of: Callable[[str], Device], noise: bytes, goes: bool) -> None:
    device = device_of("tpap tls=1,iterations=10")
    assert device.https_port
    with (
        socket.create_connection((device.host, device.https_port), timeout=MOST_S) as line,
        contextlib.suppress(ConnectionError),
    ):
        line.sendall(noise)
        if goes:
            line.shutdown(socket.SHUT_WR)
            while line.recv(65536):
                pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((device.host, device.https_port), timeout=MOST_S) as plain,
        context.wrap_socket(plain) as line,
    ):
        line.sendall(GOOD)
        assert line.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


FLOODS: dict[str, bytes] = {
    "head": b"POST / HTTP/1.1\r\n" + b"X" * 64 * MEBIBYTE,
    "headers": b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * (8 * MEBIBYTE),
    "body": b"POST / HTTP/1.1\r\nContent-Length: 64000\r\n\r\n" + b"x" * 64 * MEBIBYTE,
    "nonsense": b"\xff" * 64 * MEBIBYTE,
}


@pytest.mark.parametrize("faults", ["", "slow=0.5"])
@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_fills_no_memory(fleet: Fleet, account: dict[str, str], kind: str, faults: str) -> None:
    device = fleet.add("P110", faults=faults, **account)
    flood = FLOODS[kind] if not faults else GOOD + FLOODS[kind]
    tracemalloc.start()
    try:
        with socket.create_connection((device.host, device.port), timeout=MOST_S) as line:
            line.settimeout(1.0)
            with contextlib.suppress(OSError):
                line.sendall(flood)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * MEBIBYTE, f"{most / MEBIBYTE:.0f} MiB"
    device.set_faults()
    assert exchange((device.host, device.port), GOOD).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_is_served_after_all_that(device_of: Callable[[str], Device]) -> None:
    for speech in ("klap", "aes", "tpap"):
        client = connect(device_of(speech).address, ACCOUNT)
        assert client.call("get_device_info")["model"] == "P110"
        client.close()
