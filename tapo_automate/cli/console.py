"""Where tables go: a terminal gets colour, a file or pipe gets plain text of any width.  NO_COLOR is honoured."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 4096  # no line of a table is cut for a reader that is not a terminal


def out() -> Console:
    """Return a console on stdout."""
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)
