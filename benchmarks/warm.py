"""What one more command to one device costs, the session being open."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from benchmarks.child import Child
from benchmarks.clients import BARE, KASA, OURS, PLUGP100, TAPO
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict, ratio

_CLIENTS = {"klap": (OURS, BARE, KASA, PLUGP100, TAPO), "aes": (OURS, KASA, PLUGP100)}
_METHODS = ("set_device_info", "get_device_info")


def run(quick: bool) -> list[Report]:
    rounds, count = (10, 40) if quick else (60, 50)
    return [
        _compare(transport, method, rounds, count)
        for transport in _CLIENTS
        for method in (_METHODS if transport == "klap" else _METHODS[:1])
    ]


def _compare(transport: str, method: str, rounds: int, count: int) -> Report:
    """Give each client a device of its own, and all clients short turns."""
    names = _CLIENTS[transport]
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        addresses = devices.add(len(names), transport=transport)
        children = {name: stack.enter_context(Child("benchmarks.clients", name)) for name in names}
        for address, child in zip(addresses, children.values(), strict=True):
            child.ask("open", addresses=[address], transport=transport)
            child.ask("repeat", method=method, count=50)
        before = devices.spent()
        for _ in range(rounds):
            for name, child in children.items():
                cost = child.ask("repeat", method=method, count=count)
                wall[name].append(cost["wall_s"] / count * 1e6)
                cpu[name].append(cost["cpu_s"] / count * 1e6)
        after = devices.spent()
        for child in children.values():
            child.ask("close")
    report = Report(
        f"warm: {method} over {transport}, µs per command, median of {rounds} rounds of {count}",
        ("client", "wall", "CPU", "wall / ours", "CPU / ours"),
    )
    for name in names:
        report.rows.append(
            (name, median(wall[name]), median(cpu[name]), ratio(wall[name], wall[OURS]), ratio(cpu[name], cpu[OURS]))
        )
    report.verdicts += list(_verdicts(names, wall, cpu))
    device_us = (after["cpu_s"] - before["cpu_s"]) / (after["requests"] - before["requests"]) * 1e6
    report.notes.append(f"of the wall time, the simulated device's own work is {device_us:.0f} µs in every row")
    return report


def _verdicts(names: Sequence[str], wall: dict[str, list[float]], cpu: dict[str, list[float]]) -> list[Verdict]:
    found = []
    if BARE in names:
        found.append(Verdict(f"wall, times {BARE}", ratio(wall[OURS], wall[BARE]), 1.6))
        found.append(Verdict(f"CPU, times {BARE}", ratio(cpu[OURS], cpu[BARE]), 2.0))
    for name in (KASA, PLUGP100):
        found.append(Verdict(f"wall, times {name}", ratio(wall[OURS], wall[name]), 1.0))
        found.append(Verdict(f"CPU, times {name}", ratio(cpu[OURS], cpu[name]), 1.0))
    return found
