"""A rule that this program cannot evaluate, by a mistake of ours: it is named, and every other rule is carried out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting
from tapo_automate.daemon import Alarm
from tapo_automate.rules.engine import Engine
from tapo_automate.rules.model import AtTime, Away, Condition, DeviceIs, Every, PowerPast, StateTurns

ON, OFF = Setting(on=True), Setting(on=False)
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
NAMED = (
    "rule {} is not carried out: it could not be evaluated ({}, a mistake in this program; see the log); "
    "the other rules are"
)


class Trap(frozenset[int]):
    """Weekdays that raise when they are asked for the (asks + 1)th time, and ever after."""

    asks = 0

    def __new__(cls, asks: int) -> Trap:
        trap = super().__new__(cls, range(6))
        trap.asks = asks
        return trap

    def __contains__(self, day: object) -> bool:
        self.asks -= 1
        if self.asks < 0:
            raise RuntimeError("a mistake in the planner")
        return True


class Odd(float):
    """A threshold that nothing can be compared with."""

    def __gt__(self, other: object) -> bool:
        raise ZeroDivisionError("a mistake in the meter")

    __lt__ = __gt__


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def alarms(house: House) -> list[str]:
    return [event.text for event in house.events if isinstance(event, Alarm)]


def done(led: Led) -> list[str]:
    return [outcome.firing.rule.id for outcome in led.house.outcomes if outcome.error is None]


# Rules that cannot be evaluated: as soon as they are planned, on the second day, in a meter's reading, ...
BROKEN: dict[str, tuple[Any, str]] = {
    "at once": (AtTime(dt.time(8), Trap(0)), "RuntimeError"),
    "on some later day": (AtTime(dt.time(8), Trap(4)), "RuntimeError"),
    "of an interval": (Every(3600, None, Trap(3)), "RuntimeError"),
    "of a window": (Away(dt.time(8), dt.time(9), Trap(4)), "RuntimeError"),
    "of a load": (PowerPast("below", Odd(5)), "ZeroDivisionError"),
    "of a state": (StateTurns("tv", "on", "a while"), "TypeError"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("trigger", "error"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_named_and_the_others_fire_at_their_very_times(
    trigger: Any, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    led = Led(House("tv", "lamp"))
    odd = Rule("odd", ("lamp",), trigger, OFF)
    if isinstance(trigger, PowerPast):
        odd = replace(odd, device_ids=("tv",))
    # One before it and one after it in the book, due at the same instant.
    rules = Rule("one", ("tv",), at(8), ON), odd, Rule("two", ("lamp",), at(8), ON)
    led.start(*rules, Rule("third", ("tv",), Every(7200), ON))
    led.go(DAY + 3 * 24 * HOUR)
    for rule, wanted in (("one", 3), ("two", 3), ("third", 36)):
        mine = [outcome for outcome in led.house.outcomes if outcome.firing.rule.id == rule]
        assert len(mine) == wanted
        assert {outcome.late_s for outcome in mine} == {0.0}
    assert alarms(led.house) == [NAMED.format("odd", error)], "once, however often it is met"
    assert any(record.exc_info and record.exc_info[0] for record in caplog.records), "the log has where it happened"


def test_what_a_broken_rule_gave_before_is_carried_out() -> None:
    led = Led(House("lamp"))
    led.start(Rule("odd", ("lamp",), AtTime(dt.time(8), Trap(4)), ON))
    led.go(DAY + 24 * HOUR)
    assert done(led) == ["odd"]


def test_a_condition_that_cannot_be_judged_holds_its_own_rule_back_alone() -> None:
    led = Led(House("tv", "lamp"))
    bad = Condition(days=Trap(0), devices={"tv": DeviceIs(on=False)})
    led.start(Rule("odd", ("lamp",), Every(3600), OFF, only_if=bad), Rule("two", ("lamp",), Every(3600), ON))
    led.go(5 * HOUR)
    assert done(led) == ["two"] * 5
    assert {str(o.error) for o in led.house.outcomes if o.error} == {
        "its condition could not be judged (RuntimeError, a mistake in this program)"
    }
    assert alarms(led.house) == [NAMED.format("odd", "RuntimeError")]


def test_a_start_makes_up_for_the_others_where_one_is_broken(tmp_path: Path) -> None:
    led = Led(House("tv", "lamp"), folder=tmp_path)
    led.start(Rule("two", ("lamp",), at(7), ON))
    led.go(DAY + 7 * HOUR - MINUTE)
    led.look_around()
    led.die()
    led.clock.at = DAY + 7 * HOUR + MINUTE
    led.start(Rule("odd", ("tv",), AtTime(dt.time(7), Trap(0)), ON), Rule("two", ("lamp",), at(7), ON))
    led.go(10 * MINUTE)
    led.stop()
    assert [(name, setting) for _, name, setting in led.told] == [("lamp", ON)]
    assert alarms(led.house) == [NAMED.format("odd", "RuntimeError")]


def test_a_reload_tries_a_broken_rule_again_and_names_it_again() -> None:
    led = Led(House("tv", "lamp"))
    trap = AtTime(dt.time(8), Trap(0))
    well = Rule("two", ("lamp",), Every(3600), ON)
    led.start(Rule("odd", ("tv",), trap, ON), well)
    led.go(2 * HOUR)
    led.daemon.reload(led.house.book(Rule("odd", ("tv",), trap, OFF), well))
    led.go(2 * HOUR)
    led.daemon.reload(led.house.book(Rule("odd", ("tv",), at(5), OFF), well))
    led.go(2 * HOUR)
    assert alarms(led.house) == [NAMED.format("odd", "RuntimeError")] * 2
    assert done(led).count("two") == 6
    assert done(led).count("odd") == 1, "mended"


def test_who_asks_an_engine_for_a_forecast_is_told_of_the_mistake() -> None:
    house = House("lamp")
    with pytest.raises(RuntimeError, match="a mistake in the planner"):
        Engine([Rule("odd", ("lamp",), AtTime(dt.time(8), Trap(4)), ON)], house.site, DAY).advance(DAY + 72 * HOUR)
