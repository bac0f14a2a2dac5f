"""`tapo-automate doctor`: a look over every device and over this computer, with a remedy for what is not well."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tapo_automate.cli.doctor_device import Finding, findings, out_of_reach
from tapo_automate.cli.home import (
    chosen_devices,
    credentials_option,
    open_registry,
    specs_of,
    state_folder,
    state_option,
)
from tapo_automate.cli.options import installed_drivers, rules_option
from tapo_automate.cli.sync_options import ledger_option, ledger_path
from tapo_automate.cli.sync_survey import look_over
from tapo_automate.cli.sync_text import count, show
from tapo_automate.cli.when import utc_now

if TYPE_CHECKING:
    pass

_MARKS: Mapping[str, str] = {"ok": "✓", "warn": "!", "fail": "✗"}
_COLORS: Mapping[str, str] = {"ok": "green", "warn": "yellow", "fail": "red"}
_HERE = "this computer"


@click.command(
    epilog="""\b
Exit codes:
  0  all is well
  1  something fails
  2  nothing fails, and something is to be put right; or wrong use
"""
)
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@rules_option
@ledger_option
@credentials_option
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show also what is well with each device.")
def doctor(
    devices: tuple[str, ...],
    rules: tuple[str, ...],
    ledger: Path | None,
    credentials: Path | None,
    state: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Look over devices (all, or those named) and this computer, and say what to put right.  Changes nothing.

    Of each device: whether it answers and how, firmware, clock, time zone, location (in minutes of sun), its tables'
    switches, versions and places, its next event, and whether it renews its firmware by itself.
    """
    seen = _look(devices, rules, ledger, credentials, state)
    levels = {finding.level for found in seen.values() for finding in found}
    worst: Literal["fail", "warn", "ok"] = "fail" if "fail" in levels else "warn" if "warn" in levels else "ok"
    if as_json:
        click.echo(json.dumps(_as_json(seen, worst), indent=2, ensure_ascii=False))
    else:
        show(_lines(seen, verbose=verbose))
    raise SystemExit({"ok": 0, "fail": 1, "warn": 2}[worst])


def _look(
    devices: tuple[str, ...], rules: tuple[str, ...], ledger: Path | None, credentials: Path | None, state: Path | None
) -> dict[str, list[Finding]]:
    """Return what was found, by device, this computer first."""
    from platformdirs import user_config_path

    from tapo_automate.cli import doctor_asks as asked_for
    from tapo_automate.cli import doctor_local as local
    from tapo_automate.rules.load import load

    now = utc_now()
    loaded = load(rules, drivers=installed_drivers())
    known, about_ledger = local.ledger_of(ledger_path(ledger, rules))
    here = [local.rules_finding(loaded), about_ledger, local.journal_finding(state_folder(state), now)]
    here.append(local.zones_finding(now))
    book = loaded.book
    if book is None:
        return {_HERE: [*here, local.clock_finding(())]}
    registry = open_registry(credentials)
    specs = specs_of(book, chosen_devices(book, devices))
    about_credentials = local.credentials_finding(
        registry, specs, credentials or user_config_path("tapo-automate") / "credentials.toml"
    )
    here += [about_credentials, *local.left_finding(book, known)]
    if about_credentials.level == "fail":
        return {_HERE: [*here, local.clock_finding(())]}
    looks, problems = look_over(registry, specs)
    here.append(local.clock_finding(look.reading for look in looks.values()))
    seen = {_HERE: here}
    for spec in specs:
        if spec.id in problems:
            ours = asked_for.whether_ours(registry, spec, problems[spec.id])
            found = out_of_reach(problems[spec.id], ours=ours)
        else:
            look = looks[spec.id]
            found = list(findings(look.reading, book.site, known.of(spec.id), look.auto_update, now))
        seen[spec.id] = [*found, *asked_for.sessions_taken(spec, state_folder(state), now)]
    return seen


def _as_json(seen: Mapping[str, Iterable[Finding]], worst: str) -> dict[str, Any]:
    def rows(found: Iterable[Finding]) -> list[dict[str, Any]]:
        return [
            {"check": each.check, "level": each.level, "text": each.text, "remedy": each.remedy or None}
            for each in found
        ]

    return {
        "level": worst,
        "here": rows(seen[_HERE]),
        "devices": [{"device": name, "findings": rows(found)} for name, found in seen.items() if name != _HERE],
    }


def _lines(seen: Mapping[str, list[Finding]], *, verbose: bool) -> Iterator[str]:
    well = []
    for name, found in seen.items():
        if name != _HERE and not verbose and all(finding.level == "ok" for finding in found):
            well.append(name)
            continue
        yield click.style(name, bold=True)
        for finding in found:
            if verbose or name == _HERE or finding.level != "ok":
                yield from _finding_lines(finding)
        yield ""
    if well:
        yield click.style(f"{count(len(well), 'device')} with nothing to complain of", bold=True)
        yield from (f"  {_mark('ok')} {name}: {_in_short(seen[name])}" for name in well)
        yield ""
    levels = [finding.level for found in seen.values() for finding in found]
    yield f"{count(levels.count('fail'), 'failure')}, {count(levels.count('warn'), 'warning')}"


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"  {_mark(finding.level)} {finding.check:<12} {finding.text}"
    if finding.remedy:
        yield f"    {'':<12} → {finding.remedy}"


def _in_short(found: Iterable[Finding]) -> str:
    said = {finding.check: finding.text for finding in found}
    parts = [said.get("firmware"), *(f"{check} {said[check]}" for check in ("schedule", "next event") if check in said)]
    return "; ".join(filter(None, parts))


def _mark(level: str) -> str:
    return click.style(_MARKS[level], fg=_COLORS[level])
