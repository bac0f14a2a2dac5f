"""The one countdown that a device holds: it runs without us, and is lost when the device is without power.

Source: docs/protocol.md, "Countdown".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting, Busy, DeviceError, Garbled, Refused, SessionLost, Unreachable, Unsupported
from tapo_automate.rows import CountdownRow
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.desired import holds, read_setting
from tapo_automate.wire.tables import read_countdown

MOST_S = 86_400
MAY_BE_OVER_S = 30  # a countdown that is no longer may have run out before it could be read back
RUNS_ALREADY = -1902


class Countdown:
    """Starts, reads and stops the countdown of one device."""

    def __init__(self, client: Caller) -> None:
        self._client = client
        self._seen: tuple[CountdownRow, ...] | None = None  # at the last look
        self._over: Setting | None = None  # what a countdown has set that ran out since `ran_out` was asked

    def start(self, after_s: int, states: Mapping[str, Any], version: int) -> None:
        """Start it, in place of one that runs.

        states: from `desired_states`.  version: of the device's component `countdown`.
        Raises BadSetting, Unsupported, and what `Client.call` raises; Garbled if the device does not show it then.
        """
        if not 1 <= after_s <= MOST_S:
            problem = f"a countdown of {after_s} s is out of range: a device's own runs 1 s to 24 h ({MOST_S} s)"
            raise BadSetting(self._client.host, problem)
        params: dict[str, Any] = {"enable": True, "delay": after_s, "remain": after_s}
        if version >= 2:
            params["desired_states"] = states
        elif states.keys() == {"on"}:
            params["action"] = "on" if states["on"] else "off"
        else:
            raise Unsupported(self._client.host, "its countdown switches on and off, and sets nothing else")
        wanted = read_setting(params)
        assert isinstance(wanted, Setting)
        if _running(self._look()):
            self._clear()
        self._add(params, wanted)
        self._read_back(after_s, wanted)

    def read(self) -> tuple[int, Setting] | None:
        """Return (seconds left, what it will set) of the countdown that runs, or None."""
        running = _running(self._look())
        return None if running is None else (running.left_s, running.setting)

    def stop(self) -> None:
        """Stop it; nothing is done where none runs."""
        if _running(self._look()):
            self._clear()

    def ran_out(self, on: bool) -> bool:
        """Whether a countdown has turned the device on (or off) since this was asked last.

        A row that is over stays in the table for good: one that looks as it did before has done nothing since.  At the
        first look it is taken to be new, and one that was started anew, for the same time, unseen, is not noticed.
        """
        self._look()
        if self._over is None or self._over.on is not on:
            return False
        self._over = None
        return True

    def _look(self) -> tuple[CountdownRow, ...]:
        try:
            rows = read_countdown(self._client)
        except Unsupported as error:
            raise Unsupported(self._client.host, "it has no countdown of its own") from error
        if rows != self._seen:
            self._over = None if _running(rows) or not rows else rows[0].setting
        self._seen = rows
        return rows

    def _clear(self) -> None:
        self._client.call("remove_countdown_rules", {"remove_all": True, "rule_list": []})
        self._seen = tuple(replace(row, enabled=False, left_s=0) for row in self._seen or ())

    def _add(self, params: Mapping[str, Any], wanted: Setting) -> None:
        """Add the row once, whatever becomes of the answer: adding is not idempotent."""
        try:
            self._client.call("add_countdown_rule", params)
        except Refused as error:
            if error.code != RUNS_ALREADY:
                raise
            self._clear()  # it was started meanwhile, or its row could not be read
            self._client.call("add_countdown_rule", params)
        except DeviceError as error:
            if not error.outcome_unknown or error.after_login:
                raise  # looking would be a second login
            rows = self._look()
            if _shows(rows, params["delay"], wanted):
                return
            if _running(rows):
                raise  # somebody else's, who came in between
            self._client.call("add_countdown_rule", params)

    def _read_back(self, after_s: int, wanted: Setting) -> None:
        try:
            rows = self._look()
        except (Unreachable, SessionLost, Busy):
            return  # the device has said that it took it
        if not _shows(rows, after_s, wanted):
            problem = "the device took the countdown and does not show it; whether it runs is unknown"
            raise Garbled(self._client.host, problem, outcome_unknown=True)


def _running(rows: tuple[CountdownRow, ...]) -> CountdownRow | None:
    return next((row for row in rows if row.left_s), None)


def _shows(rows: tuple[CountdownRow, ...], after_s: int, wanted: Setting) -> bool:
    """Whether the countdown is there as it was asked for."""
    return any(
        row.delay_s == after_s and holds(row.setting, wanted) and (row.left_s or after_s <= MAY_BE_OVER_S)
        for row in rows
    )
