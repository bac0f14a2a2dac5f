"""`sync adopt`: rows that people made in the phone app, written as rules.  It writes to no device."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_options import at_home, confirm, device_option, ledger_path, load_rules, writing
from tapo_automate.cli.sync_survey import read_devices
from tapo_automate.cli.sync_text import COLORS, SIGNS, TABLE_WORDS, count, show
from tapo_automate.errors import ConfigError, RulesInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tapo_automate.errors import TapoAutomateError
    from tapo_automate.sync.adopt import Adopted
    from tapo_automate.sync.ledger import LedgerFile
    from tapo_automate.sync.model import Reading


@click.command(epilog=EXIT_CODES)
@at_home
@device_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the rules; what it says already stays.  Default: beside the rules, as rules.adopted.toml, where it "
    "is read with them.",
)
@writing
def adopt(
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    only: tuple[str, ...],
    output: Path | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Write rows that were made by hand in the phone app as rules, so that they are kept with the others.

    A row becomes a rule only if nothing is left to do afterwards; what cannot be said as a rule is left alone, with the
    reason.  No device is written to.  --dry-run prints the rules.
    """
    from tapo_automate.rules.load import files_in
    from tapo_automate.sync.adopt import adopt_rows, rule_file
    from tapo_automate.sync.ledger import LedgerFile, locked

    book = load_rules(rules)
    chosen = chosen_devices(book, only)
    path = ledger_path(ledger, rules)
    file = output or adopted_file(rules)
    with nullcontext() if dry_run else locked(path):
        known = LedgerFile(path)
        readings, problems = read_devices(open_registry(credentials), specs_of(book, chosen))
        found: list[Adopted] = []
        for device_id in chosen:
            if device_id in readings:
                taken = [rule_id for each in found for rule_id in each.rules]
                found.append(adopt_rows(book, device_id, readings[device_id], known.ledger.of(device_id), taken))
        number = sum(len(each.rules) for each in found)
        before = _text_of(file)
        text = rule_file(found, before) if number else before
        if not as_json:
            show(_lines(found, file))
            if dry_run and number:
                click.echo("\n" + text, nl=False)
        linked = False
        if number and not dry_run:
            confirm(f"Write {count(number, 'rule')} to {file}?", yes=yes)
            known.check_writable()
            _write(file, text)
            linked = any(each.samefile(file) for each in map(Path, files_in(rules)))
            if linked:
                _check(rules, file, before)
                _link(found, readings, known)
    if as_json:
        click.echo(json.dumps(_as_json(found, problems, file, text, linked), indent=2, ensure_ascii=False))
    elif number and not dry_run:
        click.echo(f"{count(number, 'rule')} written to {file}.")
    if number and not dry_run and not linked:
        click.echo(
            f"{file} is not among the rules: name it with --rules, and `sync apply` makes the rows ours", err=True
        )
    for device_id, problem in problems.items():
        show([click.style(f"{device_id}: {problem}", fg="red")], err=True)
    raise SystemExit(3 if problems else 2 if dry_run and number else 0)


def adopted_file(rules: Sequence[str]) -> Path:
    """Return the file that adopted rules go into, which is read together with the rules."""
    from tapo_automate.rules.load import ADOPTED_SUFFIX

    first = Path(rules[0])
    if first.is_dir():
        return first / ADOPTED_SUFFIX.removeprefix(".")
    return first if first.name.endswith(ADOPTED_SUFFIX) else first.with_name(first.stem + ADOPTED_SUFFIX)


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{file}: cannot be read: {getattr(problem, 'strerror', 'it is not UTF-8')}") from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as problem:
        raise ConfigError(f"{file}: the rules cannot be written there: {problem.strerror}") from None


def _check(rules: Sequence[str], file: Path, before: str) -> None:
    """Take a file back that the rules cannot be read with.  Raises ConfigError."""
    try:
        load_rules(rules)
    except RulesInvalid as problem:
        if before:
            _write(file, before)
        else:
            file.unlink()
        raise ConfigError(
            f"{file}: nothing was written, since the rules could not be read with it: {problem}"
        ) from None


def _link(found: Sequence[Adopted], readings: Mapping[str, Reading], ledger: LedgerFile) -> None:
    """Enter the rows in the ledger."""
    from tapo_automate.sync.ledger import hardware_digest

    for each in found:
        if each.recorded:
            recorded = ledger.ledger.of(each.device)
            hardware = hardware_digest(readings[each.device].holdings.description.hardware_id)
            ledger.replace(each.device, replace(recorded, hardware=hardware, rows=(*recorded.rows, *each.recorded)))


def _lines(found: Sequence[Adopted], file: Path) -> Iterator[str]:
    number = left = 0
    for each in found:
        if not (each.rules or each.left_alone):
            continue
        yield click.style(each.device, bold=True)
        for row in each.recorded:
            place = f"{TABLE_WORDS[row.table]} {row.row_id}".rstrip()
            line = click.style(f"  {SIGNS['adopt']} {place:<16} {row.text}", fg=COLORS["adopt"])
            yield line + f"   {', '.join(row.rules)}"
        for alone in each.left_alone:
            place = f"{TABLE_WORDS[alone.table]} {alone.row_id}".rstrip()
            yield f"    {place:<16} {alone.text}"
            yield f"    {'left alone':<16} {alone.reason}"
        yield ""
        number, left = number + len(each.rules), left + len(each.left_alone)
    if not number:
        yield "There is nothing to adopt." + (f" {count(left, 'row')} left alone." if left else "")
    else:
        become = "a rule" if number == 1 else "rules"
        yield f"{count(number, 'row')} to become {become} in {file}" + (f", {left} left alone." if left else ".")


def _as_json(
    found: Sequence[Adopted], problems: Mapping[str, TapoAutomateError], file: Path, text: str, linked: bool
) -> dict[str, Any]:
    devices: list[dict[str, Any]] = [
        {
            "device": each.device,
            "rules": [
                {"rule": rule_id, "table": row.table, "id": row.row_id or None, "text": row.text}
                for row in each.recorded
                for rule_id in row.rules
            ],
            "left_alone": [
                {"table": row.table, "id": row.row_id or None, "text": row.text, "reason": row.reason}
                for row in each.left_alone
            ],
            "error": None,
        }
        for each in found
    ]
    devices += [
        {"device": device_id, "rules": [], "left_alone": [], "error": str(problem)}
        for device_id, problem in problems.items()
    ]
    return {"devices": devices, "file": str(file), "text": text, "linked": linked}
