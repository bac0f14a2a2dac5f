"""`sync apply`: a plan carried out, one made on the spot or one that was saved."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from tapo_automate.cli.home import chosen_devices, open_registry, specs_of, state_folder, state_option
from tapo_automate.cli.sync import EXIT_CODES
from tapo_automate.cli.sync_notes import notes
from tapo_automate.cli.sync_options import (
    allowed,
    allowing,
    at_home,
    backups_in,
    confirm,
    device_option,
    ledger_path,
    load_rules,
    planning,
    writing,
)
from tapo_automate.cli.sync_plan import exit_code, plan_as_dict
from tapo_automate.cli.sync_survey import ask_carefully, plan_of, read_devices
from tapo_automate.cli.sync_text import SIGNS, count, main_words, place_words, plan_lines, show
from tapo_automate.cli.when import utc_now
from tapo_automate.errors import ApplyIncomplete, ConfigError, PlanStale, TapoAutomateError, Unsupported
from tapo_automate.rows import HoldsTables
from tapo_automate.sync.model import Change, DevicePlan, Plan, Reading

if TYPE_CHECKING:
    from tapo_automate.device import Device, DeviceSpec
    from tapo_automate.registry import Registry
    from tapo_automate.rules.model import RuleBook
    from tapo_automate.sync.apply import Applied, Told
    from tapo_automate.sync.backup import Backups
    from tapo_automate.sync.ledger import LedgerFile

Work: TypeAlias = "Callable[[HoldsTables, DevicePlan, Told], Applied]"
"""Does what a plan says of a device; raises as `apply_device` does."""

_CARRIED = ("create", "update", "delete", "adopt")


@click.command(epilog=EXIT_CODES)
@click.argument("saved", required=False, metavar="[PLAN]", type=click.Path(path_type=Path, dir_okay=False))
@at_home
@state_option
@device_option
@planning
@writing
@allowing
def apply(
    saved: Path | None,
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    as_json: bool,
    state: Path | None,
    only: tuple[str, ...],
    fix_clock: bool,
    rearm: bool,
    dry_run: bool,
    yes: bool,
    **allow: bool,
) -> None:
    """Bring the devices' own tables to where the rules want them.

    PLAN is a file that `sync plan -o` has written: exactly that is carried out, and a device that changed since is
    refused.  Without PLAN one is made, shown, and carried out once you have agreed to it.

    Before a device is written to, what it holds is kept in the state folder (`sync restore`).
    """
    from tapo_automate.sync.ledger import LedgerFile, locked
    from tapo_automate.sync.plan import stops

    if saved and (fix_clock or rearm):
        raise click.UsageError("a saved plan is carried out as it is: give --fix-clock and --rearm to `sync plan`")
    book = load_rules(rules)
    chosen = chosen_devices(book, only)
    path = ledger_path(ledger, rules)
    registry = open_registry(credentials)
    with nullcontext() if dry_run else locked(path):
        file = LedgerFile(path)
        readings: dict[str, Reading] = {}
        if saved:
            plan = _saved(saved, book, chosen if only else None)
        else:
            readings, problems = read_devices(registry, specs_of(book, chosen))
            plan = plan_of(book, chosen, file.ledger, readings, problems, utc_now(), fix_clock=fix_clock, rearm=rearm)
        if not as_json:
            show(plan_lines(plan))
        elif not (yes or dry_run):
            show(plan_lines(plan), err=True)  # whoever is asked has to see it
        if not only:
            show(notes(book, file.ledger, readings), err=True)
        stops(plan, file.ledger, allowed(allow))
        outcome = Outcome(plan)
        ids = [device.device for device in plan.devices if to_do(device)]
        if ids and not dry_run:
            confirm("Carry this out?", yes=yes)
            file.check_writable()
            work = applying(book, file, backups_in(state_folder(state)))
            outcome = carry_out(plan, ids, book, registry, work)
    report(outcome, as_json=as_json, dry_run=dry_run)
    raise SystemExit(exit_code(plan) if dry_run else outcome.exit_code)


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    done, left: device -> texts of its changes.  problems: device -> what went wrong.  settled: how much of its drift is
    none any more.
    """

    plan: Plan
    done: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: dict[str, TapoAutomateError] = field(default_factory=dict)
    settled: int = 0

    @property
    def drift_left(self) -> int:
        """How many rows of ours are not as we wrote them."""
        changes = (change for device in self.plan.devices for change in device.changes)
        return sum(change.action == "drift" for change in changes) - self.settled

    @property
    def exit_code(self) -> int:
        """3 where a device failed, 2 where drift is left or a rule is carried out by nobody, else 0."""
        if self.problems or any(device.error for device in self.plan.devices):
            return 3
        return 2 if self.drift_left or self.plan.neglects else 0


def to_do(device: DevicePlan) -> bool:
    """Whether apply has anything to do with a device: a write, or a row to enter in the ledger."""
    return device.writes or any(change.action == "adopt" for change in device.changes)


def applying(book: RuleBook, ledger: LedgerFile, backups: Backups) -> Work:
    """Return what carries out a device's plan."""
    from tapo_automate.sync.apply import apply_device

    def work(device: HoldsTables, plan: DevicePlan, told: Told) -> Applied:
        return apply_device(
            device, plan, book=book, ledger=ledger, backups=backups, now=utc_now(), told=told, clock=utc_now
        )

    return work


def carry_out(plan: Plan, device_ids: Iterable[str], book: RuleBook, registry: Registry, work: Work) -> Outcome:
    """Do this work on these devices of a plan, side by side; one that fails keeps the others from nothing."""
    outcome = Outcome(plan)
    plans = {device.device: device for device in plan.devices if device.device in set(device_ids)}

    def change(spec: DeviceSpec, device: Device) -> None:
        if not isinstance(device, HoldsTables):
            raise Unsupported(spec.host or spec.mac, f"the driver {spec.driver!r} offers no tables")

        def told(change: Change, said: str) -> None:
            if said == "done":
                # Not by click, which writes past the progress that is shown, and into its line.
                sys.stderr.write(f"{spec.id}: {SIGNS[change.action]} {place_words(change)} {main_words(change)}\n")

        applied = work(device, plans[spec.id], told)
        outcome.done[spec.id], outcome.warnings[spec.id] = applied.done, applied.warnings

    outcome.problems = ask_carefully(registry, specs_of(book, plans), change, "writing")
    for device_id, problem in outcome.problems.items():
        if isinstance(problem, ApplyIncomplete):
            outcome.done[device_id], outcome.left[device_id] = problem.done, problem.left
        else:
            outcome.left[device_id] = tuple(each.text for each in plans[device_id].changes if each.action in _CARRIED)
    return outcome


def report(outcome: Outcome, *, as_json: bool, dry_run: bool) -> None:
    """Print what became of a plan: as JSON on stdout, else a line on stdout and what went wrong on stderr."""
    if as_json:
        click.echo(json.dumps(_as_json(outcome), indent=2, ensure_ascii=False))
    for device_id, warnings in outcome.warnings.items():
        show((click.style(f"{device_id}: warning: {warning}", fg="yellow") for warning in warnings), err=True)
    for device_id, problem in outcome.problems.items():
        text = str(problem)
        words = text if text.startswith(f"{device_id}: ") else f"{device_id}: {text}"
        show([click.style(words, fg="red")], err=True)
        show((f"  left: {each}" for each in outcome.left.get(device_id, ())), err=True)
    if not (as_json or dry_run) and (outcome.done or outcome.problems):
        click.echo(_summary(outcome))


def _saved(path: Path, book: RuleBook, chosen: Collection[str] | None) -> Plan:
    """Return a saved plan, of the chosen devices alone where any are chosen.  Raises ConfigError where it is no use."""
    from tapo_automate.sync.planfile import load_plan

    try:
        plan = load_plan(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such plan; `sync plan -o {path}` makes one") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is no plan; `sync plan -o FILE` makes one") from None
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror}") from None
    if chosen is not None:
        plan = replace(plan, devices=tuple(device for device in plan.devices if device.device in chosen))
    if unknown := [device.device for device in plan.devices if device.device not in book.devices]:
        raise ConfigError(f"{path}: the rules have no device {unknown[0]!r}; make a new plan with `sync plan`")
    return plan


def _as_json(outcome: Outcome) -> dict[str, Any]:
    found = plan_as_dict(outcome.plan)
    for device in found["devices"]:
        name = device["device"]
        problem = outcome.problems.get(name)
        device["done"] = list(outcome.done.get(name, ()))
        device["left"] = list(outcome.left.get(name, ()))
        device["warnings"] += outcome.warnings.get(name, ())
        device["error"] = str(problem) if problem else device["error"]
    return found


def _summary(outcome: Outcome) -> str:
    changes = sum(map(len, outcome.done.values()))
    devices = sum(1 for done in outcome.done.values() if done)
    line = f"Done: {count(changes, 'change')} on {count(devices, 'device')}"
    if outcome.problems:
        line += f"; {count(len(outcome.problems), 'device')} failed"
        if not all(isinstance(problem, PlanStale) for problem in outcome.problems.values()):
            line += ", run it again to go on"
    return line + (f"; {outcome.drift_left} drift left, see `sync drift`." if outcome.drift_left else ".")
