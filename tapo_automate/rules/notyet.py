"""Warnings: what a file says that this version does not do, each at the key that says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tapo_automate.rules.faults import Fault


def not_yet(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a warning for each device that no driver finds yet."""
    devices = document.get("devices")
    for name, device in devices.items() if isinstance(devices, dict) else ():
        if isinstance(device, dict) and "mac" in device and "host" not in device:
            message = f'device "{name}" has only a `mac`, which is not searched for yet: its rules come due and fail'
            yield Fault("W205", ("devices", name, "mac"), message, 'give it a host: host = "192.168.1.31"', "key")
