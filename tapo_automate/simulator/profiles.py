"""What a kind of device is: its components, its answers when fresh, its announcement.

A profile is built in, or read from a dump of a real device.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
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

    @property
    def info(self) -> Mapping[str, Any]:
        info = self.replies["get_device_info"]
        assert isinstance(info, dict)
        return info

    @property
    def model(self) -> str:
        return str(self.info.get("model", self.name))

    @staticmethod
    def of(wish: "str | Path | Profile", transport: str | None = None) -> "Profile":
        """Return the profile with this name, or read from the file of this name; transport overrules its own."""
        if isinstance(wish, Profile):
            return wish if transport is None else replace(wish, transport=transport_name(transport))
        if isinstance(wish, Path) or wish.lower().endswith(".json") or "/" in wish:
            return Profile.load(Path(wish), transport)
        return Profile.named(wish, transport)

    @staticmethod
    def named(name: str, transport: str | None = None) -> "Profile":
        """Return a built-in profile in the firmware that speaks transport (klap unless given).

        Raises SimulatorError.
        """
        from tapo_automate.simulator import catalogue

        known = {row.name.lower(): row for row in catalogue.MODELS}
        model = known.get(name.lower())
        if model is None:
            near = hint(name, [row.name for row in catalogue.MODELS])
            raise SimulatorError(
                f"unknown profile {name!r}{near}" + ("" if "did you" in near else ", or a dump FILE.json")
            )
        return catalogue.build(model, transport_name(transport or "klap"))

    @staticmethod
    def load(path: Path, transport: str | None = None) -> "Profile":
        """Read a dump of a real device: a JSON object of method -> result, with component_nego.

        Raises SimulatorError.
        """
        try:
            dump = json.loads(path.expanduser().read_text(encoding="utf-8"))
        except OSError as error:
            raise SimulatorError(f"cannot read profile {path}: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise SimulatorError(f"{path}: not JSON: {error}") from None
        from tapo_automate.simulator import dumps

        try:
            return dumps.profile_of(path.stem, dump, transport)
        except SimulatorError as error:
            raise SimulatorError(f"{path}: {error}") from None


def transport_name(text: str) -> str:
    """Return the transport that text names, in any case or by an alias.  Raises SimulatorError."""
    name = text.strip().lower().replace("_", "-")
    name = _ALIASES.get(name, name)
    if name not in TRANSPORTS:
        raise SimulatorError(f"unknown transport {text!r}{hint(name, list(TRANSPORTS))}")
    return name


def encryption_scheme(transport: str, port: int) -> dict[str, Any]:
    """Return the mgt_encrypt_schm that announces transport.  Source: docs/protocol.md, "mgt_encrypt_schm"."""
    kind = {"klap": "KLAP", "klap-v1": "KLAP", "aes": "AES", "aes-v1": "AES", "tpap": "TPAP"}[transport]
    scheme: dict[str, Any] = {"is_support_https": False, "encrypt_type": kind, "http_port": port}
    if not transport.endswith("-v1"):
        scheme["lv"] = 2
    return scheme
