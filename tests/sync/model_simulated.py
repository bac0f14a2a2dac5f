"""A simulated device as the model sees it: asked over real HTTP by the driver, and handled by a person behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sync.model_things import COMPUTED, NEIGHBOURS, Place, Words
from tapo_automate.device import Credentials, DeviceSpec, Setting
from tapo_automate.errors import Refused
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    HoldsTables,
    Moment,
    PowerProtection,
    Row,
    ScheduleRow,
    Table,
    TableName,
    table_of,
)
from tapo_automate.simulator import Fleet, SimulatorError
from tapo_automate.wire import SmartDevice, open_device

ACCOUNT = Credentials("User@Example.com", "Sw0rdfish!")


class SimulatedThing:
    """One device of a fleet, in Berlin."""

    def __init__(self, fleet: Fleet, model: str, now: dt.datetime, **habits: str) -> None:
        self.now = now
        account = {"username": ACCOUNT.username, "password": ACCOUNT.password}
        self._device = fleet.add(model, transport="klap", now=lambda: self.now.timestamp(), seed=1, **account, **habits)
        self._device.set_location(52.52, 13.405)
        self._driver: SmartDevice = open_device(DeviceSpec("it", "tapo-plug", self._device.address), ACCOUNT)
        self._switches = 0
        self._seen: tuple[object, Mapping[TableName, Table]] | None = None

    @property
    def tables(self) -> HoldsTables:
        return self._driver

    @property
    def writes(self) -> int:
        return len(self._device.writes)

    def found(self) -> Mapping[TableName, Table]:
        """Return what stands there; asked over HTTP, again only where something may have changed."""
        mark = (self.now, self._switches, self.writes, repr(self._device.tables))
        if self._seen is None or self._seen[0] != mark:
            self._seen = mark, self._driver.holdings().tables
        return self._seen[1]

    def words(self) -> dict[Place, Words]:
        found: dict[Place, Words] = {}
        for name in ("schedule", "countdown", "antitheft"):
            for row in self._device.tables.get(name, []):
                computed = COMPUTED | {f"{edge}min" for edge in ("s_", "start_", "end_") if _by_sun(row, edge)}
                found[name, row["id"]] = {word: value for word, value in row.items() if word not in computed}  # type: ignore[index]
        for name in NEIGHBOURS:
            for row in self.found()[name].rows if name in self.found() else ():
                assert isinstance(row, AutoOff | PowerProtection)
                found[name, ""] = {"enable": row.enabled, "own": repr(sorted(row.own.items()))}
        return found

    def by_hand(self, row: Row, row_id: str = "") -> str:
        table = table_of(row)
        if table not in self.found():
            raise Refused("it", "by hand", -1, "UNKNOWN", "there is no such table")
        if isinstance(row, AutoOff | PowerProtection):
            return self._driver.put(row)
        try:
            if row_id:
                self._device.person_edits(table, {"id": row_id, **_app_words(row)})
                return row_id
            return self._device.person_adds(table, _app_words(row))
        except SimulatorError as error:
            raise Refused("it", "by hand", -1, "UNKNOWN", str(error)) from None

    def removed_by_hand(self, table: TableName, row_id: str) -> None:
        self._device.person_removes(table, row_id)

    def throw_switch(self, table: TableName, enabled: bool) -> None:
        self._switches += 1
        self._device.set_table(table, enabled=enabled)

    def reboot(self) -> None:
        self._device.restart()

    def lose_clock(self) -> None:
        self._device.lose_clock()

    def live(self, until: dt.datetime) -> None:
        self.now = until

    def close(self) -> None:
        self._driver.close()


def _by_sun(row: Mapping[str, Any], edge: str) -> bool:
    kind = row.get("s_type" if edge == "s_" else f"{edge}time_type")
    return kind in ("sunrise", "sunset")


def _app_words(row: ScheduleRow | CountdownRow | AntitheftRow) -> dict[str, Any]:
    """Return a row as the phone app sends it."""
    match row:
        case CountdownRow(delay_s, setting, enabled):
            return {"delay": delay_s, "enable": enabled, "desired_states": _states(setting)}
        case ScheduleRow(at, setting):
            kind, minute, offset = _moment(at)
            words = {"s_type": kind, "s_min": minute, "time_offset": offset, "desired_states": _states(setting)}
        case AntitheftRow(start, end, frequency_min=frequency_min):
            words = {"frequency": frequency_min}
            for edge, at in (("start", start), ("end", end)):
                kind, minute, offset = _moment(at)
                words |= {f"{edge}_time_type": kind, f"{edge}_min": minute, f"{edge}_time_offset": offset}
    week_day = sum(1 << (day + 1) % 7 for day in row.days) if row.repeats else 0  # bit 0 is Sunday
    return {**words, "enable": row.enabled, "mode": "repeat" if row.repeats else "once", "week_day": week_day}


def _moment(at: Moment) -> tuple[str, int, int]:
    return ("normal", at.offset_min, 0) if at.anchor == "midnight" else (at.anchor, 0, at.offset_min)


def _states(setting: Setting) -> dict[str, Any]:
    names = {"on": setting.on, "brightness": setting.brightness_pct}
    return {name: value for name, value in names.items() if value is not None}
