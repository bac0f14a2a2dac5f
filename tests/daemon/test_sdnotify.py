"""The service manager's socket, played by a real one."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tapo_automate.daemon import Health
from tapo_automate.daemon.sdnotify import STALLED_S, Notifier, feed_watchdog

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
WELL = Health(NOON, NOON, 1.0, True, "", "", 0, {}, frozenset(), None, 0)


class Manager:
    """Listens where a service manager would."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(10)

    def heard(self) -> list[str]:
        return self.socket.recv(4096).decode().split("\n")

    def silence(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(10)
        return False


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(str(tmp_path / "notify"))
    yield listening
    listening.socket.close()


def test_the_life_of_a_service_is_told_in_the_manager_s_words(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "notify"))
    notifier.ready("carrying out 2 rules")
    assert manager.heard() == ["READY=1", "STATUS=carrying out 2 rules"]
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.reloading()
    reloading, stamp = manager.heard()
    assert reloading == "RELOADING=1"
    name, _, stamp_us = stamp.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(stamp_us) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.stopping()
    assert manager.heard() == ["STOPPING=1", "STATUS=stopping"]


def test_a_name_with_an_at_sign_is_an_abstract_socket(tmp_path: Path) -> None:
    name = f"tapo-automate-test-{tmp_path.name}-{time.time_ns()}"
    listening = Manager("\0" + name)
    try:
        Notifier("@" + name).alive()
        assert listening.heard() == ["WATCHDOG=1"]
    finally:
        listening.socket.close()


def test_the_variables_are_read_once_and_taken_out() -> None:
    environment = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7", "HOME": "/root"}
    assert Notifier.from_environment(environment, 7).watchdog_s == 60
    assert environment == {"HOME": "/root"}


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "500000"}, 0.5),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "/run/notify"}, None),
        ({"WATCHDOG_USEC": "500000"}, None),
    ],
    ids=["ours", "another process's", "not a number", "nothing", "not asked for", "nobody listens"],
)
def test_the_watchdog_is_fed_where_it_waits_for_this_process(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    assert Notifier.from_environment(environment, 7).watchdog_s == watchdog_s


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "/nul\0inside", "relative", "/" + "long" * 40])
def test_a_manager_that_cannot_be_told_harms_nobody(address: str) -> None:
    notifier = Notifier(address, 1)
    notifier.ready("up")
    notifier.reloading()
    notifier.alive()


def test_a_manager_that_does_not_read_holds_nobody_up(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "notify"))
    began = time.monotonic()
    for _ in range(5000):  # far more than the socket holds
        notifier.alive()
    assert time.monotonic() - began < 30
    assert manager.heard() == ["WATCHDOG=1"]


def feeding(notifier: Notifier, health: Callable[[], Health]) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=feed_watchdog, args=(notifier, health, stop))
    thread.start()
    return thread, stop


def test_a_planner_that_stands_still_is_fed_no_more(manager: Manager, tmp_path: Path) -> None:
    health = [WELL]
    looks = threading.Semaphore(0)

    def look() -> Health:
        looks.release()
        return health[0]

    thread, stop = feeding(Notifier(str(tmp_path / "notify"), 0.02), look)
    try:
        assert manager.heard() == ["WATCHDOG=1"]
        assert manager.heard() == ["WATCHDOG=1"]
        health[0] = replace(WELL, progress_s=STALLED_S + 3)
        while (told := manager.heard()) == ["WATCHDOG=1"]:
            pass
        assert told == ["STATUS=the planner has stood still for 33 s"], "said once, then silence"
        while looks.acquire(blocking=False):
            pass
        for _ in range(3):
            assert looks.acquire(timeout=10)
        assert manager.silence()
        health[0] = WELL
        assert manager.heard() == ["WATCHDOG=1"], "it came round again before the manager lost patience"
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_without_a_watchdog_nobody_looks() -> None:
    def look() -> Health:
        raise AssertionError("nobody asked for this")

    feed_watchdog(Notifier("/run/notify"), look, threading.Event())
