"""The Wi-Fi around a device, and moving it to another.

Source: docs/protocol.md, "Methods" and "Dangers".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tapo_automate.errors import BadSetting
from tapo_automate.wire.codec import encode_text
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.info import told

KEY_TYPES = ("wpa2_psk", "wpa_psk", "wpa3_sae", "none")
"""How a network is encrypted, as devices call it: all that the dumps have."""

MOST_SSID_BYTES = 32  # IEEE 802.11
MOST_PAGES = 32  # of ten networks each, or four
_PSK_BYTES = range(8, 65)  # 8 to 63 letters, or the key itself in 64 hexadecimal digits


@dataclass(frozen=True, slots=True)
class Network:
    """A Wi-Fi that a device hears.  ssid: its name, "" where it hides it.  signal: 1 to 3, of which 3 is best.

    key_type: such as "wpa2_psk", "none" for an open one.  cipher: the device's own number, 0 for none.
    channel, cipher: None where the device does not say.
    """

    ssid: str = field(repr=False)
    bssid: str | None = field(repr=False)
    signal: int
    key_type: str
    cipher: int | None
    channel: int | None


@dataclass(frozen=True, slots=True)
class WirelessScan:
    """The networks that a device hears, the loudest first.  wep: whether it can join one that is encrypted with WEP."""

    networks: tuple[Network, ...]
    wep: bool


def get_wireless_scan_info(asked: Asked) -> WirelessScan:
    """Return the networks that the device hears; it listens anew, which takes seconds.  Raises Garbled."""
    found: list[Network] = []
    for _ in range(MOST_PAGES):
        page = Reply.of(asked, "get_wireless_scan_info", {"start_index": len(found)})
        networks = [_network(each) for each in page.tables("ap_list")]
        found += networks
        # Some do not say how many there are, and have shown them all then.
        if not networks or not page.has("sum") or len(found) >= page.integer("sum"):
            break
    wep = page.has("wep_supported") and page.truth("wep_supported")
    return WirelessScan(tuple(sorted(found, key=lambda each: -each.signal)), wep)


def set_wireless_info(asked: Asked, ssid: str, password: str, key_type: str = "wpa2_psk") -> None:
    """Move the device to another Wi-Fi.

    Dangerous: that it answers means that it has read the order; with a mistake in it the device is not seen again
    before it is reset by hand.  Raises BadSetting for what no network can have.
    """
    asked.call("set_wireless_info", wireless_params(asked.host, ssid, password, key_type))


def wireless_params(host: str, ssid: str, password: str, key_type: str) -> dict[str, Any]:
    """Return a Wi-Fi as devices take it.  Raises BadSetting, which never says the password."""
    problem = ssid_fault(ssid) or password_fault(password, key_type)
    if problem:
        raise BadSetting(host, problem)
    return {"key_type": key_type, "ssid": encode_text(ssid), "password": encode_text(password)}


def ssid_fault(ssid: str) -> str:
    """Return why no network can be called so, in words, or ""."""
    length = len(ssid.encode())
    if 1 <= length <= MOST_SSID_BYTES:
        return ""
    return f"the name of a Wi-Fi has 1 to {MOST_SSID_BYTES} bytes; this one has {length}"


def password_fault(password: str, key_type: str) -> str:
    """Return why no network of this encryption can have such a password, in words that do not say it, or ""."""
    length = len(password.encode())
    if key_type not in KEY_TYPES:
        return f"there is no Wi-Fi encryption {key_type!r}; devices know {', '.join(KEY_TYPES)}"
    if key_type == "none":
        return "an open Wi-Fi takes no password, and one was given" if password else ""
    if not password:
        return f"a Wi-Fi with {key_type} takes a password, and none was given"
    if key_type != "wpa3_sae" and length not in _PSK_BYTES:
        return f"the password of a Wi-Fi with {key_type} has 8 to 63 letters; this one has {length}"
    return ""


def _network(reply: Reply) -> Network:
    return Network(
        ssid=reply.decoded("ssid"),
        bssid=told(reply, "bssid", Reply.text),
        signal=reply.integer("signal_level"),
        key_type=reply.text("key_type"),
        cipher=told(reply, "cipher_type", Reply.integer),
        channel=told(reply, "channel", Reply.integer) or None,
    )
