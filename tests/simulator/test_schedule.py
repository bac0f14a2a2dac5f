"""The schedule table as a client meets it: pages, ids, limits, what is refused, what the device makes of a row."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulator.ruled import DAILY, OFF, OK, ON, PARAMS, Ruled, at
from simulator.speaking import Clock, Klap, Passthrough
from tapo_automate.simulator import Device, SimulatorError

Add = Callable[..., Device]
FULL, CONFLICT, INDEX = {"error_code": -1802}, {"error_code": -1803}, {"error_code": -1805}


@pytest.fixture
def plug(add: Add, clock: Clock) -> Ruled:
    return Ruled(add, clock)


def test_a_row_is_stored_with_what_the_device_computes(plug: Ruled) -> None:
    assert plug.page() == {
        "enable": False, "rule_list": [], "schedule_rule_max_count": 32, "start_index": 0, "sum": 0,
    }  # fmt: skip
    assert plug.add(s_min=710) == {"error_code": 0, "result": {"id": "S1"}}
    assert plug.add(s_min=800, desired_states=OFF, week_day=62) == {"error_code": 0, "result": {"id": "S2"}}
    common = {"enable": True, "mode": "repeat", "s_type": "normal", "time_offset": 0, "e_type": "normal", "e_min": 0,
              "e_action": "none", "year": 2026, "month": 7}  # fmt: skip
    assert plug.page() == {
        "enable": True,
        "rule_list": [  # it is Monday the 13th, 12:00: 11:50 has gone by, 13:20 comes
            common | {"id": "S1", "week_day": 127, "s_min": 710, "day": 14, "desired_states": ON},
            common | {"id": "S2", "week_day": 62, "s_min": 800, "day": 13, "desired_states": OFF},
        ],
        "schedule_rule_max_count": 32, "start_index": 0, "sum": 2,
    }  # fmt: skip


def test_days_count_from_sunday(plug: Ruled, clock: Clock) -> None:
    told = {}
    for bit, day in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat")):
        told[day] = plug.stored(s_min=600, week_day=1 << bit)
    days = {row["id"]: row["day"] for row in plug.rows()}
    assert {day: days[number] for day, number in told.items()} == {
        "sun": 19, "mon": 20, "tue": 14, "wed": 15, "thu": 16, "fri": 17, "sat": 18,
    }  # fmt: skip


def test_the_dates_move_on_with_the_days(plug: Ruled, clock: Clock) -> None:
    plug.stored(s_min=780)
    plug.stored(s_min=780, week_day=0b0000010, enable=False)
    assert [row["day"] for row in plug.rows()] == [13, 13]
    clock.at = at("2026-07-13 12:59:59")
    assert [row["day"] for row in plug.rows()] == [13, 13]
    clock.at += 1
    assert [row["day"] for row in plug.rows()] == [14, 20], "a disabled row has a date as well"
    clock.at = at("2026-07-31 13:00:00")
    assert [(row["month"], row["day"]) for row in plug.rows()] == [(8, 1), (8, 3)]


@pytest.mark.parametrize(
    ("profile", "most"), [("P110", 32), ("P100", 20), ("L900", 16), ("L920", 24), ("L430C", 32), ("L530", 32)]
)
def test_a_table_is_full_at_the_limit_of_its_model_and_read_by_tens(
    add: Add, clock: Clock, profile: str, most: int
) -> None:
    device = Ruled(add, clock, profile)
    ids = [device.stored(s_min=minute, enable=minute % 2 == 0) for minute in range(most)]
    assert ids == [f"S{number}" for number in range(1, most + 1)]
    assert device.add(s_min=1000) == FULL
    found: list[str] = []
    while len(found) < most:
        page = device.page(len(found))
        assert (page["start_index"], page["sum"], page["schedule_rule_max_count"]) == (len(found), most, most)
        assert len(page["rule_list"]) == min(10, most - len(found))
        found += [row["id"] for row in page["rule_list"]]
    assert found == ids
    assert device.page(most)["rule_list"] == []
    assert device.call("get_schedule_rules", {"start_index": most + 1}) == INDEX


def test_the_lowest_free_id_comes_back_or_the_next_one_is_taken(add: Add, clock: Clock) -> None:
    for ids, expected in (("lowest", ["S2", "S4", "S5"]), ("next", ["S4", "S5", "S6"])):
        plug = Ruled(add, clock, ids=ids)
        for minute in range(3):
            plug.stored(s_min=minute)
        assert plug.call("remove_schedule_rules", {"remove_all": False, "rule_list": [{"id": "S2"}]}) == OK
        assert [plug.stored(s_min=minute) for minute in range(10, 13)] == expected
        numbers = [int(row["id"][1:]) for row in plug.rows()]
        assert numbers == sorted(numbers)
    assert plug.call("remove_schedule_rules", {"remove_all": True}) == OK
    assert plug.page()["enable"] is False
    assert plug.stored() == "S7", "next means never again"


def test_an_edit_changes_a_row_in_its_place_and_keeps_what_is_not_sent(plug: Ruled) -> None:
    plug.stored(s_min=1)
    plug.stored(s_min=2)
    before = plug.rows()[0]
    assert plug.call("edit_schedule_rule", {"id": "S1", "enable": False}) == {"error_code": 0, "result": {"id": "S1"}}
    assert plug.rows()[0] == before | {"enable": False}
    assert plug.call("edit_schedule_rule", DAILY | {"id": "S1", "s_min": 900})["result"] == {"id": "S1"}
    assert plug.rows()[0] == before | {"s_min": 900, "day": 13}
    assert plug.call("edit_schedule_rule", DAILY | {"id": "S9"}) == INDEX
    assert plug.call("edit_schedule_rule", {"id": "S2", "s_min": 1440}) == PARAMS
    assert [row["id"] for row in plug.rows()] == ["S1", "S2"]


def test_rows_are_removed_by_their_ids_or_all_at_once(plug: Ruled) -> None:
    for minute in range(5):
        plug.stored(s_min=minute)
    several = {"remove_all": False, "rule_list": [{"id": "S1"}, {"id": "S4"}]}
    assert plug.call("remove_schedule_rules", several) == OK
    assert [row["id"] for row in plug.rows()] == ["S2", "S3", "S5"]
    half = {"remove_all": False, "rule_list": [{"id": "S2"}, {"id": "S4"}]}
    assert plug.call("remove_schedule_rules", half) == INDEX
    assert [row["id"] for row in plug.rows()] == ["S2", "S3", "S5"], "one that is not there, and none is removed"
    assert plug.call("remove_schedule_rules", {"rule_list": [{"id": "S2"}]}) == PARAMS
    assert plug.call("remove_schedule_rules", {"remove_all": True, "rule_list": []}) == OK
    assert plug.rows() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "weekly"}, {"mode": None}, {"enable": 1}, {"week_day": 128}, {"week_day": -1}, {"week_day": True},
        {"s_type": "dusk"}, {"s_type": "none"}, {"s_min": 1440}, {"s_min": -1}, {"s_min": 7.5},
        {"s_type": "sunset", "time_offset": 361}, {"s_type": "sunrise", "time_offset": -361}, {"time_offset": "5"},
        {"e_type": "later"}, {"e_action": "on"}, {"e_min": 1440}, {"year": "2026"}, {"month": 13}, {"day": 32},
        {"desired_states": {}}, {"desired_states": {"on": 1}}, {"desired_states": None},
        {"desired_states": {"on": True, "brightness": 5}}, {"desired_states": {"on": False, "transition_period": 0}},
        {"s_action": "on", "desired_states": ...},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_in_a_row_is_minus_1008(plug: Ruled, fields: dict[str, Any]) -> None:
    wish = {key: value for key, value in (DAILY | fields).items() if value is not ...}
    assert plug.call("add_schedule_rule", wish) == PARAMS
    assert plug.rows() == []


@pytest.mark.parametrize("key", ["enable", "mode", "week_day", "s_type", "s_min", "desired_states"])
def test_what_a_row_needs(plug: Ruled, key: str) -> None:
    assert plug.call("add_schedule_rule", {name: value for name, value in DAILY.items() if name != key}) == PARAMS


def test_dates_and_ends_may_be_left_out(plug: Ruled) -> None:
    plug.stored(s_min=5)
    needed = ("enable", "mode", "week_day", "s_type", "s_min", "desired_states")
    assert plug.call("add_schedule_rule", {key: DAILY[key] for key in needed} | {"s_min": 6})["error_code"] == 0
    first, second = plug.rows()
    assert second == first | {"id": "S2", "s_min": 6}


def test_a_row_that_clashes_is_told_or_refused(add: Add, clock: Clock) -> None:
    told, strict = Ruled(add, clock), Ruled(add, clock, clash="refused")
    for plug in (told, strict):
        plug.stored(s_min=100, week_day=62)
        plug.stored(s_min=100, week_day=65, desired_states=OFF)
        plug.stored(s_min=100, enable=False)
        plug.stored(s_type="sunset", time_offset=10)
        plug.stored(s_type="sunset", time_offset=11)
    assert told.add(s_min=100, week_day=2)["result"] == {"id": "S6", "conflict_id": "S1"}
    assert strict.add(s_min=100, week_day=2) == CONFLICT
    assert strict.add(s_type="sunset", s_min=55, time_offset=11) == CONFLICT
    assert strict.call("edit_schedule_rule", {"id": "S3", "enable": True}) == CONFLICT
    assert [row["enable"] for row in strict.rows()] == [True, True, False, True, True]
    assert told.call("edit_schedule_rule", {"id": "S3", "enable": True})["result"] == {
        "id": "S3", "conflict_id": "S1",
    }  # fmt: skip
    assert strict.add(mode="once", week_day=0, s_min=100) == CONFLICT, "tomorrow is a Tuesday"
    assert strict.call("edit_schedule_rule", {"id": "S1", "s_min": 100})["result"] == {"id": "S1"}


def test_a_lamp_checks_what_it_can_show(add: Add, clock: Clock) -> None:
    lamp = Ruled(add, clock, "L530")
    good: list[dict[str, Any]] = [
        {"on": True, "brightness": 1}, {"on": True, "brightness": 40, "color_temp": 6500},
        {"on": True, "color_temp": 0, "hue": 360, "saturation": 0}, OFF,
    ]  # fmt: skip
    for minute, states in enumerate(good):
        lamp.stored(s_min=minute, desired_states=states)
    assert [row["desired_states"] for row in lamp.rows()] == good
    for states in (
        {"on": True, "brightness": 0}, {"on": True, "color_temp": 2400}, {"on": True, "color_temp": 0},
        {"on": True, "hue": 361}, {"on": True, "auto": False}, {"on": True, "transition_period": 0},
        {"on": False, "brightness": 5}, {"on": True, "lighting_effect": {"id": "x", "name": "y", "enable": 1}},
    ):  # fmt: skip
        assert lamp.add(desired_states=states) == PARAMS, states


def test_a_newer_lamp_takes_fades_and_fills_in_what_is_not_said(add: Add, clock: Clock) -> None:
    lamp = Ruled(add, clock, "L430C")
    lamp.stored(s_min=330, desired_states={"on": True, "brightness": 100, "color_temp": 2700,
                                           "transition_period": 1_800_000})  # fmt: skip
    lamp.stored(s_min=420, desired_states=OFF)
    lamp.stored(s_min=421, desired_states={"on": True, "auto": True, "auto_mode": "daylight"})
    assert [row["desired_states"] for row in lamp.rows()] == [
        {"on": True, "auto": False, "brightness": 100, "color_temp": 2700, "hue": 0, "saturation": 0,
         "transition_period": 1_800_000},
        {"on": False, "transition_period": 0},
        {"on": True, "auto": True, "auto_mode": "daylight", "transition_period": 0},
    ]  # fmt: skip
    for states in ({"on": True, "auto": True, "brightness": 5}, {"on": True, "auto": 1},
                   {"on": True, "transition_period": -1}, {"on": False, "auto": False}):  # fmt: skip
        assert lamp.add(desired_states=states) == PARAMS, states


def test_a_strip_takes_an_effect_alone(add: Add, clock: Clock) -> None:
    strip = Ruled(add, clock, "L920")
    effect = {"id": "TapoStrip_1", "name": "Sunrise", "enable": 1, "brightness": 80}
    strip.stored(s_min=800, desired_states={"on": True, "lighting_effect": effect})
    assert strip.add(desired_states={"on": True, "brightness": 5, "lighting_effect": effect}) == PARAMS
    assert strip.add(desired_states={"on": True, "lighting_effect": {"id": "x"}}) == PARAMS
    clock.at = at("2026-07-13 13:20:00")
    shown = strip.call("get_lighting_effect")["result"]
    assert shown == shown | effect
    assert strip.device.info["lighting_effect"]["name"] == "Sunrise"
    assert strip.device.on


def test_the_first_firmware_writes_an_action(add: Add, clock: Clock) -> None:
    device = add("P100", transport="aes-v1", now=clock)
    session = Passthrough(device, version=1).log_in()
    row = {key: value for key, value in DAILY.items() if key != "desired_states"} | {"s_min": 900}
    assert session.call("add_schedule_rule", row) == PARAMS
    assert session.call("add_schedule_rule", row | {"s_action": "on", "desired_states": ON}) == PARAMS
    assert session.call("get_next_event")["result"] == {"action": -1, "e_time": 0, "id": "0", "s_time": 0, "type": 0}
    assert session.call("add_schedule_rule", row | {"s_action": "on"})["result"] == {"id": "S1"}
    found = session.call("get_schedule_rules", {"start_index": 0})["result"]["rule_list"][0]
    assert (found["s_action"], "desired_states" in found) == ("on", False)
    assert session.call("edit_schedule_rule", {"id": "S1", "s_action": "off"})["error_code"] == 0
    # It has no component device_local_time: 900 minutes are 15:00 in UTC, and it is 10:00 there.
    assert session.call("get_next_event")["result"] == {
        "action": 0, "e_time": 0, "id": "S1", "s_time": int(clock.at) + 5 * 3600, "type": 1,
    }  # fmt: skip
    device.update_firmware("klap")
    assert device.tables["schedule"][0]["desired_states"] == OFF, "a newer firmware tells the same row in its words"


def test_every_write_wears_the_flash_and_reading_does_not(plug: Ruled, clock: Clock) -> None:
    plug.rows()
    plug.stored(s_min=5)
    clock.at += 60
    plug.call("edit_schedule_rule", {"id": "S1", "enable": False})
    plug.add(s_min=1440)
    plug.call("set_device_info", {"device_on": True})
    plug.call("set_device_info", {"nickname": ""})
    plug.device.person_removes("schedule", "S1")
    written = [(write.method, write.at - clock.at) for write in plug.device.writes]
    assert written == [
        ("add_schedule_rule", -60), ("edit_schedule_rule", 0), ("set_device_info", 0), ("remove_schedule_rules", 0),
    ]  # fmt: skip
    assert plug.device.writes[0].by.startswith("call from 127.0.0.1:")
    assert plug.device.writes[-1].by == "app"


def test_a_person_with_the_app_needs_no_session(plug: Ruled) -> None:
    device = plug.device
    assert device.person_adds("schedule", {"s_min": 61, "desired_states": ON}) == "S1"
    device.person_edits("schedule", {"id": "S1", "s_min": 62})
    assert device.tables["schedule"] == plug.rows()
    assert plug.rows()[0]["s_min"] == 62
    device.tables["schedule"].clear()
    assert len(plug.rows()) == 1, "tables are copies"
    device.person_removes("schedule", {"id": "S1"})
    assert device.tables == {"schedule": [], "countdown": [], "antitheft": []}
    with pytest.raises(SimulatorError, match=r"^P110 refuses edit_schedule_rule with -1805: \{'id': 'S1'\}$"):
        device.person_edits("schedule", {"id": "S1"})
    with pytest.raises(SimulatorError, match=r"^no table 'shedule'; did you mean 'schedule'\?$"):
        device.person_adds("shedule", {})
    with pytest.raises(SimulatorError, match=r"^'countdown' has no master switch; choose from: schedule, antitheft$"):
        device.set_table("countdown", enabled=False)


def test_habits_that_no_device_has_are_named(add: Add) -> None:
    with pytest.raises(SimulatorError, match=r"^ids is 'lowst'; did you mean 'lowest'\?$"):
        add("P110", ids="lowst")


def test_a_full_table_is_read_without_computing_it_anew(add: Add, clock: Clock, monkeypatch: Any) -> None:
    plug = Ruled(add, clock)
    for minute in range(32):
        plug.stored(s_type="sunset", time_offset=minute)
    plug.page()
    from tapo_automate.simulator import timetable

    computed: list[Any] = []
    monkeypatch.setattr(timetable, "_as_told", lambda *row: computed.append(row))
    assert [len(plug.page(start)["rule_list"]) for start in (0, 10, 20, 30)] == [10, 10, 10, 2]
    assert computed == []


def test_the_tables_of_a_dump_come_alive(add: Add, clock: Clock, tmp_path: Any) -> None:
    row = {"id": "S3", "enable": True, "mode": "repeat", "week_day": 127, "year": 2024, "month": 1, "day": 20,
           "s_type": "normal", "s_min": 710, "time_offset": 0, "e_type": "normal", "e_min": 0, "e_action": "none",
           "desired_states": ON}  # fmt: skip
    alien = {"id": "S4", "enable": True, "mode": "repeat", "week_day": 62, "s_min": 515, "clean_attr": {}}
    path = tmp_path / "plug.json"
    dump = {
        "component_nego": {"component_list": [{"id": name, "ver_code": 2} for name in (
            "device", "schedule", "countdown", "antitheft", "device_local_time", "time")]},
        "get_device_info": {"device_on": False, "model": "P110", "region": "Europe/London", "time_diff": 0},
        "get_device_time": {"region": "Europe/London", "time_diff": 0, "timestamp": 1_705_742_730},
        "get_schedule_rules": {"enable": True, "rule_list": [row, alien], "schedule_rule_max_count": 32,
                               "start_index": 0, "sum": 2},
    }  # fmt: skip
    path.write_text(json.dumps(dump), encoding="utf-8")
    clock.at = 1_705_742_730.0  # Saturday 2024-01-20, 09:25 in London
    plug = Ruled(add, clock, path, transport="klap")
    assert plug.rows() == [row, alien]
    assert plug.next_event() == {"desired_states": ON, "e_time": 0, "id": "S3", "s_time": 1_705_751_400, "type": 1}
    assert plug.stored(s_min=5) == "S1"
    clock.at += 86_400
    assert plug.done("Europe/London") == [("S3", "2024-01-20 11:50:00"), ("S1", "2024-01-21 00:05:00")]
    assert Klap(plug.device).log_in().call("get_countdown_rules", {})["result"]["rule_list"] == []
