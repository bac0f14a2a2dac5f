"""The daemon over toy devices: what is due is done, and what goes wrong stays where it is."""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time

import pytest

from daemon.house import DAY, House, until
from tapo_automate import AuthRefused, ConfigError, Rule, Setting, State, Unreachable, Unsupported, hookimpl
from tapo_automate.daemon import Daemon, Metered, Recovered, Retrying, Stepped, Trouble
from tapo_automate.daemon.clock import Jump
from tapo_automate.registry import Registry
from tapo_automate.rules.model import AtDate, AtTime, Every, PowerPast

ON, OFF = Setting(on=True), Setting(on=False)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def test_a_rule_is_carried_out_at_its_time_and_told_to_plugins() -> None:
    house = House("plug")
    with house.daemon(Rule("tea", ("plug",), at(0, 10), ON)):
        house.wait_for(lambda: len(house.outcomes) == 1)
    [outcome] = house.outcomes
    assert house.toys["plug"].told == [ON]
    assert outcome.firing.due == DAY + dt.timedelta(minutes=10)
    assert outcome.error is None
    assert outcome.at >= outcome.firing.due
    assert house.fired == [("tea", None)]
    assert house.toys["plug"].closed == 1


def test_a_hundred_rules_due_together_are_all_carried_out() -> None:
    # APScheduler's defaults dropped 80 of 100 simultaneous jobs when measured.
    house = House(*(f"plug-{n}" for n in range(10)))
    rules = [Rule(f"r{n}", (f"plug-{n % 10}",), at(0, 5), ON) for n in range(100)]
    with house.daemon(*rules, max_threads=4):
        house.wait_for(lambda: len(house.outcomes) == 100)
    assert {outcome.firing.rule.id for outcome in house.outcomes if outcome.error is None} == {r.id for r in rules}


def test_a_device_that_fails_is_reported_and_the_others_go_on() -> None:
    house = House("dead", "well")

    def fail() -> None:
        raise Unreachable("dead", "no answer within 8 s")

    house.toys["dead"].before = fail
    with house.daemon(Rule("both", ("dead", "well"), at(0, 5), ON), grace_s=900):
        house.wait_for(lambda: len(house.outcomes) == 2)
    errors = {outcome.firing.device_id: outcome.error for outcome in house.outcomes}
    assert str(errors["dead"]) == "dead: no answer within 8 s"
    assert len([event for event in house.events if isinstance(event, Retrying)]) >= 3, (
        "tried again until its time was over"
    )
    assert errors["well"] is None
    assert house.toys["well"].told == [ON]


def test_a_device_that_refuses_our_credentials_is_asked_once_and_then_left_alone() -> None:
    house = House("plug")

    def refuse() -> None:
        raise AuthRefused("plug", "it holds other credentials")

    house.toys["plug"].before = refuse
    with house.daemon(Rule("often", ("plug",), Every(60), ON)):
        house.wait_for(lambda: len(house.outcomes) >= 5)
    assert house.toys["plug"].asked == 1
    assert str(house.outcomes[0].error) == "plug: it holds other credentials"
    assert str(house.outcomes[1].error) == "plug: left alone until the credentials of its account change"


def test_a_driver_that_raises_beyond_its_contract_is_named_and_harms_nobody_else() -> None:
    house = House("sick", "well")
    house.toys["sick"].before = lambda: [][1]
    with house.daemon(Rule("both", ("sick", "well"), at(0, 5), ON)):
        house.wait_for(lambda: len(house.outcomes) == 2)
    errors = {outcome.firing.device_id: outcome.error for outcome in house.outcomes}
    assert str(errors["sick"]) == "plugin 'house': sick: IndexError: list index out of range"
    assert errors["well"] is None


def test_a_driver_that_ends_its_thread_is_named_and_loses_no_firing() -> None:
    house = House("sick")
    house.toys["sick"].before = lambda: sys.exit(9)
    with house.daemon(Rule("often", ("sick",), Every(60), ON), max_threads=1):
        house.wait_for(lambda: len(house.outcomes) >= 3)
    assert {str(outcome.error) for outcome in house.outcomes} == {"plugin 'house': sick: SystemExit: 9"}


def test_a_stuck_device_delays_only_itself() -> None:
    house, release = House("stuck", "well"), threading.Event()
    house.toys["stuck"].before = lambda: (release.wait(10), None)[1]
    with house.daemon(Rule("often", ("stuck", "well"), Every(60), ON), max_threads=2):
        house.wait_for(lambda: len(house.toys["well"].told) >= 5)
        assert house.toys["stuck"].told == []
        release.set()


def test_commands_to_one_device_keep_their_order() -> None:
    house = House("lamp")
    rules = [Rule(f"r{n:02}", ("lamp",), at(0, 1), Setting(brightness_pct=n + 1)) for n in range(50)]
    with house.daemon(*rules):
        house.wait_for(lambda: len(house.outcomes) == 50)
    assert [setting.brightness_pct for setting in house.toys["lamp"].told] == list(range(1, 51))


def test_a_toggle_is_resolved_before_the_device_sees_it() -> None:
    house = House("plug")
    with house.daemon(Rule("flip", ("plug",), Every(60), Setting(toggle=True))):
        house.wait_for(lambda: len(house.outcomes) >= 3)
    assert house.toys["plug"].told[:3] == [ON, OFF, ON]


def test_a_transition_is_carried_out_in_steps() -> None:
    house = House("lamp")
    fade = Setting(on=True, brightness_pct=100, transition_ms=600_000)
    with house.daemon(Rule("wake", ("lamp",), at(0, 1), fade)):
        until(lambda: bool(house.toys["lamp"].told) and house.toys["lamp"].told[-1] == Setting(True, 100))
    levels = [setting.brightness_pct or 0 for setting in house.toys["lamp"].told]
    assert levels == sorted(levels)
    assert levels[0] == 1
    assert len(levels) > 20


def test_a_newer_command_ends_a_transition() -> None:
    house = House("lamp")
    fade = Setting(on=True, brightness_pct=100, transition_ms=3_600_000)
    with house.daemon(Rule("wake", ("lamp",), at(0, 1), fade), Rule("off", ("lamp",), at(0, 20), OFF)):
        house.wait_for(lambda: len(house.outcomes) == 2)
        told = len(house.toys["lamp"].told)
        until(lambda: not house.toys["lamp"].now.on)
    assert house.toys["lamp"].told[-1] == OFF
    assert len(house.toys["lamp"].told) == told


def test_a_power_rule_fires_from_the_readings_of_the_meter() -> None:
    house, readings = House("washer"), iter([100.0] * 10)
    house.toys["washer"].watts = lambda: next(readings, 2.0)
    rule = Rule("done", ("washer",), PowerPast("below", 5, hold_s=180, rearm_w=20), OFF)
    with house.daemon(rule, poll_s=30):
        house.wait_for(lambda: len(house.outcomes) == 1)
    metered = [event for event in house.events if isinstance(event, Metered)]
    low = [event.at for event in metered if event.power_w == 2.0]
    [outcome] = house.outcomes
    assert outcome.firing.nominal == low[0] + dt.timedelta(seconds=180)
    assert house.toys["washer"].told == [OFF]


def test_a_meter_out_of_reach_is_told_once_and_its_return_too() -> None:
    house, dead = House("washer"), [True]

    def maybe_fail() -> None:
        if dead[0]:
            raise Unreachable("washer", "no answer")

    house.toys["washer"].before = maybe_fail
    rule = Rule("done", ("washer",), PowerPast("above", 5, rearm_w=5), OFF)
    with house.daemon(rule, poll_s=10):
        until(lambda: house.toys["washer"].asked >= 3)
        dead[0] = False
        house.wait_for(lambda: any(isinstance(event, Recovered) for event in house.events))
    assert [str(event.error) for event in house.events if isinstance(event, Trouble)] == ["washer: no answer"]


def test_a_device_without_a_meter_is_not_asked_again() -> None:
    house = House("plug")

    def no_meter() -> None:
        raise Unsupported("plug", "it has no meter")

    house.toys["plug"].before = no_meter
    with house.daemon(Rule("r", ("plug",), PowerPast("above", 5), OFF), Rule("t", ("plug",), at(0, 30), OFF)):
        house.wait_for(lambda: len(house.outcomes) == 1)
    assert [str(event.error) for event in house.events if isinstance(event, Trouble)] == ["plug: it has no meter"]
    assert house.toys["plug"].asked == 2


class JumpingClock:
    """A clock that stands still until it is set."""

    def __init__(self, start: dt.datetime) -> None:
        self.at = start
        self.step_s = 0.0

    def now(self) -> dt.datetime:
        return self.at

    def real_s(self, span_s: float) -> float:
        return span_s

    def jump(self) -> Jump:
        step_s, self.step_s = self.step_s, 0.0
        return Jump(step_s)

    def plausible(self) -> bool:
        return True

    def set(self, to: dt.datetime) -> None:
        by_s = (to - self.at).total_seconds()
        self.at = to  # first: whoever sees the step must see the new time
        self.step_s += by_s


def test_after_a_clock_step_what_is_too_late_is_reported_and_not_done() -> None:
    house, clock, stop = House("plug"), JumpingClock(DAY), threading.Event()
    house.toys["plug"].now = State(on=True)
    rules = Rule("early", ("plug",), at(1), ON), Rule("recent", ("plug",), at(2, 50), OFF)

    def steps() -> int:
        return len([event for event in house.events if isinstance(event, Stepped)])

    with house.daemon(*rules, clock=clock) as daemon:
        watcher = threading.Thread(target=daemon.watch, args=(stop, 0.02), daemon=True)
        watcher.start()
        clock.set(DAY + dt.timedelta(hours=3))
        house.wait_for(lambda: len(house.outcomes) == 2 and steps() == 1)
        clock.set(DAY)
        house.wait_for(lambda: steps() == 2)
        stop.set()
        watcher.join()
    errors = {outcome.firing.rule.id: outcome.error for outcome in house.outcomes}
    assert str(errors["early"]) == "came due 7200 s ago, more than the 900 s within which it may still be done"
    assert errors["recent"] is None
    assert house.toys["plug"].told == [OFF], "a clock set back must not repeat what was done"


def test_a_clock_that_began_in_1970_has_nothing_enumerated_when_it_is_set() -> None:
    house, stop = House("plug", "lamp"), threading.Event()
    clock = JumpingClock(dt.datetime(1970, 1, 1, 0, 0, 30, tzinfo=dt.UTC))
    rules = Rule("often", ("plug",), Every(60), ON), Rule("recent", ("lamp",), at(2, 50), ON)
    with house.daemon(*rules, clock=clock) as daemon:
        watcher = threading.Thread(target=daemon.watch, args=(stop, 0.02), daemon=True)
        watcher.start()
        clock.set(DAY + dt.timedelta(hours=3))
        house.wait_for(lambda: {o.firing.rule.id for o in house.outcomes if o.error is None} == {"often", "recent"})
        stop.set()
        watcher.join()
    assert len(house.outcomes) <= 202, "56 years have thirty million minutes"
    assert (house.toys["plug"].told, house.toys["lamp"].told) == ([ON], [ON])


class SetClock:
    """A clock that runs, and can be set."""

    def __init__(self, start: dt.datetime) -> None:
        self._ahead = start - dt.datetime.fromtimestamp(time.monotonic(), dt.UTC)
        self._step_s = 0.0

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(time.monotonic(), dt.UTC) + self._ahead

    def real_s(self, span_s: float) -> float:
        return span_s

    def jump(self) -> Jump:
        step_s, self._step_s = self._step_s, 0.0
        return Jump(step_s)

    def plausible(self) -> bool:
        return True

    def move(self, by: dt.timedelta) -> None:
        self._ahead += by
        self._step_s += by.total_seconds()


def test_meters_are_read_on_when_the_clock_is_set_back() -> None:
    house, clock, stop, load = House("washer"), SetClock(DAY), threading.Event(), [100.0]
    house.toys["washer"].watts = lambda: load[0]
    with house.daemon(Rule("done", ("washer",), PowerPast("below", 5, rearm_w=20), OFF), clock=clock, poll_s=0.02) as d:
        watcher = threading.Thread(target=d.watch, args=(stop, 0.02), daemon=True)
        watcher.start()
        until(lambda: house.toys["washer"].asked >= 3)
        clock.move(-dt.timedelta(hours=1))
        house.wait_for(lambda: any(isinstance(event, Stepped) for event in house.events))
        load[0] = 2.0
        house.wait_for(lambda: len(house.outcomes) == 1)
        stop.set()
        watcher.join()
    assert house.toys["washer"].told == [OFF]


def test_a_meter_that_was_away_for_a_week_is_read_again() -> None:
    house, dead = House("washer"), [True]

    def maybe_fail() -> None:
        if dead[0]:
            raise Unreachable("washer", "no answer")

    house.toys["washer"].before = maybe_fail
    rule = Rule("done", ("washer",), PowerPast("above", 5, rearm_w=5), OFF)
    with house.daemon(rule, speed=1_000_000):
        until(lambda: house.toys["washer"].asked >= 1100, timeout_s=30)
        dead[0] = False
        house.wait_for(lambda: any(isinstance(event, Recovered) for event in house.events))


def test_a_meter_that_answers_nonsense_is_named_and_asked_again() -> None:
    house, answers = House("washer"), iter([None, "much"])
    house.toys["washer"].watts = lambda: next(answers, 50.0)  # type: ignore[arg-type,return-value]
    rule = Rule("done", ("washer",), PowerPast("above", 5, rearm_w=5), OFF)
    with house.daemon(rule, poll_s=10):
        house.wait_for(lambda: len(house.outcomes) == 1)
    troubles = [str(event.error) for event in house.events if isinstance(event, Trouble)]
    assert troubles[0].startswith("plugin 'house': washer: TypeError")
    assert troubles[1].startswith("plugin 'house': washer: ValueError")


class Moody(frozenset[int]):
    """Weekdays that fail once, when the plan for the second day is made."""

    asked = 0

    def __contains__(self, day: object) -> bool:
        self.asked += 1
        if self.asked == 4:
            raise RuntimeError("a mistake in the planner")
        return True


def test_an_error_in_the_plan_does_not_end_the_daemon(caplog: pytest.LogCaptureFixture) -> None:
    house = House("plug")
    odd = Rule("odd", ("plug",), AtTime(dt.time(0, 1), Moody()), OFF)
    with house.daemon(odd, Rule("tea", ("plug",), at(0, 10), ON)):
        house.wait_for(lambda: len(house.outcomes) == 2)
    assert house.toys["plug"].told == [OFF, ON]
    assert "a mistake in the planner" in caplog.text


def test_what_is_under_way_when_it_stops_is_finished() -> None:
    house, begun, release = House("plug"), threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        release.wait(10)

    house.toys["plug"].before = wait
    with house.daemon(Rule("tea", ("plug",), at(0, 1), ON)):
        assert begun.wait(10)
        threading.Timer(0.1, release.set).start()
    assert house.toys["plug"].told == [ON]


def test_no_device_that_can_be_opened_is_a_config_error() -> None:
    class Missing:
        name = "toy"

        def open(self, spec: object, credentials: object) -> object:
            raise ConfigError("no credentials for device 'plug'")

    class Brings:
        @hookimpl
        def register_drivers(self) -> list[object]:
            return [Missing()]

    book = House("plug").book(Rule("tea", ("plug",), at(1), ON))
    with pytest.raises(ConfigError) as caught:
        Daemon(book, Registry({"p": Brings()})).start()
    assert str(caught.value) == "no credentials for device 'plug'"


def test_a_one_shot_in_the_past_leaves_the_daemon_idle() -> None:
    house = House("plug")
    past = Rule("past", ("plug",), AtDate(dt.datetime(2020, 1, 1)), ON)  # noqa: DTZ001 - a wall time has no zone
    with house.daemon(past, Rule("tea", ("plug",), at(0, 5), OFF)):
        house.wait_for(lambda: len(house.outcomes) == 1)
    assert house.toys["plug"].told == [OFF]
