"""Corners of what the daemon sees and tells: lamps that fade, houses that slept, notices of many devices."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import Rule, Setting, State
from tapo_automate.daemon import Noticed
from tapo_automate.daemon.lanes import Work
from tapo_automate.rules.model import AfterDelay, AtTime, Condition, DeviceIs, Every, PowerPast, StateTurns

ON, OFF = Setting(on=True), Setting(on=False)
MINUTE = dt.timedelta(minutes=1)
FADE_OFF = Rule("fade", ("lamp",), AtTime(dt.time(7)), Setting(on=False, transition_ms=600_000))


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("plug", "lamp", "tv"), folder=tmp_path)


def notices(led: Led) -> list[dt.datetime]:
    return [event.notice.at for event in led.house.events if isinstance(event, Noticed)]


def test_a_lamp_that_fades_out_turns_off_at_the_end_and_not_on_meanwhile(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=80)
    turns_on, turns_off = StateTurns("lamp", "on"), StateTurns("lamp", "off")
    led.start(FADE_OFF, Rule("on", ("plug",), turns_on, ON), Rule("off", ("tv",), turns_off, ON))
    led.go(clock(8))
    [(when, name, _)] = [told for told in led.told if told[1] != "lamp"]
    assert name == "tv"
    assert clock(7, 10) <= when <= clock(7, 10, 11)


def test_a_countdown_is_not_begun_anew_by_a_lamp_that_fades_out(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=80)
    led.start(FADE_OFF, Rule("forgotten", ("lamp",), AfterDelay(60, "on"), OFF))
    led.go(clock(8))
    assert [outcome.firing.rule.id for outcome in led.house.outcomes] == ["forgotten", "fade"]


@pytest.mark.parametrize("minute", [2, 8], ids=["before it was due", "after it was due"])
def test_a_person_who_acted_while_the_machine_slept_is_respected_as_after_a_restart(led: Led, minute: int) -> None:
    turned_on = clock(6, 55 + minute) if minute < 5 else clock(7, minute - 5)
    led.start(Rule("off", ("lamp",), at(7), OFF), look_s=60)
    led.go(clock(6, 55))
    led.clock.sleep(10 * MINUTE)
    led.house.toys["lamp"].now = State(on=True, on_for_s=int((clock(7, 5) - turned_on).total_seconds()))
    led.look_around()
    led.go(MINUTE)
    assert [setting for _, _, setting in led.told] == ([OFF] if turned_on < clock(7) else [])


def test_people_are_told_once_also_where_jitter_mixes_the_instants(led: Led) -> None:
    rule = Rule("tell", ("plug", "lamp", "tv"), Every(60), Setting(), notify="a minute has passed", jitter_s=300)
    led.start(rule)
    led.go(clock(0, 30))
    led.look_around()
    led.die()
    led.start(rule)
    led.go(clock(1))
    told = notices(led)
    assert len(told) == len(set(told))
    assert set(told) >= {clock(0, minute) for minute in range(1, 55)}


def test_people_are_told_of_every_device_whose_load_fires_by_itself(led: Led) -> None:
    for name, minute in (("plug", 10), ("lamp", 5)):
        toy = led.house.toys[name]
        toy.watts = lambda minute=minute: 1.0 if led.clock.at >= clock(0, minute) else 100.0
    done = Rule("done", ("plug", "lamp"), PowerPast("below", 5, 60, 20), Setting(), notify="The washer is done")
    led.start(done)
    led.go(clock(1))
    assert notices(led) == [clock(0, 6), clock(0, 11)]


def test_nobody_waits_for_a_device_that_hangs_for_ever(led: Led) -> None:
    led.start(
        Rule("asks", ("lamp",), at(7), ON, only_if=Condition(devices={"tv": DeviceIs(on=True)}), within_s=300),
        Rule("later", ("plug",), at(7, 10), ON),
    )
    stuck: list[Work] = []
    put = led.lanes.put
    led.lanes.put = lambda lane, work: stuck.append(work) if lane == "tv" else put(lane, work)  # type: ignore[method-assign]
    led.go(clock(7, 4))
    assert led.daemon.health().waiting == 1
    led.go(clock(7, 15))
    assert led.daemon.health().waiting == 0
    asks = led.house.outcomes[0]
    assert (asks.firing.rule.id, asks.result) == ("asks", "missed")
    assert str(asks.error) == "came due 600 s ago, more than the 300 s within which it may still be done"
    for work in stuck:  # it answers after all
        work()
    led.go(MINUTE)
    assert [name for _, name, _ in led.told] == ["plug"]


def test_a_command_that_is_found_done_ends_the_transition_under_way(led: Led) -> None:
    led.house.toys["lamp"].now = State(on=True, brightness_pct=80)
    led.start(FADE_OFF, Rule("on", ("lamp",), at(7, 5), ON))
    led.go(clock(7, 4, 59))
    led.alarm.at = clock(7, 5, 15)  # a busy machine: the lamp is looked at before it is told so late
    led.go(clock(8))
    assert led.house.outcomes[-1].result == "already"
    assert led.house.toys["lamp"].now.on


def test_a_person_is_respected_also_after_a_command_that_came_to_nothing(led: Led) -> None:
    toy = led.house.toys["lamp"]
    polite = Rule("polite", ("lamp",), at(9), Setting(on=True, brightness_pct=5), override_s=7200)
    led.start(Rule("deaf", ("lamp",), at(8, 30), OFF), polite)
    led.go(clock(8))
    toy.now = State(on=True)
    led.go(clock(8, 29))
    apply, toy.apply = toy.apply, lambda setting: None  # type: ignore[method-assign]
    led.go(clock(8, 35))
    toy.apply = apply  # type: ignore[method-assign]
    led.go(clock(9, 5))
    assert [(outcome.firing.rule.id, outcome.result) for outcome in led.house.outcomes[-2:]] == [
        ("deaf", "failed"),
        ("polite", "withheld"),
    ]


def test_a_slow_answer_brings_no_rule_about_again(tmp_path: Path) -> None:
    led = Led(House("plug", "lamp"), folder=tmp_path)
    plug = led.house.toys["plug"]

    def slowly() -> State:
        """Count for how long it has been on, and be nine seconds on the way."""
        on_at = next((at for at, name, _ in led.told if name == "plug"), None)
        counted = int((led.clock.at - on_at).total_seconds()) if on_at else None
        led.clock.at += dt.timedelta(seconds=9)
        return replace(plug.now, on_for_s=counted)

    plug.state = slowly  # type: ignore[method-assign]
    rules = (
        Rule("on", ("plug",), AtTime(dt.time(7)), Setting(on=True)),
        Rule("with", ("lamp",), StateTurns("plug", "on"), Setting(toggle=True)),
    )
    led.start(*rules, poll_s=10)
    led.go(dt.timedelta(hours=8))
    assert [name for _, name, _ in led.told] == ["plug", "lamp"]
    led.stop()
