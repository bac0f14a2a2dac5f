"""A plan says what would change and what would not, and is bound to what it was made from."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tapo_automate.device import Description, Setting
from tapo_automate.errors import PlanUnsafe
from tapo_automate.rows import (
    AntitheftRow,
    AutoOff,
    CountdownRow,
    FoundRow,
    Holdings,
    Moment,
    NextEvent,
    OpaqueRow,
    OwnClock,
    PowerProtection,
    ScheduleRow,
    Table,
)
from tapo_automate.rules.load import load_text
from tapo_automate.rules.model import RuleBook
from tapo_automate.sync.ledger import DeviceLedger, Ledger, hardware_digest
from tapo_automate.sync.model import Change, DevicePlan, Plan, Quota, Reading, Recorded
from tapo_automate.sync.plan import as_json, basis_of, plan_device, stops
from tapo_automate.sync.rows import digest, in_words
from tapo_automate.sync.rulewords import as_rule

NOW = dt.datetime(2026, 11, 22, 13, 0, tzinfo=dt.UTC)
RULES = """
schema = 1
[site]
timezone = "Europe/Berlin"
[devices.porch]
driver = "tapo-plug"
host = "192.168.1.31"
[rules.off]
devices = ["porch"]
when.time = { at = 23:30:00 }
set = { on = false }
[rules.seconds]
devices = ["porch"]
when.time = { at = 23:30:01 }
set = { on = true }
[rules.asked]
devices = ["porch"]
executor = "device"
when.time = { at = 12:00:01 }
set = { on = true }
"""
THEIRS = ScheduleRow(Moment("midnight", 420), Setting(on=True), frozenset({0}), id="S1")
OFF = ScheduleRow(Moment("midnight", 1410), Setting(on=False), id="S2")


def book_of(text: str = RULES) -> RuleBook:
    book = load_text(text).book
    assert book is not None
    return book


def holdings(*rows: ScheduleRow, clock_at: dt.datetime = NOW) -> Holdings:
    return Holdings(
        Description("48-22-54-AA-BB-CC", "P110", "1.3.0", "klap"),
        {
            "schedule": Table(32, rows, enabled=bool(rows)),
            "countdown": Table(1, (CountdownRow(60, Setting(on=False), enabled=False, id="C1"),)),
        },
        OwnClock(clock_at, "Europe/Berlin", 60),
        (52.5, 13.4),
    )


def plan_of(
    held: Holdings, ledger: DeviceLedger | None = None, book: RuleBook | None = None, **how: bool
) -> DevicePlan:
    return plan_device(book or book_of(), "porch", Reading(held, NOW), ledger or DeviceLedger(), NOW, **how)


def ours(row: FoundRow, row_id: str, rule: str, **changes: object) -> Recorded:
    said = Recorded("schedule", row_id, {rule: "0" * 16}, digest(row), digest(row), in_words(row), NOW)
    return replace(said, **changes)  # type: ignore[arg-type]


def test_a_plan_in_the_words_of_json() -> None:
    plan = Plan((plan_of(holdings(THEIRS)), DevicePlan("garden", "", error="no answer")), NOW)
    made = json.loads(json.dumps(as_json(plan)))
    assert made == {
        "devices": [
            {
                "device": "porch",
                "basis": basis_of(holdings(THEIRS)),
                "quota": {
                    "schedule": {"max": 32, "used": 1, "foreign": 1, "ours": 0, "after": 2},
                    "countdown": {"max": 1, "used": 0, "foreign": 0, "ours": 0, "after": 0},
                },
                "fix_clock": False,
                "changes": [
                    {
                        "action": "create",
                        "table": "schedule",
                        "id": None,
                        "rule": "off",
                        "rules": ["off"],
                        "before": None,
                        "after": {"when": {"time": {"at": "23:30:00"}}, "set": {"on": False}},
                        "text": "every day at 23:30 → off",
                    },
                    {
                        "action": "foreign",
                        "table": "schedule",
                        "id": "S1",
                        "rule": None,
                        "rules": [],
                        "before": {"when": {"time": {"at": "07:00:00", "days": ["mon"]}}, "set": {"on": True}},
                        "after": None,
                        "text": "mon at 07:00 → on",
                    },
                ],
                "daemon": [
                    {
                        "rule": "seconds",
                        "code": "seconds",
                        "reason": "a device knows whole minutes: 23:30:01 is none",
                    }
                ],
                "nowhere": [
                    {
                        "rule": "asked",
                        "code": "seconds",
                        "reason": "a device knows whole minutes: 12:00:01 is none",
                        "failed": True,
                    }
                ],
                "warnings": [],
                "error": None,
            },
            {
                "device": "garden",
                "basis": "",
                "quota": {},
                "fix_clock": False,
                "changes": [],
                "daemon": [],
                "nowhere": [],
                "warnings": [],
                "error": "no answer",
            },
        ],
        "totals": {
            "devices": 2,
            "create": 1,
            "update": 0,
            "delete": 0,
            "adopt": 0,
            "drift": 0,
            "foreign": 1,
            "daemon": 1,
            "nowhere": 1,
            "errors": 1,
        },
    }


def test_a_wrong_clock_keeps_rules_from_the_device_until_it_is_set() -> None:
    lost = holdings(clock_at=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
    plan = plan_of(lost)
    assert (plan.changes, plan.fix_clock, sorted(plan.daemon)) == ((), False, ["off", "seconds"])
    assert plan.warnings == ("its clock is lost, and believes to be in 2000: `sync apply --fix-clock` sets it",)
    mended = plan_of(lost, fix_clock=True)
    assert (mended.fix_clock, mended.writes, mended.warnings) == (True, True, ())
    assert [change.action for change in mended.changes] == ["create"]
    assert plan_of(holdings(), fix_clock=True).fix_clock is False, "a clock that is right is not set"


def test_another_device_at_the_same_name_has_no_plan() -> None:
    ledger = DeviceLedger(hardware_digest("48-22-54-00-00-00"))
    plan = plan_of(holdings(), ledger)
    assert plan.error == (
        "this P110 is not the device that the ledger knows by this name: if it was replaced, run "
        "`sync refresh --device porch`; if not, correct its host in the rules"
    )
    assert plan.changes == ()
    assert plan_of(holdings(), DeviceLedger(hardware_digest("48-22-54-AA-BB-CC"))).error == ""


def test_a_table_that_is_not_shown_is_no_table_whose_rows_were_removed() -> None:
    told = holdings()
    silent = replace(told, tables={"countdown": told.tables["countdown"]})
    plan = plan_of(silent, DeviceLedger(rows=(ours(OFF, "S2", "off"),)))
    assert plan.error == (
        "it does not show its schedule, where the ledger has rows of ours: nothing is planned for it; try again "
        "later, and look what is wrong with `doctor`"
    )
    assert plan.changes == ()


def test_places_are_counted_before_and_after() -> None:
    ledger = DeviceLedger(rows=(ours(OFF, "S2", "gone"), ours(THEIRS, "S9", "gone")))
    other = replace(OFF, at=Moment("midnight", 60), id="S3")
    plan = plan_of(holdings(THEIRS, OFF, other), ledger)
    assert [(change.action, change.row_id) for change in plan.changes] == [
        ("adopt", "S9"),
        ("adopt", "S2"),
        ("foreign", "S1"),
        ("foreign", "S3"),
    ]
    assert plan.quota["schedule"] == Quota(max=32, used=3, foreign=2, ours=1, after=3)


@pytest.mark.parametrize(
    "changed",
    [
        holdings(THEIRS, OFF),
        holdings(replace(THEIRS, id="S7")),
        holdings(replace(THEIRS, enabled=False)),
        replace(holdings(THEIRS), clock=OwnClock(NOW, "Europe/Paris", 60)),
        replace(holdings(THEIRS), clock=OwnClock(NOW.replace(year=2000), "Europe/Berlin", 60)),
        replace(holdings(THEIRS), position=None),
        replace(holdings(THEIRS), description=Description("48-22-54-00-00-00", "P110", "1.3.0", "klap")),
        replace(holdings(THEIRS), tables={"schedule": Table(32, (THEIRS,), enabled=False)}),
    ],
)
def test_the_basis_is_another_where_anything_has_changed(changed: Holdings) -> None:
    assert basis_of(changed) != basis_of(holdings(THEIRS))


def test_the_basis_is_the_same_where_only_time_has_passed() -> None:
    before = holdings(THEIRS)
    after = replace(
        holdings(replace(THEIRS, next_day=dt.date(2026, 11, 23), minute=420), clock_at=NOW + dt.timedelta(minutes=9)),
        next_event=NextEvent(NOW, "S1"),
        description=replace(before.description, firmware="1.4.0"),
    )
    assert basis_of(after) == basis_of(before)
    swapped = replace(before, tables={"schedule": Table(32, (THEIRS, OFF))})
    assert basis_of(swapped) == basis_of(replace(before, tables={"schedule": Table(32, (OFF, THEIRS))}))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            ScheduleRow(Moment("sunrise", 90), Setting(on=True, brightness_pct=5), frozenset(range(5))),
            {
                "when": {"sunrise": {"offset": "1h30m", "days": ["mon", "tue", "wed", "thu", "fri"]}},
                "set": {"on": True, "brightness": 5},
            },
        ),
        (
            ScheduleRow(Moment("midnight", 5), Setting(on=False), frozenset(), repeats=False, enabled=False),
            {"when": {"time": {"at": "00:05:00", "once": True}}, "set": {"on": False}, "enabled": False},
        ),
        (
            CountdownRow(2700, Setting(on=False)),
            {"when": {"countdown": {"after": "45m", "from": "apply"}}, "set": {"on": False}},
        ),
        (
            AntitheftRow(Moment("sunset", 10), Moment("sunrise", -5), frozenset({6}), frequency_min=9),
            {"when": {"away": {"from": "sunset+10m", "until": "sunrise-5m", "days": ["sun"], "every": "9m"}}},
        ),
        (
            AntitheftRow(Moment("sunset", 0), Moment("midnight", 1410)),
            {"when": {"away": {"from": "sunset", "until": "23:30:00"}}},
        ),
        (AutoOff(90), {"when": {"countdown": {"after": "1h30m", "from": "on"}}, "set": {"on": False}}),
        (PowerProtection(2000), {"when": {"power": {"above": 2000}}, "set": {"on": False}}),
        (OpaqueRow("schedule", "it has a new kind", {"s_type": "moon"}), {"unreadable": "it has a new kind"}),
    ],
)
def test_rows_are_said_as_rules_say_them(row: FoundRow, words: dict[str, object]) -> None:
    assert as_rule(row) == words


# The stops ----------------------------------------------------------------------------------------------------------


def deleting(*row_ids: str, device: str = "porch", used: int = 9, after: int = 5) -> DevicePlan:
    changes = tuple(Change("delete", "schedule", row_id, ("x",), OFF, None, in_words(OFF)) for row_id in row_ids)
    return DevicePlan(device, "b", changes, {"schedule": Quota(32, used, 0, used, after)})


def ledger_of(**rows: Sequence[str]) -> Ledger:
    return Ledger(
        {device: DeviceLedger(rows=tuple(ours(OFF, row_id, "x") for row_id in ids)) for device, ids in rows.items()}
    )


def refusal(plan: DevicePlan, ledger: Ledger, *allowed: str) -> str:
    try:
        stops(Plan((plan,), NOW), ledger, frozenset(allowed))
    except PlanUnsafe as error:
        return str(error).removeprefix("stopped before anything was written:\n  ")
    return ""


def test_more_than_thirty_percent_deleted_stops() -> None:
    ledger = ledger_of(porch=["S1", "S2", "S3", "S4"], garden=["S1", "S2", "S3", "S4", "S5", "S6"])
    assert refusal(deleting("S1", "S2", "S3"), ledger) == "", "3 of 10 are not more than 30 %"
    plan = deleting("S1", "S2", "S3", "S4")
    assert refusal(plan, ledger) == (
        "4 of the 10 rows that we have on all devices would be deleted, which is 40 %, more than 30 %; "
        "if that is meant, add --allow-mass-delete"
    )
    assert refusal(plan, ledger, "--allow-mass-delete") == ""


def test_rows_that_are_over_are_not_missed() -> None:
    over = ours(OFF, "S1", "x", spent_at=NOW - dt.timedelta(hours=1))
    assert refusal(deleting("S1"), Ledger({"porch": DeviceLedger(rows=(over, ours(OFF, "S2", "y")))})) == ""


def test_an_emptied_table_stops() -> None:
    ledger = ledger_of(porch=["S1"], garden=["S1", "S2", "S3", "S4"])
    plan = deleting("S1", used=1, after=0)
    assert refusal(plan, ledger) == (
        "porch: its schedule table has 1 row and would have none; if that is meant, add --allow-emptying"
    )
    assert refusal(plan, ledger, "--allow-emptying") == ""
    one_place = DevicePlan("porch", "b", plan.changes, {"antitheft": Quota(1, 1, 0, 1, 0)})
    assert refusal(one_place, ledger) == "", "a table of one place is emptied by any change of mind"
    empty = DevicePlan("porch", "b", (), {"schedule": Quota(32, 0, 0, 0, 0)})
    assert refusal(empty, ledger) == "", "nothing to lose"


def test_a_row_of_others_stops() -> None:
    ledger = ledger_of(porch=["S1"], garden=["S1", "S2", "S3", "S4"])
    assert refusal(deleting("S9"), ledger) == (
        "porch: “every day at 23:30 → off” is not ours, and would be lost; if that is meant, add --allow-foreign"
    )
    assert refusal(deleting("S9"), ledger, "--allow-foreign") == ""


def test_a_row_that_was_cut_off_before_its_id_came_is_ours() -> None:
    cut_off = ours(OFF, "", "x", phase="coming")
    ledger = ledger_of(garden=["S1", "S2", "S3", "S4"]).replaced("porch", DeviceLedger(rows=(cut_off,)))
    assert refusal(deleting("S9"), ledger) == ""


def test_all_reasons_are_told_at_once() -> None:
    text = refusal(deleting("S1", "S9", used=2, after=0), ledger_of(porch=["S1"]))
    assert text.split("\n  ") == [
        "porch: its schedule table has 2 rows and would have none; if that is meant, add --allow-emptying",
        "1 of the 1 rows that we have on all devices would be deleted, which is 100 %, more than 30 %; "
        "if that is meant, add --allow-mass-delete",
        "porch: “every day at 23:30 → off” is not ours, and would be lost; if that is meant, add --allow-foreign",
    ]
