"""The real daemon in a process of its own, with the installed drivers.

Questions: start, reload, work, outcomes, stop.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.child import serve
from benchmarks.clients.ours import Account
from benchmarks.cost import cost_of, peak_mib, resident_mib
from tapo_automate.daemon import Daemon, Event, Metered, Outcome, Trouble
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook

SITE = '[site]\ntimezone = "UTC"\nlatitude = 52.52\nlongitude = 13.405\n'


def house(addresses: Sequence[str], rules: Iterable[str], site: str = SITE) -> str:
    """Return the text of a rule file: a device `d0`, `d1` … for each address, and the rules `r0`, `r1` …

    rules: the lines below each `[rules.NAME]`.  site: the lines of [site].
    """
    devices = (
        f'[devices.d{number}]\ndriver = "tapo-plug"\nhost = "{address}"' for number, address in enumerate(addresses)
    )
    tables = (f"[rules.r{number}]\n{lines}" for number, lines in enumerate(rules))
    return "\n".join((site, *devices, *tables)) + "\n"


class _Side:
    def __init__(self) -> None:
        self._registry = Registry({"account": Account()}, installed=True)
        self._daemon: Daemon | None = None
        self._journal: Journal | None = None
        self._events: list[Event] = []

    def start(self, text: str, poll_s: float, state: str = "", look_s: float = 60.0) -> dict[str, Any]:
        """Read the rules and begin.  state: a folder for the journal, "" for none."""
        self._events = []
        book: list[RuleBook] = []

        def begin() -> None:
            book.append(_book(text))
            self._journal = Journal.open(Path(state)) if state else None
            self._daemon = Daemon(
                book[0],
                self._registry,
                poll_s=poll_s,
                look_s=look_s,
                journal=self._journal,
                observe=self._events.append,
            )
            self._daemon.start()

        cost = cost_of(begin)
        return {"rules": len(book[0].rules), "start_s": cost.wall_s, "rss_mib": resident_mib()}

    def reload(self, text: str) -> dict[str, Any]:
        """Read other rules and carry them out from now on, beside what goes on."""
        daemon = self._daemon
        assert daemon is not None
        cost = cost_of(lambda: daemon.reload(_book(text)))
        return {"reload_s": cost.wall_s, "rss_mib": resident_mib(), "peak_mib": peak_mib()}

    def work(self, seconds: float) -> dict[str, Any]:
        """Let it go on for a while; return what that cost and what it told meanwhile."""
        first = len(self._events)
        cost = cost_of(lambda: time.sleep(seconds))
        events = self._events[first:]
        return {
            "wall_s": cost.wall_s,
            "cpu_s": cost.cpu_s,
            "readings": sum(isinstance(event, Metered) for event in events),
            "troubles": [str(event.error) for event in events if isinstance(event, Trouble)],
        }

    def outcomes(self) -> dict[str, Any]:
        """Return (Unix seconds due, seconds late, error or "") of every firing so far."""
        return {
            "outcomes": [
                (event.firing.due.timestamp(), event.late_s, str(event.error or ""))
                for event in self._events
                if isinstance(event, Outcome)
            ]
        }

    def stop(self) -> dict[str, Any]:
        daemon, self._daemon = self._daemon, None
        assert daemon is not None
        drained = daemon.stop()
        if self._journal:
            self._journal.close()
        return {"drained": drained}


def _book(text: str) -> RuleBook:
    loaded = load_text(text)
    assert loaded.book is not None, loaded.errors[:3]
    return loaded.book


if __name__ == "__main__":
    side = _Side()
    serve(
        {
            "start": side.start,
            "reload": side.reload,
            "work": side.work,
            "outcomes": side.outcomes,
            "stop": side.stop,
        }
    )
