"""How a device is spoken to: sessions that are told bytes and answer bytes, and the client that drives them.

The second public face, beside `tapo_automate` itself: for drivers of devices that speak Tapo's protocols.

    client = connect("192.168.1.31", Credentials("User@Example.com", "…"))
    client.call("get_device_info")["device_on"]

`codec` turns settings into the device's JSON and back, `PowerMeter` reads the load.
"""

from __future__ import annotations

import secrets
import threading

from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConfigError, Unreachable
from tapo_automate.wire import codec
from tapo_automate.wire.client import Client
from tapo_automate.wire.http import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, over_http
from tapo_automate.wire.methods import DANGEROUS_METHODS, dangerous_method, is_read, is_repeatable
from tapo_automate.wire.passthrough import RsaKey
from tapo_automate.wire.power import PowerMeter
from tapo_automate.wire.shared import Leases
from tapo_automate.wire.smart import SmartDevice
from tapo_automate.wire.strip import Socket

__all__ = [
    "DANGEROUS_METHODS",
    "Client",
    "PowerMeter",
    "SmartDevice",
    "codec",
    "connect",
    "dangerous_method",
    "is_read",
    "is_repeatable",
    "open_device",
]


def connect(
    host: str,
    credentials: Credentials | None,
    *,
    hint: str | None = None,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    read_timeout_s: float = ANSWER_TIMEOUT_S,
) -> Client:
    """Return a client for the device at `host`; the first call connects.

    host: an address or a name, with a port if it is not 80: `192.168.1.31`, `plug.lan:8080`, `[fe80::1]:80`.
    credentials: None for a device that was never bound to an account.  hint: what `client.transport` said last time.
    read_timeout_s: how long one answer may take.  Raises ConfigError for what is no address.
    """
    line = over_http(host, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
    return Client(
        host,
        credentials,
        line,
        draw=secrets.token_bytes,
        rsa_key=_process_key,
        hint=hint,
        close=line.close,
    )


def open_device(spec: DeviceSpec, credentials: Credentials | None) -> SmartDevice:
    """Return the device of a rule file, or the socket of a strip that it names, as a driver's `open` does.

    Whatever is opened of one address in a process shares a session, as devices want it.
    Raises ConfigError without credentials, Unreachable without an address.
    """
    if not spec.host:
        raise Unreachable(spec.mac, "devices cannot be found by their MAC yet; give the device a host")
    if credentials is None:
        raise ConfigError(
            f"no credentials for device {spec.id!r}: set TAPO_USERNAME and TAPO_PASSWORD, or write a credentials file, "
            "or use the system keyring (docs/cli.md, Credentials)"
        )
    lease = _leases.lease(spec.host, credentials)
    return SmartDevice(Socket(lease, spec.socket) if spec.socket else lease)


_leases = Leases(connect)

_key: RsaKey | None = None
_key_lock = threading.Lock()


def _process_key() -> RsaKey:
    """Return the one RSA key of this process: making one takes longer than all the rest of a handshake."""
    global _key
    with _key_lock:
        if _key is None:
            _key = RsaKey.generate()
        return _key
