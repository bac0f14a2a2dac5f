"""Rows made by hand become rules, after which there is nothing to do; what cannot be said is left, with a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sync.memory_device import BULB, MemoryDevice
from tapo_automate.device import DeviceSpec, Setting
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    Moment,
    PowerProtection,
    Row,
    ScheduleRow,
)
from tapo_automate.rules.load import load_texts
from tapo_automate.rules.model import RuleBook, Site
from tapo_automate.rules.problems import report
from tapo_automate.sync.adopt import Adopted, adopt_rows, rule_file
from tapo_automate.sync.difference import changes_of
from tapo_automate.sync.ledger import DeviceLedger
from tapo_automate.sync.model import Reading
from tapo_automate.sync.wanted import compile_device

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
ON, OFF = Setting(on=True), Setting(on=False)
WEEKDAYS = frozenset(range(5))
HOUSE = """
schema = 1
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
"""
SITE = Site(ZoneInfo("Europe/Berlin"), 52.52, 13.405)
BOOK = RuleBook(SITE, {"porch": DeviceSpec("porch", "tapo-bulb", "192.168.1.33")}, {}, {})


def midnight(minute: int) -> Moment:
    return Moment("midnight", minute)


def adopted_from(device: MemoryDevice, ledger: DeviceLedger | None = None, book: RuleBook = BOOK) -> Adopted:
    return adopt_rows(book, "porch", Reading(device.holdings(), device.now), ledger or DeviceLedger())


def left_to_do(device: MemoryDevice, adopted: Adopted, house: str = HOUSE) -> list[str]:
    """Load the files as the next plan does, and return what it would do beside showing foreign rows."""
    loaded = load_texts([("rules.toml", house), ("rules.adopted.toml", rule_file([adopted]))])
    assert loaded.book is not None, report(loaded.problems)
    reading = Reading(device.holdings(), device.now)
    compiled = compile_device(loaded.book, "porch", reading, adopted.recorded, device.now)
    assert not compiled.daemon
    changes = changes_of(compiled, adopted.recorded, reading, device.now)
    return [f"{change.action} {change.text}" for change in changes if change.action != "foreign"]


def device_with(*rows: Row, **how: object) -> MemoryDevice:
    device = MemoryDevice(NOW, description=BULB, transitions=True, **how)  # type: ignore[arg-type]
    for row in rows:
        device.by_hand(row)
    return device


def test_a_file_of_rules_says_where_they_come_from() -> None:
    device = device_with(
        ScheduleRow(Moment("sunset", -15), Setting(on=True, brightness_pct=40, color_temp_k=2700), WEEKDAYS),
        ScheduleRow(midnight(1410), OFF),
        ScheduleRow(midnight(420), ON, frozenset({0, 2})),
        ScheduleRow(Moment("sunrise", 0), replace(OFF, transition_ms=1_800_000)),
        AutoOff(90),
        PowerProtection(2000),
        CountdownRow(600, OFF),
    )
    adopted = adopted_from(device)
    assert rule_file([adopted]) == (
        """\
# Rules that were made in the phone app, and are kept here now.

schema = 1

# ---------------------------------------------------------------- porch

# porch, schedule row S3, adopted 2026-11-22: mon, wed at 07:00 → on
[rules.porch-on-mon-wed-07-00]
devices = ["porch"]
when.time = { at = 07:00:00, days = ["mon", "wed"] }
set = { on = true }

# porch, schedule row S2, adopted 2026-11-22: every day at 23:30 → off
[rules.porch-off-23-30]
devices = ["porch"]
when.time = { at = 23:30:00 }
set = { on = false }

# porch, schedule row S4, adopted 2026-11-22: every day at sunrise → off, transition 30m
[rules.porch-off-sunrise]
devices = ["porch"]
when.sunrise = {}
set = { on = false, transition = "30m" }

# porch, schedule row S1, adopted 2026-11-22: weekdays 15 min before sunset → on, brightness 40, color_temp 2700
[rules.porch-on-weekdays-15-min-before-sunset]
devices = ["porch"]
when.sunset = { offset = "-15m", days = ["mon", "tue", "wed", "thu", "fri"] }
set = { on = true, brightness = 40, color_temp = 2700 }

# porch, auto-off, adopted 2026-11-22: 1 h 30 min after it turns on → off
[rules.porch-auto-off]
devices = ["porch"]
when.countdown = { after = "1h30m", from = "on" }
set = { on = false }

# porch, power protection, adopted 2026-11-22: above 2000 W → off
[rules.porch-power-limit]
devices = ["porch"]
when.power = { above = 2000 }
set = { on = false }
"""
    )
    assert [(each.text, each.reason) for each in adopted.left_alone] == [
        ("in 10 min → off", "a countdown is an event, and is over when it has run")
    ]
    assert left_to_do(device, adopted) == []


def test_a_countdown_that_is_over_is_no_row_to_speak_of() -> None:
    device = device_with(CountdownRow(600, OFF, enabled=False))
    assert adopted_from(device).left_alone == ()


def test_a_second_adoption_goes_behind_the_first_and_takes_no_name_twice() -> None:
    device = device_with(ScheduleRow(midnight(420), ON))
    first = adopted_from(device)
    loaded = load_texts([("rules.toml", HOUSE), ("rules.adopted.toml", rule_file([first]))])
    assert loaded.book is not None
    device.by_hand(ScheduleRow(midnight(420), Setting(on=True, brightness_pct=5)))
    second = adopted_from(device, DeviceLedger("", first.recorded), loaded.book)
    # Two rows at one minute that set different things: which one wins is the device's secret.
    assert [each.row_id for each in second.left_alone] == ["S2"]
    device.by_hand(ScheduleRow(midnight(425), Setting(on=True, brightness_pct=5)))
    second = adopted_from(device, DeviceLedger("", first.recorded), loaded.book)
    assert list(second.rules) == ["porch-on-07-05"]
    text = rule_file([second], rule_file([first]))
    assert text.startswith(rule_file([first]))
    both = load_texts([("rules.toml", HOUSE), ("rules.adopted.toml", text)])
    assert both.book is not None
    assert set(both.book.rules) == {"porch-on-07-00", "porch-on-07-05"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ScheduleRow(midnight(420), ON, enabled=False), "it is switched off"),
        (CountdownRow(60, OFF), "a countdown is an event, and is over when it has run"),
        (
            AntitheftRow(midnight(60), midnight(90), frequency_min=7),
            "it switches every 7 min, and the rule language has no word for that",
        ),
        (
            AntitheftRow(midnight(60), midnight(90), frozenset(), repeats=False),
            "away mode for the next time only is an event, and is over when it has run",
        ),
        (
            ScheduleRow(Moment("sunset", 0), ON, frozenset(), repeats=False),
            "it happens once, at a sunrise or sunset, which the rule language has no word for",
        ),
        (ScheduleRow(midnight(150), ON), "02:30 does not exist on 2027-03-28, when the clocks change"),
    ],
)
def test_what_cannot_be_a_rule_is_left_with_a_reason(row: Row, reason: str) -> None:
    adopted = adopted_from(device_with(row))
    assert (adopted.text, dict(adopted.rules), adopted.recorded) == ("", {}, ())
    assert [each.reason for each in adopted.left_alone] == [reason]


def test_rows_that_cannot_be_read_or_never_happen_are_left() -> None:
    device = device_with()
    device.by_hand_own("schedule", {"enable": True, "mode": "repeat", "days": ["mon"], "type": "moonrise"})
    never = {"enable": True, "mode": "repeat", "days": [], "type": "normal", "min": 5, "offset": 0}
    device.by_hand_own("schedule", {**never, "states": {"on": True}})
    assert [(each.row_id, each.reason) for each in adopted_from(device).left_alone] == [
        ("S1", "it cannot be read: its kind is 'moonrise'"),
        ("S2", "it repeats on no day, and never happens"),
    ]


def test_of_two_equal_rows_one_is_adopted() -> None:
    device = device_with(ScheduleRow(midnight(420), ON), ScheduleRow(midnight(420), ON))
    adopted = adopted_from(device)
    assert [each.reason for each in adopted.left_alone] == [
        "it does the same as schedule row S1: remove one of them in the app"
    ]
    assert left_to_do(device, adopted) == []


def test_of_two_rows_that_differ_in_their_days_one_is_adopted() -> None:
    device = device_with(ScheduleRow(midnight(420), ON, WEEKDAYS), ScheduleRow(midnight(420), ON, frozenset({5})))
    adopted = adopted_from(device)
    assert list(adopted.rules) == ["porch-on-sat-07-00"]
    assert [(each.row_id, each.reason) for each in adopted.left_alone] == [
        (
            "S1",
            "it differs from schedule row S2 in its days alone, and rules share one row then: "
            "give that one its days in the app, and remove this one",
        )
    ]
    assert left_to_do(device, adopted) == []


def test_a_device_that_is_not_trusted_keeps_its_rows() -> None:
    device = device_with(ScheduleRow(midnight(420), ON))
    device.clock_skew = dt.timedelta(minutes=10)
    assert "its clock is 600 s ahead" in adopted_from(device).left_alone[0].reason


def test_rows_that_are_ours_are_not_adopted_again() -> None:
    device = device_with(ScheduleRow(midnight(420), ON))
    first = adopted_from(device)
    assert adopted_from(device, DeviceLedger("", first.recorded)).rules == {}


@pytest.mark.parametrize("name", ["strip/1", "Küche: Herd", 'a "b"'])
def test_any_name_of_a_device_can_be_written(name: str) -> None:
    book = RuleBook(SITE, {name: DeviceSpec(name, "tapo-bulb", "192.168.1.33")}, {}, {})
    device = device_with(ScheduleRow(midnight(420), ON))
    adopted = adopt_rows(book, name, Reading(device.holdings(), NOW), DeviceLedger())
    assert len(adopted.rules) == 1
    assert adopted.left_alone == ()


DAYS = st.frozensets(st.integers(0, 6), min_size=1)
MOMENTS = st.one_of(
    st.builds(Moment, st.just("midnight"), st.integers(0, 1439)),
    st.builds(Moment, st.sampled_from(("sunrise", "sunset")), st.integers(-200, 200)),
)
SETTINGS = st.one_of(
    st.builds(Setting, on=st.just(False), transition_ms=st.none() | st.integers(1, 3_600_000)),
    st.builds(
        Setting,
        on=st.just(True),
        brightness_pct=st.none() | st.integers(1, 100),
        color_temp_k=st.none() | st.integers(2500, 6500),
        transition_ms=st.none() | st.integers(1, 3_600_000),
    ),
    st.builds(
        Setting,
        on=st.just(True),
        brightness_pct=st.integers(1, 100),
        hue_deg=st.integers(0, 360),
        saturation_pct=st.integers(0, 100),
    ),
)
SCHEDULES = st.builds(ScheduleRow, MOMENTS, SETTINGS, DAYS, enabled=st.sampled_from((True, True, False)))
ONCE = st.builds(ScheduleRow, MOMENTS, SETTINGS, st.just(frozenset()), st.just(False))
AWAYS = st.builds(AntitheftRow, MOMENTS, MOMENTS, DAYS).filter(
    lambda row: row.start != row.end and not row.start.anchor == row.end.anchor != "midnight"
)


@settings(max_examples=80, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(st.one_of(SCHEDULES, SCHEDULES, ONCE), max_size=8),
    st.none() | AWAYS,
    st.none() | st.integers(1, 1440),
    st.none() | st.integers(1, 2990),
)
def test_after_an_adoption_the_plan_is_empty(
    rows: Sequence[Row], away: Row | None, auto_off: int | None, limit: int | None
) -> None:
    more = [away, auto_off and AutoOff(auto_off), limit and PowerProtection(limit)]
    device = device_with(*rows, *(row for row in more if row))  # type: ignore[arg-type]
    writes = device.writes
    adopted = adopted_from(device)
    assert left_to_do(device, adopted) == []
    there = len(rows) + sum(row is not None for row in more)
    assert len(adopted.recorded) + len(adopted.left_alone) == there
    assert device.writes == writes
