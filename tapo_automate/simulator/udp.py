"""Where devices hear that somebody looks for them: UDP sockets, each with one device behind it or with several.

Those on loopback also hear what is broadcast there; each answers from its own address.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import EADDRNOTAVAIL
from threading import Lock
from typing import Protocol

from tapo_automate.simulator.announce import LIMIT_BYTES, Probe, Unheard, read_probe
from tapo_automate.simulator.complaint import SimulatorError

LOOPBACK_BROADCAST = "127.255.255.255"
_LAST_PORT = 65_535
_APART_S = 0.001  # from one device to the next: a burst of some 160 answers is all that a client's socket holds
_BURST = 64  # datagrams that are read before anything else gets its turn

Peer = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """A datagram that goes back, so many real seconds after the probe."""

    datagram: bytes
    delay_s: float = 0.0


class Voice(Protocol):
    """What one device does with what its socket hears."""

    def answers(self, probe: Probe) -> Iterable[Answer]:
        """Return what goes back, in order."""

    def passes_over(self, reason: str) -> None:
        """Take note of a datagram that gets no answer."""


class Mailbox:
    """One UDP socket.  Everything but the constructor runs in the loop's thread."""

    def __init__(self, host: str, port: int, got: Callable[[bytes, Peer], None], *, shared: bool = False) -> None:
        """Bind host and port (0: any free one); shared: other programs may hear the same.  Raises SimulatorError."""
        self._got = got
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = _bound(host, port, shared=shared)
        self.address: Peer = self._socket.getsockname()[:2]

    def open(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._socket)
            self._loop = None
        self._socket.close()

    def send(self, answer: Answer, peer: Peer) -> None:
        if answer.delay_s:
            asyncio.get_running_loop().call_later(answer.delay_s, self._send, answer.datagram, peer)
        else:
            self._send(answer.datagram, peer)

    def _send(self, datagram: bytes, peer: Peer) -> None:
        if self._socket.fileno() >= 0:  # the device may have gone elsewhere meanwhile
            with suppress(OSError):  # nobody is told of a datagram that is lost
                self._socket.sendto(datagram, peer)

    def _read(self) -> None:
        for _ in range(_BURST):
            try:
                datagram, peer = self._socket.recvfrom(LIMIT_BYTES + 1)
            except OSError:  # nothing is left, or what was sent before reached nobody
                return
            self._got(datagram, peer)
            if self._loop is None:  # what was heard has closed it
                return


class Ear:
    """One address at which probes are heard, and the devices that answer from there.

    claims: how many have asked for it and are not behind it, or not yet.
    """

    def __init__(self, host: str, port: int) -> None:
        """Raises SimulatorError."""
        self.box = Mailbox(host, port, self.hear)
        self.voices: list[Voice] = []
        self.claims = 0

    @property
    def address(self) -> Peer:
        return self.box.address

    def hear(self, datagram: bytes, peer: Peer, before: int = 0) -> None:
        """Let the devices behind it answer; before: how many other devices have heard the same."""
        voices = tuple(self.voices)
        try:
            probe = read_probe(datagram)
        except Unheard as unheard:
            for voice in voices:
                voice.passes_over(f"probe from {peer[0]}:{peer[1]}: {unheard}")
            return
        for position, voice in enumerate(voices, before):
            for answer in voice.answers(probe):
                self.box.send(replace(answer, delay_s=answer.delay_s + position * _APART_S), peer)


class Ears:
    """The addresses at which the devices of one fleet hear probes."""

    def __init__(self) -> None:
        self._ears: dict[Peer, Ear] = {}
        self._broadcasts: dict[int, Mailbox] = {}
        self._lock = Lock()

    def at(self, host: str, port: int) -> Ear:
        """Return the ear with this address, made if need be; port 0: always a new one.

        It stays until it is joined and left, or released.  Raises SimulatorError.
        """
        with self._lock:
            number = _number_of(host)
            if (number, port) not in self._ears:
                ear = Ear(number, port)
                try:
                    self._hear_broadcasts(ear)
                except SimulatorError:
                    ear.box.close()
                    raise
                port = ear.address[1]
                self._ears[number, port] = ear
            ear = self._ears[number, port]
            ear.claims += 1
            return ear

    async def open(self, ear: Ear) -> None:
        """Hear what comes to ear from now on."""
        ear.box.open()
        broadcast = self._broadcasts.get(ear.address[1])
        if broadcast is not None:
            broadcast.open()

    async def join(self, ear: Ear, voice: Voice) -> None:
        """Let voice answer what ear hears."""
        ear.voices.append(voice)
        await self.open(ear)
        await self.release(ear)

    async def leave(self, ear: Ear, voice: Voice) -> None:
        """Let voice answer no more; an ear that is left by all is closed."""
        ear.voices.remove(voice)
        self._close_unused(ear)

    async def release(self, ear: Ear) -> None:
        """Give back what at returned."""
        with self._lock:
            ear.claims -= 1
        self._close_unused(ear)

    async def close(self) -> None:
        with self._lock:
            for box in (*(ear.box for ear in self._ears.values()), *self._broadcasts.values()):
                box.close()

    def _hear_broadcasts(self, ear: Ear) -> None:
        host, port = ear.address
        if _on_loopback(host) and port not in self._broadcasts:
            box = _hearing_broadcasts(port, lambda datagram, peer: self._spread(port, datagram, peer))
            if box is not None:
                self._broadcasts[port] = box

    def _close_unused(self, ear: Ear) -> None:
        with self._lock:
            if ear.voices or ear.claims:
                return
            del self._ears[ear.address]
            ear.box.close()
            port = ear.address[1]
            if port in self._broadcasts and not any(
                number == port and _on_loopback(host) for host, number in self._ears
            ):
                self._broadcasts.pop(port).close()

    def _spread(self, port: int, datagram: bytes, peer: Peer) -> None:
        """Let every device on loopback hear what was broadcast on port."""
        with self._lock:
            ears = [ear for (host, number), ear in self._ears.items() if number == port and _on_loopback(host)]
        heard = 0
        for ear in ears:
            ear.hear(datagram, peer, heard)
            heard += len(ear.voices)


def where(text: str | int) -> tuple[str | None, int]:
    """Return the address, None for each device's own, and the port that text names.  Raises SimulatorError."""
    match = re.fullmatch(r"(?:([^\s:]+):)?(\d{1,5})", str(text).strip())
    if match is None or int(match[2]) > _LAST_PORT:
        raise SimulatorError(f"discovery {text!r}: expected PORT or ADDRESS:PORT, such as 20002 or 127.0.0.1:20002")
    return match[1], int(match[2])


def _number_of(host: str) -> str:
    """Return the IPv4 address that host is or names.  Raises SimulatorError."""
    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError):
        raise SimulatorError(f"cannot hear probes on {host}: no such address") from None


def _hearing_broadcasts(port: int, got: Callable[[bytes, Peer], None]) -> Mailbox | None:
    """Return what hears broadcasts on loopback, None on a system that has none there.  Raises SimulatorError."""
    try:
        return Mailbox(LOOPBACK_BROADCAST, port, got, shared=True)
    except SimulatorError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno == EADDRNOTAVAIL:
            return None
        raise


def _on_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setblocking(False)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SimulatorError(f"cannot hear probes on {host}:{port}: {reason}") from error
    return bound
