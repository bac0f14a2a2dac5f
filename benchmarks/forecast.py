"""A year looked at beforehand, with ten rules and with ten thousand."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.child import Child, serve
from benchmarks.cost import MIB, cost_of, peak_mib
from benchmarks.daemon_side import house
from benchmarks.report import Report, Verdict, shown

DAYS = 365
_BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_KINDS = (
    'devices = ["d{device}"]\nwhen.time = {{ at = {hour:02}:{minute:02}:00 }}\nset = {{ on = true }}',
    'devices = ["d{device}"]\nwhen.time = {{ at = {hour:02}:{minute:02}:00, days = ["mon", "wed", "fri"] }}\n'
    "set = {{ on = false }}",
    'devices = ["d{device}"]\nwhen.sunset = {{ offset = "-{minute}m" }}\nset = {{ on = true }}',
    'devices = ["d{device}"]\nwhen.sunrise = {{ offset = "{minute}m" }}\njitter = "30s"\nset = {{ on = false }}',
)


def run(quick: bool) -> list[Report]:
    report = Report(
        f"forecast: {DAYS} days; four kinds of rules, time, weekdays, sunset, sunrise with jitter",
        ("rules", "seconds", "peak MiB", "firings", "µs per rule-day"),
    )
    for count in (10, 100, 1000) if quick else (10, 100, 1000, 10_000):
        with Child("benchmarks.forecast") as child:
            told = child.ask("forecast", count=count)
        per_rule_day = told["seconds"] / (count * DAYS) * 1e6
        report.rows.append((f"{count:,}", told["seconds"], told["peak_mib"], f"{told['firings']:,}", per_rule_day))
        if count == 1000:
            report.verdicts.append(Verdict("1,000 rules", told["seconds"], 10, " s"))
            report.verdicts.append(Verdict("1,000 rules", told["peak_mib"], 500, " MiB"))
    last, first = report.rows[-1], report.rows[1]
    report.verdicts.append(
        Verdict(f"µs per rule-day at {last[0]} rules, times those at {first[0]}", float(last[4]) / float(first[4]), 1.5)
    )
    _by_command(report)
    return [report]


def _rules(count: int) -> list[str]:
    return [
        _KINDS[number % 4].format(device=number % 20, hour=number * 7 % 24, minute=number * 13 % 60)
        for number in range(count)
    ]


def _text(count: int) -> str:
    return house([f"127.0.0.1:{10_000 + number}" for number in range(20)], _rules(count))


def _by_command(report: Report) -> None:
    """Add the same by the command, which also reads the file and writes JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.toml")
        path.write_text(_text(1000))
        words = ["forecast", "-r", str(path), "--from", "2026-01-01", "--to", "2027-01-01", "--json"]
        begin = time.perf_counter()
        process = subprocess.Popen([Path(sys.executable).with_name("tapo-automate"), *words], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
    if process.returncode:
        report.notes.append(f"`tapo-automate forecast` ended with {process.returncode}")
        return
    peak = used.ru_maxrss * 1024 / MIB
    report.verdicts.append(Verdict("`tapo-automate forecast --json`, 1,000 rules", seconds, 10, " s"))
    report.verdicts.append(Verdict("`tapo-automate forecast --json`, 1,000 rules", peak, 500, " MiB"))
    report.notes.append(f"the command: {shown(used.ru_utime + used.ru_stime)} s of CPU, with reading the file and JSON")


def _forecast(count: int) -> dict[str, Any]:
    from tapo_automate.rules.forecast import forecast
    from tapo_automate.rules.load import load_text

    book = load_text(_text(count)).book
    assert book is not None
    found = 0

    def year() -> None:
        nonlocal found
        found = sum(1 for _ in forecast(book, _BEGIN, _BEGIN + dt.timedelta(DAYS)))

    cost = cost_of(year)
    return {"seconds": cost.wall_s, "peak_mib": peak_mib(), "firings": found}


if __name__ == "__main__":
    serve({"forecast": _forecast})
