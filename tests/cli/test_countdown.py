"""`countdown` at a terminal: the timers of simulated devices, which run without it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from cli.running import KETTLE
from cli.terminal import PASSWORD, USERNAME, tapo_automate
from tapo_automate.cli import group
from tapo_automate.simulator import Device, Fleet

ACCOUNT = {"username": USERNAME, "password": PASSWORD}
DEVICES = {
    "heater": ("P110", "klap", "tapo-plug"),
    "rail": ("P100", "aes", "tapo-plug"),
    "lamp": ("L530", "klap", "tapo-bulb"),
    "strip": ("P100", "klap", "kettle-plug"),
}


class House(SimpleNamespace):
    """A home directory with rule files, and the simulated devices that they name."""

    home: Path
    heater: Device
    rail: Device
    lamp: Device

    def run(self, *words: str, rules: str = "rules.toml") -> SimpleNamespace:
        done = tapo_automate("countdown", *words, "-r", rules, home=self.home, PYTHONPATH=str(self.home / "site"))
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    moment = [1_800_000_000.0]  # the devices' clocks stand still unless a test moves them
    with Fleet() as fleet, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: connecting is refused
        text = '[site]\ntimezone = "Europe/Berlin"\n'
        devices = {}
        for name, (model, transport, driver) in DEVICES.items():
            devices[name] = fleet.add(model, transport=transport, on=True, now=lambda: moment[0], **ACCOUNT)
            text += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{devices[name].address}"\n'
        gone = f'[devices.gone]\ndriver = "tapo-plug"\nhost = "127.0.0.1:{nobody.getsockname()[1]}"\n'
        (tmp_path / "rules.toml").write_text(text + gone + '[groups]\nwarm = ["heater", "rail"]\n')
        site = tmp_path / "site"
        (site / "kettle-1.0.dist-info").mkdir(parents=True)
        (site / "kettle.py").write_text(KETTLE)
        (site / "kettle-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: kettle\nVersion: 1.0\n")
        (site / "kettle-1.0.dist-info" / "entry_points.txt").write_text("[tapo_automate]\nkettle = kettle\n")
        yield House(home=tmp_path, moment=moment, **devices)


def test_a_countdown_is_started_shown_and_stopped(house: House) -> None:
    done = house.run("heater", "45m", "off")
    assert (done.code, done.out, done.err) == (0, "heater: off in 45m\n", "")
    assert house.heater.countdown is not None
    assert (house.heater.countdown["remain"], house.heater.countdown["desired_states"]) == (2700, {"on": False})
    house.moment[0] += 48
    assert house.run("warm").out == "heater: off in 44m12s\nrail: no countdown\n"
    assert house.run("warm", "--stop").out == "heater: stopped off in 44m12s\nrail: no countdown\n"
    assert house.heater.countdown is None


def test_it_runs_without_us(house: House) -> None:
    assert house.run("warm", "1h30m", "off").out == "heater: off in 1h30m\nrail: off in 1h30m\n"
    house.moment[0] += 5401
    assert [device.on for device in (house.heater, house.rail)] == [False, False]
    assert house.heater.changes[-1].by == "countdown"


def test_one_that_runs_is_replaced_and_that_is_said(house: House) -> None:
    house.run("heater", "10m", "on")
    done = house.run("heater", "24h", "off")
    assert (done.code, done.out) == (0, "heater: off in 24h, in place of on in 10m\n")
    assert house.heater.countdown is not None
    assert house.heater.countdown["remain"] == 86_400


def test_whoever_takes_the_place_of_a_fail_safe_is_told_what_becomes_of_it(house: House) -> None:
    rule = '[rules.warm]\ndevices = ["heater"]\nwhen.time = { at = 06:00:00 }\nset.on = true\nfailsafe = "30m"\n'
    (house.home / "safe.toml").write_text((house.home / "rules.toml").read_text() + rule)
    said = "heater: this may have been the fail-safe of rule warm; the daemon starts that again "
    house.run("heater", "30m", "off")
    done = house.run("heater", "45m", "off", rules="safe.toml")
    assert (done.code, done.out) == (0, "heater: off in 45m, in place of off in 30m\n")
    assert done.err == f"{said}when this countdown is over\n"
    done = house.run("heater", "--stop", rules="safe.toml")
    assert done.err == "", "it lasts longer than the fail-safe ever does"
    house.run("heater", "20m", "off")
    done = house.run("heater", "--stop", rules="safe.toml")
    assert done.err == f"{said}while the device is on\n"


def test_sockets_are_devices_that_no_rule_has_to_name(house: House) -> None:
    assert house.run("heater/1", "45m", "off", "--dry-run").out == "would start heater/1: off in 45m\n"
    done = house.run("haeter/1", "45m", "off", "--dry-run")
    said = 'unknown device "haeter" in "haeter/1", did you mean "heater"?; write "heater/1"'
    assert (done.code, done.err) == (2, f"tapo-automate: {said} (see tapo-automate countdown --help)\n")


def test_a_lamp_is_set_as_well(house: House) -> None:
    assert house.run("lamp", "5m", "on", "--brightness", "50").out == "lamp: on, brightness 50 in 5m\n"
    assert house.lamp.countdown is not None
    assert house.lamp.countdown["desired_states"] == {"on": True, "brightness": 50}
    done = house.run("lamp", "5m", "--hue", "120", "--saturation", "80")
    assert done.out == "lamp: on, hue 120, saturation 80 in 5m, in place of on, brightness 50 in 5m\n"


def test_json_says_what_runs_what_was_replaced_and_what_was_stopped(house: House) -> None:
    off = {"on": False}
    house.run("heater", "45m", "off")
    assert json.loads(house.run("warm", "1m", "on", "--json").out) == {
        "devices": [
            {
                "device": "heater",
                "after_s": 60,
                "set": {"on": True},
                "replaced": {"left_s": 2700, "set": off},
                "done": True,
                "error": None,
            },
            {"device": "rail", "after_s": 60, "set": {"on": True}, "replaced": None, "done": True, "error": None},
        ]
    }
    house.run("rail", "--stop")
    assert json.loads(house.run("warm", "--json").out) == {
        "devices": [
            {"device": "heater", "left_s": 60, "set": {"on": True}, "error": None},
            {"device": "rail", "left_s": None, "set": None, "error": None},
        ]
    }
    assert json.loads(house.run("warm", "--stop", "--json").out) == {
        "devices": [
            {"device": "heater", "stopped": {"left_s": 60, "set": {"on": True}}, "done": True, "error": None},
            {"device": "rail", "stopped": None, "done": True, "error": None},
        ]
    }


def test_a_dry_run_asks_no_device(house: House) -> None:
    before = house.heater.requests
    assert house.run("warm", "45m", "off", "--dry-run").out == (
        "would start heater: off in 45m\nwould start rail: off in 45m\n"
    )
    assert house.run("heater", "--stop", "--dry-run").out == "would stop heater\n"
    [row] = json.loads(house.run("heater", "45m", "off", "--dry-run", "--json").out)["devices"]
    assert (row["after_s"], row["done"], row["error"]) == (2700, False, None)
    assert house.heater.requests == before
    assert house.run("heater", "--dry-run").out == "heater: no countdown\n", "to look changes nothing"


def test_one_device_that_cannot_costs_the_others_nothing(house: House) -> None:
    done = house.run("gone", "strip", "rail", "heater", "45m", "off")
    assert done.code == 3
    assert done.out == "rail: off in 45m\nheater: off in 45m\n"
    gone, strip = done.err.splitlines()
    assert gone.startswith("gone: 127.0.0.1:")
    assert "the connection was refused" in gone
    assert strip.startswith("strip: 127.0.0.1:")
    assert strip.endswith(": the driver 'kettle-plug' offers no countdown")


def test_a_plug_is_not_dimmed_later_either(house: House) -> None:
    done = house.run("heater", "5m", "on", "--brightness", "50")
    assert (done.code, done.out) == (3, "")
    assert done.err.endswith("it has no brightness to set\n")
    assert house.heater.countdown is None


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rule file whose devices nobody is to ask."""
    text = '[site]\ntimezone = "Europe/Berlin"\n'
    for name in ("heater", "rail", "lamp"):
        text += f'[devices.{name}]\ndriver = "tapo-bulb"\nhost = "192.0.2.1"\n'
    (tmp_path / "rules.toml").write_text(text)
    return tmp_path / "rules.toml"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["heater", "45", "off"], "Invalid value for AFTER: '45' is not a duration such as \"45m\""),
        (["heater", "soon", "off"], "Invalid value for AFTER: 'soon' is not a duration such as \"45m\""),
        (["heater", "45 min", "off"], "Invalid value for AFTER: '45 min' is not a duration, did you mean 45m?"),
        (["heater", "0:45", "off"], "Invalid value for AFTER: '0:45' is not a duration, did you mean 45m?"),
        (["heater", "0.5s", "off"], "Invalid value for AFTER: '0.5s' is not a duration, did you mean 1s?"),
        (["heater", "0s", "off"], "0s is out of range: a countdown in a device runs 1s to 24h"),
        (["heater", "24h1s", "off"], "24h1s is out of range: a countdown in a device runs 1s to 24h"),
        (["heater", "off"], "in what time? Say it after the device, such as: countdown heater 45m off"),
        (["heater", "rail", "off"], "in what time? Say it after the device, such as: countdown rail 45m off"),
        (["lamp", "--brightness", "5"], "in what time? Say it after the device, such as: countdown lamp 45m off"),
        (["heater", "45m"], "what is to happen after 45m? Say on or off"),
        (["heater", "45m", "toggle"], "'toggle' is nothing that a countdown in a device does: it switches on or off"),
        (["heater", "45m", "of"], "'of' is nothing that a countdown in a device does"),
        (["lamp", "45m", "off", "--brightness", "5"], "off goes alone: setting a lamp's light switches it on"),
        (["lamp", "45m", "on", "--brightness", "0"], "0 is not in the range 1<=x<=100"),
        (["heater", "45m", "off", "--stop"], "--stop goes with devices alone"),
        (["lamp", "--stop", "--hue", "5"], "in what time?"),
        (["heter"], "unknown device or group 'heter', did you mean 'heater'?"),
        (["heter", "45m", "off"], "unknown device or group 'heter', did you mean 'heater'?"),
        (["45m", "off"], "which device? Say it first, such as: countdown heater 45m off"),
    ],
)
def test_wrong_use_is_said_clearly(rules: Path, words: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        group.main(["countdown", "-r", str(rules), *words], standalone_mode=False)
    assert message in raised.value.format_message()


def test_wrong_use_is_one_line_and_exit_code_2(rules: Path) -> None:
    done = tapo_automate("countdown", "heater", "25h", "off", home=rules.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "tapo-automate: Invalid value for AFTER: 25h is out of range: a countdown in a device runs 1s to 24h "
        "(see tapo-automate countdown --help)\n"
    )
