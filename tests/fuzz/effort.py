"""How much is tried: a few cases that are the same each time, or as many as one asks for, drawn anew.

FUZZ_EXAMPLES: how many cases each claim is tried with; without it a few, and always the same ones.
FUZZ_SEED: repeats what was drawn.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, seed, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SEED = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(10**6)))


def tried(few: int, *, share: float = 1.0) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the decorator of a claim.  few: the cases of a short run.  share: of FUZZ_EXAMPLES, for slow ones."""
    common: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    if not EXAMPLES:
        return settings(max_examples=few, derandomize=True, **common)

    def at_length(claim: Callable[..., None]) -> Callable[..., None]:
        often = max(few, round(EXAMPLES * share))
        return seed(SEED)(settings(max_examples=often, print_blob=True, **common)(claim))

    return at_length
