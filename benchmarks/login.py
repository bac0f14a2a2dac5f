"""What a login over TPAP costs the client: to stretch the password, and the rest: curve, HTTP, one command."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

from benchmarks.child import Child
from benchmarks.clients import OUR_WIRE, PLUGP100, TAPO
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict, ratio

_CLIENTS = (OUR_WIRE, PLUGP100, TAPO)
_ITERATIONS = (3000, 1)  # as devices were seen to want, and as good as none
_FORM = {PLUGP100: "w0=short,"}  # where it differs from the RFC, once in 256 logins


def run(quick: bool) -> list[Report]:
    rounds = 3 if quick else 40
    cpu: dict[str, dict[int, list[float]]] = {name: {each: [] for each in _ITERATIONS} for name in _CLIENTS}
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        children = {name: stack.enter_context(Child("benchmarks.clients", name)) for name in _CLIENTS}
        addresses = {}
        for name, child in children.items():
            for iterations in _ITERATIONS:
                choices = f"{_FORM.get(name, '')}iterations={iterations}"
                [addresses[name, iterations]] = devices.add(1, transport="tpap", tpap=choices)
            child.ask("once", address=addresses[name, 1], transport="tpap", method="get_device_info")  # imports, loops
        for _ in range(rounds):
            for iterations in _ITERATIONS:
                for name, child in children.items():
                    address = addresses[name, iterations]
                    cost = child.ask("once", address=address, transport="tpap", method="get_device_info")
                    cpu[name][iterations].append(cost["cpu_s"] * 1e3)
    many, one = _ITERATIONS
    report = Report(
        f"login: CPU ms of the client over TPAP, one login and one command; median of {rounds} rounds",
        ("client", f"{many:,} iterations", "1 iteration", "stretching", "whole / ours"),
    )
    for name in _CLIENTS:
        whole, rest = median(cpu[name][many]), median(cpu[name][one])
        report.rows.append((name, whole, rest, whole - rest, ratio(cpu[name][many], cpu[OUR_WIRE][many])))
    for name in _CLIENTS[1:]:
        report.verdicts.append(Verdict(f"CPU, times {name}", ratio(cpu[OUR_WIRE][many], cpu[name][many]), 1.0))
    return [report]
