"""Brings forth daemons quickly: a process that has imported everything and forks a life when it is told to.

Run as `python -m crash.nursery`, told one JSON line at a time on stdin, answering one each on stdout.  It keeps to
itself which child it has, so that a signal never goes to a number that belongs to somebody else by now.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_POLL_S = 0.002


def serve() -> None:
    """Answer until stdin ends; then no child is left."""
    from crash.life import Plan, live

    child: int | None = None
    _say(ready=True)
    for line in sys.stdin:
        told = json.loads(line)
        match told.pop("do"):
            case "bear":
                assert child is None
                child = os.fork()
                if child == 0:
                    signal.signal(signal.SIGINT, signal.SIG_DFL)
                    os.close(0)
                    os.dup2(2, 1)
                    told["rules"], told["reloads"] = tuple(told["rules"]), tuple(told["reloads"])
                    try:
                        live(Plan(**told))
                    except BaseException:
                        sys.excepthook(*sys.exc_info())
                    os._exit(99)
                _say(pid=child)
            case "signal":
                if child is not None:
                    os.kill(child, told["number"])
                _say(sent=child is not None)
            case "wait":
                status = _status_of(child, told["seconds"])
                child = child if status is None else None
                _say(status=status)
    if child is not None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _status_of(child: int | None, seconds: float) -> int | None:
    """Return how the child ended, as subprocess does (-9 for SIGKILL), or None if it lives on for so long."""
    assert child is not None
    until = time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(_POLL_S)


def _say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


class Nursery:
    """The other end of it.  stderr: where everything goes that the lives say beside their diaries."""

    def __init__(self, stderr: Path) -> None:
        tests = Path(__file__).parents[1]
        path = os.pathsep.join([str(tests), *filter(None, [os.environ.get("PYTHONPATH")])])
        with stderr.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "crash.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**os.environ, "PYTHONPATH": path},
                text=True,
            )
        self._hear()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *raised: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def bear(self, plan: str) -> None:
        """Begin a life; there is none at the moment.  plan: as JSON."""
        self._ask(do="bear", **json.loads(plan))

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to the life, if it has not ended."""
        return bool(self._ask(do="signal", number=int(number))["sent"])

    def wait(self, seconds: float) -> int | None:
        """Return how the life ended, or None if it lives on for so long."""
        status: int | None = self._ask(do="wait", seconds=seconds)["status"]
        return status

    def _ask(self, **words: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery has died; its stderr says why"
        heard: dict[str, Any] = json.loads(line)
        return heard


if __name__ == "__main__":
    serve()
