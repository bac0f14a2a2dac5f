"""A damaged journal is moved aside and begun anew with what can be read of it; it stops nobody."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from journal.words import NOON, after, change, entry
from tapo_automate.journal import rescue, salvage
from tapo_automate.journal.entry import Run
from tapo_automate.journal.store import Journal

_COUNT = 2000
_PAGE = 4096


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal of some size, as its file has it."""
    folder = tmp_path_factory.mktemp("sound")
    with Journal.open(folder) as journal:
        journal.begin(NOON)
        for number in range(_COUNT):
            result = "pending" if number % 100 == 0 else "done"
            journal.record([entry(number, result)], [change(number)], {("count", "n"): number})
        assert journal.flush(60)
    return (folder / "journal.sqlite").read_bytes()


def page_overwritten(data: bytes, number: int, new: bytes) -> bytes:
    """Return the data with page `number`, from 1, replaced."""
    at = (number - 1) * _PAGE
    return data[:at] + new + data[at + _PAGE :]


def pages_of(data: bytes, table: str, folder: Path) -> list[int]:
    """Return the numbers of the leaf pages of a table, by what the file itself says of its structure."""
    copy = folder / "copy.sqlite"
    copy.write_bytes(data)
    with closing(sqlite3.connect(copy)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    copy.unlink()
    root_page = data[(root - 1) * _PAGE : root * _PAGE]
    assert root_page[0] == 5, "an interior page of a table"
    cells = int.from_bytes(root_page[3:5], "big")
    places = [int.from_bytes(root_page[12 + 2 * n : 14 + 2 * n], "big") for n in range(cells)]
    return [int.from_bytes(root_page[place : place + 4], "big") for place in places]


_GARBAGE = random.Random(5).randbytes(_PAGE)
_WHOLLY: dict[str, Callable[[bytes], bytes]] = {
    "no database": lambda data: b"Dear diary, " * 2000,
    "the first page overwritten": lambda data: page_overwritten(data, 1, _GARBAGE),
    "cut after the first page": lambda data: data[:_PAGE],
    "cut within the first page": lambda data: data[:600],
    "all pages but the first zeroed": lambda data: data[:_PAGE] + bytes(len(data) - _PAGE),
}


@pytest.mark.parametrize("case", _WHOLLY)
def test_a_journal_that_cannot_be_read_at_all(tmp_path: Path, sound: bytes, case: str) -> None:
    damage = _WHOLLY[case]
    path = tmp_path / "journal.sqlite"
    path.write_bytes(damage(sound))
    os.utime(path, (1.8e9, 1.8e9))
    warned: list[str] = []
    with Journal.open(tmp_path, on_warning=warned.append) as journal:
        assert journal.begin(after(9000)) is None
        assert journal.entries() == []
        journal.record([entry(9001)])
        assert journal.flush(30)
        assert (journal.entries(), journal.problem) == ([entry(9001)], "")
        (warning,) = journal.warnings
    assert warning.startswith(f"{path}: it was damaged (")
    assert warning.endswith(
        "; it is now journal.sqlite.damaged-20270115T080000Z, and a new one was begun; all that could be read is in "
        "it, 0 rows"
    )
    assert warned == [warning]
    aside = tmp_path / "journal.sqlite.damaged-20270115T080000Z"
    assert aside.read_bytes() == damage(sound)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite" / "inside").mkdir(parents=True)
    os.utime(tmp_path / "journal.sqlite", (1.8e9, 1.8e9))
    with Journal.open(tmp_path) as journal:
        journal.record([entry(1)])
        assert journal.flush(30)
        assert journal.entries() == [entry(1)]
        assert journal.warnings == (
            f"{tmp_path}/journal.sqlite: it was damaged (it is a folder); it is now "
            "journal.sqlite.damaged-20270115T080000Z, and a new one was begun; all that could be read is in it, 0 rows",
        )
    assert (tmp_path / "journal.sqlite.damaged-20270115T080000Z" / "inside").is_dir()


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    with Journal.open(tmp_path) as journal:
        journal.record([entry(1)])
        assert journal.flush(30)
        assert journal.entries() == [entry(1)]
        assert journal.warnings == (f"{tmp_path}/journal.sqlite: it was empty; a new journal was begun",)


def test_two_damaged_journals_of_one_second_are_both_kept(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        (tmp_path / "journal.sqlite").write_bytes(text * 1000)
        os.utime(tmp_path / "journal.sqlite", (1.8e9, 1.8e9))
        Journal.open(tmp_path).close()
    aside = tmp_path / "journal.sqlite.damaged-20270115T080000Z"
    assert aside.read_bytes() == b"one" * 1000
    assert aside.with_name(f"{aside.name}-2").read_bytes() == b"two" * 1000


@pytest.mark.parametrize("which", ["first", "middle", "last", "two", "every second"])
def test_rows_on_sound_pages_are_carried_over(tmp_path: Path, sound: bytes, which: str) -> None:
    leaves = pages_of(sound, "entries", tmp_path)
    assert len(leaves) > 50
    middle = len(leaves) // 2
    bad = {
        "first": leaves[:1],
        "middle": leaves[middle : middle + 1],
        "last": leaves[-1:],
        "two": [leaves[3], leaves[middle]],
        "every second": leaves[::2],
    }[which]
    for number in bad:
        sound = page_overwritten(sound, number, _GARBAGE)
    (tmp_path / "journal.sqlite").write_bytes(sound)
    with Journal.open(tmp_path) as journal:
        found = journal.entries()
        assert len(journal.warnings) == 1
        lost = _COUNT - len(found)
        rows_to_a_page = _COUNT / len(leaves)
        assert 0.5 * rows_to_a_page * len(bad) <= lost <= 2 * rows_to_a_page * len(bad)
        expected = {number: entry(number, "pending" if number % 100 == 0 else "done") for number in range(_COUNT)}
        assert all(expected[int((each.due - NOON).total_seconds())] == each for each in found)
        assert len(journal.changes()) == _COUNT
        assert journal.memory("count") == {"n": _COUNT - 1}
        assert journal.runs() == [Run(NOON, NOON)]
        assert journal.warnings[0].endswith(f"; all that could be read is in it, {len(found) + _COUNT + 2:,} rows")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_comes_before_a_lost_end_is_carried_over(tmp_path: Path, sound: bytes, share: float) -> None:
    left = int(len(sound) * share) // _PAGE
    kept = sum(number <= left for number in pages_of(sound, "entries", tmp_path))
    rows_to_a_page = _COUNT / len(pages_of(sound, "entries", tmp_path))
    (tmp_path / "journal.sqlite").write_bytes(sound[: left * _PAGE + 100])
    with Journal.open(tmp_path) as journal:
        assert 0.8 * kept * rows_to_a_page <= len(journal.entries()) <= 1.2 * kept * rows_to_a_page
        assert len(journal.entries()) > 0
        assert len(journal.warnings) == 1


def test_one_damaged_id_hides_only_its_row(tmp_path: Path, sound: bytes) -> None:
    leaves = pages_of(sound, "entries", tmp_path)
    at = (leaves[len(leaves) // 2] - 1) * _PAGE
    cell = at + int.from_bytes(sound[at + 8 : at + 10], "big")  # the first of the page
    assert sound[cell + 2] & 0x80, "length and id take two bytes each"
    low_id = sound[: cell + 2] + b"\x80" + sound[cell + 3 :]
    (tmp_path / "journal.sqlite").write_bytes(page_overwritten(low_id, leaves[3], _GARBAGE))
    with Journal.open(tmp_path) as journal:
        found = len(journal.entries())
        rows_to_a_page = _COUNT / len(leaves)
        assert _COUNT - 2 * rows_to_a_page < found < _COUNT - rows_to_a_page / 2
        assert len(journal.warnings) == 1


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def damaged(folder: Path, sound: bytes) -> int:
    """Write a journal with two damaged pages; return how many of its entries cannot be read, at the least."""
    leaves = pages_of(sound, "entries", folder)
    for number in (leaves[5], leaves[len(leaves) // 2]):
        sound = page_overwritten(sound, number, _GARBAGE)
    (folder / "journal.sqlite").write_bytes(sound)
    return _COUNT // len(leaves)


def test_of_a_large_journal_the_newest_is_there_at_once_and_the_rest_follows(
    tmp_path: Path, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = damaged(tmp_path, sound)
    monkeypatch.setattr(rescue, "_MOST_AT_FIRST", 300)
    monkeypatch.setattr(salvage, "_CHUNK", 50)
    with Journal.open(tmp_path) as journal:
        assert journal.begin(after(8000)) == Run(NOON, NOON)
        assert len(journal.pending()) >= 18, "none of them is old enough to wait"
        assert [each.due for each in journal.entries(limit=300)] == [
            after(_COUNT - 1 - number) for number in range(300)
        ]
        assert journal.memory("count") == {"n": _COUNT - 1}
        journal.record([entry(9000)], memory={("count", "n"): 9000})
        until(lambda: len(journal.warnings) == 2)
        first, second = journal.warnings
        assert "; the newest " in first
        assert first.endswith(" rows are in it, and the rest follows")
        assert "journal.sqlite: the rest that could be read of journal.sqlite.damaged-" in second
        assert _COUNT - 4 * lost < len(journal.entries()) - 1 < _COUNT - lost
        assert len(journal.changes()) == _COUNT
        assert journal.memory("count") == {"n": 9000}
        assert journal.memory("journal") == {}
        assert journal.runs() == [Run(NOON, NOON), Run(after(8000), after(8000))]


def test_what_was_not_carried_over_when_the_daemon_was_stopped_follows_later(
    tmp_path: Path, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = damaged(tmp_path, sound)
    monkeypatch.setattr(rescue, "_MOST_AT_FIRST", 100)

    def never_ending(source: Path, target: sqlite3.Connection) -> Iterator[int]:
        yield from islice(salvage.carrying_over(source, target), 1)
        while True:
            time.sleep(0.01)
            yield 0

    with monkeypatch.context() as patched:
        patched.setattr(rescue, "carrying_over", never_ending)
        for start in range(3):
            with Journal.open(tmp_path) as journal:
                journal.record([entry(9000 + start)])
        with Journal.open(tmp_path) as journal:
            assert 100 < len(journal.entries()) < _COUNT / 2
    with Journal.open(tmp_path) as journal:
        until(lambda: len(journal.warnings) == 1)
        assert "the rest that could be read of journal.sqlite.damaged-" in journal.warnings[0]
        assert [each.due for each in journal.entries(limit=4)] == [after(9002), after(9001), after(9000), after(1999)]
        assert _COUNT - 4 * lost < len(journal.entries()) - 3 < _COUNT - lost
        assert len(journal.changes()) == _COUNT
    with Journal.open(tmp_path) as journal:
        assert journal.warnings == ()


def test_a_disk_that_damages_every_journal_is_not_filled_with_them(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"journal.sqlite.damaged-{number}").touch()
    (tmp_path / "journal.sqlite").write_bytes(b"Dear diary, " * 1000)
    with Journal.open(tmp_path) as journal:
        journal.record([entry(1)])
        assert not journal.flush(30)
        assert journal.problem == (
            f"{tmp_path}/journal.sqlite: it is damaged (file is not a database, as 20 others beside it are; see to the "
            "disk, then delete them); meanwhile the newest records are kept in memory"
        )
        assert journal.entries() == [entry(1)]
        (tmp_path / "journal.sqlite.damaged-7").unlink()
        assert journal.flush(30)
        assert (journal.problem, journal.entries()) == ("", [entry(1)])


def test_damage_that_is_met_while_reading_is_mended_and_read_again(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(sound)
    leaves = pages_of(sound, "entries", tmp_path)
    with Journal.open(tmp_path) as journal:
        with path.open("r+b") as file:
            file.seek((leaves[10] - 1) * _PAGE)
            file.write(_GARBAGE)
        assert journal.warnings == ()
        assert _COUNT - 60 < len(journal.entries()) < _COUNT
        assert len(journal.warnings) == 1
        assert journal.problem == ""
        journal.record([entry(9000)])
        assert journal.flush(30)
        assert journal.entries(limit=1) == [entry(9000)]


def test_damage_that_is_met_while_writing_is_mended_and_nothing_new_is_lost(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(sound)
    with Journal.open(tmp_path) as journal:
        with path.open("r+b") as file:
            file.seek(_PAGE)
            file.write(bytes(len(sound) - _PAGE))
        for number in range(50):
            journal.record([entry(9000 + number)], memory={("count", "m"): number})
        assert journal.flush(30)
        assert len(journal.warnings) == 1
        assert journal.problem == ""
        assert [each.due for each in journal.entries(newest_first=False)] == [after(9000 + n) for n in range(50)]
        assert journal.memory("count") == {"m": 49}


def _zeroed(chance: random.Random, data: bytes, number: int) -> bytes:
    return bytes(_PAGE)


def _random(chance: random.Random, data: bytes, number: int) -> bytes:
    return chance.randbytes(_PAGE)


def _another_page(chance: random.Random, data: bytes, number: int) -> bytes:
    at = chance.randrange(len(data) // _PAGE) * _PAGE
    return data[at : at + _PAGE]


def _with_bits_flipped(chance: random.Random, data: bytes, number: int) -> bytes:
    page = bytearray(data[(number - 1) * _PAGE : number * _PAGE])
    for _ in range(20):
        page[chance.randrange(_PAGE)] ^= 1 << chance.randrange(8)
    return bytes(page)


@pytest.mark.parametrize("new", [_zeroed, _random, _another_page, _with_bits_flipped])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_to_its_pages_the_journal_can_be_used(
    tmp_path: Path, sound: bytes, new: Callable[[random.Random, bytes, int], bytes], seed: int
) -> None:
    chance = random.Random(seed)
    data = sound
    for _ in range(chance.choice([1, 3, 30])):
        number = chance.randrange(2, len(sound) // _PAGE + 1)
        data = page_overwritten(data, number, new(chance, sound, number))
    if chance.random() < 0.3:
        data = data[: chance.randrange(_PAGE, len(data))]
    (tmp_path / "journal.sqlite").write_bytes(data)
    with Journal.open(tmp_path) as journal:
        journal.begin(after(8000))
        journal.pending()
        journal.memory("count")
        journal.results_since(NOON)
        journal.changes("porch")
        journal.entries(device="porch", limit=10)
        journal.record([entry(9000, rule="new")], [change(9000, device="new")], {("new", "n"): 1})
        journal.alive(after(9001))
        assert journal.flush(60)
        assert journal.problem == ""
        assert journal.results_since(after(9000)).get(("new", "porch", after(9000))) == "done"
        assert [each.at for each in journal.changes("new")] == [after(9000)]
        assert journal.memory("new") == {"n": 1}
        assert journal.runs()[-1].alive == after(9001)
