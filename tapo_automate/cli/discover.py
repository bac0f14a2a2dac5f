"""`tapo-automate discover`: who is in the network, as a table, as JSON, or as tables for a rule file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.options import rules_option

if TYPE_CHECKING:
    from tapo_automate.cli.discover_write import Growing
    from tapo_automate.sync.devices_file import NewDevice
    from tapo_automate.wire.discovery import Found, Other
    from tapo_automate.wire.udp import Target

_PROBE_EVERY_S = 2  # of a search that was given more time than usual
_MOST_OTHERS = 64  # named of what is passed over
_NOBODY = """\
no plug, bulb or switch answered.  What to look for:
  - devices are heard in their own network only: is this computer in the same WLAN or VLAN?  Guest networks and
    "client isolation" keep devices apart.  A container needs the network of its host.
  - a firewall must let UDP to ports 20002 and 20004 out, and the answers back in
  - one device whose address you know may answer when it is asked alone: --target 192.168.1.31
  - hubs, cameras and vacuum cleaners are passed over, Kasa's older devices without a word"""


@click.command()
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="ADDRESS[:PORT]",
    help="Ask here instead of in every network of this computer; may be given several times.",
)
@click.option(
    "--interface",
    "interfaces",
    multiple=True,
    metavar="NAME|ADDRESS",
    help="Ask in the network of this interface only; may be given several times.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for answers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--toml", "as_toml", is_flag=True, help="Print [devices.NAME] tables for a rule file.")
@click.option(
    "--write",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add the devices that the rules do not have to this rule file, or begin it.",
)
@click.option("--timezone", metavar="ZONE", help="The house's time zone, for --write to begin a rule book with.")
@click.option("--dry-run", is_flag=True, help="With --write: print what would be written, and write nothing.")
@rules_option
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="TAPO_CREDENTIALS",
    show_envvar=True,
    help="File with the username, to tell devices of other accounts.  No device is logged in to.",
)
@click.pass_context
def discover(
    context: click.Context,
    targets: tuple[str, ...],
    interfaces: tuple[str, ...],
    timeout_s: float,
    as_json: bool,
    as_toml: bool,
    write: Path | None,
    timezone: str | None,
    dry_run: bool,
    rules: tuple[str, ...],
    credentials: Path | None,
) -> None:
    """Find plugs, bulbs and switches in the network.

    No device is logged in to.  With --write, --rules names the book that FILE belongs to, if it is not FILE alone.
    Exit code 0 whether devices answer or not, 3 if nobody could be asked.
    """
    if as_json + as_toml + (write is not None) > 1:
        raise click.UsageError("--json, --toml and --write exclude each other")
    if write is None and (dry_run or timezone):
        raise click.UsageError(f"{'--dry-run' if dry_run else '--timezone'} is for --write")
    rules_named = context.get_parameter_source("rules") is click.core.ParameterSource.COMMANDLINE
    if write is None and rules_named:
        raise click.UsageError("--rules is for --write")
    growing = _growing(write, rules, timezone, rules_named) if write else None
    accounts = _Accounts(credentials)
    found = _search(_places(targets, interfaces), timeout_s)
    owned = [(each, accounts.own(each)) for each in found]
    if as_json:
        click.echo(json.dumps({"devices": [_row(*each) for each in owned]}, indent=2, ensure_ascii=False))
    elif growing is not None:
        growing.add(_usable(owned), dry_run=dry_run)
    elif as_toml:
        _print_tables(_usable(owned))
    elif owned:
        _print_table(owned)
        _warn_of_accounts([each for each, own in owned if own is False])


def _growing(write: Path, rules: Sequence[str], timezone: str | None, rules_named: bool) -> Growing:
    from tapo_automate.cli.discover_write import Growing

    return Growing(write, rules, timezone, rules_named=rules_named)


class _Accounts:
    """Whose devices are ours: asked without a word to the devices."""

    def __init__(self, credentials: Path | None) -> None:
        """Raises ConfigError for credentials that cannot be read, before anybody is waited for."""
        from tapo_automate.cli.home import open_registry
        from tapo_automate.device import DeviceSpec

        self._registry = open_registry(credentials)
        self._registry.credentials(DeviceSpec("", "tapo-plug", ""))

    def own(self, found: Found) -> bool | None:
        """Whether a device is bound to the account that it would be logged in to with; None where nobody can tell."""
        from tapo_automate.device import DeviceSpec

        known = self._registry.credentials(DeviceSpec("", _driver(found), found.host, found.mac))
        return found.owner_matches(known.username) if known else None


def _places(targets: Sequence[str], interfaces: Sequence[str]) -> list[Target]:
    from tapo_automate.wire.udp import house_targets, parse_target

    places = [parse_target(text) for text in targets]
    if interfaces or not targets:
        places += house_targets(interfaces)
    return places


def _search(places: Sequence[Target], timeout_s: float) -> list[Found]:
    from tapo_automate.cli.sync_text import count, names
    from tapo_automate.wire.udp import PROBES
    from tapo_automate.wire.udp import discover as ask

    if not places:
        click.echo("tapo-automate: this computer is in no network that could be asked; see --target", err=True)
        raise SystemExit(3)
    told: list[Target] = []
    others: dict[Other, None] = {}  # in the order in which they answer

    def trouble(target: Target, why: str) -> None:
        told.append(target)
        click.echo(f"{target} cannot be asked: {why}", err=True)

    click.echo(f"asking {names([str(place) for place in places])} for up to {timeout_s:g} s", err=True)
    found = ask(
        places,
        timeout_s=timeout_s,
        probes=max(PROBES, int(timeout_s / _PROBE_EVERY_S)),
        trouble=trouble,
        passed=lambda other: others.update({other: None} if len(others) < _MOST_OTHERS else {}),
    )
    if set(told) == set(places) and not found:
        raise SystemExit(3)
    for other in sorted(others, key=lambda each: (each.address, each.model)):
        click.echo(f"{other.address} is passed over: {other.model}, {other.kind}, which rules cannot switch", err=True)
    click.echo(count(len(found), "device") if found else _NOBODY, err=True)
    return found


def _driver(found: Found) -> str:
    from tapo_automate.wire.discovery import BULB_TYPES

    return "tapo-bulb" if found.device_type in BULB_TYPES else "tapo-plug"


def _row(found: Found, own: bool | None) -> dict[str, Any]:
    return {
        "mac": found.mac,
        "host": found.address,
        "port": found.port,
        "model": found.model,
        "device_type": found.device_type,
        "transport": found.transport or None,
        "owner_matches": own,
        "factory_default": found.factory_default,
        "firmware": found.firmware,
    }


def _usable(owned: Sequence[tuple[Found, bool | None]]) -> list[NewDevice]:
    """Return what rules could be written for, and say what else there is."""
    from tapo_automate.sync.devices_file import NewDevice

    bare = [each for each, _ in owned if each.factory_default]
    for each in bare:
        click.echo(f"left out: {_short(each)} is not set up yet; do that in the Tapo app", err=True)
    foreign = [each for each, own in owned if own is False and each not in bare]
    for each in foreign:
        click.echo(f"left out: {_short(each)} belongs to another account", err=True)
    _warn_of_accounts(foreign)
    ours = [each for each, _ in owned if each not in bare and each not in foreign]
    return [NewDevice(each.model, _driver(each), _written(each), each.mac) for each in ours]


def _written(found: Found) -> str:
    """Return the host for a rule file; an address that holds on one interface of this computer alone is none."""
    return "" if "%" in found.address else found.host


def _short(found: Found) -> str:
    return f"{found.model} {found.mac} at {found.host}"


def _print_tables(devices: Sequence[NewDevice]) -> None:
    from tapo_automate.sync.devices_file import named, tables

    if devices:
        click.echo(tables(named(devices, ())), nl=False)


def _warn_of_accounts(foreign: Sequence[Found]) -> None:
    if foreign:
        click.echo(
            "an account is known by its e-mail, in which case counts: spell it as the Tapo app shows it",
            err=True,
        )


def _print_table(owned: Sequence[tuple[Found, bool | None]]) -> None:
    from rich.table import Table

    from tapo_automate.cli.console import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("MODEL", "MAC", "HOST", "TRANSPORT", "OWNER", "STATE"):
        table.add_column(heading, overflow="fold")
    owners = {True: "this account", False: "another account", None: ""}
    for found, own in owned:
        state = "not set up" if found.factory_default else ""
        table.add_row(found.model, found.mac, found.host, found.transport or "unknown", owners[own], state)
    print_table(table)
