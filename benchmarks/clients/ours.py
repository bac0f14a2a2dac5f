"""tapo-automate: the wire's client by itself, and the installed drivers as the daemon holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.account import PASSWORD, USERNAME
from tapo_automate import wire
from tapo_automate.daemon.lanes import Lanes
from tapo_automate.device import Credentials, Device, DeviceSpec, Setting
from tapo_automate.hooks import hookimpl
from tapo_automate.registry import Registry
from tapo_automate.rows import HoldsTables
from tapo_automate.wire import Client, connect

THREADS = 64  # the daemon's own limit
_ACCOUNT = Credentials(USERNAME, PASSWORD)

wire.use(wire.Surroundings(spacing_s=0))  # the daemon of `benchmarks.daemon_side`, too


class Ours:
    """`tapo_automate.wire.Client`, in the lanes that the daemon uses."""

    def __init__(self) -> None:
        self._lanes = Lanes(THREADS)
        self._clients: dict[str, Client] = {}

    def open(self, addresses: Sequence[str], transport: str) -> None:
        self._clients = {address: connect(address, _ACCOUNT, hint=transport) for address in addresses}

    def repeat(self, method: str, count: int) -> None:
        call = next(iter(self._clients.values())).call
        for number in range(count):
            call(method, {"device_on": number % 2 == 0} if method == "set_device_info" else None)

    def switch(self, on: bool) -> None:
        def switching(client: Client) -> Callable[[], object]:
            return lambda: client.call("set_device_info", {"device_on": on})

        in_lanes(self._lanes, {address: switching(client) for address, client in self._clients.items()})

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients = {}


class OurDevices:
    """The installed driver, found by the registry and told nothing but the address."""

    def __init__(self) -> None:
        self._lanes = Lanes(THREADS)
        self._registry = Registry({"account": Account()}, installed=True)
        self._devices: dict[str, Device] = {}

    def open(self, addresses: Sequence[str], transport: str) -> None:
        specs = {address: DeviceSpec(address, "tapo-plug", address) for address in addresses}
        self._devices = {address: self._registry.open(spec) for address, spec in specs.items()}

    def repeat(self, method: str, count: int) -> None:
        device = next(iter(self._devices.values()))
        for number in range(count):
            if method == "set_device_info":
                device.apply(Setting(on=number % 2 == 0))
            else:
                device.state()

    def switch(self, on: bool) -> None:
        def switching(device: Device) -> Callable[[], object]:
            return lambda: device.apply(Setting(on=on))

        in_lanes(self._lanes, {address: switching(device) for address, device in self._devices.items()})

    def read_tables(self, addresses: Sequence[str], together: bool) -> int:
        """What a plan reads: all tables, the clock, the place, the next event; not the schedule alone."""
        self.open(addresses, "")
        rows: list[int] = []

        def reading(device: Device) -> Callable[[], None]:
            def read() -> None:
                assert isinstance(device, HoldsTables)
                rows.append(len(device.holdings().tables["schedule"].rows))
                device.close()

            return read

        works = {address: reading(device) for address, device in self._devices.items()}
        if together:
            in_lanes(self._lanes, works)
        else:
            for work in works.values():
                work()
        self._devices = {}
        return sum(rows)

    def close(self) -> None:
        for device in self._devices.values():
            device.close()
        self._devices = {}


class Account:
    """A plugin that knows the account of the simulated devices."""

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials:
        return _ACCOUNT


def in_lanes(lanes: Lanes, works: dict[str, Callable[[], object]]) -> None:
    """Do each work in its lane and wait for all.  Raises the first failure."""
    failures: list[Exception] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as problem:
            failures.append(problem)

    for lane, work in works.items():
        lanes.put(lane, lambda work=work: guarded(work))
    if not lanes.drain(60):
        raise TimeoutError("the lanes are still at work after 60 s")
    if failures:
        raise failures[0]
