"""`sync adopt` and `sync refresh`: rows of people become rules, and a lost ledger is made anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.sync_house import DUSK, OFF, RAIL, House, house_in, schedule


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def test_rows_of_the_app_become_rules_and_leave_nothing_to_do(house: House) -> None:
    house.rules(OFF)
    house.porch.person_adds("schedule", schedule(420, on=True, week_day=62))
    house.rail.person_adds("schedule", schedule(1300))
    looked = house.sync("adopt", "--dry-run")
    assert looked.code == 2
    assert looked.out.startswith("porch\n  ↻ schedule S1      weekdays at 07:00 → on   porch-on-weekdays-07-00\n")
    assert "2 rows to become rules in rules.adopted.toml." in looked.out.splitlines()
    assert "[rules.porch-on-weekdays-07-00]" in looked.out.splitlines()
    assert not (house.home / "rules.adopted.toml").exists()
    assert not house.ledger.exists()
    refused = house.sync("adopt")
    assert refused.code == 1
    assert "there is no terminal to ask at" in refused.err

    done = house.sync("adopt", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "2 rules written to rules.adopted.toml."
    assert (house.home / "rules.adopted.toml").read_text() in looked.out
    assert {write.by for device in (house.porch, house.rail) for write in device.writes} == {"app"}
    assert house.changes() == [("porch", "create", "every day at 23:30 → off")], "the rule that was there before"
    assert house.sync("adopt", "--dry-run").out == "There is nothing to adopt.\n"
    assert house.run("explain", "porch-on-weekdays-07-00").code == 0

    house.porch.person_adds("schedule", schedule(500))
    assert house.sync("adopt", "--yes").code == 0
    text = (house.home / "rules.adopted.toml").read_text()
    assert text.count("[rules.") == 3, "what was adopted before stays"


def test_adopting_into_another_file_says_that_the_rules_do_not_read_it(house: House) -> None:
    house.rules(OFF)
    house.porch.person_adds("schedule", schedule(420, on=True))
    done = house.sync("adopt", "--yes", "-o", "found.toml")
    assert done.code == 0
    assert done.err == (
        "found.toml is not among the rules: name it with --rules, and `sync apply` makes the rows ours\n"
    )
    assert not house.ledger.exists()
    linked = house.changes("-r", "rules.toml", "-r", "found.toml")
    assert sorted(change[:2] for change in linked) == [("porch", "adopt"), ("porch", "create")]
    assert house.sync("apply", "-r", "rules.toml", "-r", "found.toml", "--yes").code == 0
    assert house.sync("plan", "-r", "rules.toml", "-r", "found.toml").code == 0
    assert len(house.porch.tables["schedule"]) == 2


def test_what_cannot_be_a_rule_is_left_alone_with_the_reason(house: House) -> None:
    house.rules(OFF)
    house.porch.person_adds("schedule", schedule(420) | {"enable": False})
    found = house.sync("adopt", "--yes")
    assert found.code == 0
    assert found.out.splitlines()[1].startswith("    schedule S1      every day at 07:00 → off (switched off)")
    assert found.out.splitlines()[2].startswith("    left alone       ")
    assert found.out.splitlines()[-1] == "There is nothing to adopt. 1 row left alone."
    data = json.loads(house.sync("adopt", "--dry-run", "--json").out)
    [porch] = [device for device in data["devices"] if device["device"] == "porch"]
    assert porch["rules"] == []
    assert [row["id"] for row in porch["left_alone"]] == ["S1"]


def test_a_lost_ledger_is_made_anew_without_a_write(house: House) -> None:
    house.rules(OFF, DUSK, RAIL)
    house.sync("apply", "--yes")
    house.porch.person_adds("schedule", schedule(60))
    house.ledger.unlink()
    before = len(house.porch.writes), len(house.rail.writes)
    looked = house.sync("refresh", "--dry-run")
    assert looked.code == 2
    assert looked.out.splitlines()[0] == "porch  2 rows of ours"
    assert looked.out.splitlines()[-1] == "The ledger was left as it is."
    assert not house.ledger.exists()
    done = house.sync("refresh")
    assert (done.code, done.err) == (0, "")
    assert "  ↻ schedule S1      every day at 23:30 → off   porch-off" in done.out.splitlines()
    assert done.out.splitlines()[-1] == "rules.ledger.toml was written."
    assert house.sync("plan").code == 0
    assert (len(house.porch.writes), len(house.rail.writes)) == before
    again = json.loads(house.sync("refresh", "--json").out)
    assert [(row["rows"], row["gained"], row["lost"]) for row in again["devices"]] == [(2, [], []), (1, [], [])]


def test_a_device_that_is_called_otherwise_takes_its_rows_along(house: House) -> None:
    house.rules(OFF, DUSK)
    house.sync("apply", "--yes")
    house.porch.person_edits("schedule", {"id": "S1", "s_min": 1425})
    renamed = (house.home / "rules.toml").read_text().replace("[devices.porch]", "[devices.door]")
    (house.home / "rules.toml").write_text(renamed.replace('["porch"]', '["door"]'))
    told = house.sync("plan")
    assert told.err == (
        "warning: porch is called door now: `sync refresh` lets door have the 2 rows that the ledger has under the old "
        "name\n"
    )
    before = len(house.porch.writes)
    done = house.sync("refresh")
    assert (done.code, done.err, done.out.splitlines()[-1]) == (0, "", "rules.ledger.toml was written.")
    assert house.changes() == [
        ("door", "drift", "every day at 23:30 → off was changed by hand to every day at 23:45 → off")
    ]
    assert len(house.porch.writes) == before
    again = house.sync("refresh")
    assert (again.err, again.out.splitlines()[-1]) == ("", "The ledger was left as it is.")


def test_two_names_for_one_device_are_told(house: House) -> None:
    house.known("door", house.porch.address, "tapo-bulb")
    house.rules(OFF)
    assert house.sync("plan").err.startswith("warning: door and porch are one device: keep one of the names, ")


def test_rows_in_a_device_that_is_no_more_are_told(house: House) -> None:
    house.rules(OFF, RAIL)
    house.sync("apply", "--yes")
    rules = (house.home / "rules.toml").read_text()
    (house.home / "rules.toml").write_text(rules.replace("[devices.rail]", "[devices.other]").split("[rules.rail")[0])
    house.rail.set_faults("offline")
    assert house.sync("plan").err == (
        "warning: rail: the rules have this device no more, and 1 row of ours may still be in it: put its [devices] "
        "table back without rules, run `sync apply`, then take it out\n"
    )


def test_a_damaged_ledger_is_kept_beside_the_new_one(house: House) -> None:
    house.rules(OFF)
    house.sync("apply", "--yes")
    house.ledger.write_text("<<<<<<< ours\n")
    refused = house.sync("plan")
    assert refused.code == 1
    assert "rebuild it with `sync refresh`" in refused.err
    done = house.sync("refresh")
    assert done.code == 0, done.err
    assert done.out.startswith("rules.ledger.toml: damaged")
    assert (house.home / "rules.ledger.toml.damaged").read_text() == "<<<<<<< ours\n"
    assert house.sync("plan").code == 0


def test_a_ledger_of_a_newer_version_is_not_rebuilt(house: House) -> None:
    house.rules(OFF)
    house.ledger.write_text("schema = 2\n")
    refused = house.sync("refresh")
    assert refused.code == 1
    assert "written by a newer tapo-automate (schema = 2, this one knows 1): update tapo-automate" in refused.err
    assert house.ledger.read_text() == "schema = 2\n"


def test_a_device_that_cannot_be_read_keeps_what_the_ledger_has_of_it(house: House) -> None:
    house.rules(OFF, RAIL)
    house.sync("apply", "--yes")
    house.rail.set_faults("offline")
    text = house.ledger.read_text()
    done = house.sync("refresh")
    assert done.code == 3
    assert done.err.startswith("rail: ")
    assert house.ledger.read_text() == text
