"""A Tapo plug, bulb or switch as rules and commands know devices; what it can do is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapo_automate.device import Description, Setting, State
from tapo_automate.wire import codec
from tapo_automate.wire.client import Client
from tapo_automate.wire.power import PowerMeter


class SmartDevice:
    """A `Device` over a client.  Keeps what the device said it is until it is closed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._meter = PowerMeter(client)
        self._description: Description | None = None

    def describe(self) -> Description:
        """Return what the device is and can do, from its own list of components."""
        if self._description is None:
            components = codec.components(self._client.call("component_nego"))
            info = self._client.call("get_device_info")
            self._description = codec.description(self._client.host, info, components, self._client.transport)
        return self._description

    def state(self) -> State:
        """Return what the device is doing now."""
        return codec.state(self._client.host, self._client.call("get_device_info"))

    def apply(self, setting: Setting) -> None:
        """Set the device with one `set_device_info`, checked against the device's own ranges first."""
        if setting == Setting(on=setting.on):
            # Everything that can be switched takes this: no need to ask what it is, which counts when a fleet wakes up.
            params: dict[str, Any] = {} if setting.on is None else {"device_on": setting.on}
        else:
            now = self.state() if codec.is_half_a_color(setting) else None
            params = codec.set_params(self._client.host, setting, self.describe(), now)
        if params:
            self._client.call("set_device_info", params)

    def power_w(self) -> float:
        """Return the load in watts now."""
        return self._meter.read_w()

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Pass a method on as it is."""
        return self._client.call(method, params)

    def close(self) -> None:
        """Forget the session and let go of the connection; the next call opens both anew."""
        self._description = None
        self._client.close()
