"""Windows of switching at random: when they are, what happens in them, and that it is the same again."""

from __future__ import annotations

import datetime as dt
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapo_automate.device import Setting
from tapo_automate.rules.away import (
    Window,
    away_moments,
    named,
    seed_of,
    switches,
    window_on,
    windowless_days,
    windows,
)
from tapo_automate.rules.engine import Engine
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import EVERY_DAY, Away, Firing, NotFiring, Rule, Site, SunEdge

BERLIN = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
HELSINKI = Site(ZoneInfo("Europe/Helsinki"), 60.17, 24.94)
REYKJAVIK = Site(ZoneInfo("Atlantic/Reykjavik"), 64.1466, -21.9426)
LONGYEARBYEN = Site(ZoneInfo("Arctic/Longyearbyen"), 78.22, 15.65)
APIA = Site(ZoneInfo("Pacific/Apia"), -13.83, -171.77)
START = dt.datetime(2026, 1, 1, 17, tzinfo=dt.UTC)
SECOND, HOUR, DAY = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=1)
SUNRISE, SUNSET = SunEdge("sunrise"), SunEdge("sunset")


def oclock(hour: int, minute: int = 0) -> dt.time:
    return dt.time(hour, minute)


def a_rule(start: dt.time | SunEdge, end: dt.time | SunEdge, *devices: str, days: frozenset[int] = EVERY_DAY) -> Rule:
    return Rule("holiday", devices or ("porch",), Away(start, end, days), Setting())


EVENING = a_rule(oclock(18), oclock(23))


# --- What happens in a window ------------------------------------------------------------------------------------


def test_the_switching_is_the_same_in_every_version_of_python() -> None:
    """The numbers are the first of `random.Random(1).random()`, which Python promises to keep."""
    first_on_s = 1 + int(0.13436424411240122 * 1200)
    off_s = first_on_s + 600 + int(0.8474337369372327 * 3001)
    second_on_s = off_s + 600 + int(0.763774618976614 * 1801)
    second_off_s = second_on_s + 600 + int(0.2550690257394217 * 3001)
    found = switches(1, START, START + 3 * HOUR)
    assert found[:4] == [
        (START + first_on_s * SECOND, True),
        (START + off_s * SECOND, False),
        (START + second_on_s * SECOND, True),
        (START + second_off_s * SECOND, False),
    ]


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(1, 2**63 - 1), length_s=st.one_of(st.integers(1, 7200), st.integers(7200, 172_800)))
def test_the_switching_is_that_of_a_house_that_is_lived_in(seed: int, length_s: int) -> None:
    end = START + length_s * SECOND
    found = switches(seed, START, end)
    assert found == switches(seed, START, end)
    assert bool(found) == (length_s > 300)
    assert [on for _, on in found] == [True, False] * (len(found) // 2)
    assert all(START < at < end and at.microsecond == 0 for at, _ in found)
    lengths = [(later - earlier).total_seconds() for (earlier, _), (later, _) in pairwise(found)]
    shortest_on_s = min(600, length_s // 3)
    assert all(shortest_on_s <= each <= 3600 for each in lengths[::2])
    assert all(600 <= each <= 2400 for each in lengths[1::2])
    if found:
        assert (found[0][0] - START).total_seconds() <= 1200
        # It does not stop long before the end: at most a pause and what is too short for another time on.
        assert (end - found[-1][0]).total_seconds() <= 2400 + shortest_on_s + 1


def test_windows_and_devices_and_houses_differ() -> None:
    later = START + DAY
    seeds = [
        seed_of(b"", "holiday", "porch", START),
        seed_of(b"", "holiday", "porch", later),
        seed_of(b"", "holiday", "lounge", START),
        seed_of(b"", "winter", "porch", START),
        seed_of(b"salt", "holiday", "porch", START),
    ]
    assert len(set(seeds)) == 5
    assert all(0 < seed < 2**63 for seed in seeds)
    assert len({tuple(switches(seed, START, START + 5 * HOUR)) for seed in seeds}) == 5


def test_a_seed_is_the_same_on_every_machine() -> None:
    # printf 'salt\0holiday\0porch\01767286800' | sha256sum: the first 16 digits, halved
    assert seed_of(b"salt", "holiday", "porch", START) == 0xBAA025378F0E083A // 2


# --- When windows are --------------------------------------------------------------------------------------------

DAYS: list[tuple[str, Site, dt.time | SunEdge, dt.time | SunEdge, str, str]] = [
    ("an evening", BERLIN, oclock(18), oclock(23), "2026-01-10", "10 18:00 to 10 23:00"),
    ("over midnight", BERLIN, oclock(22), oclock(6), "2026-01-10", "10 22:00 to 11 06:00"),
    ("a whole day ends before the next", BERLIN, oclock(18), oclock(18), "2026-01-10", "10 18:00 to 11 17:59:59"),
    ("from sunset", BERLIN, SUNSET, oclock(23, 30), "2026-01-10", "10 16:15 to 10 23:30"),
    ("before sunset", BERLIN, SunEdge("sunset", -1800), oclock(23, 30), "2026-01-10", "10 15:45 to 10 23:30"),
    ("from sunset over midnight", BERLIN, SUNSET, oclock(1), "2026-06-20", "20 21:33 to 21 01:00"),
    ("until sunrise", BERLIN, oclock(22), SUNRISE, "2026-06-20", "20 22:00 to 21 04:43"),
    ("a night", HELSINKI, SUNSET, SUNRISE, "2026-12-20", "20 15:12 to 21 09:24"),
    ("a day", BERLIN, SUNRISE, SUNSET, "2026-06-20", "20 04:43 to 20 21:33"),
    ("a morning until sunrise", BERLIN, oclock(5), SUNRISE, "2026-01-10", "10 05:00 to 10 08:14"),
    ("is over in summer", BERLIN, oclock(5), SUNRISE, "2026-06-20", "the window 05:00 to sunrise is empty on this day"),
    (
        "from sunset, late in summer",
        HELSINKI,
        SUNSET,
        oclock(22),
        "2026-06-20",
        "the window sunset to 22:00 is empty on this day",
    ),
    (
        "until sunset, early in winter",
        BERLIN,
        oclock(17),
        SunEdge("sunset", 1800),
        "2026-12-20",
        "the window 17:00 to sunset +30 min is empty on this day",
    ),
    ("from sunrise until late", BERLIN, SUNRISE, oclock(2), "2026-01-10", "10 08:14 to 11 02:00"),
    ("around sunset", BERLIN, SunEdge("sunset", -3600), SunEdge("sunset", 3600), "2026-01-10", "10 15:15 to 10 17:15"),
    (
        "from sunset to sunset",
        BERLIN,
        SUNSET,
        SUNSET,
        "2026-01-10",
        "10 16:15 to 11 16:16",
    ),
    (
        "an offset over midnight",
        BERLIN,
        SunEdge("sunset", 4 * 3600),
        oclock(3),
        "2026-06-20",
        "21 01:33 to 21 03:00",
    ),
    ("no sunset on the date", REYKJAVIK, SUNSET, oclock(2), "2026-06-15", "the sun does not set on this day"),
    (
        "midnight sun",
        LONGYEARBYEN,
        SUNSET,
        oclock(2),
        "2026-06-15",
        "the sun does not set on this day: it is up all day",
    ),
    (
        "no sunrise to end with",
        LONGYEARBYEN,
        oclock(22),
        SUNRISE,
        "2026-12-15",
        "the sun does not rise on this day: it is down all day",
    ),
    ("a start in the gap moves on", BERLIN, oclock(2, 30), oclock(6), "2026-03-29", "29 03:30 to 29 06:00"),
    ("an end in the gap moves on", BERLIN, oclock(22), oclock(2, 30), "2026-03-28", "28 22:00 to 29 03:30"),
    (
        "an hour that does not exist",
        BERLIN,
        oclock(2),
        oclock(3),
        "2026-03-29",
        "the window 02:00 to 03:00 is empty on this day",
    ),
    (
        "a date that does not exist",
        APIA,
        oclock(18),
        oclock(23),
        "2011-12-30",
        "the window 18:00 to 23:00 is empty on this day",
    ),
]


@pytest.mark.parametrize(("case", "site", "start", "end", "day", "expected"), DAYS, ids=[each[0] for each in DAYS])
def test_the_window_of_a_day(
    case: str, site: Site, start: dt.time | SunEdge, end: dt.time | SunEdge, day: str, expected: str
) -> None:
    found = window_on(Away(start, end), dt.date.fromisoformat(day), site)
    if not isinstance(found, Window):
        assert found == expected
        return
    assert str(found.day) == day
    of_sun = isinstance(start, SunEdge) or isinstance(end, SunEdge)
    assert within_two_minutes(found, expected, site) if of_sun else as_said(found, site) == expected


def as_said(window: Window, site: Site) -> str:
    def one(at: dt.datetime) -> str:
        local = at.astimezone(site.timezone)
        return f"{local:%d %H:%M:%S}".removesuffix(":00")

    return f"{one(window.start)} to {one(window.end)}"


def within_two_minutes(window: Window, expected: str, site: Site) -> bool:
    """Compare to the minute or two; how exact the sun is, test_sun.py asks of almanacs."""
    for at, said in zip((window.start, window.end), expected.split(" to "), strict=True):
        day, time = said.split()
        wall = dt.datetime.combine(window.day.replace(day=int(day)), dt.time.fromisoformat(time), site.timezone)
        if abs(at - wall) > dt.timedelta(minutes=2):
            return False
    return True


def test_the_repeated_hour_counts_once_at_either_end() -> None:
    """By elapsed time: 22:00 to 02:30 is four and a half hours also where 02:30 comes twice."""
    window = window_on(Away(oclock(22), oclock(2, 30)), dt.date(2026, 10, 24), BERLIN)
    assert isinstance(window, Window)
    assert window.end - window.start == 4.5 * HOUR
    window = window_on(Away(oclock(2, 30), oclock(6)), dt.date(2026, 10, 25), BERLIN)
    assert isinstance(window, Window)
    assert window.end - window.start == 4.5 * HOUR


edges = st.one_of(
    st.times(min_value=dt.time(0), max_value=dt.time(23, 59)).map(lambda time: time.replace(microsecond=0)),
    st.builds(SunEdge, st.sampled_from(["sunrise", "sunset"]), st.integers(-43_200, 43_200)),
)


@settings(max_examples=200, deadline=None)
@given(
    start=edges,
    end=edges,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    site=st.sampled_from([BERLIN, HELSINKI, REYKJAVIK, LONGYEARBYEN, APIA]),
    hours=st.integers(0, 24 * 400),
)
def test_windows_come_in_order_and_never_meet(
    start: dt.time | SunEdge, end: dt.time | SunEdge, days: frozenset[int], site: Site, hours: int
) -> None:
    after = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + hours * HOUR
    trigger = Away(start, end, days)
    found = [window for window, _ in zip(windows(trigger, site, after), range(10), strict=False)]
    assert all(window.end > after and window.start < window.end for window in found)
    assert all(one.end < other.start for one, other in pairwise(found))
    assert all(window.day.weekday() in days for window in found)
    begun_before = list(windows_from(trigger, site, after))
    assert found[: len(begun_before)] == begun_before[: len(found)]


def windows_from(trigger: Away, site: Site, after: dt.datetime) -> list[Window]:
    """Return the windows of the week before and the week after an instant that end after it, day by day."""
    first = after.date() - 7 * DAY
    found = [
        window_on(trigger, first + n * DAY, site) for n in range(14) if (first + n * DAY).weekday() in trigger.days
    ]
    return [each for each in found if isinstance(each, Window) and each.end > after]


def test_a_year_in_the_far_north_is_passed_over() -> None:
    summer = windows(Away(SUNSET, oclock(2)), LONGYEARBYEN, dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
    assert dt.date(2026, 8, 15) < next(summer).day < dt.date(2026, 9, 1)
    never = windows(Away(oclock(10), oclock(11), frozenset()), BERLIN, START)
    assert list(never) == []


def test_the_days_without_a_window_are_named() -> None:
    rule = a_rule(SUNSET, oclock(2), days=frozenset({0, 1}))
    found = list(windowless_days(rule, REYKJAVIK, dt.date(2026, 6, 9), dt.date(2026, 6, 21)))
    assert found == [NotFiring("holiday", dt.date(2026, 6, 15), "the sun does not set on this day")]


# --- In the engine -----------------------------------------------------------------------------------------------


def fired(rule: Rule, since: dt.datetime, until: dt.datetime, salt: bytes = b"", site: Site = BERLIN) -> list[Firing]:
    return Engine([rule], site, since, away_salt=salt).advance(until)


def test_a_window_begins_switches_and_returns() -> None:
    begin, *found, end = fired(EVENING, START, START + 5 * HOUR)
    assert (begin.role, begin.nominal, begin.setting, begin.settings) == ("begin", START, None, ())
    assert (end.role, end.nominal, end.setting, end.settings) == ("return", START + 5 * HOUR, None, ())
    assert {each.role for each in found} == {"switch"}
    assert [(each.nominal, each.setting) for each in found] == [
        (at, Setting(on=on)) for at, on in switches(begin.seed or 0, START, START + 5 * HOUR)
    ]
    assert [each.settings for each in found[:2]] == [((0, Setting(on=True)),), ((0, Setting(on=False)),)]
    assert {each.seed for each in (begin, *found, end)} == {seed_of(b"", "holiday", "porch", START)}
    assert {each.note for each in (begin, *found, end)} == {"window 18:00–23:00"}
    assert {each.due - each.nominal for each in (begin, *found, end)} == {dt.timedelta()}


def test_what_happens_is_told_strictly_after_an_instant() -> None:
    whole = list(islice(away_moments(EVENING, "porch", BERLIN, START - SECOND, b""), 6))
    assert whole[0].at == START
    for n, moment in enumerate(whole):
        assert next(away_moments(EVENING, "porch", BERLIN, moment.at - SECOND, b"")) == moment
        if n + 1 < len(whole):
            assert next(away_moments(EVENING, "porch", BERLIN, moment.at, b"")) == whole[n + 1]


def test_a_window_is_named_with_its_seconds_where_it_has_some() -> None:
    window = window_on(Away(SUNSET, oclock(23)), dt.date(2026, 1, 10), BERLIN)
    assert isinstance(window, Window)
    assert named(window, BERLIN) == f"window {window.start.astimezone(BERLIN.timezone):%H:%M:%S}–23:00"


def test_every_device_has_a_plan_of_its_own() -> None:
    found = fired(a_rule(oclock(18), oclock(23), "porch", "lounge"), START, START + 5 * HOUR)
    plans = {
        name: [(each.nominal, each.role) for each in found if each.device_id == name] for name in ("porch", "lounge")
    }
    assert plans["porch"][0] == plans["lounge"][0] == (START, "begin")
    assert plans["porch"][1:-1] != plans["lounge"][1:-1]
    alone = fired(a_rule(oclock(18), oclock(23), "lounge"), START, START + 5 * HOUR)
    assert [(each.nominal, each.role) for each in alone] == plans["lounge"]


@pytest.mark.parametrize("hours", [0, 0.5, 1.7, 4.99, 5, 13, 24 * 30 + 3])
def test_an_engine_started_inside_a_window_goes_on_with_the_same_switching(hours: float) -> None:
    rule = a_rule(oclock(18), oclock(23), "porch", "lounge")
    whole = fired(rule, START, START + 60 * DAY, b"salt")
    since = START + hours * HOUR
    assert fired(rule, since, START + 60 * DAY, b"salt") == [each for each in whole if each.due >= since]
    assert fired(rule, since, START + 60 * DAY, b"other") != [each for each in whole if each.due >= since]


@pytest.mark.parametrize(
    ("start", "end"), [(oclock(18), oclock(23)), (oclock(18), oclock(18)), (SUNSET, SUNSET), (SUNSET, SUNRISE)]
)
def test_over_a_year_every_window_begins_and_returns_and_no_key_comes_twice(
    start: dt.time | SunEdge, end: dt.time | SunEdge
) -> None:
    found = fired(a_rule(start, end), START, START + 365 * DAY)
    assert len({each.nominal for each in found}) == len(found)
    by_seed: dict[int | None, list[Firing]] = {}
    for each in found:
        by_seed.setdefault(each.seed, []).append(each)
    assert len(by_seed) in (365, 366)
    whole = list(by_seed.values())[1:-1]
    for plan in whole:
        assert [plan[0].role, plan[-1].role] == ["begin", "return"]
        assert {each.role for each in plan[1:-1]} == {"switch"}
        assert plan[-2].setting == Setting(on=False)
    assert [each.due for each in found] == sorted(each.due for each in found)


# --- In the check ------------------------------------------------------------------------------------------------

TROMSØ_RULES = """\
[site]
timezone = "Europe/Oslo"
latitude = 69.65
longitude = 18.96
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
[rules.holiday]
devices = ["porch"]
when.away = { from = %s, until = %s, days = ["mon"] }
"""


@pytest.mark.parametrize(
    ("start", "end", "verbs"),
    [
        ('"sunset"', "23:30:00", ["set"]),
        ("05:00:00", '"sunrise-10m"', ["rise"]),
        ('"sunset"', '"sunrise"', ["set", "rise"]),
        ('"sunset-1h"', '"sunset+1h"', ["set"]),
        ("18:00:00", "23:30:00", []),
    ],
)
def test_a_window_that_lacks_the_sun_is_warned_about_once_for_each_event(
    start: str, end: str, verbs: list[str]
) -> None:
    loaded = load_text(TROMSØ_RULES % (start, end))
    assert loaded.errors == ()
    assert [problem.code for problem in loaded.problems] == ["W207"] * len(verbs)
    for problem, verb in zip(loaded.problems, verbs, strict=True):
        assert problem.message.startswith(f"the sun does not {verb} here on ")
        assert problem.line == 10
        assert "69" not in problem.message + problem.hint
