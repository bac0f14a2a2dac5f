"""Asks a device which of its own tables switched it, and remembers from look to look what the tables do not say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

from tapo_automate.device import State
from tapo_automate.errors import Busy, Refused, Unsupported
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.switched import by_away, by_schedule, local_time
from tapo_automate.wire.tables import read_auto_off_min, read_away, read_schedule
from tapo_automate.wire.timer import Countdown

LOOKED_LATELY_S = 300  # whoever wants to know looks at the device this often at least

Answer = TypeVar("Answer")


class Witness:
    """Tells what in one device switched it.  countdown: the device's, whose looks count here too."""

    def __init__(self, client: Caller, countdown: Countdown) -> None:
        self._client = client
        self._countdown = countdown
        self._was_on_for_s: int | None = None

    def saw(self, state: State) -> None:
        """Take notice of a look at the device."""
        if state.on:
            self._was_on_for_s = state.on_for_s

    def switched_by(self, on: bool, at: dt.datetime) -> str | None:
        """Return what turned the device on (or off) about `at`, in words, or None; see `Explains`.

        The more exactly a table fits an instant, the earlier it is asked.  A table that the device does not have, or
        refuses to show, switched nothing.
        """
        clock = self._answer(lambda: self._client.call("get_device_time"))
        local = None if clock is None else local_time(at, clock)
        words = None
        if local is not None:
            words = by_schedule(self._answer(lambda: read_schedule(self._client)) or [], on, local)
        if words is None and self._answer(lambda: self._countdown.ran_out(on)):
            words = "its countdown"
        if words is None and not on:
            words = self._by_auto_off()
        if words is None and local is not None:
            words = by_away(self._answer(lambda: read_away(self._client)) or [], local)
        return words

    def _by_auto_off(self) -> str | None:
        """Return the auto-off in words, unless it cannot have been by how long the device was on when last seen."""
        after_min = self._answer(lambda: read_auto_off_min(self._client))
        if after_min is None:
            return None
        was_on_for_s = self._was_on_for_s
        if was_on_for_s is not None and abs(after_min * 60 - was_on_for_s) > LOOKED_LATELY_S:
            return None
        return f"its auto-off after {after_min} min"

    def _answer(self, question: Callable[[], Answer]) -> Answer | None:
        """Return the answer, or None where the device has no such thing or will not say."""
        try:
            return question()
        except Busy:
            raise
        except (Refused, Unsupported):
            return None
