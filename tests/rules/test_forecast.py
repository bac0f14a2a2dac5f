"""The forecast: the daemon's engine run ahead, the days without a firing, the rules nobody can foresee."""

from __future__ import annotations

import datetime as dt
import time
import tracemalloc
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.device import Setting
from tapo_automate.rules.forecast import forecast, not_firing, not_forecast
from tapo_automate.rules.meaning import in_words
from tapo_automate.rules.model import (
    AfterDelay,
    AtDate,
    AtSun,
    AtTime,
    Away,
    Every,
    Firing,
    NotFiring,
    PowerPast,
    Rule,
    RuleBook,
    Site,
    StateTurns,
    SunEdge,
)
from tapo_automate.rules.nights import touched_nights
from tapo_automate.rules.support import not_carried_out

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
REYKJAVIK = Site(ZoneInfo("Atlantic/Reykjavik"), 64.1466, -21.9426)
DAY = dt.timedelta(days=1)


def a_rule(name: str, trigger: Any, *devices: str, **more: Any) -> Rule:
    return Rule(name, devices or ("lamp",), trigger, Setting(on=True), **more)


def a_book(*rules: Rule, site: Site = BERLIN) -> RuleBook:
    return RuleBook(site, {}, {}, {rule.id: rule for rule in rules})


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_the_first_instant_is_included_and_the_last_is_not() -> None:
    book = a_book(a_rule("noon", AtTime(dt.time(12))))
    found = forecast(book, utc("2026-01-01 11:00"), utc("2026-01-03 11:00"))
    assert [str(each.due) for each in found if isinstance(each, Firing)] == [
        "2026-01-01 11:00:00+00:00",
        "2026-01-02 11:00:00+00:00",
    ]


def test_an_empty_span_has_nothing_in_it() -> None:
    book = a_book(a_rule("noon", AtTime(dt.time(12))), a_rule("dusk", AtSun("sunset")), site=REYKJAVIK)
    assert list(forecast(book, utc("2026-06-15 12:00"), utc("2026-06-15 12:00"))) == []


def test_a_day_without_the_event_stands_among_the_firings_in_order() -> None:
    book = a_book(a_rule("dusk", AtSun("sunset")), a_rule("noon", AtTime(dt.time(12))), site=REYKJAVIK)
    found = list(forecast(book, utc("2026-06-14 00:00"), utc("2026-06-17 00:00")))
    said = [
        (each.rule_id, "-") if isinstance(each, NotFiring) else (each.rule.id, f"{each.due:%d %H}") for each in found
    ]
    assert said == [
        ("noon", "14 12"),
        ("dusk", "14 23"),
        ("dusk", "-"),  # the 15th: the sun sets before its midnight and after the next
        ("noon", "15 12"),
        ("dusk", "16 00"),
        ("noon", "16 12"),
    ]
    assert found[2] == NotFiring("dusk", dt.date(2026, 6, 15), "the sun does not set on this day")


def test_a_day_without_a_window_is_named_although_the_switching_is_not_forecast() -> None:
    book = a_book(a_rule("holiday", Away(SunEdge("sunset"), dt.time(3))), site=REYKJAVIK)
    found = list(forecast(book, utc("2026-06-13 00:00"), utc("2026-06-18 00:00")))
    assert found == [NotFiring("holiday", dt.date(2026, 6, 15), "the sun does not set on this day")]


def test_the_days_that_a_span_touches_count_whole() -> None:
    book = a_book(a_rule("dusk", AtSun("sunset")), site=REYKJAVIK)
    dates = [each.date.day for each in not_firing(book, utc("2026-06-15 20:00"), utc("2026-06-15 21:00"))]
    assert dates == [15]


def test_rules_that_wait_for_something_are_named_with_the_reason() -> None:
    book = a_book(
        a_rule("noon", AtTime(dt.time(12))),
        a_rule("washer", PowerPast("below", 5)),
        a_rule("off", AtTime(dt.time(12)), enabled=False),
        a_rule("tv", StateTurns("tv", "on")),
        a_rule("rail", AfterDelay(7200, "on")),
        a_rule("holiday", Away(dt.time(18), dt.time(23))),
        a_rule("oven", AfterDelay(7200, "apply")),
    )
    assert {rule.id: reason for rule, reason in not_forecast(book)} == {
        "washer": "when it fires depends on the load, which nobody knows beforehand",
        "off": "it is switched off (enabled = false)",
        "tv": "when it fires depends on when tv turns on, which nobody knows beforehand",
        "rail": "when it fires depends on when the device is turned on, which nobody knows beforehand",
        "holiday": "when it switches is drawn at random for each window, for nobody to know beforehand",
        "oven": not_carried_out(book.rules["oven"]),
    }
    found = forecast(book, utc("2026-01-01 00:00"), utc("2026-01-02 00:00"))
    assert [each.rule.id for each in found if isinstance(each, Firing)] == ["noon"]


def test_a_year_goes_by_without_being_kept_and_in_time() -> None:
    rules = [a_rule(f"t{n}", AtTime(dt.time(n % 24, n % 60)), f"d{n}") for n in range(150)]
    rules += [a_rule(f"s{n}", AtSun("sunset", -60 * n), f"d{n}") for n in range(50)]
    book = a_book(*rules)
    began = time.process_time()
    count = sum(1 for _ in forecast(book, utc("2026-01-01 00:00"), utc("2027-01-01 00:00")))
    took = time.process_time() - began
    assert count == 200 * 365
    assert took / count < 60e-6  # measured: 8 to 12 microseconds
    tracemalloc.start()
    try:
        assert sum(1 for _ in forecast(book, utc("2026-01-01 00:00"), utc("2026-03-01 00:00"))) > 10_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_spans_side_by_side_give_what_one_span_gives() -> None:
    book = a_book(
        a_rule("gap", AtTime(dt.time(2, 30)), "a", "b", jitter_s=900),
        a_rule("often", Every(7 * 3600, (dt.time(9), dt.time(9)))),
        a_rule("dusk", AtSun("sunset", 6 * 3600)),
    )
    cuts = [utc("2026-03-20 00:00") + n * dt.timedelta(hours=11, minutes=17) for n in range(40)]
    pieces = [each for start, end in pairwise(cuts) for each in forecast(book, start, end)]
    assert pieces == list(forecast(book, cuts[0], cuts[-1]))


# --- In words ----------------------------------------------------------------------------------------------------

WEEKDAYS = frozenset(range(5))
SAID: list[tuple[Any, str]] = [
    (AtTime(dt.time(23, 30)), "every day at 23:30"),
    (AtTime(dt.time(6, 30, 15), WEEKDAYS), "on weekdays (Mon to Fri) at 06:30:15"),
    (AtTime(dt.time(8), frozenset({5, 6})), "at weekends (Sat, Sun) at 08:00"),
    (AtTime(dt.time(8), frozenset({2, 0})), "on Mon, Wed at 08:00"),
    (AtSun("sunset"), "every day, at sunset"),
    (AtSun("sunset", -900), "every day, 15 minutes before sunset"),
    (AtSun("sunrise", 5400), "every day, 1 hour 30 minutes after sunrise"),
    (AtDate(dt.datetime(2026, 12, 24, 16)), "once, on 2026-12-24 at 16:00"),  # noqa: DTZ001
    (AtDate(dt.datetime.fromisoformat("2026-12-24T16:00-08:00")), "once, on 2026-12-24 at 16:00 UTC-08:00"),
    (Every(3600), "every day, every hour, by elapsed time"),
    (
        Every(1800, (dt.time(22), dt.time(6))),
        "every day, every 30 minutes from 22:00 until before 06:00 the next day",
    ),
    (
        PowerPast("below", 5, 180, 20),
        "when the load is below 5 W and has stayed so for 3 minutes, and again only after it was above 20 W",
    ),
    (
        PowerPast("above", 7.5, 0, 7.5),
        "when the load is above 7.5 W, and again only after it was not above 7.5 W any more",
    ),
    (StateTurns("tv", "on", 10), "when tv turns on and stays so for 10 seconds"),
    (AfterDelay(2700, "on"), "45 minutes after the device was turned on"),
    (AfterDelay(2700, "apply"), "45 minutes after `sync apply`, once"),
    (
        Away(SunEdge("sunset", 1800), dt.time(23)),
        "every day, on and off at random between 30 minutes after sunset and 23:00",
    ),
]


@pytest.mark.parametrize(("trigger", "said"), SAID, ids=[said for _, said in SAID])
def test_a_trigger_in_words(trigger: Any, said: str) -> None:
    assert in_words(a_rule("r", trigger)) == said


def test_the_delay_is_said_too() -> None:
    rule = a_rule("r", AtTime(dt.time(8)), jitter_s=90)
    assert in_words(rule) == "every day at 08:00, each device up to 1 minute 30 seconds later (always as much)"


# --- Nights with a change of the clocks ---------------------------------------------------------------------------

NIGHTS: list[tuple[str, Any, dict[str, Any], dict[str, str]]] = [
    (
        "Europe/Berlin",
        AtTime(dt.time(2, 30)),
        {},
        {
            "2027-03-28": "02:30 does not exist in Europe/Berlin, will run at 03:30",
            "2027-10-31": "02:30 happens twice in Europe/Berlin, will run the first time (02:30 CEST)",
        },
    ),
    (
        "Europe/Berlin",
        AtTime(dt.time(2, 30)),
        {"on_gap": "skip", "on_overlap": "both"},
        {
            "2027-03-28": "02:30 does not exist in Europe/Berlin, will not run",
            "2027-10-31": "02:30 happens twice in Europe/Berlin, will run both times (02:30 CEST and 02:30 CET)",
        },
    ),
    ("Europe/Berlin", AtTime(dt.time(4, 30)), {}, {}),
    ("Europe/Berlin", AtTime(dt.time(2, 30), WEEKDAYS), {}, {}),
    ("Europe/Berlin", AtSun("sunset"), {}, {}),
    ("Europe/Berlin", Every(1800), {}, {}),
    (
        "Europe/Berlin",
        AtDate(dt.datetime(2027, 3, 28, 2, 30)),  # noqa: DTZ001
        {},
        {"2027-03-28": "02:30 does not exist in Europe/Berlin, will run at 03:30"},
    ),
    (
        "Europe/Berlin",
        Every(3600, (dt.time(22), dt.time(6))),
        {},
        {
            "2027-03-27": "22:00 to 06:00 is shorter in Europe/Berlin, will run 7 times instead of 8",
            "2027-10-30": "22:00 to 06:00 is longer in Europe/Berlin, will run 9 times instead of 8",
        },
    ),
    (
        "Europe/Berlin",
        Every(600, (dt.time(2), dt.time(3))),
        {},
        {
            "2027-03-28": "the window 02:00 to 03:00 is empty on this day, will not run",
            "2027-10-31": "02:00 to 03:00 is longer in Europe/Berlin, will run 12 times instead of 6",
        },
    ),
    (
        "Europe/Berlin",
        Every(600, (dt.time(2, 10), dt.time(2, 50))),
        {},
        {
            "2027-03-28": "02:10 does not exist in Europe/Berlin, the window starts at 03:10 CEST",
            "2027-10-31": "02:10 happens twice in Europe/Berlin, the window starts at 02:10 CEST",
        },
    ),
    (
        "Europe/Berlin",
        Away(dt.time(22), dt.time(6)),
        {},
        {
            "2027-03-27": "22:00 to 06:00 is 60 minutes shorter in Europe/Berlin",
            "2027-10-30": "22:00 to 06:00 is 60 minutes longer in Europe/Berlin",
        },
    ),
    (
        "Europe/Berlin",
        Away(dt.time(2), dt.time(3)),
        {},
        {
            "2027-03-28": "the window 02:00 to 03:00 is empty on this day, will not run",
            "2027-10-31": "02:00 happens twice in Europe/Berlin, the window starts at 02:00 CEST; "
            "02:00 to 03:00 is 60 minutes longer in Europe/Berlin",
        },
    ),
    ("Europe/Berlin", Away(SunEdge("sunset"), dt.time(6)), {}, {}),
    ("Europe/Berlin", Away(SunEdge("sunset"), dt.time(22)), {}, {}),
    (
        "Europe/Berlin",
        Away(SunEdge("sunset"), dt.time(2, 30)),
        {},
        {
            "2027-03-27": "02:30 does not exist in Europe/Berlin, the window ends at 03:30 CEST",
            "2027-10-30": "02:30 happens twice in Europe/Berlin, the window ends at 02:30 CEST",
        },
    ),
    (
        "Europe/Berlin",
        Away(dt.time(2, 15), dt.time(2, 45)),
        {},
        {
            "2027-03-28": "02:15 does not exist in Europe/Berlin, the window starts at 03:15 CEST; "
            "02:45 does not exist in Europe/Berlin, the window ends at 03:45 CEST",
            "2027-10-31": "02:15 happens twice in Europe/Berlin, the window starts at 02:15 CEST; "
            "02:45 happens twice in Europe/Berlin, the window ends at 02:45 CEST",
        },
    ),
    (
        "Europe/Berlin",
        Away(dt.time(18), dt.time(18)),
        {},
        {
            "2027-03-27": "18:00 to 17:59:59 is 60 minutes shorter in Europe/Berlin",
            "2027-10-30": "18:00 to 17:59:59 is 60 minutes longer in Europe/Berlin",
        },
    ),
    (
        "Australia/Lord_Howe",
        AtTime(dt.time(2, 15)),
        {},
        {"2027-10-03": "02:15 does not exist in Australia/Lord_Howe, will run at 02:45"},
    ),
]


@pytest.mark.parametrize(("zone", "trigger", "more", "expected"), NIGHTS)
def test_the_nights_that_touch_a_rule(zone: str, trigger: Any, more: dict[str, Any], expected: dict[str, str]) -> None:
    rule = a_rule("r", trigger, **more)
    found = touched_nights(rule, Site(ZoneInfo(zone), 52.52, 13.405), dt.date(2027, 1, 1), dt.date(2027, 12, 31))
    assert {day.isoformat(): what for day, what in found} == expected


def test_a_left_out_day_says_where_its_firing_goes() -> None:
    apia = Site(ZoneInfo("Pacific/Apia"))
    found = touched_nights(a_rule("r", AtTime(dt.time(7, 30))), apia, dt.date(2011, 12, 25), dt.date(2012, 1, 3))
    assert list(found) == [
        (dt.date(2011, 12, 30), "07:30 does not exist in Pacific/Apia, will run at 07:30 on 2011-12-31")
    ]
