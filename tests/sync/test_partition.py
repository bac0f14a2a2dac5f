"""A device executes what ledger and rule agree on; all else is the daemon's."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.ledger import DeviceLedger, Ledger, save_ledger
from tapo_automate.sync.model import InDaemon, Recorded
from tapo_automate.sync.partition import LedgerWatch, astray, device_key, partition
from tapo_automate.sync.rows import digest, in_words, key_of

AT = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
RULES = """
schema = 1
[site]
timezone = "Europe/Berlin"
[devices.porch]
driver = "tapo-plug"
host = "192.168.1.31"
[devices.garden]
driver = "tapo-plug"
host = "192.168.1.32"
[rules.off]
devices = ["porch", "garden"]
when.time = { at = 23:30:00 }
set = { on = false }
[rules.seconds]
devices = ["porch"]
when.time = { at = 23:30:01 }
set = { on = true }
"""


def book_of(text: str = RULES) -> RuleBook:
    book = load_text(text).book
    assert book is not None
    return book


def recorded(book: RuleBook, rule_id: str, **changes: object) -> Recorded:
    compiled = row_of(book.rules[rule_id], book.site)
    assert not isinstance(compiled, InDaemon)
    row = compiled[0]
    key = key_of(book.rules[rule_id], row)
    said = Recorded("schedule", "S1", {rule_id: key}, digest(row), digest(row), in_words(row), AT)
    return replace(said, **changes)  # type: ignore[arg-type]


BOOK = book_of()
ROW = recorded(BOOK, "off")
ON_PORCH = Ledger({"porch": DeviceLedger(rows=(ROW,))})


def test_a_device_executes_what_was_written_for_the_rule_of_today() -> None:
    assert partition(BOOK, ON_PORCH) == {("off", "porch"): ROW}, "and the garden is the daemon's"
    assert partition(BOOK, Ledger()) == {}


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("another time", RULES.replace("23:30:00", "23:31:00")),
        ("another setting", RULES.replace("on = false", "on = true")),
        ("another device", RULES.replace('["porch", "garden"]', '["garden"]')),
        ("switched off", RULES.replace("[rules.off]", "[rules.off]\nenabled = false")),
        ("a condition that no device knows", RULES.replace("[rules.off]", "[rules.off]\njitter = '5m'")),
        ("gone", RULES.replace("[rules.off]", "[rules.other]")),
    ],
)
def test_a_rule_that_says_something_else_is_not_the_devices(what: str, text: str) -> None:
    assert partition(book_of(text), ON_PORCH) == {}, what


def test_a_rule_given_to_the_daemon_is_the_devices_until_its_row_is_taken_away() -> None:
    daemons = book_of(RULES.replace("[rules.off]", '[rules.off]\nexecutor = "daemon"'))
    assert partition(daemons, ON_PORCH) == {("off", "porch"): ROW}
    assert device_key(daemons.rules["off"], daemons.site) is None, "the next apply takes it away"
    assert partition(daemons, Ledger()) == {}


def test_only_one_key_is_for_a_device() -> None:
    assert device_key(BOOK.rules["off"], BOOK.site) == ROW.rules["off"]
    assert device_key(BOOK.rules["seconds"], BOOK.site) is None


@pytest.mark.parametrize("changes", [{"phase": "coming"}, {"phase": "leaving"}, {"ignored": "gone"}])
def test_a_row_that_may_be_there_is_the_devices(changes: dict[str, str]) -> None:
    row = recorded(BOOK, "off", **changes)
    assert partition(BOOK, Ledger({"porch": DeviceLedger(rows=(row,))})) == {("off", "porch"): row}


def test_of_two_rows_the_one_that_stays_is_named() -> None:
    old = recorded(BOOK, "off", phase="leaving")
    new = recorded(BOOK, "off", row_id="S2", phase="coming")
    for rows in ((old, new), (new, old)):
        assert partition(BOOK, Ledger({"porch": DeviceLedger(rows=rows)})) == {("off", "porch"): new}


@pytest.mark.parametrize(
    ("what", "text", "devices"),
    [
        ("as it was written", RULES, []),
        ("the daemon's, and not taken away yet", RULES.replace("[rules.off]", "[rules.off]\nexecutor = 'daemon'"), []),
        ("another time", RULES.replace("23:30:00", "23:31:00"), ["porch"]),
        ("another name", RULES.replace("[rules.off]", "[rules.other]"), ["porch"]),
        ("another device", RULES.replace('["porch", "garden"]', '["garden"]'), ["porch"]),
        ("switched off", RULES.replace("[rules.off]", "[rules.off]\nenabled = false"), ["porch"]),
    ],
)
def test_a_row_that_no_rule_accounts_for_makes_its_device_stray(what: str, text: str, devices: list[str]) -> None:
    assert astray(book_of(text), ON_PORCH) == frozenset(devices), what
    edited = Ledger({"porch": DeviceLedger(rows=(replace(ROW, ignored="gone"),))})
    assert astray(book_of(text), edited) == frozenset(), "a person was told that this row stays as they made it"


def test_the_watch_sees_what_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    watch = LedgerWatch(path)
    assert (watch.partition(BOOK), watch.problem) == ({}, "")
    save_ledger(path, ON_PORCH)
    first = watch.partition(BOOK)
    assert first == {("off", "porch"): ROW}
    assert watch.ledger == ON_PORCH
    assert watch.partition(BOOK) is first, "nothing is worked out twice"
    assert watch.astray(BOOK) == frozenset()
    later = book_of(RULES.replace("23:30:00", "23:31:00"))
    assert (watch.partition(later), watch.astray(later)) == ({}, {"porch"})
    save_ledger(path, Ledger())
    assert watch.partition(BOOK) == {}


def test_the_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    save_ledger(path, ON_PORCH)
    watch = LedgerWatch(path)
    before = watch.ledger
    marked = path.stat()
    text = path.read_text()
    path.write_text(text.replace("porch-off", "porch-xyz"))
    os.utime(path, ns=(marked.st_atime_ns, marked.st_mtime_ns))
    assert watch.ledger is before, "same time, size and inode: not looked into"
    os.utime(path, ns=(marked.st_atime_ns, marked.st_mtime_ns + 1))
    assert watch.ledger is not before


def test_a_damaged_ledger_leaves_the_last_good_one_in_force(tmp_path: Path) -> None:
    path = tmp_path / "rules.ledger.toml"
    save_ledger(path, ON_PORCH)
    watch = LedgerWatch(path)
    assert watch.partition(BOOK) == {("off", "porch"): ROW}
    path.write_text("schema = 2\n")
    assert watch.partition(BOOK) == {("off", "porch"): ROW}
    assert watch.problem == (
        f"{path}: written by a newer tapo-automate (schema = 2, this one knows 1): update tapo-automate; "
        "no device was touched"
    )
    path.unlink()
    assert watch.partition(BOOK) == {("off", "porch"): ROW}
    assert watch.problem == (
        f"{path}: the ledger is gone, and what it said last goes on; "
        "take it back from git, or rebuild it with `sync refresh`"
    )
    save_ledger(path, ON_PORCH)
    assert watch.problem == ""
