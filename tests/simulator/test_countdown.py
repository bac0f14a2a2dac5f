"""The one timer of a device: how it is set, what it refuses, and that it is carried out with nobody asking."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.speaking import Clock, Klap, Passthrough
from tapo_automate.simulator import Change, Device, SimulatorError
from tapo_automate.simulator.clock import DeviceClock

Add = Callable[..., Device]
PARAMS, ERROR, CONFLICT = {"error_code": -1008}, {"error_code": -1901}, {"error_code": -1902}
OK = {"error_code": 0}
OFF_IN_A_MINUTE = {"enable": True, "delay": 60, "desired_states": {"on": False}}


class Timed:
    """A device on a clock that the test moves, and a session with it."""

    def __init__(self, add: Add, clock: Clock, profile: str = "P110", **wishes: Any) -> None:
        self.device = add(profile, now=clock, **wishes)
        self.session = Klap(self.device).log_in()

    def table(self) -> dict[str, Any]:
        reply = self.session.call("get_countdown_rules", {})
        assert reply["error_code"] == 0
        table: dict[str, Any] = reply["result"]
        return table

    def start(self, delay_s: int, **states: Any) -> Any:
        params = {"enable": True, "delay": delay_s, "desired_states": states}
        return self.session.call("add_countdown_rule", params)

    def made(self) -> list[tuple[bool, str]]:
        return [(change.on, change.by) for change in self.device.changes]


@pytest.fixture
def plug(add: Add, clock: Clock) -> Timed:
    return Timed(add, clock, on=True)


def test_a_countdown_counts_down_and_stays_disabled_when_it_has_run_off(plug: Timed, clock: Clock) -> None:
    assert plug.table() == {"countdown_rule_max_count": 1, "enable": False, "rule_list": []}
    assert plug.start(60, on=False) == {"error_code": 0, "result": {"id": "C1"}}
    row = {"id": "C1", "enable": True, "delay": 60, "remain": 60, "desired_states": {"on": False}}
    assert plug.table() == {"countdown_rule_max_count": 1, "enable": True, "rule_list": [row]}
    clock.at += 59.5
    assert plug.table()["rule_list"] == [row | {"remain": 1}], "what runs has something left"
    assert plug.device.on
    clock.at += 0.5
    assert plug.table() == {
        "countdown_rule_max_count": 1,
        "enable": False,
        "rule_list": [row | {"enable": False, "remain": 0}],
    }
    assert not plug.device.on


def test_it_switches_at_its_second_however_late_one_looks(plug: Timed, clock: Clock) -> None:
    began = clock.at
    plug.start(600, on=False)
    clock.at += 86_400
    fired = plug.device.changes[-1]
    assert fired == Change(began + 600, began + 600, False, "countdown", "C1", {"device_on": False})
    clock.at += 1000
    assert plug.made() == [(True, "start"), (False, "countdown")], "once"


def test_the_meter_counts_until_the_relay_fell(add: Add, clock: Clock) -> None:
    plug = Timed(add, clock, on=True, trace="3600")
    plug.start(600, on=False)
    clock.at += 7200
    usage = plug.session.call("get_energy_usage")["result"]
    assert (usage["today_energy"], usage["today_runtime"], usage["current_power"]) == (600, 10, 0)


def test_a_countdown_may_switch_on_and_then_the_seconds_count_from_there(add: Add, clock: Clock) -> None:
    plug = Timed(add, clock, on=False)
    plug.start(100, on=True)
    clock.at += 150
    info = plug.session.call("get_device_info")["result"]
    assert (info["device_on"], info["on_time"]) == (True, 50)


def test_a_countdown_that_finds_it_done_changes_nothing_but_runs_off(plug: Timed, clock: Clock) -> None:
    plug.start(60, on=False)
    plug.device.press()
    clock.at += 61
    assert plug.made() == [(True, "start"), (False, "press")]
    assert plug.table()["rule_list"][0]["enable"] is False


def test_there_is_one_and_another_is_refused_while_it_runs(plug: Timed, clock: Clock) -> None:
    plug.start(60, on=False)
    clock.at += 10
    assert plug.start(600, on=True) == CONFLICT
    assert plug.device.countdown == OFF_IN_A_MINUTE | {"id": "C1", "remain": 50}
    clock.at += 50
    assert plug.device.countdown is None
    assert plug.start(600, on=True)["result"] == {"id": "C1"}, "one that has run off gives way"
    assert [row["delay"] for row in plug.table()["rule_list"]] == [600]


@pytest.mark.parametrize(
    ("params", "gone"),
    [
        ({"remove_all": True}, True),
        ({"remove_all": True, "rule_list": []}, True),
        ({"remove_all": False, "rule_list": [{"id": "C1"}]}, True),
        ({"remove_all": False, "rule_list": [{"id": "C7"}]}, False),
        ({"remove_all": False, "rule_list": []}, False),
    ],
    ids=json.dumps,
)
def test_it_is_removed_by_its_id_or_with_all(plug: Timed, clock: Clock, params: Any, gone: bool) -> None:
    plug.start(60, on=False)
    assert plug.session.call("remove_countdown_rules", params) == OK
    assert (plug.table()["rule_list"] == []) is gone
    clock.at += 61
    assert plug.device.on is gone


@pytest.mark.parametrize(
    "params",
    [None, {}, {"rule_list": [{"id": "C1"}]}, {"remove_all": False}, {"remove_all": 1}, {"remove_all": None},
     {"remove_all": False, "rule_list": ["C1"]}, {"remove_all": False, "rule_list": [{"id": 1}]}],
    ids=json.dumps,
)  # fmt: skip
def test_a_removal_that_names_nothing_is_refused(plug: Timed, params: Any) -> None:
    plug.start(60, on=False)
    assert plug.session.call("remove_countdown_rules", params) == PARAMS
    assert plug.device.countdown is not None


def test_an_edit_stops_it_or_starts_it_anew(plug: Timed, clock: Clock) -> None:
    plug.start(60, on=False)
    clock.at += 30
    assert plug.session.call("edit_countdown_rule", {"id": "C1", "enable": False}) == OK
    stopped = OFF_IN_A_MINUTE | {"id": "C1", "enable": False, "remain": 0}
    assert plug.table()["rule_list"] == [stopped]
    clock.at += 100
    assert plug.device.on
    assert plug.session.call("edit_countdown_rule", {"id": "C1", "enable": True, "delay": 20}) == OK
    assert plug.device.countdown == stopped | {"enable": True, "delay": 20, "remain": 20}
    clock.at += 20
    assert not plug.device.on


def test_an_edit_of_what_is_not_there_is_an_error(plug: Timed) -> None:
    assert plug.session.call("edit_countdown_rule", OFF_IN_A_MINUTE | {"id": "C1"}) == ERROR
    plug.start(60, on=False)
    assert plug.session.call("edit_countdown_rule", OFF_IN_A_MINUTE | {"id": "C2"}) == ERROR
    assert plug.session.call("edit_countdown_rule", OFF_IN_A_MINUTE) == PARAMS
    assert plug.session.call("edit_countdown_rule", {"id": "C1", "delay": 0}) == PARAMS
    assert plug.device.countdown == OFF_IN_A_MINUTE | {"id": "C1", "remain": 60}


def test_one_that_is_added_disabled_does_not_run(plug: Timed, clock: Clock) -> None:
    params = OFF_IN_A_MINUTE | {"enable": False}
    assert plug.session.call("add_countdown_rule", params)["result"] == {"id": "C1"}
    assert plug.table()["rule_list"] == [params | {"id": "C1", "remain": 0}]
    clock.at += 61
    assert plug.device.on


@pytest.mark.parametrize(
    "changes",
    [
        {"enable": None},
        {"enable": 1},
        {"delay": 0},
        {"delay": 86_401},
        {"delay": 60.5},
        {"delay": "60"},
        {"delay": None},
        {"remain": None},
        {"remain": -1},
        {"desired_states": None},
        {"desired_states": {}},
        {"desired_states": {"on": 1}},
        {"desired_states": {"on": True, "brightness": 50}},
        {"desired_states": {"on": False, "auto": False}},
        {"desired_states": {"device_on": False}},
        {"desired_states": None, "action": "off"},
    ],
    ids=json.dumps,
)
def test_what_is_wrong_in_a_countdown_is_minus_1008(plug: Timed, changes: dict[str, Any]) -> None:
    assert plug.session.call("add_countdown_rule", OFF_IN_A_MINUTE | changes) == PARAMS
    for key in OFF_IN_A_MINUTE:
        without = {name: value for name, value in OFF_IN_A_MINUTE.items() if name != key}
        assert plug.session.call("add_countdown_rule", without) == PARAMS
    assert plug.table()["rule_list"] == []


@pytest.mark.parametrize("delay_s", [1, 86_400])
def test_a_countdown_lasts_from_a_second_to_a_day(plug: Timed, clock: Clock, delay_s: int) -> None:
    plug.start(delay_s, on=False)
    clock.at += delay_s - 0.25
    assert plug.device.on
    clock.at += 0.25
    assert not plug.device.on


@pytest.mark.parametrize(
    "light",
    [
        {},
        {"brightness": 7},
        {"brightness": 40, "color_temp": 3000},
        {"brightness": 40, "color_temp": 0, "hue": 120, "saturation": 80},
    ],
    ids=json.dumps,
)
def test_a_lamp_takes_on_the_light_as_well(add: Add, clock: Clock, light: dict[str, int]) -> None:
    lamp = Timed(add, clock, "L530")
    before = lamp.device.state
    assert lamp.start(60, on=True, **light)["error_code"] == 0
    clock.at += 61
    assert lamp.device.state == before | light | {"device_on": True}
    assert dict(lamp.device.changes[-1].state) == lamp.device.state
    assert lamp.device.power_w == pytest.approx(8.7 * light.get("brightness", 100) / 100)


def test_a_colour_of_a_countdown_ends_a_running_effect(add: Add, clock: Clock) -> None:
    lamp = Timed(add, clock, "L530")
    lamp.session.call("set_dynamic_light_effect_rule_enable", {"enable": True, "id": "L1"})
    lamp.start(60, on=True, color_temp=3000)
    clock.at += 61
    assert lamp.device.info["dynamic_light_effect_enable"] is False


@pytest.mark.parametrize(
    ("profile", "states"),
    [
        ("L530", {"on": False, "brightness": 50}),
        ("L530", {"brightness": 50}),
        ("L530", {"on": True, "brightness": 0}),
        ("L530", {"on": True, "color_temp": 9000}),
        ("L530", {"on": True, "color_temp": 0}),
        ("L530", {"on": True, "transition_period": 1000}),
        ("L510", {"on": True, "hue": 1, "saturation": 1}),
        ("L900", {"on": True, "lighting_effect": {}}),
    ],
)
def test_a_light_that_a_lamp_cannot_show_is_refused_at_once(
    add: Add, clock: Clock, profile: str, states: dict[str, Any]
) -> None:
    lamp = Timed(add, clock, profile)
    assert lamp.session.call("add_countdown_rule", OFF_IN_A_MINUTE | {"desired_states": states}) == PARAMS


def test_the_first_firmware_names_an_action(add: Add, clock: Clock) -> None:
    device = add("P100", transport="aes-v1", now=clock, on=True)
    session = Passthrough(device, version=1).log_in()
    assert session.call("add_countdown_rule", OFF_IN_A_MINUTE) == PARAMS
    assert session.call("add_countdown_rule", {"enable": True, "delay": 60, "action": "disco"}) == PARAMS
    assert session.call("add_countdown_rule", {"enable": True, "delay": 60, "action": "off"})["error_code"] == 0
    row = {"id": "C1", "enable": True, "delay": 60, "remain": 60, "action": "off"}
    assert session.call("get_countdown_rules", {})["result"]["rule_list"] == [row]
    clock.at += 60
    assert not device.on


def test_it_runs_off_whatever_the_clock_is_set_to(plug: Timed, clock: Clock) -> None:
    plug.start(600, on=False)
    for hours in (-10, +10):
        clock.at += 200
        plug.device.set_clock(clock.at + hours * 3600)
        assert plug.device.on
    row = plug.device.countdown
    assert row is not None
    assert row["remain"] == 200
    clock.at += 200
    assert not plug.device.on
    fired = plug.device.changes[-1]
    assert (fired.true_at, fired.at) == (clock.at, clock.at + 36_000)


def test_a_device_whose_clock_is_lost_counts_down_all_the_same(add: Add, clock: Clock) -> None:
    plug = Timed(add, clock, on=True, faults="clock-lost")
    plug.start(60, on=False)
    clock.at += 61
    fired = plug.device.changes[-1]
    assert (fired.by, fired.true_at) == ("countdown", clock.at - 1)
    assert fired.at == 946_684_860


def test_a_truth_that_is_set_back_neither_stops_nor_prolongs_it(plug: Timed, clock: Clock) -> None:
    plug.start(60, on=False)
    clock.at += 30
    assert plug.device.on
    clock.at -= 3600
    assert plug.device.on
    clock.at += 30
    assert not plug.device.on


def test_a_machine_whose_clock_is_set_changes_nothing_about_it(clock: Clock) -> None:
    ticks = Clock(5.0)
    device = DeviceClock(clock, "Europe/Berlin", 60, ticks=ticks)
    clock.at += 3600
    assert device.elapsed() == 0
    ticks.at += 30
    clock.at -= 7200
    assert device.elapsed() == 30


def test_by_default_it_takes_real_seconds(add: Add) -> None:
    device = add("P110", on=True)
    session = Klap(device).log_in()
    began = time.monotonic()
    session.call("add_countdown_rule", OFF_IN_A_MINUTE | {"delay": 1})
    while device.on and time.monotonic() < began + 30:
        time.sleep(0.01)
    assert time.monotonic() - began >= 1
    start, end = device.changes
    assert end.by == "countdown"
    assert abs(end.true_at - start.true_at - 1) < 5


def test_it_is_lost_with_the_power_but_not_with_the_session(plug: Timed, clock: Clock) -> None:
    plug.start(60, on=False)
    plug.device.forget_session()
    assert plug.device.countdown is not None
    plug.device.restart()
    clock.at += 61
    assert plug.device.on
    assert Klap(plug.device).log_in().call("get_countdown_rules", {})["result"]["rule_list"] == []
    assert [change.detail for change in plug.device.changes] == ["", "after its power was gone"]


def test_it_is_lost_when_a_client_reboots_the_device(plug: Timed, clock: Clock) -> None:
    plug.start(60, on=False)
    assert plug.session.call("device_reboot", {"delay": 1}) == OK
    assert plug.device.countdown is not None, "it answers before it starts again"
    clock.at += 1
    assert plug.device.countdown is None
    clock.at += 60
    assert plug.device.on
    assert plug.device.countdown is None


def test_a_dump_goes_on_with_what_remained(add: Add, clock: Clock, write_dump: Callable[..., Path]) -> None:
    stale = {"id": "C1", "enable": False, "delay": 300, "remain": 0, "desired_states": {"on": True}}
    for remain_s in (0, 40):
        assert add(write_dump(stale | {"remain": remain_s}), now=clock).countdown is None
    device = add(write_dump(stale | {"enable": True, "remain": 40}), now=clock)
    assert device.countdown == stale | {"enable": True, "remain": 40}
    clock.at += 40
    assert device.on


@pytest.fixture
def write_dump(tmp_path: Path) -> Callable[..., Path]:
    def write_dump(row: Any) -> Path:
        dump = {
            "component_nego": {"component_list": [{"id": "countdown", "ver_code": 2}]},
            "get_device_info": {"device_on": False, "mac": "02-00-00-00-00-01", "model": "P199", "on_time": 0},
            "get_countdown_rules": {"countdown_rule_max_count": 1, "enable": False, "rule_list": [row]},
        }
        path = tmp_path / "device.json"
        path.write_text(json.dumps(dump), encoding="utf-8")
        return path

    return write_dump


def test_a_row_that_no_device_answers_is_no_dump(add: Add, write_dump: Callable[..., Path]) -> None:
    for row in (5, {"id": "C1"}, {"id": "C1", "enable": True, "delay": 5, "desired_states": {"on": 1}}):
        path = write_dump(row)
        with pytest.raises(SimulatorError) as refusal:
            add(path)
        assert str(refusal.value) == f"{path}: get_countdown_rules.rule_list holds a row that no device answers"


def test_twenty_devices_keep_their_own_time(add: Add, clock: Clock) -> None:
    plugs = [Timed(add, clock, on=True) for _ in range(20)]
    began = clock.at
    for number, plug in enumerate(plugs, 1):
        plug.start(number * 100, on=False)
    clock.at += 3000
    ends = [plug.device.changes[-1].at - began for plug in plugs]
    assert ends == [number * 100 for number in range(1, 21)]
