"""`info`, `usage`, `energy`, `clock`, `firmware`, `wifi`, `setup`, `reboot` and `reset`, against simulated devices."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.terminal import PASSWORD, USERNAME, environment
from tapo_automate.cli import main
from tapo_automate.simulator import Device, Fleet

ACCOUNT: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}
DEVICES = {"plug": "P100", "heater": "P110", "lamp": "L530", "strip": "P304M"}
WIFI_PASSWORD = "canary-Wi-Fi-pass"

Run = Callable[..., SimpleNamespace]


class House(SimpleNamespace):
    """A home directory with a rule file, and the simulated devices that it names."""

    home: Path
    plug: Device
    heater: Device
    lamp: Device
    strip: Device


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    moment = [dt.datetime(2026, 11, 22, 14, 30, tzinfo=dt.UTC).timestamp()]  # 15:30 in Berlin
    with Fleet() as fleet:
        text = '[site]\ntimezone = "Europe/Berlin"\n'
        devices = {}
        for name, model in DEVICES.items():
            trace = {} if name in ("plug", "lamp") else {"trace": "120"}
            device = fleet.add(model, transport="klap", on=True, now=lambda: moment[0], **trace, **ACCOUNT)
            devices[name] = device
            driver = "tapo-bulb" if name == "lamp" else "tapo-plug"
            text += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{device.address}"\n'
        (tmp_path / "rules.toml").write_text(text + '[groups]\nall = ["plug", "heater"]\n')
        yield House(home=tmp_path, moment=moment, **devices)


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process, as the console script does."""
    for name in [name for name in os.environ if name.startswith(("TAPO_", "XDG_")) and name != "TAPO_FIXTURES"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(house.home))
    monkeypatch.setenv("TAPO_AUTOMATE_DISCOVERY", "127.0.0.1")
    monkeypatch.setenv("TAPO_AUTOMATE_SPACING", "0s")
    monkeypatch.setenv("TAPO_USERNAME", USERNAME)
    monkeypatch.setenv("TAPO_PASSWORD", PASSWORD)
    monkeypatch.chdir(house.home)

    def it(*words: str, **more: str) -> SimpleNamespace:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["tapo-automate", *words])
            patched.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115  # nobody is there to be asked
            for name, value in more.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
            sys.stdin.close()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=ended.value.code, out=out, err=err)

    return it


def _methods(device: Device) -> list[str]:
    return [call.method for call in device.calls]


def test_info_says_what_a_device_is_and_not_where(house: House, run: Run) -> None:
    house.heater.set_location(49.7269, 7.3024)
    done = run("info", "heater")
    assert (done.code, done.err) == (0, "")
    facts = dict(line.split("  ", 1) for line in done.out.splitlines())
    told = {name.strip(): text.strip() for name, text in facts.items()}
    assert (told["model"], told["MAC"], told["cloud"]) == ("P110", house.heater.mac, "connected")
    assert told["time zone"] == "Europe/Berlin (UTC+01:00 in winter)"
    assert "energy_monitoring 2" in told["components"]
    assert "place" not in told
    assert "simulated\n" not in done.out  # the name of its Wi-Fi
    assert "49.7" not in done.out


def test_info_says_where_it_is_to_whoever_asks_for_it(house: House, run: Run) -> None:
    house.strip.set_location(49.7269, -7.3024)
    told = run("info", "strip", "--show-private").out
    assert "place            49.7269 north, 7.3024 west\n" in told
    assert "Wi-Fi            simulated\n" in told
    assert "pairing code     00000000000\n" in told


def test_info_in_json_has_the_private_keys_on_request_alone(house: House, run: Run) -> None:
    house.strip.set_location(49.7269, -7.3024)
    public = json.loads(run("info", "strip", "--json").out)
    private = json.loads(run("info", "strip", "--json", "--show-private").out)
    assert private.keys() - public.keys() == {"ssid", "latitude_deg", "longitude_deg", "matter"}
    assert (private["ssid"], private["latitude_deg"], private["longitude_deg"]) == ("simulated", 49.7269, -7.3024)
    assert private["matter"].keys() == {"code", "payload"}
    assert (public["device"], public["model"], public["on"], public["cloud"]) == ("strip", "P304M", None, "connected")
    assert public["components"]["control_child"] == 2


def test_info_of_a_socket_is_its_own(house: House, run: Run) -> None:
    told = json.loads(run("info", "strip/2", "--json").out)
    assert (told["device"], told["on"], told["nickname"]) == ("strip/2", True, "socket 2")


def test_usage_is_a_table_and_json(house: House, run: Run) -> None:
    house.moment[0] += 3 * 3600
    lines = run("usage", "heater").out.splitlines()
    assert lines[0].split() == ["TODAY", "7", "DAYS", "30", "DAYS"]
    assert lines[1:3] == ["on     3 h 0 min  3 h 0 min  3 h 0 min", "used      360 Wh     360 Wh     360 Wh"]
    told = json.loads(run("usage", "heater", "--json").out)
    assert told["on_min"] == {"today": 180, "past_7_days": 180, "past_30_days": 180}
    assert told["energy_wh"]["today"] == 360
    assert json.loads(run("usage", "plug", "--json").out)["energy_wh"] is None


def test_energy_now_and_today(house: House, run: Run) -> None:
    house.moment[0] += 3600
    assert run("energy", "heater").out == (
        "now         120 W\n"
        "voltage     230 V\n"
        "current     0.522 A\n"
        "built for   3680 W\n"
        "today       120 Wh, on for 1 h 0 min\n"
        "this month  120 Wh, on for 1 h 0 min\n"
        "its clock   2026-11-22 16:30:00\n"
    )
    told = json.loads(run("energy", "heater", "--json").out)
    assert (told["power_w"], told["today_wh"], told["local_time"]) == (120, 120, "2026-11-22T16:30:00")
    assert (told["past_24h_wh"], told["max_power_w"], told["voltage_v"]) == ([], 3680, 230)


def test_energy_of_a_socket_is_its_own(house: House, run: Run) -> None:
    told = json.loads(run("energy", "strip/1", "--json").out)
    assert (told["power_w"], told["max_power_w"], told["today_wh"]) == (120, 3680, 0)


def test_energy_by_the_hour_is_that_of_today_unless_told_otherwise(house: House, run: Run) -> None:
    house.moment[0] += 3600
    lines = run("energy", "heater", "--hours").out.splitlines()
    assert lines[0] == "2026-11-22 00:00  0 Wh"
    assert lines[15:] == ["2026-11-22 15:00  60 Wh", "2026-11-22 16:00  60 Wh", "total: 120 Wh"]
    told = json.loads(run("energy", "heater", "--hours", "--from", "2026-11-21", "--json").out)
    assert (told["interval_min"], len(told["slots"]), told["total_wh"]) == (60, 48, 120)
    assert told["slots"][39] == {"start": "2026-11-22T15:00:00+01:00", "energy_wh": 60}
    assert told["slots"][41] == {"start": "2026-11-22T17:00:00+01:00", "energy_wh": None}


def test_energy_by_the_day_asks_for_as_many_quarters_as_it_takes(house: House, run: Run) -> None:
    house.moment[0] += 3600
    done = run("energy", "heater", "--days", "--from", "2026-09-29", "--to", "2026-11-22", "--json")
    told = json.loads(done.out)
    assert (told["slots"][0]["start"], told["slots"][-1]) == (
        "2026-09-29T00:00:00+02:00",
        {"start": "2026-11-22T00:00:00+01:00", "energy_wh": 120},
    )
    assert (len(told["slots"]), told["total_wh"], told["interval_min"]) == (55, 120, 1440)
    assert _methods(house.heater).count("get_energy_data") == 2
    lines = run("energy", "heater", "--days").out.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (31, "2026-10-24  0 Wh", "total: 120 Wh")


def test_energy_by_the_month_is_that_of_this_year(house: House, run: Run) -> None:
    house.moment[0] += 10 * 3600
    lines = run("energy", "heater", "--months").out.splitlines()
    assert (len(lines), lines[0], lines[10], lines[11]) == (
        12,
        "2026-01  0 Wh",
        "2026-11  1.200 kWh",
        "total: 1.200 kWh",
    )
    told = json.loads(run("energy", "heater", "--months", "--from", "2025-06-15", "--json").out)
    assert (told["slots"][0]["start"], told["slots"][-1]["start"]) == (
        "2025-06-01T00:00:00+02:00",
        "2026-11-01T00:00:00+01:00",
    )


def test_power_is_told_by_five_minutes_as_far_as_the_device_does_and_else_by_the_hour(house: House, run: Run) -> None:
    house.moment[0] += 3600
    fine = run("energy", "heater", "--power", "--from", "2026-11-22T15:20", "--to", "2026-11-22T15:40")
    assert fine.out.splitlines() == [
        "2026-11-22 15:20  no data",
        "2026-11-22 15:25  no data",
        "2026-11-22 15:30  120 W",
        "2026-11-22 15:35  120 W",
    ]
    coarse = run("energy", "heater", "--power", "--from", "2026-11-21", "--to", "2026-11-22T16:00", "--json")
    told = json.loads(coarse.out)
    assert (told["interval_min"], len(told["readings"])) == (60, 40)
    assert told["readings"][0] == {"start": "2026-11-21T00:00:00+01:00", "power_w": None}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--from 2026-11-22", "--from and --to go with --hours, --days, --months or --power"),
        ("--hours --from 2026-11-01", "22 days by the hour are too many: a device tells 8 at a time"),
        ("--hours --days", "--hours, --days, --months and --power go one at a time"),
        ("--power --months", "--hours, --days, --months and --power go one at a time"),
        ("--hours --from 2026-11-23", "its today, 2026-11-22, is before --from 2026-11-23"),
        ("--hours --from yesterday", "--from 'yesterday' is not a date such as 2026-11-22"),
        ("--days --to 3026-11-22", "--to '3026-11-22': the year must be from 1900 to 2200"),
        ("--days --from 2026-11-23 --to 2026-11-22", "--to 2026-11-22 is before --from 2026-11-23"),
        (
            "--days --from 2020-01-01 --to 2026-01-01",
            "2020-01-01 to 2026-01-01 by days is too long: 8 quarters at a time",
        ),
        ("--months --from 2000-01-01 --to 2026-01-01", "by months is too long: 8 years at a time"),
        (
            "--power --from 2026-11-01 --to 2026-11-22",
            "a device tells 144 slots of 60 min at a time, which are 6 days: ask for less",
        ),
        ("--power --from 2026-11-22T10:00 --to 2026-11-22T09:00", "the end is not after the beginning"),
    ],
)
def test_a_span_that_no_device_tells_is_wrong_use(house: House, run: Run, words: str, text: str) -> None:
    done = run("energy", "heater", *words.split())
    assert (done.code, done.out) == (2, "")
    assert text in done.err
    assert not {"get_energy_data", "get_power_data"} & set(_methods(house.heater))


@pytest.mark.parametrize("words", ["", "--hours", "--days", "--months", "--power"])
def test_a_device_without_a_meter_says_so(house: House, run: Run, words: str) -> None:
    done = run("energy", "plug", *words.split())
    assert (done.code, done.out) == (3, "")
    assert done.err == f"tapo-automate: plug: {house.plug.address}: it has no power meter\n"


def test_the_clock_is_shown_with_what_it_is_off(house: House, run: Run) -> None:
    house.lamp.set_clock(house.moment[0] - 3600, region="Europe/London", time_diff=0)
    now = dt.datetime.now(dt.UTC)
    told = json.loads(run("clock", "lamp", "--json").out)
    assert (told["at"], told["region"], told["standard_offset_min"]) == ("2026-11-22T13:30:00Z", "Europe/London", 0)
    assert told["lost"] is False
    assert told["off_s"] == pytest.approx(house.moment[0] - 3600 - now.timestamp(), abs=30)
    lines = run("clock", "lamp").out.splitlines()
    assert lines[:3] == [
        "its clock  2026-11-22 13:30:00",
        "its zone   Europe/London",
        "winter     +0 min from UTC",
    ]


def test_the_clock_is_set_by_this_computer_in_the_zone_of_the_site(house: House, run: Run) -> None:
    house.lamp.lose_clock()
    assert "it is      lost: it has not been set since the device was without power" in run("clock", "lamp").out
    would = run("clock", "lamp", "--set", "--dry-run").out
    assert would == (
        "would set lamp by this computer's clock, in Europe/Berlin; now it is lost: it has not been set since the "
        "device was without power\n"
    )
    assert "set_device_time" not in _methods(house.lamp)
    wrong = run("clock", "lamp")
    assert wrong.err == "its rules and its meter go by that clock: `clock lamp --set` sets it\n"
    done = run("clock", "lamp", "--set")
    assert (done.code, done.err) == (0, "")
    assert "its zone   Europe/Berlin\n" in done.out
    [sent] = [call.params for call in house.lamp.calls if call.method == "set_device_time"]
    assert (sent["region"], sent["time_diff"]) == ("Europe/Berlin", 60)
    assert abs(sent["timestamp"] - dt.datetime.now(dt.UTC).timestamp()) < 60
    told = json.loads(run("clock", "lamp", "--set", "--zone", "America/Denver", "--json").out)
    assert (told["region"], told["standard_offset_min"], told["zone"], told["done"]) == (
        "America/Denver",
        -420,
        "America/Denver",
        True,
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--set --zone Mars/Base", "there is no time zone 'Mars/Base'; its name is one such as \"Europe/Berlin\""),
        ("--zone UTC", "--zone and --dry-run go with --set"),
        ("--dry-run", "--zone and --dry-run go with --set"),
    ],
)
def test_wrong_use_of_clock_asks_no_device(house: House, run: Run, words: str, text: str) -> None:
    done = run("clock", "lamp", *words.split())
    assert done.code == 2
    assert text in done.err
    assert _methods(house.lamp) == []


def test_firmware_is_shown_and_checked(house: House, run: Run) -> None:
    shown = run("firmware", "heater").out.splitlines()
    assert shown[0].startswith("firmware       1.3.1 Build")
    assert shown[1:] == ["update         idle", "renews itself  no"]
    assert "get_latest_fw" not in _methods(house.heater)
    assert "newest         what it runs\n" in run("firmware", "heater", "--check").out
    house.heater.offer_firmware("9.9.9 Build 270101 Rel.000000", note="Better.")
    checked = run("firmware", "heater", "--check").out
    assert "newest         9.9.9 Build 270101 Rel.000000" in checked
    assert checked.endswith("\n\nBetter.\n")
    told = json.loads(run("firmware", "heater", "--check", "--json").out)
    assert (told["latest"]["version"], told["latest"]["is_newer"]) == ("9.9.9 Build 270101 Rel.000000", True)
    assert told["update"]["state"] == "idle"
    assert told["auto_update"] == {"enabled": False, "at": "03:00", "within_min": 120}
    assert "renews itself  it does not say\n" in run("firmware", "plug").out


def test_firmware_that_cannot_be_looked_for_is_said(house: House, run: Run) -> None:
    house.heater.set_internet(False)
    done = run("firmware", "heater", "--check")
    assert done.code == 3
    assert "error -1007 (CLOUD_FAILED): the device needs the internet for this and has none" in done.err


def test_renewing_itself_is_switched_and_its_time_kept(house: House, run: Run) -> None:
    would = run("firmware", "heater", "--auto-update", "on", "--dry-run").out
    assert would == "would set heater: renews itself: yes, at a moment within 120 min from 03:00 on\n"
    assert "set_auto_update_info" not in _methods(house.heater)
    done = run("firmware", "heater", "--auto-update", "on")
    assert done.out == "heater: renews itself: yes, at a moment within 120 min from 03:00 on\n"
    again = run("firmware", "heater", "--auto-update", "on")
    assert again.out == "heater: renews itself: yes, at a moment within 120 min from 03:00 on, as before\n"
    assert _methods(house.heater).count("set_auto_update_info") == 1
    assert run("firmware", "heater").err == (
        "new firmware may speak a protocol that is not spoken here: `firmware heater --auto-update off` has it wait "
        "until you say so\n"
    )
    told = json.loads(run("firmware", "heater", "--auto-update", "off", "--json").out)
    assert run("firmware", "heater").err == ""
    assert told == {
        "device": "heater",
        "auto_update": {"enabled": False, "at": "03:00", "within_min": 120},
        "before": {"enabled": True, "at": "03:00", "within_min": 120},
        "done": True,
    }


def test_firmware_is_loaded_only_where_it_is_meant_and_there_is_newer(house: House, run: Run) -> None:
    refused = run("firmware", "heater", "--install")
    assert refused.code == 2
    assert "fw_download flashes firmware, which can break the device" in refused.err
    assert "if you mean it, add --yes-i-know" in refused.err
    done = run("firmware", "heater", "--install", "--yes-i-know")
    assert done.out.startswith("heater: runs the newest already: 1.3.1 Build")
    house.heater.offer_firmware("9.9.9")
    would = run("firmware", "heater", "--install", "--dry-run")
    assert would.out == "would have heater load and write 9.9.9\n"
    assert "fw_download" not in _methods(house.heater)
    done = run("firmware", "heater", "--install", "--yes-i-know")
    assert done.out == "heater: loads and writes 9.9.9; `firmware heater` shows how it goes on\n"
    assert "fw_download" in _methods(house.heater)


def test_networks_are_shown_without_what_tells_the_place(house: House, run: Run) -> None:
    public = json.loads(run("wifi", "lamp", "--json").out)
    private = json.loads(run("wifi", "lamp", "--json", "--show-private").out)
    assert public.keys() == private.keys() == {"device", "networks", "wep"}
    for each in public["networks"]:
        assert each.keys() == {"ssid", "signal", "key_type", "cipher", "channel"}
    for each in private["networks"]:
        assert "bssid" in each
    done = run("wifi", "lamp")
    assert done.out.splitlines()[0].split() == ["NETWORK", "SIGNAL", "ENCRYPTION", "CHANNEL"]
    assert done.out.splitlines()[1].split() == ["simulated", "3", "of", "3", "wpa2_psk", "1"]
    assert len(done.out.splitlines()) == 1 + len(public["networks"]) == 1 + len(private["networks"])
    assert "ADDRESS" in run("wifi", "lamp", "--show-private").out


def test_a_network_is_joined_with_a_password_that_nobody_sees(house: House, run: Run) -> None:
    words = ("wifi", "lamp", "--join", "Elsewhere")
    refused = run(*words)
    assert (refused.code, "set_wireless_info moves the device to another Wi-Fi" in refused.err) == (2, True)
    would = run(*words, "--dry-run")
    assert would.out == "would move lamp to the Wi-Fi 'Elsewhere', with wpa2_psk\n"
    without = run(*words, "--yes-i-know")
    assert without.code == 2
    assert "no password for the Wi-Fi: set TAPO_WIFI_PASSWORD, or type it at a terminal" in without.err
    short = run(*words, "--yes-i-know", TAPO_WIFI_PASSWORD="kurz")
    assert "the password of a Wi-Fi with wpa2_psk has 8 to 63 letters; this one has 4" in short.err
    assert "kurz" not in short.err
    assert "set_wireless_info" not in _methods(house.lamp)
    done = run(*words, "--yes-i-know", "--json", TAPO_WIFI_PASSWORD=WIFI_PASSWORD)
    assert json.loads(done.out) == {"device": "lamp", "join": "Elsewhere", "encryption": "wpa2_psk", "done": True}
    assert WIFI_PASSWORD not in done.out + done.err
    assert _methods(house.lamp)[-1] == "set_wireless_info"


def test_a_person_types_the_password_unseen(house: House) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tapo_automate", "wifi", "lamp", "--join", "Elsewhere", "--yes-i-know"]
    variables = environment(house.home, TAPO_USERNAME=USERNAME, TAPO_PASSWORD=PASSWORD)
    variables |= {"TAPO_AUTOMATE_DISCOVERY": "127.0.0.1", "TAPO_AUTOMATE_SPACING": "0s"}
    try:
        process = subprocess.Popen(
            command,
            cwd=house.home,
            env=variables,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        seen = b""
        while b"Password of the Wi-Fi:" not in seen:
            seen += os.read(ours, 1024)
        os.write(ours, f"{WIFI_PASSWORD}\n".encode())
        while b"perhaps at another address" not in b" ".join(seen.split()):
            seen += os.read(ours, 1024)
        assert process.wait(timeout=30) == 0
    finally:
        os.close(ours)
    assert WIFI_PASSWORD.encode() not in seen
    assert _methods(house.lamp)[-1] == "set_wireless_info"


def test_a_set_up_takes_the_account_from_where_credentials_are(house: House, run: Run) -> None:
    words = ("setup", "lamp", "--wifi", "Elsewhere")
    assert "set_qs_info rewrites the credentials, the Wi-Fi and the place" in run(*words).err
    would = run(*words, "--dry-run")
    assert would.out == "would set lamp up for the Wi-Fi 'Elsewhere', with wpa2_psk, in Europe/Berlin\n"
    assert "set_qs_info" not in _methods(house.lamp)
    done = run(*words, "--yes-i-know", TAPO_WIFI_PASSWORD=WIFI_PASSWORD)
    assert done.code == 0
    assert done.out.startswith("lamp: has taken its set-up; whether it joined 'Elsewhere' shows")
    for secret in (WIFI_PASSWORD, PASSWORD, USERNAME):
        assert secret not in done.out + done.err
    assert _methods(house.lamp)[-1] == "set_qs_info"


def test_a_device_is_restarted(house: House, run: Run) -> None:
    assert run("reboot", "lamp", "--dry-run").out == "would restart lamp after 1 s\n"
    assert "device_reboot" not in _methods(house.lamp)
    assert run("reboot", "lamp", "--delay", "5").out == "lamp: restarts after 5 s\n"
    assert house.lamp.calls[-1].params == {"delay": 5}
    assert json.loads(run("reboot", "plug", "--json").out) == {"device": "plug", "delay_s": 1, "done": True}
    refused = run("reboot", "lamp", "--delay", "0")
    assert (refused.code, "0 is not in the range 1<=x<=3600" in refused.err) == (2, True)


def test_a_reset_wants_consent(house: House, run: Run) -> None:
    refused = run("reset", "lamp")
    assert refused.code == 2
    assert refused.err == (
        "tapo-automate: device_reset resets to factory settings: unbinds the device from its account and wipes its "
        "rules and Wi-Fi; if you mean it, add --yes-i-know (see tapo-automate reset --help)\n"
    )
    assert run("reset", "lamp", "--dry-run").out == "would reset lamp to factory settings\n"
    assert "device_reset" not in _methods(house.lamp)
    assert run("reset", "lamp", "--yes-i-know").out == "lamp: reset to factory settings\n"
    assert _methods(house.lamp)[-1] == "device_reset"


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("reboot", "restarting"),
        ("reset", "resetting"),
        ("firmware", "firmware"),
        ("wifi", "Wi-Fi"),
        ("setup", "setting up"),
    ],
)
def test_what_only_a_strip_has_is_not_asked_of_its_socket(house: House, run: Run, command: str, what: str) -> None:
    more = ("--wifi", "Home") if command == "setup" else ()
    done = run(command, "strip/1", *more)
    assert done.code == 2
    assert f"'strip/1' is a socket, and {what} is the whole strip's: name 'strip'" in done.err
    assert _methods(house.strip) == []


def test_a_group_is_not_one_device(house: House, run: Run) -> None:
    done = run("info", "all")
    assert (done.code, "'all' is a group; name one device" in done.err) == (2, True)


def test_firmware_does_one_thing_at_a_time(house: House, run: Run) -> None:
    assert (
        "--check, --auto-update and --install go one at a time" in run("firmware", "lamp", "--check", "--install").err
    )
    assert "--dry-run goes with --auto-update and --install" in run("firmware", "lamp", "--dry-run").err
    assert "--encryption and --dry-run go with --join" in run("wifi", "lamp", "--dry-run").err
    assert _methods(house.lamp) == []
