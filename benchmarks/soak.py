"""`make soak`: a month of the example house in some minutes; memory and open files must not grow.

python -m benchmarks.soak [--days 30] [--minutes 5]
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.clients.ours import Account
from benchmarks.cost import resident_mib
from tapo_automate.daemon import CompressedClock, Daemon, Event, Outcome
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.load import load_or_raise
from tapo_automate.rules.model import RuleBook
from tapo_automate.simulator import Fleet

EXAMPLE = Path(__file__).parents[1] / "rules.example.toml"
START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
PROFILES = {"washer": "P110", "rail": "P100", "porch": "L530", "lounge": "L530"}
GROWTH_MIB = 8.0  # from the second third of the run to the last
GROWTH_FILES = 4
RELOAD_EVERY = 5  # days


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5.0, help="real minutes that it takes")
    chosen = parser.parse_args()
    speed = chosen.days * 1440 / chosen.minutes
    console = Console(width=max(100, Console().width))
    table = Table("day", "MiB", "open files", "threads", "settled", "late", "journal MiB", box=None)
    samples: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder, Fleet() as fleet:
        clock = CompressedClock(START, speed)
        book = simulated(load_or_raise([EXAMPLE]), fleet, clock)
        settled: list[str] = []

        def observe(event: Event) -> None:
            if isinstance(event, Outcome):
                settled.append(event.result)

        journal = Journal.open(Path(folder))
        daemon = Daemon(
            book,
            Registry({"account": Account()}, installed=True),
            clock=clock,
            journal=journal,
            poll_s=max(10.0, speed / 20),
            look_s=max(60.0, speed / 4),
            grace_s=86_400,
            observe=observe,
        )
        daemon.start()
        for day in range(1, chosen.days + 1):
            while clock.now() < START + dt.timedelta(days=day):
                time.sleep(min(1.0, 3600 / speed))
                daemon.look_around()
            if day % RELOAD_EVERY == 0:
                daemon.reload(replace(book, rules=dict(reversed(book.rules.items()))))
            gc.collect()
            samples.append((resident_mib(), len(os.listdir("/proc/self/fd"))))
            missed = sum(result in ("missed", "failed") for result in settled)
            size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20
            row = (day, f"{samples[-1][0]:.1f}", samples[-1][1], _threads(), len(settled), missed, f"{size:.1f}")
            table.add_row(*map(str, row))
        daemon.stop()
        journal.close()
    console.print(table)
    third = len(samples) // 3
    before, after = samples[third : 2 * third], samples[2 * third :]
    grown = max(mib for mib, _ in after) - max(mib for mib, _ in before)
    more = max(files for _, files in after) - max(files for _, files in before)
    console.print(f"grown by {grown:.1f} MiB (allowed {GROWTH_MIB}) and {more} open files (allowed {GROWTH_FILES})")
    return int(grown > GROWTH_MIB or more > GROWTH_FILES or not settled)


def simulated(book: RuleBook, fleet: Fleet, clock: CompressedClock) -> RuleBook:
    """Return the book with a simulated device behind each of its devices."""
    devices = {}
    for name, spec in book.devices.items():
        device = fleet.add(
            PROFILES[name],
            username=USERNAME,
            password=PASSWORD,
            now=lambda: clock.now().timestamp(),
            keep_calls=0,
        )
        devices[name] = replace(spec, host=device.address)
    return replace(book, devices=devices)


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


if __name__ == "__main__":
    sys.exit(main())
