"""What a test, or a person, can do with a device or with one socket of a strip: look, press, use the app."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any

from tapo_automate.simulator import traces
from tapo_automate.simulator.appliance import Appliance
from tapo_automate.simulator.complaint import SimulatorError, hint
from tapo_automate.simulator.methods import carry_out
from tapo_automate.simulator.methods.schedule import told
from tapo_automate.simulator.records import Change, Execution, Write
from tapo_automate.simulator.refusal import Refused
from tapo_automate.simulator.traces import Trace

TABLES = ("schedule", "countdown", "antitheft")
# What the app sends where a person has chosen nothing.
_CHOSEN: dict[str, dict[str, Any]] = {
    "schedule": {"enable": True, "mode": "repeat", "week_day": 127, "s_type": "normal", "s_min": 0, "time_offset": 0},
    "countdown": {"enable": True},
    "antitheft": {
        "enable": True, "mode": "repeat", "week_day": 127, "frequency": 5,
        "start_time_type": "normal", "start_min": 1170, "start_time_offset": 0,
        "end_time_type": "normal", "end_min": 360, "end_time_offset": 0,
    },
}  # fmt: skip


class Hands(ABC):
    """Safe to use from any thread; whatever is asked, what the device did by itself until now has happened."""

    @abstractmethod
    def _present(self) -> AbstractContextManager[Appliance]:
        """Give what is behind the wire, alone and caught up with what it did by itself."""

    @property
    def device_id(self) -> str:
        with self._present() as appliance:
            return str(appliance.info.get("device_id", ""))

    @property
    def nickname(self) -> str:
        with self._present() as appliance:
            return appliance.nickname

    @property
    def changes(self) -> list[Change]:
        """What changed the relay or the light, and when, oldest first; as many are kept as of the calls."""
        with self._present() as appliance:
            return list(appliance.changes)

    @property
    def executions(self) -> list[Execution]:
        """What rows, timers and protection did, and when, also where it changed nothing; kept like the changes."""
        with self._present() as appliance:
            return list(appliance.executions)

    @property
    def writes(self) -> list[Write]:
        """What reached the flash, which wears out, oldest first; kept like the changes."""
        with self._present() as appliance:
            return list(appliance.writes)

    @property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of its tables as it tells them: schedule, countdown and antitheft, those that it has."""
        with self._present() as appliance:
            found: dict[str, list[dict[str, Any]]] = {}
            if "get_schedule_rules" in appliance.replies:
                found["schedule"] = told(appliance)
            if "get_countdown_rules" in appliance.replies:
                found["countdown"] = appliance.countdown.rows(appliance.elapsed_s)
            if "get_antitheft_rules" in appliance.replies:
                found["antitheft"] = [] if appliance.away.row is None else [appliance.away.row]
            return deepcopy(found)

    @property
    def info(self) -> dict[str, Any]:
        """A copy of what get_device_info answers now."""
        with self._present() as appliance:
            return deepcopy(appliance.refreshed_info())

    @property
    def state(self) -> dict[str, Any]:
        """device_on and, on lamps, brightness, hue, saturation and color_temp."""
        with self._present() as appliance:
            return appliance.shown()

    @property
    def on(self) -> bool:
        with self._present() as appliance:
            return appliance.on

    @property
    def countdown(self) -> dict[str, Any] | None:
        """The row of the timer that runs, as get_countdown_rules tells it, or None."""
        with self._present() as appliance:
            runs = appliance.countdown.ends_s is not None
            return deepcopy(appliance.countdown.rows(appliance.elapsed_s)[0]) if runs else None

    @property
    def next_event(self) -> dict[str, Any]:
        """What get_next_event answers now."""
        with self._present() as appliance:
            if not isinstance(appliance.replies.get("get_next_event"), dict):
                return {}
            return deepcopy(dict(carry_out(appliance, "get_next_event", {})))

    @property
    def power_w(self) -> float:
        """What the load draws now."""
        with self._present() as appliance:
            return appliance.meter.watts(appliance.at)

    def press(self) -> None:
        """Toggle the relay by hand, as a person at the device does."""
        with self._present() as appliance, appliance.recording("press", ""):
            appliance.switch(not appliance.on)

    def person_sets(self, **state: Any) -> None:
        """Change what `state` tells, as a person with the app does; brightness and colour switch a lamp on.

        Needs no session and ends none.  Raises SimulatorError where the device cannot show it.
        """
        with self._present() as appliance:
            name, has = appliance.profile.name, list(appliance.shown())
            for key in state:
                if key not in has:
                    raise SimulatorError(f"{name} has no {key!r}{hint(key, has)}")
            try:
                with appliance.recording("app", ""):
                    carry_out(appliance, "set_device_info", state)
            except Refused:
                wish = ", ".join(f"{key}={value!r}" for key, value in state.items()) or "nothing"
                raise SimulatorError(f"{name} cannot show {wish}; {_ranges(appliance)}") from None

    def person_adds(self, table: str, row: Mapping[str, Any]) -> str:
        """Add a row in the device's own words, as a person with the app does, and return its id.

        What is left out is what the app proposes: enabled, every day.  Raises SimulatorError if it is refused.
        """
        with self._present() as appliance:
            wish = _CHOSEN.get(table, {}) | dict(row)
            return str(self._as_person(appliance, table, f"add_{table}_rule", wish)["id"])

    def person_edits(self, table: str, row: Mapping[str, Any]) -> None:
        """Change the row of this id; what is left out stays.  Raises SimulatorError if it is refused."""
        with self._present() as appliance:
            self._as_person(appliance, table, f"edit_{table}_rule", dict(row))

    def person_removes(self, table: str, row: Mapping[str, Any] | str) -> None:
        """Remove the row, or the row of this id.  Raises SimulatorError if it is refused."""
        with self._present() as appliance:
            number = row if isinstance(row, str) else row.get("id")
            wish = {"remove_all": False, "rule_list": [{"id": number}]}
            self._as_person(appliance, table, f"remove_{table}_rules", wish)

    def set_table(self, table: str, *, enabled: bool) -> None:
        """Throw the master switch of the schedule or of the antitheft table.  Raises SimulatorError."""
        if table not in ("schedule", "antitheft"):
            raise SimulatorError(f"{table!r} has no master switch{hint(table, ['schedule', 'antitheft'])}")
        with self._present() as appliance:
            if table == "schedule":
                appliance.schedule.switched_on = enabled
            else:
                appliance.away.switched_on = enabled
            appliance.moved()

    def set_trace(self, trace: str | Trace) -> None:
        """Plug in another load; its trace begins now.  Raises SimulatorError."""
        load = traces.parse(trace) if isinstance(trace, str) else trace
        with self._present() as appliance:
            appliance.plug_in(load)

    def _as_person(self, appliance: Appliance, table: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if table not in TABLES:
            raise SimulatorError(f"no table {table!r}{hint(table, list(TABLES))}")
        try:
            with appliance.recording("app", ""):
                result = carry_out(appliance, method, params)
        except Refused as refusal:
            raise SimulatorError(f"{appliance.profile.name} refuses {method} with {refusal.code}: {params}") from None
        appliance.wrote(method, "app")
        return dict(result or {})


def _ranges(appliance: Appliance) -> str:
    """Return what the keys of its state may be, in words."""
    low, high = appliance.info.get("color_temp_range") or (0, 0)
    white = f"{low} to {high}, or " if low < high else ""
    words = {
        "device_on": "True or False",
        "brightness": "1 to 100",
        "hue": "0 to 360",
        "saturation": "0 to 100",
        "color_temp": f"{white}0 beside hue and saturation",
    }
    return "; ".join(f"{key}: {words[key]}" for key in appliance.shown())
