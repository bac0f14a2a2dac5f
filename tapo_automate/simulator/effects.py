"""The effects of a light strip: which numbers their fields may hold.  Source: docs/protocol.md, "Bulbs"."""

from typing import Any

from tapo_automate.simulator import params as read
from tapo_automate.simulator.refusal import PARAMS, Refused

Effect = dict[str, Any]

_NUMBERS: dict[str, tuple[int, int]] = {
    "brightness": (0, 100),
    "custom": (0, 1),
    "duration": (0, 3_600_000),
    "transition": (0, 3_600_000),
    "spread": (0, 1000),
    "direction": (0, 10),
    "repeat_times": (0, 10_000),
    "expansion_strategy": (0, 10),
    "segment_length": (0, 1000),
    "run_time": (0, 3_600_000),
}
_COLOURS = ("sequence", "display_colors", "backgrounds", "states")
# Hue, saturation and brightness; the segments of newer strips have a white, in kelvin, beside them.
_TOPS = (360, 100, 100, 20_000)


def check(effect: Effect, width: int) -> None:
    """Raise Refused where a field that is known is out of its range; fields that are not are the strip's own.

    width: how many numbers a colour has.
    """
    read.optional_integers(effect, _NUMBERS)
    for key in _COLOURS:
        if key in effect:
            _check_colours(effect[key], width)
    segments = effect.get("segments", [])
    if not isinstance(segments, list) or not all(type(segment) is int and segment >= 0 for segment in segments):
        raise Refused(PARAMS)


def _check_colours(rows: Any, width: int) -> None:
    if not isinstance(rows, list):
        raise Refused(PARAMS)
    for row in rows:
        if not isinstance(row, list) or len(row) != width:
            raise Refused(PARAMS)
        if not all(type(value) is int and 0 <= value <= top for value, top in zip(row, _TOPS, strict=False)):
            raise Refused(PARAMS)
