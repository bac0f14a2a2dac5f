"""Rules in plain words: what they do, what keeps them from it, and what they mind."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tapo_automate.cli import group
from tapo_automate.device import Setting
from tapo_automate.rules.meaning import condition_in_words, conduct_in_words, deed_in_words
from tapo_automate.rules.model import AtTime, Condition, DeviceIs, Rule, Step

EXAMPLE = Path(__file__).parents[2] / "rules.example.toml"
RULE = Rule("r", ("porch",), AtTime(dt.time(8)), Setting())
STEPS = (Step(0, Setting(on=True)), Step(600, None), Step(90, Setting(toggle=True)))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (replace(RULE, setting=Setting(on=True, brightness_pct=10)), "on, brightness 10"),
        (replace(RULE, steps=STEPS), "on; after 11 minutes 30 seconds toggle"),
        (replace(RULE, notify="done"), 'says "done"'),
        (replace(RULE, setting=Setting(on=False), notify="done"), 'off; says "done"'),
        (RULE, ""),
    ],
)
def test_what_a_rule_does(rule: Rule, said: str) -> None:
    assert deed_in_words(rule) == said


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition(between=(dt.time(8), dt.time(20, 30))), "only from 08:00 until before 20:30"),
        (Condition(between=(dt.time(22), dt.time(6))), "only from 22:00 until before 06:00 the next day"),
        (Condition(dates=(dt.date(2026, 12, 1), dt.date(2027, 1, 6))), "only from 2026-12-01 to 2027-01-06"),
        (Condition(days=frozenset({5, 6})), "only at weekends (Sat, Sun)"),
        (Condition(devices={"tv": DeviceIs(on=False)}), "only if tv is off"),
        (
            Condition(days=frozenset({0}), devices={"tv": DeviceIs(True, 2300.55, 5)}),
            "only on Mon and if tv is on and the load of tv is below 2300.55 W and the load of tv is above 5 W",
        ),
    ],
)
def test_what_must_hold(condition: Condition, said: str) -> None:
    assert condition_in_words(condition) == said


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (RULE, []),
        (replace(RULE, override_s=7200), ["leaves a device alone for 2 hours after a person changed it"]),
        (replace(RULE, failsafe_s=1800), ["what it turns on turns itself off 30 minutes after the daemon has gone"]),
        (replace(RULE, steps=STEPS), ["when it fires again, begins its steps anew"]),
        (
            replace(RULE, steps=STEPS, mode="queue"),
            ["when it fires again, goes through its steps once more when they are through"],
        ),
        (
            replace(RULE, steps=STEPS, mode="ignore"),
            ["when it fires again, does nothing while its steps are under way"],
        ),
    ],
)
def test_what_a_rule_minds(rule: Rule, said: list[str]) -> None:
    assert conduct_in_words(rule) == said


def test_explain_says_all_of_it() -> None:
    result = CliRunner().invoke(group, ["explain", "light-the-way", "-r", str(EXAMPLE)])
    assert result.exit_code == 0
    assert result.output.split("\n", 1)[1] == (
        "  fires    when lounge turns on and stays so for 10 seconds\n"
        "  if       only from 22:00 until before 06:00 the next day and if porch is off\n"
        "  sets     porch → on, brightness 20, color_temp 2700; after 8 minutes brightness 5; after 10 minutes off\n"
        "  and      when it fires again, begins its steps anew\n"
        "  run by   the daemon: a row sets one thing at one time, and this rule has 3 steps\n"
        "  next     not known: when it fires depends on when lounge turns on, which nobody knows beforehand\n"
    )
