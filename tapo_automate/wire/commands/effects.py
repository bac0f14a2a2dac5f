"""The effects of color bulbs: a few rows in the lamp, each a list of colors that it goes through.

Light strips have effects of another kind: `strip_effects`.
Source: docs/protocol.md, "Effects".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tapo_automate.device import Description
from tapo_automate.errors import BadSetting
from tapo_automate.wire.codec import decode_text, encode_text
from tapo_automate.wire.commands.asking import Asked, Reply
from tapo_automate.wire.commands.feature import Feature
from tapo_automate.wire.commands.light import described

LIGHT_EFFECT = Feature("light_effect", "effects of the kind that bulbs have")
USUAL_NAMES = {"L1": "Party", "L2": "Relax"}
"""What the phone app calls the rows of lamps that keep no names."""


@dataclass(frozen=True, slots=True)
class EffectColor:
    """One color of an effect.  color_temp_k: 0 where hue and saturation are shown."""

    brightness_pct: int
    hue_deg: int
    saturation_pct: int
    color_temp_k: int = 0


@dataclass(frozen=True, slots=True)
class DynamicLightEffect:
    """One effect.  name: "" where the lamp keeps none.  change_mode: "direct", at once, or "bln", gliding.
    change_ms: how long each color stands.
    """

    id: str
    name: str
    change_mode: str
    change_ms: int
    colors: tuple[EffectColor, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or USUAL_NAMES.get(self.id, self.id)

    @property
    def brightness_pct(self) -> int:
        """That of its brightest color."""
        return max((color.brightness_pct for color in self.colors), default=0)


@dataclass(frozen=True, slots=True)
class DynamicLightEffects:
    """running: the id of the effect that is shown, None for none.  most: how many the lamp holds, None if it does not
    say.
    """

    effects: tuple[DynamicLightEffect, ...]
    running: str | None = None
    most: int | None = None


def get_dynamic_light_effect_rules(asked: Asked) -> DynamicLightEffects:
    """Return the lamp's effects.  Raises Unsupported where it has none of this kind."""
    first, rows = _rows(asked)
    effects = tuple(_effect(row) for row in rows)
    running = None
    if first.truth("enable") and first.has("current_rule_id"):
        running = first.text("current_rule_id")
    return DynamicLightEffects(effects, running, first.integer("max_count") if first.has("max_count") else None)


def set_dynamic_light_effect_rule_enable(asked: Asked, effect_id: str | None) -> None:
    """Show an effect, None to show none any more.  Raises BadSetting for an id that the lamp does not have."""
    params: dict[str, Any] = {"enable": False}
    if effect_id is not None:
        _row_of(asked, effect_id)
        params = {"enable": True, "id": effect_id}
    LIGHT_EFFECT.call_either(asked, "set_dynamic_light_effect_rule_enable", "set_dynamic_light_effect_rules", params)


def edit_dynamic_light_effect_rule(asked: Asked, effect: DynamicLightEffect) -> None:
    """Replace the effect of this id; what else the lamp keeps of it stays.

    Raises BadSetting for an id that the lamp does not have, and for colors outside its own ranges.
    """
    row = _row_of(asked, effect.id)
    _check(asked.host, effect, described(asked))
    before: list[list[Any]] = row.items("color_status_list")
    params = {
        **row.result,
        "scene_name": _scene_name(row, effect.name),
        "change_mode": effect.change_mode,
        "change_time": effect.change_ms,
        "color_status_list": [
            [color.brightness_pct, color.hue_deg, color.saturation_pct, color.color_temp_k, *rest]
            for color, rest in zip(effect.colors, _rests(before, len(effect.colors)), strict=True)
        ],
    }
    LIGHT_EFFECT.call_either(asked, "edit_dynamic_light_effect_rule", "edit_dynamic_light_effect_rules", params)


def set_dynamic_light_effect_brightness(asked: Asked, effect_id: str, brightness_pct: int) -> None:
    """Make every color of an effect so bright, 1 to 100: the only way to dim one that runs.

    `set_device_info` with a brightness would end it.
    """
    effect = _effect(_row_of(asked, effect_id))
    colors = tuple(replace(color, brightness_pct=brightness_pct) for color in effect.colors)
    edit_dynamic_light_effect_rule(asked, replace(effect, colors=colors))


def _rows(asked: Asked) -> tuple[Reply, list[Reply]]:
    method, key = "get_dynamic_light_effect_rules", "rule_list"
    first, found = LIGHT_EFFECT.pages(asked, method, key)
    return first, Reply(asked.host, method, {key: found or first.items(key)}).tables(key)


def _row_of(asked: Asked, effect_id: str) -> Reply:
    _, rows = _rows(asked)
    for row in rows:
        if row.text("id") == effect_id:
            return row
    there = ", ".join(f"{effect.id} ({effect.title})" for effect in map(_effect, rows)) or "none"
    raise BadSetting(asked.host, f"it has no effect {effect_id!r}; it has: {there}")


def _effect(row: Reply) -> DynamicLightEffect:
    colors = []
    for color in row.items("color_status_list"):
        if not (isinstance(color, list) and len(color) >= 4 and all(isinstance(part, int) for part in color[:4])):
            raise row.wrong("color_status_list", "a list of colors, each brightness, hue, saturation and color_temp,")
        colors.append(EffectColor(*color[:4]))
    return DynamicLightEffect(
        row.text("id"), _readable(_kept_name(row)), row.text("change_mode"), row.integer("change_time"), tuple(colors)
    )


def _rests(before: list[list[Any]], count: int) -> list[list[Any]]:
    """Return what the lamp keeps of each color beyond what is known, where the number of colors is as before."""
    return [color[4:] for color in before] if len(before) == count else [[]] * count


def _scene_name(row: Reply, name: str) -> str:
    """Return the name in the manner in which the lamp keeps it: in base64, or as it is."""
    kept = _kept_name(row)
    if _readable(kept) == name:
        return kept
    is_plain = bool(kept) and _readable(kept) == kept
    return name if is_plain else encode_text(name)


def _kept_name(row: Reply) -> str:
    return row.text("scene_name") if row.has("scene_name") else ""


def _readable(kept: str) -> str:
    """Return the name that a lamp keeps, in base64 or plain; a plain one may look like base64.

    >>> _readable("UGFydHk="), _readable("Party"), _readable("CAFE")
    ('Party', 'Party', 'CAFE')
    """
    name = decode_text(kept)
    return name if name.isprintable() else kept


def _check(host: str, effect: DynamicLightEffect, device: Description) -> None:
    if not effect.colors:
        raise BadSetting(host, "an effect has at least one color")
    if effect.change_ms < 1:
        raise BadSetting(host, f"colors that stand for {effect.change_ms} ms cannot be: it takes 1 ms and up")
    whites_k = device.color_temp_range_k
    for number, color in enumerate(effect.colors, 1):
        ranges = {
            "brightness": (color.brightness_pct, 1, 100, "percent"),
            "hue": (color.hue_deg, 0, 360, "degrees"),
            "saturation": (color.saturation_pct, 0, 100, "percent"),
        }
        if color.color_temp_k and whites_k is not None:
            ranges["color_temp"] = (color.color_temp_k, *whites_k, "K")
        for name, (value, low, high, unit) in ranges.items():
            if not low <= value <= high:
                problem = f"{name} {value} of the effect's color {number} is out of range"
                raise BadSetting(host, f"{problem}: it takes {low} to {high} {unit}")
