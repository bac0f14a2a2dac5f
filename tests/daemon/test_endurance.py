"""What others do to a daemon: drivers and plugins that raise, say and wait, a machine without threads to spare."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from pathlib import Path
from typing import Any

import pytest

from daemon.house import DAY, House
from daemon.led import Led
from tapo_automate import (
    AuthRefused,
    Credentials,
    DeviceSpec,
    Firing,
    Notice,
    Rule,
    Setting,
    State,
    Unreachable,
    hookimpl,
)
from tapo_automate.daemon import Retrying, Trouble, core
from tapo_automate.daemon.accounts import Accounts
from tapo_automate.daemon.lanes import Lanes
from tapo_automate.rules.model import AtTime, Condition, DeviceIs, Every, StateTurns

ON, OFF, FLIP = Setting(on=True), Setting(on=False), Setting(toggle=True)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


@pytest.fixture
def led(tmp_path: Path) -> Led:
    return Led(House("sick", "well"), folder=tmp_path)


def troubles(led: Led) -> list[str]:
    return [str(event.error) for event in led.house.events if isinstance(event, Trouble)]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, BaseException])
def test_whatever_a_driver_raises_its_device_gets_the_next_command(raised: type[BaseException]) -> None:
    house = House("sick")

    def ill() -> None:
        raise raised

    house.toys["sick"].before = ill
    with house.daemon(Rule("often", ("sick",), Every(60), ON), max_threads=1):
        house.wait_for(lambda: len(house.outcomes) >= 3)
    assert {str(outcome.error) for outcome in house.outcomes[:3]} == {f"plugin 'house': sick: {raised.__name__}"}


SENSELESS: dict[str, tuple[Any, str]] = {
    "no state": (None, "state returned NoneType instead of State"),
    "a word for on": (State(on="yes"), "state returned a State whose on is str instead of bool"),  # type: ignore[arg-type]
    "a share": (
        State(on=True, brightness_pct=0.5),  # type: ignore[arg-type]
        "state returned a State whose brightness_pct is float instead of int or None",
    ),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_driver_that_says_nothing_sensible_is_named_and_asked_again(led: Led, case: str) -> None:
    said, problem = SENSELESS[case]
    toy = led.house.toys["sick"]
    toy.state = lambda: said if led.clock.at < clock(1) else toy.now  # type: ignore[method-assign]
    rules = (
        Rule("flip", ("sick",), at(0, 30), FLIP),
        Rule("asks", ("well",), at(0, 40), ON, only_if=Condition(devices={"sick": DeviceIs(on=True)})),
        Rule("sees", ("well",), StateTurns("sick", "on"), ON),
        Rule("on", ("sick",), at(2), ON),
    )
    led.start(*rules)
    led.go(clock(3))
    assert troubles(led) == [f"plugin 'house': sick: TypeError: {problem}"]
    errors = {outcome.firing.rule.id: str(outcome.error or "") for outcome in led.house.outcomes}
    assert errors == {
        "flip": f"plugin 'house': sick: TypeError: {problem}",
        "asks": "nobody knows whether sick is on",
        "sees": "",
        "on": "",
    }


@pytest.mark.parametrize("senseless_s", [-5, 10**15, float("nan"), "long"])
def test_a_senseless_time_that_a_device_has_been_on_is_as_good_as_none(led: Led, senseless_s: Any) -> None:
    toy = led.house.toys["sick"]
    toy.state = lambda: State(led.clock.at >= clock(1), on_for_s=senseless_s)  # type: ignore[method-assign]
    led.start(Rule("sees", ("well",), StateTurns("sick", "on"), ON))
    led.go(clock(2))
    assert [(when, name) for when, name, _ in led.told] == [(clock(1), "well")]


def test_a_table_of_which_a_driver_speaks_senselessly_switched_nothing(led: Led) -> None:
    toy = led.house.toys["sick"]
    toy.switched_by = lambda on, at: {"table": 7}  # type: ignore[attr-defined]
    led.start(Rule("sees", ("well",), StateTurns("sick", "on"), ON))
    led.go(clock(1))
    toy.now = State(on=True)
    led.go(clock(1, 1))
    assert [name for _, name, _ in led.told] == ["well"]
    assert led.journal is not None
    assert led.journal.flush(5)
    assert [change.by for change in led.journal.changes("sick")] == ["person"]


def test_a_mistake_of_ours_ends_no_lane(
    led: Led, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tapo_automate.daemon.hands import Hands

    def mistaken(*args: object) -> None:
        raise ZeroDivisionError

    rules = Rule("on", ("well",), at(0, 30), ON), Rule("sees", ("sick",), StateTurns("well", "on"), ON)
    led.start(*rules, Rule("off", ("well",), at(2), OFF))
    with monkeypatch.context() as patched:
        patched.setattr(Hands, "_saw", mistaken)
        patched.setattr(Hands, "_looked_at", mistaken)
        led.go(clock(1))
    led.go(clock(3))
    [on, off] = led.house.outcomes
    assert str(on.error) == "well: ZeroDivisionError, a mistake in this program; see the log"
    assert (off.firing.rule.id, off.error) == ("off", None)
    assert "well: ZeroDivisionError, a mistake in this program; see the log" in troubles(led)
    assert "unexpected error" in caplog.text


def test_work_waits_where_no_thread_can_be_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes, seen = Lanes(2), []

    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        lanes.put("plug", lambda: seen.append(1))
    lanes.put("plug", lambda: seen.append(2))
    lanes.put("lamp", lambda: seen.append(3))
    assert lanes.drain(10)
    assert sorted(seen) == [1, 2, 3]
    assert seen.index(1) < seen.index(2)
    lanes.close()


class Slow:
    """A plugin whose hooks wait until they are let go."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.told: list[str] = []

    @hookimpl
    def rule_fired(self, firing: Firing) -> None:
        self.release.wait(20)
        self.told.append(firing.rule.id)

    @hookimpl
    def notify(self, notice: Notice) -> None:
        self.release.wait(20)
        self.told.append(notice.text)


def test_a_plugin_that_takes_its_time_delays_no_rule_and_hears_of_everything() -> None:
    house, slow = House("one", "other"), Slow()
    tell = Rule("tell", ("one",), at(0, 1), Setting(), notify="It is one past")
    rules = tell, Rule("on", ("one",), at(0, 2), ON), Rule("other", ("other",), at(0, 3), ON)
    with house.daemon(*rules, plugins={"slow": slow}, max_threads=2):
        house.wait_for(lambda: len(house.outcomes) == 3, 10)
        assert slow.told == []
        slow.release.set()
    assert sorted(slow.told) == ["It is one past", "on", "other", "tell"]


def test_plugins_are_told_and_asked_while_the_daemon_is_free_to_answer_others() -> None:
    # A hook that waits for somebody who waits for the daemon must find it free, also during a reload.
    house, found = House("one", "other"), []

    def ask() -> None:
        asking = threading.Thread(target=lambda: found.append(daemon.health().rules), daemon=True)
        asking.start()
        asking.join(5)
        found.append("asked")

    class Curious:
        @hookimpl
        def rule_fired(self, firing: Firing) -> None:
            ask()

        @hookimpl
        def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
            if begun:
                ask()
            return None

    def away() -> None:
        raise Unreachable("one", "no answer")

    house.toys["one"].before = away
    begun = []
    with house.daemon(Rule("on", ("one",), at(0, 1), ON), plugins={"curious": Curious()}) as daemon:
        house.wait_for(lambda: any(isinstance(event, Retrying) for event in house.events))
        begun.append(True)
        daemon.reload(house.book(Rule("other", ("other",), at(5), ON)))
    assert found == [1, "asked"] * (len(found) // 2)
    assert len(found) >= 4


def test_a_plugin_that_hangs_costs_no_more_than_so_much_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(core, "MOST_UNTOLD", 5)
    house, slow = House("one"), Slow()
    with house.daemon(Rule("often", ("one",), Every(60), ON), plugins={"slow": slow}, max_threads=2):
        house.wait_for(lambda: len(house.outcomes) >= 20)
        slow.release.set()
    assert slow.told[:5] == ["often"] * 5
    assert len(slow.told) < 20
    assert "a plugin takes too long: 5 events wait for it, and no more are kept" in caplog.text


def test_credentials_that_are_looked_for_at_length_keep_nobody(led: Led) -> None:
    # While the account is stopped, a keyring that waits for its owner may not keep the daemon from its clock.
    asked: list[str] = []

    class Keyring:
        @hookimpl
        def find_credentials(self, spec: DeviceSpec) -> Credentials | None:
            asked.append(threading.current_thread().name)
            return None

    def refuse() -> None:
        raise AuthRefused("sick", "it holds other credentials")

    led.house.toys["sick"].before = refuse
    led.start(Rule("on", ("sick",), at(0, 1), ON), plugins={"keyring": Keyring()})
    led.go(clock(0, 2))
    assert led.daemon.health().blocked == {"sick"}
    asked.clear()
    for _ in range(3):
        led.daemon.look_around()
    assert asked == []
    led.lanes.run()
    assert len(asked) == 1, "and one question at a time waits in the lane"


def test_credentials_may_be_any_bytes() -> None:
    accounts = Accounts()
    latin = accounts.mark(Credentials("somebody@example.org", b"caf\xe9".decode("utf-8", "surrogateescape")))
    assert latin != accounts.mark(Credentials("somebody@example.org", "caf"))
