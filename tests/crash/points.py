"""Where a daemon can be made to die: named points, planted from outside around the functions of the real thing.

A fuse that burns down ends the process with SIGKILL: nothing is flushed, said or tidied up.
"""

from __future__ import annotations

import functools
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tapo_automate.daemon.core import Daemon
from tapo_automate.daemon.decider import Decider
from tapo_automate.daemon.dispatch import Dispatch
from tapo_automate.daemon.planner import Planner
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.engine import Engine
from tapo_automate.wire import SmartDevice

POINTS: Mapping[str, str] = {
    "schema.before": "the journal is a file without tables",
    "schema.after": "the journal has tables and nothing in them",
    "begin.before": "the devices are opened, nothing is read or decided",
    "begin.inherited": "the journal was read",
    "begin.planned": "what was missed is decided, nothing of it is written down",
    "begin.after": "the daemon has begun",
    "catchup.begun": "firings are late, nobody knows of it",
    "catchup.asked": "looks at their devices are to be asked for",
    "catchup.looked": "a device was looked at for its late firings",
    "catchup.decided": "what is made up for is decided and not written down",
    "record.before": "something is to be written down",
    "record.after": "the journal's thread has something to write",
    "commit.before": "the journal's thread has written and not committed",
    "commit.after": "it has committed",
    "orders.taken": "orders are written down and taken, not yet in their lanes",
    "order.handed": "an order is in its lane",
    "apply.before": "a command is about to be sent",
    "apply.accepted": "the device has accepted it, nobody has taken notice",
    "order.answered": "the lane is about to tell the planner",
    "order.settled": "the planner knows, the journal does not",
    "look.before": "a device is about to be looked at",
    "look.answered": "it has answered, nobody has taken notice",
    "meter.answered": "a meter was read, nobody has taken notice",
    "hold.power": "a hold by load is running",
    "hold.state": "a hold by state is running",
    "hold.countdown": "a countdown is running",
    "steps.ordered": "a step has become an order that is not written down",
    "steps.between": "a sequence is between two of its steps",
    "away.begin": "a window begins",
    "away.switch": "a switching at random is decided",
    "away.return": "the end of a window is decided",
    "notice.before": "people are about to be told",
    "notice.after": "people were told",
    "alive.told": "a sign of life is to be written",
    "prune.deleted": "old entries are deleted and not committed",
    "reload.begun": "another book is offered",
    "reload.prepared": "the engine for it is made",
    "reload.taken": "the planner has taken it over, the journal knows nothing of it",
    "reload.done": "it is carried out",
    "stop.begun": "the daemon is asked to stop",
    "stop.told": "what is not settled is reported",
    "stop.ended": "the end of the run is to be written",
}

Choose = Callable[..., str]


class Fuse:
    """Ends this process when it passes an armed point for the n-th time.

    armed: point -> n.  last_words: called with the point just before.
    """

    def __init__(self, armed: Mapping[str, int], last_words: Callable[[str], None]) -> None:
        assert armed.keys() <= POINTS.keys(), armed
        self._left = dict(armed)
        self._last_words = last_words
        self._lock = threading.Lock()

    def passing(self, point: str) -> None:
        """Called wherever a point is passed; most of the time nothing happens."""
        if point not in self._left:
            return
        with self._lock:
            self._left[point] -= 1
            if self._left[point] == 0:
                self._last_words(point)
                os.kill(os.getpid(), signal.SIGKILL)


def plant(fuse: Fuse) -> None:
    """Put the points into the classes of this process.  It is not for use again by anything else."""

    def around(owner: type, method: str, before: str | Choose = "", after: str | Choose = "") -> None:
        """before, after: a point, or what says which one from the arguments (for `after` the result comes first)."""
        inner = getattr(owner, method)

        @functools.wraps(inner)
        def outer(self: Any, *args: Any, **options: Any) -> Any:
            fuse.passing(before if isinstance(before, str) else before(self, *args))
            result = inner(self, *args, **options)
            fuse.passing(after if isinstance(after, str) else after(result, self, *args))
            return result

        setattr(owner, method, outer)

    around(SmartDevice, "apply", "apply.before", "apply.accepted")
    around(SmartDevice, "state", "look.before", "look.answered")
    around(SmartDevice, "power_w", after="meter.answered")
    around(Journal, "record", "record.before", "record.after")
    around(Journal, "alive", after="alive.told")
    around(Journal, "end", after="stop.ended")
    around(Daemon, "_begin", "begin.before", "begin.after")
    around(Daemon, "_put_order", after="order.handed")
    around(Daemon, "reload", "reload.begun", "reload.done")
    around(Daemon, "stop", "stop.begun")
    around(Planner, "begin", "begin.inherited", "begin.planned")
    around(Planner, "prepare", after="reload.prepared")
    around(Planner, "take_over", after="reload.taken")
    around(Planner, "stop", after="stop.told")
    around(Planner, "take", after=lambda orders, *_: "orders.taken" if orders else "")
    around(Planner, "finished", "order.answered", "order.settled")
    around(
        Decider,
        "make_up_for",
        lambda decider, late, *_: "catchup.begun" if late else "",
        lambda _, decider, late, *__: "catchup.asked" if late else "",
    )
    around(Decider, "_bring_up_to_date", "catchup.looked", "catchup.decided")
    around(Decider, "_go", after=lambda _, decider, firing, *__: f"away.{firing.role}" if firing.role else "")
    around(Engine, "observe", after=_holding_by_load)
    around(Engine, "see", after=_holding_by_state)
    around(Dispatch, "_step", after=lambda _, dispatch, run, *__: "steps.ordered" if run.open else "")
    around(Dispatch, "_settle", after=_between_steps)
    around(Registry, "notify", "notice.before", "notice.after")
    _plant_in_sqlite(fuse)


def _holding_by_load(_: object, engine: Engine, reading: Any) -> str:
    for (_, device_id), latch in engine.memory.latches.items():
        if device_id == reading.device_id and latch.armed and latch.since is not None:
            return "hold.power"
    return ""


def _holding_by_state(_: object, engine: Engine, sighting: Any) -> str:
    for (rule_id, device_id), turn in engine.memory.turns.items():
        if device_id == sighting.device_id and turn.since is not None and not turn.fired:
            return "hold.countdown" if rule_id == "rail-off" else "hold.state"
    return ""


def _between_steps(_: object, dispatch: Dispatch, order: Any, *__: object) -> str:
    run = dispatch.sequences.of(order.firing.rule, order.firing.device_id)
    return "steps.between" if run is not None and 0 < run.next < len(run.firing.settings) else ""


def _plant_in_sqlite(fuse: Fuse) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql == "COMMIT":
                fuse.passing("commit.before")
            cursor = super().execute(sql, *parameters)
            if sql == "COMMIT":
                fuse.passing("commit.after")
            elif sql.lstrip().startswith("DELETE FROM entries") and cursor.rowcount > 0:
                fuse.passing("prune.deleted")
            return cursor

        def __exit__(self, *raised: Any) -> Any:
            commits = raised[0] is None and self.in_transaction
            fuse.passing("commit.before" if commits else "")
            suppressed = super().__exit__(*raised)
            fuse.passing("commit.after" if commits else "")
            return suppressed

        def executescript(self, sql: str) -> sqlite3.Cursor:
            fuse.passing("schema.before")
            cursor = super().executescript(sql)
            fuse.passing("schema.after")
            return cursor

    sqlite3.connect = functools.partial(sqlite3.connect, factory=Connection)  # type: ignore[assignment]
