"""From a rule to the row that does the same, as far as that depends on neither device nor date.

What a row cannot say is named in half a sentence: the value that is in the way and, where there is one, the way out.
The codes are listed in docs/sync.md.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias, assert_never

from tapo_automate.device import Setting
from tapo_automate.rows import (
    MOST_SUN_OFFSET_MIN,
    AntitheftRow,
    AutoOff,
    CountdownRow,
    Moment,
    PowerProtection,
    Row,
    ScheduleRow,
)
from tapo_automate.rules.durations import spell
from tapo_automate.rules.meaning import condition_in_words, elapsed, watts
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
    StateTurns,
    SunEdge,
)
from tapo_automate.rules.wall import clock, resolve
from tapo_automate.sync.model import InDaemon

MOST_COUNTDOWN_S = 86_400
MOST_AUTO_OFF_MIN = 1440

Compiled: TypeAlias = tuple[Row, dt.datetime | None]


def row_of(rule: Rule, site: Site) -> Compiled | InDaemon:
    """Return the row that does what a rule says, or why there is none.

    `executor` and `enabled` do not count here.  The instant, UTC, is that of a row which happens once; None for others.
    """
    in_the_way = _conduct(rule)
    if in_the_way:
        return in_the_way
    match rule.trigger:
        case AtTime() | AtSun() | AtDate():
            setting = _row_setting(rule.setting)
            return setting if isinstance(setting, InDaemon) else _scheduled(rule.trigger, setting, site)
        case AfterDelay(delay_s, "apply"):
            return _countdown(delay_s, rule.setting)
        case AfterDelay(delay_s):
            return _auto_off(delay_s, rule.setting)
        case PowerPast() as trigger:
            return _power_protection(trigger, rule.setting)
        case Away() as trigger:
            return _antitheft(trigger)
        case Every():
            return InDaemon("every", "a device knows times of the day, and no `when.every`")
        case StateTurns(device_id):
            return InDaemon("state", f"a device knows only itself, and not when {device_id} turns on or off")
        case _ as never:
            assert_never(never)


def _conduct(rule: Rule) -> InDaemon | None:
    """Return what a rule does beside its setting that no row can do, or None."""
    if rule.steps:
        return InDaemon("steps", f"a row sets one thing at one time, and this rule has {_counted(len(rule.steps))}")
    if rule.notify:
        return InDaemon("notify", "a device tells nobody: `notify` needs the daemon")
    if rule.only_if:
        return InDaemon("condition", f"a device asks for no conditions: {condition_in_words(rule.only_if)}")
    if rule.jitter_s:
        return InDaemon("jitter", f"a device is on time: `jitter` of {elapsed(rule.jitter_s)} needs the daemon")
    if rule.override_s:
        return InDaemon("override", "a device does not notice that a person changed it: `override` needs the daemon")
    if rule.failsafe_s:
        return InDaemon("failsafe", "`failsafe` is a countdown that the daemon starts and renews")
    return None


def _counted(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"


@lru_cache(maxsize=1024)  # books have many rules and few settings
def _row_setting(setting: Setting) -> Setting | InDaemon:
    """Return what a row is to set: it says whether the device is on, always."""
    if setting.toggle:
        return InDaemon("toggle", "a row cannot ask how the device is just then: write on = true or on = false")
    light = replace(setting, on=None, transition_ms=None)
    if setting.on is None and light == Setting():
        return InDaemon("nothing", "it sets nothing that a row could say")
    if setting.on is False and light != Setting():
        return InDaemon("setting", f"a row that turns off sets nothing else: leave {light} out")
    colour = setting.hue_deg, setting.saturation_pct
    if None in colour and colour != (None, None):
        there, missing = ("hue", "saturation") if setting.saturation_pct is None else ("saturation", "hue")
        return InDaemon("colour", f"a row sets a whole colour: {there} is there, add {missing}")
    if setting.color_temp_k is not None and None not in colour:
        return InDaemon("colour", "a row sets white or a colour, and this rule sets both")
    # No transition and one of no length are the same, and devices add the latter by themselves.
    return replace(setting, on=setting.on is not False, transition_ms=setting.transition_ms or None)


def _scheduled(trigger: AtTime | AtSun | AtDate, setting: Setting, site: Site) -> Compiled | InDaemon:
    match trigger:
        case AtTime(at, days):
            return _no_whole_minute(at) or (ScheduleRow(_wall(at), setting, days), None)
        case AtSun(event, offset_s, days):
            edge = SunEdge(event, offset_s)
            return _no_sun_moment(edge) or (ScheduleRow(_moment(edge), setting, days), None)
        case AtDate(at):
            return _dated(at, setting, site)


def _dated(at: dt.datetime, setting: Setting, site: Site) -> Compiled | InDaemon:
    try:
        wall = at if at.tzinfo is None else at.astimezone(site.timezone).replace(tzinfo=None)
        earlier, later, exists = resolve(wall.replace(fold=0), site.timezone)
    except OverflowError:
        return InDaemon("date", f"{at.date()} is where the calendar ends")
    if earlier != later:
        what = "happens twice" if exists else "does not exist"
        return InDaemon("clock-change", f"{clock(wall)} {what} on {wall.date()}, when the clocks change")
    return _no_whole_minute(wall.time()) or (
        ScheduleRow(_wall(wall.time()), setting, frozenset(), repeats=False),
        earlier,
    )


def _countdown(delay_s: int, setting: Setting) -> Compiled | InDaemon:
    sets = _row_setting(setting)
    if isinstance(sets, InDaemon):
        return sets
    if sets.transition_ms:
        return InDaemon("transition", "a countdown sets at once: leave `transition` out")
    if not 1 <= delay_s <= MOST_COUNTDOWN_S:
        return InDaemon("countdown", f"a countdown runs for 1 second to 24 hours, not for {elapsed(delay_s)}")
    return CountdownRow(delay_s, sets), None


def _auto_off(delay_s: int, setting: Setting) -> Compiled | InDaemon:
    if setting != Setting(on=False):
        return InDaemon("setting", "a device's auto-off only turns off: set = { on = false } alone would fit it")
    if delay_s % 60:
        return InDaemon("seconds", f"auto-off counts whole minutes: {spell(delay_s)} is none")
    if not 1 <= delay_s // 60 <= MOST_AUTO_OFF_MIN:
        return InDaemon("countdown", f"auto-off waits for 1 minute to 24 hours, not for {elapsed(delay_s)}")
    return AutoOff(delay_s // 60), None


def _power_protection(trigger: PowerPast, setting: Setting) -> Compiled | InDaemon:
    if trigger.side == "below":
        return InDaemon("power", "a device watches for too high a load, and not for one below a threshold")
    if trigger.hold_s:
        return InDaemon("power", f"power protection acts at once: for = {spell(trigger.hold_s)} needs the daemon")
    if setting != Setting(on=False):
        return InDaemon("setting", "power protection only turns off: set = { on = false } alone would fit it")
    if trigger.rearm_w != trigger.threshold_w:
        return InDaemon("power", f"power protection knows no rearm: {watts(trigger.rearm_w)} W needs the daemon")
    if trigger.threshold_w < 1 or trigger.threshold_w % 1:
        return InDaemon("power", f"power protection counts whole watts from 1 up, not {watts(trigger.threshold_w)} W")
    return PowerProtection(int(trigger.threshold_w)), None


def _antitheft(trigger: Away) -> Compiled | InDaemon:
    for edge in (trigger.start, trigger.end):
        fault = _no_whole_minute(edge) if isinstance(edge, dt.time) else _no_sun_moment(edge)
        if fault:
            return fault
    start, end = _moment(trigger.start), _moment(trigger.end)
    if start.anchor == end.anchor != "midnight":
        return InDaemon("window", f"a device knows no window with the {start.anchor} at both ends")
    if start == end:
        return InDaemon("window", "a device knows no window that ends when it starts")
    return AntitheftRow(start, end, trigger.days), None


def _no_whole_minute(at: dt.time) -> InDaemon | None:
    if at.second or at.microsecond:
        return InDaemon("seconds", f"a device knows whole minutes: {at.isoformat()} is none")
    return None


def _no_sun_moment(edge: SunEdge) -> InDaemon | None:
    if edge.offset_s % 60:
        return InDaemon("seconds", f"a device knows whole minutes: {_signed(edge.offset_s)} from {edge.event} is none")
    if abs(edge.offset_s) > 60 * MOST_SUN_OFFSET_MIN:
        return InDaemon("offset", f"a device reaches 6h from {edge.event}, not {_signed(edge.offset_s)}")
    return None


def _signed(offset_s: int) -> str:
    return f"{'-' if offset_s < 0 else '+'}{spell(abs(offset_s))}"


def _moment(edge: dt.time | SunEdge) -> Moment:
    return _wall(edge) if isinstance(edge, dt.time) else Moment(edge.event, edge.offset_s // 60)


def _wall(at: dt.time) -> Moment:
    return Moment("midnight", 60 * at.hour + at.minute)
