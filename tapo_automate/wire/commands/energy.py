"""What a device draws now, and what it has counted up to now.

Source: docs/protocol.md, "Energy and power".
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tapo_automate.errors import Busy, DeviceError, Refused, Unsupported
from tapo_automate.wire.codec import lost_clock, maximum_w
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature, versions
from tapo_automate.wire.power import feeds_in

_METER = Feature("energy_monitoring", "power meter")
_STRIP = 'it is a power strip, and each of its sockets has a meter: name one, as in "strip/1"'
SET_IT = "let the device reach a time server (NTP, UDP port 123), or set its clock"


@dataclass(frozen=True, slots=True)
class CurrentPower:
    """What a device draws, in whole watts; below 0 where it feeds in, which only some can."""

    power_w: float


@dataclass(frozen=True, slots=True)
class MaxPower:
    """What a device is built for, in watts; it moves with the voltage of the mains."""

    power_w: float


@dataclass(frozen=True, slots=True)
class EmeterData:
    """What a meter measures: watts, volts, amperes, and all the Wh that it has counted.

    power_w, current_a: below 0 where it feeds in, which only some can.
    """

    power_w: float
    voltage_v: float
    current_a: float
    energy_wh: float


@dataclass(frozen=True, slots=True)
class EnergyUsage:
    """What a device has used.  local_time: as its own clock reads.  today, month: by that clock.

    power_w: what it draws now, to the milliwatt, below 0 where it feeds in, which only some can; None on sockets of
    strips, which leave it out.
    charges: three sums in the device's own unit of money, the last of this month; None where it does not say.
    past_24h_wh, past_7d_wh, past_30d_wh, past_1y_wh: of meters of the first kind, in Wh and in the device's own order,
    by the hour, by the hour of each day, by the day, by the month; () of all others, which have `get_energy_data`.
    """

    local_time: dt.datetime
    power_w: float | None
    today_wh: int
    month_wh: int
    today_on_min: int
    month_on_min: int
    charges: tuple[int, ...] | None
    past_24h_wh: tuple[int, ...]
    past_7d_wh: tuple[tuple[int, ...], ...]
    past_30d_wh: tuple[int, ...]
    past_1y_wh: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Season:
    """Prices of one part of the year, in the device's own unit.  period: four numbers, likely its first and last day.

    weekdays, weekends: for each hour of the day, which of the three prices holds, in the device's own numbers.
    """

    on_peak: int
    mid_peak: int
    off_peak: int
    period: tuple[int, ...]
    weekdays: tuple[int, ...]
    weekends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """What electricity costs, as the phone app has told the device.  kind: such as "constant".

    constant: the one price, in the device's own unit, 0 for none.  summer, winter: None where it does not say.
    """

    kind: str
    constant: int
    summer: Season | None
    winter: Season | None


def get_current_power(asked: Asked) -> CurrentPower:
    """Return what the device draws, in whole watts.  Raises Unsupported where it has no meter of the second kind."""
    return CurrentPower(_drawn(asked, ask_meter(asked, "get_current_power"), "current_power"))


def get_max_power(asked: Asked) -> MaxPower:
    """Return what the device is built for.  Raises Unsupported where it has no meter of the second kind.

    Raises Garbled for what no socket is built for.
    """
    reply = ask_meter(asked, "get_max_power")
    watts = maximum_w(reply.result)
    if watts is None:
        raise reply.wrong("max_power", "what a socket may carry, in watts,")
    return MaxPower(watts)


def get_emeter_data(asked: Asked) -> EmeterData:
    """Return what the meter measures.  Raises Unsupported where the device has no meter that tells it."""
    reply = ask_meter(asked, "get_emeter_data")
    return EmeterData(
        power_w=_drawn(asked, reply, "power_mw") / 1000,
        voltage_v=_not_negative(reply, "voltage_mv") / 1000,
        current_a=_drawn(asked, reply, "current_ma") / 1000,
        energy_wh=_not_negative(reply, "energy_wh"),
    )


def get_energy_usage(asked: Asked) -> EnergyUsage:
    """Return what the device has used today and this month.

    Raises Unsupported where it has no meter, and Refused with the reason where its clock is lost: it fails then.
    """
    try:
        reply = ask_meter(asked, "get_energy_usage")
    except Busy:
        raise
    except Refused as error:
        raise _for_want_of_a_clock(asked, error) from error
    return EnergyUsage(
        local_time=_local_time(reply),
        power_w=_drawn(asked, reply, "current_power") / 1000 if reply.has("current_power") else None,
        today_wh=reply.integer("today_energy"),
        month_wh=reply.integer("month_energy"),
        today_on_min=reply.integer("today_runtime"),
        month_on_min=reply.integer("month_runtime"),
        charges=_numbers(reply, "electricity_charge") if reply.has("electricity_charge") else None,
        past_24h_wh=_numbers(reply, "past24h"),
        past_7d_wh=_rows(reply, "past7d"),
        past_30d_wh=_numbers(reply, "past30d"),
        past_1y_wh=_numbers(reply, "past1y"),
    )


def get_electricity_price_config(asked: Asked) -> PriceConfig:
    """Return what electricity costs, as the phone app has told the device.

    Reached by `tapo-automate call DEVICE get_electricity_price_config`.
    Raises Unsupported where it has no meter of the second kind.
    """
    reply = ask_meter(asked, "get_electricity_price_config")
    seasons = reply.table("time_of_use_config") if reply.has("time_of_use_config") else None
    return PriceConfig(
        kind=reply.text("type"),
        constant=reply.integer("constant_price") if reply.has("constant_price") else 0,
        summer=_season(seasons.table("summer")) if seasons and seasons.has("summer") else None,
        winter=_season(seasons.table("winter")) if seasons and seasons.has("winter") else None,
    )


def ask_meter(asked: Asked, method: str, params: Mapping[str, Any] | None = None) -> Reply:
    """Ask for what only a meter knows.  Raises Unsupported, in words, where the device has none, or none that tells."""
    try:
        return _METER.ask(asked, method, params)
    except Unsupported as error:
        listed = versions(asked)
        if _METER.component not in listed:
            raise
        problem = f"its power meter is of version {listed[_METER.component]} and does not tell this ({method})"
        if "control_child" in listed:
            problem = _STRIP
        raise Unsupported(asked.host, problem, after_login=error.after_login) from error


def _season(reply: Reply) -> Season:
    return Season(
        on_peak=reply.integer("onpeak"),
        mid_peak=reply.integer("midpeak"),
        off_peak=reply.integer("offpeak"),
        period=_numbers(reply, "period"),
        weekdays=_numbers(reply, "weekday_config"),
        weekends=_numbers(reply, "weekend_config"),
    )


def local_time(reply: Reply) -> dt.datetime | None:
    """Return what the device's clock read when it answered, naive, or None where it does not say."""
    if not reply.has("local_time"):
        return None
    with suppress(ValueError):
        return dt.datetime.fromisoformat(reply.text("local_time")).replace(tzinfo=None)
    return None


def _local_time(reply: Reply) -> dt.datetime:
    told = local_time(reply)
    if told is None:
        raise reply.wrong("local_time", "a date and a time")
    return told


def _for_want_of_a_clock(asked: Asked, error: Refused) -> DeviceError:
    """Return the error of a meter, with the reason where that is the device's clock."""
    try:
        day = lost_clock(asked.call("get_device_time"))
    except Refused:
        return error
    if not day:
        return error
    return Refused(error.host, error.method, error.code, error.name, f"its clock is lost (it says {day}); {SET_IT}")


def _drawn(asked: Asked, reply: Reply, key: str) -> float:
    """Return what a device draws, below 0 where it feeds in.  Raises Garbled for that on one that cannot."""
    value = reply.number(key)
    return value if -math.inf < value < 0 and may_feed_in(asked) else _not_negative(reply, key)


def may_feed_in(asked: Asked) -> bool:
    """Return whether a device's meter counts both ways; one that cannot say what it can do is like most."""
    with suppress(Unsupported):
        return feeds_in(versions(asked))
    return False


def _not_negative(reply: Reply, key: str) -> float:
    value = reply.number(key)
    if not 0 <= value < float("inf"):
        raise reply.wrong(key, "a measured value, which is not below 0,")
    return value


def entry(reply: Reply, place: str, value: object) -> Reply:
    """Return one entry of a list, to be read under the name of its place, such as "data[3]"."""
    return Reply(reply.host, reply.method, {place: value})


def _numbers(reply: Reply, key: str) -> tuple[int, ...]:
    """Return a list of whole numbers; () where the device does not say it.  Raises Garbled for another."""
    listed = reply.items(key) if reply.has(key) else []
    return _whole(reply, key, listed)


def _rows(reply: Reply, key: str) -> tuple[tuple[int, ...], ...]:
    listed = reply.items(key) if reply.has(key) else []
    places = [f"{key}[{number}]" for number in range(len(listed))]
    return tuple(
        _whole(reply, place, entry(reply, place, row).items(place)) for place, row in zip(places, listed, strict=True)
    )


def _whole(reply: Reply, key: str, listed: list[Any]) -> tuple[int, ...]:
    return tuple(entry(reply, f"{key}[{at}]", value).integer(f"{key}[{at}]") for at, value in enumerate(listed))
