"""A person who looks for devices over UDP, by the protocol's text; the vectors are those of docs/protocol.md."""

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from simulator.speaking import PASSWORD, USER
from tapo_automate.simulator import Device, Fleet

OWNER = {"username": USER, "password": PASSWORD}
OLD_PROBE = bytes.fromhex("020000010000000000000000463cb5d3")
VECTOR = bytes.fromhex("02000001001d1100010203040e31f8957b22706172616d73223a7b227273615f6b6579223a2254455354227d7d")
ACCOUNT = ("--username", USER, "--password", PASSWORD)
SILENCE_S = 0.3
PATIENCE_S = 10.0


def probe(
    body: bytes = b'{"params":{"rsa_key":"TEST"}}',
    *,
    version: int = 2,
    kind: int = 0,
    operation: int = 1,
    size: int | None = None,
    flags: int = 0x11,
    filler: int = 0,
    serial: int = 0x01020304,
    crc: int | None = None,
) -> bytes:
    def head(checksum: int) -> bytes:
        length = len(body) if size is None else size
        return struct.pack(">BBHHBBII", version, kind, operation, length, flags, filler, serial, checksum)

    return head(crc32(head(0x5A6B7C8D) + body) if crc is None else crc) + body


@dataclass(frozen=True)
class Heard:
    datagram: bytes
    peer: tuple[str, int]

    @property
    def body(self) -> Any:
        return json.loads(self.datagram[16:])

    @property
    def result(self) -> Any:
        return self.body["result"]


class Seeker:
    """Looks for devices and listens."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def ask(self, where: str | None, datagram: bytes = OLD_PROBE) -> None:
        assert where is not None
        host, _, port = where.partition(":")
        assert host.startswith("127.")
        self.socket.sendto(datagram, (host, int(port)))

    def hear(self, count: int) -> list[Heard]:
        """Return so many answers, or those that came in ten seconds."""
        found: list[Heard] = []
        until = time.monotonic() + PATIENCE_S
        while len(found) < count and (left_s := until - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left_s)[0]:
                found.append(Heard(*self.socket.recvfrom(65_536)))
        return found

    def only(self, where: str | None, datagram: bytes = OLD_PROBE) -> Heard:
        """Return the answer, of which there must be one."""
        self.ask(where, datagram)
        (answer,) = self.hear(1)
        return answer

    def all_of(self, where: str | None, count: int) -> list[Heard]:
        """Return the answers of so many devices; asks up to three times, as clients do, for a machine may be busy."""
        found: dict[str, Heard] = {}
        for _ in range(3):
            self.ask(where)
            while len(found) < count and select.select([self.socket], [], [], 1.0)[0]:
                answer = Heard(*self.socket.recvfrom(65_536))
                found[answer.result["mac"]] = answer
            if len(found) == count:
                break
        return list(found.values())

    def hears_nothing(self) -> bool:
        return not select.select([self.socket], [], [], SILENCE_S)[0]


def faulty(house: Fleet, faults: str) -> Device:
    return house.add("P110", faults=faults, seed=3, **OWNER)


def is_refused(device: Device) -> bool:
    try:
        socket.create_connection((device.host, device.port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)
