"""What came due while nobody was there: what is made up for, and what is not.

For each device the last thing that should have happened decides; the ones before it show no more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tapo_automate.device import Setting
from tapo_automate.errors import Superseded, TooLate
from tapo_automate.rules.engine import Engine
from tapo_automate.rules.model import AfterDelay, Every, Firing, Rule, Site

Value = TypeVar("Value")

MOST = 200  # firings of one `every` on one device that are looked at
FURTHEST = dt.timedelta(days=1)  # that is looked back; further for a rule with a longer `within`


@dataclass(frozen=True, slots=True)
class Missed:
    """A firing that is not made up for.  reason: half a sentence.  by: the id of the rule that came after it, or ""."""

    firing: Firing
    reason: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What becomes of late firings: each of them is in one of the two, once.

    carry: to be carried out now, in order of due; one for each device, and before it the end of an away window where
    the last does not say whether the device is on.  Its `setting` has what older ones set and it leaves open.
    missed: the others, in the order given.
    """

    carry: list[Firing]
    missed: list[Missed]


def catch_up(late: Sequence[Firing], now: dt.datetime) -> CatchUp:
    """Decide what is made up for of firings that came due while nobody was there.

    late: those whose conditions held; of those due together the later in the list counts as the last.  now: aware.
    """
    missed: dict[int, Missed] = {}
    carry: list[Firing] = []
    by_device: dict[str, list[int]] = {}
    for number in sorted(range(len(late)), key=lambda number: late[number].due):
        firing = late[number]
        reason = _why_not(firing, now)
        if reason:
            missed[number] = Missed(firing, reason)
        else:
            by_device.setdefault(firing.device_id, []).append(number)
    for *older, last in by_device.values():
        decides = late[last]
        if decides.rule.missed == "skip":
            missed[last] = Missed(decides, 'it came due while nobody was there, and its rule says missed = "skip"')
            carried: list[Firing] = []
        else:
            carried = _filled([late[number] for number in older], decides)
        carry += carried
        for number in older:
            if not any(late[number] is firing for firing in carried):
                missed[number] = Missed(late[number], str(Superseded(decides.rule.id)), decides.rule.id)
    carry.sort(key=lambda firing: firing.due)
    return CatchUp(carry, [missed[number] for number in sorted(missed)])


def merged(earlier: Setting, later: Setting) -> Setting:
    """Return what a device shows that was set to one and then to the other, as one setting.

    White and colour exclude each other.  A lamp that is off shows nothing, so that "off" keeps nothing beside it; a
    brightness or a colour lights it again, as it does at the device.  A transition is the later one's.  Toggles are not
    merged: the later setting is returned as it is.

    >>> str(merged(Setting(on=True, brightness_pct=40, color_temp_k=2700), Setting(hue_deg=120)))
    'on, brightness 40, hue 120'
    """
    if earlier.toggle or later.toggle:
        return later
    return _shown(_laid_over(earlier, later))


def between(rules: Iterable[Rule], site: Site, since: dt.datetime, now: dt.datetime, *, salt: bytes) -> list[Firing]:
    """Return what the rules that go by the clock had due after `since` and up to `now`, in order of due.

    rules: those to run (see `engine.runnable`).  salt: the engine's `away_salt`.  For each rule it is looked back a
    day at most, or as far as its `within`; of `every` the newest 200 for each device are returned.
    """
    number_of: dict[str, int] = {}
    together: dict[dt.datetime, list[Rule]] = {}
    found: list[Firing] = []
    for number, rule in enumerate(rules):
        number_of[rule.id] = number
        after = max(since, now - max(FURTHEST, dt.timedelta(seconds=rule.within_s)))
        if isinstance(rule.trigger, Every):
            found += _newest(rule, rule.trigger.interval_s, site, after, now)
        else:
            together.setdefault(after, []).append(rule)
    for after, some in together.items():
        found += _due_after(some, site, after, now, salt)
    return sorted(found, key=lambda firing: (firing.due, number_of[firing.rule.id]))


def _why_not(firing: Firing, now: dt.datetime) -> str:
    """Return why a firing is never made up for, whatever came after it, or ""."""
    if firing.late_s(now) > firing.rule.within_s:
        return str(TooLate(firing.late_s(now), firing.rule.within_s))
    if firing.role in ("begin", "switch"):
        return "switching at random is not made up for"
    if isinstance(firing.rule.trigger, AfterDelay):
        return "a countdown is not made up for"
    if any(setting.toggle for _, setting in firing.settings):
        return "a toggle is not made up for"
    if not firing.role and not firing.settings:
        return "it only tells people, and not afterwards"
    return ""


def _filled(older: Sequence[Firing], last: Firing) -> list[Firing]:
    """Return the last firing with what the older ones set and it leaves open.  Steps say all there is themselves."""
    if last.role or last.rule.steps:
        return [last]
    back: Firing | None = None
    left = Setting()
    for firing in (*older, last):
        if firing.role == "return":  # to what, nobody here knows; but whoever carries it out
            back, left = firing, Setting()
        elif firing is last or firing.rule.missed != "skip":
            for after_s, setting in firing.settings:
                if firing.due + dt.timedelta(seconds=after_s) <= last.due:
                    left = _laid_over(left, setting)
    filled = replace(last, setting=_shown(left))
    if filled.settings == last.settings:
        filled = last
    return [back, filled] if back is not None and left.on is None else [filled]


def _laid_over(earlier: Setting, later: Setting) -> Setting:
    """Return how a device is after both: a lamp that is off keeps the other values."""
    white = later.color_temp_k is not None
    colour = later.hue_deg is not None or later.saturation_pct is not None
    lights = white or colour or later.brightness_pct is not None
    return Setting(
        on=True if lights and later.on is None and earlier.on is False else _either(later.on, earlier.on),
        brightness_pct=_either(later.brightness_pct, earlier.brightness_pct),
        color_temp_k=later.color_temp_k if colour else _either(later.color_temp_k, earlier.color_temp_k),
        hue_deg=later.hue_deg if white else _either(later.hue_deg, earlier.hue_deg),
        saturation_pct=later.saturation_pct if white else _either(later.saturation_pct, earlier.saturation_pct),
        transition_ms=later.transition_ms,
    )


def _shown(left: Setting) -> Setting:
    return Setting(on=False, transition_ms=left.transition_ms) if left.on is False else left


def _newest(rule: Rule, interval_s: int, site: Site, after: dt.datetime, now: dt.datetime) -> list[Firing]:
    """Return the newest firings of an `every`, without going through all of them."""
    span = dt.timedelta(seconds=interval_s * MOST)
    while True:
        begin = max(after, now - span)
        of_each: dict[str, list[Firing]] = {device_id: [] for device_id in rule.device_ids}
        for firing in _due_after([rule], site, begin, now, b""):
            of_each[firing.device_id].append(firing)
        if begin == after or all(len(firings) >= MOST for firings in of_each.values()):
            return [firing for firings in of_each.values() for firing in firings[-MOST:]]
        span *= 2


def _due_after(rules: Iterable[Rule], site: Site, after: dt.datetime, now: dt.datetime, salt: bytes) -> list[Firing]:
    return Engine(rules, site, after + dt.timedelta.resolution, away_salt=salt).advance(now)


def _either(first: Value | None, second: Value | None) -> Value | None:
    return second if first is None else first
