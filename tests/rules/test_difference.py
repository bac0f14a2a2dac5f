"""What changed between two books, as people are told it: every change that matters, and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from tapo_automate.device import Setting
from tapo_automate.rules.difference import canonical, differences, differences_of
from tapo_automate.rules.load import load, load_text
from tapo_automate.rules.model import AtTime, Condition, DeviceIs, PowerPast, Rule, RuleBook, Source, Step

HOUSE = """\
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
options = { floor = "first" }
[devices.washer]
driver = "tapo-plug"
host = "192.168.1.31"
[groups]
outside = ["porch"]
[rules.porch-off]
devices = ["outside"]
when.time = { at = 23:30:00 }
set = { on = false }
"""
EXAMPLE = Path(__file__).parents[2] / "rules.example.toml"


def book(text: str = HOUSE) -> RuleBook:
    loaded = load_text(text)
    assert loaded.book, loaded.problems
    return loaded.book


def changed(old: str, new: str) -> tuple[str, ...]:
    """Return the differences that replacing a part of the house makes."""
    assert HOUSE.count(old) == 1
    return differences(book(), book(HOUSE.replace(old, new)))


CHANGES = {
    "a time": ("23:30:00", "23:45:00", ["rule porch-off: every day at 23:30 -> every day at 23:45"]),
    "a setting": (
        "{ on = false }",
        "{ on = true, brightness = 5 }",
        ["rule porch-off: does off -> on, brightness 5"],
    ),
    "a host": ("192.168.1.31", "192.168.1.32", ["device washer: host 192.168.1.31 -> 192.168.1.32"]),
    "a mac": (
        'host = "192.168.1.31"',
        'mac = "48:22:54:aa:bb:cc"',
        ["device washer: host 192.168.1.31 -> nothing", "device washer: mac nothing -> 48-22-54-AA-BB-CC"],
    ),
    "an option": ('"first"', '"second"', ['device porch: option "floor" changed']),
    "an option more": ('"first"', '"first", wall = "1"', ['device porch: option "wall" added']),
    "options less": ('options = { floor = "first" }\n', "", ['device porch: option "floor" removed']),
    "a time zone": ("Europe/Berlin", "Europe/Paris", ["site: timezone Europe/Berlin -> Europe/Paris"]),
    "a place": ("13.405", "13.406", ["site: the place on earth changed"]),
    "no place": ("latitude = 52.52\nlongitude = 13.405\n", "", ["site: the place on earth changed"]),
    "a group": (
        'outside = ["porch"]',
        'outside = ["porch", "washer"]',
        ["group outside: porch -> porch, washer", "rule porch-off: devices porch -> porch, washer"],
    ),
    "a name": ("[rules.porch-off]", "[rules.porch-dark]", ["rule porch-dark: added", "rule porch-off: removed"]),
    "switched off": ("{ on = false }", "{ on = false }\nenabled = false", ["rule porch-off: enabled true -> false"]),
    "a default written out": ("{ on = false }", '{ on = false }\nwithin = "900s"', []),
    "a comment": ("[rules.porch-off]", "# at night\n\n[rules.porch-off]", []),
    "white space": ("{ on = false }", "{on=false}", []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_in_words(name: str) -> None:
    old, new, said = CHANGES[name]
    assert list(changed(old, new)) == said


def test_parts_come_in_the_order_of_the_language_and_by_name() -> None:
    device = '[devices.attic]\ndriver = "tapo-plug"\nhost = "attic"\n'
    rule = '[rules.b]\ndevices = ["attic"]\nwhen.sunset = {}\nset.on = true\n'
    new = HOUSE.replace("Berlin", "Rome") + rule + device + rule.replace("rules.b", "rules.a")
    assert differences(book(), book(new)) == (
        "site: timezone Europe/Berlin -> Europe/Rome",
        "device attic: added",
        "rule a: added",
        "rule b: added",
    )


RULE = Rule("r", ("porch",), AtTime(dt.time(8)), Setting(on=True), steps=(Step(0, Setting(on=True)),))
OTHERWISE: dict[str, Any] = {
    "device_ids": ("washer",),
    "trigger": PowerPast("below", 5),
    "setting": Setting(on=False),
    "enabled": False,
    "only_if": Condition(devices={"porch": DeviceIs(power_below_w=5)}),
    "jitter_s": 1,
    "on_gap": "skip",
    "on_overlap": "both",
    "missed": "skip",
    "within_s": 901,
    "executor": "daemon",
    "steps": (Step(1, Setting(on=True)),),
    "mode": "queue",
    "override_s": 1,
    "failsafe_s": 60,
    "notify": "hello",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Rule) if field.name not in ("id", "source")])
def test_no_part_of_a_rule_changes_unseen(name: str) -> None:
    before = RULE if name != "setting" else replace(RULE, steps=())
    after = replace(before, **{name: OTHERWISE[name]})
    [said] = differences(replace(book(), rules={"r": before}), replace(book(), rules={"r": after}))
    assert said.startswith("rule r: ")


@pytest.mark.parametrize(
    "condition",
    [
        Condition(between=(dt.time(22), dt.time(6))),
        Condition(dates=(dt.date(2026, 1, 1), dt.date(2026, 1, 2))),
        Condition(days=frozenset({1})),
        Condition(devices={"porch": DeviceIs(on=False)}),
        Condition(devices={"porch": DeviceIs(power_above_w=1234.5678)}),
        Condition(devices={"washer": DeviceIs(power_above_w=1234.5678)}),
    ],
)
def test_no_two_conditions_read_alike(condition: Condition) -> None:
    with_, other = replace(RULE, only_if=condition), replace(RULE, only_if=Condition(between=(dt.time(22), dt.time(7))))
    assert len(differences(replace(book(), rules={"r": with_}), replace(book(), rules={"r": other}))) == 1


def test_a_rule_that_moved_to_another_line_or_file_is_the_same() -> None:
    moved = {name: replace(rule, source=Source("other.toml", 99)) for name, rule in book().rules.items()}
    assert differences(book(), replace(book(), rules=moved)) == ()
    assert canonical(book()) == canonical(replace(book(), rules=moved))


def test_canonical_texts_alone_tell_the_same_and_hold_nothing_secret() -> None:
    old, new = canonical(book()), canonical(book(HOUSE.replace("13.405", "13.406").replace("23:30", "23:45")))
    assert differences_of(old, new) == (
        "site: the place on earth changed",
        "rule porch-off: every day at 23:30 -> every day at 23:45",
    )
    text = str(old)
    assert not [secret for secret in ("52.52", "13.405", "first") if secret in text]


def test_books_that_are_equal_have_no_differences() -> None:
    one, other = (load([EXAMPLE]).book for _ in range(2))
    assert one is not None
    assert other is not None
    assert differences(one, other) == ()


def test_what_a_place_reveals_is_too_little_to_find_it_and_a_move_is_seen_all_the_same() -> None:
    here = replace(book(), devices={}, groups={}, rules={})
    elsewhere = (
        replace(here, site=replace(here.site, latitude_deg=52.52 + step / 1e6)) for step in range(1, 2_000_000)
    )
    looks_alike = next(moved for moved in elsewhere if canonical(moved) == canonical(here))
    assert differences(here, looks_alike) == ("site: the place on earth changed",)
