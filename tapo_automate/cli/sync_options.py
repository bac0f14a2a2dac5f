"""Options that the sync commands share, and where they keep what they keep."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapo_automate.cli.home import credentials_option
from tapo_automate.cli.options import installed_drivers, rules_option
from tapo_automate.errors import ConfigError

if TYPE_CHECKING:
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.sync.backup import Backups

Command = TypeVar("Command", bound=Callable[..., Any])

_STOPS = {
    "--allow-mass-delete": "Let more than 30 % of our rows be deleted.",
    "--allow-emptying": "Let a table that has rows be left empty.",
}


def ledger_option(command: Command) -> Command:
    """Add `--ledger FILE` (parameter `ledger: Path | None`, for `ledger_path`)."""
    return click.option(
        "--ledger",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="TAPO_AUTOMATE_LEDGER",
        show_envvar=True,
        help="File that says which rows of devices are ours.  Default: beside the rules, as rules.ledger.toml.",
    )(command)


def ledger_path(chosen: Path | None, rules: Sequence[str]) -> Path:
    """Return where the ledger is: the chosen file, else the one beside the rules.

    Says so where that is not there yet and another one is: whoever names the rules in two ways has two ledgers.
    """
    from tapo_automate.sync.ledger import default_ledger

    path = chosen or default_ledger(rules)
    others = [] if chosen or path.exists() else sorted(path.parent.glob("*.ledger.toml"))
    if others:
        text = f"warning: there is no {path} yet, but {', '.join(map(str, others))}: if it is of these rules, add "
        click.echo(f"{text}--ledger {others[0]}", err=True)
    return path


def device_option(command: Command) -> Command:
    """Add `--device NAME` (parameter `only: tuple[str, ...]`, for `home.chosen_devices`)."""
    return click.option(
        "--device", "only", multiple=True, metavar="NAME", help="Only this device or group; may be given several times."
    )(command)


def at_home(command: Command) -> Command:
    """Add what every sync command has: `--rules`, `--ledger`, `--credentials`, `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        credentials_option,
        ledger_option,
        rules_option,
    ):
        command = option(command)
    return command


def writing(command: Command) -> Command:
    """Add what every sync command has that writes: `--dry-run`, `--yes`."""
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask first."),
        click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing."),
    ):
        command = option(command)
    return command


def planning(command: Command) -> Command:
    """Add what bears on how a plan is made: `--fix-clock`, `--rearm`."""
    for option in (
        click.option("--rearm", is_flag=True, help='Start countdowns with from = "apply" once more.'),
        click.option("--fix-clock", is_flag=True, help="Set clocks and zones that are wrong."),
    ):
        command = option(command)
    return command


def allowing(command: Command) -> Command:
    """Add the flags that let an unsafe plan pass (parameters of `allowed`)."""
    for flag, text in _STOPS.items():
        command = click.option(flag, is_flag=True, help=text)(command)
    return command


def allowed(given: Mapping[str, bool]) -> frozenset[str]:
    """Return the flags that were given, as `plan.stops` has them.  given: parameter of a flag -> whether it was."""
    return frozenset(flag for flag in _STOPS if given[flag.removeprefix("--").replace("-", "_")])


def backups_in(state: Path) -> Backups:
    """Return the backups in a state folder."""
    from tapo_automate.sync.backup import Backups

    return Backups(state / "backups")


def load_rules(paths: Sequence[str]) -> RuleBook:
    """Return the book that the files make, drivers checked.  Raises RulesInvalid, ConfigError as the loader does."""
    from tapo_automate.rules.load import load_or_raise

    return load_or_raise(paths, drivers=installed_drivers())


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person, unless `yes`; return where the answer is yes.

    Raises ConfigError where nobody is there to ask, and where the answer is no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            "nothing was changed: there is no terminal to ask at; add --yes to go on without being asked, or --dry-run "
            "to look"
        )
    if not click.confirm(question, err=True):
        raise ConfigError("nothing was changed")
