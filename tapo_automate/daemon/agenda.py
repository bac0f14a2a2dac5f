"""What the daemon itself means to do later: poll meters, go on with a transition.  A value; it knows no clock."""

from __future__ import annotations

import datetime as dt
import heapq
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Agenda(Generic[Item]):
    """Items with the instant they are for, taken out in order."""

    def __init__(self) -> None:
        self._heap: list[tuple[dt.datetime, int, Item]] = []
        self._count = 0  # keeps items of one instant in the order they came, and the heap from comparing them

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def wake_at(self) -> dt.datetime | None:
        """The instant of the first item, or None where there is none."""
        return self._heap[0][0] if self._heap else None

    def add(self, at: dt.datetime, item: Item) -> None:
        """Keep the item until `at`."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, item))

    def take(self, now: dt.datetime) -> list[Item]:
        """Return and forget the items whose instant has come."""
        taken = []
        while self._heap and self._heap[0][0] <= now:
            taken.append(heapq.heappop(self._heap)[2])
        return taken

    def move(self, by: dt.timedelta) -> None:
        """Let every item come later by as much, or earlier."""
        self._heap = [(at + by, count, item) for at, count, item in self._heap]

    def remove(self, item: Item) -> None:
        """Forget an item; no error where it is not here."""
        self._heap = [entry for entry in self._heap if entry[2] != item]
        heapq.heapify(self._heap)
