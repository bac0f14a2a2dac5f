"""The device's own record of what changed it and of who tried to log in, and the timer that switches it off."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.speaking import Clock, Klap, Passthrough
from tapo_automate.simulator import Device, SimulatorError

Add = Callable[..., Device]


def made(device: Device) -> list[tuple[bool, str]]:
    return [(change.on, change.by) for change in device.changes]


def steps(device: Device) -> list[tuple[str, bool]]:
    return [(attempt.step, attempt.granted) for attempt in device.login_attempts]


def test_whoever_changes_a_device_is_written_down(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    session = Klap(device).log_in()
    clock.at += 10
    session.call("set_device_info", {"device_on": True})
    clock.at += 10
    device.press()
    clock.at += 10
    device.person_sets(device_on=True)
    first, call, press, app = device.changes
    assert [change.at - first.at for change in (call, press, app)] == [10, 20, 30]
    assert made(device) == [(False, "start"), (True, "call"), (False, "press"), (True, "app")]
    assert call.detail.startswith("set_device_info from 127.0.0.1:")
    assert (press.detail, app.detail) == ("", "")


def test_a_command_that_finds_it_done_is_a_call_and_no_change(add: Add) -> None:
    device = add("P110")
    session = Klap(device).log_in()
    for _ in range(3):
        session.call("set_device_info", {"device_on": True})
    assert len(device.calls) == 3
    assert made(device) == [(False, "start"), (True, "call")]


def test_refused_commands_and_other_settings_are_no_changes(add: Add) -> None:
    device = add("L530")
    session = Klap(device).log_in()
    session.call("set_device_info", {"device_on": True, "brightness": 0})
    session.call("set_device_info", {"nickname": ""})
    session.call("get_device_info")
    assert made(device) == [(False, "start")]


def test_the_commands_of_a_batch_are_told_apart(add: Add) -> None:
    device = add("L530")
    requests = [{"method": "set_device_info", "params": {"brightness": level}} for level in (10, 20)]
    Klap(device).log_in().call("multipleRequest", {"requests": requests})
    assert [change.state["brightness"] for change in device.changes] == [100, 10, 20]


def test_as_many_changes_are_kept_as_calls(add: Add) -> None:
    device = add("P110", keep_calls=3)
    for _ in range(5):
        device.press()
    assert len(device.changes) == 3
    quiet = add("P110", keep_calls=0)
    Klap(quiet).log_in()
    quiet.press()
    assert (quiet.changes, quiet.login_attempts) == ([], [])


def test_a_person_with_the_app_needs_no_session_and_ends_none(add: Add) -> None:
    lamp = add("L530")
    session = Klap(lamp).log_in()
    lamp.person_sets(brightness=30)
    assert session.call("get_device_info")["result"]["brightness"] == 30
    assert lamp.on, "brightness switches on, as over the network"
    lamp.person_sets(device_on=False, color_temp=0, hue=200, saturation=50)
    assert lamp.state == {"device_on": False, "brightness": 30, "hue": 200, "saturation": 50, "color_temp": 0}
    assert [call.method for call in lamp.calls] == ["get_device_info"]


@pytest.mark.parametrize(
    ("profile", "state", "message"),
    [
        ("P110", {"brightness": 5}, "P110 has no 'brightness'; choose from: device_on"),
        ("L510", {"brightnes": 5}, "L510 has no 'brightnes'; did you mean 'brightness'?"),
        ("P110", {"device_on": 1}, "P110 cannot show device_on=1; device_on: True or False"),
        ("P110", {}, "P110 cannot show nothing; device_on: True or False"),
        (
            "L530",
            {"brightness": 0, "color_temp": 2000},
            "L530 cannot show brightness=0, color_temp=2000; device_on: True or False; brightness: 1 to 100; "
            "hue: 0 to 360; saturation: 0 to 100; color_temp: 2500 to 6500, or 0 beside hue and saturation",
        ),
    ],
)
def test_what_a_person_cannot_set_is_said(add: Add, profile: str, state: dict[str, Any], message: str) -> None:
    device = add(profile)
    before = device.state
    with pytest.raises(SimulatorError) as refusal:
        device.person_sets(**state)
    assert str(refusal.value) == message
    assert device.state == before


def test_the_auto_off_timer_needs_nobody_to_ask(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, trace="60")
    Klap(device).log_in().call("set_auto_off_config", {"enable": True, "delay_min": 10})
    clock.at += 100
    device.press()
    pressed = clock.at
    clock.at += 86_400
    assert [(change.by, change.at - pressed, change.detail) for change in device.changes[1:]] == [
        ("press", 0, ""),
        ("auto-off", 600, "10 min"),
    ]
    assert not device.on
    assert Klap(device).log_in().call("get_emeter_data")["result"]["energy_wh"] == 10


def test_what_remains_of_the_auto_off_timer_is_told(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, on=True)
    session = Klap(device).log_in()

    def told() -> tuple[str, int]:
        info = session.call("get_device_info")["result"]
        return info["auto_off_status"], info["auto_off_remain_time"]

    assert told() == ("off", 0)
    clock.at += 7200
    session.call("set_auto_off_config", {"enable": True, "delay_min": 10})
    assert told() == ("on", 600), "it counts from when it was set, however long the relay has been on"
    clock.at += 599.5
    assert told() == ("on", 1)
    session.call("set_device_info", {"device_on": True})
    assert told() == ("on", 1), "being told again what it is changes nothing"
    clock.at += 0.5
    assert told() == ("off", 0)
    assert not device.on
    device.press()
    assert told() == ("on", 600)
    session.call("set_auto_off_config", {"enable": False, "delay_min": 10})
    clock.at += 601
    assert device.on


def test_auto_off_is_elapsed_time_whatever_the_clock_is_set_to(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    Klap(device).log_in().call("set_auto_off_config", {"enable": True, "delay_min": 10})
    device.press()
    clock.at += 300
    device.set_clock(clock.at + 7200)
    assert device.on
    assert device.info["on_time"] == 300
    clock.at += 300
    assert not device.on


def test_a_countdown_and_auto_off_come_in_their_order(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    session = Klap(device).log_in()
    session.call("set_auto_off_config", {"enable": True, "delay_min": 5})
    session.call("add_countdown_rule", {"enable": True, "delay": 600, "desired_states": {"on": True}})
    began = clock.at
    clock.at += 3600
    assert [(change.by, change.at - began) for change in device.changes[1:]] == [("countdown", 600), ("auto-off", 900)]


def test_on_time_and_auto_off_count_anew_after_the_power_was_gone(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    Klap(device).log_in().call("set_auto_off_config", {"enable": True, "delay_min": 10})
    device.press()
    clock.at += 500
    device.restart()
    clock.at += 500
    assert (device.on, device.info["on_time"], device.info["auto_off_remain_time"]) == (True, 500, 100)
    clock.at += 100
    assert not device.on


def test_every_step_of_a_klap_login_is_written_down(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock)
    Klap(device).log_in()
    assert steps(device) == [("handshake1", True), ("handshake2", True)]
    wrong = Klap(device, password="battery staple")
    wrong.greet()
    wrong.admit()
    assert steps(device)[2:] == [("handshake1", True), ("handshake2", False)]
    peers = {attempt.peer.partition(":")[0] for attempt in device.login_attempts}
    assert peers == {"127.0.0.1"}


def test_every_step_of_a_passthrough_login_is_written_down(add: Add) -> None:
    device = add("P110", transport="aes")
    Passthrough(device).log_in().call("get_device_info")
    assert steps(device) == [("handshake", True), ("login_device", True)]
    wrong = Passthrough(device, password="battery staple")
    wrong.shake()
    for code in (-1501, 9999):
        assert wrong.try_login() == {"error_code": code}
    wrong.shake("no key")
    assert steps(device)[2:] == [
        ("handshake", True),
        ("login_device", False),
        ("login_device", False),
        ("handshake", False),
    ]
    assert (device.handshakes, device.logins, device.sessions) == (3, 3, 1)


def test_a_login_that_a_fault_struck_is_written_down_too(add: Add) -> None:
    device = add("P110", faults="500.handshake=once")
    assert Klap(device).greet().status == 500
    Klap(device).log_in()
    assert steps(device) == [("handshake1", False), ("handshake1", True), ("handshake2", True)]
    assert device.handshakes == 1, "the counter counts what the device took up"
    closed = add("P110", transport="tpap")
    assert Klap(closed).greet().status == 403
    assert steps(closed) == [("handshake1", False)]


def test_login_times_tell_when_clients_began_to_log_in(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, faults="clock-lost")
    begun = datetime.fromtimestamp(clock.at, UTC)
    Klap(device).log_in()
    clock.at += 90
    Klap(device).greet()
    first, second = device.login_times
    assert (first, (second - first).total_seconds()) == (begun, 90)
    assert [attempt.begins for attempt in device.login_attempts] == [True, False, True]
    assert device.login_attempts[0].at == 946_684_800
