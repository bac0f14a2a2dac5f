"""A home whose devices hold tables: the command line run in this process, the devices over real HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.terminal import PASSWORD, USERNAME
from tapo_automate.cli import main
from tapo_automate.simulator import Device, Fleet

SITE = '[site]\ntimezone = "Europe/Berlin"\nlatitude = 52.52\nlongitude = 13.405\n'
ACCOUNT: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}

OFF = """
[rules.porch-off]
devices = ["porch"]
when.time = { at = 23:30:00 }
set = { on = false }
"""
DUSK = """
[rules.porch-at-dusk]
devices = ["porch"]
when.sunset = { offset = "-15m", days = ["mon", "tue", "wed", "thu", "fri"] }
set = { on = true, brightness = 40 }
"""
RAIL = """
[rules.rail-off]
devices = ["rail"]
when.time = { at = 22:00:00 }
set = { on = false }
"""


class House:
    """A folder with rules.toml, a lamp "porch" and a plug "rail"; further devices by `more`."""

    def __init__(self, home: Path, fleet: Fleet, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.fleet = fleet
        self._capsys = capsys
        self._patch = patch
        self._devices = ""
        self.porch = self.more("porch", "L530", "tapo-bulb")
        self.rail = self.more("rail", "P110", "tapo-plug")
        self.ledger = home / "rules.ledger.toml"

    def more(self, name: str, model: str, driver: str, **options: Any) -> Device:
        """Add a device to the house and to the rules that are written from now on."""
        device = self.fleet.add(model, **({"transport": "klap"} | ACCOUNT | options))
        self.known(name, device.address, driver)
        return device

    def known(self, name: str, host: str, driver: str = "tapo-plug") -> None:
        """Let the rules that are written from now on have a device."""
        self._devices += f'[devices.{name}]\ndriver = "{driver}"\nhost = "{host}"\n'

    def rules(self, *rules: str) -> None:
        """Write rules.toml anew."""
        (self.home / "rules.toml").write_text(SITE + self._devices + "".join(rules))

    def run(self, *words: str, **variables: str) -> SimpleNamespace:
        """Run `tapo-automate` with these words: code, out, err."""
        with self._patch.context() as patch:
            patch.setattr(sys, "argv", ["tapo-automate", *words])
            for name, value in variables.items():
                patch.setenv(name, value)
            self._capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self._capsys.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, out=out, err=err)

    def sync(self, *words: str, **variables: str) -> SimpleNamespace:
        """Run `tapo-automate sync` with these words."""
        return self.run("sync", *words, **variables)

    def changes(self, *words: str) -> list[tuple[str, str, str]]:
        """Return the changes of `sync plan --json` as (device, action, text), foreign rows left out."""
        found = json.loads(self.sync("plan", "--json", *words).out)
        return [
            (device["device"], change["action"], change["text"])
            for device in found["devices"]
            for change in device["changes"]
            if change["action"] != "foreign"
        ]


@contextmanager
def house_in(home: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Iterator[House]:
    """Give a house in a folder, with the environment of a fresh user."""
    patch.chdir(home)
    for name in ("TAPO_AUTOMATE_LEDGER", "TAPO_AUTOMATE_RULES", "TAPO_AUTOMATE_STATE", "TAPO_CREDENTIALS"):
        patch.delenv(name, raising=False)
    patch.setenv("TAPO_USERNAME", USERNAME)
    patch.setenv("TAPO_PASSWORD", PASSWORD)
    patch.setenv("XDG_STATE_HOME", str(home / "state"))
    patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    with Fleet() as fleet:
        yield House(home, fleet, capsys, patch)


def schedule(minute: int, *, on: bool = False, week_day: int = 127) -> dict[str, Any]:
    """Return a schedule row as the phone app writes it.  week_day: bit 0 is Sunday."""
    return {"s_type": "normal", "s_min": minute, "week_day": week_day, "desired_states": {"on": on}}
