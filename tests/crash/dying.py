"""What the moments share at which a daemon dies: instants, what the journal says, and a death by command."""

from __future__ import annotations

import datetime as dt

from daemon.house import DAY
from daemon.led import Led
from tapo_automate import Setting, Unreachable
from tapo_automate.rules.model import AtTime

ON, OFF = Setting(on=True), Setting(on=False)
SECOND = dt.timedelta(seconds=1)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


def ended(led: Led) -> dict[str, tuple[str, str]]:
    """Return (result, reason) of each rule, as the journal has it."""
    assert led.journal is not None
    assert led.journal.flush(5)
    return {entry.rule: (entry.result, entry.reason) for entry in led.journal.entries(newest_first=False)}


def doers(led: Led) -> list[tuple[str, str]]:
    """Return who changed devices, and by which rule, as the journal has it."""
    assert led.journal is not None
    assert led.journal.flush(5)
    return [(change.by, change.rule) for change in led.journal.changes(newest_first=False)]


class Died(BaseException):
    """What is not known to anybody in the daemon."""


def die_of_it(led: Led, *, accepted: bool) -> None:
    """Let the daemon die with its next command: after the device has accepted it, or before.

    It dies where it next reads the clock: what a driver raises would not end it.
    """
    toy = led.house.toys["lamp"]

    def die() -> dt.datetime:
        del led.clock.now
        raise Died

    def take(setting: Setting) -> None:
        led.clock.now = die  # type: ignore[method-assign]
        toy.listener = lambda setting: None

    def refuse() -> None:
        led.clock.now = die  # type: ignore[method-assign]
        toy.before = lambda: None
        raise Unreachable("lamp", "no answer")

    if accepted:
        toy.listener = take
    else:
        toy.before = refuse
