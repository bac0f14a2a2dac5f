"""One lane per device over a bounded pool: work in order within a lane, and a slow lane delays only itself."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

Work: TypeAlias = Callable[[], None]

# Threads that all have something to say at once spend more time on taking turns than on saying it, so a burst begins
# with a few.  More are added as long as they do nothing but wait, which is what they are for.
FIRST_THREADS = 4
PACE_S = 0.008

log = logging.getLogger("tapo_automate")


class Lanes:
    """Runs work, at most one at a time per lane and at most max_threads at once in all.

    A lane takes a thread for one piece of work and then queues up again, so that a long lane cannot starve the
    others of threads.  The threads do not keep the interpreter from ending.
    """

    def __init__(self, max_threads: int = 64) -> None:
        self._max_threads = max_threads
        self._threads = 0
        self._allowed = min(FIRST_THREADS, max_threads)
        self._running = 0
        self._done_lately = 0
        self._pacing = False
        self._closed = False
        self._waiting: dict[str, deque[Work]] = {}  # what runs is the first of its lane
        self._ready: deque[str] = deque()  # lanes that want a thread
        self._turns: SimpleQueue[str | None] = SimpleQueue()  # lanes that get one; None ends a thread
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    def put(self, lane: str, work: Work) -> None:
        """Let `work` run after all that was put into the lane before.  Once closed, work is dropped."""
        with self._lock:
            if self._closed:
                return
            if lane in self._waiting:
                self._waiting[lane].append(work)
                return
            self._waiting[lane] = deque([work])
            self._ready.append(lane)
            self._give_turns()

    def length(self, lane: str) -> int:
        """Return how much work waits or runs in the lane."""
        with self._lock:
            return len(self._waiting.get(lane, ()))

    def drain(self, timeout_s: float) -> bool:
        """Wait until nothing is left to do; False if that took longer than timeout_s."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._waiting, timeout_s)

    def close(self) -> None:
        """Drop what still waits and let the threads end; what runs is not interrupted."""
        with self._idle:
            self._closed = True
            self._ready.clear()
            self._idle.notify_all()
            for _ in range(self._threads):
                self._turns.put(None)

    def _give_turns(self) -> None:
        """Let as many lanes run as are allowed to; the lock is held."""
        while self._ready and self._running < self._allowed:
            self._running += 1
            self._turns.put(self._ready.popleft())
            if self._threads < self._running:
                self._threads += 1
                threading.Thread(target=self._serve, name=f"lane-{self._threads}", daemon=True).start()
        if self._ready and self._allowed < self._max_threads and not self._pacing:
            self._pacing = True
            threading.Thread(target=self._pace, name="lanes-pace", daemon=True).start()

    def _pace(self) -> None:
        """Add threads while work waits and a piece of it takes longer than PACE_S: all, if none came to an end."""
        with self._idle:
            while self._ready and self._allowed < self._max_threads:
                self._done_lately = 0
                self._idle.wait(PACE_S)
                if self._done_lately < self._running:
                    wanted = 4 * self._allowed if self._done_lately else self._max_threads
                    self._allowed = min(wanted, self._max_threads)
                    self._give_turns()
            self._pacing = False

    def _serve(self) -> None:
        while (lane := self._turns.get()) is not None:
            turn: str | None = lane
            while turn is not None:
                turn = self._run(turn)

    def _run(self, lane: str) -> str | None:
        """Do the first work of a lane; return the lane whose turn it is on this thread then, if any."""
        with self._lock:
            if self._closed:
                return None
            work = self._waiting[lane][0]
        try:
            work()
        except Exception:  # a lane must outlive whatever runs in it
            log.exception("unexpected error in the lane of %s", lane)
        with self._idle:
            queue = self._waiting[lane]
            queue.popleft()
            if not queue:
                del self._waiting[lane]
            elif not self._closed:
                self._ready.append(lane)
            self._done_lately += 1
            if self._ready and self._running <= self._allowed:
                return self._ready.popleft()
            self._running -= 1
            if not self._waiting:
                self._allowed = min(FIRST_THREADS, self._max_threads)
                self._idle.notify_all()
            return None
