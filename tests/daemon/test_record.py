"""What an engine has to remember comes out of the journal as it went in."""

from __future__ import annotations

import datetime as dt
import json

from tapo_automate.daemon.record import memory_from, to_memory
from tapo_automate.rules.engine import Memory
from tapo_automate.rules.power import Latch
from tapo_automate.rules.turns import Turn

AT = dt.datetime(2026, 1, 10, 12, 0, 0, 250_000, tzinfo=dt.UTC)


def test_latches_and_turns_are_read_as_they_were_written() -> None:
    memory = Memory(
        {
            ("washer-done", "washer"): Latch(True, AT, AT, "below 5 W"),
            ("a rule", "a device"): Latch(False, None, AT, "above 2300 W"),
            ("new", "washer"): Latch(),
        },
        {("lit", "tv"): Turn(True, AT, AT, False), ("dark", "tv"): Turn(False, None, AT, True)},
    )
    kept: dict[str, dict[str, object]] = {"latch": {}, "turn": {}}
    for (kind, key), value in to_memory(memory).items():
        kept[kind][key] = json.loads(json.dumps(value))
    assert memory_from(kept["latch"], kept["turn"]) == memory


def test_a_latch_from_before_its_condition_was_kept_is_read_too() -> None:
    kept = {"done\0washer": {"armed": False, "since": None, "last_at": AT.isoformat()}}
    assert memory_from(kept, {}).latches == {("done", "washer"): Latch(False, None, AT)}
