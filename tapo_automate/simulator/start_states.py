"""What a device does when its power comes back: its default_states, in the shape of its model.

Source: docs/protocol.md, "Neighbouring settings".
"""

from collections.abc import Sequence
from typing import Any

from tapo_automate.simulator import light
from tapo_automate.simulator import params as read
from tapo_automate.simulator.refusal import PARAMS, Refused

States = dict[str, Any]
_REPOWER: Sequence[str] = ("always_on", "last_states")


def merged(info: States, wanted: States) -> States:
    """Return the default_states of a device with this info after wanted was set; what is not sent stays.

    Raises Refused for a shape that is not this model's.
    """
    stored = info.get("default_states")
    if not isinstance(stored, dict) or not wanted or not wanted.keys() <= stored.keys() | {"state"}:
        raise Refused(PARAMS)
    found = dict(stored)
    if "re_power_type" in wanted:
        able = stored.get("re_power_type_capability", _REPOWER)
        found["re_power_type"] = read.choice(wanted, "re_power_type", *able)
    if "brightness" in wanted:
        found["brightness"] = stored["brightness"] | _level(read.mapping(wanted, "brightness"))
    if "type" in wanted:
        found["type"] = read.choice(wanted, "type", "last_states", "custom")
    if "state" in wanted:
        found["state"] = _state(info, read.mapping(wanted, "state"))
    if found.get("type") == "custom" and not found.get("state"):
        raise Refused(PARAMS)
    if "brightness" not in info and found.get("type") == "last_states":
        found["state"] = {}
    return found


def after_power_cut(info: States) -> tuple[bool | None, dict[str, int]]:
    """Return (relay, light) as its power returns; None for the relay as it was, no light for that which it had."""
    stored = info.get("default_states")
    if not isinstance(stored, dict):
        return None, {}
    state, level = stored.get("state"), stored.get("brightness")
    own = state if stored.get("type") == "custom" and isinstance(state, dict) else {}
    values = {key: own[key] for key in light.LIGHT_KEYS if key in own and key in info}
    if isinstance(level, dict) and level.get("type") == "custom":
        values["brightness"] = level["value"]
    on = {"always_on": True, "always_off": False}.get(str(stored.get("re_power_type")), own.get("on"))
    return on, values


def _level(wanted: States) -> States:
    found: States = {}
    if "type" in wanted:
        found["type"] = read.choice(wanted, "type", "last_states", "custom")
    if "value" in wanted:
        found["value"] = read.integer(wanted, "value", 1, 100)
    if not found:
        raise Refused(PARAMS)
    return found


def _state(info: States, wanted: States) -> States:
    """Return the state of a start: of a plug its relay, of a lamp its light."""
    if "brightness" not in info:
        if wanted:
            read.boolean(wanted, "on")
        if wanted.keys() - {"on"}:
            raise Refused(PARAMS)
        return wanted
    if not wanted.keys() <= info.keys():
        raise Refused(PARAMS)
    light.check(info, wanted)
    return wanted
