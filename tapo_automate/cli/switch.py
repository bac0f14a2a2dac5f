"""`on`, `off`, `set` and `call`: tell a device something now."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapo_automate.cli.facts import show_private_option
from tapo_automate.cli.home import ask_each, chosen_devices, credentials_option, open_registry, specs_of
from tapo_automate.cli.one_device import named
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.errors import PluginError, TapoAutomateError

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec, Setting

Command = TypeVar("Command", bound=Callable[..., Any])


def _telling(command: Command) -> Command:
    """Add what the commands that set devices have in common."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing."),
        credentials_option,
        rules_option,
        click.argument("devices", nargs=-1, required=True, metavar="DEVICE..."),
    ):
        command = option(command)
    return command


@click.command()
@_telling
def on(devices: tuple[str, ...], **options: Any) -> None:
    """Switch devices or groups on."""
    from tapo_automate.device import Setting

    _tell(devices, Setting(on=True), **options)


@click.command()
@_telling
def off(devices: tuple[str, ...], **options: Any) -> None:
    """Switch devices or groups off."""
    from tapo_automate.device import Setting

    _tell(devices, Setting(on=False), **options)


@click.command(name="set")
@_telling
@click.option("--on/--off", "on_off", default=None, help="Switch on or off as well.")
@click.option("--brightness", type=int, metavar="PERCENT", help="1 to 100; to switch off, use --off.")
@click.option("--color-temp", type=int, metavar="KELVIN", help="White, within the lamp's own range.")
@click.option("--hue", type=click.IntRange(0, 360), metavar="DEGREES", help="Colour, 0 to 360.")
@click.option("--saturation", type=click.IntRange(0, 100), metavar="PERCENT", help="0 to 100.")
@click.option("--transition", metavar="DURATION", help='How long the change takes, such as "30s".')
@click.option("--toggle", is_flag=True, help="The opposite of what it is now; stands alone.")
def set_(
    devices: tuple[str, ...],
    on_off: bool | None,
    brightness: int | None,
    color_temp: int | None,
    hue: int | None,
    saturation: int | None,
    transition: str | None,
    toggle: bool,
    **options: Any,
) -> None:
    """Set brightness, colour and the like of devices or groups."""
    from tapo_automate.device import Setting
    from tapo_automate.rules.durations import milliseconds

    transition_ms = milliseconds(transition) if transition is not None else None
    if transition is not None and transition_ms is None:
        raise click.BadParameter(f'{transition!r} is not a duration such as "30s"', param_hint="--transition")
    if brightness is not None and not 1 <= brightness <= 100:
        advice = "; to switch off, use --off" if brightness == 0 else ""
        raise click.BadParameter(f"{brightness} is not in the range 1 to 100{advice}", param_hint="--brightness")
    if color_temp is not None and (hue is not None or saturation is not None):
        raise click.UsageError("--color-temp makes white, --hue and --saturation make colour: give one or the other")
    if on_off is False and any(value is not None for value in (brightness, color_temp, hue, saturation)):
        raise click.UsageError("--off goes alone or with --transition: setting a lamp's light switches it on")
    setting = Setting(on_off, brightness, color_temp, hue, saturation, transition_ms)
    if setting == Setting(transition_ms=transition_ms) and not toggle:
        raise click.UsageError("nothing to set: give at least one of --on, --off, --brightness, --color-temp, --hue, …")
    if toggle and setting != Setting():
        raise click.UsageError("--toggle stands alone")
    _tell(devices, Setting(toggle=True) if toggle else setting, **options)


@click.command()
@click.argument("device")
@click.argument("method")
@click.argument("params", required=False, metavar="[JSON]")
@rules_option
@credentials_option
@click.option("--json", "as_json", is_flag=True, help="Print the result on one line.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@show_private_option("what is private in the result")
@click.option("--yes-i-know", is_flag=True, help="Allow methods that can brick, reset or unbind the device.")
def call(
    device: str,
    method: str,
    params: str | None,
    rules: tuple[str, ...],
    credentials: Path | None,
    as_json: bool,
    dry_run: bool,
    show_private: bool,
    yes_i_know: bool,
) -> None:
    """Call METHOD of the device's own with JSON parameters, and print its result.

    Such as: call porch get_device_usage, or call porch set_device_info '{"device_on": true}'.

    Where the device is, the Wi-Fi, whose it is, and what opens something is shown as "…" without --show-private: think
    of who reads what you paste.
    """
    from tapo_automate.wire import DANGEROUS_METHODS, dangerous_method
    from tapo_automate.wire.private import masked

    if not method.strip():
        raise click.UsageError("which method? Say its name, such as get_device_info")
    given = _parse_params(params)
    danger = dangerous_method(method, given)
    if danger and not (yes_i_know or dry_run):
        raise click.UsageError(f"{danger} {DANGEROUS_METHODS[danger]}; if you mean it, add --yes-i-know")
    book = load_book(rules)
    if device in book.groups:
        raise click.UsageError(f"{device!r} is a group; call one device")
    (spec,) = specs_of(book, chosen_devices(book, [device]))
    if dry_run:
        shown = (given or {}) if show_private else masked(given or {})
        if as_json:
            row = {"device": device, "method": method, "params": shown, "done": False}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(f"would call {method} of {device} with {json.dumps(shown, ensure_ascii=False)}")
        return
    registry = open_registry(credentials)
    answers: list[Any] = []

    def ask(_: DeviceSpec, opened: Device) -> None:
        with named(device):
            answers.append(opened.call(method, given))

    (error,) = ask_each(registry, [spec], ask)
    if error:
        raise error
    (result,) = answers
    try:
        text = json.dumps(result if show_private else masked(result), ensure_ascii=False, indent=None if as_json else 2)
    except (TypeError, ValueError, RecursionError) as problem:  # an answer of a third party's driver
        what = f"{method} answered what JSON cannot hold: {problem}"
        raise PluginError(registry.plugin_of(spec.driver), what) from None
    click.echo(text)


def _parse_params(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        params = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as problem:
        raise click.BadParameter(f"not JSON: {problem}", param_hint="JSON") from None
    except RecursionError:
        raise click.BadParameter("nested too deep to be meant", param_hint="JSON") from None
    if not isinstance(params, dict):
        raise click.BadParameter('the parameters are an object, such as {"start_index": 0}', param_hint="JSON")
    return params


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _tell(
    devices: tuple[str, ...],
    setting: Setting,
    *,
    rules: tuple[str, ...],
    credentials: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    book = load_book(rules)
    specs = specs_of(book, chosen_devices(book, devices))
    errors: list[TapoAutomateError | None] = [None] * len(specs)
    if not dry_run:
        errors = ask_each(open_registry(credentials), specs, lambda _, device: _carry_out(device, setting))
    if as_json:
        rows = [
            {
                "device": spec.id,
                "set": setting.as_rule(),
                "done": not (dry_run or error),
                "error": str(error) if error else None,
            }
            for spec, error in zip(specs, errors, strict=True)
        ]
        click.echo(json.dumps({"devices": rows}, indent=2, ensure_ascii=False))
    for spec, error in zip(specs, errors, strict=True):
        if error:
            click.echo(f"{spec.id}: {error}", err=True)
        elif not as_json:
            click.echo(f"{'would set ' if dry_run else ''}{spec.id}: {setting}")
    if any(errors):
        raise SystemExit(3)


def _carry_out(device: Device, setting: Setting) -> None:
    from tapo_automate.ramp import begin

    passed_ms = 0
    for after_ms, step in begin(device, setting):
        time.sleep((after_ms - passed_ms) / 1000)
        passed_ms = after_ms
        device.apply(step)
