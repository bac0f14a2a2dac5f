"""The words of rules and drivers, as the device's JSON has them, and back: the only file that knows wire units.

Pure functions over what `Client.call` takes and returns; lenient to read, strict to write.
Source: docs/protocol.md, "get_device_info", "Bulbs" and "Energy and power".
"""

from __future__ import annotations

import binascii
import datetime as dt
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from tapo_automate.device import Description, Setting, State
from tapo_automate.errors import BadSetting, Garbled, Unsupported
from tapo_automate.rows import OwnClock
from tapo_automate.wire.desired import truth
from tapo_automate.wire.kinds import no_switch

# What lamps that do not say their range take.
USUAL_WHITES_K = (2500, 6500)

POWER_METHODS = ("get_emeter_data", "get_energy_usage", "get_current_power")
"""What may tell the load, the most exact first."""

FIRST_YEAR = 2019  # the first Tapo devices were sold then: a clock that says less has been lost, and began at 2000
MOST_ON_S = 10 * 365 * 86_400  # a clock that is set while a device is on has added 20 years and more to its on_time


def components(reply: Mapping[str, Any]) -> dict[str, int]:
    """Return what a device says it can do, from its answer to `component_nego`: component -> version.

    >>> components({"component_list": [{"id": "brightness", "ver_code": 1}]})
    {'brightness': 1}
    """
    rows = reply.get("component_list")
    found: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and isinstance(row.get("id"), str):
            found[row["id"]] = _whole(row.get("ver_code")) or 0
    return found


def description(
    host: str, info: Mapping[str, Any], components: Mapping[str, int], transport: str | None
) -> Description:
    """Return what a device is, from its answers to `get_device_info` and `component_nego`.

    What it can do comes from the components, never from the model's name.  Raises Garbled without a MAC.
    """
    mac = normal_mac(info.get("mac"))
    if mac is None:
        raise Garbled(host, "the device does not say its MAC address")
    return Description(
        hardware_id=mac,
        model=_text(info.get("model")),
        firmware=_text(info.get("fw_ver")),
        transport=transport or "",
        has_power_meter="energy_monitoring" in components,
        has_brightness="brightness" in components,
        has_color="color" in components,
        color_temp_range_k=_whites(info, components),
        timezone=_text(info.get("region")) or None,
    )


def state(host: str, info: Mapping[str, Any]) -> State:
    """Return what a device is doing, from its answer to `get_device_info`.

    A lamp shows white when its color_temp is not 0, whatever hue it remembers.
    Raises Unsupported for what cannot be switched as a whole, such as a power strip; OtherKind for a hub and the like.
    """
    on = truth(info.get("device_on"))
    if on is None:
        raise no_switch(host, info)
    white = _whole(info.get("color_temp"))
    colored = not white and "hue" in info
    return State(
        on=on,
        brightness_pct=_whole(info.get("brightness")),
        color_temp_k=white or None,
        hue_deg=_whole(info.get("hue")) if colored else None,
        saturation_pct=_whole(info.get("saturation")) if colored else None,
        on_for_s=on_for_s(info) if on else None,
    )


def on_for_s(info: Mapping[str, Any]) -> int | None:
    """Return how long a device says it has been on, in seconds, or None where it says nothing that can be.

    >>> on_for_s({"on_time": 83}), on_for_s({"on_time": -1}), on_for_s({"on_time": 10**9}), on_for_s({})
    (83, None, None, None)
    """
    seconds = _whole(info.get("on_time"))
    return seconds if seconds is not None and 0 <= seconds <= MOST_ON_S else None


def is_half_a_color(setting: Setting) -> bool:
    """Whether a setting leaves one of hue and saturation as it is, so that `set_params` wants to know the state."""
    return (setting.hue_deg is None) != (setting.saturation_pct is None)


def set_params(host: str, setting: Setting, device: Description, now: State | None = None) -> dict[str, Any]:
    """Return the parameters of the `set_device_info` that makes a device so; {} where nothing is to be done.

    now: asked for where `is_half_a_color`.  Raises BadSetting for a value outside the device's own range, Unsupported
    for what it does not have.
    """
    assert not setting.toggle, "a toggle is resolved before it comes here"
    assert setting.transition_ms is None, "a transition is resolved before it comes here"
    params: dict[str, Any] = {}
    if setting.on is not None:
        params["device_on"] = setting.on
    if setting.brightness_pct is not None:
        params["brightness"] = _brightness(host, setting.brightness_pct, device)
    if setting.hue_deg is not None or setting.saturation_pct is not None:
        if setting.color_temp_k is not None:
            raise BadSetting(host, "a lamp shows a color_temp or a hue, not both at once")
        params |= _color(host, setting, device, now)
    elif setting.color_temp_k is not None:
        params["color_temp"] = _white(host, setting.color_temp_k, device)
    return params


def power_w(method: str, result: Mapping[str, Any]) -> float | None:
    """Return the load in watts from the answer to one of POWER_METHODS, or None if it does not say it.

    >>> power_w("get_emeter_data", {"power_mw": 12345}), power_w("get_energy_usage", {"current_power": 8962})
    (12.345, 8.962)
    >>> power_w("get_current_power", {"current_power": 9}), power_w("get_energy_usage", {"today_energy": 3})
    (9.0, None)
    """
    value = result.get("power_mw" if method == "get_emeter_data" else "current_power")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if method == "get_current_power" else value / 1000
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


def maximum_w(result: Mapping[str, Any]) -> float | None:
    """Return what a device is built for, in watts, from its answer to `get_max_power`, or None for what cannot be.

    >>> maximum_w({"max_power": 3379}), maximum_w({"max_power": 0}), maximum_w({})
    (3379.0, None, None)
    """
    watts = _whole(result.get("max_power"))
    return float(watts) if watts is not None and 0 < watts < 10_000 else None


def lost_clock(result: Mapping[str, Any]) -> str:
    """Return the day that a device without a clock takes for today, or "" where its clock may be right.

    result: of `get_device_time` or `get_energy_usage`.

    >>> lost_clock({"timestamp": 946958455}), lost_clock({"local_time": "2024-11-22 21:03:25"})
    ('2000-01-04', '')
    """
    timestamp, local_time = _whole(result.get("timestamp")), _text(result.get("local_time"))
    if timestamp is not None:
        lost = timestamp < dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC).timestamp()
        return dt.datetime.fromtimestamp(max(0, timestamp), dt.UTC).date().isoformat() if lost else ""
    day = local_time[:10]
    return day if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day) and int(day[:4]) < FIRST_YEAR else ""


def own_clock(result: Mapping[str, Any]) -> OwnClock | None:
    """Return a device's idea of the time from its answer to `get_device_time`, or None where it does not say.

    >>> own_clock({"region": "Europe/Berlin", "time_diff": 60, "timestamp": 0}).standard_offset_min
    60
    """
    timestamp, offset_min = _whole(result.get("timestamp")), _whole(result.get("time_diff"))
    if timestamp is None:
        return None
    try:
        at = dt.datetime.fromtimestamp(timestamp, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    known = offset_min is not None and abs(offset_min) < 24 * 60
    return OwnClock(at, _text(result.get("region")), offset_min if known else None)


def position(info: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return where a device takes itself to be, in degrees north and east, or None where it does not know.

    One that tells a place without saying whether it was set is believed: what it is good for is seen by its sun.

    >>> position({"has_set_location_info": True, "latitude": 525200, "longitude": -134050})
    (52.52, -13.405)
    >>> position({"has_set_location_info": True, "latitude": 0, "longitude": 0}), position({})
    (None, None)
    """
    north, east = _whole(info.get("latitude")), _whole(info.get("longitude"))
    if (
        truth(info.get("has_set_location_info", True)) is not True
        or north is None
        or east is None
        or north == east == 0
    ):
        return None
    if abs(north) > 900_000 or abs(east) > 1_800_000:
        return None
    return north / 10_000, east / 10_000


def nickname(info: Mapping[str, Any]) -> str:
    """Return the name that the device's owner gave it in the phone app, or "".

    >>> nickname({"nickname": encode_text("Küche")})
    'Küche'
    """
    return decode_text(info.get("nickname"))


def decode_text(value: object) -> str:
    """Return a text that comes in base64, or as it is where it is none after all."""
    if not isinstance(value, str):
        return ""
    try:
        return b64decode(value, validate=True).decode("utf-8")
    except (ValueError, binascii.Error):
        return value


def encode_text(text: str) -> str:
    """Return a text as devices take texts for people: base64 of UTF-8."""
    return b64encode(text.encode("utf-8")).decode("ascii")


def normal_mac(value: object) -> str | None:
    """Return a MAC in capital pairs with dashes, or None for what is none.

    >>> normal_mac("48:22:54:aa:bb:cc"), normal_mac("482254AABBCC"), normal_mac("")
    ('48-22-54-AA-BB-CC', '48-22-54-AA-BB-CC', None)
    """
    digits = re.sub(r"[-:.]", "", value).upper() if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        return None
    return "-".join(digits[i : i + 2] for i in range(0, 12, 2))


def _brightness(host: str, percent: int, device: Description) -> int:
    if not device.has_brightness:
        raise Unsupported(host, "it has no brightness to set")
    if percent == 0:
        raise BadSetting(host, "brightness 0 is not a brightness: to switch it off, use `on = false`")
    if not 1 <= percent <= 100:
        raise BadSetting(host, f"brightness {percent} is out of range: it takes 1 to 100 percent")
    return percent


def _white(host: str, kelvin: int, device: Description) -> int:
    if device.color_temp_range_k is None:
        raise Unsupported(host, "its white cannot be tuned: it has no color_temp")
    low, high = device.color_temp_range_k
    if not low <= kelvin <= high:
        raise BadSetting(host, f"color_temp {kelvin} is out of range: it takes {low} to {high} K")
    return kelvin


def _color(host: str, setting: Setting, device: Description, now: State | None) -> dict[str, int]:
    if not device.has_color:
        raise Unsupported(host, "it shows no colors: it has no hue and saturation")
    hue, saturation = setting.hue_deg, setting.saturation_pct
    if hue is None and now is not None:
        hue = now.hue_deg
    if hue is None:
        raise BadSetting(host, "a saturation needs a hue, and the lamp shows none now")
    if saturation is None:
        shown = now.saturation_pct if now is not None else None
        saturation = 100 if shown is None else shown
    if not 0 <= hue <= 360:
        raise BadSetting(host, f"hue {hue} is out of range: it takes 0 to 360 degrees")
    if not 0 <= saturation <= 100:
        raise BadSetting(host, f"saturation {saturation} is out of range: it takes 0 to 100 percent")
    # A color_temp other than 0 would win over the color.
    return {"hue": hue, "saturation": saturation, "color_temp": 0}


def _whites(info: Mapping[str, Any], components: Mapping[str, int]) -> tuple[int, int] | None:
    if "color_temperature" not in components:
        return None
    match info.get("color_temp_range", USUAL_WHITES_K):
        case (int(low), int(high)) if low < high:
            return low, high
        case _:
            return None  # one white only, as light strips have


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
