"""The loading of another firmware, step by step.

This file knows no clock: it is told for how many seconds the device has run.
Source: docs/protocol.md, "Commands"; how long the steps last is made up.
"""

from collections.abc import Callable
from dataclasses import dataclass

PREPARE_S, LOAD_S = 2, 10

IDLE, PREPARING, LOADING, FLASHING, NOT_TRANSFERRED = 0, 1, 2, 3, 4
LOAD_FAILED, CHECK_FAILED, TRANSFER_FAILED, BATTERY_LOW = -1001, -1002, -1003, -1004
# After how many seconds each way to fail shows.
FAILURES_S = {
    BATTERY_LOW: 0,
    CHECK_FAILED: PREPARE_S,
    LOAD_FAILED: PREPARE_S + LOAD_S / 2,
    TRANSFER_FAILED: PREPARE_S + LOAD_S,
    NOT_TRANSFERRED: PREPARE_S + LOAD_S,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A firmware that the vendor has for this device.

    install: makes the device one with this firmware.  fails: how its loading ends, of FAILURES_S; 0 for well.
    night_share: how much of its random range a device lets go by in the night in which it updates itself.
    """

    version: str
    install: Callable[[], None]
    fails: int = 0
    note: str = ""
    night_share: float = 0.0


@dataclass(slots=True)
class Upgrade:
    """offer: what there is to load.  loading: what is being loaded, or has failed to be."""

    offer: Offer | None = None
    loading: Offer | None = None
    begun_s: float = 0.0
    by_itself: bool = False

    def begin(self, offer: Offer, elapsed_s: float, *, by_itself: bool) -> None:
        self.loading, self.begun_s, self.by_itself = offer, elapsed_s, by_itself

    def is_busy(self, elapsed_s: float) -> bool:
        return self.loading is not None and self.state(elapsed_s)[0] in (PREPARING, LOADING, FLASHING)

    def stop(self) -> None:
        """The power has gone: nothing is loaded any more."""
        self.loading = None

    def state(self, elapsed_s: float) -> tuple[int, int]:
        """Return (status, how many percent are loaded)."""
        if self.loading is None:
            return IDLE, 0
        age_s = elapsed_s - self.begun_s
        fails = self.loading.fails
        if fails and age_s >= FAILURES_S[fails]:
            return fails, _percent(FAILURES_S[fails])
        if age_s < PREPARE_S:
            return PREPARING, 0
        return (LOADING if age_s < PREPARE_S + LOAD_S else FLASHING), _percent(age_s)


def _percent(age_s: float) -> int:
    return int(100 * min(1.0, max(0.0, (age_s - PREPARE_S) / LOAD_S)))
