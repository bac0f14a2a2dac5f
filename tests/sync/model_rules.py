"""Rules and rows out of few words, so that they meet: the same time, the same days, the same row twice.

What each rule means is said here a second time, as deeds: what happens on which weekday at which moment.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tapo_automate.device import Setting
from tapo_automate.rows import AntitheftRow, AutoOff, CountdownRow, FoundRow, Moment, PowerProtection, Row, ScheduleRow
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Every,
    PowerPast,
    Rule,
    Site,
    SunEdge,
)

SITE = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
START = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)  # a Sunday; 13:00 in Berlin
ON, OFF = Setting(on=True), Setting(on=False)
DIM, RED = Setting(on=True, brightness_pct=40), Setting(on=True, hue_deg=0, saturation_pct=90)

Deed: TypeAlias = tuple[Any, ...]

_minutes = st.sampled_from([420, 420, 480, 1410, 150])  # 02:30 is the daemon's: the clocks change then
_days = st.sampled_from(
    [frozenset(range(7)), frozenset(range(5)), frozenset({5, 6}), frozenset({0}), frozenset({2, 6})]
)
_settings = st.sampled_from([ON, OFF, ON, OFF, DIM, RED])
_sun = st.sampled_from(["sunrise", "sunset"])
_offsets_min = st.sampled_from([-15, 0, 30])
_seldom_off = st.sampled_from([True] * 9 + [False])
_ahead_min = st.integers(1, 240) | st.integers(1, 30 * 60)


def _switching(draw: st.DrawFn, now: dt.datetime) -> tuple[Any, Setting]:
    """Return the trigger and the setting of most rules."""
    setting = draw(_settings)
    match draw(st.sampled_from("tttttssdde")):
        case "t":
            minute = draw(_minutes)
            return AtTime(dt.time(minute // 60, minute % 60), draw(_days)), setting
        case "s":
            return AtSun(draw(_sun), 60 * draw(_offsets_min), draw(_days)), setting
        case "d":
            at = now.replace(second=0, microsecond=0) + dt.timedelta(minutes=draw(_ahead_min))
            local = at.astimezone(SITE.timezone).replace(tzinfo=None)
            return AtDate(draw(st.sampled_from([at, local]))), setting
        case _:
            return Every(3600), setting


def _special(draw: st.DrawFn) -> tuple[Any, Setting]:
    """Return the trigger and the setting of a rule for one of the tables with one place."""
    match draw(st.sampled_from(range(4))):
        case 0:
            return AfterDelay(draw(st.sampled_from([600, 7200])), "apply"), draw(st.sampled_from([ON, OFF]))
        case 1:
            return AfterDelay(draw(st.sampled_from([3600, 5400])), "on"), OFF
        case 2:
            watts = draw(st.sampled_from([900, 2000, 3500]))
            return PowerPast("above", watts, rearm_w=watts), OFF
        case _:
            start = draw(st.sampled_from([SunEdge("sunset"), dt.time(20, 0)]))
            return Away(start, dt.time(22, 0), draw(_days)), Setting()


@st.composite
def rules(draw: st.DrawFn, name: str, devices: Sequence[str], now: dt.datetime) -> Rule:
    """Any rule of the model for some of the devices."""
    trigger, setting = _special(draw) if draw(st.sampled_from(range(4))) == 0 else _switching(draw, now)
    chosen = draw(st.lists(st.sampled_from(list(devices)), min_size=1, max_size=len(devices), unique=True))
    executor = draw(st.sampled_from(["auto", "auto", "auto", "auto", "device", "daemon"]))
    return Rule(name, tuple(chosen), trigger, setting, executor=executor, enabled=draw(_seldom_off))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Any row that a person makes in the app; one for the schedule, most of the time."""
    match draw(st.sampled_from(range(12))):
        case 0:
            return CountdownRow(draw(st.sampled_from([600, 900])), draw(st.sampled_from([ON, OFF])))
        case 1:
            return AutoOff(draw(st.sampled_from([60, 90, 5])), draw(st.booleans()))
        case 2:
            return PowerProtection(draw(st.sampled_from([900, 1234])), draw(st.booleans()))
        case 3:
            return AntitheftRow(Moment("midnight", 1200), Moment("midnight", 1320), draw(_days))
        case _:
            return draw(schedule_rows())


@st.composite
def schedule_rows(draw: st.DrawFn) -> ScheduleRow:
    """A row of the schedule that a person makes."""
    by_clock = st.builds(Moment, st.just("midnight"), _minutes)
    moment = draw(by_clock | by_clock | st.builds(Moment, _sun, _offsets_min))
    repeats, enabled = draw(_seldom_off), draw(_seldom_off)
    return ScheduleRow(
        moment, draw(st.sampled_from([ON, OFF])), draw(_days) if repeats else frozenset(), repeats, enabled
    )


# --- what it means ------------------------------------------------------------------------------------------------


def deeds_of_rule(rule: Rule) -> Counter[Deed]:
    """Return what a rule does, where a device can do it."""
    sets = _sets(rule.setting)
    match rule.trigger:
        case AtTime(at, days):
            return Counter((day, "midnight", 60 * at.hour + at.minute, sets) for day in days)
        case AtSun(event, offset_s, days):
            return Counter((day, event, offset_s // 60, sets) for day in days)
        case AtDate(at):
            local = at if at.tzinfo is None else at.astimezone(SITE.timezone)
            return Counter([("once", "midnight", 60 * local.hour + local.minute, sets)])
        case AfterDelay(delay_s, "apply"):
            return Counter([("countdown", delay_s, sets)])
        case AfterDelay(delay_s):
            return Counter([("auto-off", delay_s // 60)])
        case PowerPast(threshold_w=threshold_w):
            return Counter([("limit", int(threshold_w))])
        case Away(start, end, days):
            return Counter((day, "away", _edge(start), _edge(end)) for day in days)
    raise AssertionError(f"no device does {rule.trigger}")


def deeds_of_row(row: FoundRow) -> Counter[Deed]:
    """Return what a row of a device does."""
    match row:
        case ScheduleRow(at, setting, days, repeats):
            on_days: Sequence[Any] = sorted(days) if repeats else ["once"]
            return Counter((day, at.anchor, at.offset_min, _sets(setting)) for day in on_days)
        case CountdownRow(delay_s, setting):
            return Counter([("countdown", delay_s, _sets(setting))])
        case AutoOff(delay_min):
            return Counter([("auto-off", delay_min)])
        case PowerProtection(limit_w):
            return Counter([("limit", limit_w)])
        case AntitheftRow(start, end, days):
            edges = (start.anchor, start.offset_min), (end.anchor, end.offset_min)
            return Counter((day, "away", *edges) for day in days)
    raise AssertionError(f"nobody knows what {row} does")


def _sets(setting: Setting) -> tuple[Any, ...]:
    return setting.on, setting.brightness_pct, setting.hue_deg, setting.saturation_pct


def _edge(edge: dt.time | SunEdge) -> tuple[str, int]:
    if isinstance(edge, SunEdge):
        return edge.event, edge.offset_s // 60
    return "midnight", 60 * edge.hour + edge.minute
