"""The antitheft table: its one row, and switching at random while nobody is at home.  Source: docs/protocol.md, 7.9."""

from collections.abc import Callable
from typing import Any

import pytest

from simulator.ruled import NIGHTLY, Ruled, at, wall
from simulator.speaking import Clock
from tapo_automate.simulator import Device

Add = Callable[..., Device]


@pytest.fixture
def plug(add: Add, clock: Clock) -> Ruled:
    return Ruled(add, clock)


def test_antitheft_is_stored_told_and_removed(plug: Ruled) -> None:
    empty = {"antitheft_rule_max_count": 1, "enable": False, "rule_list": []}
    assert plug.call("get_antitheft_rules", {})["result"] == empty
    assert plug.away()["result"] == {"id": "A1"}
    row = NIGHTLY | {"id": "A1"}
    assert plug.call("get_antitheft_rules", {})["result"] == empty | {"enable": True, "rule_list": [row]}
    assert plug.away() == {"error_code": -2002}, "one that is enabled does not give way"
    assert plug.call("edit_antitheft_rule", {"id": "A1", "enable": False})["error_code"] == 0
    assert plug.call("edit_antitheft_rule", {"id": "A2", "enable": False}) == {"error_code": -2001}
    assert plug.away(frequency=7)["result"] == {"id": "A1"}
    assert plug.call("get_antitheft_rules", {})["result"]["rule_list"] == [row | {"frequency": 7}]
    unknown = {"remove_all": False, "rule_list": [{"id": "A7"}]}
    assert plug.call("remove_antitheft_rules", unknown) == {"error_code": 0}
    assert len(plug.device.tables["antitheft"]) == 1
    assert plug.call("remove_antitheft_rules", {"remove_all": True})["error_code"] == 0
    assert plug.call("get_antitheft_rules", {})["result"] == empty


@pytest.mark.parametrize(
    "fields",
    [
        {"frequency": 0}, {"frequency": None}, {"start_time_type": "none"}, {"start_min": 1440}, {"mode": "daily"},
        {"end_min": 1170}, {"start_time_type": "sunset", "end_time_type": "sunset", "end_time_offset": 5},
        {"end_time_type": "sunrise", "end_time_offset": 361}, {"week_day": 128}, {"enable": "yes"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_in_antitheft_is_minus_1008(plug: Ruled, fields: dict[str, Any]) -> None:
    assert plug.away(**fields) == {"error_code": -1008}


def test_antitheft_switches_at_random_in_its_window_and_gives_back_what_it_found(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, seed=7, on=True)
    plug.away(start_min=1170, end_min=1230)
    clock.at = at("2026-07-14 12:00:00")
    done = plug.device.executions
    assert [wall(row.at)[11:16] for row in done] == [
        *(f"19:{minute}" for minute in range(30, 60, 5)), *(f"20:{minute:02}" for minute in range(0, 35, 5)),
    ]  # fmt: skip
    assert {row.states["on"] for row in done} == {True, False}
    assert plug.device.on
    assert {(change.by, change.detail) for change in plug.device.changes[1:]} <= {
        ("antitheft", "A1"), ("antitheft", "A1, its end"),
    }  # fmt: skip
    later = Clock(at("2026-07-13 12:00:00"))
    again = Ruled(add, later, seed=7, on=True)
    again.away(start_min=1170, end_min=1230)
    later.at = clock.at
    assert [row.states for row in again.device.executions] == [row.states for row in done], "the seed repeats it"


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, seed=1)
    plug.away(week_day=0b0000100, start_min=1435, end_min=10)  # Tuesdays, 23:55 to 00:10
    clock.at += 7 * 86_400
    assert [when for _, when in plug.done()] == [
        "2026-07-14 23:55:00", "2026-07-15 00:00:00", "2026-07-15 00:05:00", "2026-07-15 00:10:00",
    ]  # fmt: skip


def test_inside_its_window_antitheft_begins_at_once_and_once_is_once(add: Add, clock: Clock) -> None:
    clock.at = at("2026-07-13 22:01:00")
    plug = Ruled(add, clock, seed=1)
    plug.away(mode="once", frequency=60, end_min=1430)
    clock.at += 3 * 86_400
    assert [when[11:] for _, when in plug.done()] == ["22:01:00", "23:01:00", "23:50:00"]
    assert plug.device.tables["antitheft"][0]["enable"] is False


def test_antitheft_stops_where_it_is_when_it_is_switched_off(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, seed=1)
    plug.away()
    clock.at = at("2026-07-13 19:42:00")
    assert len(plug.done()) == 3
    plug.device.set_table("antitheft", enabled=False)
    clock.at += 86_400
    assert len(plug.done()) == 3


def test_a_window_whose_end_the_night_skips_ends_an_hour_later(add: Add, clock: Clock) -> None:
    clock.at = at("2026-03-28 12:00:00")
    plug = Ruled(add, clock, seed=1)
    plug.away(start_min=1380, end_min=150, frequency=1000)
    clock.at = at("2026-03-29 12:00:00")
    assert [when for _, when in plug.done()] == ["2026-03-28 23:00:00", "2026-03-29 03:30:00"]


def test_a_window_may_begin_and_end_with_the_sun(add: Add, clock: Clock) -> None:
    plug = Ruled(add, clock, seed=1)
    plug.away(start_time_type="sunset", start_time_offset=10, end_time_type="sunrise", frequency=600)
    clock.at += 86_400
    (_, first), (_, last) = plug.done()
    assert "2026-07-13 21:2" <= first < "2026-07-13 21:4"
    assert "2026-07-14 04:5" <= last < "2026-07-14 05:1"


def test_a_schedule_row_inside_of_the_window_is_told_or_refused(add: Add, clock: Clock) -> None:
    for clash, reply in (
        ("told", {"error_code": 0, "result": {"id": "A1", "conflict_id": "S2"}}),
        ("refused", {"error_code": -2002}),
    ):
        plug = Ruled(add, clock, clash=clash)
        plug.stored(s_min=1000)
        plug.stored(s_min=30)
        assert plug.away() == reply
        assert plug.away(enable=False)["error_code"] == (-2002 if clash == "told" else 0)
