"""A device that is busy for a moment is asked again a little later: it has said that it did nothing."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from tapo_automate.errors import Busy

if TYPE_CHECKING:
    from tapo_automate.rows import FoundRow, Holdings, HoldsTables, NextEvent, Row, Table, TableName

BUSY = -1301  # said within a session, which goes on
WAITS_S = (0.5, 1.0, 2.0, 4.0)
Answer = TypeVar("Answer")


class Patient:
    """A `HoldsTables` that waits out what its device calls busy, up to seven and a half seconds for each request."""

    def __init__(self, device: HoldsTables) -> None:
        self._device = device

    def holdings(self) -> Holdings:
        return _patiently(self._device.holdings)

    def table(self, name: TableName) -> Table:
        return _patiently(lambda: self._device.table(name))

    def next_event(self) -> NextEvent | None:
        return _patiently(self._device.next_event)

    def put(self, row: Row, row_id: str = "") -> str:
        return _patiently(lambda: self._device.put(row, row_id))

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        return _patiently(lambda: self._device.put_back(row, row_id))

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        _patiently(lambda: self._device.remove(table, row_ids))

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        begun = time.monotonic()

        def set_it() -> None:
            waited = dt.timedelta(seconds=time.monotonic() - begun)
            self._device.set_clock(at + waited, region, standard_offset_min)

        _patiently(set_it)


def _patiently(ask: Callable[[], Answer]) -> Answer:
    for wait_s in WAITS_S:
        try:
            return ask()
        except Busy as busy:
            if busy.after_login and busy.code != BUSY:
                raise  # the next try may log in anew, and devices lock themselves when that is done too often
            time.sleep(wait_s)
    return ask()
