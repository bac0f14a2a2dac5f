"""Two hundred simulated devices in one process: how soon they listen, what they hold, how much they can answer."""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.child import Child
from benchmarks.clients import BARE
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict

DEVICES = 200


def run(quick: bool) -> list[Report]:
    rounds = 5 if quick else 20
    with ExitStack() as stack:
        begin = time.perf_counter()
        devices = stack.enter_context(DeviceSide())
        addresses = devices.add(DEVICES, log=True)
        start_s = time.perf_counter() - begin
        started = devices.spent()
        client = stack.enter_context(Child("benchmarks.clients", BARE))
        client.ask("open", addresses=addresses, transport="klap")
        before = devices.spent()
        begin = time.perf_counter()
        for number in range(rounds):
            client.ask("switch", on=number % 2 == 0)
        wall_s = time.perf_counter() - begin
        after = devices.spent()
        client.ask("close")
    requests = after["requests"] - before["requests"]
    cpu_s = after["cpu_s"] - before["cpu_s"]
    report = Report(f"simulator: {DEVICES} devices in one process", ("what", "figure"))
    report.rows += [
        ("start, with the interpreter, s", start_s),
        ("start, devices alone, s", started["start_s"]),
        ("memory when started, MiB", started["rss_mib"]),
        (f"memory at most, after {requests:,.0f} commands over {DEVICES} sessions, MiB", after["peak_mib"]),
        ("CPU per command, µs", cpu_s / requests * 1e6),
        ("commands per second that one core serves", requests / cpu_s),
        ("commands per second answered to one bare client", requests / wall_s),
    ]
    report.verdicts.append(Verdict("start", start_s, 5, " s"))
    report.verdicts.append(Verdict("memory", after["peak_mib"], 150, " MiB"))
    return [report]
