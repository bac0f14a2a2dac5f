"""What the commands share that show or set one thing of one device: `led`, `fade`, `preset` and their like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from tapo_automate.cli.one_device import opened, print_json
from tapo_automate.device import Setting
from tapo_automate.rules.durations import guess, seconds
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.methods import is_read

Command = TypeVar("Command", bound=Callable[..., Any])
Found = TypeVar("Found")


class Rehearsal:
    """A device that is asked everything and told nothing, so that a dry run is checked as the real one is."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    @property
    def host(self) -> str:
        return self._asked.host

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._asked.call(method, params) if is_read(method) else {}


def tell(
    device: str,
    do: Callable[[Asked], tuple[str, Mapping[str, Any]]],
    *,
    rules: tuple[str, ...],
    credentials: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Set something of a device, and say what.

    do: sets it, and returns what that is, in words and for JSON; in a dry run, on a `Rehearsal`.
    """
    with opened(device, rules, credentials) as asked:
        words, row = do(Rehearsal(asked) if dry_run else asked)
    if as_json:
        print_json({"device": device, "set": row, "done": not dry_run})
    else:
        click.echo(f"{'would set ' if dry_run else ''}{device}: {words}")


def show(
    device: str,
    ask: Callable[[Asked], tuple[str, Mapping[str, Any]]],
    *,
    rules: tuple[str, ...],
    credentials: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Print what a device says.  ask: returns it, in words and for JSON.  dry_run: there is nothing to try."""
    del dry_run
    with opened(device, rules, credentials) as asked:
        words, row = ask(asked)
    if as_json:
        print_json({"device": device, **row})
    else:
        click.echo(f"{device}: {words}")


def light_options(command: Command) -> Command:
    """Add the options of a light that is kept for later; `chosen_light` reads them."""
    for option in (
        click.option("--saturation", type=click.IntRange(0, 100), metavar="PERCENT", help="0 to 100."),
        click.option("--hue", type=click.IntRange(0, 360), metavar="DEGREES", help="Colour, 0 to 360."),
        click.option("--color-temp", type=int, metavar="KELVIN", help="White, within the lamp's own range."),
        click.option("--brightness", type=click.IntRange(1, 100), metavar="PERCENT", help="1 to 100."),
    ):
        command = option(command)
    return command


def chosen_light(
    brightness: int | None, color_temp: int | None, hue: int | None, saturation: int | None
) -> Setting | None:
    """Return the light of the options, or None where none is given.  Raises click.UsageError for half a light."""
    light = Setting(None, brightness, color_temp, hue, saturation)
    if light == Setting():
        return None
    if color_temp is not None and (hue is not None or saturation is not None):
        raise click.UsageError("--color-temp makes white, --hue and --saturation make colour: give one or the other")
    if (hue is None) != (saturation is None):
        raise click.UsageError("a colour has both --hue and --saturation")
    if brightness is None:
        raise click.UsageError("a light that is kept has a --brightness too")
    return light


def duration_s(text: str, hint: str, example: str = "45s") -> int:
    """Return the seconds of a duration that a user wrote.  hint: where.  example: of one that will do.

    Raises click.BadParameter.
    """
    found = seconds(text)
    if found is None or text[:1] in "+-":
        meant = guess(text)
        advice = f", did you mean {meant}?" if meant and meant[:1] != "-" else f' such as "{example}"'
        raise click.BadParameter(f"{text!r} is not a duration{advice}", param_hint=hint)
    return found
