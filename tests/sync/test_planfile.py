"""A saved plan is exactly what was shown, or it is not carried out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapo_automate.device import Setting
from tapo_automate.errors import ConfigError
from tapo_automate.rows import (
    TABLES,
    AntitheftRow,
    AutoOff,
    CountdownRow,
    Moment,
    OpaqueRow,
    PowerProtection,
    ScheduleRow,
)
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.model import Change, DevicePlan, InDaemon, Nowhere, Plan, Quota, Wanted
from tapo_automate.sync.partition import rule_keys
from tapo_automate.sync.planfile import dump_plan, load_plan, stale_rules

NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
ROW = ScheduleRow(Moment("sunset", -15), Setting(on=True, brightness_pct=40, transition_ms=1500), frozenset({0, 6}))
OTHER = OpaqueRow("schedule", "it has a new kind", {"kind": None, "values": [1, {"x": "ü"}]}, "S2")
PLAN = Plan(
    (
        DevicePlan(
            "porch",
            "b" * 64,
            (
                Change("create", "schedule", "", ("on",), None, ROW, "said", Wanted(ROW, {"on": "1" * 16}, NOW)),
                Change("foreign", "schedule", "S2", (), OTHER, None, "a row that cannot be read"),
            ),
            {"schedule": Quota(32, 1, 1, 0, 2)},
            {"x": InDaemon("seconds", "a device knows whole minutes")},
            {"y": Nowhere("past", "it is over", failed=False)},
            ("its clock is lost",),
            True,
            keys={"on": "1" * 16, "x": "daemon"},
        ),
        DevicePlan("garden", "", error="192.168.1.32: no answer"),
    ),
    NOW,
)
AGAIN = "make a new one with `sync plan -o FILE`"

texts = st.text(max_size=8)
rows = st.sampled_from(
    [
        ROW,
        OTHER,
        CountdownRow(60, Setting(on=False), id="C1"),
        AntitheftRow(Moment("sunset", 0), Moment("midnight", 5), frozenset(), repeats=False, id="A1"),
        AutoOff(5, enabled=False),
        PowerProtection(2000),
    ]
)
changes = st.builds(
    Change,
    st.sampled_from(["create", "update", "delete", "adopt", "drift", "foreign"]),
    st.sampled_from(TABLES),
    texts,
    st.lists(texts, max_size=2).map(tuple),
    st.none() | rows,
    st.none() | rows,
    texts,
    st.none()
    | st.builds(
        Wanted, rows.filter(lambda row: row is not OTHER), st.dictionaries(texts, texts), st.none() | st.just(NOW)
    ),
)
plans = st.builds(
    Plan,
    st.lists(
        st.builds(
            DevicePlan,
            texts,
            texts,
            st.lists(changes, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from(TABLES), st.builds(Quota, *[st.integers(0, 32)] * 5)),
            st.dictionaries(texts, st.builds(InDaemon, texts, texts)),
            st.dictionaries(texts, st.builds(Nowhere, texts, texts, st.booleans())),
            st.lists(texts, max_size=2).map(tuple),
            st.booleans(),
            texts,
            st.dictionaries(texts, texts),
        ),
        max_size=3,
    ).map(tuple),
    st.just(NOW),
)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_plan(text, "plan.toml")
    return str(caught.value)


@given(plans)
def test_every_plan_comes_back_from_its_file(plan: Plan) -> None:
    assert load_plan(dump_plan(plan), "plan.toml") == plan


def test_a_plan_file_says_what_it_is() -> None:
    assert dump_plan(PLAN).startswith(
        "# A plan of tapo-automate: `tapo-automate sync apply THIS_FILE` carries out exactly what it was shown to do.\n"
        "# Not to be edited: make a new one with `tapo-automate sync plan -o THIS_FILE`.\n"
        'checksum = "'
    )
    assert "made_at = 2026-11-22 13:00:00+00:00\n" in dump_plan(PLAN)


@given(st.data())
def test_a_changed_character_is_noticed(data: st.DataObject) -> None:
    text = dump_plan(PLAN)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8", exclude_characters="\r" + text[place]))
    refusal(text[:place] + other + text[place + 1 :])


def test_an_edited_plan_is_not_carried_out() -> None:
    refused = f"plan.toml: this plan was changed after it was made, and is not carried out; {AGAIN}"
    text = dump_plan(PLAN)
    for edited in (text.replace("brightness_pct = 40", "brightness_pct = 41"), text + "# seen\n", "\n" + text):
        assert refusal(edited) == refused


def test_other_ends_of_lines_change_nothing() -> None:
    assert load_plan(dump_plan(PLAN).replace("\n", "\r\n"), "plan.toml") == PLAN


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: "schema = 1\n", f"this is not a plan of `sync plan`; {AGAIN}"),
        (lambda text: "", f"this is not a plan of `sync plan`; {AGAIN}"),
        (
            lambda text: text.replace("schema = 1", "schema = 2").replace('tool = "', 'tool = "9.'),
            f"this plan was made by tapo-automate 9.{version('tapo-automate')}, in a form that this version does not "
            f"know (schema = 2, known is 1); {AGAIN}",
        ),
        (
            lambda text: "schema =\n",
            f"this plan is damaged, it is not TOML (Invalid value (at line 1, column 9)); {AGAIN}",
        ),
    ],
)
def test_what_is_no_plan_is_refused(change: Callable[[str], str], problem: str) -> None:
    assert refusal(change(dump_plan(PLAN))) == f"plan.toml: {problem}"


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
devices = ["porch"]
when.time = { at = 23:30:00 }
set = { on = false }
[rules.seconds]
devices = ["porch"]
when.time = { at = 23:30:01 }
set = { on = true }
"""


def book_of(text: str) -> RuleBook:
    book = load_text(text).book
    assert book is not None
    return book


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("23:30:00", "23:30:00", ()),
        ("23:30:00", "23:31:00", ("off",)),
        ("[rules.off]", "[rules.off]\nenabled = false", ("off",)),
        ("[rules.off]", '[rules.off]\nexecutor = "daemon"', ("off",)),
        ("[rules.off]", "[rules.out]", ("off", "out")),
        ('[rules.off]\ndevices = ["porch"]', '[rules.off]\ndevices = ["garden"]', ("off",)),
        ("23:30:01", "23:32:00", ("seconds",)),
        ("23:30:01", "23:30:02", ()),
        ("set = { on = true }", "set = { on = true }\noverride = '1h'", ()),
    ],
)
def test_rules_that_changed_since_are_found_out(old: str, new: str, stale: tuple[str, ...]) -> None:
    book = book_of(RULES)
    plan = Plan((DevicePlan("porch", "b", keys=rule_keys(book, "porch")),), NOW)
    now = book_of(RULES.replace(old, new))
    assert stale_rules(plan, now) == stale_rules(plan.devices[0], now, now.site) == stale


def test_a_device_without_a_plan_knows_of_no_rules() -> None:
    assert stale_rules(DevicePlan("porch", "", error="no answer"), book_of(RULES)) == ()
