"""What the demo shows: a live table at a terminal, lines otherwise, and at the end an account of the day."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table

from tapo_automate.cli.console import out, print_table
from tapo_automate.cli.log import asked, told
from tapo_automate.daemon import Clock, Event, Metered, Outcome, longest_gap_s
from tapo_automate.rules.engine import Engine, Reading, runnable
from tapo_automate.rules.forecast import firings_between, why_not_forecast
from tapo_automate.rules.model import Firing, PowerPast, RuleBook

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
                case Outcome(firing=firing):
                    self._outcomes.append(event)
                    if event.error is None and not firing.settings and not firing.role:
                        return  # it only told people something, and has a line for that
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
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("RULE", "DEVICE", "DUE", "WITHHELD", "DONE", "CONFIRMED"):
            table.add_column(heading, justify="left" if heading in ("RULE", "DEVICE") else "right")
        counts = self._counts()
        for key, count in sorted(counts.items()):
            table.add_row(*key, *(str(number) for number in astuple(count)))
        click.echo()
        print_table(table)
        due, withheld, done, confirmed = (
            sum(each) for each in zip((0, 0, 0, 0), *map(astuple, counts.values()), strict=True)
        )
        click.echo(
            f"\n{due} due, {withheld} withheld, {done} done, {confirmed} confirmed by the devices' own logs, "
            f"in {time.monotonic() - self._began:.0f} s"
        )
        return all(
            count.due == count.withheld + count.done and count.confirmed == count.done for count in counts.values()
        )

    def _counts(self) -> dict[tuple[str, str], _Count]:
        """Return the account by rule and device, of all firings that set something."""
        due = {_key(firing) for firing in self._due() if firing.settings}
        counts: dict[tuple[str, str], _Count] = {}
        for rule_id, device_id, _ in due:
            counts.setdefault((rule_id, device_id), _Count()).due += 1
        for outcome in self._outcomes:
            firing = outcome.firing
            if not firing.settings:
                continue
            count = counts.setdefault((firing.rule.id, firing.device_id), _Count())
            withheld = outcome.result in ("withheld", "superseded")
            # What waits for a device's state or is drawn at random came due when the daemon says so: nobody else can
            # know.  What the time withholds is not in the forecast.
            unknown = why_not_forecast(firing.rule) and not isinstance(firing.rule.trigger, PowerPast)
            count.due += bool(_key(firing) not in due and (withheld or unknown))
            count.withheld += withheld
            if outcome.error is None:
                count.done += 1
                count.confirmed += self._confirmed(outcome)
        return counts

    def _due(self) -> list[Firing]:
        """Return what the forecast says, and what the meters' readings ask for when they are gone through anew."""
        engine = Engine(runnable(self._book.rules.values()), self._book.site, self._end, max_gap_s=self._max_gap_s)
        by_meter = [firing for reading in self._readings for firing in engine.observe(reading)]
        by_meter += engine.advance(self._end)  # those that jitter had delayed
        return [*self._expected, *(firing for firing in by_meter if self._begin <= firing.due < self._end)]

    def _confirmed(self, outcome: Outcome) -> bool:
        """Ask the device's log whether, between the due instant and the report, it accepted as many commands as asked.

        Where it was as asked already: whether it was looked at.
        """
        begin, end = outcome.firing.due.timestamp(), outcome.at.timestamp()
        already = outcome.result == "already"
        method, least = ("get_device_info", 1) if already else ("set_device_info", len(outcome.firing.settings))
        accepted = [
            call
            for call in self._simulated[outcome.firing.device_id].calls
            if call.method == method and call.error_code == 0 and begin <= call.at <= end
        ]
        return len(accepted) >= least

    def _wait(self, stop: threading.Event) -> None:
        while not stop.wait(0.05) and self._clock.now() < self._end:
            pass
        deadline = time.monotonic() + PATIENCE_S
        while not stop.is_set() and self._unreported() and time.monotonic() < deadline:
            stop.wait(0.05)

    def _unreported(self) -> bool:
        with self._lock:
            told = {_key(outcome.firing) for outcome in self._outcomes}
        return any(_key(firing) not in told for firing in self._expected)

    def _line(self, event: Event) -> str:
        if not isinstance(event, Outcome):
            return f"{self._local(event.at)}  {told(event)}"
        firing = event.firing
        what = asked(firing)
        if event.error is not None:
            what = f"NOT {what}: {event.error}"
        elif event.result == "already":
            what += ", as it was already"
        note = f"  ({firing.note})" if firing.note and event.error is None else ""
        return f"{self._local(firing.due)}  {firing.rule.id:20} {firing.device_id:10} {what}{note}"

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


@dataclass(slots=True)
class _Count:
    """How many firings came due, were withheld on purpose, were done, and were confirmed by the device."""

    due: int = 0
    withheld: int = 0
    done: int = 0
    confirmed: int = 0


def _key(firing: Firing) -> tuple[str, str, dt.datetime]:
    return firing.rule.id, firing.device_id, firing.nominal
