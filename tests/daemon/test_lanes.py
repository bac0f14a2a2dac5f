"""Lanes: order within one, independence between them, a bound on threads."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from tapo_automate.daemon.lanes import Lanes


def test_work_in_one_lane_keeps_its_order() -> None:
    lanes, seen = Lanes(8), []
    for number in range(200):
        lanes.put("plug", lambda number=number: seen.append(number))
    assert lanes.drain(10)
    assert seen == list(range(200))
    lanes.close()


def test_a_slow_lane_delays_only_itself() -> None:
    lanes, release, done = Lanes(2), threading.Event(), threading.Event()
    lanes.put("slow", lambda: release.wait(10))
    for _ in range(20):
        lanes.put("slow", lambda: None)
    lanes.put("quick", done.set)
    assert done.wait(5), "the quick lane waited for the slow one"
    release.set()
    assert lanes.drain(10)
    lanes.close()


def test_threads_are_bounded_and_do_not_grow_with_the_lanes() -> None:
    lanes, lock, running, most = Lanes(4), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    for lane in range(50):
        for _ in range(3):
            lanes.put(f"plug-{lane}", work)
    assert lanes.drain(20)
    assert 1 < most <= 4
    lanes.close()


def test_work_that_waits_gets_all_threads_and_again_after_a_rest() -> None:
    lanes = Lanes(32)
    for _ in range(2):
        together = threading.Barrier(32, timeout=10)  # opens only if all 32 are there at once
        met: list[int] = []
        for lane in range(32):
            lanes.put(f"plug-{lane}", lambda together=together, met=met: met.append(together.wait()))
        assert lanes.drain(15)
        assert len(met) == 32
    lanes.close()


def test_every_work_of_many_lanes_is_done_once_and_in_order() -> None:
    lanes, seen = Lanes(16), {lane: [] for lane in range(100)}
    for number in range(20):
        for lane, done in seen.items():
            lanes.put(f"plug-{lane}", lambda done=done, number=number: done.append(number))
    assert lanes.drain(20)
    assert all(done == list(range(20)) for done in seen.values())
    lanes.close()


def test_closing_drops_what_waits_and_lets_finish_what_runs() -> None:
    lanes, begun, release, seen = Lanes(1), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        release.wait(10)
        seen.append("first")

    lanes.put("plug", work)
    lanes.put("plug", lambda: seen.append("second"))
    lanes.put("lamp", lambda: seen.append("third"))
    assert begun.wait(10)
    lanes.close()
    release.set()
    assert not lanes.drain(0.2)
    assert seen == ["first"]


def test_what_work_raises_is_logged_and_the_lane_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    lanes, done = Lanes(2), threading.Event()
    with caplog.at_level(logging.ERROR):
        lanes.put("plug", lambda: 1 / 0)
        lanes.put("plug", done.set)
        assert done.wait(5)
    assert "unexpected error in the lane of plug" in caplog.text
    lanes.close()


def test_draining_gives_up_after_its_time_and_says_so() -> None:
    lanes, release = Lanes(1), threading.Event()
    lanes.put("stuck", lambda: release.wait(10))
    assert not lanes.drain(0.05)
    release.set()
    assert lanes.drain(10)
    lanes.close()


def test_a_closed_lane_drops_what_comes_later() -> None:
    lanes, seen = Lanes(1), []
    lanes.close()
    lanes.put("plug", lambda: seen.append(1))
    assert lanes.drain(1)
    assert seen == []
