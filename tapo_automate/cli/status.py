"""`tapo-automate status`: ask devices what they are and what they are doing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import ask_each, chosen_devices, credentials_option, open_registry, specs_of
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.errors import DeviceError, Unreachable

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec


@click.command()
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@rules_option
@credentials_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(devices: tuple[str, ...], rules: tuple[str, ...], credentials: Path | None, as_json: bool) -> None:
    """Ask devices (all, or those named) what they are and what they are doing.

    Exit code 3 if one of them could not answer; the others are shown all the same.
    """
    book = load_book(rules)
    registry = open_registry(credentials)
    specs = specs_of(book, chosen_devices(book, devices))
    rows = {spec.id: _unknown(spec) for spec in specs}
    errors = ask_each(registry, specs, lambda spec, device: _ask(device, rows[spec.id]))
    for row, error in zip(rows.values(), errors, strict=True):
        row["error"] = str(error) if error else None
        row["reachable"] |= isinstance(error, DeviceError) and not isinstance(error, Unreachable)
    if as_json:
        click.echo(json.dumps({"devices": list(rows.values())}, indent=2, ensure_ascii=False))
    else:
        _print_table(list(rows.values()))
    if any(errors):
        raise SystemExit(3)


def _unknown(spec: DeviceSpec) -> dict[str, Any]:
    row: dict[str, Any] = {"device": spec.id, "driver": spec.driver, "host": spec.host or spec.mac, "reachable": False}
    row |= dict.fromkeys(("model", "firmware", "transport", "on", "brightness", "color_temp", "hue", "saturation"))
    return row | {"power_w": None, "error": None}


def _ask(device: Device, row: dict[str, Any]) -> None:
    """Fill the row in as far as the device answers."""
    description = device.describe()
    row |= {
        "reachable": True,
        "model": description.model,
        "firmware": description.firmware,
        "transport": description.transport,
    }
    state = device.state()
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
        cells = [row["device"], _doing(row), watts, row["model"], row["firmware"], row["transport"], row["host"]]
        table.add_row(*(str(cell or "") for cell in cells))
    print_table(table)
    for row in rows:
        if row["error"]:
            click.echo(f"{row['device']}: {row['error']}", err=True)


def _doing(row: dict[str, Any]) -> str:
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
