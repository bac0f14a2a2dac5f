"""How a device defends itself against whoever tries passwords."""

from math import ceil

from tapo_automate.simulator.offer import Tpap


class Lockout:
    """Counts the failed logins of one device; so many of them, and it is locked for a while.

    Seconds are those of the device's life.  A restart does not unlock it, a successful login starts the count anew.
    Source: docs/protocol.md, "TPAP".
    """

    def __init__(self, tpap: Tpap) -> None:
        self._most = tpap.attempts
        self._length_s = tpap.locked_min * 60
        self._failed = 0
        self._until_s = 0.0

    def is_locked(self, now_s: float) -> bool:
        if self._failed < self._most:
            return False
        if now_s >= self._until_s:
            self._failed = 0
        return self._failed > 0

    def fail(self, now_s: float) -> None:
        self._failed += 1
        if self._failed == self._most:
            self._until_s = now_s + self._length_s

    def forgive(self) -> None:
        self._failed = 0

    def told(self, now_s: float) -> dict[str, int]:
        """Return the error_info of a refusal."""
        locked_min = ceil((self._until_s - now_s) / 60) if self.is_locked(now_s) else 0
        return {
            "lockedMinute": locked_min,
            "failedAttempts": self._failed,
            "remainAttempts": self._most - self._failed,
        }
