"""The web server of the second pretend device: what it spells otherwise than most, and what goes wrong on its way.

It looks at requests as the one in devices does: header names letter by letter, never chunked, one at a time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PAGE = b"<html><body><center>200 OK</center></body></html>"

Spelling: TypeAlias = Literal["lower", "upper", "chunked", "1.0", "close", "cut off", "no type", "text/html", "spaces"]


@dataclass(frozen=True, slots=True)
class Reply:
    """cut: how many bytes of the body are sent before the connection breaks, -1 for not even a status; None for all.

    reset: it breaks with a reset.  wait_s: before anything is sent.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    wait_s: float = 0


Obey = Callable[[], Reply]
Fault = Callable[[Obey], Reply]  # given what lets the device carry the request out, says what is answered


def page() -> Reply:
    return Reply(200, PAGE, {"Content-Type": "text/html"})


def status(code: int, body: bytes = b"") -> Fault:
    return lambda _obey: Reply(code, body)


def says(body: bytes, kind: str = "application/json") -> Fault:
    return lambda _obey: Reply(200, body, {"Content-Type": kind})


def done_then(reply: Reply) -> Fault:
    """The device does as it is told, and answers something else."""

    def fault(obey: Obey) -> Reply:
        obey()
        return reply

    return fault


def spoiled(spoil: Callable[[bytes], bytes]) -> Fault:
    """The device does as it is told, and its answer suffers on the way."""

    def fault(obey: Obey) -> Reply:
        reply = obey()
        return replace(reply, body=spoil(reply.body))

    return fault


def broken_off(after: int, *, reset: bool = False) -> Fault:
    """The device does as it is told, and the connection breaks after so many bytes of its answer."""
    return lambda obey: replace(obey(), cut=after, reset=reset)


def late(wait_s: float) -> Fault:
    return lambda obey: replace(obey(), wait_s=wait_s)


class Door:
    """A port on the loopback interface, over TLS or not.

    answer: given path, Cookie header and body.  spelling: what it does otherwise.  rude: what it held against requests.
    """

    def __init__(
        self, answer: Callable[[str, str, bytes], Reply], *, tls: bool = False, spelling: Spelling | None = None
    ) -> None:
        self._answer, self._spelling = answer, spelling
        self.rude: list[str] = []
        self.connections = 0
        self._busy = threading.Lock()
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 30

            def setup(self) -> None:
                super().setup()
                door.connections += 1

            def do_POST(self) -> None:
                names = list(self.headers.keys())
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if names.count("Content-Length") != 1 or {"Transfer-Encoding", "Expect"} & set(names):
                    door.rude.append(f"headers {names}")
                    self._send(page())
                    return
                if not door._busy.acquire(blocking=False):
                    door.rude.append("two requests at once")
                    self._send(Reply(500))
                    return
                try:
                    reply = door._answer(self.path, self.headers.get("Cookie", ""), body)
                finally:
                    door._busy.release()
                if reply.wait_s:
                    time.sleep(reply.wait_s)
                with contextlib.suppress(OSError):  # who asked may have given up
                    self._send(reply)

            def _send(self, reply: Reply) -> None:
                if reply.cut == -1:
                    self._break(reply)
                    return
                data = door._spelt(reply)
                if reply.cut is not None:
                    data = data[: len(data) - len(reply.body) + reply.cut]
                self.wfile.write(data)
                self.wfile.flush()
                if reply.cut is not None:
                    self._break(reply)
                elif door._spelling in ("1.0", "close", "cut off"):
                    self.close_connection = True

            def _break(self, reply: Reply) -> None:
                if reply.reset:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # a client that breaks off is no news

            def shutdown_request(self, request: Any) -> None:
                with contextlib.suppress(OSError):
                    request.close()

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = certified().wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _spelt(self, reply: Reply) -> bytes:
        how = self._spelling
        headers = {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(reply.body))}
        body, version = reply.body, "1.1"
        if how == "chunked":
            del headers["Content-Length"]
            headers["Transfer-Encoding"] = "chunked"
            pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        elif how == "1.0":
            del headers["Content-Length"]
            version = "1.0"
        elif how == "close":
            headers["Connection"] = "close"
        elif how == "no type":
            del headers["Content-Type"]
        elif how == "text/html":
            headers["Content-Type"] = "text/html"
        change: dict[str | None, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper}
        colon = ":   " if how == "spaces" else ":" if how == "lower" else ": "
        lines = [f"{change.get(how, str)(name)}{colon}{value}" for name, value in headers.items()]
        return (
            f"HTTP/{version} {reply.status} X\r\n{chr(10).join(f'{each}{chr(13)}' for each in lines)}\n\r\n".encode()
            + body
        )


@cache
def certified() -> ssl.SSLContext:
    """Return a context with a certificate of the device's own, as such devices have one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TPRI-DEVICE")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "device.pem")
        path.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, *form))
        context.load_cert_chain(path)
    return context
