"""A process of ours that is asked questions in lines of JSON, one at a time, and ends with its parent.

A child runs `python -m MODULE` and hands its questions to `serve`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ANSWER_TIMEOUT_S = 150.0


class ChildFailed(Exception):
    """A child said that it failed, or died; what it wrote to stderr has been seen already."""


class Child:
    """A running `python -m module *args`; a context manager that ends it."""

    def __init__(self, module: str, *args: str, environ: Mapping[str, str] | None = None) -> None:
        self._name = " ".join((module, *args))
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environ or {})},
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ask(self, question: str, **words: Any) -> dict[str, Any]:
        """Return the answer.  Raises ChildFailed, also after ANSWER_TIMEOUT_S, which ends the child."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        alarm = threading.Timer(ANSWER_TIMEOUT_S, self._process.kill)
        alarm.start()
        try:
            self._process.stdin.write(json.dumps({"question": question, **words}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            alarm.cancel()
        if not line:
            raise ChildFailed(f"{self._name} ended instead of answering {question!r}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise ChildFailed(f"{self._name}: {question}: {answer['failed']}")
        return answer


def serve(answers: Mapping[str, Callable[..., dict[str, Any] | None]]) -> None:
    """Answer the parent's questions until it closes our stdin."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    for line in sys.stdin:
        words = json.loads(line)
        try:
            answer = answers[words.pop("question")](**words) or {}
        except Exception as problem:
            traceback.print_exc()
            answer = {"failed": f"{type(problem).__name__}: {problem}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()
