"""`fade`, `effect`, `preset`, `auto-light`, `led`, `auto-off`, `power-limit`, `after-power-cut` at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.running import KETTLE, install
from cli.terminal import PASSWORD, USERNAME, tapo_automate
from tapo_automate.cli import main
from tapo_automate.simulator import Device, Fleet

DEVICES = {
    "plug": ("P110", "tapo-plug"),
    "old": ("P100", "tapo-plug"),
    "strip": ("P304M", "tapo-plug"),
    "lamp": ("L530", "tapo-bulb"),
    "white": ("L510", "tapo-bulb"),
    "band": ("L900", "tapo-bulb"),
}


class House:
    """A home directory with a rule file, and the simulated devices that it names."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.devices: dict[str, Device] = {}
        self._capsys = capsys
        self._patch = patch

    def run(self, *words: str) -> SimpleNamespace:
        """Run `tapo-automate` in this process."""
        with self._patch.context() as patch:
            patch.setattr("sys.argv", ["tapo-automate", *words])
            self._capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self._capsys.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, out=out, err=err)

    def says(self, *words: str) -> str:
        """Run it, and return its line; it ends well."""
        done = self.run(*words)
        assert (done.code, done.err) == (0, "")
        return str(done.out).rstrip("\n")

    def json(self, *words: str) -> Any:
        return json.loads(self.says(*words, "--json"))

    def fails(self, *words: str) -> tuple[int, str]:
        """Run it, and return its exit code and its line on stderr, without addresses."""
        done = self.run(*words)
        assert done.out == ""
        said = str(done.err).removeprefix("tapo-automate: ").rstrip("\n")
        for name, device in self.devices.items():
            said = said.replace(f"{name}: {device.address}", name)
        return done.code, said


def rules(addresses: Mapping[str, str]) -> str:
    text = '[site]\ntimezone = "Europe/Berlin"\n[groups]\nlights = ["lamp", "white"]\n'
    for name, (_, driver) in DEVICES.items():
        text += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{addresses[name]}"\n'
    return text


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> House:
    """Give a home whose devices are at addresses where nobody is."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"TAPO_USERNAME": USERNAME, "TAPO_PASSWORD": PASSWORD, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "rules.toml").write_text(rules({name: f"127.0.0.1:{port}" for port, name in enumerate(DEVICES, 1)}))
    return House(capsys, monkeypatch)


@pytest.fixture
def house(empty: House, tmp_path: Path) -> Iterator[House]:
    with Fleet() as fleet:
        for name, (model, _) in DEVICES.items():
            empty.devices[name] = fleet.add(model, on=True, username=USERNAME, password=PASSWORD)
        addresses = {name: device.address for name, device in empty.devices.items()}
        (tmp_path / "rules.toml").write_text(rules(addresses))
        yield empty


def test_fading_is_shown_and_set(house: House) -> None:
    assert house.says("fade", "lamp") == "lamp: on at once, off at once"
    assert house.says("fade", "lamp", "--on", "5s", "--off", "1m") == "lamp: on over 5s, off over 1m"
    assert house.says("fade", "lamp") == "lamp: on over 5s, off over 1m"
    assert house.says("fade", "lamp", "--on", "0s") == "lamp: on at once"
    assert house.says("fade", "lamp") == "lamp: on at once, off over 1m"
    assert house.says("fade", "lamp", "off") == "lamp: fading off"
    assert house.says("fade", "lamp", "on") == "lamp: fading on"
    assert house.json("fade", "lamp") == {
        "device": "lamp",
        "enabled": True,
        "on": {"enabled": True, "duration_s": 5, "most_s": 60},
        "off": {"enabled": True, "duration_s": 60, "most_s": 60},
        "changes": None,
    }
    assert house.json("fade", "lamp", "--on", "9s") == {
        "device": "lamp",
        "set": {"enabled": None, "on_s": 9, "off_s": None, "changes": None},
        "done": True,
    }
    assert house.says("fade", "band", "on") == "band: fading on"
    assert house.says("fade", "band") == "band: fading on"


def test_effects_of_bulbs(house: House) -> None:
    assert house.says("effect", "lamp") == "lamp: no effect; it has: Party, Relax"
    assert house.says("effect", "lamp", "party", "--brightness", "30") == "lamp: Party, brightness 30"
    assert house.says("effect", "lamp") == "lamp: Party, brightness 30; it has: Party, Relax"
    assert house.says("effect", "lamp", "--brightness", "20") == "lamp: Party, brightness 20"
    assert house.says("effect", "lamp", "L2") == "lamp: Relax, brightness 100"
    assert house.json("effect", "lamp")["effects"] == [
        {"name": "Party", "id": "L1", "kind": "bulb", "running": False, "brightness_pct": 20},
        {"name": "Relax", "id": "L2", "kind": "bulb", "running": True, "brightness_pct": 100},
    ]
    assert house.says("effect", "lamp", "off") == "lamp: no effect"
    assert house.says("effect", "lamp").startswith("lamp: no effect;")
    assert house.fails("effect", "lamp", "--brightness", "5") == (
        3,
        "lamp: no effect runs on it: say which one is to be so bright",
    )
    assert house.fails("effect", "lamp", "Disco") == (3, "lamp: it has no effect 'Disco'; it has: Party, Relax")
    assert house.fails("effect", "white") == (3, "white: it has no effects")


def test_effects_of_light_strips(house: House) -> None:
    assert house.says("effect", "band") == "band: no effect; it has: station"
    assert house.says("effect", "band", "station", "--brightness", "70") == "band: station, brightness 70"
    assert house.json("effect", "band") == {
        "device": "band",
        "effects": [{"name": "station", "id": "", "kind": "strip", "running": True, "brightness_pct": 70}],
    }
    assert house.says("preset", "band", "3", "--save") == "band: preset 3 is now: effect station, brightness 70"
    assert house.says("effect", "band", "off") == "band: no effect"
    assert house.says("effect", "band").startswith("band: no effect;")
    assert house.says("preset", "band", "3") == "band: preset 3: effect station, brightness 70"
    assert house.json("effect", "band")["effects"][0]["running"] is True


def test_presets_are_shown_lit_and_kept(house: House) -> None:
    lines = house.says("preset", "lamp").splitlines()
    assert lines[:3] == [
        "lamp: 7 presets",
        "  1  brightness 50, color_temp 2700",
        "  2  brightness 100, hue 240, saturation 100",
    ]
    assert house.says("preset", "lamp", "2") == "lamp: preset 2: brightness 100, hue 240, saturation 100"
    assert house.says("preset", "lamp", "5", "--save") == (
        "lamp: preset 5 is now: brightness 100, hue 240, saturation 100"
    )
    done = house.json("preset", "lamp", "6", "--save", "--brightness", "40", "--color-temp", "3000")
    kept = {"number": 6, "light": {"brightness": 40, "color_temp": 3000}, "effect": None}
    assert done == {"device": "lamp", "set": {**kept, "saved": True}, "done": True}
    found = house.json("preset", "lamp")["presets"]
    assert found[4]["light"] == {"brightness": 100, "hue": 240, "saturation": 100}
    assert found[5] == kept
    assert house.says("preset", "white", "2", "--save", "--brightness", "30") == "white: preset 2 is now: brightness 30"
    assert "  2  brightness 30" in house.says("preset", "white")
    assert house.says("preset", "band", "1") == "band: preset 1: brightness 50, color_temp 9000"
    assert house.says("preset", "band", "2", "--save") == "band: preset 2 is now: brightness 50, color_temp 9000"
    assert house.fails("preset", "lamp", "8") == (3, "lamp: it has no preset 8: it has 7, counted from 1")
    assert house.fails("preset", "lamp", "1", "--save", "--brightness", "9", "--color-temp", "2000") == (
        3,
        "lamp: color_temp 2000 is out of range: it takes 2500 to 6500 K",
    )


def test_auto_light_is_shown_and_set(house: House) -> None:
    assert house.says("auto-light", "lamp") == "lamp: auto light off"
    assert house.says("auto-light", "lamp", "on", "--mode", "compensate") == "lamp: auto light on, compensate"
    assert house.json("auto-light", "lamp") == {
        "device": "lamp",
        "enabled": True,
        "mode": "light_compensate",
        "from_info": False,
    }
    assert house.says("auto-light", "lamp", "off") == "lamp: auto light off"


def test_the_status_light_is_shown_and_set(house: House) -> None:
    assert house.says("led", "plug") == "plug: status light on; it shines now"
    assert house.says("led", "plug", "off") == "plug: status light off"
    assert house.says("led", "plug") == "plug: status light off; it is dark now"
    words = "status light off at night, from 22:00 to 06:30"
    assert house.says("led", "plug", "night", "--from", "22:00", "--to", "06:30") == f"plug: {words}"
    assert house.says("led", "plug").startswith(f"plug: {words}; it ")
    words = "status light off at night, from sunset-30m to sunrise+1h"
    assert house.says("led", "plug", "night", "--from", "sunset-30m", "--to", "sunrise+1h") == f"plug: {words}"
    found = house.json("led", "plug")
    assert (found["rule"], found["night"]["sunset_offset_min"], found["night"]["sunrise_offset_min"]) == (
        "night_mode",
        -30,
        60,
    )
    assert house.says("led", "strip", "off") == "strip: status light off"
    assert house.fails("led", "old", "night") == (3, "old: its status light has no night mode: it is on or off")


def test_plugs_turn_themselves_off(house: House) -> None:
    assert house.says("auto-off", "plug") == "plug: auto-off off (it has 2h)"
    assert house.says("auto-off", "plug", "30m") == "plug: off 30m after it was turned on"
    assert house.json("auto-off", "plug") == {"device": "plug", "enabled": True, "delay_min": 30}
    assert house.says("auto-off", "plug", "off") == "plug: auto-off off"
    assert house.says("auto-off", "plug", "on") == "plug: auto-off on"
    assert house.says("auto-off", "plug") == "plug: off 30m after it was turned on"
    assert house.says("power-limit", "plug") == "plug: power limit off"
    assert house.says("power-limit", "plug", "2000W") == "plug: off above 2000 W"
    assert house.json("power-limit", "plug") == {"device": "plug", "enabled": True, "limit_w": 2000}
    assert house.says("power-limit", "plug", "off") == "plug: power limit off"
    assert house.says("power-limit", "plug") == "plug: power limit off (it has 2000 W)"
    assert house.says("power-limit", "strip/2", "1500") == "strip/2: off above 1500 W"
    assert house.json("power-limit", "strip/1")["enabled"] is False
    code, said = house.fails("power-limit", "plug", "99999")
    assert code == 3
    assert said.startswith("plug: a power limit of 99999 W is out of range: it takes 1 to ")


def test_what_comes_after_a_power_cut_is_shown_and_set(house: House) -> None:
    assert house.says("after-power-cut", "plug") == "plug: comes back as it was"
    assert house.says("after-power-cut", "plug", "off") == "plug: stays off"
    assert house.json("after-power-cut", "plug") == {
        "device": "plug",
        "power": "off",
        "powers": ["on", "off", "last"],
        "light": None,
    }
    assert house.says("after-power-cut", "lamp") == "lamp: comes back on, with the light that it had"
    words = ["last", "--brightness", "40", "--hue", "120", "--saturation", "90"]
    said = "comes back as it was, with brightness 40, hue 120, saturation 90"
    assert house.says("after-power-cut", "lamp", *words) == f"lamp: {said}"
    assert house.says("after-power-cut", "lamp") == f"lamp: {said}"
    assert house.says("after-power-cut", "lamp", "--last-light") == "lamp: with the light that it had"
    assert house.json("after-power-cut", "lamp")["light"] == "last"
    assert house.says("after-power-cut", "strip/1", "on") == "strip/1: comes back on"
    assert house.fails("after-power-cut", "lamp", "off") == (
        3,
        "lamp: it cannot be told to come back off after a power cut: it takes on or last",
    )


DRY = [
    (["fade", "lamp", "--on", "5s"], "would set lamp: on over 5s"),
    (["effect", "lamp", "Party", "--brightness", "9"], "would set lamp: Party, brightness 9"),
    (["preset", "lamp", "1"], "would set lamp: preset 1: brightness 50, color_temp 2700"),
    (["preset", "lamp", "1", "--save", "--brightness", "9"], "would set lamp: preset 1 is now: brightness 9"),
    (["auto-light", "lamp", "on"], "would set lamp: auto light on"),
    (["led", "plug", "off"], "would set plug: status light off"),
    (["auto-off", "plug", "30m"], "would set plug: off 30m after it was turned on"),
    (["power-limit", "plug", "900"], "would set plug: off above 900 W"),
    (["after-power-cut", "plug", "on"], "would set plug: comes back on"),
]


def test_a_dry_run_tells_the_device_nothing_and_is_checked_all_the_same(house: House) -> None:
    for words, said in DRY:
        assert house.says(*words, "--dry-run") == said
    assert house.json("led", "plug", "off", "--dry-run") == {
        "device": "plug",
        "set": {"rule": "never", "night": None},
        "done": False,
    }
    asked = {call.method for device in house.devices.values() for call in device.calls}
    assert "get_preset_rules" in asked
    assert not {method for method in asked if method.startswith(("set_", "edit_"))}
    assert house.fails("fade", "lamp", "--on", "61s", "--dry-run") == (
        3,
        "lamp: fading on over 61 s is out of range: it takes 1 to 60 s",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fade", "lamp", "--on", "5"], "Invalid value for --on: '5' is not a duration such as \"45s\""),
        (["fade", "lamp", "--on", "5 sec"], "Invalid value for --on: '5 sec' is not a duration, did you mean 5s?"),
        (["fade", "lamp", "--on", "0.5s"], "Invalid value for --on: '0.5s' is not a duration, did you mean 1s?"),
        (["fade", "lamp", "--on", "500ms"], "Invalid value for --on: '500ms' is not a duration, did you mean 1s?"),
        (["fade", "lamp", "on", "--off", "5s"], "on and off are for both directions: they go without --on and --off"),
        (["effect", "lamp", "off", "--brightness", "5"], "--brightness goes with the name of an effect, or alone"),
        (["preset", "lamp", "--save"], "which one? Say its number, such as: preset lamp 2 --save"),
        (
            ["preset", "lamp", "1", "--brightness", "5"],
            "a light is given to --save it; to light the lamp, use: tapo-automate set",
        ),
        (["preset", "lamp", "1", "--save", "--hue", "5"], "a colour has both --hue and --saturation"),
        (["preset", "lamp", "1", "--save", "--color-temp", "3000"], "a light that is kept has a --brightness too"),
        (
            ["preset", "lamp", "1", "--save", "--color-temp", "3000", "--hue", "5"],
            "--color-temp makes white, --hue and --saturation make colour: give one or the other",
        ),
        (
            ["led", "plug", "night", "--from", "22:00", "--to", "22:00"],
            "a night from 22:00 to 22:00 has no length: say two times",
        ),
        (["auto-light", "lamp", "--mode", "track"], "--mode goes with on"),
        (["led", "plug", "off", "--from", "22:00", "--to", "23:00"], "--from and --to go with night"),
        (["led", "plug", "night", "--from", "22:00"], "a night has both --from and --to"),
        (
            ["led", "plug", "night", "--from", "24:00", "--to", "06:00"],
            'Invalid value for --from: \'24:00\' is neither a time such as "22:00" nor such as "sunset-30m"',
        ),
        (
            ["led", "plug", "night", "--from", "sunset15m", "--to", "sunrise"],
            'Invalid value for --from: \'sunset15m\' is not such as "sunset" or "sunset-30m"',
        ),
        (
            ["led", "plug", "night", "--from", "sunset", "--to", "06:00"],
            "a night goes from sunset to sunrise, or from one time of the day to another",
        ),
        (["auto-off", "plug", "90s"], "Invalid value for DURATION: 90s is not a whole number of minutes, 1m and up"),
        (["auto-off", "plug", "soon"], "Invalid value for DURATION: 'soon' is not a duration such as \"30m\""),
        (["auto-off", "plug", "30"], "Invalid value for DURATION: '30' is not a duration such as \"30m\""),
        (["power-limit", "plug", "2kW"], "Invalid value for WATTS: '2kW' is not a number of watts such as \"2000\""),
        (
            ["after-power-cut", "lamp", "--last-light", "--brightness", "5"],
            "--last-light goes without a light of its own",
        ),
        (["led", "lights"], "'lights' is a group; name one device"),
        (["led", "plgu"], "unknown device or group 'plgu', did you mean 'plug'?"),
    ],
)
def test_wrong_use_is_said_before_any_device_is_asked(empty: House, words: list[str], said: str) -> None:
    assert empty.fails(*words) == (2, f"{said} (see tapo-automate {words[0]} --help)")


LACKING = [
    (["fade", "plug"], "plug: it has no gradual switching"),
    (["effect", "plug"], "plug: it has no effects"),
    (["preset", "plug"], "plug: it has no presets"),
    (["auto-light", "white", "on"], "white: it has no auto light"),
    (
        ["led", "lamp"],
        "lamp: it has no status light; that of a socket is its strip's: name the strip without the socket",
    ),
    (["auto-off", "lamp", "5m"], "lamp: it has no auto-off"),
    (["power-limit", "lamp"], "lamp: it has no power limit"),
    (
        ["after-power-cut", "strip"],
        "strip: it has no choice for the time after a power cut as a whole; of a power strip name a socket, as in "
        '"strip/1"',
    ),
    (
        ["auto-off", "strip"],
        'strip: it has no auto-off as a whole; of a power strip name a socket, as in "strip/1"',
    ),
]


def test_what_a_device_lacks_is_said_in_words(house: House) -> None:
    for words, said in LACKING:
        assert house.fails(*words) == (3, said)


def test_a_driver_that_knows_no_such_commands_is_named(tmp_path: Path) -> None:
    path = install(tmp_path, "kettle", KETTLE)
    (tmp_path / "rules.toml").write_text(
        '[site]\ntimezone = "Europe/Berlin"\n[devices.pot]\ndriver = "kettle-plug"\nhost = "127.0.0.1:9"\n'
    )
    done = tapo_automate("led", "pot", home=tmp_path, PYTHONPATH=path)
    said = "pot: its driver 'kettle-plug' does not speak the commands of Tapo devices"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"tapo-automate: {said}\n")
