"""`tapo-automate status`: ask devices what they are and what they are doing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import ask_each, chosen_devices, credentials_option, open_registry, specs_of
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.errors import DeviceError, TapoAutomateError, Unreachable, Unsupported

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec, State
    from tapo_automate.registry import Registry
    from tapo_automate.wire.parts import Part


@click.command()
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@rules_option
@credentials_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(devices: tuple[str, ...], rules: tuple[str, ...], credentials: Path | None, as_json: bool) -> None:
    """Ask devices (all, or those named) what they are and what they are doing.

    A power strip is shown with each of its sockets.  Exit code 3 if one of them could not answer; the others are shown
    all the same.
    """
    from tapo_automate.wire.parts import matching

    book = load_book(rules)
    registry = open_registry(credentials)
    specs = specs_of(book, chosen_devices(book, devices))
    rows = {spec.id: _unknown(spec) for spec in specs}
    sockets: dict[str, list[dict[str, Any]]] = {}

    def question(spec: DeviceSpec, device: Device) -> None:
        try:
            _ask(device, rows[spec.id])
        except Unsupported:
            parts = _parts(spec, device)
            if not parts:
                raise
            rows[spec.id]["sockets"] = len(parts)
            named = [each.socket for each in specs if each.id.startswith(f"{spec.id}/")]
            shown = {part.number for name in named for part in matching(parts, name)}
            sockets[spec.id] = [_ask_part(registry, spec, part) for part in parts if part.number not in shown]

    for spec, error in zip(specs, ask_each(registry, specs, question), strict=True):
        _note(rows[spec.id], error)
    shown = [row for spec in specs for row in (rows[spec.id], *sockets.get(spec.id, ()))]
    if as_json:
        click.echo(json.dumps({"devices": shown}, indent=2, ensure_ascii=False))
    else:
        _print_table(shown)
    if any(row["error"] for row in shown):
        raise SystemExit(3)


def _parts(spec: DeviceSpec, device: Device) -> list[Part]:
    """Return what a strip is made of; nothing for what is none, or is a socket of one."""
    from tapo_automate.wire.commands.asking import Asked
    from tapo_automate.wire.parts import read_parts

    return read_parts(device) if isinstance(device, Asked) and not spec.socket else []


def _ask_part(registry: Registry, strip: DeviceSpec, part: Part) -> dict[str, Any]:
    """Return the row of a socket of a strip that is open."""
    spec = replace(strip, id=f"{strip.id}/{part.number}", socket=str(part.number))
    row = _unknown(spec) | {"name": part.name}
    _note(row, _asked(registry, spec, row))
    return row


def _asked(registry: Registry, spec: DeviceSpec, row: dict[str, Any]) -> TapoAutomateError | None:
    socket = registry.open(spec)
    try:
        _ask(socket, row)
    except TapoAutomateError as error:
        return error
    finally:
        socket.close()
    return None


def _note(row: dict[str, Any], error: TapoAutomateError | None) -> None:
    row["error"] = str(error) if error else None
    row["reachable"] |= isinstance(error, DeviceError) and not isinstance(error, Unreachable)


def _unknown(spec: DeviceSpec) -> dict[str, Any]:
    row: dict[str, Any] = {"device": spec.id, "driver": spec.driver, "host": spec.host or spec.mac, "reachable": False}
    row |= dict.fromkeys(("model", "firmware", "transport", "on", "brightness", "color_temp", "hue", "saturation"))
    return row | {"power_w": None, "error": None}


def _ask(device: Device, row: dict[str, Any]) -> None:
    """Fill the row in as far as the device answers."""
    unswitchable: Unsupported | None = None
    state: State | None = None
    try:
        state = device.state()  # before its description, for which a Tapo device need not be asked then
    except Unsupported as problem:
        unswitchable = problem
    description = device.describe()
    row |= {
        "reachable": True,
        "model": description.model,
        "firmware": description.firmware,
        "transport": description.transport,
    }
    if state is None:
        assert unswitchable is not None
        raise unswitchable
    row |= {
        "on": state.on,
        "brightness": state.brightness_pct,
        "color_temp": state.color_temp_k,
        "hue": state.hue_deg,
        "saturation": state.saturation_pct,
    }
    if description.has_power_meter:
        row["power_w"] = device.power_w()


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from tapo_automate.cli.console import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("DEVICE", "STATE", "POWER", "MODEL", "FIRMWARE", "TRANSPORT", "HOST"):
        table.add_column(heading, justify="right" if heading == "POWER" else "left", overflow="fold")
    for row in rows:
        watts = "" if row["power_w"] is None else f"{row['power_w']:.1f} W"
        called = f"{row['device']} ({row['name']})" if row.get("name") else row["device"]
        cells = [called, _doing(row), watts, row["model"], row["firmware"], row["transport"], row["host"]]
        table.add_row(*(str(cell or "") for cell in cells))
    print_table(table)
    for row in rows:
        if row["error"]:
            click.echo(f"{row['device']}: {row['error']}", err=True)


def _doing(row: dict[str, Any]) -> str:
    if row.get("sockets"):
        return "1 socket" if row["sockets"] == 1 else f"{row['sockets']} sockets"
    if row["on"] is None:
        return "refused" if row["reachable"] else "no answer"
    words = ["on" if row["on"] else "off"]
    if row["on"] and row["brightness"] is not None:
        words.append(f"{row['brightness']} %")
    if row["on"] and row["color_temp"] is not None:
        words.append(f"{row['color_temp']} K")
    if row["on"] and row["hue"] is not None:
        words.append(f"hue {row['hue']}° saturation {row['saturation']} %")
    return " ".join(words)
