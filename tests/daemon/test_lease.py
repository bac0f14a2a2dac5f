"""Fail-safes: simulated devices whose countdowns run, spoken to over real HTTP, and a daemon that dies.

Time passes for the daemon and the devices by one clock, which stands still until it is moved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from daemon.house import DAY, House
from daemon.led import HandClock, Led
from tapo_automate import Credentials, DeviceSpec, Setting, hookimpl
from tapo_automate.daemon import Alarm
from tapo_automate.daemon.effects import Effects
from tapo_automate.daemon.lease import OFF, Lease, Leases, secured
from tapo_automate.device import Device
from tapo_automate.rules.model import AtTime, Firing, Rule, RuleBook
from tapo_automate.simulator import Device as Simulated
from tapo_automate.simulator import Fleet
from tapo_automate.wire import open_device

ACCOUNT = {"username": "User@Example.com", "password": "Sw0rdfish!"}
MINUTE = dt.timedelta(minutes=1)
FAILSAFE_S = 1800
WARM = Rule("warm", ("heater",), AtTime(dt.time(6)), Setting(on=True), failsafe_s=FAILSAFE_S)
COLD = Rule("cold", ("heater",), AtTime(dt.time(9)), OFF)
SIX = DAY + dt.timedelta(hours=6)


class Home(House):
    """A heater of the simulator's, and a daemon over it."""

    def __init__(self, fleet: Fleet, clock: HandClock, model: str = "P110") -> None:
        super().__init__()
        self.opened: list[Device] = []  # also by daemons that died
        self.heater: Simulated = fleet.add(model, now=lambda: clock.at.timestamp(), seed=1, **ACCOUNT)

    @hookimpl
    def register_drivers(self) -> Iterable[object]:
        return [SimpleNamespace(name="tapo", open=self.open)]

    def open(self, spec: DeviceSpec, credentials: Credentials | None) -> Device:  # type: ignore[override]
        self.opened.append(open_device(spec, Credentials(**ACCOUNT)))
        return self.opened[-1]

    def book(self, *rules: Rule) -> RuleBook:
        devices = {"heater": DeviceSpec("heater", "tapo", self.heater.address)}
        return RuleBook(self.site, devices, {}, {rule.id: rule for rule in rules})


class Over:
    """One heater's home over the lives of its daemon."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.clock = HandClock(SIX - MINUTE)
        self.home = Home(fleet, self.clock)
        self.heater = self.home.heater
        self.led = Led(self.home, self.clock, folder)

    def live(self, *rules: Rule) -> None:
        self.led.start(*(rules or (WARM, COLD)), look_s=60)

    def go(self, minutes: float) -> None:
        self.led.go(minutes * MINUTE)

    def count(self, method: str) -> int:
        return sum(call.method == method for call in self.heater.calls)

    def left_s(self) -> int | None:
        """Return how much is left of the countdown in the device, asked by somebody else, or None."""
        device = open_device(self.home.book().devices["heater"], Credentials(**ACCOUNT))
        try:
            running = device.timer()
        finally:
            device.close()
        return running[0] if running else None

    def somebody_starts(self, after_s: int, setting: Setting) -> None:
        device = open_device(self.home.book().devices["heater"], Credentials(**ACCOUNT))
        try:
            device.start_timer(after_s, setting)
        finally:
            device.close()

    def changes(self) -> list[tuple[bool, str, str]]:
        assert self.led.journal is not None
        self.led.journal.flush(5)
        found = self.led.journal.changes("heater", newest_first=False)
        return [(bool(change.after["on"]), change.by, change.detail) for change in found]

    @property
    def alarms(self) -> list[str]:
        return [event.text for event in self.home.events if isinstance(event, Alarm)]


@pytest.fixture
def over(tmp_path: Path) -> Iterator[Over]:
    with Fleet() as fleet:
        home = Over(fleet, tmp_path)
        yield home
        home.led.stop()
        for device in home.home.opened:
            device.close()


def test_a_heater_whose_daemon_dies_turns_itself_off_and_history_says_why(over: Over) -> None:
    over.live()
    over.go(31)
    assert over.heater.on
    over.led.die()
    over.go(15)
    assert over.heater.on, "the countdown was started anew fifteen minutes before"
    over.go(15)
    assert not over.heater.on
    over.live()
    over.go(3)
    assert not over.heater.on
    assert over.changes() == [
        (True, "rule", ""),
        (False, "table", "its countdown, the fail-safe of rule warm"),
    ]


def test_while_the_daemon_lives_the_heater_stays_on_and_is_asked_once_in_half_a_lease(over: Over) -> None:
    over.live()
    over.go(179)
    assert over.heater.on
    assert FAILSAFE_S / 2 - 61 <= (over.left_s() or 0) <= FAILSAFE_S
    assert over.count("add_countdown_rule") == 1 + 11
    over.go(5)
    assert not over.heater.on
    assert over.left_s() is None, "a rule has turned it off"
    assert [by for _, by, _ in over.changes()] == ["rule", "rule"], "no table and no person"


def test_the_countdown_runs_before_the_heater_does(over: Over) -> None:
    over.live()
    over.go(2)
    methods = [call.method for call in over.heater.calls]
    assert methods.index("add_countdown_rule") < methods.index("set_device_info")


def test_a_person_who_turns_it_off_ends_it_and_one_who_turns_it_on_is_left_alone(over: Over) -> None:
    over.live()
    over.go(10)
    over.heater.press()
    over.go(2)
    assert over.left_s() is None
    over.heater.press()
    over.go(100)
    assert over.heater.on
    assert over.left_s() is None
    assert [by for _, by, _ in over.changes()] == ["rule", "person", "person"]


def test_the_next_daemon_takes_it_up_again(over: Over) -> None:
    over.live()
    over.go(10)
    over.led.die()
    over.go(15)
    over.live()
    over.go(1)
    assert (over.left_s() or 0) > FAILSAFE_S - 120
    over.go(100)
    assert over.heater.on


def test_a_daemon_that_is_stopped_in_good_order_is_gone_too(over: Over) -> None:
    over.live()
    over.go(10)
    over.led.stop()
    over.go(31)
    assert not over.heater.on
    over.live()


@pytest.mark.parametrize("rules", [(COLD,), (replace(WARM, failsafe_s=0), COLD)])
def test_a_rule_that_is_gone_or_asks_for_it_no_more_ends_it(over: Over, rules: tuple[Rule, ...]) -> None:
    over.live()
    over.go(10)
    over.led.daemon.reload(over.home.book(*rules))
    over.led.lanes.run()
    over.go(1)
    assert over.heater.on
    assert over.left_s() is None


@pytest.mark.parametrize("failsafe_s", [600, 7200])
def test_a_rule_that_asks_for_another_time_gets_it_at_once(over: Over, failsafe_s: int) -> None:
    over.live()
    over.go(10)
    other = replace(WARM, failsafe_s=failsafe_s)
    over.led.daemon.reload(over.home.book(other, COLD))
    over.led.lanes.run()
    over.go(1)
    assert failsafe_s - 90 <= (over.left_s() or 0) <= failsafe_s
    over.go(100)
    assert over.heater.on


def test_somebody_elses_countdown_is_left_alone_and_told_once(over: Over) -> None:
    over.somebody_starts(3600, Setting(on=True))
    over.live()
    over.go(45)
    assert over.heater.on
    assert over.count("add_countdown_rule") == 1, "only theirs"
    said = "heater: somebody else's countdown (on in 59m) is left alone"
    said += "; until it is over, rule warm has no fail-safe there"
    assert over.alarms == [said]
    over.go(30)
    assert over.alarms == [said, "heater: rule warm has its fail-safe again"]
    assert (over.left_s() or 0) > FAILSAFE_S / 2 - 61


def test_a_shorter_countdown_of_a_person_does_what_the_fail_safe_is_for(over: Over) -> None:
    over.live()
    over.go(5)
    over.somebody_starts(700, OFF)
    over.go(20)
    assert not over.heater.on
    assert over.alarms == []
    assert [by for _, by, _ in over.changes()] == ["rule", "table"]


def test_a_countdown_that_somebody_has_stopped_is_started_again(over: Over) -> None:
    over.live()
    over.go(5)
    device = open_device(over.home.book().devices["heater"], Credentials(**ACCOUNT))
    device.stop_timer()
    device.close()
    over.go(15)
    assert (over.left_s() or 0) > FAILSAFE_S - 400


def test_a_renewal_that_fails_is_tried_again_before_the_countdown_is_over(over: Over) -> None:
    over.live()
    over.go(14)
    over.heater.set_faults("offline")
    over.go(8)
    assert over.heater.on
    over.heater.set_faults("")
    over.go(6)
    assert (over.left_s() or 0) > FAILSAFE_S / 2
    over.go(60)
    assert over.heater.on


def test_a_device_without_a_countdown_is_not_turned_on() -> None:
    house = House("heater")
    led = Led(house)
    led.start(WARM)
    led.go(SIX + MINUTE)
    assert led.told == []
    (outcome,) = house.outcomes
    assert outcome.result == "failed"
    assert str(outcome.error) == (
        "heater: the driver 'toy' offers no countdown, and rule warm turns nothing on without its fail-safe"
    )
    led.stop()


def test_a_heater_that_is_on_already_gets_its_fail_safe_too(over: Over) -> None:
    over.live()
    over.led.die()
    over.heater.press()
    over.go(6)
    over.live()
    over.go(2)
    assert [outcome.result for outcome in over.home.outcomes] == ["already"]
    assert over.count("set_device_info") == 0
    assert (over.left_s() or 0) > FAILSAFE_S - 180


def test_a_device_that_does_not_show_its_countdown_is_not_turned_on_until_it_does(over: Over) -> None:
    over.heater.set_faults("ignore")  # it accepts all and does nothing
    over.live()
    over.go(4)
    assert over.count("add_countdown_rule") > 2
    assert over.count("set_device_info") == 0
    over.heater.set_faults("")
    over.go(3)
    assert over.heater.on
    assert over.left_s() is not None


# --- The leases alone


def firing(rule: Rule = WARM) -> Firing:
    return Firing(rule, "heater", SIX, SIX)


def leases(started_s_ago: float | None = None, **kept: object) -> Leases:
    started = None if started_s_ago is None else (SIX - dt.timedelta(seconds=started_s_ago)).isoformat()
    lease = {"rule": "warm", "lasts_s": FAILSAFE_S, "started": started, "started_s": FAILSAFE_S}
    found = Leases({"heater": {**lease, "over": False, "theirs": False, **kept}})
    found.begin({"warm": WARM}, {"heater"}, SIX, Effects())
    return found


@pytest.mark.parametrize(
    ("ago_s", "running", "step"),
    [
        (900, None, "start"),
        (600, (1200, OFF), "leave"),
        (901, (899, OFF), "start"),
        (900, (1800, OFF), "leave"),  # the answer of a renewal was lost
        (600, (1100, OFF), "leave"),  # somebody's, shorter
        (1500, (120, OFF), "leave"),  # somebody's, shorter
        (600, (1900, OFF), "leave"),  # somebody's, longer
        (600, (1200, Setting(on=True)), "leave"),
        (3000, (1200, Setting(brightness_pct=5)), "leave"),
    ],
)
def test_what_is_to_be_done_with_what_runs(ago_s: float, running: tuple[int, Setting] | None, step: str) -> None:
    assert leases(ago_s).step("heater", FAILSAFE_S, running, SIX, anew=False) == step


@pytest.mark.parametrize(
    ("running", "step"),
    [(None, "leave"), ((1200, OFF), "stop"), ((900, OFF), "leave"), ((1200, Setting(on=True)), "leave")],
)
def test_only_what_is_ours_is_stopped(running: tuple[int, Setting] | None, step: str) -> None:
    assert leases(600, over=True).step("heater", FAILSAFE_S, running, SIX, anew=False) == step


def test_what_is_told_at_the_beginning_begins_anew() -> None:
    assert leases(600).step("heater", FAILSAFE_S, (1200, OFF), SIX, anew=True) == "start"
    assert leases(600, over=True).step("heater", FAILSAFE_S, (1200, OFF), SIX, anew=True) == "start"


def test_an_end_that_comes_while_it_is_renewed_is_not_lost() -> None:
    held = leases(900)
    held.advance(SIX, Effects())
    judged = held.of("heater")
    assert judged is not None
    held.saw("heater", on=False, now=SIX, effects=Effects())
    held.seen_to("heater", judged, "start", None, SIX)
    lease = held.of("heater")
    assert lease is not None
    assert lease.over
    assert held.wake_at == SIX


def test_tries_come_closer_while_it_runs_and_further_apart_once_it_is_over() -> None:
    held, at, waits = leases(900), SIX, []
    for _ in range(40):
        held.advance(at, Effects())
        held.failed("heater", at, Effects())
        assert held.wake_at is not None
        waits.append((held.wake_at - at).total_seconds())
        at = held.wake_at
    assert waits[:3] == [30, 60, 120]
    over_at = SIX + dt.timedelta(seconds=900)
    assert sum(SIX < SIX + dt.timedelta(seconds=sum(waits[:n])) < over_at for n in range(1, 40)) >= 8
    assert waits[-1] == 300


def test_a_stop_that_never_succeeds_is_forgotten_once_the_countdown_has_run_out() -> None:
    held = leases(600, over=True)
    held.failed("heater", SIX, Effects())
    assert held.of("heater")
    effects = Effects()
    held.failed("heater", SIX + dt.timedelta(seconds=1200), effects)
    assert held.of("heater") is None
    assert effects.memory == {("lease", "heater"): None}


def test_a_clock_that_is_set_makes_it_neither_longer_nor_shorter() -> None:
    held, by = leases(600), dt.timedelta(hours=5)
    held.shift(by)
    lease = held.of("heater")
    assert lease is not None
    assert lease.left_s(SIX + by) == 1200


def test_what_is_kept_is_read_again_and_what_cannot_be_read_is_left_out() -> None:
    effects = Effects()
    first = Leases()
    first.begin({"warm": WARM}, {"heater"}, SIX, effects)
    effects = first.began(firing(), "start", None, SIX)
    (kept,) = effects.memory.values()
    again = Leases(
        {"heater": kept, "a": None, "b": {}, "c": {**kept, "started": "2026-01-01"}, "d": {**kept, "lasts_s": "x"}}
    )
    assert again.of("heater") == first.of("heater") == Lease("warm", FAILSAFE_S, SIX, FAILSAFE_S)
    assert [again.of(name) for name in "abcd"] == [None] * 4


def test_only_turning_on_by_a_rule_that_asks_for_it_is_secured() -> None:
    assert secured(firing(), Setting(on=True))
    assert not secured(firing(), OFF)
    assert not secured(firing(), Setting(brightness_pct=40))
    assert not secured(firing(COLD), Setting(on=True))
