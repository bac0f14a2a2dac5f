"""`setup`: what the phone app does with a device out of its box, without the phone app."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from tapo_automate.cli.clock import check_zone
from tapo_automate.cli.facts import check_consent, check_whole, yes_i_know_option
from tapo_automate.cli.home import chosen_devices, open_registry, specs_of
from tapo_automate.cli.one_device import dry_run_option, one_device, opened, print_json
from tapo_automate.cli.options import load_book
from tapo_automate.cli.wifi import check_ssid, wifi_password
from tapo_automate.wire.commands.network import KEY_TYPES


@click.command()
@one_device
@click.option("--wifi", "ssid", required=True, metavar="NAME", help="The network that it is to join.")
@click.option("--encryption", type=click.Choice(KEY_TYPES), default="wpa2_psk", help="Its own.  [default: wpa2_psk]")
@click.option("--market", metavar="EU|US|…", help="Where it was sold.  [default: as it says]")
@click.option("--zone", metavar="NAME", help="Its time zone, such as Europe/Berlin.  [default: the site's]")
@dry_run_option
@yes_i_know_option
def setup(
    device: str,
    rules: tuple[str, ...],
    credentials: Path | None,
    as_json: bool,
    ssid: str,
    encryption: str,
    market: str | None,
    zone: str | None,
    dry_run: bool,
    yes_i_know: bool,
) -> None:
    """Give a device an account, a Wi-Fi, a clock and a market, as the phone app does when it sets one up.

    The account is the one that the credentials name for this device.  The password of the network is taken from the
    variable TAPO_WIFI_PASSWORD, or asked for.  With a mistake in it the device is not seen again before it is reset by
    hand.
    """
    from tapo_automate.wire.commands.info import get_device_info
    from tapo_automate.wire.commands.setup import set_qs_info

    check_whole(device, "setting up")
    check_consent("set_qs_info", yes_i_know or dry_run)
    check_ssid(ssid)
    book = load_book(rules)
    name = zone or book.site.timezone.key
    check_zone(name)
    with opened(device, rules, credentials) as asked:
        (spec,) = specs_of(book, chosen_devices(book, [device]))
        account = open_registry(credentials).credentials(spec)
        if account is None:
            raise click.UsageError(f"{device}: there is no account to give it: set TAPO_USERNAME and TAPO_PASSWORD")
        if not dry_run:
            password = wifi_password(encryption)
            specs = market or get_device_info(asked).specs or ""
            now = dt.datetime.now(dt.UTC)
            set_qs_info(asked, account, ssid, password, encryption, now=now, zone=name, specs=specs)
    if as_json:
        row = {"device": device, "wifi": ssid, "encryption": encryption, "zone": name}
        print_json(row | {"market": market, "done": not dry_run})
    elif dry_run:
        click.echo(f"would set {device} up for the Wi-Fi {ssid!r}, with {encryption}, in {name}")
    else:
        click.echo(
            f"{device}: has taken its set-up; whether it joined {ssid!r} shows when it answers again, "
            "at another address"
        )
