"""What is recorded is kept: whole, in order, over restarts, and by nobody else to be read."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.words import NOON, after, change, entry
from tapo_automate.errors import ConfigError
from tapo_automate.journal.calls import recording
from tapo_automate.journal.database import open_in_memory
from tapo_automate.journal.entry import Change, Entry, Result, Run
from tapo_automate.journal.reading import Reader
from tapo_automate.journal.store import Journal
from tapo_automate.rules.model import Role


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path) as opened:
        yield opened


def test_a_new_journal_is_empty_and_well(journal: Journal) -> None:
    assert journal.begin(NOON) is None
    assert (journal.entries(), journal.pending(), journal.changes(), journal.results_since(NOON)) == ([], [], [], {})
    assert journal.memory("anything") == {}
    assert (journal.problem, journal.warnings) == ("", ())


def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as first:
        first.record([entry(1), entry(2, "pending")], [change(1)], {("latch", "washer"): {"armed": True, "w": 5.5}})
    with Journal.open(tmp_path) as second:
        assert second.entries() == [entry(2, "pending"), entry(1)]
        assert second.pending() == [entry(2, "pending")]
        assert second.changes() == [change(1)]
        assert second.memory("latch") == {"washer": {"armed": True, "w": 5.5}}


def test_nobody_but_the_owner_may_read_it(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        journal.record([entry()])
        assert journal.flush(10)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"journal.sqlite": 0o600, "journal.sqlite-wal": 0o600, "journal.sqlite-shm": 0o600}


def test_a_journal_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    (tmp_path / "journal.sqlite").chmod(0o644)
    Journal.open(tmp_path).close()
    assert (tmp_path / "journal.sqlite").stat().st_mode & 0o777 == 0o600


def test_an_entry_takes_the_place_of_an_earlier_one_with_its_key(journal: Journal) -> None:
    journal.record([entry(1, "pending"), entry(2, "pending")])
    journal.record([entry(1, "failed", reason="did not answer", tries=7)])
    journal.record([entry(1, "pending", device="garden")])
    assert journal.flush(10)
    assert [(each.device, each.result, each.tries) for each in journal.entries(newest_first=False)] == [
        ("porch", "failed", 7),
        ("garden", "pending", 1),
        ("porch", "pending", 1),
    ]
    assert journal.results_since(after(1)) == {
        entry(1).key: "failed",
        entry(2).key: "pending",
        ("dusk", "garden", after(1)): "pending",
    }


def test_the_last_of_many_calls_wins(journal: Journal) -> None:
    for number in range(2000):
        journal.record([entry(0, tries=number)], memory={("count", "n"): number})
    assert journal.flush(10)
    assert [each.tries for each in journal.entries()] == [1999]
    assert journal.memory("count") == {"n": 1999}


def test_what_is_remembered_can_be_forgotten(journal: Journal) -> None:
    journal.record(memory={("hold", "a"): 1, ("hold", "b"): [1, None], ("other", "a"): "x"})
    journal.record(memory={("hold", "a"): None, ("hold", "never"): None})
    assert journal.flush(10)
    assert (journal.memory("hold"), journal.memory("other")) == ({"b": [1, None]}, {"a": "x"})


def test_results_since_go_by_the_instant_that_the_rule_means(journal: Journal) -> None:
    jittered = replace(entry(0), due=after(30))
    journal.record([jittered, entry(10), entry(11)])
    assert journal.flush(10)
    assert set(journal.results_since(after(10))) == {entry(10).key, entry(11).key}


def test_entries_are_chosen_by_rule_device_result_and_span(journal: Journal) -> None:
    journal.record([entry(number, ("done", "missed", "pending")[number % 3]) for number in range(1200)])
    journal.record([entry(5000, rule="dawn"), entry(5001, device="garden")])
    assert journal.flush(10)

    def numbers(**which: Any) -> list[float]:
        return [(each.due - NOON).total_seconds() for each in journal.entries(**which)]

    assert numbers() == [5001, 5000, *range(1199, -1, -1)]
    assert numbers(newest_first=False) == [*range(1200), 5000, 5001]
    assert numbers(limit=3) == [5001, 5000, 1199]
    assert numbers(limit=700, newest_first=False) == [*range(700)]
    assert numbers(limit=0) == []
    assert numbers(rule="dawn") == [5000]
    assert numbers(device="garden") == [5001]
    assert numbers(rule="dawn", device="garden") == []
    assert numbers(since=after(1198), until=after(5001)) == [5000, 1199, 1198]
    assert numbers(results={"missed", "pending"}, until=after(6)) == [5, 4, 2, 1]
    assert numbers(results=set()) == []


def test_many_entries_due_at_one_instant_are_all_there(journal: Journal) -> None:
    journal.record([replace(entry(0), device=f"d{number:04}") for number in range(1300)])
    assert journal.flush(10)
    for newest_first in (True, False):
        found = [each.device for each in journal.entries(newest_first=newest_first)]
        assert sorted(found) == [f"d{number:04}" for number in range(1300)]


def test_changes_are_chosen_by_device_and_span(journal: Journal) -> None:
    by_rule = change(2, by="rule", rule="dusk", nominal=after(1), since=after(0), detail="as asked")
    journal.record(changes=[change(1), by_rule, change(3, device="garden")])
    assert journal.flush(10)
    assert journal.changes() == [change(3, device="garden"), by_rule, change(1)]
    assert journal.changes("porch", limit=1) == [by_rule]
    assert journal.changes("porch", newest_first=False) == [change(1), by_rule]
    assert journal.changes(None, after(1), after(2)) == [change(1)]


def test_begin_tells_of_the_run_before(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal.begin(after(0)) is None
        journal.alive(after(30))
        journal.alive(after(60))
    with Journal.open(tmp_path) as journal:
        assert journal.begin(after(100)) == Run(after(0), after(60))
        journal.end(after(120))
    with Journal.open(tmp_path) as journal:
        # The clock of a machine without a battery may have gone back.
        assert journal.begin(after(-1000)) == Run(after(100), after(120), after(120))
    with Journal.open(tmp_path) as journal:
        assert journal.begin(after(200)) == Run(after(-1000), after(-1000))
        assert journal.flush(10)
        assert [run.started for run in journal.runs()] == [after(0), after(100), after(-1000), after(200)]
        assert [run.started for run in journal.runs(after(61))] == [after(100), after(200)]


def test_pruning_keeps_what_is_pending_remembered_or_young(tmp_path: Path) -> None:
    day = 86_400
    with Journal.open(tmp_path, keep_days=30) as journal:
        journal.begin(after(-100 * day))
        journal.record(
            [
                *(entry(-30 * day - number) for number in range(1200)),
                *(entry(-50 * day - number, "pending") for number in range(3)),
                entry(5),
            ],
            [*(change(-30 * day - number) for number in range(700)), change(5)],
            {("latch", "a"): 1},
        )
        journal.begin(after(-90 * day))
        journal.prune(NOON)
        assert journal.flush(30)
        assert [each.due for each in journal.entries()] == [
            after(5),
            after(-30 * day),  # just as old as is kept
            *(after(-50 * day - number) for number in range(3)),
        ]
        assert [each.at for each in journal.changes()] == [after(5), after(-30 * day)]
        assert journal.memory("latch") == {"a": 1}
        assert [run.started for run in journal.runs()] == [after(-90 * day)], "the run that goes on is kept"


def test_a_call_that_cannot_be_written_is_left_out_and_said(journal: Journal, tmp_path: Path) -> None:
    journal.record([entry(1), entry(2, line=2**70)], memory={("count", "n"): 1})
    journal.record([entry(3)])
    assert journal.flush(10)
    assert journal.entries() == [entry(3)]
    assert journal.memory("count") == {}
    assert journal.problem == ""
    assert journal.warnings == (
        f"{tmp_path}/journal.sqlite: a record could not be written and was left out: "
        "OverflowError: Python int too large to convert to SQLite INTEGER",
    )


def test_a_value_that_json_cannot_say_is_the_callers_mistake(journal: Journal) -> None:
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        journal.record([entry(1)], memory={("count", "n"): object()})
    assert journal.flush(10)
    assert journal.entries() == []


def test_all_threads_may_record_at_once(journal: Journal) -> None:
    def work(device: str) -> None:
        for number in range(100):
            journal.record([entry(number, device=device)], [change(number, device=device)])
            if number % 25 == 0:
                assert journal.flush(30)
                assert len(journal.entries(device=device)) == number + 1

    threads = [threading.Thread(target=work, args=(f"d{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.flush(30)
    assert (len(journal.entries()), len(journal.changes())) == (800, 800)


def test_after_closing_nothing_is_recorded_and_nothing_breaks(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.close()
    journal.close()
    journal.record([entry()])
    journal.prune(NOON)
    with Journal.open(tmp_path) as again:
        assert again.entries() == []


def test_the_folder_is_made(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "a" / "b") as journal:
        journal.record([entry()])
    assert (tmp_path / "a" / "b" / "journal.sqlite").exists()


def test_a_newer_versions_journal_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(ConfigError) as refused:
        Journal.open(tmp_path)
    assert str(refused.value) == (
        f"{path}: written by a newer version of tapo-automate (its tables are version 7, this one knows 1); update, or "
        "name another folder with --state"
    )


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError) as refused:
        Journal.open(tmp_path)
    assert str(refused.value) == (
        f"{path}: a database of another program; move it away, or name another folder with --state"
    )
    assert path.read_bytes() == before


def test_instants_are_whole_microseconds_in_utc(journal: Journal, tmp_path: Path) -> None:
    berlin = dt.timezone(dt.timedelta(hours=1))
    at = dt.datetime(2026, 11, 22, 13, 0, 0, 123457, berlin)
    journal.record([entry(0, nominal=at, due=at)])
    assert journal.flush(10)
    (found,) = journal.entries()
    assert (found.nominal, found.nominal.tzinfo) == (at, dt.UTC)
    with sqlite3.connect(f"file:{tmp_path}/journal.sqlite?mode=ro", uri=True) as connection:
        assert connection.execute("SELECT due, asked FROM entries").fetchone() == (
            1795348800_123457,
            json.dumps({"on": True, "brightness": 40}),
        )
    connection.close()


_instants = st.datetimes(timezones=st.just(dt.UTC))
_text = st.text(st.characters(exclude_categories=()), max_size=20)
_clean = st.text(max_size=20)  # without halves of surrogate pairs, which UTF-8 does not have
_settings = st.dictionaries(_text, st.booleans() | st.integers() | st.floats(allow_nan=False) | _text, max_size=4)
_entries = st.builds(
    Entry,
    rule=_clean,
    device=_clean,
    nominal=_instants,
    due=_instants,
    deadline=_instants,
    result=st.sampled_from(get_args(Result)),
    asked=_settings,
    at=st.none() | _instants,
    tries=st.integers(0, 2**31),
    reason=_clean,
    kind=_clean,
    role=st.sampled_from(get_args(Role)),
    seed=st.none() | st.integers(),
    file=_clean,
    line=st.integers(0, 2**31),
    commit=_clean,
)
_changes = st.builds(
    Change,
    device=_clean,
    at=_instants,
    before=_settings,
    after=_settings,
    by=st.sampled_from(["rule", "table", "person", "unknown"]),
    since=st.none() | _instants,
    rule=_clean,
    nominal=st.none() | _instants,
    detail=_clean,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_entries, max_size=4), st.lists(_changes, max_size=4), st.dictionaries(_clean, _settings, max_size=3))
def test_whatever_is_recorded_is_read_back_equal(
    entries: list[Entry], changes: list[Change], memory: dict[str, dict[str, Any]]
) -> None:
    connection = open_in_memory()
    try:
        recording(entries, changes, {("kind", key): value for key, value in memory.items()}).write(connection)
        reader = Reader(connection)
        last_of_each_key = {each.key: each for each in entries}
        assert {each.key: each for each in reader.entries()} == last_of_each_key
        assert sorted(reader.changes(), key=repr) == sorted(changes, key=repr)
        assert reader.memory("kind") == memory
        for each in last_of_each_key.values():
            assert reader.entry(*each.key) == each
        assert set(reader.names("device")) == {each.device for each in [*entries, *changes] if each.device}
    finally:
        connection.close()


def test_text_that_is_no_utf8_is_kept_as_escapes(journal: Journal) -> None:
    journal.record([entry(0, file="rules-\udcff.toml")])
    assert journal.flush(10)
    assert journal.entries()[0].file == "rules-\\udcff.toml"
