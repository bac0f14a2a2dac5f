"""Energy, power and running time against sums done by hand, and their units."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.speaking import Clock, Klap
from tapo_automate.simulator import Device, Trace

Add = Callable[..., Device]
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600, 86_400


def berlin(*parts: int) -> float:
    return datetime(*parts, tzinfo=BERLIN).timestamp()  # type: ignore[misc, arg-type]


class Metered:
    """A P110 under a clock of the test's, switched on at its start."""

    def __init__(self, add: Add, clock: Clock, **wishes: Any) -> None:
        self.clock = clock
        self.device = add("P110", now=clock, on=True, **wishes)
        self.session = Klap(self.device).log_in()

    def get(self, method: str, params: Any = ...) -> Any:
        reply = self.session.call(method, params)
        return reply.get("result") if reply["error_code"] == 0 else reply["error_code"]


def test_a_constant_load_is_told_in_each_methods_unit(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="1234.5")
    clock.at += 2 * HOUR
    assert meter.get("get_energy_usage") == {
        "current_power": 1_234_500,
        "electricity_charge": [0, 0, 0],
        "local_time": "2026-07-13 14:00:00",
        "today_energy": 2469,
        "month_energy": 2469,
        "today_runtime": 120,
        "month_runtime": 120,
    }
    assert meter.get("get_current_power") == {"current_power": 1234}
    emeter = {"current_ma": 5367, "energy_wh": 2469, "power_mw": 1_234_500, "voltage_mv": 230_000}
    assert meter.get("get_emeter_data") == emeter
    assert meter.get("get_max_power") == {"max_power": 3680}
    assert meter.get("get_device_usage") == {
        "time_usage": {"today": 120, "past7": 120, "past30": 120},
        "power_usage": {"today": 2469, "past7": 2469, "past30": 2469},
        "saved_power": {"today": 0, "past7": 0, "past30": 0},
    }


def test_a_relay_that_is_off_draws_nothing(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="1000")
    clock.at += HOUR
    meter.device.press()
    clock.at += 5 * HOUR
    usage = meter.get("get_energy_usage")
    assert (usage["current_power"], usage["today_energy"], usage["today_runtime"]) == (0, 1000, 60)
    meter.device.press()
    clock.at += HOUR // 2
    assert meter.get("get_energy_usage")["today_energy"] == 1500


def test_steps_are_integrated_exactly_however_often_one_looks(add: Add, clock: Clock) -> None:
    looked = Metered(add, clock, trace="steps:0=600/100=0/130=1200/190=60")
    unseen = Metered(add, clock, trace="steps:0=600/100=0/130=1200/190=60")
    for _ in range(400):
        clock.at += 0.7
        looked.get("get_energy_usage")
    # 100 s of 600 W, 30 s of nothing, 60 s of 1200 W, 90 s of 60 W
    joules = 60_000 + 72_000 + 90 * 60
    for meter in (looked, unseen):
        assert meter.get("get_emeter_data")["energy_wh"] == joules // 3600
        assert meter.device._core.appliance.meter.total_wh(clock.at) == pytest.approx(joules / 3600)
        assert meter.get("get_current_power") == {"current_power": 60}


def test_switching_many_times_loses_nothing(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="360")
    for _ in range(1000):
        clock.at += 10
        meter.device.press()
    assert meter.get("get_energy_usage")["today_energy"] == 500
    assert meter.get("get_energy_usage")["today_runtime"] == 5000 // 60


def test_day_and_month_end_at_local_midnight(add: Add, clock: Clock) -> None:
    clock.at = berlin(2026, 7, 31, 22, 0)
    meter = Metered(add, clock, trace="100")
    clock.at = berlin(2026, 8, 1, 3, 0)
    usage = meter.get("get_energy_usage")
    assert (usage["today_energy"], usage["month_energy"]) == (300, 300)
    assert meter.get("get_device_usage")["power_usage"] == {"today": 300, "past7": 500, "past30": 500}
    meter.device.press()
    clock.at = berlin(2026, 8, 9, 3, 0)
    assert meter.get("get_device_usage")["power_usage"] == {"today": 0, "past7": 0, "past30": 500}


def test_a_day_that_loses_an_hour_has_23(add: Add, clock: Clock) -> None:
    clock.at = berlin(2027, 3, 28, 0, 0)
    meter = Metered(add, clock, trace="100")
    clock.at = berlin(2027, 3, 28, 23, 59)
    usage = meter.get("get_energy_usage")
    assert usage["today_runtime"] == 22 * 60 + 59
    assert usage["local_time"] == "2027-03-28 23:59:00"


def test_hours_are_told_apart(add: Add, clock: Clock) -> None:
    clock.at = berlin(2026, 7, 13, 9, 30)
    meter = Metered(add, clock, trace="100")
    clock.at = berlin(2026, 7, 13, 12, 15)
    start, end = berlin(2026, 7, 13), berlin(2026, 7, 14) - 1
    params = {"start_timestamp": int(start), "end_timestamp": int(end), "interval": 60}
    reply = meter.get("get_energy_data", params)
    assert reply["data"] == [0] * 9 + [50, 100, 100, 25] + [0] * 11
    assert {key: reply[key] for key in params} == params
    assert reply["local_time"] == "2026-07-13 12:15:00"


def test_hours_are_aligned_in_zones_of_half_hours(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="100")
    india = {"timestamp": int(clock.at), "time_diff": 330, "region": "Asia/Kolkata"}
    meter.get("set_device_time", india)
    midnight = int(datetime(2026, 7, 13, tzinfo=ZoneInfo("Asia/Kolkata")).timestamp())
    clock.at += HOUR
    params = {"start_timestamp": midnight, "end_timestamp": midnight + DAY - 1, "interval": 60}
    assert meter.get("get_energy_data", params)["data"] == [0] * 15 + [50, 50] + [0] * 7


def test_days_of_a_quarter_and_months_of_a_year_are_told_apart(add: Add, clock: Clock) -> None:
    clock.at = berlin(2026, 7, 2, 0, 0)
    meter = Metered(add, clock, trace="100")
    clock.at = berlin(2026, 8, 1, 12, 0)
    quarter = int(berlin(2026, 7, 1))
    days = meter.get("get_energy_data", {"start_timestamp": quarter, "end_timestamp": quarter, "interval": 1440})
    assert days["data"] == [0] + [2400] * 30 + [1200] + [0] * 60
    year = int(berlin(2026, 1, 1))
    months = meter.get("get_energy_data", {"start_timestamp": year, "end_timestamp": year, "interval": 43_200})
    assert months["data"] == [0] * 6 + [72_000, 1200, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("day", "days", "interval"),
    [(1, 1, 30), (1, 9, 60), (2, -1, 1440), (1, 1, 100), (1, -1, 60)],
)
def test_energy_data_of_no_span_is_refused(add: Add, clock: Clock, day: int, days: int, interval: int) -> None:
    meter = Metered(add, clock)
    start = int(berlin(2026, 7, day))
    params = {"start_timestamp": start, "end_timestamp": start + days * DAY, "interval": interval}
    assert meter.get("get_energy_data", params) == -1008


def test_a_washing_machine_begins_when_it_is_switched_on(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="washing-machine")
    meter.device.press()
    clock.at += DAY
    assert meter.device.power_w == 0
    meter.device.press()
    clock.at += 10 * 60
    assert meter.device.power_w > 1900, "it heats"
    clock.at += 2 * HOUR
    assert meter.device.power_w == 0.8, "it has ended"
    energy = meter.get("get_emeter_data")["energy_wh"]
    assert 800 < energy < 1100
    meter.device.press()
    meter.device.press()
    clock.at += 10 * 60
    assert meter.device.power_w > 1900, "the next wash"


def test_a_trace_from_the_start_goes_on_while_the_relay_is_off(add: Add, clock: Clock) -> None:
    kept = Metered(add, clock, trace="steps:0=10/100=20")
    anew = Metered(add, clock, trace="steps:0=10/100=20,from=switch-on")
    for wait_s in (50, 100):
        clock.at += wait_s
        kept.device.press()
        anew.device.press()
    assert (kept.device.power_w, anew.device.power_w) == (20, 10)


def test_another_load_can_be_plugged_in(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="100")
    clock.at += HOUR
    meter.device.set_trace("steps:0=10/60=20")
    clock.at += 61
    assert meter.device.power_w == 20
    meter.device.set_trace(Trace([(0, 5)]))
    assert meter.get("get_emeter_data")["power_mw"] == 5000
    assert meter.get("get_energy_usage")["today_energy"] == 100


def test_a_lamp_draws_what_its_brightness_asks_for(add: Add, clock: Clock) -> None:
    device = add("L530", now=clock, on=True)
    session = Klap(device).log_in()
    assert device.power_w == pytest.approx(8.7)
    session.call("set_device_info", {"brightness": 10})
    clock.at += 100 * HOUR
    assert device.power_w == pytest.approx(0.87)
    usage = session.call("get_device_usage")["result"]
    assert usage["power_usage"]["past7"] == 87
    assert usage["saved_power"]["past7"] == 6000 - 87


def test_a_lost_clock_says_2000_and_has_no_energy(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="100", faults="clock-lost")
    clock.at += 60
    assert meter.get("get_device_time")["timestamp"] == 946_684_860
    assert meter.get("get_energy_usage") == -1601
    assert meter.get("get_energy_data", {"start_timestamp": 0, "end_timestamp": 0, "interval": 60}) == -1601
    clock.at += HOUR - 60
    meter.get("set_device_time", {"timestamp": int(clock.at), "time_diff": 60, "region": "Europe/Berlin"})
    clock.at += HOUR
    usage = meter.get("get_energy_usage")
    assert (usage["today_energy"], usage["today_runtime"]) == (100, 60), "what was measured in 2000 stays there"
    assert meter.get("get_emeter_data")["energy_wh"] == 200


def test_a_clock_can_be_lost_while_the_device_runs(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, trace="100")
    meter.device.set_faults("clock-lost")
    assert meter.get("get_energy_usage") == -1601
    meter.device.set_clock(clock.at)
    assert meter.get("get_energy_usage")["local_time"] == "2026-07-13 12:00:00"


def test_the_first_firmware_gives_its_history_in_four_lists(add: Add, clock: Clock) -> None:
    from simulator.speaking import Passthrough

    clock.at = berlin(2026, 7, 12, 22, 30)
    device = add("P110", transport="aes-v1", now=clock, on=True, trace="100")
    session = Passthrough(device, version=1).log_in()
    clock.at = berlin(2026, 7, 13, 1, 30)
    usage = session.call("get_energy_usage")["result"]
    assert usage["past24h"] == [0] * 20 + [50, 100, 100, 50]
    assert usage["past7d"][5] == [0] * 22 + [50, 100]
    assert usage["past7d"][6] == [100, 50] + [0] * 22
    assert usage["past30d"] == [0] * 28 + [150, 150]
    assert usage["past1y"] == [0] * 11 + [300]
    assert "electricity_charge" not in usage
    assert session.call("get_current_power") == {"error_code": -1002}
    assert session.call("get_energy_data", {}) == {"error_code": -1002}


def test_a_clock_that_runs_a_day_in_a_minute_is_followed(add: Add) -> None:
    moments = iter(range(1_783_936_800, 1_999_999_999, 1440))
    device = add("P110", now=lambda: float(next(moments)), on=True, trace="100")
    session = Klap(device).log_in()
    first = session.call("get_device_time")["result"]["timestamp"]
    assert session.call("get_device_time")["result"]["timestamp"] - first >= 1440
