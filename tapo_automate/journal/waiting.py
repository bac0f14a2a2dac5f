"""What is not on the disk yet: calls in order, of which the newest are kept when there are too many."""

from __future__ import annotations

from collections import deque
from itertools import islice

from tapo_automate.journal.calls import Call

MOST_RECORDS = 100_000  # some 90 MiB


class Waiting:
    """Calls that wait to be written, numbered from 1.  Whoever uses it holds a lock.

    taken: the number of the last call that was put.  written: of the last one that is on the disk.  lost: how many
    records were dropped since that was last asked for.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.written = 0
        self.lost = 0
        self._underway = 0
        self._calls: deque[Call] = deque()
        self._records = 0

    def __bool__(self) -> bool:
        return bool(self._calls)

    def put(self, call: Call) -> None:
        """Add a call, and drop the oldest ones if that makes too many."""
        self.taken += 1
        call.number = self.taken
        self._calls.append(call)
        self._records += call.records
        while self._records > MOST_RECORDS and len(self._calls) > 1 and self._calls[0].number > self._underway:
            self._drop_oldest()

    def take(self, most: int) -> list[Call]:
        """Return the oldest calls, which are not dropped until it is known what became of them."""
        batch = list(islice(self._calls, most))
        self._underway = batch[-1].number if batch else self.written
        return batch

    def written_down(self) -> None:
        """The calls that were taken are on the disk, or never will be."""
        self.written = self._underway
        while self._calls and self._calls[0].number <= self.written:
            self._records -= self._calls.popleft().records

    def refused(self) -> list[Call]:
        """The calls that were taken are not on the disk, and wait again; return all that wait."""
        self._underway = self.written
        return list(self._calls)

    def _drop_oldest(self) -> None:
        dropped, following = self._calls.popleft(), self._calls[0]
        self.lost += len(dropped.statements)
        self._records -= dropped.records + following.records
        # Of what is to be remembered only the last value counts, so that none of it need be lost.
        following.memory = dropped.memory | following.memory
        self._records += following.records
