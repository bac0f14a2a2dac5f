"""The load of a metered device, by the most exact method that it answers; what cannot be a reading is none.

Source: docs/protocol.md, "Energy and power".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tapo_automate.errors import Busy, DeviceError, Garbled, Refused, Unsupported
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.codec import POWER_METHODS, components, lost_clock, maximum_w, power_w
from tapo_automate.wire.pulse import Pulse

EXACT, USAGE, _ = POWER_METHODS

LEAST_MAXIMUM_W = 1200.0  # 10 A at 120 V: a load that any device carries is not worth the question for its maximum
MOST_W = 4000.0  # 16 A at 250 V, the largest socket, where a device does not say its maximum
OVERLOAD = 1.5  # what a socket may carry for the seconds that its protection takes; its maximum varies with the mains

_SET_IT = "let the device reach a time server (NTP, UDP port 123)"


def feeds_in(listed: Mapping[str, int]) -> bool:
    """Return whether a device's meter counts both ways: what feeds in, as a solar panel does, draws less than nothing.

    >>> feeds_in({"energy_monitoring": 3}), feeds_in({"energy_monitoring": 2}), feeds_in({})
    (True, False, False)
    """
    return listed.get("energy_monitoring", 0) >= 3


class PowerMeter:
    """Reads one device's load; what the device does not know of POWER_METHODS is asked once."""

    def __init__(self, client: Caller) -> None:
        self._client = client
        self._methods = list(POWER_METHODS)
        self._maximum_w: float | None = None
        self._feeds_in: bool | None = None
        self._last: Mapping[str, Any] | None = None
        self._pulse = Pulse()

    def read_w(self) -> float:
        """Return the load in watts now: 0 of what feeds in, on a device whose meter counts both ways.

        Raises Garbled or Refused where the device says nothing that can be believed, Unsupported without a meter, and
        what `Client.call` raises.
        """
        refused: Refused | None = None
        zero: str | None = None  # "" or the day that its clock was at when it said 0
        for method in tuple(self._methods):
            try:
                result = self._client.call(method)
            except Unsupported:
                self._methods.remove(method)
                continue
            except Busy:
                raise
            except Refused as error:  # some fail while the device's clock is not set, and others do not
                refused = refused or error
                continue
            load = power_w(method, result)
            if load is None:
                continue
            lost = lost_clock(result)
            if load or not (refused or lost):
                self._check(method, load)
                self._check_pulse(method, result, load)
                return max(load, 0.0)
            zero = zero or lost
        if zero is None and refused is None:
            raise Unsupported(self._client.host, "it has no power meter")
        lost = self._lost_clock() or zero or ""
        if lost:
            raise self._without_clock(lost, refused)
        if zero is None and refused is not None:
            raise refused
        return 0.0

    def _check(self, method: str, load: float) -> None:
        """Raise Garbled for a load that the device cannot have."""
        said = f"its meter says {load:g} W ({method})"
        if not math.isfinite(load) or (load < 0 and not self._may_feed_in()):
            raise Garbled(self._client.host, f"{said}, which is no load")
        if abs(load) > LEAST_MAXIMUM_W:
            maximum = self._known_maximum_w()
            if abs(load) > OVERLOAD * maximum:
                raise Garbled(self._client.host, f"{said}, and it is built for {maximum:g} W: this is no reading")

    def _check_pulse(self, method: str, result: Mapping[str, Any], load: float) -> None:
        """Raise Garbled where the meter repeats its last reading and counts no more."""
        repeated, self._last = result == self._last, result
        usage: Mapping[str, Any] | None = result if method == USAGE else None
        if not load or (method == EXACT and not repeated):
            self._pulse.rest()
            return
        if method == EXACT:  # to the millivolt what it was: ask for what it counts
            usage = self._asked(USAGE) if USAGE in self._methods else None
        since = self._pulse.stopped(usage, sure=method == EXACT) if usage else None
        if since is not None:
            problem = f"it has said {load:g} W and counted nothing since {since:%H:%M:%S} by its own clock"
            raise Garbled(self._client.host, f"its meter stands still: {problem}")

    def _known_maximum_w(self) -> float:
        if self._maximum_w is None:
            self._maximum_w = maximum_w(self._asked("get_max_power") or {}) or MOST_W
        return self._maximum_w

    def _may_feed_in(self) -> bool:
        if self._feeds_in is None:
            self._feeds_in = feeds_in(components(self._asked("component_nego") or {}))
        return self._feeds_in

    def _lost_clock(self) -> str:
        return lost_clock(self._asked("get_device_time") or {})

    def _asked(self, method: str) -> Mapping[str, Any] | None:
        """Return the answer, or None where the device does not give one."""
        try:
            return self._client.call(method)
        except Busy:
            raise
        except Refused:
            return None
        except Unsupported:
            self._methods = [each for each in self._methods if each != method]
            return None

    def _without_clock(self, day: str, refused: Refused | None) -> DeviceError:
        """Return the error for a meter that stands still, or says nothing, while the clock is lost."""
        if refused is not None:
            advice = f"its clock is lost (it says {day}), and its meter with it; {_SET_IT}"
            return Refused(refused.host, refused.method, refused.code, refused.name, advice)
        return Garbled(
            self._client.host,
            f"its meter says 0 W, which may be because its clock is lost (it says {day}); {_SET_IT}",
        )
