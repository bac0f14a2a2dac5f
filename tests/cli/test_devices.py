"""`status`, `on`, `off`, `set` and `call` at a terminal, against simulated devices."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.terminal import PASSWORD, USERNAME, tapo_automate
from tapo_automate.simulator import Fleet

ACCOUNT = {"username": USERNAME, "password": PASSWORD}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Four simulated devices, one address where nobody listens, and the rule file that names them."""
    home = tmp_path_factory.mktemp("home")
    with Fleet() as fleet, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused, and nobody else gets it
        devices = {
            "washer": fleet.add("P110", transport="klap", trace="42", **ACCOUNT),
            "rail": fleet.add("P100", transport="aes", **ACCOUNT),
            "porch": fleet.add("L530", transport="aes", **ACCOUNT),
            "lounge": fleet.add("L530", transport="klap", **ACCOUNT),
        }
        text = '[site]\ntimezone = "Europe/Berlin"\n'
        for name, device in devices.items():
            driver = "tapo-bulb" if name in ("porch", "lounge") else "tapo-plug"
            text += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{device.address}"\n'
        (home / "rules.toml").write_text(text + '[groups]\nlamps = ["porch", "lounge"]\n')
        gone = f'[devices.gone]\ndriver = "tapo-plug"\nhost = "127.0.0.1:{nobody.getsockname()[1]}"\n'
        (home / "with-gone.toml").write_text(text + gone)
        yield SimpleNamespace(home=home, gone=f"127.0.0.1:{nobody.getsockname()[1]}", **devices)


def test_status_asks_every_device(house: SimpleNamespace) -> None:
    tapo_automate("on", "washer", home=house.home)
    done = tapo_automate("status", "--json", home=house.home)
    assert done.returncode == 0, done.stderr
    rows = {row["device"]: row for row in json.loads(done.stdout)["devices"]}
    assert list(rows) == ["washer", "rail", "porch", "lounge"]
    keys = "device driver host reachable model firmware transport on brightness color_temp hue saturation power_w error"
    assert all(list(row) == keys.split() for row in rows.values())
    assert [rows[name]["transport"] for name in rows] == ["klap", "aes", "aes", "klap"]
    assert [rows[name]["model"] for name in rows] == ["P110", "P100", "L530", "L530"]
    assert rows["washer"]["on"] is True
    assert rows["washer"]["power_w"] == pytest.approx(42)
    assert rows["rail"]["power_w"] is None
    assert rows["washer"]["brightness"] is None
    assert 1 <= rows["porch"]["brightness"] <= 100
    assert all(row["reachable"] and row["error"] is None for row in rows.values())


def test_status_of_one_unreachable_device_costs_the_others_nothing(house: SimpleNamespace) -> None:
    done = tapo_automate("status", "--json", "-r", "with-gone.toml", home=house.home)
    assert done.returncode == 3
    rows = {row["device"]: row for row in json.loads(done.stdout)["devices"]}
    assert not rows["gone"]["reachable"]
    assert house.gone in rows["gone"]["error"]
    assert all(row["reachable"] for name, row in rows.items() if name != "gone")
    assert "Traceback" not in done.stderr


def test_status_for_people_is_a_table(house: SimpleNamespace) -> None:
    tapo_automate("off", "rail", home=house.home)
    done = tapo_automate("status", "rail", home=house.home)
    heading, row = done.stdout.splitlines()
    assert heading.split() == ["DEVICE", "STATE", "POWER", "MODEL", "FIRMWARE", "TRANSPORT", "HOST"]
    assert row.split()[:3] == ["rail", "off", "P100"]


def test_on_and_off_switch_devices_and_groups(house: SimpleNamespace) -> None:
    done = tapo_automate("on", "rail", "lamps", home=house.home)
    assert (done.returncode, done.stdout) == (0, "rail: on\nporch: on\nlounge: on\n"), done.stderr
    assert [device.state["device_on"] for device in (house.rail, house.porch, house.lounge)] == [True] * 3
    done = tapo_automate("off", "lamps", "--json", home=house.home)
    assert json.loads(done.stdout) == {
        "devices": [
            {"device": "porch", "set": {"on": False}, "done": True, "error": None},
            {"device": "lounge", "set": {"on": False}, "done": True, "error": None},
        ]
    }
    assert not house.porch.state["device_on"]


def test_set_speaks_brightness_white_and_colour(house: SimpleNamespace) -> None:
    done = tapo_automate("set", "lounge", "--brightness", "35", "--color-temp", "2700", home=house.home)
    assert (done.returncode, done.stdout) == (0, "lounge: brightness 35, color_temp 2700\n"), done.stderr
    assert house.lounge.state == {"device_on": True, "brightness": 35, "hue": 0, "saturation": 100, "color_temp": 2700}
    done = tapo_automate("set", "lamps", "--hue", "120", "--saturation", "80", home=house.home)
    assert done.returncode == 0, done.stderr
    for lamp in (house.porch, house.lounge):
        assert {k: lamp.state[k] for k in ("hue", "saturation", "color_temp")} == {
            "hue": 120,
            "saturation": 80,
            "color_temp": 0,
        }


def test_set_fades_over_a_transition(house: SimpleNamespace) -> None:
    tapo_automate("set", "lounge", "--on", "--brightness", "100", home=house.home)
    before = len(house.lounge.calls)
    done = tapo_automate("set", "lounge", "--brightness", "10", "--transition", "2s", home=house.home)
    assert done.returncode == 0, done.stderr
    levels = [call.params["brightness"] for call in house.lounge.calls[before:] if call.method == "set_device_info"]
    assert levels == [100, 55, 10]


def test_a_dry_run_tells_no_device_anything(house: SimpleNamespace) -> None:
    before = [len(device.calls) for device in (house.porch, house.lounge, house.rail)]
    done = tapo_automate("set", "lamps", "--brightness", "5", "--dry-run", home=house.home)
    assert done.stdout == "would set porch: brightness 5\nwould set lounge: brightness 5\n"
    done = tapo_automate("call", "rail", "set_device_info", '{"device_on": true}', "--dry-run", home=house.home)
    assert done.stdout == 'would call set_device_info of rail with {"device_on": true}\n'
    assert [len(device.calls) for device in (house.porch, house.lounge, house.rail)] == before


def test_call_passes_a_method_on_and_prints_its_result(house: SimpleNamespace) -> None:
    done = tapo_automate("call", "rail", "get_device_info", "--json", home=house.home)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)["model"] == "P100"
    done = tapo_automate("call", "porch", "set_device_info", '{"brightness": 77}', home=house.home)
    assert (done.returncode, json.loads(done.stdout)) == (0, {})
    assert house.porch.state["brightness"] == 77


def test_call_keeps_a_method_that_can_reset_a_device_behind_a_flag(house: SimpleNamespace) -> None:
    before = len(house.rail.calls)
    done = tapo_automate("call", "rail", "device_reset", home=house.home)
    assert done.returncode == 2
    assert done.stderr.startswith("tapo-automate: device_reset ")
    assert "--yes-i-know" in done.stderr
    wrapped = '{"requests": [{"method": "device_reset"}]}'
    done = tapo_automate("call", "rail", "multipleRequest", wrapped, home=house.home)
    assert done.returncode == 2
    assert done.stderr.startswith("tapo-automate: device_reset ")
    assert len(house.rail.calls) == before
    would = tapo_automate("call", "rail", "device_reset", "--dry-run", home=house.home)
    assert (would.returncode, would.stdout) == (0, "would call device_reset of rail with {}\n")
    assert len(house.rail.calls) == before


def test_a_dry_run_of_call_says_what_would_be_sent_for_people_and_for_programs(house: SimpleNamespace) -> None:
    before = len(house.rail.calls)
    words = ["call", "rail", "set_device_info", '{"nickname": "Küche", "ssid": "Home"}', "--dry-run"]
    would = tapo_automate(*words, home=house.home)
    said = 'would call set_device_info of rail with {"nickname": "Küche", "ssid": "…"}\n'
    assert (would.returncode, would.stdout) == (0, said)
    would = tapo_automate(*words, "--json", home=house.home)
    assert would.stdout == (
        '{"device": "rail", "method": "set_device_info", "params": {"nickname": "Küche", "ssid": "…"}, "done": false}\n'
    )
    assert len(house.rail.calls) == before


@pytest.mark.parametrize("params", ["{", "[1]", "7", '{"a": NaN}', "[" * 100_000, '{"a": ' + "1" * 5_000 + "}"])
def test_call_takes_an_object_of_json_and_nothing_else(house: SimpleNamespace, params: str) -> None:
    done = tapo_automate("call", "rail", "get_device_info", params, home=house.home)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tapo-automate: Invalid value for JSON: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_plug_says_that_it_cannot_be_dimmed(house: SimpleNamespace) -> None:
    done = tapo_automate("set", "rail", "--brightness", "40", home=house.home)
    assert done.returncode == 3
    assert done.stderr.startswith(f"rail: {house.rail.address}: ")
    assert "brightness" in done.stderr


def test_white_outside_the_lamps_own_range_is_refused_with_the_range(house: SimpleNamespace) -> None:
    done = tapo_automate("set", "porch", "--color-temp", "9000", home=house.home)
    assert done.returncode == 3
    assert "2500" in done.stderr
    assert "6500" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["on", "prch"], "unknown device or group 'prch', did you mean 'porch'?"),
        (["set", "porch"], "nothing to set: give at least one of --on, --off, --brightness"),
        (["set", "porch", "--brightness", "0"], "0 is not in the range 1 to 100; to switch off, use --off"),
        (["set", "porch", "--transition", "soon", "--on"], "'soon' is not a duration such as \"30s\""),
        (["set", "porch", "--toggle", "--on"], "--toggle stands alone"),
        (["set", "porch", "--off", "--brightness", "5"], "--off goes alone or with --transition"),
        (["set", "porch", "--color-temp", "2700", "--hue", "9"], "give one or the other"),
        (["call", "porch", "get_device_info", "{"], "not JSON"),
        (["call", "porch", "get_device_info", "[1]"], "the parameters are an object"),
        (["call", "porch", ""], "which method? Say its name, such as get_device_info"),
        (["call", "lamps", "get_device_info"], "'lamps' is a group; call one device"),
        (["status", "-r", "nowhere.toml"], "nowhere.toml"),
        (["status", "--colour"], "No such option"),
        (["staus"], "unknown command 'staus', did you mean 'status'?"),
        (["status", "--credentials", "none.toml"], "none.toml: there is no such credentials file"),
    ],
)
def test_wrong_use_is_one_clear_line_and_exit_code_2(house: SimpleNamespace, words: list[str], message: str) -> None:
    done = tapo_automate(*words, home=house.home, credentials="--credentials" not in words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_no_credentials_is_one_clear_line_and_exit_code_2(house: SimpleNamespace) -> None:
    for words in (["status"], ["on", "rail"], ["call", "rail", "get_device_info"], ["status", "--json"]):
        done = tapo_automate(*words, home=house.home, credentials=False)
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert line.startswith("tapo-automate: no credentials for device ")
        assert "TAPO_USERNAME" in line


def test_credentials_come_from_a_file_too(house: SimpleNamespace) -> None:
    path: Path = house.home / "mine.toml"
    path.write_text(f'username = "{USERNAME}"\npassword = "{PASSWORD}"\n')
    path.chmod(0o644)
    done = tapo_automate("status", "rail", "--credentials", str(path), home=house.home, credentials=False)
    assert (done.returncode, done.stderr) == (2, f"tapo-automate: {path}: others can read it; run chmod 600 on it\n")
    path.chmod(0o600)
    done = tapo_automate("status", "rail", "--credentials", str(path), home=house.home, credentials=False)
    assert done.returncode == 0, done.stderr


def test_a_wrong_password_is_said_once_and_shown_nowhere(house: SimpleNamespace) -> None:
    before = house.rail.logins
    done = tapo_automate("status", "rail", home=house.home, TAPO_PASSWORD="canary-wrong")
    assert done.returncode == 3
    assert "does not accept this e-mail and password" in done.stderr
    assert "canary" not in (done.stdout + done.stderr).lower()
    assert done.stdout.splitlines()[1].split()[:2] == ["rail", "refused"], "it did answer"
    # Once in each of the two forms of login, and once with what a device without an account holds.
    assert house.rail.logins - before <= 3
