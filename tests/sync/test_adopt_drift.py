"""A hand edit goes into the rule file where the rule stands; what cannot be changed for certain is left to people."""

from __future__ import annotations

import datetime as dt

import pytest

from sync.memory_device import BULB, MemoryDevice
from tapo_automate.device import Setting
from tapo_automate.rows import AutoOff, Moment, PowerProtection, Row, ScheduleRow
from tapo_automate.rules.load import load_texts
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.adopt_drift import Redrafted, adopt_drift
from tapo_automate.sync.apply import recorded_as
from tapo_automate.sync.difference import changes_of
from tapo_automate.sync.ledger import DeviceLedger
from tapo_automate.sync.model import Change, Reading
from tapo_automate.sync.rows import in_words
from tapo_automate.sync.wanted import compile_device

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
ON, OFF = Setting(on=True), Setting(on=False)
HOUSE = """\
schema = 1
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices]
porch = { driver = "tapo-bulb", host = "192.168.1.33" }
lounge = { driver = "tapo-bulb", host = "192.168.1.34" }
"""
RULE = """\
# The porch.
[rules.evening]   # mine
devices = ["porch"]
when.time = { at = 22:30:00, days = ["fri", "mon"] } # not too early
set = { brightness = 40 }   # dim

[rules.other]
devices = ["lounge"]
when.time = { at = 01:00:00 }
set = { on = false }
"""


class Home:
    def __init__(self, rules: str) -> None:
        self.texts = {"house.toml": HOUSE, "rules.toml": rules}
        self.device = MemoryDevice(NOW, description=BULB)
        self.ledger = DeviceLedger()
        for change in self.changes():
            assert change.wanted is not None
            row_id = self.device.by_hand(change.wanted.row)
            record = recorded_as(change.wanted, row_id, change.wanted.row, NOW)
            self.ledger = DeviceLedger("", (*self.ledger.rows, record))

    @property
    def book(self) -> RuleBook:
        book = load_texts(list(self.texts.items())).book
        assert book is not None
        return book

    @property
    def reading(self) -> Reading:
        return Reading(self.device.holdings(), NOW)

    def changes(self) -> tuple[Change, ...]:
        compiled = compile_device(self.book, "porch", self.reading, self.ledger.rows, NOW)
        return changes_of(compiled, self.ledger.rows, self.reading, NOW)

    def redrafted(self) -> Redrafted:
        drifts = [change for change in self.changes() if change.action == "drift"]
        assert drifts
        found = adopt_drift(self.book, "porch", drifts, self.texts, self.reading, self.ledger, NOW)
        self.texts |= found.texts
        self.ledger = found.ledger
        return found


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            ScheduleRow(Moment("midnight", 1375), Setting(on=True, brightness_pct=40), frozenset({0, 4})),
            'when.time = { at = 22:55:00, days = ["fri", "mon"] } # not too early\nset = { brightness = 40 }   # dim\n',
        ),
        (
            ScheduleRow(Moment("midnight", 1350), Setting(on=True, brightness_pct=40)),
            "when.time = { at = 22:30:00} # not too early\nset = { brightness = 40 }   # dim\n",
        ),
        (
            ScheduleRow(Moment("midnight", 1350), Setting(on=True, brightness_pct=55), frozenset({0, 4})),
            'when.time = { at = 22:30:00, days = ["fri", "mon"] } # not too early\n'
            "set = { brightness = 55 , on = true}   # dim\n",
        ),
        (
            ScheduleRow(Moment("midnight", 1350), OFF, frozenset({0, 4})),
            'when.time = { at = 22:30:00, days = ["fri", "mon"] } # not too early\nset = { on = false}   # dim\n',
        ),
        (
            ScheduleRow(Moment("sunset", -15), Setting(on=True, brightness_pct=40), frozenset({0, 4})),
            'when.sunset = { offset = "-15m", days = ["mon", "fri"] }\nset = { brightness = 40 }   # dim\n',
        ),
    ],
    ids=["time", "days", "setting", "off", "sun"],
)
def test_the_rule_says_what_the_row_says_and_all_else_stays(row: Row, line: str) -> None:
    home = Home(RULE)
    home.device.by_hand(row, "S1")
    found = home.redrafted()
    assert found.by_hand == ()
    assert found.done == (f"rule evening: now says {in_words(row)}",)
    head, _, rest = RULE.partition("when.time")
    assert list(found.texts) == ["rules.toml"]
    whole = head + line + "\n[rules" + rest.partition("\n[rules")[2]
    assert found.texts["rules.toml"].replace(" ", "") == whole.replace(" ", "")
    assert home.changes() == ()


@pytest.mark.parametrize("gone", [True, False])
def test_a_row_that_was_removed_or_switched_off_switches_its_rule_off(gone: bool) -> None:
    home = Home(RULE)
    if gone:
        home.device.removed_by_hand("schedule", "S1")
    else:
        was = Setting(on=True, brightness_pct=40)
        home.device.by_hand(ScheduleRow(Moment("midnight", 1350), was, frozenset({0, 4}), enabled=False), "S1")
    found = home.redrafted()
    assert len(found.done) == 1
    assert "set = { brightness = 40 }   # dim\nenabled = false\n" in found.texts["rules.toml"]
    assert [change.action for change in home.changes()] == ([] if gone else ["foreign"])
    assert home.ledger.rows == ()


@pytest.mark.parametrize(
    ("rules", "row", "then"),
    [
        (
            '[rules.a]\ndevices = ["porch"]\nwhen.countdown = { after = "1h", from = "on" }\nset = { on = false }\n',
            AutoOff(45),
            'when.countdown = { after = "45m", from = "on" }',
        ),
        (
            '[rules.a]\ndevices = ["porch"]\nwhen.power = { above = 900, rearm = 900 }\nset = { on = false }\n',
            PowerProtection(1200),
            "when.power = { above = 1200",
        ),
        (
            '[rules.a]\ndevices = ["porch"]\n[rules.a.when.time]\nat = 07:00:00\n[rules.a.set]\non = true\n',
            ScheduleRow(Moment("midnight", 425), OFF),
            "[rules.a.when.time]\nat = 07:05:00\n[rules.a.set]\non = false\n",
        ),
    ],
    ids=["auto-off", "power", "tables"],
)
def test_neighbours_and_other_ways_of_writing(rules: str, row: Row, then: str) -> None:
    home = Home(rules)
    home.device.by_hand(row, "S1" if isinstance(row, ScheduleRow) else "")
    found = home.redrafted()
    assert found.by_hand == ()
    assert then in found.texts["rules.toml"]
    assert home.changes() == ()


def test_a_rule_for_several_devices_is_left_to_a_person() -> None:
    home = Home(RULE.replace('["porch"]', '["porch", "lounge"]'))
    home.device.by_hand(ScheduleRow(Moment("midnight", 1375), ON), "S1")
    found = home.redrafted()
    assert (dict(found.texts), found.done) == ({}, ())
    assert found.by_hand == (
        "rule evening on porch (rules.toml:2): it is for lounge too: give porch a rule of its own\n"
        '    devices = ["porch"]\n'
        "    when.time = { at = 22:55:00 }\n"
        "    set = { on = true }",
    )
    assert [change.action for change in home.changes()] == ["drift"]


def test_rules_that_share_a_row_are_left_to_a_person() -> None:
    one = '[rules.{}]\ndevices = ["porch"]\nwhen.time = {{ at = 22:30:00, days = ["{}"] }}\nset = {{ on = true }}\n'
    home = Home(one.format("a", "mon") + one.format("b", "tue"))
    home.device.by_hand(ScheduleRow(Moment("midnight", 1375), ON), "S1")
    assert home.redrafted().by_hand[0].splitlines()[0] == (
        "rules a, b on porch (rules.toml:1): they share this row, and it is for you to say which of them is to change"
    )


def test_a_row_that_no_rule_can_say_is_left_to_a_person() -> None:
    home = Home(RULE)
    home.device.lists["schedule"][0]["type"] = "moonrise"
    assert home.redrafted().by_hand == (
        "rule evening on porch (rules.toml:2): its row says what no rule can: "
        "it cannot be read: its kind is 'moonrise'",
    )


def test_a_row_that_would_not_stay_is_left_to_a_person() -> None:
    home = Home(RULE)
    home.device.by_hand(ScheduleRow(Moment("midnight", 150), ON), "S1")
    found = home.redrafted()
    assert found.texts == {}
    assert "the device could not keep the row: 02:30 does not exist on 2027-03-28" in found.by_hand[0]


def test_a_rule_that_is_gone_is_left_to_a_person() -> None:
    home = Home(RULE)
    home.texts["rules.toml"] = "[rules.other]" + RULE.partition("[rules.other]")[2]
    home.device.by_hand(ScheduleRow(Moment("midnight", 1375), ON), "S1")
    assert home.redrafted().by_hand == (
        "rule evening on porch: it is no longer in the rules: `--ignore` leaves its row, `--restore` removes it",
    )
