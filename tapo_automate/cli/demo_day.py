"""What the demo shows: a live table at a terminal, lines otherwise, and at the end an account of the day."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table

from tapo_automate.cli.console import out, print_table
from tapo_automate.daemon import Clock, Event, Metered, Outcome, Recovered, Stepped, Trouble, longest_gap_s
from tapo_automate.rules.engine import Engine, Reading, runnable
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import Firing, RuleBook

if TYPE_CHECKING:
    from tapo_automate.simulator.device import Device as Simulated

LINES = 12  # of firings, below the live table
PATIENCE_S = 10.0  # real seconds that the last commands of the day may take


class Day:
    """Watches the daemon over a span of time and accounts for what was due in it.

    simulated: the devices by name.  clock, poll_s: the daemon's.
    """

    def __init__(
        self,
        book: RuleBook,
        simulated: Mapping[str, Simulated],
        clock: Clock,
        span: tuple[dt.datetime, dt.datetime],
        poll_s: float,
    ) -> None:
        self._book = book
        self._simulated = simulated
        self._clock = clock
        self._begin, self._end = span
        self._max_gap_s = longest_gap_s(poll_s)
        self._expected = list(firings_between(book, *span))
        self._live = sys.stdout.isatty()
        self._lock = threading.Lock()
        self._outcomes: list[Outcome] = []
        self._readings: list[Reading] = []
        self._watts: dict[str, float] = {}
        self._lines: deque[str] = deque(maxlen=LINES)
        self._began = time.monotonic()

    def observe(self, event: Event) -> None:
        """Take down what the daemon tells."""
        with self._lock:
            match event:
                case Outcome(firing=firing) if not self._begin <= firing.due < self._end:
                    return
                case Outcome():
                    self._outcomes.append(event)
                case Metered(device_id=device_id, at=at, power_w=power_w):
                    self._readings.append(Reading(device_id, at, power_w))
                    self._watts[device_id] = power_w
                    return
            line = self._line(event)
            self._lines.append(line)
            if not self._live:
                click.echo(line)

    def watch(self, stop: threading.Event) -> None:
        """Show the day until it is over and all that was due is reported, or `stop` is set."""
        if not self._live:
            self._wait(stop)
            return
        with Live(self._picture(), console=out(), refresh_per_second=10, get_renderable=self._picture):
            self._wait(stop)

    def summarise(self) -> bool:
        """Print what was due, what was done and what the devices' own logs confirm; True if all agree."""
        due: dict[tuple[str, str], int] = {}
        done: dict[tuple[str, str], int] = {}
        confirmed: dict[tuple[str, str], int] = {}
        for firing in self._due():
            key = firing.rule.id, firing.device_id
            due[key] = due.get(key, 0) + 1
        for outcome in self._outcomes:
            key = outcome.firing.rule.id, outcome.firing.device_id
            if outcome.error is None:
                done[key] = done.get(key, 0) + 1
                confirmed[key] = confirmed.get(key, 0) + self._confirmed(outcome)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("RULE", "DEVICE", "DUE", "DONE", "CONFIRMED"):
            table.add_column(heading, justify="left" if heading in ("RULE", "DEVICE") else "right")
        for key, count in sorted(due.items()):
            table.add_row(*key, str(count), str(done.get(key, 0)), str(confirmed.get(key, 0)))
        click.echo()
        print_table(table)
        totals = [sum(counts.values()) for counts in (due, done, confirmed)]
        click.echo(
            f"\n{totals[0]} due, {totals[1]} done, {totals[2]} confirmed by the devices' own logs, "
            f"in {time.monotonic() - self._began:.0f} s"
        )
        return due == done == confirmed

    def _due(self) -> list[Firing]:
        """Return what the forecast says, and what the meters' readings ask for when they are gone through anew."""
        engine = Engine(runnable(self._book.rules.values()), self._book.site, self._end, max_gap_s=self._max_gap_s)
        by_meter = [firing for reading in self._readings for firing in engine.observe(reading)]
        by_meter += engine.advance(self._end)  # those that jitter had delayed
        return [*self._expected, *(firing for firing in by_meter if self._begin <= firing.due < self._end)]

    def _confirmed(self, outcome: Outcome) -> bool:
        """Ask the device's log whether it accepted a command between the due instant and the report."""
        begin, end = outcome.firing.due.timestamp(), outcome.at.timestamp()
        return any(
            call.method == "set_device_info" and call.error_code == 0 and begin <= call.at <= end
            for call in self._simulated[outcome.firing.device_id].calls
        )

    def _wait(self, stop: threading.Event) -> None:
        while not stop.wait(0.05) and self._clock.now() < self._end:
            pass
        deadline = time.monotonic() + PATIENCE_S
        while not stop.is_set() and self._unreported() and time.monotonic() < deadline:
            stop.wait(0.05)

    def _unreported(self) -> bool:
        with self._lock:
            told = {(o.firing.rule.id, o.firing.device_id, o.firing.nominal) for o in self._outcomes}
        return any((f.rule.id, f.device_id, f.nominal) not in told for f in self._expected)

    def _line(self, event: Event) -> str:
        local = self._local(event.firing.due if isinstance(event, Outcome) else event.at)
        match event:
            case Outcome(firing=firing, error=None):
                note = f"  ({firing.note})" if firing.note else ""
                return f"{local}  {firing.rule.id:20} {firing.device_id:10} {firing.rule.setting}{note}"
            case Outcome(firing=firing, error=error):
                return f"{local}  {firing.rule.id:20} {firing.device_id:10} NOT {firing.rule.setting}: {error}"
            case Trouble(device_id=device_id, error=error):
                return f"{local}  {device_id}: {error}"
            case Recovered(device_id=device_id):
                return f"{local}  {device_id}: answers again"
            case Stepped(by_s=by_s):
                return f"{local}  the clock moved by {by_s:.0f} s"
            case Metered(device_id=device_id, power_w=power_w):
                return f"{local}  {device_id}: {power_w:.1f} W"
            case _:
                return f"{local}  {type(event).__name__.lower()}"

    def _local(self, at: dt.datetime) -> str:
        return at.astimezone(self._book.site.timezone).strftime("%H:%M")

    def _picture(self) -> Group:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("DEVICE", "MODEL", "SPEAKS", "STATE", "POWER"):
            table.add_column(heading, min_width=8)
        with self._lock:
            watts, lines = dict(self._watts), list(self._lines)
        for name, device in self._simulated.items():
            state = device.state
            doing = "on" if state["device_on"] else "off"
            if state["device_on"] and "brightness" in state:
                doing += f" {state['brightness']} %"
            power = f"{watts[name]:.0f} W" if name in watts else ""
            table.add_row(name, str(device.info.get("model", "")), device.transport, doing, power)
        now = self._clock.now().astimezone(self._book.site.timezone)
        return Group(f"{now:%a %H:%M}", table, "", *lines)
