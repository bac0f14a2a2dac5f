"""Each thing that the rules want has exactly one executor, and whatever has two or none is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tapo_automate.rows import Row, ScheduleRow, table_of
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.compile import row_of
from tapo_automate.sync.executors import Counts, Executors, who_executes
from tapo_automate.sync.ledger import DeviceLedger, Ledger
from tapo_automate.sync.model import InDaemon, Recorded
from tapo_automate.sync.rows import digest, in_words, key_of

NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
HEAD = """
schema = 1
[site]
timezone = "Europe/Berlin"
latitude = 52.5
longitude = 13.4
[devices.porch]
driver = "tapo-plug"
host = "192.168.1.31"
[devices.garden]
driver = "tapo-plug"
host = "192.168.1.32"
"""
OFF = """
[rules.off]
devices = ["porch", "garden"]
when.time = { at = 23:30:00 }
set = { on = false }
"""
DUSK = """
[rules.dusk]
devices = ["porch"]
when.sunset = { offset = "-15m", days = ["sat", "sun"] }
set = { on = true }
"""


def book_of(rules: str) -> RuleBook:
    loaded = load_text(HEAD + rules)
    assert loaded.book is not None, loaded.problems
    return loaded.book


def on_device(book: RuleBook, *rule_ids: str, row_id: str = "S1", **changes: object) -> Recorded:
    """Return one row for rules that differ in days alone."""
    rows: list[Row] = []
    keys = {}
    spent_at = None
    for rule_id in rule_ids:
        compiled = row_of(book.rules[rule_id], book.site)
        assert not isinstance(compiled, InDaemon), compiled
        rows.append(compiled[0])
        spent_at = compiled[1]
        keys[rule_id] = key_of(book.rules[rule_id], compiled[0])
    row = rows[0]
    if isinstance(row, ScheduleRow):
        row = replace(row, days=frozenset().union(*(each.days for each in rows if isinstance(each, ScheduleRow))))
    said = Recorded(table_of(row), row_id, keys, digest(row), digest(row), in_words(row), NOW, spent_at=spent_at)
    return replace(said, **changes)  # type: ignore[arg-type]


def look(book: RuleBook, rows: Mapping[str, Sequence[Recorded]], days: int = 400) -> Executors:
    ledger = Ledger({device: DeviceLedger(rows=tuple(each)) for device, each in rows.items()})
    return who_executes(book, ledger, NOW, days)


def findings(book: RuleBook, rows: Mapping[str, Sequence[Recorded]]) -> list[tuple[str, str]]:
    return [(each.code, each.text) for each in look(book, rows).findings]


BOOK = book_of(OFF + DUSK)


def test_with_nothing_on_devices_the_daemon_does_it_all() -> None:
    assert look(BOOK, {}) == Executors((), Counts(0, 2 * 400 + 115, 0, 0, 0))


def test_what_is_on_devices_is_theirs_and_counted() -> None:
    rows = {"porch": [on_device(BOOK, "off"), on_device(BOOK, "dusk", row_id="S2")]}
    assert look(BOOK, rows) == Executors((), Counts(400 + 115, 400, 0, 0, 0))


def test_rules_that_share_a_row_are_unfolded_together() -> None:
    text = """
[rules.early]
devices = ["porch"]
when.time = { at = 07:00:00, days = ["mon"] }
set = { on = true }
[rules.late]
devices = ["porch"]
when.time = { at = 07:00:00, days = ["tue"] }
set = { on = true }
"""
    book = book_of(text)
    assert look(book, {"porch": [on_device(book, "early", "late")]}).findings == ()
    assert findings(book, {"porch": [on_device(book, "early", "late", wrote="0" * 16)]}) == [
        (
            "other-row",
            "“mon, tue at 07:00 → on” is on porch, and its rules come to “mon, tue at 07:00 → on”: run `sync apply`",
        )
    ]
    changed = book_of(text.replace('"tue"', '"wed"'))
    assert findings(changed, {"porch": [on_device(book, "early", "late")]}) == [
        (
            "two",
            "“mon, tue at 07:00 → on” is still on porch, and late has changed since, and the daemon carries it out: "
            "run `sync apply`",
        )
    ]


@pytest.mark.parametrize(
    ("rules", "code", "why"),
    [
        (OFF.replace("23:30", "23:31"), "two", "off has changed since, and the daemon carries it out"),
        (OFF.replace("[rules.off]", '[rules.off]\njitter = "5m"'), "two", "the daemon carries off out"),
        (OFF.replace("[rules.off]", "[rules.off]\nenabled = false"), "left-over", "off is switched off"),
        (OFF.replace("rules.off", "rules.out"), "left-over", "the rule off is no more"),
        (OFF.replace('"porch", ', ""), "left-over", "off is no longer for this device"),
    ],
)
def test_a_row_left_behind_is_found(rules: str, code: str, why: str) -> None:
    rows = {"porch": [on_device(BOOK, "off")]}
    assert findings(book_of(rules), rows) == [
        (code, f"“every day at 23:30 → off” is still on porch, and {why}: run `sync apply`")
    ]


def test_a_row_of_a_rule_given_to_the_daemon_has_one_executor_and_is_found() -> None:
    daemons = book_of(OFF.replace("[rules.off]", '[rules.off]\nexecutor = "daemon"'))
    assert findings(daemons, {"porch": [on_device(BOOK, "off")]}) == [
        (
            "left-over",
            "“every day at 23:30 → off” is on porch, which goes on with it until `sync apply` takes it away: "
            'off says executor = "daemon"',
        )
    ]


def test_rows_on_a_device_that_the_rules_do_not_know_are_found() -> None:
    assert findings(BOOK, {"attic": [on_device(BOOK, "off")]}) == [
        (
            "left-over",
            "“every day at 23:30 → off” is still on attic, and off is no longer for this device: run `sync apply`",
        )
    ]


def test_a_row_that_is_over_or_was_decided_about_is_no_finding() -> None:
    gone = book_of(DUSK)
    assert findings(gone, {"porch": [on_device(BOOK, "off", spent_at=NOW - dt.timedelta(hours=1))]}) == []
    assert findings(gone, {"porch": [on_device(BOOK, "off", ignored="gone")]}) == []
    assert look(BOOK, {"porch": [on_device(BOOK, "off", ignored="gone")]}).counts.chosen == 1


def test_what_only_a_device_may_do_has_to_be_on_it() -> None:
    text = OFF.replace("[rules.off]", '[rules.off]\nexecutor = "device"').replace(', "garden"', "")
    book = book_of(text)
    (finding,) = look(book, {}).findings
    assert finding.text == (
        'off is not on porch, and executor = "device" keeps the daemon from it: '
        "run `sync apply`, which says what is in the way"
    )
    assert finding.at == dt.datetime(2026, 11, 22, 22, 30, tzinfo=dt.UTC)
    assert look(book, {}).counts == Counts(0, 0, 0, 0, 0)
    assert look(book, {"porch": [on_device(book, "off")]}) == Executors((), Counts(400, 0, 0, 0, 0))
    assert findings(book_of(text.replace("23:30:00", "23:30:01")), {}) == [
        (
            "none",
            'off is not on porch, and executor = "device" keeps the daemon from it: '
            "a device knows whole minutes: 23:30:01 is none",
        )
    ]


def test_a_countdown_that_was_never_started_is_found() -> None:
    book = book_of(
        '[rules.rail]\ndevices = ["porch"]\nwhen.countdown = { after = "45m", from = "apply" }\nset = { on = false }\n'
    )
    assert findings(book, {}) == [("none", "rail was never started on porch: `sync apply` starts it")]
    assert look(book, {"porch": [on_device(book, "rail")]}) == Executors((), Counts(0, 0, 1, 0, 0))


def test_an_apply_that_was_cut_off_is_told() -> None:
    assert findings(BOOK, {"porch": [on_device(BOOK, "off", phase="coming")]}) == [
        (
            "unsettled",
            "an apply to porch was cut off, and “every day at 23:30 → off” may be there or not: run `sync apply`",
        )
    ]


def test_a_row_in_the_night_when_the_clocks_change_is_found() -> None:
    book = book_of(OFF.replace("23:30:00", "02:30:00").replace(', "garden"', ""))
    (finding,) = look(book, {"porch": [on_device(book, "off")]}).findings
    assert (finding.code, finding.at) == ("clocks", dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC))
    assert finding.text == (
        "off on porch: the clocks change at its time, and what a device does then is not known: run `sync apply`"
    )
    assert look(book, {"porch": [on_device(book, "off")]}, days=100).findings == (), "not in these hundred days"


def test_device_and_daemon_at_one_minute_are_found_where_they_differ() -> None:
    other = """
[rules.on]
devices = ["porch"]
executor = "daemon"
when.time = { at = 23:30:00, days = ["fri"] }
set = { on = true }
"""
    book = book_of(OFF + other)
    assert findings(book, {"porch": [on_device(book, "off")]}) == [
        (
            "meeting",
            "porch carries out off and the daemon on at the same minute (Fri 2026-11-27 23:30), and which comes last "
            "is chance: move one of them",
        )
    ]
    for harmless in (other.replace("on = true", "on = false"), other.replace("23:30", "23:31")):
        same = book_of(OFF + harmless)
        assert findings(same, {"porch": [on_device(same, "off")]}) == []
    assert findings(book, {}) == [], "the daemon alone keeps the order of the rules"


def test_rules_without_known_instants_are_counted_as_pairs() -> None:
    book = book_of(
        '[rules.often]\ndevices = ["porch", "garden"]\nwhen.every = { interval = "30m" }\nset = { on = false }\n'
        '[rules.rail]\ndevices = ["porch"]\nwhen.countdown = { after = "45m", from = "on" }\nset = { on = false }\n'
    )
    assert look(book, {}).counts == Counts(0, 0, 0, 3, 0)
    assert look(book, {"porch": [on_device(book, "rail", row_id="")]}).counts == Counts(0, 0, 1, 2, 0)


def test_fifty_devices_with_ten_rules_each_are_looked_at_in_seconds() -> None:
    names = [f"plug{number}" for number in range(50)]
    devices = "".join(
        f'[devices.{name}]\ndriver = "tapo-plug"\nhost = "192.168.2.{n}"\n' for n, name in enumerate(names)
    )
    rules = "".join(
        f'[rules.{name}-{hour}]\ndevices = ["{name}"]\nwhen.time = {{ at = {hour:02}:10:00 }}\n'
        f"set = {{ on = {'true' if hour % 2 else 'false'} }}\n"
        for name in names
        for hour in range(4, 14)
    )
    book = book_of(devices + rules)
    ledger = {name: [on_device(book, f"{name}-{hour}", row_id=f"S{hour}") for hour in range(4, 9)] for name in names}
    began = dt.datetime.now(dt.UTC)
    looked = look(book, ledger)
    took_s = (dt.datetime.now(dt.UTC) - began).total_seconds()
    assert looked == Executors((), Counts(250 * 400, 250 * 400, 0, 0, 0))
    assert took_s < 30, "a few seconds on a machine with nothing else to do"
