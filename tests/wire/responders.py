"""Little devices that answer probes: real sockets on loopback, each with manners of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Answers = Callable[[bytes], Iterable[bytes]]


def result_of(mac: str, **more: Any) -> dict[str, Any]:
    """Return what a P110 says of itself; names and numbers are made up."""
    scheme = {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2}
    return {
        "device_id": "0" * 32,
        "owner": "F" * 32,
        "device_type": "SMART.TAPOPLUG",
        "device_model": "P110(UK)",
        "ip": "192.168.1.10",
        "mac": mac,
        "is_support_iot_cloud": True,
        "obd_src": "tplink",
        "factory_default": False,
        "mgt_encrypt_schm": scheme,
        **more,
    }


def datagram(result: Any, error_code: Any = 0) -> bytes:
    """Return an answer, with a header whose CRC nobody reads."""
    return bytes(16) + json.dumps({"error_code": error_code, "result": result}).encode()


def says(mac: str, **more: Any) -> Answers:
    """Return the manners of a device that answers each probe once."""
    return lambda _probe: [datagram(result_of(mac, **more))]


class Responder:
    """Answers the probes that come to one address.  probes: those that came."""

    def __init__(self, answers: Answers, address: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # several hear a broadcast at one port
        self._socket.bind((address, port))
        self._socket.settimeout(0.1)
        self._answers = answers
        self._stop = threading.Event()
        self.port: int = self._socket.getsockname()[1]
        self.probes: list[bytes] = []
        self.sources: list[str] = []
        self._thread = threading.Thread(target=self._serve, name="responder")
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                probe, place = self._socket.recvfrom(8192)
            except TimeoutError:
                continue
            self.probes.append(probe)
            self.sources.append(place[0])
            for answer in self._answers(probe):
                if self._stop.is_set():
                    return
                self._socket.sendto(answer, place)


@contextmanager
def answering(answers: Answers, address: str = "127.0.0.1", port: int = 0) -> Iterator[Responder]:
    """Give a responder that is closed in the end."""
    responder = Responder(answers, address, port)
    try:
        yield responder
    finally:
        responder.close()
