"""How a device is spoken to: sessions that are told bytes and answer bytes, and the client that drives them.

The second public face, beside `tapo_automate` itself: for drivers of devices that speak Tapo's protocols.

    client = connect("192.168.1.31", Credentials("User@Example.com", "…"))
    client.call("get_device_info")["device_on"]

`codec` turns settings into the device's JSON and back, `PowerMeter` reads the load.
"""

from __future__ import annotations

import secrets
import threading
from functools import partial

from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConfigError
from tapo_automate.wire import codec
from tapo_automate.wire.address import parse_host
from tapo_automate.wire.client import Client
from tapo_automate.wire.http import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, over_http
from tapo_automate.wire.memory import Known, Memory, RefusedBefore
from tapo_automate.wire.methods import DANGEROUS_METHODS, dangerous_method, is_read, is_repeatable
from tapo_automate.wire.pace import Pace, spacing
from tapo_automate.wire.passthrough import RsaKey
from tapo_automate.wire.power import PowerMeter
from tapo_automate.wire.shared import Leases
from tapo_automate.wire.smart import SmartDevice
from tapo_automate.wire.strip import Socket
from tapo_automate.wire.surroundings import Surroundings
from tapo_automate.wire.tracked import Tracked
from tapo_automate.wire.udp import Target, knock

__all__ = [
    "DANGEROUS_METHODS",
    "Client",
    "Known",
    "Memory",
    "PowerMeter",
    "RefusedBefore",
    "SmartDevice",
    "Surroundings",
    "Target",
    "codec",
    "connect",
    "dangerous_method",
    "is_read",
    "is_repeatable",
    "open_device",
    "use",
]


def connect(
    host: str,
    credentials: Credentials | None,
    *,
    hint: str | None = None,
    mac: str = "",
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    read_timeout_s: float = ANSWER_TIMEOUT_S,
    spacing_s: float | None = None,
) -> Client:
    """Return a client for the device at `host`; the first call connects.

    host: an address or a name, with a port if it is not 80: `192.168.1.31`, `plug.lan:8080`, `[fe80::1]:80`.
    credentials: None for a device that was never bound to an account.  hint: what `client.transport` said last time.
    mac: whose it is to be, "48-22-54-AA-BB-CC"; "" takes whoever is there.  read_timeout_s: how long one answer may
    take.  spacing_s: the least time between two calls; None for what `use` has set.
    Raises ConfigError for what is no address, or no MAC.
    """
    whose = codec.normal_mac(mac) or ""
    if mac and not whose:
        raise ConfigError(f'{mac!r} is no MAC address, such as "48-22-54-AA-BB-CC"')
    line = over_http(host, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
    now = _surroundings
    return Client(
        host,
        credentials,
        line,
        draw=secrets.token_bytes,
        rsa_key=_process_key,
        hint=hint,
        close=line.close,
        memory=now.memory(whose or host.strip().lower(), credentials),
        pace=Pace(now.spacing_s if spacing_s is None else spacing_s, now.patience_s),
        mac=whose,
        wake=partial(wake_up, host),
    )


def open_device(spec: DeviceSpec, credentials: Credentials | None) -> SmartDevice:
    """Return the device of a rule file, or the socket of a strip that it names, as a driver's `open` does.

    Whatever is opened alike of one device in a process shares a session, as devices want it.  One with a MAC is looked
    for when it is not at its host, or has none, and is never mistaken for another.  Options: "spacing", the least time
    between two calls, such as "250ms".  Raises ConfigError without credentials, or for an option that is none.
    """
    if credentials is None:
        raise ConfigError(
            f"no credentials for device {spec.id!r}: set TAPO_USERNAME and TAPO_PASSWORD, or write a credentials file, "
            "or use the system keyring (docs/cli.md, Credentials)"
        )
    spacing_s = _spacing_s(spec)

    def at(host: str) -> Client:
        return connect(host, credentials, mac=spec.mac, spacing_s=spacing_s)

    def whole() -> Client | Tracked:
        if not spec.mac:
            return at(spec.host)
        met_at = _surroundings.memory(spec.mac, credentials).known().address
        return Tracked(spec.mac, (met_at, spec.host), at, _finder)

    # A host or a spacing that is written anew holds at once, though the device may still be open with the old one.
    lease = _leases.lease(f"{spec.mac} {spec.host} {spacing_s}", credentials, whole)
    return SmartDevice(Socket(lease, spec.socket) if spec.socket else lease)


def use(surroundings: Surroundings) -> None:
    """Let what is connected from now on behave so; what is connected already goes on as it is."""
    global _surroundings, _finder
    _surroundings = surroundings
    _finder = surroundings.finder()


def wake_up(host: str) -> bool:
    """Tell a device that refuses connections that it is wanted, over UDP; return whether it has answered.

    After a power cut some sleep for minutes.  Source: docs/protocol.md, "A device that sleeps".
    """
    return knock(parse_host(host)[0]) is not None


def _spacing_s(spec: DeviceSpec) -> float | None:
    for name in spec.options:
        if name != "spacing":
            raise ConfigError(f'device {spec.id!r} has an option {name!r}; its driver knows only "spacing"')
    text = spec.options.get("spacing")
    if text is None:
        return None
    spacing_s = spacing(text)
    if spacing_s is None:
        raise ConfigError(
            f'device {spec.id!r}: spacing = "{text}" is no time between two calls, such as "250ms"; at most "10s"'
        )
    return spacing_s


_surroundings = Surroundings()
_finder = _surroundings.finder()
_leases = Leases()

_key: RsaKey | None = None
_key_lock = threading.Lock()


def _process_key() -> RsaKey:
    """Return the one RSA key of this process: making one takes longer than all the rest of a handshake."""
    global _key
    with _key_lock:
        if _key is None:
            _key = RsaKey.generate()
        return _key
