"""What a meter tells of now and of today, and what it costs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tapo_automate.errors import Busy, Garbled, Refused, Unsupported
from tapo_automate.wire.commands.energy import (
    get_current_power,
    get_electricity_price_config,
    get_emeter_data,
    get_energy_usage,
    get_max_power,
)
from wire.commands.recorded import Recorded, listed

USAGE: dict[str, Any] = {
    "current_power": 8962,
    "electricity_charge": [0, 12, 345],
    "local_time": "2024-06-04 14:48:06",
    "month_energy": 1421,
    "month_runtime": 19742,
    "today_energy": 17,
    "today_runtime": 6,
}


def test_usage_comes_in_watts_watt_hours_and_minutes() -> None:
    used = get_energy_usage(Recorded(get_energy_usage=USAGE))
    assert used.power_w == 8.962
    assert (used.today_wh, used.month_wh, used.today_on_min, used.month_on_min) == (17, 1421, 6, 19742)
    assert used.local_time == dt.datetime(2024, 6, 4, 14, 48, 6)  # noqa: DTZ001  # of the device, without a zone
    assert used.charges == (0, 12, 345)
    assert (used.past_24h_wh, used.past_7d_wh, used.past_30d_wh, used.past_1y_wh) == ((), (), (), ())


def test_a_meter_of_the_first_kind_tells_its_past_at_once() -> None:
    past = {"past24h": [1] * 24, "past7d": [[2] * 24] * 7, "past30d": [3] * 30, "past1y": [0, 55, *[0] * 10]}
    used = get_energy_usage(Recorded(get_energy_usage={**USAGE, **past}))
    assert (sum(used.past_24h_wh), len(used.past_7d_wh), len(used.past_7d_wh[6])) == (24, 7, 24)
    assert (len(used.past_30d_wh), used.past_1y_wh[1]) == (30, 55)


def test_a_socket_of_a_strip_leaves_its_power_out() -> None:
    said = {name: value for name, value in USAGE.items() if name not in ("current_power", "electricity_charge")}
    used = get_energy_usage(Recorded(get_energy_usage=said))
    assert (used.power_w, used.charges, used.today_wh) == (None, None, 17)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"past24h": [1, "x"]}, "has something else under 'past24h[1]' where a whole number belongs"),
        ({"past7d": [[1], 5]}, "get_energy_usage has something else under 'past7d[1]' where a list belongs"),
        ({"current_power": -5}, "where a measured value, which is not below 0, belongs"),
        ({"local_time": "yesterday"}, "has something else under 'local_time' where a date and a time belongs"),
    ],
)
def test_what_is_no_usage_is_garbled(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(Garbled) as caught:
        get_energy_usage(Recorded(get_energy_usage={**USAGE, **wrong}))
    assert text in str(caught.value)


def test_what_feeds_in_is_below_0_where_the_meter_counts_both_ways() -> None:
    said: dict[str, Any] = {
        "get_energy_usage": {**USAGE, "current_power": -19_231},
        "get_current_power": {"current_power": -19},
        "get_emeter_data": {"power_mw": -19_231, "voltage_mv": 230_000, "current_ma": -84, "energy_wh": 5},
    }
    asked = Recorded(said, component_nego=listed(energy_monitoring=3))
    assert (get_energy_usage(asked).power_w, get_current_power(asked).power_w) == (-19.231, -19)
    assert (get_emeter_data(asked).power_w, get_emeter_data(asked).current_a) == (-19.231, -0.084)
    asked = Recorded(said, component_nego=listed(energy_monitoring=2))
    for read in (get_energy_usage, get_current_power, get_emeter_data):
        with pytest.raises(Garbled, match="where a measured value, which is not below 0, belongs"):
            read(asked)


def test_where_the_clock_is_lost_the_refusal_says_so() -> None:
    asked = Recorded(get_energy_usage=-1001, get_device_time={"timestamp": 946_958_455, "region": "", "time_diff": 0})
    with pytest.raises(Refused) as caught:
        get_energy_usage(asked)
    assert str(caught.value) == (
        "10.0.0.5: get_energy_usage was refused with error -1001 (UNSPECIFIC): its clock is lost (it says 2000-01-04); "
        "let the device reach a time server (NTP, UDP port 123), or set its clock"
    )


def test_where_the_clock_is_right_the_refusal_stays_as_it_is() -> None:
    clock = {"timestamp": 1_800_000_000, "region": "UTC", "time_diff": 0}
    with pytest.raises(Refused) as caught:
        get_energy_usage(Recorded(get_energy_usage=-1001, get_device_time=clock))
    assert str(caught.value) == (
        "10.0.0.5: get_energy_usage was refused with error -1001 (UNSPECIFIC): the device could not just now: try "
        "again in a minute, and restart it if that does not help"
    )


def test_a_busy_device_is_left_alone() -> None:
    asked = Recorded(get_energy_usage=-1301)
    with pytest.raises(Busy):
        get_energy_usage(asked)
    assert [method for method, _ in asked.asked] == ["get_energy_usage"]


READERS = [get_energy_usage, get_current_power, get_emeter_data, get_max_power, get_electricity_price_config]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("code", [-1002, -1008])
def test_without_a_meter_it_says_so_in_words(read: Any, code: int) -> None:
    asked = Recorded({read.__name__: code, "component_nego": listed(device=2)})
    with pytest.raises(Unsupported) as caught:
        read(asked)
    assert str(caught.value) == "10.0.0.5: it has no power meter"


@pytest.mark.parametrize("read", READERS)
def test_a_meter_of_another_kind_says_what_it_does_not_tell(read: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        read(Recorded(component_nego=listed(energy_monitoring=1)))
    wanted = f"10.0.0.5: its power meter is of version 1 and does not tell this ({read.__name__})"
    assert str(caught.value) == wanted


def test_a_strip_with_meters_sends_to_its_sockets() -> None:
    with pytest.raises(Unsupported) as caught:
        get_energy_usage(Recorded(component_nego=listed(energy_monitoring=2, control_child=2)))
    wanted = '10.0.0.5: it is a power strip, and each of its sockets has a meter: name one, as in "strip/1"'
    assert str(caught.value) == wanted


def test_each_figure_has_its_unit() -> None:
    emeter = {"current_ma": 1469, "energy_wh": 20345, "power_mw": 337_500, "voltage_mv": 233_509}
    asked = Recorded(get_current_power={"current_power": 17}, get_max_power={"max_power": 3379}, get_emeter_data=emeter)
    assert get_current_power(asked).power_w == 17
    assert get_max_power(asked).power_w == 3379
    measured = get_emeter_data(asked)
    assert (measured.power_w, measured.voltage_v, measured.current_a, measured.energy_wh) == (
        337.5,
        233.509,
        1.469,
        20345,
    )


def test_a_maximum_that_no_socket_has_is_garbled() -> None:
    with pytest.raises(Garbled, match="has something else under 'max_power' where what a socket may carry, in watts,"):
        get_max_power(Recorded(get_max_power={"max_power": 10**7}))


def test_prices_are_told_by_season() -> None:
    season = {"onpeak": 40, "midpeak": 30, "offpeak": 20, "period": [4, 1, 9, 30]}
    season |= {"weekday_config": [1] * 23 + [3], "weekend_config": [3] * 24}
    said = {"type": "constant", "constant_price": 32, "time_of_use_config": {"summer": season}}
    prices = get_electricity_price_config(Recorded(get_electricity_price_config=said))
    assert (prices.kind, prices.constant, prices.winter) == ("constant", 32, None)
    assert prices.summer is not None
    assert (prices.summer.on_peak, prices.summer.off_peak, prices.summer.period) == (40, 20, (4, 1, 9, 30))
    assert (prices.summer.weekdays[23], prices.summer.weekends[0]) == (3, 3)
