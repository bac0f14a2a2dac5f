"""`python -m benchmarks [NAME ...] [--quick]`: run them all, or those named."""

from __future__ import annotations

import argparse
import os
import platform
import time
from importlib import import_module

from rich.console import Console

from benchmarks.report import Verdict

NAMES = (
    "startup",
    "warm",
    "fleet",
    "meters",
    "burst",
    "forecast",
    "journal",
    "simulator",
    "large",
    "sync",
    "cold",
    "login",
    "command",
    "discovery",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller figures: to see that all runs")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")

    console = Console(width=max(110, Console().width))
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}\n", highlight=False)
    begin = time.monotonic()
    verdicts: list[tuple[str, Verdict]] = []
    for name in chosen.names or NAMES:
        for report in import_module(f"benchmarks.{name}").run(chosen.quick):
            report.print(console)
            verdicts += [(name, verdict) for verdict in report.verdicts]
    missed = [(name, verdict) for name, verdict in verdicts if not verdict.met]
    met = len(verdicts) - len(missed)
    console.print(f"{met} of {len(verdicts)} targets met, {time.monotonic() - begin:.0f} s", highlight=False)
    for name, verdict in missed:
        console.print(f"  {name}: {verdict}", style="red", highlight=False)


if __name__ == "__main__":
    main()
