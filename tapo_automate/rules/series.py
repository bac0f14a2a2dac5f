"""The moments of a rule that goes by the clock, and when each falls due: what the engine's heap is made of."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator

from tapo_automate.rules.away import AwayMoment, away_moments
from tapo_automate.rules.model import Firing, Rule, Site
from tapo_automate.rules.recur import Moment, moments_after


def jitter_s(rule: Rule, device_id: str) -> int:
    """Return by how many seconds the firings of a rule are delayed for a device: 0 to rule.jitter_s, fixed for good."""
    if not rule.jitter_s:
        return 0
    digest = hashlib.sha256(f"{rule.id}\0{device_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % (rule.jitter_s + 1)


class Series:
    """The moments of one clock rule on all its devices.

    number, place: order among what is due together.  due: when the present moment falls due on the prompt devices,
    those with the shortest delay.  delayed: (place, device id, delay) of the others.
    """

    __slots__ = ("_delay", "_moments", "_prompt", "_spread", "delayed", "due", "moment", "number", "place", "rule")

    def __init__(self, number: int, rule: Rule) -> None:
        delays = [jitter_s(rule, device_id) for device_id in rule.device_ids]
        least = min(delays, default=0)
        self.number = number
        self.place = -1
        self.rule = rule
        self.delayed = [
            (place, device_id, dt.timedelta(seconds=delay))
            for place, (device_id, delay) in enumerate(zip(rule.device_ids, delays, strict=True))
            if delay != least
        ]
        self._prompt = [device_id for device_id, delay in zip(rule.device_ids, delays, strict=True) if delay == least]
        self._delay = dt.timedelta(seconds=least)
        self._spread = dt.timedelta(seconds=max(delays, default=0))

    def seek(self, site: Site, settled: dt.datetime) -> None:
        """Go to the moments that may still be due somewhere after `settled`."""
        self._moments: Iterator[Moment] = moments_after(self.rule, site, settled - self._spread)

    def step(self) -> bool:
        """Go to the next moment; False when there is none."""
        moment = next(self._moments, None)
        if moment is None:
            return False
        self.moment = moment
        self.due = moment[0] + self._delay if self._delay else moment[0]
        return True

    def give(self, firings: list[Firing]) -> None:
        """Append the present moment's firings on the prompt devices."""
        at, note = self.moment
        for device_id in self._prompt:
            firings.append(Firing(self.rule, device_id, at, self.due, note))

    def give_delayed(self) -> Iterator[tuple[int, Firing]]:
        """Yield the present moment's firings on the other devices, each with its device's place."""
        at, note = self.moment
        for place, device_id, delay in self.delayed:
            yield place, Firing(self.rule, device_id, at, at + delay, note)


class AwaySeries:
    """The moments of one away rule on one device; otherwise as `Series`.  They are random enough without jitter."""

    __slots__ = ("_device_id", "_moments", "_salt", "due", "moment", "number", "place", "rule")

    def __init__(self, number: int, rule: Rule, device_id: str, salt: bytes) -> None:
        self.number = number
        self.place = rule.device_ids.index(device_id)
        self.rule = rule
        self._device_id = device_id
        self._salt = salt

    def seek(self, site: Site, settled: dt.datetime) -> None:
        """Go to the moments that are due after `settled`."""
        self._moments: Iterator[AwayMoment] = away_moments(self.rule, self._device_id, site, settled, self._salt)

    def step(self) -> bool:
        """Go to the next moment; False when there is none."""
        moment = next(self._moments, None)
        if moment is None:
            return False
        self.moment = moment
        self.due = moment.at
        return True

    def give(self, firings: list[Firing]) -> None:
        """Append the present moment's firing."""
        at, note, role, setting, seed = self.moment
        firings.append(Firing(self.rule, self._device_id, at, at, note, role, setting, seed))
