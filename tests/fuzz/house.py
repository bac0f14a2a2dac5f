"""A client and a simulated device face to face, without a socket between them, and what stands between them instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import shake_128
from typing import Any

from tapo_automate.device import Credentials
from tapo_automate.errors import ConnectionLost, Unreachable
from tapo_automate.simulator import Device, klap, passthrough, tpap
from tapo_automate.simulator.core import encode
from tapo_automate.simulator.http_server import Request as Asked
from tapo_automate.wire.client import Client
from tapo_automate.wire.exchange import Request, Response
from tapo_automate.wire.passthrough import RsaKey

USER, PASSWORD = "Canary.User@Example.com", "Sw0rdfish-Canary!"
ACCOUNT = Credentials(USER, PASSWORD)
KEY = RsaKey.generate()
HOST = "10.0.0.5"

Bend = Callable[[str, Response], Response]
"""Given the step ("probe", "handshake1", …) and what the device answered; returns what arrives."""


class Line:
    """A `Send` to a simulated device.  bend: stands between.  seen: (step, answer) of all that the device said."""

    def __init__(self, device: Device, bend: Bend | None = None) -> None:
        self.device = device
        self.bend = bend
        self.seen: list[tuple[str, Response]] = []
        self.sent: list[tuple[str, Request]] = []
        self.secrets: set[str] = set()
        self._chance = Chance()

    def __call__(self, request: Request) -> Response:
        step = step_of(request)
        self.sent.append((step, request))
        asked = as_asked(request)
        reply = self.device._front.answer(asked)
        if reply.cut:
            raise ConnectionLost(HOST, "the device closed the connection without an answer")
        if reply.silent:
            raise Unreachable(HOST, "no answer within 8 s", outcome_unknown=True)
        cookies = () if reply.cookie is None else (reply.cookie,)
        answer = Response(reply.status, reply.body, {"content-type": reply.kind}, cookies)
        self._remember(request, answer)
        self.seen.append((step, answer))
        return answer if self.bend is None else self.bend(step, answer)

    def client(self, **options: Any) -> Client:
        options.setdefault("credentials", ACCOUNT)
        return Client(HOST, options.pop("credentials"), self, draw=self._chance, rsa_key=lambda: KEY, **options)

    def _remember(self, request: Request, answer: Response) -> None:
        """Note what no error may show of this exchange."""
        self.secrets |= {USER, PASSWORD, request.headers.get("Cookie", "").partition("=")[2]}
        self.secrets |= {line.partition("=")[2].partition(";")[0] for line in answer.cookies}
        if "token=" in request.path or "stok=" in request.path:
            self.secrets.add(request.path.partition("=")[2].partition("/")[0])


def step_of(request: Request) -> str:
    """Return what a request of a client is for."""
    path, _, query = request.path.partition("?")
    if path == "/":
        return str(json.loads(request.body)["params"]["sub_method"])
    if path == "/app" and not query:
        return str(json.loads(request.body)["method"])
    return "request" if query or path.endswith("/ds") else path.removeprefix("/app/")


def as_asked(request: Request) -> Asked:
    """Return a client's request as the device's server reads it."""
    path, _, query = request.path.partition("?")
    secure = request.door is not None and request.door.tls
    return Asked(path, query, dict(request.headers), request.body, "127.0.0.1:1", secure)


class Chance:
    """Bytes that look like chance and are the same after each `begin`."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._drawn = 0

    def __call__(self, count: int) -> bytes:
        self._drawn += 1
        return shake_128(b"%d" % self._drawn).digest(count)


class _Said(dict[str, Any]):
    """A reply, and the bytes that are sealed in its place."""

    def __init__(self, text: bytes) -> None:
        super().__init__(error_code=0)
        self.text = text


@contextmanager
def saying(device: Device, say: Callable[[bytes], bytes]) -> Iterator[None]:
    """Let a device answer to each request, as it is once it is decrypted, what `say` makes of it."""
    doors = (klap, passthrough, tpap)
    core = device._core

    def sealed(reply: dict[str, Any]) -> bytes:
        return reply.text if isinstance(reply, _Said) else encode(reply)

    core.execute = lambda message: _Said(say(message))  # type: ignore[method-assign]
    for door in doors:
        door.encode = sealed  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del core.execute
        for door in doors:
            door.encode = encode  # type: ignore[attr-defined]
