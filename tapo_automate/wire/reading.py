"""Reads one HTTP answer from a socket, whole and within its time.

The answers that devices send, HTTP/1.1 with a length and plain headers, are read here; whatever is unusual about one
(pieces of unknown number, HTTP/1.0, folded or doubled headers, no length) leaves it to the standard library, from its
first byte on.  Waking a house of two hundred devices costs half as much so.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from urllib3 import Timeout

MOST_BYTES = 2**20  # the longest answers seen are rule lists of some ten kilobytes
_PIECE_BYTES = 2**16
_MOST_RAW_BYTES = 2 * MOST_BYTES  # of an unusual answer, with its headers and what lies between its chunks
# Status (those left out have no body, or are not the last word), then the lines of the headers.
_PLAIN_HEAD = re.compile(rb"HTTP/1\.1 (?!204|304)([2-5][0-9][0-9])[^\r\n]*((?:\r\n[!-9;-~]+:[^\r\n]*)*+)\r\n\r\n")


@dataclass(slots=True)
class Answer:
    """One answer, whole.  headers: by lower-case name.  closes: the connection ends with it."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    body: bytes
    closes: bool


def read_answer(sock: socket.socket, timer: Timeout) -> Answer:
    """Return the answer that comes next on a socket that has a time-out.  Raises OSError, HTTPException."""
    data = sock.recv(_PIECE_BYTES)
    head = _read_head(data)
    if head is not None and len(data) == head.ends_at + head.length:
        return head.answer(data)
    pieces = _Pieces(sock, timer)
    while head is not None and len(data) < head.ends_at + head.length:
        piece = pieces.next()
        data += piece
        if not piece:
            break
    if head is not None and len(data) == head.ends_at + head.length:
        answer = head.answer(data)
    else:
        answer = _read_unusual(data, pieces)
    sock.settimeout(timer.total)  # type: ignore[arg-type]  # a number, as we made it
    return answer


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of a plain answer.  ends_at: where the body begins.  length: of the body."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    ends_at: int
    length: int

    def answer(self, data: bytes) -> Answer:
        closes = "connection" in self.headers and self.headers["connection"].lower() != "keep-alive"
        return Answer(self.status, self.headers, self.cookies, data[self.ends_at :], closes)


def _read_head(data: bytes) -> _Head | None:
    """Return the head of an answer as devices send it, or None for any other: HTTP/1.1, a length, each header once.

    The standard library reads headers as if they were e-mail, which takes longer than sending and deciphering.
    """
    match = _PLAIN_HEAD.match(data)
    if match is None:
        return None
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for line in match[2].decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name == "set-cookie":
            cookies.append(value)
        elif name in headers:
            return None
        else:
            headers[name] = value
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) < 7) or "transfer-encoding" in headers:
        return None
    return _Head(int(match[1]), headers, tuple(cookies), match.end(), int(length))


class _Pieces:
    """What else comes of an answer, within the time that the whole of it has."""

    def __init__(self, sock: socket.socket, timer: Timeout) -> None:
        self._sock = sock
        self._timer = timer

    def next(self, most: int = _PIECE_BYTES) -> bytes:
        """Return the next piece, b"" at the end of the connection.  Raises TimeoutError."""
        left_s = self._timer.read_timeout
        if not left_s:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(float(left_s))
        return self._sock.recv(most)


class _Rest(io.RawIOBase):
    """An answer from its first byte on, for the standard library to read.

    The library reads headers without a bound in all, and takes a chunk of -1 bytes for all that will ever come.
    """

    def __init__(self, data: bytes, pieces: _Pieces) -> None:
        self._data = data
        self._pieces = pieces
        self._given = 0

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._data = self._data[: len(buffer)], self._data[len(buffer) :]
        piece = piece or self._pieces.next(len(buffer))
        self._given += len(piece)
        if self._given > _MOST_RAW_BYTES:
            raise http.client.HTTPException("there is no end to it")
        buffer[: len(piece)] = piece
        return len(piece)


def _read_unusual(data: bytes, pieces: _Pieces) -> Answer:
    # `makefile` is all that it asks of a socket.
    with closing(http.client.HTTPResponse(_Rest(data, pieces), method="POST")) as answer:  # type: ignore[arg-type]
        answer.begin()
        body = answer.read(MOST_BYTES + 1)
        if answer.length and len(body) <= MOST_BYTES:
            raise http.client.IncompleteRead(body, answer.length)
        cookies = tuple(answer.headers.get_all("set-cookie") or ())
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, headers, cookies, body, answer.will_close)
