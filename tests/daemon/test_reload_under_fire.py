"""Rules exchanged while others come due: nothing is lost or doubled at the swap, and what is under way goes on."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.house import DAY
from daemon.led import HandClock, Led
from daemon.written_house import AnyHouse
from tapo_automate import DeviceSpec, Rule, Setting, State, Unreachable
from tapo_automate.daemon import Outcome, Trouble
from tapo_automate.journal.store import Journal
from tapo_automate.rules.forecast import firings_between
from tapo_automate.rules.model import AfterDelay, AtTime, Away, Every, PowerPast, RuleBook, StateTurns, Step

ON, OFF = Setting(on=True), Setting(on=False)
MICROSECOND, SECOND = dt.timedelta.resolution, dt.timedelta(seconds=1)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)
START = DAY + 6 * HOUR
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Home:
    """A daemon over any devices, led by hand, with books made of rules.  hosts: device id -> host."""

    def __init__(self, folder: Path) -> None:
        self.house = AnyHouse()
        self.hosts: dict[str, str] = {}
        with Journal.open(folder) as journal:  # so that switching at random is the same in every life of it
            journal.record(memory={("house", "salt"): "5a" * 16})
        self.led = Led(self.house, HandClock(START), folder)

    def book(self, rules: Iterable[Rule]) -> RuleBook:
        rules = list(rules)
        names = {name for rule in rules for name in rule.device_ids}
        names |= {rule.trigger.device_id for rule in rules if isinstance(rule.trigger, StateTurns)}
        for name in names:
            toy = self.house.toy(name)
            toy.listener = lambda setting, name=name: self.led.told.append((self.led.clock.at, name, setting))
        specs = {name: DeviceSpec(name, "toy", self.hosts.get(name, name)) for name in sorted(names)}
        return RuleBook(self.house.site, specs, {}, {rule.id: rule for rule in rules})

    def start(self, *rules: Rule, **options: Any) -> None:
        self.led.start(book=self.book(rules), **options)

    def reload(self, *rules: Rule) -> tuple[str, ...]:
        changes = self.led.daemon.reload(self.book(rules))
        self.led.lanes.run()
        return changes

    def ended(self, rule_id: str) -> list[Outcome]:
        return [outcome for outcome in self.house.outcomes if outcome.firing.rule.id == rule_id]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


# ---------------------------------------------------------------- what goes by the clock

minutes = st.integers(0, 119).map(lambda minute: (START + minute * MINUTE).time())
triggers = minutes.map(AtTime) | st.sampled_from([60, 300, 420, 3600]).map(Every)
devices = st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).map(tuple)
wishes = st.sampled_from([ON, OFF, Setting(brightness_pct=40), Setting(toggle=True)])
rules = st.builds(
    Rule,
    st.sampled_from(["r0", "r1", "r2", "r3"]),
    devices,
    triggers,
    wishes,
    jitter_s=st.sampled_from([0, 0, 90]),
    within_s=st.just(600),
)
books = st.lists(rules, max_size=4, unique_by=lambda rule: rule.id)
# seconds until the next book; whether it comes before the daemon has woken for what is due at that very instant
swaps = st.lists(st.tuples(st.sampled_from([1, 30, 60, 120, 299, 300, 600, 3600]), st.booleans(), books), max_size=6)


@slow
@given(books, swaps)
def test_every_book_is_carried_out_up_to_the_very_instant_in_which_the_next_is_taken(
    first: list[Rule], swaps: list[tuple[int, bool, list[Rule]]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.start(*first)
        expected: set[tuple[str, str, dt.datetime]] = set()
        taken: dict[dt.datetime, set[str]] = {}  # the devices of a book, by the instant in which it was taken
        current, since = home.book(first), START
        for wait_s, before_it_wakes, following in [*swaps, (3600, False, [])]:
            until = since + wait_s * SECOND
            home.led.go(until - MICROSECOND if before_it_wakes else until)
            home.led.clock.at = until
            home.reload(*following)
            home.led.go(until)
            due = firings_between(current, since + MICROSECOND, until + MICROSECOND)
            expected |= {(firing.rule.id, firing.device_id, firing.nominal) for firing in due}
            current, since = home.book(following), until
            taken[until] = set(current.devices)
        told = [(o.firing.rule.id, o.firing.device_id, o.firing.nominal) for o in home.house.outcomes]
        assert sorted(told) == sorted(expected)
        for outcome in home.house.outcomes:
            if outcome.firing.due in taken and outcome.firing.device_id not in taken[outcome.firing.due]:
                assert outcome.result in ("done", "withheld"), "its device has gone with its rule, in that very instant"
            else:
                assert (outcome.error, outcome.late_s) == (None, 0.0)
        home.led.stop()


# ---------------------------------------------------------------- what takes its time


def everything() -> list[Rule]:
    """Return rules of every kind that is under way for a while."""
    return [
        Rule("washed", ("washer",), PowerPast("below", 5, hold_s=2400, rearm_w=20), OFF),
        Rule("towels", ("rail",), AfterDelay(2700, "on"), OFF),
        Rule("film", ("lamp",), StateTurns("tv", "on", 1800), Setting(on=True, brightness_pct=10)),
        Rule("scene", ("porch",), AtTime(dt.time(6, 2)), Setting(), steps=(Step(0, ON), Step(3000, OFF))),
        Rule("fade", ("bed",), AtTime(dt.time(6, 3)), Setting(True, 100, transition_ms=1_800_000)),
        Rule("late", ("away",), AtTime(dt.time(6, 4)), ON, within_s=7200),
        Rule("spread", ("plug", "lamp"), Every(600), Setting(toggle=True), jitter_s=300),
        Rule("holiday", ("hall",), Away(dt.time(6, 5), dt.time(9)), Setting()),
    ]


def lived(folder: Path, disturb: Callable[[Home, dt.datetime], None], at: Iterable[int]) -> list[tuple[Any, ...]]:
    """Return what the devices were told, and when, over three hours; `disturb` is called so many seconds after six."""
    home = Home(folder)
    home.start(*everything(), poll_s=30)
    toys = home.house.toys
    toys["washer"].watts = lambda: 2.0
    toys["rail"].now = State(on=True)
    toys["away"].before = lambda: (_ for _ in ()).throw(Unreachable("away", "no answer within 8 s"))
    home.led.go(START + 40 * SECOND)
    toys["tv"].now = State(on=True)
    home.led.go(START + MINUTE)
    for second in sorted(at):
        home.led.go(START + MINUTE + second * SECOND)
        disturb(home, home.led.clock.at)
    home.led.go(START + 100 * MINUTE)
    toys["away"].before = lambda: None
    home.led.go(START + 3 * HOUR)
    home.led.stop()
    return home.led.told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    return lived(tmp_path_factory.mktemp("undisturbed"), lambda home, at: None, [])


def test_the_life_that_is_to_be_disturbed_is_a_full_one(undisturbed: list[tuple[Any, ...]]) -> None:
    told = {name for _, name, _ in undisturbed}
    assert told == {"washer", "rail", "lamp", "porch", "bed", "away", "plug", "hall"}
    assert len([name for _, name, _ in undisturbed if name == "hall"]) >= 4


@settings(slow, max_examples=25)
@given(st.lists(st.integers(0, 5900), min_size=1, max_size=5, unique=True), st.data())
def test_what_is_under_way_is_not_disturbed_by_other_rules(
    undisturbed: list[tuple[Any, ...]], at: list[int], data: st.DataObject
) -> None:
    # home-assistant/core#56642: a reload made every hold begin anew.
    def disturb(home: Home, at: dt.datetime) -> None:
        others = data.draw(books)
        home.reload(*everything(), *(replace(rule, device_ids=("other",)) for rule in others))

    with tempfile.TemporaryDirectory() as folder:
        told = lived(Path(folder), disturb, at)
        assert [each for each in told if each[1] != "other"] == undisturbed


def test_a_hold_that_is_made_shorter_counts_what_has_passed(home: Home) -> None:
    def washed(hold_s: int) -> Rule:
        return Rule("washed", ("washer",), PowerPast("below", 5, hold_s=hold_s, rearm_w=20), OFF)

    home.start(washed(3600))
    home.led.go(20 * MINUTE)
    home.reload(washed(1800))
    home.led.go(9 * MINUTE)
    assert home.led.told == []
    home.led.go(2 * MINUTE)
    assert home.led.told == [(START + 30 * MINUTE, "washer", OFF)]
    home.led.stop()


@pytest.mark.parametrize("gone", ["taken out", "switched off", "given to another device"])
def test_a_hold_ends_with_its_rule(home: Home, gone: str) -> None:
    washed = Rule("washed", ("washer",), PowerPast("below", 5, hold_s=3600, rearm_w=20), OFF)
    other = Rule("other", ("plug",), Every(600), ON)
    home.start(washed, other)
    home.led.go(30 * MINUTE)
    match gone:
        case "taken out":
            home.reload(other)
        case "switched off":
            home.reload(replace(washed, enabled=False), other)
        case _:
            home.house.toy("dryer").watts = lambda: 100.0
            home.reload(replace(washed, device_ids=("dryer",)), other)
    home.led.go(2 * HOUR)
    assert {name for _, name, _ in home.led.told} == {"plug"}
    home.led.stop()


def test_a_rule_that_is_taken_out_ends_its_retries(home: Home) -> None:
    late = Rule("late", ("away",), AtTime(dt.time(6, 5)), ON, within_s=7200)
    home.start(late)
    home.house.toy("away").before = lambda: (_ for _ in ()).throw(Unreachable("away", "no answer within 8 s"))
    home.led.go(30 * MINUTE)
    home.reload(Rule("other", ("plug",), Every(600), ON))
    home.house.toy("away").before = lambda: None
    home.led.go(2 * HOUR)
    [outcome] = home.ended("late")
    assert (outcome.result, str(outcome.error)) == (
        "withheld",
        "its rule was changed, or taken out of the rules, meanwhile",
    )
    assert home.house.toy("away").told == []
    home.led.stop()


def test_a_rule_that_sets_something_else_now_ends_its_retries(home: Home) -> None:
    late = Rule("late", ("away",), AtTime(dt.time(6, 5)), ON, within_s=7200)
    home.start(late)
    home.house.toy("away").before = lambda: (_ for _ in ()).throw(Unreachable("away", "no answer within 8 s"))
    home.led.go(30 * MINUTE)
    home.reload(replace(late, setting=OFF))
    home.house.toy("away").before = lambda: None
    home.led.go(2 * HOUR)
    assert [outcome.result for outcome in home.ended("late")] == ["withheld"]
    assert home.house.toy("away").told == []
    home.led.stop()


def test_a_rule_that_is_taken_out_ends_its_steps(home: Home) -> None:
    steps = (Step(0, ON), Step(1800, OFF))
    home.start(Rule("scene", ("porch",), AtTime(dt.time(6, 5)), Setting(), steps=steps))
    home.led.go(10 * MINUTE)
    home.reload(Rule("other", ("plug",), Every(600), ON))
    home.led.go(2 * HOUR)
    assert home.house.toy("porch").told == [ON]
    assert [outcome.result for outcome in home.ended("scene")] == ["withheld"]
    home.led.stop()


# ---------------------------------------------------------------- devices


def test_a_device_with_another_host_is_opened_anew_and_the_others_are_left_open(home: Home) -> None:
    rule = Rule("both", ("plug", "lamp"), Every(600), ON)
    home.start(rule)
    home.hosts["plug"] = "10.0.0.7"
    home.led.go(15 * MINUTE)
    home.reload(rule)
    home.led.go(10 * MINUTE)
    assert home.house.opened == [("lamp", "lamp"), ("plug", "plug"), ("plug", "10.0.0.7")]
    assert (home.house.toy("plug").closed, home.house.toy("lamp").closed) == (1, 0)
    assert {outcome.error for outcome in home.ended("both")} == {None}
    home.led.stop()


def test_devices_that_take_their_time_to_be_opened_keep_nothing_from_coming_due(home: Home) -> None:
    often, new = Rule("often", ("plug",), Every(60), ON), Rule("new", ("lamp",), Every(60), ON)
    home.start(often)
    home.led.go(5 * MINUTE - 5 * SECOND)
    opens = home.house.open

    def opening(spec: DeviceSpec, credentials: Any) -> Any:
        home.led.clock.at += 10 * SECOND
        return opens(spec, credentials)

    home.house.open = opening  # type: ignore[method-assign]
    home.reload(often, new)
    home.led.go(2 * MINUTE)
    assert [outcome.firing.nominal - START for outcome in home.ended("often")] == [n * MINUTE for n in range(1, 8)]
    assert [outcome.firing.nominal - START for outcome in home.ended("new")] == [6 * MINUTE, 7 * MINUTE]
    home.led.stop()


def test_a_device_that_nobody_needs_any_more_is_closed(home: Home) -> None:
    rule = Rule("both", ("plug", "lamp"), Every(600), ON)
    home.start(rule)
    home.led.go(15 * MINUTE)
    home.reload(replace(rule, device_ids=("plug",)))
    assert (home.house.toy("plug").closed, home.house.toy("lamp").closed) == (0, 1)
    assert list(home.led.daemon.health().devices) == ["plug"]
    home.led.stop()


def test_a_device_that_cannot_be_opened_is_named_and_the_others_are_served(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = Rule("both", ("plug",), Every(600), ON)
    home.start(rule)
    home.led.go(15 * MINUTE)
    opens = home.house.open

    def opening(spec: DeviceSpec, credentials: Any) -> Any:
        if spec.id == "odd":
            raise RuntimeError("the driver is broken")
        return opens(spec, credentials)

    home.house.open = opening  # type: ignore[method-assign]
    changes = home.reload(replace(rule, device_ids=("plug", "odd", "lamp")))
    assert changes
    home.led.go(20 * MINUTE)
    [trouble] = [event for event in home.house.events if isinstance(event, Trouble)]
    assert str(trouble.error) == "plugin 'house': opening 'odd' failed: RuntimeError: the driver is broken"
    results = {outcome.firing.device_id: outcome.result for outcome in home.ended("both")}
    assert results == {"plug": "done", "lamp": "done", "odd": "failed"}
    assert home.led.daemon.health().devices["odd"] == str(trouble.error)
    home.led.stop()
