"""The one door to the network: carries a session's requests to one device over a kept connection.

`requests` is used from its adapter down: a Session would look up proxies, netrc, cookies and redirects for each
command, and costs more than the command does.  This file reads no clock; the stop-watch for slow answers is urllib3's.
"""

from __future__ import annotations

import http.client
import logging
import re
import socket
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError

from tapo_automate.errors import ConnectionLost, DeviceError, Garbled, Unreachable
from tapo_automate.wire.address import parse_host
from tapo_automate.wire.exchange import Request, Response

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 8.0
MOST_BYTES = 2**20  # the longest answers seen are rule lists of some ten kilobytes


def over_http(
    host: str, *, connect_timeout_s: float = CONNECT_TIMEOUT_S, read_timeout_s: float = ANSWER_TIMEOUT_S
) -> HttpLine:
    """Return a line to the device at `host` (see `parse_host`); nothing is sent yet.

    connect_timeout_s: how long a connection may take.  read_timeout_s: how long a whole answer may take, to its last
    byte.  Raises ConfigError for what is no address.
    """
    return HttpLine(host, connect_timeout_s, read_timeout_s)


class HttpLine:
    """A `Send` with one keep-alive connection.  One thread at a time; may be used again after close()."""

    def __init__(self, host: str, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._host = host
        self._connect_timeout_s = connect_timeout_s
        self._watch = _Watch(read_timeout_s)
        self._adapter = _Adapter(*parse_host(host), self._watch)
        self._timeout = Timeout(connect=connect_timeout_s, read=read_timeout_s)
        self._prepared = requests.Request("POST", "http://device.invalid/").prepare()

    def __call__(self, request: Request) -> Response:
        prepared, watch = self._prepared, self._watch
        prepared.url = request.path
        prepared.body = request.body
        # A plain dict: urllib3 copies it per request, and copying requests' own kind costs ten times as much.
        prepared.headers = {  # type: ignore[assignment]
            "Content-Length": str(len(request.body)),
            **request.headers,
        }
        if request.once and watch.closes_early:
            self._adapter.close()
        watch.reused = watch.sent = False
        try:
            answer: Any = self._adapter.send(prepared, timeout=self._timeout).raw  # type: ignore[arg-type]  # the stubs lag
        except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            self._adapter.close()
            raise self._explain(error) from None  # the chain would print urls, and those hold tokens
        if len(answer.body) > MOST_BYTES:
            self._adapter.close()
            raise Garbled(self._host, "the answer is longer than 1 MiB", outcome_unknown=True)
        headers = answer.headers
        cookies = tuple(headers.get_all("set-cookie")) if "set-cookie" in headers else ()
        return Response(answer.status, answer.body, headers, cookies)

    def close(self) -> None:
        """Let go of the connection."""
        self._adapter.close()

    def _explain(self, error: BaseException) -> DeviceError:
        """Return what went wrong in a sentence of ours; the libraries' words would carry addresses of objects."""
        watch = self._watch
        causes = list(_causes(error))
        for cause in causes:
            match cause:
                case NameResolutionError() | socket.gaierror():
                    return Unreachable(self._host, "there is no address for this name")
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


class _BoundedSocket(socket.socket):
    """Gives a whole answer a limit, where a plain time-out gives it to each piece: a drip would never end."""

    timer: Timeout | None = None

    def recv_into(self, *args: Any) -> int:
        if self.timer is not None:
            left_s = self.timer.read_timeout
            if not left_s:
                raise TimeoutError("the answer took too long")
            self.settimeout(float(left_s))
        return super().recv_into(*args)


class _Answer(http.client.HTTPResponse):
    """The standard library's answer, with what urllib3's pool asks of one."""

    body: bytes = b""
    length_remaining = 0
    version_string = "HTTP/1.1"


class _Connection(HTTPConnection):
    """urllib3's connection, slimmed: a request goes out as one packet, and an answer is read at once and whole.

    Some devices' web servers want a request in one packet, and none sends an answer that is worth streaming.
    """

    response_class = _Answer
    sock: _BoundedSocket | None

    def __init__(self, *args: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(*args, **options)
        self._watch = watch
        self._held: list[bytes] | None = None

    def connect(self) -> None:
        if self._watch.kept:
            self._watch.closes_early = True
        self._watch.kept = False
        super().connect()
        assert self.sock is not None
        timeout = self.sock.gettimeout()
        self.sock = _BoundedSocket(fileno=self.sock.detach())
        self.sock.settimeout(timeout)

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **_options: Any) -> None:
        watch = self._watch
        if self.sock is None:
            self.connect()
        else:
            watch.reused = True
            self.sock.settimeout(self.timeout)
        assert self.sock is not None
        self._held = []
        try:
            self.putrequest(method, url, skip_accept_encoding=True)
            for name, value in headers.items():
                self.putheader(name, value)
            self.endheaders(body)
            packet = b"".join(self._held)
        finally:
            self._held = None
        self.sock.timer = timer = Timeout(total=watch.limit_s)
        timer.start_connect()
        watch.sent = True
        self.send(packet)

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)

    def getresponse(self) -> Any:
        answer = http.client.HTTPConnection.getresponse(self)
        assert isinstance(answer, _Answer)
        try:
            answer.body = answer.read(MOST_BYTES + 1)
        finally:
            answer.close()  # lets go of its hold on the socket, and leaves that open
        if answer.length and len(answer.body) <= MOST_BYTES:  # read() with a limit does not say so itself
            raise http.client.IncompleteRead(answer.body, answer.length)
        self._watch.kept = not answer.will_close
        return answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def urlopen(self, *args: Any, **options: Any) -> Any:
        options["release_conn"] = True  # the answer has been read when it is returned
        return super().urlopen(*args, **options)


class _Adapter(HTTPAdapter):
    """requests' adapter, told once what it would find out anew for each request: where to, and that there is no proxy
    and no certificate."""

    def __init__(self, host: str, port: int, watch: _Watch) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._place = (host, port)
        self._watch = watch
        self._pool: _Pool | None = None
        self._response = requests.Response()

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        if self._pool is None:
            host, port = self._place
            self._pool = _Pool(host, port, maxsize=1, watch=self._watch)
        return self._pool

    def cert_verify(self, *args: Any, **options: Any) -> None:
        pass

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        assert request.url is not None
        return request.url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        self._response.raw = resp
        return self._response

    def close(self) -> None:
        self._watch.kept = False
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        super().close()


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


class _HideTokens(logging.Filter):
    """Keeps urllib3's debug lines, which hold whole paths, from showing a session's token."""

    _TOKEN = re.compile(r"(token=|stok=)[^&\s\"']+")

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                self._TOKEN.sub(r"\1***", item) if isinstance(item, str) else item for item in record.args
            )
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_HideTokens())
