"""Plans onto a device whose answers are lost or late, that refuses the account, or under which the apply is killed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from sync.apply_home import NOW, ON, THREE, Home, at, book_of, rule
from sync.memory_device import Fault, Killed, MemoryDevice
from tapo_automate.errors import (
    ApplyIncomplete,
    AuthRefused,
    Unreachable,
)
from tapo_automate.rows import AutoOff, Moment, ScheduleRow
from tapo_automate.rules.model import AfterDelay


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("fault", ["lost answer", "lost request"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_lost_answer_neither_doubles_nor_loses_a_row(home: Home, fault: Fault, number: int) -> None:
    plan = home.plan(THREE)
    home.device.fault(*[None] * (1 + number), fault)
    assert len(home.apply(THREE, plan).done) == 3
    assert len(home.device.rows("schedule")) == 3
    assert home.open_changes(THREE) == []
    puts = [each for each in home.device.requests if each == "put schedule"]
    assert len(puts) == (3 if fault == "lost answer" else 4)


def test_a_request_that_arrives_late_leaves_no_second_row(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.fault(None, "late")
    home.apply(THREE, plan)
    assert len(home.device.rows("schedule")) == 3
    assert home.open_changes(THREE) == []


@pytest.mark.parametrize("places", [4, 8])
def test_a_second_row_that_arrives_when_the_run_has_stopped_is_ours_all_the_same(tmp_path: Path, places: int) -> None:
    home = Home(tmp_path, MemoryDevice(NOW, limits={"schedule": places}))
    for hour in (1, 2):
        home.device.by_hand(ScheduleRow(Moment("midnight", 60 * hour), ON))
    book = book_of(rule("a", at(7), ON), rule("b", at(8)))
    plan = home.plan(book)
    home.device.fault(None, "late", None, None, "auth")
    with pytest.raises(ApplyIncomplete, match="1 of 2 changes made"):
        home.apply(book, plan)
    assert len(home.device.rows("schedule")) == 4, "two of them say the same"
    assert [each.phase for each in home.ledger.ledger.of("plug").rows] == ["coming", ""]
    home.apply(book)
    assert len(home.device.rows("schedule")) == 4
    assert {action for action, _ in home.open_changes(book)} == {"foreign"}
    assert [each.phase for each in home.ledger.ledger.of("plug").rows] == ["", ""]
    home.apply(book_of())
    assert len(home.device.rows("schedule")) == 2, "what a person made is left"


@pytest.mark.parametrize("fault", ["lost answer", "lost request"])
def test_a_lost_removal_is_looked_for_and_repeated(home: Home, fault: Fault) -> None:
    home.apply(THREE)
    none = book_of()
    plan = home.plan(none)
    home.device.fault(None, fault)
    assert len(home.apply(none, plan).done) == 3
    assert home.device.rows("schedule") == ()
    assert home.ledger.ledger.of("plug").rows == ()


def test_an_answer_lost_twice_is_left_to_the_next_apply(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.fault(None, None, "lost request", None, "lost request")
    with pytest.raises(ApplyIncomplete) as caught:
        home.apply(THREE, plan)
    assert str(caught.value) == "plug: 1 of 3 changes made, then: memory: the connection broke"
    assert caught.value.done == ("every day at 07:00 → on",)
    assert caught.value.left == ("every day at 08:00 → off", "every day at 09:00 → on")
    assert [each.phase for each in home.ledger.ledger.of("plug").rows] == ["coming", ""]
    home.apply(THREE)
    assert len(home.device.rows("schedule")) == 3
    assert home.open_changes(THREE) == []


def test_wrong_credentials_stop_at_once(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.fault(None, "auth")
    asked = len(home.device.requests)
    with pytest.raises(AuthRefused, match="the device holds other credentials"):
        home.apply(THREE, plan)
    assert len(home.device.requests) == asked + 2
    assert home.ledger.ledger.of("plug").rows == ()

    home.device.fault(None, None, "auth")
    with pytest.raises(ApplyIncomplete, match="1 of 3 changes made, then: memory: the device holds") as caught:
        home.apply(THREE, plan)
    assert isinstance(caught.value.__cause__, AuthRefused)


def test_what_certainly_did_not_happen_leaves_no_trace(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.fault(None, "unreachable")
    with pytest.raises(Unreachable):
        home.apply(THREE, plan)
    assert home.ledger.ledger.of("plug").rows == ()
    assert home.device.rows("schedule") == ()


def test_a_write_of_which_nobody_knows_is_told_as_begun(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.fault(None, "lost answer", "unreachable")
    with pytest.raises(ApplyIncomplete) as caught:
        home.apply(THREE, plan)
    assert str(caught.value) == "plug: 0 of 3 changes made, then: memory: no answer"
    assert [each.phase for each in home.ledger.ledger.of("plug").rows] == ["coming"]
    home.apply(THREE)
    assert len(home.device.rows("schedule")) == 3


def test_a_device_that_fails_while_it_is_read_is_left_alone(home: Home) -> None:
    plan = home.plan(THREE)
    home.device.fault("unreachable")
    with pytest.raises(Unreachable):
        home.apply(THREE, plan)
    assert home.device.writes == 0
    assert not home.path.exists()


@pytest.mark.parametrize("when", ["killed before", "killed after"])
@pytest.mark.parametrize("ids", ["lowest", "next"])
def test_an_apply_killed_at_any_request_is_resumed(tmp_path: Path, when: Fault, ids: str) -> None:
    first = book_of(rule("a", at(7), ON), rule("b", at(8)), rule("c", at(9), ON), rule("x", AfterDelay(3600, "on")))
    second = book_of(rule("a", at(7, 15), ON), rule("d", at(10)), rule("c", at(9), ON), rule("e", at(11)))
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = Home(folder, MemoryDevice(NOW, ids="lowest" if ids == "lowest" else "next"))
        home.device.by_hand(ScheduleRow(Moment("midnight", 5), ON))
        home.apply(first)
        plan = home.plan(second)
        home.device.fault(*[None] * number, when)
        with contextlib.suppress(Killed):
            home.apply(second, plan)
        home.device.faults.clear()
        home.apply(second)
        assert home.open_changes(second) == [("foreign", "every day at 00:05 → on")], number
        assert len(home.device.rows("schedule")) == 5, number
        assert home.device.rows("auto_off") == (AutoOff(60, enabled=False),)
        assert {each.phase for each in home.ledger.ledger.of("plug").rows} == {""}


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("when", ["killed before", "killed after"])
def test_a_row_whose_apply_and_whose_removal_were_killed_is_nobody_elses(home: Home, when: Fault, number: int) -> None:
    kept = rule("b", at(8))
    plan = home.plan(book_of(rule("a", at(7), ON), kept))
    home.device.fault(None, "killed after")  # the first row is there, and the ledger has no id for it
    with contextlib.suppress(Killed):
        home.apply(book_of(rule("a", at(7), ON), kept), plan)
    plan = home.plan(book_of(kept))
    home.device.fault(*[None] * number, when)
    with contextlib.suppress(Killed):
        home.apply(book_of(kept), plan)
    home.device.faults.clear()
    home.apply(book_of(kept))
    assert home.open_changes(book_of(kept)) == []
    assert [row.id for row in home.device.rows("schedule")] == [
        each.row_id for each in home.ledger.ledger.of("plug").rows
    ]
    assert len(home.device.rows("schedule")) == 1
