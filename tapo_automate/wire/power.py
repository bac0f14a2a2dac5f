"""The load of a metered device, by the most exact method that it answers."""

from __future__ import annotations

from tapo_automate.errors import Refused, Unsupported
from tapo_automate.wire.client import Client
from tapo_automate.wire.codec import POWER_METHODS, power_w


class PowerMeter:
    """Reads one device's load; which of POWER_METHODS the device answers is found out once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._method: str | None = None

    def read_w(self) -> float:
        """Return the load in watts now.  Raises Unsupported without a meter, and what `Client.call` raises."""
        if self._method is not None:
            load = power_w(self._method, self._client.call(self._method))
            if load is not None:
                return load
        return self._search()

    def _search(self) -> float:
        refused: Refused | None = None
        for method in POWER_METHODS:
            try:
                load = power_w(method, self._client.call(method))
            except Unsupported:
                continue
            except Refused as error:  # some fail while the device's clock is not set, and others do not
                refused = error
                continue
            if load is not None:
                if refused is None:  # else a more exact one may answer next time
                    self._method = method
                return load
        if refused is not None:
            raise refused
        raise Unsupported(self._client.host, "it has no power meter")
