"""The fan of a switch that has one beside its light.

Source: docs/protocol.md, "control_child".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import versions

LOWEST, HIGHEST = 1, 4  # of a KS240


@dataclass(frozen=True, slots=True)
class Fan:
    """speed: 1 to 4, also while it is off: how fast it comes on.  sleep: None where it has no sleep mode."""

    on: bool
    speed: int
    sleep: bool | None = None


def get_fan(asked: Asked) -> Fan:
    """Return what the fan is doing.  Raises Unsupported without one."""
    info = _info(asked)
    sleep = info.truth("fan_sleep_mode_on") if info.has("fan_sleep_mode_on") else None
    return Fan(info.truth("device_on"), info.integer("fan_speed_level"), sleep)


def set_fan(asked: Asked, speed: int | None = None, *, on: bool | None = None, sleep: bool | None = None) -> None:
    """Set what the fan does; None leaves as it is.  A speed turns it on, unless `on` is False.

    Raises BadSetting for a speed that it does not have, Unsupported without a fan or without sleep mode.
    """
    info = _info(asked)  # a device without a fan may take its words and do nothing
    if sleep is not None and not info.has("fan_sleep_mode_on"):
        raise Unsupported(asked.host, "its fan has no sleep mode")
    words: dict[str, Any] = {}
    if speed is not None:
        if not LOWEST <= speed <= HIGHEST:
            problem = f"fan speed {speed} is out of range: it takes {LOWEST} to {HIGHEST}"
            raise BadSetting(asked.host, f"{problem}; to stop it, turn it off" if speed == 0 else problem)
        words = {"device_on": True, "fan_speed_level": speed}
    if on is not None:
        words["device_on"] = on
    if sleep is not None:
        words["fan_sleep_mode_on"] = sleep
    if words:
        asked.call("set_device_info", words)


def _info(asked: Asked) -> Reply:
    info = Reply.of(asked, "get_device_info")
    if info.has("fan_speed_level"):
        return info
    whole = "control_child" in versions(asked)
    raise Unsupported(asked.host, "it has no fan" + (' as a whole; name its part, as in "switch/fan"' if whole else ""))
