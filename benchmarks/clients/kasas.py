"""python-kasa: its protocol object by itself, which is its cheapest way to say one thing, and its Device."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from kasa import (
    Credentials,
    Device,
    DeviceConfig,
    DeviceConnectionParameters,
    DeviceEncryptionType,
    DeviceFamily,
    Discover,
)
from kasa.device_factory import get_protocol

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.clients import FIND_S

_ENCRYPTION = {"klap": DeviceEncryptionType.Klap, "aes": DeviceEncryptionType.Aes}


class Kasas:
    """One protocol object a device, told family and transport; all devices at once by gather."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._protocols: list[Any] = []

    def open(self, addresses: Sequence[str], transport: str) -> None:
        async def make() -> None:
            self._protocols = [get_protocol(_config(address, transport)) for address in addresses]

        self._loop.run_until_complete(make())

    def repeat(self, method: str, count: int) -> None:
        async def work() -> None:
            query = self._protocols[0].query
            for number in range(count):
                await query({method: {"device_on": number % 2 == 0} if method == "set_device_info" else None})

        self._loop.run_until_complete(work())

    def switch(self, on: bool) -> None:
        self._gather([protocol.query({"set_device_info": {"device_on": on}}) for protocol in self._protocols])

    def poll(self, beats: int, period_s: float) -> dict[str, Any]:
        """A single get_current_power per beat and meter: one small request, the least that a watt costs."""

        async def one(protocol: Any) -> None:
            await protocol.query({"get_current_power": None})

        async def work() -> int:
            late = 0
            begin = time.monotonic()
            for beat in range(beats):
                wait_s = begin + beat * period_s - time.monotonic()
                late += wait_s < -0.05
                await asyncio.sleep(max(0.0, wait_s))
                await asyncio.gather(*(one(protocol) for protocol in self._protocols))
            await asyncio.sleep(max(0.0, begin + beats * period_s - time.monotonic()))
            return late

        return {"late": self._loop.run_until_complete(work())}

    def read_tables(self, addresses: Sequence[str], together: bool) -> int:
        async def one(address: str) -> int:
            protocol = get_protocol(_config(address, "klap"))
            assert protocol is not None
            try:
                table = await protocol.query({"get_schedule_rules": {"start_index": 0}})
            finally:
                await protocol.close()
            return len(table["get_schedule_rules"]["rule_list"])

        async def work() -> int:
            if together:
                return sum(await asyncio.gather(*map(one, addresses)))
            return sum([await one(address) for address in addresses])

        return self._loop.run_until_complete(work())

    def once(self, address: str, transport: str, method: str) -> None:
        """Told family and transport: without datagrams it does not find them out."""

        async def work() -> None:
            protocol = get_protocol(_config(address, transport))
            assert protocol is not None
            await protocol.query({method: {"device_on": True} if method == "set_device_info" else None})
            await protocol.close()

        self._loop.run_until_complete(work())

    def find(self, place: str, count: int) -> list[float]:
        """It asks port 20002, whatever it is told, and knows devices by their address.  place: on loopback."""
        assert place.startswith("127."), place
        begin = time.perf_counter()
        met: dict[str, float] = {}

        def heard(answer: Any) -> None:
            met.setdefault(answer["meta"]["ip"], time.perf_counter() - begin)

        async def work() -> None:
            found = await Discover.discover(
                target=place.partition(":")[0],
                discovery_timeout=int(FIND_S),
                credentials=Credentials(USERNAME, PASSWORD),
                on_discovered_raw=heard,
            )
            await asyncio.gather(*(device.disconnect() for device in found.values()))

        self._loop.run_until_complete(work())
        return list(met.values())

    def close(self) -> None:
        self._gather([protocol.close() for protocol in self._protocols])
        self._protocols = []

    def _gather(self, works: Sequence[Awaitable[Any]]) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*works)

        self._loop.run_until_complete(all_of_them())


class KasaDevices:
    """`Device.connect`, which reads the whole device, and `turn_on`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._configs: list[DeviceConfig] = []
        self._devices: list[Device] = []

    def open(self, addresses: Sequence[str], transport: str) -> None:
        self._configs = [_config(address, transport) for address in addresses]
        self._devices = []

    def repeat(self, method: str, count: int) -> None:
        """get_device_info is `update()`: what its users call to learn a device's state."""

        async def work() -> None:
            device = await self._connected(self._configs[0])
            for number in range(count):
                if method == "set_device_info":
                    await (device.turn_on() if number % 2 == 0 else device.turn_off())
                else:
                    await device.update()

        self._loop.run_until_complete(work())

    def switch(self, on: bool) -> None:
        async def one(config: DeviceConfig, number: int) -> None:
            device = self._devices[number] if self._devices else await Device.connect(config=config)
            connected[number] = device
            await (device.turn_on() if on else device.turn_off())

        async def work() -> None:
            await asyncio.gather(*(one(config, number) for number, config in enumerate(self._configs)))

        connected: dict[int, Device] = {}
        self._loop.run_until_complete(work())
        self._devices = [connected[number] for number in range(len(self._configs))]

    def close(self) -> None:
        async def work() -> None:
            await asyncio.gather(*(device.disconnect() for device in self._devices))

        self._loop.run_until_complete(work())
        self._devices = []

    async def _connected(self, config: DeviceConfig) -> Device:
        if not self._devices:
            self._devices = [await Device.connect(config=config)]
        return self._devices[0]


def _config(address: str, transport: str) -> DeviceConfig:
    host, _, port = address.partition(":")
    kind = DeviceConnectionParameters(
        device_family=DeviceFamily.SmartTapoPlug, encryption_type=_ENCRYPTION[transport], login_version=2
    )
    return DeviceConfig(
        host=host, port_override=int(port), credentials=Credentials(USERNAME, PASSWORD), connection_type=kind
    )
