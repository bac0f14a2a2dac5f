"""What a meter says, and what of it is a reading."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import pytest

from real_dumps import DUMPS
from tapo_automate.errors import Busy, DeviceError, Garbled, Refused, Unsupported
from tapo_automate.wire import PowerMeter
from tapo_automate.wire.codec import maximum_w, power_w
from wire.peers import ScriptedPeer

IN_2026 = {"timestamp": 1_800_000_000, "time_diff": 60, "region": "Europe/Berlin"}
IN_2000 = {"timestamp": 946_958_455, "time_diff": 60, "region": "Europe/Berlin"}
USAGE = {"current_power": 1500, "local_time": "2026-11-22 10:00:00"}
STILL = {"current_power": 0, "local_time": "2000-01-04 05:00:55"}


def meter(**answers: Any) -> tuple[ScriptedPeer, PowerMeter]:
    peer = ScriptedPeer(**answers)
    return peer, PowerMeter(peer.client())


def test_the_most_exact_method_is_found_once_and_kept() -> None:
    peer, it = meter(get_energy_usage=USAGE, get_current_power={"current_power": 2})
    assert [it.read_w(), it.read_w(), it.read_w()] == [1.5] * 3
    assert peer.done == ["get_emeter_data", *["get_energy_usage"] * 3]
    _, it = meter(get_emeter_data={"power_mw": 1234}, get_energy_usage=USAGE)
    assert it.read_w() == 1.234


def test_a_meter_that_fails_without_a_clock_leaves_the_coarse_one_for_now() -> None:
    peer, it = meter(get_energy_usage=-1601, get_current_power={"current_power": 2})
    assert it.read_w() == 2.0
    peer.answers["get_energy_usage"] = USAGE
    assert it.read_w() == 1.5


def test_a_meter_that_begins_to_fail_leaves_the_coarse_one_too() -> None:
    peer, it = meter(get_energy_usage=USAGE, get_current_power={"current_power": 2})
    assert it.read_w() == 1.5
    peer.answers["get_energy_usage"] = -1601
    assert it.read_w() == 2.0


def test_a_device_without_one_says_so() -> None:
    _, it = meter()
    with pytest.raises(Unsupported) as raised:
        it.read_w()
    assert str(raised.value) == "10.0.0.5: it has no power meter"


def test_a_busy_device_is_not_asked_further() -> None:
    peer, it = meter(get_energy_usage=-1301, get_current_power={"current_power": 2})
    with pytest.raises(Busy):
        it.read_w()
    assert peer.done == ["get_emeter_data", "get_energy_usage"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (-1, "its meter says -0.001 W (get_energy_usage), which is no load"),
        (math.nan, "its meter says nan W (get_energy_usage), which is no load"),
        (math.inf, "its meter says inf W (get_energy_usage), which is no load"),
        (10**400, "its meter says inf W (get_energy_usage), which is no load"),
        (2**32 - 5, "its meter says 4.29497e+06 W (get_energy_usage), and it is built for 4000 W: this is no reading"),
        (6_000_001, "its meter says 6000 W (get_energy_usage), and it is built for 4000 W: this is no reading"),
    ],
)
def test_what_cannot_be_a_load_is_no_reading(said: float, text: str) -> None:
    _, it = meter(get_energy_usage=USAGE | {"current_power": said}, get_current_power={"current_power": 2})
    with pytest.raises(Garbled) as raised:
        it.read_w()
    assert str(raised.value) == f"10.0.0.5: {text}"
    assert not raised.value.outcome_unknown


BOTH_WAYS = {"component_list": [{"id": "energy_monitoring", "ver_code": 3}]}


def test_what_feeds_in_draws_nothing_where_the_meter_counts_both_ways() -> None:
    peer, it = meter(get_energy_usage=USAGE | {"current_power": -19_231}, component_nego=BOTH_WAYS)
    assert [it.read_w(), it.read_w()] == [0.0, 0.0]
    assert peer.done.count("component_nego") == 1
    peer.answers["get_energy_usage"] = USAGE
    assert it.read_w() == 1.5
    peer.answers["get_energy_usage"] = USAGE | {"current_power": -6_000_001}
    with pytest.raises(Garbled, match=r"says -6000 W .*, and it is built for 4000 W: this is no reading"):
        it.read_w()
    one_way = {"component_list": [{"id": "energy_monitoring", "ver_code": 2}]}
    _, it = meter(get_energy_usage=USAGE | {"current_power": -19_231}, component_nego=one_way)
    with pytest.raises(Garbled, match=r"its meter says -19.231 W \(get_energy_usage\), which is no load"):
        it.read_w()


def test_the_devices_own_maximum_is_the_measure_and_is_asked_once_and_late() -> None:
    peer, it = meter(get_current_power={"current_power": 1200}, get_max_power={"max_power": 2465})
    assert it.read_w() == 1200
    assert "get_max_power" not in peer.done, "every device carries that much"
    peer.answers["get_current_power"] = {"current_power": 3697}
    assert it.read_w() == 3697, "its protection takes some seconds"
    peer.answers["get_current_power"] = {"current_power": 3698}
    with pytest.raises(Garbled, match=r"says 3698 W \(get_current_power\), and it is built for 2465 W"):
        it.read_w()
    assert peer.done.count("get_max_power") == 1


@pytest.mark.parametrize(
    "maximum", [{"max_power": 0}, {"max_power": -5}, {"max_power": 10**9}, {"max_power": True}, {}]
)
def test_a_maximum_that_cannot_be_is_none(maximum: dict[str, Any]) -> None:
    assert maximum_w(maximum) is None
    _, it = meter(get_current_power={"current_power": 5900}, get_max_power=maximum)
    assert it.read_w() == 5900


class TestWithoutAClock:
    """A device that came back from a power cut without the internet is in the year 2000, and its meter may stand still.

    Zero watts would then be what a rule for a washing machine waits for.
    """

    def test_a_zero_is_no_reading(self) -> None:
        _, it = meter(get_energy_usage=STILL, get_device_time=IN_2000)
        with pytest.raises(Garbled) as raised:
            it.read_w()
        assert str(raised.value) == (
            "10.0.0.5: its meter says 0 W, which may be because its clock is lost (it says 2000-01-04); let the "
            "device reach a time server (NTP, UDP port 123)"
        )

    def test_nor_is_that_of_the_coarse_method(self) -> None:
        _, it = meter(get_energy_usage=-1, get_current_power={"current_power": 0}, get_device_time=IN_2000)
        with pytest.raises(Refused) as raised:
            it.read_w()
        assert raised.value.code == -1
        assert str(raised.value) == (
            "10.0.0.5: get_energy_usage was refused with error -1 (COMMON_FAILED): its clock is lost (it says "
            "2000-01-04), and its meter with it; let the device reach a time server (NTP, UDP port 123)"
        )

    def test_a_load_is_a_reading_all_the_same(self) -> None:
        _, it = meter(get_energy_usage=-1, get_current_power={"current_power": 74}, get_device_time=IN_2000)
        assert it.read_w() == 74
        _, it = meter(get_energy_usage=STILL | {"current_power": 74_116}, get_device_time=IN_2000)
        assert it.read_w() == 74.116

    def test_the_exact_method_needs_no_clock(self) -> None:
        peer, it = meter(get_emeter_data={"power_mw": 0}, get_energy_usage=-1, get_device_time=IN_2000)
        assert it.read_w() == 0
        assert peer.done == ["get_emeter_data"]

    def test_with_a_clock_a_zero_is_a_reading(self) -> None:
        peer, it = meter(get_energy_usage=USAGE | {"current_power": 0})
        assert it.read_w() == 0
        assert peer.done == ["get_emeter_data", "get_energy_usage"], "the clock is not asked for each"
        _, it = meter(get_energy_usage=-2201, get_current_power={"current_power": 0}, get_device_time=IN_2026)
        assert it.read_w() == 0

    @pytest.mark.parametrize("clock", [-1002, -1601, {"timestamp": "x"}])
    def test_a_device_that_does_not_tell_its_time_either_is_judged_by_the_rest(self, clock: Any) -> None:
        _, it = meter(get_energy_usage=-1, get_current_power={"current_power": 0}, get_device_time=clock)
        assert it.read_w() == 0
        _, it = meter(get_energy_usage=STILL, get_device_time=clock)
        with pytest.raises(Garbled, match="its clock is lost"):
            it.read_w()
        _, it = meter(get_energy_usage=-2201, get_device_time=clock)
        with pytest.raises(Refused, match="get_energy_usage was refused with error -2201"):
            it.read_w()


class Wash:
    """A metered load of 60 W over which a minute hand goes; it may stop."""

    def __init__(self, *, exact: bool, hand_s: int = 60) -> None:
        self.at = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
        self.hand_s = hand_s
        self.on_s = 0
        self.stopped = False
        self.mw = 60_000
        methods = {"get_energy_usage": lambda _: self.usage(), "get_device_time": IN_2026}
        if exact:
            methods["get_emeter_data"] = lambda _: {"power_mw": self.mw, "voltage_mv": 230_118}
        self.peer, self.meter = meter(**methods)

    def usage(self) -> dict[str, Any]:
        minutes = self.on_s // self.hand_s * self.hand_s // 60
        return {"current_power": self.mw, "today_runtime": minutes, "local_time": f"{self.at:%Y-%m-%d %H:%M:%S}"}

    def read_for(self, seconds: int, every_s: int = 10) -> int:
        """Read the meter now and then; return for how many seconds it was believed."""
        for passed_s in range(0, seconds, every_s):
            try:
                self.meter.read_w()
            except Garbled:
                return passed_s
            self.at += dt.timedelta(seconds=every_s)
            self.on_s += 0 if self.stopped or not self.mw else every_s
        return seconds


class TestPulse:
    """A meter can go on answering with its last reading."""

    @pytest.mark.parametrize("exact", [True, False])
    def test_one_that_stands_still_is_believed_for_three_minutes_at_most(self, exact: bool) -> None:
        wash = Wash(exact=exact)
        assert wash.read_for(600) == 600
        wash.stopped = True
        assert 90 <= wash.read_for(600) <= 180
        wash.stopped = False
        wash.on_s += 60
        assert wash.read_for(600) == 600

    def test_it_is_said_since_when(self) -> None:
        wash = Wash(exact=True)
        wash.read_for(20)
        wash.stopped = True
        wash.read_for(600)
        with pytest.raises(Garbled) as raised:
            wash.meter.read_w()
        assert str(raised.value) == (
            "10.0.0.5: its meter stands still: it has said 60 W and counted nothing since 10:00:10 by its own clock"
        )

    @pytest.mark.parametrize("exact", [True, False])
    def test_one_that_tells_other_figures_counts(self, exact: bool) -> None:
        wash = Wash(exact=exact)
        wash.read_for(120)
        wash.stopped = True
        for _ in range(60):
            wash.mw += 1
            assert wash.read_for(10) == 10

    @pytest.mark.parametrize("exact", [True, False])
    def test_a_device_that_was_off_meanwhile_counts_again_from_there(self, exact: bool) -> None:
        wash = Wash(exact=exact)
        wash.read_for(130)
        wash.mw = 0
        assert wash.read_for(3600) == 3600
        wash.mw = 60_000
        assert wash.read_for(600) == 600

    @pytest.mark.parametrize("exact", [True, False])
    @pytest.mark.parametrize("jump_s", [7200, -7200, 86_400])
    def test_a_clock_that_is_set_is_no_stand_still(self, exact: bool, jump_s: int) -> None:
        wash = Wash(exact=exact)
        wash.read_for(130)
        wash.at += dt.timedelta(seconds=jump_s)
        assert wash.read_for(600) == 600

    def test_one_that_is_read_seldom_is_believed(self) -> None:
        for exact in (True, False):
            wash = Wash(exact=exact)
            wash.read_for(600)
            wash.stopped = True
            assert wash.read_for(36_000, every_s=1800) == 36_000

    def test_a_device_whose_minutes_never_move_counts_in_another_way(self) -> None:
        wash = Wash(exact=False, hand_s=10**9)
        assert wash.read_for(3600) == 3600

    def test_an_exact_reading_that_changes_costs_no_second_question(self) -> None:
        wash = Wash(exact=True)
        for _ in range(10):
            wash.mw += 1
            wash.read_for(10)
        assert set(wash.peer.done) == {"get_emeter_data"}

    def test_a_device_that_does_not_say_what_it_counts_is_asked_once(self) -> None:
        peer, it = meter(get_emeter_data={"power_mw": 1234})
        assert [it.read_w() for _ in range(5)] == [1.234] * 5
        assert peer.done.count("get_energy_usage") == 1


@pytest.mark.parametrize("method", ["get_emeter_data", "get_energy_usage", "get_current_power"])
@pytest.mark.parametrize("said", [None, True, "12", [1], {}, -7, math.nan, 10**400, 1e308])
def test_a_mad_meter_raises_nothing_but_our_errors(method: str, said: object) -> None:
    power_w(method, {"power_mw": said, "current_power": said})
    _, it = meter(
        **{method: {"power_mw": said, "current_power": said, "local_time": said}, "get_max_power": {"x": said}}
    )
    with pytest.raises(DeviceError):
        it.read_w()


@pytest.mark.skipif(not DUMPS, reason="TAPO_FIXTURES names no folder with dumps of real devices")
@pytest.mark.parametrize("path", DUMPS, ids=[path.stem for path in DUMPS])
def test_meters_of_real_devices_are_read(path: Path) -> None:
    dump = json.loads(path.read_text())
    _, it = meter(**{method: answer for method, answer in dump.items() if isinstance(answer, dict)})
    if "get_energy_usage" in dump:
        said_w = dump["get_energy_usage"]["current_power"] / 1000
        assert it.read_w() == pytest.approx(max(said_w, 0), abs=0.05)
    else:
        with pytest.raises(Unsupported):
            it.read_w()
