"""What real devices held is read without loss, shown as their owners' and adopted, and nothing is written meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.dumped import Open, each, known, needs_dumps, opening
from tapo_automate.rows import OpaqueRow, PowerProtection, TableName, id_of
from tapo_automate.sync.model import Quota

ROW_TABLES: tuple[TableName, ...] = ("schedule", "countdown", "antitheft")
COMPUTED = {"year", "month", "day", "remain"}

pytestmark = needs_dumps


@pytest.fixture
def dumped(tmp_path: Path) -> Iterator[Open]:
    with opening(tmp_path) as start:
        yield start


DAYS = {127: "every day", 62: "weekdays", 65: "weekends"}
ORDER = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def sentence(row: dict[str, Any]) -> str:
    """Say a schedule row of a dump in words, straight from what the device calls things."""
    mask = row["week_day"]
    named = ", ".join(day for number, day in enumerate(ORDER, 1) if mask >> number % 7 & 1)
    days = "once" if row["mode"] == "once" else DAYS.get(mask, named)
    if row["s_type"] == "normal":
        when = f"at {row['s_min'] // 60:02}:{row['s_min'] % 60:02}"
    else:
        hours, minutes = divmod(abs(row["time_offset"]), 60)
        apart = " ".join(word for word in (f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes)) if word)
        side = "before" if row["time_offset"] < 0 else "after"
        when = f"{apart} {side} {row['s_type']}" if apart else f"at {row['s_type']}"
    off = "" if row["enable"] else " (switched off)"
    return f"{days} {when} → {deed(row)}{off}"


def deed(row: dict[str, Any]) -> str:
    states = row.get("desired_states") or {"on": row.get("s_action") == "on"}
    words = ["on" if states["on"] else "off"]
    if states["on"] and "brightness" in states:
        words.append(f"brightness {states['brightness']}")
    if states["on"] and states.get("color_temp"):
        words.append(f"color_temp {states['color_temp']}")
    elif states["on"] and "hue" in states:
        words.append(f"hue {states['hue']}, saturation {states['saturation']}")
    if states.get("transition_period"):
        minutes, rest_ms = divmod(states["transition_period"], 60_000)
        words.append(f"transition {minutes}m" if not rest_ms else f"transition {states['transition_period'] / 1000:g}s")
    return ", ".join(words)


class TestReading:
    @each
    def test_nothing_is_lost_of_a_row(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            tables = it.reading().holdings.tables
            for name in ROW_TABLES:
                there = it.said.get(f"get_{name}_rules")
                if not isinstance(there, dict) or "rule_list" not in there:
                    continue
                table = tables[name]
                assert table.max_rows == there[f"{name}_rule_max_count"]
                assert [id_of(row) for row in table.rows] == [row["id"] for row in there["rule_list"]]
                for row, words in zip(table.rows, there["rule_list"], strict=True):
                    if isinstance(row, OpaqueRow):
                        assert row.why
                    computed = COMPUTED | ({"s_min"} if words.get("s_type", "normal") != "normal" else set())
                    kept = {key: value for key, value in words.items() if key not in computed | {"id"}}
                    assert kept.items() <= row.own.items()
            clock = it.reading().holdings.clock
            if isinstance(it.said.get("get_device_time"), dict):
                assert clock is not None
                assert clock.region == it.said["get_device_time"]["region"]

    @each
    def test_neighbours_say_what_the_device_says(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            tables = it.reading().holdings.tables
            protection = it.said.get("get_protection_power")
            if isinstance(protection, dict) and "protection_power" in protection:
                enabled = protection.get("enabled", protection.get("protection_enabled"))
                limit_w = protection["protection_power"]
                wanted = (PowerProtection(limit_w, enabled),) if enabled or limit_w else ()
                assert tables["power_protection"].rows == wanted
            auto_off = it.said.get("get_auto_off_config")
            if isinstance(auto_off, dict) and not auto_off["enable"] and auto_off["delay_min"] == 120:
                assert tables["auto_off"].rows == (), "as every device says it that nobody has set"


class TestPlan:
    @each
    def test_rows_of_people_are_foreign_in_words_and_counted(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            plan = it.plan(it.book())
            assert not plan.pending
            assert {change.action for change in plan.changes} <= {"foreign"}
            texts = {(change.table, change.row_id): change.text for change in plan.changes}
            for row in it.rows:
                read = texts["schedule", row["id"]]
                if not read.startswith("a row that cannot be read: "):
                    assert read == sentence(row)
            most = (it.said.get("get_schedule_rules") or {}).get("schedule_rule_max_count")
            if most is not None:
                used = len(it.rows)
                assert plan.quota["schedule"] == Quota(most, used, used, 0, used)
            if "countdown" in plan.quota:
                runs = [
                    row
                    for row in (it.said.get("get_countdown_rules") or {}).get("rule_list", [])
                    if row["enable"] and row["remain"]
                ]
                assert plan.quota["countdown"].used == len(runs), "one that is over takes no place"

    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            (
                "L430C(EU)_1.0_1.0.4",
                {
                    "it": [
                        "every day at 05:30 → on, brightness 100, color_temp 2700, transition 30m",
                        "every day at 22:30 → off, transition 30m",
                        "every day at 07:00 → off",
                        "every day 30 min before sunset → on, brightness 100, color_temp 2700, transition 30m",
                    ]
                },
            ),
            ("P110(UK)_1.0_1.3.0", {"it": ["every day at 11:50 → on", "above 2960 W → off"]}),
            ("EP40M(US)_1.0_1.1.0", {"it/1": ["every day 15 min before sunset → on", "every day at 22:10 → off"]}),
            ("L630(EU)_1.0_1.1.2", {}),
        ],
    )
    def test_some_that_are_known_word_by_word(self, dumped: Open, name: str, wanted: dict[str, list[str]]) -> None:
        found = {it.spec.id: [change.text for change in it.plan(it.book()).changes] for it in dumped(known(name))}
        assert {device: texts for device, texts in found.items() if texts} == wanted


class TestAdopt:
    @each
    def test_nothing_is_left_to_do_after_it_and_nothing_is_written(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            before = it.inside()
            adopted, book = it.adopt()
            left = {row.row_id: row.reason for row in adopted.left_alone}
            for row in it.rows:
                assert row["id"] in left or any(row["id"] == each.row_id for each in adopted.recorded)
            assert all(left.values())
            plan = it.plan(book)
            assert not plan.pending
            assert sorted(change.row_id for change in plan.changes if change.table == "schedule") == sorted(
                alone.row_id for alone in adopted.left_alone if alone.table == "schedule"
            )
            stamp = it.ledger.path.stat().st_mtime_ns if adopted.recorded else None
            it.apply(book, plan)
            assert it.inside() == before
            assert it.hands.writes == it.device.writes == []
            assert not it.backups.folder.exists()
            assert (it.ledger.path.stat().st_mtime_ns if it.ledger.path.exists() else None) == stamp

    @pytest.mark.parametrize(
        ("name", "texts"),
        [
            (
                "L430C(EU)_1.0_1.0.4",
                [
                    "when.time = { at = 05:30:00 }",
                    'set = { on = true, brightness = 100, color_temp = 2700, transition = "30m" }',
                    "when.time = { at = 07:00:00 }",
                    "set = { on = false }",
                    "when.time = { at = 22:30:00 }",
                    'set = { on = false, transition = "30m" }',
                    'when.sunset = { offset = "-30m" }',
                    'set = { on = true, brightness = 100, color_temp = 2700, transition = "30m" }',
                ],
            ),
            (
                "P110(UK)_1.0_1.3.0",
                [
                    "when.time = { at = 11:50:00 }",
                    "set = { on = true }",
                    "when.power = { above = 2960 }",
                    "set = { on = false }",
                ],
            ),
            (
                "EP40M(US)_1.0_1.1.0",
                [
                    "when.time = { at = 22:10:00 }",
                    "set = { on = false }",
                    'when.sunset = { offset = "-15m" }',
                    "set = { on = true }",
                ],
            ),
        ],
    )
    def test_rules_of_some_that_know_where_they_are(self, dumped: Open, name: str, texts: list[str]) -> None:
        """Dumps keep places to themselves; here the device is at the site, so that its sun is trusted."""
        written = []
        for it in dumped(known(name), 34.77, 32.42):
            adopted, book = it.adopt()
            assert adopted.left_alone == ()
            written += [line for line in adopted.text.splitlines() if line.startswith(("when.", "set "))]
            plan = it.plan(book)
            assert plan.changes == ()
            assert (plan.daemon, plan.nowhere, plan.warnings) == ({}, {}, ())
            quota = plan.quota["schedule"]
            assert (quota.ours, quota.foreign) == (len(it.rows), 0)
        assert written == texts

    def test_without_a_place_of_its_own_the_rows_by_the_sun_stay_with_people(self, dumped: Open) -> None:
        [it] = dumped(known("L430C(EU)_1.0_1.0.4"))
        adopted, _ = it.adopt()
        [alone] = adopted.left_alone
        assert (alone.row_id, alone.reason) == (
            "S4",
            "it has no location, and so a sun of its own making: set the device's location in the Tapo app",
        )

    @each
    def test_what_was_adopted_and_removed_in_the_app_is_drift(self, dumped: Open, path: Path) -> None:
        for it in dumped(path):
            adopted, book = it.adopt()
            ours = [row for row in adopted.recorded if row.table == "schedule"]
            for row in ours:
                it.hands.person_removes("schedule", row.row_id)
            changes = [change for change in it.plan(book).changes if change.action != "foreign"]
            assert [(change.action, change.text) for change in changes] == [
                ("drift", f"{row.text} was removed by hand") for row in ours
            ]
