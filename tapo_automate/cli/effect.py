"""`effect`: the effects of lamps, of whichever of the three kinds a lamp has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import show, tell
from tapo_automate.errors import BadSetting, Unsupported
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.effects import (
    LIGHT_EFFECT,
    DynamicLightEffect,
    get_dynamic_light_effect_rules,
    set_dynamic_light_effect_brightness,
    set_dynamic_light_effect_rule_enable,
)
from tapo_automate.wire.commands.feature import versions
from tapo_automate.wire.commands.presets import get_preset_rules
from tapo_automate.wire.commands.strip_effects import (
    SEGMENT_EFFECT,
    STRIP_EFFECT,
    LightingEffect,
    SegmentEffect,
    get_lighting_effect,
    get_segment_effect_rule,
    set_lighting_effect,
    set_segment_effect_rule,
)

Kind: TypeAlias = Literal["bulb", "strip", "segments"]
_SENT_WHOLE = {STRIP_EFFECT.component, SEGMENT_EFFECT.component}  # their effects may be among the presets


@dataclass(frozen=True, slots=True)
class _Choice:
    """An effect that a lamp can show.  start: show it, so bright or as bright as it is.  stop: show it no longer."""

    name: str
    id: str
    kind: Kind
    running: bool
    brightness_pct: int
    start: Callable[[int | None], None]
    stop: Callable[[], None]


@click.command()
@one_device
@click.argument("name", required=False, metavar="[NAME|off]")
@click.option("--brightness", type=click.IntRange(1, 100), metavar="PERCENT", help="Of NAME, or of the one that runs.")
@dry_run_option
def effect(device: str, name: str | None, brightness: int | None, **options: Any) -> None:
    """Show a lamp's effects, start one or stop it.

    \b
    effect lamp                   show what there is, and what runs
    effect lamp Party             start one, by its name or id
    effect lamp --brightness 30   dim the one that runs
    effect lamp off               stop it

    A light strip has those that it showed last and those among its presets: the phone app sends it the others.
    """
    if name == "off" and brightness is not None:
        raise click.UsageError("--brightness goes with the name of an effect, or alone")
    if name is None and brightness is None:
        show(device, lambda asked: _told(_choices(asked)), **options)
        return

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        choices = _choices(asked)
        if name == "off":
            for each in choices:
                if each.running:
                    each.stop()
            return "no effect", {"effect": None, "brightness_pct": None}
        chosen = _named(asked.host, choices, name) if name is not None else _running(asked.host, choices)
        chosen.start(brightness)
        bright_pct = chosen.brightness_pct if brightness is None else brightness
        return f"{chosen.name}, brightness {bright_pct}", {"effect": chosen.name, "brightness_pct": bright_pct}

    tell(device, do, **options)


def _told(choices: list[_Choice]) -> tuple[str, dict[str, Any]]:
    runs = ", ".join(f"{each.name}, brightness {each.brightness_pct}" for each in choices if each.running)
    there = ", ".join(each.name for each in choices) or "none"
    rows = [
        {
            "name": each.name,
            "id": each.id,
            "kind": each.kind,
            "running": each.running,
            "brightness_pct": each.brightness_pct,
        }
        for each in choices
    ]
    return f"{runs or 'no effect'}; it has: {there}", {"effects": rows}


def _named(host: str, choices: list[_Choice], name: str) -> _Choice:
    wanted = name.casefold()
    for found in (
        [each for each in choices if each.id.casefold() == wanted],
        [each for each in choices if each.name.casefold() == wanted],
    ):
        if found:
            return found[0]
    there = ", ".join(each.name for each in choices) or "none"
    raise BadSetting(host, f"it has no effect {name!r}; it has: {there}")


def _running(host: str, choices: list[_Choice]) -> _Choice:
    for each in choices:
        if each.running:
            return each
    raise BadSetting(host, "no effect runs on it: say which one is to be so bright")


def _choices(asked: Asked) -> list[_Choice]:
    """Return the effects of every kind that the lamp has.  Raises Unsupported where it has none."""
    listed = versions(asked)
    found: list[_Choice] = []
    kept = _kept(asked) if "preset" in listed and listed.keys() & _SENT_WHOLE else []
    if LIGHT_EFFECT.component in listed:
        told = get_dynamic_light_effect_rules(asked)
        found += [_of_bulb(asked, each, each.id == told.running) for each in told.effects]
    if STRIP_EFFECT.component in listed:
        held = get_lighting_effect(asked)
        found += [_of_strip(asked, held)] if held.name else []
        found += [
            _of_strip(asked, replace(each, enabled=False))
            for each in kept
            if isinstance(each, LightingEffect) and each.name != held.name
        ]
    if SEGMENT_EFFECT.component in listed:
        shown = get_segment_effect_rule(asked)
        found += [_of_segments(asked, shown)] if shown.name else []
        found += [
            _of_segments(asked, replace(each, enabled=False))
            for each in kept
            if isinstance(each, SegmentEffect) and each.name != shown.name
        ]
    if not listed.keys() & {LIGHT_EFFECT.component, STRIP_EFFECT.component, SEGMENT_EFFECT.component}:
        raise Unsupported(asked.host, "it has no effects")
    return found


def _kept(asked: Asked) -> list[LightingEffect | SegmentEffect]:
    """Return the effects among the presets of a lamp."""
    return [preset.effect for preset in get_preset_rules(asked) if preset.effect]


def _of_bulb(asked: Asked, effect: DynamicLightEffect, running: bool) -> _Choice:
    def start(brightness_pct: int | None) -> None:
        if brightness_pct is not None:
            set_dynamic_light_effect_brightness(asked, effect.id, brightness_pct)
        if not running:
            set_dynamic_light_effect_rule_enable(asked, effect.id)

    def stop() -> None:
        set_dynamic_light_effect_rule_enable(asked, None)

    return _Choice(effect.title, effect.id, "bulb", running, effect.brightness_pct, start, stop)


def _of_strip(asked: Asked, effect: LightingEffect) -> _Choice:
    def start(brightness_pct: int | None) -> None:
        bright_pct = effect.brightness_pct if brightness_pct is None else brightness_pct
        set_lighting_effect(asked, replace(effect, enabled=True, brightness_pct=bright_pct))

    def stop() -> None:
        set_lighting_effect(asked, replace(effect, enabled=False))

    return _Choice(effect.name, effect.id, "strip", effect.enabled, effect.brightness_pct, start, stop)


def _of_segments(asked: Asked, effect: SegmentEffect) -> _Choice:
    def start(brightness_pct: int | None) -> None:
        bright_pct = effect.brightness_pct if brightness_pct is None else brightness_pct
        set_segment_effect_rule(asked, replace(effect, enabled=True, brightness_pct=bright_pct))

    def stop() -> None:
        set_segment_effect_rule(asked, replace(effect, enabled=False))

    return _Choice(effect.name, effect.id, "segments", effect.enabled, effect.brightness_pct, start, stop)
