"""The dumps of real devices in the folder TAPO_FIXTURES, as python-kasa's dump_devinfo wrote them over the years."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("TAPO_FIXTURES")
_OURS = ("PLUG", "SWITCH", "BULB")  # hubs, vacuum cleaners, chimes, sensors, locks and cameras are none


def said_at_discovery(dump: dict[str, Any]) -> dict[str, Any]:
    """Return what a device said of itself to those who looked for it; newer dumps have it as it came, in a `result`.

    Of a dump without it, made by a tool that was given the address: what may be known all the same.
    """
    told = dump.get("discovery_result")
    if isinstance(told, dict):
        return dict(told.get("result", told))
    info = dump["get_device_info"]
    scheme = {"is_support_https": False, "encrypt_type": "KLAP", "http_port": 80, "lv": 2}
    said = {"device_id": "0" * 32, "owner": "0" * 32, "device_type": info["type"], "device_model": info["model"]}
    return {**said, "mac": info["mac"], "ip": info["ip"], "factory_default": False, "mgt_encrypt_schm": scheme}


def is_ours(dump: Any) -> bool:
    """Whether it is of a plug, a bulb, a switch or a power strip, in the dialect of Tapo."""
    if not isinstance(dump, dict) or not isinstance(dump.get("component_nego"), dict):
        return False
    info = dump.get("get_device_info")
    return isinstance(info, dict) and str(info.get("type")).endswith(_OURS) and "parent_device_id" not in info


def _found() -> list[Path]:
    paths = sorted(Path(FOLDER).glob("*.json")) if FOLDER else []
    return [path for path in paths if is_ours(json.loads(path.read_text(encoding="utf-8")))]


DUMPS = _found()
