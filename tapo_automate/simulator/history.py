"""What a meter keeps of the past: five minutes for two days, hours for two months, days for some years.

This file knows no clock: every moment comes as an argument, in Unix seconds as the device believes them.
"""

from collections.abc import Callable

FINE_S = 300  # every zone's hours begin on such a slot
FINE_KEPT_S = 2 * 86_400
HOURS_KEPT_S = 62 * 86_400
_DAYS_KEPT = 1000

Amount = tuple[float, float]  # joules, and seconds switched on
Slots = dict[int, Amount]


class History:
    """Amounts by the moment at which their slot begins; each is in one of three ranks, the older the coarser.

    hour, day: the start of the local hour and of the local day that hold a moment, by the calendar of the present.
    Its size is bounded whatever happens to the device's clock: 576 slots, 1488 hours and 1000 days, and of a clock
    that was set what it left until then.
    """

    def __init__(self, hour: Callable[[float], float], day: Callable[[float], float]) -> None:
        self._hour: Callable[[float], int] = lambda at: round(hour(at))
        self._day: Callable[[float], int] = lambda at: round(day(at))
        self._fine: Slots = {}
        self._hours: Slots = {}
        self._days: Slots = {}
        self._sums: dict[tuple[int, int], Amount] = {}

    def __len__(self) -> int:
        return len(self._fine) + len(self._hours) + len(self._days)

    def add(self, start: float, end: float, amount: Callable[[float, float], Amount]) -> None:
        """Keep what amount says of the spans from start to end, in slots as fine as their age wants them."""
        edge = start
        while edge < end:
            if edge < end - HOURS_KEPT_S:
                slots, slot, after = self._days, self._day(edge), self._day(self._day(edge) + 36 * 3600)
            elif edge < end - FINE_KEPT_S:
                slots, slot, after = self._hours, self._hour(edge), self._hour(self._hour(edge) + 3600)
            else:
                slots, slot = self._fine, int(edge // FINE_S * FINE_S)
                after = slot + FINE_S
            # Where a clock change is no whole hour, what is called the next hour may have begun before.
            until = min(end, after if after > edge else edge + FINE_S)
            _put(slots, slot, amount(edge, until))
            edge = until
        self._age(end)
        self._sums.clear()

    def between(self, start: float, end: float) -> Amount:
        """Return what is kept of the slots that begin from start to end."""
        first, last = (int(-(-at // FINE_S)) * FINE_S for at in (start, end))
        known = self._sums.get((first, last))
        if known is None:
            joules = seconds = 0.0
            for slots in (self._fine, self._hours, self._days):
                for slot, amount in slots.items():
                    if first <= slot < last:
                        joules += amount[0]
                        seconds += amount[1]
            known = joules, seconds
            if len(self._sums) > 512:
                self._sums.clear()
            self._sums[first, last] = known
        return known

    def clear(self) -> None:
        for slots in (self._fine, self._hours, self._days):
            slots.clear()
        self._sums.clear()

    def _age(self, at: float) -> None:
        """Give what is old, or was left behind when the clock was set, to a coarser rank; let go of the oldest days."""
        _fold(self._fine, self._hours, self._hour, at, FINE_KEPT_S + 3600)
        _fold(self._hours, self._days, self._day, at, HOURS_KEPT_S + 86_400)
        while len(self._days) > _DAYS_KEPT:
            del self._days[min(self._days)]


def _fold(finer: Slots, coarser: Slots, start_of: Callable[[float], int], at: float, kept_s: float) -> None:
    """Slots are in the order of their making: the first ones are old first, whatever the clock says."""
    while finer and abs(at - (slot := next(iter(finer)))) > kept_s:
        _put(coarser, start_of(slot), finer.pop(slot))


def _put(slots: Slots, slot: int, amount: Amount) -> None:
    before = slots.get(slot, (0.0, 0.0))
    slots[slot] = before[0] + amount[0], before[1] + amount[1]
