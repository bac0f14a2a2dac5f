"""The seam between thinking and sending: a session yields requests and is told responses.

Nothing here, or in the sessions, opens a socket; `wire/http.py` does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP POST.  path: with its query, from "/".  headers: spelt as they go over the wire, without
    Content-Length and Host, which the transport adds."""

    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back.  headers: names in lower case; of several with one name, the last but for `cookies`.

    cookies: the raw Set-Cookie lines in order.
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)


Send: TypeAlias = Callable[[Request], Response]
"""Carries one request out.  Raises Unreachable."""

Steps: TypeAlias = Generator[Request, Response, None]


class Session(Protocol):
    """One protocol's conversation with one device, without a socket, a clock or randomness of its own."""

    @property
    def transport(self) -> str:
        """The protocol's short name: "klap" or "aes"."""

    def handshake(self) -> Steps:
        """Yield the requests that open the session, and be told the answers.

        Raises AuthRefused for wrong credentials, SessionLost or Garbled for what is not an answer.
        """

    def seal(self, plain: bytes) -> Request:
        """Wrap one method call (JSON) into a request.  Raises SessionLost when a new handshake is needed first."""

    def unseal(self, response: Response) -> bytes:
        """Unwrap the answer to the last sealed request.  Raises SessionLost, AuthRefused, Garbled."""


def drive(steps: Steps, send: Send) -> None:
    """Carry a handshake out: send what it yields, tell it what comes back."""
    try:
        request = next(steps)
        while True:
            request = steps.send(send(request))
    except StopIteration:
        return
