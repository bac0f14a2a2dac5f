"""Devices that fail in every way that the simulator knows: what is lost, what is doubled, who is disturbed.

Led by hand, so that every instant is exact; the protocols, the connections and the devices are real.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.faults_house import LODGER, LONGEST_WAIT, Asked, WireHouse, a_day, hammered, may_be_tried_again
from daemon.house import DAY
from daemon.led import HandClock, Led
from tapo_automate import Rule, Setting
from tapo_automate.daemon import Outcome
from tapo_automate.journal.entry import Entry, Key
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import AtTime, PowerPast
from tapo_automate.simulator import Fleet
from tapo_automate.simulator.faults import DISCOVERY, KINDS

ON, OFF = Setting(on=True), Setting(on=False)
SECOND, MINUTE, HOUR = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1)

# How a fault is armed where "always, a third of the time, the first few times" does not say it.
ARMED: dict[str, tuple[str, str, str]] = {
    "slow": ("slow=0.002", "slow=0.01@0.3", "slow=0.005..0.02@5x"),
    "freeze": ("freeze=5x", "freeze=0.1", "freeze=1x"),
    "lag": ("lag=1", "lag=3@0.3", "lag=30@2x"),
    "clock-lost": ("clock-lost", "clock-lost", "clock-lost"),
    "offline": ("offline", "offline=7200+600", "offline=0+3600"),
    "reboots": ("reboots=30+5", "reboots=3600+300", "reboots=600+2"),
    "asleep": ("asleep=40000", "asleep=470..540", "asleep=600"),
}
# Nobody is looked for in this house, so that what goes wrong with that strikes nobody.
STRIKING = [kind for kind, (stage, _) in KINDS.items() if stage != DISCOVERY]
OF_TPAP = {"off-curve", "iterations", "short-w0"}
# What does not keep a device from doing what it is told, and what looks like other credentials.
HARMLESS = {"slow", "lag", "power-stale", "power-nonsense", "no-batch", "batch-stops", "handshake-49", "close"}
HARMLESS |= {"plain-401", "clock-lost", "short-w0"}
REFUSING = {"wrong-proof", "defaults", "locked"}
TRANSPORTS = ("klap", "aes")
SICK = tuple(f"d{number:02}" for number in range(8, 20))  # of each kind three


def armed(kind: str) -> tuple[str, str, str]:
    return ARMED.get(kind, (kind, f"{kind}=0.3", f"{kind}=3x"))


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


def journal_of(led: Led, rules: list[Rule]) -> dict[Key, Entry]:
    """Return the journal's entries by their keys: all that was due has one."""
    assert led.journal is not None
    assert led.journal.flush(10)
    entries = {entry.key: entry for entry in led.journal.entries()}
    due = firings_between(led.house.book(*rules), DAY + SECOND, led.clock.now())
    assert {(firing.rule.id, firing.device_id, firing.nominal) for firing in due} <= set(entries)
    return entries


def nothing_is_lost(house: WireHouse, entries: dict[Key, Entry], *, locked: bool = False) -> None:
    """Every firing ended; one that failed was tried until its deadline, or it was no use, and it said so once.

    locked: there are devices that take no login, and are left alone for longer than a firing may take.
    """
    ends = {"done", "already", "superseded", "withheld", "failed"} | ({"missed"} if locked else set())
    told: dict[Key, list[Outcome]] = {key: [] for key in entries}
    for outcome in house.outcomes:
        told[outcome.firing.rule.id, outcome.firing.device_id, outcome.firing.nominal].append(outcome)
    for key, entry in entries.items():
        assert entry.result in ends, entry
        assert entry.result == told[key][-1].result, key
        assert sum(outcome.result == "failed" for outcome in told[key]) == (entry.result == "failed"), key
        if entry.result == "failed":
            assert entry.reason
            excused(entry, told[key], house.asked[entry.device])


def excused(entry: Entry, told: list[Outcome], asked: list[Asked]) -> None:
    assert entry.at is not None
    if "it accepted the command" in entry.reason:
        assert [outcome.result for outcome in told].count("done") == 3, "set, and set twice again"
        return
    tries = [each for each in asked if entry.due <= each.begun <= entry.at and each.what.startswith(("apply", "state"))]
    assert all(each.error for each in tries if each.what == f"apply {told[-1].firing.rule.setting}"), entry
    if may_be_tried_again(told[-1].error):
        assert entry.deadline - entry.at <= LONGEST_WAIT, f"given up early: {entry}"


def prompt(entries: dict[Key, Entry], names: set[str]) -> None:
    """Devices that nothing is wrong with were set at the very instant."""
    for entry in entries.values():
        if entry.device in names:
            assert (entry.result, entry.late_s) in {("done", 0.0), ("already", 0.0)}, entry


@pytest.mark.parametrize("kind", STRIKING)
def test_each_fault_alone_for_a_day(kind: str, fleet: Fleet, tmp_path: Path) -> None:
    clock = HandClock()
    accounts = dict.fromkeys(SICK, LODGER)  # an account that is refused is refused to all
    patience_s = dict.fromkeys(SICK, 0.1) if kind == "freeze" else {}
    house = WireHouse(fleet, clock, seed=len(kind), accounts=accounts, patience_s=patience_s)
    always, often, soon = SICK[:4], SICK[4:8], SICK[8:]
    for arm, names in enumerate((always, often)):
        for name in names:
            house.devices[name].set_faults(armed(kind)[arm])
    rules = a_day(house, seed=sum(kind.encode()))
    never = PowerPast("above", 3500.0)
    rules += [Rule(f"{name}-load", (name,), never, OFF) for name in house.devices if not house.colors(name)]
    led = Led(house, clock, tmp_path)
    led.start(*rules, poll_s=14_400, look_s=14_400)
    led.go(9 * MINUTE)
    for name in soon:  # after the first look and before the first command
        house.devices[name].set_faults(armed(kind)[2])
        house.devices[name].forget_session()
    led.go(DAY + 24 * HOUR)
    entries = journal_of(led, rules)
    led.stop()
    nothing_is_lost(house, entries, locked=kind == "locked")
    prompt(entries, set(house.devices) - set(SICK))
    assert hammered(house) == []
    assert not [key for key in entries if key[0].endswith("-load")], "no reading of a meter was above 3500 W"
    if kind in HARMLESS:
        assert {entry.result for entry in entries.values()} <= {"done", "already"}
    elif kind not in ("freeze", "ignore", "defaults", "bad-signature", "reboots", "asleep"):
        struck = [name for name in always if kind not in OF_TPAP or house.devices[name].transport == "tpap"]
        assert struck
        undone = {"failed", "superseded"} | ({"missed"} if kind == "locked" else set())
        assert {entry.result for entry in entries.values() if entry.device in struck} <= undone


@pytest.mark.parametrize("seed", range(5))
def test_any_mixture_of_faults_for_a_day(seed: int, fleet: Fleet, tmp_path: Path) -> None:
    clock, dice = HandClock(), random.Random(seed)
    names = [f"d{number:02}" for number in range(20)]
    kinds = [kind for kind in STRIKING if kind not in REFUSING | {"asleep"}]  # who sleeps does so when all is well, too
    sick = names[5:]
    house = WireHouse(fleet, clock, seed=seed, patience_s=dict.fromkeys(sick, 0.1))
    for name in sick:
        some = dice.sample(kinds, dice.randint(1, 3))
        house.devices[name].set_faults(",".join(dice.choice(armed(kind)[1:]) for kind in some))
    rules = a_day(house, seed=seed)
    last = [Rule(f"{name}-last", (name,), AtTime(dt.time(23, 59)), ON, within_s=900) for name in names]
    led = Led(house, clock, tmp_path)
    led.start(*rules, *last, poll_s=14_400, look_s=14_400)
    for minute in sorted(dice.sample(range(1, 1430), 20)):
        led.go(DAY + minute * MINUTE + 30 * SECOND)
        house.devices[dice.choice(sick)].press()
    led.go(DAY + dt.timedelta(hours=23, minutes=58))
    for device in house.devices.values():
        device.set_faults()
    led.go(16 * MINUTE)
    entries = journal_of(led, rules)
    led.stop()
    nothing_is_lost(house, entries)
    prompt(entries, set(names) - set(sick))
    assert hammered(house) == []
    assert {entry.result for entry in entries.values() if entry.rule.endswith("-last")} <= {"done", "already"}
    assert all(device.on for device in house.devices.values())
