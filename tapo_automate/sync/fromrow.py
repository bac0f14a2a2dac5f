"""A row as a rule of the language: the way back from `compile.row_of`."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from typing import TypeAlias, assert_never

from tapo_automate.device import Setting
from tapo_automate.rows import (
    EVERY_DAY,
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    ScheduleRow,
)
from tapo_automate.rules.durations import spell
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    PowerPast,
    Site,
    SunEdge,
    Trigger,
)
from tapo_automate.rules.values import WEEKDAYS
from tapo_automate.sync.upcoming import next_instant

APP_FREQUENCY_MIN = 5
_BARE = re.compile(r"[A-Za-z0-9_-]+")

Unsayable: TypeAlias = str
"""Why there is no rule, as half a sentence."""


def said(row: FoundRow, site: Site, read_at: dt.datetime) -> tuple[Trigger, Setting] | Unsayable:
    """Return when a row does what, in the rule language, or why that cannot be said.

    read_at: when the row was read; a row that happens once means its next time after that.
    """
    if isinstance(row, OpaqueRow):
        return f"it cannot be read: {row.why}"
    if not row.enabled:
        return "it is switched off"
    match row:
        case CountdownRow():
            return "a countdown is an event, and is over when it has run"
        case AutoOff(delay_min=delay_min):
            return AfterDelay(60 * delay_min, "on"), Setting(on=False)
        case PowerProtection(limit_w=limit_w):
            return PowerPast("above", limit_w, rearm_w=limit_w), Setting(on=False)
        case AntitheftRow():
            return _away(row)
        case ScheduleRow():
            return _scheduled(row, site, read_at)
        case _ as never:
            assert_never(never)


def when_words(trigger: Trigger) -> str:
    """Return a trigger of `said` as a line of TOML: "when.time = { at = 23:30:00, days = ["mon"] }"."""
    match trigger:
        case AtTime(at, days):
            return f"when.time = {{ at = {at.isoformat()}{_days(days)} }}"
        case AtSun(event, offset_s, days):
            offset = f'offset = "{spell(offset_s)}"' if offset_s else ""
            inside = f"{offset}{_days(days)}".removeprefix(", ")
            return f"when.{event} = {{ {inside} }}" if inside else f"when.{event} = {{}}"
        case AtDate(at):
            return f"when.date = {{ at = {at.isoformat()} }}"
        case AfterDelay(delay_s, start):
            return f'when.countdown = {{ after = "{spell(delay_s)}", from = "{start}" }}'
        case PowerPast(side, threshold_w):
            return f"when.power = {{ {side} = {threshold_w:g} }}"
        case Away(start, end, days):
            return f"when.away = {{ from = {_edge(start)}, until = {_edge(end)}{_days(days)} }}"
        case _:
            raise AssertionError(f"no row comes to {trigger}")


def set_words(setting: Setting) -> str:
    """Return a setting as a line of TOML: "set = { on = true, brightness = 40 }"."""
    words = {**setting.as_rule()}
    if setting.transition_ms is not None:
        words["transition"] = transition_words(setting.transition_ms)
    return f"set = {{ {', '.join(f'{name} = {_value(value)}' for name, value in words.items())} }}"


def transition_words(transition_ms: int) -> str:
    """Return a transition as the language writes it, to the millisecond."""
    if transition_ms % 1000:
        return f"{transition_ms}ms"
    minutes, seconds = divmod(transition_ms // 1000, 60)
    return f"{minutes}m" if minutes and not seconds else f"{transition_ms // 1000}s"


def toml_key(name: str) -> str:
    """Return a name as a key of TOML, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else toml_text(name)


def toml_text(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _scheduled(row: ScheduleRow, site: Site, read_at: dt.datetime) -> tuple[Trigger, Setting] | Unsayable:
    setting = replace(row.setting, transition_ms=row.setting.transition_ms or None)
    if row.repeats and not row.days:
        return "it repeats on no day, and never happens"
    if not row.repeats:
        at = next_instant(replace(row, days=frozenset()), site, read_at)
        if at is None or row.at.anchor != "midnight":
            return "it happens once, at a sunrise or sunset, which the rule language has no word for"
        if row.next_day is not None and row.next_day != at.astimezone(site.timezone).date():
            return f"it happens once, and the device says on {row.next_day}"
        return AtDate(at.astimezone(site.timezone).replace(tzinfo=None)), setting
    if row.at.anchor == "midnight":
        return AtTime(_time(row.at), row.days), setting
    return AtSun(row.at.anchor, 60 * row.at.offset_min, row.days), setting


def _away(row: AntitheftRow) -> tuple[Trigger, Setting] | Unsayable:
    if not row.repeats:
        return "away mode for the next time only is an event, and is over when it has run"
    if not row.days:
        return "it repeats on no day, and never happens"
    if row.frequency_min != APP_FREQUENCY_MIN:
        return f"it switches every {row.frequency_min} min, and the rule language has no word for that"
    return Away(_moment(row.start), _moment(row.end), row.days), Setting()


def _moment(at: Moment) -> dt.time | SunEdge:
    return _time(at) if at.anchor == "midnight" else SunEdge(at.anchor, 60 * at.offset_min)


def _time(at: Moment) -> dt.time:
    return dt.time(at.offset_min // 60, at.offset_min % 60)


def _days(days: frozenset[int]) -> str:
    if days == EVERY_DAY:
        return ""
    words = ", ".join(toml_text(WEEKDAYS[day]) for day in sorted(days))
    return f", days = [{words}]"


def _edge(edge: dt.time | SunEdge) -> str:
    if isinstance(edge, dt.time):
        return edge.isoformat()
    if not edge.offset_s:
        return f'"{edge.event}"'
    return f'"{edge.event}{"+" if edge.offset_s > 0 else ""}{spell(edge.offset_s)}"'


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return toml_text(value) if isinstance(value, str) else str(value)
