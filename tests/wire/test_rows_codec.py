"""Rows of device tables, from the wire and back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_dumps import DUMPS
from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting
from tapo_automate.rows import (
    TABLES,
    AntitheftRow,
    AutoOff,
    CountdownRow,
    Moment,
    NextEvent,
    OpaqueRow,
    PowerProtection,
    ScheduleRow,
    TableName,
)
from tapo_automate.wire.rows_codec import next_event, own_words, read_row, row_words

ROW: dict[str, Any] = {
    "id": "S1",
    "enable": True,
    "mode": "repeat",
    "week_day": 62,
    "year": 2026,
    "month": 7,
    "day": 2,
    "s_type": "normal",
    "s_min": 1410,
    "time_offset": 0,
    "e_type": "normal",
    "e_min": 0,
    "e_action": "none",
    "desired_states": {"on": False},
}
AWAY: dict[str, Any] = {
    "id": "A1",
    "enable": True,
    "mode": "repeat",
    "week_day": 127,
    "frequency": 5,
    "start_time_type": "normal",
    "start_min": 1170,
    "start_time_offset": 0,
    "end_time_type": "normal",
    "end_min": 360,
    "end_time_offset": 0,
}
COUNT: dict[str, Any] = {"id": "C1", "enable": True, "delay": 1800, "remain": 900, "desired_states": {"on": False}}
WEEKDAYS = frozenset(range(5))


def read(table: TableName, words: object) -> Any:
    return read_row(table, words)


class TestSchedule:
    def test_a_row_is_read(self) -> None:
        row = read("schedule", ROW)
        assert row == ScheduleRow(Moment("midnight", 1410), Setting(on=False), WEEKDAYS)
        assert (row.id, row.next_day, row.minute, row.own) == ("S1", dt.date(2026, 7, 2), 1410, ROW)

    @pytest.mark.parametrize(
        ("mask", "days"),
        [(1, {6}), (2, {0}), (64, {5}), (127, set(range(7))), (65, {5, 6}), (62, set(range(5)))],
    )
    def test_bit_0_is_sunday(self, mask: int, days: set[int]) -> None:
        assert read("schedule", ROW | {"week_day": mask}).days == days
        row = ScheduleRow(Moment("midnight", 0), Setting(on=True), frozenset(days))
        assert row_words("x", row, {})["week_day"] == mask

    def test_the_sun_is_read_by_its_offset_and_not_by_the_minute_of_the_day(self) -> None:
        row = read("schedule", ROW | {"s_type": "sunset", "s_min": 1081, "time_offset": -15})
        assert (row.at, row.minute) == (Moment("sunset", -15), 1081)
        assert row == read("schedule", ROW | {"s_type": "sunset", "s_min": 960, "time_offset": -15, "day": 30})

    def test_what_happens_once_has_no_days(self) -> None:
        row = read("schedule", ROW | {"mode": "once", "week_day": 0})
        assert (row.repeats, row.days) == (False, frozenset())

    @pytest.mark.parametrize(
        ("states", "setting"),
        [
            ({"on": True}, Setting(on=True)),
            ({"on": False, "transition_period": 0}, Setting(on=False)),
            ({"on": False, "transition_period": 1800000}, Setting(on=False, transition_ms=1_800_000)),
            ({"on": False, "brightness": 40, "hue": 900}, Setting(on=False)),
            (
                {
                    "on": True,
                    "auto": False,
                    "brightness": 100,
                    "color_temp": 2700,
                    "hue": 0,
                    "saturation": 0,
                    "transition_period": 0,
                },
                Setting(on=True, brightness_pct=100, color_temp_k=2700),
            ),
            (
                {"on": True, "brightness": 5, "color_temp": 0, "hue": 0, "saturation": 100},
                Setting(on=True, brightness_pct=5, hue_deg=0, saturation_pct=100),
            ),
            ({"brightness": 40}, Setting(on=True, brightness_pct=40)),
            ({"on": True, "lighting_effect": {}, "auto_mode": ""}, Setting(on=True)),
        ],
    )
    def test_what_devices_add_of_their_own_is_dropped(self, states: dict[str, Any], setting: Setting) -> None:
        assert read("schedule", ROW | {"desired_states": states}).setting == setting

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"desired_states": {"on": True, "auto": True}}, "it leaves the light to the lamp itself"),
            ({"desired_states": {"on": True, "lighting_effect": {"name": "x"}}}, "it plays a light effect"),
            ({"desired_states": {"on": True, "target_temp": 21}}, "it sets what is not known here (target_temp)"),
            ({"desired_states": {"on": True, "\x1b[31m": 21}}, "it sets what is not known here"),
            ({"desired_states": {"on": True, "brightness": 0}}, "its brightness cannot be"),
            ({"desired_states": {"on": True, "hue": 361}}, "its hue cannot be"),
            ({"desired_states": {"on": True, "brightness": True}}, "its brightness cannot be"),
            ({"desired_states": {"on": False, "transition_period": -1}}, "its transition_period cannot be"),
            ({"desired_states": {}}, "it does not say whether it turns on or off"),
            ({"desired_states": None}, "it does not say what it sets"),
            ({"e_action": "off"}, "it does something at its end too"),
            ({"s_type": "none"}, "it says neither a time nor the sun"),
            ({"s_type": ["normal"]}, "it says neither a time nor the sun"),
            ({"s_min": 1440}, "its time of day cannot be"),
            ({"time_offset": 5}, "it has an offset to a time of day"),
            ({"s_type": "sunrise", "time_offset": 361}, "its offset from the sun cannot be"),
            ({"mode": "monthly"}, "it says neither that it happens once nor that it repeats"),
            ({"week_day": 0}, "it repeats on no day of the week"),
            ({"week_day": 128}, "it does not say on which days"),
            ({"enable": 2}, "it does not say whether it is switched on"),
            ({"start_remind": True}, "it says what is not known here (start_remind)"),
        ],
    )
    def test_what_cannot_be_read_is_kept_with_the_reason(self, change: dict[str, Any], why: str) -> None:
        words = ROW | change
        row = read("schedule", words)
        assert isinstance(row, OpaqueRow)
        assert (row.why, row.id, row.table) == (why, "S1", "schedule")
        kept = {name: it for name, it in words.items() if name not in ("id", "year", "month", "day")}
        assert {name: row.own[name] for name in row.own} == {k: v for k, v in kept.items() if k in row.own}
        assert kept.keys() - row.own.keys() <= ({"s_min"} if words["s_type"] == "sunrise" else set())

    def test_opaque_rows_differ_by_what_they_say_and_not_by_what_is_computed(self) -> None:
        auto = ROW | {"desired_states": {"on": True, "auto": True}, "s_type": "sunset"}
        assert read("schedule", auto) == read("schedule", auto | {"id": "S9", "day": 17, "s_min": 1000})
        assert read("schedule", auto) != read("schedule", auto | {"time_offset": 3})

    def test_version_1_says_on_or_off_in_a_word(self) -> None:
        words = {name: it for name, it in ROW.items() if name != "desired_states"} | {"s_action": "on"}
        assert read("schedule", words).setting == Setting(on=True)

    def test_a_row_that_is_no_row_is_kept_too(self) -> None:
        assert read("schedule", 7) == OpaqueRow("schedule", "it is no table of names and values", {"": 7})

    def test_a_row_is_written_whole(self) -> None:
        row = ScheduleRow(Moment("sunset", -15), Setting(on=True), frozenset({0, 6}), enabled=False)
        assert row_words("x", row, {"desired_states": {"on": True}}) == {
            "enable": False,
            "mode": "repeat",
            "week_day": 3,
            "year": 1970,
            "month": 1,
            "day": 1,
            "s_type": "sunset",
            "s_min": 0,
            "time_offset": -15,
            "e_type": "none",
            "e_min": 0,
            "e_action": "none",
            "desired_states": {"on": True},
        }

    @pytest.mark.parametrize(
        ("row", "text"),
        [
            (
                ScheduleRow(Moment("midnight", 1440), Setting(on=True)),
                "x: minute 1440 is not one of a day: it takes 0 to 1439",
            ),
            (
                ScheduleRow(Moment("sunrise", -361), Setting(on=True)),
                "x: -361 min from the sunrise is out of range: a row takes -360 to 360",
            ),
            (
                ScheduleRow(Moment("midnight", 0), Setting(on=True), frozenset()),
                "x: a row that repeats needs a day of the week",
            ),
            (
                CountdownRow(86_401, Setting(on=True)),
                "x: a countdown of 86401 s is out of range: a device's own runs 1 s to 24 h (86400 s)",
            ),
            (
                AntitheftRow(Moment("sunset", 0), Moment("sunset", 60)),
                "x: away mode cannot begin and end at the same time, or both at the same sun",
            ),
            (
                AntitheftRow(Moment("midnight", 60), Moment("midnight", 60)),
                "x: away mode cannot begin and end at the same time, or both at the same sun",
            ),
            (
                AntitheftRow(Moment("midnight", 60), Moment("midnight", 90), frequency_min=0),
                "x: away mode switches every 1 to 1439 min, not every 0",
            ),
        ],
    )
    def test_what_no_device_takes_is_not_written(self, row: Any, text: str) -> None:
        with pytest.raises(BadSetting) as raised:
            row_words("x", row, {})
        assert str(raised.value) == text


class TestCountdown:
    def test_one_that_runs(self) -> None:
        row = read("countdown", COUNT)
        assert row == CountdownRow(1800, Setting(on=False))
        assert (row.id, row.left_s, row.own) == ("C1", 900, COUNT)

    @pytest.mark.parametrize("change", [{"enable": False, "remain": 0}, {"remain": 0}, {"enable": False}])
    def test_one_that_is_over_stays(self, change: dict[str, Any]) -> None:
        row = read("countdown", COUNT | change)
        assert row == CountdownRow(1800, Setting(on=False), enabled=False)
        assert row.left_s == 0

    def test_version_1(self) -> None:
        words = {"id": "C1", "enable": True, "delay": 5, "remain": 5, "action": "on"}
        assert read("countdown", words) == CountdownRow(5, Setting(on=True))

    def test_one_without_a_length_is_opaque(self) -> None:
        assert read("countdown", COUNT | {"delay": "soon"}).why == "it does not say how long it runs"


class TestAway:
    def test_it_is_read(self) -> None:
        row = read("antitheft", AWAY)
        assert row == AntitheftRow(Moment("midnight", 1170), Moment("midnight", 360))
        assert (row.id, row.own) == ("A1", AWAY)
        sun = read("antitheft", AWAY | {"start_time_type": "sunset", "start_time_offset": 20, "start_min": 1100})
        assert sun.start == Moment("sunset", 20)

    def test_what_is_not_known_is_opaque(self) -> None:
        assert read("antitheft", AWAY | {"end_time_type": "none"}).why == "it says neither a time nor the sun"
        assert read("antitheft", AWAY | {"frequency": 0}).why == "it does not say how often it switches"


class TestNeighbours:
    @pytest.mark.parametrize(
        ("words", "row"),
        [
            ({"delay_min": 120, "enable": False}, None),
            ({"delay_min": 120, "enable": True}, AutoOff(120)),
            ({"delay_min": 45, "enable": False}, AutoOff(45, enabled=False)),
        ],
    )
    def test_an_auto_off_that_nobody_has_set_is_none(self, words: dict[str, Any], row: AutoOff | None) -> None:
        assert read("auto_off", words) == row

    @pytest.mark.parametrize(
        ("words", "row"),
        [
            ({"enabled": False, "protection_power": 0}, None),
            ({"enabled": True, "protection_power": 2960}, PowerProtection(2960)),
            ({"protection_enabled": False, "protection_power": 100}, PowerProtection(100, enabled=False)),
        ],
    )
    def test_a_power_protection_that_nobody_has_set_is_none(
        self, words: dict[str, Any], row: PowerProtection | None
    ) -> None:
        assert read("power_protection", words) == row

    def test_what_cannot_be_read_is_opaque(self) -> None:
        assert read("auto_off", {"enable": True, "delay_min": 0}).why == "it does not say after how long it turns off"
        assert read("power_protection", {"protection_power": 5}).why == "it does not say whether it is switched on"


def test_what_comes_next() -> None:
    states = {"on": True, "brightness": 100, "auto": False}
    told = {"desired_states": states, "e_time": 0, "id": "S4", "s_time": 1768228140, "type": 1}
    at = dt.datetime(2026, 1, 12, 14, 29, tzinfo=dt.UTC)
    assert next_event(told) == NextEvent(at, "S4", Setting(on=True, brightness_pct=100))
    assert next_event({"action": 0, "id": "S1", "s_time": 1768228140, "type": 1}) == NextEvent(
        at, "S1", Setting(on=False)
    )
    assert next_event({"s_time": 10**20, "id": "S1"}) is None


def test_a_row_goes_back_in_its_own_words() -> None:
    assert own_words(read("schedule", ROW)) == {name: it for name, it in ROW.items() if name != "id"}
    auto = ROW | {"desired_states": {"on": True, "auto": True}, "s_type": "sunset"}
    back = own_words(read("schedule", auto))
    assert back == {k: v for k, v in auto.items() if k != "id"} | {"year": 1970, "month": 1, "day": 1, "s_min": 0}
    assert own_words(read("countdown", COUNT)) == {k: v for k, v in COUNT.items() if k not in ("id", "remain")}
    assert own_words(read("auto_off", {"delay_min": 45, "enable": True})) == {"delay_min": 45, "enable": True}
    assert own_words(read("schedule", "nonsense")) == {}
    assert own_words(ScheduleRow(Moment("midnight", 0), Setting(on=True))) == {}


minutes = st.builds(Moment, st.just("midnight"), st.integers(0, 1439))
suns = st.builds(Moment, st.sampled_from(["sunrise", "sunset"]), st.integers(-360, 360))
settings = st.one_of(
    st.builds(lambda ms: Setting(on=False, transition_ms=ms), st.none() | st.integers(1, 3_600_000)),
    st.builds(
        lambda pct, ms: Setting(on=True, brightness_pct=pct, transition_ms=ms),
        st.none() | st.integers(1, 100),
        st.none() | st.integers(1, 3_600_000),
    ),
    st.builds(lambda kelvin: Setting(on=True, color_temp_k=kelvin), st.integers(2500, 6500)),
    st.builds(lambda h, s: Setting(on=True, hue_deg=h, saturation_pct=s), st.integers(0, 360), st.integers(0, 100)),
)
NAMES = {
    "brightness_pct": "brightness",
    "color_temp_k": "color_temp",
    "hue_deg": "hue",
    "saturation_pct": "saturation",
    "transition_ms": "transition_period",
}


def said(setting: Setting, extras: bool) -> dict[str, Any]:
    """A setting in a device's words, with what newer lamps add."""
    states: dict[str, Any] = {"on": setting.on}
    states |= {wire: getattr(setting, ours) for ours, wire in NAMES.items() if getattr(setting, ours) is not None}
    if extras:
        states = {"auto": False, "transition_period": 0} | states
        if setting.color_temp_k:
            states |= {"hue": 0, "saturation": 0}
    return {"desired_states": states}


days_or_once = st.frozensets(st.integers(0, 6), min_size=1) | st.just(None)


@given(at=minutes | suns, setting=settings, days=days_or_once, enabled=st.booleans(), extras=st.booleans())
def test_every_schedule_row_comes_back_as_it_was_written(
    at: Moment, setting: Setting, days: frozenset[int] | None, enabled: bool, extras: bool
) -> None:
    row = ScheduleRow(at, setting, days or frozenset(), days is not None, enabled)
    words = row_words("x", row, said(setting, extras))
    assert read("schedule", words) == row
    shown = words | {"id": "S3", "e_type": "normal", "s_min": 777 if at.anchor != "midnight" else words["s_min"]}
    assert read("schedule", shown) == row


@given(start=minutes | suns, end=minutes | suns, days=days_or_once, every=st.integers(1, 1439))
def test_every_away_row_comes_back_as_it_was_written(
    start: Moment, end: Moment, days: frozenset[int] | None, every: int
) -> None:
    row = AntitheftRow(start, end, days or frozenset(), days is not None, every)
    try:
        words = row_words("x", row, {})
    except BadSetting:
        assert start == end or start.anchor == end.anchor != "midnight"
    else:
        assert read("antitheft", words) == row


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(ROW | AWAY | COUNT | {"on": 1, "hue": 1})), inner)
    ),
    max_leaves=12,
)


@given(words=NONSENSE)
def test_whatever_a_device_says_is_a_row_and_no_error(words: Any) -> None:
    for table in TABLES:
        row = read(table, words)
        assert row is None or isinstance(row, OpaqueRow) or row.own == words
    if isinstance(words, dict):
        next_event(words)


def owners(path: Path) -> Iterator[dict[str, Any]]:
    """Whatever in a dump has tables: the device, or the sockets of a strip."""
    dump = json.loads(path.read_text())
    yield dump
    yield from (dump.get("child_devices") or {}).values()


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_the_rows_of_real_devices_are_read_without_loss(path: Path) -> None:
    """Each is understood, and written as it is read gives the same row again."""
    for owner in owners(path):
        for table in ("schedule", "countdown", "antitheft"):
            for words in owner.get(f"get_{table}_rules", {}).get("rule_list", []):
                row = read(table, words)
                assert not isinstance(row, OpaqueRow), row.why
                assert row.own == words
                assert read(table, own_words(row) | {"remain": words.get("remain")}) == row
        event = owner.get("get_next_event", {})
        assert (next_event(event) is None) is (not event.get("s_time"))
