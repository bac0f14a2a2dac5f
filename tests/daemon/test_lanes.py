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
    assert lanes.length("slow") == 21
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
