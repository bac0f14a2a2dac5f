"""`tapo-automate sync`: the rules that devices carry out by themselves, brought into the devices' own tables.

Its exit codes are those of plan tools and not of the other commands, so that a pipeline can tell "there is something to
do" from "something is wrong": that is 1 here, wrong use included.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from tapo_automate.cli import LazyGroup
from tapo_automate.errors import DeviceError, TapoAutomateError

_COMMANDS = {
    "plan": ("sync_plan", "plan", "Show what apply would change; reads only."),
    "apply": ("sync_apply", "apply", "Bring the devices' tables to where the rules want them."),
    "drift": ("sync_drift", "drift", "Show, or settle, what was changed by hand in rows of ours."),
    "adopt": ("sync_adopt", "adopt", "Write rows made in the phone app as rules."),
    "restore": ("sync_restore", "restore", "Bring a device's tables back to a backup."),
    "refresh": ("sync_refresh", "refresh", "Rebuild a lost ledger from what devices hold; writes to none."),
    "backup": ("sync_backup", "backup", "Keep what the devices' tables hold, for restore."),
}

EXIT_CODES = """\b
Exit codes:
  0  there is nothing to do, or all is done
  1  an error: wrong use, rules, ledger or plan that cannot be used, a plan that needs a flag, no
     credentials, nobody to ask
  2  changes or drift were found (plan, drift), or drift is left (apply); or a rule that only a
     device may carry out is carried out by nobody (plan, apply)
  3  a device could not be read or was changed in part; the others were served
"""


class _SyncGroup(LazyGroup):
    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _errors_end_with_1():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_end_with_1():
            return super().invoke(ctx)


@click.group(cls=_SyncGroup, lazy=_COMMANDS, no_args_is_help=False, epilog=EXIT_CODES)
def sync() -> None:
    """Plan and apply what the devices' own tables carry out: those rules go on working when the daemon does not.

    What a device holds is compared with the rules and with the ledger, which says which rows are ours.  Rows of others
    are never touched, and a row of ours that a person changed is not overwritten without being asked.
    """


@contextmanager
def _errors_end_with_1() -> Iterator[None]:
    """Raise what is wrong as the kind of error that ends with 1."""
    try:
        yield
    except click.UsageError as problem:
        command = f" (see {problem.ctx.command_path} --help)" if problem.ctx else ""
        raise TapoAutomateError(problem.format_message() + command) from problem
    except click.ClickException as problem:
        raise TapoAutomateError(problem.format_message()) from problem
    except DeviceError:
        raise  # ends with 3, as everywhere
    except TapoAutomateError as problem:
        raise TapoAutomateError(str(problem)) from problem
