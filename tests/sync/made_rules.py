"""Rules and devices to try the placing with: one of each by hand, and any by hypothesis."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tapo_automate.device import Description, DeviceSpec, Setting
from tapo_automate.rows import TABLES, Holdings, OwnClock, Table
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Condition,
    Every,
    PowerPast,
    Rule,
    RuleBook,
    Site,
    StateTurns,
    Step,
    SunEdge,
)
from tapo_automate.sync.model import Reading

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)  # a Sunday, 13:00 in Berlin
ON, OFF = Setting(on=True), Setting(on=False)
MON_TO_FRI, SAT_SUN = frozenset(range(5)), frozenset({5, 6})
LAMP = Description("x", "L530", "1.0", "klap", True, True, True, (2500, 6500))
PLUG = Description("x", "P110", "1.0", "klap", True)


def a_rule(trigger: Any, setting: Setting = ON, name: str = "r", **more: Any) -> Rule:
    return Rule(name, ("d",), trigger, setting, **more)


def at(hour: int, minute: int = 0, second: int = 0, **more: Any) -> AtTime:
    return AtTime(dt.time(hour, minute, second), **more)


def holdings(**more: Any) -> Holdings:
    """Return a lamp with all tables, empty, that can be trusted in Berlin."""
    tables = {name: Table(32 if name == "schedule" else 1) for name in TABLES}
    there = Holdings(LAMP, tables, OwnClock(NOW, "Europe/Berlin", 60), (52.5, 13.4), max_power_w=3680.0)
    return replace(there, **more)


def reading(**more: Any) -> Reading:
    return Reading(holdings(**more), NOW)


def with_rows(name: Any, *rows: Any, max_rows: int = 32) -> Reading:
    """Return the lamp with rows in one of its tables."""
    table = Table(max_rows if name == "schedule" else 1, rows)
    return reading(tables={**holdings().tables, name: table})


def a_book(*rules: Rule, site: Site = BERLIN) -> RuleBook:
    return RuleBook(site, {"d": DeviceSpec("d", "tapo-bulb", "h")}, {}, {rule.id: rule for rule in rules})


# --- any of them --------------------------------------------------------------------------------------------------

_days = st.frozensets(st.integers(0, 6), min_size=1)
_minutes = st.builds(dt.time, st.integers(0, 23), st.integers(0, 59))
_times = _minutes | st.builds(dt.time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
_events = st.sampled_from(["sunrise", "sunset"])
_offsets_s = st.integers(-720, 720).map(lambda minutes: 60 * minutes) | st.integers(-43_200, 43_200)
_edges = _times | st.builds(SunEdge, _events, _offsets_s)
_delays_s = st.integers(1, 1440).map(lambda minutes: 60 * minutes) | st.integers(1, 86_400)
_dates = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59))  # noqa: DTZ001
_near = st.integers(-3000, 3000).map(lambda minutes: NOW.replace(tzinfo=None) + dt.timedelta(minutes=minutes))
_aware = st.builds(
    lambda date, hours: date.replace(tzinfo=dt.timezone(dt.timedelta(hours=hours))),
    _dates | _near,
    st.integers(-23, 23),
)
triggers = st.one_of(
    st.builds(AtTime, _times, _days),
    st.builds(AtSun, _events, _offsets_s, _days),
    st.builds(AtDate, _dates.map(lambda date: date.replace(microsecond=0)) | _near | _aware),
    st.builds(Every, st.integers(1, 10**7), st.none() | st.tuples(_times, _times), _days),
    st.builds(
        PowerPast, st.sampled_from(["below", "above"]), st.integers(0, 5000).map(float), st.sampled_from([0, 60])
    ),
    st.builds(lambda watts: PowerPast("above", watts, 0, watts), st.integers(0, 5000).map(float)),
    st.builds(StateTurns, st.just("tv"), st.sampled_from(["on", "off"])),
    st.builds(AfterDelay, _delays_s, st.sampled_from(["on", "apply"])),
    st.builds(Away, _edges, _edges, _days),
)
_switching = st.builds(Setting, st.booleans())
_whites = st.builds(Setting, st.sampled_from([None, True]), st.integers(1, 100), st.none() | st.integers(1000, 12_000))
_colours = st.builds(
    lambda on, hue, saturation: Setting(on, hue_deg=hue, saturation_pct=saturation),
    st.sampled_from([None, True]),
    st.none() | st.integers(0, 360),
    st.integers(0, 100),
)
_faded = st.builds(
    lambda setting, fade: replace(setting, transition_ms=fade), _switching | _whites, st.integers(0, 3_600_000)
)
settings_of_rules = _switching | _whites | _colours | _faded | st.just(Setting(toggle=True)) | st.just(Setting())


@st.composite
def rules(draw: st.DrawFn, name: str = "r") -> Rule:
    """Any rule: most of them could be on a device, for the rest there is each of the reasons."""
    more: dict[str, Any] = {}
    if draw(st.integers(0, 3)) == 0:
        more = draw(
            st.sampled_from(
                [
                    {"steps": (Step(60, ON),)},
                    {"notify": "done"},
                    {"only_if": Condition(days=SAT_SUN)},
                    {"jitter_s": 30},
                    {"override_s": 60},
                    {"failsafe_s": 600},
                    {"executor": "daemon"},
                    {"executor": "device"},
                    {"enabled": False},
                ]
            )
        )
    trigger = draw(triggers)
    return a_rule(trigger, Setting() if isinstance(trigger, Away) else draw(settings_of_rules), name, **more)


sites = st.sampled_from(
    [
        BERLIN,
        Site(ZoneInfo("Europe/Berlin")),
        Site(ZoneInfo("Arctic/Longyearbyen"), 78.22, 15.63),
        Site(ZoneInfo("Australia/Lord_Howe"), -31.55, 159.08),
        Site(ZoneInfo("America/Santiago"), -33.45, -70.67),
        Site(ZoneInfo("Pacific/Apia"), -13.83, -171.77),
        Site(ZoneInfo("Asia/Kolkata"), 22.57, 88.36),
    ]
)
