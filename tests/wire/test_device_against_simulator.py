"""What the daemon wants of a device beside switching it, against devices that other hands wrote, over real HTTP."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tapo_automate.device import Credentials, Setting
from tapo_automate.errors import DeviceError, Garbled, Refused
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire import SmartDevice, connect

USER, PASSWORD = "User@Example.com", "Sw0rdfish!"
ACCOUNT = Credentials(USER, PASSWORD)
NOON = dt.datetime(2026, 11, 22, 11, tzinfo=dt.UTC)

MODELS = [("P100", "klap"), ("P100", "aes-v1"), ("P105", "klap"), ("P110", "aes"), ("L530", "klap"), ("L900", "klap")]


@dataclass
class Clock:
    """What time it is for the devices of a test."""

    at: dt.datetime = NOON

    def __call__(self) -> float:
        return self.at.timestamp()

    def pass_s(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


Add = Callable[..., tuple[Device, SmartDevice]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def add(clock: Clock) -> Iterator[Add]:
    clients = []
    with Fleet() as fleet:

        def start(model: str = "P110", transport: str = "klap", **wishes: object) -> tuple[Device, SmartDevice]:
            it = fleet.add(model, transport=transport, username=USER, password=PASSWORD, now=clock, seed=1, **wishes)
            clients.append(connect(it.address, ACCOUNT, read_timeout_s=2))
            return it, SmartDevice(clients[-1])

        yield start
        for client in clients:
            client.close()


def count(device: Device, method: str) -> int:
    return sum(call.method == method for call in device.calls)


class TestCountdown:
    @pytest.mark.parametrize(("model", "transport"), MODELS)
    def test_it_runs_in_the_device(self, add: Add, clock: Clock, model: str, transport: str) -> None:
        device, it = add(model, transport, on=True)
        it.start_timer(2700, Setting(on=False))
        clock.pass_s(2699)
        assert it.timer() == (1, Setting(on=False))
        assert device.on
        clock.pass_s(2)
        assert not device.on
        assert it.timer() is None
        assert it.switched_by(False, clock.at) == "its countdown"
        device.press()
        assert it.switched_by(True, clock.at) is None
        device.press()
        assert it.switched_by(False, clock.at) is None, "the row stays in the table, and did nothing"

    def test_a_lamp_comes_on_as_it_was_asked_for(self, add: Add, clock: Clock) -> None:
        device, it = add("L530")
        it.start_timer(60, Setting(hue_deg=120, saturation_pct=80, brightness_pct=30))
        assert it.timer() == (60, Setting(on=True, hue_deg=120, saturation_pct=80, brightness_pct=30))
        clock.pass_s(60)
        assert device.state == {"device_on": True, "brightness": 30, "hue": 120, "saturation": 80, "color_temp": 0}
        assert it.switched_by(True, clock.at) == "its countdown"

    def test_one_that_runs_is_replaced(self, add: Add, clock: Clock) -> None:
        device, it = add(on=True)
        it.start_timer(60, Setting(on=False))
        it.start_timer(3600, Setting(on=False))
        clock.pass_s(61)
        assert device.on
        it.stop_timer()
        clock.pass_s(3600)
        assert device.on
        assert [change.by for change in device.changes] == ["start"]

    @pytest.mark.parametrize("transport", ["klap", "aes"])
    @pytest.mark.parametrize(
        "fault", ["drop=once", "drop-after=once", "500=once", "html=once", "garbage=once", "short=once", "expire=once"]
    )
    def test_it_is_started_once_whatever_becomes_of_the_answer(self, add: Add, transport: str, fault: str) -> None:
        device, it = add(transport=transport)
        it.start_timer(60, Setting(on=True))
        it.stop_timer()
        started = [0.0]

        def strike_at_add(method: str, params: object = None) -> object:
            if method == "add_countdown_rule" and not started[0]:
                device.set_faults(fault)
                started[0] = device.time
            return real(method, params)  # type: ignore[arg-type]

        real = it._client.call
        it._client.call = strike_at_add  # type: ignore[method-assign, assignment]
        it.start_timer(120, Setting(on=False))
        assert device.countdown is not None
        assert (device.countdown["delay"], device.countdown["remain"]) == (120, 120)
        carried_out = [call for call in device.calls if call.method == "add_countdown_rule" and not call.error_code]
        assert len(carried_out) == 2

    def test_another_clients_is_seen_and_replaced(self, add: Add) -> None:
        device, ours = add()
        theirs = SmartDevice(connect(device.address, ACCOUNT))
        theirs.start_timer(60, Setting(on=True))
        assert ours.timer() == (60, Setting(on=True))
        ours.start_timer(120, Setting(on=False))
        assert theirs.timer() == (120, Setting(on=False))
        theirs.close()


def test_its_auto_off_is_told_from_a_person(add: Add, clock: Clock) -> None:
    device, it = add(on=True)
    it.call("set_auto_off_config", {"enable": True, "delay_min": 30})
    clock.pass_s(900)
    it.state()
    device.press()
    assert not it.state().on
    assert it.switched_by(False, clock.at) is None, "half of its time had passed"
    device.press()
    clock.pass_s(1770)
    assert it.state().on
    clock.pass_s(31)
    assert not it.state().on
    assert [change.by for change in device.changes][-1] == "auto-off"
    assert it.switched_by(False, clock.at) == "its auto-off after 30 min"


def test_how_long_it_has_been_on_counts_from_the_switching(add: Add, clock: Clock) -> None:
    _, it = add()
    assert it.state().on_for_s is None
    it.apply(Setting(on=True))
    clock.pass_s(83)
    assert it.state().on_for_s == 83
    it.apply(Setting(on=False))
    assert it.state().on_for_s is None
    _, lamp = add("L530", on=True)
    assert lamp.state().on_for_s is None


def test_a_meter_that_needs_a_clock_is_said_to_lack_it(add: Add, clock: Clock) -> None:
    device, it = add("P110", "aes-v1", on=True, trace="74", faults="clock-lost")
    with pytest.raises(Refused) as raised:
        it.power_w()
    assert str(raised.value) == (
        f"{device.address}: get_energy_usage was refused with error -1601 (TIME): its clock is lost (it says "
        "2000-01-01), and its meter with it; let the device reach a time server (NTP, UDP port 123)"
    )
    it.call("set_device_time", {"timestamp": int(clock()), "time_diff": 60, "region": "Europe/Berlin"})
    assert it.power_w() == 74


def test_a_meter_that_tells_nonsense_is_not_believed(add: Add) -> None:
    for profile, transport in [("P110", "klap"), ("P110", "aes-v1"), ("P115", "klap")]:
        device, it = add(profile, transport, on=True, trace="74", faults="power-nonsense")
        for _ in range(10):
            with pytest.raises(Garbled, match="its meter says"):
                it.power_w()
        device.set_faults("")
        assert it.power_w() == 74


@pytest.mark.parametrize(("profile", "transport"), [("P110", "klap"), ("P110", "aes-v1")])
def test_a_meter_that_repeats_its_last_reading_is_not_believed_for_long(
    add: Add, clock: Clock, profile: str, transport: str
) -> None:
    device, it = add(profile, transport, on=True, trace="3")
    for _ in range(60):
        assert it.power_w() == 3
        clock.pass_s(10)
    device.set_faults("power-stale")
    device.set_trace("2000")
    with contextlib.suppress(Garbled):
        for _ in range(60):
            assert it.power_w() == 3
            clock.pass_s(10)
    with pytest.raises(Garbled, match="its meter stands still: it has said 3 W and counted nothing since"):
        it.power_w()
    assert (clock.at - NOON).total_seconds() <= 600 + 180
    device.set_faults("")
    assert it.power_w() == 2000


@pytest.mark.parametrize("transport", ["klap", "aes"])
@pytest.mark.parametrize(
    "fault", ["403", "drop", "drop-after", "500", "500.any", "html", "html.any", "garbage", "short", "expire", "429"]
)
def test_no_fault_makes_a_call_log_in_twice(add: Add, transport: str, fault: str) -> None:
    device, it = add(transport=transport)
    it.state()
    device.set_faults(fault)
    for _ in range(4):
        before = len(device.login_times)
        with pytest.raises(DeviceError) as raised:
            it.state()
        logins = len(device.login_times) - before
        assert logins <= 1
        assert raised.value.after_login is (logins > 0)


@pytest.mark.parametrize("fault", ["drop=0.3", "drop-after=0.3", "500.any=0.3", "garbage=0.3", "expire=0.3", "close"])
def test_a_device_that_fails_now_and_then_is_never_logged_in_to_twice_in_a_call(add: Add, fault: str) -> None:
    device, it = add()
    device.set_faults(fault)
    served = 0
    for _ in range(60):
        before, failed = len(device.login_times), None
        try:
            it.state()
            served += 1
        except DeviceError as error:
            failed = error
        logins = len(device.login_times) - before
        assert logins <= 1
        assert failed is None or failed.after_login is (logins > 0)
    assert served > 20
