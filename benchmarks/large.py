"""One daemon with 10,000 rules and 1,000 devices: how long it takes to start and to reload, and who comes late."""

from __future__ import annotations

import datetime as dt
import math
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks.burst import spread
from benchmarks.child import Child
from benchmarks.daemon_side import house
from benchmarks.device_side import DeviceSide
from benchmarks.report import Report, Verdict

RULES, DEVICES = 10_000, 1_000
WATCHED_S = 45  # a rule falls due in each of these seconds, on a device of its own
LATE_S = 1.0
_WORKDAYS = 'days = ["mon", "tue", "wed", "thu", "fri"]'


def run(quick: bool) -> list[Report]:
    rules, devices = (RULES // 10, DEVICES // 10) if quick else (RULES, DEVICES)
    report = Report(
        f"large: {rules:,} rules, {devices:,} plugs, a journal", ("", "start s", "reload s", "MiB", "peak MiB")
    )
    with ExitStack() as stack:
        simulated = stack.enter_context(DeviceSide())
        addresses = simulated.add(devices)
        daemon = stack.enter_context(Child("benchmarks.daemon_side"))
        state = stack.enter_context(tempfile.TemporaryDirectory())
        due = math.ceil(time.time()) + 30  # both files are to be read before, also on a slow machine
        book = [*_every_kind(rules - WATCHED_S, devices), *_one_a_second(due)]
        started = daemon.ask("start", text=house(addresses, book), poll_s=10.0, state=state)
        daemon.ask("work", seconds=max(due + 5 - time.time(), 0))
        reloaded = daemon.ask("reload", text=house(addresses, [*book[:-WATCHED_S], *_changed(book[-WATCHED_S:])]))
        daemon.ask("work", seconds=max(due + WATCHED_S + 2 - time.time(), 0))
        told = daemon.ask("outcomes")["outcomes"]
        daemon.ask("stop")
    report.rows.append(
        ("", started["start_s"], reloaded["reload_s"], reloaded["rss_mib"], reloaded["peak_mib"]),
    )
    late = sorted(late for at, late, error in told if due <= at < due + WATCHED_S and not error)
    middle, _, last = spread(late)
    report.notes.append(
        f"{len(late)} of {WATCHED_S} firings around the reload, late by {middle:.3f} s (median), {last:.3f} s (last)"
    )
    if not quick:
        report.verdicts += [
            Verdict("start", started["start_s"], 10, " s"),
            Verdict("reload", reloaded["reload_s"], 3, " s"),
            Verdict("memory", reloaded["peak_mib"], 500, " MiB"),
            Verdict("late firings around the reload", sum(each > LATE_S for each in late), 0),
            Verdict("firings lost around the reload", WATCHED_S - len(late), 0),
        ]
    return [report]


def _every_kind(count: int, devices: int) -> Iterator[str]:
    """Yield rules of every kind, most of them times on working days; none of them due soon but for chance."""
    dice = random.Random(1)
    for number in range(count):
        match number % 20:
            case 16 | 17:
                when = f'when.sunset = {{ offset = "{dice.randrange(60)}m" }}'
            case 18:
                when = 'when.every = { interval = "12h" }'
            case 19:
                when = 'when.power = { below = 5, for = "3m", rearm = 20 }'
            case _:
                time_of_day = dt.time(dice.randrange(24), dice.randrange(60), dice.randrange(60))
                when = f"when.time = {{ at = {time_of_day}, {_WORKDAYS} }}"
        yield f'devices = ["d{number % devices}"]\n{when}\nset = {{ on = {"true" if number % 2 else "false"} }}'


def _one_a_second(first: int) -> Iterator[str]:
    for number in range(WATCHED_S):
        at = dt.datetime.fromtimestamp(first + number, dt.UTC)
        yield f'devices = ["d{number}"]\nwhen.date = {{ at = {at:%Y-%m-%dT%H:%M:%S} }}\nset = {{ on = true }}'


def _changed(rules: list[str]) -> Iterator[str]:
    """Yield the rules with something else in them, so that the reload finds what to change."""
    for rule in rules:
        yield f'{rule}\nwithin = "10m"'
