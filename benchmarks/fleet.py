"""Switching 200 plugs: from nothing, handshakes and all, and again with the sessions open."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median

from benchmarks.child import Child
from benchmarks.clients import KASA, KASA_DEVICES, OUR_DEVICES, OURS
from benchmarks.device_side import AT_ONCE, LATE, DeviceSide
from benchmarks.report import Report, Verdict, ratio

DEVICES = 200
_ANSWERING = {"at once": AT_ONCE, "after 40 ± 15 ms": LATE}
_WARM_SWITCHES = 3  # a round: one may meet a garbage collection

Costs = Mapping[str, Mapping[str, list[float]]]  # client -> "cold wall_s" and the like -> one a round


def run(quick: bool) -> list[Report]:
    return [_switch(answering, faults, 2 if quick else 7) for answering, faults in _ANSWERING.items()]


def _switch(answering: str, faults: str, rounds: int) -> Report:
    names = (OURS, KASA, OUR_DEVICES, KASA_DEVICES)
    costs: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        addresses = devices.add(DEVICES, faults=faults)
        children = {name: stack.enter_context(Child("benchmarks.clients", name)) for name in names}
        for child in children.values():
            child.ask("cold", addresses=addresses[:1], transport="klap")  # imports, threads, loops
            child.ask("close")
        before = devices.spent()
        for _ in range(rounds):
            for name, child in children.items():
                # One after the other on the same devices: each client's handshakes end the sessions of the one before.
                _keep(costs[name], "cold", child.ask("cold", addresses=addresses, transport="klap"))
                warm = [child.ask("switch", on=number % 2 == 0) for number in range(1, 1 + _WARM_SWITCHES)]
                _keep(costs[name], "warm", {key: median(cost[key] for cost in warm) for key in warm[0]})
                child.ask("close")
        refusals = devices.spent()["refusals"] - before["refusals"]
    return _report(f"fleet: {DEVICES} plugs, answering {answering}; median of {rounds} rounds", costs, refusals)


def _keep(costs: dict[str, list[float]], stage: str, cost: Mapping[str, float]) -> None:
    for key, value in cost.items():
        costs.setdefault(f"{stage} {key}", []).append(value)


def _report(title: str, costs: Costs, refusals: float) -> Report:
    kinds = ("cold wall_s", "cold cpu_s", "warm wall_s", "warm cpu_s")
    report = Report(title, ("client", "cold wall s", "cold CPU s", "warm wall s", "warm CPU s"))
    for name, cost in costs.items():
        report.rows.append((name, *(median(cost[kind]) for kind in kinds)))
    for ours, theirs in ((OURS, KASA), (OUR_DEVICES, KASA_DEVICES)):
        for kind in kinds:
            limit = 0.6 if kind.startswith("cold") else 1.0
            what = f"{kind.rpartition('_')[0].replace('cpu', 'CPU')}, times {theirs}"
            report.verdicts.append(Verdict(what, ratio(costs[ours][kind], costs[theirs][kind]), limit))
    report.notes.append(f"{OURS} and {KASA} are told the transport and only switch.  As their users use them:")
    report.notes.append(f"{OUR_DEVICES}: found out, then switched.  {KASA_DEVICES}.connect: told, read whole, switched")
    if refusals:
        report.notes.append(f"the devices refused {refusals:.0f} requests")
    return report
