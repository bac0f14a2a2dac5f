"""What `[[tests]]` mean: instants, groups, what is looked at."""

from __future__ import annotations

import datetime as dt

import pytest

from tapo_automate.device import Setting, State
from tapo_automate.rules.load import load_text
from tapo_automate.rules.problems import report
from tapo_automate.rules.source import Source
from tapo_automate.rules.trials import ExpectedNotice, ExpectedSetting, ExpectedWithheld, Happening, RuleTest

HEAD = """\
[site]
timezone = "Europe/Berlin"
[devices]
porch = { driver = "tapo-bulb", host = "porch" }
lounge = { driver = "tapo-bulb", host = "lounge" }
washer = { driver = "tapo-plug", host = "washer" }
[groups]
lamps = ["porch", "lounge"]
[rules.off]
devices = ["lamps"]
when.time = { at = 23:30:00 }
set = { on = false }
[[tests]]
name = "off at night"
"""
ON, OFF = Setting(on=True), Setting(on=False)


def a_test(body: str, span: str = 'from = 2026-11-02T22:00:00\nfor = "2h"\n') -> RuleTest:
    loaded = load_text(HEAD + span + body)
    assert loaded.book, report(loaded.problems)
    [test] = loaded.book.tests
    return test


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_a_test_that_claims_that_nothing_happens() -> None:
    assert a_test("expect = []") == RuleTest(
        "off at night", utc("2026-11-02T21:00"), utc("2026-11-02T23:00"), expected=(), source=Source("rules.toml", 13)
    )


def test_every_key_of_a_test() -> None:
    read = a_test(
        "start.lamps = { on = true, brightness = 40 }\nstart.porch = { color_temp = 2700 }\npower.washer = 5\n"
        'events = [{ at = "1m", device = "lamps", set = { toggle = true } }]\n'
        'expect = [{ at = 23:30:00, device = "lamps", set = { on = false }, within = "5s", rule = "off" },'
        '{ at = 23:30:00, notify = "x" }, { at = 23:30:00, withheld = "off", device = "porch" }]\n'
        "end.washer = { on = true }\n"
    )
    half_past = utc("2026-11-02T22:30")
    assert read.states == {
        "porch": State(on=False, color_temp_k=2700),
        "lounge": State(on=True, brightness_pct=40),
        "washer": State(on=True),
    }
    assert read.power == {"washer": ((read.begin, 5.0),)}
    assert read.events == (
        Happening(utc("2026-11-02T21:01"), "porch", Setting(toggle=True)),
        Happening(utc("2026-11-02T21:01"), "lounge", Setting(toggle=True)),
    )
    assert read.expected == (
        ExpectedSetting(half_past, 5, "porch", OFF, "off"),
        ExpectedSetting(half_past, 5, "lounge", OFF, "off"),
        ExpectedNotice(half_past, 0, "x"),
        ExpectedWithheld(half_past, 0, "off", "porch"),
    )
    assert read.final == {"washer": ON}
    assert (read.rule_ids, read.device_ids) == (None, frozenset({"porch", "lounge", "washer"}))


@pytest.mark.parametrize(
    ("body", "rules", "devices"),
    [
        ("expect = []", None, None),
        ('expect = []\nrules = ["off"]', {"off"}, None),
        ('expect = []\nstart.porch = { on = true }\nrules = ["off"]', {"off"}, None),
        ('expect = []\nstart.porch = { on = true }\ndevices = ["lounge", "washer"]', None, {"lounge", "washer"}),
        ('expect = []\nrules = ["off"]\ndevices = ["lamps"]', {"off"}, {"lounge", "porch"}),
        ("end.lounge = { on = false }", None, {"lounge"}),
        ("expect = []\npower.washer = 5", None, {"washer"}),
        ('expect = [{ at = "1m", notify = "x" }]', None, None),
        ('expect = [{ at = "1m", withheld = "off" }]', None, None),
    ],
)
def test_what_is_looked_at(body: str, rules: set[str] | None, devices: set[str] | None) -> None:
    read = a_test(body)
    assert (read.rule_ids, read.device_ids) == (rules, devices)


def test_without_expect_only_the_end_is_claimed() -> None:
    assert a_test("end.porch = { on = false }").expected is None


AUTUMN = 'from = 2026-10-25T01:30:00\nfor = "4h"\n'  # 02:00 to 03:00 comes twice, in UTC 00:00 and 01:00
SPRING = 'from = 2026-03-29T01:30:00\nfor = "4h"\n'  # 02:00 to 03:00 does not come
EVENING = 'from = 2026-11-02T22:00:00\nfor = "4h"\n'


@pytest.mark.parametrize(
    ("span", "at", "meant"),
    [
        (EVENING, '"0s"', "2026-11-02T21:00"),
        (EVENING, '"1h30m"', "2026-11-02T22:30"),
        (EVENING, "22:00:00", "2026-11-02T21:00"),
        (EVENING, "01:59:59", "2026-11-03T00:59:59"),
        (EVENING, "2026-11-03T00:30:00", "2026-11-02T23:30"),
        (EVENING, "2026-11-03T00:30:00Z", "2026-11-03T00:30"),
        (AUTUMN, "02:30:00", "2026-10-25T00:30"),
        (AUTUMN, '"2h"', "2026-10-25T01:30"),
        (AUTUMN, "2026-10-25T02:30:00+01:00", "2026-10-25T01:30"),
        (AUTUMN, "03:00:00", "2026-10-25T02:00"),
        (
            AUTUMN.replace("T01:30", "T02:45").replace("\n", "Z\n", 1).replace("T02:45", "T00:45"),
            "02:30:00",
            "2026-10-25T01:30",
        ),
        (SPRING, "02:30:00", "2026-03-29T01:30"),
        (SPRING, "03:00:00", "2026-03-29T01:00"),
    ],
)
def test_an_instant(span: str, at: str, meant: str) -> None:
    read = a_test(f'expect = [{{ at = {at}, notify = "x" }}]', span)
    assert read.expected
    assert read.expected[0].at == utc(meant)


@pytest.mark.parametrize(
    ("end", "meant"),
    [
        ('for = "2h"', "2026-10-25T01:30"),
        ("until = 03:00:00", "2026-10-25T02:00"),
        ("until = 01:30:00", "2026-10-26T00:30"),
        ("until = 02:00:00", "2026-10-25T00:00"),
        ("until = 2026-11-24T01:30:00", "2026-11-24T00:30"),
    ],
)
def test_an_end(end: str, meant: str) -> None:
    assert a_test("expect = []", f"from = 2026-10-25T01:30:00\n{end}\n").end == utc(meant)


def test_tests_may_stand_in_any_of_the_files_and_know_their_lines() -> None:
    more = '[[tests]]\nname = "b"\nfrom = 2026-11-02T22:00:00\nfor = "2h"\nend.porch.on = true\n'
    loaded = load_text(
        HEAD + 'from = 2026-11-02T22:00:00\nfor = "2h"\nexpect = []\n[tests.start]\nporch.on = true\n' + more
    )
    assert loaded.book, report(loaded.problems)
    assert [(test.name, str(test.source)) for test in loaded.book.tests] == [
        ("off at night", "rules.toml:13"),
        ("b", "rules.toml:20"),
    ]
    assert [list(test.states) for test in loaded.book.tests] == [["porch"], []]
