"""The one door to the network: carries a session's requests to one device over a kept connection.

`requests` is used from its adapter down: a Session would look up proxies, netrc, cookies and redirects for each
command, and costs more than the command does.  This file reads no clock; the stop-watch for slow answers is urllib3's.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTP_PORT, HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError

from tapo_automate.errors import ConnectionLost, DeviceError, Garbled, Unreachable
from tapo_automate.wire.address import parse_host
from tapo_automate.wire.exchange import Door, Request, Response
from tapo_automate.wire.reading import MOST_BYTES, Answer, read_answer

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 8.0


def over_http(
    host: str, *, connect_timeout_s: float = CONNECT_TIMEOUT_S, read_timeout_s: float = ANSWER_TIMEOUT_S
) -> HttpLine:
    """Return a line to the device at `host` (see `parse_host`); nothing is sent yet.

    connect_timeout_s: how long a connection may take.  read_timeout_s: how long a whole answer may take, to its last
    byte.  Raises ConfigError for what is no address.
    """
    return HttpLine(host, connect_timeout_s, read_timeout_s)


class HttpLine:
    """A `Send` with one keep-alive connection.  One thread at a time; may be used again after close().

    A request for another door than the last one closes that one's connection: devices bear few of them.
    """

    def __init__(self, host: str, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._host = host
        self._connect_timeout_s = connect_timeout_s
        self._place, self._port = parse_host(host)
        self._watch = _Watch(read_timeout_s)
        self._door: Door | None = None
        self._adapter = _Adapter(self._place, self._port, self._watch)
        self._timeout = Timeout(connect=connect_timeout_s, read=read_timeout_s)
        self._prepared = requests.PreparedRequest()
        self._prepared.method = "POST"

    def __call__(self, request: Request) -> Response:
        if request.door != self._door:
            self._go_to(request.door)
        prepared, watch = self._prepared, self._watch
        prepared.url = request.path
        prepared.body = request.body
        # A plain dict: requests' own kind costs ten times as much.
        prepared.headers = {"Content-Length": str(len(request.body)), **request.headers}  # type: ignore[assignment]
        if request.once and watch.closes_early:
            self._adapter.close()
        watch.reused = watch.sent = False
        try:
            answer: Any = self._adapter.send(prepared, timeout=self._timeout)  # type: ignore[arg-type]  # the stubs lag
        except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            self._adapter.close()
            raise self._explain(error) from None  # the chain would print urls, and those hold tokens
        if len(answer.body) > MOST_BYTES:
            self._adapter.close()
            raise Garbled(self._host, "the answer is longer than 1 MiB", outcome_unknown=True)
        return Response(answer.status, answer.body, answer.headers, answer.cookies)

    def close(self) -> None:
        """Let go of the connection."""
        self._adapter.close()

    def _go_to(self, door: Door | None) -> None:
        self._adapter.close()
        self._door = door
        port, tls = (door.port, door.tls) if door is not None else (self._port, False)
        self._adapter = _Adapter(self._place, port, self._watch, tls=tls)

    def _explain(self, error: BaseException) -> DeviceError:
        """Return what went wrong in a sentence of ours; the libraries' words would carry addresses of objects."""
        watch = self._watch
        causes = list(_causes(error))
        for cause in causes:
            match cause:
                case _NoTls():
                    return self._without_tls(cause)
                case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                    return self._closed()
                case ssl.SSLError():
                    return Garbled(self._host, f"the device's HTTPS broke: {_reason(cause)}", outcome_unknown=True)
                case NameResolutionError() | socket.gaierror():
                    return Unreachable(
                        self._host,
                        "there is no address for this name: is it spelt right? A device is found by its "
                        "address or its mac too",
                    )
                case ConnectTimeoutError() if not isinstance(cause, NewConnectionError):
                    problem = f"no connection within {self._connect_timeout_s:g} s"
                    return Unreachable(self._host, f"{problem}; is it switched on, and in this network?")
                case ReadTimeoutError() | TimeoutError():
                    problem = f"no answer within {watch.limit_s:g} s"
                    return Unreachable(self._host, problem, outcome_unknown=watch.sent)
                case ConnectionRefusedError():
                    return Unreachable(
                        self._host,
                        "the connection was refused (after a power cut some devices keep their port shut for about "
                        "eight minutes)",
                        shut=True,
                    )
                case http.client.RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
                    return self._closed()
                case http.client.IncompleteRead():
                    return ConnectionLost(self._host, "the connection broke in the middle of the answer")
                case HTTPException():
                    return Garbled(self._host, "the answer is not HTTP", outcome_unknown=True)
        for cause in causes:
            if isinstance(cause, OSError) and not watch.sent and cause.strerror:
                return Unreachable(self._host, f"no connection: {cause.strerror.lower()}")
        return Garbled(self._host, "the answer is not proper HTTP", outcome_unknown=True)

    def _without_tls(self, error: _NoTls) -> DeviceError:
        """Return what it means that a connection came about, and HTTPS in it did not."""
        assert self._door is not None
        what = f"the device's HTTPS at port {self._door.port}"
        match error.cause:
            case TimeoutError():
                return Unreachable(self._host, f"{what} did not come about within {self._connect_timeout_s:g} s")
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionError():
                return Unreachable(self._host, f"{what} did not come about: the device closed the connection")
            case cause:
                return Garbled(self._host, f"{what} did not come about: {_reason(cause)}")

    def _closed(self) -> ConnectionLost:
        if self._watch.reused:
            self._watch.closes_early = True
        return ConnectionLost(self._host, "the device closed the connection without an answer", idle=self._watch.reused)


class _Watch:
    """What the connection tells the line about the request under way, and about the device's habits.

    reused: the request went over a connection that had served before.  sent: it is out.  kept: the last answer left the
    connection open.  closes_early: this device has closed a connection all the same, as a P100 does after each answer.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.reused = False
        self.sent = False
        self.kept = False
        self.closes_early = False


class _NoTls(OSError):
    """A connection came about, and TLS in it did not."""

    def __init__(self, cause: OSError) -> None:
        super().__init__("no TLS")
        self.cause = cause


class _Connection(HTTPConnection):
    """urllib3's connection with a short way through it: a request goes out as one packet, and its answer is read at
    once and whole.

    Some devices' web servers want a request in one packet, and none sends an answer that is worth streaming.
    """

    sock: socket.socket | None

    def __init__(self, host: str, port: int, watch: _Watch, tls: bool) -> None:
        super().__init__(host, port)
        self._tls = tls
        place = f"[{host}]" if ":" in host else host
        self._host_line = f"Host: {place}\r\n" if port == HTTP_PORT else f"Host: {place}:{port}\r\n"
        self._watch = watch

    def urlopen(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], timeout: Timeout, **_: Any
    ) -> Answer:
        """Carry one exchange out, as requests' adapter asks it of a pool of connections; here one is all there is."""
        watch = self._watch
        if self.sock is not None and not self.is_connected:
            self.close()  # the device has closed it meanwhile, or talks unasked
        if self.sock is None:
            self._open(timeout)
        else:
            watch.reused = True
        packet = self._packet(method, url, headers) + body
        timer = Timeout(total=watch.limit_s)
        timer.start_connect()
        sock = self.sock
        assert sock is not None
        watch.sent = True
        sock.sendall(packet)
        answer = read_answer(sock, timer)
        watch.kept = not answer.closes
        if answer.closes:
            self.close()
        return answer

    def _open(self, timeout: Timeout) -> None:
        watch = self._watch
        if watch.kept:
            watch.closes_early = True
        watch.kept = False
        self.timeout = timeout.connect_timeout  # type: ignore[assignment]  # a number, as we made it
        self.connect()
        assert self.sock is not None
        if self._tls:
            try:
                self.sock = _tls_context().wrap_socket(self.sock)
            except OSError as error:
                self.close()
                raise _NoTls(error) from None
        self.sock.settimeout(watch.limit_s)

    def _packet(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{method} {path} HTTP/1.1\r\n{self._host_line}{lines}\r\n"
        # Token and cookie come from the device: they are not to bring lines of their own.
        if head.count("\n") != len(headers) + 3 or head.count("\r") != len(headers) + 3 or " " in path:
            raise ValueError("a header with a line break, or a path with a blank")
        return head.encode("latin-1")


class _Adapter(HTTPAdapter):
    """requests' adapter, told once what it would find out anew for each request: where to, and that there is no proxy
    and no certificate."""

    def __init__(self, host: str, port: int, watch: _Watch, *, tls: bool = False) -> None:
        super().__init__()
        self._watch = watch
        self._connection = _Connection(host, port, watch, tls)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        pass  # it would manage the pools of many hosts

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        return self._connection

    def cert_verify(self, *args: Any, **options: Any) -> None:
        pass

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        assert request.url is not None
        return request.url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> Any:
        return resp

    def close(self) -> None:
        self._watch.kept = False
        self._connection.close()


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """Return how TLS is spoken to a device: nobody vouches for its certificate, and its cipher may be an old one.

    What goes through it is encrypted once more, with keys that take the password to agree on.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT")  # OpenSSL's; Python's would leave out what small devices have
    return context


def _reason(error: OSError) -> str:
    """Return why TLS failed, in the words of OpenSSL or the system, without their addresses and line numbers."""
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return (reason or "no reason given").replace("_", " ").lower()


def _causes(error: BaseException) -> list[BaseException]:
    """Return what the libraries wrapped, outermost first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            waiting += [getattr(item, "reason", None), item.__cause__, item.__context__, *item.args]
    return found
