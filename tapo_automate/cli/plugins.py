"""`tapo-automate plugins`: what is installed, and what of it cannot be used."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from tapo_automate.cli.home import open_registry


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(as_json: bool) -> None:
    """List drivers and plugins with their versions, the broken ones with the reason."""
    registry = open_registry()
    infos = registry.plugins
    if as_json:
        brought = [
            {"driver": name, "plugin": info.name, "distribution": info.distribution, "version": info.version}
            for info in infos
            for name in info.drivers
        ]
        listed = {
            "drivers": sorted(brought, key=lambda row: row["driver"]),
            "plugins": [asdict(info) for info in infos],
        }
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return

    from rich.table import Table

    from tapo_automate.cli.console import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("PLUGIN", "PACKAGE", "VERSION", "DRIVERS", "PROBLEM"):
        table.add_column(heading, overflow="fold")
    for info in infos:
        package = info.distribution or "(built in)"
        table.add_row(info.name, package, info.version, ", ".join(info.drivers) or "-", info.problem)
    print_table(table)
