"""What a rule book says, once read: the site, the triggers, the rules.

Wall times are naive `datetime.time` and `datetime.datetime` in the site's zone; instants are aware and UTC.
Days are numbered from Monday = 0.  `Trigger` is a closed union: whoever adds one is told by the type checker
about every place that must answer for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from tapo_automate.device import DeviceSpec, Setting
from tapo_automate.rules.source import NOWHERE
from tapo_automate.rules.source import Source as Source
from tapo_automate.rules.trials import RuleTest

Days: TypeAlias = frozenset[int]
EVERY_DAY: Days = frozenset(range(7))

SunEvent: TypeAlias = Literal["sunrise", "sunset"]
OnGap: TypeAlias = Literal["shift", "skip"]
OnOverlap: TypeAlias = Literal["first", "second", "both"]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the devices are.  latitude_deg: north positive; longitude_deg: east positive; None when not given."""

    timezone: ZoneInfo
    latitude_deg: float | None = field(default=None, repr=False)
    longitude_deg: float | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AtTime:
    """`when.time`: at a wall time on the given days."""

    at: dt.time
    days: Days = EVERY_DAY


@dataclass(frozen=True, slots=True)
class AtSun:
    """`when.sunrise` and `when.sunset`: the event of the local civil date, moved by a signed offset.

    The event keeps its nominal day when the offset crosses midnight: `days` looks at the event's date.
    """

    event: SunEvent
    offset_s: int = 0
    days: Days = EVERY_DAY


@dataclass(frozen=True, slots=True)
class AtDate:
    """`when.date`: once.  at: naive for a wall time at the site, aware for an instant."""

    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Every:
    """`when.every`: again and again on elapsed time.

    With `between` = (start, end), each day's window starts a new count at its start and ends before its end; an end
    at or before the start lies on the next day, and `days` looks at the day the window starts on.
    Without, the count runs from local midnight of 1 January 2000.
    """

    interval_s: int
    between: tuple[dt.time, dt.time] | None = None
    days: Days = EVERY_DAY


@dataclass(frozen=True, slots=True)
class PowerPast:
    """`when.power`: the load stays below or above threshold_w for hold_s.

    Having fired, it can fire again only when the load has passed rearm_w on the other side.
    """

    side: Literal["below", "above"]
    threshold_w: float
    hold_s: int = 0
    rearm_w: float = 0.0


@dataclass(frozen=True, slots=True)
class StateTurns:
    """`when.state`: a device is seen to turn on or off and stays so for hold_s."""

    device_id: str
    turns: Literal["on", "off"]
    hold_s: int = 0


@dataclass(frozen=True, slots=True)
class AfterDelay:
    """`when.countdown`: delay_s after the device turned on, or once after `sync apply`."""

    delay_s: int
    start: Literal["on", "apply"]


@dataclass(frozen=True, slots=True)
class SunEdge:
    """One end of a window that moves with the sun."""

    event: SunEvent
    offset_s: int = 0


@dataclass(frozen=True, slots=True)
class Away:
    """`when.away`: random switching inside a window, as if somebody were at home."""

    start: dt.time | SunEdge
    end: dt.time | SunEdge
    days: Days = EVERY_DAY


Trigger: TypeAlias = AtTime | AtSun | AtDate | Every | PowerPast | StateTurns | AfterDelay | Away


@dataclass(frozen=True, slots=True)
class DeviceIs:
    """A condition on another device.  None: not asked for."""

    on: bool | None = None
    power_below_w: float | None = None
    power_above_w: float | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """`only_if`: what must hold at the firing.

    between: wall times, start included, end not; across midnight where the end is not after the start.
    dates: first and last day, both included.
    """

    between: tuple[dt.time, dt.time] | None = None
    dates: tuple[dt.date, dt.date] | None = None
    days: Days | None = None
    devices: Mapping[str, DeviceIs] = field(default_factory=dict)


Role: TypeAlias = Literal["", "begin", "switch", "return"]
Mode: TypeAlias = Literal["restart", "queue", "ignore"]


@dataclass(frozen=True, slots=True)
class Step:
    """One of a rule's `steps`: wait, then set.  setting: None where the step only waits."""

    wait_s: int
    setting: Setting | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[rules.NAME]` table.

    device_ids: groups resolved, each device once, in the order written.  jitter_s: the most that a firing is delayed
    by; the delay is fixed for each rule and device.  within_s: how late a firing may still be carried out.
    setting: `Setting()` for a rule with steps, and for one that only notifies or switches at random.
    mode: what becomes of steps under way when the rule fires again.  override_s: how long a person's change at the
    device is respected, 0 for not at all.  notify: a text for people, "" for none.
    failsafe_s: what it turns on turns itself off after so long without the daemon, by the device's own countdown; 0 for
    never.
    """

    id: str
    device_ids: tuple[str, ...]
    trigger: Trigger
    setting: Setting
    enabled: bool = True
    only_if: Condition | None = None
    jitter_s: int = 0
    on_gap: OnGap = "shift"
    on_overlap: OnOverlap = "first"
    missed: Literal["latest", "skip"] = "latest"
    within_s: int = 900
    executor: Literal["auto", "daemon", "device"] = "auto"
    source: Source = NOWHERE
    steps: tuple[Step, ...] = ()
    mode: Mode = "restart"
    override_s: int = 0
    notify: str = ""
    failsafe_s: int = 0

    @property
    def settings(self) -> tuple[tuple[int, Setting], ...]:
        """What is set when the rule fires, as (seconds after the firing, setting); empty if it only notifies."""
        if not self.steps:
            return () if self.setting == Setting() else ((0, self.setting),)
        after_s, found = 0, []
        for step in self.steps:
            after_s += step.wait_s
            if step.setting is not None:
                found.append((after_s, step.setting))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Everything that one or several rule files say together.  tests: for `tapo-automate test` alone."""

    site: Site
    devices: Mapping[str, DeviceSpec]
    groups: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, Rule]
    tests: tuple[RuleTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule came due for one device; (rule.id, device_id, nominal) names it for good.

    nominal: the UTC instant that the rule means.  due: nominal plus the jitter of this rule and device.
    note: what is unusual about it ("02:30 does not exist on this day, moved to 03:30"), or "".
    role: for `when.away` what the instant is in its window: "begin" (nothing is set), "switch", or "return" (to the
    state that the device had at the beginning); "" for all other rules.  setting: what a "switch" sets.
    seed: of the window's random numbers, which brings about the same switching again.
    """

    rule: Rule
    device_id: str
    nominal: dt.datetime
    due: dt.datetime
    note: str = ""
    role: Role = ""
    setting: Setting | None = None
    seed: int | None = None

    @property
    def settings(self) -> tuple[tuple[int, Setting], ...]:
        """What is set, as (seconds after the firing, setting)."""
        return self.rule.settings if self.setting is None else ((0, self.setting),)

    def late_s(self, now: dt.datetime) -> float:
        """Return by how many seconds `now` is after the due instant."""
        return (now - self.due).total_seconds()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a rule has to tell people.  at: the instant that the rule means, in UTC."""

    rule: Rule
    device_id: str
    at: dt.datetime
    text: str


@dataclass(frozen=True, slots=True)
class NotFiring:
    """A day on which a rule would fire, had the day such an instant."""

    rule_id: str
    date: dt.date
    reason: str
