"""A device as a whole: restarting it, resetting it, its cloud, its pairing code, and how long it has been used.

Source: docs/protocol.md, "Methods" and "Energy and power".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tapo_automate.errors import BadSetting
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature

LONGEST_DELAY_S = 3600

_MATTER = Feature("matter", "Matter pairing code")
_CLOUD = {0: "connected", 1: "not connected"}


@dataclass(frozen=True, slots=True)
class CloudState:
    """Whether a device has its vendor's cloud.  text: in words.  code: as the device says it, 0 for connected."""

    connected: bool
    text: str
    code: int


@dataclass(frozen=True, slots=True)
class MatterSetup:
    """What takes a device into a Matter fabric: whoever knows it can take it over, so that its repr does not show it.

    code: the eleven digits for a person to type.  payload: what stands in the QR code.
    """

    code: str = field(repr=False)
    payload: str = field(repr=False)


def device_reboot(asked: Asked, delay_s: int = 1) -> None:
    """Restart the device: the session and a countdown are lost, the relay and the tables stay.

    delay_s: how long it waits with that, 1 to 3600.  Raises BadSetting for another: on 0 the call is known to hang.
    """
    if not 1 <= delay_s <= LONGEST_DELAY_S:
        problem = f"a delay of {delay_s} s is out of range: a device restarts after 1 to {LONGEST_DELAY_S} s"
        raise BadSetting(asked.host, problem)
    asked.call("device_reboot", {"delay": delay_s})


def device_reset(asked: Asked) -> None:
    """Reset the device to factory settings.  Dangerous: its account, its rules and its Wi-Fi are gone, for good."""
    asked.call("device_reset")


def get_connect_cloud_state(asked: Asked) -> CloudState:
    """Return whether the device has its vendor's cloud: without it, it can learn neither the time nor new firmware."""
    code = Reply.of(asked, "get_connect_cloud_state").integer("status")
    return CloudState(code == 0, _CLOUD.get(code, f"not connected (state {code})"), code)


def get_matter_setup_info(asked: Asked) -> MatterSetup:
    """Return the device's pairing code.  Raises Unsupported where it has none."""
    reply = _MATTER.ask(asked, "get_matter_setup_info")
    return MatterSetup(code=reply.text("setup_code"), payload=reply.text("setup_payload"))
