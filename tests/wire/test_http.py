"""What goes over the wire, and what becomes of each way in which an answer can fail to come."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tapo_automate.errors import ConfigError, ConnectionLost, DeviceError, Garbled, Unreachable
from tapo_automate.wire.address import parse_host
from tapo_automate.wire.exchange import Request
from tapo_automate.wire.http import MOST_BYTES, HttpLine, over_http

REQUEST = Request(
    "/app/request?seq=-5", b"\x00body", {"Content-Type": "application/octet-stream", "Cookie": "TP_SESSIONID=A"}
)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: TP_SESSIONID=B;TIMEOUT=86400\r\n\r\nhi"


class Server:
    """Answers with bytes.  answer: told the connection and what was read, once for each packet read.

    packets: what each recv gave.  accepted: how many connections.
    """

    def __init__(self, answer: Callable[[socket.socket, bytes], None], family: int = socket.AF_INET) -> None:
        self.packets: list[bytes] = []
        self.accepted = 0
        self._answer = answer
        self._listener = socket.socket(family)
        self._listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while packet := connection.recv(65536):
                self.packets.append(packet)
                self._answer(connection, packet)
        connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()


Serve = Callable[[Callable[[socket.socket, bytes], None]], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(answer: Callable[[socket.socket, bytes], None]) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def line() -> Iterator[Callable[..., HttpLine]]:
    lines: list[HttpLine] = []

    def start(server: Server, **options: float) -> HttpLine:
        lines.append(over_http(server.host, **options))
        return lines[-1]

    yield start
    for it in lines:
        it.close()


Line = Callable[..., HttpLine]


def always(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _: connection.sendall(data)


class TestOnTheWire:
    def test_a_request_is_one_packet_with_headers_in_title_case_and_a_length(self, serve: Serve, line: Line) -> None:
        server = serve(always(GOOD))
        line(server)(REQUEST)
        assert server.packets == [
            (
                f"POST /app/request?seq=-5 HTTP/1.1\r\nHost: {server.host}\r\nContent-Length: 5\r\n"
                "Content-Type: application/octet-stream\r\nCookie: TP_SESSIONID=A\r\n\r\n"
            ).encode()
            + b"\x00body"
        ]

    def test_an_answer_comes_with_status_body_headers_and_cookies(self, serve: Serve, line: Line) -> None:
        answer = line(serve(always(GOOD)))(REQUEST)
        assert (answer.status, answer.body) == (200, b"hi")
        assert answer.headers.get("content-length") == "2"
        assert answer.cookies == ("TP_SESSIONID=B;TIMEOUT=86400",)
        assert answer.cookie("TP_SESSIONID") == "TP_SESSIONID=B"

    def test_one_connection_serves_all_requests(self, serve: Serve, line: Line) -> None:
        server = serve(always(GOOD))
        it = line(server)
        for _ in range(5):
            it(REQUEST)
        assert (server.accepted, len(server.packets)) == (1, 5)

    def test_a_closed_line_opens_again(self, serve: Serve, line: Line) -> None:
        server = serve(always(GOOD))
        it = line(server)
        it(REQUEST)
        it.close()
        it(REQUEST)
        assert server.accepted == 2

    def test_the_environment_has_no_say(self, serve: Serve, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert line(serve(always(GOOD)))(REQUEST).status == 200

    def test_a_redirect_is_an_answer_like_any_other(self, serve: Serve, line: Line) -> None:
        server = serve(always(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"))
        assert line(server)(REQUEST).status == 302

    @pytest.mark.parametrize(
        "raw",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ],
    )
    def test_other_spellings_of_an_answer_are_read(self, serve: Serve, line: Line, raw: bytes) -> None:
        it = line(serve(always(raw)))
        assert [it(REQUEST).body, it(REQUEST).body] == [b"hi", b"hi"]

    @pytest.mark.parametrize("at", [1, 9, 14, 30, len(GOOD) - 4, len(GOOD) - 2, len(GOOD) - 1])
    def test_an_answer_in_two_pieces_is_read(self, serve: Serve, line: Line, at: int) -> None:
        def in_two(connection: socket.socket, _: bytes) -> None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(GOOD[:at])
            time.sleep(0.02)
            connection.sendall(GOOD[at:])

        server = serve(in_two)
        it = line(server)
        for _ in range(2):
            answer = it(REQUEST)
            assert (answer.status, answer.body) == (200, b"hi")
            assert answer.headers["content-length"] == "2"
            assert answer.cookies == ("TP_SESSIONID=B;TIMEOUT=86400",)
        assert server.accepted == 1

    @pytest.mark.parametrize(
        "headers",
        [
            b"Content-Length: 2\r\nContent-Length: 2",
            b"Content-Length: 2\r\nX: a\r\n b",
            b"Content-Length: 2\nX: a",
            b"Content-Length : 2\r\nConnection: close",
            b"Connection: close",
        ],
    )
    def test_headers_that_are_not_plain_are_read_as_the_standard_library_does(
        self, serve: Serve, line: Line, headers: bytes
    ) -> None:
        def once(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\nhi")
            if b"close" in headers:
                connection.shutdown(socket.SHUT_WR)

        it = line(serve(once))
        assert [it(REQUEST).body, it(REQUEST).body] == [b"hi", b"hi"]

    def test_a_connection_that_the_device_ends_in_words_is_let_go(self, serve: Serve, line: Line) -> None:
        server = serve(always(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"))
        it = line(server)
        assert [it(REQUEST).body, it(REQUEST).body] == [b"hi", b"hi"]
        assert server.accepted == 2

    @pytest.mark.parametrize(
        "request_",
        [
            Request("/app?token=a\r\nX: y", b""),
            Request("/app?token=a b", b""),
            Request("/", b"", {"Cookie": "TP_SESSIONID=a\r\nX: y"}),
            Request("/", b"", {"Cookie": "TP_SESSIONID=a\nX"}),
        ],
    )
    def test_what_came_from_a_device_brings_no_lines_of_its_own_into_a_request(
        self, serve: Serve, line: Line, request_: Request
    ) -> None:
        server = serve(always(GOOD))
        with pytest.raises(Garbled):
            line(server)(request_)
        assert server.packets == []

    def test_an_answer_that_ends_with_the_connection_is_read(self, serve: Serve, line: Line) -> None:
        def once(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhi")
            connection.shutdown(socket.SHUT_RDWR)

        it = line(serve(once))
        assert [it(REQUEST).body, it(REQUEST).body] == [b"hi", b"hi"]

    def test_an_ipv6_address_is_spoken_to(self) -> None:
        try:
            server = Server(always(GOOD), socket.AF_INET6)
        except OSError:
            pytest.skip("no IPv6 here")
        it = over_http(f"[::1]:{server.port}")
        try:
            assert it(REQUEST).body == b"hi"
            assert f"Host: [::1]:{server.port}\r\n".encode() in server.packets[0]
        finally:
            it.close()
            server.close()


class TestDevicesThatCloseEarly:
    """As a P100 closes its connection after each answer, without saying so."""

    @staticmethod
    def answer_and_close(connection: socket.socket, _: bytes) -> None:
        connection.sendall(GOOD)
        connection.shutdown(socket.SHUT_RDWR)

    def test_the_next_request_gets_a_new_connection_without_a_failure(self, serve: Serve, line: Line) -> None:
        server = serve(self.answer_and_close)
        it = line(server)
        for _ in range(4):
            assert it(REQUEST).body == b"hi"
            time.sleep(0.05)
        assert server.accepted == 4

    def test_what_must_not_be_sent_twice_then_goes_over_a_fresh_connection(self, serve: Serve, line: Line) -> None:
        closing = True

        def answer(connection: socket.socket, packet: bytes) -> None:
            connection.sendall(GOOD)
            if closing:
                connection.shutdown(socket.SHUT_RDWR)

        server = serve(answer)
        it = line(server)
        it(REQUEST)
        time.sleep(0.05)
        closing = False
        it(REQUEST)  # finds the connection closed, and remembers
        it(REQUEST)
        assert server.accepted == 2
        it(Request(REQUEST.path, REQUEST.body, REQUEST.headers, once=True))
        assert server.accepted == 3

    def test_one_that_closes_on_the_request_is_told_apart(self, serve: Serve, line: Line) -> None:
        asked = 0

        def second_time_never(connection: socket.socket, _: bytes) -> None:
            nonlocal asked
            asked += 1
            if asked == 2:
                connection.shutdown(socket.SHUT_RDWR)
            else:
                connection.sendall(GOOD)

        it = line(serve(second_time_never))
        it(REQUEST)
        with pytest.raises(ConnectionLost) as raised:
            it(REQUEST)
        assert raised.value.idle
        assert raised.value.outcome_unknown
        assert it(REQUEST).body == b"hi"


def hang_up(connection: socket.socket, _: bytes) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def half(connection: socket.socket, _: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")
    connection.shutdown(socket.SHUT_RDWR)


class TestFailures:
    def fail(self, it: HttpLine) -> DeviceError:
        with pytest.raises(DeviceError) as raised:
            it(REQUEST)
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None or raised.value.__suppress_context__
        for leak in ("urllib3", "object at", "HTTPConnection", "seq=", "Errno", "Max retries"):
            assert leak not in str(raised.value)
        return raised.value

    def test_a_refused_connection(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        error = self.fail(over_http(f"127.0.0.1:{port}"))
        assert isinstance(error, Unreachable)
        assert not error.outcome_unknown
        assert str(error) == (
            f"127.0.0.1:{port}: the connection was refused (after a power cut some devices keep their port shut for "
            "about eight minutes)"
        )

    def test_a_name_without_an_address(self) -> None:
        error = self.fail(over_http("no-such-plug.invalid"))
        assert str(error) == (
            "no-such-plug.invalid: there is no address for this name: is it spelt right? A device is found by "
            "its address or its mac too"
        )

    def test_a_connection_that_does_not_come_about_in_time(self) -> None:
        with socket.socket() as full:  # its queue of one takes no further connection
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(3)]
            for it in waiting:
                it.setblocking(False)
                it.connect_ex(("127.0.0.1", port))
            start = time.monotonic()
            error = self.fail(over_http(f"127.0.0.1:{port}", connect_timeout_s=0.3))
            assert time.monotonic() - start < 2
            for it in waiting:
                it.close()
        assert str(error) == f"127.0.0.1:{port}: no connection within 0.3 s; is it switched on, and in this network?"
        assert not error.outcome_unknown

    def test_no_answer_in_time(self, serve: Serve, line: Line) -> None:
        error = self.fail(line(serve(lambda *_: None), read_timeout_s=0.3))
        assert isinstance(error, Unreachable)
        assert error.outcome_unknown
        assert str(error).endswith(": no answer within 0.3 s")

    @pytest.mark.parametrize(
        "start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"]
    )
    def test_an_answer_that_drips_for_ever_has_the_same_limit(self, serve: Serve, line: Line, start: bytes) -> None:
        def drip(connection: socket.socket, _: bytes) -> None:
            connection.sendall(start)
            for _i in range(100):
                time.sleep(0.1)
                connection.sendall(b"x")

        began = time.monotonic()
        error = self.fail(line(serve(drip), read_timeout_s=0.5))
        assert 0.4 < time.monotonic() - began < 1.5
        assert isinstance(error, Unreachable)
        assert error.outcome_unknown

    def test_a_connection_closed_without_an_answer(self, serve: Serve, line: Line) -> None:
        error = self.fail(line(serve(hang_up)))
        assert isinstance(error, ConnectionLost)
        assert not error.idle
        assert str(error).endswith(": the device closed the connection without an answer")

    def test_a_connection_closed_in_the_middle(self, serve: Serve, line: Line) -> None:
        error = self.fail(line(serve(half)))
        assert isinstance(error, ConnectionLost)
        assert not error.idle
        assert str(error).endswith(": the connection broke in the middle of the answer")

    @pytest.mark.parametrize(
        "raw",
        [
            b"\x00\x01\x02garbage\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n",
            b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
        ],
    )
    def test_what_is_not_http(self, serve: Serve, line: Line, raw: bytes) -> None:
        def answer(connection: socket.socket, _: bytes) -> None:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)

        error = self.fail(line(serve(answer)))
        assert error.outcome_unknown
        assert isinstance(error, Garbled | ConnectionLost)

    def test_an_answer_without_end(self, serve: Serve, line: Line) -> None:
        def flood(connection: socket.socket, _: bytes) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MOST_BYTES + 5))
            connection.shutdown(socket.SHUT_WR)

        error = self.fail(line(serve(flood)))
        assert isinstance(error, Garbled)
        assert "longer than 1 MiB" in str(error)

    def test_the_line_works_again_after_each(self, serve: Serve, line: Line) -> None:
        script = [hang_up, half, always(b"garbage\r\n\r\n"), always(GOOD)]
        it = line(serve(lambda connection, packet: script.pop(0)(connection, packet)))
        for _ in range(3):
            self.fail(it)
        assert it(REQUEST).body == b"hi"


def test_a_token_in_the_path_reaches_no_log(serve: Serve, line: Line, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        line(serve(always(GOOD)))(Request("/app?token=SECRET123", b"", {}))
    assert "SECRET123" not in caplog.text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("192.168.1.31", ("192.168.1.31", 80)),
        ("192.168.1.31:8080", ("192.168.1.31", 8080)),
        ("plug", ("plug", 80)),
        ("plug-1.lan.:81", ("plug-1.lan.", 81)),
        ("[::1]:80", ("::1", 80)),
        ("[fe80::1%eth0]", ("fe80::1%eth0", 80)),
        ("::1", ("::1", 80)),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, place: tuple[str, int]) -> None:
    assert parse_host(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "http://10.0.0.1",
        "10.0.0.1/",
        "a b",
        "plug:",
        ":80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "1:2:3",
        "plug:http",
        "-x",
        "p@q",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        over_http(text)
    assert str(raised.value).startswith(f"{text!r} is no device address: ")


@pytest.mark.parametrize("port", ["0", "65536", "99999999", "-1", "٣"])
def test_a_port_is_a_number_up_to_65535(port: str) -> None:
    with pytest.raises(ConfigError, match="the port must be a number from 1 to 65535"):
        parse_host(f"plug:{port}")
