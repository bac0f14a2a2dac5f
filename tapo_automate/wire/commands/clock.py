"""A device's clock: what it reads, in which zone, and setting it.

This file knows no clock of its own: `now` is an argument.  Source: docs/protocol.md, "Place and time".
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from tapo_automate.errors import BadSetting, Garbled
from tapo_automate.wire.codec import lost_clock, own_clock
from tapo_automate.wire.commands.asking import Asked, Reply

_WEEKS = range(0, 365, 7)


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """What a device takes the time to be.  at: the instant, in UTC.  region: its zone's name, "" for none.

    standard_offset_min: from UTC, without summer time; None where the device says what cannot be.
    lost: its clock has never been set, or not since it was without power, and begins at the year 2000.
    """

    at: dt.datetime
    region: str
    standard_offset_min: int | None
    lost: bool

    @property
    def zone(self) -> dt.tzinfo | None:
        """The zone that the device goes by: its region's, or else its fixed offset; None where neither is known.

        Only a region has summer time.
        """
        if self.region:
            with suppress(ValueError, KeyError, OSError):  # a name that this computer does not know
                return ZoneInfo(self.region)
        if self.standard_offset_min is None:
            return None
        return dt.timezone(dt.timedelta(minutes=self.standard_offset_min))


def get_device_time(asked: Asked) -> DeviceTime:
    """Return what time it is to the device.  Raises Garbled where it says none that can be."""
    reply = Reply.of(asked, "get_device_time")
    clock = own_clock(reply.result)
    if clock is None:
        raise reply.wrong("timestamp", "an instant in Unix seconds")
    return DeviceTime(clock.at, clock.region, clock.standard_offset_min, bool(lost_clock(reply.result)))


def set_device_time(asked: Asked, now: dt.datetime, zone: str) -> None:
    """Set the device's clock to an instant, and its zone to the one of this name, such as "Europe/Berlin".

    The device applies summer time by the name, so that it is sent the offset of winter, as it tells it itself.  A wrong
    zone shifts every rule of its tables.  Raises BadSetting for a name that this computer does not know.
    """
    asked.call("set_device_time", time_params(asked.host, now, zone))


def time_params(host: str, now: dt.datetime, zone: str) -> dict[str, Any]:
    """Return an instant and a zone as devices take them.  Raises BadSetting for a name that is not known."""
    offset_min = standard_offset_min(host, now, zone)
    return {"timestamp": round(now.timestamp()), "time_diff": offset_min, "region": zone}


def standard_offset_min(host: str, now: dt.datetime, zone: str) -> int:
    """Return a zone's offset from UTC without summer time, in minutes: the least of the year that begins now.

    Where the law calls winter the exception (Dublin, Casablanca), that is what devices go by all the same.
    Raises BadSetting for a name that is not known.
    """
    try:
        found = ZoneInfo(zone)
    except (ValueError, KeyError, OSError):
        problem = f'there is no time zone {zone!r}; its name is one such as "Europe/Berlin" or "UTC"'
        raise BadSetting(host, problem) from None
    instants = ((now + dt.timedelta(days=days)).astimezone(found) for days in _WEEKS)
    return int(min(each.utcoffset() or dt.timedelta() for each in instants).total_seconds() // 60)


def zone_of(asked: Asked) -> tuple[DeviceTime, dt.tzinfo]:
    """Return the device's time and zone, for what is aligned to its days.  Raises Garbled where it does not say one."""
    told = get_device_time(asked)
    zone = told.zone
    if zone is None:
        problem = f"its time zone {told.region!r} is none that is known here, and it says no offset from UTC"
        raise Garbled(asked.host, problem)
    return told, zone
