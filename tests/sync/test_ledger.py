"""The ledger says after every crash and every edit what it said before, or why it cannot be used."""

from __future__ import annotations

import datetime as dt
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.errors import LedgerUnusable, SyncUnderWay
from tapo_automate.rows import TABLES
from tapo_automate.sync.ledger import (
    DeviceLedger,
    Ledger,
    LedgerFile,
    default_ledger,
    hardware_digest,
    load_ledger,
    locked,
    save_ledger,
)
from tapo_automate.sync.ledgertext import LedgerTexts, ledger_text, read_ledger
from tapo_automate.sync.model import Recorded

AT = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
ROW = Recorded("schedule", "S1", {"porch-off": "0123456789abcdef"}, "a" * 16, "b" * 16, "weekdays at 23:30 → off", AT)
LEDGER = Ledger({"porch": DeviceLedger("c" * 16, (ROW,))})
REBUILD = "rebuild it with `sync refresh`, which touches no device, or take an older one from git"

digests = st.text("0123456789abcdef", min_size=16, max_size=16)
names = st.text(min_size=1, max_size=12)
instants = st.integers(946684800, 4102444800).map(lambda at_s: dt.datetime.fromtimestamp(at_s, dt.UTC))
rows = st.builds(
    Recorded,
    st.sampled_from(TABLES),
    st.text(max_size=5),
    st.dictionaries(names, digests, max_size=3),
    digests,
    digests | st.just(""),
    st.text(max_size=60),
    instants,
    st.sampled_from(["", "coming", "leaving"]),
    digests | st.sampled_from(["", "gone"]),
    st.none() | instants,
)
devices = st.builds(
    DeviceLedger,
    digests | st.just(""),
    st.lists(rows, max_size=5, unique_by=lambda row: (row.table, row.row_id)).map(tuple),
)
ledgers = st.dictionaries(names, devices, max_size=4).map(Ledger)


def test_a_ledger_stands_in_its_file_like_this() -> None:
    assert ledger_text(LEDGER) == textwrap.dedent(
        """\
        # What `tapo-automate sync` has written into the devices' own tables: the only proof of which rows are ours.
        # Keep this file in git beside the rules, and leave it to the tool; `tapo-automate sync refresh` rebuilds it.

        schema = 1

        [devices.porch]
        hardware = "cccccccccccccccc"

        [[devices.porch.rows]]
        table = "schedule"
        id = "S1"
        text = "weekdays at 23:30 → off"
        wrote = "aaaaaaaaaaaaaaaa"
        shown = "bbbbbbbbbbbbbbbb"
        at = 2026-11-22 13:00:00+00:00

        [devices.porch.rows.rules]
        porch-off = "0123456789abcdef"
        """
    )


@given(ledgers)
def test_every_ledger_comes_back_from_its_text(ledger: Ledger) -> None:
    assert read_ledger(ledger_text(ledger), "x") == ledger


@given(ledgers, st.randoms(use_true_random=False))
def test_the_text_does_not_depend_on_the_order_of_anything(ledger: Ledger, random: object) -> None:
    shuffled = {}
    for name in reversed(list(ledger.devices)):
        device = ledger.devices[name]
        turned = tuple(replace(row, rules=dict(reversed(row.rules.items()))) for row in reversed(device.rows))
        shuffled[name] = DeviceLedger(device.hardware, turned)
    assert ledger_text(Ledger(shuffled)) == ledger_text(ledger)


@given(st.lists(st.tuples(names, devices), max_size=8))
def test_what_is_kept_of_a_text_changes_nothing_in_it(changes: list[tuple[str, DeviceLedger]]) -> None:
    texts, ledger = LedgerTexts(), Ledger()
    for name, device in changes:
        ledger = ledger.replaced(name, device)
        assert texts.of(ledger) == ledger_text(ledger)
        assert read_ledger(texts.of(ledger), "it") == ledger


def test_one_more_row_adds_lines_and_changes_none() -> None:
    more = LEDGER.replaced(
        "porch", DeviceLedger("c" * 16, (replace(ROW, row_id="S10"), ROW, replace(ROW, row_id="S2")))
    )
    lines = iter(ledger_text(more).splitlines())
    assert all(line in lines for line in ledger_text(LEDGER).splitlines()), "lines of before, in their order"
    assert [row.row_id for row in more.of("porch").rows] == ["S1", "S2", "S10"]


def test_a_device_of_which_nothing_is_known_leaves_the_ledger() -> None:
    assert LEDGER.replaced("porch", DeviceLedger()) == Ledger()
    assert LEDGER.of("attic") == DeviceLedger()


def test_the_hardware_is_kept_as_a_digest() -> None:
    digest = hardware_digest("48-22-54-AA-BB-CC")
    assert (len(digest), hardware_digest("")) == (16, "")
    assert digest == hardware_digest("48-22-54-AA-BB-CC") != hardware_digest("48-22-54-AA-BB-CD")
    assert set(digest) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "schema = 2\n[future]\nx = 1\n",
            "written by a newer tapo-automate (schema = 2, this one knows 1): update tapo-automate; "
            "no device was touched",
        ),
        ("", f"damaged, it does not begin with schema = 1: {REBUILD}"),
        ("schema = true\n", f"damaged, it does not begin with schema = 1: {REBUILD}"),
        ("schema = '1'\n", f"damaged, it does not begin with schema = 1: {REBUILD}"),
        (
            "schema = 1\n[devices",
            "damaged, it is not TOML any more (Expected ']' at the end of a table declaration "
            f"(at end of document)): {REBUILD}",
        ),
        (
            "<<<<<<< HEAD\nschema = 1\n=======\n>>>>>>> other\n",
            f"it holds a merge that was not finished: choose a side, then {REBUILD}",
        ),
        (
            "schema = 1\n[devices.porch]\ncolour = 'red'\n",
            "devices.porch.colour is nothing that this version knows: update tapo-automate if a newer one wrote it, "
            "or take it out if a person did",
        ),
        (
            "schema = 1\n[devices.porch]\nhardware = 'zz'\n",
            f"damaged at devices.porch.hardware (string should match pattern '^([0-9a-f]{{16}})?$'): {REBUILD}",
        ),
        ("schema = 1\ndevices = 5\n", f"damaged at devices (input should be a valid dictionary): {REBUILD}"),
    ],
)
def test_a_ledger_that_cannot_be_used_says_why_and_what_to_do(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "rules.ledger.toml"
    path.write_text(text)
    with pytest.raises(LedgerUnusable) as caught:
        load_ledger(path)
    assert str(caught.value) == f"{path}: {problem}"
    assert path.read_text() == text


def test_a_row_that_is_there_twice_or_lacks_something_is_damage() -> None:
    twice = ledger_text(Ledger({"porch": DeviceLedger(rows=(ROW, replace(ROW, text="other")))}))
    with pytest.raises(LedgerUnusable, match=r"^x: damaged, porch has the schedule row S1 twice: rebuild it"):
        read_ledger(twice, "x")
    lacking = ledger_text(LEDGER).replace('wrote = "aaaaaaaaaaaaaaaa"\n', "")
    with pytest.raises(LedgerUnusable, match=r"^x: damaged at devices\.porch\.rows\[0\]\.wrote \(field required\): "):
        read_ledger(lacking, "x")


def test_what_is_not_text_or_not_a_file_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LedgerUnusable) as caught:
        load_ledger(path)
    assert str(caught.value) == f"{path}: damaged, it is not UTF-8: {REBUILD}"
    with pytest.raises(LedgerUnusable, match="it cannot be read: Is a directory"):
        load_ledger(tmp_path)


def test_no_file_is_an_empty_ledger(tmp_path: Path) -> None:
    assert load_ledger(tmp_path / "none.toml") == Ledger()


def test_saving_gives_a_file_for_all_to_read_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    (tmp_path / ".rules.ledger.toml.dead.tmp").write_text("of a writer that was killed")
    save_ledger(path, LEDGER)
    assert load_ledger(path) == LEDGER
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["rules.ledger.toml"]


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    save_ledger(path, LEDGER)
    before = path.stat()
    save_ledger(path, LEDGER)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_to_the_ledger_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    path = tmp_path / "rules.ledger.toml"
    path.symlink_to("shared/real.toml")
    save_ledger(path, LEDGER)
    assert path.is_symlink()
    assert load_ledger(tmp_path / "shared/real.toml") == LEDGER


@pytest.mark.parametrize(("locked_part", "what"), [("file", "it is"), ("folder", "its folder is")])
def test_a_read_only_ledger_is_respected_before_anything_is_written(
    tmp_path: Path, locked_part: str, what: str
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    path = folder / "rules.ledger.toml"
    save_ledger(path, LEDGER)
    ledger = LedgerFile(path)
    ledger.check_writable()
    part = path if locked_part == "file" else folder
    part.chmod(0o555 if part is folder else 0o444)
    try:
        for attempt in (ledger.check_writable, lambda: ledger.replace("porch", DeviceLedger())):
            with pytest.raises(LedgerUnusable) as caught:
                attempt()
            assert str(caught.value) == (
                f"{path}: {what} read-only, and what is written to devices has to be recorded: make it writable"
            )
    finally:
        part.chmod(0o755)
    assert ledger.ledger == load_ledger(path) == LEDGER


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "rules.ledger.toml"
    with pytest.raises(LedgerUnusable, match="it cannot be written: No such file or directory"):
        LedgerFile(path).check_writable()
    with pytest.raises(LedgerUnusable, match="its folder cannot be opened: No such file or directory"), locked(path):
        pass


def test_a_ledger_file_writes_every_change(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    ledger = LedgerFile(path)
    ledger.replace("porch", LEDGER.of("porch"))
    assert ledger.ledger == load_ledger(path) == LEDGER
    ledger.check_writable()
    assert os.listdir(tmp_path) == ["rules.ledger.toml"]


@pytest.mark.parametrize(
    ("rules", "ledger"),
    [
        (["rules.toml"], "rules.ledger.toml"),
        (["sub/home.rules.toml", "rules.toml"], "sub/home.rules.ledger.toml"),
        (["rules"], "rules.ledger.toml"),
        (["folder", "rules.toml"], "folder/tapo-automate.ledger.toml"),
    ],
)
def test_the_ledger_lies_beside_the_first_rules(tmp_path: Path, rules: list[str], ledger: str) -> None:
    (tmp_path / "folder").mkdir()
    assert default_ledger([str(tmp_path / name) for name in rules]) == tmp_path / ledger


HOLD = """
import sys, pathlib
from tapo_automate.sync.ledger import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_sync_with_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SyncUnderWay) as caught, locked(path):
            pass
        assert str(caught.value) == f"another sync is at work with {path}: wait for it to end, then try again"
        other.kill()
    with locked(path):
        assert os.listdir(tmp_path) == []


KILL = """
import os, signal, sys, pathlib
from tapo_automate.sync import ledger
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
path = pathlib.Path(sys.argv[1])
ledger.save_ledger(path, ledger.load_ledger(path).replaced("porch", ledger.DeviceLedger("d" * 16)))
"""


def test_a_writer_killed_before_the_rename_leaves_the_old_ledger(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    save_ledger(path, LEDGER)
    killed = subprocess.run([sys.executable, "-c", KILL, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 2, "it died with its work beside the ledger"
    assert load_ledger(path) == LEDGER
    save_ledger(path, LEDGER.replaced("porch", DeviceLedger("e" * 16)))
    assert load_ledger(path).of("porch").hardware == "e" * 16
    assert os.listdir(tmp_path) == ["rules.ledger.toml"]


def test_what_a_thread_has_recorded_is_in_the_file_before_it_goes_on(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "rules.ledger.toml")

    def work(name: str) -> list[bool]:
        said = []
        for number in range(1, 13):
            device = DeviceLedger(f"{number:016x}")
            file.replace(name, device)
            said.append(load_ledger(file.path).of(name) == file.ledger.of(name) == device)
        return said

    with ThreadPoolExecutor(16) as pool:
        found = [each for said in pool.map(work, [f"d{number}" for number in range(16)]) for each in said]
    assert found == [True] * 16 * 12


def test_changes_that_wait_for_a_writing_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred devices with thirty rows each would wait for twelve thousand writings of the whole file."""
    file = LedgerFile(tmp_path / "rules.ledger.toml")
    begun, go_on = threading.Event(), threading.Event()
    renames = []

    def slowly(old: str, new: Path) -> None:
        renames.append(old)
        begun.set()
        assert go_on.wait(30)
        os.rename(old, new)

    monkeypatch.setattr(os, "replace", slowly)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(file.replace, "first", DeviceLedger("0" * 16))
        assert begun.wait(30)
        others = [pool.submit(file.replace, f"d{number}", DeviceLedger(f"{number:016x}")) for number in range(1, 9)]
        deadline = time.monotonic() + 30
        while file._changes < 9 and time.monotonic() < deadline:  # until all of them wait
            time.sleep(0.01)
        go_on.set()
        for each in (first, *others):
            each.result(30)
    assert len(renames) == 2
    assert len(load_ledger(file.path).devices) == 9


def test_a_change_that_could_not_be_written_does_not_come_with_the_next(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "rules.ledger.toml")
    file.replace("porch", LEDGER.of("porch"))
    file.path.chmod(0o444)
    with pytest.raises(LedgerUnusable, match="read-only"):
        file.replace("porch", DeviceLedger("e" * 16))
    assert file.ledger == load_ledger(file.path) == LEDGER
    file.path.chmod(0o644)
    file.replace("rail", DeviceLedger("f" * 16))
    assert file.ledger == load_ledger(file.path) == LEDGER.replaced("rail", DeviceLedger("f" * 16))


def test_looking_whether_it_can_be_written_does_not_meet_with_another_threads_writing(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path / "rules.ledger.toml")

    def work(name: str) -> None:
        for number in range(12):
            file.check_writable()
            file.replace(name, DeviceLedger(f"{number:016x}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [f"d{number}" for number in range(8)]))
    assert len(load_ledger(file.path).devices) == 8
