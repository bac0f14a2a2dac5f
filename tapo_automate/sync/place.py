"""Where a rule belongs: a row on the device, the daemon, or nowhere.  One total function, without a clock.

The codes are listed in docs/sync.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from tapo_automate.device import Setting
from tapo_automate.rows import (
    AntitheftRow,
    CountdownRow,
    Holdings,
    PowerProtection,
    Row,
    ScheduleRow,
    TableName,
    table_of,
)
from tapo_automate.rules.meaning import watts
from tapo_automate.rules.model import AfterDelay, AtDate, Rule, Site
from tapo_automate.rules.wall import clock, resolve
from tapo_automate.sync.ahead import objection
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.model import InDaemon, Nowhere, OnDevice, Placement, Reading
from tapo_automate.sync.rows import key_of
from tapo_automate.sync.trust import MENDED_WITH_CLOCK, Doubt, doubts

TABLE_WORDS: dict[TableName, str] = {
    "schedule": "schedule",
    "countdown": "countdown",
    "antitheft": "antitheft table",
    "auto_off": "auto-off",
    "power_protection": "power protection",
}
SHORTEST_LEAD = dt.timedelta(minutes=2)  # a plan is read, agreed to and carried out before the row's time comes
_DAY = dt.timedelta(days=1)


def place(
    rule: Rule,
    device_id: str,
    site: Site,
    reading: Reading | None,
    now: dt.datetime,
    *,
    fixed_clock: bool = False,
) -> Placement:
    """Return where a rule belongs on one of its devices.  Never raises.

    reading: None for what can be said without asking the device; OnDevice then means that it could be there.
    now: aware.  fixed_clock: the device's clock and zone are about to be set.
    """
    if reading is None:
        return place_among(rule, device_id, site, None, (), now)
    found = standing(doubts(reading, site, now), fixed_clock)
    return place_among(rule, device_id, site, reading.holdings, found, now)


def standing(found: Sequence[Doubt], fixed_clock: bool) -> tuple[Doubt, ...]:
    """Return the doubts that remain, once clock and zone are set if they are to be."""
    return tuple(doubt for doubt in found if not (fixed_clock and doubt.code in MENDED_WITH_CLOCK))


def place_among(
    rule: Rule,
    device_id: str,
    site: Site,
    holdings: Holdings | None,
    found: Sequence[Doubt],
    now: dt.datetime,
    *,
    held: bool = False,
) -> Placement:
    """Like `place`, for one whose doubts are known already.

    held: the device holds the rule's row; one that happens once then stays until it has happened, however near.
    """
    if device_id not in rule.device_ids:
        return Nowhere("other-device", f"the rule is not for {device_id}", failed=False)
    if not rule.enabled:
        return Nowhere("disabled", "the rule says enabled = false", failed=False)
    placement = _placed(rule, site, holdings, found, now, held)
    return fallen_back(rule, placement) if isinstance(placement, InDaemon) else placement


def fallen_back(rule: Rule, why: InDaemon) -> InDaemon | Nowhere:
    """Return where a rule goes that cannot be on the device: to the daemon, if it may and can carry it out."""
    if rule.executor == "device":
        return Nowhere(why.code, why.reason)
    if isinstance(rule.trigger, AfterDelay) and rule.trigger.start == "apply":
        return Nowhere(why.code, f"{why.reason}; only a device counts down from `sync apply`")
    return why


def _placed(
    rule: Rule, site: Site, holdings: Holdings | None, found: Sequence[Doubt], now: dt.datetime, held: bool
) -> Placement:
    if isinstance(rule.trigger, AtDate) and _is_over(rule.trigger.at, site, now):
        return Nowhere("past", f"{rule.trigger.at.date()} {clock(rule.trigger.at)} is over", failed=False)
    if rule.executor == "daemon":
        return InDaemon("rule", 'the rule says so: executor = "daemon"')
    compiled = row_of(rule, site)
    if isinstance(compiled, InDaemon):
        return compiled
    row, at = compiled
    in_the_way = (
        (None if at is None or held else _too_early_or_late(at, site, now))
        or objection(rule.trigger, site, now.astimezone(site.timezone).date())
        or (None if holdings is None else _unfit(row, holdings) or _doubted(row, found))
    )
    return in_the_way or OnDevice(row, key_of(rule, row))


def _is_over(at: dt.datetime, site: Site, now: dt.datetime) -> bool:
    try:
        return (at if at.tzinfo is not None else resolve(at, site.timezone)[1]) <= now
    except OverflowError:  # where the calendar begins or ends
        return at.year < now.year


def _too_early_or_late(at: dt.datetime, site: Site, now: dt.datetime) -> InDaemon | None:
    """Return why a row that happens the next time its minute comes would not happen at this instant, or None."""
    wall = at.astimezone(site.timezone).replace(tzinfo=None)
    if at - now <= SHORTEST_LEAD:
        return InDaemon("date", f"{clock(wall)} is no more than 2 minutes away, too near to hand it over")
    if at - now > _DAY or at != _next_time(wall.time(), site, now):
        said = f"a device knows no dates, only the next {clock(wall)}"
        return InDaemon("date", f"{said}: a plan made in the 24 hours before {wall:%Y-%m-%d %H:%M} hands it over")
    return None


def _next_time(wall: dt.time, site: Site, now: dt.datetime) -> dt.datetime | None:
    today = now.astimezone(site.timezone).date()
    coming = (resolve(dt.datetime.combine(day, wall), site.timezone) for day in (today, today + _DAY))
    return next((at for earlier, later, _ in coming for at in (earlier, later) if at > now), None)


def _unfit(row: Row, holdings: Holdings) -> InDaemon | None:
    """Return what the device does not have, or cannot do, or None."""
    table = table_of(row)
    if table not in holdings.tables:
        return InDaemon("no-table", f"the device has no {TABLE_WORDS[table]}")
    match row:
        case ScheduleRow(setting=setting) | CountdownRow(setting=setting):
            return _too_old(table, setting, holdings) or _beyond(setting, holdings)
        case PowerProtection(limit_w) if holdings.max_power_w is not None and limit_w > holdings.max_power_w:
            most = watts(holdings.max_power_w)
            return InDaemon("range", f"{limit_w} W is more than the {most} W that the device is built for")
        case _:
            return None


def _too_old(table: TableName, setting: Setting, holdings: Holdings) -> InDaemon | None:
    more = replace(setting, on=None)
    if holdings.versions.get(table) == 1 and more != Setting():
        return InDaemon("version", f"its {table} is of version 1, which turns on and off and nothing else: {more}")
    return None


def _beyond(setting: Setting, holdings: Holdings) -> InDaemon | None:
    able = holdings.description
    if setting.brightness_pct is not None and not able.has_brightness:
        return InDaemon("ability", "the device has no brightness")
    if setting.hue_deg is not None and not able.has_color:
        return InDaemon("ability", "the device shows no colours")
    if setting.color_temp_k is not None:
        if able.color_temp_range_k is None:
            return InDaemon("ability", "the device has only one white")
        lowest, highest = able.color_temp_range_k
        if not lowest <= setting.color_temp_k <= highest:
            said = f"color_temp {setting.color_temp_k} is outside the device's own {lowest} to {highest} K"
            return InDaemon("range", said)
    if setting.transition_ms and not holdings.row_transitions:
        return InDaemon("transition", "the device's rows set at once: leave `transition` out")
    return None


def _doubted(row: Row, found: Sequence[Doubt]) -> InDaemon | None:
    for doubt in found:
        if table_of(row) in doubt.tables and (by_sun(row) or not doubt.sun_only):
            return InDaemon(doubt.code, doubt.reason)
    return None


def by_sun(row: Row) -> bool:
    """Whether a row goes by the sun."""
    match row:
        case ScheduleRow(at=at):
            return at.anchor != "midnight"
        case AntitheftRow(start=start, end=end):
            return start.anchor != "midnight" or end.anchor != "midnight"
        case _:
            return False
