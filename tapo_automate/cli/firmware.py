"""`firmware`: what a device runs, whether there is newer, and whether it renews itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.facts import check_consent, check_whole, in_json, print_facts, yes_i_know_option
from tapo_automate.cli.info import if_it_can
from tapo_automate.cli.one_device import dry_run_option, one_device, opened, print_json

if TYPE_CHECKING:
    from tapo_automate.wire.commands.firmware import AutoUpdate, LatestFirmware


@click.command()
@one_device
@click.option("--check", is_flag=True, help="Have the device ask its vendor's cloud for a newer one.")
@click.option("--auto-update", type=click.Choice(["on", "off"]), help="Have it renew itself, or no longer.")
@click.option("--install", is_flag=True, help="Have it load and write the newest; needs --yes-i-know.")
@dry_run_option
@yes_i_know_option
def firmware(
    device: str,
    rules: tuple[str, ...],
    credentials: Path | None,
    as_json: bool,
    check: bool,
    auto_update: str | None,
    install: bool,
    dry_run: bool,
    yes_i_know: bool,
) -> None:
    """Show what firmware a device runs, and whether it renews itself.

    A device that renews itself may speak another protocol in the morning.
    """
    check_whole(device, "firmware")
    if sum((check, install, auto_update is not None)) > 1:
        raise click.UsageError("--check, --auto-update and --install go one at a time")
    if dry_run and not install and auto_update is None:
        raise click.UsageError("--dry-run goes with --auto-update and --install: nothing else changes anything")
    if install:
        check_consent("fw_download", yes_i_know or dry_run)
        _install(device, rules, credentials, as_json=as_json, dry_run=dry_run)
    elif auto_update is not None:
        enabled = auto_update == "on"
        _set_auto_update(device, rules, credentials, enabled=enabled, as_json=as_json, dry_run=dry_run)
    else:
        _show(device, rules, credentials, as_json=as_json, check=check)


def _show(device: str, rules: tuple[str, ...], credentials: Path | None, *, as_json: bool, check: bool) -> None:
    from tapo_automate.wire.commands.firmware import get_auto_update_info, get_fw_download_state, get_latest_fw
    from tapo_automate.wire.commands.info import get_device_info

    with opened(device, rules, credentials) as asked:
        runs = get_device_info(asked).firmware
        update = get_fw_download_state(asked)
        renews = if_it_can(get_auto_update_info, asked)
        latest = get_latest_fw(asked) if check else None
    if as_json:
        row = {"device": device, "firmware": runs, "update": in_json(update)}
        print_json(row | {"auto_update": _row(renews), "latest": in_json(latest)})
        return
    progress = f", {update.progress_pct} %" if update.at_work else ""
    print_facts(
        [
            ("firmware", runs),
            ("newest", _newest(latest) if latest else None),
            ("update", f"{update.state}{progress}"),
            ("renews itself", _in_words(renews) if renews else "it does not say"),
        ]
    )
    if latest and latest.is_newer and latest.notes:
        click.echo(f"\n{latest.notes}")
    if renews and renews.enabled:
        hint = f"`firmware {device} --auto-update off` has it wait until you say so"
        click.echo(f"new firmware may speak a protocol that is not spoken here: {hint}", err=True)


def _set_auto_update(
    device: str, rules: tuple[str, ...], credentials: Path | None, *, enabled: bool, as_json: bool, dry_run: bool
) -> None:
    from tapo_automate.wire.commands.firmware import get_auto_update_info, set_auto_update_info

    with opened(device, rules, credentials) as asked:
        before = get_auto_update_info(asked)
        wanted = replace(before, enabled=enabled)
        if not dry_run and wanted != before:
            set_auto_update_info(asked, wanted)
    if as_json:
        print_json({"device": device, "auto_update": _row(wanted), "before": _row(before), "done": not dry_run})
        return
    would = "would set " if dry_run and wanted != before else ""
    click.echo(f"{would}{device}: renews itself: {_in_words(wanted)}{', as before' if wanted == before else ''}")


def _install(device: str, rules: tuple[str, ...], credentials: Path | None, *, as_json: bool, dry_run: bool) -> None:
    from tapo_automate.wire.commands.firmware import fw_download, get_latest_fw

    with opened(device, rules, credentials) as asked:
        latest = get_latest_fw(asked)
        begins = latest.is_newer and not dry_run
        if begins:
            fw_download(asked)
    if as_json:
        print_json({"device": device, "latest": in_json(latest), "done": begins})
    elif not latest.is_newer:
        click.echo(f"{device}: runs the newest already: {latest.version}")
    elif dry_run:
        click.echo(f"would have {device} load and write {latest.version}")
    else:
        click.echo(f"{device}: loads and writes {latest.version}; `firmware {device}` shows how it goes on")


def _row(told: AutoUpdate | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {"enabled": told.enabled, "at": _time(told.at_min), "within_min": told.within_min}


def _in_words(told: AutoUpdate) -> str:
    if not told.enabled:
        return "no"
    return f"yes, at a moment within {told.within_min} min from {_time(told.at_min)} on"


def _newest(told: LatestFirmware) -> str:
    released = f", of {told.released}" if told.released else ""
    return f"{told.version}{released}" if told.is_newer else "what it runs"


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
