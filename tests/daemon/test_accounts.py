"""Wrong credentials: one alarm, no further login, until they change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import AuthRefused, Credentials, DeviceSpec, Rule, Setting, State, Unreachable, hookimpl
from tapo_automate.daemon import Alarm
from tapo_automate.daemon.accounts import Accounts
from tapo_automate.rules.model import AtTime, Every

ON, OFF = Setting(on=True), Setting(on=False)
HOUR = dt.timedelta(hours=1)
RIGHT, WRONG = Credentials("somebody@example.org", "right"), Credentials("somebody@example.org", "wrong")


class Account:
    """Knows the credentials of every device, and lets devices refuse the wrong ones."""

    def __init__(self, led: Led, held: Credentials, *, wanted: Credentials = RIGHT) -> None:
        self.led, self.held = led, held
        self.wanted = dict.fromkeys(led.house.toys, wanted)
        self.logins: list[str] = []
        for name, toy in led.house.toys.items():
            toy.before = self._login(name)

    def _login(self, name: str) -> Callable[[], None]:
        def login() -> None:
            self.logins.append(name)
            if self.held != self.wanted[name]:
                raise AuthRefused(name, "it holds other credentials")

        return login

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials:
        return self.held


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("a", "b", "c"), folder=tmp_path)


def alarms(led: Led) -> list[tuple[str, bool]]:
    return [(event.text, event.over) for event in led.house.events if isinstance(event, Alarm)]


def test_wrong_credentials_stop_every_device_of_the_account_with_one_alarm(led: Led) -> None:
    account = Account(led, WRONG)
    rules = [Rule(name, (name,), AtTime(dt.time(1, minute)), ON) for minute, name in enumerate("abc")]
    led.start(*rules, Rule("often", ("a", "b", "c"), Every(600), OFF), plugins={"account": account})
    led.go(dt.timedelta(days=2), look_around=True)
    assert len(account.logins) == 1
    assert [text for text, _ in alarms(led)] == [
        "a: a: it holds other credentials; every device of this account is left alone until the credentials change, "
        "or `tapo-automate login a` succeeds"
    ]
    assert led.daemon.health().blocked == {"a", "b", "c"}


def test_nothing_is_asked_again_after_a_restart_with_the_same_credentials(led: Led) -> None:
    account = Account(led, WRONG)
    rule = Rule("often", ("a", "b", "c"), Every(600), OFF)
    led.start(rule, plugins={"account": account})
    led.go(HOUR)
    led.die()
    led.start(rule, plugins={"account": account})
    led.go(HOUR)
    assert len(account.logins) == 1
    assert alarms(led)[-1][0] == "c: its account was refused before, and has not changed: it is left alone"


def test_devices_are_spoken_to_again_when_the_credentials_change(led: Led) -> None:
    account = Account(led, WRONG)
    led.start(Rule("often", ("a", "b"), Every(600), ON), plugins={"account": account})
    led.go(HOUR)
    account.held = RIGHT
    led.look_around()
    led.go(HOUR)
    assert {name for _, name, _ in led.told} == {"a", "b"}
    assert led.daemon.health().blocked == frozenset()
    assert ("a: the credentials were changed; it is spoken to again", True) in alarms(led)


def test_devices_are_spoken_to_again_when_somebody_has_had_the_one_that_refused_log_in(led: Led) -> None:
    account, logins = Account(led, WRONG), {"a": "before"}
    options: dict[str, Any] = {"plugins": {"account": account}, "logins": lambda spec: logins.get(spec.id, "")}
    rule = Rule("often", ("a", "b"), Every(600), ON)
    led.start(rule, **options)
    led.go(HOUR, look_around=True)
    led.die()
    account.wanted.update(dict.fromkeys("ab", WRONG))  # they have taken the other account
    led.start(rule, **options)
    led.go(HOUR, look_around=True)
    assert led.daemon.health().blocked == {"a", "b"}, "what was before the refusal is no news, nor in the next life"
    logins["b"] = "now"
    led.look_around()
    assert led.daemon.health().blocked == {"a", "b"}, "b has not refused: it is left alone for the account's sake"
    logins["a"] = "now"
    led.look_around()
    led.go(HOUR)
    assert led.daemon.health().blocked == frozenset()
    assert {name for _, name, _ in led.told} == {"a", "b"}
    assert ("a: somebody has had it log in; it is spoken to again", True) in alarms(led)


def test_a_device_of_another_account_stops_alone(led: Led) -> None:
    account = Account(led, RIGHT)
    account.wanted["b"] = WRONG
    led.start(Rule("often", ("a", "b", "c"), Every(600), ON), plugins={"account": account})
    led.go(HOUR)
    assert led.daemon.health().blocked == {"b"}
    assert account.logins.count("b") == 1
    assert [text for text, _ in alarms(led)] == [
        "b: b: it holds other credentials; it is left alone until the credentials change, or `tapo-automate login b` "
        "succeeds"
    ]


def test_a_second_device_that_refuses_stops_the_account(led: Led) -> None:
    account = Account(led, RIGHT)
    led.start(Rule("often", ("a", "b", "c"), Every(600), ON), plugins={"account": account})
    led.go(HOUR)
    account.wanted = dict.fromkeys("abc", WRONG)  # the password was changed in the app
    logins = len(account.logins)
    led.go(2 * HOUR)
    assert len(account.logins) - logins == 2
    assert led.daemon.health().blocked == {"a", "b", "c"}


def test_an_account_is_remembered_without_a_trace_of_it() -> None:
    accounts = Accounts()
    mark = accounts.mark(WRONG)
    accounts.refused(mark, "a")
    kept = accounts.to_remember()
    assert "somebody" not in str(kept)
    assert "wrong" not in str(kept)
    assert len(mark) == 4, "two bytes: one password in 65,536 has this mark"
    again = Accounts(kept)
    assert again.mark(WRONG) == mark
    assert again.mark(RIGHT) != mark
    assert again.stopped(mark, "b")


def test_a_login_that_led_to_nothing_gives_the_device_a_minute_of_peace(led: Led) -> None:
    times: list[dt.datetime] = []

    def fail() -> None:
        times.append(led.clock.at)
        raise Unreachable("a", "no answer within 8 s", after_login=True)

    led.house.toys["a"].before = fail
    led.house.toys["a"].now = State(on=True)
    led.start(Rule("r", ("a",), AtTime(dt.time(7)), OFF), Rule("s", ("a",), AtTime(dt.time(7, 0, 20)), ON))
    led.go(DAY + 8 * HOUR)
    assert len(times) > 5
    assert min(later - earlier for earlier, later in pairwise(times)) > dt.timedelta(seconds=60)


def test_a_device_that_others_have_locked_is_left_alone_for_as_long_as_it_says_and_nobody_else_is(led: Led) -> None:
    account = Account(led, RIGHT)
    locked_until = led.clock.now() + dt.timedelta(minutes=40)
    asked: list[dt.datetime] = []

    def login() -> None:
        asked.append(led.clock.now())
        if led.clock.now() < locked_until:
            raise AuthRefused("a", "the device has locked logins", locked=True, locked_min=20)

    led.house.toys["a"].before = login
    led.start(Rule("often", ("a", "b"), Every(600), ON, within_s=300), plugins={"account": account})
    led.go(dt.timedelta(minutes=39))
    assert len(asked) == 2, "once in twenty minutes, whatever is due meanwhile"
    assert (led.daemon.health().blocked, alarms(led)) == (frozenset(), [])
    assert led.house.toys["b"].told
    led.go(dt.timedelta(minutes=60))
    assert led.house.toys["a"].told, "it is spoken to again without anybody doing anything about it"


def test_one_that_does_not_say_for_how_long_it_is_locked_is_asked_every_half_hour(led: Led) -> None:
    account = Account(led, RIGHT)
    asked: list[dt.datetime] = []

    def login() -> None:
        asked.append(led.clock.now())
        raise AuthRefused("a", "the device has locked logins", locked=True)

    led.house.toys["a"].before = login
    led.start(Rule("often", ("a",), Every(60), ON), plugins={"account": account})
    led.go(dt.timedelta(hours=3))
    assert 5 <= len(asked) <= 6
    assert all(later - sooner >= dt.timedelta(minutes=30) for sooner, later in pairwise(asked))


def test_what_came_due_while_it_was_locked_is_not_done_one_after_the_other(led: Led) -> None:
    account = Account(led, RIGHT)
    toy = led.house.toys["a"]

    asked: list[dt.datetime] = []

    def state() -> State:
        asked.append(led.clock.now())
        if len(asked) == 1:
            raise AuthRefused("a", "the device has locked logins", locked=True, locked_min=5)
        return toy.now

    toy.state = state  # type: ignore[method-assign]
    rules = [
        Rule(f"at-{minute}", ("a",), AtTime(dt.time(0, minute)), ON if minute % 2 else OFF) for minute in range(2, 7)
    ]
    led.start(*rules, plugins={"account": account})
    led.go(dt.timedelta(minutes=10), look_around=True)
    assert asked[0] == DAY + dt.timedelta(minutes=2, seconds=2), "by the look after the first"
    assert toy.told == [OFF, OFF], "the first, and of those that came meanwhile the last word"
