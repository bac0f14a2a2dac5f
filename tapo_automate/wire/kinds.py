"""What to say of a device that cannot be switched as a whole: a power strip, or another kind, by its own word.

Source: docs/protocol.md, "Discovery".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tapo_automate.errors import OtherKind, Unsupported

NOT_AS_A_WHOLE = 'it cannot be switched as a whole; of a power strip name a socket, as in "strip/1"'

_OTHERS = {
    "SMART.TAPOHUB": "a hub",
    "SMART.KASAHUB": "a hub",
    "SMART.TAPOCHIME": "a chime",
    "SMART.TAPOROBOVAC": "a vacuum cleaner",
    "SMART.IPCAMERA": "a camera",
    "SMART.TAPODOORBELL": "a doorbell",
}
_OURS = ("PLUG", "SWITCH", "BULB")


def is_other(info: Mapping[str, Any]) -> bool:
    """Whether a device says, in its answer to `get_device_info`, that it is no plug, bulb, switch or power strip.

    >>> [is_other({"type": f"SMART.{each}"}) for each in ("TAPOHUB", "KASASWITCH", "TAPOLOCK")], is_other({})
    ([True, False, True], False)
    """
    said = info.get("type")
    if not isinstance(said, str) or not re.fullmatch(r"SMART\.[A-Z]{1,20}", said):
        return False
    return not said.endswith(_OURS)


def kind_of(device_type: str) -> str:
    """Return what a type is called, for a sentence.

    >>> kind_of("SMART.TAPOHUB"), kind_of("SMART.TAPOLOCK")
    ('a hub', 'another kind of device (SMART.TAPOLOCK)')
    """
    return _OTHERS.get(device_type, f"another kind of device ({device_type})")


def no_switch(host: str, info: Mapping[str, Any], *, after_login: bool = False) -> Unsupported:
    """Return what to raise of a device whose answer to `get_device_info` shows no switch."""
    if not is_other(info):
        return Unsupported(host, NOT_AS_A_WHOLE, after_login=after_login)
    said = f"it is {kind_of(str(info['type']))}; only plugs, bulbs, switches and power strips can be switched"
    return OtherKind(host, said, after_login=after_login)
