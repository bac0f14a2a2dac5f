"""tapo-automate's wire and nothing else of it, as a script has it."""

from __future__ import annotations

import time

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.clients import FIND_S
from tapo_automate.device import Credentials
from tapo_automate.wire import connect
from tapo_automate.wire.discovery import Found
from tapo_automate.wire.udp import discover, parse_target

_ACCOUNT = Credentials(USERNAME, PASSWORD)


class Wire:
    """One device, or one search."""

    def once(self, address: str, transport: str, method: str) -> None:
        """Told the address alone."""
        client = connect(address, _ACCOUNT)
        client.call(method, {"device_on": True} if method == "set_device_info" else None)
        client.close()

    def find(self, place: str, count: int) -> list[float]:
        begin = time.perf_counter()
        met: dict[str, float] = {}

        def all_met(found: Found) -> bool:
            met.setdefault(found.mac, time.perf_counter() - begin)
            return len(met) == count

        discover([parse_target(place)], timeout_s=FIND_S, until=all_met)
        return list(met.values())
