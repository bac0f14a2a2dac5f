"""Whether a meter still counts.

A meter can go on answering with its last reading.  What gives it away is that a device counts the minutes for which it
has been on, and that what draws power is on.  This file knows no clock but the device's own.
Source: docs/protocol.md, "Energy and power".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

STILL = dt.timedelta(seconds=150)  # minutes are counted one by one; polls and the device's own pace come on top


class Pulse:
    """Watches what a device that draws power counts, look by look."""

    def __init__(self) -> None:
        self._shown: tuple[object, object] | None = None  # minutes, milliwatts
        self._since: dt.datetime | None = None  # by the device's clock
        self._looked: dt.datetime | None = None
        self._counts = False  # its minutes have been seen to move

    def rest(self) -> None:
        """Begin anew: it draws nothing, or the reading has changed."""
        self._shown = None

    def stopped(self, usage: Mapping[str, Any], *, sure: bool) -> dt.datetime | None:
        """Return since when the meter stands still, by the device's naive local time, or None while it counts.

        usage: an answer to `get_energy_usage` that tells a load.  sure: the reading itself is one that hardly comes
        twice; else a device whose minutes were never seen to move is believed, since it may count in another way.
        """
        now = _time(usage.get("local_time"))
        if now is None:
            return None
        shown = (usage.get("today_runtime"), usage.get("current_power"))
        looked, self._looked = self._looked, now
        if self._shown is None or looked is None or not dt.timedelta() <= now - looked <= STILL:
            self._shown, self._since = shown, now  # the first look for a while, or its clock was set
        elif shown != self._shown:
            self._counts |= shown[0] != self._shown[0]
            self._shown, self._since = shown, now
        still = self._since is not None and now - self._since > STILL
        return self._since if still and (sure or self._counts) else None


def _time(text: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=None) if isinstance(text, str) else None
    except ValueError:
        return None
