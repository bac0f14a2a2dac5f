"""Where a device is, as people write it: `192.168.1.31`, `192.168.1.31:8080`, `plug.lan`, `[fe80::1]:80`."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from tapo_automate.errors import ConfigError

HTTP_PORT = 80

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")


def parse_host(text: str) -> tuple[str, int]:
    """Return (name or address, port); the port is 80 where none is written.  Raises ConfigError.

    >>> parse_host("192.168.1.31"), parse_host("plug.lan:8080"), parse_host("[::1]:81"), parse_host("::1")
    (('192.168.1.31', 80), ('plug.lan', 8080), ('::1', 81), ('::1', 80))
    """
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _bad(text)
        port = rest[1:]
        if rest and not port:
            raise _bad(text)
        _check_ipv6(text, host)
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not port:
            raise _bad(text)
    elif ":" in text:
        _check_ipv6(text, host)
    if ":" not in host and not _NAME.match(host):
        raise _bad(text)
    if not port:
        return host, HTTP_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ConfigError(f"{text!r} is no device address: the port must be a number from 1 to 65535")
    return host, int(port)


def names_port(text: str) -> bool:
    """Whether an address that `parse_host` takes has a port written to it.

    >>> names_port("plug.lan:80"), names_port("plug.lan"), names_port("[::1]:81"), names_port("::1")
    (True, False, True, False)
    """
    return not text.endswith("]") if text.startswith("[") else text.count(":") == 1


def _check_ipv6(text: str, host: str) -> None:
    try:
        IPv6Address(host)
    except AddressValueError as error:
        raise _bad(text) from error


def _bad(text: str) -> ConfigError:
    return ConfigError(f"{text!r} is no device address: write an address or a name, with a port where it is not 80")
