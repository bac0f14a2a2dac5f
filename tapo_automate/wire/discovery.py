"""TDP, the datagrams by which devices are found: building a probe, reading an answer.

Nothing here sends.  Anybody in the network may answer a probe, so that nothing of an answer is believed that is not
checked here; what is not essential and cannot be read counts as not said.  Source: docs/protocol.md, "Discovery".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from struct import Struct
from typing import Any
from zlib import crc32

from tapo_automate.wire.address import HTTP_PORT
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.codec import normal_mac
from tapo_automate.wire.exchange import Transport
from tapo_automate.wire.kinds import is_other, kind_of

PORTS = (20002, 20004)  # newer models listen on the second as well

VERSION = 2
PROBE = 1
FLAGS = 0x11

PLUG_TYPES = frozenset({"SMART.TAPOPLUG", "SMART.TAPOSWITCH", "SMART.KASAPLUG", "SMART.KASASWITCH"})
BULB_TYPES = frozenset({"SMART.TAPOBULB"})  # light strips too

_TRANSPORTS = {each.name: each.value for each in Transport}  # as answers spell them
_HTTPS_PORT = 443
_MOST_CHARACTERS = 64  # of a model or a firmware; what is longer was not said by a device

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


@dataclass(frozen=True, slots=True)
class Found:
    """What a device says about itself to whoever asks, before any login.

    mac: "48-22-54-AA-BB-CC".  address: where the answer came from.  port, tls: of its web server.  model: "P110";
    device_model: as announced, with the region: "P110(UK)".  transport: of `Transport`, "" where it is not said.
    owner: MD5 of its account's e-mail, "" for a device that is bound to none.  firmware: only where the answer has it,
    which those of plugs and bulbs seen so far have not.
    """

    mac: str
    address: str
    port: int
    tls: bool
    model: str
    device_model: str
    device_type: str
    transport: str
    owner: str = field(repr=False)
    factory_default: bool
    firmware: str | None

    @property
    def host(self) -> str:
        """The address as a rule file has it, with the port where that is not 80."""
        place = f"[{self.address}]" if ":" in self.address else self.address
        return place if self.port == HTTP_PORT else f"{place}:{self.port}"

    def owner_matches(self, email: str) -> bool | None:
        """Whether it belongs to the account with this e-mail, in which case counts; None where it is bound to none."""
        if not self.owner:
            return None
        return md5(email.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest().upper() == self.owner


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


def read_found(datagram: bytes, address: str) -> Found | None:
    """Return the plug, bulb or switch that has sent a datagram, or None for everything else, whatever it is.

    Hubs, cameras, robots and routers are everything else: nothing here drives them.  address: where it came from.
    """
    result = read_answer(datagram)
    if result is None:
        return None
    scheme = result["mgt_encrypt_schm"]
    device_type, device_model = _text(result.get("device_type")), _text(result.get("device_model"))
    mac = _mac(result.get("mac"))
    tls = scheme.get("is_support_https") is True
    port = scheme.get("http_port", _HTTPS_PORT if tls else HTTP_PORT)
    if not mac or not device_model or device_type not in PLUG_TYPES | BULB_TYPES or not _is_port(port):
        return None
    return Found(
        mac,
        address,
        port,
        tls,
        device_model.partition("(")[0].rstrip(),
        device_model,
        device_type,
        _transport(result, scheme),
        (_text(result.get("owner")) or "").upper(),
        result.get("factory_default") is True,
        _text(result.get("firmware_version")) or _text(result.get("fw_ver")),
    )


@dataclass(frozen=True, slots=True)
class Other:
    """A device that answers like a plug and is none, nor a bulb or switch.  kind: "a hub", for a sentence."""

    address: str
    model: str
    kind: str


def read_other(datagram: bytes, address: str) -> Other | None:
    """Return the hub, camera or the like that has sent a datagram, or None for everything else."""
    result = read_answer(datagram) or {}
    said, model = result.get("device_type"), _text(result.get("device_model"))
    return Other(address, model, kind_of(str(said))) if model and is_other({"type": said}) else None


def _transport(result: Mapping[str, Any], scheme: Mapping[str, Any]) -> str:
    """Return the protocol of its sessions; a device that prefers TPAP refuses the older one that it names."""
    if result.get("tpap_preferred") is True:
        return Transport.TPAP.value
    said = scheme.get("encrypt_type")
    return _TRANSPORTS[said] if isinstance(said, str) and said in _TRANSPORTS else ""


def _mac(said: Any) -> str:
    """Return a MAC as pairs with dashes, "" for what is none, or none that one device can have."""
    mac = normal_mac(said)
    if mac is None or mac == "00-00-00-00-00-00" or int(mac[:2], 16) & 1:  # nobody's, or that of a group
        return ""
    return mac


def _text(said: Any) -> str | None:
    """Return a short text that a terminal can be shown, or None."""
    sound = isinstance(said, str) and 0 < len(said) <= _MOST_CHARACTERS and said.isprintable()
    return said if sound else None


def _is_port(said: Any) -> bool:
    return type(said) is int and 0 < said < 65536


def _packet(flags: int, serial: int, body: bytes) -> bytes:
    packet = _HEADER.pack(VERSION, 0, PROBE, len(body), flags, 0, serial, _CRC_SEED) + body
    return packet[:_CRC_AT] + _crc(packet).to_bytes(4, "big") + packet[_CRC_AT + 4 :]


def _crc(packet: bytes) -> int:
    return crc32(packet[:_CRC_AT] + _CRC_SEED.to_bytes(4, "big") + packet[_CRC_AT + 4 :])
