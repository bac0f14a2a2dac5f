"""`tapo-automate demo`: the real daemon against simulated devices, a day in a minute.

The devices keep their own logs; at the end what was due is compared with what they say they were told.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import stopped_by_signals
from tapo_automate.cli.options import load_book
from tapo_automate.device import Credentials, DeviceSpec
from tapo_automate.errors import ConfigError
from tapo_automate.hooks import hookimpl

if TYPE_CHECKING:
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.simulator import Fleet
    from tapo_automate.simulator.device import Device as Simulated

# What stands in for the devices of the example house; any other device becomes the first kind of its driver.
_EXAMPLE: dict[str, dict[str, Any]] = {
    "washer": {"profile": "P110", "transport": "klap", "trace": "washing-machine"},
    "rail": {"profile": "P100", "transport": "aes"},
    "porch": {"profile": "L530", "transport": "aes"},
    "lounge": {"profile": "L530", "transport": "klap"},
}
_BY_DRIVER: dict[str, dict[str, Any]] = {
    "tapo-plug": {"profile": "P110", "transport": "klap", "trace": "washing-machine"},
    "tapo-bulb": {"profile": "L530", "transport": "klap"},
}
_LEAD_S = 1.5  # real seconds in which devices and daemon come up before the day: something may be due at midnight
_ACCOUNT: dict[str, Any] = {"username": "demo@example.com", "password": "simulated"}


@click.command()
@click.option("-r", "--rules", multiple=True, type=click.Path(), help="Rules to run instead of the example house.")
@click.option(
    "--seconds", type=click.FloatRange(5, 86_400), default=60.0, show_default=True, help="How long the day takes."
)
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-12-24",
    show_default=True,
    help="The day to run through, at the site.",
)
@click.option("--faults", default="", help="Faults of every simulated device, as `simulate --faults` takes them.")
def demo(rules: tuple[str, ...], seconds: float, date: dt.datetime, faults: str) -> None:
    """Run the daemon against simulated devices on loopback, a whole day in a minute.

    Exit code 1 if anything that was due was not done.
    """
    from tapo_automate import wire
    from tapo_automate.cli.demo_day import Day
    from tapo_automate.cli.when import YEARS
    from tapo_automate.daemon import CompressedClock, Daemon
    from tapo_automate.registry import Registry
    from tapo_automate.rules.engine import runnable
    from tapo_automate.rules.support import not_carried_out
    from tapo_automate.simulator import Fleet

    if math.isnan(seconds):
        raise click.BadParameter("nan is not a number of seconds", param_hint="--seconds")
    if date.year not in YEARS:
        raise click.BadParameter(f"the year must be from {YEARS[0]} to {YEARS[-1]}", param_hint="--date")
    book = load_book(rules or (str(_example_rules()),))
    midnight = [_midnight(day, book) for day in (date.date(), date.date() + dt.timedelta(days=1))]
    speed = (midnight[1] - midnight[0]).total_seconds() / seconds
    click.echo(f"{date:%A, %Y-%m-%d} in {seconds:g} seconds: {len(book.devices)} simulated devices, ", nl=False)
    click.echo(f"{len(runnable(book.rules.values()))} of {len(book.rules)} rules are carried out")
    for rule in book.rules.values():
        if reason := not_carried_out(rule) or ("" if rule.enabled else "it is switched off (enabled = false)"):
            click.echo(f"  not {rule.id}: {reason}")
    stop = stopped_by_signals()
    wire.use(wire.Surroundings(spacing_s=0))  # a tenth of a second is two or three minutes of this day
    with Fleet() as fleet:
        clock = CompressedClock(midnight[0] - dt.timedelta(seconds=_LEAD_S * speed), speed)
        book, simulated = _simulated(book, fleet, lambda: clock.now().timestamp(), faults)
        poll_s = max(10.0, speed / 20)
        day = Day(book, simulated, clock, (midnight[0], midnight[1]), poll_s)
        # One real second is half an hour of this day: a stall of the machine is not lateness.
        daemon = Daemon(
            book,
            Registry({"demo": _DemoCredentials()}, installed=True),
            clock=clock,
            poll_s=poll_s,
            grace_s=86_400,
            observe=day.observe,
        )
        daemon.start()
        day.watch(stop)
        daemon.stop()
        if stop.is_set():
            raise click.Abort
        complete = day.summarise()
    raise SystemExit(0 if complete else 1)


class _DemoCredentials:
    """Knows the account that the simulated devices are bound to."""

    @hookimpl
    def find_credentials(self, spec: DeviceSpec) -> Credentials:
        return Credentials(**_ACCOUNT)


def _example_rules() -> Path:
    """Return the example house: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parents[1]
    inside = package / "rules.example.toml"
    return inside if inside.exists() else package.parent / "rules.example.toml"


def _midnight(day: dt.date, book: RuleBook) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), book.site.timezone).astimezone(dt.UTC)


def _simulated(
    book: RuleBook, fleet: Fleet, now: Callable[[], float], faults: str
) -> tuple[RuleBook, dict[str, Simulated]]:
    """Start a device for every device of the book; return the book with their addresses, and them."""
    from tapo_automate.simulator import SimulatorError

    started: dict[str, Simulated] = {}
    for name, spec in book.devices.items():
        kind = _EXAMPLE.get(name) if name in _EXAMPLE else _BY_DRIVER.get(spec.driver)
        if kind is None:
            raise ConfigError(f"device {name!r}: no simulated device for the driver {spec.driver!r}")
        try:
            started[name] = fleet.add(**kind, **_ACCOUNT, nickname=name, now=now, faults=faults, keep_calls=100_000)
        except SimulatorError as problem:
            raise click.UsageError(str(problem)) from None
    specs = {name: replace(spec, host=started[name].address) for name, spec in book.devices.items()}
    return replace(book, devices=specs), started
