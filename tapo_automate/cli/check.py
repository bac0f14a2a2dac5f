"""`check`: everything that is wrong in the rule files, each with its place."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.options import installed_drivers, rules_option
from tapo_automate.cli.sync_options import ledger_option, ledger_path

if TYPE_CHECKING:
    from tapo_automate.rules.load import Loaded
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.sync.executors import Executors


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
@click.option(
    "--executors",
    is_flag=True,
    help="Prove that each thing that the rules want has exactly one executor, a device or the daemon.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3660),
    default=400,
    show_default=True,
    metavar="N",
    help="How far ahead --executors looks.",
)
@ledger_option
@click.pass_context
def check(
    context: click.Context,
    rules: tuple[str, ...],
    paths: tuple[str, ...],
    style: str,
    executors: bool,
    days: int,
    ledger: Path | None,
) -> None:
    """Check rule files and show every error with its place.

    Several files make one book. Exit code 0: no errors (there may be warnings). 1: errors, or findings of --executors.
    2: a file cannot be read.
    """
    from tapo_automate.cli import check_executors
    from tapo_automate.rules.load import load
    from tapo_automate.rules.problems import as_github, as_json

    def given(parameter: str) -> bool:
        return context.get_parameter_source(parameter) is click.core.ParameterSource.COMMANDLINE

    for option in ("days", "ledger"):
        if given(option) and not executors:
            raise click.UsageError(f"--{option} goes with --executors")
    asked = (*(rules if given("rules") or not paths else ()), *paths)
    loaded = load(asked, drivers=installed_drivers())
    proof = _proof(loaded.book, ledger_path(ledger, asked), days) if executors and not loaded.errors else None
    match style:
        case "json":
            found: dict[str, Any] = {
                "ok": not (loaded.errors or (proof and proof.findings)),
                "errors": [as_json(problem) for problem in loaded.errors],
                "warnings": [as_json(problem) for problem in loaded.warnings],
            }
            if proof:
                found["executors"] = check_executors.as_json(proof, days)
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        case "github":
            for problem in loaded.problems:
                click.echo(as_github(problem))
            if proof and loaded.book:
                for line in check_executors.as_github(proof, loaded.book):
                    click.echo(line)
        case _:
            _print_text(loaded)
            if proof:
                for line in check_executors.in_lines(proof, days):
                    click.echo(line)
    sys.exit(1 if loaded.errors or (proof and proof.findings) else 0)


def _proof(book: RuleBook | None, ledger: Path, days: int) -> Executors | None:
    from tapo_automate.cli.when import utc_now
    from tapo_automate.sync.executors import who_executes
    from tapo_automate.sync.ledger import load_ledger

    return who_executes(book, load_ledger(ledger), utc_now(), days) if book else None


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
