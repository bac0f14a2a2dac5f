"""The effects of light strips, and of the segments of some: the lamp is sent the whole effect each time.

Source: docs/protocol.md, "Effects".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tapo_automate.errors import BadSetting
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature

STRIP_EFFECT = Feature("light_strip_lighting_effect", "effects of the kind that light strips have")
SEGMENT_EFFECT = Feature("segment_effect", "effects of segments")
_SEGMENT = Feature("segment", "segments")

_RANGES = {"hue": (0, 360, "degrees"), "saturation": (0, 100, "percent"), "brightness": (0, 100, "percent")}
_NUMBERS = (
    # our name, the device's
    ("duration", "duration"),
    ("transition_ms", "transition"),
    ("spread", "spread"),
    ("direction", "direction"),
    ("repeat_times", "repeat_times"),
    ("expansion_strategy", "expansion_strategy"),
)


@dataclass(frozen=True, slots=True)
class StripColor:
    """One color of an effect; brightness_pct may be 0, which is dark.

    white: the fourth number of the colors of segments, None in those of `LightingEffect`, which have three.
    """

    hue_deg: int
    saturation_pct: int
    brightness_pct: int
    white: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentEffect:
    """An effect of the segments of a lamp.  id, name: "" where none was ever shown.  enabled: whether it is shown.
    custom: made by the user.  brightness_pct: 0 where none was ever shown.  display_colors: what the phone app draws.
    more: what else the lamp says of it, to be sent back as it is.
    """

    id: str
    name: str
    enabled: bool
    custom: bool
    brightness_pct: int
    display_colors: tuple[StripColor, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class LightingEffect:
    """An effect of a light strip; None for what the strip does not say.

    As of `SegmentEffect`, and: kind: "sequence", "pulse", "random" or "static".  sequence: the colors, in their order.
    segments: which parts of the strip take part.  transition_ms: from one color to the next.
    duration, spread, direction, repeat_times, expansion_strategy: in the strip's own units.
    """

    id: str
    name: str
    enabled: bool
    custom: bool
    brightness_pct: int
    display_colors: tuple[StripColor, ...] = ()
    kind: str | None = None
    sequence: tuple[StripColor, ...] | None = None
    segments: tuple[int, ...] | None = None
    duration: int | None = None
    transition_ms: int | None = None
    spread: int | None = None
    direction: int | None = None
    repeat_times: int | None = None
    expansion_strategy: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)


def get_lighting_effect(asked: Asked) -> LightingEffect:
    """Return the effect that the strip shows, or showed last.  Raises Unsupported where it has none of this kind."""
    return read_lighting_effect(STRIP_EFFECT.ask(asked, "get_lighting_effect"))


def set_lighting_effect(asked: Asked, effect: LightingEffect) -> None:
    """Show an effect, or with `enabled` False no longer.  Raises BadSetting for colors that cannot be."""
    _check(asked.host, effect)
    STRIP_EFFECT.call(asked, "set_lighting_effect", lighting_effect_words(effect))


def get_segment_effect_rule(asked: Asked) -> SegmentEffect:
    """Return the effect that the lamp's segments show, or showed last."""
    return read_segment_effect(SEGMENT_EFFECT.ask(asked, "get_segment_effect_rule"))


def set_segment_effect_rule(asked: Asked, effect: SegmentEffect) -> None:
    """Show an effect on the lamp's segments, or with `enabled` False no longer.  Raises BadSetting.

    Devices know it as "apply"; where that is unknown, "set" is tried.  Source: docs/protocol.md, 9.2.
    """
    _check(asked.host, effect)
    names = ("apply_segment_effect_rule", "set_segment_effect_rule")
    SEGMENT_EFFECT.call_either(asked, *names, _common_words(effect))


def get_device_segment(asked: Asked) -> int:
    """Return into how many segments the strip is divided."""
    return _SEGMENT.ask(asked, "get_device_segment").integer("segment")


def read_lighting_effect(reply: Reply) -> LightingEffect:
    """Return an effect as a strip tells it, of `get_lighting_effect` or among its presets."""
    common, known = _common(reply)
    numbers: dict[str, Any] = {ours: reply.integer(name) for ours, name in _NUMBERS if reply.has(name)}
    return LightingEffect(
        **common,
        kind=reply.text("type") if reply.has("type") else None,
        sequence=_colors(reply, "sequence") if reply.has("sequence") else None,
        segments=_whole_numbers(reply, "segments") if reply.has("segments") else None,
        **numbers,
        more=_more(reply, {*known, "type", "sequence", "segments", *(name for _, name in _NUMBERS)}),
    )


def read_segment_effect(reply: Reply) -> SegmentEffect:
    """Return an effect of segments as a lamp tells it, of `get_segment_effect_rule` or among its presets."""
    common, known = _common(reply)
    return SegmentEffect(**common, more=_more(reply, known))


def lighting_effect_words(effect: LightingEffect) -> dict[str, Any]:
    """Return an effect as strips take it."""
    words = _common_words(effect)
    if effect.kind is not None:
        words["type"] = effect.kind
    if effect.sequence is not None:
        words["sequence"] = _color_words(effect.sequence)
    if effect.segments is not None:
        words["segments"] = list(effect.segments)
    numbers = {name: getattr(effect, ours) for ours, name in _NUMBERS}
    return words | {name: number for name, number in numbers.items() if number is not None}


def _common(reply: Reply) -> tuple[dict[str, Any], set[str]]:
    """Return what every effect has, by our names, and the device's names of it."""
    found: dict[str, Any] = {
        "id": reply.text("id"),
        "name": reply.text("name"),
        "enabled": reply.truth("enable"),
        "custom": reply.truth("custom"),
        "brightness_pct": reply.integer("brightness"),
        "display_colors": _colors(reply, "display_colors"),
    }
    return found, {"id", "name", "enable", "custom", "brightness", "display_colors"}


def _common_words(effect: LightingEffect | SegmentEffect) -> dict[str, Any]:
    return {
        **effect.more,
        "id": effect.id,
        "name": effect.name,
        "enable": int(effect.enabled),  # strips say 1 and 0
        "custom": int(effect.custom),
        "brightness": effect.brightness_pct,
        "display_colors": _color_words(effect.display_colors),
    }


def _more(reply: Reply, known: set[str]) -> dict[str, Any]:
    return {name: value for name, value in reply.result.items() if name not in known}


def _colors(reply: Reply, key: str) -> tuple[StripColor, ...]:
    found = []
    for color in reply.items(key):
        if not (isinstance(color, list) and len(color) in (3, 4) and all(isinstance(part, int) for part in color)):
            raise reply.wrong(key, "a list of colors, each hue, saturation and brightness,")
        found.append(StripColor(*color))
    return tuple(found)


def _whole_numbers(reply: Reply, key: str) -> tuple[int, ...]:
    found = reply.items(key)
    if not all(isinstance(number, int) for number in found):
        raise reply.wrong(key, "a list of whole numbers")
    return tuple(found)


def _color_words(colors: Sequence[StripColor]) -> list[list[int]]:
    return [
        [color.hue_deg, color.saturation_pct, color.brightness_pct, *(() if color.white is None else (color.white,))]
        for color in colors
    ]


def _check(host: str, effect: LightingEffect | SegmentEffect) -> None:
    if effect.enabled and not 1 <= effect.brightness_pct <= 100:
        problem = f"brightness {effect.brightness_pct} of an effect is out of range"
        raise BadSetting(host, f"{problem}: it takes 1 to 100 percent")
    colors = effect.display_colors
    if isinstance(effect, LightingEffect):
        colors += effect.sequence or ()
    for color in _color_words(colors):
        for value, (name, (low, high, unit)) in zip(color, _RANGES.items(), strict=False):  # none for a white
            if not low <= value <= high:
                problem = f"{name} {value} in the effect is out of range"
                raise BadSetting(host, f"{problem}: it takes {low} to {high} {unit}")
