"""What a load draws over time: watts that stay the same for a while, then step.

Text: ``60``, ``steps:0=5/60=1200/120=3``, ``washing-machine``, ``csv:FILE``; each may be followed by ``,repeat`` and by
``,from=switch-on`` or ``,from=start``.
"""

import csv
import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, pairwise
from pathlib import Path

from tapo_automate.simulator.complaint import SimulatorError, hint

KINDS = ("WATTS", "steps:SECONDS=WATTS/…", "washing-machine", "csv:FILE")


class Trace:
    """Watts as steps over the seconds since the load was switched on, or since the device started.

    points: (second, watts), first at 0, ascending; the last value holds for ever, unless repeat_s starts it over.
    feeds_in: watts may be below 0, as of a solar panel; they are shown, and no energy is counted for them.
    """

    def __init__(
        self,
        points: Iterable[tuple[float, float]],
        *,
        repeat_s: float | None = None,
        from_switch_on: bool = False,
        feeds_in: bool = False,
    ) -> None:
        rows = list(points)
        self._starts = [second for second, _ in rows]
        self._watts = [watts for _, watts in rows]
        if not rows or self._starts[0] != 0 or any(b <= a for a, b in pairwise(self._starts)):
            raise SimulatorError("a power trace starts at second 0 and its seconds ascend")
        if not all(math.isfinite(number) and (number >= 0 or feeds_in) for row in rows for number in row):
            raise SimulatorError("a power trace holds seconds and watts that are not negative")
        if repeat_s is not None and repeat_s <= self._starts[-1]:
            raise SimulatorError("a power trace cannot repeat before its last step")
        spans = [b - a for a, b in pairwise(self._starts)]
        self._counted_w = [max(0.0, watts) for watts in self._watts]
        steps = (span * watts for span, watts in zip(spans, self._counted_w, strict=False))
        self._joules_before = list(accumulate(steps, initial=0.0))
        self._repeat_s = repeat_s
        self._peak_w = max(self._watts)
        self.from_switch_on = from_switch_on

    def watts(self, elapsed_s: float) -> float:
        return self._watts[bisect_right(self._starts, self._wrapped(max(0.0, elapsed_s))) - 1]

    def above_s(self, limit_w: float, elapsed_s: float) -> float | None:
        """Return the first second from elapsed_s on at which it draws more than this; None if it never does again."""
        if self._peak_w <= limit_w:
            return None
        start_s = max(0.0, elapsed_s)
        if self.watts(start_s) > limit_w:
            return start_s
        within_s = self._wrapped(start_s)
        begins_s = start_s - within_s
        for second, watts in zip(self._starts, self._watts, strict=True):
            if second > within_s and watts > limit_w:
                return begins_s + second
        if self._repeat_s is None:
            return None
        again = next(s for s, watts in zip(self._starts, self._watts, strict=True) if watts > limit_w)
        return begins_s + self._repeat_s + again

    def joules(self, from_s: float, to_s: float) -> float:
        """Return the energy in watt-seconds between two moments of the trace."""
        return self._joules_until(to_s) - self._joules_until(from_s)

    def _joules_until(self, elapsed_s: float) -> float:
        if elapsed_s <= 0:
            return 0.0
        if self._repeat_s is None:
            return self._joules_once(elapsed_s)
        rounds, rest = divmod(elapsed_s, self._repeat_s)
        return rounds * self._joules_once(self._repeat_s) + self._joules_once(rest)

    def _joules_once(self, elapsed_s: float) -> float:
        index = bisect_right(self._starts, elapsed_s) - 1
        return self._joules_before[index] + (elapsed_s - self._starts[index]) * self._counted_w[index]

    def _wrapped(self, elapsed_s: float) -> float:
        return elapsed_s if self._repeat_s is None else elapsed_s % self._repeat_s


def constant(watts: float) -> Trace:
    """Return a load that stays as it is.  watts: below 0 for what feeds in."""
    return Trace([(0, watts)], feeds_in=True)


def washing_machine(*, repeat: bool = False, from_switch_on: bool = True) -> Trace:
    """Return a 40-degree cycle of 90 minutes and 0.85 kWh, with lulls of up to three minutes, then standby at 0.8 W."""
    points: list[tuple[float, float]] = []
    at = 0.0

    def run(seconds: float, watts: float) -> None:
        nonlocal at
        points.append((at, watts))
        at += seconds

    def tumble(minutes: float, watts: float, *, turn_s: float = 20, rest_s: float = 10, rest_w: float = 6) -> None:
        for _ in range(round(minutes * 60 / (turn_s + rest_s))):
            run(turn_s, watts)
            run(rest_s, rest_w)

    run(150, 7)  # fills
    tumble(20, 2140, turn_s=50, rest_s=10, rest_w=2020)  # heats
    run(180, 4)  # soaks
    tumble(30, 190)  # washes
    run(90, 32)  # drains
    for _ in range(2):  # rinses
        run(120, 7)
        tumble(8, 165)
        run(90, 32)
        run(60, 310)
    for watts in (180, 260, 340, 420, 470):  # spins
        run(84, watts)
    run(45, 15)  # settles, unlocks the door
    points.append((at, 0.8))
    return Trace(points, repeat_s=at + 60 if repeat else None, from_switch_on=from_switch_on)


def parse(text: str, *, folder: Path | None = None) -> Trace:
    """Read the text form; folder is where a relative CSV path starts.

    Raises SimulatorError.
    """
    kind, repeat, anchor = _options(text.strip())
    switch_on = anchor == "switch-on"
    if kind == "washing-machine":
        return washing_machine(repeat=repeat, from_switch_on=anchor != "start")
    name, colon, rest = kind.partition(":")
    if name == "csv" and colon:
        rows = _csv_rows((folder or Path()) / Path(rest).expanduser())
    elif name == "steps" and colon:
        rows = [_step(text, piece) for piece in rest.split("/")]
    else:
        try:
            rows = [(0.0, float(kind))]
        except ValueError:
            near = hint(name, ["washing-machine", "steps", "csv"])
            raise SimulatorError(f"unknown power trace {text!r}{near}" + _forms(near)) from None
    # A repeated list of steps lasts one step longer than its last line: as long as the step before it.
    period = rows[-1][0] + (rows[-1][0] - rows[-2][0]) if repeat and len(rows) > 1 else None
    try:
        return Trace(rows, repeat_s=period, from_switch_on=switch_on)
    except SimulatorError as error:
        raise SimulatorError(f"power trace {text!r}: {error}") from None


def _forms(near: str) -> str:
    return "" if near.startswith("; did") else f" (written as {', '.join(KINDS)})"


def _options(text: str) -> tuple[str, bool, str | None]:
    repeat, anchor = False, None
    while True:
        kind, comma, option = text.rpartition(",")
        if comma and option.strip() == "repeat":
            repeat = True
        elif comma and option.strip() in ("from=start", "from=switch-on"):
            anchor = option.strip().removeprefix("from=")
        else:
            return text, repeat, anchor
        text = kind.strip()


def _step(text: str, piece: str) -> tuple[float, float]:
    second, _, watts = piece.partition("=")
    try:
        return float(second), float(watts)
    except ValueError:
        raise SimulatorError(f"power trace {text!r}: {piece!r} is not SECONDS=WATTS") from None


def _csv_rows(path: Path) -> list[tuple[float, float]]:
    """Read lines of seconds,watts; a first line of words, empty lines and lines that start with # do not count."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SimulatorError(f"cannot read power trace {path}: {reason}") from None
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(lines, 1):
        cells = next(csv.reader([line]), [])
        if not cells or cells[0].lstrip().startswith("#"):
            continue
        try:
            second, watts = (float(cell) for cell in cells)
        except ValueError:
            if number == 1:
                continue
            raise SimulatorError(f"{path}:{number}: expected seconds,watts, found {line[:40]!r}") from None
        rows.append((second, watts))
    if not rows:
        raise SimulatorError(f"{path}: no line of seconds,watts")
    return rows
