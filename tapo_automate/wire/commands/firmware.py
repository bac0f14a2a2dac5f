"""A device's firmware: which is new, how an update goes on, and whether it renews itself.

Source: docs/protocol.md, "Methods" and "Dangers".
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass

from tapo_automate.errors import BadSetting
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature
from tapo_automate.wire.commands.info import told

DAY_MIN = 24 * 60

_FIRMWARE = Feature("firmware", "firmware updates")
_STATES = {
    0: "idle",
    1: "preparing",
    2: "downloading",
    3: "downloaded, and being written",
    4: "not transferred",
    -1001: "failed: it could not be downloaded",
    -1002: "failed: it did not pass the check",
    -1003: "failed: it could not be transferred",
    -1004: "failed: its battery is too low",
}
_AT_WORK = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class DownloadState:
    """How a firmware update goes on.  state: in words.  code: as the device says it.  progress_pct: of the download.

    write_s, restart_s: how long the device says that it takes to write it and to start again.
    by_itself: whether the device has begun this update on its own, None where it does not say.
    """

    state: str
    code: int
    progress_pct: int
    write_s: int | None
    restart_s: int | None
    by_itself: bool | None

    @property
    def at_work(self) -> bool:
        return self.code in _AT_WORK


@dataclass(frozen=True, slots=True)
class LatestFirmware:
    """The newest firmware for a device.  is_newer: than the one it has.  size_bytes: None where there is none to load.

    released: the day, None where it is not said.  notes: what the vendor says of it, in lines, or "".
    """

    version: str
    is_newer: bool
    size_bytes: int | None
    released: dt.date | None
    notes: str


@dataclass(frozen=True, slots=True)
class AutoUpdate:
    """Whether a device renews its firmware by itself.  at_min: the minute of its day from which on, 180 for 03:00.

    within_min: it chooses a moment within so many minutes after that, by chance.
    """

    enabled: bool
    at_min: int
    within_min: int


def get_fw_download_state(asked: Asked) -> DownloadState:
    """Return how an update goes on; "idle" where none is under way."""
    reply = Reply.of(asked, "get_fw_download_state")
    code = reply.integer("status")
    return DownloadState(
        state=_STATES.get(code, f"in a state that is not known here ({code})"),
        code=code,
        progress_pct=reply.integer("download_progress"),
        write_s=told(reply, "upgrade_time", Reply.integer),
        restart_s=told(reply, "reboot_time", Reply.integer),
        by_itself=told(reply, "auto_upgrade", Reply.truth),
    )


def get_latest_fw(asked: Asked) -> LatestFirmware:
    """Return the newest firmware: the device asks its vendor's cloud, which may take seconds.

    Raises Refused, and says so, where the device has no internet (-1007).
    """
    reply = Reply.of(asked, "get_latest_fw")
    return LatestFirmware(
        version=reply.text("fw_ver"),
        is_newer=reply.truth("need_to_upgrade"),
        size_bytes=told(reply, "fw_size", Reply.integer) or None,
        released=_day(told(reply, "release_date", Reply.text) or ""),
        notes=told(reply, "release_note", Reply.text) or "",
    )


def fw_download(asked: Asked, url: str = "") -> None:
    """Load and write new firmware.  Dangerous: it can break the device, and change the protocol that it speaks.

    url: where from, "" for what its vendor's cloud has for it.  `get_fw_download_state` says how it goes on.
    """
    asked.call("fw_download", {"url": url} if url else None)


def get_auto_update_info(asked: Asked) -> AutoUpdate:
    """Return whether the device renews its firmware by itself.  Raises Unsupported where it does not know of that."""
    reply = _FIRMWARE.ask(asked, "get_auto_update_info")
    return AutoUpdate(reply.truth("enable"), reply.integer("time"), reply.integer("random_range"))


def set_auto_update_info(asked: Asked, wanted: AutoUpdate) -> None:
    """Set whether the device renews its firmware by itself, and when.  Raises BadSetting for what is no time of day."""
    if not 0 <= wanted.at_min < DAY_MIN:
        problem = f"minute {wanted.at_min} is not one of a day: 0 is 00:00, {DAY_MIN - 1} is 23:59"
        raise BadSetting(asked.host, problem)
    if not 0 <= wanted.within_min <= DAY_MIN:
        raise BadSetting(asked.host, f"{wanted.within_min} min to choose from is out of range: 0 to {DAY_MIN}")
    params = {"enable": wanted.enabled, "time": wanted.at_min, "random_range": wanted.within_min}
    _FIRMWARE.call(asked, "set_auto_update_info", params)


def _day(text: str) -> dt.date | None:
    with suppress(ValueError):
        return dt.date.fromisoformat(text)
    return None
