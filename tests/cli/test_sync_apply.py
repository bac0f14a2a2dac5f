"""`sync plan` and `sync apply` as a user has them, against simulated devices with living tables."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.sync_house import DUSK, OFF, RAIL, House, house_in, schedule
from cli.terminal import PASSWORD, USERNAME, environment
from tapo_automate.sync.ledger import locked


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def test_from_the_first_plan_to_a_drift_that_is_undone(house: House) -> None:
    house.rules(OFF, DUSK)
    planned = house.sync("plan")
    assert (planned.code, planned.err) == (2, "")
    assert planned.out == (
        "porch  schedule 0 → 2 of 32\n"
        "  + schedule         every day at 23:30 → off   porch-off\n"
        "  + schedule         weekdays 15 min before sunset → on, brightness 40   porch-at-dusk\n"
        "\n"
        "1 device is as the rules want\n"
        "  rail  schedule 0 of 32\n"
        "\n"
        "Plan: 2 to create, 0 to change, 0 to delete.\n"
    )
    assert not house.porch.tables["schedule"], "a plan reads only"
    assert not house.ledger.exists()

    applied = house.sync("apply", "--yes")
    assert (applied.code, applied.out.splitlines()[-1]) == (0, "Done: 2 changes on 1 device."), applied.err
    assert "porch: + schedule every day at 23:30 → off" in applied.err.splitlines()
    rows = house.porch.tables["schedule"]
    assert [(row["s_type"], row["desired_states"]["on"]) for row in rows] == [("normal", False), ("sunset", True)]
    assert house.sync("plan").out.splitlines()[-1] == "Nothing to do."
    assert house.sync("plan").code == 0

    house.porch.person_edits("schedule", {"id": rows[0]["id"], "s_min": 1425})
    drifted = house.sync("plan")
    assert drifted.code == 2
    assert drifted.out.splitlines()[1:4] == [
        "  ! schedule S1      every day at 23:30 → off   porch-off",
        "    now              every day at 23:45 → off",
        "    choose           sync drift --device porch --restore (ours again), --adopt (change the rule) or --ignore "
        "(leave it so)",
    ]
    assert house.sync("apply", "--yes").code == 2, "a drift is left to a person"
    assert house.porch.tables["schedule"][0]["s_min"] == 1425

    restored = house.sync("drift", "--restore", "--yes")
    assert restored.code == 0, restored.err
    assert house.porch.tables["schedule"][0]["s_min"] == 1410
    assert house.sync("plan").code == 0


def test_an_apply_that_changes_nothing_writes_nothing(house: House) -> None:
    house.rules(OFF, DUSK, RAIL)
    house.porch.person_adds("schedule", schedule(400))
    assert house.sync("apply", "--yes").code == 0
    os.utime(house.ledger, (1, 1))
    before = [list(device.writes) for device in (house.porch, house.rail)], sorted(house.home.rglob("*"))
    again = house.sync("apply", "--yes")
    assert (again.code, again.out.splitlines()[-1]) == (0, "Nothing to do.")
    assert ([list(device.writes) for device in (house.porch, house.rail)], sorted(house.home.rglob("*"))) == before
    assert house.ledger.stat().st_mtime == 1


def test_a_change_of_one_device_writes_to_that_one_alone(house: House) -> None:
    house.rules(OFF, RAIL)
    house.sync("apply", "--yes")
    before = list(house.rail.writes)
    house.rules(OFF.replace("23:30", "23:35"), RAIL)
    changed = house.sync("apply", "--yes")
    assert changed.code == 0
    assert "    was              every day at 23:30 → off" in changed.out.splitlines()
    assert [row["s_min"] for row in house.porch.tables["schedule"]] == [1415]
    assert list(house.rail.writes) == before


def test_a_saved_plan_is_carried_out_as_it_was_shown(house: House) -> None:
    house.rules(OFF, RAIL)
    saved = house.sync("plan", "-o", "plan.toml")
    assert (saved.code, saved.err) == (2, "Saved: `tapo-automate sync apply plan.toml` carries out exactly this.\n")
    applied = house.sync("apply", "plan.toml", "--yes")
    assert (applied.code, applied.out.splitlines()[-1]) == (0, "Done: 2 changes on 2 devices."), applied.err
    assert house.sync("plan").code == 0


def test_a_device_that_changed_since_the_plan_is_refused_and_the_others_go_on(house: House) -> None:
    house.rules(OFF, RAIL)
    house.sync("plan", "-o", "plan.toml")
    house.porch.person_adds("schedule", schedule(60))
    applied = house.sync("apply", "plan.toml", "--yes")
    assert applied.code == 3
    assert (
        "porch: its tables, its switches or its clock's zone changed since the plan was made; "
        "make a new one with `sync plan`" in applied.err.splitlines()
    )
    assert applied.out.splitlines()[-1] == "Done: 1 change on 1 device; 1 device failed."
    assert len(house.porch.tables["schedule"]) == 1
    assert len(house.rail.tables["schedule"]) == 1


def test_a_plan_takes_the_place_of_an_older_plan_alone(house: House) -> None:
    house.rules(OFF)
    rules = house.home / "rules.toml"
    before = rules.read_text()
    refused = house.sync("plan", "-o", "rules.toml")
    assert (refused.code, refused.err) == (
        1,
        "tapo-automate: rules.toml: it is there already and no plan, and is not written over: choose another name\n",
    )
    assert rules.read_text() == before
    assert house.sync("plan", "-o", "plan.toml").code == 2
    assert house.sync("plan", "-o", "plan.toml").code == 2
    (house.home / "plan.toml").unlink()
    among = house.sync("plan", "-r", ".", "-o", "plan.toml")
    assert (among.code, among.err) == (
        1,
        "tapo-automate: plan.toml: rules are read from that folder, and the plan would be taken for some\n",
    )
    assert house.sync("plan", "-r", ".", "-o", "plan.saved").code == 2
    assert house.sync("apply", "-r", ".", "plan.saved", "--yes").code == 0


def test_a_saved_plan_that_was_touched_or_is_none_is_refused(house: House) -> None:
    house.rules(OFF)
    house.sync("plan", "-o", "plan.toml")
    plan = house.home / "plan.toml"
    plan.write_text(plan.read_text().replace("1410", "1411"))
    touched = house.sync("apply", "plan.toml", "--yes")
    assert touched.code == 1
    assert touched.err.startswith("tapo-automate: plan.toml: ")
    missing = house.sync("apply", "plans.toml", "--yes")
    assert (missing.code, missing.err) == (
        1,
        "tapo-automate: plans.toml: there is no such plan; `sync plan -o plans.toml` makes one\n",
    )
    flagged = house.sync("apply", "plan.toml", "--fix-clock")
    assert flagged.code == 1
    assert "give --fix-clock and --rearm to `sync plan`" in flagged.err
    assert not house.porch.writes


def test_rules_that_changed_since_a_plan_was_saved_make_it_stale(house: House) -> None:
    house.rules(OFF)
    house.sync("plan", "-o", "plan.toml")
    house.rules(OFF.replace("23:30", "21:00"))
    stale = house.sync("apply", "plan.toml", "--yes")
    assert stale.code == 3
    assert "porch-off" in stale.err
    assert "since the plan was made; make a new one with `sync plan`" in stale.err
    assert not house.porch.writes


def test_an_unsafe_plan_stops_and_names_the_flag(house: House) -> None:
    house.rules(OFF, RAIL)
    house.sync("apply", "--yes")
    house.rules(RAIL)
    stopped = house.sync("apply", "--yes")
    assert stopped.code == 1
    assert stopped.err == (
        "tapo-automate: stopped before anything was written:\n"
        "  porch: its schedule table has 1 row and would have none; if that is meant, add --allow-emptying\n"
        "  1 of the 2 rows that we have on all devices would be deleted, which is 50 %, more than 30 %; if that is "
        "meant, add --allow-mass-delete\n"
    )
    assert len(house.porch.tables["schedule"]) == 1
    assert house.sync("apply", "--yes", "--allow-emptying").code == 1, "one of two"
    allowed = house.sync("apply", "--yes", "--allow-emptying", "--allow-mass-delete")
    assert allowed.code == 0, allowed.err
    assert not house.porch.tables["schedule"]


def test_rows_of_others_are_counted_and_never_touched(house: House) -> None:
    house.porch.person_adds("schedule", schedule(60, on=True))
    house.rules(OFF)
    assert house.sync("plan").out.startswith("porch  schedule 1 → 2 of 32, 1 not ours\n")
    house.sync("apply", "--yes")
    house.rules(DUSK)
    house.sync("apply", "--yes", "--allow-mass-delete")
    rows = house.porch.tables["schedule"]
    assert sorted((row["s_type"], row["s_min"] if row["s_type"] == "normal" else "") for row in rows) == [
        ("normal", 60),
        ("sunset", ""),
    ]


def test_a_full_table_leaves_the_rule_with_the_daemon(house: House) -> None:
    for minute in range(32):
        house.porch.person_adds("schedule", schedule(minute * 3))
    house.rules(OFF, DUSK.replace("\nset =", '\nexecutor = "device"\nset ='))
    planned = house.sync("plan")
    assert planned.code == 2, "a rule is carried out by nobody"
    assert house.sync("apply", "--yes").code == 2
    assert "schedule 32 of 32, 32 not ours" in planned.out
    [nobody] = [line for line in planned.out.splitlines() if line.startswith("  ✗ porch-at-dusk: ")]
    assert "carried out by nobody" in nobody
    [daemon] = [line for line in planned.out.splitlines() if line.startswith("  porch-off (porch): ")]
    assert "32" in daemon
    assert planned.out.splitlines()[-1] == (
        "Nothing to do. 1 rule stays with the daemon. 1 rule is carried out by nobody."
    )


def test_a_device_that_goes_offline_in_the_middle_is_resumed(house: House) -> None:
    many = [OFF.replace("porch-off", f"late-{minute}").replace("23:30", f"23:{minute}") for minute in range(40, 50)]
    house.rules(*many, RAIL)
    house.porch.set_faults("slow=0.2")

    def pull_the_plug() -> None:
        while not house.porch.tables["schedule"]:
            time.sleep(0.01)
        house.porch.set_faults("offline")

    puller = threading.Thread(target=pull_the_plug)
    puller.start()
    broken = house.sync("apply", "--yes")
    puller.join()
    assert broken.code == 3, broken.err
    assert "Traceback" not in broken.err
    assert "porch: " in broken.err
    assert "  left: " in broken.err
    assert len(house.rail.tables["schedule"]) == 1, "the other device was served"
    assert 1 <= len(house.porch.tables["schedule"]) < 10
    house.porch.set_faults("")
    resumed = house.sync("apply", "--yes")
    assert resumed.code == 0, resumed.err
    assert len(house.porch.tables["schedule"]) == 10, "nothing is there twice"
    assert house.sync("plan").code == 0


def test_a_device_out_of_reach_is_shown_and_the_others_are_planned(house: House) -> None:
    house.known("gone", "127.0.0.1:1")
    house.rules(OFF)
    planned = house.sync("plan")
    assert planned.code == 3
    assert "gone\n  cannot be read: 127.0.0.1:1: the connection was refused" in planned.out
    assert "  + schedule         every day at 23:30 → off   porch-off" in planned.out.splitlines()
    found = json.loads(house.sync("plan", "--json").out)
    assert [bool(device["error"]) for device in found["devices"]] == [False, False, True]


def test_wrong_credentials_are_tried_at_two_devices_and_no_more(house: House) -> None:
    others = [house.more(f"plug{number}", "P110", "tapo-plug") for number in range(6)]
    house.rules(OFF)
    refused = house.sync("plan", TAPO_PASSWORD="canary-wrong")
    assert refused.code == 3
    assert "canary" not in (refused.out + refused.err).lower()
    assert refused.out.count("not asked: 2 devices have refused this e-mail and password") == 6
    asked = [device for device in (house.porch, house.rail, *others) if device.handshakes]
    assert len(asked) == 2
    assert all(device.handshakes <= 3 for device in asked), "each form of login once"


def test_one_device_of_another_account_keeps_the_others_from_nothing(house: House) -> None:
    for number in range(4):
        house.more(f"guest{number}", "P110", "tapo-plug", username="somebody@example.com", password="other")
    for number in range(4):
        house.more(f"plug{number}", "P110", "tapo-plug")
    house.rules(OFF)
    planned = house.sync("plan")
    assert planned.code == 3
    assert planned.out.count("does not accept this e-mail and password") == 4, "each was asked once"
    assert "not asked" not in planned.out
    assert "5 devices are as the rules want" in planned.out.splitlines()


def test_no_terminal_and_no_yes_is_no_consent(house: House) -> None:
    house.rules(OFF)
    refused = house.sync("apply")
    assert refused.code == 1
    assert refused.err == (
        "tapo-automate: nothing was changed: there is no terminal to ask at; add --yes to go on without being asked, "
        "or --dry-run to look\n"
    )
    assert refused.out.endswith("Plan: 1 to create, 0 to change, 0 to delete.\n"), "what it would have done is shown"
    assert not house.porch.writes
    looked = house.sync("apply", "--dry-run")
    assert (looked.code, looked.err) == (2, "")
    assert not house.porch.writes
    assert not house.ledger.exists()


def test_two_syncs_at_once_are_one_too_many(house: House) -> None:
    house.rules(OFF)
    with locked(Path("rules.ledger.toml")):
        second = house.sync("apply", "--yes")
        assert house.sync("plan").code == 2, "to look takes no lock"
    assert (second.code, second.err) == (
        1,
        "tapo-automate: another sync is at work with rules.ledger.toml: wait for it to end, then try again\n",
    )
    assert not house.porch.writes


def test_a_ledger_that_cannot_be_written_stops_before_any_device(house: House) -> None:
    house.rules(OFF)
    house.sync("apply", "--yes")
    house.rules(OFF, DUSK)
    house.ledger.chmod(0o444)
    before = list(house.porch.writes)
    stopped = house.sync("apply", "--yes")
    assert stopped.code == 1
    assert stopped.err == (
        "tapo-automate: rules.ledger.toml: it is read-only, and what is written to devices has to be recorded: "
        "make it writable\n"
    )
    assert list(house.porch.writes) == before


@pytest.mark.parametrize("words", [["plan"], ["apply", "--yes"], ["drift"]])
def test_a_ledger_from_the_future_is_refused(house: House, words: list[str]) -> None:
    house.rules(OFF)
    house.ledger.write_text("schema = 99\n")
    refused = house.sync(*words)
    assert refused.code == 1
    assert refused.err.startswith("tapo-automate: rules.ledger.toml: ")
    assert "99" in refused.err
    assert house.ledger.read_text() == "schema = 99\n"
    assert not house.porch.writes


def test_the_ledger_may_be_elsewhere(house: House) -> None:
    house.rules(OFF)
    assert house.sync("apply", "--yes", "--ledger", "kept.toml").code == 0
    assert not house.ledger.exists()
    assert house.sync("plan", TAPO_AUTOMATE_LEDGER="kept.toml").code == 0
    other = house.sync("plan")
    assert other.code == 2, "another ledger knows nothing of the row, and would adopt it"
    assert other.err == ""
    (house.home / "kept.toml").rename(house.home / "kept.ledger.toml")
    assert house.sync("plan").err == (
        "warning: there is no rules.ledger.toml yet, but kept.ledger.toml: if it is of these rules, add "
        "--ledger kept.ledger.toml\n"
    )


def test_a_wrong_clock_is_set_when_that_is_asked_for(house: House) -> None:
    clock = house.more("attic", "L530", "tapo-bulb", faults="clock-lost")
    house.rules(OFF.replace('"porch"', '"attic"'))
    planned = house.sync("plan")
    assert planned.code == 0
    assert "  warning: its clock is lost" in planned.out
    assert not clock.writes
    asked = house.sync("plan", "--fix-clock")
    assert asked.code == 2
    assert "  ~ clock            set to the site's time and zone" in asked.out.splitlines()
    applied = house.sync("apply", "--fix-clock", "--yes")
    assert applied.code == 0, applied.err
    assert house.sync("plan").code == 0
    assert len(clock.tables["schedule"]) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "--jsn"], "No such option '--jsn'"),
        (["plan", "--device", "prch"], "unknown device or group 'prch', did you mean 'porch'?"),
        (["plan", "--json", "--markdown"], "--json and --markdown are two ways of printing: choose one"),
        (["plan", "-r", "nowhere.toml"], "nowhere.toml"),
        (["plan", "-o", "no/such/folder.toml"], "no/such/folder.toml: the plan cannot be written there"),
        (["pan"], "unknown command 'pan', did you mean 'plan'?"),
        (["drift", "--restore", "--ignore"], "choose one"),
        (["drift", "--rule", "prch-off"], 'unknown rule "prch-off", did you mean "porch-off"?'),
    ],
)
def test_wrong_use_ends_with_1_since_2_says_that_there_are_changes(
    house: House, words: list[str], message: str
) -> None:
    house.rules(OFF)
    wrong = house.sync(*words)
    assert wrong.code == 1
    assert message in wrong.err
    assert len(wrong.err.splitlines()) == 1


def test_a_broken_rule_file_is_an_error_with_its_place(house: House) -> None:
    house.rules(OFF.replace("23:30:00", '"noon"'))
    broken = house.sync("plan")
    assert (broken.code, broken.out) == (1, "")
    assert "rules.toml:" in broken.err


def test_a_sync_that_is_interrupted_brings_its_device_to_an_end(house: House) -> None:
    house.rules(
        *(OFF.replace("porch-off", f"late-{minute}").replace("23:30", f"23:{minute}") for minute in range(40, 48))
    )
    house.porch.set_faults("slow=0.4")  # so that it is far from its end when the signal comes, also on a busy machine
    apply = subprocess.Popen(
        [sys.executable, "-m", "tapo_automate", "sync", "apply", "--yes"],
        env=environment(house.home, TAPO_USERNAME=USERNAME, TAPO_PASSWORD=PASSWORD),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )
    assert apply.stderr is not None
    assert apply.stderr.readline().startswith("porch: + schedule ")
    apply.send_signal(signal.SIGINT)
    err = []
    while not err or err[-1] != "stopping: what has been begun with a device is brought to its end first":
        line = apply.stderr.readline()
        assert line, f"it never said that it is stopping: {err}"
        err.append(line.rstrip("\n"))
    house.porch.set_faults("")
    assert apply.communicate(timeout=60)[1].splitlines()[-1] == "tapo-automate: stopped"
    assert apply.returncode == 130
    assert len(house.porch.tables["schedule"]) == 8
    assert house.sync("plan").code == 0
