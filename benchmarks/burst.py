"""A thousand rules that fall due in one second, and how long the last of them takes."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.child import Child
from benchmarks.daemon_side import house
from benchmarks.device_side import AT_ONCE, LATE, DeviceSide
from benchmarks.report import Report, Verdict

DEVICES = 200
RULES = 1000
_RULE = 'devices = ["d{device}"]\nwhen.date = {{ at = {at:%Y-%m-%dT%H:%M:%S} }}\nset = {{ on = {on} }}'


def run(quick: bool) -> list[Report]:
    report = Report(
        f"burst: {RULES:,} rules due in the same second on {DEVICES} plugs, seconds after due",
        ("", "accepted p50", "p99", "last", "known p50", "p99", "last", "dropped"),
    )
    for answering, faults in (("at once", AT_ONCE), ("after 40 ± 15 ms", LATE)):
        _burst(report, answering, faults)
    report.notes.append("accepted: by the device's own log.  known: by the daemon (`Outcome.at`).")
    report.notes.append("The first burst finds no session open, the second one does.  A device does its five in turn.")
    return [report]


def _burst(report: Report, answering: str, faults: str) -> None:
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        addresses = devices.add(DEVICES, faults=faults, log=True)
        daemon = stack.enter_context(Child("benchmarks.daemon_side"))
        first = math.ceil(time.time()) + 4  # the file is to be read before
        dues = {"cold": first, "warm": first + 5}
        rules = [
            _RULE.format(
                device=number % DEVICES,
                at=dt.datetime.fromtimestamp(due, dt.UTC),
                on="true" if number // DEVICES % 2 == 0 else "false",
            )
            for due in dues.values()
            for number in range(RULES)
        ]
        daemon.ask("start", text=house(addresses, rules), poll_s=10.0)
        assert time.time() < first, "the rules took so long to read that the burst was over"
        daemon.ask("work", seconds=dues["warm"] + 4 - time.time())
        told = daemon.ask("outcomes")["outcomes"]
        logs = devices.calls(["set_device_info"], first).values()
        daemon.ask("stop")
    for stage, due in dues.items():
        known = sorted(late for at, late, error in told if at == due and not error)
        accepted = sorted(at - due for log in logs for at in log if 0 <= at - due < 5)
        dropped = RULES - min(len(known), len(accepted))
        row = (f"{answering}, {stage}", *spread(accepted), *spread(known), f"{dropped}")
        report.rows.append(row)
        report.verdicts.append(Verdict(f"{answering}, {stage}: dropped", dropped, 0))
    report.notes += sorted({error for _, _, error in told if error})[:3]


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the 99th centile and the greatest of sorted values."""
    if not values:
        return (math.nan,) * 3
    last = len(values) - 1
    return values[last // 2], values[round(last * 0.99)], values[-1]
