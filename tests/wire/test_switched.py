"""Which of its own tables turned a device on or off."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from real_dumps import DUMPS
from tapo_automate.device import Explains
from tapo_automate.errors import Busy, Unreachable
from tapo_automate.wire import SmartDevice
from tapo_automate.wire.switched import local_time
from tapo_automate.wire.tables import read_auto_off_min, read_away, read_countdown, read_schedule
from wire.peers import ScriptedPeer

SUMMER = dt.datetime(2026, 7, 1, 1, 12, tzinfo=dt.UTC)  # a Wednesday, 03:12 in Berlin
BERLIN = {"region": "Europe/Berlin", "time_diff": 60, "timestamp": int(SUMMER.timestamp())}
ROW = {
    "id": "S1",
    "enable": True,
    "mode": "repeat",
    "week_day": 62,
    "year": 2026,
    "month": 7,
    "day": 2,
    "s_type": "normal",
    "s_min": 192,
    "time_offset": 0,
    "e_type": "normal",
    "e_min": 0,
    "e_action": "none",
    "desired_states": {"on": True},
}
AWAY = {
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
OVER = {"id": "C1", "enable": False, "delay": 1800, "remain": 0, "desired_states": {"on": False}}
RUNS = OVER | {"enable": True, "remain": 1800}


def schedule(*rows: Any, enable: bool = True) -> dict[str, Any]:
    return {
        "enable": enable,
        "rule_list": list(rows),
        "schedule_rule_max_count": 32,
        "start_index": 0,
        "sum": len(rows),
    }


def table(*rows: Any) -> dict[str, Any]:
    return {"enable": True, "rule_list": list(rows)}


def minutes(number: int) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def peer(**answers: Any) -> ScriptedPeer:
    empty = {"get_schedule_rules": schedule(), "get_countdown_rules": table(), "get_antitheft_rules": table()}
    auto_off = {"get_auto_off_config": {"delay_min": 120, "enable": False}}
    return ScriptedPeer(**{"get_device_time": BERLIN, **empty, **auto_off, **answers})


def words(on: bool, at: dt.datetime, **answers: Any) -> str | None:
    now = {"get_device_time": BERLIN | {"timestamp": int(at.timestamp())}}
    return SmartDevice(peer(**{**now, **answers}).client()).switched_by(on, at)


def test_a_device_offers_it() -> None:
    assert isinstance(SmartDevice(peer().client()), Explains)


def test_empty_tables_switched_nothing() -> None:
    assert words(True, SUMMER) is None
    assert words(False, SUMMER) is None


class TestSchedule:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({}, "its schedule, row S1: weekdays at 03:12"),
            ({"week_day": 127}, "its schedule, row S1: every day at 03:12"),
            ({"week_day": 0b0001010}, "its schedule, row S1: mon, wed at 03:12"),
            ({"week_day": 0b1111110}, "its schedule, row S1: mon, tue, wed, thu, fri, sat at 03:12"),
            ({"mode": "once", "week_day": 0, "day": 1}, "its schedule, row S1: once at 03:12"),
            ({"mode": "once", "week_day": 0, "day": 1, "enable": False}, "its schedule, row S1: once at 03:12"),
            ({"mode": "once", "week_day": 0, "day": None}, "its schedule, row S1: once at 03:12"),
            (
                {"s_type": "sunrise", "time_offset": -15},
                "its schedule, row S1: weekdays 15 min before sunrise (03:12)",
            ),
            ({"s_type": "sunset", "time_offset": 5}, "its schedule, row S1: weekdays 5 min after sunset (03:12)"),
            ({"s_type": "sunrise"}, "its schedule, row S1: weekdays at sunrise (03:12)"),
            ({"desired_states": {"on": True, "brightness": 40}}, "its schedule, row S1: weekdays at 03:12"),
            ({"desired_states": {"brightness": 40}}, "its schedule, row S1: weekdays at 03:12"),
            ({"desired_states": None, "s_action": "on"}, "its schedule, row S1: weekdays at 03:12"),
            (
                {"s_min": 60, "e_type": "normal", "e_min": 192, "e_action": "on"},
                "its schedule, row S1: weekdays at 03:12",
            ),
            ({"id": 7}, "its schedule: weekdays at 03:12"),
            ({"id": "\x1b[31m"}, "its schedule: weekdays at 03:12"),
        ],
    )
    def test_a_row_is_said_in_words(self, change: dict[str, Any], said: str) -> None:
        assert words(True, SUMMER, get_schedule_rules=schedule(ROW | change)) == said

    @pytest.mark.parametrize(
        "change",
        [
            {"enable": False},
            {"week_day": 0b1110111},  # every day but Wednesday
            {"week_day": 0},
            {"mode": "once", "week_day": 0, "day": 2},  # not yet
            {"mode": "once", "week_day": 0, "day": None, "enable": False},
            {"desired_states": {"on": False}},
            {"desired_states": {}},
            {"desired_states": "on"},
            {"s_type": "none"},
            {"s_type": "moonrise"},
            {"s_min": 1440},
            {"s_min": "192"},
            {"mode": "never"},
            {"enable": "yes"},
            {"s_min": 195},
        ],
    )
    def test_a_row_that_does_not_fit_or_cannot_be_read_is_passed_over(self, change: dict[str, Any]) -> None:
        assert words(True, SUMMER, get_schedule_rules=schedule(ROW | change)) is None
        both = schedule(ROW | change | {"id": "S0"}, 7, None, ROW)
        assert words(True, SUMMER, get_schedule_rules=both) == "its schedule, row S1: weekdays at 03:12"

    @pytest.mark.parametrize(("seconds", "fits"), [(-91, False), (-90, True), (0, True), (90, True), (91, False)])
    def test_the_instant_counts_to_a_minute_and_a_half(self, seconds: int, fits: bool) -> None:
        at = SUMMER + dt.timedelta(seconds=seconds)
        assert (words(True, at, get_schedule_rules=schedule(ROW)) is not None) is fits

    @pytest.mark.parametrize(("minutes", "fits"), [(-5, False), (-4, True), (4, True), (5, False)])
    def test_the_sun_has_moved_on_to_the_next_day(self, minutes: int, fits: bool) -> None:
        row = ROW | {"s_type": "sunset", "s_min": 192 + minutes}
        assert (words(True, SUMMER, get_schedule_rules=schedule(row)) is not None) is fits

    def test_midnight_belongs_to_the_day_of_the_row(self) -> None:
        at = dt.datetime(2026, 6, 30, 22, 0, 30, tzinfo=dt.UTC)  # Wednesday, 00:00:30 in Berlin
        tuesday = ROW | {"s_min": 1439, "week_day": 0b0000100}
        assert words(True, at, get_schedule_rules=schedule(tuesday)) == "its schedule, row S1: tue at 23:59"
        assert words(True, at, get_schedule_rules=schedule(tuesday | {"week_day": 0b0001000})) is None

    def test_all_pages_are_read(self) -> None:
        rows = [ROW | {"id": f"S{number}", "s_min": 600} for number in range(1, 24)] + [ROW | {"id": "S24"}]
        asked: list[int] = []

        def page(params: dict[str, Any]) -> dict[str, Any]:
            asked.append(params["start_index"])
            return schedule() | {"rule_list": rows[asked[-1] : asked[-1] + 10], "sum": len(rows)}

        assert words(True, SUMMER, get_schedule_rules=page) == "its schedule, row S24: weekdays at 03:12"
        assert asked == [0, 10, 20]

    def test_pages_that_never_end_do(self) -> None:
        unnamed = {name: it for name, it in ROW.items() if name != "id"}  # one with an id is known when it comes again
        forever = schedule(unnamed | {"s_min": 0}) | {"sum": 10**9}
        it = peer(get_schedule_rules=forever)
        assert SmartDevice(it.client()).switched_by(True, SUMMER) is None
        assert it.done.count("get_schedule_rules") == 64

    def test_a_schedule_that_is_switched_off_as_a_whole_does_nothing(self) -> None:
        assert words(True, SUMMER, get_schedule_rules=schedule(ROW, enable=False)) is None

    @pytest.mark.parametrize(
        ("clock", "fits"),
        [
            ({"region": "", "time_diff": 120}, True),
            ({"region": "Nowhere/Special", "time_diff": 120}, True),
            ({"region": "../../etc/passwd", "time_diff": 120}, True),
            ({"region": "Europe", "time_diff": 120}, True),
            ({"region": "", "time_diff": 60}, False),  # a device without a region knows no summer time
            ({"region": "UTC", "time_diff": 0}, False),
            ({"region": "Europe/Berlin", "time_diff": "x"}, True),
            ({"region": None, "time_diff": None}, False),
            ({"region": None, "time_diff": 10**9}, False),
            ({"timestamp": 10**18}, False),
            ({"timestamp": -(10**18)}, False),
            ({"timestamp": 253_402_300_799}, False),
            ({"timestamp": int(SUMMER.timestamp()) + 240}, True),  # asked four minutes later
        ],
    )
    def test_minutes_are_those_of_the_devices_own_clock(self, clock: dict[str, Any], fits: bool) -> None:
        said = words(True, SUMMER, get_schedule_rules=schedule(ROW), get_device_time=BERLIN | clock)
        assert (said is not None) is fits

    def test_a_clock_that_is_wrong_is_what_rows_go_by(self) -> None:
        lost = dt.datetime(2000, 1, 3, 2, 12, 20, tzinfo=dt.UTC)  # Monday, 03:12:20 in Berlin
        clock = BERLIN | {"timestamp": int(lost.timestamp())}
        at = dt.datetime(2026, 7, 1, 18, tzinfo=dt.UTC)
        said = words(True, at, get_schedule_rules=schedule(ROW), get_device_time=clock)
        assert said == "its schedule, row S1: weekdays at 03:12"


class TestCountdown:
    def test_one_that_is_over_may_have_done_it(self) -> None:
        assert words(False, SUMMER, get_countdown_rules=table(OVER)) == "its countdown"
        assert words(True, SUMMER, get_countdown_rules=table(OVER)) is None

    def test_one_that_runs_has_not(self) -> None:
        assert words(False, SUMMER, get_countdown_rules=table(RUNS)) is None

    def test_one_that_was_over_already_has_done_nothing_since(self) -> None:
        it = peer(get_countdown_rules=table(OVER))
        device = SmartDevice(it.client())
        assert device.switched_by(False, SUMMER) == "its countdown"
        assert device.switched_by(False, SUMMER) is None, "the row stays in the table for good"
        assert device.switched_by(True, SUMMER) is None
        it.answers["get_countdown_rules"] = table(RUNS)
        assert device.switched_by(True, SUMMER) is None
        it.answers["get_countdown_rules"] = table(OVER)
        assert device.switched_by(False, SUMMER) == "its countdown"
        it.answers["get_countdown_rules"] = table(OVER | {"delay": 60})
        assert device.switched_by(False, SUMMER) == "its countdown"

    def test_one_that_was_stopped_has_done_nothing(self) -> None:
        it = peer(
            get_countdown_rules=table(RUNS),
            component_nego={"component_list": [{"id": "countdown", "ver_code": 2}]},
            remove_countdown_rules={},
        )
        device = SmartDevice(it.client())
        device.stop_timer()
        it.answers["get_countdown_rules"] = table(OVER)
        assert device.switched_by(False, SUMMER) is None

    def test_a_look_in_between_takes_nothing_away(self) -> None:
        it = peer(
            get_countdown_rules=table(RUNS), component_nego={"component_list": [{"id": "countdown", "ver_code": 2}]}
        )
        device = SmartDevice(it.client())
        assert device.timer() is not None
        it.answers["get_countdown_rules"] = table(OVER)
        assert device.timer() is None
        assert device.switched_by(False, SUMMER) == "its countdown"


class TestAutoOff:
    AFTER_30: dict[str, Any] = {"delay_min": 30, "enable": True}  # noqa: RUF012

    def after(self, was_on_for_s: object) -> str | None:
        it = peer(
            get_auto_off_config=self.AFTER_30,
            get_device_info={"device_on": True, "on_time": was_on_for_s},
        )
        device = SmartDevice(it.client())
        device.state()
        it.answers["get_device_info"] = {"device_on": False, "on_time": 0}
        device.state()
        return device.switched_by(False, SUMMER)

    def test_it_may_have_turned_the_device_off_and_never_on(self) -> None:
        assert words(False, SUMMER, get_auto_off_config=self.AFTER_30) == "its auto-off after 30 min"
        assert words(True, SUMMER, get_auto_off_config=self.AFTER_30) is None

    @pytest.mark.parametrize(
        ("was_on_for_s", "fits"), [(60, False), (1499, False), (1500, True), (1795, True), (None, True), (9000, False)]
    )
    def test_how_long_the_device_was_on_when_last_seen_counts(self, was_on_for_s: object, fits: bool) -> None:
        assert self.after(was_on_for_s) == ("its auto-off after 30 min" if fits else None)

    @pytest.mark.parametrize("config", [{"delay_min": 0, "enable": True}, {"delay_min": "x", "enable": True}, {}])
    def test_one_that_cannot_be_read_did_nothing(self, config: dict[str, Any]) -> None:
        assert words(False, SUMMER, get_auto_off_config=config) is None


class TestAway:
    @pytest.mark.parametrize(
        ("local", "change", "fits"),
        [
            ("2026-07-01T19:30", {}, True),
            ("2026-07-01T19:28", {}, False),
            ("2026-07-02T03:12", {}, True),
            ("2026-07-02T06:01", {}, True),
            ("2026-07-02T06:02", {}, False),
            ("2026-07-01T12:00", {}, False),
            ("2026-07-02T03:12", {"week_day": 0b0001000}, True),  # the window of Wednesday
            ("2026-07-02T03:12", {"week_day": 0b0010000}, False),
            ("2026-07-02T03:12", {"mode": "once", "week_day": 0}, True),
            ("2026-07-02T03:12", {"enable": False}, False),
            ("2026-07-02T03:12", {"start_min": None}, False),
            ("2026-07-01T20:00", {"end_min": 1260}, True),
            ("2026-07-02T03:12", {"end_min": 1260}, False),
        ],
    )
    def test_any_switching_inside_its_window_is_probable(self, local: str, change: dict[str, Any], fits: bool) -> None:
        at = dt.datetime.fromisoformat(f"{local}+02:00")
        until = "21:00" if change.get("end_min") == 1260 else "06:00"
        for on in (True, False):
            said = words(on, at, get_antitheft_rules=table(AWAY | change))
            assert said == (f"probably its away mode (19:30–{until})" if fits else None)


def test_what_fits_more_exactly_is_said() -> None:
    answers: dict[str, Any] = {
        "get_schedule_rules": schedule(ROW | {"desired_states": {"on": False}}),
        "get_countdown_rules": table(OVER),
        "get_auto_off_config": {"delay_min": 30, "enable": True},
        "get_antitheft_rules": table(AWAY),
    }
    for gone, said in [
        (None, "its schedule, row S1: weekdays at 03:12"),
        ("get_schedule_rules", "its countdown"),
        ("get_countdown_rules", "its auto-off after 30 min"),
        ("get_auto_off_config", "probably its away mode (19:30–06:00)"),
        ("get_antitheft_rules", None),
    ]:
        answers |= {gone: -1002} if gone else {}
        assert words(False, SUMMER, **answers) == said


@pytest.mark.parametrize("code", [-1002, -1008, -1801, -1])
def test_tables_that_a_device_lacks_or_will_not_show_are_passed_over(code: int) -> None:
    methods = ["get_schedule_rules", "get_countdown_rules", "get_antitheft_rules", "get_auto_off_config"]
    assert words(False, SUMMER, **dict.fromkeys(methods, code)) is None
    assert words(False, SUMMER, get_device_time=code, get_schedule_rules=schedule(ROW)) is None


def test_a_device_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(Busy):
        words(True, SUMMER, get_schedule_rules=-1301)
    it = peer()
    it.faults = [Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)]
    with pytest.raises(Unreachable) as raised:
        SmartDevice(it.client()).switched_by(True, SUMMER)
    assert raised.value.after_login


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(ROW | AWAY | OVER)), inner),
    max_leaves=12,
)


@given(rows=st.lists(NONSENSE, max_size=4), clock=st.dictionaries(st.sampled_from(sorted(BERLIN)), NONSENSE))
def test_mad_tables_are_read_without_an_error(rows: list[Any], clock: dict[str, Any]) -> None:
    local_time(SUMMER, clock)
    answers = {"get_schedule_rules": schedule(*rows), "get_countdown_rules": table(*rows)}
    it = peer(**answers, get_antitheft_rules=table(*rows)).client()
    read_schedule(it)
    read_countdown(it)
    read_away(it)


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_the_tables_of_real_devices_are_read(path: Path) -> None:
    """Each row of a schedule is found by the minute that the device has computed for it next."""
    dump = json.loads(path.read_text())
    answers = {name: it for name, it in dump.items() if isinstance(it, dict)}
    it = ScriptedPeer(**answers).client()
    found = answers.get("get_schedule_rules", {}).get("rule_list", [])
    if "get_schedule_rules" in answers:
        rows = read_schedule(it)
        assert [row.id for row in rows] == [row["id"] for row in found]
        assert len(read_countdown(it)) == len(answers["get_countdown_rules"]["rule_list"])
        assert len(read_away(it)) == len(answers["get_antitheft_rules"]["rule_list"])
    if "get_auto_off_config" in answers:
        auto_off = answers["get_auto_off_config"]
        assert read_auto_off_min(it) == (auto_off["delay_min"] if auto_off["enable"] else None)
    clock = answers["get_device_time"]
    taken = dt.datetime.fromtimestamp(clock["timestamp"], dt.UTC)
    local = local_time(taken, clock)
    assert local is not None
    if "get_energy_usage" in answers:
        shown = dt.datetime.fromisoformat(answers["get_energy_usage"]["local_time"])
        assert abs(shown - local) < dt.timedelta(minutes=2) or taken.year < 2019  # lost between the two
    for row in found:
        due = dt.datetime.combine(dt.date(row["year"], row["month"], row["day"]), dt.time()) + minutes(row["s_min"])
        at = taken + (due - local)
        moved = ScriptedPeer(**answers | {"get_device_time": clock | {"timestamp": int(at.timestamp())}})
        said = SmartDevice(moved.client()).switched_by(row["desired_states"]["on"], at)
        assert said is not None
        assert said.startswith("its schedule, row S")
