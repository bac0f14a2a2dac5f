"""The tables of one device: what is in them and around them, and how rows are written.

Nothing is written twice by itself: adding, editing and removing a row are sent once each.
Source: docs/protocol.md, "On-device rule tables".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tapo_automate.device import Description, Setting
from tapo_automate.errors import BadSetting, Busy, DeviceError, Garbled, Refused, Unsupported
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Holdings,
    NextEvent,
    OpaqueRow,
    PowerProtection,
    Row,
    RowId,
    ScheduleRow,
    Table,
    TableName,
    table_of,
)
from tapo_automate.wire import codec
from tapo_automate.wire.batch import Call, Caller
from tapo_automate.wire.codes import BAD_PARAMS
from tapo_automate.wire.desired import desired_states
from tapo_automate.wire.kinds import is_other, no_switch
from tapo_automate.wire.neighbours import NEIGHBOURS, READ, Neighbours, as_table
from tapo_automate.wire.rows_codec import next_event, own_words, row_words
from tapo_automate.wire.tables import NO_SUCH_ROW, ROW_TABLES, VERSIONS, RowTable, read_pages, read_table

NO_EVENT = -1302  # of devices that never say what comes next

STRIP = 'it is a power strip: its sockets have tables, itself it has none; name a socket, as in "strip/1"'
_LACKS: Mapping[TableName, str] = {
    "schedule": "it has no schedule of its own",
    "countdown": "it has no countdown of its own",
    "antitheft": "it has no away mode of its own",
    "auto_off": "it has no auto-off",
    "power_protection": "it has no power protection",
}


class OwnTables:
    """Reads and writes them.

    components: gives what the device can do.  describe: says what it is, from its answer to `get_device_info` or, of
    None, from what is known already.
    """

    def __init__(
        self,
        client: Caller,
        components: Callable[[], Mapping[str, int]],
        describe: Callable[[Mapping[str, Any] | None], Description],
    ) -> None:
        self._client = client
        self._components = components
        self._describe = describe
        self._neighbours = Neighbours(client)

    def holdings(self) -> Holdings:
        """Return all of it; see `HoldsTables`.  What the device refuses or does not have is left out.

        Raises Unsupported for a power strip as a whole; OtherKind for a hub and the like, whatever its tables are of.
        """
        can = self._checked()
        neighbours = [name for name in NEIGHBOURS if name in can]
        calls: list[Call] = [("get_device_info", None), ("get_device_time", None), ("get_next_event", None)]
        calls += [(READ[name], None) for name in neighbours]
        info, *others = self._client.multiple(calls)
        if isinstance(info, DeviceError):
            raise info
        if is_other(info):
            raise no_switch(self._client.host, info)
        description = self._describe(info)
        said = {method: _unless_refused(other) for (method, _), other in zip(calls[1:], others, strict=True)}
        tables: dict[TableName, Table] = {}
        for row_table in ROW_TABLES:
            if row_table in can and (table := self._shown(row_table, can[row_table])) is not None:
                tables[row_table] = table
        for name in neighbours:
            if (answer := said[READ[name]]) is not None:
                tables[name] = as_table(name, answer)
        return Holdings(
            description=description,
            tables=tables,
            clock=codec.own_clock(said["get_device_time"] or {}),
            position=codec.position(info),
            local_time="device_local_time" in can,
            row_transitions=_fades(can),
            versions=dict(can),
            next_event=next_event(said["get_next_event"] or {}),
            max_power_w=self._neighbours.built_for_w() if "power_protection" in tables else None,
            announces=said["get_next_event"] is not None,
        )

    def table(self, name: TableName) -> Table:
        """Return one table, read anew.  Raises Unsupported where the device has none."""
        version = self._having(name)
        match name:
            case "auto_off" | "power_protection":
                return self._neighbours.read(name)
            case _:
                return self._read(name, version)

    def next_event(self) -> NextEvent | None:
        """Return what the device will do next of its own accord."""
        self._checked()
        try:
            return next_event(self._client.call("get_next_event"))
        except Refused as error:
            if error.code != NO_EVENT:
                raise
            raise Unsupported(self._client.host, "it does not say what it will do next") from error

    def put(self, row: Row, row_id: str = "") -> str:
        """Add a row, or replace the one of this id; see `HoldsTables`."""
        table = table_of(row)
        version = self._having(table)
        match row:
            case AutoOff() | PowerProtection():
                self._neighbours.put(row)
                return ""
            case _:
                self._check_version(table, version)
                words = row_words(self._client.host, row, self._states(row, version))
                return self._write(table, words, row_id)

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        """Like `put`, in the words in which the row was read; see `HoldsTables`."""
        table = table_of(row)
        version = self._having(table)
        words = own_words(row)
        if not words:
            if isinstance(row, OpaqueRow):
                problem = f"a row of its {table} table cannot be put back: its words are lost"
                raise BadSetting(self._client.host, problem)
            return self.put(row, row_id)
        match table:
            case "auto_off" | "power_protection":
                self._neighbours.put_back(table, words)
                return ""
            case _:
                self._check_version(table, version)
                try:
                    return self._write(table, words, row_id)
                except Refused as error:
                    if error.code != BAD_PARAMS or isinstance(row, OpaqueRow):
                        raise
                return self.put(row, row_id)  # some show values of their own that they do not take

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        """Remove rows; see `HoldsTables`."""
        version = self._having(table)
        match table:
            case "auto_off" | "power_protection":
                self._neighbours.switch_off(table)
            case _:
                self._check_version(table, version)
                self._remove_those_there(table, row_ids)

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        """Set the device's clock and zone; see `HoldsTables`."""
        params = {"timestamp": round(at.timestamp()), "time_diff": standard_offset_min, "region": region}
        self._client.call("set_device_time", params)

    def countdown_version(self) -> int:
        """Return the version of the device's countdown.  Raises Unsupported where it has none."""
        return self._having("countdown")

    def _having(self, name: TableName) -> int:
        """Return the version of a table's component.  Raises Unsupported where the device has no such table."""
        can = self._checked()
        if name not in can:
            raise Unsupported(self._client.host, _LACKS[name])
        return can[name]

    def _checked(self) -> Mapping[str, int]:
        can = self._components()
        if "control_child" in can:
            info: Mapping[str, Any] = {}
            with suppress(DeviceError):
                info = self._client.call("get_device_info")
            raise no_switch(self._client.host, info) if is_other(info) else Unsupported(self._client.host, STRIP)
        return can

    def _check_version(self, name: TableName, version: int) -> None:
        if version not in VERSIONS:
            problem = f"its {name} table is of version {version}, which is not known here: nothing is written there"
            raise Unsupported(self._client.host, problem)

    def _shown(self, name: RowTable, version: int) -> Table | None:
        """Return a table, or None where the device does not show it."""
        try:
            return self._read(name, version)
        except Busy:
            raise
        except (Refused, Unsupported):
            return None

    def _read(self, name: RowTable, version: int) -> Table:
        """Return a table, its rows without values that the device shows and has no use for."""
        table, device = read_table(self._client, name, version), self._describe(None)
        return replace(table, rows=tuple(_useful(row, device) for row in table.rows))

    def _states(self, row: ScheduleRow | CountdownRow | AntitheftRow, version: int) -> dict[str, Any]:
        """Return how a row says what it sets, in the words of the component's version."""
        if isinstance(row, AntitheftRow):
            return {}
        host, setting = self._client.host, row.setting
        if setting.toggle:
            raise Unsupported(host, "a row sets values, it cannot toggle")
        states = desired_states(host, self._params(replace(setting, transition_ms=None)))
        if setting.transition_ms:
            if isinstance(row, CountdownRow) or not _fades(self._components()):
                raise Unsupported(host, "its rows take no transition")
            states["transition_period"] = setting.transition_ms
        if version > 1:
            return {"desired_states": states}
        if states.keys() != {"on"}:
            raise Unsupported(host, "its rows switch on and off, and set nothing else")
        return {"s_action" if isinstance(row, ScheduleRow) else "action": "on" if states["on"] else "off"}

    def _params(self, setting: Setting) -> dict[str, Any]:
        if setting == Setting(on=setting.on):
            return {} if setting.on is None else {"device_on": setting.on}
        if codec.is_half_a_color(setting):
            problem = "a row needs both hue and saturation: what the lamp will show by then is not known"
            raise BadSetting(self._client.host, problem)
        return codec.set_params(self._client.host, setting, self._describe(None))

    def _write(self, name: TableName, words: dict[str, Any], row_id: str) -> str:
        if row_id:
            answer = self._client.call(f"edit_{name}_rule", {**words, "id": row_id})
        else:
            answer = self._client.call(f"add_{name}_rule", words)
        given, conflict = answer.get("id"), answer.get("conflict_id")
        if isinstance(given, str) and given:
            row_id = given
        if not row_id:
            problem = "the device took a row and gave it no id; read its table to find it"
            raise Garbled(self._client.host, problem, outcome_unknown=True)
        return RowId(row_id, conflict if isinstance(conflict, str) else "")

    def _remove_those_there(self, name: RowTable, row_ids: Sequence[str]) -> None:
        """Remove rows; where the device knows one of them not, the others."""
        try:
            self._remove(name, row_ids)
        except Refused as error:
            if error.code != NO_SUCH_ROW:
                raise
            there = {row.get("id") for row in read_pages(self._client, name).rows if isinstance(row, Mapping)}
            self._remove(name, [each for each in row_ids if each in there])

    def _remove(self, name: RowTable, row_ids: Sequence[str]) -> None:
        if row_ids:
            rows = [{"id": each} for each in row_ids]
            self._client.call(f"remove_{name}_rules", {"remove_all": False, "rule_list": rows})


def _unless_refused(answer: dict[str, Any] | DeviceError) -> dict[str, Any] | None:
    """Return an answer, None for what the device refuses or does not have.  Raises what else came of the question."""
    if isinstance(answer, DeviceError):
        if isinstance(answer, Refused | Unsupported):
            return None
        raise answer
    return answer


def _useful(row: FoundRow, device: Description) -> FoundRow:
    if not isinstance(row, ScheduleRow | CountdownRow):
        return row
    setting = row.setting
    if not device.has_brightness:
        setting = replace(setting, brightness_pct=None)
    if not device.has_color:
        setting = replace(setting, hue_deg=None, saturation_pct=None)
    return row if setting == row.setting else replace(row, setting=setting)


def _fades(can: Mapping[str, int]) -> bool:
    """Whether rows may have a transition: on newer lamps they do."""
    return can.get("auto_light", 0) >= 3
