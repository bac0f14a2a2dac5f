"""What a device keeps of the past, aligned to the days of its own zone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tapo_automate.errors import BadSetting, Garbled, Unsupported
from tapo_automate.wire.commands.energy_data import get_energy_data, get_power_data
from wire.commands.recorded import Recorded, listed

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
NOW = dt.datetime(2026, 11, 22, 15, 30, tzinfo=BERLIN)


def _device(
    data: list[Any], *, method: str = "get_energy_data", zone: ZoneInfo = BERLIN, now: dt.datetime = NOW
) -> Recorded:
    """Return a device that has these data, whatever is asked, in its zone."""
    at = now.astimezone(zone)
    clock = {"region": zone.key, "time_diff": 0, "timestamp": int(at.timestamp())}

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        return {**params, "data": data, "local_time": f"{at:%Y-%m-%d %H:%M:%S}"}

    return Recorded({"get_device_time": clock, method: answer})


def _sent(asked: Recorded, zone: ZoneInfo = BERLIN) -> tuple[str, str, int]:
    """Return what was asked for, the bounds in the device's own time."""
    params = asked.asked[-1][1]
    assert params is not None
    start, end = (
        dt.datetime.fromtimestamp(params[name], zone).isoformat() for name in ("start_timestamp", "end_timestamp")
    )
    return start, end, params["interval"]


def test_hours_are_asked_for_from_midnight_to_midnight_of_the_device() -> None:
    asked = _device([5] * 48)
    told = get_energy_data(asked, 60, dt.date(2026, 11, 21), dt.date(2026, 11, 22))
    assert _sent(asked) == ("2026-11-21T00:00:00+01:00", "2026-11-22T23:59:59+01:00", 60)
    assert told.slots[0].start.isoformat() == "2026-11-21T00:00:00+01:00"
    assert told.slots[39].start.isoformat() == "2026-11-22T15:00:00+01:00"
    assert [slot.energy_wh for slot in told.slots[38:42]] == [5, 5, None, None]  # 16:00 is still to come
    assert told.total_wh == 40 * 5


def test_the_day_is_that_of_the_device_wherever_this_computer_is() -> None:
    asked = _device([0] * 24, zone=KATHMANDU)
    told = get_energy_data(asked, 60, dt.date(2026, 11, 22))
    assert _sent(asked, KATHMANDU) == ("2026-11-22T00:00:00+05:45", "2026-11-22T23:59:59+05:45", 60)
    assert told.slots[1].start.isoformat() == "2026-11-22T01:00:00+05:45"


def test_hours_go_by_elapsed_time_where_the_clock_is_put_back() -> None:
    told = get_energy_data(_device([1] * 25), 60, dt.date(2026, 10, 25))
    assert [slot.start.isoformat() for slot in told.slots[1:5]] == [
        "2026-10-25T01:00:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]
    assert told.slots[24].start.isoformat() == "2026-10-25T23:00:00+01:00"


def test_days_are_told_by_quarters_and_begin_at_midnight_on_either_side_of_summer_time() -> None:
    asked = _device([10] * 92)
    told = get_energy_data(asked, 1440, dt.date(2026, 10, 1))
    assert _sent(asked) == ("2026-10-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00", 1440)
    assert told.slots[24].start.isoformat() == "2026-10-25T00:00:00+02:00"
    assert told.slots[25].start.isoformat() == "2026-10-26T00:00:00+01:00"
    assert (told.slots[52].energy_wh, told.slots[53].energy_wh) == (10, None)  # the 22nd and the 23rd of November
    assert told.total_wh == 53 * 10


def test_months_are_told_by_years() -> None:
    asked = _device(list(range(1, 13)))
    told = get_energy_data(asked, 43_200, dt.date(2026, 1, 1))
    assert _sent(asked) == ("2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00", 43_200)
    assert [slot.start.isoformat() for slot in told.slots[5:7]] == [
        "2026-06-01T00:00:00+02:00",
        "2026-07-01T00:00:00+02:00",
    ]
    assert (told.slots[10].energy_wh, told.slots[11].energy_wh, told.total_wh) == (11, None, 66)


@pytest.mark.parametrize(
    ("interval_min", "first", "last", "text"),
    [
        (
            5,
            "2026-11-22",
            None,
            "devices keep energy by the hour (60 min), the day (1440) and the month (43200), not by 5 min; of shorter "
            "times they tell power",
        ),
        (60, "2026-11-14", "2026-11-22", "9 days by the hour are too many: a device tells 8 at a time"),
        (60, "2026-11-22", "2026-11-21", "2026-11-21 is before 2026-11-22"),
        (1440, "2026-11-01", None, "energy by the day begins with a quarter: 2026-10-01, not 2026-11-01"),
        (1440, "2026-10-02", None, "energy by the day begins with a quarter: 2026-10-01, not 2026-10-02"),
        (43_200, "2026-02-01", None, "energy by the month begins with a year: 2026-01-01, not 2026-02-01"),
        (
            1440,
            "2026-10-01",
            "2026-10-31",
            "energy by the day or by the month has no last day: a device tells a quarter, or a year",
        ),
    ],
)
def test_what_devices_refuse_is_refused_before_anything_is_sent(
    interval_min: Any, first: str, last: str | None, text: str
) -> None:
    asked = _device([])
    with pytest.raises(BadSetting) as caught:
        get_energy_data(
            asked, interval_min, dt.date.fromisoformat(first), None if last is None else dt.date.fromisoformat(last)
        )
    assert str(caught.value) == f"10.0.0.5: {text}"
    assert asked.asked == []


def test_eight_days_by_the_hour_are_not_too_many() -> None:
    assert len(get_energy_data(_device([1] * 192), 60, dt.date(2026, 11, 15), dt.date(2026, 11, 22)).slots) == 192


def test_a_device_whose_clock_is_lost_does_not_know_when_it_was() -> None:
    asked = _device([1] * 24, now=dt.datetime(2000, 1, 4, tzinfo=dt.UTC))
    with pytest.raises(Garbled) as caught:
        get_energy_data(asked, 60, dt.date(2026, 11, 22))
    assert "its clock is lost (it says 2000-01-04), and what it kept has no dates" in str(caught.value)
    assert [method for method, _ in asked.asked] == ["get_device_time"]


@pytest.mark.parametrize("value", [-5, "5", None, True])
def test_energy_that_is_none_is_garbled(value: object) -> None:
    with pytest.raises(Garbled, match=r"the answer to get_energy_data has \w+( else)? under 'data\[1\]' where"):
        get_energy_data(_device([3, value]), 60, dt.date(2026, 11, 21))


def test_what_fed_in_is_below_0_where_the_meter_counts_both_ways() -> None:
    asked = _device([-19, NO_DATA, 2], method="get_power_data")
    asked.answers["component_nego"] = listed(energy_monitoring=3)
    start = dt.datetime(2026, 11, 22, 14, tzinfo=dt.UTC)
    told = get_power_data(asked, 5, start, start + dt.timedelta(minutes=15))
    assert [reading.power_w for reading in told.readings] == [-19, None, 2]
    asked.answers["component_nego"] = listed(energy_monitoring=2)
    with pytest.raises(Garbled, match="where watts, or -1 for no data, belongs"):
        get_power_data(asked, 5, start, start + dt.timedelta(minutes=15))


def test_power_is_asked_for_from_where_a_slot_begins() -> None:
    asked = _device([40, NO_DATA, 38.5], method="get_power_data")
    start = dt.datetime(2026, 11, 22, 14, 2, 30, tzinfo=dt.UTC)
    told = get_power_data(asked, 5, start, start + dt.timedelta(minutes=15))
    assert _sent(asked) == ("2026-11-22T15:00:00+01:00", "2026-11-22T15:15:00+01:00", 5)
    assert [(reading.start.isoformat(), reading.power_w) for reading in told.readings] == [
        ("2026-11-22T15:00:00+01:00", 40),
        ("2026-11-22T15:05:00+01:00", None),
        ("2026-11-22T15:10:00+01:00", 38.5),
    ]


def test_hours_of_power_begin_where_the_hours_of_the_device_begin() -> None:
    asked = _device([7], method="get_power_data", zone=KATHMANDU)
    start = dt.datetime(2026, 11, 22, 0, 30, tzinfo=dt.UTC)  # 06:15 there
    told = get_power_data(asked, 60, start, start + dt.timedelta(hours=1))
    assert _sent(asked, KATHMANDU) == ("2026-11-22T06:00:00+05:45", "2026-11-22T07:00:00+05:45", 60)
    assert told.readings[0].start.isoformat() == "2026-11-22T06:00:00+05:45"


def test_less_than_a_slot_is_one() -> None:
    asked = _device([7], method="get_power_data")
    start = dt.datetime(2026, 11, 22, 14, 1, tzinfo=dt.UTC)
    get_power_data(asked, 5, start, start + dt.timedelta(minutes=2))
    assert _sent(asked)[:2] == ("2026-11-22T15:00:00+01:00", "2026-11-22T15:05:00+01:00")


@pytest.mark.parametrize(
    ("interval_min", "minutes", "text"),
    [
        (5, 721, "a device tells 144 slots of 5 min at a time, which are 12 hours: ask for less"),
        (60, 144 * 60 + 1, "a device tells 144 slots of 60 min at a time, which are 6 days: ask for less"),
        (15, 60, "devices keep power by 5 and by 60 minutes, not by 15"),
        (5, 0, "the end is not after the beginning"),
    ],
)
def test_power_that_devices_refuse_is_refused_before_anything_is_sent(
    interval_min: Any, minutes: int, text: str
) -> None:
    asked = _device([], method="get_power_data")
    with pytest.raises(BadSetting) as caught:
        get_power_data(asked, interval_min, NOW, NOW + dt.timedelta(minutes=minutes))
    assert str(caught.value) == f"10.0.0.5: {text}"
    assert asked.asked == []


@pytest.mark.parametrize("offset_s", [0, 1, 299])
def test_no_span_of_twelve_hours_has_more_slots_than_a_device_tells(offset_s: int) -> None:
    asked = _device([1] * 144, method="get_power_data")
    start = NOW + dt.timedelta(seconds=offset_s)
    get_power_data(asked, 5, start, start + dt.timedelta(hours=12))
    params = asked.asked[-1][1]
    assert params is not None
    assert params["end_timestamp"] - params["start_timestamp"] == 144 * 300


def test_power_below_zero_is_garbled_unless_it_is_no_data() -> None:
    with pytest.raises(Garbled) as caught:
        get_power_data(_device([-2], method="get_power_data"), 5, NOW, NOW + dt.timedelta(minutes=5))
    wanted = "has something else under 'data[0]' where watts, or -1 for no data, belongs"
    assert str(caught.value) == f"10.0.0.5: the answer to get_power_data {wanted}"


def test_a_meter_that_keeps_no_power_says_so() -> None:
    asked = _device([])
    asked.answers["component_nego"] = listed(energy_monitoring=2)
    with pytest.raises(Unsupported) as caught:
        get_power_data(asked, 5, NOW, NOW + dt.timedelta(minutes=5))
    assert str(caught.value) == "10.0.0.5: its power meter is of version 2 and does not tell this (get_power_data)"


NO_DATA = -1
