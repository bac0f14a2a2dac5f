"""Other rules and other devices while the daemon runs: what goes on, what ends, and what begins anew."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import (
    AuthRefused,
    ConfigError,
    Credentials,
    DeviceSpec,
    Rule,
    Setting,
    State,
    Unreachable,
    Unsupported,
    hookimpl,
)
from tapo_automate.daemon import Alarm, Stepped, Trouble
from tapo_automate.rules.model import AfterDelay, AtTime, Every, PowerPast, RuleBook

MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
ON, OFF, DIM = Setting(on=True), Setting(on=False), Setting(brightness_pct=10)
OFTEN = Rule("often", ("plug", "lamp"), Every(600), ON)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("lamp", "plug"), folder=tmp_path)


def moved(led: Led, name: str, *rules: Rule) -> RuleBook:
    """Return a book in which a device has another address."""
    book = led.house.book(*rules)
    return replace(book, devices={**book.devices, name: DeviceSpec(name, "toy", "10.0.0.9")})


def reload(led: Led, book: RuleBook) -> None:
    led.daemon.reload(book)
    led.lanes.run()


def refuse() -> None:
    raise AuthRefused("plug", "it holds other credentials")


FADE = Rule("fade", ("lamp",), at(7), Setting(on=True, brightness_pct=100, transition_ms=600_000))


def test_a_transition_goes_on_where_its_lamp_gets_another_address(led: Led) -> None:
    led.start(FADE)
    led.go(clock(7, 2))
    reload(led, moved(led, "lamp", FADE))
    led.go(clock(7, 20))
    levels = [setting.brightness_pct or 0 for _, _, setting in led.told]
    assert levels[-1] == 100
    assert levels == sorted(levels)


def test_a_newer_command_ends_a_transition_that_was_begun_at_another_address(led: Led) -> None:
    rules = FADE, Rule("dim", ("lamp",), at(7, 5), DIM)
    led.start(*rules)
    led.go(clock(7, 2))
    reload(led, moved(led, "lamp", *rules))
    led.go(clock(7, 20))
    assert led.told[-1] == (clock(7, 5), "lamp", DIM)


def test_nothing_is_said_of_a_lamp_that_is_taken_out_in_the_middle_of_a_transition(led: Led) -> None:
    led.start(FADE, OFTEN)
    led.go(clock(7, 2))
    reload(led, led.house.book(replace(OFTEN, device_ids=("plug",))))
    told = len(led.told)
    led.go(clock(8))
    assert {name for _, name, _ in led.told[told:]} == {"plug"}
    assert [event for event in led.house.events if isinstance(event, Trouble)] == []


def test_a_meter_that_no_rule_watches_any_more_is_left_in_peace(led: Led) -> None:
    readings: list[dt.datetime] = []
    led.house.toys["plug"].watts = lambda: float(readings.append(led.clock.at) or 1)
    power = Rule("power", ("plug",), PowerPast("above", 5), ON)
    led.start(power, OFTEN)
    led.go(clock(1))
    reload(led, led.house.book(OFTEN))
    known = len(readings)
    led.go(clock(2))
    assert len(readings) <= known + 1, "one was on the agenda"
    reload(led, led.house.book(power, OFTEN))
    known = len(readings)
    led.go(clock(3))
    assert len(readings) == known + 361, "every ten seconds again, and no more often"


def test_a_device_that_no_rule_watches_any_more_is_looked_at_no_more(led: Led) -> None:
    looks: list[dt.datetime] = []
    toy = led.house.toys["plug"]
    toy.state = lambda: (looks.append(led.clock.at), toy.now)[1]  # type: ignore[method-assign,func-returns-value]
    led.start(Rule("forgotten", ("plug",), AfterDelay(600, "on"), OFF), Rule("late", ("plug",), at(22), ON))
    led.go(clock(1))
    assert len(looks) == 361
    reload(led, led.house.book(Rule("late", ("plug",), at(22), ON)))
    led.go(clock(2))
    assert len(looks) <= 362


def test_a_device_without_a_meter_is_asked_again_after_a_reload_and_no_sooner(led: Led) -> None:
    toy, asked = led.house.toys["plug"], []

    def no_meter() -> float:
        asked.append(led.clock.at)
        raise Unsupported("plug", "it has no meter")

    toy.power_w = no_meter  # type: ignore[method-assign]
    power = Rule("power", ("plug",), PowerPast("above", 5), ON)
    led.start(power)
    led.go(clock(1))
    assert len(asked) == 1
    reload(led, moved(led, "plug", power))
    led.go(clock(2))
    assert len(asked) == 2


def test_a_device_whose_credentials_come_later_is_looked_at_from_then_on(led: Led) -> None:
    class Keyring:
        @hookimpl
        def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
            if spec.id == "plug" and led.clock.at < clock(1):
                raise ConfigError("the keyring is locked")
            return None

    led.house.toys["plug"].now = State(on=True)
    rules = Rule("forgotten", ("plug",), AfterDelay(600, "on"), OFF), Rule("late", ("lamp",), at(22), ON)
    led.start(*rules, plugins={"keyring": Keyring()})
    led.go(clock(2))
    [(when, name, setting)] = led.told
    assert (name, setting) == ("plug", OFF)
    assert when < clock(1, 16), "five minutes between two tries, and ten on"


def test_a_device_that_refused_at_a_wrong_address_is_spoken_to_at_the_right_one(led: Led) -> None:
    led.house.toys["plug"].before = led.house.toys["lamp"].before = refuse
    led.start(OFTEN)
    led.go(clock(0, 30))
    assert led.daemon.health().blocked == {"plug", "lamp"}
    [alone] = {event.text.split(":")[0] for event in led.house.events if isinstance(event, Alarm)}
    led.house.toys["plug"].before = led.house.toys["lamp"].before = lambda: None
    reload(led, moved(led, alone, OFTEN))
    led.go(clock(1))
    assert led.daemon.health().blocked == frozenset()
    assert {name for _, name, _ in led.told} == {"plug", "lamp"}


@pytest.mark.parametrize("how", ["at another address", "taken out"])
def test_a_device_that_refused_stops_nobody_once_it_is_elsewhere_or_gone(led: Led, how: str) -> None:
    led.house.toys["plug"].before = refuse
    led.start(Rule("first", ("plug",), at(0, 1), ON), OFTEN)
    led.go(clock(0, 30))
    assert led.daemon.health().blocked == {"plug", "lamp"}
    led.die()
    led.house.toys["plug"].before = lambda: None
    lamp_alone = replace(OFTEN, device_ids=("lamp",))
    led.start(book=moved(led, "plug", OFTEN) if how == "at another address" else led.house.book(lamp_alone))
    led.go(clock(2))
    assert led.daemon.health().blocked == frozenset()
    assert {name for _, name, _ in led.told} == ({"plug", "lamp"} if how == "at another address" else {"lamp"})


def test_what_refused_stays_alone_whatever_else_is_reloaded(led: Led) -> None:
    led.house.toys["plug"].before = refuse
    led.start(Rule("first", ("plug",), at(0, 1), ON), OFTEN)
    led.go(clock(0, 30))
    reload(led, moved(led, "lamp", OFTEN))
    led.go(clock(2))
    assert led.daemon.health().blocked == {"plug", "lamp"}
    assert led.house.toys["plug"].asked == 1


def test_what_stands_behind_a_command_that_is_taken_back_has_its_turn(led: Led) -> None:
    def away_until_eight() -> None:
        if led.clock.at < clock(8):
            raise Unreachable("lamp", "no answer")

    led.house.toys["lamp"].before = away_until_eight
    dim = Rule("dim", ("lamp",), at(7, 59), DIM)
    led.start(Rule("on", ("lamp",), at(7, 58), ON), dim)
    led.go(clock(7, 59, 30))
    reload(led, led.house.book(dim))
    led.go(clock(8, 5))
    assert [setting for _, _, setting in led.told] == [DIM]


@pytest.mark.parametrize("by", [-HOUR, 30 * HOUR], ids=["back", "forward"])
def test_a_clock_that_is_set_while_another_book_is_got_ready_takes_no_firing_from_it(
    led: Led, by: dt.timedelta
) -> None:
    to_set: list[dt.timedelta] = []

    class Slow:
        @hookimpl
        def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
            if to_set:
                led.clock.set(to_set.pop())
                led.daemon.look_around()
            return None

    late = Rule("late", ("lamp",), at(22), ON)
    led.start(late, plugins={"slow": Slow()})
    led.go(clock(8))
    to_set.append(by)
    reload(led, moved(led, "lamp", late, Rule("new", ("plug",), Every(60), DIM)))
    assert [event.by_s for event in led.house.events if isinstance(event, Stepped)] == [by.total_seconds()]
    assert led.clock.at == clock(8) + by
    led.go(10 * MINUTE)
    assert [when - clock(8) - by for when, _, _ in led.told] == [MINUTE * n for n in range(1, 11)]
