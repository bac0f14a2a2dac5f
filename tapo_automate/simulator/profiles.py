"""What a kind of device is: its components, its answers when fresh, its announcement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapo_automate.simulator.complaint import SimulatorError, hint

# Names for users, with what they may also be called.
TRANSPORTS = ("klap", "klap-v1", "aes", "aes-v1", "tpap")
_ALIASES = {"passthrough": "aes", "securepassthrough": "aes", "klap-v2": "klap", "aes-v2": "aes"}

PAGE = 10


@dataclass(frozen=True)
class Profile:
    """One kind of device with one firmware.

    replies: method -> result of a fresh device; what is missing is unknown to it.  An int is an error code, None a
    success without a result.  watts: what its load or lamp draws when nothing else is said.
    children: the sockets of a strip, or what else it is made of, in the order of their positions.
    listing: the positions in the order in which it lists them, if that is another; child_page: how many to a page.
    """

    name: str
    transport: str
    components: Mapping[str, int]
    replies: Mapping[str, Any]
    announcement: Mapping[str, Any]
    watts: float
    tpap_aware: bool = False
    batch_limit: int = 10
    batch_too_big: int = 1200
    batch_stops: bool = False
    from_dump: bool = False
    children: tuple["Profile", ...] = ()
    listing: tuple[int, ...] = ()
    child_page: int = PAGE

    @property
    def info(self) -> Mapping[str, Any]:
        info = self.replies["get_device_info"]
        assert isinstance(info, dict)
        return info

    @property
    def sleeps(self) -> bool:
        """Whether it accepts no connection for a while after a power cut, as plugs with the firmware of TPAP do."""
        return self.tpap_aware and self.info.get("type") == "SMART.TAPOPLUG"

    @property
    def model(self) -> str:
        return str(self.info.get("model", self.name))


def transport_name(text: str) -> str:
    """Return the transport that text names, in any case or by an alias.  Raises SimulatorError."""
    name = text.strip().lower().replace("_", "-")
    name = _ALIASES.get(name, name)
    if name not in TRANSPORTS:
        raise SimulatorError(f"unknown transport {text!r}{hint(name, list(TRANSPORTS))}")
    return name


def encryption_scheme(transport: str, port: int, *, https: bool = False) -> dict[str, Any]:
    """Return the mgt_encrypt_schm that announces transport.  Source: docs/protocol.md, "mgt_encrypt_schm"."""
    kind = {"klap": "KLAP", "klap-v1": "KLAP", "aes": "AES", "aes-v1": "AES", "tpap": "TPAP"}[transport]
    scheme: dict[str, Any] = {"is_support_https": https, "encrypt_type": kind, "http_port": port}
    if not transport.endswith("-v1"):
        scheme["lv"] = 2
    return scheme
