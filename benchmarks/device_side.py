"""The simulated devices, in a process of their own: what they cost is not the client's.

Questions: add, fill, faults, calls, spent, close.  Instants are Unix seconds; both sides read the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.child import Child, serve
from benchmarks.cost import cost_of, peak_mib, resident_mib
from tapo_automate.simulator import Device, Fleet

AT_ONCE = ""
LATE = "slow=0.025..0.055"  # 40 ± 15 ms, each answer by itself


class DeviceSide:
    """Simulated devices that run until the context ends."""

    def __init__(self) -> None:
        self._child = Child("benchmarks.device_side")

    def __enter__(self) -> DeviceSide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, error, trace)

    def add(
        self,
        count: int,
        *,
        profile: str = "P110",
        transport: str = "klap",
        faults: str = AT_ONCE,
        log: bool = False,
        tpap: str = "",
        block: str = "",
    ) -> list[str]:
        """Start devices and return their addresses.

        log: keep what they are told.  tpap: as `Fleet.add` takes it.  block: such as "127.9.4"; each device then has an
        address of its own in it, and hears probes at UDP 20002 there.
        """
        words = {"profile": profile, "transport": transport, "faults": faults, "log": log, "tpap": tpap, "block": block}
        addresses: list[str] = self._child.ask("add", count=count, **words)["addresses"]
        return addresses

    def fill(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Let a person add these rows to the schedule of every device, in the device's own words."""
        self._child.ask("fill", rows=list(rows))

    def faults(self, faults: str) -> None:
        """Let every device have these faults from now on, in the place of those that it has."""
        self._child.ask("faults", faults=faults)

    def calls(self, methods: Collection[str], since: float) -> dict[str, list[float]]:
        """Return, by address, the instants at which one of `methods` was carried out from `since` on."""
        found: dict[str, list[float]] = self._child.ask("calls", methods=list(methods), since=since)["calls"]
        return found

    def spent(self) -> dict[str, float]:
        """Return cpu_s, requests, rss_mib, peak_mib and handshakes so far, and start_s, which the last `add` took."""
        return self._child.ask("spent")


class _Side:
    def __init__(self) -> None:
        self._fleet = Fleet()
        self._devices: list[Device] = []
        self._start_s = 0.0

    def add(
        self, count: int, profile: str, transport: str, faults: str, log: bool, tpap: str, block: str
    ) -> dict[str, Any]:
        started: list[Device] = []

        def start() -> None:
            for number in range(1, 1 + count):
                place: dict[str, Any] = {"host": f"{block}.{number}", "discovery": 20002} if block else {}
                device = self._fleet.add(
                    profile,
                    username=USERNAME,
                    password=PASSWORD,
                    transport=transport,
                    faults=faults,
                    keep_calls=10_000 if log else 0,
                    tpap=tpap,
                    **place,
                )
                started.append(device)

        self._start_s = cost_of(start).wall_s
        self._devices += started
        return {"addresses": [device.address for device in started]}

    def fill(self, rows: list[dict[str, Any]]) -> None:
        for device in self._devices:
            for row in rows:
                device.person_adds("schedule", row)

    def faults(self, faults: str) -> None:
        for device in self._devices:
            device.set_faults(faults)

    def calls(self, methods: list[str], since: float) -> dict[str, Any]:
        def done(device: Device) -> list[float]:
            return [
                call.at for call in device.calls if call.method in methods and call.at >= since and not call.error_code
            ]

        return {"calls": {device.address: done(device) for device in self._devices}}

    def spent(self) -> dict[str, Any]:
        return {
            "cpu_s": time.process_time(),
            "requests": sum(device.requests for device in self._devices),
            "handshakes": sum(device.handshakes for device in self._devices),
            "refusals": sum(len(device.refusals) for device in self._devices),
            "rss_mib": resident_mib(),
            "peak_mib": peak_mib(),
            "start_s": self._start_s,
        }


if __name__ == "__main__":
    side = _Side()
    serve({"add": side.add, "fill": side.fill, "faults": side.faults, "calls": side.calls, "spent": side.spent})
