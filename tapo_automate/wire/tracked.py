"""A device that is known by its MAC: followed to whatever address it has, and nobody else is taken for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from tapo_automate.errors import NotFound, OtherDevice, Unreachable
from tapo_automate.wire.batch import Call, Outcome
from tapo_automate.wire.client import Client

Answer = TypeVar("Answer")


class Tracked:
    """A `Caller` over a client that may be another one tomorrow, at another address.

    mac: whose.  hosts: where it may be, the likeliest first.  connect: makes a client for a host, which makes sure that
    it has this device at the other end before it asks anything else.  find: returns where it is now, or None.
    """

    part = ""

    def __init__(
        self, mac: str, hosts: Sequence[str], connect: Callable[[str], Client], find: Callable[[str, str], str | None]
    ) -> None:
        self._mac = mac
        self._hosts = list(dict.fromkeys(host for host in hosts if host))
        self._connect = connect
        self._find = find
        self._client: Client | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Tracked {self._mac} at {self.host}>"

    @property
    def host(self) -> str:
        """Where it was met last, or its MAC while that is not known."""
        return self._client.host if self._client is not None else (self._hosts or [self._mac])[0]

    @property
    def transport(self) -> str | None:
        return self._client.transport if self._client is not None else None

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a method; see `Client`.  Raises NotFound too."""
        return self._wherever_it_is(lambda client: client.call(method, params))

    def multiple(self, calls: Sequence[Call]) -> list[Outcome]:
        """Call several methods; see `Client`."""
        return self._wherever_it_is(lambda client: client.multiple(calls))

    @contextmanager
    def one_action(self) -> Iterator[None]:
        """Make one of several calls; see `Client`."""
        client = self._client
        if client is None:
            yield
        else:
            with client.one_action():
                yield

    def forget_refusal(self) -> None:
        """Let the next call log in, although a login was refused before; see `Client`."""
        self._met().forget_refusal()

    def close(self) -> None:
        """Let go of the session and the connection."""
        with self._lock:
            client = self._client
        if client is not None:
            client.close()

    def _wherever_it_is(self, ask: Callable[[Client], Answer]) -> Answer:
        client = self._met()
        try:
            return ask(client)
        except (Unreachable, OtherDevice) as error:
            if error.outcome_unknown:
                raise  # it is there, and may have done what it was told
            moved = self._moved_to(client)
            if moved is None:
                raise
        return ask(moved)

    def _met(self) -> Client:
        """Return the client in use, or one for the likeliest address.  Raises NotFound."""
        with self._lock:
            if self._client is None:
                host = self._hosts[0] if self._hosts else self._find(self._mac, "")
                if host is None:
                    raise NotFound(
                        self._mac,
                        "no device with this MAC answered a search over UDP: is it plugged in, and in a network that "
                        "this computer can broadcast to?  `tapo-automate discover` shows what answers; give it a host "
                        "where it is in another network",
                    )
                self._client = self._connect(host)
            return self._client

    def _moved_to(self, left: Client) -> Client | None:
        """Return a client for where the device is now, or None if nobody knows better."""
        with self._lock:
            if self._client is not left:
                return self._client  # somebody else has found it meanwhile
            others = [host for host in self._hosts if host != left.host]
            if left.host in self._hosts[:1] and others:
                host: str | None = others[0]  # as it is written in the rules
                self._hosts = others
            else:
                host = self._find(self._mac, left.host)
            if host is None or host == left.host:
                return None
            left.close()
            self._client = self._connect(host)
            return self._client
