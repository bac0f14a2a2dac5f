"""What wakes the daemon: APScheduler, used for waiting and for nothing else.

It has one job, armed anew at every wake.  Its own policies for late and simultaneous jobs are switched off: lateness
is the planner's arithmetic.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from tapo_automate.daemon.clock import WallClock

LONGEST_WAIT_S = 86_400.0  # an instant far ahead is looked at again: clocks are set


class Alarm(Protocol):
    """Calls `ring`, in a thread of its own and never twice at once, some time after it was set."""

    def start(self, ring: Callable[[], None]) -> None:
        """Begin; nothing rings before `set`."""

    def set(self, after_s: float) -> None:
        """Ring once, after_s real seconds from now, instead of when it was set for before."""

    def stop(self) -> None:
        """Return when nothing rings any more."""


class SchedulerAlarm:
    """The alarm of a running daemon."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=dt.UTC,
            executors={"default": {"type": "threadpool", "max_workers": 1}},
            # A ring that waits for the last one to end is not to be dropped, and a late one not either.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1000},
        )

    def start(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._scheduler.start()

    def set(self, after_s: float) -> None:
        at = WallClock().now() + dt.timedelta(seconds=min(max(after_s, 0.0), LONGEST_WAIT_S))
        self._scheduler.add_job(self._ring, "date", run_date=at, id="tick", replace_existing=True)

    def stop(self) -> None:
        if self._scheduler.running:
            # Shut down while it gives a job out, APScheduler looks for the job in the wrong place and its thread dies.
            with suppress(JobLookupError):
                self._scheduler.remove_job("tick")
            self._scheduler.shutdown(wait=True)
