from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from fuzz.effort import EXAMPLES, SEED
from fuzz.house import PASSWORD, USER
from tapo_automate.simulator import Fleet


def pytest_report_header() -> list[str]:
    return [f"fuzz: {EXAMPLES} cases each, FUZZ_SEED={SEED}"] if EXAMPLES else []


class _Alarm(logging.Handler):
    """Keeps what only a mistake of ours logs: errors of asyncio, and whatever has a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or (record.name.startswith("asyncio") and record.levelno >= logging.WARNING):
            self.heard.append(self.format(record))


@pytest.fixture(autouse=True)
def nothing_breaks_unseen() -> Iterator[None]:
    """The simulator's loop swallows an exception and logs it; here it fails the test."""
    alarm = _Alarm()
    logging.getLogger().addHandler(alarm)
    yield
    logging.getLogger().removeHandler(alarm)
    assert not alarm.heard, "\n".join(alarm.heard)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture(scope="module")
def account() -> dict[str, str]:
    return {"username": USER, "password": PASSWORD}
