"""`doctor` as a user has it, against simulated devices with something wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.sync_house import OFF, RAIL, House, house_in, schedule
from cli.terminal import PASSWORD, USERNAME


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house_in(tmp_path, capsys, monkeypatch) as found:
        yield found


def of_device(house: House, name: str, *words: str, **variables: str) -> dict[str, dict[str, Any]]:
    """Return the findings about a device, by check; of several of one check the last."""
    found = json.loads(house.run("doctor", "--json", *words, **variables).out)
    [device] = [device for device in found["devices"] if device["device"] == name]
    return {finding["check"]: finding for finding in device["findings"]}


def here(house: House, *words: str, **variables: str) -> dict[str, dict[str, Any]]:
    found = json.loads(house.run("doctor", "--json", *words, **variables).out)
    return {finding["check"]: finding for finding in found["here"]}


def test_a_house_in_order_is_told_in_a_few_lines(house: House) -> None:
    house.rules(OFF, RAIL)
    assert house.sync("apply", "--yes").code == 0
    found = house.run("doctor")
    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0] == "this computer"
    assert "2 devices with nothing to complain of" in lines
    [porch] = [line for line in lines if line.startswith("  ✓ porch: L530, firmware ")]
    assert "; schedule 1 of 32; next event " in porch
    assert porch.endswith("23:30 → off")
    assert lines[-1] == "0 failures, 0 warnings"


def test_every_check_of_a_device_is_in_the_json(house: House) -> None:
    house.rules(OFF)
    found = of_device(house, "rail")
    assert list(found) == [
        "reachable",
        "firmware",
        "auto-update",
        "clock",
        "zone",
        "location",
        "switch",
        "version",
        "schedule",
        "countdown",
        "antitheft",
        "ledger",
        "next event",
    ]
    assert {finding["level"] for finding in found.values()} == {"ok"}
    assert all(list(finding) == ["check", "level", "text", "remedy"] for finding in found.values())
    assert found["reachable"]["text"] == "it answers over klap"
    assert found["location"]["text"].startswith("its sun is the site's to within ")
    assert found["schedule"]["text"] == "0 of 32"


def test_no_coordinates_and_no_account_are_shown(house: House) -> None:
    house.rules(OFF)
    shown = "".join(house.run("doctor", *words).out for words in ([], ["-v"], ["--json"]))
    for secret in ("52.5", "13.4", USERNAME, PASSWORD):
        assert secret not in shown


def test_a_lost_clock_is_found_with_its_remedy(house: House) -> None:
    house.more("attic", "L530", "tapo-bulb", faults="clock-lost")
    house.rules(OFF)
    found = house.run("doctor")
    assert found.code == 2
    lines = found.out.splitlines()
    place = lines.index("attic")
    assert lines[place + 1].startswith("  ! clock        its clock is lost, and believes to be in 2000")
    assert lines[place + 2].endswith("→ `sync apply --fix-clock` sets it")
    assert of_device(house, "attic")["clock"]["level"] == "warn"


def test_a_table_that_is_full_or_switched_off_is_found(house: House) -> None:
    for minute in range(32):
        house.porch.person_adds("schedule", schedule(minute * 3))
    house.porch.set_table("schedule", enabled=False)
    house.rules(OFF)
    found = of_device(house, "porch")
    assert found["schedule"] == {
        "check": "schedule",
        "level": "warn",
        "text": "full, 32 of 32",
        "remedy": "rules that find no place stay with the daemon",
    }
    assert found["switch"]["text"] == "its schedule is switched off as a whole while it has rows"


def test_firmware_that_renews_itself_is_found(house: House) -> None:
    house.rules(OFF)
    assert (
        house.run("call", "rail", "set_auto_update_info", '{"enable": true, "random_range": 120, "time": 180}').code
        == 0
    )
    found = of_device(house, "rail")["auto-update"]
    assert found["level"] == "warn"
    assert "Auto Update off" in found["remedy"]


def test_a_row_of_ours_that_is_gone_is_found(house: House) -> None:
    house.rules(OFF)
    house.sync("apply", "--yes")
    house.porch.person_removes("schedule", "S1")
    found = of_device(house, "porch")["ledger"]
    assert (found["level"], found["text"]) == ("warn", "1 row of ours is no longer there")
    assert found["remedy"] == "`sync drift` shows what to do"
    assert house.sync("drift", "--ignore", "--yes").code == 0
    assert of_device(house, "porch")["ledger"]["level"] == "ok", "a person has said that it stays away"


def test_another_device_at_the_address_is_found(house: House) -> None:
    house.rules(OFF)
    house.sync("apply", "--yes")
    other = house.fleet.add("L530", transport="klap", username=USERNAME, password=PASSWORD)
    text = (house.home / "rules.toml").read_text()
    (house.home / "rules.toml").write_text(text.replace(house.porch.address, other.address))
    assert house.run("doctor").code == 1
    found = of_device(house, "porch")["ledger"]
    assert (found["level"], found["text"]) == (
        "fail",
        "it is another device than the one that our rows were written to",
    )


def test_a_device_that_is_not_for_rules_fails_and_is_named(house: House, tmp_path: Path) -> None:
    listed = {"component_list": [{"id": each, "ver_code": 2} for each in ("device", "schedule", "countdown")]}
    info = {
        "model": "D100C",
        "type": "SMART.TAPOCHIME",
        "mac": "02-00-00-00-00-71",
        "fw_ver": "1.1.3",
        "device_id": "80",
    }
    bell = tmp_path / "bell.json"
    bell.write_text(json.dumps({"component_nego": listed, "get_device_info": info}))
    device = house.more("bell", str(bell), "tapo-plug")
    house.rules(OFF)
    said = "it is a chime; only plugs, bulbs, switches and power strips can be switched"
    assert house.run("doctor").code == 1
    found = of_device(house, "bell")
    assert (found["reachable"]["level"], found["kind"]["level"], found["kind"]["text"]) == ("ok", "fail", said)
    assert f"cannot be read: {device.address}: {said}" in house.sync("plan").out


def test_a_device_out_of_reach_and_one_with_another_account_fail(house: House) -> None:
    house.known("gone", "127.0.0.1:1")
    house.more("guest", "P110", "tapo-plug", username="somebody@example.com", password="other")
    house.rules(OFF)
    found = house.run("doctor")
    assert found.code == 1
    assert of_device(house, "gone")["reachable"]["level"] == "fail"
    assert "still at this address?" in of_device(house, "gone")["reachable"]["remedy"]
    guest = of_device(house, "guest")
    assert guest["reachable"]["level"] == "ok"
    assert guest["credentials"]["level"] == "fail"
    assert guest["credentials"]["remedy"].startswith("see to the password, and spell the e-mail address exactly as")
    assert "capital letters included" in guest["credentials"]["remedy"]


def test_a_device_that_has_locked_logins_is_not_blamed_on_the_e_mail(house: House) -> None:
    house.rules(OFF)
    house.porch.set_faults("locked")
    found = of_device(house, "porch")["credentials"]
    assert found["level"] == "fail"
    assert "has locked logins after too many failures (error -2101)" in found["text"]
    assert found["remedy"].startswith("the lock ends by itself, and says nothing about your credentials: look which ")


def test_a_device_that_keeps_other_programs_out_is_told_how_to_let_them_in(house: House) -> None:
    house.more("new", "L530", "tapo-bulb", faults="403.handshake")
    house.rules(OFF)
    found = of_device(house, "new")["third-party"]
    assert found["level"] == "fail"
    assert "Me → Third-Party Services → Third-Party Compatibility" in found["remedy"]


def test_this_computer_is_looked_over_too(house: House) -> None:
    house.rules(OFF)
    found = here(house)
    assert list(found) == ["rules", "ledger", "journal", "time zones", "credentials", "clock"]
    assert {finding["level"] for finding in found.values()} == {"ok"}
    assert found["credentials"]["text"] == "from the environment"
    assert found["rules"]["text"] == "1 rule for 2 devices"
    house.ledger.write_text("schema = 99\n")
    damaged = here(house)["ledger"]
    assert damaged["level"] == "fail"
    assert damaged["text"].startswith("rules.ledger.toml: ")


def test_credentials_are_told_by_where_they_are(house: House) -> None:
    house.rules(OFF)
    file = house.home / "config" / "tapo-automate" / "credentials.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f'username = "{USERNAME}"\npassword = "{PASSWORD}"\n')
    file.chmod(0o600)
    found = here(house, TAPO_USERNAME="", TAPO_PASSWORD="")
    assert (found["credentials"]["level"], found["credentials"]["text"]) == ("ok", f"from the file {file}")
    file.chmod(0o644)
    open_to_all = house.run("doctor", TAPO_USERNAME="", TAPO_PASSWORD="")
    assert open_to_all.code == 1
    assert "others can read it; run chmod 600 on it" in open_to_all.out
    file.unlink()
    nobody = here(house, TAPO_USERNAME="", TAPO_PASSWORD="")["credentials"]
    assert (nobody["level"], nobody["text"]) == ("fail", "nobody knows any for porch, rail")


def test_rules_with_errors_are_a_failure_and_no_device_is_asked(house: House) -> None:
    house.rules(OFF.replace("23:30:00", '"noon"'))
    found = house.run("doctor")
    assert found.code == 1
    assert "  ✗ rules        1 error" in found.out.splitlines()


def test_a_computer_whose_clock_most_devices_contradict_is_told_so(house: House) -> None:
    for number in range(3):
        house.more(f"plug{number}", "P110", "tapo-plug", now=lambda: time.time() + 45)
    house.rules(OFF)
    found = here(house)["clock"]
    assert found["level"] == "warn"
    assert found["text"].startswith("45 s behind 3 of 5 devices, which agree with each other")
