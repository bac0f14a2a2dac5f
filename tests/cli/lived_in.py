"""A home with simulated devices, and the command line run in this process, for what one command leaves to the next."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.terminal import PASSWORD, USERNAME
from tapo_automate import wire
from tapo_automate.cli import main
from tapo_automate.simulator import Device, Fleet
from tapo_automate.wire.shared import Leases

ACCOUNT: dict[str, Any] = {"username": USERNAME, "password": PASSWORD}


class Home:
    """A folder with rules.toml, and its state in `state`."""

    def __init__(self, home: Path, fleet: Fleet, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.fleet = fleet
        self.state = home / "state"
        self._capsys = capsys
        self._patch = patch
        self._written = '[site]\ntimezone = "Europe/Berlin"\n'
        self.kept = self.state / "devices"
        patch.chdir(home)
        patch.setenv("TAPO_AUTOMATE_STATE", str(self.state))
        patch.setenv("TAPO_USERNAME", USERNAME)
        patch.setenv("TAPO_PASSWORD", PASSWORD)

    def add(self, name: str, model: str = "P110", transport: str = "klap", **options: Any) -> Device:
        """Add a device to the house and, by its address, to the rules."""
        device = self.fleet.add(model, transport=transport, **({"seed": 1} | ACCOUNT | options))
        self.write(name, model, f'host = "{device.address}"')
        return device

    def write(self, name: str, model: str, *lines: str) -> None:
        """Add a device to the rules."""
        driver = "tapo-bulb" if model.startswith("L") else "tapo-plug"
        self._written += "\n".join([f"[devices.{name}]", f'driver = "{driver}"', *lines, ""])
        (self.home / "rules.toml").write_text(self._written)

    def rules(self, text: str) -> None:
        """Add to the rules."""
        self._written += text
        (self.home / "rules.toml").write_text(self._written)

    def run(self, *words: str, **variables: str) -> SimpleNamespace:
        """Run `tapo-automate` with these words: code, out, err."""
        with self._patch.context() as patch:
            patch.setattr(wire, "_leases", Leases())  # another process would have none
            patch.setattr(sys, "argv", ["tapo-automate", *words])
            for name, value in variables.items():
                patch.setenv(name, value)
            self._capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self._capsys.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, out=out, err=err)

    def does(self, *words: str, **variables: str) -> str:
        """Run a command that goes well, and return what it printed."""
        ran = self.run(*words, **variables)
        assert (ran.code, ran.err) == (0, "")
        return str(ran.out)

    def cost(self, device: Device, *words: str, **variables: str) -> int:
        """Run a command that goes well, and return how many requests it cost the device."""
        before = device.requests
        self.does(*words, **variables)
        return device.requests - before
