"""`fade` and `auto-light`: what a lamp does of its own accord when it is switched, and with the time of day."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import duration_s, show, tell
from tapo_automate.rules.durations import spell
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.auto_light import AutoLight, get_auto_light_info, set_auto_light_info
from tapo_automate.wire.commands.gradual import (
    Fade,
    GradualSwitching,
    get_on_off_gradually_info,
    set_on_off_gradually_info,
)

_ON_OFF = click.Choice(["on", "off"])
_MODES = {"track": "light_track", "compensate": "light_compensate"}


@click.command()
@one_device
@click.argument("whole", required=False, type=_ON_OFF, metavar="[on|off]")
@click.option("--on", "on", metavar="DURATION", help='How long it takes to come on, such as "5s"; "0s" for at once.')
@click.option("--off", "off", metavar="DURATION", help="How long it takes to go off.")
@click.option("--changes/--no-changes", default=None, help="Whether changes of its light fade too, on lamps that can.")
@dry_run_option
def fade(device: str, whole: str | None, on: str | None, off: str | None, changes: bool | None, **options: Any) -> None:
    """Show or set how a lamp fades when it is switched, by whomever.

    \b
    fade lamp                     show it
    fade lamp --on 5s --off 10s   over so many seconds
    fade lamp --off 0s            off at once, on as before
    fade lamp off                 no fading; "on" brings it back as it was
    """
    on_s = None if on is None else duration_s(on, "--on")
    off_s = None if off is None else duration_s(off, "--off")
    if whole is not None and (on_s is not None or off_s is not None):
        raise click.UsageError("on and off are for both directions: they go without --on and --off")
    if whole is None and on_s is None and off_s is None and changes is None:
        show(device, lambda asked: _gradual_told(get_on_off_gradually_info(asked)), **options)
        return
    enabled = None if whole is None else whole == "on"

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_on_off_gradually_info(asked, enabled, on_s=on_s, off_s=off_s, changes=changes)
        sides = [_direction(name, side_s) for name, side_s in (("on", on_s), ("off", off_s)) if side_s is not None]
        words = ([f"fading {whole}"] if whole else []) + sides + ([] if changes is None else [_changes(changes)])
        return ", ".join(words), {"enabled": enabled, "on_s": on_s, "off_s": off_s, "changes": changes}

    tell(device, do, **options)


@click.command(name="auto-light")
@one_device
@click.argument("whole", required=False, type=_ON_OFF, metavar="[on|off]")
@click.option("--mode", type=click.Choice([*_MODES]), help="With on: follow the daylight, or make up for its lack.")
@dry_run_option
def auto_light(device: str, whole: str | None, mode: str | None, **options: Any) -> None:
    """Show or set whether a lamp chooses its light itself, by the time of day."""
    if mode is not None and whole != "on":
        raise click.UsageError("--mode goes with on")
    if whole is None:
        show(device, lambda asked: _auto_told(get_auto_light_info(asked)), **options)
        return
    enabled, wanted = whole == "on", None if mode is None else _MODES[mode]

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_auto_light_info(asked, enabled, wanted)
        return _auto_words(enabled, wanted), {"enabled": enabled, "mode": wanted}

    tell(device, do, **options)


def _gradual_told(found: GradualSwitching) -> tuple[str, dict[str, Any]]:
    if found.on is None or found.off is None:
        words = f"fading {'on' if found.enabled else 'off'}"
    else:
        words = f"{_side('on', found.on)}, {_side('off', found.off)}"
    return words + ("" if found.changes is None else f", {_changes(found.changes)}"), asdict(found)


def _side(name: str, fade: Fade) -> str:
    return _direction(name, fade.duration_s if fade.enabled else 0)


def _direction(name: str, side_s: int) -> str:
    return f"{name} over {spell(side_s)}" if side_s else f"{name} at once"


def _changes(fading: bool) -> str:
    return "changes fade" if fading else "changes at once"


def _auto_told(found: AutoLight) -> tuple[str, dict[str, Any]]:
    words = _auto_words(found.enabled, found.mode)
    hint = " (as its info says; it does not answer the command itself)" if found.from_info else ""
    return words + hint, asdict(found)


def _auto_words(enabled: bool, mode: str | None) -> str:
    names = {word: name for name, word in _MODES.items()}
    return f"auto light {'on' if enabled else 'off'}" + (f", {names.get(mode, mode)}" if enabled and mode else "")
