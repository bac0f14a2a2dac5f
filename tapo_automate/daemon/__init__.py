"""Carrying rules out: APScheduler as alarm clock, one lane per device."""

from tapo_automate.daemon.clock import Clock, CompressedClock, WallClock
from tapo_automate.daemon.core import Daemon, longest_gap_s
from tapo_automate.daemon.events import (
    Alarm,
    Changed,
    Event,
    Metered,
    Noticed,
    Observer,
    Outcome,
    Recovered,
    Reloaded,
    Retrying,
    Stepped,
    Trouble,
)
from tapo_automate.daemon.health import Health

__all__ = [
    "Alarm",
    "Changed",
    "Clock",
    "CompressedClock",
    "Daemon",
    "Event",
    "Health",
    "Metered",
    "Noticed",
    "Observer",
    "Outcome",
    "Recovered",
    "Reloaded",
    "Retrying",
    "Stepped",
    "Trouble",
    "WallClock",
    "longest_gap_s",
]
