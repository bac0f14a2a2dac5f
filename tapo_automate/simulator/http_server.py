"""A small, strict HTTP/1.1 server such as a plug has, on asyncio's streams of bytes.

It understands what the firmware understands and no more: header names in title case, a Content-Length on every body,
no chunks, no "Expect".  What it does not understand gets the stock page that means nothing.
Source: docs/protocol.md, "Protocol detection over HTTP" and "HTTP status meanings".
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

HEAD_LIMIT_BYTES = 8 * 1024
BODY_LIMIT_BYTES = 64 * 1024
LINGER_S = 1.0

STOCK_PAGE = b"<html><body><center>200 OK</center></body></html>"
JSON = "application/json;charset=UTF-8"
BINARY = "application/octet-stream"
HTML = "text/html"

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was framed properly; headers keep the spelling in which they came.

    peer: the client's address and port.  secure: it came over TLS.
    """

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back, when (delay_s), and what becomes of the connection.

    cut: nothing goes back, and the connection ends.  silent: nothing goes back, then or later, and it stays open.
    granted: a step of a login that the device went along with, where no cookie shows it.
    """

    status: int = 200
    body: bytes = b""
    kind: str = BINARY
    cookie: str | None = None
    delay_s: float = 0.0
    close: bool = False
    cut: bool = False
    silent: bool = False
    granted: bool = False

    def encode(self, *, close: bool) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Unknown')}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body)}",
            f"Connection: {'close' if close else 'keep-alive'}",
            "Server: SHIP 2.0",
        ]
        if self.cookie is not None:
            lines.append(f"Set-Cookie: {self.cookie}")
        return "\r\n".join((*lines, "", "")).encode("latin-1") + self.body


STOCK = Reply(body=STOCK_PAGE, kind=HTML)
CUT = Reply(cut=True)
SILENCE = Reply(silent=True)

Answer = Callable[[Request], Reply]
Misframed = Callable[[str, str], Reply]
Met = Callable[["Connection"], None]


class Connection(asyncio.Protocol):
    """One TCP connection: bytes in, one reply at a time out.

    answer is given each request; misframed is given the path and the reason when a request cannot be read; joined and
    left are told of its coming and going.
    """

    def __init__(self, answer: Answer, misframed: Misframed, joined: Met, left: Met) -> None:
        self._answer = answer
        self._misframed = misframed
        self._joined = joined
        self._left = left
        self._transport: asyncio.Transport | None = None
        self._peer = ""
        self._secure = False
        self._buffer = bytearray()
        self._waiting: asyncio.TimerHandle | None = None
        self._deaf = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        self._peer = f"{host}:{port}"
        self._secure = transport.get_extra_info("ssl_object") is not None
        self._joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._left(self)
        if self._waiting is not None:
            self._waiting.cancel()

    def cut(self) -> None:
        """End the connection without a further byte."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._buffer += data
        if self._waiting is None:
            self._advance()
        elif len(self._buffer) > BODY_LIMIT_BYTES and self._transport is not None:
            self._transport.pause_reading()  # until what is late has gone out

    def _advance(self) -> None:
        while not self._deaf and self._waiting is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > HEAD_LIMIT_BYTES:
                    self._refuse("", "head too long")
                elif not self._buffer[:1].isalpha() and self._buffer:
                    self._refuse("", "no HTTP")  # such as the first message of TLS, after which nothing more would come
                return
            if not self._take(end):
                return

    def _take(self, end: int) -> bool:
        """Serve the request whose head ends at end; False while its body is still on the way."""
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1":
            self._refuse("", "no HTTP/1.1 request line")
            return False
        path, _, query = words[1].partition("?")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or not name or name in headers:
                self._refuse(path, f"bad header line {line[:40]!r}")
                return False
            headers[name] = value.strip(" \t")
        fault = _framing_fault(words[0], headers)
        if fault:
            self._refuse(path, fault)
            return False
        digits = headers["Content-Length"].lstrip("0")
        if len(digits) > len(str(BODY_LIMIT_BYTES)) or int(digits or "0") > BODY_LIMIT_BYTES:
            self._send(Reply(413, close=True))
            return False
        length = int(digits or "0")
        start = end + 4
        if len(self._buffer) < start + length:
            return False
        body = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        reply = self._answer(Request(path, query, headers, body, self._peer, self._secure))
        if headers.get("Connection", "").lower() == "close":
            reply = replace(reply, close=True)
        self._later(reply)
        return True

    def _refuse(self, path: str, reason: str) -> None:
        # Where a body of unknown length ends is anyone's guess, so nothing after it can be read.
        self._send(replace(self._misframed(path, reason), close=True))

    def _later(self, reply: Reply) -> None:
        if reply.delay_s <= 0:
            self._send(reply)
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(reply.delay_s, self._send_delayed, reply)

    def _send_delayed(self, reply: Reply) -> None:
        self._waiting = None
        self._send(reply)
        self._advance()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _send(self, reply: Reply) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            self._deaf = True
            return
        if reply.cut:
            self._deaf = True
            transport.abort()
            return
        if reply.silent:
            self._deaf = True
            return
        transport.write(reply.encode(close=reply.close))
        if reply.close:
            # Closing over unread bytes would reset the connection and take the answer along: stay until the peer goes.
            self._deaf = True
            self._buffer.clear()
            if transport.can_write_eof():
                with suppress(OSError):  # the peer has gone meanwhile
                    transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_S, transport.abort)


def _framing_fault(method: str, headers: Mapping[str, str]) -> str | None:
    """Return why the request cannot be read by the firmware, or None."""
    if method != "POST":
        return f"method {method}"
    if "Content-Length" not in headers:
        lower = any(name.lower() == "content-length" for name in headers)
        return "Content-Length not in title case" if lower else "no Content-Length"
    folded = {name.lower() for name in headers}
    if "transfer-encoding" in folded:
        return "chunked body"
    if "expect" in folded:
        return "Expect"
    length = headers["Content-Length"]
    if not (length.isascii() and length.isdigit()):
        return f"Content-Length {length[:20]!r}"
    return None
