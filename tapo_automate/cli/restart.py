"""`reboot` and `reset`: a device starts anew, with all that it knows or with nothing."""

from __future__ import annotations

from pathlib import Path

import click

from tapo_automate.cli.facts import check_consent, check_whole, yes_i_know_option
from tapo_automate.cli.one_device import dry_run_option, one_device, opened, print_json


@click.command()
@one_device
@click.option(
    "--delay",
    "delay_s",
    type=click.IntRange(1, 3600),
    default=1,
    metavar="SECONDS",
    help="How long it waits before it does.  [default: 1]",
)
@dry_run_option
def reboot(
    device: str, rules: tuple[str, ...], credentials: Path | None, as_json: bool, delay_s: int, dry_run: bool
) -> None:
    """Restart a device.  A countdown in it is lost; what it switches, and its other tables, stay."""
    from tapo_automate.wire.commands.system import device_reboot

    check_whole(device, "restarting")
    with opened(device, rules, credentials) as asked:
        if not dry_run:
            device_reboot(asked, delay_s)
    if as_json:
        print_json({"device": device, "delay_s": delay_s, "done": not dry_run})
    else:
        click.echo(f"would restart {device} after {delay_s} s" if dry_run else f"{device}: restarts after {delay_s} s")


@click.command()
@one_device
@dry_run_option
@yes_i_know_option
def reset(
    device: str, rules: tuple[str, ...], credentials: Path | None, as_json: bool, dry_run: bool, yes_i_know: bool
) -> None:
    """Reset a device to factory settings: its account, its rules and its Wi-Fi are gone for good.

    It has to be set up in the phone app then, as one out of its box.  `sync backup` keeps its tables before that.
    """
    from tapo_automate.wire.commands.system import device_reset

    check_whole(device, "resetting")
    check_consent("device_reset", yes_i_know or dry_run)
    with opened(device, rules, credentials) as asked:
        if not dry_run:
            device_reset(asked)
    if as_json:
        print_json({"device": device, "done": not dry_run})
    else:
        click.echo(f"would reset {device} to factory settings" if dry_run else f"{device}: reset to factory settings")
