"""A device with tables on a clock that the test moves, and a session with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulator.speaking import Clock, Klap
from tapo_automate.simulator import Device

Add = Callable[..., Device]
PARAMS = {"error_code": -1008}
OK = {"error_code": 0}
ON, OFF = {"on": True}, {"on": False}
DAILY = {"enable": True, "mode": "repeat", "week_day": 127, "s_type": "normal", "s_min": 0, "time_offset": 0,
         "e_type": "none", "e_min": 0, "e_action": "none", "year": 2026, "month": 1, "day": 1,
         "desired_states": ON}  # fmt: skip
NIGHTLY = {"enable": True, "mode": "repeat", "week_day": 127, "frequency": 5, "start_time_type": "normal",
           "start_min": 1170, "start_time_offset": 0, "end_time_type": "normal", "end_min": 360,
           "end_time_offset": 0}  # fmt: skip


def at(text: str, zone: str = "Europe/Berlin") -> float:
    """Return the Unix seconds of a wall time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def wall(instant: float, zone: str = "Europe/Berlin") -> str:
    return f"{datetime.fromtimestamp(instant, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


class Ruled:
    """What is given of a row takes the place of what DAILY and NIGHTLY say."""

    def __init__(self, add: Add, clock: Clock, profile: Any = "P110", **wishes: Any) -> None:
        self.device = add(profile, now=clock, **wishes)
        self.session = Klap(self.device).log_in()

    def call(self, method: str, params: Any = ...) -> Any:
        return self.session.call(method, params)

    def add(self, **fields: Any) -> Any:
        return self.call("add_schedule_rule", DAILY | fields)

    def stored(self, **fields: Any) -> str:
        reply = self.add(**fields)
        assert reply["error_code"] == 0, reply
        return str(reply["result"]["id"])

    def away(self, **fields: Any) -> Any:
        return self.call("add_antitheft_rule", NIGHTLY | fields)

    def page(self, start: int = 0) -> Any:
        return self.call("get_schedule_rules", {"start_index": start})["result"]

    def rows(self) -> Any:
        return self.page()["rule_list"]

    def next_event(self) -> Any:
        return self.call("get_next_event", {})["result"]

    def done(self, zone: str = "Europe/Berlin") -> list[tuple[str, str]]:
        """Return (id, wall time) of what the tables did."""
        return [(row.id, wall(row.at, zone)) for row in self.device.executions]
