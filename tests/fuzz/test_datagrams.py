"""Datagrams from anybody: what looks for devices hears no nonsense, and simulated devices answer none."""

from __future__ import annotations

import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.effort import tried
from fuzz.judging import in_time
from fuzz.mutations import bent, spoiled_json
from tapo_automate.simulator import Device, Fleet
from tapo_automate.simulator.announce import Unheard, announcing, read_probe
from tapo_automate.wire.discovery import probe, read_found, read_header
from tapo_automate.wire.udp import Target, discover

PEM = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
PROBE = probe(PEM, 7)
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def house() -> Iterator[Fleet]:
    with Fleet(discovery="127.0.0.1:0") as house:
        yield house


@pytest.fixture(scope="module")
def plug(house: Fleet, account: dict[str, str]) -> Device:
    return house.add("P110", transport="tpap", seed=1, **account)


@tried(100)
@given(data=st.data())
def test_an_announcement_is_read_or_passed_over(plug: Device, data: st.DataObject) -> None:
    words = json.loads(announcing(plug.announcement)) | {"ip": "", "port": 1}
    body = data.draw(spoiled_json(words))
    datagram = data.draw(bent(bytes(16) + body)) if data.draw(st.integers(0, 4)) == 0 else bytes(16) + body
    with in_time():
        read_header(datagram)
        found = read_found(datagram, "127.0.0.1")
    if found is None:
        return
    for text in (found.mac, found.model, found.device_model, found.transport, found.firmware or "", found.owner):
        assert text.isprintable()
        assert len(text) <= 64
    assert 0 < found.port < 65536
    assert found.host.isascii()
    assert repr(found).isprintable()
    found.owner_matches("a@example.com")


@tried(60)
@given(data=st.data())
def test_a_probe_is_read_as_one_or_passed_over(data: st.DataObject) -> None:
    datagram = data.draw(bent(PROBE) | spoiled_json({"params": {"rsa_key": PEM}}).map(lambda body: bytes(16) + body))
    with suppress(Unheard), in_time():
        assert isinstance(read_probe(datagram).serial, int)


def test_good_ones_are_read(plug: Device) -> None:
    found = read_found(bytes(16) + announcing(plug.announcement), "127.0.0.1")
    assert found is not None
    assert found.mac == plug.mac
    assert read_probe(PROBE).rsa_key == PEM


@tried(15, share=0.3)
@given(datagrams=st.lists(st.binary(max_size=100) | bent(PROBE), max_size=20))
def test_a_device_that_hears_nonsense_still_answers(plug: Device, datagrams: list[bytes]) -> None:
    assert plug.discovery
    host, port = plug.discovery.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        for datagram in datagrams:
            line.sendto(datagram, (host, int(port)))
    target = Target(host, int(port))
    assert [each.mac for each in discover([target], timeout_s=20, until=lambda each: True)] == [plug.mac]


def test_who_looks_is_not_drowned_in_a_flood(plug: Device) -> None:
    """Many at one address answer without end, each time as another device, and with bombs of brackets."""
    begun, stop = time.monotonic(), threading.Event()
    result = plug.announcement | {"mgt_encrypt_schm": {"encrypt_type": "KLAP", "http_port": 80}}
    result["mac"] = "MAC"
    scheme = json.dumps({"error_code": 0, "result": result}).encode()
    bombs = [bytes(16) + b"[" * 60_000, bytes(16) + b'{"a":' * 10_000, b"", b"\xff" * 60_000]

    def flood(line: socket.socket) -> None:
        _, peer = line.recvfrom(4096)
        number = 0
        with suppress(OSError):
            while not stop.is_set():
                number += 1
                mac = b"%012X" % (number * 2**8 % 2**40)
                line.sendto(bytes(16) + scheme.replace(b"MAC", mac), peer)
                line.sendto(bombs[number % len(bombs)], peer)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        speaker = threading.Thread(target=flood, args=(line,))
        speaker.start()
        tracemalloc.start()
        try:
            found = discover([Target(*line.getsockname())], timeout_s=1.0)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            stop.set()
            speaker.join()
    assert 1 <= len(found) <= 4096
    assert most < 40 * MEBIBYTE, f"{most / MEBIBYTE:.0f} MiB"
    assert time.monotonic() - begun < 15  # of one second; the machine may be busy
