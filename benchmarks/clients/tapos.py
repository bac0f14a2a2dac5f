"""tapo, the Rust library, by its Python wheel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tapo import ApiClient

from benchmarks.account import PASSWORD, USERNAME


class Tapos:
    """Its plug handlers; it speaks KLAP and TPAP."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._handlers: list[Any] = []

    def open(self, addresses: Sequence[str], transport: str) -> None:
        async def make() -> None:
            self._handlers = [await ApiClient(USERNAME, PASSWORD).p110(address) for address in addresses]

        assert transport == "klap"
        self._loop.run_until_complete(make())

    def repeat(self, method: str, count: int) -> None:
        async def work() -> None:
            handler = self._handlers[0]
            for number in range(count):
                if method == "set_device_info":
                    await (handler.on() if number % 2 == 0 else handler.off())
                else:
                    await handler.get_device_info()

        self._loop.run_until_complete(work())

    def switch(self, on: bool) -> None:
        async def work() -> None:
            await asyncio.gather(*((handler.on() if on else handler.off()) for handler in self._handlers))

        self._loop.run_until_complete(work())

    def once(self, address: str, transport: str, method: str) -> None:
        """Told the address alone."""

        async def work() -> None:
            handler = await ApiClient(USERNAME, PASSWORD).p110(address)
            await (handler.on() if method == "set_device_info" else handler.get_device_info())

        self._loop.run_until_complete(work())

    def read_tables(self, addresses: Sequence[str], together: bool) -> int:
        async def one(address: str) -> int:
            return len(await (await ApiClient(USERNAME, PASSWORD).p110(address)).get_schedule_rules())

        async def work() -> int:
            if together:
                return sum(await asyncio.gather(*map(one, addresses)))
            return sum([await one(address) for address in addresses])

        return self._loop.run_until_complete(work())

    def close(self) -> None:
        self._handlers = []
