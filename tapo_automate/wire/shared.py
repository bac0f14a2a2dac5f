"""One client for all that speak to one device: it keeps one session, and a strip is one device.

Whoever opens the same device with the same credentials gets a lease on the same client; it lets go of its session and
connection when the last of them is closed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from tapo_automate.device import Credentials
from tapo_automate.wire.batch import Call, Outcome
from tapo_automate.wire.client import Client
from tapo_automate.wire.tracked import Tracked

Key: TypeAlias = tuple[str, Credentials | None]


class _Shared:
    """A client, and who uses it."""

    def __init__(self, client: Client | Tracked) -> None:
        self.client = client
        self._users = 0
        self._lock = threading.Lock()

    def join(self) -> None:
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self.client.close()


class Lease:
    """A share in a client; a `Caller` that can be used again after it was closed."""

    part = ""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._joined = False

    @property
    def host(self) -> str:
        return self._shared.client.host

    @property
    def whole(self) -> object:
        """The client that is shared: what the sockets of a strip know of it is kept by it."""
        return self._shared.client

    @property
    def transport(self) -> str | None:
        return self._shared.client.transport

    @property
    def has_switch(self) -> bool:
        return self._shared.client.has_switch

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a method; see `Client`."""
        return self._client().call(method, params)

    def multiple(self, calls: Sequence[Call]) -> list[Outcome]:
        """Call several methods; see `Client`."""
        return self._client().multiple(calls)

    @contextmanager
    def one_action(self) -> Iterator[None]:
        """Make one of several calls; see `Client`."""
        with self._client().one_action():
            yield

    def log_in(self) -> None:
        """Open a session anew; see `Client`."""
        self._client().log_in()

    def close(self) -> None:
        """Give the share back."""
        if self._joined:
            self._joined = False
            self._shared.leave()

    def _client(self) -> Client | Tracked:
        if not self._joined:
            self._joined = True
            self._shared.join()
        return self._shared.client


class Leases:
    """The clients in use."""

    def __init__(self) -> None:
        self._shared: WeakValueDictionary[Key, _Shared] = WeakValueDictionary()
        self._lock = threading.Lock()

    def lease(self, name: str, credentials: Credentials | None, connect: Callable[[], Client | Tracked]) -> Lease:
        """Return a share in the client of a device.

        name: what it is known by, and all else that is said of it.  connect: makes the client if there is none.
        """
        key = (name.strip().lower(), credentials)
        with self._lock:
            shared = self._shared.get(key)
            if shared is None:
                shared = self._shared[key] = _Shared(connect())
            return Lease(shared)
