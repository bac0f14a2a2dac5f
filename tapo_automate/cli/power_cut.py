"""`after-power-cut`: what a device does when its power comes back."""

from __future__ import annotations

from typing import Any

import click

from tapo_automate.cli.one_device import dry_run_option, one_device
from tapo_automate.cli.telling import chosen_light, light_options, show, tell
from tapo_automate.device import Setting
from tapo_automate.wire.commands.asking import Asked
from tapo_automate.wire.commands.default_states import (
    DefaultStates,
    Power,
    get_default_states,
    set_default_states,
)

_POWERS: dict[str, Power] = {"on": "on", "off": "off", "last": "last"}
_POWER_WORDS = {"on": "comes back on", "off": "stays off", "last": "comes back as it was"}


@click.command(name="after-power-cut")
@one_device
@click.argument("power", required=False, type=click.Choice([*_POWERS]), metavar="[on|off|last]")
@click.option("--last-light", is_flag=True, help="Lamps: with the light that it had.")
@light_options
@dry_run_option
def after_power_cut(
    device: str,
    power: str | None,
    last_light: bool,
    brightness: int | None,
    color_temp: int | None,
    hue: int | None,
    saturation: int | None,
    **options: Any,
) -> None:
    """Show or set what a device does when its power comes back.

    \b
    after-power-cut plug             show it
    after-power-cut plug last        as it was; also "on" and "off"
    after-power-cut lamp on --brightness 40 --color-temp 2700
    after-power-cut lamp --last-light
    """
    light = chosen_light(brightness, color_temp, hue, saturation)
    if last_light and light is not None:
        raise click.UsageError("--last-light goes without a light of its own")
    chosen_power = None if power is None else _POWERS[power]
    if power is None and light is None and not last_light:
        show(device, lambda asked: _told(get_default_states(asked)), **options)
        return

    def do(asked: Asked) -> tuple[str, dict[str, Any]]:
        set_default_states(asked, chosen_power, "last" if last_light else light)
        words = [_POWER_WORDS[power]] if power else []
        words += [_light_words(light)] if light is not None or last_light else []
        return ", ".join(words), {"power": power, "light": "last" if last_light else light and light.as_rule()}

    tell(device, do, **options)


def _told(found: DefaultStates) -> tuple[str, dict[str, Any]]:
    words = [_POWER_WORDS[found.power]] if found.power else []
    words += [_light_words(found.light)] if found.has_light else []
    light = found.light.as_rule() if found.light else "last" if found.has_light else None
    row = {"power": found.power, "powers": list(found.powers), "light": light}
    return ", ".join(words) or "it does not say whether it comes back on", row


def _light_words(light: Setting | None) -> str:
    return "with the light that it had" if light is None else f"with {light}"
