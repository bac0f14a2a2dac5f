"""Answers over real sockets that are not quite HTTP, without end, or slow: read, or refused, within time and memory."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from http.client import HTTPException
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import Timeout

from fuzz.effort import tried
from fuzz.judging import attempt, in_time
from fuzz.mutations import bent
from tapo_automate.errors import DeviceError
from tapo_automate.wire.answers import json_object
from tapo_automate.wire.exchange import Request
from tapo_automate.wire.http import over_http
from tapo_automate.wire.reading import MOST_BYTES, Answer, read_answer

BODY = b'{"error_code":0,"result":{"device_on":true}}'
COOKIE = "TP_SESSIONID=CANARYCANARY;TIMEOUT=86400"
MOST_MEMORY = 12 * MOST_BYTES  # an answer of the largest size, and what it goes through
PIECE = 65536

Talk = Callable[[socket.socket], None]

HEADS = (
    b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 100 Continue", b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 304 X", b"HTTP/0.9 200", b"HTTP/1.1 99999999 X", b"HTTP/1.1 -1 X", b"HTTP/2 200", b"http/1.1 200 OK",
    b"HTTP/1.1 200 " + b"x" * 70_000, b"\xff" * 40, b"", b"ICY 200 OK", b"HTTP/1.1 403 Forbidden",
)  # fmt: skip
LINES = (
    b"Content-Length: 44", b"content-length:44", b"Content-Length: 43", b"Content-Length: 45", b"Content-Length: -1",
    b"Content-Length: +44", b"Content-Length: 44, 44", b"Content-Length: 4_4", b"Content-Length: 0x2c",
    b"Content-Length: " + b"9" * 5000, b"Content-Length: 999999", b"Content-Length: 99999999999", b"Content-Length:",
    b"Content-Length: \xd9\xa3", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity", b"Connection: close", b"Connection: keep-alive", b"Connection: upgrade",
    b"Content-Type: application/json", b"Content-Encoding: gzip", b" folded", b"\tfolded", b"no colon", b": no name",
    b"Set-Cookie: " + COOKIE.encode(), b"Set-Cookie: \x80\xff", b"Name With Blank: x", b"X: " + b"y" * 70_000,
    b"X: a\rb", b"X: a\nSet-Cookie: b=c", b"X: \x00", b"=?utf-8?q?x?=: =?utf-8?b?/w==?=",
)  # fmt: skip
CHUNKS = (
    b"2c\r\n" + BODY + b"\r\n0\r\n\r\n", b"-1\r\n" + BODY, b"-5\r\n" + BODY, b"2C;ext=1\r\n" + BODY + b"\r\n0\r\n\r\n",
    b"0\r\n\r\n", b"ffffffffffffffff\r\n" + BODY, b"2_c\r\n" + BODY + b"\r\n0\r\n\r\n", b"+2c\r\n" + BODY,
    b"0x2c\r\n" + BODY, b"2c\n" + BODY + b"\n0\n\n", b"\r\n" + BODY, b"x" * 70_000, b"0\r\n" + b"T: x\r\n" * 300,
    b"1\r\nx\r\n" * 400 + b"0\r\n\r\n", b"9" * 5000 + b"\r\nx",
)  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return an answer of usual and of strange parts, sometimes bent as a whole."""
    head = HEADS[0] if draw(st.booleans()) else draw(st.sampled_from(HEADS))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=5))
    if draw(st.booleans()):
        lines.insert(0, LINES[0])
    if draw(st.integers(0, 19)) == 0:
        lines *= draw(st.sampled_from((2, 60, 600)))
    body = draw(st.sampled_from((BODY, BODY, b"", BODY * 3, *CHUNKS)))
    ends = draw(st.sampled_from((b"\r\n",) * 6 + (b"\n", b"\r", b"\r\n ")))
    message = ends.join((head, *lines, b"", body))
    if draw(st.integers(0, 9)) == 0:
        message = draw(st.sampled_from((b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n"))) * 3 + message
    return draw(bent(message)) if draw(st.integers(0, 3)) == 0 else message


@tried(60)
@given(message=messages(), cuts=st.lists(st.integers(0, 400), max_size=3))
def test_what_is_no_proper_answer_is_read_or_refused(message: bytes, cuts: list[int]) -> None:
    answer = read_pieces(message, cuts)
    if isinstance(answer, Answer):
        assert 100 <= answer.status < 1000
        assert all(name == name.lower() for name in answer.headers)
        assert len(answer.body) <= MOST_BYTES + 1


@tried(15)
@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(0, 400), max_size=5), data=st.data())
def test_a_proper_answer_is_read_whatever_pieces_it_comes_in(body: bytes, cuts: list[int], data: st.DataObject) -> None:
    """The two readers of answers, ours and the standard library's, make the same of them."""
    status = data.draw(st.sampled_from((200, 403, 500)))
    lines = data.draw(st.permutations([b"Content-Type: x/y", b"Content-Length: %d" % len(body), b"Set-Cookie: a=b"]))
    plain = b"\r\n".join((b"HTTP/1.1 %d OK" % status, *lines, b"", body))
    chunked = b"\r\n".join(
        (b"HTTP/1.1 %d OK" % status, b"Content-Type: x/y", b"Set-Cookie: a=b", b"Transfer-Encoding: chunked", b"")
    ) + b"\r\n%s0\r\n\r\n" % (b"%x\r\n%s\r\n" % (len(body), body) if body else b"")
    for message in (plain, chunked):
        answer = read_pieces(message, cuts)
        assert isinstance(answer, Answer)
        assert (answer.status, answer.body, answer.cookies) == (status, body, ("a=b",))
        assert answer.headers["content-type"] == "x/y"


def read_pieces(message: bytes, cuts: list[int]) -> Answer | Exception:
    """Return what is read of a message that comes in these pieces, after which the connection ends."""
    ours, theirs = socket.socketpair()
    places = sorted({0, *(min(cut, len(message)) for cut in cuts), len(message)})
    pieces = [message[begin:end] for begin, end in pairwise(places)]

    def talk() -> None:
        with contextlib.suppress(OSError):
            for piece in pieces:
                theirs.sendall(piece)
        theirs.close()

    speaker = threading.Thread(target=talk)
    speaker.start()
    try:
        with ours, in_time():
            ours.settimeout(10)
            timer = Timeout(total=10)
            timer.start_connect()
            try:
                return read_answer(ours, timer)
            except TimeoutError:
                pytest.fail("it waits for more than there is")
            except (OSError, HTTPException, ValueError) as error:  # what http.py takes for the peer's fault
                return error
    finally:
        speaker.join()


class Server:
    """Says to each connection what it is told to.  talk: given the socket, after the request was read."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.talk: Talk = lambda _line: None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                line.settimeout(20)
                line.recv(PIECE)
                self.talk(line)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


REQUEST = Request("/app?token=CANARYCANARY", b"{}", {"Cookie": "TP_SESSIONID=CANARYCANARY"})


@tried(15, share=0.2)
@given(message=messages())
def test_a_line_refuses_in_words_and_works_afterwards(message: bytes) -> None:
    server = Server()
    try:
        line = over_http(f"127.0.0.1:{server.port}", read_timeout_s=10)
        server.talk = lambda sock: sock.sendall(message)
        attempt(lambda: line(REQUEST), {"CANARYCANARY"})
        attempt(lambda: line(REQUEST), {"CANARYCANARY"})
        server.talk = lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n" + BODY)
        line.close()
        assert line(REQUEST).body == BODY
        line.close()
    finally:
        server.close()


def endless(begin: bytes, piece: bytes) -> Talk:
    def talk(line: socket.socket) -> None:
        line.sendall(begin)
        while True:
            line.sendall(piece)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS: dict[str, Talk] = {
    "body without a length": endless(OK + b"\r\n", b"x" * PIECE),
    "body of a wrong length": endless(OK + b"Content-Length: 5\r\n\r\n", b"x" * PIECE),
    "body of the greatest length": endless(OK + b"Content-Length: 999999999999\r\n\r\n", b"x" * PIECE),
    "body of a length just read here": endless(OK + b"Content-Length: 999999\r\n\r\n", b"x" * 1000),
    "body in HTTP/1.0": endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * PIECE),
    "status": endless(b"HTTP/1.1 200 ", b"x" * PIECE),
    "headers": endless(OK, b"X: y\r\n" * 5000),
    "one header": endless(OK + b"X: ", b"y" * PIECE),
    "folded header": endless(OK + b"X: y\r\n", b" y\r\n" * 5000),
    "preliminary answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "chunks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "chunks of a byte": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 5000),
    "chunk of the greatest length": endless(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", b"x" * PIECE),
    "chunk of a negative length": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", b"x" * PIECE),
    "chunk size": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * PIECE),
    "trailers": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"T: x\r\n" * 5000),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_end_takes_neither_time_nor_memory(server: Server, kind: str) -> None:
    server.talk = ENDLESS[kind]
    line = over_http(f"127.0.0.1:{server.port}", read_timeout_s=1.0)
    tracemalloc.start()
    begun = time.monotonic()
    try:
        outcome = attempt(lambda: line(REQUEST), {"CANARYCANARY"})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        line.close()
    assert isinstance(outcome, DeviceError) or kind in ("body of a wrong length", "body of a length just read here")
    assert most < MOST_MEMORY, f"{most / 2**20:.0f} MiB"
    assert time.monotonic() - begun < 15  # of one second; the machine may be busy


def drip(*pieces: bytes, every_s: float = 0.05) -> Talk:
    def talk(line: socket.socket) -> None:
        for piece in pieces:
            line.sendall(piece)
        for _ in range(100):
            time.sleep(every_s)
            line.sendall(b"x")

    return talk


SLOW: dict[str, Talk] = {
    "nothing": lambda _line: time.sleep(3),
    "status": drip(b"HTTP/1.1 200 "),
    "header": drip(OK, b"X: "),
    "body": drip(OK, b"Content-Length: 400\r\n\r\n"),
    "body without a length": drip(OK, b"\r\n"),
    "chunk": drip(OK, b"Transfer-Encoding: chunked\r\n\r\nfff\r\n"),
    "chunk size": drip(OK, b"Transfer-Encoding: chunked\r\n\r\n"),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_slow_drip_ends_when_the_time_is_over(server: Server, kind: str) -> None:
    server.talk = SLOW[kind]
    line = over_http(f"127.0.0.1:{server.port}", read_timeout_s=0.4)
    begun = time.monotonic()
    outcome = attempt(lambda: line(REQUEST), {"CANARYCANARY"})
    assert isinstance(outcome, DeviceError)
    assert outcome.problem == "no answer within 0.4 s"
    assert time.monotonic() - begun < 10
    line.close()


@tried(12, share=0.1)
@given(
    cookie=st.text(max_size=12) | st.sampled_from(("a=b\r\nX: y", "\0", "é", "a" * 9000)),
    path=st.sampled_from(
        ("/app?token=a b", "/app\r\nX: y", "/app?\ud800", "/" + "a" * 9000, "/app?token=CANARYCANARY")
    ),
)
def test_what_a_device_gave_never_brings_lines_of_its_own_into_a_request(cookie: str, path: str) -> None:
    heard: list[bytes] = []
    ready = threading.Event()

    def talk(line: socket.socket) -> None:
        line.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while True:
                heard.append(line.recv(PIECE))
                if not heard[-1]:
                    break
        ready.set()

    class Ear(Server):
        def _serve(self) -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = self._socket.accept()
                    with line:
                        talk(line)

    server = Ear()
    try:
        line = over_http(f"127.0.0.1:{server.port}", read_timeout_s=0.05)
        attempt(lambda: line(Request(path, b"{}", {"Cookie": cookie})), {"CANARYCANARY"})
        line.close()
    finally:
        server.close()
    lines = b"".join(heard).split(b"\r\n\r\n")[0].split(b"\r\n")
    assert [each.partition(b":")[0] for each in lines[1:]] in ([], [b"Host", b"Content-Length", b"Cookie"])


def test_json_of_the_greatest_size_is_read_in_bounds() -> None:
    """An answer may be long: of brackets, of digits, of escapes."""
    size = MOST_BYTES // 4
    bodies = (
        b"[" * size, b'{"a":' * (size // 5), b"9" * size, b'{"a":"' + b"\\u00e9" * (size // 6) + b'"}',
        b'{"a":[' + b"0," * (size // 2) + b"0]}", b'{"a":[' + b"{}," * (size // 3) + b"0]}", b"\xff\xfe" + b"{\0" * 99,
        json.dumps({"a": "x" * size}).encode(), b'{"a":1' + b" " * size + b"}", b'{"a":0.' + b"1" * size + b"}",
    )  # fmt: skip
    for body in bodies:
        tracemalloc.start()
        try:
            with in_time():
                json_object(body)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 60 * size, f"{body[:20]!r}: {most / 2**20:.0f} MiB"
