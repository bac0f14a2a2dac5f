"""`preset`: the lights that a lamp keeps for a touch in the phone app."""

from __future__ import annotations

from typing import Any

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import chosen_light, light_options, show, tell
from tapo_automate.device import Setting
from tapo_automate.errors import BadSetting
from tapo_automate.wire import codec
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.feature import versions
from tapo_automate.wire.commands.presets import (
    Preset,
    edit_preset_rules,
    get_preset_rules,
    save_preset_effect,
    show_preset,
)
from tapo_automate.wire.commands.strip_effects import STRIP_EFFECT, get_lighting_effect


@click.command()
@one_device
@click.argument("number", required=False, type=click.IntRange(min=1), metavar="[N]")
@click.option(
    "--save", is_flag=True, help="Keep the light of the options in this place; without them, the one it shows."
)
@light_options
@dry_run_option
def preset(
    device: str,
    number: int | None,
    save: bool,
    brightness: int | None,
    color_temp: int | None,
    hue: int | None,
    saturation: int | None,
    **options: Any,
) -> None:
    """Show a lamp's presets, light one, or keep another light in its place.

    \b
    preset lamp            show them
    preset lamp 2          light the second one
    preset lamp 2 --save   keep the light that the lamp shows now as the second one
    preset lamp 2 --save --brightness 40 --color-temp 2700
    """
    light = chosen_light(brightness, color_temp, hue, saturation)
    if light is not None and not save:
        raise click.UsageError("a light is given to --save it; to light the lamp, use: tapo-automate set")
    if number is None:
        if save:
            raise click.UsageError("which one? Say its number, such as: preset lamp 2 --save")
        show(device, lambda asked: _told(get_preset_rules(asked)), **options)
        return
    index = number - 1

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        chosen = _saved(asked, index, light) if save else _lit(asked, index)
        words = f"preset {number}{' is now' if save else ''}: {_in_words(chosen)}"
        return words, {**_row(chosen), "saved": save}

    tell(device, do, **options)


def _lit(asked: Asked, index: int) -> Preset:
    presets = get_preset_rules(asked)
    if index >= len(presets):
        raise BadSetting(asked.host, f"it has no preset {index + 1}: it has {len(presets)}, counted from 1")
    show_preset(asked, presets[index])
    return presets[index]


def _saved(asked: Asked, index: int, light: Setting | None) -> Preset:
    if light is None and STRIP_EFFECT.component in versions(asked):
        effect = get_lighting_effect(asked)
        if effect.enabled:
            save_preset_effect(asked, index, effect)
            return Preset(index, None, effect)
    light = light or _light_now(asked)
    edit_preset_rules(asked, index, light)
    return Preset(index, light)


def _light_now(asked: Asked) -> Setting:
    now = codec.state(asked.host, asked.call("get_device_info"))
    return Setting(None, now.brightness_pct, now.color_temp_k, now.hue_deg, now.saturation_pct)


def _told(presets: tuple[Preset, ...]) -> tuple[str, dict[str, Any]]:
    lines = [f"\n  {each.index + 1}  {_in_words(each)}" for each in presets]
    words = f"{len(presets)} presets{''.join(lines)}" if presets else "no presets"
    return words, {"presets": [_row(each) for each in presets]}


def _row(preset: Preset) -> dict[str, Any]:
    return {
        "number": preset.index + 1,
        "light": preset.light.as_rule() if preset.light else None,
        "effect": preset.effect.name if preset.effect else None,
    }


def _in_words(preset: Preset) -> str:
    if preset.effect is not None:
        return f"effect {preset.effect.name}, brightness {preset.effect.brightness_pct}"
    return str(preset.light)
