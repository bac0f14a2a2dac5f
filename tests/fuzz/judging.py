"""What holds whatever comes in: only errors of ours, in words that may be shown, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tapo_automate.errors import TapoAutomateError

MOST_CPU_S = 5.0  # of this process for one case; the slowest take a tenth of it
MOST_LETTERS = 3000  # of an error's text; the longest advice has some 500

Answer = TypeVar("Answer")


@contextmanager
def in_time() -> Iterator[None]:
    """Fail where a case takes the processor for long.  Waiting is not counted: a machine may be busy."""
    begun = time.process_time()
    yield
    took_s = time.process_time() - begun
    assert took_s < MOST_CPU_S, f"took {took_s:.1f} s"


def attempt(work: Callable[[], Answer], secrets: Iterable[str]) -> Answer | TapoAutomateError:
    """Return what comes of it: an answer, or an error of ours that may be shown to people and told in a log."""
    with in_time():
        try:
            return work()
        except TapoAutomateError as error:
            check(error, secrets)
            return error


def check(error: BaseException, secrets: Iterable[str]) -> None:
    """Fail for an error that shows a secret, or what no terminal should be sent.  Its causes are told in logs."""
    told: BaseException | None = error
    while told is not None:
        text = f"{told} {told!r}"
        shown = [secret for secret in secrets if secret and secret in text]
        assert not shown, f"{type(told).__name__} shows a secret"
        assert text.isprintable() or text.replace("\n", "").isprintable(), f"not for a terminal: {text[:300]!r}"
        assert len(text) < 2 * MOST_LETTERS, f"{len(text)} letters: {text[:300]!r}"
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
