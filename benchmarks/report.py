"""Tables of figures, and whether each is where it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was got, and the most that it may be."""

    what: str
    got: float
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.got <= self.limit

    def __str__(self) -> str:
        by = f" by {(self.got / self.limit - 1) * 100:.0f} %" if self.limit else ""
        word = "met" if self.met else f"MISSED{by}"
        return f"{self.what}: {shown(self.got)}{self.unit}, wanted at most {shown(self.limit)}{self.unit}: {word}"


@dataclass(slots=True)
class Report:
    """What one benchmark has to say: a table, then the targets."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str | float]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def print(self, console: Console) -> None:
        console.print(self.title, style="bold", highlight=False)
        table = Table(box=box.SIMPLE_HEAD)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*(cell if isinstance(cell, str) else shown(cell) for cell in row))
        console.print(table)
        for verdict in self.verdicts:
            console.print(f"  {verdict}", style="green" if verdict.met else "red", highlight=False)
        for note in self.notes:
            console.print(f"  {note}", highlight=False, style="dim")
        console.print()


def shown(number: float) -> str:
    """Return a number with three digits that count.

    >>> shown(1234.5), shown(12.34), shown(0.01234), shown(0)
    ('1,234', '12.3', '0.0123', '0')
    """
    if number == 0:
        return "0"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over rounds of ours / theirs; both were measured in turns, so that a busy minute hits both."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))
