"""Other doors than the one by which a device is named, and HTTPS with whatever certificate a device has."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tapo_automate.errors import ConnectionLost, DeviceError, Garbled, Unreachable
from tapo_automate.wire.exchange import Door, Request
from tapo_automate.wire.http import HttpLine, over_http

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


class Server:
    """Answers every request with two bytes, over TLS with a context.

    first: told the raw connection before TLS, and returns whether it goes on.  then: told the connection and a request,
    instead of an answer.  packets: what each read gave.  accepted, ended: how many connections began and ended.
    """

    def __init__(
        self,
        says: bytes,
        context: ssl.SSLContext | None = None,
        first: Callable[[socket.socket], bool] = lambda _: True,
        then: Callable[[socket.socket], None] | None = None,
    ) -> None:
        self.says, self.context, self.first, self.then = says, context, first, then
        self.packets: list[bytes] = []
        self.accepted = self.ended = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self.first(connection):
                if self.context is not None:
                    connection = self.context.wrap_socket(connection, server_side=True)
                    self._open.append(connection)
                while packet := connection.recv(65536):
                    self.packets.append(packet)
                    if self.then is None:
                        connection.sendall(GOOD + self.says)
                    else:
                        self.then(connection)
        connection.close()
        self.ended += 1

    def close(self) -> None:
        for it in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                it.shutdown(socket.SHUT_RDWR)
            it.close()
        for thread in self._threads:
            thread.join()


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*args: object, **options: object) -> Server:
        servers.append(Server(*args, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def line() -> Iterator[Callable[..., HttpLine]]:
    lines: list[HttpLine] = []

    def start(server: Server, **options: float) -> HttpLine:
        lines.append(over_http(f"127.0.0.1:{server.port}", **options))
        return lines[-1]

    yield start
    for it in lines:
        it.close()


Line = Callable[..., HttpLine]


@pytest.fixture(scope="module", params=["EC", "RSA-1024"])
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A device's TLS, with a certificate of its own for another name that has run out; the one of RSA also has a small
    key and an old cipher."""
    if request.param == "EC":
        return own_context(ec.generate_private_key(ec.SECP256R1()), tmp_path_factory.mktemp("tls"))
    it = own_context(rsa.generate_private_key(65537, 1024), tmp_path_factory.mktemp("tls"), "AES128-SHA:@SECLEVEL=0")
    it.maximum_version = ssl.TLSVersion.TLSv1_2
    return it


def own_context(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, folder: Path, ciphers: str = "DEFAULT"
) -> ssl.SSLContext:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TPRI-DEVICE")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2001, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    path = folder / "device.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    it = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    it.set_ciphers(ciphers)
    it.load_cert_chain(path)
    return it


def at(server: Server | None, *, tls: bool = False) -> Request:
    return Request("/", b"{}", {}, door=Door(server.port, tls) if server is not None else None)


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


class TestDoors:
    def test_a_request_goes_to_its_door_and_back_again(self, serve: Serve, line: Line) -> None:
        named, other = serve(b"11"), serve(b"22")
        it = line(named)
        assert [it(at(door)).body for door in (None, other, other, None, other)] == [b"11", b"22", b"22", b"11", b"22"]
        assert f"Host: 127.0.0.1:{other.port}\r\n".encode() in other.packets[0]

    def test_one_connection_is_open_at_a_time(self, serve: Serve, line: Line) -> None:
        named, other = serve(b"11"), serve(b"22")
        it = line(named)
        it(at(None))
        it(at(other))
        wait_for(lambda: named.ended == 1)
        assert (other.accepted, other.ended) == (1, 0)
        it(at(None))
        wait_for(lambda: other.ended == 1)
        assert (named.accepted, named.ended) == (2, 1)
        it.close()
        wait_for(lambda: named.ended == 2)

    def test_a_door_that_is_kept_to_keeps_its_connection(self, serve: Serve, line: Line) -> None:
        named, other = serve(b"11"), serve(b"22")
        it = line(named)
        for _ in range(4):
            it(at(other))
        assert (named.accepted, other.accepted) == (0, 1)

    def test_a_door_that_is_shut_is_said_to_be(self, serve: Serve, line: Line) -> None:
        named = serve(b"11")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        it = line(named)
        with pytest.raises(Unreachable, match="the connection was refused"):
            it(Request("/", b"", {}, door=Door(port)))
        assert it(at(None)).body == b"11"


class TestTls:
    def test_a_device_is_spoken_to_whatever_its_certificate_says(
        self, serve: Serve, line: Line, context: ssl.SSLContext, capfd: pytest.CaptureFixture[str]
    ) -> None:
        named, secure = serve(b"11"), serve(b"22", context)
        it = line(named)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            answers = [it(at(secure, tls=True)).body for _ in range(3)]
        assert answers == [b"22"] * 3
        assert (warned, capfd.readouterr()) == ([], ("", ""))
        assert (secure.accepted, len(secure.packets)) == (1, 3)  # one connection, each request whole
        assert it(at(None)).body == b"11"
        assert it(at(secure, tls=True)).body == b"22"

    def test_no_name_is_shown_to_it(self, serve: Serve, line: Line, context: ssl.SSLContext) -> None:
        shown: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: shown.append(name)
        line(serve(b"11"))(at(serve(b"22", context), tls=True))
        context.sni_callback = None
        assert shown == [None]

    def test_a_large_answer_comes_whole(self, serve: Serve, line: Line, context: ssl.SSLContext) -> None:
        body = os.urandom(200_000)
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body
        secure = serve(b"", context, then=lambda connection: connection.sendall(answer))
        assert line(serve(b"11"))(at(secure, tls=True)).body == body


class TestTlsThatFails:
    def fail(self, it: HttpLine, server: Server) -> DeviceError:
        with pytest.raises(DeviceError) as raised:
            it(at(server, tls=True))
        for leak in ("urllib3", "_ssl.c", "object at", "Errno", "[SSL"):
            assert leak not in str(raised.value)
        return raised.value

    def test_a_door_that_does_not_speak_it(self, serve: Serve, line: Line) -> None:
        named = serve(b"11")
        plain = serve(b"22", then=lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        error = self.fail(line(named), plain)
        assert isinstance(error, Garbled)
        assert not error.outcome_unknown
        start = f"127.0.0.1:{named.port}: the device's HTTPS at port {plain.port} did not come about: "
        assert str(error).startswith(start)
        assert len(str(error)) > len(start)

    def test_only_a_version_that_is_too_old(self, serve: Serve, line: Line, tmp_path: Path) -> None:
        old = own_context(rsa.generate_private_key(65537, 2048), tmp_path, "ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        error = self.fail(line(serve(b"11")), serve(b"22", old))
        assert isinstance(error, Garbled)
        assert "did not come about: " in str(error)
        assert "version" in str(error) or "protocol" in str(error)

    def test_a_door_that_hangs_up(self, serve: Serve, line: Line) -> None:
        error = self.fail(line(serve(b"11")), serve(b"22", first=lambda _: False))
        assert type(error) is Unreachable
        assert str(error).endswith(" did not come about: the device closed the connection")
        assert not error.outcome_unknown

    def test_a_door_that_says_nothing(self, serve: Serve, line: Line) -> None:
        def keep_silent(connection: socket.socket) -> bool:
            while connection.recv(65536):
                pass
            return False

        began = time.monotonic()
        error = self.fail(line(serve(b"11"), connect_timeout_s=0.3), serve(b"22", first=keep_silent))
        assert time.monotonic() - began < 5
        assert type(error) is Unreachable
        assert str(error).endswith(" did not come about within 0.3 s")
        assert not error.outcome_unknown

    def test_no_answer_in_time(self, serve: Serve, line: Line, context: ssl.SSLContext) -> None:
        secure = serve(b"22", context, then=lambda _: None)
        error = self.fail(line(serve(b"11"), read_timeout_s=0.3), secure)
        assert str(error).endswith(": no answer within 0.3 s")
        assert error.outcome_unknown

    def test_a_connection_closed_instead_of_an_answer(self, serve: Serve, line: Line, context: ssl.SSLContext) -> None:
        secure = serve(b"22", context, then=lambda connection: connection.shutdown(socket.SHUT_RDWR))
        error = self.fail(line(serve(b"11")), secure)
        assert isinstance(error, ConnectionLost)
        assert str(error).endswith(": the device closed the connection without an answer")

    def test_what_is_no_tls_in_the_place_of_an_answer(self, serve: Serve, line: Line, context: ssl.SSLContext) -> None:
        def break_it(connection: socket.socket) -> None:
            os.write(connection.fileno(), b"\x17\x03\x03\x00\x40" + bytes(64))

        it, secure = line(serve(b"11")), serve(b"22", context, then=break_it)
        error = self.fail(it, secure)
        assert isinstance(error, Garbled)
        assert ": the device's HTTPS broke: " in str(error)
        assert error.outcome_unknown
        assert it(at(None)).body == b"11"

    @pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "EOF occurred"), ssl.SSLZeroReturnError(6, "closed")])
    def test_a_connection_that_ends_while_a_request_goes_out(self, serve: Serve, line: Line, error: OSError) -> None:
        """By hand, since it takes a device that closes at just that moment."""
        it = line(serve(b"11"))
        assert str(it._explain(error)).endswith(": the device closed the connection without an answer")
