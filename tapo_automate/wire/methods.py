"""What is known about the device's methods by name: which may be repeated, batched, or had better not be called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

DANGEROUS_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "device_reset": "resets to factory settings: unbinds the device from its account and wipes its rules and Wi-Fi",
        "fw_download": "flashes firmware, which can break the device and change the protocol that it speaks",
        "set_qs_info": "rewrites the credentials, the Wi-Fi and the place of the device, as its first set-up does",
        "set_wireless_info": "moves the device to another Wi-Fi; a mistake there makes it vanish from the network",
        "set_inherit_info": "hands the device over to another account",
        "exec_atcmd": "is a maker's command of unknown effect",
        "bind_device": "changes which account the device belongs to",
        "unbind_device": "takes the device off its account",
        "set_emeter_vgain_igain": "overwrites the calibration of the power meter",
    }
)
"""Methods that can brick, reset, unbind or lose a device: name -> why.  Source: docs/protocol.md, "Methods"."""

NOT_BATCHABLE = frozenset(
    {
        "multipleRequest",
        "securePassthrough",
        "handshake",
        "login_device",
        "control_child",
        "device_reboot",
        "get_schedule_rules",
        "get_child_device_list",
        "get_child_device_component_list",
    }
    | DANGEROUS_METHODS.keys()
)
"""Methods that the phone app never puts into a multipleRequest, and two on which a strip hung.

Source: docs/protocol.md, "multipleRequest" and "control_child".
"""

_READS = frozenset({"component_nego", "qs_component_nego", "heart_beat", "login"})
_ABSOLUTE = frozenset(
    {
        "apply_segment_effect_rule",  # the whole effect, as with set_lighting_effect
        "remove_countdown_rules",  # there is one row, and none afterwards; unknown ids are no error
    }
)


def is_read(method: str) -> bool:
    """Whether the method changes nothing."""
    return method.startswith("get_") or method in _READS


def dangerous_method(method: str, params: Mapping[str, Any] | None = None) -> str | None:
    """Return the name of the dangerous method that a call would carry out, or None.

    Looks into the envelopes too, however deep: `multipleRequest` and `control_child` carry out what they hold.
    """
    waiting: list[tuple[object, object]] = [(method, params)]
    while waiting:
        name, given = waiting.pop()
        if isinstance(name, str) and name in DANGEROUS_METHODS:
            return name
        if not isinstance(given, Mapping):
            continue
        requests = given.get("requests")
        inner = [given.get("requestData"), *(requests if isinstance(requests, list) else ())]
        waiting += [(each.get("method"), each.get("params")) for each in inner if isinstance(each, Mapping)]
    return None


def is_repeatable(method: str, params: Mapping[str, Any] | None = None) -> bool:
    """Whether doing it twice is the same as doing it once: reads, and settings to an absolute value.

    Rows that are added, edited or removed, a reboot, and whatever is not known are not.  A countdown that
    is removed twice is as gone as if it were removed once.  Added twice, or edited, it would begin anew.
    """
    if method in DANGEROUS_METHODS:
        return False
    if method == "multipleRequest":
        return all(_inner_is_repeatable(item) for item in (params or {}).get("requests", ()))
    if method == "control_child":
        return _inner_is_repeatable((params or {}).get("requestData"))
    return is_read(method) or method.startswith("set_") or method in _ABSOLUTE


def _inner_is_repeatable(item: object) -> bool:
    if not isinstance(item, Mapping) or not isinstance(item.get("method"), str):
        return False
    inner = item.get("params")
    return is_repeatable(item["method"], inner if isinstance(inner, Mapping) else None)
