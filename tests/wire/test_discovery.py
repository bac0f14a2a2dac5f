"""Discovery datagrams, against the vectors of docs/protocol.md, "Discovery"."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.wire.discovery import probe, read_answer, read_header

PROBE = bytes.fromhex("02000001001d1100010203040e31f8957b22706172616d73223a7b227273615f6b6579223a2254455354227d7d")
OLD_PROBE = bytes.fromhex("020000010000000000000000463cb5d3")

# The shape of a P110's answer; names and numbers are made up.
ANSWER = {
    "error_code": 0,
    "result": {
        "device_id": "0" * 32,
        "owner": "F" * 32,
        "device_type": "SMART.TAPOPLUG",
        "device_model": "P110(UK)",
        "ip": "192.168.1.10",
        "mac": "48-22-54-AA-BB-CC",
        "mgt_encrypt_schm": {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2},
    },
}


def test_a_probe_is_as_published() -> None:
    assert probe("TEST", 0x01020304) == PROBE


def test_headers_of_both_published_probes_are_sound() -> None:
    header = read_header(PROBE)
    assert header is not None
    assert (header.version, header.message, header.op, header.length, header.flags) == (2, 0, 1, 29, 17)
    assert header.serial == 0x01020304
    assert header.sound
    old = read_header(OLD_PROBE)
    assert old is not None
    assert old.sound


def test_a_changed_byte_makes_a_header_unsound() -> None:
    changed = read_header(PROBE[:-1] + b"?")
    assert changed is not None
    assert not changed.sound


def test_a_devices_answer_is_read_whatever_its_header_holds() -> None:
    found = read_answer(bytes(16) + json.dumps(ANSWER).encode())
    assert found is not None
    assert found["mac"] == "48-22-54-AA-BB-CC"


def test_what_is_no_device_is_passed_over() -> None:
    router = {"error_code": 0, "result": {"device_type": "router"}}
    refusal = ANSWER | {"error_code": -1}
    for answer in (router, refusal, {}, [], 7):
        assert read_answer(bytes(16) + json.dumps(answer).encode()) is None
    assert read_answer(b"") is None


@given(st.binary(max_size=100))
def test_random_datagrams_raise_nothing(datagram: bytes) -> None:
    read_header(datagram)
    assert read_answer(datagram) is None
