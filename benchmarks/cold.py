"""One command to a device that is not known yet: detection, handshake, the command; each library as it begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.child import ROOT, Child
from benchmarks.clients import KASA, OUR_WIRE, PLUGP100, TAPO
from benchmarks.device_side import AT_ONCE, DeviceSide
from benchmarks.report import Report, Verdict, ratio

_CLIENTS = {
    "aes": (OUR_WIRE, KASA, PLUGP100),
    "klap": (OUR_WIRE, KASA, PLUGP100, TAPO),
    "tpap": (OUR_WIRE, PLUGP100, TAPO),
}
_NAMES = {"aes": "securePassthrough", "klap": "KLAP", "tpap": "TPAP"}
_DELAYED = "slow=0.04"
_METHODS = ("get_device_info", "set_device_info")
_HEAD = ("client", "read: wall ms", "CPU ms", "on: wall ms", "CPU ms", "requests", "wall / ours", "CPU / ours")


@dataclass
class _Figures:
    """One entry a round, in ms."""

    wall: dict[str, list[float]] = field(default_factory=lambda: {method: [] for method in _METHODS})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {method: [] for method in _METHODS})
    requests: list[float] = field(default_factory=list)


def run(quick: bool) -> list[Report]:
    rounds = 3 if quick else 30
    reports = [
        _compare(transport, answering, faults, rounds)
        for transport in _CLIENTS
        for answering, faults in (("at once", AT_ONCE), ("after 40 ms", _DELAYED))
    ]
    return [*reports, *(_fresh(transport, 2 if quick else 7) for transport in _CLIENTS)]


def _compare(transport: str, answering: str, faults: str, rounds: int) -> Report:
    """Give each library a process that has everything imported, and a client that knows nothing."""
    names = _CLIENTS[transport]
    figures = {name: _Figures() for name in names}
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        addresses = {name: _device(devices, name, transport, faults) for name in names}
        children = {name: stack.enter_context(Child("benchmarks.clients", name)) for name in names}
        for name, child in children.items():
            child.ask("once", address=addresses[name], transport=transport, method=_METHODS[0])  # imports, loops
        for _ in range(rounds):
            for name, child in children.items():
                for method in _METHODS:
                    before = devices.spent()["requests"]
                    cost = child.ask("once", address=addresses[name], transport=transport, method=method)
                    figures[name].wall[method].append(cost["wall_s"] * 1e3)
                    figures[name].cpu[method].append(cost["cpu_s"] * 1e3)
                    figures[name].requests.append(devices.spent()["requests"] - before)
    report = Report(
        f"cold: one command over {_NAMES[transport]}, new client, answers {answering}; median of {rounds} rounds", _HEAD
    )
    _fill(report, figures)
    if KASA in names:
        report.notes.append(
            f"{KASA} is told the transport, which it finds out by datagrams alone; {OUR_WIRE} is not told"
        )
    if transport == "aes":
        report.notes.append(
            f"{PLUGP100} is told it, too; both make an RSA key for each client, we one for each process"
        )
    return report


def _fresh(transport: str, rounds: int) -> Report:
    """Give each a process of its own for one command: what a script costs, imports and all."""
    names = _CLIENTS[transport]
    figures = {name: _Figures() for name in names}
    with DeviceSide() as devices:
        addresses = {name: _device(devices, name, transport, AT_ONCE) for name in names}
        for _ in range(rounds):
            for name in names:
                for method in _METHODS:
                    before = devices.spent()["requests"]
                    wall_ms, cpu_ms = _process(name, addresses[name], transport, method)
                    figures[name].wall[method].append(wall_ms)
                    figures[name].cpu[method].append(cpu_ms)
                    figures[name].requests.append(devices.spent()["requests"] - before)
    report = Report(
        f"cold: one command over {_NAMES[transport]}, new process, answers at once; median of {rounds} rounds", _HEAD
    )
    _fill(report, figures)
    return report


def _device(devices: DeviceSide, name: str, transport: str, faults: str) -> str:
    # Of one login in 256 a number is short, and of its form plugp100 holds another opinion than the RFC.
    [address] = devices.add(1, transport=transport, faults=faults, tpap="w0=short" if name == PLUGP100 else "")
    return address


def _process(name: str, address: str, transport: str, method: str) -> tuple[float, float]:
    """Return milliseconds on the wall, and of CPU, that a process took from its start to its end."""
    question = {"question": "once", "address": address, "transport": transport, "method": method}
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.clients", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(question).encode() + b"\n")
        process.stdin.close()
        answer = json.loads(process.stdout.read())
        assert "failed" not in answer, answer
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return (time.perf_counter() - begin) * 1e3, (used.ru_utime + used.ru_stime) * 1e3


def _fill(report: Report, figures: Mapping[str, _Figures]) -> None:
    read, _ = _METHODS
    ours = figures[OUR_WIRE]
    for name, each in figures.items():
        row = [name, *(median(kind[method]) for method in _METHODS for kind in (each.wall, each.cpu))]
        against = (ratio(each.wall[read], ours.wall[read]), ratio(each.cpu[read], ours.cpu[read]))
        report.rows.append((*row, median(each.requests), *against))
    strangers = [name for name in figures if name != OUR_WIRE]
    for method, words in zip(_METHODS, ("read", "on"), strict=True):
        for kind, mine in (("wall", ours.wall[method]), ("CPU", ours.cpu[method])):
            best = _quickest(strangers, figures, kind, method)
            theirs = figures[best].wall[method] if kind == "wall" else figures[best].cpu[method]
            report.verdicts.append(Verdict(f"{words}: {kind}, times {best}", ratio(mine, theirs), 1.0))


def _quickest(names: Sequence[str], figures: Mapping[str, _Figures], kind: str, method: str) -> str:
    """Return whose median is the least: the one to measure up to."""
    return min(names, key=lambda name: median((figures[name].wall if kind == "wall" else figures[name].cpu)[method]))
