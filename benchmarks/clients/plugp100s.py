"""plugp100, told family and transport."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from plugp100.api.requests.tapo_request import TapoRequest
from plugp100.common.credentials import AuthCredential
from plugp100.devices.factory import DeviceConnectConfiguration, connect

from benchmarks.account import PASSWORD, USERNAME


class Plugp100s:
    """Raw requests by its client, which is less work than its devices do."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._clients: list[Any] = []

    def open(self, addresses: Sequence[str], transport: str) -> None:
        async def make() -> None:
            self._clients = [(await connect(_config(address, transport))).client for address in addresses]

        self._loop.run_until_complete(make())

    def repeat(self, method: str, count: int) -> None:
        async def work() -> None:
            execute = self._clients[0].execute_raw_request
            for number in range(count):
                if method == "set_device_info":
                    request = TapoRequest.set_device_info({"device_on": number % 2 == 0})
                else:
                    request = TapoRequest.get_device_info()
                (await execute(request)).get_or_raise()

        self._loop.run_until_complete(work())

    def switch(self, on: bool) -> None:
        async def work() -> None:
            request = TapoRequest.set_device_info({"device_on": on})
            answers = await asyncio.gather(*(client.execute_raw_request(request) for client in self._clients))
            for answer in answers:
                answer.get_or_raise()

        self._loop.run_until_complete(work())

    def once(self, address: str, transport: str, method: str) -> None:
        """Told the family; it tries the transports by itself, but for securePassthrough, which it does not find."""

        async def work() -> None:
            client = (await connect(_config(address, "aes" if transport == "aes" else None))).client
            if method == "set_device_info":
                request = TapoRequest.set_device_info({"device_on": True})
            else:
                request = TapoRequest.get_device_info()
            (await client.execute_raw_request(request)).get_or_raise()
            await client.close()

        self._loop.run_until_complete(work())

    def close(self) -> None:
        async def work() -> None:
            await asyncio.gather(*(client.close() for client in self._clients))

        self._loop.run_until_complete(work())
        self._clients = []


def _config(address: str, transport: str | None) -> DeviceConnectConfiguration:
    host, _, port = address.partition(":")
    return DeviceConnectConfiguration(
        host=host,
        port=int(port),
        credentials=AuthCredential(USERNAME, PASSWORD),
        device_type="SMART.TAPOPLUG",
        encryption_type=transport,
        encryption_version=2,
    )
