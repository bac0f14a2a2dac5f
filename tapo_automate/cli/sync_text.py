"""A plan as people read it at a terminal: what changes on each device, and what stays with the daemon."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from tapo_automate.rows import TableName
from tapo_automate.sync.model import Change, DevicePlan, Plan, Quota
from tapo_automate.sync.rows import in_words

SIGNS = {"create": "+", "update": "~", "delete": "-", "adopt": "↻", "drift": "!"}
TABLE_WORDS: Mapping[TableName, str] = {
    "schedule": "schedule",
    "countdown": "countdown",
    "antitheft": "antitheft",
    "auto_off": "auto-off",
    "power_protection": "power protection",
}
COLORS = {"create": "green", "update": "yellow", "delete": "red", "adopt": "cyan", "drift": "magenta"}
_MOST_NAMES = 6
_MOST_LINES = 20


def show(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines that hold colours; they are left out for what is no terminal, and where NO_COLOR is set."""
    color = False if os.environ.get("NO_COLOR") else None  # of no-color.org click knows nothing
    for line in lines:
        click.echo(line, color=color, err=err)


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan: the devices with anything to say, the daemon's rules, the others, the totals."""
    quiet = []
    for device in plan.devices:
        if device.error or device.warnings or device.pending or any(each.failed for each in device.nowhere.values()):
            yield from device_lines(device)
            yield ""
        else:
            quiet.append(device)
    if quiet:
        yield from _quiet_lines(quiet)
        yield ""
    if with_daemon := list(_with_daemon(plan)):
        yield click.style("With the daemon", bold=True)
        yield from with_daemon
        yield ""
    yield totals_line(plan)


def device_lines(device: DevicePlan, *, choice: bool = True) -> Iterator[str]:
    """Yield what a plan says of one device: header, places, changes, warnings.

    choice: say, after the last of its rows that people have changed, how that is settled.
    """
    yield click.style(device.device, bold=True) + (f"  {quota_words(device.quota)}" if device.quota else "")
    if device.error:
        yield click.style(f"  cannot be read: {device.error}", fg="red")
        return
    if device.fix_clock:
        yield click.style("  ~ clock            set to the site's time and zone", fg="yellow")
    for change in device.changes:
        if change.action != "foreign":
            yield from change_lines(change, device)
    if choice and (words := choice_words(device)):
        yield f"    {'choose':<16} {words}"
    for rule_id, nowhere in device.nowhere.items():
        if nowhere.failed:
            yield click.style(f"  ✗ {rule_id}: carried out by nobody: {nowhere.reason}", fg="red")
    for warning in device.warnings:
        yield click.style(f"  warning: {warning}", fg="yellow")


def change_lines(change: Change, device: DevicePlan) -> Iterator[str]:
    """Yield one change: its line, and beneath it the other side, or the reason."""
    color = COLORS.get(change.action)
    place = place_words(change)
    yield click.style(f"  {SIGNS[change.action]} {place:<16} {main_words(change)}", fg=color) + _for_rules(change)
    for label, text in details(change, device):
        yield f"    {label:<16} {text}"


def details(change: Change, device: DevicePlan) -> Iterator[tuple[str, str]]:
    """Yield what stands beneath a change as (label, words): "was", "now", "why"."""
    match change.action:
        case "update" if change.before is not None:
            yield "was", in_words(change.before)
        case "delete":
            yield "why", _why_gone(change, device)
        case "adopt" if change.forgets:
            yield "", "is over or gone, and leaves the ledger; nothing is written"
        case "adopt" if change.after is None:
            yield "", "is over or stopped, and is not started again; nothing is written"
        case "adopt" if change.wanted is not None and not any(change.wanted.rules.values()):
            yield "", "sleeps with its table, which is switched off; nothing is written"
        case "adopt":
            yield "", "is there already and becomes ours; nothing is written"
        case "drift":
            if change.before is not None:  # else the line itself says both
                yield "now", in_words(change.after) if change.after is not None else "removed by hand"


def choice_words(device: DevicePlan) -> str:
    """Return how the drift of a device is settled, "" where it has none."""
    if all(change.action != "drift" for change in device.changes):
        return ""
    scope = f"sync drift --device {device.device}"
    return f"{scope} --restore (ours again), --adopt (change the rule) or --ignore (leave it so)"


def place_words(change: Change) -> str:
    """Return where a row is: "schedule S3", "auto-off"."""
    return f"{TABLE_WORDS[change.table]} {change.row_id}".rstrip()


def quota_words(quota: Mapping[TableName, Quota]) -> str:
    """Return the places of the tables that hold anything: "schedule 5 of 32, 2 not ours; countdown 0 of 1".

    Where a plan changes the number, both stand there: "schedule 5 → 7 of 32".
    """
    said = []
    for table, places in quota.items():
        if table != "schedule" and not (places.used or places.after):
            continue
        taken = str(places.used) if places.after == places.used else f"{places.used} → {places.after}"
        foreign = f", {places.foreign} not ours" if places.foreign else ""
        said.append(f"{TABLE_WORDS[table]} {taken} of {places.max}{foreign}")
    return "; ".join(said)


def totals_line(plan: Plan) -> str:
    """Return "Plan: 2 to create, 1 to change, 0 to delete; 1 drift. 3 rules stay with the daemon."."""
    changes = [change.action for device in plan.devices for change in device.changes]
    clocks = sum(device.fix_clock for device in plan.devices)
    failed = sum(bool(device.error) for device in plan.devices)
    line = "Nothing to do." if not (plan.pending or failed) else _to_do(changes)
    if clocks:
        line += f" {count(clocks, 'clock')} to set."
    if failed:
        line += f" {count(failed, 'device')} could not be read."
    with_daemon = {rule_id for device in plan.devices for rule_id in device.daemon}
    if with_daemon:
        line += f" {count(len(with_daemon), 'rule')} {'stays' if len(with_daemon) == 1 else 'stay'} with the daemon."
    nobody = {rule_id for device in plan.devices for rule_id, each in device.nowhere.items() if each.failed}
    if nobody:
        line += f" {count(len(nobody), 'rule')} {'is' if len(nobody) == 1 else 'are'} carried out by nobody."
    return line


def count(number: int, noun: str) -> str:
    """Return "1 rule", "3 rules"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def names(ids: Iterable[str]) -> str:
    """Return "porch, garden and 3 more"."""
    listed = list(ids)
    if len(listed) <= _MOST_NAMES:
        return ", ".join(listed)
    return f"{', '.join(listed[: _MOST_NAMES - 1])} and {len(listed) - _MOST_NAMES + 1} more"


def daemon_reasons(plan: Plan) -> Mapping[tuple[str, str], list[str]]:
    """Return the devices by (rule, reason why it stays with the daemon)."""
    found: dict[tuple[str, str], list[str]] = {}
    for device in plan.devices:
        for rule_id, in_daemon in device.daemon.items():
            found.setdefault((rule_id, in_daemon.reason), []).append(device.device)
    return found


def _with_daemon(plan: Plan) -> Iterator[str]:
    for (rule_id, reason), devices in daemon_reasons(plan).items():
        yield f"  {rule_id} ({names(devices)}): {reason}"


def _quiet_lines(quiet: list[DevicePlan]) -> Iterator[str]:
    verb = "is" if len(quiet) == 1 else "are"
    yield click.style(f"{count(len(quiet), 'device')} {verb} as the rules want", bold=True)
    if len(quiet) <= _MOST_LINES:
        yield from (f"  {device.device}  {quota_words(device.quota)}".rstrip() for device in quiet)
        return
    alike: dict[str, list[str]] = {}
    for device in quiet:
        alike.setdefault(quota_words(device.quota) or "no tables", []).append(device.device)
    yield from (f"  {quota}: {names(ids)}" for quota, ids in alike.items())


def _to_do(actions: Sequence[str]) -> str:
    line = (
        f"Plan: {actions.count('create')} to create, {actions.count('update')} to change, "
        f"{actions.count('delete')} to delete"
    )
    if actions.count("adopt"):
        line += f", {actions.count('adopt')} to adopt"
    if actions.count("drift"):
        line += f"; {actions.count('drift')} drift"
    return line + "."


def main_words(change: Change) -> str:
    """Return the row that a change is about: as it will be, as it was where it goes, of a drift as we wrote it."""
    row = change.before if change.action in ("delete", "drift") else change.after or change.before
    return in_words(row) if row is not None else change.text


def _for_rules(change: Change) -> str:
    return click.style(f"   {', '.join(change.rules)}", dim=True) if change.rules else ""


def _why_gone(change: Change, device: DevicePlan) -> str:
    for rule_id in change.rules:
        if rule_id in device.daemon:
            return f"{rule_id} goes to the daemon: {device.daemon[rule_id].reason}"
        if rule_id in device.nowhere:
            return f"{rule_id}: {device.nowhere[rule_id].reason}"
    return "no rule wants it any more"
