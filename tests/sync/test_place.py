"""Where a rule belongs, and why not elsewhere."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sync.made_rules import BERLIN, NOW, OFF, ON, PLUG, SAT_SUN, a_rule, at, holdings, reading, rules, sites
from tapo_automate.device import Setting
from tapo_automate.rows import EVERY_DAY, OwnClock, ScheduleRow, table_of
from tapo_automate.rules.model import AfterDelay, AtDate, AtSun, AtTime, Away, PowerPast, Rule, Site, SunEdge
from tapo_automate.rules.recur import moments_after
from tapo_automate.sync.model import InDaemon, Nowhere, OnDevice, Placement, Reading
from tapo_automate.sync.place import place
from tapo_automate.sync.rows import digest, in_words, key_of, matches
from tapo_automate.sync.trust import doubts

LONGYEARBYEN = Site(ZoneInfo("Arctic/Longyearbyen"), 78.22, 15.63)
OSLO = Site(ZoneInfo("Europe/Oslo"), 59.91, 10.75)
HELSINKI = Site(ZoneInfo("Europe/Helsinki"), 60.17, 24.94)


def wall(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def utc(text: str) -> dt.datetime:
    return wall(text).replace(tzinfo=dt.UTC)


def put(rule: Rule, there: Reading | None = None, site: Site = BERLIN, now: dt.datetime = NOW) -> Placement:
    return place(rule, "d", site, there, now)


def words(placement: Placement) -> str:
    return in_words(placement.row) if isinstance(placement, OnDevice) else repr(placement)


@pytest.mark.parametrize("there", [None, reading()])
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (a_rule(at(23, 30), OFF), "every day at 23:30 → off"),
        (a_rule(AtSun("sunset", -900), Setting(None, 40)), "every day 15 min before sunset → on, brightness 40"),
        (a_rule(AtSun("sunrise", -7200)), "every day 2 h before sunrise → on"),
        (a_rule(AtDate(wall("2026-11-23 07:00"))), "once at 07:00 → on"),
        (a_rule(AtDate(utc("2026-11-23 06:00"))), "once at 07:00 → on"),
        (a_rule(AfterDelay(2700, "apply"), OFF), "in 45 min → off"),
        (a_rule(AfterDelay(2700, "on"), OFF), "45 min after it turns on → off"),
        (a_rule(PowerPast("above", 2300, 0, 2300), OFF), "above 2300 W → off"),
        (a_rule(Away(SunEdge("sunset"), dt.time(23, 30)), Setting()), "at random from sunset to 23:30"),
        (a_rule(Away(dt.time(22), SunEdge("sunrise", -60)), Setting()), "at random from 22:00 to 1 min before sunrise"),
        # Clocks change in the nights to Sundays: the other days have their 02:30.
        (a_rule(at(2, 30, days=frozenset(range(6)))), "mon, tue, wed, thu, fri, sat at 02:30 → on"),
        (a_rule(at(23, 30), OFF, executor="device"), "every day at 23:30 → off"),
    ],
)
def test_a_rule_that_the_device_carries_out(rule: Rule, there: Reading | None, said: str) -> None:
    placement = put(rule, there)
    assert words(placement) == said
    assert isinstance(placement, OnDevice)
    assert placement.key == key_of(rule, placement.row)


TOO_FAR = (
    "a device knows no dates, only the next 16:00: a plan made in the 24 hours before 2026-12-24 16:00 hands it over"
)


@pytest.mark.parametrize(
    ("rule", "there", "placement"),
    [
        (a_rule(at(8), enabled=False), None, Nowhere("disabled", "the rule says enabled = false", failed=False)),
        (a_rule(at(8), executor="daemon"), None, InDaemon("rule", 'the rule says so: executor = "daemon"')),
        (
            a_rule(AtDate(wall("2026-11-22 12:59"))),
            None,
            Nowhere("past", "2026-11-22 12:59 is over", failed=False),
        ),
        (
            a_rule(AtDate(wall("2026-11-22 12:59:30")), executor="daemon"),
            None,
            Nowhere("past", "2026-11-22 12:59:30 is over", failed=False),
        ),
        (
            a_rule(AtDate(wall("2027-03-28 02:30")), on_gap="skip"),
            None,
            InDaemon("clock-change", "02:30 does not exist on 2027-03-28, when the clocks change"),
        ),
        (
            a_rule(AtDate(wall("0001-01-01 00:00"))),
            None,
            Nowhere("past", "0001-01-01 00:00 is over", failed=False),
        ),
        (a_rule(AtDate(wall("2026-12-24 16:00"))), None, InDaemon("date", TOO_FAR)),
        (a_rule(AtDate(wall("2026-12-24 16:00")), executor="device"), None, Nowhere("date", TOO_FAR)),
        (
            a_rule(AtDate(wall("2026-11-22 13:02"))),
            None,
            InDaemon("date", "13:02 is no more than 2 minutes away, too near to hand it over"),
        ),
        (
            a_rule(at(8), ON, notify="done"),
            None,
            InDaemon("notify", "a device tells nobody: `notify` needs the daemon"),
        ),
        (
            a_rule(at(8), ON, notify="done", executor="device"),
            None,
            Nowhere("notify", "a device tells nobody: `notify` needs the daemon"),
        ),
        (
            a_rule(AfterDelay(60, "apply"), ON, notify="done"),
            None,
            Nowhere(
                "notify",
                "a device tells nobody: `notify` needs the daemon; only a device counts down from `sync apply`",
            ),
        ),
        (
            a_rule(at(2, 30)),
            None,
            InDaemon("clock-change", "02:30 does not exist on 2027-03-28, when the clocks change"),
        ),
        (
            a_rule(Away(dt.time(22), dt.time(2)), Setting()),
            None,
            InDaemon("clock-change", "02:00 does not exist on 2027-03-28, when the clocks change"),
        ),
        (
            a_rule(AtSun("sunset", 21_600)),
            None,
            InDaemon(
                "day",
                "on 2027-03-09, 6 h after sunset comes within 2 minutes of midnight, or beyond it: "
                "a device keeps to the day of the sunset",
            ),
        ),
        (
            a_rule(at(8), Setting(True, 40)),
            reading(description=PLUG),
            InDaemon("ability", "the device has no brightness"),
        ),
        (
            a_rule(at(8), Setting(hue_deg=1, saturation_pct=1)),
            reading(description=PLUG),
            InDaemon("ability", "the device shows no colours"),
        ),
        (
            a_rule(at(8), Setting(color_temp_k=2700)),
            reading(description=PLUG),
            InDaemon("ability", "the device has only one white"),
        ),
        (
            a_rule(at(8), Setting(color_temp_k=2400)),
            reading(),
            InDaemon("range", "color_temp 2400 is outside the device's own 2500 to 6500 K"),
        ),
        (
            a_rule(at(8), Setting(True, transition_ms=2000)),
            reading(),
            InDaemon("transition", "the device's rows set at once: leave `transition` out"),
        ),
        (
            a_rule(PowerPast("above", 3681, 0, 3681), OFF),
            reading(),
            InDaemon("range", "3681 W is more than the 3680 W that the device is built for"),
        ),
        (
            a_rule(at(8), Setting(True, 40)),
            reading(versions={"schedule": 1}),
            InDaemon("version", "its schedule is of version 1, which turns on and off and nothing else: brightness 40"),
        ),
        (
            a_rule(at(8)),
            reading(versions={"schedule": 3}),
            InDaemon("version", "its schedule is of version 3, and versions 1 and 2 are known"),
        ),
        (a_rule(at(8)), reading(tables={}), InDaemon("no-table", "the device has no schedule")),
        (
            a_rule(Away(dt.time(20), dt.time(23)), Setting()),
            reading(tables={}),
            InDaemon("no-table", "the device has no antitheft table"),
        ),
        (a_rule(AfterDelay(60, "on"), OFF), reading(tables={}), InDaemon("no-table", "the device has no auto-off")),
        (
            a_rule(AfterDelay(60, "apply"), OFF),
            reading(tables={}),
            Nowhere("no-table", "the device has no countdown; only a device counts down from `sync apply`"),
        ),
        (
            a_rule(at(8)),
            reading(clock=OwnClock(NOW - dt.timedelta(seconds=90), "Europe/Berlin", 60)),
            InDaemon("clock", "its clock is 90 s behind: `sync apply --fix-clock` sets it"),
        ),
        (
            a_rule(at(8)),
            reading(clock=OwnClock(NOW, "", 60)),
            InDaemon(
                "zone",
                "it has no time zone, and so no summer time: `sync apply --fix-clock` sets it to Europe/Berlin",
            ),
        ),
        (
            a_rule(AtSun("sunset")),
            reading(position=None),
            InDaemon(
                "location",
                "it has no location, and so a sun of its own making: set the device's location in the Tapo app",
            ),
        ),
        (
            a_rule(Away(SunEdge("sunset"), dt.time(23)), Setting(), executor="device"),
            reading(position=None),
            Nowhere(
                "location",
                "it has no location, and so a sun of its own making: set the device's location in the Tapo app",
            ),
        ),
        (
            a_rule(at(8)),
            reading(local_time=False),
            InDaemon("local-time", "its rows run in no local time: nobody knows in which"),
        ),
    ],
)
def test_a_rule_that_the_device_does_not_carry_out(rule: Rule, there: Reading | None, placement: Placement) -> None:
    assert put(rule, there) == placement


def test_a_rule_of_another_device() -> None:
    assert place(a_rule(at(8)), "tv", BERLIN, None, NOW) == Nowhere(
        "other-device", "the rule is not for tv", failed=False
    )


def test_a_device_that_can_may() -> None:
    faded = Setting(True, 40, 2700, transition_ms=2000)
    assert words(put(a_rule(at(8), faded), reading(row_transitions=True))) == (
        "every day at 08:00 → on, brightness 40, color_temp 2700, transition 2s"
    )
    assert isinstance(put(a_rule(at(8)), reading(versions={"schedule": 1})), OnDevice)
    assert isinstance(put(a_rule(PowerPast("above", 9999, 0, 9999), OFF), reading(max_power_w=None)), OnDevice)
    assert isinstance(put(a_rule(AfterDelay(60, "on"), OFF), reading(clock=None, local_time=False)), OnDevice)
    assert isinstance(put(a_rule(at(8)), reading(position=None)), OnDevice)


def test_a_clock_that_is_about_to_be_set_is_no_hindrance() -> None:
    wrong = reading(clock=OwnClock(dt.datetime(2000, 1, 1, tzinfo=dt.UTC), "", 0))
    assert isinstance(place(a_rule(at(8)), "d", BERLIN, wrong, NOW, fixed_clock=True), OnDevice)
    none = reading(clock=OwnClock(NOW, "", 0), local_time=False)
    assert isinstance(place(a_rule(at(8)), "d", BERLIN, none, NOW, fixed_clock=True), InDaemon)


# --- The coming 400 days ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "site", "code", "reason"),
    [
        (
            AtSun("sunset"),
            LONGYEARBYEN,
            "polar",
            "no sunset on 2026-11-22: the sun does not set on this day: it is down all day",
        ),
        (
            AtTime(dt.time(2), SAT_SUN),
            BERLIN,
            "clock-change",
            "02:00 does not exist on 2027-03-28, when the clocks change",
        ),
        (
            AtTime(dt.time(3), EVERY_DAY),
            HELSINKI,
            "clock-change",
            "03:00 does not exist on 2027-03-28, when the clocks change",
        ),
        (
            AtSun("sunrise", -18_000),
            HELSINKI,
            "clock-change",
            "the clocks change between sunrise and 00:58 on 2027-03-28",
        ),
        (
            AtSun("sunset"),
            Site(ZoneInfo("UTC")),
            "location",
            "the site has no latitude and longitude: add them to [site]",
        ),
        (
            Away(SunEdge("sunset"), dt.time(20)),
            BERLIN,
            "window",
            "on 2027-04-13, the window sunset to 20:00 is empty",
        ),
        (
            Away(SunEdge("sunset", 18_000), dt.time(23)),
            BERLIN,
            "window",
            "on 2027-03-10, the window sunset +300 min to 23:00 is empty",
        ),
    ],
)
def test_a_day_on_which_a_row_would_do_something_else(trigger: Any, site: Site, code: str, reason: str) -> None:
    setting = Setting() if isinstance(trigger, Away) else ON
    assert put(a_rule(trigger, setting), None, site) == InDaemon(code, reason)


def test_a_moment_by_the_sun_in_the_hour_that_comes_twice() -> None:
    early = a_rule(AtSun("sunrise", -15_900))
    assert put(early, None, BERLIN, utc("2027-05-01 12:00")) == InDaemon(
        "clock-change", "02:35 happens twice on 2027-10-31, when the clocks change"
    )


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        (EVERY_DAY, "the window of 2026-11-22 reaches into the next one"),
        (frozenset({6}), "a device would take the window of 2026-11-22 for one of another length"),
    ],
)
def test_a_sun_at_odd_hours_makes_odd_windows(days: frozenset[int], reason: str) -> None:
    fiji_by_greenwich = Site(ZoneInfo("UTC"), -17.7, 178.0)  # where the sun rises about 18:00
    rule = a_rule(Away(dt.time(12), SunEdge("sunrise"), days), Setting())
    assert put(rule, None, fiji_by_greenwich) == InDaemon("window", reason)


def test_only_days_on_which_the_rule_fires_count() -> None:
    assert isinstance(put(a_rule(at(2, 30, days=SAT_SUN - {6}))), OnDevice)
    assert isinstance(put(a_rule(at(2, 30, days=frozenset({6})))), InDaemon)


@given(st.sampled_from(["sunrise", "sunset"]), st.integers(-360, 360), sites)
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_sun_row_by_the_minutes_of_each_day_is_the_rule_by_instants(event: Any, offset_min: int, site: Site) -> None:
    """What a device computes, minute of the sun plus offset on the event's own day, is what the rule means."""
    rule = a_rule(AtSun(event, 60 * offset_min))
    if not isinstance(put(rule, None, site), OnDevice):
        return
    plain = moments_after(a_rule(AtSun(event)), site, NOW + dt.timedelta(days=1))
    moved = moments_after(rule, site, NOW + dt.timedelta(days=1, minutes=offset_min))
    for _ in range(390):
        sun, due = (next(each).at.astimezone(site.timezone).replace(tzinfo=None) for each in (plain, moved))
        assert due - sun == dt.timedelta(minutes=offset_min)
        assert due.date() == sun.date()


# --- Dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "date", "on_device"),
    [
        ("2026-11-22 12:00", "2026-11-23 13:00", True),  # exactly a day
        ("2026-11-22 12:00", "2026-11-23 13:01", False),
        ("2026-11-22 12:00", "2026-11-22 13:03", True),
        ("2026-11-22 12:00:30", "2026-11-22 13:03", True),
        ("2026-11-22 12:01", "2026-11-22 13:03", False),
        # The night of 28 March is an hour shorter: 23 hours on, it is half past twelve of the day after.
        ("2027-03-27 11:00", "2027-03-28 12:30", False),
        ("2027-03-27 11:31", "2027-03-28 12:30", True),
        # The night of 31 October is an hour longer.
        ("2027-10-30 10:00", "2027-10-31 11:00", True),
        ("2027-10-30 10:00", "2027-10-31 11:30", False),
    ],
)
def test_a_date_is_handed_over_in_the_day_before_it(now: str, date: str, on_device: bool) -> None:
    assert isinstance(put(a_rule(AtDate(wall(date))), None, BERLIN, utc(now)), OnDevice) is on_device


# --- Any rule -----------------------------------------------------------------------------------------------------

_readings = st.builds(
    lambda clock, position, local_time, transitions, versions, plug: reading(
        clock=clock,
        position=position,
        local_time=local_time,
        row_transitions=transitions,
        versions=versions,
        description=PLUG if plug else holdings().description,
    ),
    st.none()
    | st.builds(
        OwnClock,
        st.sampled_from([NOW, utc("2000-01-01")]),
        st.sampled_from(["", "x", "Europe/Berlin", "UTC"]),
        st.sampled_from([None, 0, 60]),
    ),
    st.none() | st.sampled_from([(52.5, 13.4), (78.2, 15.6), (-90.0, 0.0)]),
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.sampled_from(["schedule", "countdown", "antitheft"]), st.integers(0, 4)),
    st.booleans(),
)


@given(rules(), sites, st.none() | _readings, st.booleans())
@hypothesis_settings(max_examples=400, deadline=None)
def test_any_rule_has_its_place(rule: Rule, site: Site, there: Reading | None, fixed_clock: bool) -> None:
    placement = place(rule, "d", site, there, NOW, fixed_clock=fixed_clock)
    assert placement == place(replace(rule, id="other"), "d", site, there, NOW, fixed_clock=fixed_clock)
    match placement:
        case OnDevice(row, key):
            assert matches(row, row)
            assert digest(replace(row)) == digest(row)
            assert key == key_of(rule, row)
            assert rule.enabled
            assert rule.executor != "daemon"
            trusted = [] if there is None else [each.code for each in doubts(there, site, NOW) if not each.sun_only]
            mended = {"clock", "zone"} if fixed_clock else set()
            if table_of(row) in ("schedule", "antitheft"):
                assert not [code for code in trusted if code not in {*mended, "version"}]
        case InDaemon(_, reason) | Nowhere(_, reason):
            assert reason
            assert not reason.endswith(".")
            assert "52.5" not in reason
    if rule.executor == "device":
        assert not isinstance(placement, InDaemon)
    if rule.trigger == AfterDelay(getattr(rule.trigger, "delay_s", 0), "apply"):
        assert not isinstance(placement, InDaemon)


@given(rules("a"), rules("b"), sites)
@hypothesis_settings(max_examples=300, deadline=None)
def test_keys_differ_where_rules_mean_different_things(one: Rule, other: Rule, site: Site) -> None:
    placed, rival = (place(rule, "d", site, None, NOW) for rule in (one, other))
    if isinstance(placed, OnDevice) and isinstance(rival, OnDevice):
        assert (placed.key == rival.key) == (placed.row == rival.row and _date(one, site) == _date(other, site))


def _date(rule: Rule, site: Site) -> dt.datetime | None:
    date = rule.trigger.at if isinstance(rule.trigger, AtDate) else None
    return date.astimezone(dt.UTC) if date is not None and date.tzinfo else date


@given(rules("a"), st.integers(1, 1439), sites)
@hypothesis_settings(max_examples=100, deadline=None)
def test_a_rule_that_is_moved_has_another_key(rule: Rule, by_min: int, site: Site) -> None:
    if not isinstance(rule.trigger, AtTime):
        return
    later = dt.datetime.combine(dt.date(2026, 1, 1), rule.trigger.at) + dt.timedelta(minutes=by_min)
    moved = replace(rule, trigger=replace(rule.trigger, at=later.time()))
    placed, rival = (place(each, "d", site, None, NOW) for each in (rule, moved))
    if isinstance(placed, OnDevice) and isinstance(rival, OnDevice):
        assert isinstance(placed.row, ScheduleRow)
        assert placed.key != rival.key


def test_every_code_is_listed_for_people() -> None:
    root = Path(__file__).parents[2]
    modules = ("compile", "ahead", "place", "trust", "wanted")
    sources = "".join((root / "tapo_automate" / "sync" / f"{name}.py").read_text() for name in modules)
    codes = set(re.findall(r'(?:InDaemon|Nowhere|Doubt)\(\s*"([a-z-]+)"', sources))
    lines = (root / "docs" / "sync.md").read_text().splitlines()
    listed = {
        code for line in lines if line.startswith("| `") for code in re.findall(r"`([a-z-]+)`", line.split("|")[1])
    }
    assert len(codes) > 30
    assert codes <= listed
