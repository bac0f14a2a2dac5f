"""Rows in words, in digests, and compared."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.made_rules import MON_TO_FRI, NOW, OFF, ON, SAT_SUN, a_rule
from tapo_automate.device import Setting
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    ScheduleRow,
)
from tapo_automate.rules.model import AtDate
from tapo_automate.sync.rows import digest, in_words, key_of, matches

EVENING = Moment("midnight", 1410)
DUSK = Moment("sunset", -15)
OPAQUE = OpaqueRow("schedule", "mode 'lunar' is not known", {"mode": "lunar", "more": {"b": 1, "a": [2]}}, id="S9")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ScheduleRow(EVENING, OFF, MON_TO_FRI), "weekdays at 23:30 → off"),
        (ScheduleRow(EVENING, OFF, SAT_SUN), "weekends at 23:30 → off"),
        (ScheduleRow(EVENING, OFF, frozenset({2, 0})), "mon, wed at 23:30 → off"),
        (ScheduleRow(EVENING, OFF, frozenset()), "never at 23:30 → off"),
        (ScheduleRow(DUSK, Setting(True, 40)), "every day 15 min before sunset → on, brightness 40"),
        (ScheduleRow(Moment("sunrise", 90), ON), "every day 1 h 30 min after sunrise → on"),
        (ScheduleRow(Moment("sunset", 0), ON), "every day at sunset → on"),
        (ScheduleRow(Moment("midnight", 420), ON, frozenset(), repeats=False), "once at 07:00 → on"),
        (ScheduleRow(EVENING, OFF, enabled=False), "every day at 23:30 → off (switched off)"),
        (CountdownRow(2700, OFF), "in 45 min → off"),
        (CountdownRow(3661, ON, enabled=False), "in 1 h 1 min 1 s → on (switched off)"),
        (AutoOff(45), "45 min after it turns on → off"),
        (PowerProtection(2000), "above 2000 W → off"),
        (AntitheftRow(Moment("sunset", 0), EVENING), "at random from sunset to 23:30"),
        (AntitheftRow(DUSK, EVENING, MON_TO_FRI), "weekdays at random from 15 min before sunset to 23:30"),
        (
            AntitheftRow(DUSK, EVENING, frozenset(), False, 10),
            "once at random from 15 min before sunset to 23:30, every 10 min",
        ),
        (OPAQUE, "a row that cannot be read: mode 'lunar' is not known"),
    ],
)
def test_a_row_in_words(row: FoundRow, said: str) -> None:
    assert in_words(row) == said


def test_digests_are_the_same_in_every_version() -> None:
    # They are kept in ledgers: a change here makes every row of everybody look edited by hand.
    rows = (ScheduleRow(EVENING, OFF, MON_TO_FRI), CountdownRow(60, ON), AutoOff(45), PowerProtection(2000), OPAQUE)
    assert [digest(row) for row in rows] == [
        "872f0522fca32325",
        "210d147d776a261e",
        "3f6db4dda37c2475",
        "6a481542304873a8",
        "2b0a5ec9970a5cdd",
    ]


_settings = st.builds(
    Setting,
    st.booleans(),
    st.none() | st.integers(1, 3),
    st.none() | st.just(2700),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(0, 2),
    st.none() | st.sampled_from([500, 1000]),
)
_moments = st.builds(Moment, st.sampled_from(["midnight", "sunrise", "sunset"]), st.integers(0, 2))
_days = st.sampled_from([frozenset(), MON_TO_FRI, SAT_SUN, frozenset(range(7))])
_rows: st.SearchStrategy[Any] = st.one_of(
    st.builds(ScheduleRow, _moments, _settings, _days, st.booleans(), st.booleans()),
    st.builds(CountdownRow, st.integers(1, 3), _settings, st.booleans()),
    st.builds(AntitheftRow, _moments, _moments, _days, st.booleans(), st.sampled_from([5, 10]), st.booleans()),
    st.builds(AutoOff, st.integers(1, 3), st.booleans()),
    st.builds(PowerProtection, st.integers(1, 3), st.booleans()),
    st.builds(
        OpaqueRow,
        st.sampled_from(["schedule", "antitheft"]),
        st.just("?"),
        st.dictionaries(st.text(max_size=2), st.integers(0, 2)),
    ),
)


@given(_rows, _rows)
def test_digests_are_equal_where_rows_are(one: FoundRow, other: FoundRow) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ScheduleRow(EVENING, OFF), ScheduleRow(EVENING, OFF, id="S1", next_day=NOW.date(), minute=3, own={"a": 1})),
        (CountdownRow(60, ON), CountdownRow(60, ON, id="C1", left_s=30)),
        (OPAQUE, replace(OPAQUE, id="S1")),
        (OPAQUE, OpaqueRow("schedule", "in other words", {"more": {"a": [2], "b": 1}, "mode": "lunar"})),
    ],
)
def test_what_a_device_computes_for_itself_is_in_no_digest(one: FoundRow, other: FoundRow) -> None:
    assert digest(one) == digest(other)


WANTED = ScheduleRow(DUSK, Setting(True, 40))


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (WANTED, True),
        (replace(WANTED, id="S3"), True),
        (replace(WANTED, setting=Setting(True, 40, 2700)), True),  # the device added its own
        (replace(WANTED, setting=Setting(True)), False),
        (replace(WANTED, setting=Setting(True, 41)), False),
        (replace(WANTED, setting=Setting(False, 40)), False),
        (replace(WANTED, enabled=False), False),
        (replace(WANTED, days=MON_TO_FRI), False),
        (replace(WANTED, repeats=False), False),
        (replace(WANTED, at=EVENING), False),
        (CountdownRow(60, Setting(True, 40)), False),
        (OPAQUE, False),
    ],
)
def test_a_row_that_was_read_back_shows_what_was_wanted(found: FoundRow, same: bool) -> None:
    assert matches(found, WANTED) is same


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (CountdownRow(60, Setting(False), left_s=59), True),
        (CountdownRow(60, Setting(False, 1), left_s=59), True),
        (CountdownRow(61, OFF), False),
        (CountdownRow(60, OFF, enabled=False), False),
        (CountdownRow(60, ON), False),
    ],
)
def test_a_countdown_that_was_read_back(found: FoundRow, same: bool) -> None:
    assert matches(found, CountdownRow(60, OFF)) is same


def test_other_rows_match_when_they_are_equal() -> None:
    assert matches(AutoOff(45, own={"delay_min": 45}), AutoOff(45))
    assert not matches(AutoOff(46), AutoOff(45))
    assert not matches(PowerProtection(45), AutoOff(45))


def _key(date: dt.datetime) -> str:
    return key_of(a_rule(AtDate(date)), ScheduleRow(Moment("midnight", 960), ON, frozenset(), repeats=False))


def test_the_key_of_a_dated_rule_knows_its_date() -> None:
    christmas = dt.datetime(2026, 12, 24, 16)  # noqa: DTZ001
    assert _key(christmas) != _key(christmas + dt.timedelta(days=1))


def test_the_key_of_an_instant_is_the_same_in_whichever_zone_it_is_written() -> None:
    there = dt.datetime(2026, 12, 24, 16, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert _key(there) == _key(there.astimezone(dt.UTC)) != _key(there.replace(tzinfo=None))


def test_the_key_of_other_rules_is_that_of_their_row_whatever_their_name() -> None:
    row = ScheduleRow(EVENING, OFF)
    assert key_of(a_rule(None, name="a"), row) == key_of(a_rule(None, name="b"), row) == digest(row)
    assert key_of(a_rule(None), row) != key_of(a_rule(None), replace(row, days=MON_TO_FRI))
