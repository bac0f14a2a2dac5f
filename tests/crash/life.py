"""One life of a daemon: the real thing from the rule files to the sockets, on a clock that all lives share.

`live` is called in a process of its own, which it ends, unless somebody or a fuse does so before.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crash.points import Fuse, plant
from tapo_automate import Credentials, DeviceSpec, hookimpl, wire
from tapo_automate.cli.home import stopped_by_signals
from tapo_automate.daemon import CompressedClock, Daemon, Event, Metered, Outcome, core
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.load import load_or_raise
from tapo_automate.rules.model import Notice

LOOK_AROUND_S = 0.15
NOT_DRAINED = 3  # exit code


@dataclass(frozen=True, slots=True)
class Plan:
    """What a life is to be.  Paths and instants are text, so that the plan can travel.

    rules: the book, and the one that it is exchanged for and back.  began: see CompressedClock.  armed: point -> the
    how many-th time it kills.  reloads: after how many real seconds.  prompt_s: None for the daemon's own.
    """

    number: int
    folder: str
    rules: tuple[str, str]
    log: str
    start: str
    speed: float
    began: float
    username: str
    password: str
    poll_s: float
    look_s: float
    keep_days: int
    armed: dict[str, int] = field(default_factory=dict)
    reloads: tuple[float, ...] = ()
    prompt_s: float | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def live(plan: Plan) -> None:
    """Run a daemon until SIGTERM, and end the process: 0 if all was finished, NOT_DRAINED if not."""
    stop = stopped_by_signals()
    diary = Diary(plan)
    plant(Fuse(plan.armed, lambda point: diary.write(died_at=point)))
    if plan.prompt_s is not None:
        core.PROMPT_S = plan.prompt_s
    logging.basicConfig(level=logging.WARNING, format=f"life {plan.number}: %(message)s")
    wire.use(wire.Surroundings(spacing_s=0, patience_s=()))  # this clock is quick: a real rest would be minutes of it
    books = [load_or_raise([path]) for path in plan.rules]
    journal = Journal.open(
        Path(plan.folder),
        keep_days=plan.keep_days,
        on_problem=lambda text: diary.write(journal=text),
        on_warning=lambda text: diary.write(journal=text),
    )
    daemon = Daemon(
        books[0],
        Registry({"house": diary}, installed=True),
        clock=diary.clock,
        journal=journal,
        poll_s=plan.poll_s,
        look_s=plan.look_s,
        observe=diary.observe,
    )
    diary.write(begun=True)
    daemon.start()
    diary.write(started=True)

    def reload() -> None:
        for number, after_s in enumerate(plan.reloads):
            time.sleep(after_s)
            daemon.reload(books[(number + 1) % 2])

    threading.Thread(target=reload, daemon=True).start()
    daemon.watch(stop, LOOK_AROUND_S)
    diary.write(stopping=True)
    drained = daemon.stop()
    journal.close()
    diary.write(ended=True)
    os._exit(0 if drained else NOT_DRAINED)


class Diary:
    """Writes down what a life tells, a line of JSON each, in a way that outlives SIGKILL; also the house's plugin."""

    def __init__(self, plan: Plan) -> None:
        self.clock = CompressedClock(dt.datetime.fromisoformat(plan.start), plan.speed, began=plan.began)
        self._life = plan.number
        self._account = Credentials(plan.username, plan.password)
        self._file = os.open(plan.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **words: Any) -> None:
        """Append a line, in one call of the kernel."""
        line = {"life": self._life, "t": self.clock.now().isoformat(), **words}
        os.write(self._file, (json.dumps(line) + "\n").encode())

    def observe(self, event: Event) -> None:
        match event:
            case Metered(device_id, at, power_w):
                self.write(metered=device_id, at=at.isoformat(), power_w=power_w)
            case Outcome(firing, _, error, result, tries):
                due = firing.due.isoformat()
                said = str(error) if error else ""
                self.write(
                    outcome=result, rule=firing.rule.id, device=firing.device_id, due=due, said=said, tries=tries
                )
            case _:
                self.write(
                    event=type(event).__name__, said=str(getattr(event, "text", "") or getattr(event, "error", ""))
                )

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials:
        return self._account

    @hookimpl
    def notify(self, notice: Notice) -> None:
        self.write(notice=notice.rule.id, nominal=notice.at.isoformat(), text=notice.text)
