"""What is remembered of a device from one conversation to the next, in this process or on disk.

`Memory` is a hole: the program keeps it in files, and whoever connects without one has it for as long as the client
lives.  Source: docs/protocol.md, "Protocol detection over HTTP" and "When it ends".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tapo_automate.errors import AuthRefused


@dataclass(frozen=True, slots=True)
class Known:
    """What a device turned out to be.

    transport: the protocol that it spoke last, as `Transport` says it, or "".  login_version: of securePassthrough, 1
    or 2, or 0 where not known.  batches: whether it takes several methods in one request.  address: where a device
    that is known by its MAC was met last, as `parse_host` reads it, or "".  has_switch: whether it has shown that it
    can be switched itself, as a strip and a hub cannot.
    """

    transport: str = ""
    login_version: int = 0
    batches: bool = True
    address: str = ""
    has_switch: bool = False


@dataclass(frozen=True, slots=True)
class RefusedBefore:
    """A login that failed.

    at: when, aware, or None where nobody had a clock.  remaining, locked_min, impostor: see AuthRefused.
    """

    at: dt.datetime | None = None
    remaining: int | None = None
    locked_min: int | None = None
    impostor: bool = False


class Memory(Protocol):
    """What is remembered of one device, and of what one account met there.  None of it ever raises."""

    def known(self) -> Known: ...

    def learn(self, known: Known) -> None: ...

    def take_session(self) -> Mapping[str, Any] | None:
        """Return the kept session, which is nobody else's from now on, or None."""

    def session_opened(self) -> None:
        """Note that a session begins to live now: none is kept for longer than a day."""

    def give_session(self, kept: Mapping[str, Any]) -> None:
        """Keep a session that nobody uses.  kept: JSON values; they are secret."""

    def note_loss(self, host: str) -> None:
        """Remember that the device has forgotten a good session, and tell if that happens often.  host: for people."""

    def refusal(self, mac: str) -> RefusedBefore | None:
        """Return the last login of this account that the device refused, or None.  mac: "" where it is not known."""

    def note_refusal(self, mac: str, error: AuthRefused) -> None:
        """Remember that the device has refused a login, until the credentials change or a person says so."""

    def forget_refusal(self, mac: str) -> None: ...


class ShortMemory:
    """A `Memory` that lasts as long as its client."""

    def __init__(self, known: Known | None = None) -> None:
        self._known = known or Known()
        self._refusals: dict[str, RefusedBefore] = {}

    def known(self) -> Known:
        return self._known

    def learn(self, known: Known) -> None:
        self._known = known

    def take_session(self) -> Mapping[str, Any] | None:
        return None

    def session_opened(self) -> None:
        pass  # it ends with its client

    def give_session(self, kept: Mapping[str, Any]) -> None:
        pass  # a closed client is done with it

    def note_loss(self, host: str) -> None:
        pass  # without a clock, nobody knows what is often

    def refusal(self, mac: str) -> RefusedBefore | None:
        return self._refusals.get(mac)

    def note_refusal(self, mac: str, error: AuthRefused) -> None:
        self._refusals[mac] = RefusedBefore(None, error.remaining, error.locked_min, error.impostor)

    def forget_refusal(self, mac: str) -> None:
        self._refusals.pop(mac, None)
