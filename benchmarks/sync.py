"""A plan for 200 plugs whose schedules are full, beside other libraries that read the schedules and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.child import Child
from benchmarks.clients import KASA, OUR_DEVICES, TAPO
from benchmarks.cost import MIB
from benchmarks.daemon_side import house
from benchmarks.device_side import AT_ONCE, LATE, DeviceSide
from benchmarks.report import Report, Verdict

DEVICES, ROWS = 200, 32
IN_TURN = 20  # devices that are read one after the other; what 200 cost is ten times that
PLAN_S = 10.0
_SITE = '[site]\ntimezone = "Europe/Berlin"\nlatitude = 52.52\nlongitude = 13.405\n'
_ANSWERING = {"at once": AT_ONCE, "after 40 ± 15 ms": LATE}


def run(quick: bool) -> list[Report]:
    count = DEVICES // 10 if quick else DEVICES
    report = Report(
        f"sync: plan of {count} plugs with {ROWS} rows each, nothing to do",
        ("", "answers", "wall s", "CPU s", "peak MiB"),
    )
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        addresses = devices.add(count)
        devices.fill([_row(number) for number in range(ROWS)])
        homes = {}
        for what, rules in (("rules of all", _of_all(count)), ("rules of each", _of_each(count))):
            homes[what] = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (homes[what] / "rules.toml").write_text(house(addresses, rules, _SITE))
            _sync(homes[what], "apply", "--yes")  # the rows are there, and are taken over
        for answering, faults in _ANSWERING.items():
            devices.faults(faults)
            for what, home in homes.items():
                _plan(report, f"`sync plan --json`, {what}", answering, home, count)
            for client in (OUR_DEVICES, TAPO, KASA):
                _read(report, client, answering, addresses)
    report.notes.append(f"rules of all: {ROWS} rules, each for every plug.  rules of each: {count * ROWS:,} rules.")
    report.notes.append(f"{TAPO} and {KASA} log in and read the schedule; {OUR_DEVICES} all that a plan looks at.")
    report.notes.append(f"one by one: {min(IN_TURN, count)} plugs were read, and the figures are for {count}.")
    return [report]


def _plan(report: Report, what: str, answering: str, home: Path, count: int) -> None:
    wall_s, cpu_s, peak_mib, out = _sync(home, "plan", "--json")
    totals = json.loads(out)["totals"]
    idle = all(not totals[each] for each in ("create", "update", "delete", "adopt", "drift", "foreign", "errors"))
    assert idle, totals
    assert totals["devices"] == count, totals
    report.rows.append((what, answering, wall_s, cpu_s, peak_mib))
    report.verdicts.append(Verdict(f"{what}, answers {answering}", wall_s, PLAN_S, " s"))


def _read(report: Report, client: str, answering: str, addresses: list[str]) -> None:
    with Child("benchmarks.clients", client) as child:
        child.ask("tables", addresses=addresses[:1], together=False)  # imports, threads, loops
        for how, some in (("all at once", addresses), ("one by one", addresses[:IN_TURN])):
            cost = child.ask("tables", addresses=some, together=how == "all at once")
            assert cost["rows"] == ROWS * len(some), cost
            times = len(addresses) / len(some)
            report.rows.append((f"{client}, {how}", answering, cost["wall_s"] * times, cost["cpu_s"] * times, ""))


def _sync(home: Path, *words: str) -> tuple[float, float, float, str]:
    """Run `tapo-automate sync` and return seconds, seconds of CPU, MiB, and what it printed."""
    command = [Path(sys.executable).with_name("tapo-automate"), "sync", *words]
    environ = {**os.environ, "TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD, "XDG_STATE_HOME": str(home)}
    begin = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as out,
        subprocess.Popen(command, cwd=home, env=environ, stdout=out, stderr=subprocess.DEVNULL) as process,
    ):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - begin
        assert process.returncode == 0, f"sync {words[0]} ended with {process.returncode}"
        out.seek(0)
        return wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / MIB, out.read()


def _row(number: int) -> dict[str, object]:
    minute = 480 + 15 * number
    return {"s_type": "normal", "s_min": minute, "desired_states": {"on": number % 2 == 0}}


def _rule(devices: str, number: int) -> str:
    minute = 480 + 15 * number
    at = f"{minute // 60:02}:{minute % 60:02}:00"
    return f"devices = [{devices}]\nwhen.time = {{ at = {at} }}\nset = {{ on = {'false' if number % 2 else 'true'} }}"


def _of_all(count: int) -> Iterator[str]:
    names = ", ".join(f'"d{device}"' for device in range(count))
    return (_rule(names, number) for number in range(ROWS))


def _of_each(count: int) -> Iterator[str]:
    return (_rule(f'"d{device}"', number) for device in range(count) for number in range(ROWS))
