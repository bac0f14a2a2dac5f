"""Energy and power over a long time: what the methods tell is what the meter counted, whoever asks and when."""

import random
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise, zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulator.speaking import Clock, Klap, Passthrough
from tapo_automate.simulator import Device

Add = Callable[..., Device]
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600, 86_400
PARAMS, UNKNOWN, TIME = -1008, -1002, -1601


def berlin(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=BERLIN).timestamp())  # type: ignore[misc, arg-type]


class Metered:
    def __init__(self, add: Add, clock: Clock, profile: str = "P110", **wishes: Any) -> None:
        self.device = add(profile, now=clock, **{"on": True} | wishes)
        self.session = Klap(self.device).log_in()

    def get(self, method: str, **params: Any) -> Any:
        reply = self.session.call(method, params)
        return reply.get("result") if reply["error_code"] == 0 else reply["error_code"]

    def energy(self, start: int, end: int, interval: int) -> Any:
        reply = self.get("get_energy_data", start_timestamp=start, end_timestamp=end, interval=interval)
        return reply if isinstance(reply, int) else reply["data"]

    def power(self, start: int, end: int, interval: int) -> Any:
        reply = self.get("get_power_data", start_timestamp=start, end_timestamp=end, interval=interval)
        return reply if isinstance(reply, int) else reply["data"]


def test_hours_days_and_months_add_up_to_what_the_meter_counted(add: Add, clock: Clock) -> None:
    """Half a year of switching at random instants, against a sum kept beside it."""
    clock.at = float(berlin(2026, 1, 1))
    meter = Metered(add, clock, trace="1000")
    dice = random.Random(7)
    edges = [clock.at]
    while (then := clock.at + dice.uniform(60, 12 * HOUR)) < berlin(2026, 7, 1):
        clock.at = then
        meter.device.press()
        edges.append(clock.at)
    clock.at = float(berlin(2026, 7, 1))
    spans = list(zip_longest(edges[::2], edges[1::2], fillvalue=clock.at))

    def counted_wh(start: float, end: float) -> float:
        on_s: float = sum(max(0.0, min(b, end) - max(a, start)) for a, b in spans)
        return on_s * 1000 / 3600

    year = meter.energy(berlin(2026, 1, 1), berlin(2026, 1, 1), 43_200)
    months = [berlin(2026, month, 1) for month in range(1, 8)]
    assert year[:6] == [pytest.approx(counted_wh(a, b), abs=1) for a, b in pairwise(months)]
    quarter = meter.energy(berlin(2026, 4, 1), berlin(2026, 4, 1), 1440)
    assert quarter == [
        pytest.approx(counted_wh(day, day + DAY), abs=1)
        for day in range(berlin(2026, 4, 1), berlin(2026, 7, 1), DAY)
    ]  # fmt: skip
    for first in (berlin(2026, 6, 24), berlin(2026, 5, 10)):
        hours = meter.energy(first, first + DAY - 1, 60)
        assert hours == [pytest.approx(counted_wh(first + h * HOUR, first + (h + 1) * HOUR), abs=1) for h in range(24)]
    assert meter.get("get_emeter_data")["energy_wh"] == pytest.approx(sum(year), abs=12)


def test_what_is_kept_of_ten_years_is_bounded(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, on=True, trace="10")
    for _ in range(120):
        clock.at += 30 * DAY + 12_345
        device.press()
        device.press()
    meter = device._core.appliance.meter
    assert meter.slots < 4000
    assert meter.total_wh(device.time) == pytest.approx(10 * 120 * (30 * DAY + 12_345) / 3600)


def test_a_clock_that_jumps_to_and_fro_leaves_no_heap_behind(add: Add, clock: Clock) -> None:
    device = add("P110", now=clock, on=True, trace="10")
    for jump in range(100):
        device.set_clock(1_000_000_000 + (jump * 7919 % 100) * 5_000_000)
        clock.at += 3 * DAY
        device.press()
        device.press()
    assert device._core.appliance.meter.slots < 4000


@pytest.mark.parametrize(
    ("start", "end", "interval"),
    [
        (berlin(2026, 7, 13), berlin(2026, 7, 13), 5),
        (berlin(2026, 7, 13), berlin(2026, 7, 13), 59),
        (berlin(2026, 7, 1), berlin(2026, 7, 9) + 1, 60),
        (berlin(2026, 7, 1), berlin(2026, 7, 1) - 1, 1440),
        (berlin(2026, 1, 1), berlin(2026, 1, 1) - 1, 43_200),
    ],
)
def test_a_span_that_the_device_does_not_tell_is_refused(
    add: Add, clock: Clock, start: int, end: int, interval: int
) -> None:
    assert Metered(add, clock).energy(start, end, interval) == PARAMS


@pytest.mark.parametrize(
    ("start", "end", "interval", "before", "length"),
    [
        (berlin(2026, 4, 1), berlin(2026, 4, 1), 1440, 72, 91),
        (berlin(2026, 4, 1), berlin(2026, 7, 1), 1440, 72, 91),
        (berlin(2026, 5, 2, 22), berlin(2026, 5, 23), 1440, 42, 92),
        (berlin(2026, 6, 30, 23), berlin(2026, 7, 5), 1440, 11, 92),
        (berlin(2026, 1, 1), berlin(2026, 1, 1), 43_200, 5, 12),
        (berlin(2026, 2, 17, 12), berlin(2027, 1, 1), 43_200, 5, 12),
    ],
)
def test_days_begin_with_a_month_and_months_with_a_year(
    add: Add, clock: Clock, start: int, end: int, interval: int, before: int, length: int
) -> None:
    """The twelfth of June is the only day of which the meter knows."""
    clock.at = float(berlin(2026, 6, 12))
    meter = Metered(add, clock, trace="100")
    clock.at += DAY
    meter.device.press()
    clock.at = float(berlin(2026, 8, 1))
    data = meter.energy(start, end, interval)
    assert (data[before], sum(data), len(data)) == (2400, 2400, length)


@pytest.mark.parametrize("missing", ["start_timestamp", "end_timestamp", "interval"])
@pytest.mark.parametrize("method", ["get_energy_data", "get_power_data"])
def test_each_bound_is_needed_and_is_a_number(add: Add, clock: Clock, method: str, missing: str) -> None:
    meter = Metered(add, clock)
    whole = {"start_timestamp": berlin(2026, 7, 13), "end_timestamp": berlin(2026, 7, 13, 5), "interval": 60}
    assert isinstance(meter.get(method, **whole), dict)
    assert meter.get(method, **{key: value for key, value in whole.items() if key != missing}) == PARAMS
    assert meter.get(method, **whole | {missing: str(whole[missing])}) == PARAMS


def test_power_is_told_in_means_of_five_minutes(add: Add, clock: Clock) -> None:
    clock.at = float(berlin(2026, 7, 13, 12))
    meter = Metered(add, clock, trace="300")
    clock.at += 10 * 60
    meter.device.press()
    clock.at += 2 * 60
    meter.device.press()
    clock.at += 5 * 60
    start = berlin(2026, 7, 13, 11, 55)
    reply = meter.get("get_power_data", start_timestamp=start, end_timestamp=start + 30 * 60, interval=5)
    # Before it began; two slots of full power; one in which it was off for two minutes; the one that runs; the future.
    assert reply == {
        "data": [-1, 300, 300, 180, -1, -1],
        "start_timestamp": start,
        "end_timestamp": start + 30 * 60,
        "interval": 5,
    }


def test_power_by_the_hour_agrees_with_energy_by_the_hour(add: Add, clock: Clock) -> None:
    clock.at = float(berlin(2026, 7, 10))
    meter = Metered(add, clock, trace="washing-machine")
    clock.at += 4 * HOUR
    meter.device.press()
    clock.at += 1800
    start = berlin(2026, 7, 10)
    energies = meter.energy(start, start + DAY - 1, 60)
    powers = meter.power(start, start + DAY, 60)
    assert powers[:4] == [pytest.approx(wh, abs=1) for wh in energies[:4]]
    assert powers[4:] == [-1] * 20
    assert sum(powers[:4]) > 800


def test_power_brings_a_late_end_forward_to_144_entries(add: Add, clock: Clock) -> None:
    clock.at = float(berlin(2026, 7, 1))
    meter = Metered(add, clock, trace="50")
    clock.at += 10 * DAY
    for interval, seconds in ((5, 12 * HOUR), (60, 6 * DAY)):
        start = int(clock.at) - (DAY if interval == 5 else 8 * DAY)
        reply = meter.get("get_power_data", start_timestamp=start, end_timestamp=start + 9 * DAY, interval=interval)
        assert reply["data"] == [50] * 144
        assert reply["end_timestamp"] == start + seconds
    # Of what is older than two days there are hours alone, and five minutes are unknown.
    assert meter.power(berlin(2026, 7, 2), berlin(2026, 7, 2, 1), 5) == [-1] * 12
    assert meter.power(berlin(2026, 7, 2), berlin(2026, 7, 2, 1), 60) == [50]


@pytest.mark.parametrize("interval", [0, 1, 15, 30, 61, 1440])
def test_power_knows_two_intervals(add: Add, clock: Clock, interval: int) -> None:
    assert Metered(add, clock).power(berlin(2026, 7, 13), berlin(2026, 7, 13, 1), interval) == PARAMS


def test_power_data_is_known_to_newer_firmware_with_a_meter_alone(add: Add, clock: Clock) -> None:
    wish = {"start_timestamp": berlin(2026, 7, 13), "end_timestamp": berlin(2026, 7, 13, 1), "interval": 60}
    old = Passthrough(add("P110", transport="aes", now=clock)).log_in()
    assert old.call("get_power_data", wish) == {"error_code": UNKNOWN}
    assert old.call("get_energy_data", wish)["error_code"] == 0
    for model in ("P105", "L530"):
        assert Metered(add, clock, model).get("get_power_data", **wish) == UNKNOWN


def test_a_clock_that_is_not_set_has_no_energy(add: Add, clock: Clock) -> None:
    meter = Metered(add, clock, faults="clock-lost")
    now = int(meter.device.time)
    assert meter.get("get_energy_usage") == TIME
    assert meter.energy(now, now, 60) == TIME
    assert meter.power(now - HOUR, now, 60) == TIME
    assert isinstance(meter.get("get_emeter_data"), dict), "the meter itself needs no clock"


def test_a_socket_has_a_history_of_its_own(add: Add, clock: Clock) -> None:
    clock.at = float(berlin(2026, 7, 13, 12))
    strip = add("P304M", now=clock, trace="100")
    session = Klap(strip).log_in()
    strip.children[1].press()
    clock.at += 2 * HOUR

    def ask(index: int, method: str, **params: Any) -> Any:
        wrapped = {"device_id": strip.children[index].device_id, "requestData": {"method": method, "params": params}}
        return session.call("control_child", wrapped)["result"]["responseData"]["result"]

    start = berlin(2026, 7, 13, 12)
    span = {"start_timestamp": start, "end_timestamp": start + 2 * HOUR - 1, "interval": 60}
    assert ask(1, "get_energy_data", **span)["data"] == [100, 100]
    assert ask(0, "get_energy_data", **span)["data"] == [0, 0]
    assert ask(1, "get_power_data", **span | {"end_timestamp": start + 2 * HOUR})["data"] == [100, 100]
    assert ask(1, "get_device_usage")["time_usage"] == {"today": 120, "past7": 120, "past30": 120}
