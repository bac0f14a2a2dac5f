"""A disk that refuses costs no firing and raises nothing: it is said, and made up for."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from journal.words import NOON, after, change, entry
from tapo_automate.journal import database, waiting, writer
from tapo_automate.journal.entry import Run
from tapo_automate.journal.store import Journal

_CHILD = (sys.executable, "-m", "journal.children")
_TESTS = Path(__file__).parent.parent
_IN_MEMORY = "meanwhile the newest records are kept in memory"


def lines_of(*words: str) -> list[dict[str, Any]]:
    """Run a child and return what it said."""
    done = subprocess.run(
        words,
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_small_filesystem(folder: Path, *words: str, kib: int = 600) -> list[dict[str, Any]]:
    """Run a child with a file system of that size at `folder`, which nobody else sees."""
    own_mounts = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    mount = f"mount -t tmpfs -o size={kib}k none '{folder}'"
    if shutil.which("unshare") is None or subprocess.run([*own_mounts, mount], capture_output=True).returncode:
        pytest.skip("this system lets users mount nothing")
    return lines_of(*own_mounts, f'{mount} && exec "$@"', "sh", *words)


@pytest.mark.parametrize("name", ["full_disk", "used_up_quota"])
def test_while_the_disk_refuses_records_wait_and_can_be_read(tmp_path: Path, name: str) -> None:
    words = (*_CHILD, name, str(tmp_path))
    well, refused, well_again, reopened = (
        in_small_filesystem(tmp_path, *words) if name == "full_disk" else lines_of(*words)
    )
    assert well == {"flushed": True, "problem": "", "seen": [1, 0, 0]}
    count = refused["count"]
    what = {
        "full_disk": "the disk is full; make room on it",
        "used_up_quota": "the disk reports an error (disk I/O error); a quota may be used up, or the disk may be "
        "failing",
    }[name]
    problem = f"{tmp_path}/journal.sqlite: {what}; {_IN_MEMORY}"
    everything = [count + 1, count, count]
    assert refused == {"flushed": False, "problem": problem, "seen": everything, "count": count}
    assert well_again == {"flushed": True, "problem": "", "seen": everything, "warnings": []}
    assert reopened["seen"] == everything
    assert reopened["told"][:2] == [problem, ""]


def test_a_journal_begins_when_there_is_room_for_it(tmp_path: Path) -> None:
    refused, well = in_small_filesystem(tmp_path, *_CHILD, "full_from_the_start", str(tmp_path))
    problem = f"{tmp_path}/journal.sqlite: the disk is full; make room on it; {_IN_MEMORY}"
    assert refused == {"flushed": False, "problem": problem, "seen": [1, 0, 1]}
    assert well["flushed"]
    assert (well["problem"], well["seen"]) == ("", [1, 0, 1])


def test_a_damaged_journal_waits_for_room_to_be_carried_over(tmp_path: Path) -> None:
    refused, well = in_small_filesystem(tmp_path, *_CHILD, "full_and_damaged", str(tmp_path), kib=3000)
    assert not refused["flushed"]
    assert refused["problem"] == f"{tmp_path}/journal.sqlite: the disk is full; make room on it; {_IN_MEMORY}"
    assert not any("damaged" in name for name in refused["files"]), "moved back, for nothing could take its place"
    assert (well["flushed"], well["problem"]) == (True, "")
    entries, changes, remembered = well["seen"]
    assert 250 < entries <= 301
    assert 250 < changes <= 300
    assert remembered in (0, 300)
    (warning,) = well["warnings"]
    assert "and a new one was begun; all that could be read is in it, " in warning


@pytest.mark.parametrize("begun", [False, True])
def test_in_a_folder_that_is_read_only_it_works_in_memory(tmp_path: Path, begun: bool) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    if begun:
        with Journal.open(folder) as journal:
            journal.begin(after(-100))
            journal.record([entry(1)], memory={("count", "n"): 1})
    folder.chmod(0o500)
    powerless: tuple[str, ...] = ()
    if os.geteuid() == 0:  # in a name space of its own, root's powers over files are gone
        powerless = ("unshare", "--user")
        if subprocess.run([*powerless, "touch", folder / "probe"], capture_output=True).returncode != 1:
            pytest.skip("this system lets nobody lay down root's powers")
    refused, well, told = lines_of(*powerless, *_CHILD, "read_only", str(folder))
    problem = (
        f"{folder}/journal.sqlite: it cannot be opened or written; see to it that the file and its folder belong to "
        f"this user; {_IN_MEMORY}"
    )
    entries = 2 if begun else 1
    assert refused == {"flushed": False, "problem": problem, "seen": [entries, 0, 2], "last_run": begun}
    assert well == {"flushed": True, "problem": "", "seen": [entries, 0, 2], "warnings": []}
    assert told == {"told": [problem, ""]}
    with Journal.open(folder) as journal:
        assert [each.due for each in journal.pending()] == [after(2)]


def test_a_lock_that_another_program_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.05)
    told: list[str] = []
    with Journal.open(tmp_path, on_problem=told.append) as journal:
        other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        journal.record([entry(1)])
        assert not journal.flush(30)
        problem = f"{tmp_path}/journal.sqlite: another program keeps it locked; end that program; {_IN_MEMORY}"
        assert journal.problem == problem
        assert journal.entries() == [entry(1)]
        other.execute("ROLLBACK")
        other.close()
        assert journal.flush(30)
        assert (journal.problem, journal.entries()) == ("", [entry(1)])
    assert told == [problem, ""]


def test_it_is_tried_again_without_being_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(writer, "RETRY_S", 0.05)
    with Journal.open(tmp_path) as journal:
        other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        journal.record([entry(1)])
        assert not journal.flush(30)
        other.execute("ROLLBACK")
        deadline = time.monotonic() + 60
        while other.execute("SELECT count(*) FROM entries").fetchone() != (1,):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        other.close()


def test_of_what_waits_the_oldest_is_lost_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(waiting, "MOST_RECORDS", 30)
    with Journal.open(tmp_path) as journal:
        other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(50):
            journal.record(
                [entry(number)], [change(number)], {("count", "n"): number, ("first", str(number % 2)): number}
            )
            if number == 0:
                assert not journal.flush(30)
        assert not journal.flush(30)
        assert "another program keeps it locked" in journal.problem
        lost = int(journal.problem.split("; ")[-1].split(" ")[0])
        assert journal.problem.endswith(f"; {_IN_MEMORY}; {lost} records are lost already")
        other.close()
        assert journal.flush(30)
        kept = [each.due for each in journal.entries(newest_first=False)]
        assert kept == [after(number) for number in range(50 - len(kept), 50)]
        assert len(journal.changes()) == len(kept)
        assert lost == 2 * (50 - len(kept))
        assert 5 <= len(kept) <= 10
        assert journal.memory("count") == {"n": 49}
        assert journal.memory("first") == {"0": 48, "1": 49}
        assert journal.warnings == (
            f"{tmp_path}/journal.sqlite: {lost} records are lost: there was no room for them while it could not be "
            "written",
        )


def test_closing_does_not_wait_for_a_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.05)
    journal = Journal.open(tmp_path)
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.record([entry(1)])
    journal.close()
    other.close()
    with Journal.open(tmp_path) as again:
        assert again.entries() == []


def test_a_journal_that_is_removed_while_it_is_used_is_begun_anew(tmp_path: Path) -> None:
    warned: list[str] = []
    with Journal.open(tmp_path, on_warning=warned.append) as journal:
        journal.begin(NOON)
        journal.record([entry(1)])
        assert journal.flush(30)
        for path in tmp_path.iterdir():
            path.unlink()
        journal.record([entry(2)])
        journal.alive(after(5))
        assert journal.flush(30)
        assert (journal.entries(), journal.runs(), journal.problem) == ([entry(2)], [Run(NOON, after(5))], "")
    assert warned == [
        f"{tmp_path}/journal.sqlite: it was removed or replaced; a new journal was begun where there is none"
    ]


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "state") as journal:
        journal.record([entry(1)])
        assert journal.flush(30)
        shutil.rmtree(tmp_path / "state")
        journal.record([entry(2)])
        assert journal.flush(30)
        assert journal.entries() == [entry(2)]


def test_what_an_observer_raises_does_not_end_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.05)

    def broken(text: str) -> None:
        raise RuntimeError(text)

    with Journal.open(tmp_path, on_problem=broken, on_warning=broken) as journal:
        other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        journal.record([entry(1)])
        assert not journal.flush(30)
        other.close()
        assert journal.flush(30)
        assert journal.entries() == [entry(1)]
