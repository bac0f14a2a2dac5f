"""How soon 200 devices are found, with no datagram lost and with every fifth."""

from __future__ import annotations

import os
from contextlib import ExitStack
from statistics import median

from benchmarks.child import Child
from benchmarks.clients import FIND_S, KASA, OUR_WIRE
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict, ratio

DEVICES = 200
_BROADCAST = "127.255.255.255:20002"  # of loopback: it leaves no machine
_LOST = {"none lost": "", "a fifth lost, each way": "probe-lost=0.2,answer-lost=0.2"}


def run(quick: bool) -> list[Report]:
    return [_find(what, faults, 1 if quick else 5) for what, faults in _LOST.items()]


def _find(what: str, faults: str, rounds: int) -> Report:
    names = (OUR_WIRE, KASA)
    last: dict[str, list[float]] = {name: [] for name in names}
    missed: dict[str, list[float]] = {name: [] for name in names}
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    # Each device has an address of its own, since python-kasa tells them apart by it; and one that nobody else has.
    block = f"127.{100 + os.getpid() // 256 % 100}.{os.getpid() % 256}"
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        devices.add(DEVICES, faults=faults, block=block)
        children = {name: stack.enter_context(Child("benchmarks.clients", name)) for name in names}
        for _ in range(rounds):
            for name, child in children.items():
                cost = child.ask("find", place=_BROADCAST, count=DEVICES)
                last[name].append(max(cost["found_s"], default=FIND_S))
                missed[name].append(DEVICES - len(cost["found_s"]))
                wall[name].append(cost["wall_s"])
                cpu[name].append(cost["cpu_s"])
    report = Report(
        f"discovery: {DEVICES} devices, {what}; median of {rounds} rounds",
        ("client", "missed", "last one found s", "search ends s", "CPU s"),
    )
    for name in names:
        report.rows.append((name, *(median(figures[name]) for figures in (missed, last, wall, cpu))))
    report.verdicts.append(Verdict(f"missed, beside {KASA}", median(missed[OUR_WIRE]), median(missed[KASA])))
    if not faults:
        report.verdicts.append(Verdict(f"last one found, times {KASA}", ratio(last[OUR_WIRE], last[KASA]), 1.0))
    report.verdicts.append(Verdict(f"CPU, times {KASA}", ratio(cpu[OUR_WIRE], cpu[KASA]), 1.0))
    report.notes.append(f"{KASA} waits {FIND_S:g} s in any case; we end when all that were asked for are there")
    return report
