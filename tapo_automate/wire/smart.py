"""A Tapo plug, bulb or switch as rules and commands know devices; what it can do is asked of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tapo_automate.device import Description, Setting, State
from tapo_automate.errors import Busy, DeviceError, Refused, Unsupported
from tapo_automate.rows import FoundRow, Holdings, NextEvent, Row, Table, TableName
from tapo_automate.wire import codec
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.desired import desired_states
from tapo_automate.wire.kinds import is_other, no_switch
from tapo_automate.wire.own_tables import OwnTables
from tapo_automate.wire.power import PowerMeter
from tapo_automate.wire.timer import Countdown
from tapo_automate.wire.witness import Witness


class SmartDevice:
    """A `Device` over a client, with tables of its own (`HoldsTables`, `HasTimer`, `Explains`).

    Keeps what the device said it is until it is closed.
    """

    def __init__(self, client: Caller) -> None:
        self._client = client
        self._components: Mapping[str, int] | None = None
        self._description: Description | None = None
        self._info: Mapping[str, Any] | None = None  # its last answer to get_device_info, for what does not change
        self._meter = PowerMeter(client)
        self._countdown = Countdown(client)
        self._witness = Witness(client, self._countdown)
        self._tables = OwnTables(client, self._known_components, self._described)

    @property
    def host(self) -> str:
        """The address as the user wrote it, for messages."""
        return self._client.host

    def describe(self) -> Description:
        """Return what the device is and can do, from its own list of components."""
        return self._described(None)

    def state(self) -> State:
        """Return what the device is doing now."""
        self._info = self._client.call("get_device_info")
        state = codec.state(self._client.host, self._info)
        self._witness.saw(state)
        return state

    def apply(self, setting: Setting) -> None:
        """Set the device with one `set_device_info`, checked against the device's own ranges first.

        Raises Unsupported for what has no switch, such as a power strip as a whole or a hub, also for one that passes
        the switch over and says that all is well.
        """
        with self._client.one_action():
            params = self._params(setting)
            if not params:
                return
            try:
                self._client.call("set_device_info", params)
            except Busy:
                raise
            except (Refused, Unsupported) as error:
                if self._client.has_switch:
                    raise
                info = self._shown() or {}
                if "device_on" in info or not (is_other(info) or self._is_strip()):
                    raise
                raise no_switch(self._client.host, info, after_login=error.after_login) from error
            self._check_switch()

    def power_w(self) -> float:
        """Return the load in watts now."""
        with self._client.one_action():
            return self._meter.read_w()

    def start_timer(self, after_s: int, setting: Setting) -> None:
        """Start the device's countdown, in place of one that runs.  after_s: 1 to 86,400."""
        host = self._client.host
        if setting.toggle or setting.transition_ms is not None:
            raise Unsupported(host, "its countdown sets values, it cannot toggle or fade")
        with self._client.one_action():
            version = self._tables.countdown_version()
            self._countdown.start(after_s, desired_states(host, self._params(setting)), version)

    def timer(self) -> tuple[int, Setting] | None:
        """Return (seconds left, what it will set) of the countdown that runs, or None."""
        with self._client.one_action():
            self._tables.countdown_version()
            return self._countdown.read()

    def stop_timer(self) -> None:
        """Stop the countdown; no error where none runs."""
        with self._client.one_action():
            self._tables.countdown_version()
            self._countdown.stop()

    def switched_by(self, on: bool, at: dt.datetime) -> str | None:
        """Return which of its own tables turned the device on (or off) about `at`, in words, or None."""
        with self._client.one_action():
            return self._witness.switched_by(on, at)

    def holdings(self) -> Holdings:
        """Return what is in its tables and around them, read anew."""
        with self._client.one_action():
            return self._tables.holdings()

    def table(self, name: TableName) -> Table:
        """Return one table, read anew."""
        with self._client.one_action():
            return self._tables.table(name)

    def next_event(self) -> NextEvent | None:
        """Return what the device will do next of its own accord."""
        with self._client.one_action():
            return self._tables.next_event()

    def put(self, row: Row, row_id: str = "") -> str:
        """Add a row, or replace the one of this id; return its id, a `RowId` for all but neighbours."""
        with self._client.one_action():
            return self._tables.put(row, row_id)

    def put_back(self, row: FoundRow, row_id: str = "") -> str:
        """Like `put`, in the words in which the row was read."""
        with self._client.one_action():
            return self._tables.put_back(row, row_id)

    def remove(self, table: TableName, row_ids: Sequence[str]) -> None:
        """Remove rows; no error for one that is not there."""
        with self._client.one_action():
            self._tables.remove(table, row_ids)

    def set_clock(self, at: dt.datetime, region: str, standard_offset_min: int) -> None:
        """Set the device's clock and zone; of a socket, those of its strip."""
        with self._client.one_action():
            self._tables.set_clock(at, region, standard_offset_min)

    def log_in(self) -> str:
        """Log in once, whatever there is of a session and was refused before; return the protocol, as `Transport` says.

        For when a person says that the credentials will be taken now.
        """
        self._client.log_in()
        return self._client.transport or ""

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Pass a method on as it is."""
        return self._client.call(method, params)

    def close(self) -> None:
        """Forget the session and let go of the connection; the next call opens both anew."""
        self._components = self._description = self._info = None
        self._meter = PowerMeter(self._client)
        self._client.close()

    def _known_components(self) -> Mapping[str, int]:
        if self._components is None:
            self._components = codec.components(self._client.call("component_nego"))
        return self._components

    def _check_switch(self) -> None:
        """Raise Unsupported for a device that has no switch of its own; one that does not say now is believed.

        Devices pass over what they do not know and say that all is well.  Asked after the switching, which is not to
        wait for it, and of most devices once in their lives; of a socket never, whose strip has told what it can do.
        """
        if self._client.has_switch:
            return
        info = self._shown() or {}
        if "device_on" not in info and (is_other(info) or self._is_strip()):
            raise no_switch(self._client.host, info)

    def _shown(self) -> Mapping[str, Any] | None:
        """Return an answer to get_device_info of this session, or None where the device gives none now."""
        if self._info is None:
            with suppress(DeviceError):
                self._info = self._client.call("get_device_info")
        return self._info

    def _is_strip(self) -> bool:
        try:
            return "control_child" in self._known_components()
        except DeviceError:
            return False

    def _described(self, info: Mapping[str, Any] | None) -> Description:
        """Return what the device is, from its answer to `get_device_info` or, of None, as it is known."""
        if info is not None or self._description is None:
            with self._client.one_action():
                components = self._known_components()
                info = info or self._info or self._client.call("get_device_info")
            found = codec.description(self._client.host, info, components, self._client.transport)
            part = self._client.part
            self._description = replace(found, hardware_id=f"{found.hardware_id}/{part}") if part else found
        return self._description

    def _params(self, setting: Setting) -> dict[str, Any]:
        """Return the parameters of the `set_device_info` that makes the device so."""
        if setting == Setting(on=setting.on):
            # Everything that can be switched takes this: no need to ask what it is, which counts when a fleet wakes up.
            return {} if setting.on is None else {"device_on": setting.on}
        now = self.state() if codec.is_half_a_color(setting) else None
        return codec.set_params(self._client.host, setting, self._able_to(setting), now)

    def _able_to(self, setting: Setting) -> Description:
        """Return what the device can do, as far as a setting needs it; only its range of whites is not in its list."""
        if setting.color_temp_k is not None:
            return self.describe()
        components = self._known_components()
        return Description("", "", "", "", has_brightness="brightness" in components, has_color="color" in components)
