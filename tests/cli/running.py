"""A daemon as a user has it: a process of its own, with its log in a file."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.terminal import PASSWORD, USERNAME, environment

ACCOUNT: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}


class Running:
    """A daemon's process.  home: its working directory, with its rules and, in `state`, what it keeps."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.state = home / "state"
        self.process = process

    @property
    def log(self) -> list[str]:
        return (self.home / "log").read_text().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log of a daemon that writes JSON; a line that is being written is not there yet."""
        return [json.loads(line) for line in (self.home / "log").read_text().split("\n")[:-1]]

    def says(self, text: str) -> None:
        """Wait until the log has the text."""
        self.until(lambda: any(text in line for line in self.log))

    def until(self, true: Callable[[], object], timeout_s: float = 40) -> None:
        deadline = time.monotonic() + timeout_s
        while not true():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.log}"
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.send(number)
        return self.process.wait(timeout=40)

    def ask(self, path: str) -> tuple[int, str]:
        """Return what its endpoint answers; the daemon runs with --health."""
        [line] = [line for line in self.log if "health is told at" in line]
        place = line.partition("http://")[2].partition("/healthz")[0]
        connection = http.client.HTTPConnection(place, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def daemon(home: Path, *words: str, **more: str) -> Iterator[Running]:
    """Run `tapo-automate run` in a home; kill it in the end if it still runs."""
    command = [sys.executable, "-m", "tapo_automate", "run", "--state", str(home / "state"), *words]
    variables = environment(home, **{"TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD, **more})
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=home, env=variables, stdin=subprocess.DEVNULL, stderr=log)
    try:
        yield Running(home, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def install(home: Path, name: str, source: str) -> str:
    """Install a plugin where only those find it who have what is returned as PYTHONPATH."""
    lib = home / "lib"
    about = lib / f"{name}-1.dist-info"
    about.mkdir(parents=True)
    (lib / f"{name}.py").write_text(source)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[tapo_automate]\n{name} = {name}\n")
    return os.pathsep.join([str(lib), *filter(None, [os.environ.get("PYTHONPATH")])])


# For `install`: a driver whose devices have neither a timer nor tables.
KETTLE = """
from tapo_automate import Description, State, hookimpl


class Kettle:
    def describe(self): return Description("1", "kettle", "1", "http")
    def state(self): return State(on=True)
    def apply(self, setting): pass
    def power_w(self): return 0.0
    def call(self, method, params=None): return {}
    def close(self): pass


class KettleDriver:
    name = "kettle-plug"
    def open(self, spec, credentials): return Kettle()


@hookimpl
def register_drivers(): return [KettleDriver()]
"""
