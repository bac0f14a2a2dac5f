"""The journal: what a record costs who hands it in and who writes it, and how long a start takes when it is large."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.report import Report, Verdict
from tapo_automate.journal import database
from tapo_automate.journal.calls import recording
from tapo_automate.journal.entry import Entry, Result
from tapo_automate.journal.reading import Reader
from tapo_automate.journal.rows import ENTRY, entry_row
from tapo_automate.journal.store import Journal

_NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
_RULES = 400
_DEVICES = 50


def run(quick: bool) -> list[Report]:
    count = 100_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder), count)
        size = Path(folder, database.NAME).stat().st_size / 2**20
        reports = [_start(Path(folder), count), _questions(Path(folder), count), _records(Path(folder), quick)]
        reports[0].notes.append(f"the file has {size:,.0f} MiB")
        return reports


def _entries(count: int) -> Iterator[Entry]:
    """Yield entries that came due evenly over 400 days; the last twenty are not settled."""
    step = dt.timedelta(days=400) / count
    results: tuple[Result, ...] = ("done",) * 18 + ("already", "missed")
    for number in range(count):
        due = _NOW - (count - number) * step
        pending = number >= count - 20
        yield Entry(
            rule=f"rule-{number * 7 % _RULES}",
            device=f"device-{number * 11 % _DEVICES}",
            nominal=due,
            due=due,
            deadline=due + dt.timedelta(minutes=15),
            result="pending" if pending else results[number % 20],
            asked={"on": True, "brightness": number % 100 + 1},
            at=None if pending else due + dt.timedelta(milliseconds=120),
            tries=1,
            kind="time",
            file="rules/porch.toml",
            line=number % 300 + 1,
            commit="5e1dbe57" * 5,
        )


def _fill(folder: Path, count: int) -> None:
    put = f"INSERT INTO entries ({', '.join(ENTRY)}) VALUES ({', '.join('?' * len(ENTRY))})"
    with Journal.open(folder) as journal:
        journal.begin(_NOW - dt.timedelta(days=1))
        journal.record(memory={("latch", f"device-{number}"): {"armed": True} for number in range(_DEVICES)})
        assert journal.flush(10)
    with closing(database.open_for_writing(folder / database.NAME)) as connection:
        connection.execute("BEGIN")
        connection.executemany(put, map(entry_row, _entries(count)))
        connection.execute("COMMIT")


def _start(folder: Path, count: int) -> Report:
    report = Report(f"journal: a start with {count:,} entries", ("", "ms"))
    steps: dict[str, Callable[[Journal], object]] = {
        "begin": lambda journal: journal.begin(_NOW),
        "pending": lambda journal: journal.pending(),
        "memory": lambda journal: journal.memory("latch"),
        "results since yesterday": lambda journal: journal.results_since(_NOW - dt.timedelta(days=1)),
    }
    begin = time.perf_counter()
    journal = Journal.open(folder)
    spent = [("open", time.perf_counter() - begin)]
    for name, step in steps.items():
        before = time.perf_counter()
        found = step(journal)
        spent.append((name, time.perf_counter() - before))
        assert found, name
    journal.flush(10)
    total = time.perf_counter() - begin
    journal.close()
    report.rows += [(name, seconds * 1000) for name, seconds in spent]
    report.verdicts.append(Verdict("all of it", total, 2, " s"))
    return report


def _questions(folder: Path, count: int) -> Report:
    report = Report(f"journal: the newest fifty of {count:,} entries", ("", "ms"))
    with closing(database.open_for_reading(folder / database.NAME)) as connection:
        reader = Reader(connection)
        questions: dict[str, Callable[[], object]] = {
            "all": lambda: list(reader.entries(limit=50)),
            "of a rule": lambda: list(reader.entries(rules=["rule-7"], limit=50)),
            "of a device": lambda: list(reader.entries(devices=["device-7"], limit=50)),
            "of two rules on a device": lambda: list(
                reader.entries(rules=["rule-7", "rule-8"], devices=["device-7"], limit=50)
            ),
            "missed": lambda: list(reader.entries(results=["missed"], limit=50)),
            "before a year ago": lambda: list(reader.entries(until=_NOW - dt.timedelta(days=365), limit=50)),
            "the names of all rules and devices": lambda: reader.names("rule") + reader.names("device"),
        }
        for name, question in questions.items():
            before = time.perf_counter()
            question()
            seconds = time.perf_counter() - before
            report.rows.append((name, seconds * 1000))
            report.verdicts.append(Verdict(name, seconds * 1000, 200, " ms"))
    return report


def _records(folder: Path, quick: bool) -> Report:
    """Record one firing after the other: pending first, then done; each is waited for, so that none shares a commit."""
    rounds = 500 if quick else 5000
    handed: list[float] = []
    written: list[float] = []
    alone: list[float] = []
    alone_cpu: list[float] = []
    with Journal.open(folder) as journal:
        journal.begin(_NOW)
        for entry in _firings(rounds):
            begin = time.perf_counter()
            journal.record([entry])
            handed.append(time.perf_counter() - begin)
            assert journal.flush(30)
            written.append(time.perf_counter() - begin)
        burst = list(_firings(10 * rounds, "burst"))
        begin = time.perf_counter()
        for entry in burst:
            journal.record([entry])
        assert journal.flush(60)
        each_s = (time.perf_counter() - begin) / len(burst)
    with closing(database.open_for_writing(folder / database.NAME)) as connection:
        for entry in _firings(rounds, "alone"):
            call = recording([entry], (), {})
            begin, begin_cpu = time.perf_counter(), time.thread_time()
            connection.execute("BEGIN IMMEDIATE")
            call.write(connection)
            connection.execute("COMMIT")
            alone.append(time.perf_counter() - begin)
            alone_cpu.append(time.thread_time() - begin_cpu)
    report = Report(f"journal: {rounds:,} records, one at a time", ("", "p50 µs", "p99 µs", "most µs"))
    for name, spent in (
        ("to hand it in", handed),
        ("to write it", alone),
        ("… of it CPU", alone_cpu),
        ("until a thread has written it", written),
    ):
        spent.sort()
        p50, p99 = spent[len(spent) // 2], spent[len(spent) * 99 // 100]
        report.rows.append((name, p50 * 1e6, p99 * 1e6, spent[-1] * 1e6))
        if name.startswith("to "):
            report.verdicts.append(Verdict(f"{name}, p99", p99 * 1000, 1, " ms"))
    report.notes.append(f"{10 * rounds:,} at once: {each_s * 1e6:.0f} µs each")
    return report


def _firings(count: int, suffix: str = "") -> Iterator[Entry]:
    for number in range(count):
        due = _NOW + dt.timedelta(seconds=number // 2)
        rule, device = f"rule-{number // 2 % _RULES}{suffix}", f"device-{number // 2 % _DEVICES}"
        entry = Entry(rule, device, due, due, due + dt.timedelta(minutes=15), "pending", {"on": True}, kind="time")
        yield replace(entry, result="done", at=due, tries=1) if number % 2 else entry
