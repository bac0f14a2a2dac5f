"""Anything that may happen, in any order, on the strict device in memory and on the simulated one over HTTP."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from sync.model_machine import InMemory

EXAMPLES = int(os.environ.get("SYNC_EXAMPLES", "0"))
_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(
    max_examples=EXAMPLES or 30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=_CHECKS,
    derandomize=not EXAMPLES,
    print_blob=True,
)
