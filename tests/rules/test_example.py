"""rules.example.toml is a sound house that teaches the whole language."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tapo_automate.daemon.verdict import judged
from tapo_automate.rules.forecast import forecast
from tapo_automate.rules.load import load
from tapo_automate.rules.model import Firing, RuleBook
from tapo_automate.rules.relations import TRIGGERS
from tapo_automate.rules.support import not_carried_out

EXAMPLE = Path(__file__).parents[2] / "rules.example.toml"


def book() -> RuleBook:
    loaded = load([EXAMPLE], drivers=["tapo-plug", "tapo-bulb"])
    assert loaded.book, loaded.problems
    return loaded.book


def test_the_example_has_no_error_and_no_warning() -> None:
    assert load([EXAMPLE], drivers=["tapo-plug", "tapo-bulb"]).problems == ()


def test_the_example_teaches_every_trigger() -> None:
    text = EXAMPLE.read_text()
    assert [kind for kind in TRIGGERS if f"when.{kind} =" not in text] == []


def test_the_example_has_the_four_devices_of_the_demo() -> None:
    assert {name: (spec.driver, spec.host) for name, spec in book().devices.items()} == {
        "washer": ("tapo-plug", "192.168.1.31"),
        "rail": ("tapo-plug", "192.168.1.32"),
        "porch": ("tapo-bulb", "192.168.1.33"),
        "lounge": ("tapo-bulb", "192.168.1.34"),
    }


def test_christmas_eve_goes_as_the_example_says() -> None:
    start = dt.datetime(2026, 12, 23, 23, tzinfo=dt.UTC)  # midnight in Berlin
    fired = [
        (each.rule.id, each.device_id, each.nominal.astimezone(book().site.timezone))
        for each in forecast(book(), start, start + dt.timedelta(days=1))
        if isinstance(each, Firing)
    ]
    by_clock = [(rule, device, f"{at:%H:%M}") for rule, device, at in fired if rule not in {"rail-night", *SUN}]
    assert by_clock == [
        ("lamps-off-again", "porch", "02:30"),
        ("lamps-off-again", "lounge", "02:30"),
        ("rail-warm", "rail", "06:30"),
        ("rail-off", "rail", "08:00"),
        ("washer-start", "washer", "09:00"),
        ("christmas-eve", "lounge", "16:00"),
        ("lamps-off", "porch", "23:30"),
        ("lamps-off", "lounge", "23:30"),
    ]
    assert [f"{at:%H}" for rule, _, at in fired if rule == "rail-night"] == HOURS
    by_sun = {rule: f"{at:%H:%M}" for rule, _, at in fired if rule in SUN}
    assert "08:20" < by_sun["lounge-daylight"] < "08:40"
    assert "15:30" < by_sun["porch-at-dusk"] < "15:50"


SUN = ("lounge-daylight", "porch-at-dusk")
HOURS = ["00", "01", "02", "03", "04", "05", "22", "23"]


def test_no_two_rules_of_the_example_speak_to_a_device_in_the_same_minute() -> None:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    seen: dict[tuple[str, dt.datetime], str] = {}
    for each in forecast(book(), start, start + dt.timedelta(days=365)):
        if isinstance(each, Firing):
            key = each.device_id, each.due.replace(second=0)
            assert seen.setdefault(key, each.rule.id) == each.rule.id
            seen[key] = each.rule.id


def test_every_rule_of_the_example_is_carried_out() -> None:
    assert [name for name, rule in book().rules.items() if not_carried_out(rule)] == []


def test_what_the_example_claims_holds() -> None:
    verdicts = [judged(test, book()) for test in book().tests]
    assert [(verdict.test.name, verdict.mismatches) for verdict in verdicts if not verdict.passed] == []
    assert len(verdicts) >= 2


def test_the_example_teaches_what_rules_do_besides_setting() -> None:
    text = EXAMPLE.read_text()
    taught = ("steps = ", "override = ", "notify = ", "only_if.device.", "[[tests]]")
    assert [each for each in taught if each not in text] == []
