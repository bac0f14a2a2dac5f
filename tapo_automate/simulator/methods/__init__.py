"""What the methods of a device do, by subject; importing a subject registers its methods."""

from typing import Any

from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods import (
    antitheft,
    children,
    countdown,
    energy,
    firmware,
    household,
    identity,
    lamp,
    led,
    network,
    schedule,
)
from tapo_automate.simulator.methods.registry import METHODS, Method
from tapo_automate.simulator.refusal import PARAMS, UNKNOWN_METHOD, Refused

__all__ = [
    "METHODS",
    "Method",
    "antitheft",
    "carry_out",
    "children",
    "countdown",
    "energy",
    "firmware",
    "household",
    "identity",
    "lamp",
    "led",
    "network",
    "schedule",
]

# Two of three clients send "params": null with what takes no parameters, and devices let them; not so with these.
_NULL_REFUSED = frozenset(
    {
        "get_schedule_rules",
        "get_countdown_rules",
        "get_antitheft_rules",
        "get_preset_rules",
        "get_dynamic_light_effect_rules",
        "get_energy_data",
    }
)


def carry_out(appliance: Appliance, method: str, params: Any) -> Any:
    """Carry method out on a device that is settled and return its result; None for none.

    Raises Refused.
    """
    known = METHODS.get(method)
    if known is not None and not known.known_to(appliance):
        known = None
    if known is None and method not in appliance.replies:
        raise Refused(UNKNOWN_METHOD)
    if params is None and method not in _NULL_REFUSED:
        params = {}
    if not isinstance(params, dict):
        raise Refused(PARAMS)
    stored = appliance.replies.get(method)
    if type(stored) is int:
        raise Refused(stored)
    if known is None or (method in appliance.replies and not isinstance(stored, dict)):
        return stored
    return known.run(appliance, params)
