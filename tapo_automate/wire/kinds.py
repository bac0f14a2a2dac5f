"""What to say of a device that cannot be switched as a whole: a power strip, or another kind, by its own word.

Source: docs/protocol.md, "Discovery".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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


def no_switch(info: Mapping[str, Any]) -> str:
    """Return what to say of a device whose answer to `get_device_info` shows no switch.

    >>> no_switch({"type": "SMART.TAPOHUB"})
    'it is a hub; only plugs, bulbs, switches and power strips can be switched'
    """
    if not is_other(info):
        return NOT_AS_A_WHOLE
    said = str(info["type"])
    kind = _OTHERS.get(said, f"another kind of device ({said})")
    return f"it is {kind}; only plugs, bulbs, switches and power strips can be switched"
