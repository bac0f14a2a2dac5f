"""`sync plan`: what apply would change.  It reads, and writes nothing but the plan that it is told to save."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_notes import notes
from tapo_automate.cli.sync_options import at_home, device_option, ledger_path, load_rules, planning
from tapo_automate.cli.sync_survey import plan_of, read_devices
from tapo_automate.cli.sync_text import plan_lines, show
from tapo_automate.cli.when import utc_now
from tapo_automate.errors import ConfigError

if TYPE_CHECKING:
    from tapo_automate.sync.model import Plan


@click.command(epilog=EXIT_CODES)
@at_home
@device_option
@planning
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan, for `sync apply FILE`."
)
def plan(
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    only: tuple[str, ...],
    fix_clock: bool,
    rearm: bool,
    markdown: bool,
    output: Path | None,
) -> None:
    """Show what `sync apply` would change in the devices' own tables, and what stays with the daemon and why.

    Reads only: each device is asked once for what it holds.
    """
    from tapo_automate.sync.ledger import load_ledger

    if markdown and as_json:
        raise click.UsageError("--json and --markdown are two ways of printing: choose one")
    book = load_rules(rules)
    chosen = chosen_devices(book, only)
    if output:
        _refuse_place(output, rules)
    known = load_ledger(ledger_path(ledger, rules))
    registry = open_registry(credentials)
    readings, problems = read_devices(registry, specs_of(book, chosen))
    made = plan_of(book, chosen, known, readings, problems, utc_now(), fix_clock=fix_clock, rearm=rearm)
    if output:
        save_plan(made, output)
    if as_json:
        click.echo(json.dumps(plan_as_dict(made), indent=2, ensure_ascii=False))
    elif markdown:
        from tapo_automate.cli.sync_markdown import plan_markdown

        click.echo(plan_markdown(made), nl=False)
    else:
        show(plan_lines(made))
    if output and exit_code(made) != 0:
        click.echo(f"Saved: `tapo-automate sync apply {output}` carries out exactly this.", err=True)
    if not only:
        show(notes(book, known, readings), err=True)
    raise SystemExit(exit_code(made))


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """Return a plan as the JSON of the commands has it."""
    from tapo_automate.sync.plan import as_json

    return as_json(plan)


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan to a file that `sync apply` reads.  Raises ConfigError."""
    from tapo_automate.sync.planfile import dump_plan

    try:
        path.write_text(dump_plan(plan), "utf-8")
    except OSError as problem:
        raise ConfigError(f"{path}: the plan cannot be written there: {problem.strerror}") from None


def _refuse_place(path: Path, rules: Sequence[str]) -> None:
    """Raise ConfigError where a plan would take the place of something else, or be read as rules from then on."""
    from tapo_automate.rules.load import holds_rules
    from tapo_automate.sync.planfile import is_plan

    folders = (Path(each).resolve() for each in rules if Path(each).is_dir())
    if path.resolve().parent in folders and holds_rules(path):
        raise ConfigError(f"{path}: rules are read from that folder, and the plan would be taken for some")
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return  # not there, or `save_plan` says why not
    if text and not is_plan(text):
        raise ConfigError(f"{path}: it is there already and no plan, and is not written over: choose another name")


def exit_code(plan: Plan) -> int:
    """Return 3 where a device could not be read, 2 where anything is to be done or nobody does it, else 0."""
    if any(device.error for device in plan.devices):
        return 3
    return 2 if plan.pending or plan.neglects else 0
