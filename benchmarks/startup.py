"""What it costs to be there: `--help`, and a daemon that has little to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.cost import cpu_s_of, resident_mib
from benchmarks.daemon_side import house
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict

_BIN = Path(sys.executable).parent
_DEVICES = 20
_CLOCK_RULE = 'devices = ["d{device}"]\nwhen.time = {{ at = {hour:02}:{minute:02}:00 }}\nset = {{ on = true }}'
_SUN_RULE = 'devices = ["d{device}"]\nwhen.sunset = {{ offset = "-{minute}m" }}\nset = {{ on = true }}'
_METER_RULE = 'devices = ["d{device}"]\nwhen.power = {{ below = 0.5, for = "1h" }}\nset = {{ on = false }}'


def run(quick: bool) -> list[Report]:
    return [_help(5 if quick else 15), _idle(6 if quick else 20)]


def _help(rounds: int) -> Report:
    commands = {
        "tapo-automate --help": [str(_BIN / "tapo-automate"), "--help"],
        "kasa --help": [sys.executable, "-c", "from kasa.cli.__main__ import cli; cli()", "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, words in commands.items():
            begin = time.perf_counter()
            subprocess.run(words, stdout=subprocess.DEVNULL, check=True, timeout=30)
            walls[name].append(time.perf_counter() - begin)
    report = Report(f"startup: seconds on the wall, {rounds} rounds", ("command", "median", "least"))
    for name, wall in walls.items():
        report.rows.append((name, median(wall), min(wall)))
    report.verdicts.append(Verdict("tapo-automate --help", median(walls["tapo-automate --help"]), 0.3, " s"))
    return report


def _idle(seconds: float) -> Report:
    """Watch `tapo-automate run` from outside, once with clocks and the sun alone, once with meters to read too."""
    report = Report(
        f"startup: an idle daemon, 100 rules, {_DEVICES} devices, over {seconds:.0f} s",
        ("", "RSS MiB", "CPU % of a core"),
    )
    clocks = [_CLOCK_RULE, _SUN_RULE]
    for what, kinds in (("clock and sun", clocks), ("with 20 meters read every 10 s", [*clocks, _METER_RULE])):
        mib, share = _watched(kinds, seconds)
        report.rows.append((what, mib, share * 100))
        report.verdicts.append(Verdict(f"{what}: memory", mib, 80, " MiB"))
        report.verdicts.append(Verdict(f"{what}: CPU", share * 100, 0.5, " %"))
    return report


def _watched(kinds: list[str], seconds: float) -> tuple[float, float]:
    """Return MiB held at the end, and CPU seconds per second after a warm-up."""
    # Two hours away, so that none falls due in the middle.
    hour = (time.gmtime().tm_hour + 2) % 24
    rules = [
        # The sun may set within the span, which costs a command or two: that is idle, too.
        kinds[number % len(kinds)].format(device=number % _DEVICES, hour=hour, minute=number % 60)
        for number in range(100)
    ]
    with DeviceSide() as devices, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.toml")
        path.write_text(house(devices.add(_DEVICES), rules))
        process = subprocess.Popen(
            [_BIN / "tapo-automate", "run", "-r", path, "--state", folder, "--log-level", "error"],
            env={**os.environ, "TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD},
        )
        try:
            time.sleep(4)
            begin, before = time.perf_counter(), cpu_s_of(process.pid)
            time.sleep(seconds)
            spent, span = cpu_s_of(process.pid) - before, time.perf_counter() - begin
            mib = resident_mib(process.pid)
            assert process.poll() is None, "the daemon ended by itself"
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    return mib, spent / span
