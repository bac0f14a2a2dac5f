"""`discover --write`: the rule file that devices are added to, looked over before anybody is searched for."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.options import installed_drivers
from tapo_automate.cli.sync_text import count
from tapo_automate.errors import ConfigError, RulesInvalid
from tapo_automate.rules.load import files_in, load_texts, text_of
from tapo_automate.rules.problems import report
from tapo_automate.rules.zones import nearest_zone, zone_named
from tapo_automate.sync.devices_file import NewDevice, added, named, new_file, tables, unknown

if TYPE_CHECKING:
    from tapo_automate.rules.model import RuleBook

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class Growing:
    """A rule file, and the book that it belongs to."""

    def __init__(self, path: Path, rules: Sequence[str], timezone: str | None, *, rules_named: bool) -> None:
        """rules_named: the user named them for this; else they count only if the file is among them.

        Raises ConfigError for a file that cannot be added to, or begun; click.UsageError.
        """
        self._path = path
        self._drivers = installed_drivers()
        if path.is_dir():
            raise ConfigError(f"{path}: a folder; name a file in it, such as {path / 'devices.toml'}")
        if not path.parent.is_dir():
            raise ConfigError(f"{path}: there is no folder {path.parent}")
        self._there = path.exists()
        self._before = self._book_texts(rules, rules_named)
        self._name = next((name for name in self._before if _same(name, path)), str(path))
        self._timezone: str | None = None
        if not self._before:
            self._timezone = _zone(path, timezone)
        elif timezone:
            raise click.UsageError(f"--timezone is for a new rule book, and {path} belongs to one that has its zone")
        else:
            self._book()

    def _book(self) -> RuleBook:
        """Return the book as it is.  Raises RulesInvalid."""
        loaded = load_texts(list(self._before.items()), drivers=self._drivers)
        if loaded.book is not None:
            return loaded.book
        text = report(loaded.errors)
        if len(self._before) == 1:
            text += f"\nIf {self._path} is one of several files, name them all, or their folder, with --rules."
        raise RulesInvalid(len(loaded.errors), text)

    def _book_texts(self, rules: Sequence[str], rules_named: bool) -> dict[str, str]:
        """Return the files of the book, by name; none for a file that begins one."""
        book = files_in([self._path])
        if rules_named or all(Path(rule).exists() for rule in rules):
            named_files = files_in(rules)
            if any(_same(name, self._path) for name in named_files) or self._will_be_among(rules):
                book = named_files
            elif rules_named:
                raise click.UsageError(
                    f"{self._path} is not part of the rule book that --rules names: name it there too, or put it into "
                    "a folder that is named there"
                )
        return {name: text_of(name) for name in book if self._there or not _same(name, self._path)}

    def _will_be_among(self, rules: Sequence[str]) -> bool:
        return self._path.suffix == ".toml" and any(
            Path(rule).is_dir() and _same(rule, self._path.parent) for rule in rules
        )

    def add(self, devices: Sequence[NewDevice], *, dry_run: bool) -> None:
        """Write the devices that the book does not have, and say so; with dry_run only say it."""
        new, taken = list(devices), set[str]()
        if self._before:
            book = self._book()
            new, said = unknown(devices, book)
            for line in said:
                click.echo(f"left out: {line}", err=True)
            taken = {*book.devices, *book.groups}
        if not new:
            click.echo(f"{self._path}: nothing to add", err=True)
            return
        by_name = named(new, taken)
        text = self._text(by_name)
        if dry_run:
            click.echo(tables(by_name) if self._there else text, nl=False)
            return
        if self._path.exists() and self._before.get(self._name) != text_of(self._name):
            raise ConfigError(f"{self._path}: it was changed meanwhile; nothing was written")
        _write(self._path, text)
        for name, device in by_name.items():
            click.echo(f"{name}: {device.model} {device.mac} at {device.host}")
        click.echo(f"{self._path}: {count(len(by_name), 'device')} added", err=True)

    def _text(self, devices: Mapping[str, NewDevice]) -> str:
        if self._before:
            return added(self._before, self._name, devices, drivers=self._drivers)
        text = new_file(devices, self._timezone)
        assert load_texts([(self._name, text)], drivers=self._drivers).book is not None
        return text


def _zone(path: Path, named_zone: str | None) -> str:
    """Return the time zone for a new rule book.  Raises ConfigError, click.UsageError."""
    if named_zone is not None:
        if zone_named(named_zone) is None:
            near = nearest_zone(named_zone)
            hint = f"did you mean {near!r}?" if near else "write it as in --timezone Europe/Berlin"
            raise click.UsageError(f"unknown time zone {named_zone!r}; {hint}")
        return named_zone
    here = _zone_of_this_computer()
    if here is None:
        raise ConfigError(
            f"{path}: a new rule book needs the time zone of the house, and this computer does not say which it is in: "
            "--timezone Europe/Berlin"
        )
    click.echo(f"{path}: the time zone is taken from this computer, {here}; --timezone names another", err=True)
    return here


def _zone_of_this_computer() -> str | None:
    """Return the name of the zone, None where it has none, or UTC, which tells nothing of where a house is."""
    for name in (os.environ.get("TZ", "").lstrip(":"), os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]):
        if name:
            zone = zone_named(name)
            return name if zone is not None and "/" in name and not name.startswith("Etc/") else None
    return None


def _same(one: str | Path, other: str | Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, behind a link that stays one, with the rights it has.  Raises ConfigError."""
    target = Path(os.path.realpath(path))
    try:
        try:
            mode = stat.S_IMODE(target.stat().st_mode)
        except FileNotFoundError:
            mode = 0o644
        if not mode & _WRITE_BITS:
            raise ConfigError(f"{path}: cannot be written: it is read-only")
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be written: {problem.strerror}") from None
