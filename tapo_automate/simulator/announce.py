"""The datagrams of discovery: reads probes as strictly as can be, and writes what is answered.

This file knows no socket and no device.  Source: docs/protocol.md, "Discovery".
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

PROBE_PORT = 20_002
LIMIT_BYTES = 2048
_HEADER = struct.Struct(">BBHHBBII")  # version, type, operation, bytes of body, flags, padding, serial, CRC
_VERSION, _TYPE, _PROBE = 2, 0, 1
_REPLY_FLAGS, _REPLY_PADDING = 0x22, 0x01
_CRC_SEED = 0x5A6B7C8D  # what stands in the place of the CRC while it is computed


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody looks for devices.  rsa_key: the PEM that came with it, None with the old probe that has no body."""

    serial: int
    rsa_key: str | None


class Unheard(Exception):
    """A datagram that no device answers, and why."""


def read_probe(datagram: bytes) -> Probe:
    """Return the probe that datagram is.  Raises Unheard."""
    if len(datagram) < _HEADER.size:
        raise Unheard(f"{len(datagram)} bytes are no header")
    if len(datagram) > LIMIT_BYTES:
        raise Unheard(f"{len(datagram)} bytes are too many")
    version, kind, operation, size, flags, padding, serial, crc = _HEADER.unpack_from(datagram)
    for name, value, expected in (
        ("version", version, _VERSION),
        ("message type", kind, _TYPE),
        ("operation", operation, _PROBE),
        ("length", size, len(datagram) - _HEADER.size),
        ("padding", padding, 0),
        ("CRC", crc, checksum(datagram)),
    ):
        if value != expected:
            raise Unheard(f"{name} is {value}, expected {expected}")
    match flags, size:
        case (0x00, 0):
            return Probe(serial, None)
        case (0x11, _):
            return Probe(serial, _key(datagram[_HEADER.size :]))
    raise Unheard(f"flags are {flags} with {size} bytes of body")


def reply(serial: int, body: bytes) -> bytes:
    """Return the datagram that answers the probe of this serial."""
    head = _HEADER.pack(_VERSION, _TYPE, _PROBE, len(body), _REPLY_FLAGS, _REPLY_PADDING, serial, 0)
    datagram = head + body
    return datagram[:12] + checksum(datagram).to_bytes(4, "big") + body


def announcing(result: Mapping[str, Any]) -> bytes:
    """Return the body of the answer that tells result."""
    return json.dumps({"error_code": 0, "result": result}, separators=(",", ":")).encode()


def checksum(datagram: bytes) -> int:
    """Return the CRC that belongs into datagram, whatever stands there."""
    return crc32(datagram[:12] + _CRC_SEED.to_bytes(4, "big") + datagram[16:])


def _key(body: bytes) -> str:
    try:
        message = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unheard("the body is no JSON") from None
    params = message.get("params") if isinstance(message, dict) else None
    key = params.get("rsa_key") if isinstance(params, dict) else None
    if not isinstance(key, str):
        raise Unheard("the body has no params.rsa_key")
    return key
