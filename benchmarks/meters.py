"""Reading 200 meters every second: by the daemon, for the sake of a power rule on each, and by python-kasa."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import pairwise
from statistics import median

from benchmarks.child import Child
from benchmarks.clients import KASA, OURS
from benchmarks.daemon_side import house
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict, ratio

METERS = 200
PERIOD_S = 1.0
_READS = ("get_current_power", "get_energy_usage", "get_emeter_data")
_RULE = 'devices = ["d{number}"]\nwhen.power = {{ below = 0.5, for = "1h" }}\nset = {{ on = false }}'


def run(quick: bool) -> list[Report]:
    turns, beats = (1, 4) if quick else (3, 8)
    cpu: dict[str, list[float]] = {OURS: [], KASA: []}
    missed = {OURS: 0, KASA: 0}
    longest = {OURS: 0.0, KASA: 0.0}
    troubles: list[str] = []
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        addresses = devices.add(METERS, log=True)
        daemon = stack.enter_context(Child("benchmarks.daemon_side"))
        kasa = stack.enter_context(Child("benchmarks.clients", KASA))
        text = house(addresses, (_RULE.format(number=number) for number in range(METERS)))
        for _ in range(turns):
            daemon.ask("start", text=text, poll_s=PERIOD_S)
            troubles += daemon.ask("work", seconds=2.5)["troubles"]  # handshakes, and which method the meter answers
            since = time.time()
            cost = daemon.ask("work", seconds=beats * PERIOD_S)
            _judge(OURS, devices.calls(_READS, since), beats, missed, longest)
            cpu[OURS].append(cost["cpu_s"] / cost["wall_s"])
            troubles += cost["troubles"]
            daemon.ask("stop")

            kasa.ask("open", addresses=addresses, transport="klap")
            kasa.ask("poll", beats=2, period_s=PERIOD_S)
            since = time.time()
            cost = kasa.ask("poll", beats=beats, period_s=PERIOD_S)
            _judge(KASA, devices.calls(_READS, since), beats, missed, longest)
            cpu[KASA].append(cost["cpu_s"] / cost["wall_s"])
            kasa.ask("close")
    report = Report(
        f"meters: {METERS} meters every second, {turns} turns of {beats} s",
        ("client", "CPU ms per s", "µs per reading", "missed", "longest gap s"),
    )
    for name, spent in cpu.items():
        per_s = median(spent)
        report.rows.append((name, per_s * 1e3, per_s / METERS * 1e6, f"{missed[name]}", longest[name]))
    report.verdicts.append(Verdict(f"CPU, times {KASA}", ratio(cpu[OURS], cpu[KASA]), 0.5))
    report.verdicts.append(Verdict("polls missed", missed[OURS], 0))
    report.notes.append(f"{OURS}: the whole daemon, rules included.  {KASA}: one bare get_current_power per reading,")
    report.notes.append("the smallest request there is, on a beat of its own by gather; its Energy module reads five")
    report.notes += [f"trouble: {trouble}" for trouble in troubles[:3]]
    return [report]


def _judge(
    name: str, calls: dict[str, list[float]], beats: int, missed: dict[str, int], longest: dict[str, float]
) -> None:
    """Add to the readings that are missing from the devices' own logs, and to the longest wait between two."""
    for instants in calls.values():
        missed[name] += gaps(instants, beats)
        longest[name] = max(longest[name], *(b - a for a, b in pairwise(instants)), 0.0)


def gaps(instants: Iterable[float], beats: int) -> int:
    """Return how many of `beats` beats found no reading; one that came late is not missing.

    >>> gaps([0.0, 1.0, 2.4, 3.0], 4), gaps([0.0, 1.0, 3.0], 4), gaps([], 4)
    (0, 1, 4)
    """
    return max(0, beats - len(list(instants)))
