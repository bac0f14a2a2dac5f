"""What the commands about one device share: what it told, in words and in JSON, and consent to what is dangerous."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def yes_i_know_option(command: Command) -> Command:
    """Add `--yes-i-know` (parameter yes_i_know), for `check_consent`."""
    return click.option("--yes-i-know", is_flag=True, help="Allow what can brick, reset or lose the device.")(command)


def show_private_option(what: str) -> Callable[[Command], Command]:
    """Add `--show-private` (parameter show_private).  what: it shows."""
    return click.option("--show-private", is_flag=True, help=f"Show {what} as well.")


def check_consent(method: str, given: bool) -> None:
    """Raise click.UsageError for a dangerous method unless it is meant."""
    from tapo_automate.wire import DANGEROUS_METHODS

    if not given:
        raise click.UsageError(f"{method} {DANGEROUS_METHODS[method]}; if you mean it, add --yes-i-know")


def check_whole(device: str, what: str) -> None:
    """Raise click.UsageError for a socket.  what: that only a whole strip has."""
    strip, slash, _ = device.partition("/")
    if slash:
        raise click.UsageError(f"{device!r} is a socket, and {what} is the whole strip's: name {strip!r}")


def in_json(value: object, leave_out: Collection[str] = ()) -> Any:
    """Return what a command of a device answered as JSON has it.  leave_out: names of fields that are not shown.

    Instants are in UTC with a Z; those of which the zone is the point have its offset; what has no zone has none.
    """
    if is_dataclass(value):
        names = (field.name for field in fields(value))
        return {name: in_json(getattr(value, name), leave_out) for name in names if name not in leave_out}
    match value:
        case dt.datetime() if value.tzinfo is dt.UTC:
            return value.isoformat().replace("+00:00", "Z")
        case dt.datetime() | dt.date():
            return value.isoformat()
        case Mapping():
            return {key: in_json(inner, leave_out) for key, inner in value.items()}
        case list() | tuple():
            return [in_json(inner, leave_out) for inner in value]
        case _:
            return value


def print_facts(facts: Iterable[tuple[str, str | None]]) -> None:
    """Print names and what there is to say of each, one a line; those without are left out."""
    said = [(name, text) for name, text in facts if text]
    width = max((len(name) for name, _ in said), default=0)
    for name, text in said:
        click.echo(f"{name:<{width}}  {text}")
