"""The two neighbours of a device's tables, each one row without an id: its auto-off and its power protection.

Source: docs/protocol.md, "Neighbours".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from tapo_automate.errors import BadSetting, Busy, Refused, Unsupported
from tapo_automate.rows import AutoOff, PowerProtection, Table
from tapo_automate.wire.batch import Caller
from tapo_automate.wire.codec import maximum_w
from tapo_automate.wire.desired import truth
from tapo_automate.wire.rows_codec import PROTECTION_SWITCHES, protection_switches, read_row

Neighbour: TypeAlias = Literal["auto_off", "power_protection"]
NEIGHBOURS: tuple[Neighbour, ...] = ("auto_off", "power_protection")

READ: Mapping[Neighbour, str] = {"auto_off": "get_auto_off_config", "power_protection": "get_protection_power"}
_SET: Mapping[Neighbour, str] = {"auto_off": "set_auto_off_config", "power_protection": "set_protection_power"}


def as_table(name: Neighbour, answer: Mapping[str, Any]) -> Table:
    """Return a neighbour as a table, from the answer to its method of READ."""
    row = read_row(name, answer)
    return Table(1, () if row is None else (row,))


class Neighbours:
    """Reads and sets them on one device."""

    def __init__(self, client: Caller) -> None:
        self._client = client
        self._most_w: float | None = None  # it varies a little with the mains, and is asked for once

    def read(self, name: Neighbour) -> Table:
        """Return one, read anew."""
        return as_table(name, self._client.call(READ[name]))

    def put(self, row: AutoOff | PowerProtection) -> None:
        """Set one.  Raises BadSetting."""
        if isinstance(row, AutoOff):
            if row.delay_min < 1:
                problem = f"auto-off after {row.delay_min} min is out of range: it takes 1 min and up"
                raise BadSetting(self._client.host, problem)
            self._client.call(_SET["auto_off"], {"enable": row.enabled, "delay_min": row.delay_min})
            return
        most_w = self.built_for_w()
        if row.limit_w < 1 or (most_w is not None and row.limit_w > most_w):
            limits = "1 W and up" if most_w is None else f"1 to {most_w:g} W"
            problem = f"a power protection at {row.limit_w} W is out of range: it takes {limits}"
            raise BadSetting(self._client.host, problem)
        switches = _switches("power_protection", self._client.call(READ["power_protection"]))
        self._client.call(
            _SET["power_protection"], {**dict.fromkeys(switches, row.enabled), "protection_power": row.limit_w}
        )

    def put_back(self, name: Neighbour, words: Mapping[str, Any]) -> None:
        """Set one in the words in which it was read."""
        self._client.call(_SET[name], words)

    def switch_off(self, name: Neighbour) -> None:
        """Switch one off, and leave its number as it is; nothing is written where it is off."""
        words = self._client.call(READ[name])
        switches = _switches(name, words)
        if any(truth(words.get(switch)) is not False for switch in switches):
            self._client.call(_SET[name], {**words, **dict.fromkeys(switches, False)})

    def built_for_w(self) -> float | None:
        """Return the load that the device is built for, None where it does not say."""
        if self._most_w is None:
            try:
                self._most_w = maximum_w(self._client.call("get_max_power"))
            except Busy:
                raise
            except (Refused, Unsupported):
                return None
        return self._most_w


def _switches(name: Neighbour, words: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the device calls the switch of a neighbour, from what it says of it."""
    return ("enable",) if name == "auto_off" else protection_switches(words) or PROTECTION_SWITCHES[:1]
