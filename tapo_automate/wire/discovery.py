"""TDP, the datagrams by which devices are found: building a probe, reading an answer.

Nothing here sends.  Source: docs/protocol.md, "Discovery".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any
from zlib import crc32

from tapo_automate.wire.answers import error_code, json_object

PORTS = (20002, 20004)  # newer models listen on the second as well

VERSION = 2
PROBE = 1
FLAGS = 0x11

_HEADER = Struct(">BBHHBBII")
_CRC_SEED = 0x5A6B7C8D  # stands in the CRC's place while the CRC is computed
_CRC_AT = 12


@dataclass(frozen=True, slots=True)
class Header:
    """The 16 bytes before the JSON.  sound: whether length and CRC fit what follows."""

    version: int
    message: int
    op: int
    length: int
    flags: int
    serial: int
    sound: bool


def probe(rsa_pem: str, serial: int) -> bytes:
    """Return the datagram that devices answer.

    rsa_pem: a public key, which only cameras use.  serial: 32 random bits.
    """
    body = json.dumps({"params": {"rsa_key": rsa_pem}}, separators=(",", ":")).encode()
    return _packet(FLAGS, serial, body)


def read_header(datagram: bytes) -> Header | None:
    """Return the header of a datagram, or None if it is too short to have one."""
    if len(datagram) < _HEADER.size:
        return None
    version, message, op, length, flags, _padding, serial, crc = _HEADER.unpack_from(datagram)
    sound = length == len(datagram) - _HEADER.size and crc == _crc(datagram)
    return Header(version, message, op, length, flags, serial, sound)


def read_answer(datagram: bytes) -> Mapping[str, Any] | None:
    """Return what a device says about itself, or None for whatever is not such an answer.

    Routers answer too, without `mgt_encrypt_schm`.  The CRC is not looked at: no client does, and what devices put
    there is not known.
    """
    answer = json_object(datagram[_HEADER.size :])
    if answer is None or error_code(answer) != 0:
        return None
    result = answer.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("mgt_encrypt_schm"), dict):
        return None
    return result


def _packet(flags: int, serial: int, body: bytes) -> bytes:
    packet = _HEADER.pack(VERSION, 0, PROBE, len(body), flags, 0, serial, _CRC_SEED) + body
    return packet[:_CRC_AT] + _crc(packet).to_bytes(4, "big") + packet[_CRC_AT + 4 :]


def _crc(packet: bytes) -> int:
    return crc32(packet[:_CRC_AT] + _CRC_SEED.to_bytes(4, "big") + packet[_CRC_AT + 4 :])
