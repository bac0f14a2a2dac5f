"""Sick devices beside healthy ones, in a daemon that runs by itself: alarm, lanes and threads are those of a home."""

from __future__ import annotations

import datetime as dt
import random
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.faults_house import WireHouse, a_day, hammered
from daemon.house import DAY, until
from tapo_automate import Rule, Setting
from tapo_automate.daemon import CompressedClock, Daemon, Outcome
from tapo_automate.journal.store import Journal
from tapo_automate.registry import Registry
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import Every
from tapo_automate.simulator import Fleet
from tapo_automate.simulator.faults import KINDS

ON, OFF = Setting(on=True), Setting(on=False)
HOUR = dt.timedelta(hours=1)
REFUSING = {"wrong-proof", "defaults", "locked"}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@contextmanager
def running(
    fleet: Fleet, house: WireHouse, *rules: Rule, journal: Journal | None = None, **options: float
) -> Iterator[Daemon]:
    daemon = Daemon(
        house.book(*rules),
        Registry({"house": house}),
        clock=house.clock,
        journal=journal,
        observe=house.observe,
        dice=random.Random(5),
        **options,  # type: ignore[arg-type]
    )
    stop = threading.Event()
    watcher = threading.Thread(target=daemon.watch, args=(stop, 0.05))
    daemon.start()
    watcher.start()
    try:
        yield daemon
    finally:
        stop.set()
        watcher.join()
        fleet.close()  # whoever waits for an answer of a device that hangs need not wait any longer
        assert daemon.stop()


def test_a_day_of_every_fault_at_once_loses_nothing_and_hammers_nobody(fleet: Fleet, tmp_path: Path) -> None:
    speed = 7200.0  # a day in twelve seconds
    dice, names = random.Random(11), [f"d{number:02}" for number in range(20)]
    well, sick = set(names[:5]), names[5:]
    clock = CompressedClock(DAY - 4 * HOUR, speed)  # until all of them have come up
    house = WireHouse(fleet, clock, seed=11, patience_s=dict.fromkeys(sick, 0.3))
    kinds = [kind for kind in KINDS if kind not in REFUSING | {"slow", "lag", "offline", "reboots", "clock-lost"}]
    extra = ["offline=3600+7200", "reboots=7200+300", "lag=60@0.3", "slow=0.05@0.2", "clock-lost"]
    for name in sick:
        some = [f"{kind}=0.2" for kind in dice.sample(kinds, 2)] + dice.sample(extra, 1)
        house.devices[name].set_faults(",".join(some))
    rules = a_day(house, seed=11)
    # A stall of the machine of half a second is an hour here.
    with (
        Journal.open(tmp_path) as journal,
        running(fleet, house, *rules, journal=journal, grace_s=21_600, poll_s=3600, look_s=3600),
    ):
        until(lambda: clock.now() >= DAY + 24 * HOUR, timeout_s=60)
        due = list(firings_between(house.book(*rules), DAY, DAY + 24 * HOUR))
        keys = {(firing.rule.id, firing.device_id, firing.nominal) for firing in due}

        def ended() -> bool:
            told = {(o.firing.rule.id, o.firing.device_id, o.firing.nominal) for o in house.outcomes}
            return keys <= told

        until(ended, timeout_s=30)
        assert journal.flush(10)
        entries = {entry.key: entry for entry in journal.entries()}
    assert len(keys) == 80
    for key in keys:
        entry = entries[key]
        assert entry.result in ("done", "already", "superseded", "failed"), entry
        assert entry.result != "failed" or entry.reason
        if entry.device in well:
            assert entry.result in ("done", "already"), entry
    assert hammered(house) == []


def late_s(faults: str) -> list[float]:
    """Return by how many real seconds ten healthy devices were late beside ten with such faults, six times each."""
    speed = 20.0
    clock = CompressedClock(DAY, speed)
    fleet = Fleet()
    house = WireHouse(fleet, clock, 20)
    well, other = list(house.devices)[:10], list(house.devices)[10:]
    for name in other:
        house.devices[name].set_faults(faults)
    rules = Rule("well", tuple(well), Every(20), ON), Rule("other", tuple(other), Every(20), OFF)

    def outcomes() -> list[Outcome]:
        return [outcome for outcome in house.outcomes if outcome.firing.rule.id == "well"]

    with running(fleet, house, *rules, look_s=0):
        until(lambda: len(outcomes()) >= 60, timeout_s=40)
        found = outcomes()
    assert {outcome.error for outcome in found} == {None}
    return [outcome.late_s / speed for outcome in found]


def test_devices_that_hang_make_no_other_one_late() -> None:
    without, beside = late_s(""), late_s("freeze")
    # One answer of those that hang is waited for eight seconds.
    assert max(beside) < 4
    assert statistics.median(beside) < 5 * statistics.median(without) + 0.25
