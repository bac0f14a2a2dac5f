"""One lane per device over a bounded pool: work in order within a lane, and a slow lane delays only itself."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

Work: TypeAlias = Callable[[], None]

log = logging.getLogger("tapo_automate")


class Lanes:
    """Runs work, at most one at a time per lane and at most max_threads at once in all.

    A lane takes a thread for one piece of work and then queues up again, so that a long lane cannot starve the
    others of threads.
    """

    def __init__(self, max_threads: int = 64) -> None:
        self._pool = ThreadPoolExecutor(max_threads, thread_name_prefix="lane")
        self._waiting: dict[str, deque[Work]] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._closed = False

    def put(self, lane: str, work: Work) -> None:
        """Let `work` run after all that was put into the lane before.  Once closed, work is dropped."""
        with self._lock:
            if self._closed:
                return
            if lane in self._waiting:
                self._waiting[lane].append(work)
                return
            self._waiting[lane] = deque([work])
            self._take_thread(lane)

    def waiting(self, lane: str) -> int:
        """Return how much is left to do in a lane."""
        with self._lock:
            return len(self._waiting.get(lane, ()))

    def drain(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do; False if that took longer than timeout_s."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._waiting, timeout_s)

    def close(self) -> None:
        """Drop what still waits and let the threads end; what runs is not interrupted."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, lane: str) -> None:
        with self._lock:
            work = self._waiting[lane][0]
        try:
            work()
        except BaseException:  # a lane must outlive whatever runs in it
            log.exception("unexpected error in the lane of %s", lane)
        with self._idle:
            queue = self._waiting[lane]
            queue.popleft()
            if not queue:
                del self._waiting[lane]
                self._idle.notify_all()
            elif not self._closed:
                self._take_thread(lane)

    def _take_thread(self, lane: str) -> None:
        try:
            self._pool.submit(self._run, lane)
        except RuntimeError as problem:  # the work is queued: the next thread that is free, or can be begun, does it
            log.warning("%s has to wait: %s", lane, problem)
