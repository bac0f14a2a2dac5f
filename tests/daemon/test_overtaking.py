"""What came due first and was decided last: the device shows in the end what it would show after all in order."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting, State
from tapo_automate.journal.entry import Entry
from tapo_automate.rules.model import AtTime, Condition, DeviceIs, Step

ON, OFF, FLIP = Setting(on=True), Setting(on=False), Setting(toggle=True)
TV_IS_OFF = Condition(devices={"tv": DeviceIs(on=False)})
SECOND = dt.timedelta(seconds=1)


def at(hour: int, minute: int = 0, second: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute, second))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("lamp", "tv"), folder=tmp_path)


def entries(led: Led) -> dict[str, Entry]:
    assert led.journal is not None
    assert led.journal.flush(5)
    return {entry.rule: entry for entry in led.journal.entries()}


def slow(led: Led, name: str) -> None:
    """Let every look at a device take five seconds, in which the daemon goes on with what comes due."""
    toy = led.house.toys[name]

    def state() -> State:
        shown = toy.now
        led.clock.at += 5 * SECOND
        led.alarm.ring()
        return shown

    toy.state = state  # type: ignore[method-assign]


# What a rule sets at 7:00:00 that has to wait for a look at the tv; what one sets at 7:00:02 that has not; what the
# lamp is told of it in the end, whatever it was told before; and what becomes of the first.
ORDERS: dict[str, tuple[Setting, Setting, Setting, str]] = {
    "on and off": (ON, OFF, OFF, "superseded"),
    "off and on": (OFF, ON, ON, "superseded"),
    "more and less": (Setting(on=True, brightness_pct=30), ON, Setting(on=True, brightness_pct=30), "done"),
    "one and another": (ON, Setting(brightness_pct=30), Setting(on=True, brightness_pct=30), "done"),
    "one and the same": (
        Setting(brightness_pct=60),
        Setting(brightness_pct=30),
        Setting(brightness_pct=30),
        "superseded",
    ),
    "off and dimmed": (OFF, Setting(brightness_pct=30), Setting(on=True, brightness_pct=30), "done"),
    "a toggle before": (FLIP, ON, ON, "superseded"),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_newer_of_two_decides_whichever_is_quicker(led: Led, case: str) -> None:
    first, second, shown, result = ORDERS[case]
    slow(led, "tv")
    led.start(Rule("first", ("lamp",), at(7), first, only_if=TV_IS_OFF), Rule("second", ("lamp",), at(7, 0, 2), second))
    led.go(clock(7, 1))
    assert led.told[-1][2] == shown
    assert (entries(led)["first"].result, entries(led)["second"].result) == (result, "done")
    if result == "superseded":
        assert entries(led)["first"].reason == "a newer command came first: second"


def test_of_two_at_one_instant_the_one_further_down_in_the_file_decides(led: Led) -> None:
    led.start(Rule("first", ("lamp",), at(7), OFF, only_if=TV_IS_OFF), Rule("second", ("lamp",), at(7), ON))
    led.go(clock(7, 1))
    assert led.house.toys["lamp"].now.on
    assert entries(led)["first"].reason == "a newer command came first: second"


def test_the_one_further_down_decides_also_if_it_is_the_one_that_waits(led: Led) -> None:
    led.start(Rule("first", ("lamp",), at(7), ON), Rule("second", ("lamp",), at(7), OFF, only_if=TV_IS_OFF))
    led.go(clock(7, 1))
    assert [setting for _, _, setting in led.told] == [ON, OFF]


def test_two_that_wait_for_looks_are_carried_out_in_order(led: Led) -> None:
    slow(led, "tv")
    rules = [Rule(name, ("lamp",), at(7), setting, only_if=TV_IS_OFF) for name, setting in (("first", OFF), ("b", ON))]
    led.start(*rules)
    led.go(clock(7, 1))
    assert [setting for _, _, setting in led.told] == [OFF, ON]
    assert {entry.result for entry in entries(led).values()} == {"done"}


def test_what_is_made_up_for_does_not_undo_what_came_due_during_the_look(led: Led) -> None:
    rules = Rule("on", ("lamp",), at(7), ON), Rule("off", ("lamp",), at(7, 5), OFF)
    led.start(*rules)
    led.go(clock(6, 59))
    led.look_around()
    led.die()
    led.clock.at = clock(7, 4, 58)
    slow(led, "lamp")
    led.start(*rules)
    led.go(clock(7, 8))
    assert [setting for _, _, setting in led.told] == [OFF]
    assert (entries(led)["on"].result, entries(led)["on"].reason) == ("missed", "a newer command came first: off")


def test_what_a_busy_machine_was_late_for_does_not_undo_what_it_was_in_time_for(led: Led) -> None:
    led.start(Rule("on", ("lamp",), at(7), ON), Rule("off", ("lamp",), at(7, 0, 12), OFF))
    led.go(clock(6, 59))
    led.alarm.at = clock(7, 0, 15)
    led.go(clock(7, 1))
    assert [setting for _, _, setting in led.told] == [OFF]
    assert entries(led)["on"].result == "missed"


STEPS: dict[str, tuple[tuple[Step, ...], list[tuple[float, Setting]]]] = {
    "begun before": ((Step(0, ON), Step(60, Setting(brightness_pct=9))), [(2, OFF)]),
    "begin afterwards": ((Step(60, ON),), [(2, OFF), (60, ON)]),
}


@pytest.mark.parametrize("case", STEPS)
def test_steps_are_overtaken_by_what_switches_after_they_began(led: Led, case: str) -> None:
    steps, expected = STEPS[case]
    slow(led, "tv")
    led.house.toys["lamp"].now = State(on=True)
    steps_rule = Rule("steps", ("lamp",), at(7), Setting(), steps=steps, only_if=TV_IS_OFF)
    led.start(steps_rule, Rule("off", ("lamp",), at(7, 0, 2), OFF))
    led.go(clock(7, 3))
    told = [(setting, (when - clock(7)).total_seconds()) for when, _, setting in led.told]
    assert [setting for setting, _ in told] == [setting for _, setting in expected]
    assert all(abs(when_s - wanted_s) <= 5 for (_, when_s), (wanted_s, _) in zip(told, expected, strict=True))


def test_what_only_tells_people_is_told_whoever_was_quicker(led: Led) -> None:
    slow(led, "tv")
    tell = Rule("tell", ("lamp",), at(7), Setting(), notify="The tv is off", only_if=TV_IS_OFF)
    led.start(tell, Rule("second", ("lamp",), at(7, 0, 2), ON))
    led.go(clock(7, 1))
    assert {rule: entry.result for rule, entry in entries(led).items()} == {"tell": "done", "second": "done"}
