"""The seam between thinking and sending: a session yields requests and is told responses.

Nothing here, or in the sessions, opens a socket; `wire/http.py` does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias


class Transport(StrEnum):
    """The protocols that a device may want to be spoken to in."""

    KLAP = "klap"
    AES = "aes"
    TPAP = "tpap"


@dataclass(frozen=True, slots=True)
class Door:
    """Another place where a device's web server listens than the one that it is named by.

    port: of TCP, at the same address.  tls: HTTPS; a device signs its certificate itself, so nobody vouches for it.
    """

    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP POST.

    path: with its query, from "/".  headers: spelt as they go over the wire, without Content-Length and Host, which the
    transport adds.  once: doing it twice would do harm, so it is not to be sent over a connection that the device may
    just have closed.  door: where to, if not to the address as the user wrote it.
    """

    path: str = field(repr=False)  # the query may hold a token
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    once: bool = False
    door: Door | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.

    headers: found by names in lower case; of several with one name, one or all with commas between.
    cookies: the raw Set-Cookie lines in order.
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    def cookie(self, *names: str) -> str | None:
        """Return "NAME=value" of the first cookie that bears one of the names, without its attributes, or None.

        >>> Response(200, b"", cookies=("TP_SESSIONID=0AF1;TIMEOUT=86400",)).cookie("TP_SESSIONID")
        'TP_SESSIONID=0AF1'
        """
        for line in self.cookies:
            pair = line.partition(";")[0].strip()
            if pair.partition("=")[0] in names:
                return pair
        return None

    @property
    def is_web_page(self) -> bool:
        """Whether this is a page for people, such as the stock page "200 OK" that a device's web server answers to
        whatever it does not understand.  Source: docs/protocol.md, "The stock page"."""
        start = self.body[:256].lstrip().lower()
        if start.startswith((b"<html", b"<!doctype", b"<head", b"<body")):
            return True
        claimed = "html" in self.headers.get("content-type", "").lower()
        return claimed and not self.cookies and start[:1] not in (b"", b"{")


Send: TypeAlias = Callable[[Request], Response]
"""Carries one request out.  Raises Unreachable, or Garbled for what is not HTTP."""

Steps: TypeAlias = Generator[Request, Response, None]


class Session(Protocol):
    """One protocol's conversation with one device, without a socket, a clock or randomness of its own."""

    @property
    def transport(self) -> Transport: ...

    def handshake(self) -> Steps:
        """Yield the requests that open the session, and be told the answers.

        Raises AuthRefused for wrong credentials, Garbled where the device does not speak this protocol, NeedsTpap where
        it has been switched off, SessionLost where a new handshake may go better, Busy.
        """

    def keep(self) -> dict[str, str | int] | None:
        """Return what another process needs to go on with this session, or None before the handshake.

        JSON values, "transport" among them, and secret.  Each kind of session has a class method `resume(host, kept)`
        that makes one of them again, or None of what is none.
        """

    def seal(self, plain: bytes) -> Request:
        """Wrap one method call (JSON) into a request.  Raises SessionLost when a new handshake is needed first."""

    def unseal(self, response: Response) -> bytes:
        """Unwrap the answer to the last sealed request: JSON, if the device is in its right mind.

        Raises SessionLost, Garbled, Busy.
        """


def drive(steps: Steps, send: Send) -> None:
    """Carry a handshake out: send what it yields, tell it what comes back."""
    try:
        request = next(steps)
        while True:
            request = steps.send(send(request))
    except StopIteration:
        return
