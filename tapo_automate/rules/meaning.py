"""What a trigger means, in plain words."""

from __future__ import annotations

import datetime as dt
from typing import assert_never

from tapo_automate.rules.model import (
    EVERY_DAY,
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Condition,
    Days,
    DeviceIs,
    Every,
    PowerPast,
    Rule,
    StateTurns,
    SunEdge,
)
from tapo_automate.rules.wall import clock

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def in_words(rule: Rule) -> str:
    """Return when a rule fires, as one sentence without its full stop: "on weekdays, 15 minutes before sunset"."""
    said = _trigger_in_words(rule)
    if rule.jitter_s:
        said += f", each device up to {elapsed(rule.jitter_s)} later (always as much)"
    return said


def deed_in_words(rule: Rule) -> str:
    """Return what a rule does: "on, brightness 10; after 20 minutes brightness 100; says "Good evening"", or ""."""
    said = [f"after {elapsed(wait_s)} {setting}" if wait_s else str(setting) for wait_s, setting in rule.settings]
    if rule.notify:
        said.append(f'says "{rule.notify}"')
    return "; ".join(said)


def conduct_in_words(rule: Rule) -> list[str]:
    """Return what a rule minds when it fires, as sentences without their full stop; none where nothing is written."""
    said = []
    if rule.override_s:
        said.append(f"leaves a device alone for {elapsed(rule.override_s)} after a person changed it")
    if rule.failsafe_s:
        said.append(f"what it turns on turns itself off {elapsed(rule.failsafe_s)} after the daemon has gone")
    if rule.steps:
        again = {
            "restart": "begins its steps anew",
            "queue": "goes through its steps once more when they are through",
            "ignore": "does nothing while its steps are under way",
        }
        said.append(f"when it fires again, {again[rule.mode]}")
    return said


def condition_in_words(condition: Condition) -> str:
    """Return what must hold for a rule to fire: "only from 22:00 until before 06:00 and if lounge is on"."""
    said = []
    if condition.between:
        start, end = condition.between
        said.append(f"from {clock(start)} until before {clock(end)}{' the next day' if end <= start else ''}")
    if condition.dates:
        said.append(f"from {condition.dates[0]} to {condition.dates[1]}")
    if condition.days is not None:
        said.append(on_days(condition.days))
    said += [f"if {_state(name, state)}" for name, state in condition.devices.items()]
    return "only " + " and ".join(said)


def _state(name: str, state: DeviceIs) -> str:
    said = [] if state.on is None else [f"{name} is {'on' if state.on else 'off'}"]
    if state.power_below_w is not None:
        said.append(f"the load of {name} is below {watts(state.power_below_w)} W")
    if state.power_above_w is not None:
        said.append(f"the load of {name} is above {watts(state.power_above_w)} W")
    return " and ".join(said)


def watts(power_w: float) -> str:
    """Return a load as it was written: 5, 2300.5."""
    return f"{power_w:.12g}"


def elapsed(seconds: int) -> str:
    """Return a length of time in words: "1 hour 30 minutes"."""
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute"), (rest, "second")]
    said = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts if count]
    return " ".join(said) or "0 seconds"


def on_days(days: Days) -> str:
    """Return the weekdays in words: "every day", "on weekdays", "on Mon, Wed"."""
    if days == EVERY_DAY:
        return "every day"
    if days == frozenset(range(5)):
        return "on weekdays (Mon to Fri)"
    if days == frozenset({5, 6}):
        return "at weekends (Sat, Sun)"
    return "on " + ", ".join(WEEKDAYS[day] for day in sorted(days)) if days else "on no day"


def _trigger_in_words(rule: Rule) -> str:
    match rule.trigger:
        case AtTime(at, days):
            return f"{on_days(days)} at {clock(at)}"
        case AtSun(event, offset_s, days):
            return f"{on_days(days)}, {_by_sun(event, offset_s)}"
        case AtDate(at):
            offset = f" UTC{at.isoformat()[-6:]}" if at.tzinfo is not None else ""
            return f"once, on {at.date()} at {clock(at)}{offset}"
        case Every(interval_s, between, days) if between is None:
            return f"{on_days(days)}, {_every(interval_s)}, by elapsed time"
        case Every(interval_s, between, days):
            assert between is not None
            start, end = between
            next_day = " the next day" if end <= start else ""
            window = f"from {clock(start)} until before {clock(end)}{next_day}"
            return f"{on_days(days)}, {_every(interval_s)} {window}"
        case PowerPast(side, threshold_w, hold_s, rearm_w):
            held = f" and has stayed so for {elapsed(hold_s)}" if hold_s else ""
            other = "above" if side == "below" else "below"
            level, rearm = watts(threshold_w), watts(rearm_w)
            again = f"not {side} {level} W any more" if rearm_w == threshold_w else f"{other} {rearm} W"
            return f"when the load is {side} {level} W{held}, and again only after it was {again}"
        case StateTurns(device_id, turns, hold_s):
            return f"when {device_id} turns {turns}" + (f" and stays so for {elapsed(hold_s)}" if hold_s else "")
        case AfterDelay(delay_s, start_at):
            what = "the device was turned on" if start_at == "on" else "`sync apply`, once"
            return f"{elapsed(delay_s)} after {what}"
        case Away(start, end, days):
            return f"{on_days(days)}, on and off at random between {_edge(start)} and {_edge(end)}"
        case _ as never:
            assert_never(never)


def _every(interval_s: int) -> str:
    said = elapsed(interval_s)
    return "every " + (said.removeprefix("1 ") if said.count(" ") == 1 else said)


def _by_sun(event: str, offset_s: int) -> str:
    if not offset_s:
        return f"at {event}"
    return f"{elapsed(abs(offset_s))} {'before' if offset_s < 0 else 'after'} {event}"


def _edge(edge: dt.time | SunEdge) -> str:
    return clock(edge) if isinstance(edge, dt.time) else _by_sun(edge.event, edge.offset_s).removeprefix("at ")
