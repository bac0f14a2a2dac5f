"""A device that is known by its MAC: followed to whatever address it has, and nobody else is taken for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from tapo_automate.errors import Busy, DeviceError, NotFound, OtherDevice, Unreachable
from tapo_automate.wire.batch import Call, Outcome
from tapo_automate.wire.client import Client
from tapo_automate.wire.methods import is_read

Answer = TypeVar("Answer")

_SEARCHED = (
    "no device with this MAC answered a search over UDP: is it plugged in, and in a network that this computer can "
    "broadcast to?  `tapo-automate discover` shows what answers"
)


class Finds(Protocol):
    """`finding.Finder`."""

    def find(self, mac: str, last: str, tried: Collection[str] = ()) -> str | None: ...

    def who_is_at(self, host: str) -> str | None: ...


class Tracked:
    """A `Caller` over a client that may be another one tomorrow, at another address.

    mac: whose.  hosts: where it may be, the likeliest first.  connect: makes a client for a host, which makes sure that
    it has this device at the other end before it asks anything else.  finder: knows where it is now.
    """

    part = ""

    def __init__(self, mac: str, hosts: Sequence[str], connect: Callable[[str], Client], finder: Finds) -> None:
        self._mac = mac
        self._hosts = list(dict.fromkeys(host for host in hosts if host))
        self._connect = connect
        self._finder = finder
        self._client: Client | None = None
        self._shaken_before = 0  # requests of handshakes of clients that were left
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Tracked {self._mac} at {self.host}>"

    @property
    def host(self) -> str:
        """Where it was met last, or its MAC while that is not known."""
        client = self._client
        return client.host if client is not None else (self._hosts or [self._mac])[0]

    @property
    def transport(self) -> str | None:
        client = self._client
        return client.transport if client is not None else None

    @property
    def has_switch(self) -> bool:
        client = self._client
        return client is not None and client.has_switch

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a method; see `Client`.  Raises NotFound too."""
        return self._wherever_it_is(lambda client: client.call(method, params))

    def multiple(self, calls: Sequence[Call]) -> list[Outcome]:
        """Call several methods; see `Client`."""
        if len(calls) > 1 and not all(is_read(method) for method, _ in calls):
            # One by one: what was done before the device moved is not to be done again.
            return [outcome for call in calls for outcome in self.multiple([call])]
        return self._wherever_it_is(lambda client: client.multiple(calls))

    def log_in(self) -> None:
        """Open a session anew; see `Client`.  Raises NotFound too."""
        self._wherever_it_is(lambda client: client.log_in())

    @contextmanager
    def one_action(self) -> Iterator[None]:
        """Make one of several calls; see `Client`."""
        before = self._shaken()
        try:
            yield
        except DeviceError as error:
            error.after_login |= self._shaken() > before
            raise

    def close(self) -> None:
        """Let go of the session and the connection."""
        with self._lock:
            client = self._client
        if client is not None:
            client.close()

    def _shaken(self) -> int:
        client = self._client
        return self._shaken_before + (client.shaken if client is not None else 0)

    def _wherever_it_is(self, ask: Callable[[Client], Answer]) -> Answer:
        client = self._met()
        tried: set[str] = set()
        while True:
            try:
                return ask(client)
            except DeviceError as error:
                if error.outcome_unknown or not _may_be_elsewhere(error, client):
                    raise  # it is there, and may have done what it was told
                tried.add(client.host)
                moved = self._moved_to(client, tried, other=isinstance(error, OtherDevice))
                if moved is None:
                    raise self._lost(error, client.host) from None
            client = moved

    def _met(self) -> Client:
        """Return the client in use, or one for the likeliest address.  Raises NotFound."""
        with self._lock:
            if self._client is None:
                host = self._hosts[0] if self._hosts else self._finder.find(self._mac, "")
                if host is None:
                    raise NotFound(self._mac, f"{_SEARCHED}; give it a host where it is in another network")
                self._client = self._connect(host)
            return self._client

    def _moved_to(self, left: Client, tried: set[str], *, other: bool) -> Client | None:
        """Return a client for where the device may be now, or None if nobody knows better.

        tried: where it was asked in vain.  other: another device is where it was.
        """
        with self._lock:
            if self._client is not left and self._client is not None:
                left.close()  # this call came after it was left, and has connected it again
                return self._client if self._client.host not in tried else None  # somebody else has found it meanwhile
            if other:
                self._hosts = [host for host in self._hosts if host != left.host]
            host = next((host for host in self._hosts if host not in tried), None)
            if host is None:
                host = self._finder.find(self._mac, left.host, tried)
            if host is None or host in tried:
                if other:  # who is there is not to be disturbed again
                    self._leave(left)
                return None
            self._leave(left)
            self._client = self._connect(host)
            return self._client

    def _leave(self, left: Client) -> None:
        left.close()
        self._shaken_before += left.shaken
        self._client = None

    def _lost(self, error: DeviceError, host: str) -> DeviceError:
        """Return what to say of a device that was asked at its last host in vain, and is nowhere else."""
        there = error.met if isinstance(error, OtherDevice) else self._finder.who_is_at(host)
        after_login = error.after_login
        if there is not None and there != self._mac:
            problem = f"at {host} is another device now ({there}), to which nothing was written, and {_SEARCHED}"
            return NotFound(self._mac, problem, after_login=after_login)
        if isinstance(error, Unreachable) and there is None and not isinstance(error, NotFound):
            problem = f"it does not answer at {host} ({error.problem}), and {_SEARCHED}"
            return NotFound(self._mac, problem, after_login=after_login, shut=error.shut)
        return error


def _may_be_elsewhere(error: DeviceError, client: Client) -> bool:
    """Whether it may not have been the device that is meant which did not do what it was asked."""
    return isinstance(error, Unreachable | OtherDevice) or (not client.met and not isinstance(error, Busy))
