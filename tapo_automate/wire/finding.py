"""Finding a device by its MAC, whatever address it has now.

One search serves all who look for something: a house that comes up after a power cut looks for all its devices at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from tapo_automate.errors import ConfigError
from tapo_automate.wire.address import parse_host
from tapo_automate.wire.discovery import Found
from tapo_automate.wire.udp import Target

UNICAST_S = 1.0
SEARCH_S = 5.0
FRESH_S = 30.0  # how long what a search has found, or not found, is believed


class Search(Protocol):
    """`udp.discover`."""

    def __call__(
        self,
        targets: Sequence[Target],
        *,
        timeout_s: float,
        until: Callable[[Found], bool] | None,
    ) -> list[Found]: ...


class Finder:
    """Finds devices; safe to share between threads.  targets: where to look when a device is not where it was."""

    def __init__(self, search: Search, targets: Callable[[], Sequence[Target]], stopwatch: Callable[[], float]) -> None:
        self._search = search
        self._targets = targets
        self._stopwatch = stopwatch
        self._met: dict[str, tuple[float, str]] = {}  # MAC -> when it answered, and where
        self._missed: dict[str, float] = {}  # MAC -> when it was looked for in vain
        self._heard_all_at = -FRESH_S  # when a search that heard everybody out began
        self._wanted: set[str] = set()
        self._searching = threading.Lock()

    def find(self, mac: str, last: str, tried: Collection[str] = ()) -> str | None:
        """Return the host of the device with this MAC, or None.

        last: the host that it was asked at in vain, or ""; returned if that is where it is.  tried: others like it.
        """
        self._wanted.add(mac)
        came_at = self._stopwatch()
        try:
            with self._searching:
                if (known := self._fresh(mac)) is not None and known not in {last, *tried}:
                    return known
                if self._heard_all_at > came_at or self._stopwatch() - self._missed.get(mac, -FRESH_S) < FRESH_S:
                    return None
                return self._at_its_address(mac, last) or self._anywhere(mac)
        finally:
            self._wanted.discard(mac)

    def who_is_at(self, host: str) -> str | None:
        """Return the MAC of the device that has answered from this host a moment ago, or None."""
        met = self._met.items()  # of the table of now: another thread may put a newer one in its place meanwhile
        latest = max(((at_s, mac) for mac, (at_s, place) in met if place == host), default=None)
        return latest[1] if latest is not None and self._stopwatch() - latest[0] < FRESH_S else None

    def _fresh(self, mac: str) -> str | None:
        at_s, host = self._met.get(mac, (-FRESH_S, ""))
        return host if host and self._stopwatch() - at_s < FRESH_S else None

    def _at_its_address(self, mac: str, last: str) -> str | None:
        """Ask where it was: it may have another port there, or sleep."""
        if not last:
            return None
        try:
            address, _ = parse_host(last)
        except ConfigError:
            return None
        found = self._search([Target(address)], timeout_s=UNICAST_S, until=lambda each: each.mac == mac)
        self._note(found)
        return next((each.host for each in found if each.mac == mac), None)

    def _anywhere(self, mac: str) -> str | None:
        wanted = self._wanted | {mac}
        missing = set(wanted)
        begun_at = self._stopwatch()

        def all_met(found: Found) -> bool:
            missing.discard(found.mac)
            return not missing

        found = self._search(self._targets(), timeout_s=SEARCH_S, until=all_met)
        self._note(found)
        if missing:
            self._heard_all_at = begun_at
            self._missed |= dict.fromkeys(missing, self._stopwatch())
        return next((each.host for each in found if each.mac == mac), None)

    def _note(self, found: Sequence[Found]) -> None:
        now_s = self._stopwatch()
        # What is no longer believed goes: whoever answers with other MACs each time is not to fill our memory.
        met = {mac: met for mac, met in self._met.items() if now_s - met[0] < FRESH_S}
        met |= {each.mac: (now_s, each.host) for each in found}
        self._met = met  # at once, and never changed in its place: other threads go through it
        for each in found:
            self._missed.pop(each.mac, None)
