"""Where tables go: a terminal gets colour, a file or pipe gets plain text of any width.  NO_COLOR is honoured."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

WIDE = 4096  # no line of a table is cut for a reader that is not a terminal


def out() -> Console:
    """Return a console on stdout."""
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)


def print_table(table: Table) -> None:
    """Print a table; for a reader that is not a terminal, without the blanks that fill its lines up."""
    console = out()
    if sys.stdout.isatty():
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())
