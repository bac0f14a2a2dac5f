"""A device's own idea of the time: an offset to the truth, a zone, and sometimes the year 2000."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

YEAR_2000 = 946_684_800.0  # Unix seconds of 2000-01-01T00:00:00Z


class DeviceClock:
    """Tells Unix seconds as the device believes them, its local calendar, and how long the device has run.

    now: the truth in Unix seconds.  ticks: seconds that only pass, unlike a truth that may be corrected; those of now
    unless given.  time_diff_min: the zone's standard offset, used alone when region is empty.
    """

    def __init__(
        self,
        now: Callable[[], float],
        region: str,
        time_diff_min: int,
        *,
        ticks: Callable[[], float] | None = None,
        lost: bool = False,
    ) -> None:
        self._now = now
        self._ticks = now if ticks is None else ticks
        self._last_tick = self._ticks()
        self._elapsed_s = 0.0
        self.ahead_s = 0.0
        self.lost = False
        self._set_zone(region, time_diff_min)
        if lost:
            self.lose(now())

    @property
    def zone(self) -> tzinfo:
        return self._zone

    def time(self) -> float:
        return self._now() + self.ahead_s

    def truth(self) -> float:
        """Return Unix seconds as they are."""
        return self._now()

    def elapsed(self) -> float:
        """Return the seconds of the device's life; setting or losing the clock does not change them."""
        tick = self._ticks()
        self._elapsed_s += max(0.0, tick - self._last_tick)
        self._last_tick = tick
        return self._elapsed_s

    def lose(self, true_at: float) -> None:
        """Have started over in the year 2000 at true_at, as after a power cut without a time server."""
        self.ahead_s = YEAR_2000 - true_at
        self.lost = True

    def set(self, true_at: float, timestamp: float, time_diff_min: int, region: str) -> None:
        """Have been set to timestamp at true_at."""
        self.ahead_s = timestamp - true_at
        self.lost = False
        self._set_zone(region, time_diff_min)

    def local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, self._zone)

    def hour(self, at: float) -> float:
        """Return the start of the local hour that holds at; not every zone is whole hours from UTC."""
        local = self.local(at)
        return at - (local.minute * 60 + local.second + local.microsecond / 1e6)

    def midnight(self, at: float, days: int = 0) -> float:
        """Return the start of the local day that holds at, moved by whole days."""
        local = self.local(at)
        day = (datetime(local.year, local.month, local.day, tzinfo=UTC) + timedelta(days=days)).date()
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()

    def month_start(self, at: float, months: int = 0) -> float:
        """Return the start of the local month that holds at, moved by whole months."""
        local = self.local(at)
        count = local.year * 12 + local.month - 1 + months
        return datetime(count // 12, count % 12 + 1, 1, tzinfo=self._zone).timestamp()

    def _set_zone(self, region: str, time_diff_min: int) -> None:
        self.region = region
        self.time_diff_min = time_diff_min
        self._zone: tzinfo = zone(region) or timezone(timedelta(minutes=time_diff_min))


def zone(region: str) -> ZoneInfo | None:
    """Return the named zone, None when the name is empty or unknown."""
    try:
        return ZoneInfo(region) if region else None
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError; a path outside of the database a ValueError
        return None
    except KeyError:
        return None
