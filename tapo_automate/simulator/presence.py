"""When a device is there to be spoken to, and when it starts again.

This file knows no clock: every moment is a second of the device's life, whatever its clock is set to.
"""

from dataclasses import dataclass, replace
from math import inf

NAP_S = (470.0, 540.0)  # Source: docs/protocol.md, "A device that sleeps": some eight minutes


@dataclass(frozen=True, slots=True)
class Presence:
    """since_s: when this began to hold.

    offline: (seconds until it is away, seconds that it stays away), its power and its session kept.
    reboots: (seconds up, seconds away), over and over; each time it loses what it does not store.
    sleeps_s: for how long at least and at most it accepts no connection after its power was gone, None for not at all;
    a probe wakes it.  nap: from when until when it sleeps, None if it is awake.
    adrift: it is in no network from which anything reaches it.
    """

    since_s: float = 0.0
    offline: tuple[float, float] | None = None
    reboots: tuple[float, float] | None = None
    sleeps_s: tuple[float, float] | None = None
    nap: tuple[float, float] | None = None
    adrift: bool = False

    @property
    def is_constant(self) -> bool:
        return self.offline is None and self.reboots is None and self.nap is None and not self.adrift

    def is_away(self, elapsed_s: float) -> bool:
        """Whether it accepts no connection."""
        return self.is_asleep(elapsed_s) or self.is_gone(elapsed_s)

    def is_gone(self, elapsed_s: float) -> bool:
        """Whether nothing at all reaches it."""
        age_s = elapsed_s - self.since_s
        if self.adrift:
            return True
        if self.offline is not None and 0 <= age_s - self.offline[0] < self.offline[1]:
            return True
        return self.is_down(elapsed_s)

    def is_down(self, elapsed_s: float) -> bool:
        """Whether it is without power, as it is between two starts."""
        return self.reboots is not None and (elapsed_s - self.since_s) % sum(self.reboots) >= self.reboots[0]

    def is_asleep(self, elapsed_s: float) -> bool:
        return self.nap is not None and self.nap[0] <= elapsed_s < self.nap[1]

    def is_final(self, elapsed_s: float) -> bool:
        """Whether is_away stays what it is from now on."""
        if self.reboots is not None or (self.nap is not None and elapsed_s < self.nap[1]):
            return False
        if self.offline is None:
            return True
        age_s = elapsed_s - self.since_s
        return age_s >= sum(self.offline) or (age_s >= self.offline[0] and self.offline[1] == inf)

    def reboot_s(self, number: int) -> float | None:
        """Return when the reboot of this number, counted from 0, begins; None if there are none."""
        if self.reboots is None:
            return None
        return self.since_s + number * sum(self.reboots) + self.reboots[0]

    def asleep(self, from_s: float, until_s: float) -> "Presence":
        return replace(self, nap=(from_s, until_s))

    def awake(self) -> "Presence":
        return replace(self, nap=None)
