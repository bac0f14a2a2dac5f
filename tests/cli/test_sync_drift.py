"""`sync drift`, `sync backup` and `sync restore`: what a person changed, and what stood there before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.sync_house import DUSK, OFF, RAIL, House, house_in, schedule


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        found.rules(OFF, DUSK, RAIL)
        assert found.sync("apply", "--yes").code == 0
        yield found


def minutes(house: House) -> list[int]:
    return sorted(row["s_min"] for row in house.porch.tables["schedule"] if row["s_type"] == "normal")


def edited(house: House) -> dict[str, Any]:
    """Move the row of porch-off by a quarter of an hour, as a person does."""
    [row] = [row for row in house.porch.tables["schedule"] if row["s_type"] == "normal"]
    house.porch.person_edits("schedule", {"id": row["id"], "s_min": 1425})
    return row


def test_without_drift_there_is_nothing_to_show(house: House) -> None:
    found = house.sync("drift")
    assert (found.code, found.out, found.err) == (0, "No row of ours was changed by hand.\n", "")


def test_drift_is_shown_with_both_sides_and_settled_only_when_asked(house: House) -> None:
    edited(house)
    found = house.sync("drift")
    assert found.code == 2
    assert found.out.splitlines()[1:3] == [
        "  ! schedule S1      every day at 23:30 → off   porch-off",
        "    now              every day at 23:45 → off",
    ]
    assert found.out.splitlines()[-1] == "1 row of ours changed by hand."
    assert minutes(house) == [1425]
    refused = house.sync("drift", "--restore")
    assert refused.code == 1
    assert "there is no terminal to ask at" in refused.err
    dry = house.sync("drift", "--restore", "--dry-run")
    assert dry.code == 2
    assert minutes(house) == [1425]


def test_json_has_the_drift_alone(house: House) -> None:
    edited(house)
    house.rules(OFF, DUSK)
    found = json.loads(house.sync("drift", "--json").out)
    [change] = [change for device in found["devices"] for change in device["changes"]]
    assert (change["action"], change["rule"], change["table"]) == ("drift", "porch-off", "schedule")
    assert found["totals"]["drift"] == 1
    assert found["totals"]["delete"] == 0, "what a plan would do besides is none of its business"


def test_ignored_drift_stays_and_is_mentioned_no_more(house: House) -> None:
    edited(house)
    before = len(house.porch.writes)
    done = house.sync("drift", "--ignore", "--yes")
    assert done.code == 0, done.err
    assert house.sync("drift").code == 0
    assert house.sync("plan").code == 0
    assert minutes(house) == [1425]
    assert len(house.porch.writes) == before
    edited(house)
    house.porch.person_edits("schedule", {"id": "S1", "s_min": 1430})
    assert house.sync("drift").code == 2, "it was changed once more"


def test_what_was_ignored_can_be_asked_about_anew(house: House) -> None:
    edited(house)
    assert house.sync("drift", "--ignore", "--yes").code == 0
    plan = house.sync("plan")
    assert plan.err == "1 row of ours is left as changed by hand: `sync drift --ignored` asks anew\n"
    assert (
        house.run("explain", "porch-off")
        .out.splitlines()[3]
        .endswith(
            "the device, as its row was changed by hand and is left so (`sync drift --ignored` asks anew) "
            "(schedule S1: every day at 23:30 → off)"
        )
    )
    anew = house.sync("drift", "--ignored")
    assert (anew.code, anew.out.splitlines()[-1]) == (2, "1 row of ours changed by hand.")
    assert house.sync("drift", "--ignored", "--restore", "--yes").code == 0
    assert minutes(house) == [1410]
    assert house.sync("plan").err == ""


def test_the_id_of_a_row_that_stays_removed_may_go_to_a_person(house: House) -> None:
    house.porch.person_removes("schedule", "S1")
    assert house.sync("drift", "--ignore", "--yes").code == 0
    house.porch.person_adds("schedule", schedule(60))
    assert [row["s_min"] for row in house.porch.tables["schedule"] if row["id"] == "S1"] == [60]
    assert house.sync("drift").code == 0
    assert house.sync("plan").code == 0
    assert house.sync("drift", "--ignored", "--restore", "--yes").code == 0
    assert minutes(house) == [60, 1410], "ours is there again, and theirs is untouched"


def test_how_drift_is_settled_is_said_once_and_only_until_it_is(house: House) -> None:
    edited(house)
    house.porch.person_edits("schedule", {"id": "S2", "time_offset": -30})
    assert house.sync("drift").out.count("--restore (ours again)") == 1
    assert house.sync("plan", "--markdown").out.count("`!` was changed by hand: sync drift") == 1
    assert "--restore (ours again)" not in house.sync("drift", "--restore", "--dry-run").out


def test_a_rule_follows_what_a_person_made_of_its_row(house: House) -> None:
    edited(house)
    rules = house.home / "rules.toml"
    before = rules.read_text()
    rules.write_text(before.replace("when.time = { at = 23:30:00 }", "when.time = { at = 23:30:00 } # after the news"))
    looked = house.sync("drift", "--adopt", "--dry-run")
    assert looked.code == 2
    assert "-when.time = { at = 23:30:00 } # after the news" in looked.out.splitlines()
    assert "+when.time = { at = 23:45:00 } # after the news" in looked.out.splitlines()
    assert "23:45" not in rules.read_text()
    writes = len(house.porch.writes)
    done = house.sync("drift", "--adopt", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "Done: 1 change on 1 device."
    assert rules.read_text() == before.replace("23:30:00 }", "23:45:00 } # after the news")
    assert house.sync("plan").code == 0
    assert len(house.porch.writes) == writes


def test_what_no_rule_can_follow_is_given_to_a_person(house: House) -> None:
    house.rules(OFF.replace('["porch"]', '["porch", "rail"]'), DUSK, RAIL)
    house.sync("apply", "--yes")
    edited(house)
    before = (house.home / "rules.toml").read_text()
    left = house.sync("drift", "--adopt", "--yes")
    assert left.code == 2
    assert "it is for rail too: give porch a rule of its own" in left.err
    assert "    when.time = { at = 23:45:00 }" in left.err.splitlines()
    assert (house.home / "rules.toml").read_text() == before
    assert house.sync("drift").code == 2


def test_a_row_that_was_removed_by_hand_may_stay_removed_or_come_back(house: House) -> None:
    house.porch.person_removes("schedule", "S1")
    found = house.sync("drift")
    assert found.code == 2
    assert "    now              removed by hand" in found.out.splitlines()
    assert house.sync("drift", "--ignore", "--yes").code == 0
    assert house.sync("plan").code == 0
    assert minutes(house) == []
    house.rail.person_removes("schedule", "S1")
    assert house.sync("drift", "--restore", "--yes").code == 0
    assert [row["s_min"] for row in house.rail.tables["schedule"]] == [1320]


def test_only_the_drift_of_the_named_rule_or_device_is_settled(house: House) -> None:
    edited(house)
    house.rail.person_edits("schedule", {"id": "S1", "s_min": 100})
    assert house.sync("drift", "--restore", "--yes", "--rule", "rail-off").code == 0
    assert [row["s_min"] for row in house.rail.tables["schedule"]] == [1320]
    assert minutes(house) == [1425]
    assert house.sync("drift", "--restore", "--yes", "--device", "rail").code == 0
    assert minutes(house) == [1425]
    assert house.sync("drift", "--restore", "--yes", "--device", "porch").code == 0
    assert minutes(house) == [1410]


def test_restoring_a_drift_leaves_other_changes_of_the_rules_to_apply(house: House) -> None:
    edited(house)
    house.rules(OFF, DUSK, RAIL.replace("22:00", "22:30"))
    assert house.sync("drift", "--restore", "--yes").code == 0
    assert minutes(house) == [1410]
    assert [row["s_min"] for row in house.rail.tables["schedule"]] == [1320]


def test_a_backup_is_kept_and_brought_back(house: House) -> None:
    house.porch.person_adds("schedule", schedule(60, on=True))
    before = house.porch.tables["schedule"]
    kept = house.sync("backup", "porch")
    assert kept.code == 0
    assert kept.out.startswith("porch: 3 rows in ")
    file = Path(kept.out.split(" in ")[1].strip())
    assert file.is_relative_to(house.home / "state")
    house.porch.person_removes("schedule", "S3")
    edited(house)
    looked = house.sync("restore", "porch", "--to", str(file), "--dry-run")
    assert looked.code == 2
    assert minutes(house) == [1425]
    done = house.sync("restore", "porch", "--to", str(file), "--yes")
    assert done.code == 0, done.err
    assert minutes(house) == [60, 1410]
    computed = ("year", "month", "day", "id")
    words = [[{k: v for k, v in row.items() if k not in computed} for row in rows] for rows in (before,)]
    now = [{k: v for k, v in row.items() if k not in computed} for row in house.porch.tables["schedule"]]
    assert sorted(map(str, now)) == sorted(map(str, words[0])), "in the device's own words"
    assert house.sync("plan").code == 0
    again = house.sync("restore", "porch", "--to", str(file), "--yes")
    assert (again.code, again.out.splitlines()[-1]) == (0, "Nothing to do.")


def test_the_last_apply_is_undone_by_the_backup_that_it_made(house: House) -> None:
    house.rules(OFF.replace("23:30", "21:00"), DUSK, RAIL)
    house.sync("apply", "--yes")
    assert minutes(house) == [1260]
    assert house.sync("restore", "porch", "--yes").code == 0
    assert minutes(house) == [1410]


def test_what_a_backup_is_not_for_is_said(house: House) -> None:
    none = house.sync("restore", "porch", "--state", "empty", "--yes")
    assert none.code == 1
    assert "there is no backup of 'porch' in empty/backups: `sync backup` keeps one" in none.err
    kept = house.sync("backup", "rail", "--json")
    file = json.loads(kept.out)["devices"][0]["file"]
    other = house.sync("restore", "porch", "--to", file, "--yes")
    assert other.code == 1
    assert other.err == f"tapo-automate: {file}: this is a backup of 'rail', not of 'porch'\n"
    broken = house.home / "broken.json"
    broken.write_text("{")
    damaged = house.sync("restore", "porch", "--to", "broken.json", "--yes")
    assert damaged.code == 1
    assert damaged.err.startswith("tapo-automate: broken.json: damaged, it is not JSON")


def test_a_backup_of_a_device_that_is_away_is_an_error_of_that_device_alone(house: House) -> None:
    house.rail.set_faults("offline")
    kept = house.sync("backup")
    assert kept.code == 3
    assert kept.out.startswith("porch: 2 rows in ")
    assert kept.err.startswith("rail: ")
    away = house.sync("restore", "rail", "--yes")
    assert away.code == 3
    dry = house.sync("backup", "porch", "--dry-run")
    assert (dry.code, dry.out) == (0, "would keep porch: 2 rows\n")
