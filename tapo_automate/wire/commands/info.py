"""What a device tells of itself and of how it is.

Source: docs/protocol.md, "get_device_info".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tapo_automate.wire.codec import on_for_s, position
from tapo_automate.wire.commands.asking import Asked, Reply

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device says that it is, and how it is.  Whatever it does not say is None.

    kind: such as "SMART.TAPOPLUG".  firmware: such as "1.3.0 Build 230905 Rel.152200".  specs: the market: "EU".
    region: its time zone's name, "" for none.  standard_offset_min: from UTC, without summer time.
    signal: 0 to 3, of which 3 is best.  signal_dbm: the same in figures, -30 is very near and -80 hardly heard.
    on: None for a strip, which has no switch of its own.  on_for_s: since it was turned on, None where that cannot be.
    heat, current, power, charging: "normal", or what stands against it in the device's own word, such as "overheated".
    power: of the limit set by `set_protection_power`.  auto_off_left_s: until it turns itself off.
    brightness_pct, color_temp_k, hue_deg, saturation_pct: of lamps, as they remember them; color_temp_k is 0 while a
    lamp shows a colour.  latitude_deg, longitude_deg: north and east positive, None where the device does not know.
    What tells whose device it is, and where, does not show in its repr.
    """

    model: str
    firmware: str
    kind: str | None
    hardware: str | None
    specs: str | None
    region: str | None
    standard_offset_min: int | None
    language: str | None
    on: bool | None
    on_for_s: int | None
    signal: int | None
    signal_dbm: int | None
    heat: str | None
    current: str | None
    power: str | None
    charging: str | None
    auto_off_left_s: int | None
    brightness_pct: int | None
    color_temp_k: int | None
    hue_deg: int | None
    saturation_pct: int | None
    nickname: str | None = field(repr=False)
    device_id: str | None = field(repr=False)
    mac: str | None = field(repr=False)
    ip: str | None = field(repr=False)
    ssid: str | None = field(repr=False)
    latitude_deg: float | None = field(repr=False)
    longitude_deg: float | None = field(repr=False)


def get_device_info(asked: Asked) -> DeviceInfo:
    """Return what the device is.  Raises Garbled for an answer without a model and a firmware."""
    return _info(Reply.of(asked, "get_device_info"))


def get_device_running_info(asked: Asked) -> DeviceInfo:
    """Return the same by its former name, which some lamps know.  Raises Unsupported where the device does not.

    Reached by `tapo-automate call DEVICE get_device_running_info`.
    """
    return _info(Reply.of(asked, "get_device_running_info"))


def _info(reply: Reply) -> DeviceInfo:
    place = position(reply.result)
    return DeviceInfo(
        model=reply.text("model"),
        firmware=reply.text("fw_ver"),
        kind=told(reply, "type", Reply.text),
        hardware=told(reply, "hw_ver", Reply.text),
        specs=told(reply, "specs", Reply.text),
        region=told(reply, "region", Reply.text),
        standard_offset_min=told(reply, "time_diff", Reply.integer),
        language=told(reply, "lang", Reply.text),
        on=told(reply, "device_on", Reply.truth),
        on_for_s=on_for_s(reply.result),
        signal=told(reply, "signal_level", Reply.integer),
        signal_dbm=told(reply, "rssi", Reply.integer),
        heat=_heat(reply),
        current=told(reply, "overcurrent_status", Reply.text),
        power=told(reply, "power_protection_status", Reply.text),
        charging=told(reply, "charging_status", Reply.text),
        auto_off_left_s=_auto_off_left_s(reply),
        brightness_pct=told(reply, "brightness", Reply.integer),
        color_temp_k=told(reply, "color_temp", Reply.integer),
        hue_deg=told(reply, "hue", Reply.integer),
        saturation_pct=told(reply, "saturation", Reply.integer),
        nickname=told(reply, "nickname", Reply.decoded),
        device_id=told(reply, "device_id", Reply.text),
        mac=told(reply, "mac", Reply.text),
        ip=told(reply, "ip", Reply.text),
        ssid=told(reply, "ssid", Reply.decoded),
        latitude_deg=place and place[0],
        longitude_deg=place and place[1],
    )


def told(reply: Reply, key: str, read: Callable[[Reply, str], Value]) -> Value | None:
    """Return what the device says under a key, or None where it says nothing.  Raises what `read` raises."""
    return read(reply, key) if reply.has(key) else None


def _heat(reply: Reply) -> str | None:
    """Return the word of newer firmware, or what the older truth comes to in it."""
    if reply.has("overheat_status"):
        return reply.text("overheat_status")
    hot = told(reply, "overheated", Reply.truth)
    return None if hot is None else "overheated" if hot else "normal"


def _auto_off_left_s(reply: Reply) -> int | None:
    if told(reply, "auto_off_status", Reply.text) != "on":
        return None
    return told(reply, "auto_off_remain_time", Reply.integer)
