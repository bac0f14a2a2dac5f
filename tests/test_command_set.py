"""Every command that is spoken has a function with a contract, a way at the command line that reaches a device, and a
row in the specification.

The list below is written down by hand, method by method, and held against all three.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.terminal import PASSWORD, USERNAME
from tapo_automate.cli import main
from tapo_automate.simulator import Device, Fleet

ROOT = Path(__file__).parents[1]
ACCOUNT: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}
SITE = '[site]\ntimezone = "Europe/Berlin"\nlatitude = 52.52\nlongitude = 13.405\n'
SECTION = "### 10.2 Where each is had"

MODELS: dict[str, dict[str, Any]] = {
    "plug": {"profile": "P110", "transport": "klap"},
    "old": {"profile": "P100", "transport": "aes"},
    "new": {"profile": "P110", "transport": "tpap", "tpap": "iterations=10"},
    "lamp": {"profile": "L530", "transport": "klap"},
    "plural": {"profile": "L530", "transport": "klap", "effects": "plural"},
    "white": {"profile": "L510", "transport": "klap"},
    "band": {"profile": "L900", "transport": "klap"},
    "strip": {"profile": "P304M", "transport": "klap"},
}
LAMPS = ("lamp", "plural", "white", "band")

CLOCK_ROW = 'devices = ["{device}"]\nwhen.time = {{ at = {at} }}\nset = {{ on = false }}\n'
AWAY_ROW = 'devices = ["{device}"]\nwhen.away = {{ from = {at}, until = 23:30:00 }}\n'
TIMER_ROW = 'devices = ["{device}"]\nwhen.countdown = {{ from = "apply", after = "{at}" }}\nset = {{ on = false }}\n'


@dataclass(frozen=True)
class Way:
    """How a method is had.

    function: beneath tapo_automate.wire.  device: whose log is to have the method afterwards.  commands: at the command
    line, one after the other; the first word of the last is what the specification names.
    """

    function: str
    device: str
    commands: tuple[str, ...]

    @property
    def command(self) -> str:
        return self.commands[-1].split()[0]


def way(function: str, *commands: str, device: str = "plug") -> Way:
    return Way(function, device, commands)


APPLY = "sync apply --yes --allow-emptying --allow-mass-delete"


def tables(name: str, row: str, first: str, then: str) -> dict[str, Way]:
    """Return how the rows of a table are written by `sync`.  A command `rules …` writes the rule file before."""
    rules = [f"rules {row.format(device='plug', at=at)}" for at in (first, then)]
    return {
        f"get_{name}_rules": way("tables.read_table", rules[0], "sync plan"),
        f"add_{name}_rule": way("own_tables.OwnTables.put", rules[0], APPLY),
        f"edit_{name}_rule": way("own_tables.OwnTables.put", rules[0], APPLY, rules[1], APPLY),
        f"remove_{name}_rules": way("own_tables.OwnTables.remove", rules[0], APPLY, "rules", APPLY),
    }


WAYS: dict[str, Way] = {
    "get_device_info": way("commands.info.get_device_info", "info plug"),
    "get_device_running_info": way(
        "commands.info.get_device_running_info", "call lamp get_device_running_info", device="lamp"
    ),
    "set_device_info": way("smart.SmartDevice.apply", "on plug"),
    "device_reboot": way("commands.system.device_reboot", "reboot plug"),
    "device_reset": way("commands.system.device_reset", "reset plug --yes-i-know"),
    "get_device_time": way("commands.clock.get_device_time", "clock plug"),
    "set_device_time": way("commands.clock.set_device_time", "clock plug --set"),
    "fw_download": way("commands.firmware.fw_download", "firmware plug --install --yes-i-know"),
    "get_fw_download_state": way("commands.firmware.get_fw_download_state", "firmware plug"),
    "get_latest_fw": way("commands.firmware.get_latest_fw", "firmware plug --check"),
    "get_auto_update_info": way("commands.firmware.get_auto_update_info", "firmware plug"),
    "set_auto_update_info": way("commands.firmware.set_auto_update_info", "firmware plug --auto-update on"),
    "get_wireless_scan_info": way("commands.network.get_wireless_scan_info", "wifi plug"),
    "set_wireless_info": way("commands.network.set_wireless_info", "wifi plug --join simulated --yes-i-know"),
    "component_nego": way("commands.components.component_nego", "info plug"),
    "qs_component_nego": way("commands.components.qs_component_nego", "call plug qs_component_nego"),
    "set_qs_info": way("commands.setup.set_qs_info", "setup plug --wifi simulated --yes-i-know"),
    "get_inherit_info": way("commands.setup.get_inherit_info", "call lamp get_inherit_info", device="lamp"),
    "set_inherit_info": way(
        "commands.setup.set_inherit_info",
        'call lamp set_inherit_info {"is_inherit":true} --yes-i-know',
        device="lamp",
    ),
    "get_connect_cloud_state": way("commands.system.get_connect_cloud_state", "info plug"),
    "get_device_usage": way("commands.usage.get_device_usage", "usage plug"),
    **tables("schedule", CLOCK_ROW, "22:00:00", "22:15:00"),
    **tables("antitheft", AWAY_ROW, "20:00:00", "20:30:00"),
    "get_countdown_rules": way("timer.Countdown.read", "countdown plug"),
    "add_countdown_rule": way("timer.Countdown.start", "countdown plug 45m off"),
    "edit_countdown_rule": way(
        "own_tables.OwnTables.put",
        "countdown plug 45m off",
        'call plug edit_countdown_rule {"id":"C1","enable":true,"delay":9,"remain":9,"desired_states":{"on":false}}',
    ),
    "remove_countdown_rules": way("timer.Countdown.stop", "countdown plug 45m off", "countdown plug --stop"),
    "get_next_event": way("own_tables.OwnTables.next_event", "doctor plug"),
    "get_auto_off_config": way("commands.auto_off.get_auto_off_config", "auto-off plug"),
    "set_auto_off_config": way("commands.auto_off.set_auto_off_config", "auto-off plug 30m"),
    "get_protection_power": way("commands.auto_off.get_protection_power", "power-limit plug"),
    "set_protection_power": way("commands.auto_off.set_protection_power", "power-limit plug 2000"),
    "get_max_power": way("commands.energy.get_max_power", "energy plug"),
    "get_energy_usage": way("commands.energy.get_energy_usage", "energy plug"),
    "get_current_power": way("commands.energy.get_current_power", "energy strip/1", device="strip"),
    "get_emeter_data": way("commands.energy.get_emeter_data", "energy plug"),
    "get_energy_data": way("commands.energy_data.get_energy_data", "energy plug --days"),
    "get_power_data": way("commands.energy_data.get_power_data", "energy plug --power"),
    "get_led_info": way("commands.led.get_led_info", "led plug"),
    "set_led_info": way("commands.led.set_led_info", "led plug off"),
    "get_on_off_gradually_info": way("commands.gradual.get_on_off_gradually_info", "fade lamp", device="lamp"),
    "set_on_off_gradually_info": way("commands.gradual.set_on_off_gradually_info", "fade lamp --on 5s", device="lamp"),
    "get_auto_light_info": way("commands.auto_light.get_auto_light_info", "auto-light lamp", device="lamp"),
    "set_auto_light_info": way("commands.auto_light.set_auto_light_info", "auto-light lamp on", device="lamp"),
    "get_preset_rules": way("commands.presets.get_preset_rules", "preset lamp", device="lamp"),
    "edit_preset_rules": way(
        "commands.presets.edit_preset_rules", "preset lamp 1 --save --brightness 30 --color-temp 2700", device="lamp"
    ),
    "set_preset_rules": way(
        "commands.presets.set_preset_rules", "preset white 1 --save --brightness 30", device="white"
    ),
    "get_dynamic_light_effect_rules": way(
        "commands.effects.get_dynamic_light_effect_rules", "effect lamp", device="lamp"
    ),
    "set_dynamic_light_effect_rule_enable": way(
        "commands.effects.set_dynamic_light_effect_rule_enable", "effect lamp Party", device="lamp"
    ),
    "edit_dynamic_light_effect_rule": way(
        "commands.effects.edit_dynamic_light_effect_rule", "effect lamp Party --brightness 40", device="lamp"
    ),
    "set_dynamic_light_effect_rules": way(
        "commands.effects.set_dynamic_light_effect_rule_enable", "effect plural Party", device="plural"
    ),
    "edit_dynamic_light_effect_rules": way(
        "commands.effects.edit_dynamic_light_effect_rule", "effect plural Party --brightness 40", device="plural"
    ),
    "get_lighting_effect": way("commands.strip_effects.get_lighting_effect", "effect band", device="band"),
    "set_lighting_effect": way("commands.strip_effects.set_lighting_effect", "effect band station", device="band"),
    "get_child_device_list": way("parts.read_parts", "on strip/1", device="strip"),
    "control_child": way("strip.Socket.call", "on strip/1", device="strip"),
    "multipleRequest": way("client.Client.multiple", "sync plan"),
}
"""Method -> how it is had.  What is no method has tests of its own below."""


class House:
    """One device of each kind that some command needs, and a rule file that names them."""

    def __init__(self, home: Path, fleet: Fleet) -> None:
        self.home = home
        self.fleet = fleet
        self.devices: dict[str, Device] = {}
        self._text = SITE

    def open(self, name: str) -> Device:
        device = self.fleet.add(**MODELS[name], **ACCOUNT, nickname=name)
        driver = "tapo-bulb" if name in LAMPS else "tapo-plug"
        self._text += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{device.address}"\n'
        self.devices[name] = device
        self.rules("")
        return device

    def rules(self, lines: str) -> None:
        (self.home / "rules.toml").write_text(self._text + (f"[rules.r]\n{lines}" if lines else ""))


Run = Callable[[str], SimpleNamespace]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Fleet(discovery="127.0.0.1:0") as fleet:
        yield House(tmp_path, fleet)


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process, as the console script does; `rules …` writes the rule file."""
    for name in [name for name in os.environ if name.startswith(("TAPO_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(house.home),
        "TAPO_AUTOMATE_DISCOVERY": house.fleet.discovery or "",
        "TAPO_AUTOMATE_SPACING": "0s",
        "TAPO_USERNAME": USERNAME,
        "TAPO_PASSWORD": PASSWORD,
        "TAPO_WIFI_PASSWORD": "canary-Wi-Fi-pass",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(house.home)

    def it(line: str) -> SimpleNamespace:
        word, _, rest = line.partition(" ")
        if word == "rules":
            house.rules(rest)
            return SimpleNamespace(code=0, out="", err="")
        with monkeypatch.context() as patched, open(os.devnull) as nobody:
            patched.setattr(sys, "argv", ["tapo-automate", *line.split()])
            patched.setattr(sys, "stdin", nobody)
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, out=out, err=err)

    return it


def _function(path: str) -> Any:
    module, *names = path.split(".")
    where = import_module(f"tapo_automate.wire.{module}")
    while names and inspect.ismodule(where) and not hasattr(where, names[0]):
        where = import_module(f"{where.__name__}.{names.pop(0)}")
    return reduce(getattr, names, where)


FUNCTIONS = sorted({each.function for each in WAYS.values()})


@pytest.mark.parametrize("path", FUNCTIONS)
def test_each_function_states_its_contract_and_its_source(path: str) -> None:
    function = _function(path)
    assert callable(function)
    assert inspect.getdoc(function), f"{path} says nothing of itself"
    assert "return" in inspect.get_annotations(function), f"{path} does not say what it returns"
    module = inspect.getmodule(function)
    assert module is not None
    cited = re.findall(r"Source: docs/(?:protocol|time)\.md", inspect.getsource(module))
    assert cited or path.startswith(("smart.", "client.")), f"{path} has no source"


@pytest.mark.parametrize("method", WAYS)
def test_each_command_gets_from_the_command_line_to_a_device(method: str, house: House, run: Run) -> None:
    wanted = WAYS[method]
    device = house.open(wanted.device)
    if method == "fw_download":
        device.offer_firmware("9.9.9")
    for line in wanted.commands:
        done = run(line)
        assert done.code in ((0, 2) if line.startswith(("sync plan", "doctor")) else (0,)), (line, done)
    assert method in _carried_out(device)


def _carried_out(device: Device) -> set[str]:
    """Return what the device's log has, and what strips were told for their sockets."""
    found = set()
    for call in device.calls:
        if call.error_code == 0:
            found |= {call.method, *_inner(call.params)}
    return found


def _inner(params: Any) -> Iterator[str]:
    request = params.get("requestData") if isinstance(params, dict) else None
    if isinstance(request, dict):
        yield request["method"]
        yield from (each["method"] for each in (request.get("params") or {}).get("requests", ()))


@pytest.mark.parametrize("command", sorted({each.command for each in WAYS.values()} | {"login", "discover"}))
def test_each_way_at_the_command_line_explains_itself(command: str, run: Run) -> None:
    done = run(f"{command} --help")
    assert done.code == 0
    assert done.out.startswith("Usage: tapo-automate ")


SESSIONS = {
    # the steps of a login, in the simulator's words -> (device, function)
    ("handshake1", "handshake2"): ("plug", "klap.KlapSession.handshake"),
    ("handshake", "login_device"): ("old", "passthrough.PassthroughSession.handshake"),
    ("pake_register", "pake_share"): ("new", "tpap.TpapSession.handshake"),
}


@pytest.mark.parametrize(("steps", "what"), SESSIONS.items(), ids=["klap", "securePassthrough", "tpap"])
def test_each_kind_of_session_is_opened_by_a_plain_command(
    steps: tuple[str, str], what: tuple[str, str], house: House, run: Run
) -> None:
    name, path = what
    device = house.open(name)
    assert inspect.getdoc(_function(path))
    assert run(f"on {name}").code == 0
    assert [attempt.step for attempt in device.login_attempts if attempt.granted] == list(steps)
    assert device.on
    assert run(f"login {name}").code == 0


def test_devices_are_found(house: House, run: Run) -> None:
    device = house.open("plug")
    assert "until" in inspect.signature(_function("udp.discover")).parameters
    done = run("discover --timeout 5")
    assert done.code == 0
    assert device.mac in done.out
    assert device.probes


def _rows() -> dict[str, tuple[str, str]]:
    """Return method -> (functions, commands), as the specification has them."""
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    section = text.partition(f"\n{SECTION}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    return {
        name: (functions, commands) for names, functions, commands in rows for name in re.findall(r"`(\w+)`", names)
    }


@pytest.mark.parametrize("method", WAYS)
def test_each_command_has_its_row_in_the_specification(method: str) -> None:
    functions, commands = _rows()[method]
    assert f"`{WAYS[method].function}`" in functions
    assert re.search(rf"`{WAYS[method].command}[` ]", commands), commands


def test_the_specification_names_no_command_that_is_not_held_here() -> None:
    steps = {step for each in SESSIONS for step in each}
    assert _rows().keys() == WAYS.keys() | steps | {"securePassthrough", "discovery"}
