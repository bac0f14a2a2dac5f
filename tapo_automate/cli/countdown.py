"""`countdown`: the timer inside a device, which runs whether this computer does or not."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import click

from tapo_automate.cli.home import ask_each, chosen_devices, credentials_option, open_registry, specs_of
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.device import HasTimer, Setting
from tapo_automate.errors import TapoAutomateError, Unsupported
from tapo_automate.rules.durations import guess, seconds, spell

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec
    from tapo_automate.rules.model import Rule, RuleBook

MOST_S = 86_400

Row: TypeAlias = dict[str, Any]
Running: TypeAlias = tuple[int, Setting] | None


@click.command(short_help="Start, show or stop the countdown inside devices.")
@click.argument("words", nargs=-1, required=True, metavar="DEVICE... [AFTER on|off]")
@rules_option
@credentials_option
@click.option("--brightness", type=click.IntRange(1, 100), metavar="PERCENT", help="With on: 1 to 100.")
@click.option("--color-temp", type=int, metavar="KELVIN", help="With on: white, within the lamp's own range.")
@click.option("--hue", type=click.IntRange(0, 360), metavar="DEGREES", help="With on: colour, 0 to 360.")
@click.option("--saturation", type=click.IntRange(0, 100), metavar="PERCENT", help="With on: 0 to 100.")
@click.option("--stop", is_flag=True, help="Stop what runs.")
@click.option("--dry-run", is_flag=True, help="Say what would be started or stopped, and ask no device.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def countdown(
    words: tuple[str, ...],
    rules: tuple[str, ...],
    credentials: Path | None,
    brightness: int | None,
    color_temp: int | None,
    hue: int | None,
    saturation: int | None,
    stop: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Start, show or stop the countdown inside devices or groups.

    \b
    countdown heater 45m off   switch it off in 45 minutes, whether this computer runs then or not
    countdown heater           show what runs
    countdown heater --stop    stop it

    AFTER is 1s to 24h, such as 45m or 1h30m.  A device holds one countdown: a new one takes the place of one that runs.
    It forgets it when it loses its power.
    """
    book = load_book(rules)
    light = Setting(None, brightness, color_temp, hue, saturation)
    names, order = _read(words, light, {*book.devices, *book.groups})
    if stop:
        if order is not None or light != Setting():
            raise click.UsageError("--stop goes with devices alone")
        order = _Stop()
    chosen = specs_of(book, chosen_devices(book, names))
    _carry_out(order or _Show(), chosen, _failsafes(book), credentials, dry_run=dry_run, as_json=as_json)


class _Order(Protocol):
    """What is to be done with each device."""

    def would(self, name: str) -> str:
        """Return what a dry run says of the device of this name, "" where nothing would change."""

    def row(self) -> Row:
        """Return what is known of each device's row before it was asked."""

    def carry_out(self, device: HasTimer, row: Row) -> str:
        """Ask the device, complete its row and return what to say of it."""

    def instead(self, row: Row) -> tuple[Row | None, str]:
        """Return the countdown that is no more, and what becomes of it if it was a rule's fail-safe."""


@dataclass(frozen=True, slots=True)
class _Show:
    def would(self, name: str) -> str:
        return ""

    def row(self) -> Row:
        return {"left_s": None, "set": None}

    def carry_out(self, device: HasTimer, row: Row) -> str:
        running = device.timer()
        row |= _as_json(running) or {}
        return _in_words(running)

    def instead(self, row: Row) -> tuple[Row | None, str]:
        return None, ""


@dataclass(frozen=True, slots=True)
class _Start:
    after_s: int
    setting: Setting

    def would(self, name: str) -> str:
        return f"would start {name}: {self}"

    def row(self) -> Row:
        return {"after_s": self.after_s, "set": self.setting.as_rule(), "replaced": None, "done": False}

    def carry_out(self, device: HasTimer, row: Row) -> str:
        before = device.timer()
        device.start_timer(self.after_s, self.setting)
        row |= {"replaced": _as_json(before), "done": True}
        return f"{self}, in place of {_in_words(before)}" if before else str(self)

    def instead(self, row: Row) -> tuple[Row | None, str]:
        return row["replaced"], "the daemon starts that again when this countdown is over"

    def __str__(self) -> str:
        return _in_words((self.after_s, self.setting))


@dataclass(frozen=True, slots=True)
class _Stop:
    def would(self, name: str) -> str:
        return f"would stop {name}"

    def row(self) -> Row:
        return {"stopped": None, "done": False}

    def carry_out(self, device: HasTimer, row: Row) -> str:
        before = device.timer()
        device.stop_timer()
        row |= {"stopped": _as_json(before), "done": True}
        return f"stopped {_in_words(before)}" if before else _in_words(None)

    def instead(self, row: Row) -> tuple[Row | None, str]:
        return row["stopped"], "the daemon starts that again while the device is on"


def _failsafes(book: RuleBook) -> dict[str, Rule]:
    """Return, for each device on which a rule has a fail-safe, the first such rule."""
    found: dict[str, Rule] = {}
    for rule in book.rules.values():
        if rule.enabled and rule.failsafe_s:
            found = {**dict.fromkeys(rule.device_ids, rule), **found}
    return found


def _carry_out(
    order: _Order,
    chosen: Sequence[DeviceSpec],
    failsafes: Mapping[str, Rule],
    credentials: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    rows: dict[str, Row] = {spec.id: {"device": spec.id, **order.row(), "error": None} for spec in chosen}
    lines = {spec.id: order.would(spec.id) for spec in chosen}

    def ask(spec: DeviceSpec, device: Device) -> None:
        if not isinstance(device, HasTimer):
            raise Unsupported(spec.host or spec.mac, f"the driver {spec.driver!r} offers no countdown")
        lines[spec.id] = f"{spec.id}: {order.carry_out(device, rows[spec.id])}"

    errors: list[TapoAutomateError | None] = [None] * len(chosen)
    if not dry_run or not all(lines.values()):
        errors = ask_each(open_registry(credentials), chosen, ask)
    for row, error in zip(rows.values(), errors, strict=True):
        row["error"] = str(error) if error else None
    if as_json:
        click.echo(json.dumps({"devices": list(rows.values())}, indent=2, ensure_ascii=False))
    for name, row in rows.items():
        if row["error"]:
            click.echo(f"{name}: {row['error']}", err=True)
        elif not as_json:
            click.echo(lines[name])
        gone, what_then = order.instead(row) if row.get("done") else (None, "")
        rule = failsafes.get(name)
        if rule and gone and gone["set"] == {"on": False} and gone["left_s"] <= rule.failsafe_s:
            click.echo(f"{name}: this may have been the fail-safe of rule {rule.id}; {what_then}", err=True)
    if any(errors):
        raise SystemExit(3)


def _read(words: Sequence[str], light: Setting, known: Container[str]) -> tuple[list[str], _Order | None]:
    """Return the devices' names and what the words after them start, or None.  Raises click.UsageError.

    known: the names of devices and groups; a word that is one of them is never anything else.
    """
    names = list(words)
    action = names.pop() if len(names) > 1 and names[-1] not in known and _is_action(names[-2:]) else None
    after = names.pop() if len(names) > 1 and names[-1] not in known and (action or _is_duration(names[-1])) else None
    lit = light != Setting()
    if action is None and after is None and not lit:
        return names, None
    if action not in ("on", "off", None):
        problem = f"{action!r} is nothing that a countdown in a device does"
        raise click.UsageError(f"{problem}: it switches on or off, such as: countdown heater 45m off")
    if after is None and _is_duration(names[-1]) and names[-1] not in known:
        raise click.UsageError("which device? Say it first, such as: countdown heater 45m off")
    if after is None:
        raise click.UsageError(f"in what time? Say it after the device, such as: countdown {names[-1]} 45m off")
    if action is None and not lit:
        raise click.UsageError(f"what is to happen after {after}? Say on or off")
    if action == "off" and lit:
        raise click.UsageError("off goes alone: setting a lamp's light switches it on")
    return names, _Start(_after_s(after), replace(light, on=action != "off"))


def _is_action(last_two: Sequence[str]) -> bool:
    """Whether the last word is meant to say what happens: it does, or it stands where that is said."""
    before, last = last_two
    return last in ("on", "off", "toggle") or (_is_duration(before) and not _is_duration(last))


def _is_duration(word: str) -> bool:
    return seconds(word) is not None or guess(word) is not None


def _after_s(text: str) -> int:
    after_s = seconds(text)
    if after_s is None:
        meant = guess(text)
        hint = f", did you mean {meant}?" if meant else ' such as "45m"'
        raise click.BadParameter(f"{text!r} is not a duration{hint}", param_hint="AFTER")
    if not 1 <= after_s <= MOST_S:
        problem = f"{text} is out of range: a countdown in a device runs 1s to 24h"
        raise click.BadParameter(problem, param_hint="AFTER")
    return after_s


def _in_words(running: Running) -> str:
    if running is None:
        return "no countdown"
    left_s, setting = running
    return f"{setting} in {spell(left_s)}"


def _as_json(running: Running) -> Row | None:
    return None if running is None else {"left_s": running[0], "set": running[1].as_rule()}
