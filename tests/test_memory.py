"""The memory in files, by itself: what goes in comes out, once, for whom it belongs to."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tapo_automate.device import Credentials
from tapo_automate.errors import AuthRefused
from tapo_automate.memory import DOUBT, LIFE, DeviceMemory
from tapo_automate.wire.identity import refused_before
from tapo_automate.wire.memory import Known, RefusedBefore

ME, YOU = Credentials("me@example.com", "canary-mine"), Credentials("me@example.com", "canary-yours")
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
KEPT = {"transport": "klap", "cookie": "canary-cookie"}


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> dt.datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> DeviceMemory:
    return DeviceMemory(tmp_path, clock)


def test_a_session_is_taken_once_with_what_was_in_it(shelf: DeviceMemory) -> None:
    memory = shelf.of("10.0.0.5", ME)
    memory.session_opened()
    memory.give_session(KEPT)
    taken = shelf.of("10.0.0.5", ME).take_session()
    assert taken is not None
    assert taken | KEPT == taken
    assert memory.take_session() is None


def test_of_many_at_once_one_has_the_session(tmp_path: Path, clock: Clock) -> None:
    for _ in range(10):
        DeviceMemory(tmp_path, clock).of("10.0.0.5", ME).give_session(KEPT)
        shelves = [DeviceMemory(tmp_path, clock) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda shelf: shelf.of("10.0.0.5", ME).take_session(), shelves))
        assert sum(each is not None for each in taken) == 1


def test_devices_and_accounts_are_kept_apart(shelf: DeviceMemory) -> None:
    shelf.of("10.0.0.5", ME).give_session(KEPT)
    assert shelf.of("10.0.0.6", ME).take_session() is None
    assert shelf.of("10.0.0.5", YOU).take_session() is None


@pytest.mark.parametrize(
    ("passed", "is_used"),
    [
        (dt.timedelta(), True),
        (LIFE - dt.timedelta(seconds=1), True),
        (LIFE, False),
        (-dt.timedelta(seconds=1), False),
    ],
)
def test_its_age_counts_from_when_it_was_opened(
    shelf: DeviceMemory, clock: Clock, passed: dt.timedelta, is_used: bool
) -> None:
    memory = shelf.of("10.0.0.5", ME)
    memory.session_opened()
    clock.at += dt.timedelta(hours=1)
    memory.give_session(KEPT)
    clock.at = NOON + passed
    assert (shelf.of("10.0.0.5", ME).take_session() is not None) is is_used


def test_what_is_known_of_a_device_is_kept_whole(shelf: DeviceMemory) -> None:
    memory = shelf.of("48-22-54-AA-BB-CC", ME)
    assert memory.known() == Known()
    known = Known("aes", 1, False, "192.168.1.31:8080", has_switch=True)
    memory.learn(known)
    memory.give_session(KEPT)
    assert shelf.of("48-22-54-AA-BB-CC", YOU).known() == known


def test_a_refusal_is_remembered_for_the_account_until_it_is_forgotten(shelf: DeviceMemory, tmp_path: Path) -> None:
    memory = shelf.of("10.0.0.5", ME)
    error = AuthRefused("10.0.0.5", "no", remaining=3, locked_min=7)
    memory.note_refusal("AA", error)
    later = DeviceMemory(tmp_path, lambda: NOON)
    assert later.of("elsewhere", ME).refusal("AA") == RefusedBefore(NOON, 3, 7)
    assert later.of("10.0.0.5", ME).refusal("") is None, "a device that does not tell its MAC is known by its host"
    assert later.of("10.0.0.5", YOU).refusal("AA") is None
    later.of("10.0.0.5", ME).forget_refusal("AA")
    assert memory.refusal("AA") is None


def test_somebody_in_the_place_of_a_device_is_not_told_of_as_a_refusal(shelf: DeviceMemory, tmp_path: Path) -> None:
    shelf.of("10.0.0.5", ME).note_refusal("AA", AuthRefused("10.0.0.5", "no", impostor=True))
    before = DeviceMemory(tmp_path, lambda: NOON).of("10.0.0.5", ME).refusal("AA")
    assert before == RefusedBefore(NOON, impostor=True)
    said = refused_before(before)
    assert said.startswith("what answers here took a login on 2026-11-22 at ")
    assert "without knowing the password itself, so it may not be the device" in said
    assert "`tapo-automate discover`" in said
    assert "`tapo-automate login DEVICE`" in said


@pytest.mark.parametrize(
    ("passed", "batches"), [(dt.timedelta(0), False), (DOUBT - dt.timedelta(minutes=1), False), (DOUBT, True)]
)
def test_a_device_that_took_no_batches_is_tried_with_one_a_week_later(
    shelf: DeviceMemory, clock: Clock, passed: dt.timedelta, batches: bool
) -> None:
    shelf.of("10.0.0.5", ME).learn(Known("klap", batches=False))
    clock.at += passed
    assert shelf.of("10.0.0.5", ME).known() == Known("klap", batches=batches)


@pytest.mark.parametrize("text", ['{"AA": {"whose": "MARK", "at": "x"}}', '{"AA": {"whose": "MARK", "at": 1e300}}'])
def test_a_refusal_without_a_time_that_can_be_is_one_all_the_same(shelf: DeviceMemory, text: str) -> None:
    memory = shelf.of("10.0.0.5", ME)
    memory.note_refusal("AA", AuthRefused("10.0.0.5", "no"))
    (shelf.folder / "refusals.json").write_text(text.replace("MARK", shelf.vault().mark(ME)))
    assert memory.refusal("AA") == RefusedBefore()


def test_many_at_once_lose_nothing_of_one_file(tmp_path: Path, clock: Clock) -> None:
    def refuse(number: int) -> None:
        DeviceMemory(tmp_path, clock).of("x", ME).note_refusal(f"{number}", AuthRefused("x", "no"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(refuse, range(40)))
    memory = DeviceMemory(tmp_path, clock).of("x", ME)
    assert all(memory.refusal(f"{number}") for number in range(40))
    assert not [path for path in (tmp_path / "devices").iterdir() if path.suffix not in ("", ".json")]


def test_where_nothing_can_be_written_a_refusal_lasts_as_long_as_the_process(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "devices").write_text("in the way")
    shelf = DeviceMemory(tmp_path, clock)
    memory = shelf.of("10.0.0.5", ME)
    memory.note_refusal("", AuthRefused("10.0.0.5", "no", remaining=3))
    memory.learn(Known("klap"))
    memory.give_session(KEPT)
    assert memory.take_session() is None
    assert shelf.of("10.0.0.5", ME).refusal("") == RefusedBefore(NOON, 3)
    assert shelf.of("10.0.0.5", YOU).refusal("") is None
    assert len(caplog.messages) == 1
    memory.forget_refusal("")
    assert shelf.of("10.0.0.5", ME).refusal("") is None


def test_no_repr_tells_anything(shelf: DeviceMemory) -> None:
    assert "canary" not in repr(shelf.of("10.0.0.5", ME)) + repr(shelf)
