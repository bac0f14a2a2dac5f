"""The driver `tapo-plug`: Tapo plugs, and wall switches, with and without a meter.

It speaks KLAP or securePassthrough, whichever the device wants, and knows from the device itself what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable

from tapo_automate import Credentials, DeviceSpec, Driver, hookimpl
from tapo_automate.wire import SmartDevice, open_device


class PlugDriver:
    """Opens Tapo plugs and switches."""

    name = "tapo-plug"

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> SmartDevice:
        """Return the device, not yet connected.  Raises ConfigError without credentials."""
        return open_device(spec, credentials)


@hookimpl
def register_drivers() -> Iterable[Driver]:
    """Bring the one driver of this package."""
    return [PlugDriver()]
