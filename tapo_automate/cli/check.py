"""`check`: everything that is wrong in the rule files, each with its place."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.options import installed_drivers, rules_option

if TYPE_CHECKING:
    from tapo_automate.rules.load import Loaded


@click.command()
@rules_option
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For people, for programs, or as annotations of a GitHub workflow.",
)
@click.pass_context
def check(context: click.Context, rules: tuple[str, ...], paths: tuple[str, ...], style: str) -> None:
    """Check rule files and show every error with its place.

    Several files make one book. Exit code 0: no errors (there may be warnings). 1: errors. 2: a file cannot be read.
    """
    from tapo_automate.rules.load import load
    from tapo_automate.rules.problems import as_github, as_json

    source = context.get_parameter_source("rules")
    asked = rules if source is click.core.ParameterSource.COMMANDLINE or not paths else ()
    loaded = load((*asked, *paths), drivers=installed_drivers())
    match style:
        case "json":
            found = {
                "ok": not loaded.errors,
                "errors": [as_json(problem) for problem in loaded.errors],
                "warnings": [as_json(problem) for problem in loaded.warnings],
            }
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        case "github":
            for problem in loaded.problems:
                click.echo(as_github(problem))
        case _:
            _print_text(loaded)
    sys.exit(1 if loaded.errors else 0)


def _print_text(loaded: Loaded) -> None:
    from tapo_automate.rules.problems import as_text

    # click strips colours for what is no terminal; of no-color.org it knows nothing.
    color = False if os.environ.get("NO_COLOR") else None
    for problem in loaded.problems:
        first, *rest = as_text(problem).split("\n")
        click.echo(click.style(first, fg="yellow" if problem.severity == "warning" else "red"), color=color)
        for line in rest:
            click.echo(click.style(line, fg="green") if line.strip(" \t^") == "" else line, color=color)
    click.echo(_summary(loaded))


def _summary(loaded: Loaded) -> str:
    """Return "rules.toml: 9 rules for 4 devices, no errors, 4 warnings"."""
    files = loaded.files[0] if len(loaded.files) == 1 else f"{len(loaded.files)} files"
    book = loaded.book
    size = f" {_count(len(book.rules), 'rule')} for {_count(len(book.devices), 'device')}," if book else ""
    return f"{files}:{size} {_count(len(loaded.errors), 'error')}, {_count(len(loaded.warnings), 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
