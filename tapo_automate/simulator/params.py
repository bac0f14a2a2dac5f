"""Reading the parameters of a method as strictly as a device does: anything odd is -1008."""

import base64
import binascii
from typing import Any

from tapo_automate.simulator.refusal import PARAMS, Refused

Params = dict[str, Any]


def integer(params: Params, key: str, low: int, high: int) -> int:
    """Return params[key], a whole number in low..high; JSON's true is none, and 5.0 was 5 when it was read."""
    value = params.get(key)
    if type(value) is not int or not low <= value <= high:
        raise Refused(PARAMS)
    return value


def boolean(params: Params, key: str) -> bool:
    value = params.get(key)
    if not isinstance(value, bool):
        raise Refused(PARAMS)
    return value


def text(params: Params, key: str) -> str:
    value = params.get(key)
    if not isinstance(value, str):
        raise Refused(PARAMS)
    return value


def base64_text(params: Params, key: str) -> str:
    """Return params[key] as it stands, once it is known to be base64 of UTF-8."""
    value = text(params, key)
    try:
        base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Refused(PARAMS) from error
    return value


def decoded(params: Params, key: str) -> str:
    """Return what params[key] says in base64."""
    return base64.b64decode(base64_text(params, key)).decode()


def mapping(params: Params, key: str) -> Params:
    value = params.get(key)
    if not isinstance(value, dict):
        raise Refused(PARAMS)
    return value


def choice(params: Params, key: str, *allowed: str) -> str:
    value = text(params, key)
    if value not in allowed:
        raise Refused(PARAMS)
    return value


def page_start(params: Params) -> int:
    """Return start_index, 0 when it is not sent."""
    return integer(params, "start_index", 0, 10_000) if "start_index" in params else 0


def optional_integers(params: Params, bounds: dict[str, tuple[int, int]]) -> None:
    """Check those of the keys that are sent."""
    for key, (low, high) in bounds.items():
        if key in params:
            integer(params, key, low, high)


def named_rows(params: Params) -> set[str] | None:
    """Return the ids that a removal names, None for all of them."""
    everything = boolean(params, "remove_all")
    rows = params.get("rule_list", []) if everything else params.get("rule_list")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(PARAMS)
    ids = {text(row, "id") for row in rows}
    return None if everything else ids
