"""Over `kill -9` nothing that was kept is lost, and nothing is half; others may read meanwhile."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tapo_automate.journal.database import open_for_reading
from tapo_automate.journal.reading import Reader
from tapo_automate.journal.store import Journal

_KILLS = 20
_TESTS = Path(__file__).parent.parent


@contextmanager
def recording(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that records for ever; kill it at the end."""
    child = subprocess.Popen(
        [sys.executable, "-m", "journal.children", "recording", str(folder)],
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def assert_whole(connection: sqlite3.Connection, safe: int) -> int:
    """Compare what belongs together at one moment; return how many calls are there."""
    connection.execute("BEGIN")
    reader = Reader(connection)
    count = reader.memory("count").get("n", 0)
    for table, each in (("entries", 2), ("changes", 1)):
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (each * count,)
    newest = list(reader.entries(limit=200))
    assert [each.at for each in reader.changes(limit=100)] == [each.due for each in newest[::2]]
    assert len({each.key for each in newest}) == min(200, 2 * count)
    assert count >= safe
    connection.execute("COMMIT")
    return count


def test_kill_9_loses_nothing_that_was_flushed_and_leaves_nothing_half(tmp_path: Path) -> None:
    chance = random.Random(9)
    counts = [0]
    for _ in range(_KILLS):
        with recording(tmp_path) as child:
            assert child.stdout is not None
            safe = json.loads(child.stdout.readline())["safe"]
            time.sleep(chance.uniform(0, 0.05))
            child.kill()
            for line in child.stdout.read().splitlines(keepends=True):
                if line.endswith("}\n"):
                    safe = json.loads(line)["safe"]
        with closing(open_for_reading(tmp_path / "journal.sqlite")) as connection:
            counts.append(assert_whole(connection, safe))
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert counts == sorted(set(counts)), "each process went on where the one before was killed"
    with Journal.open(tmp_path) as journal:
        runs = journal.runs()
        assert len(runs) == _KILLS
        assert all(run.ended is None for run in runs)
        assert (journal.problem, journal.warnings) == ("", ())


def test_others_read_whole_calls_while_one_writes(tmp_path: Path) -> None:
    with recording(tmp_path) as child:
        assert child.stdout is not None
        seen = []
        for _ in range(10):
            safe = json.loads(child.stdout.readline())["safe"]
            with closing(open_for_reading(tmp_path / "journal.sqlite")) as connection:
                seen.append(assert_whole(connection, safe))
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]
