"""One rule, exactly one executor: what a device carries out by itself is looked at, and made good where it is not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.house import DAY
from daemon.tabled_house import OFF, ON, Tabled
from tapo_automate import Rule, Setting, State, Unreachable
from tapo_automate.daemon.metrics import Metrics
from tapo_automate.rules.model import AfterDelay, AtDate, AtSun, AtTime, Away, Condition, DeviceIs, PowerPast, Site
from tapo_automate.rules.recur import moments_after

SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


def clock(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return DAY.replace(hour=hour, minute=minute, second=second)


def at(hour: int, minute: int = 0) -> AtTime:
    return AtTime(dt.time(hour, minute))


WAKE = Rule("wake", ("lamp",), at(7), ON)
NIGHT = Rule("night", ("lamp",), at(23), OFF)


@pytest.fixture
def home(tmp_path: Path) -> Tabled:
    home = Tabled(tmp_path, "lamp")
    home.record({"lamp": [home.row(WAKE)]})
    return home


def test_what_the_device_does_is_not_done_again(home: Tabled) -> None:
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE)
    home.go(clock(7, 10))
    assert home.told == []
    entry = home.entries()["wake", clock(7)]
    assert (entry.result, entry.reason, entry.tries) == ("done", "by the device itself, schedule row S3", 0)
    assert home.alarms == []
    [outcome] = home.house.outcomes
    assert (outcome.executor, outcome.error) == ("device", None)


def test_the_change_that_is_seen_is_the_rules_and_nobody_is_asked_for_it(home: Tabled) -> None:
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE, look_s=60)
    home.go(clock(7, 10))
    [change] = home.changes()
    assert (change.by, change.rule, change.detail) == ("rule", "wake", "by the device itself, schedule row S3")


def test_it_is_asked_once_before_and_looked_at_once_after(home: Tabled) -> None:
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE)
    home.go(clock(8))
    assert home.toy().nexts == [clock(6, 55)]
    assert home.toy().looks == [clock(7, 0, 5)]


def test_a_clock_that_is_late_is_waited_for(home: Tabled) -> None:
    home.toy().plan = [(clock(7, 0, 55), ON)]
    home.start(WAKE)
    home.go(clock(8))
    assert home.told == []
    assert home.entries()["wake", clock(7)].result == "done"
    assert home.toy().looks == [clock(7, 0, 5), clock(7, 1, 10)]
    assert [change.by for change in home.changes()] == ["rule"]


def test_a_clock_that_is_early_has_done_it_already(home: Tabled) -> None:
    home.toy().plan = [(clock(6, 59, 10), ON)]
    home.start(WAKE)
    home.go(clock(8))
    assert home.told == []
    assert home.entries()["wake", clock(7)].reason == "by the device itself, schedule row S3"


def test_what_the_device_has_not_done_is_repaired(home: Tabled) -> None:
    home.toy().plan = [(clock(7), OFF)]  # somebody else's, which hides that ours is missing
    home.start(WAKE)
    home.go(clock(8))
    assert home.told == [(clock(7, 1, 10), "lamp", ON)]
    entry = home.entries()["wake", clock(7)]
    why = "repaired: lamp has not done it by schedule row S3, and showed off"
    assert (entry.result, entry.reason) == ("done", why)
    assert home.alarms == [f"rule wake on lamp is carried out by the daemon, {why}"]
    assert [outcome.executor for outcome in home.house.outcomes] == ["stand-in"]


def test_people_are_told_once_until_the_device_does_it_again(home: Tabled) -> None:
    foreign = [(clock(7) + dt.timedelta(days=day), OFF) for day in range(3)]
    home.toy().plan = foreign[:2]
    home.start(WAKE)
    home.go(clock(8) + dt.timedelta(days=1))
    assert len(home.told) == 2
    assert len(home.alarms) == 1
    home.toy().plan = [(clock(7) + dt.timedelta(days=2), ON)]
    home.toy().by_hand(OFF)
    home.go(clock(8) + dt.timedelta(days=2))
    assert home.alarms[1:] == ["over: lamp carries the rule wake out by itself again"]


@pytest.mark.parametrize(
    ("next_at", "said"),
    [
        (None, "that nothing comes next"),
        (clock(7, 30), "that it does nothing before 2026-06-01 07:30:00"),
    ],
)
def test_what_the_device_does_not_mean_to_do_is_done_in_time(
    home: Tabled, next_at: dt.datetime | None, said: str
) -> None:
    home.toy().plan = [(next_at, OFF)] if next_at else []
    home.start(WAKE)
    home.go(clock(7, 20))
    assert home.told == [(clock(7), "lamp", ON)]
    entry = home.entries()["wake", clock(7)]
    assert (entry.result, entry.reason) == ("done", f"in place of the device: asked before, it said {said}")
    assert len(home.alarms) == 1


def test_a_row_of_somebody_else_that_comes_first_says_nothing(home: Tabled) -> None:
    home.toy().plan = [(clock(6, 57), OFF), (clock(7), ON)]
    home.start(WAKE)
    home.go(clock(7, 20))
    assert home.told == []
    assert home.toy().did == [(clock(6, 57), OFF), (clock(7), ON)]


def test_a_row_written_after_the_question_makes_the_answer_void(home: Tabled) -> None:
    home.start(WAKE)
    home.go(clock(6, 58))
    assert home.toy().nexts == [clock(6, 55)]
    home.toy().plan = [(clock(7), ON)]
    home.record({"lamp": [home.row(WAKE, "S9")]})
    home.go(clock(7, 20))
    assert home.told == []
    assert home.entries()["wake", clock(7)].reason == "by the device itself, schedule row S9"


def test_a_device_that_gives_no_answer_before_is_looked_at_all_the_same(home: Tabled) -> None:
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE)
    home.toy().away = True
    home.go(clock(6, 59))
    home.toy().away = False
    home.go(clock(7, 20))
    assert (home.told, home.toy().nexts) == ([], [])
    assert home.entries()["wake", clock(7)].result == "done"


def test_a_device_that_gives_no_answer_after_is_asked_again(home: Tabled) -> None:
    home.toy().plan = [(clock(7), ON)]
    home.start(WAKE)
    home.go(clock(7))
    home.toy().away = True
    home.go(clock(7, 5))
    assert home.house.outcomes == []
    home.toy().away = False
    home.go(clock(7, 6))
    assert home.told == []
    entry = home.entries()["wake", clock(7)]
    assert entry.result == "done"
    assert entry.at is not None
    assert clock(7, 5) <= entry.at <= clock(7, 5, 40)


def test_a_device_that_stays_away_is_left_to_itself(home: Tabled) -> None:
    home.toy().away = True
    home.start(WAKE)
    home.go(clock(8))
    entry = home.entries()["wake", clock(7)]
    why = "left to the device itself, schedule row S3; it gave no answer afterwards"
    assert (entry.result, entry.reason) == ("withheld", why)
    assert home.told == []


def test_a_device_without_tables_to_ask_is_looked_at(tmp_path: Path) -> None:
    home = Tabled(tmp_path, "lamp", plain=["lamp"])
    home.record({"lamp": [home.row(WAKE)]})
    home.start(WAKE)
    home.go(clock(7, 5))
    assert [when for when, _, _ in home.told] == [clock(7, 1, 10)]
    assert "repaired" in home.entries()["wake", clock(7)].reason


def test_a_person_who_was_there_since_is_respected(home: Tabled) -> None:
    home.record({"lamp": [home.row(NIGHT)]})
    home.toy().by_hand(ON)
    home.toy().plan = [(clock(23, 0, 20), OFF)]
    home.start(NIGHT)
    home.go(clock(23, 0, 40))
    home.toy().by_hand(ON)  # after the device's row, before anybody has looked
    home.go(clock(23, 30))
    assert home.told == []
    entry = home.entries()["night", clock(23)]
    assert (entry.result, entry.reason) == ("withheld", "lamp was changed by hand after it came due")
    assert home.alarms == []


def test_a_newer_firing_hides_what_was_to_be_seen(home: Tabled) -> None:
    on = Rule("on", ("lamp",), AtDate(clock(7, 0, 30)), ON)  # the daemon's, half a minute later
    off = Rule("off", ("lamp",), at(7), OFF)
    home.record({"lamp": [home.row(off)]})
    home.toy().by_hand(ON)
    home.toy().plan = [(clock(7, 0, 20), OFF)]
    home.start(on, off)
    home.go(clock(7, 30))
    assert home.told == [(clock(7, 0, 30), "lamp", ON)]
    assert home.toy().now.on
    entry = home.entries()["off", clock(7)]
    why = "left to the device itself, schedule row S3; a newer command came first: on"
    assert (entry.result, entry.reason) == ("withheld", why)


def test_an_older_command_that_waits_does_not_come_after_the_device(home: Tabled) -> None:
    off = Rule("off", ("lamp",), at(6, 59), OFF)
    home.toy().by_hand(ON)
    home.toy().plan = [(clock(7), ON)]
    home.start(off, WAKE)
    home.go(clock(6, 58))
    home.toy().away = True
    home.go(clock(7, 0, 2))
    home.toy().away = False
    home.go(clock(7, 30))
    assert home.told == []
    assert home.toy().now.on
    journal = home.entries()
    assert (journal["off", clock(6, 59)].result, journal["off", clock(6, 59)].reason) == (
        "superseded",
        "a newer command came first: wake",
    )
    assert journal["wake", clock(7)].reason == "by the device itself, schedule row S3"


def test_a_rule_of_the_device_alone_that_is_not_there_is_withheld(home: Tabled) -> None:
    rule = Rule("alone", ("lamp",), at(7), ON, executor="device")
    home.start(rule)
    home.go(clock(8))
    assert home.told == []
    entry = home.entries()["alone", clock(7)]
    why = "its executor is the device, and `sync apply` has not put it there"
    assert (entry.result, entry.reason) == ("withheld", why)


def test_a_row_that_a_person_has_made_their_own_is_left_so(home: Tabled) -> None:
    home.record({"lamp": [home.row(WAKE, "", ignored="gone")]})
    home.start(WAKE)
    home.go(clock(8))
    assert (home.told, home.toy().nexts) == ([], [])
    entry = home.entries()["wake", clock(7)]
    why = "its schedule row was changed by hand on the device, and is left so"
    assert (entry.result, entry.reason) == ("withheld", why)


def test_the_devices_auto_off_is_looked_at(home: Tabled) -> None:
    rule = Rule("forgotten", ("lamp",), AfterDelay(600, "on"), OFF)
    home.record({"lamp": [home.row(rule, "")]})
    home.start(rule)
    home.go(clock(7))
    home.toy().by_hand(ON)
    home.toy().plan = [(clock(7, 10, 20), OFF)]
    home.go(clock(8))
    assert home.told == []
    [entry] = home.entries().values()
    assert (entry.result, entry.reason) == ("done", "by the device itself, auto-off")


def test_an_auto_off_that_does_not_come_is_made_good(home: Tabled) -> None:
    rule = Rule("forgotten", ("lamp",), AfterDelay(600, "on"), OFF)
    home.record({"lamp": [home.row(rule, "")]})
    home.start(rule)
    home.go(clock(7))
    home.toy().by_hand(ON)
    home.go(clock(8))
    assert len(home.told) == 1
    assert clock(7, 11) < home.told[0][0] < clock(7, 12)


def test_power_protection_is_made_good_at_once(home: Tabled) -> None:
    rule = Rule("overload", ("lamp",), PowerPast("above", 2000, rearm_w=2000), OFF)
    home.record({"lamp": [home.row(rule, "")]})
    home.toy().watts = lambda: 2500.0 if home.toy().now.on and home.clock.at >= clock(7) else 0.0
    home.toy().by_hand(ON)
    home.start(rule)
    home.go(clock(7, 5))
    assert len(home.told) == 1
    assert clock(7) < home.told[0][0] < clock(7, 0, 40)
    [entry] = home.entries().values()
    assert entry.reason == "repaired: lamp has not done it by power protection, and showed on"


def test_a_window_in_the_devices_own_table_is_left_to_it(home: Tabled) -> None:
    rule = Rule("holiday", ("lamp",), Away(dt.time(18), dt.time(22)), Setting())
    home.record({"lamp": [home.row(rule, "A1")]})
    home.start(rule)
    home.go(clock(23))
    assert home.told == []
    reasons = {(entry.result, entry.reason) for entry in home.entries().values()}
    assert reasons == {("withheld", "left to the device itself, antitheft row A1")}


def test_brightness_counts_too(home: Tabled) -> None:
    dim = Rule("dim", ("lamp",), at(7), Setting(on=True, brightness_pct=20))
    home.record({"lamp": [home.row(dim)]})
    home.toy().plan = [(clock(7), ON)]
    home.start(dim)
    home.go(clock(8))
    assert home.told == [(clock(7, 1, 10), "lamp", Setting(on=True, brightness_pct=20))]


def test_what_devices_did_and_did_not_is_counted(home: Tabled) -> None:
    metrics = Metrics(lambda: home.led.daemon.health())
    home.toy().plan = [(clock(7), ON), (clock(7) + dt.timedelta(days=1), OFF)]
    home.start(WAKE)
    home.go(clock(8))
    home.toy().by_hand(OFF)
    home.go(clock(8) + dt.timedelta(days=1))
    for event in home.house.events:
        metrics.observe(event)
    told = metrics.exposition()[0].decode()
    assert "tapo_automate_verified_total 1.0" in told
    assert "tapo_automate_repaired_total 1.0" in told
    assert "tapo_automate_firing_late_seconds_count 1.0" in told  # not what was only seen


@pytest.mark.parametrize(("late_s", "told"), [(-110, 0), (110, 0), (200, 1)])
def test_a_devices_sun_may_be_two_minutes_off(tmp_path: Path, late_s: int, told: int) -> None:
    home = Tabled(tmp_path, "lamp")
    home.house.site = Site(ZoneInfo("Europe/Berlin"), 52.5, 13.4)
    dusk = Rule("dusk", ("lamp",), AtSun("sunset"), ON)
    home.record({"lamp": [home.row(dusk)]})
    sunset = next(moments_after(dusk, home.house.site, DAY)).at
    home.toy().plan = [(sunset + late_s * SECOND, ON)]
    home.start(dusk)
    home.go(sunset + 10 * MINUTE)
    assert len(home.told) == told
    assert home.toy().now.on
    assert len(home.toy().looks) <= 2
    assert [entry.result for entry in home.entries().values()] == ["done"]


def test_an_older_command_under_way_is_not_tried_again_after_the_device(home: Tabled) -> None:
    off = Rule("off", ("lamp",), at(6, 59), OFF)
    home.toy().by_hand(ON)
    home.toy().plan = [(clock(7), ON)]
    home.start(off, WAKE)
    home.go(clock(6, 58))

    def hang() -> None:  # the command is asked for while the device's row comes due
        home.clock.at = clock(7, 0, 1)
        home.led.alarm.ring()
        raise Unreachable("lamp", "no answer", outcome_unknown=True)

    home.toy().before = hang
    home.led.go(clock(6, 59))
    home.toy().before = lambda: None
    home.go(clock(7, 30))
    assert home.told == []
    assert home.toy().now.on
    assert home.entries()["off", clock(6, 59)].reason == "a newer command came first: wake"


def test_an_older_firing_that_waits_for_a_look_does_not_come_after_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Tabled(tmp_path, "lamp", "tv")
    off = Rule("off", ("lamp",), at(6, 59), OFF, only_if=Condition(devices={"tv": DeviceIs(on=False)}))
    home.record({"lamp": [home.row(WAKE)]})
    home.toy().by_hand(ON)
    home.toy().plan = [(clock(7), ON)]
    home.start(off, WAKE)
    home.go(clock(6, 58))
    tv, state = home.toy("tv"), home.toy("tv").state

    def slow() -> State:
        monkeypatch.setattr(tv, "state", state)
        home.clock.at = clock(7, 0, 1)
        home.led.alarm.ring()
        return state()

    monkeypatch.setattr(tv, "state", slow)
    home.led.go(clock(6, 59))
    home.go(clock(7, 30))
    assert home.told == []
    assert home.entries()["off", clock(6, 59)].reason == "a newer command came first: wake"


def test_a_clock_that_is_set_while_a_device_is_awaited_gives_it_no_less_time(home: Tabled) -> None:
    home.toy().plan = [(clock(7, 0, 40), ON)]
    home.start(WAKE)
    home.go(clock(7, 0, 10))
    home.toy().plan = [(clock(8, 0, 40), ON)]
    home.clock.set(dt.timedelta(hours=1))
    home.led.look_around()
    home.go(clock(8, 30))
    assert home.told == []
    assert home.entries()["wake", clock(7)].result == "done"
