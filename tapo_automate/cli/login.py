"""`tapo-automate login`: a person says that devices will take the credentials now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import click

from tapo_automate.cli.home import (
    ask_each,
    chosen_devices,
    credentials_option,
    device_memory,
    open_registry,
    specs_of,
    state_option,
)
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.errors import AuthRefused, DeviceError, TapoAutomateError, Unreachable

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec

PROTOCOLS = {"klap": "KLAP", "aes": "securePassthrough", "tpap": "TPAP"}


@runtime_checkable
class LogsIn(Protocol):
    """A device that can be told to log in although it was refused; see `SmartDevice`."""

    def log_in(self) -> str: ...


@click.command()
@click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
@rules_option
@credentials_option
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def login(
    devices: tuple[str, ...], rules: tuple[str, ...], credentials: Path | None, state: Path | None, as_json: bool
) -> None:
    """Log in to devices or groups once, although they have refused it before.

    A device that refused the credentials is not tried again with the same ones, since devices lock themselves after
    some fifteen failures.  Use this when it will take them now; a daemon with the same state folder then speaks to it
    again as well.  Exit code 3 if one of them does not.
    """
    book = load_book(rules)
    specs = specs_of(book, chosen_devices(book, devices))
    spoken: dict[str, str] = {}
    registry, memory = open_registry(credentials, state=state), device_memory(state)

    def attempt(spec: DeviceSpec, device: Device) -> None:
        spoken[spec.id] = device.log_in() if isinstance(device, LogsIn) else device.describe().transport
        memory.note_login(spec.host or spec.mac)

    errors = ask_each(registry, specs, attempt)
    if as_json:
        rows = [_row(spec, spoken.get(spec.id), error) for spec, error in zip(specs, errors, strict=True)]
        click.echo(json.dumps({"devices": rows}, indent=2, ensure_ascii=False))
    for spec, error in zip(specs, errors, strict=True):
        if error:
            click.echo(f"{spec.id}: {error}", err=True)
        elif not as_json:
            transport = spoken[spec.id]
            click.echo(f"{spec.id}: logged in over {PROTOCOLS.get(transport, transport)}")
    if any(errors):
        raise SystemExit(3)


def _row(spec: DeviceSpec, transport: str | None, error: TapoAutomateError | None) -> dict[str, Any]:
    refused = error if isinstance(error, AuthRefused) else None
    return {
        "device": spec.id,
        "host": spec.host or spec.mac,
        "reachable": error is None or (isinstance(error, DeviceError) and not isinstance(error, Unreachable)),
        "transport": transport,
        "remaining": refused.remaining if refused else None,
        "locked_min": refused.locked_min if refused else None,
        "error": str(error) if error else None,
    }
