"""What the tables under `when` may hold.  See `shapes.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from tapo_automate.rules.values import (
    DAY_S,
    HOUR_S,
    Duration,
    Edge,
    Moment,
    Name,
    SignedDuration,
    SomeDuration,
    Table,
    WallTime,
    Watts,
    Weekdays,
    Window,
)

_DAYS = "The weekdays on which it happens. Without it: every day."


class TimeTable(Table):
    """At a wall time."""

    at: WallTime = Field(description="The wall time at the site: 23:30:00, without quotes.")
    days: Weekdays | None = Field(default=None, description=_DAYS)


class SunTable(Table):
    """At sunrise or sunset, or some time before or after."""

    offset: Annotated[SignedDuration, Field(ge=-12 * HOUR_S, le=12 * HOUR_S)] = Field(
        default=0, description='Before ("-15m") or after ("30m") the event; at most 12 hours.'
    )
    days: Weekdays | None = Field(default=None, description=_DAYS)


class DateTable(Table):
    """Once, at a date and time."""

    at: Moment = Field(description="The date and wall time at the site: 2026-12-24T16:00:00, without quotes.")


class EveryTable(Table):
    """Again and again."""

    interval: Annotated[SomeDuration, Field(ge=1, le=366 * DAY_S)] = Field(
        description='Elapsed time between two firings: "30m".'
    )
    between: Window | None = Field(
        default=None, description="Only inside this window of each day: [08:00:00, 20:00:00]; it may cross midnight."
    )
    days: Weekdays | None = Field(default=None, description=_DAYS)


class PowerTable(Table):
    """When the load of the rule's device passes a threshold and stays there."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["below"]},
            "then": {"properties": {"above": False}},
            "else": {"required": ["above"]},
        }
    )
    below: Annotated[Watts, Field(gt=0)] | None = Field(default=None, description="Watts: fires under this load.")
    above: Watts | None = Field(default=None, description="Watts: fires over this load.")
    hold: Annotated[Duration, Field(ge=0, le=DAY_S)] = Field(
        default=0, alias="for", description='How long the load must stay there: "3m". Without it: no time.'
    )
    rearm: Watts | None = Field(
        default=None, description="Watts that must be passed again before it can fire again. Default: the threshold."
    )


class StateTable(Table):
    """When a device is seen to turn on or off."""

    device: Name = Field(description="The device that is watched.")
    turns: Literal["on", "off"] = Field(description="What it must turn.")
    hold: Annotated[Duration, Field(ge=0, le=DAY_S)] = Field(
        default=0, alias="for", description='How long it must stay so: "10s".'
    )


class CountdownTable(Table):
    """Some time after the device turned on, or once after it was applied."""

    after: Annotated[SomeDuration, Field(ge=1, le=DAY_S)] = Field(description='The delay: "45m"; at most 24 hours.')
    start: Literal["on", "apply"] = Field(
        alias="from", description='"on": each time the device turns on. "apply": once, when it is applied.'
    )


class AwayTable(Table):
    """Random switching inside a window, as if somebody were at home."""

    start: Edge = Field(alias="from", description='A wall time (19:00:00) or "sunset", "sunset-15m".')
    until: Edge = Field(description='A wall time (23:30:00) or "sunrise", "sunrise+30m".')
    days: Weekdays | None = Field(default=None, description=_DAYS)


class WhenTable(Table):
    """When the rule fires: exactly one kind of trigger."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    time: TimeTable | None = Field(default=None, description="At a wall time.")
    sunrise: SunTable | None = Field(default=None, description="At sunrise, with an offset if wanted.")
    sunset: SunTable | None = Field(default=None, description="At sunset, with an offset if wanted.")
    date: DateTable | None = Field(default=None, description="Once, at a date and time.")
    every: EveryTable | None = Field(default=None, description="Again and again.")
    power: PowerTable | None = Field(default=None, description="When the load passes a threshold.")
    state: StateTable | None = Field(default=None, description="When a device turns on or off.")
    countdown: CountdownTable | None = Field(default=None, description="Some time after the device turned on.")
    away: AwayTable | None = Field(default=None, description="Random switching inside a window.")
