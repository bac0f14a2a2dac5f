"""The fail-safe of rules: a device's own countdown to off, started anew while the daemon lives.

A value without clock, thread or device: told what a rule turns on, what runs in a device and what came of it, answers
what to do there.  A device that is on in doubt keeps its fail-safe; one that is off needs none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.events import Alarm
from tapo_automate.device import Setting
from tapo_automate.rules.durations import spell
from tapo_automate.rules.model import Firing, Rule

OFF = Setting(on=False)
FIRST_RETRY_S = 30.0
LONGEST_RETRY_S = 300.0
JUST_OVER_S = 5.0  # after which a countdown that has run out is not told as running any more

Running: TypeAlias = tuple[int, Setting] | None  # seconds left, and what it will set
Step: TypeAlias = Literal["start", "stop", "leave"]


@dataclass(frozen=True, slots=True)
class Lease:
    """What is known of the countdown in one device that a rule has turned on.

    lasts_s: the rule's `failsafe`.  started, started_s: when it was started last, and for how long; None before.
    look_at: when it is to be seen to; None while that is under way.  over: the device is off, or the rule gone: it is
    to be stopped.  theirs: people were told that somebody else's countdown is in its place.
    """

    rule: str
    lasts_s: int
    started: dt.datetime | None
    started_s: int
    look_at: dt.datetime | None = field(default=None, compare=False)
    over: bool = False
    theirs: bool = False
    failures: int = field(default=0, compare=False)

    def left_s(self, now: dt.datetime) -> float:
        """Return how much of it should be left, 0 where it has run out or was never started."""
        return 0.0 if self.started is None else max(0.0, self.started_s - (now - self.started).total_seconds())


class Leases:
    """The leases by device.

    kept: what an earlier life wrote into `Effects.memory` under "lease".  slack_s: how far what a device tells may be
    from what we reckon.
    """

    def __init__(self, kept: Mapping[str, Any] | None = None, slack_s: float = 10.0) -> None:
        self._slack_s = slack_s
        self._rules: Mapping[str, Rule] = {}
        self._leases: dict[str, Lease] = {}
        for device_id, each in (kept or {}).items():
            if lease := _read(each):
                self._leases[device_id] = lease

    @property
    def wake_at(self) -> dt.datetime | None:
        """When `advance` has something to do."""
        return min((each.look_at for each in self._leases.values() if each.look_at is not None), default=None)

    def of(self, device_id: str) -> Lease | None:
        """Return the lease of a device, if it has one."""
        return self._leases.get(device_id)

    def named(self, device_id: str, table: str | None, now: dt.datetime) -> str | None:
        """Return what in a device has switched it, with the rule whose fail-safe that was."""
        lease = self._leases.get(device_id)
        if lease is None or not table or "countdown" not in table or lease.left_s(now) > self._slack_s:
            return table
        return f"{table}, the fail-safe of rule {lease.rule}"

    # ---------------------------------------------------------------- what is to be done in a device

    def step(self, device_id: str, lasts_s: int, running: Running, now: dt.datetime, *, anew: bool) -> Step:
        """Return what is to be done in a device, given what runs there.

        anew: a rule turns it on at this moment, so that all of lasts_s is to begin.
        """
        lease = self._leases.get(device_id)
        if lease is not None and lease.over and not anew:
            return "stop" if running and not self._theirs(lease, lasts_s, running, now) else "leave"
        if running is None:
            return "start"
        if self._theirs(lease, lasts_s, running, now):
            return "leave"
        as_long = lease is not None and lease.started is not None and lease.started_s == lasts_s
        return "leave" if as_long and not anew and running[0] >= lasts_s / 2 else "start"

    def _theirs(self, lease: Lease | None, lasts_s: int, running: tuple[int, Setting], now: dt.datetime) -> bool:
        """Whether a countdown is somebody else's: it does something else, or lasts longer or shorter than ours would.

        One that is longer than we reckon, but not than we ever start, is ours: its answer was lost.
        """
        left_s, _ = running
        if _harmful(running, max(lasts_s, lease.started_s if lease else 0) + self._slack_s):
            return True
        return lease is not None and left_s < lease.left_s(now) - self._slack_s

    def began(self, firing: Firing, step: Step, running: Running, now: dt.datetime) -> Effects:
        """A rule is about to turn a device on, and its countdown was seen to.  now: when that was begun."""
        effects = Effects()
        lease = self._leases.get(firing.device_id)
        rule, device_id = firing.rule, firing.device_id
        fresh = Lease(rule.id, rule.failsafe_s, None, 0, theirs=lease.theirs if lease else False)
        if lease and lease.started and step != "start":
            fresh = replace(fresh, started=lease.started, started_s=lease.started_s)
        self._after(device_id, fresh, step, running, now, effects)
        if not self._asked(rule.id, device_id):  # another book was taken over meanwhile
            self._end(device_id, self._leases[device_id], now, effects)
        return effects

    def seen_to(self, device_id: str, judged: Lease, step: Step, running: Running, now: dt.datetime) -> Effects:
        """What `step` said of the lease as it was then, `judged`, was done.  running, now: as it was told."""
        effects = Effects()
        lease = self._leases.get(device_id)
        if lease is None:
            return effects
        if lease.over and not judged.over:  # it was ended meanwhile: once more
            self._leases[device_id] = replace(lease, look_at=now)
        elif lease.over:
            self._forget(device_id, effects)
        else:
            self._after(device_id, lease, step, running, now, effects)
        return effects

    def _after(
        self, device_id: str, lease: Lease, step: Step, running: Running, now: dt.datetime, effects: Effects
    ) -> None:
        half_s = lease.lasts_s / 2
        if step == "start":
            lease = replace(lease, started=now, started_s=lease.lasts_s, over=False)
            wait_s = half_s + 1
        elif running is not None and self._theirs(lease, lease.lasts_s, running, now):
            wait_s = min(running[0] + JUST_OVER_S, max(half_s, FIRST_RETRY_S))
        else:
            wait_s = max(1.0, (running[0] if running else 0) - half_s + 1)
        harmful = step == "leave" and running is not None and _harmful(running, lease.lasts_s + self._slack_s)
        if harmful and not lease.theirs and running is not None:
            what = f"{running[1]} in {spell(running[0])}"
            text = f"{device_id}: somebody else's countdown ({what}) is left alone"
            text += f"; until it is over, rule {lease.rule} has no fail-safe there"
            effects.events.append(Alarm("device", now, text))
        elif lease.theirs and not harmful:
            text = f"{device_id}: rule {lease.rule} has its fail-safe again"
            effects.events.append(Alarm("device", now, text, over=True))
        look_at = now + dt.timedelta(seconds=wait_s)
        self._keep(device_id, replace(lease, theirs=harmful, look_at=look_at, failures=0), effects)

    def failed(self, device_id: str, now: dt.datetime, effects: Effects) -> None:
        """A device could not be asked, or told; it is tried again, and the sooner the less is left."""
        lease = self._leases.get(device_id)
        if lease is None:
            return
        left_s = lease.left_s(now)
        if lease.over and not left_s:
            self._forget(device_id, effects)  # it has run out by itself
            return
        wait_s = min(FIRST_RETRY_S * 2.0 ** min(lease.failures, 10), LONGEST_RETRY_S)
        if left_s:
            wait_s = min(wait_s, max(FIRST_RETRY_S / 3, left_s / 4))
        look_at = now + dt.timedelta(seconds=wait_s)
        self._leases[device_id] = replace(lease, look_at=look_at, failures=lease.failures + 1)

    # ---------------------------------------------------------------- what happens meanwhile

    def advance(self, now: dt.datetime, effects: Effects) -> None:
        """Ask for looks at the countdowns of which less than half is left."""
        for device_id, lease in self._leases.items():
            if lease.look_at is not None and lease.look_at <= now:
                self._leases[device_id] = replace(lease, look_at=None)
                effects.looks.add(("lease", device_id))

    def saw(self, device_id: str, on: bool, now: dt.datetime, effects: Effects) -> None:
        """A device was seen, or told, to be on or off: off, by whomever, it needs no fail-safe."""
        lease = self._leases.get(device_id)
        if lease is not None and not on and not lease.over:
            self._end(device_id, lease, now, effects)

    def check(self, device_id: str, now: dt.datetime) -> None:
        """Whether a device is on is not known any more: look soon."""
        lease = self._leases.get(device_id)
        at = now + dt.timedelta(seconds=FIRST_RETRY_S)
        if lease is not None and lease.look_at is not None:
            self._leases[device_id] = replace(lease, look_at=min(lease.look_at, at))

    def begin(self, rules: Mapping[str, Rule], device_ids: Collection[str], now: dt.datetime, effects: Effects) -> None:
        """Another book is carried out, or an earlier life's is gone on with: every device is looked at.

        What its rule does not ask for any more is stopped; a device that is not ours any more is left as it is.
        """
        self._rules = rules
        for device_id, lease in list(self._leases.items()):
            if device_id not in device_ids:
                self._forget(device_id, effects)
            elif lease.over:
                self._leases[device_id] = replace(lease, look_at=now)
            elif not self._asked(lease.rule, device_id):
                self._end(device_id, lease, now, effects)
            else:
                self._keep(device_id, replace(lease, lasts_s=rules[lease.rule].failsafe_s, look_at=now), effects)

    def shift(self, by: dt.timedelta) -> None:
        """Move everything that is elapsed time with a clock that was set."""
        self._leases = {
            device_id: replace(
                each, started=each.started and each.started + by, look_at=each.look_at and each.look_at + by
            )
            for device_id, each in self._leases.items()
        }

    def _asked(self, rule_id: str, device_id: str) -> bool:
        """Whether the book asks for a fail-safe of this device."""
        rule = self._rules.get(rule_id)
        return rule is not None and bool(rule.failsafe_s) and device_id in rule.device_ids

    def _end(self, device_id: str, lease: Lease, now: dt.datetime, effects: Effects) -> None:
        self._keep(device_id, replace(lease, over=True, look_at=now), effects)

    def _keep(self, device_id: str, lease: Lease, effects: Effects) -> None:
        if lease != self._leases.get(device_id):
            effects.memory["lease", device_id] = {
                "rule": lease.rule,
                "lasts_s": lease.lasts_s,
                "started": lease.started and lease.started.isoformat(),
                "started_s": lease.started_s,
                "over": lease.over,
                "theirs": lease.theirs,
            }
        self._leases[device_id] = lease

    def _forget(self, device_id: str, effects: Effects) -> None:
        del self._leases[device_id]
        effects.memory["lease", device_id] = None


def secured(firing: Firing, setting: Setting) -> bool:
    """Whether a setting of a rule needs the fail-safe before it."""
    return bool(firing.rule.failsafe_s and setting.on and not firing.role)


def _harmful(running: tuple[int, Setting], most_s: float) -> bool:
    """Whether a countdown keeps a device on, or longer than its fail-safe would."""
    left_s, setting = running
    return setting.on is not False or left_s > most_s


def _read(kept: Any) -> Lease | None:
    try:
        started = None if kept["started"] is None else dt.datetime.fromisoformat(kept["started"])
        if started is not None and started.tzinfo is None:
            return None
        lasts_s, started_s = int(kept["lasts_s"]), int(kept["started_s"])
        return Lease(str(kept["rule"]), lasts_s, started, started_s, None, bool(kept["over"]), bool(kept["theirs"]))
    except (KeyError, TypeError, ValueError):
        return None
