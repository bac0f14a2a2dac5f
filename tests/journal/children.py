"""Processes for the tests of the journal: one on a disk that fills up, one that is killed while it records.

Run as `python -m journal.children NAME FOLDER`; what they found they print as JSON, a line each.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from journal.words import NOON, after, change, entry
from tapo_automate.journal.store import Journal


def full_disk(folder: Path) -> None:
    """Fill a small disk beside the journal and make room again."""
    ballast = folder / "ballast"

    def fill() -> None:
        with ballast.open("wb", 0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    _until_it_refuses(folder, fill, ballast.unlink)


def full_from_the_start(folder: Path) -> None:
    """Open a journal on a disk without room for it, and make room then."""
    (folder / "ballast").write_bytes(bytes(500 * 1024))
    with Journal.open(folder) as journal:
        journal.begin(NOON)
        journal.record([entry(1, "pending")], memory={("count", "n"): 1})
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal))
        (folder / "ballast").unlink()
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal), warnings=journal.warnings)


def full_and_damaged(folder: Path) -> None:
    """Open a damaged journal on a disk without room for another, and make room then."""
    with Journal.open(folder) as journal:
        for count in range(1, 301):
            journal.record([entry(count)], [change(count)], {("count", "n"): count})
    path = folder / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:-8192])
    ballast = folder / "ballast"
    with ballast.open("wb", 0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with Journal.open(folder) as journal:
        journal.record([entry(1000)])
        say(flushed=journal.flush(30), problem=journal.problem, files=sorted(each.name for each in folder.iterdir()))
        ballast.unlink()
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal), warnings=journal.warnings)


def used_up_quota(folder: Path) -> None:
    """Let no file grow beyond some size, as a quota does, and lift the bound again."""
    _until_it_refuses(
        folder,
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150 * 1024, resource.RLIM_INFINITY)),
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    )


def _until_it_refuses(folder: Path, refuse: Callable[[], None], allow: Callable[[], None]) -> None:
    told: list[str] = []
    with Journal.open(folder, on_problem=told.append) as journal:
        journal.record([entry(0)])
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal))
        refuse()
        count = refusals = 0
        while refusals < 2:  # a refused journal is opened anew, which may find it a little room
            for _ in range(100):
                count += 1
                journal.record([entry(count)], [change(count)], {("count", "n"): count})
            refusals = 0 if journal.flush(30) else refusals + 1
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal), count=count)
        allow()
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal), warnings=journal.warnings)
    with Journal.open(folder) as journal:
        say(seen=_seen(journal), told=told)


def read_only(folder: Path) -> None:
    """Use a folder that cannot be written, as a user who may not, and let it be written then."""
    told: list[str] = []
    with Journal.open(folder, on_problem=told.append) as journal:
        last = journal.begin(NOON)
        journal.record([entry(2, "pending")], memory={("count", "n"): 2})
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal), last_run=last is not None)
        folder.chmod(0o700)
        say(flushed=journal.flush(30), problem=journal.problem, seen=_seen(journal), warnings=journal.warnings)
    say(told=told)


def recording(folder: Path) -> None:
    """Record for ever, and say after each flush how much is safe."""
    with Journal.open(folder) as journal:
        first = 1 + journal.memory("count").get("n", 0)
        journal.begin(after(first))
        for number in range(first, first + 1_000_000):
            journal.record([entry(number), entry(number, rule="other")], [change(number)], {("count", "n"): number})
            if number % 7 == 0:
                assert journal.flush(30), journal.problem
                say(safe=number)


def say(**words: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(words), flush=True)


def _seen(journal: Journal) -> list[int]:
    """Return how many entries and changes can be read, and what is remembered."""
    return [len(journal.entries()), len(journal.changes()), journal.memory("count").get("n", 0)]


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
