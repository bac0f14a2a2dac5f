"""How long a device has been used; nonsense is none."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.errors import Garbled
from tapo_automate.wire.commands.usage import Spans, get_device_usage
from wire.commands.recorded import Recorded

NONSENSE = Spans(None, None, None)


def _spans(today: Any, past7: Any, past30: Any) -> dict[str, Any]:
    return {"today": today, "past7": past7, "past30": past30}


def test_a_plug_without_a_meter_tells_time_alone() -> None:
    used = get_device_usage(Recorded(get_device_usage={"time_usage": _spans(3, 2443, 4113)}))
    assert (used.on_min, used.energy_wh, used.saved_wh) == (Spans(3, 2443, 4113), None, None)


def test_what_was_fed_in_is_not_taken_off_what_was_used() -> None:
    power = {**_spans(0, 0, 12), "today_mwh": -1397, "past7_mwh": -1397, "past30_mwh": 11_603}
    used = get_device_usage(Recorded(get_device_usage={"time_usage": _spans(54, 112, 112), "power_usage": power}))
    assert used.energy_wh == Spans(0, 0, 11.603)
    power = {"today_mwh": -1397, "past7_mwh": 1, "past30_mwh": 1}
    used = get_device_usage(Recorded(get_device_usage={"time_usage": _spans(54, 112, 112), "power_usage": power}))
    assert used.energy_wh == NONSENSE


def test_energy_is_exact_where_newer_firmware_says_it_so() -> None:
    power = {**_spans(6, 16, 16), "today_mwh": 6169, "past7_mwh": 16169, "past30_mwh": 16169}
    used = get_device_usage(Recorded(get_device_usage={"time_usage": _spans(54, 112, 112), "power_usage": power}))
    assert used.energy_wh == Spans(6.169, 16.169, 16.169)


def test_what_a_lamp_says_of_memory_that_nobody_has_filled_is_left_out() -> None:
    said = {  # as a lamp was seen to say it, with one figure that could be right among those that cannot
        "power_usage": _spans(17, 494, 1719),
        "saved_power": _spans(33862137, 0, 10718141),
        "time_usage": _spans(1107603978, 135451055, 1513958414),
    }
    used = get_device_usage(Recorded(get_device_usage=said))
    assert (used.energy_wh, used.saved_wh, used.on_min) == (Spans(17, 494, 1719), NONSENSE, NONSENSE)


@pytest.mark.parametrize(
    ("spans", "believed"),
    [
        ((1440, 10_080, 43_200), True),  # never off
        ((1500, 10_140, 43_260), True),  # on the day that has 25 hours
        ((1501, 1501, 1501), False),
        ((0, 10_141, 10_141), False),
        ((0, 0, 43_261), False),
        ((-1, 0, 0), False),
    ],
)
def test_minutes_are_believed_as_far_as_the_days_can_hold_them(spans: tuple[int, ...], believed: bool) -> None:
    used = get_device_usage(Recorded(get_device_usage={"time_usage": _spans(*spans)}))
    assert used.on_min == (Spans(*spans) if believed else NONSENSE)


def test_a_span_that_is_not_said_leaves_the_others() -> None:
    used = get_device_usage(Recorded(get_device_usage={"time_usage": {"today": 5}}))
    assert used.on_min == Spans(5, None, None)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "the answer to get_device_usage has nothing under 'time_usage' where a table of names and values belongs"),
        (
            {"time_usage": {"today": "long"}},
            "the answer to get_device_usage.time_usage has something else under 'today' where a whole number belongs",
        ),
    ],
)
def test_what_is_no_usage_is_garbled(said: dict[str, Any], text: str) -> None:
    with pytest.raises(Garbled) as caught:
        get_device_usage(Recorded(get_device_usage=said))
    assert str(caught.value) == f"10.0.0.5: {text}"
