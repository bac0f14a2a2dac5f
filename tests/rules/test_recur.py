"""The law of gaps and overlaps, against measured vectors, a minute walk that knows no law, and another library."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import ZonedDateTime

from tapo_automate.device import Setting
from tapo_automate.rules.model import AtDate, AtSun, AtTime, Every, NotFiring, PowerPast, Rule, Site
from tapo_automate.rules.recur import moments_after, on_day, silent_days
from tapo_automate.rules.wall import shifted_days

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def a_rule(trigger: Any, **more: Any) -> Rule:
    return Rule("r", ("d",), trigger, Setting(on=True), **more)


def site(zone: str, latitude_deg: float | None = None, longitude_deg: float | None = None) -> Site:
    return Site(ZoneInfo(zone), latitude_deg, longitude_deg)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def moments(trigger: Any, zone: str | Site, after: str, count: int, **more: Any) -> list[str]:
    """Return the next moments as UTC text."""
    where = zone if isinstance(zone, Site) else site(zone)
    found = islice(moments_after(a_rule(trigger, **more), where, utc(after)), count)
    return [moment.at.strftime("%Y-%m-%d %H:%M") for moment in found]


# --- One vector, by which every engine was measured: New York, 8 March and 1 November 2026 -----------------------


def test_daily_half_past_two_runs_at_half_past_three_on_the_night_without_it() -> None:
    assert moments(AtTime(dt.time(2, 30)), "America/New_York", "2026-03-07 12:00", 2) == [
        "2026-03-08 07:30",  # 03:30 EDT
        "2026-03-09 06:30",  # 02:30 EDT
    ]


def test_the_firing_that_moved_says_so() -> None:
    (moment,) = on_day(a_rule(AtTime(dt.time(2, 30))), dt.date(2026, 3, 8), site("America/New_York")).moments
    assert moment.note == "02:30 does not exist on this day, moved to 03:30"


def test_a_rule_that_skips_gaps_gives_the_reason_and_no_firing() -> None:
    rule = a_rule(AtTime(dt.time(2, 30)), on_gap="skip")
    new_york = site("America/New_York")
    assert moments(rule.trigger, "America/New_York", "2026-03-07 12:00", 1, on_gap="skip") == ["2026-03-09 06:30"]
    assert list(silent_days(rule, new_york, dt.date(2026, 1, 1), dt.date(2026, 12, 31))) == [
        NotFiring("r", dt.date(2026, 3, 8), "02:30 does not exist on this day")
    ]


@pytest.mark.parametrize(
    ("on_overlap", "expected"),
    [
        ("first", ["2026-11-01 05:30", "2026-11-02 06:30"]),  # EDT, then EST the day after
        ("second", ["2026-11-01 06:30", "2026-11-02 06:30"]),
        ("both", ["2026-11-01 05:30", "2026-11-01 06:30", "2026-11-02 06:30"]),
    ],
)
def test_daily_half_past_one_in_the_repeated_hour(on_overlap: str, expected: list[str]) -> None:
    trigger = AtTime(dt.time(1, 30))
    assert moments(trigger, "America/New_York", "2026-11-01 00:00", len(expected), on_overlap=on_overlap) == expected


def test_the_firing_in_the_repeated_hour_says_which_it_is() -> None:
    rule = a_rule(AtTime(dt.time(1, 30)), on_overlap="both")
    found = on_day(rule, dt.date(2026, 11, 1), site("America/New_York")).moments
    assert [moment.note for moment in found] == [
        "01:30 happens twice on this day, this is the first",
        "01:30 happens twice on this day, this is the second",
    ]


def test_every_half_hour_runs_through_both_hours() -> None:
    assert moments(Every(1800), "America/New_York", "2026-11-01 04:45", 5) == [
        "2026-11-01 05:00",
        "2026-11-01 05:30",
        "2026-11-01 06:00",
        "2026-11-01 06:30",
        "2026-11-01 07:00",
    ]


# --- All zones, against a walk over the minutes ------------------------------------------------------------------

Walk = dict[dt.datetime, list[dt.datetime]]  # wall time -> the UTC minutes at which the clock on the wall shows it


@cache
def offset_changes() -> list[tuple[str, dt.datetime]]:
    """Return every different change of offset from 2024 to 2037: a zone that has it, and its UTC minute."""
    seen: dict[tuple[Any, ...], tuple[str, dt.datetime]] = {}
    step = 3 * DAY
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        at = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        before = at.astimezone(zone).utcoffset()
        while at < dt.datetime(2038, 1, 1, tzinfo=dt.UTC):
            after = (at + step).astimezone(zone).utcoffset()
            if after != before:
                low, high = at, at + step
                while high - low > MINUTE:
                    middle = low + (high - low) // MINUTE // 2 * MINUTE
                    if middle.astimezone(zone).utcoffset() == before:
                        low = middle
                    else:
                        high = middle
                seen.setdefault((high, before, after), (name, high))
                before = after
            at += step
    return list(seen.values())


EVERY_MINUTE = range(-60 * 60, 84 * 60)
EVERY_MINUTE_NEAR_THE_CHANGE = (*range(-3600, -150, 5), *range(-150, 150), *range(150, 84 * 60, 5))


def walk(
    zone: ZoneInfo, around: dt.datetime, minutes: Iterable[int] = EVERY_MINUTE
) -> tuple[Walk, list[tuple[dt.datetime, dt.datetime]]]:
    """Walk the UTC minutes around an instant.  Return what the wall showed, and the gaps in it as [start, end)."""
    shown: Walk = defaultdict(list)
    gaps = []
    last = around + min(minutes) * MINUTE
    shift = last.astimezone(zone).replace(tzinfo=None, fold=0) - last.replace(tzinfo=None)
    for minute in minutes:
        instant = around + minute * MINUTE
        wall = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        shown[wall].append(instant)
        ahead = wall - instant.replace(tzinfo=None)
        if ahead > shift:
            gaps.append((wall - (ahead - shift), wall))
        shift = ahead
    return shown, gaps


def by_definition(
    wall: dt.datetime, shown: Walk, gaps: list[tuple[dt.datetime, dt.datetime]], on_gap: str, on_overlap: str
) -> list[dt.datetime]:
    instants = shown.get(wall, [])
    if not instants:
        ((start, end),) = [(start, end) for start, end in gaps if start <= wall < end]
        return shown[wall + (end - start)] if on_gap == "shift" else []
    return {"first": instants[:1], "second": instants[-1:], "both": instants}[on_overlap]


def times_of_interest(shown: Walk, gaps: list[tuple[dt.datetime, dt.datetime]]) -> set[dt.time]:
    quarters = {dt.time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)}
    edges = {edge for gap in gaps for edge in gap}
    twice = sorted(wall for wall, instants in shown.items() if len(instants) > 1)
    edges |= set(twice[:1] + twice[-1:])
    return quarters | {(edge + beside * MINUTE).time() for edge in edges for beside in (-1, 0, 1)}


@cache
def daily(time: dt.time, on_gap: str, on_overlap: str) -> Rule:
    return a_rule(AtTime(time), on_gap=on_gap, on_overlap=on_overlap)


def check_against_the_walk(name: str, at: dt.datetime, minutes: Iterable[int]) -> int:
    where = site(name)
    shown, gaps = walk(where.timezone, at, minutes)
    times = times_of_interest(shown, gaps)
    checked = 0
    for beside, on_gap, on_overlap in [
        (-1, "shift", "both"),
        (0, "shift", "first"),
        (0, "skip", "second"),
        (0, "shift", "both"),
        (1, "shift", "both"),
    ]:
        day = at.astimezone(where.timezone).date() + beside * DAY
        for time in times:
            wall = dt.datetime.combine(day, time)
            if wall not in shown and not any(start <= wall < end for start, end in gaps):
                continue  # the walk took greater steps so far from the change
            found = [moment.at for moment in on_day(daily(time, on_gap, on_overlap), day, where).moments]
            wanted = by_definition(wall, shown, gaps, on_gap, on_overlap)
            assert found == wanted, (name, day, time, on_gap, on_overlap)
            checked += 1
    return checked


def test_every_change_of_offset_in_the_world_until_2037_goes_by_the_definition() -> None:
    changes = offset_changes()
    assert len(changes) > 700
    assert sum(check_against_the_walk(name, at, EVERY_MINUTE_NEAR_THE_CHANGE) for name, at in changes) > 350_000


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("Pacific/Apia", "2011-12-30 10:00"),  # a day left out
        ("Pacific/Kwajalein", "1993-08-21 12:00"),  # another
        ("Australia/Lord_Howe", "2026-04-04 15:00"),  # half an hour back
        ("Australia/Lord_Howe", "2026-10-03 15:30"),  # half an hour forward
        ("America/Sao_Paulo", "2018-11-04 03:00"),  # no midnight
        ("America/St_Johns", "2006-10-29 02:31"),  # back over midnight, at one past
        ("Asia/Pyongyang", "2018-05-04 15:00"),  # half an hour, at half past eleven in the evening
        ("America/Caracas", "2016-05-01 07:00"),  # standard time changed
        ("Asia/Kathmandu", "1985-12-31 18:30"),  # a quarter of an hour
        ("Europe/Dublin", "2026-10-25 01:00"),  # winter time is the "daylight" time here
        ("Europe/Volgograd", "2020-12-26 23:00"),
        ("Antarctica/Troll", "2026-03-29 01:00"),  # two hours
    ],
)
def test_stranger_changes_go_by_the_definition_too(name: str, at: str) -> None:
    assert check_against_the_walk(name, utc(at), EVERY_MINUTE) > 400


def test_windows_around_every_change_of_offset_count_elapsed_time_from_start_to_end() -> None:
    texts = [("22:00", "04:00"), ("01:30", "03:00"), ("02:00", "03:00"), ("00:00", "00:00")]
    windows = [(dt.time.fromisoformat(start), dt.time.fromisoformat(end)) for start, end in texts]
    for name, at in offset_changes():
        if at.year not in (2026, 2027):
            continue
        where = site(name)
        shown, gaps = walk(where.timezone, at, EVERY_MINUTE_NEAR_THE_CHANGE)
        day = at.astimezone(where.timezone).date()
        for start_time, end_time in windows:
            end_day = day if end_time > start_time else day + DAY
            ends = [dt.datetime.combine(day, start_time), dt.datetime.combine(end_day, end_time)]
            (start,), (end,) = (by_definition(wall, shown, gaps, "shift", "first") for wall in ends)
            wanted = [start + n * 20 * MINUTE for n in range(100) if start + n * 20 * MINUTE < end]
            planned = on_day(a_rule(Every(1200, (start_time, end_time))), day, where)
            assert [moment.at for moment in planned.moments] == wanted, (name, day, start_time)
            assert bool(planned.why_none) == (not wanted)


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})),
    wall=st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2037, 12, 1)),  # noqa: DTZ001
)
def test_another_library_resolves_wall_times_alike(zone: str, wall: dt.datetime) -> None:
    assert_as_whenever(zone, wall)


def test_another_library_resolves_the_nights_of_the_change_alike() -> None:
    for name, at in offset_changes():
        local = at.astimezone(ZoneInfo(name)).replace(tzinfo=None)
        for minutes in (-61, -45, -30, -1, 0, 29, 30, 59, 60):
            assert_as_whenever(name, local + minutes * MINUTE)


def assert_as_whenever(zone: str, wall: dt.datetime) -> None:
    for on_overlap, disambiguation in [("first", "compatible"), ("second", "later")]:
        (moment,) = on_day(a_rule(AtTime(wall.time()), on_overlap=on_overlap), wall.date(), site(zone)).moments
        parts = (wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second)
        theirs = ZonedDateTime(
            *parts, nanosecond=wall.microsecond * 1000, tz=zone, disambiguation=disambiguation
        ).to_instant()
        assert moment.at == theirs.to_stdlib(), (zone, wall)


# --- Single cases worth a name -----------------------------------------------------------------------------------


def test_a_left_out_day_meets_the_next_days_firing_and_counts_once() -> None:
    assert moments(AtTime(dt.time(7, 30)), "Pacific/Apia", "2011-12-29 00:00", 4) == [
        "2011-12-29 17:30",  # the 29th
        "2011-12-30 17:30",  # the 31st, and the 30th moved by its 24 hours
        "2011-12-31 17:30",
        "2012-01-01 17:30",
    ]


def test_a_window_of_a_left_out_day_meets_the_next_days_and_counts_once() -> None:
    trigger = Every(3600, (dt.time(8), dt.time(10)))
    assert moments(trigger, "Pacific/Apia", "2011-12-29 20:00", 3) == [
        "2011-12-30 18:00",  # the 31st, and the 30th moved by its 24 hours
        "2011-12-30 19:00",
        "2011-12-31 18:00",
    ]


@pytest.mark.parametrize(
    "trigger", [AtTime(dt.time(2, 30)), AtSun("sunset"), Every(3600), Every(60, (dt.time(2), dt.time(4)))]
)
def test_the_search_starts_strictly_after_its_instant(trigger: Any) -> None:
    berlin = site("Europe/Berlin", 52.52, 13.405)
    first, second = islice(moments_after(a_rule(trigger), berlin, utc("2026-03-29 01:00")), 2)
    assert next(moments_after(a_rule(trigger), berlin, first.at)).at == second.at
    assert next(moments_after(a_rule(trigger), berlin, first.at - dt.timedelta.resolution)).at == first.at


def test_a_friday_rule_runs_on_saturday_where_that_friday_was_left_out() -> None:
    trigger = AtTime(dt.time(7, 30), frozenset({FRIDAY}))
    rule = a_rule(trigger)
    found = list(islice(moments_after(rule, site("Pacific/Apia"), utc("2011-12-25 00:00")), 2))
    assert [moment.at for moment in found] == [utc("2011-12-30 17:30"), utc("2012-01-05 17:30")]
    assert found[0].note == "07:30 does not exist on this day, moved to 07:30 on 2011-12-31"


def test_midnight_that_does_not_exist_is_one_oclock() -> None:
    midnight = AtTime(dt.time(0, 0))
    assert moments(midnight, "Africa/Cairo", "2026-04-23 12:00", 2) == ["2026-04-23 22:00", "2026-04-24 21:00"]
    (moment,) = on_day(a_rule(midnight), dt.date(2026, 4, 24), site("Africa/Cairo")).moments
    assert moment.note == "00:00 does not exist on this day, moved to 01:00"


def test_days_look_at_the_nominal_date_also_when_the_gap_moves_the_moment_past_midnight() -> None:
    # Pyongyang went from 23:30 on Friday 4 May 2018 to midnight: 23:45 on that Friday is 00:15 on Saturday.
    trigger = AtTime(dt.time(23, 45), frozenset({FRIDAY}))
    assert moments(trigger, "Asia/Pyongyang", "2018-05-01 00:00", 2) == ["2018-05-04 15:15", "2018-05-11 14:45"]


def test_lord_howe_moves_by_half_an_hour() -> None:
    assert moments(AtTime(dt.time(2, 15)), "Australia/Lord_Howe", "2026-10-03 00:00", 1) == ["2026-10-03 15:45"]
    (moment,) = on_day(a_rule(AtTime(dt.time(2, 15))), dt.date(2026, 10, 4), site("Australia/Lord_Howe")).moments
    assert moment.note == "02:15 does not exist on this day, moved to 02:45"


def test_kathmandu_is_five_hours_and_three_quarters_ahead() -> None:
    assert moments(AtTime(dt.time(6, 0)), "Asia/Kathmandu", "2026-01-01 12:00", 1) == ["2026-01-02 00:15"]


def test_the_29th_of_february_is_a_day_like_others() -> None:
    assert moments(AtTime(dt.time(12)), "UTC", "2028-02-28 12:00", 2) == ["2028-02-29 12:00", "2028-03-01 12:00"]
    assert moments(AtDate(dt.datetime(2028, 2, 29, 7)), "Europe/Berlin", "2026-01-01 00:00", 2) == ["2028-02-29 06:00"]  # noqa: DTZ001


def test_a_date_is_a_wall_time_or_an_instant_and_comes_once() -> None:
    gap = AtDate(dt.datetime(2027, 3, 28, 2, 30))  # noqa: DTZ001
    assert moments(gap, "Europe/Berlin", "2026-01-01 00:00", 9) == ["2027-03-28 01:30"]
    assert moments(gap, "Europe/Berlin", "2027-03-28 01:30", 9) == []
    aware = AtDate(dt.datetime.fromisoformat("2026-12-24T16:00:00-08:00"))
    assert moments(aware, "Europe/Berlin", "2026-01-01 00:00", 9) == ["2026-12-25 00:00"]


def test_a_date_in_a_gap_may_be_skipped() -> None:
    rule = a_rule(AtDate(dt.datetime(2027, 3, 28, 2, 30)), on_gap="skip")  # noqa: DTZ001
    berlin = site("Europe/Berlin")
    assert list(moments_after(rule, berlin, utc("2026-01-01 00:00"))) == []
    assert [each.reason for each in silent_days(rule, berlin, dt.date(2027, 1, 1), dt.date(2027, 12, 31))] == [
        "02:30 does not exist on this day"
    ]


def test_rules_that_do_not_go_by_the_clock_have_no_moments() -> None:
    assert list(moments_after(a_rule(PowerPast("below", 5)), site("UTC"), utc("2026-01-01 00:00"))) == []


# --- Every -------------------------------------------------------------------------------------------------------


def test_every_counts_from_local_midnight_of_2000() -> None:
    assert moments(Every(7 * 3600), "Asia/Tokyo", "1999-12-31 14:59", 3) == [
        "1999-12-31 15:00",  # midnight in Tokyo
        "1999-12-31 22:00",
        "2000-01-01 05:00",
    ]


def test_every_without_a_window_keeps_its_distance_over_a_change_of_offset() -> None:
    found = islice(moments_after(a_rule(Every(90 * 60)), site("Europe/Berlin"), utc("2026-10-23 00:00")), 100)
    assert {later.at - earlier.at for earlier, later in pairwise(found)} == {90 * MINUTE}


@pytest.mark.parametrize("interval_s", [600, 3600, 5000, 86_400, 100_000, 7 * 86_400 + 1])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"])
def test_days_of_an_every_without_a_window_are_the_local_dates_of_its_moments(interval_s: int, zone: str) -> None:
    days = frozenset({TUESDAY, SATURDAY})
    start, end = utc("2006-10-20 00:00"), utc("2007-04-20 00:00")
    where = site(zone)

    def until_end(trigger: Every) -> Iterator[dt.datetime]:
        for moment in moments_after(a_rule(trigger), where, start):
            if moment.at >= end:
                return
            yield moment.at

    wanted = [at for at in until_end(Every(interval_s)) if at.astimezone(where.timezone).weekday() in days]
    assert list(until_end(Every(interval_s, None, days))) == wanted


def test_a_window_starts_a_new_count_each_day_and_ends_before_its_end() -> None:
    trigger = Every(5 * 3600, (dt.time(8), dt.time(18)))
    assert moments(trigger, "UTC", "2026-01-01 00:00", 4) == [
        "2026-01-01 08:00",
        "2026-01-01 13:00",
        "2026-01-02 08:00",
        "2026-01-02 13:00",
    ]


def test_a_window_over_midnight_belongs_to_the_day_it_starts_on() -> None:
    trigger = Every(3600, (dt.time(23), dt.time(1)), frozenset({FRIDAY}))
    assert moments(trigger, "UTC", "2026-01-01 00:00", 4) == [
        "2026-01-02 23:00",
        "2026-01-03 00:00",
        "2026-01-09 23:00",
        "2026-01-10 00:00",
    ]


def test_a_search_may_start_in_the_middle_of_a_window() -> None:
    trigger = Every(1800, (dt.time(22), dt.time(2)))
    assert moments(trigger, "UTC", "2026-01-02 00:30", 3) == [
        "2026-01-02 01:00",
        "2026-01-02 01:30",
        "2026-01-02 22:00",
    ]


def test_a_window_that_the_gap_swallows_is_named() -> None:
    rule = a_rule(Every(600, (dt.time(2), dt.time(3))))
    assert list(silent_days(rule, site("Europe/Berlin"), dt.date(2026, 1, 1), dt.date(2027, 12, 31))) == [
        NotFiring("r", dt.date(2026, 3, 29), "the window 02:00 to 03:00 is empty on this day"),
        NotFiring("r", dt.date(2027, 3, 28), "the window 02:00 to 03:00 is empty on this day"),
    ]


def test_a_window_in_the_repeated_hour_follows_on_overlap() -> None:
    trigger = Every(1800, (dt.time(1, 0), dt.time(2, 0)))
    night = "2026-11-01 00:00"
    assert moments(trigger, "America/New_York", night, 4)[:4] == [
        "2026-11-01 05:00",
        "2026-11-01 05:30",
        "2026-11-01 06:00",  # two o'clock comes only once, after the second one o'clock
        "2026-11-01 06:30",
    ]
    assert moments(trigger, "America/New_York", night, 3, on_overlap="second") == [
        "2026-11-01 06:00",
        "2026-11-01 06:30",
        "2026-11-02 06:00",
    ]


def test_every_second_is_found_without_walking_there() -> None:
    found = moments_after(a_rule(Every(1, None, frozenset({SUNDAY}))), site("Europe/Berlin"), utc("2031-05-05 10:00"))
    assert next(found).at == utc("2031-05-10 22:00")  # Sunday, midnight in Berlin
    found = moments_after(a_rule(Every(1, (dt.time(0), dt.time(23)))), site("UTC"), utc("2031-05-05 22:59"))
    assert next(found).at == utc("2031-05-05 22:59") + dt.timedelta(seconds=1)


# --- The sun -----------------------------------------------------------------------------------------------------


def test_an_offset_over_midnight_keeps_the_suns_day_in_both_directions() -> None:
    stockholm = site("Europe/Stockholm", 59.33, 18.07)
    midsummer = dt.date(2026, 6, 19)  # a Friday; sunset 22:08, sunrise 03:30
    (late,) = on_day(a_rule(AtSun("sunset", 3 * 3600)), midsummer, stockholm).moments
    assert late.at.astimezone(stockholm.timezone).date() == midsummer + DAY
    assert late.note == "belongs to the sunset of 2026-06-19"
    (early,) = on_day(a_rule(AtSun("sunrise", -5 * 3600)), midsummer, stockholm).moments
    assert early.at.astimezone(stockholm.timezone).date() == midsummer - DAY
    assert early.note == "belongs to the sunrise of 2026-06-19"


@pytest.mark.parametrize("offset_s", [3 * 3600, -5 * 3600, 30 * 3600, -30 * 3600])
@pytest.mark.parametrize("event", ["sunrise", "sunset"])
def test_an_offset_over_midnight_loses_no_day_wherever_the_search_starts(event: Any, offset_s: int) -> None:
    stockholm = site("Europe/Stockholm", 59.33, 18.07)
    rule = a_rule(AtSun(event, offset_s, frozenset({FRIDAY})))
    whole = [moment.at for moment in islice(moments_after(rule, stockholm, utc("2026-05-01 00:00")), 8)]
    for hours in range(40 * 24):
        after = utc("2026-05-01 00:00") + hours * HOUR
        assert next(moments_after(rule, stockholm, after)).at == next(at for at in whole if at > after)


def test_a_polar_summer_is_named_day_by_day_and_the_rule_comes_back() -> None:
    tromso = site("Europe/Oslo", 69.65, 18.96)
    rule = a_rule(AtSun("sunset"))
    silent = list(silent_days(rule, tromso, dt.date(2026, 5, 1), dt.date(2026, 8, 31)))
    assert {each.reason for each in silent} <= {
        "the sun does not set on this day: it is up all day",
        "the sun does not set on this day",
    }
    assert 65 <= len(silent) <= 73
    days = {each.date for each in silent}
    after = next(moments_after(rule, tromso, utc("2026-06-21 00:00")))
    assert after.at.astimezone(tromso.timezone).date() - DAY in days


def test_a_rule_that_never_comes_is_not_looked_for_for_ever() -> None:
    no_days = a_rule(AtSun("sunset", 0, frozenset()))
    assert list(moments_after(no_days, site("UTC", 10, 10), utc("2026-01-01"))) == []


def test_a_site_without_a_position_says_so() -> None:
    assert on_day(a_rule(AtSun("sunset")), dt.date(2026, 1, 1), site("UTC")).why_none == (
        "the site has no latitude and longitude"
    )


def test_a_date_with_two_sunsets_takes_the_first() -> None:
    reykjavik = site("Atlantic/Reykjavik", 64.1466, -21.9426)
    (moment,) = on_day(a_rule(AtSun("sunset")), dt.date(2026, 6, 29), reykjavik).moments
    assert (moment.at.hour, moment.note) == (0, "the sun sets twice on this day, this is the first")


# --- In general --------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Beirut"]),
    trigger=st.one_of(
        st.builds(AtTime, st.times(), st.frozensets(st.integers(0, 6), min_size=1)),
        st.builds(
            AtSun,
            st.sampled_from(["sunrise", "sunset"]),
            st.integers(-50_000, 50_000),
            st.frozensets(st.integers(0, 6), min_size=1),
        ),
        st.builds(
            Every,
            st.integers(300, 400_000),
            st.one_of(st.none(), st.tuples(st.times(), st.times())),
            st.frozensets(st.integers(0, 6), min_size=1),
        ),
    ),
    on_gap=st.sampled_from(["shift", "skip"]),
    on_overlap=st.sampled_from(["first", "second", "both"]),
    year=st.sampled_from([2011, 2026]),
    hours=st.lists(st.integers(0, 366 * 24), min_size=1, max_size=4),
)
def test_moments_rise_strictly_and_do_not_depend_on_where_the_search_starts(
    zone: str, trigger: Any, on_gap: str, on_overlap: str, year: int, hours: list[int]
) -> None:
    where = site(zone, 33.9, 35.5)
    rule = a_rule(trigger, on_gap=on_gap, on_overlap=on_overlap)
    start = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    for hour in hours:
        after = start + hour * HOUR
        found = [moment.at for moment in islice(moments_after(rule, where, after), 8)]
        assert all(earlier < later for earlier, later in pairwise([after, *found]))
        assert found
        searched_earlier = moments_after(rule, where, after - 9 * DAY)
        assert list(islice((moment.at for moment in searched_earlier if moment.at > after), 8)) == found


def test_shifted_days_stand_around_each_change() -> None:
    days = list(shifted_days(ZoneInfo("Europe/Berlin"), dt.date(2026, 1, 1), dt.date(2026, 12, 31)))
    assert dt.date(2026, 3, 29) in days
    assert dt.date(2026, 10, 25) in days
    assert len(days) <= 8
