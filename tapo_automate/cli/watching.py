"""Notices when rule files change, however that is done.

What the operating system tells is only a reason to look; whether anything changed is found by comparing contents.  So
editors' temporary files, touched files and whatever else happens in a folder come to nothing, and a file replaced by
renaming, a link set to lead elsewhere and a folder put in another's place are all the same thing.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from tapo_automate.rules.load import adopted_beside, holds_rules

SETTLE_S = 0.5  # of quiet after a change, since a checkout writes one file after the other
MOST_SETTLING_S = 5.0
STEP_MS = 200  # between two looks of the watcher at what it was told, and at `stop`
LOOK_S = 10.0  # between looks without a reason: networks and bind mounts tell nothing of what others change
_MOST_LINKS = 40  # as Linux has it

Contents: TypeAlias = Mapping[str, str | None]  # path -> digest, None where it cannot be read
Place: TypeAlias = tuple[str, int, int]  # a folder's path, and which one it is

log = logging.getLogger("tapo_automate")


def watch(paths: Sequence[str], known: Contents, changed: Callable[[], None], stop: threading.Event) -> None:
    """Call `changed` whenever rule files have changed and been left alone for half a second; return after `stop`.

    paths: files and folders, as the loader takes them.  known: their contents as they were loaded last.
    """
    import watchfiles

    told_deaf = False
    while not stop.is_set():
        places = _places(paths)
        known = _looked(paths, known, changed, stop)  # what happened before anybody watched
        try:
            for _ in watchfiles.watch(
                *sorted({place[0] for place in places}),
                watch_filter=None,
                recursive=False,
                step=STEP_MS,
                rust_timeout=round(LOOK_S * 1000),
                yield_on_timeout=True,
                stop_event=stop,
            ):
                known = _looked(paths, known, changed, stop)
                if _places(paths) != places:
                    break
        except (OSError, RuntimeError) as problem:  # a folder that vanished, or no watches to spare
            if not told_deaf and not isinstance(problem, FileNotFoundError):
                told_deaf = True
                log.warning("rule files are looked at every %g s only: %s", LOOK_S, problem)
            stop.wait(LOOK_S if told_deaf else SETTLE_S)


def contents(paths: Iterable[str]) -> Contents:
    """Return what the files are that the loader would read, and what is in them."""
    found: dict[str, str | None] = {}
    for path in map(Path, paths):
        try:
            files = [*filter(holds_rules, path.iterdir())] if path.is_dir() else [path, *adopted_beside(path)]
        except OSError:
            files = [path]
        for file in files:
            try:
                # A pipe has its contents once: they are the loader's.
                found[str(file)] = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
            except (OSError, ValueError):
                found[str(file)] = None
    return found


def _looked(paths: Sequence[str], known: Contents, changed: Callable[[], None], stop: threading.Event) -> Contents:
    """Return the contents now, having called `changed` if they are others and nobody is writing any more."""
    now = contents(paths)
    if now == known:
        return now
    deadline = time.monotonic() + MOST_SETTLING_S
    while not stop.wait(SETTLE_S) and time.monotonic() < deadline:
        later = contents(paths)
        if later == now:
            break
        now = later
    if now != known:
        changed()
    return now


def _places(paths: Iterable[str]) -> frozenset[Place]:
    """Return the folders in which something may happen that changes what the paths lead to."""
    found: set[Place] = set()
    for path in paths:
        for folder in _on_the_way(path):
            try:
                about = folder.stat()
            except OSError:
                continue
            found.add((str(folder), about.st_dev, about.st_ino))
    return frozenset(found)


def _on_the_way(path: str) -> Iterable[Path]:
    """Yield the folder around a path, itself if it is one, and the folder of every link on the way there."""
    ahead = list(reversed(Path(os.path.abspath(path)).parts))
    here = Path(ahead.pop())
    links = 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            here = here.parent
            continue
        step = here / part
        if not step.is_symlink() or links == _MOST_LINKS:
            here = step
            continue
        links += 1
        yield here
        target = Path(os.readlink(step))
        ahead += reversed(target.parts)
        if target.is_absolute():
            here = Path(ahead.pop())
    if here.is_dir():
        yield here
    while not here.parent.is_dir():
        here = here.parent
    yield here.parent
