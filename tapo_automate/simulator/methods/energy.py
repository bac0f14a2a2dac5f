"""Energy, power and running time, in the units of each method.  Source: docs/protocol.md, "Energy and power"."""

from itertools import pairwise
from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.methods.registry import method
from tapo_automate.simulator.refusal import PARAMS, TIME, Refused

Params = dict[str, Any]

_HOUR_S, _DAY_S = 3600, 86_400
_MOST_ENTRIES = 144
_EPSILON_WH = 1e-6  # sums of floats may end just below the whole number that they mean


@method("get_energy_usage", needs="get_energy_usage")
def get_energy_usage(appliance: Appliance, params: Params) -> Params:
    """Milliwatts, watt-hours and minutes; the fields are those of the profile's firmware.  Needs a set clock."""
    at = _clock_time(appliance)
    template: Params = appliance.replies["get_energy_usage"]
    clock, meter = appliance.clock, appliance.meter
    today_wh, today_s = meter.between(clock.midnight(at), at, at)
    month_wh, month_s = meter.between(clock.month_start(at), at, at)
    same_day, same_month = appliance.same_day(at), appliance.same_month(at)
    fresh = {
        "current_power": round(meter.watts(at) * 1000),
        "local_time": f"{clock.local(at):%Y-%m-%d %H:%M:%S}",
        "today_energy": _whole(today_wh) + same_day * template.get("today_energy", 0),
        "month_energy": _whole(month_wh) + same_month * template.get("month_energy", 0),
        "today_runtime": int(today_s // 60) + same_day * template.get("today_runtime", 0),
        "month_runtime": int(month_s // 60) + same_month * template.get("month_runtime", 0),
    }
    if "past24h" in template:
        fresh |= _history(appliance, at)
    return {key: fresh.get(key, value) for key, value in template.items()}


@method("get_current_power", needs="get_current_power")
def get_current_power(appliance: Appliance, params: Params) -> Params:
    return {"current_power": round(appliance.meter.watts(appliance.clock.time()))}


@method("get_emeter_data", needs="get_emeter_data")
def get_emeter_data(appliance: Appliance, params: Params) -> Params:
    template: Params = appliance.replies["get_emeter_data"]
    at = appliance.clock.time()
    power_mw = round(appliance.meter.watts(at) * 1000)
    voltage_mv = template.get("voltage_mv") or 230_000
    told_mw, told_ma = template.get("power_mw"), template.get("current_ma")
    # What a dump's load draws in amperes says how its current lags; of other loads nobody knows.
    if told_ma is not None and power_mw == told_mw:
        current_ma = told_ma  # some flows where nothing is drawn, too
    else:
        current_ma = power_mw * told_ma / told_mw if told_mw and told_ma else power_mw * 1000 / voltage_mv
    return template | {
        "power_mw": power_mw,
        "current_ma": round(current_ma),
        "voltage_mv": voltage_mv,
        "energy_wh": template.get("energy_wh", 0) + _whole(appliance.meter.total_wh(at)),
    }


@method("get_energy_data", needs="get_energy_usage", component="energy_monitoring", version=2)
def get_energy_data(appliance: Appliance, params: Params) -> Params:
    """Watt-hours by hour (interval 60), day of three months (1440) or month of a year (43200); the future is 0."""
    at = _clock_time(appliance)
    start = read.integer(params, "start_timestamp", 0, 2**32 - 1)
    end = read.integer(params, "end_timestamp", start, 2**32 - 1)
    interval = read.integer(params, "interval", 60, 43_200)
    edges = _edges(appliance, start, end, interval)
    slots = pairwise(edges)
    return {
        "data": [_whole(appliance.meter.between(a, b, at)[0]) if a < at else 0 for a, b in slots],
        "start_timestamp": start,
        "end_timestamp": end,
        "interval": interval,
        "local_time": f"{appliance.clock.local(at):%Y-%m-%d %H:%M:%S}",
    }


@method("get_power_data", component="charging_protection")
def get_power_data(appliance: Appliance, params: Params) -> Params:
    """Watts, the mean of each five minutes (interval 5) or hour (60), -1 where it knows none.

    At most 144 entries: a later end is brought forward, and told so.  Of the firmware that meters, the newer one
    (with charging protection) knows this method.
    """
    at = _clock_time(appliance)
    start = read.integer(params, "start_timestamp", 0, 2**32 - 1)
    end = read.integer(params, "end_timestamp", start + 1, 2**32 - 1)
    interval = read.integer(params, "interval", 5, 60)
    if interval not in (5, 60) or "energy_monitoring" not in appliance.profile.components:
        raise Refused(PARAMS)
    slot_s = interval * 60
    first = start // slot_s * slot_s if interval == 5 else round(appliance.clock.hour(start))
    count = min(_MOST_ENTRIES, -(-(end - first) // slot_s))
    means = [appliance.meter.mean_w(slot, slot + slot_s, at) for slot in range(first, first + count * slot_s, slot_s)]
    return {
        "data": [-1 if mean_w is None else round(mean_w) for mean_w in means],
        "start_timestamp": first,
        "end_timestamp": first + count * slot_s,
        "interval": interval,
    }


@method("get_device_usage", needs="get_device_usage")
def get_device_usage(appliance: Appliance, params: Params) -> Params:
    """Minutes and watt-hours; saved_power is what the running time exceeds the energy by, as real devices say."""
    at = appliance.clock.time()
    template: Params = appliance.replies["get_device_usage"]
    spans = {"today": 1, "past7": 7, "past30": 30}
    fresh: dict[str, dict[str, int]] = {name: {} for name in ("time_usage", "power_usage", "saved_power")}
    for span, days in spans.items():
        energy_wh, on_s = appliance.meter.between(appliance.clock.midnight(at, 1 - days), at, at)
        known = appliance.days_since_start(at) < days
        minutes = int(on_s // 60) + known * _part(template, "time_usage", span)
        used_wh = energy_wh + known * _part(template, "power_usage", span)
        fresh["time_usage"][span] = minutes
        fresh["power_usage"][span] = _whole(used_wh)
        fresh["saved_power"][span] = max(0, minutes - _whole(used_wh))
        if appliance.untouched(at) and known:
            fresh["saved_power"][span] = _part(template, "saved_power", span)
    return {group: _fill(rows, fresh.get(group, {})) for group, rows in template.items()}


def _fill(rows: Any, fresh: dict[str, int]) -> Any:
    """Return rows with today, past7, past30 and their _mwh variants made fresh."""
    if not isinstance(rows, dict):
        return rows
    filled = {key: fresh.get(key, value) for key, value in rows.items()}
    for key in rows:
        whole = key.removesuffix("_mwh")
        # A dump's milliwatt-hours are finer than its watt-hours; they stay until the watt-hours change.
        if whole != key and fresh.get(whole, rows.get(whole)) != rows.get(whole):
            filled[key] = fresh[whole] * 1000
    return filled


def _part(template: Params, group: str, span: str) -> int:
    rows = template.get(group)
    value = rows.get(span, 0) if isinstance(rows, dict) else 0
    return value if isinstance(value, int) else 0


def _clock_time(appliance: Appliance) -> float:
    if appliance.clock.lost:
        raise Refused(TIME)
    return appliance.clock.time()


def _history(appliance: Appliance, at: float) -> Params:
    """Return the four lists of component version 1; the last item of each is the running hour, day or month."""
    clock, meter = appliance.clock, appliance.meter
    template = appliance.replies["get_energy_usage"]
    hour = clock.hour(at)
    days = [clock.midnight(at, -back) for back in range(29, -1, -1)]
    months = [clock.month_start(at, -back) for back in range(11, -2, -1)]

    def wh(start: float, end: float) -> int:
        return _whole(meter.between(start, end, at)[0])

    lists: Params = {
        "past24h": [wh(hour - back * _HOUR_S, hour - (back - 1) * _HOUR_S) for back in range(23, -1, -1)],
        "past7d": [[wh(day + h * _HOUR_S, day + (h + 1) * _HOUR_S) for h in range(24)] for day in days[-7:]],
        "past30d": [wh(day, end) for day, end in zip(days, [*days[1:], at], strict=True)],
        "past1y": [wh(start, end) for start, end in pairwise(months)],
    }
    if appliance.same_day(at):
        lists = {name: _added(rows, template[name]) for name, rows in lists.items()}
    return lists


def _added(fresh: Any, stored: Any) -> Any:
    if isinstance(fresh, list) != isinstance(stored, list):
        return fresh
    if isinstance(fresh, list):
        return [_added(a, b) for a, b in zip(fresh, stored, strict=True)] if len(fresh) == len(stored) else fresh
    return fresh + stored


def _edges(appliance: Appliance, start: int, end: int, interval: int) -> list[float]:
    """Return the borders of the slots, one more than there are slots.

    Of days there are three months, from the first of the month of start, and of months a year, whatever end says: so a
    P110 of firmware 1.3.0 told ninety days from the first on when it was asked for three weeks from an evening on.
    """
    clock = appliance.clock
    match interval:
        case 60:
            if end - start > 8 * _DAY_S:
                raise Refused(PARAMS)
            begin = clock.hour(start)
            return [begin + _HOUR_S * slot for slot in range(int((end - begin) // _HOUR_S) + 2)]
        case 1440:
            after = clock.month_start(start, 3)
            day, edges = clock.month_start(start), []
            while day < after:
                edges.append(day)
                day = clock.midnight(day, 1)
            return [*edges, after]
        case 43_200:
            january = 1 - clock.local(start).month
            return [clock.month_start(start, january + months) for months in range(13)]
    raise Refused(PARAMS)


def _whole(energy_wh: float) -> int:
    return int(energy_wh + _EPSILON_WH)
