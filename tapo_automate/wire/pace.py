"""How fast one device is asked: never sooner than a while after the last call, and slower once it has complained.

The web server in a plug is small: asked too fast it answers -1301 or 429, or hangs.  This file is one of the doors to
the world outside: it has a stop-watch and waits.  Source: docs/protocol.md, "Sessions and connections".
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence

SPACING_S = 0.1  # from the beginning of one call to that of the next
PATIENCE_S = (0.5, 1.0, 2.0, 4.0)  # how long a busy device is left alone before each further try
SLOWEST_S = 2.0
MOST_SPACING_S = 10.0
CALM_CALLS = 20  # good answers after which a device that was busy is asked faster again

stopwatch = time.monotonic

_SPACING = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)(ms|s)")


def spacing(text: str) -> float | None:
    """Return the seconds that a text such as "250ms" or "1.5s" means, or None if it is none or too long.

    >>> spacing("250ms"), spacing("0s"), spacing("1m"), spacing("11s")
    (0.25, 0.0, None, None)
    """
    match = _SPACING.fullmatch(text.strip())
    if match is None:
        return None
    spacing_s = float(match[1]) / (1000 if match[2] == "ms" else 1)
    return spacing_s if spacing_s <= MOST_SPACING_S else None


class Pace:
    """The pace of one device.  One thread at a time.

    spacing_s: between the requests of two calls; a call's handshake comes before its own.  patience_s: the waits before
    the further tries of a call that found the device busy; none for whoever tries again by himself.
    stopwatch, wait, chance: for tests.
    """

    def __init__(
        self,
        spacing_s: float = SPACING_S,
        patience_s: Sequence[float] = PATIENCE_S,
        *,
        stopwatch: Callable[[], float] = stopwatch,
        wait: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._least_s = self._spacing_s = spacing_s
        self._patience_s = patience_s
        self._stopwatch = stopwatch
        self._wait = wait
        self._chance = chance
        self._begun_at: float | None = None
        self._calm = 0

    @property
    def spacing_s(self) -> float:
        """The spacing as it is now."""
        return self._spacing_s

    def take_turn(self) -> None:
        """Wait until the next call may begin."""
        now = self._stopwatch()
        if self._begun_at is not None and (rest_s := self._begun_at + self._spacing_s - now) > 0:
            self._wait(rest_s)
            now = self._stopwatch()
        self._begun_at = now

    def begun(self) -> None:
        """Note that the device is asked now: what came before in the call was its handshake."""
        self._begun_at = self._stopwatch()

    def now_s(self) -> float:
        """Return what the stop-watch shows."""
        return self._stopwatch()

    def waits(self) -> Iterator[float]:
        """Yield the waits before further tries, each up to a quarter longer, lest many devices' callers keep step."""
        for wait_s in self._patience_s:
            yield wait_s * (1 + self._chance() / 4)

    def rest(self, wait_s: float) -> None:
        self._wait(wait_s)

    def complained(self) -> None:
        """The device was busy: ask it half as often, unless it is never to be waited for."""
        self._calm = 0
        self._spacing_s = min(2 * self._spacing_s, max(SLOWEST_S, self._least_s))

    def answered(self) -> None:
        """The device was well: after a while it may be asked as often as before."""
        if self._spacing_s > self._least_s:
            self._calm += 1
            if self._calm >= CALM_CALLS:
                self._calm = 0
                self._spacing_s = max(self._least_s, self._spacing_s / 2)
