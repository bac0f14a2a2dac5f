"""Carrying rules out: APScheduler as alarm clock, one lane per device."""

from tapo_automate.daemon.clock import Clock, CompressedClock, WallClock
from tapo_automate.daemon.core import Daemon, longest_gap_s
from tapo_automate.daemon.events import Event, Metered, Observer, Outcome, Recovered, Stepped, Trouble

__all__ = [
    "Clock",
    "CompressedClock",
    "Daemon",
    "Event",
    "Metered",
    "Observer",
    "Outcome",
    "Recovered",
    "Stepped",
    "Trouble",
    "WallClock",
    "longest_gap_s",
]
