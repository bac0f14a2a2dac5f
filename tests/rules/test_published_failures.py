"""What went wrong elsewhere, told as its users reported it, asked of this engine.  Each test names the report."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.device import Setting
from tapo_automate.rules.catchup import between, catch_up
from tapo_automate.rules.conditions import why_not_by_time
from tapo_automate.rules.engine import Engine, Reading, Sighting
from tapo_automate.rules.forecast import firings_between, forecast
from tapo_automate.rules.model import (
    AfterDelay,
    AtSun,
    AtTime,
    Condition,
    Every,
    Firing,
    NotFiring,
    PowerPast,
    Rule,
    RuleBook,
    Site,
    StateTurns,
)

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
PRAGUE = Site(ZoneInfo("Europe/Prague"), 50.08, 14.44)
NEW_YORK = Site(ZoneInfo("America/New_York"), 40.71, -74.01)
TROMSØ = Site(ZoneInfo("Europe/Oslo"), 69.65, 18.96)
SECOND, MINUTE, HOUR, DAY = (dt.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def a_rule(trigger: Any, *devices: str, **more: Any) -> Rule:
    return Rule("r", devices or ("lamp",), trigger, Setting(on=True), **more)


def a_book(rule: Rule, site: Site) -> RuleBook:
    return RuleBook(site, {}, {}, {rule.id: rule})


def local(text: str, site: Site) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=site.timezone).astimezone(dt.UTC)


def walls(firings: list[Firing], site: Site) -> list[str]:
    return [f"{each.nominal.astimezone(site.timezone):%d %H:%M %Z}" for each in firings]


# --- "for" is lost when rules are reloaded or the program is restarted: home-assistant/core#56642, #41354 ---------

DOOR = a_rule(StateTurns("door", "on", 1800))
NIGHTFALL = local("2026-01-10T20:00", BERLIN)


@pytest.mark.parametrize("away_s", [0.5, 60, 110])
def test_a_state_that_lasts_fires_although_the_rules_were_reloaded_meanwhile(away_s: float) -> None:
    """core#56642: a door unlocked for half an hour, and a reload in between: nothing happened."""
    engine = Engine([DOOR], BERLIN, NIGHTFALL)
    engine.see(Sighting("door", NIGHTFALL, False))
    found: list[Firing] = []
    for n in range(1, 60):
        now = NIGHTFALL + n * MINUTE
        found += engine.advance(now)
        found += engine.see(Sighting("door", now, True))
        if n % 7 == 0:  # reloaded again and again
            engine = Engine([DOOR], BERLIN, now + away_s * SECOND, memory=engine.memory)
    assert [each.nominal for each in found] == [NIGHTFALL + 31 * MINUTE]


def test_a_load_that_stays_low_fires_although_the_rules_were_reloaded_meanwhile() -> None:
    rule = a_rule(PowerPast("below", 5, 600, 20), "washer")
    engine = Engine([rule], BERLIN, NIGHTFALL)
    found: list[Firing] = []
    for n in range(200):
        now = NIGHTFALL + 10 * n * SECOND
        found += engine.observe(Reading("washer", now, 300.0 if n < 30 else 1.0))
        if n % 7 == 0:
            engine = Engine([rule], BERLIN, now, memory=engine.memory)
    assert [each.nominal for each in found] == [NIGHTFALL + 900 * SECOND]


def test_a_heater_that_is_turned_on_and_off_in_turns_does_not_stay_in_one_of_them() -> None:
    """core#41354: on for a minute, off for a minute; after a reload it stayed as it was."""
    on_off = [
        Rule("off", ("heater",), StateTurns("heater", "on", 60), Setting(on=False)),
        Rule("on", ("heater",), StateTurns("heater", "off", 60), Setting(on=True)),
    ]
    engine, heater_on, turned = Engine(on_off, BERLIN, NIGHTFALL), False, 0
    engine.see(Sighting("heater", NIGHTFALL, True))
    for n in range(1, 3600):
        now = NIGHTFALL + n * SECOND
        if n % 50 == 0:
            engine = Engine(on_off, BERLIN, now, memory=engine.memory)
        for firing in engine.advance(now):
            heater_on, turned = firing.rule.id == "on", turned + 1
            engine.see(Sighting("heater", now, heater_on))
        if n % 20 == 0:
            engine.see(Sighting("heater", now, heater_on))
    assert turned >= 58


# --- Polar day and night: home-assistant/core#157260, #161491, #2090 -----------------------------------------------


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-06-21", "the sun does not set on this day: it is up all day"),
        ("2026-12-21", "the sun does not set on this day: it is down all day"),
    ],
)
def test_without_a_sunset_there_is_a_reason_and_no_error(day: str, reason: str) -> None:
    """core#157260: in Tromsø the condition ended in an error instead of an answer."""
    start = local(f"{day}T00:00", TROMSØ)
    found = list(forecast(a_book(a_rule(AtSun("sunset", 1800)), TROMSØ), start, start + DAY))
    assert found == [NotFiring("r", dt.date.fromisoformat(day), reason)]


def test_after_the_polar_night_the_rule_goes_on_by_itself() -> None:
    engine = Engine([a_rule(AtSun("sunset"))], TROMSØ, local("2026-11-01T00:00", TROMSØ))
    days = {
        each.nominal.astimezone(TROMSØ.timezone).date() for each in engine.advance(local("2027-03-01T00:00", TROMSØ))
    }
    assert dt.date(2026, 11, 20) in days
    assert dt.date(2026, 12, 24) not in days
    assert dt.date(2027, 2, 1) in days
    assert engine.wake_at is not None


# --- Restarted between sunset and its offset: AppDaemon#2188 -------------------------------------------------------

AN_HOUR_AFTER = a_rule(AtSun("sunset", 3600))


@pytest.mark.parametrize("after_sunset_min", [1, 30, 59])
def test_a_restart_between_sunset_and_its_offset_does_not_cost_the_evening(after_sunset_min: int) -> None:
    """AppDaemon#2188: started between sunset at 17:00 and the task at 18:00, it planned that for the next day."""
    (whole,) = Engine([AN_HOUR_AFTER], BERLIN, local("2026-01-10T12:00", BERLIN)).advance(
        local("2026-01-10T23:59", BERLIN)
    )
    restarted = Engine([AN_HOUR_AFTER], BERLIN, whole.nominal - HOUR + after_sunset_min * MINUTE)
    assert restarted.wake_at == whole.nominal


def test_and_one_that_took_too_long_is_made_up_for() -> None:
    (whole,) = Engine([AN_HOUR_AFTER], BERLIN, local("2026-01-10T12:00", BERLIN)).advance(
        local("2026-01-10T23:59", BERLIN)
    )
    down, up = whole.nominal - 10 * MINUTE, whole.nominal + 10 * MINUTE
    assert catch_up(between([AN_HOUR_AFTER], BERLIN, down, up, salt=b""), up).carry == [whole]


# --- An hour off after the clocks have changed, until a restart: AppDaemon#1378, #2582; core#68726, #90293 --------


@pytest.mark.parametrize(
    ("site", "since", "until"),
    [
        (BERLIN, "2021-10-28T12:00", "2021-11-04T12:00"),
        (BERLIN, "2026-03-26T12:00", "2026-04-02T12:00"),
        (PRAGUE, "2022-03-24T12:00", "2022-03-31T12:00"),
        (NEW_YORK, "2026-10-29T12:00", "2026-11-05T12:00"),
    ],
)
def test_an_alarm_clock_that_runs_through_the_change_of_clocks_rings_at_half_past_seven(
    site: Site, since: str, until: str
) -> None:
    """AppDaemon#1378: set to 07:30, it rang at 08:30 on the morning after."""
    engine, found = Engine([a_rule(AtTime(dt.time(7, 30)))], site, local(since, site)), []
    now = local(since, site)
    while now < local(until, site):
        now += 17 * MINUTE
        found += engine.advance(now)
    assert [wall[3:8] for wall in walls(found, site)] == ["07:30"] * 7


# --- Twice, hundreds of times, or not at all in the nights of the change: core#140771, #58808, #114612 ------------


@pytest.mark.parametrize("at", [dt.time(2), dt.time(2, 30), dt.time(2, 59, 59)])
def test_in_the_repeated_hour_a_rule_fires_once(at: dt.time) -> None:
    """core#140771: it fired in both hours.  core#58808: lights out at two was called hundreds of times."""
    start = local("2021-10-31T00:00", BERLIN)
    engine, found = Engine([a_rule(AtTime(at))], BERLIN, start), []
    for n in range(6 * 3600):
        found += engine.advance(start + n * SECOND)
    assert walls(found, BERLIN) == [f"31 {at:%H:%M} CEST"]


def test_in_the_hour_that_is_left_out_a_rule_fires_an_hour_later() -> None:
    """core#114612: an automation for 02:00 did not run that night."""
    start = local("2024-03-31T00:00", BERLIN)
    found = list(firings_between(a_book(a_rule(AtTime(dt.time(2))), BERLIN), start, start + 23 * HOUR))
    assert walls(found, BERLIN) == ["31 03:00 CEST"]
    assert [each.note for each in found] == ["02:00 does not exist on this day, moved to 03:00"]


def test_every_five_seconds_goes_on_in_the_repeated_hour() -> None:
    """custom-components/pyscript#649: between the first and the second 02:00 nothing ran for an hour."""
    start = local("2024-10-27T00:00", BERLIN)
    found = Engine([a_rule(Every(5))], BERLIN, start).advance(start + 6 * HOUR)
    assert len(found) == 6 * 3600 // 5 + 1


def test_a_condition_follows_the_wall_on_the_day_after_the_change() -> None:
    """core#103639: after the clocks changed, 07:30 to 22:30 was taken for 06:30 to 21:30."""
    day = Condition(between=(dt.time(7, 30), dt.time(22, 30)))
    for text, holds in (("07:29", False), ("07:30", True), ("21:31", True), ("22:29", True), ("22:30", False)):
        at = local(f"2023-11-06T{text}", NEW_YORK)
        assert (why_not_by_time(day, NEW_YORK, at) is None) == holds


# --- Fires at the start, although nothing happened: core#42855 ----------------------------------------------------


def test_a_device_that_is_as_it_was_turns_nothing_at_a_restart() -> None:
    """core#42855: a load that had been low before the restart counted as having become low."""
    rules = [a_rule(StateTurns("tv", "on")), Rule("p", ("washer",), PowerPast("below", 10), Setting(on=False))]
    engine = Engine(rules, BERLIN, NIGHTFALL)
    engine.see(Sighting("tv", NIGHTFALL, True))
    assert len(engine.observe(Reading("washer", NIGHTFALL, 5))) == 1
    later = NIGHTFALL + HOUR
    engine = Engine(rules, BERLIN, later, memory=engine.memory)
    assert engine.see(Sighting("tv", later, True)) == []
    assert engine.observe(Reading("washer", later, 4)) == []


def test_a_countdown_is_not_forgotten_over_a_restart() -> None:
    """core#56642 again: timers and delays were lost with a restart too."""
    rail = a_rule(AfterDelay(7200, "on"), "rail")
    engine = Engine([rail], BERLIN, NIGHTFALL)
    engine.see(Sighting("rail", NIGHTFALL, False))
    engine.see(Sighting("rail", NIGHTFALL + MINUTE, True))
    for n in range(2, 110, 10):
        now = NIGHTFALL + n * MINUTE
        engine = Engine([rail], BERLIN, now, memory=engine.memory)
        assert engine.see(Sighting("rail", now, True)) == []
    engine.see(Sighting("rail", NIGHTFALL + 120 * MINUTE, True))
    (firing,) = engine.advance(NIGHTFALL + 121 * MINUTE)
    assert firing.nominal == NIGHTFALL + 121 * MINUTE
