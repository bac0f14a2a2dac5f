"""Options and steps that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tapo_automate.rules.model import RuleBook

Command = TypeVar("Command", bound=Callable[..., Any])


def rules_option(command: Command) -> Command:
    """Give a command `-r/--rules`: it is called with rules: tuple[str, ...], the paths as the user wrote them."""
    return click.option(
        "-r",
        "--rules",
        "rules",
        multiple=True,
        type=click.Path(),  # existence is the loader's to judge, so that there is one wording for it
        default=("rules.toml",),
        envvar="TAPO_AUTOMATE_RULES",
        show_envvar=True,
        metavar="PATH",
        help="A rule file, or a folder with rule files; may be given several times.  [default: rules.toml]",
    )(command)


def load_book(paths: Sequence[str]) -> RuleBook:
    """Return the book that the files make, drivers checked.

    If they have errors, prints the report to stderr and exits with 2.  Raises ConfigError for what cannot be read.
    """
    from tapo_automate.errors import RulesInvalid
    from tapo_automate.rules.load import load_or_raise

    try:
        return load_or_raise(paths, drivers=installed_drivers())
    except RulesInvalid as invalid:
        click.echo(f"tapo-automate: {invalid}", err=True)
        sys.exit(2)


def installed_drivers() -> list[str]:
    """Return the names that a rule file may write in `driver = …`."""
    from tapo_automate.registry import Registry

    return Registry(installed=True).driver_names
