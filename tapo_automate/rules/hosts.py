"""How a device is named on the network: hosts with and without a port, MAC addresses."""

from __future__ import annotations

import ipaddress
import re

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PORTS = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
HOST_PATTERN = (
    rf"^({_OCTET}(\.{_OCTET}){{3}}|\[[0-9A-Fa-f:.]+\]|(?![0-9.]+(:|$)){_LABEL}(\.{_LABEL}){{0,20}}\.?)(:{_PORTS})?$"
)
MAC_PATTERN = r"^[0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){5}$|^[0-9A-Fa-f]{4}[.:-][0-9A-Fa-f]{4}[.:-][0-9A-Fa-f]{4}$"

_PORT = re.compile(r"^(.*):([0-9]+)$")


def host_fault(text: str) -> str:
    """Return what is wrong with `address`, `address:port`, `name`, `name:port` or `[v6]:port`; "" if nothing is.

    >>> host_fault("192.168.1.31"), host_fault("plug.lan:80"), host_fault("192.168.1.310")
    ('', '', '192.168.1.310 is not an IPv4 address')
    """
    host, port = text, ""
    if match := _PORT.match(text) if text.count(":") == 1 or "]:" in text else None:
        host, port = match.groups()
    if port and not re.fullmatch(_PORTS, port):
        return f"a port lies between 1 and 65535, not {port[:12]}"
    if host.startswith("["):
        return "" if host.endswith("]") and _is_v6(host[1:-1]) else "between the brackets there is no IPv6 address"
    if _is_v6(host):
        return "an IPv6 address stands in brackets"
    if re.fullmatch(r"[0-9.]+", host) and not _is_v4(host):
        return f"{host[:40]} is not an IPv4 address"
    if not re.fullmatch(HOST_PATTERN, text):
        return "it is neither an address nor a name"
    return ""


def better_host(text: str) -> str:
    """Return the host that was probably meant by a text that is none, or "".

    >>> better_host("http://192.168.1.31/"), better_host("fe80::1"), better_host("kitchen plug")
    ('192.168.1.31', '[fe80::1]', '')
    """
    stripped = re.sub(r"^[a-zA-Z]+://", "", text.strip()).split("/")[0].rpartition("@")[2]
    for candidate in (stripped, f"[{stripped}]", re.sub(r"\b0+(?=[0-9])", "", stripped)):
        if candidate and not host_fault(candidate):
            return candidate
    return ""


def mac_pairs(text: str) -> str | None:
    """Return a MAC address as upper-case pairs with dashes, or None if the text is none.

    >>> mac_pairs("48:22:54:aa:bb:cc"), mac_pairs("4822.54aa.bbcc"), mac_pairs("48:22")
    ('48-22-54-AA-BB-CC', '48-22-54-AA-BB-CC', None)
    """
    if not re.fullmatch(MAC_PATTERN, text):
        return None
    digits = re.sub(r"[:.-]", "", text).upper()
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))


def _is_v4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_v6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
