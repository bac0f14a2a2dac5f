"""`tapo-automate reload`: have the running daemon take its rule files on again, and say what came of it."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.home import state_folder, state_option
from tapo_automate.cli.options import installed_drivers, rules_option
from tapo_automate.errors import RulesInvalid, TapoAutomateError

if TYPE_CHECKING:
    from tapo_automate.cli.instance import Holder
    from tapo_automate.cli.reloading import Attempt

_LOOK_S = 0.05  # between two looks whether the daemon has answered


@click.command(
    epilog="""\b
Exit codes:
  0  the rules are carried out as the files say
  1  no daemon is running, or it did not answer in time
  2  the files have errors, the daemon carries on with the rules from before; or wrong use
"""
)
@rules_option
@state_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=86_400),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the daemon's answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--dry-run", is_flag=True, help="Only show what would change; the daemon is not told.")
@click.pass_context
def reload(
    context: click.Context, rules: tuple[str, ...], state: Path | None, timeout: float, as_json: bool, dry_run: bool
) -> None:
    """Have the running daemon take its rule files on again, and show what changed.

    The daemon reads the files that it was started with.  With --dry-run, -r names others to compare with.
    """
    from tapo_automate.cli.instance import hang_up, holder

    named = context.get_parameter_source("rules") is click.core.ParameterSource.COMMANDLINE
    if math.isnan(timeout):
        raise click.BadParameter("nan is not a number of seconds", param_hint="--timeout")
    if named and not dry_run:
        raise click.UsageError("-r goes with --dry-run only: the daemon reads the files that it was started with")
    folder = state_folder(state)
    daemon = holder(folder)
    if daemon is None:
        raise TapoAutomateError(f"no daemon is running with the state folder {folder}; name its folder with --state")
    if dry_run:
        _would_change(_answer(folder, daemon, 0.0, timeout), rules if named else None, as_json)
        return
    asked_s = time.monotonic()
    hang_up(folder, daemon)
    attempt = _answer(folder, daemon, asked_s, timeout)
    if as_json:
        _print_json(attempt.ok, attempt.changes, attempt.report, attempt)
    elif not attempt.ok:
        click.echo(f"tapo-automate: the daemon carries on with the rules from before\n{attempt.report}", err=True)
    else:
        _print_changes(
            "reloaded", attempt.changes, f"nothing changed; these rules are carried out since {attempt.since}"
        )
    raise SystemExit(0 if attempt.ok else 2)


def _answer(folder: Path, daemon: Holder, asked_s: float, timeout_s: float) -> Attempt:
    """Return the daemon's first attempt that began after asked_s, by the machine's monotonic clock."""
    from tapo_automate.cli.instance import holder
    from tapo_automate.cli.reloading import last_attempt

    deadline = time.monotonic() + timeout_s
    while True:
        attempt = last_attempt(folder)
        if attempt and attempt.pid == daemon.pid and attempt.began_s >= asked_s:
            return attempt
        if holder(folder) != daemon:
            raise TapoAutomateError(f"the daemon ({daemon}) has ended meanwhile; its log says why")
        if time.monotonic() > deadline:
            raise TapoAutomateError(f"the daemon ({daemon}) has not answered within {timeout_s:g} s; its log says more")
        time.sleep(_LOOK_S)


def _would_change(attempt: Attempt, rules: Sequence[str] | None, as_json: bool) -> None:
    from tapo_automate.rules.difference import canonical, differences_of
    from tapo_automate.rules.load import load_or_raise

    paths = rules or [_near(path) for path in attempt.paths]
    try:
        book = load_or_raise(paths, drivers=installed_drivers())
    except RulesInvalid as invalid:
        if as_json:
            _print_json(False, (), invalid.report, None)
        else:
            click.echo(
                f"tapo-automate: the daemon would carry on with the rules from before\n{invalid.report}", err=True
            )
        raise SystemExit(2) from None
    changes = differences_of(attempt.canonical, canonical(book))
    if as_json:
        _print_json(True, changes, "", None)
    else:
        _print_changes("would be reloaded", changes, "nothing would change")


def _print_changes(done: str, changes: Sequence[str], without: str) -> None:
    if not changes:
        click.echo(without)
        return
    click.echo(f"{done}, {len(changes)} {'change' if len(changes) == 1 else 'changes'}:")
    for change in changes:
        click.echo(f"  {change}")


def _print_json(ok: bool, changes: Sequence[str], report: str, attempt: Attempt | None) -> None:
    """attempt: None where there was none, for --dry-run."""
    answer = {
        "ok": ok,
        "dry_run": attempt is None,
        "changes": list(changes),
        "report": report,
        "at": attempt and attempt.at,
        "since": attempt and attempt.since,
    }
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def _near(path: str) -> str:
    """Return a path as it is shortest to write from here."""
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path
