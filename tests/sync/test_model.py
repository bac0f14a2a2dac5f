"""Anything that may happen, in any order, on strict devices in memory and on simulated ones over HTTP.

Every run lives the same lives, so that a change is judged and not chance.  SYNC_EXAMPLES=2000 lives that many others in
memory, and one for each twenty over HTTP, and makes a story that fails shorter, which may take minutes.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

from sync.model_machine import InMemory, OverHttp

pytestmark = pytest.mark.timeout(0 if os.environ.get("SYNC_EXAMPLES") else 600)  # on a busy machine
EXAMPLES = int(os.environ.get("SYNC_EXAMPLES", "0"))


def lives(number: int) -> settings:
    return settings(
        max_examples=number,
        stateful_step_count=6,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if EXAMPLES else [])],
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


class TestInMemory(InMemory.TestCase):  # type: ignore[name-defined, misc]
    settings = lives(EXAMPLES or 110)


class TestOverHttp(OverHttp.TestCase):  # type: ignore[name-defined, misc]
    settings = lives(EXAMPLES // 20 + 1 if EXAMPLES else 20)
