"""How a plan reads: as text for people, and as Markdown for a pull request."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import click
import pytest

from tapo_automate.cli.sync_markdown import plan_markdown
from tapo_automate.cli.sync_text import plan_lines, totals_line
from tapo_automate.device import Setting
from tapo_automate.rows import AutoOff, Moment, ScheduleRow
from tapo_automate.sync.model import Change, DevicePlan, InDaemon, Nowhere, Plan, Quota, Wanted

AT = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
WEEKDAYS = frozenset(range(5))
OFF, DIM = Setting(on=False), Setting(on=True, brightness_pct=40)


def row(hour: int, minute: int, setting: Setting = OFF) -> ScheduleRow:
    return ScheduleRow(Moment("midnight", hour * 60 + minute), setting, WEEKDAYS)


def wanted(found: ScheduleRow, *rules: str) -> Wanted:
    return Wanted(found, dict.fromkeys(rules, "0" * 16))


CREATE = Change("create", "schedule", "", ("porch-off",), None, row(23, 30), "…", wanted(row(23, 30), "porch-off"))
UPDATE = Change(
    "update", "schedule", "S3", ("dawn",), row(7, 0, DIM), row(7, 15, DIM), "…", wanted(row(7, 15, DIM), "dawn")
)
DELETE = Change("delete", "schedule", "S4", ("old",), row(8, 0, DIM), None, "…")
ADOPT = Change("adopt", "schedule", "S5", ("noon",), row(12, 0), row(12, 0), "…", wanted(row(12, 0), "noon"))
ASLEEP = replace(ADOPT, wanted=Wanted(row(12, 0), {"noon": ""}))
FORGET = Change("adopt", "schedule", "S8", ("once",), None, None, "once at 07:00 → on, over: leaves the ledger")
DRIFT = Change("drift", "schedule", "S6", ("eve",), row(19, 0), row(19, 20), "…", wanted(row(19, 0), "eve"))
REMOVED = Change("drift", "schedule", "S7", ("eve",), row(19, 0), None, "…", wanted(row(19, 0), "eve"))
NOT_KNOWN = Change("drift", "auto_off", "", ("gone",), None, AutoOff(9), "it was changed by hand to 9 min …")
FOREIGN = Change("foreign", "schedule", "S9", (), row(1, 0), None, "…")
CHOICE = "sync drift --device porch --restore (ours again), --adopt (change the rule) or --ignore (leave it so)"


def lines(*devices: DevicePlan) -> list[str]:
    return [click.unstyle(line) for line in plan_lines(Plan(devices, AT))]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (CREATE, ["  + schedule         weekdays at 23:30 → off   porch-off"]),
        (
            UPDATE,
            [
                "  ~ schedule S3      weekdays at 07:15 → on, brightness 40   dawn",
                "    was              weekdays at 07:00 → on, brightness 40",
            ],
        ),
        (
            DELETE,
            [
                "  - schedule S4      weekdays at 08:00 → on, brightness 40   old",
                "    why              no rule wants it any more",
            ],
        ),
        (
            ADOPT,
            [
                "  ↻ schedule S5      weekdays at 12:00 → off   noon",
                "                     is there already and becomes ours; nothing is written",
            ],
        ),
        (
            ASLEEP,
            [
                "  ↻ schedule S5      weekdays at 12:00 → off   noon",
                "                     sleeps with its table, which is switched off; nothing is written",
            ],
        ),
        (
            FORGET,
            [
                "  ↻ schedule S8      once at 07:00 → on, over: leaves the ledger   once",
                "                     is over or gone, and leaves the ledger; nothing is written",
            ],
        ),
        (
            DRIFT,
            [
                "  ! schedule S6      weekdays at 19:00 → off   eve",
                "    now              weekdays at 19:20 → off",
                f"    choose           {CHOICE}",
            ],
        ),
        (
            REMOVED,
            [
                "  ! schedule S7      weekdays at 19:00 → off   eve",
                "    now              removed by hand",
                f"    choose           {CHOICE}",
            ],
        ),
        (
            NOT_KNOWN,
            ["  ! auto-off         it was changed by hand to 9 min …   gone", f"    choose           {CHOICE}"],
        ),
    ],
    ids=["create", "update", "delete", "adopt", "asleep", "forget", "drift", "removed", "not-known"],
)
def test_a_change_is_told_in_words_with_its_row_and_its_other_side(change: Change, expected: list[str]) -> None:
    assert lines(DevicePlan("porch", "b", (change,)))[: 1 + len(expected)] == ["porch", *expected]


def test_a_row_that_goes_to_the_daemon_says_why() -> None:
    device = DevicePlan("porch", "b", (DELETE,), daemon={"old": InDaemon("seconds", "it says seconds, 08:00:30")})
    assert "    why              old goes to the daemon: it says seconds, 08:00:30" in lines(device)
    device = DevicePlan("porch", "b", (DELETE,), nowhere={"old": Nowhere("off", "enabled = false", failed=False)})
    assert "    why              old: enabled = false" in lines(device)


def test_the_header_has_the_places_of_each_table_that_holds_anything() -> None:
    quota = {
        "schedule": Quota(max=32, used=5, foreign=2, ours=3, after=7),
        "countdown": Quota(max=1, used=0, foreign=0, ours=0, after=0),
        "antitheft": Quota(max=1, used=1, foreign=0, ours=1, after=1),
    }
    found = lines(DevicePlan("porch", "b", (CREATE,), quota))
    assert found[0] == "porch  schedule 5 → 7 of 32, 2 not ours; antitheft 1 of 1"


def test_what_a_device_cannot_and_what_nobody_does_stands_with_it() -> None:
    found = lines(
        DevicePlan("porch", "b", nowhere={"must": Nowhere("full", "all 32 places are taken")}, warnings=("look out",)),
        DevicePlan("gone", "", error="192.0.2.1: no connection within 5 s"),
        DevicePlan("attic", "b", fix_clock=True),
    )
    assert found == [
        "porch",
        "  ✗ must: carried out by nobody: all 32 places are taken",
        "  warning: look out",
        "",
        "gone",
        "  cannot be read: 192.0.2.1: no connection within 5 s",
        "",
        "attic",
        "  ~ clock            set to the site's time and zone",
        "",
        "Plan: 0 to create, 0 to change, 0 to delete. 1 clock to set. 1 device could not be read. "
        "1 rule is carried out by nobody.",
    ]


def test_rules_of_the_daemon_are_told_once_for_all_devices_with_one_reason() -> None:
    reason = {"washer": InDaemon("hold", "it waits for 3 minutes")}
    found = lines(*(DevicePlan(f"d{number}", "b", daemon=reason) for number in range(8)))
    assert found[0] == "8 devices are as the rules want"
    assert "  washer (d0, d1, d2, d3, d4 and 3 more): it waits for 3 minutes" in found
    assert found[-1] == "Nothing to do. 1 rule stays with the daemon."


def test_many_devices_with_nothing_to_do_are_told_together() -> None:
    full, half = ({"schedule": Quota(max=32, used=used, foreign=0, ours=used, after=used)} for used in (32, 16))
    devices = [DevicePlan(f"d{number}", "b", quota=full if number else half) for number in range(30)]
    assert lines(*devices) == [
        "30 devices are as the rules want",
        "  schedule 16 of 32: d0",
        "  schedule 32 of 32: d1, d2, d3, d4, d5 and 24 more",
        "",
        "Nothing to do.",
    ]


def test_the_totals_count_what_is_there() -> None:
    changes = (CREATE, CREATE, UPDATE, DRIFT, FOREIGN)
    daemon = {name: InDaemon("x", "…") for name in "abc"}
    assert totals_line(Plan((DevicePlan("porch", "b", changes, daemon=daemon),), AT)) == (
        "Plan: 2 to create, 1 to change, 0 to delete; 1 drift. 3 rules stay with the daemon."
    )
    assert totals_line(Plan((DevicePlan("porch", "b", (ADOPT,)),), AT)) == (
        "Plan: 0 to create, 0 to change, 0 to delete, 1 to adopt."
    )
    assert totals_line(Plan((DevicePlan("porch", "b", (FOREIGN,)),), AT)) == "Nothing to do."


def test_markdown_is_a_table_for_each_device_with_anything_to_say() -> None:
    quota = {"schedule": Quota(max=32, used=5, foreign=2, ours=3, after=6)}
    daemon = {"washer": InDaemon("hold", "it waits for 3 minutes")}
    plan = Plan((DevicePlan("porch", "b", (CREATE, UPDATE, FOREIGN), quota, daemon), DevicePlan("rail", "b")), AT)
    assert plan_markdown(plan) == (
        "### Plan: 1 to create, 1 to change, 0 to delete. 1 rule stays with the daemon.\n"
        "\n"
        "#### porch (schedule 5 → 6 of 32, 2 not ours)\n"
        "\n"
        "|  | row | rules | what |\n"
        "|---|---|---|---|\n"
        "| `+` | schedule | `porch-off` | weekdays at 23:30 → off |\n"
        "| `~` | schedule S3 | `dawn` | weekdays at 07:15 → on, brightness 40<br>"
        "was: weekdays at 07:00 → on, brightness 40 |\n"
        "\n"
        "<details><summary>1 rule with the daemon</summary>\n"
        "\n"
        "| rule | devices | why |\n"
        "|---|---|---|\n"
        "| `washer` | porch | it waits for 3 minutes |\n"
        "\n"
        "</details>\n"
    )


def test_markdown_lets_no_text_of_a_device_become_markup() -> None:
    device = DevicePlan("porch", "", error="1.2.3.4: <img src=x> | `@someone` **\n# bold")
    assert "**Cannot be read:** 1.2.3.4: \\<img src=x\\> \\| \\`\\@someone\\` \\*\\* \\# bold\n" in plan_markdown(
        Plan((device,), AT)
    )
