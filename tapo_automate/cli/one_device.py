"""What the commands share that ask or set one device of the rules: its options, and how it is opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tapo_automate.cli.home import chosen_devices, credentials_option, open_registry, specs_of
from tapo_automate.cli.options import load_book, rules_option
from tapo_automate.errors import DeviceError, Unsupported

if TYPE_CHECKING:
    from tapo_automate.wire.commands.asking import Asked

Command = TypeVar("Command", bound=Callable[..., Any])


def one_device(command: Command) -> Command:
    """Add DEVICE, `--rules` and `--credentials` (parameters device, rules, credentials), and `--json` (as_json)."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        credentials_option,
        rules_option,
        click.argument("device"),
    ):
        command = option(command)
    return command


def dry_run_option(command: Command) -> Command:
    """Add `--dry-run` (parameter dry_run), for commands that set something."""
    return click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")(command)


@contextmanager
def opened(device: str, rules: tuple[str, ...], credentials: Path | None) -> Iterator[Asked]:
    """Give the device of the rules, open; "strip/1" for a socket.

    Raises click.UsageError for a name that is not one device, Unsupported if its driver does not speak Tapo's commands.
    """
    from tapo_automate.wire.commands.asking import Asked

    book = load_book(rules)
    if device in book.groups:
        raise click.UsageError(f"{device!r} is a group; name one device")
    (spec,) = specs_of(book, chosen_devices(book, [device]))
    found = open_registry(credentials).open(spec)
    try:
        if not isinstance(found, Asked):
            raise Unsupported(device, f"its driver {spec.driver!r} does not speak the commands of Tapo devices")
        with named(device):
            yield found
    finally:
        found.close()


@contextmanager
def named(device: str) -> Iterator[None]:
    """Have what goes wrong with a device say its name in the rules, before its address."""
    try:
        yield
    except DeviceError as error:
        error.args = (f"{device}: {error}",)
        raise


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
