"""The other door to the network, for datagrams: asks who is there, and waits for what answers.

The one file here, beside `http.py`, that waits: its stop-watch says for how long.  Whatever comes in is `discovery`'s
to judge; here it is only bounded, in size, in number and in time.
"""

from __future__ import annotations

import os
import secrets
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Interface, ip_address
from typing import TypeAlias

from tapo_automate.errors import ConfigError
from tapo_automate.wire.address import names_port, parse_host
from tapo_automate.wire.discovery import PORTS, Found, Other, probe, read_found, read_other
from tapo_automate.wire.passthrough import RsaKey

VARIABLE = "TAPO_AUTOMATE_DISCOVERY"  # where to look instead of in every network of this machine
TIMEOUT_S = 5.0
# Datagrams get lost, those of a broadcast over WLAN more than others.  Where one in five is lost each way, three probes
# miss one device in 21, five one in 165.
PROBES = 5
MOST_DEVICES = 4096

_LINGER_S = 0.5  # one address may answer for several devices, as a simulated fleet does
_MOST_BYTES = 8192  # of one answer; those of cameras reach 2 KB
_MOST_AT_ONCE = 64  # datagrams, before the stop-watch is looked at again
_BUFFER_BYTES = 1 << 20  # a house answers all at once
_LARGEST_NETWORK_PREFIX = 30  # from 31 on a network has no broadcast address


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask: one device's address, or one at which many hear.

    address: as digits, no name.  port: None for both that devices listen at.  source: the address to send from, "" for
    whichever the system takes.
    """

    address: str
    port: int | None = None
    source: str = ""

    def __str__(self) -> str:
        if self.port is None:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


Trouble: TypeAlias = Callable[[Target, str], None]
Passed: TypeAlias = Callable[[Other], None]


def parse_target(text: str) -> Target:
    """Return where `ADDRESS` or `ADDRESS:PORT` leads; a name is looked up.  Raises ConfigError.

    >>> parse_target("127.0.0.1:30002"), parse_target("::1")
    (Target(address='127.0.0.1', port=30002, source=''), Target(address='::1', port=None, source=''))
    """
    try:
        host, port = parse_host(text)
    except ConfigError:
        raise ConfigError(
            f"{text!r} is no place to look for devices at: write an address or a name, "
            f"and a UDP port from 1 to 65535 where it is not {PORTS[0]} or {PORTS[1]}: 192.168.1.31, 192.168.1.31:30002"
        ) from None
    address = _address_of(host)
    if address is None:
        raise ConfigError(f"{text!r} is no place to look for devices at: there is no address for this name")
    return Target(address, port if names_port(text) else None)


def house_targets(interfaces: Sequence[str] = ()) -> list[Target]:
    """Return where a whole house is asked: the broadcast address of each network that this machine is in.

    interfaces: only theirs, by name or by this machine's address; loopback is asked only if it is named.  Without any,
    the variable TAPO_AUTOMATE_DISCOVERY says where to ask instead, as `ADDRESS[:PORT],…`.
    Raises ConfigError for an interface that is not there or reaches nobody, and for a variable that cannot be read.
    """
    if interfaces:
        return [target for name in interfaces for target in _broadcasts_of(name)]
    if VARIABLE in os.environ:
        return _named_targets(os.environ[VARIABLE])
    return [_broadcast(own) for _, own in _own() if not own.is_loopback and _has_broadcast(own)]


def discover(
    targets: Iterable[Target],
    *,
    timeout_s: float = TIMEOUT_S,
    probes: int = PROBES,
    until: Callable[[Found], bool] | None = None,
    trouble: Trouble | None = None,
    passed: Passed | None = None,
) -> list[Found]:
    """Ask, and return the plugs, bulbs and switches that answer within the time, each once, by address.

    probes: how often each target is asked, spread over the time.  until: called with each answer; True ends it.  It
    ends early too when every target is one address that has answered.  Of a device that answers from two addresses the
    later counts.  trouble: told, once for each target, why a probe could not be sent there; the others are asked all
    the same, and so is this one again when its next probe is due.  passed: told of each hub, camera and the like that
    answers, as often as it does.
    """
    with _Search(targets, trouble or (lambda _target, _why: None), passed or (lambda _other: None)) as search:
        for answer in search.answers(timeout_s, probes):
            if until is not None and until(answer):
                break
        return sorted(search.found.values(), key=_place)


def knock(address: str, port: int | None = None, *, wait_s: float = 1.0) -> Found | None:
    """Ask one device whether it is there, which also wakes one that keeps its TCP port shut; None without an answer.

    address: an address or a name, without a port.  port: of UDP, None for both that devices listen at.  The broadcast
    of the network that it is in is asked too, if this machine is in that network: after a power cut the one may be
    heard where the other is not.  Nothing is sent for a name without an address.  Returns as soon as it has answered;
    the port that it opens may take a moment longer.  Source: docs/protocol.md, "A device that sleeps".
    """
    numeric = _address_of(address)
    if numeric is None:
        return None
    targets = [Target(numeric, port), *(Target(each.address, port, each.source) for each in _around(numeric))]
    found = discover(targets, timeout_s=wait_s, probes=2, until=lambda each: each.address == numeric)
    return next((each for each in found if each.address == numeric), None)


class _Search:
    """One round of questions.  found: what has answered, by MAC."""

    def __init__(self, targets: Iterable[Target], trouble: Trouble, passed: Passed) -> None:
        self.found: dict[str, Found] = {}
        self._trouble, self._passed = trouble, passed
        self._selector = selectors.DefaultSelector()
        self._sockets: dict[tuple[bool, str], socket.socket] = {}
        self._targets = tuple(dict.fromkeys(targets))
        self._silent = set(self._targets)
        self._unsent: set[Target] = set()  # with the last probe; the next may get through
        self._told: set[Target] = set()
        self._news_at = 0.0

    def __enter__(self) -> _Search:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets.values():
            each.close()
        self._selector.close()

    def answers(self, timeout_s: float, probes: int) -> Iterator[Found]:
        """Yield each answer as it comes, `found` already having it, until there is no more to wait for."""
        begun = time.monotonic()
        end = begun + timeout_s
        sendings = [begun + timeout_s * number / probes for number in range(probes)]
        while True:
            now = time.monotonic()
            if sendings and now >= sendings[0]:
                del sendings[0]
                self._ask()
                continue
            stop = end if self._silent else min(end, self._news_at + _LINGER_S)
            if now >= stop or len(self._unsent) == len(self._targets):
                return
            for key, _ in self._selector.select(min([stop, *sendings[:1]]) - now):
                assert isinstance(key.fileobj, socket.socket)
                yield from self._hear(key.fileobj)

    def _ask(self) -> None:
        """Send to each target that is one address and has not answered, and to each that is many."""
        packet = probe(_public_key(), secrets.randbits(32))
        for target in self._targets:
            if target not in self._silent | self._unsent:
                continue
            try:
                line = self._socket_for(target)
                for port in PORTS if target.port is None else (target.port,):
                    line.sendto(packet, (target.address, port))
            except OSError as problem:
                self._unsent.add(target)
                self._silent.discard(target)
                if target not in self._told:
                    self._told.add(target)
                    self._trouble(target, (problem.strerror or str(problem)).lower())
            else:
                self._unsent.discard(target)
                self._silent.add(target)

    def _socket_for(self, target: Target) -> socket.socket:
        """Return the socket that sends from the target's source, opened when it is needed first.  Raises OSError."""
        key = (":" in target.address, target.source)
        if key not in self._sockets:
            line = socket.socket(socket.AF_INET6 if key[0] else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
                if not key[0]:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                line.bind((target.source, 0))
            except OSError:
                line.close()
                raise
            self._sockets[key] = line
            self._selector.register(line, selectors.EVENT_READ)
        return self._sockets[key]

    def _hear(self, line: socket.socket) -> Iterator[Found]:
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram, place = line.recvfrom(_MOST_BYTES, socket.MSG_DONTWAIT)
            except OSError:  # nothing more; or an interface that went down, and the next probe says so
                return
            address, port = place[:2]
            answer = read_found(datagram, address)
            if answer is None:
                if (other := read_other(datagram, address)) is not None:
                    self._passed(other)
                continue
            self._heard(address, port)
            if answer.mac not in self.found:
                if len(self.found) >= MOST_DEVICES:
                    continue
                self._news_at = time.monotonic()
            self.found[answer.mac] = answer
            yield answer

    def _heard(self, address: str, port: int) -> None:
        """Take a target for answered: the one that was asked at this port, else all that are this address."""
        here = {each for each in self._silent if each.address == address}
        self._silent -= {each for each in here if each.port == port} or here


def _named_targets(text: str) -> list[Target]:
    """Return the targets of TAPO_AUTOMATE_DISCOVERY.  Raises ConfigError."""
    targets = []
    for entry in text.split(","):
        if not entry.strip():
            raise ConfigError(f"{VARIABLE} has an empty entry: write ADDRESS[:PORT], with commas between several")
        try:
            targets.append(parse_target(entry.strip()))
        except ConfigError as problem:
            raise ConfigError(f"{VARIABLE}: {problem}") from None
    return targets


def _broadcasts_of(name: str) -> list[Target]:
    """Return the broadcasts of one interface, named by the user.  Raises ConfigError."""
    every = list(_own())
    meant = [own for interface, own in every if name in (interface, str(own.ip))]
    if not meant:
        known = ", ".join(f"{interface} ({own.ip})" for interface, own in every)
        raise ConfigError(f"there is no interface {name!r} with an IPv4 address; there are: {known or 'none'}")
    targets = [_broadcast(own) for own in meant if _has_broadcast(own)]
    if not targets:
        raise ConfigError(f"interface {name!r} leads to one other machine only: name a device's address instead")
    return targets


def _around(address: str) -> list[Target]:
    """Return the broadcast of each network of this machine that an address lies in; none for this machine itself.

    Where TAPO_AUTOMATE_DISCOVERY says where to look, it is not gone beyond.
    """
    place = ip_address(address.partition("%")[0])
    if place.is_loopback or VARIABLE in os.environ:
        return []
    return [_broadcast(own) for _, own in _own() if place in own.network and _has_broadcast(own)]


def _own() -> Iterator[tuple[str, IPv4Interface]]:
    """Yield the name of each interface with each of its IPv4 addresses."""
    import ifaddr  # with all of ctypes: most commands broadcast nothing

    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            if each.is_IPv4:
                yield adapter.nice_name, IPv4Interface(f"{each.ip}/{each.network_prefix}")


def _has_broadcast(own: IPv4Interface) -> bool:
    return own.network.prefixlen <= _LARGEST_NETWORK_PREFIX


def _broadcast(own: IPv4Interface) -> Target:
    return Target(str(own.network.broadcast_address), None, str(own.ip))


def _address_of(host: str) -> str | None:
    """Return the address of a name, IPv4 before IPv6, or None; an address is its own."""
    try:
        known = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):  # UnicodeError: no name that could be looked up
        return None
    known.sort(key=lambda each: each[0] != socket.AF_INET)
    return str(known[0][4][0])


def _place(found: Found) -> tuple[int, bytes, int, str]:
    place = ip_address(found.address.partition("%")[0])
    return place.version, place.packed, found.port, found.mac


@cache
def _public_key() -> str:
    """Return the key that cameras would encrypt with, once made: that takes longer than all else here."""
    return RsaKey.generate().pem
