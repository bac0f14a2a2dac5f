"""The countdown that a device holds: started, read, replaced and stopped, over a device that may lose any answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from real_dumps import DUMPS
from tapo_automate.device import HasTimer, Setting
from tapo_automate.errors import BadSetting, ConnectionLost, DeviceError, Garbled, Refused, Unreachable, Unsupported
from tapo_automate.wire import SmartDevice
from tapo_automate.wire.exchange import Request, Response
from wire.peers import Answer, Fault, Peer, ScriptedPeer, garbage_after, lost_after, timed_out_after

ADD, READ, REMOVE = "add_countdown_rule", "get_countdown_rules", "remove_countdown_rules"


class Timed(ScriptedPeer):
    """A lamp with a countdown, which stands still unless the test moves it."""

    def __init__(self, version: int = 2, row: dict[str, Any] | None = None, **answers: Any) -> None:
        can = {"countdown": version, "brightness": 1, "color_temperature": 1, "color": 1}
        negotiated = {"component_list": [{"id": name, "ver_code": number} for name, number in can.items()]}
        info = {"mac": "48-22-54-AA-BB-CC", "model": "L530", "device_on": True, "hue": 10, "saturation": 20}
        table = {ADD: self.add, READ: self.table, REMOVE: self.remove}
        own = {"component_nego": negotiated, "get_device_info": info, **table}
        super().__init__(**{**own, **answers})
        self.version = version
        self.row = row

    def table(self, _: dict[str, Any]) -> Answer:
        rows = [] if self.row is None else [self.row]
        return {"countdown_rule_max_count": 1, "enable": bool(rows and rows[0]["enable"]), "rule_list": rows}

    def add(self, params: dict[str, Any]) -> Answer:
        if self.row is not None and self.row["enable"]:
            return -1902
        kept = {"desired_states"} if self.version == 2 else {"action"}
        if not kept <= params.keys() or not 1 <= params["delay"] <= 86_400:
            return -1008
        self.row = {"id": "C1", "remain": params["delay"], **{n: params[n] for n in ("enable", "delay", *kept)}}
        return {"id": "C1"}

    def remove(self, params: dict[str, Any]) -> Answer:
        assert params["remove_all"] is True
        if self.row is not None:
            self.row = self.row | {"enable": False, "remain": 0}
        return {}

    def device(self) -> SmartDevice:
        return SmartDevice(self.client())

    def writes(self) -> list[str]:
        return [method for method in self.done if method in (ADD, REMOVE)]


def test_a_device_offers_it() -> None:
    assert isinstance(Timed().device(), HasTimer)


def test_it_is_started_read_and_stopped() -> None:
    peer = Timed()
    device = peer.device()
    assert device.timer() is None
    device.start_timer(2700, Setting(on=False))
    assert (ADD, {"enable": True, "delay": 2700, "remain": 2700, "desired_states": {"on": False}}) in peer.asked
    assert device.timer() == (2700, Setting(on=False))
    assert peer.row is not None
    peer.row["remain"] = 44
    assert device.timer() == (44, Setting(on=False))
    device.stop_timer()
    assert device.timer() is None
    device.stop_timer()
    assert peer.writes() == [ADD, REMOVE]


def test_one_that_runs_is_removed_before_another_is_added() -> None:
    peer = Timed(row={"id": "C1", "enable": True, "delay": 300, "remain": 12, "desired_states": {"on": True}})
    peer.device().start_timer(60, Setting(on=False))
    assert peer.writes() == [REMOVE, ADD]
    assert peer.row == {"id": "C1", "enable": True, "delay": 60, "remain": 60, "desired_states": {"on": False}}


def test_one_that_is_over_is_in_nobodys_way() -> None:
    peer = Timed(row={"id": "C1", "enable": False, "delay": 300, "remain": 0, "desired_states": {"on": True}})
    assert peer.device().timer() is None
    peer.device().start_timer(60, Setting(on=False))
    assert peer.writes() == [ADD]


def test_one_that_came_in_between_is_replaced_too() -> None:
    peer = Timed()
    theirs = {"id": "C1", "enable": True, "delay": 300, "remain": 300, "desired_states": {"on": True}}

    def between(params: dict[str, Any]) -> Answer:
        peer.answers[ADD] = peer.add
        peer.row = theirs
        return peer.add(params)

    peer.answers[ADD] = between
    peer.device().start_timer(60, Setting(on=False))
    assert peer.writes() == [ADD, REMOVE, ADD]
    assert peer.device().timer() == (60, Setting(on=False))


@pytest.mark.parametrize(
    ("setting", "states"),
    [
        (Setting(on=True), {"on": True}),
        (Setting(on=False), {"on": False}),
        (Setting(on=True, brightness_pct=50), {"on": True, "brightness": 50}),
        (Setting(brightness_pct=50), {"on": True, "brightness": 50}),
        (Setting(on=True, color_temp_k=2700), {"on": True, "color_temp": 2700}),
        (Setting(hue_deg=120, saturation_pct=80), {"on": True, "hue": 120, "saturation": 80, "color_temp": 0}),
        (Setting(hue_deg=120), {"on": True, "hue": 120, "saturation": 20, "color_temp": 0}),
    ],
)
def test_a_lamp_is_set_as_well(setting: Setting, states: dict[str, Any]) -> None:
    peer = Timed()
    peer.device().start_timer(60, setting)
    assert peer.row is not None
    assert peer.row["desired_states"] == states
    running = peer.device().timer()
    assert running is not None
    full = replace(setting, on=setting.on is not False)
    assert running == (60, replace(full, saturation_pct=20) if full == Setting(on=True, hue_deg=120) else full)


def test_what_a_device_adds_of_its_own_does_no_harm() -> None:
    peer = Timed()

    def embellish(params: dict[str, Any]) -> Answer:
        extra = {"auto": False, "transition_period": 0, "hue": 0, "saturation": 0, "brightness": 100}
        return peer.add(params | {"desired_states": extra | params["desired_states"]})

    peer.answers[ADD] = embellish
    peer.device().start_timer(60, Setting(on=True, color_temp_k=2700))
    assert peer.device().timer() == (60, Setting(on=True, brightness_pct=100, color_temp_k=2700))


class TestVersionOne:
    """A P100 with firmware 1.1.3: it knows an action and no desired states."""

    def test_it_is_switched(self) -> None:
        for on in (True, False):
            peer = Timed(1)
            peer.device().start_timer(60, Setting(on=on))
            assert peer.row is not None
            assert peer.row["action"] == ("on" if on else "off")
            assert peer.device().timer() == (60, Setting(on=on))

    def test_it_sets_nothing_else(self) -> None:
        with pytest.raises(Unsupported) as raised:
            Timed(1).device().start_timer(60, Setting(on=True, brightness_pct=50))
        assert str(raised.value) == "10.0.0.5: its countdown switches on and off, and sets nothing else"


@pytest.mark.parametrize(
    ("after_s", "setting", "error", "text"),
    [
        (
            0,
            Setting(on=True),
            BadSetting,
            "a countdown of 0 s is out of range: a device's own runs 1 s to 24 h (86400 s)",
        ),
        (-5, Setting(on=True), BadSetting, "a countdown of -5 s is out of range"),
        (86_401, Setting(on=True), BadSetting, "a countdown of 86401 s is out of range"),
        (60, Setting(), BadSetting, "there is nothing to set when the time comes: say on or off"),
        (60, Setting(on=False, brightness_pct=40), BadSetting, "what switches off later sets nothing else: leave"),
        (60, Setting(brightness_pct=0), BadSetting, "brightness 0 is not a brightness"),
        (60, Setting(color_temp_k=9000), BadSetting, "color_temp 9000 is out of range: it takes 2500 to 6500 K"),
        (60, Setting(toggle=True), Unsupported, "its countdown sets values, it cannot toggle or fade"),
        (60, Setting(on=True, transition_ms=1000), Unsupported, "its countdown sets values, it cannot toggle or fade"),
    ],
)
def test_what_no_row_can_hold_is_refused_before_anything_is_written(
    after_s: int, setting: Setting, error: type[DeviceError], text: str
) -> None:
    peer = Timed(row={"id": "C1", "enable": True, "delay": 300, "remain": 12, "desired_states": {"on": True}})
    with pytest.raises(error) as raised:
        peer.device().start_timer(after_s, setting)
    assert str(raised.value).startswith(f"10.0.0.5: {text}")
    assert peer.writes() == []


@pytest.mark.parametrize(
    ("can", "text"),
    [
        ({}, "10.0.0.5: it has no countdown of its own"),
        (
            {"countdown": 2, "control_child": 2},
            "10.0.0.5: it is a power strip: its sockets have tables, itself it has none; "
            'name a socket, as in "strip/1"',
        ),
    ],
)
def test_a_device_without_one_says_so(can: dict[str, int], text: str) -> None:
    negotiated = {"component_list": [{"id": name, "ver_code": version} for name, version in can.items()]}
    device = ScriptedPeer(component_nego=negotiated).client()
    it = SmartDevice(device)
    tries: list[Callable[[], object]] = [lambda: it.start_timer(60, Setting(on=True)), it.timer, it.stop_timer]
    for attempt in tries:
        with pytest.raises(Unsupported) as raised:
            attempt()
        assert str(raised.value) == text


def test_a_device_that_lists_it_and_does_not_know_it_says_so() -> None:
    with pytest.raises(Unsupported) as raised:
        Timed(**{READ: -1002}).device().timer()
    assert str(raised.value) == "10.0.0.5: it has no countdown of its own"


@pytest.mark.parametrize("code", [-1901, -1903, -1008])
def test_a_refusal_is_handed_on(code: int) -> None:
    with pytest.raises(Refused, match=f"add_countdown_rule was refused with error {code}"):
        Timed(**{ADD: code}).device().start_timer(60, Setting(on=True))


class TestLostAnswers:
    """To add twice is to start twice; the device may have done as it was told before its answer was lost."""

    def at_add(self, peer: Timed, fault: Fault) -> Fault:
        """Let the fault strike when the row is added."""

        def strike(them: Peer, request: Request) -> Response:
            if len(peer.done) < 2:  # before it come the components and the table
                peer.faults.insert(0, self.at_add(peer, fault))
                return them.obey(request)
            if isinstance(fault, Exception):
                raise fault
            return fault if isinstance(fault, Response) else fault(them, request)

        return strike

    @pytest.mark.parametrize("fault", [lost_after, timed_out_after, garbage_after])
    def test_a_row_that_was_added_is_found_and_not_added_again(self, fault: Fault) -> None:
        peer = Timed()
        peer.faults = [self.at_add(peer, fault)]
        peer.device().start_timer(60, Setting(on=False))
        assert peer.writes() == [ADD]
        assert peer.device().timer() == (60, Setting(on=False))

    @pytest.mark.parametrize(
        "fault",
        [
            ConnectionLost("10.0.0.5", "the device closed the connection without an answer"),
            Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True),
            Response(500, b""),
        ],
    )
    def test_a_row_that_was_not_added_is_added(self, fault: Fault) -> None:
        peer = Timed()
        peer.faults = [self.at_add(peer, fault)]
        peer.device().start_timer(60, Setting(on=False))
        assert peer.writes() == [ADD]
        assert peer.device().timer() == (60, Setting(on=False))

    def test_a_row_that_was_added_and_has_run_out_meanwhile_is_not_added_again(self) -> None:
        peer = Timed()

        def out_after(them: Peer, request: Request) -> Response:
            them.obey(request)
            assert peer.row is not None
            peer.row |= {"enable": False, "remain": 0}
            raise Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)

        peer.faults = [self.at_add(peer, out_after)]
        peer.device().start_timer(5, Setting(on=False))
        assert peer.writes() == [ADD]

    def test_somebody_elses_is_not_replaced_unseen(self) -> None:
        peer = Timed()

        def theirs(them: Peer, request: Request) -> Response:
            peer.row = {"id": "C1", "enable": True, "delay": 300, "remain": 299, "desired_states": {"on": True}}
            raise Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True)

        peer.faults = [self.at_add(peer, theirs)]
        with pytest.raises(Unreachable) as raised:
            peer.device().start_timer(60, Setting(on=False))
        assert raised.value.outcome_unknown
        assert peer.row is not None
        assert peer.row["delay"] == 300

    def test_a_call_that_has_logged_in_already_is_not_followed_by_another_login(self) -> None:
        peer = Timed()

        def forget_then_lose(them: Peer, request: Request) -> Response:
            peer.faults.insert(0, lost_after)
            return Response(403, b"")

        peer.faults = [self.at_add(peer, forget_then_lose)]
        with pytest.raises(ConnectionLost) as raised:
            peer.device().start_timer(60, Setting(on=False))
        assert (raised.value.after_login, raised.value.outcome_unknown) == (True, True)
        assert (peer.logins, peer.writes()) == (2, [ADD])

    def test_a_removal_may_be_done_twice(self) -> None:
        peer = Timed(row={"id": "C1", "enable": True, "delay": 300, "remain": 12, "desired_states": {"on": True}})
        peer.faults = [self.at_add(peer, lost_after)]  # the removal is the third call here
        peer.device().stop_timer()
        assert peer.writes() == [REMOVE, REMOVE]
        assert peer.device().timer() is None

    def test_a_row_that_does_not_show_is_no_success(self) -> None:
        peer = Timed(**{ADD: {"id": "C1"}})
        with pytest.raises(Garbled) as raised:
            peer.device().start_timer(60, Setting(on=False))
        assert str(raised.value) == (
            "10.0.0.5: the device took the countdown and does not show it; whether it runs is unknown"
        )
        assert raised.value.outcome_unknown

    def test_a_device_that_says_yes_and_then_no_more_is_believed(self) -> None:
        peer = Timed()

        def yes_and_gone(params: dict[str, Any]) -> Answer:
            peer.faults.append(Unreachable("10.0.0.5", "no answer within 8 s", outcome_unknown=True))
            return peer.add(params)

        peer.answers[ADD] = yes_and_gone
        peer.device().start_timer(60, Setting(on=False))
        assert peer.writes() == [ADD]

    def test_an_error_late_in_a_start_remembers_the_login_of_its_beginning(self) -> None:
        with pytest.raises(Refused) as raised:
            Timed(**{ADD: -1901}).device().start_timer(60, Setting(on=True))
        assert raised.value.after_login


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"enable": True, "remain": 5},
        {"enable": True, "remain": 5, "delay": "x", "desired_states": {"on": True}},
        {"enable": True, "remain": 5, "delay": 10, "desired_states": {}},
        {"enable": True, "remain": 5, "delay": 10, "desired_states": {"on": "yes"}},
        {"enable": True, "remain": 5, "delay": 10, "action": "explode"},
        {"enable": True, "remain": "5", "delay": 10, "desired_states": {"on": True}},
        {"enable": "true", "remain": 5, "delay": 10, "desired_states": {"on": True}},
        {"enable": True, "remain": -5, "delay": 10, "desired_states": {"on": True}},
        7,
        None,
    ],
)
def test_a_row_that_cannot_be_read_runs_nothing(row: object) -> None:
    for table in ({"rule_list": [row]}, {"rule_list": row}, {}):
        assert Timed(**{READ: table}).device().timer() is None


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_no_countdown_runs_on_the_real_devices(path: Path) -> None:
    dump = json.loads(path.read_text())
    device = SmartDevice(ScriptedPeer(**{name: it for name, it in dump.items() if isinstance(it, dict)}).client())
    if "get_countdown_rules" in dump:
        assert device.timer() is None
    elif "get_child_device_list" in dump:
        with pytest.raises(Unsupported, match="it is a power strip"):
            device.timer()
    else:  # nobody asked it, or its clock was lost
        with pytest.raises(Unsupported, match="it has no countdown of its own"):
            device.timer()
