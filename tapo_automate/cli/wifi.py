"""`wifi`: the networks that a device hears, and moving it to another."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.facts import check_consent, check_whole, in_json, show_private_option, yes_i_know_option
from tapo_automate.cli.one_device import dry_run_option, one_device, opened, print_json
from tapo_automate.wire.commands.network import KEY_TYPES, password_fault, ssid_fault

if TYPE_CHECKING:
    from tapo_automate.wire.commands.network import WirelessScan

PASSWORD_VARIABLE = "TAPO_WIFI_PASSWORD"


@click.command()
@one_device
@click.option("--join", metavar="NAME", help="Move the device to this network; needs --yes-i-know.")
@click.option("--encryption", type=click.Choice(KEY_TYPES), help="With --join: its own.  [default: wpa2_psk]")
@show_private_option("the hardware addresses of the networks, which tell where the device is,")
@dry_run_option
@yes_i_know_option
def wifi(
    device: str,
    rules: tuple[str, ...],
    credentials: Path | None,
    as_json: bool,
    join: str | None,
    encryption: str | None,
    show_private: bool,
    dry_run: bool,
    yes_i_know: bool,
) -> None:
    """Show the Wi-Fi networks that a device hears, or move it to one of them.

    The password of the network is taken from the variable TAPO_WIFI_PASSWORD, or asked for.  A device that is told a
    wrong one is not seen again before it is reset by hand.
    """
    check_whole(device, "Wi-Fi")
    if join is not None:
        check_consent("set_wireless_info", yes_i_know or dry_run)
        _join(device, rules, credentials, join, encryption or "wpa2_psk", as_json=as_json, dry_run=dry_run)
        return
    if encryption is not None or dry_run:
        raise click.UsageError("--encryption and --dry-run go with --join")
    from tapo_automate.wire.commands.network import get_wireless_scan_info

    with opened(device, rules, credentials) as asked:
        scan = get_wireless_scan_info(asked)
    if as_json:
        print_json({"device": device, **in_json(scan, () if show_private else ("bssid",))})
    else:
        _print(scan, show_private=show_private)


def wifi_password(encryption: str) -> str:
    """Return the password of a network, "" for one that is open: from the environment, or from the person there.

    Raises click.UsageError where there is neither, and for what can be none.
    """
    if encryption == "none":
        return ""
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not password and sys.stdin.isatty():
        password = click.prompt("Password of the Wi-Fi", hide_input=True, err=True)
    if not password:
        raise click.UsageError(f"no password for the Wi-Fi: set {PASSWORD_VARIABLE}, or type it at a terminal")
    if problem := password_fault(password, encryption):
        raise click.UsageError(problem)
    return password


def check_ssid(ssid: str) -> None:
    """Raise click.UsageError for what no network can be called."""
    if problem := ssid_fault(ssid):
        raise click.UsageError(problem)


def _join(
    device: str,
    rules: tuple[str, ...],
    credentials: Path | None,
    ssid: str,
    encryption: str,
    *,
    as_json: bool,
    dry_run: bool,
) -> None:
    from tapo_automate.wire.commands.network import set_wireless_info

    check_ssid(ssid)
    with opened(device, rules, credentials) as asked:
        if not dry_run:
            set_wireless_info(asked, ssid, wifi_password(encryption), encryption)
    if as_json:
        print_json({"device": device, "join": ssid, "encryption": encryption, "done": not dry_run})
    elif dry_run:
        click.echo(f"would move {device} to the Wi-Fi {ssid!r}, with {encryption}")
    else:
        click.echo(
            f"{device}: has taken the order to join {ssid!r}; whether it got there shows when it answers again, "
            "perhaps at another address"
        )


def _print(scan: WirelessScan, *, show_private: bool) -> None:
    from rich.table import Table

    from tapo_automate.cli.console import print_table

    if not scan.networks:
        click.echo("it hears none", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("NETWORK", "SIGNAL", "ENCRYPTION", "CHANNEL", *(["ADDRESS"] if show_private else [])):
        table.add_column(heading, justify="right" if heading == "CHANNEL" else "left", overflow="fold")
    for each in scan.networks:
        cells = [each.ssid or "(hidden)", f"{each.signal} of 3", each.key_type, str(each.channel or "")]
        table.add_row(*cells, *([each.bssid or ""] if show_private else []))
    print_table(table)
