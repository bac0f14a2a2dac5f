"""A whole command line, from the start of its process to its end: `tapo-automate on`, cold and with a kept session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.account import PASSWORD, USERNAME
from benchmarks.daemon_side import house
from benchmarks.device_side import AT_ONCE, DeviceSide
from benchmarks.report import Report, Verdict, ratio

_BIN = Path(sys.executable).parent
_COLD, _WARM, _KASA = "tapo-automate on, cold", "tapo-automate on, kept session", "kasa on"
_TRANSPORTS = {"klap": "KLAP", "aes": "securePassthrough", "tpap": "TPAP"}
_KASA_KIND = {"klap": "KLAP", "aes": "AES"}
_ANSWERING = {"at once": AT_ONCE, "after 40 ms": "slow=0.04"}

Figures = dict[str, list[tuple[float, float, float]]]  # command -> wall ms, CPU ms, requests, one entry a round


def run(quick: bool) -> list[Report]:
    rounds = 2 if quick else 9
    return [
        _switch(transport, answering, faults, rounds)
        for transport in _TRANSPORTS
        for answering, faults in _ANSWERING.items()
    ]


def _switch(transport: str, answering: str, faults: str, rounds: int) -> Report:
    figures: Figures = {}
    with ExitStack() as stack:
        devices = stack.enter_context(DeviceSide())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, theirs = devices.add(2, transport=transport, faults=faults)
        (home / "rules.toml").write_text(house([ours], []))
        environ = {"TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD, "TAPO_AUTOMATE_STATE": str(home / "state")}

        def measured(what: str, command: Sequence[str | Path]) -> None:
            before = devices.spent()["requests"]
            wall_ms, cpu_ms = _process(command, environ, home)
            figures.setdefault(what, []).append((wall_ms, cpu_ms, devices.spent()["requests"] - before))

        on = [_BIN / "tapo-automate", "on", "d0"]
        others = _kasa(theirs, transport)
        _process(on, environ, home)  # byte code, pages of files
        for _ in range(rounds):
            shutil.rmtree(home / "state", ignore_errors=True)
            measured(_COLD, on)
            measured(_WARM, on)
            if others:
                measured(_KASA, others)
    return _report(f"command: one plug over {_TRANSPORTS[transport]}, answering {answering}", figures, rounds)


def _kasa(address: str, transport: str) -> list[str]:
    """Return python-kasa's command line, told all that it can be told; nothing for what it does not speak."""
    if transport not in _KASA_KIND:
        return []
    host, _, port = address.partition(":")
    told = {
        "--host": host,
        "--port": port,
        "--device-family": "SMART.TAPOPLUG",
        "--encrypt-type": _KASA_KIND[transport],
        "--login-version": "2",
        "--username": USERNAME,
        "--password": PASSWORD,
    }
    words = [word for pair in told.items() for word in pair]
    return [sys.executable, "-c", "from kasa.cli.__main__ import cli; cli()", *words, "on"]


def _process(command: Sequence[str | Path], environ: Mapping[str, str], home: Path) -> tuple[float, float]:
    """Return milliseconds on the wall, and of CPU, that a process took from its start to its end."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, cwd=home, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return (time.perf_counter() - begin) * 1e3, (used.ru_utime + used.ru_stime) * 1e3


def _report(title: str, figures: Figures, rounds: int) -> Report:
    report = Report(f"{title}; median of {rounds} rounds", ("command", "wall ms", "CPU ms", "requests"))
    for what, each in figures.items():
        report.rows.append((what, *(median(column) for column in zip(*each, strict=True))))

    def column(what: str, number: int) -> list[float]:
        return [row[number] for row in figures[what]]

    def against(one: str, other: str, number: int) -> float:
        return ratio(column(one, number), column(other, number))

    for number, kind in enumerate(("wall", "CPU")):
        if _KASA in figures:
            report.verdicts.append(Verdict(f"cold: {kind}, times {_KASA}", against(_COLD, _KASA, number), 1.0))
        report.verdicts.append(Verdict(f"kept session: {kind}, times cold", against(_WARM, _COLD, number), 1.0))
    return report
